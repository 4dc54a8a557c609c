package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/fault"
)

// oldest version of the server that we are tested with.
const oldest = 150000

// Options of a pool. Zero values take the defaults.
type Options struct {
	MaxConns       int           // 10
	ConnectTimeout time.Duration // 5 s, for each connection
	Name           string        // shown in pg_stat_activity; "belay"
}

// Open connects to a database and checks that it answers. The error is Invalid when the URL cannot be read or the
// server is too old, Unavailable when nobody answers. Instants come back in UTC.
func Open(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	pool, err := Prepare(ctx, url, o)
	if err != nil {
		return nil, err
	}
	if err := Check(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// Prepare makes a pool without connecting, for a process that can begin while the database is away. The error is
// Invalid when the URL cannot be read.
func Prepare(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "read the database URL")
	}
	config.MaxConns = int32(max(o.MaxConns, 0))
	if config.MaxConns == 0 {
		config.MaxConns = 10
	}
	config.ConnConfig.ConnectTimeout = o.ConnectTimeout
	if o.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	config.ConnConfig.RuntimeParams["application_name"] = o.Name
	if o.Name == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "belay"
	}
	config.AfterConnect = readInUTC
	pool, err := pgxpool.NewWithConfig(ctx, config)
	return pool, faulty(err, "open %s", place(config.ConnConfig))
}

// Check asks whether the server answers and is new enough: Unavailable, Invalid.
func Check(ctx context.Context, pool *pgxpool.Pool) error {
	at := pool.Config().ConnConfig
	var version int
	err := pool.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version)
	if err != nil {
		return faulty(err, "connect to %s", place(at))
	}
	if version < oldest {
		return fault.New(fault.Invalid, "%s runs PostgreSQL %d, and %d is the oldest that will do",
			place(at), version/10000, oldest/10000)
	}
	return nil
}

// Ping asks the server of a pool, on a connection of its own, whether it answers: Unavailable if not.
func Ping(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return faulty(err, "connect to %s", place(pool.Config().ConnConfig))
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return faulty(conn.Ping(ctx), "ask %s", place(pool.Config().ConnConfig))
}

// place names a database without its password.
func place(c *pgx.ConnConfig) string {
	return fmt.Sprintf("database %q at %s:%d as %q", c.Database, c.Host, c.Port, c.User)
}

func readInUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}
