package surge_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/surge"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// sent is one message of a play: when it left, and which pages were in it.
type sent struct {
	at    time.Time
	pages []surge.Page
}

func (s sent) p1s() (n int) {
	for _, p := range s.pages {
		if p.Priority == org.P1 {
			n++
		}
	}
	return n
}

// other is when the first page below P1 came; zero: there is none.
func (s sent) other() time.Time {
	for _, p := range s.pages {
		if p.Priority != org.P1 {
			return p.At
		}
	}
	return time.Time{}
}

func (m sent) catchesUp() bool {
	return slices.ContainsFunc(m.pages, func(p surge.Page) bool { return p.Late })
}

// phone plays pages against the rules as a perfect courier would: a digest leaves at the instant at which it is due.
type phone struct {
	rules surge.Rules
	way   surge.Way
	in    []surge.Page
	due   time.Time
	out   []sent
}

func (p *phone) until(at time.Time) {
	if p.way.Gathering == nil || p.due.After(at) {
		return
	}
	p.out = append(p.out, sent{p.due, p.in})
	p.way.Passed = p.rules.Pass(p.way.Passed, surge.Passed{
		Key: fmt.Sprint("D-", len(p.out)), At: p.due, Digest: true, Urgent: !p.way.Gathering.Urgent.IsZero(),
	})
	p.way.Gathering, p.in = nil, nil
}

func (p *phone) page(page surge.Page) {
	p.until(page.At)
	v := p.rules.Decide(p.way, page)
	if v.Alone {
		p.out = append(p.out, sent{page.At, []surge.Page{page}})
		p.way.Passed = p.rules.Pass(p.way.Passed, surge.Passed{Key: page.Key, At: page.At, Urgent: page.Priority == org.P1})
		return
	}
	p.way.Gathering, p.due, p.in = &v.Gathering, v.Due, append(p.in, page)
}

func play(pages ...surge.Page) []sent {
	p := &phone{rules: surge.Usual()}
	for i, page := range pages {
		page.Key = fmt.Sprint("E-", i)
		p.page(page)
	}
	p.until(noon.Add(24 * time.Hour))
	return p.out
}

func at(seconds float64, priority org.Priority) surge.Page {
	return surge.Page{At: noon.Add(time.Duration(seconds * float64(time.Second))), Priority: priority}
}

// story is "0s:1 12s:3": when messages left, and how many pages were in each.
func story(out []sent) (s string) {
	for i, m := range out {
		if i > 0 {
			s += " "
		}
		s += fmt.Sprintf("%s:%d", m.at.Sub(noon), len(m.pages))
	}
	return s
}

func TestScenes(t *testing.T) {
	every := func(n int, seconds float64, priority org.Priority) (pages []surge.Page) {
		for i := range n {
			pages = append(pages, at(float64(i)*seconds, priority))
		}
		return pages
	}
	late := func(n int, seconds float64, priority org.Priority) (pages []surge.Page) {
		for _, p := range every(n, seconds, priority) {
			p.Late, p.Arose = true, noon.Add(-2*time.Minute)
			pages = append(pages, p)
		}
		return pages
	}
	// burst: all of them arose at once, and come as the engine gets to them.
	burst := func(n int, seconds float64, priority org.Priority) (pages []surge.Page) {
		for _, p := range every(n, seconds, priority) {
			p.Arose = noon
			pages = append(pages, p)
		}
		return pages
	}
	for _, scene := range []struct {
		name  string
		pages []surge.Page
		want  string
	}{
		{"one at a time nothing is gathered", every(3, 11, org.P3), "0s:1 11s:1 22s:1"},
		{"two at once", every(2, 1, org.P3), "0s:1 13s:1"},
		{"a long storm slows down", every(60, 2, org.P3), "0s:1 14s:6 44s:15 1m14s:15 1m44s:15 2m14s:8"},
		{"a P1 leaves at once through a storm of others", append(every(3, 1, org.P4), at(2.5, org.P1)), "0s:1 2.5s:1 13s:2"},
		{"and the next one waits no longer than it must", append(every(3, 1, org.P4), at(2.5, org.P1), at(14, org.P4), at(15, org.P1)), "0s:1 2.5s:1 13s:2 24s:2"},
		{"a burst of nothing but P1, told as they drain in 30 s", burst(10, 3.3, org.P1), "0s:1 12.3s:3 43.2s:6"},
		{"a storm of nothing but P1", every(40, 1.5, org.P1), "0s:1 10.5s:6 20.5s:7 30.5s:7 40.5s:6 50.5s:7 1m0.5s:6"},
		{"a P1 among many others does not wait for them", append(every(10, 2, org.P4), at(20, org.P1), at(21, org.P1), at(22, org.P4)), "0s:1 14s:6 20s:1 30s:5"},
		{"many P1 with one other among them", append(burst(10, 2, org.P1), at(20, org.P4), at(21, org.P1), at(22, org.P1)), "0s:1 11s:5 21s:5 31s:2"},
		{"a burst of nothing but P1, told as they drain in 20 s", burst(10, 2, org.P1), "0s:1 11s:5 42s:4"},
		{"and a new one does not wait for the rest of it", append(burst(10, 2, org.P1), at(20, org.P1)), "0s:1 11s:5 29s:5"},
		{"an outage ends in one page at once and one digest", late(20, 0.5, org.P3), "0s:1 12.5s:19"},
		{"and a short one in a page at once", late(1, 1, org.P3), "0s:1"},
		{"however long it takes to catch up, it leaves", late(90, 1, org.P3), "0s:1 1m1s:60 1m31s:29"},
		{"P1s that are late already too", late(20, 1, org.P1), "0s:1 22s:19"},
		{"a fresh P1 does not wait until all have caught up", append(late(20, 1, org.P1), at(20, org.P1)), "0s:1 23s:20"},
		{"not even of many", append(late(5, 1, org.P1), append([]surge.Page{at(5, org.P1)}, late(30, 1, org.P1)[6:]...)...), "0s:1 14s:13 44s:16"},
	} {
		t.Run(scene.name, func(t *testing.T) { require.Equal(t, scene.want, story(play(scene.pages...))) })
	}
}

func TestWhatWasLetThroughIsLetThroughAgain(t *testing.T) {
	rules := surge.Usual()
	passed := rules.Pass(nil, surge.Passed{Key: "E-1/t1/ana/mobile/1", At: noon})
	again := surge.Page{Key: "E-1/t1/ana/mobile/1", At: noon.Add(time.Second), Priority: org.P3}
	require.True(t, rules.Decide(surge.Way{Passed: passed}, again).Alone)
	again.Key = "E-2/t1/ana/mobile/1"
	require.False(t, rules.Decide(surge.Way{Passed: passed}, again).Alone)
}

func TestLaws(t *testing.T) {
	rules := surge.Usual()
	rapid.Check(t, func(t *rapid.T) {
		now := noon
		var pages []surge.Page
		for range rapid.IntRange(1, 120).Draw(t, "pages") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "gap")) * time.Millisecond / time.Duration(rapid.IntRange(1, 20).Draw(t, "haste")))
			arose := time.Time{}
			if rapid.Bool().Draw(t, "old") {
				arose = now.Add(-time.Duration(rapid.IntRange(0, 40).Draw(t, "age")) * time.Second)
			}
			pages = append(pages, surge.Page{At: now, Arose: arose, Priority: rapid.SampledFrom(org.Priorities()).Draw(t, "priority"), Late: rapid.IntRange(0, 9).Draw(t, "late") == 0})
		}
		out := play(pages...)
		told := 0
		for i, m := range out {
			told += len(m.pages)
			for _, p := range m.pages {
				wait := m.at.Sub(p.At)
				require.GreaterOrEqual(t, wait, time.Duration(0), "told before it came")
				require.LessOrEqual(t, wait, max(rules.Later, rules.Patience)+rules.Apart, "waits too long")
				if p.Priority == org.P1 && p.Arose.IsZero() && !p.Late {
					require.LessOrEqual(t, wait, max(rules.Urgent, rules.Apart), "a P1 that is news waits too long")
				}
				if m.catchesUp() {
					continue // all together; what is new in it is above
				}
				if p.Priority == org.P1 && m.p1s() < rules.Many {
					require.LessOrEqual(t, wait, max(rules.Urgent, rules.Apart), "a P1 waits too long")
				}
				if other := m.other(); p.Priority == org.P1 && !other.IsZero() {
					require.LessOrEqual(t, wait, max(rules.Urgent, rules.Apart, other.Sub(p.At)), "a P1 among others waits too long")
				}
			}
			for n := range 8 {
				require.False(t, n == 7 && i >= 7 && m.at.Sub(out[i-7].at) < rules.Window, "the cap of 7 a minute was broken: %s", story(out))
			}
		}
		require.Equal(t, len(pages), told, "every page is told, once")
	})
}
