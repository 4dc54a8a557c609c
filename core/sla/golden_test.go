package sla_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/sla"
	"github.com/belayhq/belay/core/ticket"
)

// The working weeks that golden.txt names.
var weeks = map[string]string{
	"day":     `mon-fri: [["09:00", "17:00"]]`,
	"split":   `mon-fri: [["08:00", "12:00"], ["13:00", "18:00"]]`,
	"always":  `mon-sun: [["00:00", "24:00"]]`,
	"night":   `mon-sun: [["00:00", "06:00"], ["22:00", "24:00"]]`,
	"sunday":  `sun-thu: [["09:00", "17:00"]]`,
	"weekend": `sat-sun: [["10:00", "16:00"]]`,
}

func TestWhatIsDueWhen(t *testing.T) {
	file, err := os.Open(filepath.Join("testdata", "golden.txt"))
	require.NoError(t, err)
	defer file.Close()
	cases := 0
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		f := strings.Split(lines.Text(), " | ")
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		require.Len(t, f, 9, "line %d", n)
		cases++
		t.Run(f[1]+" "+f[0]+" "+strconv.Itoa(n), func(t *testing.T) {
			hours := read(t, f[1], f[2], f[6], f[7])
			seconds, err := strconv.Atoi(f[4])
			require.NoError(t, err)
			start, want := instant(t, f[3]), instant(t, f[8])
			h := ticket.History{{At: start, Ticket: ticket.Ticket{OpenedAt: start, State: ticket.Working}}}
			for _, pause := range strings.Split(f[5], ";") {
				if from, until, found := strings.Cut(pause, "/"); found {
					h = append(h,
						ticket.Version{At: instant(t, from), Ticket: ticket.Ticket{OpenedAt: start, State: ticket.Waiting}},
						ticket.Version{At: instant(t, until), Ticket: ticket.Ticket{OpenedAt: start, State: ticket.Working}})
				}
			}
			c := clock(t, org.SLA{ID: "resolve", Metric: org.ResolveMetric, Target: time.Duration(seconds) * time.Second}, &hours, h)
			due, seen := c.Due()
			require.True(t, seen)
			require.Equal(t, want, due)
			require.Equal(t, c.Target, c.Elapsed(due), "all of it is used then")
			require.Less(t, c.Elapsed(due.Add(-time.Second)), max(c.Target, 1), "and not before")
		})
	}
	require.GreaterOrEqual(t, cases, 200)
}

// read makes the calendar of a golden case, through the door by which calendars come in.
func read(t *testing.T, zone, week, holidays, exceptions string) org.Calendar {
	t.Helper()
	text := "time_zone: " + zone + "\nhours: {" + weeks[week] + "}\n"
	if holidays != "" {
		text += `holidays: ["` + strings.ReplaceAll(holidays, ",", `", "`) + `"]` + "\n"
	}
	if day, spans, found := strings.Cut(exceptions, "="); found {
		text += `shifts: {"` + day + `": [["` + strings.NewReplacer("-", `", "`, ",", `"], ["`).Replace(spans) + `"]]}` + "\n"
	}
	c, err := blueprint.Hours("golden", []byte(text), time.LoadLocation)
	require.NoError(t, err, text)
	return c
}

// The published vectors once more, by a clock that pauses.
func TestAClockAgreesWithWhatOtherProductsPrint(t *testing.T) {
	dir := os.Getenv("BELAY_REFERENCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "reference")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "sla-business-hours.yaml"))
	if err != nil {
		t.Skipf("the collection of published values is not here (set BELAY_REFERENCE to its directory): %v", err)
	}
	var ref struct {
		Calendars map[string]yaml.Node `yaml:"calendars"`
		Vectors   []struct {
			ID, Kind, Calendar, Start, End string
			Target                         float64     `yaml:"target_seconds"`
			Pauses                         [][2]string `yaml:"pauses"`
			Due                            string      `yaml:"expected_due"`
			Business                       float64     `yaml:"expected_business_seconds"`
		} `yaml:"vectors"`
	}
	require.NoError(t, yaml.Unmarshal(raw, &ref))
	for _, v := range ref.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			node := ref.Calendars[v.Calendar]
			text, err := yaml.Marshal(&node)
			require.NoError(t, err)
			hours, err := blueprint.Hours(v.Calendar, text, time.LoadLocation)
			require.NoError(t, err)
			start := instant(t, v.Start)
			h := ticket.History{{At: start, Ticket: ticket.Ticket{OpenedAt: start, State: ticket.New}}}
			for _, p := range v.Pauses {
				h = append(h, ticket.Version{At: instant(t, p[0]), Ticket: ticket.Ticket{State: ticket.Waiting}},
					ticket.Version{At: instant(t, p[1]), Ticket: ticket.Ticket{State: ticket.Working}})
			}
			c := clock(t, org.SLA{ID: "r", Metric: org.ResolveMetric, Target: time.Duration(v.Target*1000+0.5) * time.Millisecond}, &hours, h)
			if v.Kind == "elapsed" {
				require.InDelta(t, v.Business, c.Elapsed(instant(t, v.End)).Seconds(), 0.001)
				return
			}
			due, seen := c.Due()
			require.True(t, seen)
			require.Equal(t, instant(t, v.Due), due)
		})
	}
}

func clock(t *testing.T, d org.SLA, hours *org.Calendar, h ticket.History) sla.Clock {
	t.Helper()
	b := sla.Book{SLAs: []sla.Definition{{SLA: d, Hours: hours}}}
	clocks, problems := b.Clocks(h)
	require.Empty(t, problems)
	require.Len(t, clocks, 1)
	return clocks[0]
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	require.NoError(t, err)
	return at.UTC()
}
