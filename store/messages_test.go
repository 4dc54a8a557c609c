package store_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

func message() page.Message {
	return page.Message{
		Key: "E-1/t1/ana/mobile/1", Purpose: page.Page, Person: "ana", Method: "mobile", Channel: org.Channel("sms"),
		To: "+15005550006", Body: "E-1 disk full. Answer: https://belay/a/secret", Link: "https://belay/a/secret",
		Brief: page.Brief{Escalation: "E-1", Title: "disk full", OpenedAt: noon},
	}
}

func receipt(status page.Status, code string) page.Receipt {
	return page.Receipt{Key: message().Key, Status: status, Class: page.Pending, Provider: "twilio", ProviderID: "SM1", Code: code, At: noon}
}

func TestAMessageIsBegunOnceAndItsFirstReceiptStays(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	ledger := store.Ledger{Pool: pool}
	prior, err := ledger.Begin(ctx, message(), "escalation/E-1", time.Time{}, noon)
	require.NoError(t, err)
	require.Equal(t, contract.Prior{}, prior)
	prior, err = ledger.Begin(ctx, message(), "escalation/E-1", time.Time{}, noon.Add(time.Minute))
	require.NoError(t, err)
	require.Equal(t, contract.Prior{Since: noon}, prior, "nobody knows how the first attempt ended")
	accepted := receipt(page.Accepted, "")
	require.NoError(t, ledger.Finish(ctx, accepted))
	require.NoError(t, ledger.Finish(ctx, receipt(page.Failed, "30001")))
	prior, err = ledger.Begin(ctx, message(), "escalation/E-1", time.Time{}, noon)
	require.NoError(t, err)
	require.Equal(t, contract.Prior{Receipt: &accepted}, prior)
	require.True(t, fault.Is(ledger.Finish(ctx, page.Receipt{Key: "nothing"}), fault.NotFound))
}

func TestOfManyWhoBeginAMessageOneSendsIt(t *testing.T) {
	ledger := store.Ledger{Pool: pgtest.Pool(t)}
	var first atomic.Int64
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			prior, err := ledger.Begin(context.Background(), message(), "escalation/E-1", time.Time{}, noon)
			if err != nil {
				t.Error(err)
			}
			if prior == (contract.Prior{}) {
				first.Add(1)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, first.Load())
}

func TestNothingLeavesAfterTheAnswerThatWasDecidedBeforeIt(t *testing.T) {
	ctx, now := context.Background(), time.Now()
	ledger := store.Ledger{Pool: pgtest.Pool(t)}
	begin := func(key string, purpose page.Purpose, decided time.Time) contract.Prior {
		m := message()
		m.Key, m.Purpose = key, purpose
		prior, err := ledger.Begin(ctx, m, "escalation/E-1", decided, time.Now())
		require.NoError(t, err)
		return prior
	}
	require.Equal(t, contract.Prior{}, begin("E-1/t1/ana/mobile/1", page.Page, now))
	leaving, err := ledger.Silence(ctx, "escalation/E-1", now.Add(time.Second))
	require.NoError(t, err)
	require.True(t, leaving, "one was noted, and no carrier has answered yet")
	_, err = ledger.Silence(ctx, "escalation/E-1", now.Add(-time.Hour))
	require.NoError(t, err, "an older answer takes nothing back")

	require.Equal(t, contract.Prior{Silenced: true}, begin("E-1/t1/ana/desk/2", page.Page, now))
	require.True(t, begin("E-1/t1/ana/mobile/1", page.Page, now).Silenced, "an attempt whose end nobody knows")
	require.Equal(t, contract.Prior{}, begin("E-1/inform/3", page.Inform, now), "whoever is only informed is")
	require.Equal(t, contract.Prior{}, begin("E-1/t2/ben/mobile/4", page.Page, now.Add(time.Second)), "decided after it")

	accepted := receipt(page.Accepted, "")
	for _, key := range []string{"E-1/t1/ana/mobile/1", "E-1/t2/ben/mobile/4"} {
		accepted.Key = key
		require.NoError(t, ledger.Finish(ctx, accepted))
	}
	leaving, err = ledger.Leaving(ctx, "escalation/E-1")
	require.NoError(t, err)
	require.False(t, leaving, "who is only informed is waited for by nobody")
}

func TestNoPageSlipsPastAnAnswer(t *testing.T) {
	ctx, now := context.Background(), time.Now()
	pool := pgtest.Pool(t)
	ledger := store.Ledger{Pool: pool}
	for round := range 20 {
		workflow := fmt.Sprintf("escalation/E-%d", round+1)
		var silent atomic.Bool // the answer has been given
		var group sync.WaitGroup
		for n := range 16 {
			group.Go(func() {
				m := message()
				m.Key = fmt.Sprintf("E-%d/t1/ana/mobile/%d", round+1, n)
				prior, err := ledger.Begin(ctx, m, workflow, now, time.Now())
				if err != nil || prior.Silenced {
					assert.NoError(t, err)
					return
				}
				assert.False(t, silent.Load(), "%s leaves after the answer", m.Key)
				r := receipt(page.Accepted, "")
				r.Key, r.ProviderID = m.Key, m.Key
				assert.NoError(t, ledger.Finish(ctx, r))
			})
		}
		leaving, err := ledger.Silence(ctx, workflow, now.Add(time.Second))
		for err == nil && leaving {
			leaving, err = ledger.Leaving(ctx, workflow)
		}
		require.NoError(t, err)
		silent.Store(true)
		group.Wait()
	}
}

// The engine is slow, and the run has not heard yet that its monitor took the alarm back: it goes on deciding to page.
func TestNobodyIsPagedOfAnEndThatOnlyItsRunHasNotHeard(t *testing.T) {
	d := newDoor(t)
	ctx, ledger := t.Context(), store.Ledger{Pool: d.inbox.Pool}
	opened := d.settles(d.says(event(alert.Trigger, "disk", alert.Critical)))
	other := d.settles(d.says(event(alert.Trigger, "fans", alert.Critical)))
	seq := d.says(event(alert.Resolve, "disk", ""))
	begin := func(of service.Errand, purpose page.Purpose) contract.Prior {
		m := message()
		m.Key, m.Purpose, m.Brief.Escalation = string(of.Escalation)+"/"+string(purpose), purpose, of.Escalation
		silenced, err := ledger.Silenced(ctx, m, contract.EscalationID(of.Escalation), time.Now())
		require.NoError(t, err)
		prior, err := ledger.Begin(ctx, m, contract.EscalationID(of.Escalation), time.Now(), time.Now())
		require.NoError(t, err)
		require.Equal(t, prior.Silenced, silenced, "who only reads sees the same")
		return prior
	}
	watched := d.says(event(alert.Resolve, "fans", ""))
	_, err := d.inbox.Pool.Exec(ctx, `insert into alerts (service, dedup_key, state, firing, seq, severity, group_key, muted_by, changes, since)
		values ('payments', 'fans', 'plain', true, $1, 'critical', '', '', '{}', now())`, watched)
	require.NoError(t, err)
	require.Equal(t, contract.Prior{}, begin(other[0], page.Page), "it may flap, and be held open")
	require.Equal(t, contract.Prior{Silenced: true}, begin(opened[0], page.Page), "accepted, and not settled")
	ended := d.settles(seq)
	require.Equal(t, contract.Prior{Silenced: true}, begin(opened[0], page.Page), "settled, and not told")
	require.Equal(t, contract.Prior{}, begin(opened[0], page.Inform), "whoever is only informed is")
	for _, e := range ended {
		require.NoError(t, d.inbox.Done(ctx, e.ID))
	}
	require.Equal(t, contract.Prior{}, begin(opened[0], page.Page), "it knows, and pages of what was reopened")
}

func TestMessagesAreKeptWithoutTheirSignedLink(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	messages := store.Messages{Pool: pool}
	_, err := messages.ByKey(ctx, message().Key)
	require.True(t, fault.Is(err, fault.NotFound))
	_, err = store.Ledger{Pool: pool}.Begin(ctx, message(), "vendor/E-1/acme/1", time.Time{}, noon)
	require.NoError(t, err)
	sent, err := messages.ByKey(ctx, message().Key)
	require.NoError(t, err)
	want := message()
	want.Link, want.Body = "", "E-1 disk full. Answer: [link]"
	require.Equal(t, service.Sent{Message: want, Workflow: "vendor/E-1/acme/1", At: noon}, sent)
	require.Zero(t, number(t, pool, "select count(*) from messages where message::text like '%secret%'"))
}

func TestReceiptsAreNotedOnceAndLateAcceptedSaysNothingNew(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	messages := store.Messages{Pool: pool}
	_, err := store.Ledger{Pool: pool}.Begin(ctx, message(), "escalation/E-1", time.Time{}, noon)
	require.NoError(t, err)
	for _, scene := range []struct {
		receipt page.Receipt
		fresh   bool
		last    page.Status
	}{
		{receipt(page.Delivered, ""), true, page.Delivered}, // overtakes the carrier's first answer
		{receipt(page.Accepted, ""), true, page.Delivered},
		{receipt(page.Delivered, ""), false, page.Delivered},
		{receipt(page.Undelivered, "30003"), true, page.Undelivered},
		{receipt(page.Undelivered, "30034"), true, page.Undelivered},
		{receipt(page.Undelivered, "30034"), false, page.Undelivered},
	} {
		fresh, err := messages.Note(ctx, scene.receipt)
		require.NoError(t, err)
		require.Equal(t, scene.fresh, fresh, scene.receipt)
		sent, err := messages.ByProvider(ctx, "twilio", "SM1")
		require.NoError(t, err)
		require.Equal(t, scene.last, sent.Last.Status)
	}
	_, err = messages.Note(ctx, page.Receipt{Key: "nothing", Status: page.Delivered})
	require.True(t, fault.Is(err, fault.NotFound))
	for _, id := range []string{"", "SM2"} {
		_, err = messages.ByProvider(ctx, "twilio", id)
		require.True(t, fault.Is(err, fault.NotFound))
	}
}

func TestTheSandboxKeepsPhones(t *testing.T) {
	ctx := context.Background()
	sandbox := store.Sandbox{Pool: pgtest.Pool(t)}
	m := service.SandboxMessage{At: noon, Channel: "sms", Person: "ana", To: "+1", Escalation: "E-1", Body: "disk full", Status: "delivered", Key: "k1"}
	first, err := sandbox.Deliver(ctx, m)
	require.NoError(t, err)
	again, err := sandbox.Deliver(ctx, m)
	require.NoError(t, err)
	require.Equal(t, first, again)
	m.Key = "k2"
	second, err := sandbox.Deliver(ctx, m)
	require.NoError(t, err)
	require.Greater(t, second.ID, first.ID)

	require.NoError(t, sandbox.Update(ctx, first.ID, "answered", "ack", "→ You have it."))
	require.NoError(t, sandbox.Update(ctx, first.ID, "", "resolve"))
	got, err := sandbox.Get(ctx, first.ID)
	require.NoError(t, err)
	first.Status, first.Replies = "answered", []string{"ack", "→ You have it.", "resolve"}
	require.Equal(t, first, got)
	list, err := sandbox.List(ctx, 0, 0)
	require.NoError(t, err)
	require.Equal(t, []service.SandboxMessage{first, second}, list)
	list, err = sandbox.List(ctx, first.ID, 0)
	require.NoError(t, err)
	require.Equal(t, []service.SandboxMessage{second}, list)
	require.True(t, fault.Is(sandbox.Update(ctx, 99, "failed"), fault.NotFound))
	_, err = sandbox.Get(ctx, 99)
	require.True(t, fault.Is(err, fault.NotFound))
}

// A message on its way is asked for at its turns and no more; one that has arrived is left alone.
func TestMessagesWithoutNewsAreClaimedAtTheirTurns(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	ledger, messages := store.Ledger{Pool: pool}, store.Messages{Pool: pool}
	begin := func(key, provider, providerID string, status page.Status) {
		m := message()
		m.Key = key
		_, err := ledger.Begin(ctx, m, "escalation/E-1", time.Time{}, noon)
		require.NoError(t, err)
		if providerID == "" && status == "" {
			return // nobody knows whether it left: the engine's attempts find out
		}
		require.NoError(t, ledger.Finish(ctx, page.Receipt{Key: key, Status: status, Class: page.Pending, Provider: provider, ProviderID: providerID, At: noon}))
	}
	begin("way", "twilio", "SM1", page.Accepted)
	begin("call", "twilio", "CA1", page.Answered)
	begin("there", "twilio", "SM2", page.Accepted)
	_, err := messages.Note(ctx, page.Receipt{Key: "there", Status: page.Delivered, Class: page.Arrived, Provider: "twilio", ProviderID: "SM2", At: noon})
	require.NoError(t, err)
	begin("refused", "twilio", "", page.Failed)
	begin("unknown", "", "", "")
	begin("mail", "smtp", "m1", page.Accepted)

	claim := func(after time.Duration, limit int) (keys []string) {
		t.Helper()
		claimed, err := messages.Claim(ctx, []string{"twilio", "gateway"}, noon.Add(after), limit)
		require.NoError(t, err)
		for _, sent := range claimed {
			keys = append(keys, sent.Message.Key)
			require.Equal(t, "twilio", sent.Last.Provider)
			require.NotEmpty(t, sent.Last.ProviderID)
			require.Equal(t, "escalation/E-1", sent.Workflow)
		}
		return keys
	}
	require.Empty(t, claim(29*time.Second, 10))
	require.Len(t, claim(30*time.Second, 1), 1)
	require.Len(t, claim(30*time.Second, 10), 1, "the other one")
	require.Empty(t, claim(119*time.Second, 10))
	for _, turn := range []time.Duration{2 * time.Minute, 10 * time.Minute, 30 * time.Minute} {
		require.ElementsMatch(t, []string{"way", "call"}, claim(turn, 10))
		require.Empty(t, claim(turn, 10))
	}
	require.Empty(t, claim(50*time.Minute, 10), "four times are enough")

	begin("old", "twilio", "SM9", page.Accepted)
	require.Empty(t, claim(61*time.Minute, 10), "nobody waits for it any more")
	require.Len(t, claim(59*time.Minute, 10), 1)
}

func TestOfManyWhoAskOneDoes(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	ledger, messages := store.Ledger{Pool: pool}, store.Messages{Pool: pool}
	_, err := ledger.Begin(ctx, message(), "escalation/E-1", time.Time{}, noon)
	require.NoError(t, err)
	require.NoError(t, ledger.Finish(ctx, receipt(page.Accepted, "")))
	var claims atomic.Int64
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			claimed, err := messages.Claim(ctx, []string{"twilio"}, noon.Add(time.Minute), 10)
			if err != nil {
				t.Error(err)
			}
			claims.Add(int64(len(claimed)))
		})
	}
	group.Wait()
	require.EqualValues(t, 1, claims.Load())
}
