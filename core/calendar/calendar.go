// Package calendar measures time on a business calendar: the hours of each weekday, without holidays, with exceptions.
// It has no clock and loads no zones; callers pass instants. Results are in UTC.
//
// Hours are local wall time and half open: a calendar that closes at 17:00 is closed at 17:00. What is measured
// between opening and closing is real elapsed time, so a night in which an hour is skipped or repeated counts one hour
// less or more. Where the wall clock is ambiguous, Instant says what is meant.
package calendar

import (
	"math"
	"slices"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
)

const (
	day = 24 * time.Hour

	// patience is how many days without any opening make a calendar one that never opens: five years.
	patience = 5*365 + 2

	// horizon is how far a due date may lie ahead, in days. Nobody promises anything for later than a lifetime.
	horizon = 100 * 366
)

// Due is when the target is used up if it starts at start. A target used up exactly at closing is due at closing.
// A target of zero is due at the next instant at which the calendar is open. The error is Invalid: a negative target, a calendar that does not open within five
// years, or a due date more than a hundred years ahead.
func Due(c org.Calendar, start time.Time, target time.Duration) (time.Time, error) {
	if target < 0 {
		return time.Time{}, fault.New(fault.Invalid, "due on calendar %q: a target of %s is negative", c.ID, target)
	}
	idle := 0
	w := walkFrom(c, start)
	for range horizon {
		for _, hours := range w.next() {
			from := later(hours.From, start)
			open := hours.Until.Sub(from)
			if open <= 0 {
				continue
			}
			if open >= target {
				return from.Add(target).UTC(), nil
			}
			target -= open
			idle = 0
		}
		if idle++; idle > patience {
			return time.Time{}, fault.New(fault.Invalid, "due on calendar %q: it does not open within five years of %s",
				c.ID, start.UTC().Format(time.RFC3339))
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "due on calendar %q: more than a hundred years after %s",
		c.ID, start.UTC().Format(time.RFC3339))
}

// Elapsed is how much of [from, to) the calendar was open; zero when to is not after from. It stops counting at the
// longest time.Duration, 292 years.
func Elapsed(c org.Calendar, from, to time.Time) time.Duration {
	var total time.Duration
	w := walkFrom(c, from)
	for w.before(to) {
		for _, hours := range w.next() {
			open := earlier(hours.Until, to).Sub(later(hours.From, from))
			if open <= 0 {
				continue
			}
			if total > math.MaxInt64-open {
				return math.MaxInt64
			}
			total += open
		}
	}
	return total
}

// Open reports whether the calendar is open at this instant.
func Open(c org.Calendar, at time.Time) bool {
	w := walkFrom(c, at)
	for w.before(at.Add(1)) {
		for _, hours := range w.next() {
			if hours.Contains(at) {
				return true
			}
		}
	}
	return false
}

// NextOpen is the first instant, not before at, at which the calendar is open: at itself when it is open then.
// It is false when the calendar does not open within five years.
func NextOpen(c org.Calendar, at time.Time) (time.Time, bool) {
	w := walkFrom(c, at)
	for range patience {
		for _, hours := range w.next() {
			if hours.Until.After(at) {
				return later(hours.From, at).UTC(), true
			}
		}
	}
	return time.Time{}, false
}

// walk visits the dates of a calendar in order.
type walk struct {
	calendar org.Calendar
	date     time.Time // midnight in Greenwich of the next date to visit
}

// walkFrom starts a day early: the hours of yesterday may still run when a clock was set back over midnight.
func walkFrom(c org.Calendar, at time.Time) *walk {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	return &walk{calendar: c, date: midnight(dateOf(at.In(c.Zone))).Add(-day)}
}

// before reports whether the next date begins before this instant.
func (w *walk) before(at time.Time) bool {
	return Instant(w.calendar.Zone, dateOf(w.date), 0).Before(at)
}

// next returns the opening hours of the next date as intervals, in order, none of them empty.
func (w *walk) next() []org.Interval {
	date := dateOf(w.date)
	w.date = w.date.Add(day)
	spans := hoursOn(w.calendar, date)
	hours := make([]org.Interval, 0, len(spans))
	for _, span := range spans {
		i := org.Interval{
			From:  Instant(w.calendar.Zone, date, minutes(span.From)),
			Until: Instant(w.calendar.Zone, date, minutes(span.Until)),
		}
		if i.From.Before(i.Until) {
			hours = append(hours, i)
		}
	}
	return hours
}

// HoursOn is what holds for one date, in order and apart: its exception, else nothing on a holiday, else the hours of its
// weekday.
func HoursOn(c org.Calendar, date org.Date) []org.Span { return hoursOn(c, date) }

// hoursOn is what holds for one date: its exception, else nothing on a holiday, else the hours of its weekday.
func hoursOn(c org.Calendar, date org.Date) []org.Span {
	if spans, ok := c.Exceptions[date]; ok {
		return tidy(spans)
	}
	if slices.ContainsFunc(c.Holidays, func(h org.Holiday) bool { return falls(h, date) }) {
		return nil
	}
	return tidy(c.Hours[midnight(date).Weekday()])
}

// tidy sorts spans and joins those that overlap: no minute of a day counts twice, however it was written down.
func tidy(spans []org.Span) []org.Span {
	tidied := make([]org.Span, 0, len(spans))
	for _, s := range spans {
		s = org.Span{From: max(s.From, 0), Until: min(s.Until, 24*60)}
		if s.From < s.Until {
			tidied = append(tidied, s)
		}
	}
	slices.SortFunc(tidied, func(a, b org.Span) int { return int(a.From - b.From) })
	joined := tidied[:0]
	for _, s := range tidied {
		if last := len(joined) - 1; last >= 0 && s.From <= joined[last].Until {
			joined[last].Until = max(joined[last].Until, s.Until)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

func falls(h org.Holiday, on org.Date) bool {
	return h.Date.Month == on.Month && h.Date.Day == on.Day && (h.Yearly || h.Date.Year == on.Year)
}

func minutes(t org.ClockTime) time.Duration { return time.Duration(t) * time.Minute }

func dateOf(t time.Time) org.Date {
	y, m, d := t.Date()
	return org.Date{Year: y, Month: m, Day: d}
}

func midnight(d org.Date) time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Hours are the stretches between two instants in which the calendar is open, in order and apart.
func Hours(c org.Calendar, from, until time.Time) []org.Interval {
	var all []org.Interval
	w := walkFrom(c, from)
	for w.before(until) {
		for _, hours := range w.next() {
			hours.From, hours.Until = later(hours.From, from), earlier(hours.Until, until)
			switch last := len(all) - 1; {
			case !hours.From.Before(hours.Until):
			case last >= 0 && !all[last].Until.Before(hours.From):
				all[last].Until = later(all[last].Until, hours.Until)
			default:
				all = append(all, hours)
			}
		}
	}
	return all
}
