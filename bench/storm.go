package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	stormEvents   = 10_000
	stormLasts    = time.Minute
	stormServices = 50
	stormPeople   = 10 // who are on call for five services each
	stormWindow   = 5 * time.Second
	stormCap      = 7 // messages to one person within a minute: what digests promise
)

// gust is one event of a storm.
type gust struct {
	action   string
	severity string // of a trigger; critical makes a P1
	about    int    // number of the alert: its own, or that of an earlier event
	resolved bool   // a trigger that the monitor takes back soon
}

// gustOf is the i-th event of a storm, as monitors send it. Of a hundred: 3 P1 that nobody has heard of, 57 or 58 other
// new alerts, 30 repeats of alerts of half a second before, and 9 or 10 resolves of some that are older.
func gustOf(i int) gust {
	const repeated, takenBack = 65, 99 // events ago
	severities := []string{"error", "warning", "info"}
	switch digit, urgent := i%10, i%100 < 3; {
	case urgent:
		return gust{action: "trigger", severity: "critical", about: i}
	case digit >= 6 && digit <= 8 && i >= repeated:
		return gust{action: "trigger", severity: gustOf(i - repeated).severity, about: i - repeated}
	case digit == 9 && i >= takenBack && i%100 != 99: // P1 stay
		return gust{action: "resolve", about: i - takenBack}
	default:
		return gust{action: "trigger", severity: severities[i%len(severities)], about: i, resolved: digit == 0}
	}
}

// storm is ten thousand events in a minute: the door must not notice, and who has a P1 must hear of it soon, whatever
// else waits.
func (r *runner) storm(ctx context.Context) (Report, error) {
	n := r.many(stormEvents)
	within := stormLasts * time.Duration(n) / stormEvents
	s := &squall{r: r, fired: map[string]time.Time{}, calm: map[string]time.Time{}}
	s.began = time.Now()
	if err := crowd(ctx, n, connections, func(ctx context.Context, i int) error {
		if err := until(ctx, s.began.Add(time.Duration(i)*within/time.Duration(n))); err != nil {
			return err
		}
		return s.fire(ctx, i, n)
	}); err != nil {
		return nil, err
	}
	lasted := time.Since(s.began)
	if err := s.subside(ctx, n); err != nil {
		return nil, err
	}
	return s.report(n, lasted), nil
}

// squall is a storm that goes on.
type squall struct {
	r     *runner
	began time.Time
	audit Auditor

	mu      sync.Mutex
	fired   map[string]time.Time // when the first event of an alert was sent
	calm    map[string]time.Time // when its resolve was accepted
	accepts []accept
	counts  struct{ urgent, others, repeats, resolves int }
}

type accept struct {
	at   time.Time
	took time.Duration
}

func (s *squall) fire(ctx context.Context, i, n int) error {
	g := gustOf(i)
	title, service, asked := s.r.title("storm", g.about), serviceStorm(g.about%stormServices), time.Now()
	var err error
	if g.action == "resolve" {
		err = s.r.door.resolve(ctx, s.r.routingKey(service), title)
	} else {
		err = s.r.door.fire(ctx, s.r.routingKey(service), title, g.severity)
	}
	if err != nil {
		return err
	}
	answered := time.Now()
	if g.action == "trigger" && g.about == i {
		taken := g.resolved && i+99 < n // perhaps before anybody was told
		s.audit.Accepted(Sent{Title: title, Accepted: answered, Joined: taken})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepts = append(s.accepts, accept{at: asked, took: answered.Sub(asked)})
	switch {
	case g.action == "resolve":
		s.counts.resolves++
		s.calm[title] = answered
		return nil
	case g.about != i:
		s.counts.repeats++
		return nil
	case g.severity == "critical":
		s.counts.urgent++
	default:
		s.counts.others++
	}
	s.fired[title] = answered
	return nil
}

// subside waits until everybody has been told of everything that was not taken back, as long as messages come.
func (s *squall) subside(ctx context.Context, n int) error {
	bounded, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	for i := range n { // a lost one is found by the auditor
		g := gustOf(i)
		if g.action != "trigger" || g.about != i || g.resolved && i+99 < n {
			continue
		}
		if _, err := s.r.sink.await(bounded, s.r.title("storm", i), 1); err != nil {
			break
		}
	}
	return s.r.sink.silence(ctx, 5*time.Second)
}

func (s *squall) report(n int, lasted time.Duration) Report {
	found := s.r.audit(&s.audit, "storm")
	firsts, each := map[string]time.Time{}, map[string][]time.Time{}
	counted := map[string]bool{}
	needless := 0
	for _, m := range s.r.sink.of(s.r.prefix("storm")) {
		if known, ok := firsts[m.Title]; !ok || m.Arrived.Before(known) {
			firsts[m.Title] = m.Arrived
		}
		if calm, ok := s.calm[m.Title]; ok && m.Page && m.Arrived.After(calm) {
			needless++
		}
		if !counted[m.Key] { // a digest is one message
			counted[m.Key] = true
			each[m.Person] = append(each[m.Person], m.Arrived)
		}
	}
	var urgent, others Sample
	for i := range n {
		title := s.r.title("storm", i)
		told, ok := firsts[title]
		if !ok {
			continue
		}
		if gustOf(i).severity == "critical" {
			urgent = append(urgent, told.Sub(s.fired[title]))
		} else {
			others = append(others, told.Sub(s.fired[title]))
		}
	}
	most := 0
	for _, arrived := range each {
		most = max(most, densest(arrived, time.Minute))
	}
	first := figure("storm-p1-p99", sec(urgent.P99()), "s").atMost(15).audited(found).
		noted("%d events in %.0f s over %d services: %d P1, %d other alerts, %d repeats, %d resolves; P1 told after p50 %g s, last %g s",
			n, lasted.Seconds(), stormServices, s.counts.urgent, s.counts.others, s.counts.repeats, s.counts.resolves, sec(urgent.P50()), sec(urgent.Max()))
	if len(urgent) < s.counts.urgent {
		first = first.broken("%d P1 were told to nobody", s.counts.urgent-len(urgent))
	}
	all, worst := s.door()
	return Report{
		first,
		figure("storm-others-last", sec(others.Max()), "s").noted("of those below P1 told after p50 %g s; %d messages told of what had been taken back", sec(others.P50()), needless),
		figure("storm-messages", float64(most), "messages").atMost(stormCap).noted("most that one of %d people got within a minute; %d messages in all", stormPeople, len(counted)),
		figure("storm-accept-p99", ms(all.P99()), "ms").atMost(250).noted("p50 %g ms, max %g ms", ms(all.P50()), ms(all.Max())),
		figure("storm-accept-worst", ms(worst), "ms").atMost(250).noted("p99 of the worst %.0f s", stormWindow.Seconds()),
	}
}

// densest is how many of these instants lie within one span at most.
func densest(at []time.Time, span time.Duration) int {
	slices.SortFunc(at, time.Time.Compare)
	most, from := 0, 0
	for to := range at {
		for at[to].Sub(at[from]) >= span {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// door is how long senders waited: all of them, and the p99 of the window in which it was longest.
func (s *squall) door() (all Sample, worst time.Duration) {
	windows := map[int]Sample{}
	for _, a := range s.accepts {
		all = append(all, a.took)
		at := int(a.at.Sub(s.began) / stormWindow)
		windows[at] = append(windows[at], a.took)
	}
	for _, window := range windows {
		worst = max(worst, window.P99())
	}
	return all, worst
}

func serviceStorm(i int) string { return fmt.Sprintf("bench-storm-%02d", i) }

func personStorm(i int) string { return fmt.Sprintf("storm%d", i) }
