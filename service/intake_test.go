package service_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

func TestAnAlertOpensAnEscalationWithItsFrozenPlan(t *testing.T) {
	h := newHouse(t)
	h.fires(alert.Trigger, "disk", alert.Critical)
	h.done()

	require.Len(t, h.engine.Started(), 1)
	o := h.engine.Started()[0].Opening
	require.Equal(t, id.Escalation("E-1"), o.ID)
	require.Equal(t, org.P1, o.Plan.Priority, "impact 1 and critical")
	require.Equal(t, id.Revision("rev1"), o.Plan.Revision)
	require.Equal(t, id.Policy("all"), o.Plan.Policy)
	require.Equal(t, "Payments", o.ServiceName)
	require.Equal(t, h.now, o.OpenedAt)
	require.Equal(t, id.Person("monitor"), o.By.By)
}

func TestARepeatJoinsAndAResolveIsSaid(t *testing.T) {
	h := newHouse(t)
	h.fires(alert.Trigger, "disk", alert.Warning)
	h.done()
	h.fires(alert.Trigger, "disk", alert.Critical)
	h.done() // a word that is still on its way may be said once more with the next one
	h.fires(alert.Resolve, "disk", "")
	h.done()
	h.fires(alert.Trigger, "disk", alert.Warning)
	h.done()

	require.Len(t, h.engine.Started(), 2, "after a resolve the same key is a new outage")
	require.Equal(t, []string{
		"escalation/E-1 repeat 1 critical",
		"escalation/E-1 resolve monitor via events key ",
	}, h.engine.Told())
}

func TestWhatIsAcceptedIsNotLostWhenTheEngineIsAway(t *testing.T) {
	h := newHouse(t)
	h.engine.Leave(true)
	h.fires(alert.Trigger, "disk", alert.Critical)
	h.fires(alert.Acknowledge, "disk", "")
	h.relay.Sweep(ctx())
	require.Empty(t, h.engine.Started())

	h.engine.Leave(false)
	h.relay.Sweep(ctx())
	h.done()
	require.Len(t, h.engine.Started(), 1)
	require.Equal(t, []string{"escalation/E-1 begins with acknowledge"}, h.engine.Told())
}

// Nobody is told of what its monitor has taken back while the engine was away: opened first and resolved after, it would
// call somebody in between for what is long over.
func TestWhatWasResolvedBeforeItCouldBeginBeginsResolved(t *testing.T) {
	h := newHouse(t)
	h.engine.Leave(true)
	h.fires(alert.Trigger, "disk", alert.Critical)
	h.fires(alert.Trigger, "disk", alert.Critical)
	h.fires(alert.Acknowledge, "disk", "")
	h.fires(alert.Resolve, "disk", "")
	h.engine.Leave(false)
	h.relay.Sweep(ctx())
	h.done()
	require.Equal(t, "escalation/E-1 begins with resolve", h.engine.Told()[0])
}

func TestARepeatOfSomethingOverIsANewOutage(t *testing.T) {
	h := newHouse(t)
	h.fires(alert.Trigger, "disk", alert.Critical)
	h.done()
	h.engine.End("escalation/E-1")
	h.fires(alert.Trigger, "disk", alert.Critical)
	h.done()
	require.Len(t, h.engine.Started(), 2)
	require.Equal(t, id.Escalation("E-2"), h.engine.Started()[1].Opening.ID)
}

func TestAWordToSomethingOverIsDoneWith(t *testing.T) {
	h := newHouse(t)
	h.fires(alert.Trigger, "disk", alert.Critical)
	h.done()
	h.engine.End("escalation/E-1")
	h.fires(alert.Acknowledge, "disk", "")
	h.done()
	require.Empty(t, h.engine.Told())
}

func TestNotKnownYetIsNotOverForTheProcessThatTookTheEvent(t *testing.T) {
	h := newHouse(t)
	h.engine.Leave(true)
	h.fires(alert.Trigger, "disk", alert.Critical)
	h.fires(alert.Trigger, "disk", alert.Critical)
	h.pool.Close()
	_, errands := h.inbox.Waiting()
	require.Equal(t, 2, errands, "neither struck off nor opened anew")
}

func TestABusyPoolLeavesTheEventToTheRelay(t *testing.T) {
	h := newHouse(t)
	h.pool.Close() // takes nothing any more
	_, err := h.intake.Accept(ctx(), servicetest.Key, alert.Alert{Action: alert.Trigger, DedupKey: "disk", Title: "x"}, nil, "pagerduty")
	require.NoError(t, err)
	require.Empty(t, h.engine.Started())

	h.relay.Sweep(ctx())
	require.Len(t, h.engine.Started(), 1)
}

func TestTheSenderIsToldWhatIsWrong(t *testing.T) {
	h := newHouse(t)
	trigger := alert.Alert{Action: alert.Trigger, Title: "x"}

	_, err := h.intake.Accept(ctx(), "wrong", trigger, nil, "pagerduty")
	require.True(t, fault.Is(err, fault.NotFound), err)

	_, err = h.intake.Accept(ctx(), "", trigger, nil, "pagerduty")
	require.True(t, fault.Is(err, fault.NotFound), err)

	_, err = h.intake.Accept(ctx(), servicetest.Key, alert.Alert{Action: alert.Resolve}, nil, "pagerduty")
	require.ErrorContains(t, err, "dedup_key")

	h.inbox.Broken = fault.Wrap(fault.Unavailable, errors.New("connection refused"), "write")
	_, err = h.intake.Accept(ctx(), servicetest.Key, trigger, nil, "pagerduty")
	require.True(t, fault.Is(err, fault.Unavailable), "no success before the commit: %v", err)

	h.inbox.Broken = nil
	key, err := h.intake.Accept(ctx(), servicetest.Key, trigger, nil, "pagerduty")
	require.NoError(t, err)
	require.NotEmpty(t, key, "a trigger without a key gets one")
}

// The door takes half a megabyte, of which JSON can make six times as much, and the engine refuses what is above two: an
// alert that was accepted must be one that can be opened.
func TestAnAlertWithAnEndlessSourceIsOpened(t *testing.T) {
	for name, gone := range map[string]bool{"known service": false, "service that is gone": true} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.pool.Close() // the relay does it, once the service is gone
			_, err := h.intake.Accept(ctx(), servicetest.Key, alert.Alert{
				Action: alert.Trigger, DedupKey: "disk", Title: strings.Repeat("é<", 200_000), Source: strings.Repeat("<", 500_000), Severity: alert.Error,
			}, nil, "pagerduty")
			require.NoError(t, err)
			if gone {
				delete(h.organisation.Directory.Org.Services, "payments")
			}
			h.relay.Sweep(ctx())
			raw, err := json.Marshal(h.engine.Started()[0])
			require.NoError(t, err)
			require.Less(t, len(raw), 32<<10)
			require.True(t, utf8.ValidString(h.engine.Started()[0].Opening.Title))
		})
	}
}

func TestAServiceThatIsGoneStillReachesTheCatchAll(t *testing.T) {
	h := newHouse(t)
	delete(h.organisation.Directory.Org.Services, "payments")
	h.fires(alert.Trigger, "disk", alert.Error)
	h.done()
	o := h.engine.Started()[0].Opening
	require.Empty(t, o.Plan.Tiers)
	require.Equal(t, "catch-all", o.Plan.CatchAll.Name)
	require.NotEmpty(t, o.Plan.Priority)
}

func TestTheRelayRunsUntilItIsStopped(t *testing.T) {
	h := newHouse(t)
	h.pool.Close()
	h.relay.Every = time.Millisecond
	ctx, stop := contextWithCancel()
	stopped := make(chan struct{})
	go func() { h.relay.Run(ctx); close(stopped) }()
	_, err := h.intake.Accept(ctx, servicetest.Key, alert.Alert{Action: alert.Trigger, DedupKey: "disk", Title: "x"}, nil, "pagerduty")
	require.NoError(t, err)
	h.done()
	stop()
	<-stopped
}

func TestAStormIsCaughtUpWithOneFailureHoldingNobodyElseBack(t *testing.T) {
	h := newHouse(t)
	h.pool.Close()
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		for range 3 {
			_, err := h.intake.Accept(ctx(), servicetest.Key, alert.Alert{
				Action: alert.Trigger, DedupKey: key, Title: key, Severity: alert.Error,
			}, nil, "pagerduty")
			require.NoError(t, err)
		}
	}
	h.engine.End("escalation/E-4") // its start is known already and its repeats meet the end
	h.relay.Batch = 4
	more := true
	for range 20 {
		more = h.relay.Sweep(ctx())
	}
	require.False(t, more, "nothing is left to do")
	events, errands := h.inbox.Waiting()
	require.Zero(t, events+errands)
	require.GreaterOrEqual(t, len(h.engine.Started()), 11, "the one that was over came back as a new one")
}

func TestOpeningByHandGoesTheSameWay(t *testing.T) {
	h := newHouse(t)
	e, err := h.open.Do(ctx(), ana(), service.Opening{
		Service: "payments", Title: "refunds are stuck", Priority: org.P3, Kind: org.Procedural, DedupKey: "refunds",
	})
	require.NoError(t, err)
	require.Equal(t, id.Escalation("E-1"), e)
	o := h.engine.Started()[0].Opening
	require.Equal(t, org.P3, o.Plan.Priority, "what a human says beats the matrix")
	require.Equal(t, org.Procedural, o.Kind)
	require.Equal(t, id.Person("ana"), o.By.By)
	require.Equal(t, "api", o.By.Via)

	again, err := h.open.Do(ctx(), ana(), service.Opening{Service: "payments", Title: "refunds", DedupKey: "refunds"})
	require.NoError(t, err)
	require.Equal(t, e, again, "the same key joins the open one")
}

func TestOpeningByHandKnowsItsNumberWithoutTheEngine(t *testing.T) {
	h := newHouse(t)
	h.engine.Leave(true)
	e, err := h.open.Do(ctx(), ana(), service.Opening{Service: "payments", Title: "refunds are stuck"})
	require.NoError(t, err)
	require.Equal(t, id.Escalation("E-1"), e)
	h.engine.Leave(false)
	h.relay.Sweep(ctx())
	require.Len(t, h.engine.Started(), 1)
}

func TestTheSameIdempotencyKeyOpensOnce(t *testing.T) {
	h := newHouse(t)
	in := service.Opening{Service: "payments", Title: "refunds are stuck", Key: "k1"}
	first, err := h.open.Do(ctx(), ana(), in)
	require.NoError(t, err)
	second, err := h.open.Do(ctx(), ana(), in)
	require.NoError(t, err)
	require.Equal(t, first, second)
	other, err := h.open.Do(ctx(), machine(service.IntegrationRole), in)
	require.NoError(t, err)
	require.NotEqual(t, first, other, "another caller's key is another key")
}

func TestWhatCannotBeOpened(t *testing.T) {
	h := newHouse(t)
	fine := service.Opening{Service: "payments", Title: "x"}
	for name, c := range map[string]struct {
		change func(*service.Opening)
		field  string
	}{
		"no service":       {func(o *service.Opening) { o.Service = "" }, "service"},
		"unknown service":  {func(o *service.Opening) { o.Service = "paymnets" }, "service"},
		"no title":         {func(o *service.Opening) { o.Title = "" }, "title"},
		"endless title":    {func(o *service.Opening) { o.Title = string(make([]byte, 2000)) }, "title"},
		"unknown priority": {func(o *service.Opening) { o.Priority = "P9" }, "priority"},
		"unknown severity": {func(o *service.Opening) { o.Severity = "dire" }, "severity"},
		"unknown kind":     {func(o *service.Opening) { o.Kind = "cosmic" }, "kind"},
	} {
		t.Run(name, func(t *testing.T) {
			in := fine
			c.change(&in)
			_, err := h.open.Do(ctx(), ana(), in)
			var f *fault.Error
			require.ErrorAs(t, err, &f)
			require.Equal(t, fault.Invalid, f.Kind)
			require.Equal(t, c.field, f.Field)
		})
	}
	_, err := h.open.Do(ctx(), machine(service.Viewer), fine)
	require.True(t, fault.Is(err, fault.Denied), err)
}

// While a release is rolled out, what opens goes by the rules that every worker knows.
func TestAnOpeningGoesByTheRulesOfTheOldestWorker(t *testing.T) {
	for _, known := range []int{1, escalation.CurrentRules, escalation.CurrentRules + 1} {
		h := newHouse(t)
		h.settler.Rules = func() int { return known }
		h.fires(alert.Trigger, "k", alert.Critical)
		h.done()
		require.Equal(t, min(known, escalation.CurrentRules), h.engine.Started()[0].Opening.Rules)
	}
}
