package store_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/surge"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// hasty are rules under which everything gathered is due at once.
func hasty() surge.Rules {
	r := surge.Usual()
	r.First, r.Later, r.Urgent, r.Quiet, r.Patience = 0, 0, 0, 0, 0
	r.Apart = time.Nanosecond
	return r
}

// still are rules under which nothing is due while a test lasts.
func still() surge.Rules {
	r := surge.Usual()
	r.First, r.Later, r.Urgent, r.Quiet, r.Patience, r.Apart = time.Hour, time.Hour, time.Hour, time.Hour, time.Hour, time.Hour
	return r
}

func waiting(n int) service.Gathered {
	e := id.OfNumber(int64(n))
	return service.Gathered{
		Key: fmt.Sprintf("%s/t1/ana/mobile/2", e), Workflow: contract.EscalationID(e), Person: "ana", Method: "mobile",
		Brief: page.Brief{Escalation: e, Title: "disk full", Service: "Storage", Priority: org.P3, OpenedAt: noon}, DecidedAt: noon,
	}
}

const lease = 20 * time.Second

func TestOfPagesThatComeAtOnceOneLeavesAlone(t *testing.T) {
	book := store.Digests{Pool: pgtest.Pool(t)}
	ctx := context.Background()
	var alone atomic.Int64
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			one, err := book.Gather(ctx, waiting(n+1), still())
			if err != nil {
				t.Error(err)
			}
			if one {
				alone.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, alone.Load())
	require.EqualValues(t, 19, number(t, book.Pool, "select count(*) from gathered"))
	require.EqualValues(t, 1, number(t, book.Pool, "select count(*) from digests"), "they wait in one digest")
}

func TestAPageIsDecidedOnce(t *testing.T) {
	book := store.Digests{Pool: pgtest.Pool(t)}
	ctx := context.Background()
	for range 2 {
		alone, err := book.Gather(ctx, waiting(1), still())
		require.NoError(t, err)
		require.True(t, alone, "what was let through is let through again")
	}
	for range 2 {
		alone, err := book.Gather(ctx, waiting(2), still())
		require.NoError(t, err)
		require.False(t, alone)
	}
	waits, err := book.Waits(ctx, waiting(2).Key)
	require.NoError(t, err)
	require.True(t, waits)
	waits, err = book.Waits(ctx, waiting(1).Key)
	require.NoError(t, err)
	require.False(t, waits)
}

// gatheredUp is a digest of the pages 2 to n, claimed.
func gatheredUp(t *testing.T, book store.Digests, n int) service.Digest {
	t.Helper()
	ctx := context.Background()
	for i := range n {
		_, err := book.Gather(ctx, waiting(i+1), still())
		require.NoError(t, err)
	}
	_, err := book.Pool.Exec(ctx, "update digests set due_at = now() where frozen_at is null")
	require.NoError(t, err)
	claimed, err := book.Claim(ctx, lease, 10, still())
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	return claimed[0]
}

func TestADigestIsClaimedByOneProcessUntilItsLeaseIsOver(t *testing.T) {
	book := store.Digests{Pool: pgtest.Pool(t)}
	ctx := context.Background()
	g := gatheredUp(t, book, 4)
	require.Equal(t, 1, g.Attempts)
	require.Equal(t, fmt.Sprintf("D-%d/ana/mobile", g.ID), g.Key())
	again, err := book.Claim(ctx, lease, 10, still())
	require.NoError(t, err)
	require.Empty(t, again)

	alone, err := book.Gather(ctx, waiting(9), still())
	require.NoError(t, err)
	require.False(t, alone, "a message has just left")
	members, err := book.Members(ctx, g.ID)
	require.NoError(t, err)
	require.Len(t, members[g.ID], 3, "what is frozen does not grow")

	_, err = book.Pool.Exec(ctx, "update digests set due_at = now() where id = $1", g.ID) // its process died
	require.NoError(t, err)
	again, err = book.Claim(ctx, lease, 10, still())
	require.NoError(t, err)
	require.Len(t, again, 1)
	require.Equal(t, g.Key(), again[0].Key())
	require.True(t, g.FrozenAt.Equal(again[0].FrozenAt), "its link is the same")
	require.Equal(t, 2, again[0].Attempts)
}

func TestManyCouriersShareTheDigests(t *testing.T) {
	book := store.Digests{Pool: pgtest.Pool(t)}
	ctx := context.Background()
	for n := range 40 {
		g := waiting(n + 1)
		g.Person = id.Person(fmt.Sprintf("p%d", n/2))
		_, err := book.Gather(ctx, g, hasty())
		require.NoError(t, err)
		g.Key += "0"
		_, err = book.Gather(ctx, g, still())
		require.NoError(t, err)
	}
	_, err := book.Pool.Exec(ctx, "update digests set due_at = now()")
	require.NoError(t, err)
	var mu sync.Mutex
	seen := map[string]int{}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				claimed, err := book.Claim(ctx, lease, 3, still())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, g := range claimed {
					seen[g.Key()]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	require.Len(t, seen, 20)
	for key, times := range seen {
		require.Equal(t, 1, times, key)
	}
}

func TestWhatIsAnsweredIsMarkedAndSaysWhetherItIsLeaving(t *testing.T) {
	book := store.Digests{Pool: pgtest.Pool(t)}
	ctx := context.Background()
	for n := range 3 {
		_, err := book.Gather(ctx, waiting(n+1), still())
		require.NoError(t, err)
	}
	leaving, err := book.Withdraw(ctx, "escalation/E-2")
	require.NoError(t, err)
	require.False(t, leaving, "it only waits")
	_, err = book.Pool.Exec(ctx, "update digests set due_at = now()")
	require.NoError(t, err)
	claimed, err := book.Claim(ctx, lease, 10, still())
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	leaving, err = book.Withdraw(ctx, "escalation/E-3")
	require.NoError(t, err)
	require.True(t, leaving)
	members, err := book.Members(ctx, claimed[0].ID)
	require.NoError(t, err)
	for _, m := range members[claimed[0].ID] {
		require.True(t, m.Answered, m.Key)
	}
	require.NoError(t, book.Postpone(ctx, claimed[0].ID, time.Hour))
	leaving, err = book.Leaving(ctx, "escalation/E-3")
	require.NoError(t, err)
	require.False(t, leaving, "it waits again")
}

func TestWorkflowsHearWhatBecameOfTheirPages(t *testing.T) {
	book := store.Digests{Pool: pgtest.Pool(t)}
	ctx := context.Background()
	g := gatheredUp(t, book, 3)
	require.NoError(t, book.Drop(ctx, g.ID, waiting(3).Key))
	require.NoError(t, book.End(ctx, g, &page.Receipt{Key: g.Key(), Status: page.Accepted, Class: page.Pending}, time.Hour))
	news, err := book.Untold(ctx, lease, 10)
	require.NoError(t, err)
	require.Empty(t, news, "success has time")

	require.NoError(t, book.Hear(ctx, g.ID, page.Receipt{Key: g.Key(), Status: page.Undelivered, Class: page.Dead, Code: "30003"}))
	require.NoError(t, book.End(ctx, g, &page.Receipt{Status: page.Accepted, Class: page.Pending}, 0), "ending twice is ending once")
	news, err = book.Untold(ctx, lease, 10)
	require.NoError(t, err)
	require.Len(t, news, 2)
	for _, n := range news {
		require.Equal(t, n.Key == waiting(3).Key, n.Dropped)
		if !n.Dropped {
			require.Equal(t, page.Undelivered, n.Receipt.Status)
			require.Equal(t, "escalation/E-2", n.Workflow)
		}
	}
	again, err := book.Untold(ctx, lease, 10)
	require.NoError(t, err)
	require.Empty(t, again, "somebody is telling it")
	require.NoError(t, book.Told(ctx, waiting(2).Key))
	_, err = book.Pool.Exec(ctx, "update gathered set tell_at = now() where tell_at is not null") // that somebody died
	require.NoError(t, err)
	again, err = book.Untold(ctx, lease, 10)
	require.NoError(t, err)
	require.Len(t, again, 1)
	require.Equal(t, waiting(3).Key, again[0].Key)
}

func TestFailuresAreToldBeforeSuccessesThatWaitLonger(t *testing.T) {
	book := store.Digests{Pool: pgtest.Pool(t)}
	ctx := context.Background()
	well := gatheredUp(t, book, 9)
	require.NoError(t, book.End(ctx, well, &page.Receipt{Status: page.Delivered, Class: page.Arrived}, 0))
	bad := waiting(100)
	bad.Key, bad.Person = "E-100/t1/ben/mobile/1", "ben"
	first := waiting(99)
	first.Key, first.Person = "E-99/t1/ben/mobile/1", "ben"
	_, err := book.Gather(ctx, first, still())
	require.NoError(t, err)
	_, err = book.Gather(ctx, bad, still())
	require.NoError(t, err)
	_, err = book.Pool.Exec(ctx, "update digests set due_at = now() where ended_at is null")
	require.NoError(t, err)
	claimed, err := book.Claim(ctx, lease, 1, still())
	require.NoError(t, err)
	require.NoError(t, book.End(ctx, claimed[0], &page.Receipt{Status: page.Failed, Class: page.Dead}, 0))
	news, err := book.Untold(ctx, lease, 1)
	require.NoError(t, err)
	require.Len(t, news, 1)
	require.Equal(t, bad.Key, news[0].Key)
}

func TestADigestOfWhichNothingWasLeftWakesNobody(t *testing.T) {
	book := store.Digests{Pool: pgtest.Pool(t)}
	ctx := context.Background()
	g := gatheredUp(t, book, 2)
	require.EqualValues(t, 2, number(t, book.Pool, "select jsonb_array_length(passed) from ways"))
	require.NoError(t, book.Drop(ctx, g.ID, waiting(2).Key))
	require.NoError(t, book.End(ctx, g, nil, 0))
	require.EqualValues(t, 1, number(t, book.Pool, "select jsonb_array_length(passed) from ways"))
	news, err := book.Untold(ctx, lease, 10)
	require.NoError(t, err)
	require.Len(t, news, 1)
	require.True(t, news[0].Dropped)
}

func TestOnlyTheFirstPageOfAnEscalationIsLate(t *testing.T) {
	pool := pgtest.Pool(t)
	book := store.Digests{Pool: pool}
	ctx := context.Background()
	for n, told := range []bool{false, true} {
		g, before := waiting(n+1), waiting(n+11)
		g.Person, before.Person = id.Person(fmt.Sprint("p", n)), id.Person(fmt.Sprint("p", n))
		alone, err := book.Gather(ctx, before, still())
		require.NoError(t, err)
		require.True(t, alone)
		g.Late, g.DecidedAt, g.Brief.Priority = true, noon.Add(10*time.Minute), org.P1 // which leaves at once after the other, unless it catches up
		require.NoError(t, store.Journal{Pool: pool}.Write(ctx, contract.Record{
			Entries: []escalation.Entry{{Seq: 1, At: noon, Kind: escalation.EntrySent, Actor: "belay", Text: "Ana paged"}}[:map[bool]int{true: 1}[told]],
			Summary: escalation.Summary{ID: g.Brief.Escalation, State: escalation.Open, Service: "storage", Priority: org.P3, OpenedAt: noon, Seq: 1},
		}))
		alone, err = book.Gather(ctx, g, still())
		require.NoError(t, err)
		require.Equal(t, told, alone)
	}
}

func TestTheLastDigestOfAPersonIsOneThatArrived(t *testing.T) {
	book := store.Digests{Pool: pgtest.Pool(t)}
	ctx := context.Background()
	_, err := book.Last(ctx, "ana", noon)
	require.True(t, fault.Is(err, fault.NotFound))
	g := gatheredUp(t, book, 3)
	last, err := book.Last(ctx, "ana", noon)
	require.NoError(t, err, "people answer before its end is noted")
	require.Equal(t, g.ID, last)
	person, err := book.Person(ctx, g.ID)
	require.NoError(t, err)
	require.Equal(t, id.Person("ana"), person)
	require.NoError(t, book.End(ctx, g, &page.Receipt{Status: page.Failed, Class: page.Dead}, 0))
	_, err = book.Last(ctx, "ana", noon)
	require.True(t, fault.Is(err, fault.NotFound))
	_, err = book.Person(ctx, 99)
	require.True(t, fault.Is(err, fault.NotFound))
}

func TestDigestsAreForgottenLongAfterTheirEnd(t *testing.T) {
	book := store.Digests{Pool: pgtest.Pool(t)}
	ctx := context.Background()
	forget := func() int {
		t.Helper()
		gone, err := book.Forget(ctx, 24*time.Hour, 10)
		require.NoError(t, err)
		return gone
	}
	g := gatheredUp(t, book, 3)
	require.Zero(t, forget(), "it is under way")
	require.NoError(t, book.End(ctx, g, &page.Receipt{Key: g.Key(), Status: page.Accepted, Class: page.Pending}, time.Hour))
	require.Zero(t, forget(), "it has only just ended")
	_, err := book.Pool.Exec(ctx, "update digests set ended_at = now() - interval '25 hours'")
	require.NoError(t, err)
	require.Zero(t, forget(), "workflows are still to hear of it")
	_, err = book.Pool.Exec(ctx, "update gathered set tell_at = null")
	require.NoError(t, err)
	require.Equal(t, 1, forget())
	require.Zero(t, forget())
	require.Zero(t, number(t, book.Pool, "select count(*) from gathered where digest = "+strconv.FormatInt(g.ID, 10)))
}

func TestADigestLeavesOutWhoseEndOnlyItsRunHasNotHeard(t *testing.T) {
	d := newDoor(t)
	ctx, book := t.Context(), store.Digests{Pool: d.inbox.Pool}
	for _, key := range []string{"disk", "fans", "mail"} { // 1, 2, 3
		for _, e := range d.settles(d.says(event(alert.Trigger, key, alert.Critical))) {
			require.NoError(t, d.inbox.Done(ctx, e.ID))
		}
	}
	d.settles(d.says(event(alert.Resolve, "fans", "")))
	g := gatheredUp(t, book, 3)
	members, err := book.Members(ctx, g.ID)
	require.NoError(t, err)
	answered := map[id.Escalation]bool{}
	for _, m := range members[g.ID] {
		answered[m.Brief.Escalation] = m.Answered
	}
	require.Equal(t, map[id.Escalation]bool{"E-2": true, "E-3": false}, answered)
}
