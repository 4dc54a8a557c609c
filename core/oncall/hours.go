package oncall

import (
	"slices"
	"time"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/org"
)

// scan is how many days to look for the next or last span of a restriction: two weeks and a day, because a zone may
// leave out the one Friday (Apia, 2011) on which a layer would have been on call.
const scan = 15

// hours is the span around an instant in which the layer's restriction is open, or closed. Spans that touch are one;
// an open span is followed as far as the turn goes, which is all that matters of it.
func (l layer) hours(at time.Time, turn piece) (org.Interval, bool) {
	span, open := l.spanAt(at)
	if !open {
		return l.between(at), false
	}
	for range 60 * scan {
		if !turn.until.IsZero() && !span.Until.Before(turn.until) {
			break
		}
		next, ok := l.spanAt(span.Until)
		if !ok {
			break
		}
		span.Until = next.Until
	}
	for range 60 * scan {
		if !span.From.After(turn.from) {
			break
		}
		previous, ok := l.spanAt(span.From.Add(-1))
		if !ok {
			break
		}
		span.From = previous.From
	}
	return span, true
}

// spanAt is the union of the spans that contain an instant.
func (l layer) spanAt(at time.Time) (org.Interval, bool) {
	var union org.Interval
	found := false
	today := dateOf(at.In(l.zone))
	// A span of the day before may last until today, or until today again when a clock is set back over midnight.
	for offset := -2; offset <= 1; offset++ {
		for _, span := range l.spansOn(today, offset) {
			if !span.Contains(at) {
				continue
			}
			if !found {
				union, found = span, true
				continue
			}
			union = org.Interval{From: sooner(union.From, span.From), Until: later(union.Until, span.Until)}
		}
	}
	return union, found
}

// between is the span around an instant in which the restriction is closed.
func (l layer) between(at time.Time) org.Interval {
	today := dateOf(at.In(l.zone))
	closed := org.Interval{
		From:  calendar.Instant(l.zone, shift(today, -scan), 0),
		Until: calendar.Instant(l.zone, shift(today, scan), 0),
	}
	for offset := -scan; offset <= scan; offset++ {
		for _, span := range l.spansOn(today, offset) {
			if !span.Until.After(at) {
				closed.From = later(closed.From, span.Until)
			}
			if span.From.After(at) {
				closed.Until = sooner(closed.Until, span.From)
			}
		}
	}
	return closed
}

// spansOn are the spans that begin on a day, counted from another; none of them is empty.
func (l layer) spansOn(today org.Date, offset int) []org.Interval {
	date := shift(today, offset)
	weekday := time.Date(date.Year, date.Month, date.Day, 0, 0, 0, 0, time.UTC).Weekday()
	var spans []org.Interval
	for _, only := range l.Only {
		if len(only.Days) > 0 && !slices.Contains(only.Days, weekday) {
			continue
		}
		end := date
		if only.Until <= only.From {
			end = shift(date, 1)
		}
		span := org.Interval{
			From:  calendar.Instant(l.zone, date, time.Duration(only.From)*time.Minute),
			Until: calendar.Instant(l.zone, end, time.Duration(only.Until)*time.Minute),
		}
		if span.From.Before(span.Until) {
			spans = append(spans, span)
		}
	}
	return spans
}

func dateOf(t time.Time) org.Date {
	y, m, d := t.Date()
	return org.Date{Year: y, Month: m, Day: d}
}

func shift(d org.Date, days int) org.Date {
	return dateOf(time.Date(d.Year, d.Month, d.Day+days, 0, 0, 0, 0, time.UTC))
}
