package service_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

// mine is a world in which canaries fly: a door, what lies behind it, and the record of both. Each hop can be broken.
type mine struct {
	t      *testing.T
	now    time.Time
	org    *org.Org
	broken service.Hop
	walks  map[int64]*shaft
	swept  []int64
	stand  map[id.Integration]service.Canary
	last   int64
	inbox  *servicetest.Inbox
	flock  *service.Canaries
}

// record is what the mine looks like from above.
type record struct {
	service.Escalations
	mine *mine
}

// shaft is what became of one canary in the world.
type shaft struct {
	ended   bool
	entries []escalation.Entry
}

func newMine(t *testing.T) *mine {
	m := &mine{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), walks: map[int64]*shaft{}, stand: map[id.Integration]service.Canary{}, inbox: &servicetest.Inbox{}}
	m.org = &org.Org{Integrations: map[id.Integration]org.Integration{
		"prometheus": {ID: "prometheus", Service: "payments", Key: "a-key-of-sixteen-letters", Canary: &org.Canary{Every: 10 * time.Minute, Format: "alertmanager", Service: "alerting"}},
		"other":      {ID: "other", Service: "payments", Key: "another-key-of-letters"},
	}}
	m.flock = &service.Canaries{Organisation: m, Book: m, Door: m, Proof: service.CanaryProof{Secret: []byte("secret")}, Escalations: record{mine: m}, Inbox: m.inbox,
		Now: func() time.Time { return m.now }, Log: slog.Default()}
	return m
}

func (m *mine) Current() policy.Directory { return policy.Directory{Org: m.org} }

// Say is the door.
func (m *mine) Say(_ context.Context, in org.Integration, firing bool, proof string) error {
	walk, err := m.flock.Proof.Read(in.ID, alert.Post{Header: map[string]string{service.CanaryHeader: proof}})
	require.NoError(m.t, err)
	if m.broken == service.HopEvent || m.broken == service.HopResolve && !firing {
		return fault.New(fault.Unavailable, "our own address answers 502")
	}
	if !firing {
		m.walks[walk].ended = true
		return nil
	}
	s := &shaft{}
	m.walks[walk] = s
	add := func(hop service.Hop, e escalation.Entry) bool {
		if m.broken == hop {
			return false
		}
		e.At = m.now
		s.entries = append(s.entries, e)
		return true
	}
	if m.broken == service.HopEscalation {
		delete(m.walks, walk)
		return nil
	}
	_ = add(service.HopEscalation, escalation.Entry{Kind: escalation.EntryOpened, Text: "opened"}) &&
		add(service.HopPage, escalation.Entry{Kind: escalation.EntrySent, Text: "robot by webhook"}) &&
		add(service.HopReceipt, escalation.Entry{Kind: escalation.EntryReceipt, Text: "delivered", Detail: map[string]string{"status": string(page.Delivered)}})
	return nil
}

func (m *mine) Opened(_ context.Context, walk int64) (id.Escalation, error) {
	if m.walks[walk] == nil {
		return "", fault.New(fault.NotFound, "escalation of canary %d", walk)
	}
	return id.OfNumber(walk), nil
}

func (m *mine) shaft(e id.Escalation) *shaft {
	number, err := e.Number()
	require.NoError(m.t, err)
	return m.walks[number]
}

func (m record) Get(_ context.Context, e id.Escalation) (service.Escalation, error) {
	found := service.Escalation{Summary: escalation.Summary{ID: e, State: escalation.Open}}
	if m.mine.shaft(e).ended {
		found.State, found.ResolvedAt = escalation.ResolvedP, m.mine.now
	}
	return found, nil
}

func (m record) Timeline(_ context.Context, e id.Escalation, _, _ int) ([]escalation.Entry, error) {
	return m.mine.shaft(e).entries, nil
}

func (record) Heard(context.Context, id.Escalation) ([]escalation.Entry, error) { return nil, nil }

func (m *mine) Claim(_ context.Context, named []id.Integration, at time.Time, _ time.Duration) ([]service.Canary, error) {
	for _, n := range named {
		if _, known := m.stand[n]; !known {
			m.stand[n] = service.Canary{Integration: n, LookedAt: at, NextAt: at}
		}
	}
	var due []service.Canary
	for _, c := range m.stand {
		if _, known := m.org.Integrations[c.Integration]; !known || !c.NextAt.After(at) {
			due = append(due, c)
		}
	}
	return due, nil
}

func (m *mine) Begin(context.Context, id.Integration, time.Time) (int64, error) {
	m.last++
	return m.last, nil
}

func (m *mine) Keep(_ context.Context, c service.Canary) error {
	m.stand[c.Integration] = c
	return nil
}

func (m *mine) Forget(_ context.Context, in id.Integration) error {
	delete(m.stand, in)
	return nil
}

func (m *mine) Left(_ context.Context, _ id.Integration, but int64) ([]service.CanaryLeft, error) {
	var left []service.CanaryLeft
	for number, s := range m.walks {
		if number != but && !s.ended {
			left = append(left, service.CanaryLeft{Walk: number, Service: "payments"})
			s.ended = true
			m.swept = append(m.swept, number)
		}
	}
	return left, nil
}

func (m *mine) Walks(context.Context, int) ([]service.CanaryWalk, error) {
	var all []service.CanaryWalk
	for _, c := range m.stand {
		all = append(all, c.Walk)
	}
	return all, nil
}

func (m *mine) List(context.Context) ([]service.Canary, error) {
	var all []service.Canary
	for _, c := range m.stand {
		all = append(all, c)
	}
	return all, nil
}

// passes lets time go by while somebody looks every few seconds.
func (m *mine) passes(d time.Duration) {
	m.t.Helper()
	for end := m.now.Add(d); m.now.Before(end); {
		m.now = m.now.Add(min(5*time.Second, end.Sub(m.now)))
		require.NoError(m.t, m.flock.Look(context.Background()))
	}
}

// said is what went into the inbox for humans.
func (m *mine) said() []string {
	var all []string
	for _, e := range m.inbox.Events() {
		if !strings.HasPrefix(e.Alert.DedupKey, "belay-canary/") {
			all = append(all, fmt.Sprintf("%s %s: %s", e.Alert.Action, e.Service, e.Alert.Title))
		}
	}
	return all
}

func TestACanaryThatArrivesIsNoNews(t *testing.T) {
	m := newMine(t)
	m.passes(time.Hour)
	require.Empty(t, m.said())
	require.Equal(t, int64(6), m.last, "one every ten minutes, and none through an integration that asks for none")
	all, err := m.flock.List(context.Background(), service.Caller{Role: service.Viewer}, 1)
	require.NoError(t, err)
	require.Len(t, all, 1)
	for _, hop := range service.Hops() {
		require.False(t, all[0].History[0].Passed[hop].IsZero(), "when it passed %s is known", hop)
	}
}

// Whichever hop breaks is named within two intervals, by an escalation of the service that operators chose; and when it holds
// again, that is over.
func TestABrokenHopIsNamedWithinTwoIntervals(t *testing.T) {
	for _, hop := range service.Hops() {
		t.Run(string(hop), func(t *testing.T) {
			m := newMine(t)
			m.passes(time.Minute)
			m.broken = hop // just after a canary has arrived: the worst moment
			m.passes(20 * time.Minute)
			require.NotEmpty(t, m.said())
			first := m.said()[0]
			require.True(t, strings.HasPrefix(first, "trigger alerting: Canary of prometheus stops before "+string(hop)+": "), first)
			keys := map[string]bool{}
			for _, e := range m.inbox.Events() {
				if e.Alert.Action == alert.Trigger {
					keys[e.Alert.DedupKey] = true
				}
			}
			require.Len(t, keys, 1, "however long it is broken, that is one escalation")
			m.broken = ""
			m.passes(20 * time.Minute)
			said := m.said()
			require.Equal(t, "resolve alerting: Canary of prometheus passes "+string(hop)+" again", said[len(said)-1])
			quiet := len(said)
			m.passes(time.Hour)
			require.Len(t, m.said(), quiet)
			if hop == service.HopPage || hop == service.HopReceipt || hop == service.HopResolve {
				require.NotEmpty(t, m.swept, "what stays open of it is closed")
			}
		})
	}
}

func TestAnotherHopIsAnotherEscalation(t *testing.T) {
	m := newMine(t)
	m.broken = service.HopReceipt
	m.passes(8 * time.Minute)
	m.broken = service.HopEvent
	m.passes(15 * time.Minute)
	said := strings.Join(m.said(), "\n")
	require.Contains(t, said, "resolve alerting: Canary of prometheus passes receipt again\ntrigger alerting: Canary of prometheus stops before event")
}

// While nobody looked nothing could be seen: the canary that was under way says nothing about its hops.
func TestAWalkThatNobodyFollowedIsNotJudged(t *testing.T) {
	m := newMine(t)
	m.broken = service.HopReceipt
	m.passes(10 * time.Second)
	m.now = m.now.Add(time.Hour)
	m.broken = ""
	m.passes(time.Minute)
	require.Empty(t, m.said())
	require.Equal(t, int64(2), m.last, "another one flew at once")
}

func TestWhoeverTakesACanaryAwayEndsWhatItTold(t *testing.T) {
	m := newMine(t)
	m.broken = service.HopPage
	m.passes(8 * time.Minute)
	require.Len(t, m.said(), 1)
	delete(m.org.Integrations, "prometheus")
	m.passes(time.Minute)
	require.Equal(t, "resolve alerting: No canary walks through prometheus any more", m.said()[1])
	require.Empty(t, m.stand)
}

// Only our own proof keeps an alert from humans: a sender who claims to be a canary is refused, and so is the proof of another
// integration, or of another walk.
func TestNobodyElseIsACanary(t *testing.T) {
	p := service.CanaryProof{Secret: []byte("secret")}
	read := func(said string) (int64, error) {
		return p.Read("prometheus", alert.Post{Header: map[string]string{service.CanaryHeader: said}})
	}
	walk, err := read(p.Walk("prometheus", 17))
	require.NoError(t, err)
	require.Equal(t, int64(17), walk)
	walk, err = p.Read("prometheus", alert.Post{})
	require.NoError(t, err)
	require.Zero(t, walk)
	for _, said := range []string{"1", "17.", "17.abc", p.Walk("other", 17), "18" + strings.TrimPrefix(p.Walk("prometheus", 17), "17"), p.Page("17"),
		service.CanaryProof{Secret: []byte("another")}.Walk("prometheus", 17), "-1.x", "0" + p.Walk("prometheus", 17)} {
		_, err := read(said)
		require.True(t, fault.Is(err, fault.Unauthenticated), said)
	}
	_, err = service.CanaryProof{}.Read("prometheus", alert.Post{Header: map[string]string{service.CanaryHeader: service.CanaryProof{}.Walk("prometheus", 1)}})
	require.True(t, fault.Is(err, fault.Unauthenticated), "without a secret nobody is one")
	require.NoError(t, p.Paged("E-1/t1", p.Page("E-1/t1")))
	require.True(t, fault.Is(p.Paged("E-2/t1", p.Page("E-1/t1")), fault.Unauthenticated))
}
