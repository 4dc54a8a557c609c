package durable_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/internal/stack/stacktest"
)

// While a release is rolled out, what opens must be something that every worker can run.
func TestTheOldestWorkerSetsTheRules(t *testing.T) {
	at := stacktest.Get(t)
	fleet := &durable.Fleet{Client: dial(t, at.TemporalAddr, ""), Log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go fleet.Run(ctx)
	require.Equal(t, 1, fleet.Rules(), "nobody has been seen")

	hire(t, dial(t, at.TemporalAddr, ""))
	require.Eventually(t, func() bool { return fleet.Rules() == escalation.CurrentRules }, time.Minute, 20*time.Millisecond)

	hire(t, dial(t, at.TemporalAddr, "4711@before-there-were-rules"))
	require.Eventually(t, func() bool { return fleet.Rules() == 1 }, time.Minute, 100*time.Millisecond)
}

func dial(t *testing.T, addr, identity string) client.Client {
	c, err := durable.Dial(durable.Options{Addr: addr, Plain: true, Identity: identity})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func hire(t *testing.T, c client.Client) {
	w := worker.New(c, contract.QueueEscalations, worker.Options{})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
}
