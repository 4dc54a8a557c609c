package service_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
)

func (w way) Name() string                                       { return w.name }
func (w way) Loud() bool                                         { return w.loud }
func (w way) Tell(context.Context, service.Bulletin, bool) error { return nil }

// post is the watch's place in a database that can be away.
type post struct {
	away    error
	holder  string
	stand   service.Stand
	overdue []id.Escalation
	waiting []service.Waiting
	live    []id.Escalation
	locked  error        // what reading steps meets
	slow    bool         // they are read for as long as anybody waits
	keeping func() error // what keeping meets
}

func (p *post) Take(_ context.Context, holder string, _ time.Duration, _ bool) (service.Stand, bool, error) {
	if p.away != nil {
		return service.Stand{}, false, p.away
	}
	if p.holder == "" {
		p.holder = holder
	}
	return p.stand, p.holder == holder, nil
}

func (p *post) Keep(_ context.Context, holder string, s service.Stand) (bool, error) {
	if p.keeping != nil {
		if err := p.keeping(); err != nil {
			return false, err
		}
	}
	if p.away == nil && p.holder == holder {
		p.stand = s
	}
	return p.holder == holder, p.away
}

func (p *post) Yield(context.Context, string) error { p.holder = ""; return p.away }
func (p *post) Overdue(ctx context.Context, _ time.Duration, _ int) ([]id.Escalation, error) {
	if p.slow {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if p.locked != nil {
		return nil, p.locked
	}
	return slices.Clone(p.overdue), p.away
}
func (p *post) Waiting(context.Context, time.Duration, time.Duration) ([]service.Waiting, error) {
	return p.waiting, p.away
}
func (p *post) Live(context.Context, time.Duration, int) ([]id.Escalation, error) {
	return p.live, p.away
}
func (p *post) StillLive(_ context.Context, some []id.Escalation) ([]id.Escalation, error) {
	return some, p.away
}

// engineRoom answers for workflows.
type engineRoom struct {
	away    error
	running map[id.Escalation]bool         // by the index
	runs    map[id.Escalation]contract.Run // really
	states  map[id.Escalation]escalation.Summary
}

func (e *engineRoom) Running(context.Context) (map[id.Escalation]bool, error) {
	return e.running, e.away
}
func (e *engineRoom) Run(_ context.Context, which id.Escalation) (contract.Run, error) {
	return e.runs[which], e.away
}
func (e *engineRoom) State(_ context.Context, which id.Escalation) (escalation.Summary, error) {
	state, known := e.states[which]
	if !known {
		return state, errors.New("no worker answers")
	}
	return state, e.away
}
func (e *engineRoom) Queues(ctx context.Context) ([]contract.Queue, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return []contract.Queue{{Name: "escalations", Kind: contract.WorkflowTasks, Polled: time.Now()}}, e.away
}

// radio is a way that keeps what it is told, and can be dead.
type radio struct {
	name  string
	dead  error
	heard []string
	again int
}

func (r *radio) Name() string { return r.name }
func (r *radio) Loud() bool   { return strings.HasPrefix(r.name, "sms") }
func (r *radio) Tell(_ context.Context, b service.Bulletin, again bool) error {
	if again {
		r.again++
	}
	if r.dead == nil {
		r.heard = append(r.heard, b.Subject())
	}
	return r.dead
}

type heart struct{ beats int }

func (h *heart) Beat(context.Context) error { h.beats++; return nil }

type noGauges struct{}

func (noGauges) Looked(time.Time, bool, map[service.Trouble]int) {}
func (noGauges) Told(string, bool)                               {}
func (noGauges) Beaten(bool)                                     {}

func dog(name string, p *post, e *engineRoom, h *heart, ways ...service.Way) *service.Watchdog {
	return &service.Watchdog{
		Holder: name, Records: p, Engine: e, Pulse: h, Ways: ways, Gauges: noGauges{}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
}

// watches lets a watchdog look every ten seconds for a while.
func watches(t *testing.T, w *service.Watchdog, while time.Duration) {
	t.Helper()
	for until := time.Now().Add(while); time.Now().Before(until); {
		w.Look(t.Context())
		time.Sleep(10 * time.Second)
	}
}

func TestTheHeartBeatsWhileAllIsWellAndOnlyThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e, h, r := &post{}, &engineRoom{}, &heart{}, &radio{name: "webhook 1"}
		w := dog("a", p, e, h, r)
		watches(t, w, 5*time.Minute)
		require.Equal(t, 10, h.beats, "every 30 s")
		require.Empty(t, r.heard)
		require.NoError(t, w.Well())

		for name, break_ := range map[string]func(wrong error){
			"a finding stands":              func(wrong error) { p.overdue = map[bool][]id.Escalation{true: {"E-1"}}[wrong != nil] },
			"the record cannot be read":     func(wrong error) { p.away = wrong },
			"Temporal cannot be asked":      func(wrong error) { e.away = wrong },
			"somebody else holds the watch": func(wrong error) { p.holder = map[bool]string{true: "b", false: "a"}[wrong != nil] },
		} {
			break_(errors.New("broken"))
			before := h.beats
			watches(t, w, 3*time.Minute)
			require.Equal(t, before, h.beats, name)
			break_(nil)
			watches(t, w, 3*time.Minute)
			require.Greater(t, h.beats, before, "after: %s", name)
		}
	})
}

func TestTheDatabaseIsMissedAfterAMinuteByEveryoneAndTheHolderFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, r, other := &post{}, &radio{name: "sms 1"}, &radio{name: "sms 1"}
		holder, bystander := dog("a", p, &engineRoom{}, &heart{}, r), dog("b", p, &engineRoom{}, &heart{}, other)
		look := func(while time.Duration) {
			for until := time.Now().Add(while); time.Now().Before(until); time.Sleep(10 * time.Second) {
				holder.Look(t.Context())
				bystander.Look(t.Context())
			}
		}
		look(time.Minute)
		p.away = errors.New("connection refused")
		look(time.Minute)
		require.Empty(t, r.heard, "a restart is no alarm")
		look(10 * time.Second)
		require.Equal(t, []string{"Belay is in trouble: postgres"}, r.heard)
		require.Empty(t, other.heard, "it waits for the holder's turn")
		require.Error(t, holder.Well())
		look(40 * time.Second)
		require.Equal(t, []string{"Belay is in trouble: postgres"}, other.heard)
		p.away = nil
		look(3 * time.Minute)
		require.Equal(t, []string{"Belay is in trouble: postgres", "Belay: over: postgres"}, r.heard)
	})
}

func TestARowThatIsMerelyBehindIsNoOverdueEscalation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := escalation.Summary{Next: escalation.Next{At: time.Now().Add(time.Hour)}}
		past := escalation.Summary{Next: escalation.Next{At: time.Now().Add(-time.Hour)}}
		p := &post{overdue: []id.Escalation{"E-1"}}
		e := &engineRoom{states: map[id.Escalation]escalation.Summary{"E-1": ahead}}
		chat, sms := &radio{name: "webhook 1"}, &radio{name: "sms 1"}
		w := dog("a", p, e, &heart{}, chat, sms)
		watches(t, w, time.Minute)
		require.Equal(t, []string{"Belay is in trouble: records"}, chat.heard)
		require.Empty(t, sms.heard, "nobody is woken for a list that lags")

		e.states["E-1"] = past // its timer is lost
		watches(t, w, time.Minute)
		require.Equal(t, []string{"Belay is in trouble: overdue"}, sms.heard)
		delete(e.states, "E-1") // no worker answers any more: overdue all the same
		watches(t, w, time.Minute)
		require.Len(t, sms.heard, 1)
	})
}

func TestAWorkflowIsLostOnlyWhenTheServerSaysSoItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &post{live: []id.Escalation{"E-1", "E-2"}}
		e := &engineRoom{running: map[id.Escalation]bool{"E-2": true}, runs: map[id.Escalation]contract.Run{"E-1": contract.Running}}
		r := &radio{name: "sms 1"}
		w := dog("a", p, e, &heart{}, r)
		watches(t, w, 2*time.Minute)
		require.Empty(t, r.heard, "the index is behind, the workflow runs")
		e.runs["E-1"] = contract.Over
		watches(t, w, 40*time.Second)
		require.Equal(t, []string{"Belay is in trouble: missing"}, r.heard)
	})
}

func TestWhoTakesOverTellsWhatIsOwedAndNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &post{waiting: []service.Waiting{{What: "errands", Found: 1}}}
		dead := &radio{name: "sms 1", dead: errors.New("no route")}
		chat := &radio{name: "webhook 1"}
		first := dog("a", p, &engineRoom{}, &heart{}, dead, chat)
		watches(t, first, time.Minute)
		require.Equal(t, []string{"Belay is in trouble: relay"}, chat.heard)
		require.Empty(t, dead.heard)

		p.holder = "" // it died
		alive, same := &radio{name: "sms 1"}, &radio{name: "webhook 1"}
		second := dog("b", p, &engineRoom{}, &heart{}, alive, same)
		watches(t, second, 2*time.Minute)
		require.Equal(t, []string{"Belay is in trouble: relay"}, alive.heard)
		require.Equal(t, 1, alive.again, "it may have arrived, so the carrier is asked first")
		require.Empty(t, same.heard)
	})
}

func TestAWayThatIsDeadIsNotTriedInALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &post{overdue: []id.Escalation{"E-1"}}
		dead := &radio{name: "webhook 1", dead: errors.New("no route")}
		w := dog("a", p, &engineRoom{}, &heart{}, dead)
		watches(t, w, 9*time.Minute)
		require.GreaterOrEqual(t, dead.again, 3)
		require.LessOrEqual(t, dead.again, 7)
		dead.dead = nil
		watches(t, w, 10*time.Minute)
		require.Contains(t, dead.heard, "Belay is in trouble: overdue")
		before := len(dead.heard)
		watches(t, w, 5*time.Minute)
		require.Len(t, dead.heard, before)
	})
}

func TestAPartOfTheRecordThatCannotBeReadIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, h, r := &post{locked: errors.New("lock timeout")}, &heart{}, &radio{name: "sms 1"}
		w := dog("a", p, &engineRoom{}, h, r)
		watches(t, w, time.Minute)
		require.Empty(t, r.heard, "a lock that passes is no alarm")
		watches(t, w, time.Minute)
		require.Equal(t, []string{"Belay is in trouble: unread"}, r.heard)
		require.Zero(t, h.beats)
		p.locked = nil
		watches(t, w, 3*time.Minute)
		require.Equal(t, "Belay: over: unread", r.heard[len(r.heard)-1])
	})
}

func TestASlowDatabaseIsNoSilenceOfTemporal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &radio{name: "sms 1"}
		watches(t, dog("a", &post{slow: true}, &engineRoom{}, &heart{}, r), 3*time.Minute)
		require.Equal(t, []string{"Belay is in trouble: unread"}, r.heard)
	})
}

func TestWhatWasToldAndCouldNotBeNotedIsNotToldUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, r := &post{overdue: []id.Escalation{"E-1"}}, &radio{name: "sms 1"}
		lost := false
		p.keeping = func() error { // the connection breaks between the telling and the note of it
			if len(r.heard) == 1 && !lost {
				lost = true
				return errors.New("connection reset")
			}
			return nil
		}
		watches(t, dog("a", p, &engineRoom{}, &heart{}, r), 2*time.Minute)
		require.Len(t, r.heard, 2)
		require.Equal(t, 1, r.again, "the carrier is asked whether it has it")
	})
}

func TestAStormInWhichP4sWaitWakesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, h := &post{waiting: []service.Waiting{{What: "starts", Found: 9000, Since: time.Now()}}}, &heart{}
		chat, sms := &radio{name: "webhook 1"}, &radio{name: "sms 1"}
		watches(t, dog("a", p, &engineRoom{}, h, chat, sms), 2*time.Minute)
		require.Equal(t, []string{"Belay is in trouble: relay"}, chat.heard)
		require.Empty(t, sms.heard)
		require.NotZero(t, h.beats)
		p.waiting = []service.Waiting{{What: "errands", Found: 1, Since: time.Now()}}
		watches(t, dog("a", p, &engineRoom{}, h, chat, sms), time.Minute)
		require.Equal(t, []string{"Belay is in trouble: relay"}, sms.heard)
	})
}

// Probes ask at any time, from goroutines of their own.
func TestProbesAskWhileItLooks(t *testing.T) {
	w := dog("a", &post{}, &engineRoom{}, &heart{})
	asked := make(chan error)
	go func() {
		defer close(asked)
		for range 100 {
			asked <- w.Well()
		}
	}()
	w.Look(t.Context())
	for range asked {
		w.Look(t.Context())
	}
	require.NoError(t, w.Well())
}
