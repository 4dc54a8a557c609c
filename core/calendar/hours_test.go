package calendar_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/org"
)

// The stretches of Hours are those instants of which Open says so, and as long as Elapsed says.
func TestHoursAreWhenItIsOpen(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	c := org.Calendar{Zone: berlin, Hours: map[time.Weekday][]org.Span{
		time.Monday: {{From: 0, Until: 24 * 60}}, time.Tuesday: {{From: 0, Until: 24 * 60}},
		time.Sunday: {{From: 60, Until: 4 * 60}}, // over the hour that is skipped or repeated
		time.Friday: {{From: 22 * 60, Until: 24 * 60}},
	}}
	require.Len(t, calendar.Hours(c, time.Date(2026, 1, 5, 12, 0, 0, 0, berlin), time.Date(2026, 1, 7, 12, 0, 0, 0, berlin)), 1, "two whole days are one stretch")
	rapid.Check(t, func(t *rapid.T) {
		from := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 300*24*60).Draw(t, "from")) * time.Minute)
		until := from.Add(time.Duration(rapid.IntRange(-60, 20*24*60).Draw(t, "length")) * time.Minute)
		var total time.Duration
		last := from
		for _, i := range calendar.Hours(c, from, until) {
			require.False(t, i.From.Before(last))
			require.True(t, i.From.Before(i.Until))
			require.False(t, i.Until.After(until))
			require.True(t, calendar.Open(c, i.From))
			require.True(t, calendar.Open(c, i.Until.Add(-time.Second)))
			if i.From.After(from) {
				require.False(t, calendar.Open(c, i.From.Add(-time.Second)))
			}
			last, total = i.Until, total+i.Until.Sub(i.From)
		}
		require.Equal(t, calendar.Elapsed(c, from, until), total)
	})
}
