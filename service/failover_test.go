package service_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

// mast is a provider of which everything can be decided.
type mast struct {
	name string
	mu   sync.Mutex
	sent []string // what really left, by key
	send func(ctx context.Context) (page.Receipt, error)
	find error // what a question meets
	sick error // what a probe meets
	lost bool  // the message leaves, the answer does not come

}

func (m *mast) Send(ctx context.Context, message page.Message) (page.Receipt, error) {
	m.mu.Lock()
	send, lost := m.send, m.lost
	m.mu.Unlock()
	if send != nil {
		if r, err := send(ctx); err != nil || r.Class != page.Pending {
			return r, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, message.Key)
	if lost {
		return page.Receipt{}, fault.New(fault.Unavailable, "connection reset")
	}
	return m.receipt(), nil
}

func (m *mast) receipt() page.Receipt {
	return page.Receipt{Status: page.Accepted, Class: page.Pending, Provider: m.name}
}

func (m *mast) Find(_ context.Context, message page.Message, _ time.Time) (page.Receipt, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.find != nil {
		return page.Receipt{}, false, m.find
	}
	for _, key := range m.sent {
		if key == message.Key {
			return m.receipt(), true, nil
		}
	}
	return page.Receipt{}, false, nil
}

func (m *mast) probe(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sick
}

func (m *mast) set(change func(*mast)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

func (m *mast) keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string{}, m.sent...)
}

func down(context.Context) (page.Receipt, error) {
	return page.Receipt{}, fault.New(fault.Unavailable, "HTTP 503")
}

func unreachable(context.Context) (page.Receipt, error) {
	return page.Receipt{}, fault.Wrap(fault.Unavailable, page.ErrUnsent, "reach it")
}

func hanging(ctx context.Context) (page.Receipt, error) {
	<-ctx.Done()
	return page.Receipt{}, fault.Wrap(fault.Unavailable, ctx.Err(), "reach it")
}

func refusing(r page.Receipt) func(context.Context) (page.Receipt, error) {
	return func(context.Context) (page.Receipt, error) { return r, nil }
}

// coast is a channel with two masts.
type coast struct {
	*service.Failover
	t             *testing.T
	first, second *mast
	at            time.Time
	switches      []string
}

func newCoast(t *testing.T) *coast {
	c := &coast{t: t, first: &mast{name: "first"}, second: &mast{name: "second"}, at: time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)}
	elsewhere := func(r page.Receipt) bool { return r.Code == "suspended" || r.Class == page.Transient }
	c.Failover = &service.Failover{
		Channel: org.SMS, Log: slog.New(slog.DiscardHandler), Lag: time.Millisecond, Patience: 50 * time.Millisecond, Asking: 50 * time.Millisecond,
		First:    service.Provider{Name: "first", Outlet: c.first, Elsewhere: elsewhere, Probe: c.first.probe},
		Second:   service.Provider{Name: "second", Outlet: c.second, Elsewhere: elsewhere},
		Switched: func(_ org.Channel, from, to string) { c.switches = append(c.switches, from+" → "+to) },
	}
	began := time.Now() // silence takes real time, the rest that of the scene
	c.Now = func() time.Time { return c.at.Add(time.Since(began)) }
	return c
}

func (c *coast) page(key string) page.Receipt {
	c.t.Helper()
	r, err := c.Send(c.t.Context(), page.Message{Key: key, Channel: org.SMS})
	require.NoError(c.t, err)
	return r
}

func TestTheMessageThatMeetsTheFailureGoesByTheOther(t *testing.T) {
	for name, send := range map[string]func(context.Context) (page.Receipt, error){
		"503":           down,
		"silence":       hanging,
		"no connection": unreachable,
		"throttled": func(context.Context) (page.Receipt, error) {
			return page.Receipt{}, fault.Later(time.Minute, "HTTP 429")
		},
		"queue full": refusing(page.Receipt{Status: page.Failed, Class: page.Transient, Code: "21611"}),
		"suspended":  refusing(page.Receipt{Status: page.Failed, Class: page.Dead, Code: "suspended"}),
	} {
		t.Run(name, func(t *testing.T) {
			c := newCoast(t)
			c.first.send = send
			r := c.page("k")
			require.Equal(t, "second", r.Provider)
			require.Equal(t, "instead of first", r.Reason)
			require.Equal(t, []string{"k"}, c.second.keys())
			require.Empty(t, c.first.keys())
		})
	}
}

// Refusals that concern the person are the same everywhere, and who said STOP has said it to all.
func TestWhatConcernsThePersonStaysRefused(t *testing.T) {
	for _, r := range []page.Receipt{
		{Status: page.OptedOut, Class: page.Barred, Provider: "first"},
		{Status: page.Failed, Class: page.Dead, Code: "21211", Provider: "first"},
	} {
		c := newCoast(t)
		c.first.send = refusing(r)
		require.Equal(t, r, c.page("k"))
		require.Empty(t, c.second.keys())
	}
}

// Accept, then drop the connection: it is asked, and the other is left alone.
func TestWhatLeftIsNotSentAgain(t *testing.T) {
	c := newCoast(t)
	c.first.lost = true
	require.Equal(t, "first", c.page("k").Provider)
	require.Equal(t, []string{"k"}, c.first.keys())
	require.Empty(t, c.second.keys())
}

// Whoever cannot be asked may have it: only the engine's last attempt takes the risk of telling somebody twice.
func TestWhatMayHaveLeftWaits(t *testing.T) {
	c := newCoast(t)
	c.first.lost, c.first.find = true, fault.New(fault.Unavailable, "HTTP 503")
	m := page.Message{Key: "k", Channel: org.SMS}
	_, err := c.Send(t.Context(), m)
	require.True(t, fault.Is(err, fault.Unavailable))
	require.NotErrorIs(t, err, page.ErrUnsent)
	require.Empty(t, c.second.keys())

	_, _, err = c.Find(t.Context(), m, c.at)
	require.Error(t, err, "a no of the second alone is no no")
	c.first.set(func(m *mast) { m.find = nil })
	r, found, err := c.Find(t.Context(), m, c.at)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "first", r.Provider)

	c.first.set(func(m *mast) { m.lost, m.send, m.find = false, down, errors.New("HTTP 503") })
	_, _, err = c.Find(t.Context(), page.Message{Key: "other"}, c.at)
	require.Error(t, err)
	require.Equal(t, "second", c.page("other").Provider, "the last attempt goes by the one that works")
}

func TestAMessageOfTheSecondIsFoundThere(t *testing.T) {
	c := newCoast(t)
	c.first.send, c.second.lost = unreachable, true
	m := page.Message{Key: "k", Channel: org.SMS}
	_, err := c.Send(t.Context(), m)
	require.Error(t, err)
	require.NotErrorIs(t, err, page.ErrUnsent)
	r, found, err := c.Find(t.Context(), m, c.at)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "second", r.Provider)
	require.Equal(t, []string{"k"}, c.second.keys())
}

func TestAfterAFailureTheOtherCarriesAtOnce(t *testing.T) {
	c := newCoast(t)
	c.first.send = hanging
	c.page("1")
	require.Equal(t, []string{"first → second"}, c.switches)
	c.first.set(func(m *mast) {
		m.send = func(context.Context) (page.Receipt, error) { t.Error("asked"); return page.Receipt{}, nil }
	})
	c.page("2")
	require.Equal(t, []string{"1", "2"}, c.second.keys())
}

func TestOneFailureMayBeChance(t *testing.T) {
	c := newCoast(t)
	c.first.send = down
	c.page("1")
	c.first.set(func(m *mast) { m.send = nil })
	require.Equal(t, "first", c.page("2").Provider)
	c.first.set(func(m *mast) { m.send = down })
	c.page("3")
	require.Empty(t, c.switches, "not two in a row")
	c.page("4")
	require.Equal(t, []string{"first → second"}, c.switches)
}

func TestTheChannelIsHandedBackOnceTheFirstHasWorkedForAWhile(t *testing.T) {
	c := newCoast(t)
	c.first.send, c.first.sick = hanging, errors.New("HTTP 503")
	c.page("1")
	c.first.set(func(m *mast) { m.send = nil })
	after := func(d time.Duration) { c.at = c.at.Add(d); c.Check(t.Context()) }
	after(time.Hour)
	require.Equal(t, "second", c.page("2").Provider, "it is still sick")
	c.first.set(func(m *mast) { m.sick = nil })
	after(0)
	after(10 * time.Second)
	c.first.set(func(m *mast) { m.sick = errors.New("HTTP 503") })
	after(0)
	c.first.set(func(m *mast) { m.sick = nil })
	after(0)
	after(10 * time.Second)
	require.Equal(t, "second", c.page("3").Provider, "well for ten seconds only")
	after(6 * time.Second)
	require.Equal(t, []string{"first → second", "second → first"}, c.switches)
	require.Equal(t, "first", c.page("4").Provider)
	require.Equal(t, []string{"1", "2", "3"}, c.second.keys())
}

func TestWhoeverFailsAgainSoonWaitsTwiceAsLong(t *testing.T) {
	c := newCoast(t)
	after := func(d time.Duration) { c.at = c.at.Add(d); c.Check(t.Context()) }
	c.first.send = hanging
	c.page("1")
	after(0)
	after(16 * time.Second)
	require.Len(t, c.switches, 2)
	c.first.set(func(m *mast) { m.send = unreachable })
	c.page("2")
	require.Len(t, c.switches, 3, "on probation one failure is enough")
	after(0)
	after(16 * time.Second)
	require.Len(t, c.switches, 3)
	after(16 * time.Second)
	require.Len(t, c.switches, 4)
}

// One that cannot be asked is tried again with a message.
func TestAFirstWithoutAProbeIsTriedAgain(t *testing.T) {
	c := newCoast(t)
	c.First.Probe = nil
	c.first.send = hanging
	c.page("1")
	c.Check(t.Context())
	require.Len(t, c.switches, 1)
	c.at = c.at.Add(16 * time.Second)
	c.Check(t.Context())
	require.Len(t, c.switches, 2)
}

func TestWhileAwayTheFirstIsTheLastHope(t *testing.T) {
	c := newCoast(t)
	c.first.send = hanging
	c.page("1")
	c.first.set(func(m *mast) { m.send = nil })
	c.second.set(func(m *mast) { m.send = unreachable })
	require.Equal(t, "first", c.page("2").Provider)
}

func TestWithBothDownTheEngineTriesAgain(t *testing.T) {
	c := newCoast(t)
	c.first.send, c.second.send = unreachable, unreachable
	_, err := c.Send(t.Context(), page.Message{Key: "k"})
	require.ErrorIs(t, err, page.ErrUnsent)
	c.first.send = refusing(page.Receipt{Status: page.Failed, Class: page.Dead, Code: "suspended"})
	_, err = c.Send(t.Context(), page.Message{Key: "k"})
	require.True(t, fault.Retryable(err), "the second may come back")
}

// A process that stops has learnt nothing about its carriers.
func TestAnEndedContextIsNobodysFault(t *testing.T) {
	c := newCoast(t)
	c.first.send = hanging
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Send(ctx, page.Message{Key: "k"})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, c.switches)
	require.Empty(t, c.second.keys())
}

// It takes seconds to find out that a provider hangs. Who has answered meanwhile is not paged by the other.
func TestAPageThatWasAnsweredMeanwhileDoesNotGoByTheOther(t *testing.T) {
	rows := &servicetest.Escalations{}
	later := newCoast(t).Now().Add(time.Hour)
	carried := func(e id.Escalation, purpose page.Purpose) bool {
		c := newCoast(t)
		c.first.send = hanging
		c.Settled = service.Settled(rows)
		r, err := c.Send(t.Context(), page.Message{Key: string(e) + "/t1/ana/mobile/1", Channel: org.SMS, Purpose: purpose})
		require.NoError(t, err)
		require.Equal(t, r.Class != page.Dead, len(c.second.keys()) == 1)
		return r.Class != page.Dead
	}
	rows.Put(service.Escalation{Summary: escalation.Summary{ID: "E-1", AcknowledgedAt: later}})
	rows.Put(service.Escalation{Summary: escalation.Summary{ID: "E-2", ResolvedAt: later}})
	rows.Put(service.Escalation{Summary: escalation.Summary{ID: "E-3", AcknowledgedAt: later.Add(-2 * time.Hour)}}) // and it climbs again

	require.False(t, carried("E-1", page.Page))
	require.False(t, carried("E-2", page.Page))
	require.True(t, carried("E-3", page.Page))
	require.True(t, carried("E-4", page.Page), "nobody knows of it: told is better")
	require.True(t, carried("E-1", page.Inform), "news is wanted all the same")
}
