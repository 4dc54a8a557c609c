package store_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// What a release before had under way goes on after the migration: an event that nobody settled, an escalation that holds
// its key, an errand that nobody ran.
func TestWhatWasUnderWayBeforeAMigrationGoesOnAfterIt(t *testing.T) {
	for _, from := range []int64{2, 7} {
		ctx := context.Background()
		url := pgtest.Empty(t)
		migrateTo(t, url, from)
		conn, err := pgx.Connect(ctx, url)
		require.NoError(t, err)
		_, err = conn.Exec(ctx, `
			insert into escalations (state, title, service, unit, priority, opened_at, summary, service_name, integration, dedup_key, dedup_held, alert, start, severity_told)
			select 'open', 'Disk full', 'payments', '', 'P2', now(), '{}', 'Payments', 'acme-payments', 'disk-' || n, true, '{}',
			       '{"opening": {"id": "E-1", "title": "Disk full"}}', 'error' from generate_series(1, 3) n;
			insert into escalations (state, title, service, unit, priority, opened_at, summary, dedup_key, dedup_held)
			values ('closed', 'Over', 'payments', '', 'P2', now(), '{}', 'disk-1', false);
			insert into errands (escalation, kind) values (1, 'open');
			insert into errands (escalation, kind, payload, done_at) values (2, 'repeat', '{}', now());
			insert into timeline (escalation, seq, at, kind, actor, via, key, text, detail) values (1, 1, now(), 'opened', 'belay', '', '', '', '{}');
			insert into inbox (integration, service, dedup_key, format, action, alert, raw, received_at, settled_at, escalation)
			values ('acme-payments', 'payments', 'disk-2', 'events', 'trigger', '{}', '', now(), now(), 2);
			insert into inbox (integration, service, dedup_key, format, action, alert, raw, received_at) values
			('acme-payments', 'payments', 'disk-2', 'events', 'trigger', '{"severity": "error"}', '', now()),
			('acme-payments', 'payments', 'disk-3', 'events', 'resolve', '{}', '', now()),
			('acme-payments', 'payments', 'fan', 'events', 'trigger', '{"severity": "error"}', '', now())`)
		require.NoError(t, err)
		require.NoError(t, conn.Close(ctx))

		require.NoError(t, store.Migrate(ctx, url))
		require.NoError(t, store.Migrate(ctx, url), "once more changes nothing")
		pool, err := store.Open(ctx, url, store.Options{})
		require.NoError(t, err)
		defer pool.Close()
		require.NoError(t, store.Ready(ctx, pool))
		require.Zero(t, number(t, pool, "select count(*) from pg_index where not indisvalid"))
		inbox := store.Inbox{Pool: pool}
		seqs, err := inbox.Unsettled(ctx, 0, 10)
		require.NoError(t, err)
		require.Len(t, seqs, 3)
		_, err = inbox.SettleAll(ctx, seqs, open)
		require.NoError(t, err)
		errands, err := inbox.Take(ctx, service.Turn{Urgent: 9, Others: 9, Words: 9})
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"open E-1", "open E-5", "resolve E-3 by monitor via events"}, words(errands))
		require.Equal(t, 1, number(t, pool, "select repeats from escalations where number = 2"), "the key is still held")
		require.NoError(t, store.Journal{Pool: pool}.Write(ctx, contract.Record{Summary: summary("E-2", 5, escalation.Closed)}))
		in := event(alert.Trigger, "disk-2", alert.Error)
		in.ReceivedAt = time.Now()
		seq, _, err := inbox.Accept(ctx, in)
		require.NoError(t, err)
		errands, err = inbox.Settle(ctx, seq, open)
		require.NoError(t, err)
		require.Equal(t, []string{"open E-6"}, words(errands), "and freed when it is over")
	}
}

func migrateTo(t *testing.T, url string, version int64) {
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	db := stdlib.OpenDB(*config)
	defer func() { _ = db.Close() }()
	versions, err := database.NewStore(database.DialectPostgres, "belay_migrations")
	require.NoError(t, err)
	provider, err := goose.NewProvider(goose.DialectCustom, db, os.DirFS("migrations"), goose.WithStore(versions), goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = provider.UpTo(context.Background(), version)
	require.NoError(t, err)
}
