package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
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
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

func summary(e id.Escalation, seq int, state escalation.Phase) escalation.Summary {
	return escalation.Summary{
		ID: e, State: state, Title: "disk full", Service: "payments", Unit: "emea", Kind: org.Technical, Priority: "P1",
		Severity: alert.Error, Tier: seq, OpenedAt: noon, Seq: seq, Told: []id.Person{"ana"},
		Next: escalation.Next{At: noon.Add(time.Duration(seq) * time.Minute), Action: "climb"},
	}
}

func entries(from, to int) []escalation.Entry {
	var all []escalation.Entry
	for seq := from; seq <= to; seq++ {
		all = append(all, escalation.Entry{
			Seq: seq, At: noon.Add(time.Duration(seq) * time.Second), Kind: escalation.EntryTier, Actor: "belay", Via: "timer",
			Key: fmt.Sprintf("E-1/t%d", seq), Text: fmt.Sprintf("Tier %d begins", seq), Detail: map[string]string{"tier": fmt.Sprint(seq)},
		})
	}
	return all
}

// random is a text that does not compress.
func random(length int) string {
	source := rand.New(rand.NewPCG(1, 2))
	raw := make([]byte, length)
	for n := range raw {
		raw[n] = byte('!' + source.IntN(90))
	}
	return string(raw)
}

// What is due next moves without anything being said: of rows with the same number the one that was shown last counts.
func TestARowIsShownAgainWithTheSameNumber(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	journal, list := store.Journal{Pool: pool}, store.Escalations{Pool: pool}
	row := summary("E-1", 1, escalation.Watched)
	require.NoError(t, journal.Write(ctx, contract.Record{Entries: entries(1, 1), Summary: row}))
	first := row
	row.Looks, row.Next = 2, escalation.Next{At: noon.Add(7 * time.Hour), Action: "warn"}
	require.NoError(t, journal.Write(ctx, contract.Record{Summary: row}))
	for _, late := range []escalation.Summary{first, {ID: "E-1", Seq: 1, Looks: 1, State: escalation.Watched, Next: escalation.Next{Action: "none"}}} {
		require.NoError(t, journal.Write(ctx, contract.Record{Summary: late}))
	}
	page, err := list.List(ctx, service.Filter{States: []escalation.Phase{escalation.Watched}, ByNext: true})
	require.NoError(t, err)
	require.Len(t, page.Escalations, 1)
	require.Equal(t, row.Next, page.Escalations[0].Next)
	said, err := list.Timeline(ctx, "E-1", 0, 0)
	require.NoError(t, err)
	require.Len(t, said, 1)
}

func TestTheTimelineReadsAsItWasWritten(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	written := entries(1, 3)
	written[1].Text, written[1].Detail = "said \"\x00\" — ünïcode", nil
	row := summary("E-1", 3, escalation.Open)
	require.NoError(t, store.Journal{Pool: pool}.Write(ctx, contract.Record{Entries: written, Summary: row}))

	reader := store.Escalations{Pool: pool}
	read, err := reader.Timeline(ctx, "E-1", 0, 0)
	require.NoError(t, err)
	written[1].Text = "said \"\uFFFD\" — ünïcode"
	require.Equal(t, written, read)
	read, err = reader.Timeline(ctx, "E-1", 2, 1)
	require.NoError(t, err)
	require.Equal(t, written[2:], read)
	got, err := reader.Get(ctx, "E-1")
	require.NoError(t, err)
	require.Equal(t, service.Escalation{Summary: row}, got, "opened by a plain client: nothing came in at the door")
}

func TestBatchesInAnyOrderAndTwiceEndTheSame(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	journal := store.Journal{Pool: pool}
	var batches []contract.Record
	for n := range 12 {
		batches = append(batches, contract.Record{Entries: entries(3*n+1, 3*n+3), Summary: summary("E-1", 3*n+3, escalation.Open)})
	}
	var group sync.WaitGroup
	for n := range 2 * len(batches) {
		group.Go(func() {
			if err := journal.Write(ctx, batches[(n*7)%len(batches)]); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	reader := store.Escalations{Pool: pool}
	read, err := reader.Timeline(ctx, "E-1", 0, 0)
	require.NoError(t, err)
	require.Equal(t, entries(1, 36), read)
	got, err := reader.Get(ctx, "E-1")
	require.NoError(t, err)
	require.Equal(t, summary("E-1", 36, escalation.Open), got.Summary)
}

func TestAnEntryOnceWrittenIsNotReplaced(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	journal := store.Journal{Pool: pool}
	require.NoError(t, journal.Write(ctx, contract.Record{Entries: entries(1, 1), Summary: summary("E-1", 1, escalation.Open)}))
	forged := entries(1, 2)
	forged[0].Text = "something else"
	require.NoError(t, journal.Write(ctx, contract.Record{Entries: forged, Summary: summary("E-1", 2, escalation.Open)}))
	read, err := store.Escalations{Pool: pool}.Timeline(ctx, "E-1", 0, 0)
	require.NoError(t, err)
	require.Equal(t, entries(1, 2), read)
}

func TestAResolveThatComesLateStillFreesTheKey(t *testing.T) {
	d := newDoor(t)
	d.hears(alert.Trigger, "disk", alert.Error)
	journal := store.Journal{Pool: d.inbox.Pool}
	require.NoError(t, journal.Write(context.Background(), contract.Record{Summary: summary("E-1", 9, escalation.Open)}))
	require.NoError(t, journal.Write(context.Background(), contract.Record{Summary: summary("E-1", 8, escalation.ResolvedP)}))
	got, err := store.Escalations{Pool: d.inbox.Pool}.Get(context.Background(), "E-1")
	require.NoError(t, err)
	require.Equal(t, escalation.Open, got.State, "the row is that of the higher number")
	require.Zero(t, number(t, d.inbox.Pool, "select count(*) from escalations where dedup_held"))
}

func TestTheRecorderLeavesWhatCameInAtTheDoorAlone(t *testing.T) {
	d := newDoor(t)
	d.hears(alert.Trigger, "disk", alert.Error)
	require.NoError(t, store.Journal{Pool: d.inbox.Pool}.Write(context.Background(), contract.Record{
		Entries: entries(1, 1), Summary: summary("E-1", 1, escalation.Acked)}))
	got, err := store.Escalations{Pool: d.inbox.Pool}.Get(context.Background(), "E-1")
	require.NoError(t, err)
	require.Equal(t, service.Escalation{
		Summary: summary("E-1", 1, escalation.Acked), ServiceName: "Payments", DedupKey: "disk", Integration: "acme-payments",
		Alert: event(alert.Trigger, "disk", alert.Error).Alert,
	}, got)
}

func TestWhatWasRecordedStays(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	require.NoError(t, store.Journal{Pool: pool}.Write(ctx, contract.Record{Entries: entries(1, 1), Summary: summary("E-1", 1, escalation.Open)}))
	require.NoError(t, store.Audit{Pool: pool}.Write(ctx, deed("test")))
	for _, table := range []string{"timeline", "audit"} {
		for _, statement := range []string{
			"update " + table + " set actor = 'mallory'",
			"delete from " + table,
			"truncate " + table,
			"truncate " + table + " cascade",
			"set session_replication_role = replica; delete from " + table, // replication, too
		} {
			_, err := pool.Exec(ctx, statement) // by the owner of the table, who is superuser
			require.ErrorContains(t, err, "what was recorded stays", statement)
		}
		require.Equal(t, 1, number(t, pool, "select count(*) from "+table))
	}
}

func TestAnIDThatIsNoneIsRefused(t *testing.T) {
	pool := pgtest.Pool(t)
	for _, e := range []id.Escalation{"", "E-", "E-0", "E-01", "E--1", "42", "E-99999999999999999999"} {
		err := store.Journal{Pool: pool}.Write(context.Background(), contract.Record{Summary: summary(e, 1, escalation.Open)})
		require.False(t, fault.Retryable(err), e)
		_, err = store.Escalations{Pool: pool}.Get(context.Background(), e)
		require.True(t, fault.Is(err, fault.NotFound), e)
		_, err = store.Escalations{Pool: pool}.Timeline(context.Background(), e, 0, 0)
		require.True(t, fault.Is(err, fault.NotFound), e)
	}
}

func deed(action string) service.Deed {
	return service.Deed{At: noon, Actor: "ana", Via: "api", Action: action, Subject: "thing", Reason: "because",
		Detail: map[string]string{"k": "v"}}
}

// Good news is written with the next entry. Until then whoever reads the timeline finds it in the ledger.
func TestAReceiptIsReadBeforeItIsWritten(t *testing.T) {
	pool, ctx := pgtest.Pool(t), context.Background()
	journal, ledger, reader := store.Journal{Pool: pool}, store.Ledger{Pool: pool}, store.Escalations{Pool: pool}
	heard := func() []escalation.Entry {
		t.Helper()
		found, err := reader.Heard(ctx, "E-1")
		require.NoError(t, err)
		return found
	}
	_, err := ledger.Begin(ctx, message(), "escalation/E-1", time.Time{}, noon)
	require.NoError(t, err)
	sent := escalation.Entry{Seq: 1, At: noon, Kind: escalation.EntrySent, Actor: "belay", Via: "sms", Key: message().Key,
		Text: "Ana paged by sms (mobile)", Detail: map[string]string{"person": "ana", "name": "Ana", "method": "mobile", "purpose": "page"}}
	require.NoError(t, journal.Write(ctx, contract.Record{Entries: []escalation.Entry{sent}, Summary: summary("E-1", 1, escalation.Open)}))
	require.Empty(t, heard(), "nothing was heard of it yet")

	news := receipt(page.Delivered, "")
	news.Class = page.Arrived
	require.NoError(t, ledger.Finish(ctx, news))
	require.Len(t, heard(), 1)
	require.Equal(t, "sms to Ana (mobile): delivered", heard()[0].Text)
	require.Equal(t, 2, heard()[0].Seq)
	require.True(t, heard()[0].Unwritten)

	written := heard()[0]
	require.NoError(t, journal.Write(ctx, contract.Record{Entries: []escalation.Entry{written}, Summary: summary("E-1", 2, escalation.Open)}))
	require.Empty(t, heard(), "it is in the timeline")
}
