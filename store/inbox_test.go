package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// door is a monitor in front of an inbox.
type door struct {
	t     testing.TB
	inbox store.Inbox
}

func newDoor(t testing.TB) door {
	return door{t: t, inbox: store.Inbox{Pool: pgtest.Pool(t), RepeatEvery: time.Hour}}
}

func event(action alert.Action, key string, severity alert.Severity) service.Incoming {
	return service.Incoming{
		Integration: "acme-payments", Service: "payments", Format: "pagerduty", ReceivedAt: noon, Raw: []byte("{}"),
		Alert: alert.Alert{Action: action, DedupKey: key, Title: "disk full", Severity: severity},
	}
}

func open(e id.Escalation, in service.Incoming) (contract.Start, error) {
	return contract.Start{Opening: escalation.Opening{
		ID: e, Title: in.Alert.Title, Severity: in.Alert.Severity, Service: in.Service, ServiceName: "Payments",
		Unit: "emea", Kind: org.Technical, Plan: policy.Plan{Revision: "r1", Policy: "p1", Priority: "P1"}, OpenedAt: in.ReceivedAt,
	}}, nil
}

// says accepts an event without settling it.
func (d door) says(in service.Incoming) int64 {
	d.t.Helper()
	seq, known, err := d.inbox.Accept(context.Background(), in)
	require.NoError(d.t, err)
	require.False(d.t, known)
	return seq
}

func (d door) settles(seq int64) []service.Errand {
	d.t.Helper()
	errands, err := d.inbox.Settle(context.Background(), seq, open)
	require.NoError(d.t, err)
	return errands
}

// hears accepts and settles.
func (d door) hears(action alert.Action, key string, severity alert.Severity) []string {
	d.t.Helper()
	return words(d.settles(d.says(event(action, key, severity))))
}

// words writes errands as a scene does.
func words(errands []service.Errand) []string {
	said := make([]string, len(errands))
	for n, e := range errands {
		switch {
		case e.Start != nil:
			said[n] = fmt.Sprintf("open %s", e.Escalation)
		case e.Repeat != nil:
			said[n] = fmt.Sprintf("repeat %s ×%d %s", e.Escalation, e.Repeat.Count, e.Repeat.Severity)
		case e.Say != nil:
			said[n] = fmt.Sprintf("%s %s by %s via %s", e.Say.Verb, e.Escalation, e.Say.Word.By, e.Say.Word.Via)
		}
	}
	return said
}

func (d door) strikes(errands ...service.Errand) {
	d.t.Helper()
	for _, e := range errands {
		require.NoError(d.t, d.inbox.Done(context.Background(), e.ID))
	}
}

// everything that waits is taken, and held by nobody.
var everything = service.Turn{Urgent: 1000, Others: 1000, Words: 1000}

func (d door) undone() []service.Errand {
	d.t.Helper()
	errands, err := d.inbox.Take(context.Background(), everything)
	require.NoError(d.t, err)
	return errands
}

func number(t testing.TB, pool *pgxpool.Pool, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, pool.QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

func TestATriggerOpensAndTheNextOnesJoin(t *testing.T) {
	d := newDoor(t)
	require.Equal(t, []string{"open E-1"}, d.hears(alert.Trigger, "disk", alert.Error))
	require.Equal(t, []string{"open E-1"}, d.hears(alert.Trigger, "disk", alert.Error), "only counted")
	require.Equal(t, []string{"open E-2"}, d.hears(alert.Trigger, "cpu", alert.Error), "another key, another escalation")
	require.Equal(t, []string{"open E-1", "repeat E-1 ×2 critical"}, d.hears(alert.Trigger, "disk", alert.Critical), "worse: at once")
	require.Equal(t, []string{"open E-1", "repeat E-1 ×2 critical"}, d.hears(alert.Trigger, "disk", alert.Critical), "no longer worse")
}

func TestResolveFreesTheKeyAndTheNextTriggerOpensAnew(t *testing.T) {
	d := newDoor(t)
	d.says(event(alert.Trigger, "disk", alert.Error))
	d.says(event(alert.Resolve, "disk", alert.Error))
	last := d.says(event(alert.Trigger, "disk", alert.Error))
	require.Equal(t, []string{"open E-1", "resolve E-1 by monitor via events", "open E-2"}, words(d.settles(last)),
		"one call works the whole conversation, in order")
}

func TestCountedRepeatsAreToldBeforeTheResolve(t *testing.T) {
	d := newDoor(t)
	d.strikes(d.settles(d.says(event(alert.Trigger, "disk", alert.Error)))...)
	d.hears(alert.Trigger, "disk", alert.Warning)
	d.hears(alert.Trigger, "disk", alert.Error)
	require.Equal(t, []string{"repeat E-1 ×2 error", "resolve E-1 by monitor via events"}, d.hears(alert.Resolve, "disk", alert.Error))
}

func TestAcknowledgeGoesToTheOpenOneAndKeepsTheKey(t *testing.T) {
	d := newDoor(t)
	d.strikes(d.settles(d.says(event(alert.Trigger, "disk", alert.Error)))...)
	seq := d.says(event(alert.Acknowledge, "disk", alert.Error))
	errands := d.settles(seq)
	require.Equal(t, []string{"acknowledge E-1 by monitor via events"}, words(errands))
	require.Equal(t, fmt.Sprintf("inbox/%d", seq), errands[0].Say.Word.Key)
	d.strikes(errands...)
	require.Empty(t, d.hears(alert.Trigger, "disk", alert.Error), "joined and counted")
}

func TestNothingOpenIsNoted(t *testing.T) {
	d := newDoor(t)
	require.Empty(t, d.hears(alert.Resolve, "disk", alert.Error))
	require.Empty(t, d.hears(alert.Acknowledge, "disk", alert.Error))
	require.Empty(t, d.hears("reboot", "disk", alert.Error), "what nobody knows is settled too")
	require.Equal(t, 3, number(t, d.inbox.Pool, "select count(*) from inbox where settled_at is not null and note <> ''"))
}

func TestWithoutADedupKeyEveryEventStandsAlone(t *testing.T) {
	d := newDoor(t)
	require.Equal(t, []string{"open E-1"}, d.hears(alert.Trigger, "", alert.Error))
	require.Equal(t, []string{"open E-2"}, d.hears(alert.Trigger, "", alert.Error))
	seq := d.says(event(alert.Trigger, "", alert.Error))
	require.Equal(t, []string{"open E-3"}, words(d.settles(seq)))
	require.Equal(t, []string{"open E-3"}, words(d.settles(seq)), "settled once, however often it is asked for")
}

func TestSettlingTwiceReturnsWhatIsStillUndone(t *testing.T) {
	d := newDoor(t)
	seq := d.says(event(alert.Trigger, "disk", alert.Error))
	first := d.settles(seq)
	require.Equal(t, first, d.settles(seq))
	d.strikes(first...)
	d.strikes(first...)
	require.Empty(t, d.settles(seq))
	require.Equal(t, "payments", string(first[0].Start.Opening.Service))
}

func TestTheSendersKeyIsKnownAgain(t *testing.T) {
	d := newDoor(t)
	in := event(alert.Trigger, "disk", alert.Error)
	in.Key = "abc"
	first := d.says(in)
	again, known, err := d.inbox.Accept(context.Background(), in)
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, first, again)
	in.Integration = "acme-shop"
	require.NotEqual(t, first, d.says(in), "another integration's keys are its own")
}

func TestHostileEventsAreKeptOrRefusedButNeverBreakTheInbox(t *testing.T) {
	d := newDoor(t)
	for name, in := range map[string]service.Incoming{
		"NUL":        event(alert.Trigger, "a\x00b", alert.Error),
		"no UTF-8":   event(alert.Trigger, "a\xffb", alert.Error),
		"backslash":  event(alert.Trigger, `a\u0000b\\u0000`, alert.Error),
		"injection":  event(alert.Trigger, "'); drop table inbox; --", alert.Error),
		"no body":    {Integration: "i", Service: "s", Alert: alert.Alert{Action: alert.Trigger, DedupKey: "k"}, ReceivedAt: noon},
		"odd action": event("trig\x00ger", "odd", "sev\x00erity"),
	} {
		t.Run(name, func(t *testing.T) {
			in.Alert.Title = "t\x00\xff\\u0000"
			in.Alert.Details = map[string]any{"k\x00": "v\x00", "deep": []any{"\\\\u0000\x00"}}
			d := door{t: t, inbox: d.inbox}
			d.settles(d.says(in))
		})
	}
	_, _, err := d.inbox.Accept(context.Background(), event(alert.Trigger, random(200_000), alert.Error))
	require.Truef(t, fault.Is(err, fault.TooLarge), "a key that no index can hold is refused at the door: %v", err)
}

func TestAnOpenerThatFailsLeavesTheEventForLater(t *testing.T) {
	d := newDoor(t)
	seq := d.says(event(alert.Trigger, "disk", alert.Error))
	_, err := d.inbox.Settle(context.Background(), seq, func(id.Escalation, service.Incoming) (contract.Start, error) {
		return contract.Start{}, fault.New(fault.Unavailable, "no directory yet")
	})
	require.True(t, fault.Is(err, fault.Unavailable))
	left, err := d.inbox.Unsettled(context.Background(), 0, 0)
	require.NoError(t, err)
	require.Equal(t, []int64{seq}, left)
	require.Zero(t, number(t, d.inbox.Pool, "select count(*) from escalations"))
	require.Len(t, d.settles(seq), 1)
}

func TestUnknownEventsAndErrands(t *testing.T) {
	d := newDoor(t)
	_, err := d.inbox.Settle(context.Background(), 99, open)
	require.True(t, fault.Is(err, fault.NotFound))
	require.True(t, fault.Is(d.inbox.Done(context.Background(), 99), fault.NotFound))
	_, err = d.inbox.Orphan(context.Background(), 99)
	require.True(t, fault.Is(err, fault.NotFound))
	_, err = d.inbox.Orphan(context.Background(), d.settles(d.says(event(alert.Trigger, "disk", alert.Error)))[0].ID)
	require.True(t, fault.Is(err, fault.Invalid), "only a repeat can be orphaned")
}

func TestANumberTakenByAPlainClientIsSkipped(t *testing.T) {
	d := newDoor(t)
	journal := store.Journal{Pool: d.inbox.Pool}
	for _, e := range []id.Escalation{"E-1", "E-2"} {
		require.NoError(t, journal.Write(context.Background(), contract.Record{Summary: summary(e, 1, escalation.Open)}))
	}
	require.Equal(t, []string{"open E-3"}, d.hears(alert.Trigger, "disk", alert.Error))
}

func TestAfterTheRecorderHasResolvedATriggerOpensAnew(t *testing.T) {
	d := newDoor(t)
	d.hears(alert.Trigger, "disk", alert.Error)
	journal := store.Journal{Pool: d.inbox.Pool}
	require.NoError(t, journal.Write(context.Background(), contract.Record{Summary: summary("E-1", 5, escalation.ResolvedP)}))
	require.NoError(t, journal.Write(context.Background(), contract.Record{Summary: summary("E-1", 6, escalation.Open)}))
	require.Equal(t, []string{"open E-2"}, d.hears(alert.Trigger, "disk", alert.Error), "a key once freed is not taken back")
}

func TestCountedRepeatsBecomeAnErrandWhenTheIntervalIsOver(t *testing.T) {
	d := newDoor(t)
	d.strikes(d.settles(d.says(event(alert.Trigger, "disk", alert.Error)))...)
	d.hears(alert.Trigger, "disk", alert.Warning)
	d.hears(alert.Trigger, "disk", alert.Error)
	require.Empty(t, d.undone(), "the interval of an hour is not over")
	d.inbox.RepeatEvery = time.Nanosecond
	errands := d.undone()
	require.Equal(t, []string{"repeat E-1 ×2 error"}, words(errands))
	require.Equal(t, "repeat/E-1/2", errands[0].Repeat.Key)
	require.Equal(t, errands, d.undone(), "told once")
	require.Equal(t, []string{"repeat E-1 ×2 error", "repeat E-1 ×1 info"}, d.hears(alert.Trigger, "disk", alert.Info),
		"past the interval a repeat is told as it comes")
}

func TestRepeatsThatAnotherRelayWorksOnAreItsBusiness(t *testing.T) {
	d := newDoor(t)
	ctx := context.Background()
	d.strikes(d.settles(d.says(event(alert.Trigger, "disk", alert.Error)))...)
	d.hears(alert.Trigger, "disk", alert.Error)
	d.inbox.RepeatEvery = time.Nanosecond
	other, err := d.inbox.Pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = other.Rollback(ctx) }()
	_, err = other.Exec(ctx, "select from escalations for update")
	require.NoError(t, err)
	patience, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	errands, err := d.inbox.Take(patience, everything)
	require.NoError(t, err, "does not wait")
	require.Empty(t, errands)
	require.NoError(t, other.Rollback(ctx))
	require.Equal(t, []string{"repeat E-1 ×1 error"}, words(d.undone()))
}

func TestErrandsWaitForTheYoungerOnesBeforeThem(t *testing.T) {
	d := newDoor(t)
	d.hears(alert.Trigger, "disk", alert.Error)
	d.hears(alert.Acknowledge, "disk", alert.Error)
	// A clock that was set back: the first errand looks younger than the second.
	_, err := d.inbox.Pool.Exec(context.Background(), "update errands set created_at = now() - interval '1 hour' where kind = 'say'")
	require.NoError(t, err)
	errands, err := d.inbox.Take(context.Background(), service.Turn{Age: time.Minute, Urgent: 9, Others: 9, Words: 9})
	require.NoError(t, err)
	require.Empty(t, errands)
	require.Len(t, d.undone(), 2)
}

func TestAnEndIsToldBeforeCountsOfRepeats(t *testing.T) {
	d := newDoor(t)
	for _, key := range []string{"disk", "fan", "link"} {
		d.strikes(d.settles(d.says(event(alert.Trigger, key, alert.Error)))...)
	}
	d.hears(alert.Trigger, "disk", alert.Critical)
	d.hears(alert.Trigger, "fan", alert.Critical)
	d.hears(alert.Resolve, "link", alert.Error)
	errands, err := d.inbox.Take(context.Background(), service.Turn{Words: 1})
	require.NoError(t, err)
	require.Len(t, errands, 1)
	require.NotNil(t, errands[0].Say, "%v", words(errands))
}

func TestOrphanSettlesTheLastRepeatAsANewEscalation(t *testing.T) {
	d := newDoor(t)
	ctx := context.Background()
	d.strikes(d.settles(d.says(event(alert.Trigger, "disk", alert.Error)))...)
	d.hears(alert.Trigger, "disk", alert.Critical)
	d.inbox.RepeatEvery = time.Nanosecond
	last := d.says(event(alert.Trigger, "disk", alert.Error))
	errands := d.settles(last)
	require.Len(t, errands, 2)
	seq, err := d.inbox.Orphan(ctx, errands[0].ID)
	require.NoError(t, err)
	require.Equal(t, last, seq)
	for _, errand := range errands {
		same, err := d.inbox.Orphan(ctx, errand.ID)
		require.NoError(t, err)
		require.Equal(t, seq, same, "all its repeats became this one event")
	}
	require.Equal(t, []string{"open E-2"}, words(d.settles(seq)))
	require.Equal(t, []string{"open E-2"}, words(d.undone()))
}

func TestOrphanDoesNotReopenWhatTheMonitorResolved(t *testing.T) {
	d := newDoor(t)
	d.strikes(d.settles(d.says(event(alert.Trigger, "disk", alert.Error)))...)
	d.hears(alert.Trigger, "disk", alert.Critical)
	errands := d.settles(d.says(event(alert.Resolve, "disk", alert.Error)))
	require.Equal(t, []string{"repeat E-1 ×1 critical", "resolve E-1 by monitor via events"}, words(errands))
	seq, err := d.inbox.Orphan(context.Background(), errands[0].ID)
	require.NoError(t, err)
	require.Equal(t, []string{"resolve E-1 by monitor via events"}, words(d.settles(seq)))
	require.Equal(t, 1, number(t, d.inbox.Pool, "select count(*) from escalations"))
}

// A repeat is told some seconds after it fired. When somebody has said the end in between, it is no new outage.
func TestOrphanReopensOnlyWhatFiredAfterTheEndWasSaid(t *testing.T) {
	for name, c := range map[string]struct {
		said time.Time
		want []string
	}{
		"said before it fired": {said: noon.Add(-time.Second), want: []string{"open E-2"}},
		"said after it fired":  {said: noon.Add(time.Second), want: nil},
		"nobody knows when":    {want: []string{"open E-2"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			d.strikes(d.settles(d.says(event(alert.Trigger, "disk", alert.Error)))...)
			errands := d.settles(d.says(event(alert.Trigger, "disk", alert.Critical)))
			over := summary("E-1", 5, escalation.Closed)
			over.ResolvedAt, over.ResolveSaidAt = noon.Add(time.Minute), c.said
			require.NoError(t, store.Journal{Pool: d.inbox.Pool}.Write(context.Background(), contract.Record{Summary: over}))
			seq, err := d.inbox.Orphan(context.Background(), errands[0].ID)
			require.NoError(t, err)
			got := d.settles(seq)
			require.ElementsMatch(t, c.want, words(got))
			require.ElementsMatch(t, c.want, words(d.undone()))
		})
	}
}

// Whoever hears of a repeat later must know when it fired.
func TestARepeatSaysWhenItFired(t *testing.T) {
	d := newDoor(t)
	d.strikes(d.settles(d.says(event(alert.Trigger, "disk", alert.Error)))...)
	later := func(after time.Duration, action alert.Action, severity alert.Severity) []service.Errand {
		in := event(action, "disk", severity)
		in.ReceivedAt = noon.Add(after)
		return d.settles(d.says(in))
	}
	errands := later(time.Second, alert.Trigger, alert.Critical)
	require.Equal(t, noon.Add(time.Second), errands[0].Repeat.At, "told at once")
	d.strikes(errands...)

	later(2*time.Second, alert.Trigger, alert.Error)
	later(3*time.Second, alert.Trigger, alert.Error)
	every := d.inbox
	every.RepeatEvery = time.Nanosecond
	told, err := every.Take(context.Background(), everything)
	require.NoError(t, err)
	require.Len(t, told, 1)
	require.True(t, told[0].Repeat.At.Equal(noon.Add(3*time.Second)), "told by the relay: %s", told[0].Repeat.At)
	d.strikes(told...)

	later(4*time.Second, alert.Trigger, alert.Error)
	errands = later(5*time.Second, alert.Resolve, alert.Error)
	require.Len(t, errands, 2)
	require.False(t, errands[0].Repeat.At.After(errands[1].Say.Word.At), "what came before the resolve is not younger than it")
	require.Equal(t, noon.Add(5*time.Second), errands[1].Say.Word.At)
}

// A newer release may leave errands that this one cannot read: they and what follows them wait for it, and nobody else.
func TestAnErrandThatNobodyCanReadHoldsUpItsOwnEscalationOnly(t *testing.T) {
	d := newDoor(t)
	d.hears(alert.Trigger, "disk", alert.Error)
	d.hears(alert.Trigger, "cpu", alert.Error)
	_, err := d.inbox.Pool.Exec(context.Background(), `update errands set payload = '{"opening": "as a later release writes it"}' where escalation = 1`)
	require.NoError(t, err)
	d.hears(alert.Acknowledge, "disk", alert.Error)
	errands, err := d.inbox.Take(context.Background(), everything)
	require.ErrorContains(t, err, "E-1")
	require.Equal(t, []string{"open E-2"}, words(errands))
}

func TestFiftyAtOnceOpenOneEscalation(t *testing.T) {
	d := newDoor(t)
	var group sync.WaitGroup
	var failures atomic.Int64
	for range 50 {
		group.Go(func() {
			seq, _, err := d.inbox.Accept(context.Background(), event(alert.Trigger, "disk", alert.Error))
			if err == nil {
				_, err = d.inbox.Settle(context.Background(), seq, open)
			}
			if err != nil {
				failures.Add(1)
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.Zero(t, failures.Load())
	require.Equal(t, 1, number(t, d.inbox.Pool, "select count(*) from escalations"))
	require.Equal(t, 49, number(t, d.inbox.Pool, "select repeats from escalations"))
	require.Equal(t, []string{"open E-1"}, words(d.undone()))
	require.Zero(t, number(t, d.inbox.Pool, "select count(*) from inbox where settled_at is null"))
}

func TestInterleavedTriggersAndResolvesKeepTheirOrder(t *testing.T) {
	d := newDoor(t)
	// Accepted in order, settled by many at once in any order: what comes out is what came in.
	var seqs []int64
	var want []string
	for n := 1; n <= 20; n++ {
		seqs = append(seqs, d.says(event(alert.Trigger, "disk", alert.Error)), d.says(event(alert.Resolve, "disk", alert.Error)))
		want = append(want, fmt.Sprintf("open E-%d", n), fmt.Sprintf("resolve E-%d by monitor via events", n))
	}
	var group sync.WaitGroup
	for n := range seqs {
		seq := seqs[(n*17)%len(seqs)]
		group.Go(func() {
			if _, err := d.inbox.Settle(context.Background(), seq, open); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.Equal(t, want, words(d.undone()))
}

func TestTwoRelaysAtOnceMakeEveryErrandOnce(t *testing.T) {
	d := newDoor(t)
	var seqs []int64
	for n := range 60 {
		seqs = append(seqs, d.says(event(alert.Trigger, fmt.Sprintf("key-%d", n%10), alert.Error)))
	}
	relay := func() error {
		ctx := context.Background()
		left, err := d.inbox.Unsettled(ctx, 0, 0)
		if err != nil {
			return err
		}
		for _, seq := range left {
			if _, err := d.inbox.Settle(ctx, seq, open); err != nil {
				return err
			}
		}
		inbox := d.inbox
		inbox.RepeatEvery = time.Nanosecond
		_, err = inbox.Take(ctx, everything)
		return err
	}
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for range 3 {
				if err := relay(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	require.Len(t, seqs, 60)
	require.Equal(t, 10, number(t, d.inbox.Pool, "select count(*) from errands where kind = 'open'"))
	require.Equal(t, 50, number(t, d.inbox.Pool, "select sum((payload->>'count')::int) from errands where kind = 'repeat'"))
	require.Equal(t, 0, number(t, d.inbox.Pool, "select count(*) from (select payload->>'key' from errands where kind = 'repeat' group by 1 having count(*) > 1) twice"))
}

func TestAConnectionThatDiesWhileSettlingLeavesNothingHalfDone(t *testing.T) {
	d := newDoor(t)
	ctx := context.Background()
	d.says(event(alert.Trigger, "disk", alert.Error))
	d.says(event(alert.Resolve, "disk", alert.Error))
	seq := d.says(event(alert.Trigger, "disk", alert.Error))
	opened := 0
	_, err := d.inbox.Settle(ctx, seq, func(e id.Escalation, in service.Incoming) (contract.Start, error) {
		if opened++; opened == 2 { // the first escalation and its resolve are written by now, uncommitted
			require.Positive(t, number(t, d.inbox.Pool, `select count(pg_terminate_backend(pid)) from pg_stat_activity
				where datname = current_database() and state = 'idle in transaction'`))
		}
		return open(e, in)
	})
	require.Truef(t, fault.Is(err, fault.Unavailable), "got %v", err)
	require.Equal(t, 3, number(t, d.inbox.Pool, "select count(*) from inbox where settled_at is null"))
	require.Zero(t, number(t, d.inbox.Pool, "select count(*) from escalations"))
	require.Zero(t, number(t, d.inbox.Pool, "select count(*) from errands"))
	require.Len(t, d.settles(seq), 3, "and the next one does it all")
}

func TestADatabaseThatIsGoneIsUnavailable(t *testing.T) {
	d := newDoor(t)
	d.inbox.Pool.Close()
	_, _, err := d.inbox.Accept(context.Background(), event(alert.Trigger, "disk", alert.Error))
	require.Truef(t, fault.Is(err, fault.Unavailable), "got %v", err)
	var known *fault.Error
	require.True(t, errors.As(err, &known))
}

// A monitor that says several things at once is believed in all of them or in none, in their order, and what it sent is
// written down once.
func TestWhatComesInOneRequestIsAcceptedAtOnce(t *testing.T) {
	d := newDoor(t)
	body := []byte(`{"alerts":[1,2,3]}`)
	in := []service.Incoming{
		event(alert.Trigger, "disk", alert.Error), event(alert.Trigger, "cpu \x00", alert.Critical), event(alert.Resolve, "disk", alert.Error),
	}
	for n := range in {
		in[n].Raw, in[n].Trace, in[n].ReceivedAt = body, "T-1", noon.Add(time.Duration(n)*time.Microsecond)
	}
	in[1].Service = "search"
	seqs, err := d.inbox.AcceptAll(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, seqs, 3)
	require.IsIncreasing(t, seqs)

	rows, err := d.inbox.Pool.Query(t.Context(), `select concat_ws(' ', action, service, dedup_key, alert->>'severity', trace, format, length(raw),
		raw_of - $1, extract(microseconds from received_at)) from inbox order by seq`, seqs[0])
	require.NoError(t, err)
	kept, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{
		"trigger payments disk error T-1 pagerduty 18 0",
		"trigger search cpu \uFFFD critical T-1 pagerduty 0 0 1",
		"resolve payments disk error T-1 pagerduty 0 0 2",
	}, kept)
	require.Equal(t, []string{"open E-1", "resolve E-1 by monitor via events"}, words(d.settles(seqs[2])))

	for range 500 {
		in[2].Alert.DedupKey += rand.Text() // more than an index can hold
	}
	_, err = d.inbox.AcceptAll(t.Context(), in)
	require.Error(t, err)
	var count int
	require.NoError(t, d.inbox.Pool.QueryRow(t.Context(), `select count(*) from inbox`).Scan(&count))
	require.Equal(t, 3, count, "none of the second request")
}

// The clock of the process that received an event is not the one by which it is judged how long it has waited.
func TestHowLongAnEventHasWaitedIsJudgedByTheClockOfTheRecords(t *testing.T) {
	d := newDoor(t)
	ctx := context.Background()
	ahead := event(alert.Trigger, "ahead", alert.Error)
	ahead.ReceivedAt = time.Now().Add(time.Hour)
	seq := d.says(ahead)
	waiting, err := d.inbox.Unsettled(ctx, 0, 10)
	require.NoError(t, err)
	require.Equal(t, []int64{seq}, waiting, "nobody would settle it for an hour")

	behind := event(alert.Trigger, "behind", alert.Error)
	behind.ReceivedAt = time.Now().Add(-time.Hour)
	d.says(behind)
	waiting, err = d.inbox.Unsettled(ctx, time.Hour/2, 10)
	require.NoError(t, err)
	require.Empty(t, waiting, "whoever took it is at it")
}
