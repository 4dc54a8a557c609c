package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/store"
)

func TestAQueueOfWhichNobodySpeaksIsSilentThenForgotten(t *testing.T) {
	pool, ctx := pgtest.Pool(t), t.Context()
	roll := store.Sticky{Pool: pool}
	silent := func() []contract.Sticky {
		t.Helper()
		queues, err := roll.Silent(ctx, 3*time.Second, time.Minute)
		require.NoError(t, err)
		return queues
	}
	ages := func(queue, age string) {
		t.Helper()
		_, err := pool.Exec(ctx, "update sticky set seen_at = clock_timestamp() - $2::text::interval where queue = $1", queue, age)
		require.NoError(t, err)
	}
	one, other := contract.Sticky{Queue: "pager-1:a", Deployment: "belay", Build: "1.2.0"}, contract.Sticky{Queue: "pager-2:b"}
	require.NoError(t, roll.Keep(ctx, one))
	require.NoError(t, roll.Keep(ctx, other))
	require.Empty(t, silent())

	ages(one.Queue, "4 seconds")
	require.Equal(t, []contract.Sticky{one}, silent())
	require.NoError(t, roll.Keep(ctx, one))
	require.Empty(t, silent(), "it only seemed dead")

	ages(other.Queue, "2 minutes")
	require.Empty(t, silent(), "what waited there has timed out long ago")
	ages(other.Queue, "4 seconds")
	require.Empty(t, silent(), "its row is gone")

	ages(one.Queue, "4 seconds")
	require.NoError(t, roll.Leave(ctx, one.Queue))
	require.Empty(t, silent(), "it left in good order")
}
