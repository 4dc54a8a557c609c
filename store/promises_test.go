package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
	"github.com/belayhq/belay/store"
)

// bookshelf holds every revision of a company's promises; the last one holds.
type bookshelf struct {
	all  map[id.Revision]*org.Org
	last id.Revision
}

func (b *bookshelf) Current() policy.Directory {
	return policy.Directory{Revision: b.last, Org: b.all[b.last]}
}

func (b *bookshelf) Org(_ context.Context, r id.Revision) (*org.Org, error) { return b.all[r], nil }

func (b *bookshelf) apply(r id.Revision, slas []org.SLA, triggers ...org.Trigger) {
	if b.all == nil {
		b.all = map[id.Revision]*org.Org{}
	}
	b.all[r], b.last = &org.Org{
		Services: map[id.Service]org.Service{"payments": {ID: "payments", Name: "Payments", Owner: "core", Impact: 1}},
		Teams:    map[id.Team]org.Team{"core": {ID: "core", Unit: "u"}},
		CatchAll: org.Tier{Name: "catch-all", Targets: []org.Target{{Team: "core"}}},
		SLAs:     slas, Triggers: triggers,
	}, r
}

func promised(target time.Duration, priorities ...org.Priority) org.SLA {
	return org.SLA{ID: id.SLA(fmt.Sprintf("resolve%v", priorities)), Name: "solve it", Metric: org.ResolveMetric, Target: target, For: org.Meant{Priorities: priorities},
		Thresholds: []org.Threshold{{Percent: 75, Act: org.Act{Do: org.Warn}}, {Act: org.Act{Do: org.Escalate}}}}
}

func counter(t *testing.T, shelf *bookshelf, now *time.Time) (*service.Tickets, *servicetest.Engine) {
	t.Helper()
	pool := pgtest.Pool(t)
	engine := &servicetest.Engine{}
	log := slog.New(slog.DiscardHandler)
	return &service.Tickets{
		Organisation: shelf, Revisions: shelf, Store: store.Tickets{Pool: pool}, Now: func() time.Time { return *now }, Log: log,
		Settler: &service.Settler{Organisation: shelf, Inbox: store.Inbox{Pool: pool}, Engine: engine, Log: log},
	}, engine
}

var admin = service.Caller{Name: "noc", Role: service.Admin, Via: "api"}

// Editing a definition under many running clocks moves none; a recalculation moves exactly those that it previewed.
func TestAnEditedPromiseMovesNoClockUntilItIsRecalculated(t *testing.T) {
	ctx := context.Background()
	shelf, now := &bookshelf{}, noon
	shelf.apply("r1", []org.SLA{promised(4*time.Hour, org.P1), promised(8 * time.Hour)})
	tickets, engine := counter(t, shelf, &now)
	const many = 120
	for n := range many {
		priority := org.P3
		if n%3 == 0 {
			priority = org.P1
		}
		got, err := tickets.Observe(ctx, observation(fmt.Sprint(n), noon, func(t *ticket.Ticket) { t.Key, t.Priority = fmt.Sprintf("T%03d", n), priority }))
		require.NoError(t, err)
		require.NotEmpty(t, got.Escalation)
	}
	require.Len(t, engine.Started(), many)
	require.Equal(t, escalation.CurrentRules, engine.Started()[0].Opening.Rules)
	dues := func() map[string]time.Time {
		out := map[string]time.Time{}
		var after ticket.Ref
		for {
			list, err := tickets.List(ctx, admin, service.TicketFilter{Limit: 50, After: after})
			require.NoError(t, err)
			for _, s := range list {
				require.Len(t, s.Clocks, 1)
				out[s.Ticket.Key] = s.Clocks[0].DueAt
				after = s.Ticket.Ref
			}
			if len(list) < 50 {
				return out
			}
		}
	}
	before := dues()
	require.Len(t, before, many)

	now = noon.Add(time.Hour)
	shelf.apply("r2", []org.SLA{promised(2*time.Hour, org.P1), promised(8 * time.Hour)})
	require.Equal(t, before, dues(), "nothing moves by itself")
	to, moves, err := tickets.Preview(ctx, admin)
	require.NoError(t, err)
	require.Equal(t, id.Revision("r2"), to)
	require.Len(t, moves, many/3)
	told := len(engine.Told())

	_, err = tickets.Recalculate(ctx, service.Caller{Name: "x", Role: service.Viewer}, to, moves, "")
	require.Error(t, err, "not by anybody")
	left, err := tickets.Recalculate(ctx, admin, to, moves, "the contract has changed")
	require.NoError(t, err)
	require.Empty(t, left)
	want := map[string]time.Time{}
	for key, at := range before {
		want[key] = at
	}
	for _, m := range moves {
		require.Equal(t, before[m.Ticket.Key], m.From)
		want[m.Ticket.Key] = m.To
	}
	require.Equal(t, want, dues(), "exactly those")
	require.Len(t, engine.Told(), told+many/3, "each of them hears of it, the others do not")
	_, moves, err = tickets.Preview(ctx, admin)
	require.NoError(t, err)
	require.Empty(t, moves)
	_, err = tickets.Recalculate(ctx, admin, "r1", nil, "")
	require.ErrorContains(t, err, "preview again")
}

// A promise whose thresholds are others, and triggers that are others, are previewed and moved too, although no clock is due
// at another instant.
func TestOtherThresholdsAndTriggersAreRecalculatedToo(t *testing.T) {
	ctx := context.Background()
	shelf, now := &bookshelf{}, noon
	shelf.apply("r1", []org.SLA{promised(4*time.Hour, org.P1), promised(8 * time.Hour)})
	tickets, engine := counter(t, shelf, &now)
	for key, priority := range map[string]org.Priority{"A": org.P1, "B": org.P3} {
		_, err := tickets.Observe(ctx, observation(key, noon, func(t *ticket.Ticket) { t.Key, t.Priority = key, priority }))
		require.NoError(t, err)
	}
	other := promised(4*time.Hour, org.P1)
	other.Thresholds = append([]org.Threshold{{Percent: 50, Act: org.Act{Do: org.TellHook, Hook: "cmdb.example#1"}}}, other.Thresholds...)
	shelf.apply("r2", []org.SLA{other, promised(8 * time.Hour)})
	to, moves, err := tickets.Preview(ctx, admin)
	require.NoError(t, err)
	require.Len(t, moves, 1)
	require.Equal(t, "A", moves[0].Ticket.Key)
	require.Equal(t, moves[0].From, moves[0].To)
	_, err = tickets.Recalculate(ctx, admin, to, moves, "")
	require.NoError(t, err)
	v, err := tickets.Judge(ctx, contract.Judge{Ticket: moves[0].Ticket, Escalation: moves[0].Escalation, At: noon})
	require.NoError(t, err)
	require.Equal(t, org.TellHook, v.Alarms[0].Act.Do)

	vip := org.Trigger{ID: "vip", Name: "a VIP waits", When: "ticket.vip", For: org.Meant{Priorities: []org.Priority{org.P3}}, Act: org.Act{Do: org.Escalate}}
	shelf.apply("r3", []org.SLA{other, promised(8 * time.Hour)}, vip)
	to, moves, err = tickets.Preview(ctx, admin)
	require.NoError(t, err)
	require.Len(t, moves, 1)
	require.Equal(t, []string{"B", "(triggers)", "none", "vip"}, []string{moves[0].Ticket.Key, string(moves[0].Clock), moves[0].Was, moves[0].Becomes})
	told := len(engine.Told())
	left, err := tickets.Recalculate(ctx, admin, to, moves, "")
	require.NoError(t, err)
	require.Empty(t, left)
	require.Len(t, engine.Told(), told+1)
	_, moves, err = tickets.Preview(ctx, admin)
	require.NoError(t, err)
	require.Empty(t, moves)
}

// As long as an older worker is about, what is watched goes by rules that it knows; by the first that watch at least: by
// older ones people would be paged for what is only to be watched.
func TestATicketIsWatchedByRulesThatEveryWorkerKnows(t *testing.T) {
	ctx := context.Background()
	shelf, now := &bookshelf{}, noon
	shelf.apply("r1", []org.SLA{promised(4 * time.Hour)})
	tickets, engine := counter(t, shelf, &now)
	for n, known := range []int{1, 3, escalation.CurrentRules, escalation.CurrentRules + 1} {
		tickets.Settler.Rules = func() int { return known }
		got, err := tickets.Observe(ctx, observation(fmt.Sprint(n), noon, func(t *ticket.Ticket) { t.Key = fmt.Sprint(n) }))
		require.NoError(t, err)
		require.NotEmpty(t, got.Escalation)
		require.Equal(t, min(max(known, 3), escalation.CurrentRules), engine.Started()[n].Opening.Rules)
	}
}

func TestAVerdictIsThatOfTheRevisionThatATicketKeeps(t *testing.T) {
	ctx := context.Background()
	shelf, now := &bookshelf{}, noon
	shelf.apply("r1", []org.SLA{promised(4 * time.Hour)})
	tickets, _ := counter(t, shelf, &now)
	got, err := tickets.Observe(ctx, observation("1", noon))
	require.NoError(t, err)
	shelf.apply("r2", []org.SLA{promised(time.Hour)})
	kept, err := tickets.Store.Of(ctx, got.Escalation)
	require.NoError(t, err)
	v, err := tickets.Judge(ctx, contract.Judge{Ticket: kept, Escalation: got.Escalation, At: noon})
	require.NoError(t, err)
	require.Equal(t, id.Revision("r1"), v.Revision)
	require.Equal(t, noon.Add(3*time.Hour), v.Alarms[0].At)
	require.Equal(t, noon.Add(4*time.Hour), v.Alarms[1].At)
}

func TestTryingSaysWhatWouldHaveBeenEscalatedAndWhy(t *testing.T) {
	ctx := context.Background()
	shelf, now := &bookshelf{}, noon
	shelf.apply("r1", nil)
	tickets, engine := counter(t, shelf, &now)
	for n, team := range []string{"desk", "net", "desk", "net", "desk"} {
		_, err := tickets.Observe(ctx, service.Observation{Source: "desk", At: noon.Add(time.Duration(n) * time.Hour), Ticket: observation("", noon, func(t *ticket.Ticket) {
			t.Key, t.Team = "PP", team
		}).Ticket})
		require.NoError(t, err)
		now = now.Add(time.Hour)
	}
	now = noon.Add(24 * time.Hour)
	_, err := tickets.Observe(ctx, service.Observation{Source: "desk", At: noon.Add(20 * time.Hour), Ticket: observation("", noon.Add(20*time.Hour), func(t *ticket.Ticket) { t.Key, t.VIP = "VIP", true }).Ticket})
	require.NoError(t, err)
	require.Empty(t, engine.Started(), "nothing was promised")

	shelf.apply("r2", []org.SLA{promised(6 * time.Hour)}, org.Trigger{ID: "vip", Name: "a VIP waits", When: "ticket.vip", Act: org.Act{Do: org.Escalate}})
	list, err := tickets.Try(ctx, admin, noon.Add(-time.Hour), false)
	require.NoError(t, err)
	var said []string
	for _, w := range list {
		said = append(said, w.At.UTC().Format("02T15:04 ")+w.Ticket.Key+" "+w.Key)
	}
	require.Equal(t, []string{
		"04T16:00 PP trigger/ping-pong", "04T18:00 PP resolve[]/1/breach/escalate", "05T08:00 VIP trigger/vip",
	}, said)
	all, err := tickets.Try(ctx, admin, noon.Add(-time.Hour), true)
	require.NoError(t, err)
	require.Len(t, all, 4, "the warning too; the VIP's promise is not used up yet")
	later, err := tickets.Try(ctx, admin, noon.Add(10*time.Hour), false)
	require.NoError(t, err)
	require.Len(t, later, 1)
}

func TestAnObservationSaysWhatIsWrongWithIt(t *testing.T) {
	shelf, now := &bookshelf{}, noon
	shelf.apply("r1", nil)
	tickets, _ := counter(t, shelf, &now)
	for want, change := range map[string]func(*ticket.Ticket){
		"system":   func(t *ticket.Ticket) { t.System = "Service Now" },
		"key":      func(t *ticket.Ticket) { t.Key = "" },
		"title":    func(t *ticket.Ticket) { t.Title = "" },
		"service":  func(t *ticket.Ticket) { t.Service = "nothing" },
		"state":    func(t *ticket.Ticket) { t.State = "asleep" },
		"priority": func(t *ticket.Ticket) { t.Priority = "P9" },
	} {
		_, err := tickets.Tell(context.Background(), admin, observation("", noon, change))
		require.ErrorContains(t, err, want)
	}
	_, err := tickets.Tell(context.Background(), service.Caller{Role: service.Viewer}, observation("", noon))
	require.Error(t, err)
}
