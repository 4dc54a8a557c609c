package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

var desk = ticket.Ref{System: "desk", Key: "INC/7 \x00"}

func observation(key string, at time.Time, change ...func(*ticket.Ticket)) service.Observation {
	t := ticket.Ticket{Ref: desk, Title: "it is slow", Service: "payments", State: ticket.New, Priority: org.P3, OpenedAt: noon}
	for _, f := range change {
		f(&t)
	}
	return service.Observation{Source: "token:desk", Key: key, At: at, Ticket: t}
}

func watchIt(e id.Escalation, t ticket.Ticket) (*contract.Start, error) {
	if t.State.Over() {
		return nil, nil
	}
	return &contract.Start{Opening: escalation.Opening{ID: e, Title: t.Title, Service: t.Service, OpenedAt: noon, Rules: 3,
		Plan: policy.Plan{Revision: "r1", Priority: org.P3}, Watching: &escalation.Watching{Ticket: t.Ref}}}, nil
}

func TestAnObservationIsKeptOnceAndTellsTheEngine(t *testing.T) {
	ctx := context.Background()
	pool := pgtest.Pool(t)
	tickets, inbox := store.Tickets{Pool: pool}, store.Inbox{Pool: pool}

	first, err := tickets.Observe(ctx, observation("d1", noon), watchIt)
	require.NoError(t, err)
	require.Equal(t, 1, first.Version)
	require.NotEmpty(t, first.Escalation)
	require.Len(t, first.Errands, 1)
	require.Equal(t, desk.System, first.Errands[0].Start.Opening.Watching.Ticket.System)
	row, err := store.Escalations{Pool: pool}.Get(ctx, first.Escalation)
	require.NoError(t, err)
	require.Equal(t, escalation.Watched, row.State)

	again, err := tickets.Observe(ctx, observation("d1", noon.Add(time.Hour), func(t *ticket.Ticket) { t.State = ticket.Working }), watchIt)
	require.NoError(t, err)
	require.True(t, again.Known, "the same delivery")
	require.Equal(t, first.Escalation, again.Escalation)

	same, err := tickets.Observe(ctx, observation("d2", noon.Add(time.Minute)), watchIt)
	require.NoError(t, err)
	require.Equal(t, 1, same.Version, "nothing new")
	require.Empty(t, same.Changed)

	next, err := tickets.Observe(ctx, observation("d3", noon.Add(2*time.Minute), func(t *ticket.Ticket) { t.Team = "network" }), watchIt)
	require.NoError(t, err)
	require.Equal(t, []string{"team"}, next.Changed)
	require.Equal(t, first.Escalation, next.Escalation)
	require.Len(t, next.Errands, 2, "the start has not been struck off")
	require.Equal(t, 2, next.Errands[1].Ticket.Version)

	stale, err := tickets.Observe(ctx, observation("d4", noon.Add(time.Minute), func(t *ticket.Ticket) { t.Team = "desk" }), watchIt)
	require.NoError(t, err)
	require.True(t, stale.Stale)
	require.Equal(t, 2, stale.Version)

	h, err := tickets.History(ctx, desk)
	require.NoError(t, err)
	require.Len(t, h, 2)
	require.Equal(t, "network", h.Last().Team)
	of, err := tickets.Of(ctx, first.Escalation)
	require.NoError(t, err)
	w, err := tickets.Get(ctx, of)
	require.NoError(t, err)
	require.Equal(t, id.Revision("r1"), w.Revision)
	require.Equal(t, escalation.Watched, w.Summary.State)
	taken, err := inbox.Take(ctx, service.Turn{Hold: time.Minute, Urgent: 10, Others: 10, Words: 10})
	require.NoError(t, err)
	require.Len(t, taken, 2, "a relay finds them too")

	_, err = tickets.Get(ctx, ticket.Ref{System: "desk", Key: "none"})
	require.True(t, fault.Is(err, fault.NotFound))
}

func TestATicketThatComesBackAfterItsEscalationIsClosedGetsAnother(t *testing.T) {
	ctx := context.Background()
	pool := pgtest.Pool(t)
	tickets := store.Tickets{Pool: pool}
	none := func(id.Escalation, ticket.Ticket) (*contract.Start, error) { return nil, nil }

	quiet, err := tickets.Observe(ctx, observation("a", noon), none)
	require.NoError(t, err)
	require.Empty(t, quiet.Escalation, "nothing is promised about it")
	first, err := tickets.Observe(ctx, observation("b", noon), watchIt)
	require.NoError(t, err)
	require.NotEmpty(t, first.Escalation, "now there is, though the ticket is the same")
	require.Equal(t, 1, first.Version)

	require.NoError(t, store.Journal{Pool: pool}.Write(ctx, contract.Record{Summary: escalation.Summary{ID: first.Escalation, State: escalation.Closed, Seq: 9, OpenedAt: noon}}))
	over, err := tickets.Observe(ctx, observation("c", noon.Add(time.Hour), func(t *ticket.Ticket) { t.State = ticket.Solved }), watchIt)
	require.NoError(t, err)
	require.Equal(t, first.Escalation, over.Escalation)
	back, err := tickets.Observe(ctx, observation("d", noon.Add(2*time.Hour), func(t *ticket.Ticket) { t.State = ticket.Working }), watchIt)
	require.NoError(t, err)
	require.NotEqual(t, first.Escalation, back.Escalation)
	require.Equal(t, 3, back.Version)
}

func TestManyObserversOfOneTicketGiveItOneEscalationAndVersionsWithoutGaps(t *testing.T) {
	ctx := context.Background()
	tickets := store.Tickets{Pool: pgtest.Pool(t)}
	var work sync.WaitGroup
	for n := range 8 {
		work.Go(func() {
			for m := range 5 {
				_, err := tickets.Observe(ctx, observation(fmt.Sprintf("%d/%d", n, m), noon, func(t *ticket.Ticket) { t.Team = fmt.Sprintf("%d/%d", n, m) }), watchIt)
				require.NoError(t, err)
			}
		})
	}
	work.Wait()
	h, err := tickets.History(ctx, desk)
	require.NoError(t, err)
	require.Len(t, h, 40)
	list, err := tickets.List(ctx, service.TicketFilter{Watched: true})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, 40, list[0].Version)
}

func TestARecalculationMovesWhatItPreviewedAndNothingElse(t *testing.T) {
	ctx := context.Background()
	pool := pgtest.Pool(t)
	tickets := store.Tickets{Pool: pool}
	var moves []service.Move
	for n := range 3 {
		key := fmt.Sprint(n)
		got, err := tickets.Observe(ctx, observation(key, noon, func(t *ticket.Ticket) { t.Key = key }), watchIt)
		require.NoError(t, err)
		if n < 2 {
			for _, clock := range []id.SLA{"respond", "resolve"} {
				moves = append(moves, service.Move{Ticket: ticket.Ref{System: "desk", Key: key}, Escalation: got.Escalation, Clock: clock, Revision: "r1", Version: 1})
			}
		}
	}
	_, err := tickets.Observe(ctx, observation("late", noon.Add(time.Hour), func(t *ticket.Ticket) { t.Key, t.Team = "1", "x" }), watchIt)
	require.NoError(t, err)
	errands, left, err := tickets.Recalculate(ctx, "r2", moves, contract.TicketChanged{Key: "recalculate/r2", By: "ana"}, deed("sla.recalculate"))
	require.NoError(t, err)
	require.Equal(t, []ticket.Ref{{System: "desk", Key: "1"}}, left, "it changed after the preview")
	told := 0
	for _, e := range errands {
		if e.Ticket != nil && e.Ticket.By == "ana" {
			told++
		}
	}
	require.Equal(t, 1, told)
	for key, want := range map[string]id.Revision{"0": "r2", "1": "r1", "2": "r1"} {
		w, err := tickets.Get(ctx, ticket.Ref{System: "desk", Key: key})
		require.NoError(t, err)
		require.Equal(t, want, w.Revision, key)
	}
	require.Equal(t, 1, number(t, pool, "select count(*) from audit"))
}
