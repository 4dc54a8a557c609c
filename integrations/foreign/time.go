package foreign

import (
	"strconv"
	"strings"
	"time"
)

// layouts of instants, the usual first. Those without a zone are taken as UTC.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02 15:04",
	"2006.01.02 15:04:05", "2006/01/02 15:04:05", "2006-01-02, 15:04:05",
	time.RFC1123Z, time.RFC1123, time.RFC850, time.ANSIC, time.UnixDate,
	"Mon Jan 2 15:04:05 MST 2006", "January 2, 2006 3:04 PM MST",
}

// Time is the instant at the first of the paths that has one that can be read: RFC 3339 and its relatives, or seconds,
// milliseconds, microseconds or nanoseconds since 1970. Zero when there is none.
func (o Object) Time(paths ...string) time.Time {
	for _, path := range paths {
		if at := Time(o.Text(path)); !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// Time reads an instant as Object.Time does, in UTC.
func Time(said string) time.Time {
	said = strings.TrimSpace(said)
	if said == "" {
		return time.Time{}
	}
	if f, err := strconv.ParseFloat(said, 64); err == nil {
		return since1970(said, f)
	}
	for _, layout := range layouts {
		if at, err := time.Parse(layout, said); err == nil {
			return sensible(at)
		}
	}
	return time.Time{}
}

// since1970 tells the unit by the size: whatever monitors report happened after 2001 and before 2286 in their unit.
func since1970(said string, f float64) time.Time {
	i, err := strconv.ParseInt(said, 10, 64)
	switch {
	case f < 1e9 || f >= 1e19:
		return time.Time{}
	case f < 1e10 && err != nil:
		return sensible(time.UnixMicro(int64(f * 1e6)))
	case err != nil:
		i = int64(f)
	}
	switch {
	case f < 1e10:
		return sensible(time.Unix(i, 0))
	case f < 1e13:
		return sensible(time.UnixMilli(i))
	case f < 1e16:
		return sensible(time.UnixMicro(i))
	}
	return sensible(time.Unix(0, i))
}

// sensible instants can be written as JSON again. Year zero is how some write never.
func sensible(at time.Time) time.Time {
	at = at.UTC()
	if at.Year() < 1971 || at.Year() > 9999 {
		return time.Time{}
	}
	return at
}
