package sla_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
)

// Whatever the calendar and whenever the ticket waits, the clock counts what somebody counts who looks at the wall and
// at the ticket once a minute. Hours begin and end where no clock is ever changed, so that the wall is never ambiguous.
func TestAClockCountsWhatSomebodySeesWhoLooksEveryMinute(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu",
		"Pacific/Chatham", "America/St_Johns", "Australia/Sydney", "Pacific/Auckland", "Europe/London"}
	rapid.Check(t, func(r *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(r, "zone"))
		if err != nil {
			r.Fatal(err)
		}
		from := time.Date(rapid.IntRange(2020, 2030).Draw(r, "year"), time.Month(rapid.IntRange(1, 12).Draw(r, "month")),
			rapid.IntRange(1, 28).Draw(r, "day"), rapid.IntRange(0, 23).Draw(r, "hour"), rapid.IntRange(0, 59).Draw(r, "minute"), 0, 0, time.UTC)
		hours := anyCalendar(r, zone, from)
		h := ticket.History{{At: from, Ticket: ticket.Ticket{OpenedAt: from, State: ticket.New}}}
		at := from
		for range rapid.IntRange(0, 6).Draw(r, "changes") {
			at = at.Add(time.Duration(rapid.IntRange(0, 2000).Draw(r, "later")) * time.Minute)
			h = append(h, ticket.Version{At: at, Ticket: ticket.Ticket{OpenedAt: from,
				State: rapid.SampledFrom([]ticket.State{ticket.Waiting, ticket.Working, ticket.Solved}).Draw(r, "state")}})
		}
		target := time.Duration(rapid.IntRange(1, 3000).Draw(r, "target")) * time.Minute
		c := clock(t, org.SLA{ID: "r", Metric: org.ResolveMetric, Target: target}, &hours, h)

		used, due := time.Duration(0), time.Time{}
		end := from.Add(12 * 24 * time.Hour)
		for m := from; m.Before(end); m = m.Add(time.Minute) {
			if stateAt(h, m) != ticket.Waiting && stateAt(h, m) != ticket.Solved && isOpen(hours, m.In(zone)) {
				used += time.Minute
			}
			if used == target && due.IsZero() {
				due = m.Add(time.Minute)
			}
		}
		require.Equal(r, used, c.Elapsed(end))
		got, seen := c.Due()
		if !due.IsZero() {
			require.True(r, seen)
			require.Equal(r, due, got)
		}
		if seen && !got.After(end) {
			require.Equal(r, due, got)
		}
	})
}

func stateAt(h ticket.History, at time.Time) ticket.State {
	state := h[0].Ticket.State
	for _, v := range h {
		if !v.At.After(at) {
			state = v.Ticket.State
		}
	}
	return state
}

// isOpen reads the wall.
func isOpen(c org.Calendar, wall time.Time) bool {
	today := org.Date{Year: wall.Year(), Month: wall.Month(), Day: wall.Day()}
	spans, exception := c.Exceptions[today]
	if !exception {
		spans = c.Hours[wall.Weekday()]
		for _, h := range c.Holidays {
			if h.Date.Month == today.Month && h.Date.Day == today.Day && (h.Yearly || h.Date.Year == today.Year) {
				spans = nil
			}
		}
	}
	minute := org.ClockTime(wall.Hour()*60 + wall.Minute())
	for _, s := range spans {
		if s.From <= minute && minute < s.Until {
			return true
		}
	}
	return false
}

func anyCalendar(r *rapid.T, zone *time.Location, near time.Time) org.Calendar {
	c := org.Calendar{ID: "any", Zone: zone, Hours: map[time.Weekday][]org.Span{}, Exceptions: map[org.Date][]org.Span{}}
	for d := time.Sunday; d <= time.Saturday; d++ {
		c.Hours[d] = anySpans(r)
	}
	day := func() org.Date {
		at := near.Add(time.Duration(rapid.IntRange(0, 12).Draw(r, "days")) * 24 * time.Hour)
		return org.Date{Year: at.Year(), Month: at.Month(), Day: at.Day()}
	}
	for range rapid.IntRange(0, 3).Draw(r, "holidays") {
		c.Holidays = append(c.Holidays, org.Holiday{Date: day(), Yearly: rapid.Bool().Draw(r, "yearly")})
	}
	for range rapid.IntRange(0, 2).Draw(r, "exceptions") {
		c.Exceptions[day()] = anySpans(r)
	}
	c.Hours[time.Monday] = []org.Span{{From: 0, Until: 24 * 60}} // it opens at all
	return c
}

func anySpans(r *rapid.T) []org.Span {
	if rapid.IntRange(0, 4).Draw(r, "always") == 0 {
		return []org.Span{{From: 0, Until: 24 * 60}}
	}
	var spans []org.Span
	at := 5 * 60
	for range rapid.IntRange(0, 3).Draw(r, "spans") {
		from := at + rapid.IntRange(0, 240).Draw(r, "from")
		until := from + rapid.IntRange(1, 300).Draw(r, "long")
		if until > 22*60 {
			break
		}
		spans = append(spans, org.Span{From: org.ClockTime(from), Until: org.ClockTime(until)})
		at = until
	}
	return spans
}
