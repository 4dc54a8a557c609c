package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/store"
)

func TestASettledEventKnowsItsEscalation(t *testing.T) {
	d := newDoor(t)
	ctx := context.Background()
	of := func(seq int64) (id.Escalation, error) { return d.inbox.EscalationOf(ctx, seq) }
	seq := d.says(event(alert.Trigger, "disk", alert.Error))
	_, err := of(seq)
	require.True(t, fault.Is(err, fault.NotFound), "not settled yet")
	d.settles(seq)
	joined := d.says(event(alert.Trigger, "disk", alert.Error))
	d.settles(joined)
	for _, s := range []int64{seq, joined} {
		e, err := of(s)
		require.NoError(t, err)
		require.Equal(t, id.Escalation("E-1"), e)
	}
	_, err = of(99)
	require.True(t, fault.Is(err, fault.NotFound))
}

func TestPagesToAPersonAreListedNewestFirst(t *testing.T) {
	ctx := context.Background()
	pool := pgtest.Pool(t)
	begin := func(key string, change func(*page.Message), minutes int) {
		m := message()
		m.Key = key
		change(&m)
		_, err := store.Ledger{Pool: pool}.Begin(ctx, m, "escalation/E-1", time.Time{}, noon.Add(time.Duration(minutes)*time.Minute))
		require.NoError(t, err)
	}
	begin("old", func(*page.Message) {}, -10)
	begin("first", func(*page.Message) {}, 1)
	begin("second", func(*page.Message) {}, 2)
	begin("ben's", func(m *page.Message) { m.Person = "ben" }, 3)
	begin("news", func(m *page.Message) { m.Purpose = page.Inform }, 3)
	sent, err := store.Messages{Pool: pool}.PagedTo(ctx, "ana", noon, 0)
	require.NoError(t, err)
	require.Len(t, sent, 2)
	require.Equal(t, "second", sent[0].Message.Key)
	require.Equal(t, "first", sent[1].Message.Key)
}
