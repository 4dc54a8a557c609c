package store_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/store"
)

// next is what a channel says within a moment.
func next[T any](t *testing.T, heard <-chan T) T {
	t.Helper()
	select {
	case said, open := <-heard:
		require.True(t, open, "closed")
		return said
	case <-time.After(10 * time.Second):
		t.Fatal("silence")
		panic("unreachable")
	}
}

func TestChangesAreHeardOnceTheyAreCommitted(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	changes, err := store.Changes(ctx, pool)
	require.NoError(t, err)
	require.Equal(t, store.LookAgain, next(t, changes))

	require.NoError(t, store.Revisions{Pool: pool}.Apply(ctx, "", revision("one"), deed("blueprint.apply")))
	require.Equal(t, store.RevisionChanged, next(t, changes))
	require.Error(t, store.Revisions{Pool: pool}.Apply(ctx, "zero", revision("two"), deed("blueprint.apply")))
	_, err = store.Overrides{Pool: pool}.Create(ctx, override(0, 1), deed("override.create"))
	require.NoError(t, err)
	require.Equal(t, store.OverridesChanged, next(t, changes), "what was refused was not announced")
	require.NoError(t, store.Barred{Pool: pool}.Bar(ctx, policy.Way{Person: "ana", Method: "mobile"}, "no", deed("method.bar")))
	require.Equal(t, store.BarredChanged, next(t, changes))

	cancel()
	for range changes { // closes with the context
	}
}

func TestAListenerThatWasCutOffConnectsAgainAndLooks(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	feed, err := store.Feed(ctx, pool)
	require.NoError(t, err)
	require.Equal(t, id.Escalation(""), next(t, feed))
	journal := store.Journal{Pool: pool}
	require.NoError(t, journal.Write(ctx, contract.Record{Summary: summary("E-7", 1, escalation.Open)}))
	require.Equal(t, id.Escalation("E-7"), next(t, feed))

	var cut int
	err = pool.QueryRow(ctx, `select count(pg_terminate_backend(pid)) from pg_stat_activity
		where datname = current_database() and query like 'listen%'`).Scan(&cut)
	require.NoError(t, err)
	require.Equal(t, 1, cut)
	require.Equal(t, id.Escalation(""), next(t, feed), "something may have been missed")
	require.NoError(t, journal.Write(ctx, contract.Record{Summary: summary("E-8", 1, escalation.Open)}))
	require.Equal(t, id.Escalation("E-8"), next(t, feed))
}

func TestListeningBeginsBeforeTheDatabaseDoes(t *testing.T) {
	real := pgtest.Pool(t).Config().ConnConfig
	door, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := door.Addr().String()
	require.NoError(t, door.Close()) // nobody answers there yet
	pool, err := store.Prepare(t.Context(), fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", real.User, address, real.Database), store.Options{})
	require.NoError(t, err)
	defer pool.Close()
	require.True(t, fault.Is(store.Check(t.Context(), pool), fault.Unavailable))
	require.True(t, fault.Is(store.Ping(t.Context(), pool), fault.Unavailable))

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	heard, err := store.Changes(ctx, pool)
	require.NoError(t, err)

	door, err = net.Listen("tcp", address)
	require.NoError(t, err)
	defer door.Close()
	go func() {
		for {
			in, err := door.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", net.JoinHostPort(real.Host, fmt.Sprint(real.Port)))
			if err != nil {
				_ = in.Close()
				return
			}
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		}
	}()
	require.Equal(t, store.LookAgain, next(t, heard))
	require.NoError(t, store.Ping(t.Context(), pool))
	cancel()
	require.Eventually(t, func() bool { _, open := <-heard; return !open }, time.Minute, time.Millisecond)
}
