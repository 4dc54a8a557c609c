package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/sla"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/service"
)

func officeHours() org.Calendar {
	c := org.Calendar{ID: "office", Zone: time.UTC, Hours: map[time.Weekday][]org.Span{}}
	for day := time.Monday; day <= time.Friday; day++ {
		c.Hours[day] = []org.Span{{From: 9 * 60, Until: 17 * 60}}
	}
	return c
}

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestABarShowsWhatLiesOutsideBusinessHours(t *testing.T) {
	hours := officeHours()
	c := clock{Name: "Resolve", From: at("2026-01-05 13:00"), Until: at("2026-01-06 13:00"), Hours: &hours} // 8 h of business in 24
	now := at("2026-01-05 21:00")
	require.Equal(t, 333, c.passed(now), "along the wall a third has passed")
	require.Equal(t, 50, c.used(now), "of what counts a half: 13 to 17 o'clock")
	require.Equal(t, []stretch{{X: 166, W: 667}}, c.closed(now), "17 to 9 o'clock")
	f := frame{Now: now, Zone: time.UTC}
	require.Equal(t, []string{"Outside business hours: counts again from Tue 6 Jan, 09:00"}, f.stands(c))
	require.Equal(t, "Resolve: 50 percent used, due Tue 6 Jan, 13:00, only business hours count, Outside business hours: counts again from Tue 6 Jan, 09:00", f.clockSaid(c))
	f.Language = tongue.German
	require.Equal(t, "Lösen: 50 Prozent verbraucht, fällig Di. 6. Jan., 13:00, nur Geschäftszeit zählt, Außerhalb der Geschäftszeit: zählt wieder ab Di. 6. Jan., 09:00", f.clockSaid(c))
	require.Empty(t, clock{From: at("2026-01-05 13:00"), Until: at("2026-01-06 13:00")}.closed(now), "around the clock")
}

func TestABarThatStandsSaysWhyAndHowMuchIsLeft(t *testing.T) {
	c := promised(sla.Clock{Name: "Solve in 4 h", Target: 4 * time.Hour, Segments: []sla.Segment{
		{From: at("2026-01-05 10:00"), Until: at("2026-01-05 11:00")},
		{From: at("2026-01-05 11:00"), Until: at("2026-01-05 12:00"), Paused: true, Reason: "waiting"},
		{From: at("2026-01-05 12:00"), Until: at("2026-01-05 13:00")},
		{From: at("2026-01-05 13:00"), Paused: true, Reason: "Awaiting change CHG7"},
	}}, 0)
	require.True(t, c.Until.IsZero(), "it cannot be seen when")
	now := at("2026-01-05 14:00")
	require.Equal(t, 2*time.Hour, c.Left)
	require.Equal(t, 50, c.used(now))
	require.Equal(t, []stretch{{X: 166, W: 167}, {X: 500, W: 166}}, c.stood(now))
	f := frame{Now: now, Zone: time.UTC}
	require.Equal(t, []string{"Stands: Awaiting change CHG7", "2 h left when it goes on"}, f.stands(c))
	require.Equal(t, "Solve in 4 h", f.clockName(c))
}

func TestABarSaysThatItWarnedAndThatItBroke(t *testing.T) {
	c := promised(sla.Clock{Name: "Answer", Target: time.Hour, Segments: []sla.Segment{{From: at("2026-01-05 10:00")}}, Thresholds: []org.Threshold{
		{Percent: 100, Act: org.Act{Do: org.Escalate}}, {Percent: 75, Act: org.Act{Do: org.Warn}}, {Percent: 90, Act: org.Act{Do: org.Warn}},
	}}, 0)
	said := func(now string) []string { return frame{Now: at(now)}.stands(c) }
	require.Empty(t, said("2026-01-05 10:40"))
	require.Equal(t, []string{"Warned at Mon 5 Jan, 10:45 UTC"}, said("2026-01-05 10:50"))
	require.Equal(t, []string{"Broken since Mon 5 Jan, 11:00 UTC"}, said("2026-01-05 11:30"))
	mark, past := c.due(at("2026-01-05 12:00"))
	require.True(t, past)
	require.Equal(t, 500, mark, "the bar goes on, and the mark stays where it was due")
	require.Equal(t, 200, c.used(at("2026-01-05 12:00")))
	warn, shown := c.warnAt(at("2026-01-05 10:00"))
	require.True(t, shown)
	require.Equal(t, "750", warn)
}

func TestClocksOfTheLadderCountOnTheCalendarOfTheirTier(t *testing.T) {
	st := story{Escalation: service.Escalation{Summary: escalation.Summary{
		State: escalation.Acked, OpenedAt: at("2026-01-05 10:00"), AcknowledgedAt: at("2026-01-05 10:05"),
		UpdateBy: at("2026-01-05 11:05"), ResolveBy: at("2026-01-06 10:00"), SnoozedUntil: at("2026-01-05 10:45"),
	}}}
	o := &org.Org{Calendars: map[id.Calendar]org.Calendar{"office": officeHours()}}
	for _, c := range st.clocks(o) {
		require.Nil(t, c.Hours, "what the workflow has not said is not made up")
	}
	st.Ahead.Calendar = "office"
	clocks := st.clocks(o)
	require.Len(t, clocks, 2)
	require.Equal(t, "Update", clocks[0].Name)
	require.Equal(t, "Resolve", clocks[1].Name)
	require.NotNil(t, clocks[1].Hours)
	require.Equal(t, []string{"Snoozed: nothing is done about it before Mon 5 Jan, 10:45 UTC"}, frame{Now: at("2026-01-05 10:30")}.stands(clocks[1]))
	require.Equal(t, id.Calendar("aside"), calendarOf(escalation.State{Aside: &org.Tier{Calendar: "aside"}}))
}
