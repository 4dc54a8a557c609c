package store

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/belayhq/belay/core/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versionsTable is where goose keeps what it has done.
const versionsTable = "belay_migrations"

// migrationLock is the advisory lock under which migrations run: "belay" in ASCII.
const migrationLock int64 = 0x62656c6179

// Migrate brings the schema up to date. Processes that start at once wait for each other.
func Migrate(ctx context.Context, url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "read the database URL")
	}
	// A connection of our own holds the lock, so that it is released with the process, however that ends.
	guard, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return faulty(err, "migrate %s", place(config))
	}
	defer func() { _ = guard.Close(context.WithoutCancel(ctx)) }()
	if err := turn(ctx, guard); err != nil {
		return faulty(err, "wait for the turn to migrate")
	}

	db := stdlib.OpenDB(*config)
	defer func() { _ = db.Close() }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	versions, err := database.NewStore(database.DialectPostgres, versionsTable)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectCustom, db, files,
		goose.WithStore(versions), goose.WithDisableGlobalRegistry(true),
		goose.WithAllowOutofOrder(true)) // two changes of the schema are merged in any order
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return faulty(err, "migrate %s", place(config))
	}
	return nil
}

// turn waits for the lock by asking again: a statement that waits in the server would be waited for in turn by an index
// that whoever migrates builds concurrently, for ever.
func turn(ctx context.Context, guard *pgx.Conn) error {
	for {
		var ours bool
		err := guard.QueryRow(ctx, "select pg_try_advisory_lock($1)", migrationLock).Scan(&ours)
		if err != nil || ours {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Ready reports whether the database answers and its schema is as new as this program: Unavailable if not. A schema
// that is newer will do, because migrations keep what the release before them needs.
func Ready(ctx context.Context, pool *pgxpool.Pool) error {
	var at int64
	err := pool.QueryRow(ctx, "select coalesce(max(version_id), 0) from "+versionsTable+" where is_applied").Scan(&at)
	if undefined(err) {
		return fault.New(fault.Unavailable, "the database has no schema yet: run belay migrate")
	}
	if err != nil {
		return faulty(err, "read the version of the schema")
	}
	if want := newest(); at < want {
		return fault.New(fault.Unavailable, "the schema is at version %d and this program needs %d: run belay migrate", at, want)
	}
	return nil
}

// newest version among the migrations that this program carries.
func newest() int64 {
	var newest int64
	names, _ := fs.Glob(migrations, "migrations/*.sql") // the pattern is fixed and correct
	for _, name := range names {
		if version, err := goose.NumericComponent(name); err == nil {
			newest = max(newest, version)
		}
	}
	return newest
}
