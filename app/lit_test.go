package app

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// mute is a database that takes connections and never says a word.
func mute(t *testing.T) string {
	t.Helper()
	door, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = door.Close() })
	go func() {
		for {
			line, err := door.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = line.Close() })
		}
	}()
	return "postgres://belay@" + door.Addr().String() + "/belay?sslmode=disable"
}

// A ladder's pages leave together, not one a second, and those that come later do not wait at all.
func TestPagesDoNotQueueBeforeADatabaseThatSaysNothing(t *testing.T) {
	pool, err := store.Prepare(t.Context(), mute(t), store.Options{MaxConns: 20})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	lights := &service.Lights{Now: time.Now, Ping: func(ctx context.Context) error { return store.Ping(ctx, pool) }}
	ledger := litLedger{Ledger: store.Ledger{Pool: pool}, lights: lights}

	began := time.Now()
	var leaving sync.WaitGroup
	for range 60 { // more than there are connections
		leaving.Go(func() {
			_, err := ledger.Begin(t.Context(), page.Message{Key: "E-1/t1/ana/mobile/1"}, "escalation/E-1", time.Now(), time.Now())
			if !fault.Is(err, fault.Unavailable) {
				t.Error(err)
			}
		})
	}
	leaving.Wait()
	require.Less(t, time.Since(began), 30*noteWithin, "all of them at once, and not one after the other")

	require.Eventually(t, func() bool { _, out := lights.Out(); return out }, time.Minute, 10*time.Millisecond)
	spared := 0
	for range 20 {
		began := time.Now()
		_, err := ledger.Begin(t.Context(), page.Message{Key: "E-1/t1/ana/mobile/2"}, "escalation/E-1", time.Now(), time.Now())
		require.True(t, fault.Is(err, fault.Unavailable), err)
		if time.Since(began) < noteWithin/10 {
			spared++
		}
	}
	require.GreaterOrEqual(t, spared, 19, "one at most goes to see")
}
