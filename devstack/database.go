package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Database is the Postgres server we work with: our own, or one that somebody else runs.
type Database struct {
	server url.URL
	launch launch // of our own, to start it again
	own    *Postgres
	lock   *os.File // on the data, where it does not live at home
}

// openDatabase starts the application's Postgres, or reaches the one that was named.
func openDatabase(ctx context.Context, opts Options, home *Home, journal Journal) (*Database, error) {
	if opts.DatabaseURL != "" {
		return reach(ctx, opts.DatabaseURL, journal)
	}
	return startDatabase(ctx, home.Dir, postgresListener, opts.PostgresAddr, opts.Fast, journal)
}

// openStore starts a Postgres for Temporal alone if one is wanted; otherwise the application's serves both.
func openStore(ctx context.Context, opts Options, home *Home, application *Database, journal Journal) (*Database, error) {
	if opts.TemporalPostgres == "" {
		return application, nil
	}
	dir := filepath.Join(home.Dir, "temporal")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create a place for Temporal's Postgres: %w", err)
	}
	return startDatabase(ctx, dir, storeListener, opts.TemporalPostgres, opts.Fast, journal)
}

// startDatabase starts a Postgres whose data lies in dir, or in a place that dir names. The caller holds the home's lock.
func startDatabase(ctx context.Context, dir string, as listener, where string, fast bool, journal Journal) (*Database, error) {
	account, err := unprivileged(Place{Dir: dir}.Data())
	if err != nil {
		return nil, err
	}
	place, err := choosePlace(dir, account.Reaches, account.Own, substitutes(dir, os.TempDir()))
	if err != nil {
		return nil, err
	}
	database := &Database{}
	if place.Dir != dir {
		sweep(journal)
		if database.lock, err = takeLock(filepath.Join(place.Dir, "devstack.lock")); err != nil {
			return nil, err
		}
	}
	fail := func(err error) (*Database, error) {
		database.unlock()
		return nil, err
	}

	if err := evict(ctx, place.Data(), journal); err != nil {
		return fail(err)
	}
	addr, err := as.resolve(where)
	if err != nil {
		return fail(err)
	}
	major, err := dataMajor(place.Data())
	if err != nil {
		return fail(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = place.Dir
	}
	fetcher := Fetcher{Repository: mavenCentral, Cache: filepath.Join(cache, "belay-dev"), Place: place, Journal: journal}
	binaries, err := findBinaries(account, installed(), major, func(major int) (string, error) { return fetcher.Fetch(ctx, major) })
	if err != nil {
		return fail(err)
	}
	database.launch = launch{
		Binaries: binaries, Account: account, Place: place,
		LogFile: filepath.Join(dir, "postgres.log"),
		Addr:    addr, Fast: fast,
	}
	database.own, err = startPostgres(ctx, database.launch, journal)
	if err != nil {
		return fail(err)
	}
	database.server = url.URL{Scheme: "postgres", User: url.User(superuser), Host: database.own.Addr, RawQuery: "sslmode=disable"}
	return database, nil
}

// reach checks that somebody else's server answers.
func reach(ctx context.Context, text string, journal Journal) (*Database, error) {
	server, err := url.Parse(text)
	if err != nil || (server.Scheme != "postgres" && server.Scheme != "postgresql") {
		return nil, errors.New("--database-url (BELAY_DATABASE_URL): want postgres://user:password@host:port/database") // not echoed: it may hold a password
	}
	database := &Database{server: *server}
	journal.Say("postgres: using %s", server.Redacted())
	conn, err := database.maintenance(ctx)
	if err != nil {
		return nil, fmt.Errorf("--database-url (BELAY_DATABASE_URL) %s: %w", server.Redacted(), err)
	}
	return database, conn.Close(ctx)
}

// URL addresses a database on this server.
func (d *Database) URL(name string) string {
	u := d.server
	u.Path = "/" + name
	return u.String()
}

// Create makes a database unless it exists and returns its URL. A server given by URL keeps the database named there for
// the application: name is then ignored.
func (d *Database) Create(ctx context.Context, name string) (string, error) {
	if named := strings.Trim(d.server.Path, "/"); named != "" {
		name = named
	}
	return d.URL(name), d.ensure(ctx, name)
}

// ensure makes a database unless it exists.
func (d *Database) ensure(ctx context.Context, name string) error {
	conn, err := d.maintenance(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return fmt.Errorf("look for database %q: %w", name, err)
	}
	if exists {
		return nil
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42P04" { // duplicate_database: another process was faster
		return nil
	}
	if err != nil {
		return fmt.Errorf("create database %q: %w", name, err)
	}
	return nil
}

// maintenance connects to a database that is surely there: postgres by custom, else the one the URL names.
func (d *Database) maintenance(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, d.URL("postgres"))
	if err == nil {
		return conn, nil
	}
	if named := strings.Trim(d.server.Path, "/"); named != "" {
		if conn, err := pgx.Connect(ctx, d.URL(named)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// PID is the process number of our own Postgres, 0 for somebody else's.
func (d *Database) PID() int {
	if d.own == nil {
		return 0
	}
	return d.own.PID
}

// Died delivers an error if our own Postgres ends by itself.
func (d *Database) Died() <-chan error {
	if d.own == nil {
		return nil
	}
	return d.own.Died
}

// Revive starts our own Postgres again after it has ended; one that runs is left alone.
func (d *Database) Revive(ctx context.Context, journal Journal) error {
	if d.own == nil {
		return nil
	}
	select {
	case <-d.own.gone:
	default:
		return nil
	}
	if err := evict(ctx, d.launch.Place.Data(), journal); err != nil {
		return err
	}
	again, err := startPostgres(ctx, d.launch, journal)
	if err != nil {
		return err
	}
	d.own = again
	return nil
}

// Stop ends our own Postgres and leaves somebody else's alone.
func (d *Database) Stop(journal Journal) {
	if d.own != nil {
		journal.Say("postgres: stopping")
		d.own.Stop()
	}
	d.unlock()
}

func (d *Database) unlock() {
	if d.lock != nil {
		_ = d.lock.Close()
	}
}
