package oncall_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/oncall"
	"github.com/belayhq/belay/core/org"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

// on reads wall time in a zone: "2026-03-29 09:00".
func on(t testing.TB, z *time.Location, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", s, z)
	require.NoError(t, err)
	return at
}

// rota prints shifts as people write them down.
func rota(z *time.Location, shifts []oncall.Shift) []string {
	var lines []string
	for _, s := range shifts {
		who := s.Person
		if who == "" {
			who = "nobody"
		}
		lines = append(lines, fmt.Sprintf("%s – %s %s", s.From.In(z).Format("Mon 2 Jan 15:04"), s.Until.In(z).Format("Mon 2 Jan 15:04"), who))
	}
	return lines
}

func weekly(z *time.Location, start time.Time, people ...id.Person) org.Schedule {
	return org.Schedule{ID: "payments", Zone: z, Layers: []org.Layer{{
		Name: "weekly", People: people, Start: start, Rotation: org.Rotation{Every: org.Weekly, Count: 1},
	}}}
}

func TestHandoffKeepsItsWallTimeOverBothEdges(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	s := weekly(berlin, on(t, berlin, "2026-03-23 09:00"), "ana", "ben")
	require.Equal(t, []string{
		"Mon 23 Mar 09:00 – Mon 30 Mar 09:00 ana",
		"Mon 30 Mar 09:00 – Mon 6 Apr 09:00 ben",
		"Mon 6 Apr 09:00 – Mon 13 Apr 09:00 ana",
	}, rota(berlin, oncall.Shifts(s, nil, on(t, berlin, "2026-03-23 09:00"), on(t, berlin, "2026-04-13 09:00"))))

	duty, ok := oncall.At(s, nil, on(t, berlin, "2026-10-26 08:59"))
	require.True(t, ok)
	require.Equal(t, id.Person("ana"), duty.Person, "thirty weeks later")
	require.Equal(t, 7*24*time.Hour+time.Hour, duty.Until.Sub(duty.From), "the week in which the clocks go back")
}

func TestHandoffInAnHourThatIsSkippedOrRepeated(t *testing.T) {
	for _, scene := range []struct {
		name, zone, start, date, want string
	}{
		{"skipped: the first instant after", "Europe/Berlin", "2026-03-27 02:30", "2026-03-29", "2026-03-29T03:00:00+02:00"},
		{"the next day it is back", "Europe/Berlin", "2026-03-27 02:30", "2026-03-30", "2026-03-30T02:30:00+02:00"},
		{"repeated: the first occurrence", "Europe/Berlin", "2026-10-23 02:30", "2026-10-25", "2026-10-25T02:30:00+02:00"},
		{"half an hour, skipped", "Australia/Lord_Howe", "2026-10-02 02:15", "2026-10-04", "2026-10-04T02:30:00+11:00"},
		{"half an hour, repeated", "Australia/Lord_Howe", "2026-04-03 01:45", "2026-04-05", "2026-04-05T01:45:00+11:00"},
		{"a day that Apia left out", "Pacific/Apia", "2011-12-27 09:00", "2011-12-31", "2011-12-31T00:00:00+14:00"},
		{"midnight skipped", "America/Sao_Paulo", "2018-11-01 00:00", "2018-11-04", "2018-11-04T01:00:00-02:00"},
	} {
		t.Run(scene.name, func(t *testing.T) {
			z := zone(t, scene.zone)
			s := weekly(z, on(t, z, scene.start), "ana", "ben", "cy")
			s.Layers[0].Rotation.Every = org.Daily
			evening := on(t, z, scene.date+" 23:00").Add(-26 * time.Hour)
			var handoffs []string
			for _, shift := range oncall.Shifts(s, nil, evening, evening.Add(26*time.Hour)) {
				if shift.From.After(evening) {
					handoffs = append(handoffs, shift.From.In(z).Format(time.RFC3339))
				}
			}
			require.Contains(t, handoffs, scene.want)
		})
	}
}

func TestCustomTurnsHaveAFixedLength(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	s := weekly(berlin, on(t, berlin, "2026-03-28 20:00"), "ana", "ben")
	s.Layers[0].Rotation = org.Rotation{Every: org.Custom, Each: 12 * time.Hour}
	require.Equal(t, []string{
		"Sat 28 Mar 20:00 – Sun 29 Mar 09:00 ana",
		"Sun 29 Mar 09:00 – Sun 29 Mar 21:00 ben",
	}, rota(berlin, oncall.Shifts(s, nil, on(t, berlin, "2026-03-28 20:00"), on(t, berlin, "2026-03-29 21:00"))))
}

// Off-by-one on restricted days is the classic: eight weeks, written out by hand.
func TestAWeekdayRotaOverEightWeeks(t *testing.T) {
	london := zone(t, "Europe/London")
	s := weekly(london, on(t, london, "2026-03-02 09:00"), "ana", "ben", "cy")
	s.Layers[0].Only = []org.WeekHours{{
		Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}, From: 9 * 60, Until: 17 * 60,
	}}
	turns := []id.Person{"ana", "ben", "cy", "ana", "ben", "cy", "ana", "ben"}
	for week, want := range turns {
		for day := range 7 {
			for hour := range 24 {
				at := time.Date(2026, 3, 2+7*week+day, hour, 0, 0, 0, london)
				duty, ok := oncall.At(s, nil, at)
				open := day < 5 && hour >= 9 && hour < 17
				require.Equal(t, open, ok, at)
				if open {
					require.Equal(t, want, duty.Person, at)
					require.Equal(t, time.Date(2026, 3, 2+7*week+day, 9, 0, 0, 0, london).UTC(), duty.From)
					require.Equal(t, time.Date(2026, 3, 2+7*week+day, 17, 0, 0, 0, london).UTC(), duty.Until)
				}
			}
		}
	}
}

func TestNightsOverMidnightBelongToTheDayOnWhichTheyBegin(t *testing.T) {
	z := zone(t, "America/New_York")
	s := weekly(z, on(t, z, "2026-01-05 12:00"), "ana")
	s.Layers[0].Only = []org.WeekHours{{Days: []time.Weekday{time.Friday, time.Saturday}, From: 22 * 60, Until: 6 * 60}}
	require.Equal(t, []string{
		"Thu 8 Jan 00:00 – Fri 9 Jan 22:00 nobody",
		"Fri 9 Jan 22:00 – Sat 10 Jan 06:00 ana",
		"Sat 10 Jan 06:00 – Sat 10 Jan 22:00 nobody",
		"Sat 10 Jan 22:00 – Sun 11 Jan 06:00 ana",
		"Sun 11 Jan 06:00 – Tue 13 Jan 00:00 nobody",
	}, rota(z, oncall.Shifts(s, nil, on(t, z, "2026-01-08 00:00"), on(t, z, "2026-01-13 00:00"))))
}

func TestLayersAndOverridesInOrder(t *testing.T) {
	z := time.UTC
	s := weekly(z, on(t, z, "2026-01-05 00:00"), "base")
	s.Layers = append(s.Layers, org.Layer{
		Name: "days", People: []id.Person{"day", ""}, Start: on(t, z, "2026-01-05 08:00"),
		Rotation: org.Rotation{Every: org.Daily, Count: 1}, Only: []org.WeekHours{{From: 8 * 60, Until: 16 * 60}},
	})
	s.Overrides = []org.Override{
		{ID: "b1", Person: "written", From: on(t, z, "2026-01-05 10:00"), Until: on(t, z, "2026-01-05 14:00")},
	}
	live := []org.Override{
		{ID: "l1", Schedule: "payments", Person: "first", From: on(t, z, "2026-01-05 12:00"), Until: on(t, z, "2026-01-05 13:00")},
		{ID: "l2", Schedule: "payments", Person: "second", From: on(t, z, "2026-01-05 12:30"), Until: on(t, z, "2026-01-05 12:45")},
		{ID: "l3", Schedule: "other", Person: "stranger", From: on(t, z, "2026-01-05 00:00"), Until: on(t, z, "2026-01-07 00:00")},
		{ID: "l4", Schedule: "payments", Person: "backwards", From: on(t, z, "2026-01-05 20:00"), Until: on(t, z, "2026-01-05 19:00")},
		{ID: "l5", Schedule: "payments", Person: "", From: on(t, z, "2026-01-05 00:00"), Until: on(t, z, "2026-01-07 00:00")},
	}
	shifts := oncall.Shifts(s, live, on(t, z, "2026-01-05 00:00"), on(t, z, "2026-01-07 00:00"))
	require.Equal(t, []string{
		"Mon 5 Jan 00:00 – Mon 5 Jan 08:00 base",
		"Mon 5 Jan 08:00 – Mon 5 Jan 10:00 day",
		"Mon 5 Jan 10:00 – Mon 5 Jan 12:00 written",
		"Mon 5 Jan 12:00 – Mon 5 Jan 12:30 first",
		"Mon 5 Jan 12:30 – Mon 5 Jan 12:45 second",
		"Mon 5 Jan 12:45 – Mon 5 Jan 13:00 first",
		"Mon 5 Jan 13:00 – Mon 5 Jan 14:00 written",
		"Mon 5 Jan 14:00 – Mon 5 Jan 16:00 day",
		"Mon 5 Jan 16:00 – Wed 7 Jan 00:00 base", // the second day's turn is taken by nobody
	}, rota(z, shifts))
	require.Equal(t, id.Override("l2"), shifts[4].Override)
	require.Empty(t, shifts[4].Layer)
	require.Equal(t, "days", shifts[1].Layer)
}

func TestAGapTellsHowLongItLasts(t *testing.T) {
	z := time.UTC
	s := weekly(z, on(t, z, "2026-01-05 09:00"), "ana")
	s.Layers[0].Until = on(t, z, "2026-01-12 09:00")
	before, ok := oncall.At(s, nil, on(t, z, "2026-01-01 00:00"))
	require.False(t, ok)
	require.True(t, before.From.IsZero())
	require.Equal(t, on(t, z, "2026-01-05 09:00"), before.Until)
	after, ok := oncall.At(s, nil, on(t, z, "2026-01-12 09:00"))
	require.False(t, ok)
	require.Equal(t, on(t, z, "2026-01-12 09:00"), after.From)
	require.True(t, after.Until.IsZero())

	require.Equal(t, []org.Interval{
		{From: on(t, z, "2026-01-01 00:00"), Until: on(t, z, "2026-01-05 09:00")},
		{From: on(t, z, "2026-01-12 09:00"), Until: on(t, z, "2026-02-01 00:00")},
	}, oncall.Gaps(s, nil, on(t, z, "2026-01-01 00:00"), on(t, z, "2026-02-01 00:00")))

	_, ok = oncall.At(org.Schedule{}, nil, on(t, z, "2026-01-01 00:00"))
	require.False(t, ok)
	require.Empty(t, oncall.Shifts(s, nil, on(t, z, "2026-02-01 00:00"), on(t, z, "2026-01-01 00:00")))
}

// Whoever is added at the end takes their turn at the end: nobody's earlier turn moves.
func TestAddingSomebodyMovesNoTurnOfTheFirstRound(t *testing.T) {
	z := zone(t, "Europe/Berlin")
	start := on(t, z, "2026-01-05 09:00")
	before := oncall.Shifts(weekly(z, start, "ana", "ben"), nil, start, start.AddDate(0, 0, 14))
	after := oncall.Shifts(weekly(z, start, "ana", "ben", "cy"), nil, start, start.AddDate(0, 0, 21))
	require.Equal(t, before, after[:2])
	require.Equal(t, id.Person("cy"), after[2].Person)
}

func TestNoPlanStopsTheWorld(t *testing.T) {
	at := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	for name, l := range map[string]org.Layer{
		"started before the calendar": {People: []id.Person{"ana", "ben"}, Rotation: org.Rotation{Every: org.Weekly, Count: 1}},
		"fixed turns since year one":  {People: []id.Person{"ana", "ben"}, Rotation: org.Rotation{Every: org.Custom, Each: time.Hour}},
		"turns of no length":          {People: []id.Person{"ana"}, Start: at.AddDate(0, 0, -1), Rotation: org.Rotation{Every: org.Custom}},
		"turns of negative length":    {People: []id.Person{"ana"}, Start: at.AddDate(0, 0, -1), Rotation: org.Rotation{Every: org.Daily, Count: -3}},
		"turns of a million weeks":    {People: []id.Person{"ana"}, Start: at.AddDate(0, 0, -1), Rotation: org.Rotation{Every: org.Weekly, Count: 1 << 40}},
		"no kind of turn":             {People: []id.Person{"ana"}, Start: at.AddDate(0, 0, -1)},
	} {
		t.Run(name, func(t *testing.T) {
			s := org.Schedule{Layers: []org.Layer{l}}
			duty, ok := oncall.At(s, nil, at)
			require.True(t, ok)
			require.False(t, at.Before(duty.From))
			require.True(t, at.Before(duty.Until))
			require.Empty(t, oncall.Gaps(s, nil, at, at.Add(24*time.Hour)))
		})
	}
	never := org.Schedule{Layers: []org.Layer{{
		Name: "never", People: []id.Person{"ana", ""}, Start: at, Rotation: org.Rotation{Every: org.Custom, Each: 84 * time.Hour},
		Only: []org.WeekHours{{Days: []time.Weekday{time.Friday}}}, // never in ana's half of the week
	}}}
	require.Len(t, oncall.Gaps(never, nil, at, at.AddDate(3, 0, 0)), 1)
}
