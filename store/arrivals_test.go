package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

var (
	_ service.Arrivals = store.Inbox{}
	_ service.Paged    = store.Messages{}
)

func TestAnEventTellsWhatBecameOfIt(t *testing.T) {
	d := newDoor(t)
	seq := d.says(event(alert.Trigger, "disk", alert.Critical))
	_, err := d.inbox.EscalationOf(t.Context(), seq)
	require.Equal(t, fault.NotFound, fault.KindOf(err), "before it is settled: %v", err)
	errands := d.settles(seq)
	opened, err := d.inbox.EscalationOf(t.Context(), seq)
	require.NoError(t, err)
	require.Equal(t, errands[0].Escalation, opened)

	again := d.says(event(alert.Trigger, "disk", alert.Critical))
	d.settles(again)
	joined, err := d.inbox.EscalationOf(t.Context(), again)
	require.NoError(t, err)
	require.Equal(t, opened, joined)
}

func TestPagesToAPersonAreFoundNewestFirst(t *testing.T) {
	pool := pgtest.Pool(t)
	ledger, messages := store.Ledger{Pool: pool}, store.Messages{Pool: pool}
	send := func(key string, who id.Person, why page.Purpose, at time.Time) {
		_, err := ledger.Begin(t.Context(), page.Message{Key: key, Person: who, Purpose: why}, "vendor/E-1/acmecloud/1", at)
		require.NoError(t, err)
	}
	send("old", "vik", page.Page, noon.Add(-time.Hour))
	send("first", "vik", page.Page, noon)
	send("told", "vik", page.Inform, noon)
	send("other", "ana", page.Page, noon)
	send("second", "vik", page.Page, noon.Add(time.Minute))

	sent, err := messages.PagedTo(t.Context(), "vik", noon, 10)
	require.NoError(t, err)
	var keys []string
	for _, s := range sent {
		keys = append(keys, s.Message.Key)
	}
	require.Equal(t, []string{"second", "first"}, keys)
}
