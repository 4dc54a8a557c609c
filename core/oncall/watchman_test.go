package oncall_test

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/oncall"
	"github.com/belayhq/belay/core/org"
)

var odd = []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
	"Asia/Kathmandu", "America/Sao_Paulo", "Asia/Tehran", "America/St_Johns", "Asia/Gaza", "Africa/Cairo", "Antarctica/Troll",
	"Asia/Amman", "America/Asuncion", "Pacific/Kwajalein", "Europe/Dublin", "America/Caracas", "Asia/Pyongyang"}

// wall is the reading of a clock on the wall, comparable.
func wall(at time.Time, z *time.Location) time.Time {
	l := at.In(z)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)
}

// watchman looks at the clock on the wall every minute, hands over when the time for it has come or passed, and is
// not fooled when the clock is set back. He is slow and simple: the other side of every comparison here.
type watchman struct {
	schedule org.Schedule
	seen     time.Time // the latest reading of the wall clock
	turns    []int     // by layer
	next     []time.Time
}

func (w *watchman) look(at time.Time) {
	if now := wall(at, w.schedule.Zone); now.After(w.seen) {
		w.seen = now
	}
	for i, l := range w.schedule.Layers {
		if at.Equal(l.Start) {
			w.turns[i], w.next[i] = 0, w.after(l, at, wall(at, w.schedule.Zone))
		}
		if at.After(l.Start) {
			now := w.seen
			if l.Rotation.Every == org.Custom {
				now = at
			}
			for !now.Before(w.next[i]) {
				w.turns[i]++
				w.next[i] = w.after(l, w.next[i], w.next[i])
			}
		}
	}
}

func (w *watchman) after(l org.Layer, instant, reading time.Time) time.Time {
	switch l.Rotation.Every {
	case org.Daily:
		return reading.AddDate(0, 0, l.Rotation.Count)
	case org.Weekly:
		return reading.AddDate(0, 0, 7*l.Rotation.Count)
	case org.Custom:
	}
	return instant.Add(l.Rotation.Each)
}

func (w *watchman) says(live []org.Override, at time.Time) (id.Person, string) {
	who, layer := id.Person(""), ""
	for i, l := range w.schedule.Layers {
		if at.Before(l.Start) || (!l.Until.IsZero() && !at.Before(l.Until)) || !w.inHours(l) || len(l.People) == 0 {
			continue
		}
		if p := l.People[w.turns[i]%len(l.People)]; p != "" {
			who, layer = p, l.Name
		}
	}
	for _, o := range slices.Concat(w.schedule.Overrides, live) {
		if o.Person != "" && !at.Before(o.From) && at.Before(o.Until) {
			who, layer = o.Person, ""
		}
	}
	return who, layer
}

func (w *watchman) inHours(l org.Layer) bool {
	if len(l.Only) == 0 {
		return true
	}
	minute := org.ClockTime(w.seen.Hour()*60 + w.seen.Minute())
	begins := func(h org.WeekHours, d time.Weekday) bool { return len(h.Days) == 0 || slices.Contains(h.Days, d) }
	today, yesterday := w.seen.Weekday(), w.seen.AddDate(0, 0, -1).Weekday()
	for _, h := range l.Only {
		switch {
		case h.Until > h.From && begins(h, today) && minute >= h.From && minute < h.Until:
			return true
		case h.Until <= h.From && begins(h, today) && minute >= h.From:
			return true
		case h.Until <= h.From && begins(h, yesterday) && minute < h.Until:
			return true
		}
	}
	return false
}

// agreesWithAWatchman draws a schedule around a change of the clock and compares minute by minute: At, Shifts and he
// say the same, and the shifts are whole, ordered and joined.
func agreesWithAWatchman(r *rapid.T) {
	z, err := time.LoadLocation(rapid.SampledFrom(odd).Draw(r, "zone"))
	if err != nil {
		r.Fatal(err)
	}
	edge := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 50*365).Draw(r, "day"))
	if _, end := edge.In(z).ZoneBounds(); !end.IsZero() && end.Year() < 2041 {
		edge = end.UTC().Truncate(time.Minute)
	}
	from := edge.Add(time.Duration(rapid.IntRange(-72*60, 12*60).Draw(r, "minutes")) * time.Minute)
	until := from.Add(84 * time.Hour)
	near := rapid.Custom(func(r *rapid.T) time.Time {
		return edge.Add(time.Duration(rapid.IntRange(-10*24*60, 3*24*60).Draw(r, "minutes from the edge")) * time.Minute)
	})
	override := rapid.Custom(func(r *rapid.T) org.Override {
		return org.Override{
			ID:     id.Override(rapid.SampledFrom([]string{"o1", "o2"}).Draw(r, "id")),
			Person: id.Person(rapid.SampledFrom([]string{"", "olga", "otto"}).Draw(r, "person")),
			From:   near.Draw(r, "from"), Until: near.Draw(r, "until"),
		}
	})
	s := org.Schedule{ID: "drawn", Zone: z, Overrides: rapid.SliceOfN(override, 0, 2).Draw(r, "overrides")}
	live := rapid.SliceOfN(override, 0, 2).Draw(r, "live")
	for _, name := range []string{"lower", "upper", "top"}[:rapid.IntRange(0, 3).Draw(r, "layers")] {
		l := org.Layer{
			Name: name, Start: near.Draw(r, "start"),
			People: rapid.SliceOfN(rapid.SampledFrom([]id.Person{"ana", "ben", "cy", ""}), 0, 4).Draw(r, "people"),
			Rotation: org.Rotation{
				Every: rapid.SampledFrom([]org.RotationUnit{org.Daily, org.Daily, org.Weekly, org.Custom}).Draw(r, "every"),
				Count: rapid.IntRange(1, 2).Draw(r, "count"),
				Each:  time.Duration(rapid.IntRange(1, 3000).Draw(r, "each")) * time.Minute,
			},
			Only: rapid.SliceOfN(rapid.Custom(func(r *rapid.T) org.WeekHours {
				return org.WeekHours{
					Days:  rapid.SliceOfN(rapid.SampledFrom([]time.Weekday{0, 1, 2, 3, 4, 5, 6}), 0, 4).Draw(r, "days"),
					From:  org.ClockTime(rapid.IntRange(0, 96).Draw(r, "hours from") * 15),
					Until: org.ClockTime(rapid.IntRange(0, 96).Draw(r, "hours until") * 15),
				}
			}), 0, 3).Draw(r, "only"),
		}
		if rapid.Bool().Draw(r, "ends") {
			l.Until = near.Draw(r, "end")
		}
		s.Layers = append(s.Layers, l)
	}

	shifts := oncall.Shifts(s, live, from, until)
	w := &watchman{schedule: s, turns: make([]int, 3), next: make([]time.Time, 3)}
	i := 0
	for at := edge.Add(-12 * 24 * time.Hour); at.Before(until); at = at.Add(time.Minute) {
		w.look(at)
		if at.Before(from) {
			continue
		}
		for i < len(shifts) && !at.Before(shifts[i].Until) {
			if i+1 < len(shifts) && (!shifts[i+1].From.Equal(shifts[i].Until) ||
				shifts[i+1].Person == shifts[i].Person && shifts[i+1].Layer == shifts[i].Layer && shifts[i+1].Override == shifts[i].Override) {
				r.Fatalf("shifts %v and %v: not joined", shifts[i], shifts[i+1])
			}
			i++
		}
		if i == len(shifts) || at.Before(shifts[i].From) {
			r.Fatalf("no shift at %s", at)
		}
		shift := shifts[i]
		if at.Sub(from)%(7*time.Minute) != 0 && at.Sub(shift.From) > time.Minute && shift.Until.Sub(at) > time.Minute {
			continue // the edges of a shift minute by minute, the rest now and then
		}
		duty, ok := oncall.At(s, live, at)
		who, layer := w.says(live, at)
		if duty.Person != who || shift.Person != who || duty.Layer != layer || shift.Layer != layer || ok != (who != "") {
			r.Fatalf("%s: At %v, Shifts %v; the watchman says %q of %q", at.In(z), duty, shift, who, layer)
		}
		if at.Before(duty.From) || (!duty.Until.IsZero() && !at.Before(duty.Until)) {
			r.Fatalf("%s is not in the duty it has, %v", at, duty)
		}
		if shift.From.After(from) && duty.From.Before(shift.From) || shift.Until.Before(until) && duty.Until.After(shift.Until) {
			r.Fatalf("%s: the duty %v is longer than its shift %v", at, duty, shift)
		}
		if shift.Override != duty.Override {
			r.Fatalf("%s: override %q and %q", at, shift.Override, duty.Override)
		}
	}
}

func TestAgreesWithAWatchman(t *testing.T) { rapid.Check(t, agreesWithAWatchman) }

func FuzzAgreesWithAWatchman(f *testing.F) { f.Fuzz(rapid.MakeFuzz(agreesWithAWatchman)) }

// TestAFullRotaNeverHasAGap walks every zone there is over fifty years of changing clocks.
func TestAFullRotaNeverHasAGap(t *testing.T) {
	for _, name := range allZones(t) {
		z := zone(t, name)
		start := time.Date(1990, 1, 1, 2, 30, 0, 0, z)
		full := org.Schedule{Zone: z, Layers: []org.Layer{
			{Name: "nights", People: []id.Person{"ana", "ben"}, Start: start, Rotation: org.Rotation{Every: org.Weekly, Count: 1},
				Only: []org.WeekHours{{From: 18 * 60, Until: 6 * 60}}},
			{Name: "days", People: []id.Person{"cy", "dee", "eve"}, Start: start, Rotation: org.Rotation{Every: org.Weekly, Count: 1},
				Only: []org.WeekHours{{From: 6 * 60, Until: 18 * 60}}},
		}}
		edges := 0
		for at := start; at.Year() < 2040; {
			_, edge := at.In(z).ZoneBounds()
			if edge.IsZero() {
				break
			}
			from, until := edge.Add(-30*time.Hour), edge.Add(30*time.Hour)
			if from.After(start) {
				edges++
				shifts := oncall.Shifts(full, nil, from, until)
				require.GreaterOrEqual(t, len(shifts), 4, name)
				for _, s := range shifts {
					require.NotEmpty(t, s.Person, "%s: a gap at %s", name, s.From.In(z))
				}
			}
			at = edge
		}
		if name == "Europe/Berlin" {
			require.GreaterOrEqual(t, edges, 100)
		}
	}
}

func allZones(t *testing.T) []string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Logf("only the odd zones, since the list of all is not here: %v", err)
		return odd
	}
	defer archive.Close()
	var names []string
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, "/") {
			names = append(names, f.Name)
		}
	}
	return names
}

func BenchmarkAtAfterTenYears(b *testing.B) {
	z := zone(b, "Europe/Berlin")
	s := weekly(z, on(b, z, "2016-01-04 09:00"), "ana", "ben", "cy")
	at := on(b, z, "2026-07-01 12:00")
	for b.Loop() {
		if _, ok := oncall.At(s, nil, at); !ok {
			b.Fatal("a gap")
		}
	}
}
