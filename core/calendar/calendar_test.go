package calendar_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
)

// week is a calendar with the same hours on every day.
func week(t *testing.T, zoneName string, hours ...[2]string) org.Calendar {
	t.Helper()
	c := org.Calendar{ID: "test", Zone: zone(t, zoneName), Hours: map[time.Weekday][]org.Span{}}
	for d := time.Sunday; d <= time.Saturday; d++ {
		c.Hours[d] = spans(t, hours)
	}
	return c
}

func TestEveryWallTimeHappensOnce(t *testing.T) {
	for _, scene := range []struct{ name, zone, date, clock, want string }{
		{"an ordinary morning", "Europe/Berlin", "2026-07-01", "09:00", "2026-07-01T09:00:00+02:00"},
		{"24:00 is the next midnight", "Europe/Berlin", "2026-07-01", "24:00", "2026-07-02T00:00:00+02:00"},
		{"skipped: when the clock jumps over it", "Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T03:00:00+02:00"},
		{"the jump itself", "Europe/Berlin", "2026-03-29", "02:00", "2026-03-29T03:00:00+02:00"},
		{"repeated: the first time", "Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T02:30:00+02:00"},
		{"the end of what is repeated", "Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T03:00:00+01:00"},
		{"New York springs forward", "America/New_York", "2026-03-08", "02:15", "2026-03-08T03:00:00-04:00"},
		{"New York falls back", "America/New_York", "2026-11-01", "01:15", "2026-11-01T01:15:00-04:00"},
		{"half an hour is skipped", "Australia/Lord_Howe", "2026-10-04", "02:10", "2026-10-04T02:30:00+11:00"},
		{"half an hour is repeated", "Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-05T01:45:00+11:00"},
		{"midnight is skipped", "America/Sao_Paulo", "2018-11-04", "00:00", "2018-11-04T01:00:00-02:00"},
		{"an hour before midnight is repeated", "America/Sao_Paulo", "2018-02-17", "24:00", "2018-02-18T00:00:00-03:00"},
		{"a day is left out", "Pacific/Apia", "2011-12-30", "12:00", "2011-12-31T00:00:00+14:00"},
		{"the day after it", "Pacific/Apia", "2011-12-31", "12:00", "2011-12-31T12:00:00+14:00"},
		{"summer time ends for Ramadan", "Africa/Casablanca", "2026-02-15", "02:30", "2026-02-15T02:30:00+01:00"},
		{"three quarters of an hour", "Asia/Kathmandu", "2026-01-01", "10:00", "2026-01-01T10:00:00+05:45"},
	} {
		t.Run(scene.name, func(t *testing.T) {
			got := calendar.Instant(zone(t, scene.zone), date(t, scene.date), time.Duration(clock(t, scene.clock))*time.Minute)
			require.Equal(t, instant(t, scene.want).UTC(), got)
		})
	}
}

func TestAnHourSkippedOrRepeatedChangesTheAmount(t *testing.T) {
	always := func(z string) org.Calendar { return week(t, z, [2]string{"00:00", "24:00"}) }
	for _, scene := range []struct {
		name     string
		c        org.Calendar
		from, to string
		want     time.Duration
	}{
		{"Berlin, a day of 23 hours", always("Europe/Berlin"), "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 23 * time.Hour},
		{"Berlin, a day of 25 hours", always("Europe/Berlin"), "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 25 * time.Hour},
		{"Lord Howe, 24 and a half", always("Australia/Lord_Howe"), "2026-04-05T00:00:00+11:00", "2026-04-06T00:00:00+10:30", 24*time.Hour + 30*time.Minute},
		{"a night shift that springs forward", week(t, "Europe/Berlin", [2]string{"00:00", "06:00"}), "2026-03-29T00:00:00+01:00", "2026-03-29T12:00:00+02:00", 5 * time.Hour},
		{"a night shift that falls back", week(t, "Europe/Berlin", [2]string{"00:00", "06:00"}), "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00", 7 * time.Hour},
		{"hours inside the skipped hour", week(t, "Europe/Berlin", [2]string{"02:00", "03:00"}), "2026-03-29T00:00:00+01:00", "2026-03-29T12:00:00+02:00", 0},
		{"closing in the repeated hour happens once", week(t, "Europe/Berlin", [2]string{"01:00", "02:30"}), "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00", 90 * time.Minute},
		{"hours that are the repeated hour", week(t, "Europe/Berlin", [2]string{"02:00", "03:00"}), "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00", 2 * time.Hour},
		{"Apia loses a Friday", week(t, "Pacific/Apia", [2]string{"09:00", "17:00"}), "2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00", 16 * time.Hour},
	} {
		t.Run(scene.name, func(t *testing.T) {
			from, to := instant(t, scene.from), instant(t, scene.to)
			require.Equal(t, scene.want, calendar.Elapsed(scene.c, from, to))
			if scene.want > 0 {
				due, err := calendar.Due(scene.c, from, scene.want)
				require.NoError(t, err)
				require.False(t, due.After(to))
				require.Equal(t, scene.want, calendar.Elapsed(scene.c, from, due))
			}
		})
	}
}

func TestATargetUsedUpAtClosingIsDueAtClosing(t *testing.T) {
	c := week(t, "UTC", [2]string{"09:00", "17:00"})
	due, err := calendar.Due(c, instant(t, "2026-01-05T12:00:00Z"), 5*time.Hour)
	require.NoError(t, err)
	require.Equal(t, instant(t, "2026-01-05T17:00:00Z"), due)

	due, err = calendar.Due(c, instant(t, "2026-01-05T12:00:00Z"), 5*time.Hour+1)
	require.NoError(t, err)
	require.Equal(t, instant(t, "2026-01-06T09:00:00.000000001Z"), due)

	require.True(t, calendar.Open(c, instant(t, "2026-01-05T09:00:00Z")))
	require.True(t, calendar.Open(c, instant(t, "2026-01-05T16:59:59.999999999Z")))
	require.False(t, calendar.Open(c, instant(t, "2026-01-05T17:00:00Z")))
	require.False(t, calendar.Open(c, instant(t, "2026-01-05T08:59:59.999999999Z")))
}

func TestAnExceptionBeatsAHolidayAndAHolidayBeatsTheWeek(t *testing.T) {
	c := week(t, "UTC", [2]string{"09:00", "17:00"})
	c.Holidays = []org.Holiday{
		{Date: date(t, "2026-12-24"), Name: "Christmas Eve"},
		{Date: date(t, "2000-12-25"), Yearly: true, Name: "Christmas"},
	}
	c.Exceptions = map[org.Date][]org.Span{
		date(t, "2026-12-24"): {{From: 9 * 60, Until: 12 * 60}}, // opened against the holiday
		date(t, "2026-12-28"): {},                               // closed for stocktaking
	}
	hours := func(day string) time.Duration {
		from := instant(t, day+"T00:00:00Z")
		return calendar.Elapsed(c, from, from.Add(24*time.Hour))
	}
	require.Equal(t, 8*time.Hour, hours("2026-12-23"))
	require.Equal(t, 3*time.Hour, hours("2026-12-24"))
	require.Zero(t, hours("2026-12-25"))
	require.Zero(t, hours("2031-12-25"))
	require.Zero(t, hours("2026-12-28"))
	require.Equal(t, 8*time.Hour, hours("2027-12-24"), "written for one year only")

	opens, ok := calendar.NextOpen(c, instant(t, "2026-12-24T12:00:00Z"))
	require.True(t, ok)
	require.Equal(t, instant(t, "2026-12-26T09:00:00Z"), opens)
}

func TestNoMinuteCountsTwice(t *testing.T) {
	c := week(t, "UTC", [2]string{"13:00", "17:00"}, [2]string{"09:00", "14:00"}, [2]string{"10:00", "11:00"})
	from := instant(t, "2026-01-05T00:00:00Z")
	require.Equal(t, 8*time.Hour, calendar.Elapsed(c, from, from.Add(24*time.Hour)))
}

func TestACalendarThatNeverOpensIsAnError(t *testing.T) {
	at := instant(t, "2026-01-05T00:00:00Z")
	never := org.Calendar{ID: "never", Zone: time.UTC}
	onlyBackwards := week(t, "UTC")
	onlyBackwards.Hours[time.Monday] = []org.Span{{From: 17 * 60, Until: 9 * 60}}
	alwaysHoliday := week(t, "UTC", [2]string{"09:00", "17:00"})
	for m := time.January; m <= time.December; m++ {
		for d := 1; d <= 31; d++ {
			alwaysHoliday.Holidays = append(alwaysHoliday.Holidays, org.Holiday{Date: org.Date{Year: 1, Month: m, Day: d}, Yearly: true})
		}
	}
	for _, c := range []org.Calendar{never, {}, onlyBackwards, alwaysHoliday} {
		_, err := calendar.Due(c, at, time.Second)
		require.True(t, fault.Is(err, fault.Invalid), "%v", err)
		require.False(t, calendar.Open(c, at))
		_, ok := calendar.NextOpen(c, at)
		require.False(t, ok)
	}
}

func TestOddQuestionsHaveAnswers(t *testing.T) {
	c := week(t, "UTC", [2]string{"00:00", "24:00"})
	at := instant(t, "2026-01-05T00:00:00Z")

	_, err := calendar.Due(c, at, -1)
	require.True(t, fault.Is(err, fault.Invalid))
	_, err = calendar.Due(c, at, math.MaxInt64)
	require.True(t, fault.Is(err, fault.Invalid), "three centuries")
	_, err = calendar.Due(org.Calendar{}, at, 0)
	require.True(t, fault.Is(err, fault.Invalid), "no time at all still needs a calendar that opens")
	due, err := calendar.Due(c, at, 0)
	require.NoError(t, err)
	require.Equal(t, at, due)
	require.Zero(t, calendar.Elapsed(c, at, at))
	require.Zero(t, calendar.Elapsed(c, at, at.Add(-time.Hour)))
	require.Equal(t, time.Duration(math.MaxInt64), calendar.Elapsed(c, time.Time{}, at))
}

func TestADateOnWhichTheyOpenOnceInFourYears(t *testing.T) {
	c := org.Calendar{Zone: time.UTC, Exceptions: map[org.Date][]org.Span{date(t, "2028-02-29"): {{From: 0, Until: 60}}}}
	due, err := calendar.Due(c, instant(t, "2024-03-01T00:00:00Z"), time.Hour)
	require.NoError(t, err)
	require.Equal(t, instant(t, "2028-02-29T01:00:00Z"), due)
}

// wall is the reading of a clock on the wall, comparable.
func wall(at time.Time, z *time.Location) time.Time {
	l := at.In(z)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)
}

// TestAgreesWithAWatchman compares with somebody who looks at the clock on the wall every minute, ticks off what has
// begun and ended, and never ticks twice when the clock is set back.
func TestAgreesWithAWatchman(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
		"Asia/Kathmandu", "America/Sao_Paulo", "Asia/Tehran", "America/St_Johns", "Asia/Gaza", "Africa/Cairo", "Antarctica/Troll"}
	rapid.Check(t, func(r *rapid.T) {
		z := zone(t, rapid.SampledFrom(zones).Draw(r, "zone"))
		c := org.Calendar{ID: "drawn", Zone: z, Hours: map[time.Weekday][]org.Span{}, Exceptions: map[org.Date][]org.Span{}}
		span := rapid.Custom(func(r *rapid.T) org.Span {
			return org.Span{
				From:  org.ClockTime(rapid.IntRange(0, 96).Draw(r, "from") * 15),
				Until: org.ClockTime(rapid.IntRange(0, 96).Draw(r, "until") * 15),
			}
		})
		for d := time.Sunday; d <= time.Saturday; d++ {
			c.Hours[d] = rapid.SliceOfN(span, 0, 3).Draw(r, "hours")
		}
		start := edge(r, z)
		for range rapid.IntRange(0, 2).Draw(r, "specials") {
			on := wall(start.AddDate(0, 0, rapid.IntRange(-1, 2).Draw(r, "day")), z)
			special := org.Date{Year: on.Year(), Month: on.Month(), Day: on.Day()}
			if rapid.Bool().Draw(r, "holiday") {
				c.Holidays = append(c.Holidays, org.Holiday{Date: special, Yearly: rapid.Bool().Draw(r, "yearly")})
				continue
			}
			c.Exceptions[special] = rapid.SliceOfN(span, 0, 2).Draw(r, "exception")
		}

		var open []bool // minute by minute from start
		var seen time.Time
		for at := start.Add(-48 * time.Hour); at.Before(start.Add(60 * time.Hour)); at = at.Add(time.Minute) {
			if now := wall(at, z); now.After(seen) {
				seen = now
			}
			if !at.Before(start) {
				open = append(open, watchmanSaysOpen(c, seen))
			}
		}
		var total time.Duration
		for i, isOpen := range open {
			at := start.Add(time.Duration(i) * time.Minute)
			if calendar.Open(c, at) != isOpen {
				r.Fatalf("%s: open %v, the watchman says %v", at.In(z), !isOpen, isOpen)
			}
			if isOpen {
				total += time.Minute
			}
			if isOpen && rapid.IntRange(0, 500).Draw(r, "check due") == 0 {
				due, err := calendar.Due(c, start, total)
				if err != nil || !due.Equal(at.Add(time.Minute)) {
					r.Fatalf("due after %s: %s, %v; the watchman says %s", total, due, err, at.Add(time.Minute))
				}
			}
		}
		end := start.Add(time.Duration(len(open)) * time.Minute)
		if got := calendar.Elapsed(c, start, end); got != total {
			r.Fatalf("elapsed %s, the watchman counted %s", got, total)
		}
		for i, isOpen := range open {
			if !isOpen {
				continue
			}
			at := start.Add(time.Duration(i) * time.Minute)
			if next, ok := calendar.NextOpen(c, start); !ok || !next.Equal(at) {
				r.Fatalf("opens %s %v, the watchman says %s", next, ok, at)
			}
			break
		}
	})
}

// edge draws an instant of 1990 to 2040 near a change of the zone's clock, if it ever changes.
func edge(r *rapid.T, z *time.Location) time.Time {
	day := rapid.IntRange(0, 50*365).Draw(r, "day")
	at := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day)
	if _, end := at.In(z).ZoneBounds(); !end.IsZero() && end.Year() < 2041 {
		at = end.UTC()
	}
	return at.Truncate(time.Minute).Add(time.Duration(rapid.IntRange(-40*60, 10*60).Draw(r, "minutes")) * time.Minute)
}

func watchmanSaysOpen(c org.Calendar, seen time.Time) bool {
	today := org.Date{Year: seen.Year(), Month: seen.Month(), Day: seen.Day()}
	hours := c.Hours[seen.Weekday()]
	for _, h := range c.Holidays {
		if h.Date == today || h.Yearly && h.Date.Month == today.Month && h.Date.Day == today.Day {
			hours = nil
		}
	}
	if exception, ok := c.Exceptions[today]; ok {
		hours = exception
	}
	minute := org.ClockTime(seen.Hour()*60 + seen.Minute())
	for _, s := range hours {
		if minute >= s.From && minute < s.Until {
			return true
		}
	}
	return false
}
