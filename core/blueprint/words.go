package blueprint

import (
	"fmt"
	"strings"
	"time"

	"github.com/belayhq/belay/core/org"
)

// lasting is a duration as people say it: "10 min", "1 h 30 min", "2 d".
func lasting(d time.Duration) string {
	if d == 0 {
		return "none"
	}
	var parts []string
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / unit.length; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.name))
			d -= n * unit.length
		}
	}
	if len(parts) == 0 {
		return d.String()
	}
	return strings.Join(parts, " ")
}

// named is a list in words: "ana, ben", or the word for an empty one.
func named[T ~string](list []T, empty string) string {
	if len(list) == 0 {
		return empty
	}
	said := make([]string, len(list))
	for i, v := range list {
		said[i] = string(v)
		if v == "" {
			said[i] = "nobody"
		}
	}
	return strings.Join(said, ", ")
}

func targetNames(list []org.Target) []string {
	var out []string
	for _, target := range list {
		out = append(out, target.String())
	}
	return out
}

func clockText(at org.ClockTime) string { return fmt.Sprintf("%02d:%02d", at/60, at%60) }

func dateText(d org.Date) string {
	if d.Year == 0 {
		return fmt.Sprintf("every %d %s", d.Day, d.Month)
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// minuteText is an instant in a zone: "2026-12-24 09:00 CET".
func minuteText(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return "never"
	}
	if zone == nil {
		zone = time.UTC
	}
	return at.In(zone).Format("2006-01-02 15:04 MST")
}

func rotationText(r org.Rotation) string {
	switch r.Every {
	case org.Daily:
		if r.Count > 1 {
			return fmt.Sprintf("every %d days", r.Count)
		}
		return "daily"
	case org.Weekly:
		if r.Count > 1 {
			return fmt.Sprintf("every %d weeks", r.Count)
		}
		return "weekly"
	case org.Custom:
		return "every " + lasting(r.Each)
	}
	return "never"
}

func weekHoursText(list []org.WeekHours) string {
	if len(list) == 0 {
		return "always"
	}
	var out []string
	for _, h := range list {
		var names []string
		for _, day := range h.Days {
			names = append(names, shortDay(day))
		}
		out = append(out, named(names, "every day")+" "+clockText(h.From)+"–"+clockText(h.Until))
	}
	return strings.Join(out, "; ")
}

func spansText(list []org.Span) string {
	var out []string
	for _, s := range list {
		out = append(out, clockText(s.From)+"–"+clockText(s.Until))
	}
	return named(out, "closed")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
