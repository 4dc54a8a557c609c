package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/store"
)

func TestALapseIsNotedOnce(t *testing.T) {
	ctx := context.Background()
	h := store.Heartbeats{Pool: pgtest.Pool(t)}
	_, err := h.Get(ctx, "backup")
	require.True(t, fault.Is(err, fault.NotFound))
	require.NoError(t, h.Beat(ctx, "backup", noon, noon.Add(time.Minute)))
	require.NoError(t, h.Beat(ctx, "backup", noon.Add(-time.Hour), noon.Add(-time.Minute)), "an older one changes nothing")
	late, err := h.Overdue(ctx, noon.Add(time.Minute))
	require.NoError(t, err)
	require.Empty(t, late, "not before its time")
	late, err = h.Overdue(ctx, noon.Add(time.Minute+time.Microsecond))
	require.NoError(t, err)
	require.Len(t, late, 1)
	back, err := h.Lapse(ctx, late[0])
	require.NoError(t, err)
	require.False(t, back)
	back, err = h.Lapse(ctx, late[0])
	require.NoError(t, err)
	require.False(t, back, "the second one changes nothing")
	stands, err := h.Get(ctx, "backup")
	require.NoError(t, err)
	require.True(t, stands.Missing)
	require.Equal(t, 1, stands.Lapses)

	require.NoError(t, h.Beat(ctx, "backup", noon.Add(time.Hour), noon.Add(2*time.Hour)))
	stands, err = h.Get(ctx, "backup")
	require.NoError(t, err)
	stale := stands
	require.False(t, stands.Missing)
	require.NoError(t, h.Beat(ctx, "backup", noon.Add(3*time.Hour), noon.Add(4*time.Hour)))
	back, err = h.Lapse(ctx, stale)
	require.NoError(t, err)
	require.True(t, back, "it came while it was being missed")

	require.NoError(t, h.Disarm(ctx, "backup"))
	late, err = h.Overdue(ctx, noon.Add(100*time.Hour))
	require.NoError(t, err)
	require.Empty(t, late)
	all, err := h.List(ctx)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.True(t, all[0].DueAt.IsZero())
}

func TestWhoListensWithoutAGapHasListenedSinceItsBeginning(t *testing.T) {
	ctx := context.Background()
	h := store.Heartbeats{Pool: pgtest.Pool(t)}
	for _, step := range []struct {
		at, since time.Duration
	}{{0, 0}, {10 * time.Second, 0}, {20 * time.Second, 0}, {5 * time.Minute, 5 * time.Minute}, {5*time.Minute + time.Second, 5 * time.Minute}} {
		since, err := h.Hearing(ctx, noon.Add(step.at), 15*time.Second)
		require.NoError(t, err)
		require.Equal(t, noon.Add(step.since), since)
	}
}
