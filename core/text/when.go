package text

import (
	"fmt"
	"time"

	"github.com/belayhq/belay/core/tongue"
)

// weekdays as Germans abbreviate them, Sunday first.
var weekdays = [...]string{"So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"}

func (r Reader) longTime(at time.Time) string {
	if r.Language == tongue.German {
		return weekdays[at.Weekday()] + at.Format(" 02.01.2006 15:04 MST")
	}
	return at.Format("Mon 2 Jan 2006 15:04 MST")
}

// shortTime leaves out what goes without saying: the date when it is the same day, the zone when it is the reader's own.
func (r Reader) shortTime(at, opened time.Time) string {
	clock := at.Format("15:04")
	if at.Location() == time.UTC {
		clock += " UTC"
	}
	switch days := at.Sub(opened); {
	case at.YearDay() == opened.YearDay() && at.Year() == opened.Year():
		return clock
	case days > 0 && days < 6*24*time.Hour:
		if r.Language == tongue.German {
			return weekdays[at.Weekday()] + " " + clock
		}
		return at.Format("Mon ") + clock
	}
	if r.Language == tongue.German {
		return at.Format("02.01. ") + clock
	}
	return at.Format("2 Jan ") + clock
}

// Duration says a length of time as people do, in the two largest units: "45 seconds", "1 hour 30 minutes", "2 days".
// What is shorter than a second is "a moment"; a negative length is said without its sign.
func Duration(d time.Duration) string {
	if d < 0 {
		d = -max(d, -1<<63+1)
	}
	parts := []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}
	for i, part := range parts {
		if d < part.length {
			continue
		}
		said := count(d/part.length, part.name)
		if i+1 < len(parts) {
			if rest := d % part.length / parts[i+1].length; rest > 0 {
				said += " " + count(rest, parts[i+1].name)
			}
		}
		return said
	}
	return "a moment"
}

func count(n time.Duration, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", int64(n), unit)
}
