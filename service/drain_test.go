package service_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

func TestAP1GoesBeforeAllThatWaitWhenTheEngineIsBusy(t *testing.T) {
	h := newHouse(t)
	h.inbox.Silent = service.Crowd{All: 64}
	h.relay.Sweep(ctx())
	h.fires(alert.Trigger, "a", alert.Info)
	h.fires(alert.Trigger, "b", alert.Error)
	h.fires(alert.Trigger, "c", alert.Critical)
	h.relay.Sweep(ctx())
	require.Equal(t, []org.Priority{org.P1}, h.order(), "a P1 waits for P1 only")

	h.inbox.Silent = service.Crowd{}
	h.relay.Sweep(ctx())
	h.done()
	require.ElementsMatch(t, []org.Priority{org.P1, org.P2, org.P4}, h.order(), "and then everybody")
}

func TestP1WaitForP1(t *testing.T) {
	h := newHouse(t)
	h.inbox.Silent = service.Crowd{All: 64, Urgent: 64}
	h.relay.Sweep(ctx())
	h.fires(alert.Trigger, "a", alert.Critical)
	h.relay.Sweep(ctx())
	require.Empty(t, h.engine.Started())
}

func TestNobodyOvertakesThoseWhoWaitUntilNobodyDoes(t *testing.T) {
	h := newHouse(t)
	h.gate.Hold()
	h.fires(alert.Trigger, "a", alert.Error)
	h.fires(alert.Trigger, "b", alert.Error)
	require.Empty(t, h.engine.Started(), "the relay starts them, in their turn")
	h.relay.Sweep(ctx())
	require.Len(t, h.engine.Started(), 2)

	h.relay.Sweep(ctx()) // and finds nobody
	h.fires(alert.Trigger, "c", alert.Error)
	h.done()
	require.Len(t, h.engine.Started(), 3, "beside the request again")
}

func TestWhoeverIsTurnedAwayMeanwhileKeepsTheGateShut(t *testing.T) {
	g := &service.Gate{}
	g.Hold()
	_, turned := g.Behind()
	require.False(t, g.Pass(org.P1))
	g.CaughtUp(turned)
	require.False(t, g.Pass(org.P1), "there is one who waits")
	_, turned = g.Behind()
	g.CaughtUp(turned)
	require.True(t, g.Pass(org.P1))
}

func TestTheGateCountsWhatPassesUntilTheNextCount(t *testing.T) {
	g := &service.Gate{Most: 2}
	require.True(t, g.Pass(org.P3))
	require.True(t, g.Pass(org.P3))
	require.False(t, g.Pass(org.P3))
	urgent, others := g.Seen(service.Crowd{All: 1})
	require.Equal(t, []int{2, 1}, []int{urgent, others})
}

// A run that is too busy to hear a word is no reason for others to wait for their start.
func TestAWordThatIsNotTakenHoldsUpNoStart(t *testing.T) {
	h := newHouse(t)
	h.fires(alert.Trigger, "a", alert.Error)
	h.done()
	h.gate.Hold() // from here on the relay does it all
	h.engine.Deaf = make(chan struct{})
	h.fires(alert.Trigger, "a", alert.Critical) // a word to the one that runs
	running, stop := context.WithCancel(ctx())
	var relay sync.WaitGroup
	relay.Go(func() { h.relay.Run(running) })
	require.Eventually(t, func() bool { return h.engine.Waiting.Load() > 0 }, time.Minute, time.Millisecond)
	h.fires(alert.Trigger, "b", alert.Error)
	require.Eventually(t, func() bool { return len(h.engine.Started()) == 2 }, time.Minute, time.Millisecond)
	require.Empty(t, h.engine.Told(), "the word is still under way")
	close(h.engine.Deaf)
	require.Eventually(t, func() bool { return len(h.engine.Told()) > 0 }, time.Minute, time.Millisecond)
	stop()
	relay.Wait()
}

func TestOneEventThatCannotBeSettledHoldsUpNoOther(t *testing.T) {
	h := newHouse(t)
	h.pool.Close()
	for n := range 10 {
		format, raw := "pagerduty", "{}"
		if n == 3 {
			format, raw = "api", "no request"
		}
		_, err := h.intake.Accept(ctx(), servicetest.Key, alert.Alert{
			Action: alert.Trigger, DedupKey: fmt.Sprint(n), Title: "x", Severity: alert.Error,
		}, []byte(raw), format)
		require.NoError(t, err)
	}
	h.relay.Sweep(ctx())
	events, _ := h.inbox.Waiting()
	require.Equal(t, 1, events)
	require.Len(t, h.engine.Started(), 9)
}

func TestAStormBesideRequestsIsAllSettled(t *testing.T) {
	h := newHouse(t)
	for n := range 500 {
		_, err := h.intake.Accept(ctx(), servicetest.Key, alert.Alert{
			Action: alert.Trigger, DedupKey: fmt.Sprint(n), Title: "x", Severity: alert.Error,
		}, []byte("{}"), "pagerduty")
		require.NoError(t, err)
	}
	h.settled()
	require.Eventually(t, func() bool {
		h.relay.Sweep(ctx())
		_, errands := h.inbox.Waiting()
		return errands == 0
	}, time.Minute, time.Millisecond)
}

// picky is an engine that never takes one escalation, and does not survive another.
type picky struct {
	service.Engine
	refuses, breaks id.Escalation
}

func (p picky) Open(ctx context.Context, start contract.Start) error {
	switch start.Opening.ID {
	case p.refuses:
		return fault.New(fault.Invalid, "too large")
	case p.breaks:
		panic("nil pointer")
	}
	return p.Engine.Open(ctx, start)
}

func TestAStartThatIsRefusedForEverKeepsNobodyWaiting(t *testing.T) {
	h := newHouse(t)
	h.settler.Engine = picky{Engine: h.engine, refuses: "E-1"}
	h.gate.Hold()
	h.fires(alert.Trigger, "a", alert.Error)
	h.fires(alert.Trigger, "b", alert.Error)
	for range 3 { // the relay tries, then finds nobody who waits for their turn
		h.relay.Sweep(ctx())
	}
	behind, _ := h.gate.Behind()
	require.False(t, behind, "the gate is shut for good")
	require.Len(t, h.engine.Started(), 1)
	_, errands := h.inbox.Waiting()
	require.Equal(t, 1, errands, "it is not given up")
}

func TestAnErrandThatPanicsHoldsUpNoOther(t *testing.T) {
	h := newHouse(t)
	h.settler.Engine = picky{Engine: h.engine, breaks: "E-2"}
	h.gate.Hold()
	for _, key := range []string{"a", "b", "c"} {
		h.fires(alert.Trigger, key, alert.Error)
	}
	h.relay.Sweep(ctx())
	require.Len(t, h.engine.Started(), 2)
}

func TestAnEventThatPanicsHoldsUpNoOther(t *testing.T) {
	h := newHouse(t)
	for _, key := range []string{"a", "b", "c"} {
		_, _, err := h.inbox.Accept(ctx(), service.Incoming{Integration: "acme-payments", Service: "payments", ReceivedAt: h.now,
			Alert: alert.Alert{Action: alert.Trigger, DedupKey: key, Title: "x", Severity: alert.Error}})
		require.NoError(t, err)
	}
	calls := 0
	h.settler.Rules = func() int {
		if calls++; calls <= 2 { // with the others, then alone
			panic("nil pointer")
		}
		return 1
	}
	h.relay.Sweep(ctx())
	events, _ := h.inbox.Waiting()
	require.Equal(t, 1, events)
	require.Len(t, h.engine.Started(), 2)
}

// trap is an inbox at which the first look of each kind panics.
type trap struct {
	*servicetest.Inbox
	settles, tells atomic.Bool
}

func (p *trap) Unsettled(ctx context.Context, age time.Duration, limit int) ([]int64, error) {
	if !p.settles.Swap(true) {
		panic("a row that nobody can read")
	}
	return p.Inbox.Unsettled(ctx, age, limit)
}

func (p *trap) Crowd(ctx context.Context, age, lately time.Duration) (service.Crowd, error) {
	if !p.tells.Swap(true) {
		panic("a row that nobody can read")
	}
	return p.Inbox.Crowd(ctx, age, lately)
}

func TestARelayOutlivesAPanic(t *testing.T) {
	h := newHouse(t)
	h.pool.Close() // nobody settles beside the request
	h.relay.Inbox, h.relay.Every = &trap{Inbox: h.inbox}, time.Millisecond
	running, end := context.WithCancel(ctx())
	defer end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.relay.Run(running)
	}()
	_, err := h.intake.Accept(ctx(), servicetest.Key, alert.Alert{
		Action: alert.Trigger, DedupKey: "a", Title: "x", Severity: alert.Error,
	}, []byte("{}"), "pagerduty")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(h.engine.Started()) == 1 }, time.Minute, time.Millisecond)
	end()
	<-done
}

// order is that of the starts.
func (h *house) order() []org.Priority {
	var all []org.Priority
	for _, start := range h.engine.Started() {
		all = append(all, start.Opening.Plan.Priority)
	}
	return all
}
