// Package pgtest gives tests a real PostgreSQL: one server per test binary, one fresh, migrated database per test.
// It knows the schema through store.Migrate only.
package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/store"
)

// Variable names a server to use instead of one of our own; its user must be allowed to create databases.
const Variable = "BELAY_TEST_DATABASE_URL"

// Start runs the tests of a package with a server and returns the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Start(m)) }
//
// A server that it starts listens on a free port of 127.0.0.1, keeps its data in a temporary directory and is gone
// afterwards. The variable is set meanwhile, so that child processes use the same one.
func Start(m *testing.M) int {
	if os.Getenv(Variable) != "" {
		return m.Run()
	}
	server, err := startServer()
	if err != nil {
		fmt.Fprintf(os.Stderr, "pgtest: %v\n", err)
		return 1
	}
	defer server.stop()
	if err := os.Setenv(Variable, server.url); err != nil {
		fmt.Fprintf(os.Stderr, "pgtest: %v\n", err)
		return 1
	}
	return m.Run()
}

// Database makes a migrated database for one test and returns its URL. It is dropped at the end.
func Database(t testing.TB) string {
	t.Helper()
	server := address(t)
	ctx := context.Background()
	conn := connect(t, server)
	defer func() { _ = conn.Close(ctx) }()

	// The lock keeps two test binaries on one server from making the template twice.
	execute(t, conn, "select pg_advisory_lock(5432)")
	template := "belay_template_" + fingerprint(t)
	var known bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", template).Scan(&known); err != nil {
		t.Fatalf("pgtest: look for the template: %v", err)
	}
	if !known {
		draft := template + "_draft" // a template that could not be finished must not be taken for one
		execute(t, conn, "drop database if exists "+draft)
		execute(t, conn, "create database "+draft)
		if err := store.Migrate(ctx, within(t, server, draft)); err != nil {
			t.Fatalf("pgtest: %v", err)
		}
		execute(t, conn, "alter database "+draft+" rename to "+template)
	}
	return fresh(t, conn, server, "template "+template)
}

// Empty makes a database without a schema.
func Empty(t testing.TB) string {
	t.Helper()
	server := address(t)
	conn := connect(t, server)
	defer func() { _ = conn.Close(context.Background()) }()
	return fresh(t, conn, server, "")
}

// Pool opens a pool on a database of its own.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := store.Open(context.Background(), Database(t), store.Options{MaxConns: 20, Name: "pgtest"})
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func fresh(t testing.TB, conn *pgx.Conn, server, clause string) string {
	t.Helper()
	name := fmt.Sprintf("belay_test_%d_%d", os.Getpid(), time.Now().UnixNano())
	execute(t, conn, "create database "+name+" "+clause)
	t.Cleanup(func() {
		conn := connect(t, server)
		defer func() { _ = conn.Close(context.Background()) }()
		execute(t, conn, "drop database if exists "+name+" with (force)")
	})
	return within(t, server, name)
}

func address(t testing.TB) string {
	t.Helper()
	server := os.Getenv(Variable)
	if server == "" {
		t.Fatalf("pgtest: no server: call pgtest.Start in TestMain, or set %s", Variable)
	}
	return server
}

func connect(t testing.TB, server string) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatalf("pgtest: connect to %s: %v", Variable, err)
	}
	return conn
}

func execute(t testing.TB, conn *pgx.Conn, statement string) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), statement); err != nil {
		t.Fatalf("pgtest: %s: %v", statement, err)
	}
}

// within is the URL of another database on the same server.
func within(t testing.TB, server, name string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		t.Fatalf("pgtest: %s must be a URL such as postgres://user@host:5432/postgres", Variable)
	}
	u.Path = "/" + name
	return u.String()
}

// fingerprint changes with the migrations, so that an old template on a lasting server is never used.
func fingerprint(t testing.TB) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	files, err := filepath.Glob(filepath.Join(filepath.Dir(here), "../../store/migrations/*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("pgtest: no migrations beside %s (%v)", here, err)
	}
	sum := sha256.New()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("pgtest: %v", err)
		}
		_, _ = sum.Write(content) // a hash never refuses
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}
