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
	if err != nil {
		return nil, faulty(err, "open %s", place(config.ConnConfig))
	}
	var version int
	err = pool.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version)
	if err != nil {
		pool.Close()
		return nil, faulty(err, "connect to %s", place(config.ConnConfig))
	}
	if version < oldest {
		pool.Close()
		return nil, fault.New(fault.Invalid, "%s runs PostgreSQL %d, and %d is the oldest that will do",
			place(config.ConnConfig), version/10000, oldest/10000)
	}
	return pool, nil
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
