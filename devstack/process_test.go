package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/client"
)

func TestClosedStdinStopsEverything(t *testing.T) {
	s := launchStack(t, with(free, "--home", home(t), "--ui-addr", "127.0.0.1:0")...)
	if page := get(t, "http://"+s.UIAddr+"/"); !strings.Contains(page, `src="/_app/`) && !strings.Contains(page, `href="/_app/`) {
		t.Errorf("the UI serves no page: %.200q", page)
	}
	if !alive(s.PostgresPID) {
		t.Fatal("postgres_pid is nobody's")
	}

	if err := s.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	s.await(15 * time.Second)
	if s.result != nil {
		t.Errorf("exit: %v", s.result)
	}
	if alive(s.PostgresPID) {
		t.Error("postgres outlived devstack")
	}
	for _, addr := range []string{s.TemporalAddr, s.UIAddr} {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			t.Errorf("something still listens on %s", addr)
		}
	}
	inOrder(t, s.stderr.String(), "temporal: stopping\n", "temporal: stopping the UI\n", "postgres: stopping\n")
}

func TestSecondSignalDoesNotCutTheStopShort(t *testing.T) {
	s := launchStack(t, with(free, "--home", home(t), "--no-temporal")...)
	s.signal(syscall.SIGINT)
	s.signal(syscall.SIGTERM)
	s.await(15 * time.Second)
	if s.result != nil || alive(s.PostgresPID) {
		t.Errorf("exit %v, postgres alive %v", s.result, alive(s.PostgresPID))
	}
}

func TestStoppedWhileStartingLeavesNothing(t *testing.T) {
	for _, moment := range []string{"postgres: creating", "postgres: starting", "temporal: schema", "temporal: starting"} {
		t.Run(moment, func(t *testing.T) {
			dir := home(t)
			s, _ := begin(t, with(free, "--home", dir)...)
			eventually(t, moment, func() bool { return strings.Contains(s.stderr.String(), moment) })
			if err := s.stdin.Close(); err != nil {
				t.Fatal(err)
			}
			s.await(15 * time.Second)
			if s.result != nil {
				t.Errorf("exit: %v", s.result)
			}
			for _, place := range with(substitutes(dir, os.TempDir()), dir) {
				if pid, running := postmaster(Place{Dir: place}.Data()); running {
					t.Errorf("postgres (pid %d) still runs", pid)
				}
			}
		})
	}
}

func TestTakenPortSaysHowToMoveIt(t *testing.T) {
	for _, c := range []struct{ flag, env string }{
		{"--postgres-addr", "BELAY_POSTGRES_ADDR"},
		{"--temporal-addr", "BELAY_TEMPORAL_ADDR"},
		{"--ui-addr", "BELAY_TEMPORAL_UI_ADDR"},
	} {
		t.Run(c.flag, func(t *testing.T) {
			squatter, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer squatter.Close()
			addr := squatter.Addr().String()
			_, port, _ := net.SplitHostPort(addr)

			said := refuseStack(t, with(free, "--home", home(t), c.flag, addr)...)
			for _, want := range []string{port, c.flag, c.env, "address already in use"} {
				if !strings.Contains(said, want) {
					t.Errorf("%q is missing from %q", want, said)
				}
			}
		})
	}
}

func TestOneHomeServesOneDevstack(t *testing.T) {
	dir := home(t)
	first := launchStack(t, with(free, "--home", dir, "--no-temporal")...)
	said := refuseStack(t, with(free, "--home", dir, "--no-temporal")...)
	if !strings.Contains(said, strconv.Itoa(first.cmd.Process.Pid)) || !strings.Contains(said, "BELAY_HOME") {
		t.Errorf("the refusal names neither the holder nor the way out: %q", said)
	}
	if !alive(first.PostgresPID) {
		t.Error("the second stopped the first's database")
	}
}

// An orphan is what a killed devstack leaves where the kernel does not take Postgres along.
func TestOrphanedPostgresIsReplaced(t *testing.T) {
	dir := home(t)
	first := launchStack(t, with(free, "--home", dir, "--no-temporal")...)
	execute(t, first.DatabaseURL, "CREATE TABLE kept (note text)")
	first.signal(syscall.SIGTERM)
	first.await(15 * time.Second)

	orphan := orphaned(t, dir)
	second := launchStack(t, with(free, "--home", dir, "--no-temporal")...)
	if alive(orphan.PID) {
		t.Error("two servers on one data directory")
	}
	execute(t, second.DatabaseURL, "INSERT INTO kept VALUES ('still here')")
}

// orphaned runs a Postgres on a home's data without a devstack.
func orphaned(t *testing.T, dir string) *Postgres {
	t.Helper()
	account, err := unprivileged(Place{Dir: dir}.Data())
	if err != nil {
		t.Fatal(err)
	}
	dir, err = filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	place, err := choosePlace(dir, account.Reaches, account.Own, substitutes(dir, os.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	major, err := dataMajor(place.Data())
	if err != nil {
		t.Fatal(err)
	}
	journal := newJournal(io.Discard)
	binaries, err := findBinaries(account, installed(), major, offline)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := postgresListener.resolve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pg, err := startPostgres(deadline(t, time.Minute), launch{
		Binaries: binaries, Account: account, Place: place, Addr: addr, Fast: true, LogFile: filepath.Join(dir, "orphan.log"),
	}, journal)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Stop)
	return pg
}

func TestEverythingKilledStartsAgain(t *testing.T) {
	dir := home(t)
	first := launchStack(t, with(free, "--home", dir, "--no-temporal")...)
	execute(t, first.DatabaseURL, "CREATE TABLE kept (note text)")
	if err := syscall.Kill(first.PostgresPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	first.kill()
	second := launchStack(t, with(free, "--home", dir, "--no-temporal")...)
	execute(t, second.DatabaseURL, "INSERT INTO kept VALUES ('still here')")
}

func TestKilledDatabaseEndsDevstack(t *testing.T) {
	s := launchStack(t, with(free, "--home", home(t), "--no-temporal")...)
	if err := syscall.Kill(s.PostgresPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.await(15 * time.Second)
	if s.result == nil || !strings.Contains(s.stderr.String(), "postgres ended by itself") {
		t.Errorf("exit %v, stderr %s", s.result, s.stderr)
	}
}

// After a reboot the number in a left-over lock file may belong to any program; ours, here.
func TestStaleLockOfAReusedProcessNumberIsRemoved(t *testing.T) {
	data := t.TempDir()
	lock := filepath.Join(data, "postmaster.pid")
	if err := os.WriteFile(lock, fmt.Appendf(nil, "%d\n%s\n", os.Getpid(), data), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := evict(deadline(t, time.Minute), data, newJournal(io.Discard)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(lock); !os.IsNotExist(err) {
		t.Error("the stale lock is still there")
	}
}

func TestGivenDatabaseIsUsedAndLeftRunning(t *testing.T) {
	given := launchStack(t, with(free, "--home", home(t), "--no-temporal", "--app-database", "theirs")...)
	guest := launchStack(t, with(free, "--home", home(t), "--database-url", given.DatabaseURL)...)
	if guest.DatabaseURL != given.DatabaseURL || guest.PostgresPID != 0 {
		t.Errorf("not the database it was given: %+v", guest.Ready)
	}
	execute(t, strings.Replace(given.DatabaseURL, "/theirs?", "/temporal?", 1), "SELECT FROM executions")
	guest.signal(syscall.SIGTERM)
	guest.await(15 * time.Second)
	execute(t, given.DatabaseURL, "SELECT 1")
}

func TestUnreachableDatabaseKeepsItsPasswordSecret(t *testing.T) {
	said := refuseStack(t, with(free, "--home", home(t), "--database-url", "postgres://ana:hunter2@127.0.0.1:1/belay")...)
	if strings.Contains(said, "hunter2") || !strings.Contains(said, "BELAY_DATABASE_URL") {
		t.Errorf("said %q", said)
	}
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	ctx := deadline(t, 20*time.Second)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func inOrder(t *testing.T, text string, parts ...string) {
	t.Helper()
	at := 0
	for _, part := range parts {
		i := strings.Index(text[at:], part)
		if i < 0 {
			t.Fatalf("%q does not follow in\n%s", part, text)
		}
		at += i + len(part)
	}
}

// With stores of their own, the application's database may die and come back while workflows go on.
func TestTemporalOutlivesTheApplicationsDatabase(t *testing.T) {
	s := launchStack(t, with(free, "--home", home(t), "--temporal-postgres-addr", "127.0.0.1:0", "--search-attribute", "Tier=Int")...)
	if s.TemporalPostgresPID == 0 || s.TemporalPostgresPID == s.PostgresPID {
		t.Fatalf("one Postgres for both: %+v", s.Ready)
	}
	execute(t, s.DatabaseURL, "CREATE TABLE kept (note text)")
	execute(t, s.TemporalDatabaseURL, "SELECT FROM executions")
	if err := syscall.Kill(s.PostgresPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "devstack says that it goes on", func() bool { return strings.Contains(s.stderr.String(), "Temporal goes on") })

	ctx := deadline(t, time.Minute)
	run, err := connect(t, s).ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "in the dark", TaskQueue: "naps"}, "napping")
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Get(ctx, nil); err != nil {
		t.Fatalf("a workflow stood still without the application's database: %v", err)
	}
	s.signal(syscall.SIGUSR1)
	eventually(t, "the database answers again", func() bool {
		conn, err := pgx.Connect(ctx, s.DatabaseURL)
		return err == nil && conn.Close(ctx) == nil
	})
	execute(t, s.DatabaseURL, "INSERT INTO kept VALUES ('still here')")

	if err := syscall.Kill(s.TemporalPostgresPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.await(15 * time.Second)
	if s.result == nil {
		t.Error("Temporal's own database died, and devstack did not say so")
	}
}
