package store_test

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/store"
)

func TestManyProcessesMigrateAtOnce(t *testing.T) {
	empty := pgtest.Empty(t)
	ctx := context.Background()
	pool, err := store.Open(ctx, empty, store.Options{})
	require.NoError(t, err)
	defer pool.Close()
	err = store.Ready(ctx, pool)
	require.True(t, fault.Is(err, fault.Unavailable))
	require.ErrorContains(t, err, "no schema yet")

	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			if err := store.Migrate(ctx, empty); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.NoError(t, store.Ready(ctx, pool))
	require.NoError(t, store.Migrate(ctx, empty), "nothing to do is no error")
}

func TestReadyWantsASchemaAsNewAsTheProgram(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	_, err := pool.Exec(ctx, "insert into belay_migrations (version_id, is_applied) values (9999, true)")
	require.NoError(t, err)
	require.NoError(t, store.Ready(ctx, pool), "a newer one will do")
	_, err = pool.Exec(ctx, "delete from belay_migrations where version_id > 0")
	require.NoError(t, err)
	require.ErrorContains(t, store.Ready(ctx, pool), "belay migrate")
	pool.Close()
	require.True(t, fault.Is(store.Ready(ctx, pool), fault.Unavailable))
}

func TestOpenSaysWhatIsWrongWithoutThePassword(t *testing.T) {
	ctx := context.Background()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())

	for name, scene := range map[string]struct {
		url  string
		kind fault.Kind
	}{
		"no URL":        {"postgres://ana:hunter2@%zz", fault.Invalid},
		"odd setting":   {"postgres://ana:hunter2@127.0.0.1/belay?pool_max_conns=many", fault.Invalid},
		"nobody there":  {"postgres://ana:hunter2@" + address + "/belay", fault.Unavailable},
		"no such place": {"postgres://ana:hunter2@host.invalid:5432/belay", fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := store.Open(ctx, scene.url, store.Options{ConnectTimeout: 2 * time.Second})
			require.Truef(t, fault.Is(err, scene.kind), "%v", err)
			require.NotContains(t, err.Error(), "hunter2")
			err = store.Migrate(ctx, scene.url)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestOpenNamesADatabaseThatIsMissing(t *testing.T) {
	u, err := url.Parse(pgtest.Empty(t))
	require.NoError(t, err)
	u.Path = "/nowhere"
	_, err = store.Open(context.Background(), u.String(), store.Options{})
	require.True(t, fault.Is(err, fault.Unavailable), "an operator may still create it")
	require.ErrorContains(t, err, `database "nowhere" at 127.0.0.1`)
}
