package calendar_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/org"
)

// reference is a collection of service-level arithmetic printed by other products, each value recomputed by hand.
type reference struct {
	Calendars map[string]struct {
		TimeZone       string                 `yaml:"time_zone"`
		Hours          map[string][][2]string `yaml:"hours"`
		Holidays       []string               `yaml:"holidays"`
		HolidaysYearly []string               `yaml:"holidays_yearly"`
		Shifts         map[string][][2]string `yaml:"shifts"`
		Breaks         map[string][][2]string `yaml:"breaks"`
	} `yaml:"calendars"`
	Vectors []struct {
		ID       string      `yaml:"id"`
		Kind     string      `yaml:"kind"`
		Calendar string      `yaml:"calendar"`
		Start    string      `yaml:"start"`
		End      string      `yaml:"end"`
		Target   float64     `yaml:"target_seconds"`
		Pauses   [][2]string `yaml:"pauses"`
		Due      string      `yaml:"expected_due"`
		DueUTC   string      `yaml:"expected_due_utc"`
		Business float64     `yaml:"expected_business_seconds"`
	} `yaml:"vectors"`
}

func TestValuesThatOtherProductsPrint(t *testing.T) {
	dir := os.Getenv("BELAY_REFERENCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "reference")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "sla-business-hours.yaml"))
	if err != nil {
		t.Skipf("the collection of published values is not here (set BELAY_REFERENCE to its directory): %v", err)
	}
	var ref reference
	require.NoError(t, yaml.Unmarshal(raw, &ref))
	require.NotEmpty(t, ref.Vectors)

	for _, v := range ref.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			c := ref.calendar(t, v.Calendar)
			start := instant(t, v.Start)
			target := seconds(v.Target)
			switch v.Kind {
			case "due":
				due, err := calendar.Due(c, start, target)
				require.NoError(t, err)
				require.Equal(t, instant(t, v.Due).UTC(), due)
				require.Equal(t, instant(t, v.DueUTC).UTC(), due)
			case "elapsed":
				require.Equal(t, seconds(v.Business), calendar.Elapsed(c, start, instant(t, v.End)))
			case "due_with_pauses":
				// Time before a pause is used; the rest runs from its end.
				for _, pause := range v.Pauses {
					target -= calendar.Elapsed(c, start, instant(t, pause[0]))
					start = instant(t, pause[1])
				}
				due, err := calendar.Due(c, start, target)
				require.NoError(t, err)
				require.Equal(t, instant(t, v.Due).UTC(), due)
			default:
				t.Fatalf("a kind of vector nobody checks: %q", v.Kind)
			}
		})
	}
}

func (r reference) calendar(t *testing.T, name string) org.Calendar {
	t.Helper()
	given, ok := r.Calendars[name]
	require.True(t, ok, name)
	days := map[string]time.Weekday{"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
	c := org.Calendar{
		Zone:       zone(t, given.TimeZone),
		Hours:      map[time.Weekday][]org.Span{},
		Exceptions: map[org.Date][]org.Span{},
	}
	for d, list := range given.Hours {
		weekday, ok := days[d]
		require.True(t, ok, d)
		c.Hours[weekday] = spans(t, list)
	}
	for _, d := range given.Holidays {
		c.Holidays = append(c.Holidays, org.Holiday{Date: date(t, d)})
	}
	for _, d := range given.HolidaysYearly {
		c.Holidays = append(c.Holidays, org.Holiday{Date: date(t, "2000-"+d), Yearly: true})
	}
	for d, list := range given.Shifts {
		c.Exceptions[date(t, d)] = spans(t, list)
	}
	for d, list := range given.Breaks {
		on := date(t, d)
		hours, ok := c.Exceptions[on]
		if !ok {
			hours = c.Hours[time.Date(on.Year, on.Month, on.Day, 0, 0, 0, 0, time.UTC).Weekday()]
		}
		for _, pause := range spans(t, list) {
			var left []org.Span
			for _, s := range hours {
				left = append(left,
					org.Span{From: s.From, Until: min(s.Until, pause.From)},
					org.Span{From: max(s.From, pause.Until), Until: s.Until})
			}
			hours = left
		}
		c.Exceptions[on] = hours
	}
	return c
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func spans(t *testing.T, list [][2]string) []org.Span {
	t.Helper()
	var result []org.Span
	for _, pair := range list {
		result = append(result, org.Span{From: clock(t, pair[0]), Until: clock(t, pair[1])})
	}
	return result
}

func clock(t *testing.T, s string) org.ClockTime {
	t.Helper()
	if s == "24:00" {
		return 24 * 60
	}
	at, err := time.Parse("15:04", s)
	require.NoError(t, err)
	return org.ClockTime(at.Hour()*60 + at.Minute())
}

func date(t *testing.T, s string) org.Date {
	t.Helper()
	at, err := time.Parse(time.DateOnly, s)
	require.NoError(t, err)
	return org.Date{Year: at.Year(), Month: at.Month(), Day: at.Day()}
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	require.NoError(t, err)
	return at
}

func seconds(s float64) time.Duration { return time.Duration(s*1000+0.5) * time.Millisecond }
