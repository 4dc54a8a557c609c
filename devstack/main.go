// Devstack runs what Belay needs beside itself on a developer's machine, in one process: a Temporal server with its UI,
// on a PostgreSQL that it finds, starts and stops. It knows nothing of the product: whoever starts it passes the search
// attributes and the database name, waits for one JSON line on stdout, and stops it by a signal or by closing its stdin.
//
// It is for development and tests. Nothing in it is secured, everything listens on the loopback address.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stdout := os.Stdout
	os.Stdout = os.Stderr // libraries chat on stdout, where our caller expects exactly one line

	opts, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "devstack:", err)
		os.Exit(2)
	}

	// Later signals change nothing: stopping is bounded, and a parent that forwards Ctrl-C must not turn it into a kill.
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	if opts.ExitWithStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
	}

	journal := newJournal(os.Stderr)
	err = run(ctx, opts, stdout, journal)
	if err != nil && ctx.Err() == nil { // told to stop while starting: what that broke is no failure
		fmt.Fprintln(os.Stderr, "devstack:", err)
		os.Exit(1)
	}
}

// Ready is the line on stdout: where everything is.
type Ready struct {
	Ready        bool   `json:"ready"`
	DatabaseURL  string `json:"database_url"`
	TemporalAddr string `json:"temporal_addr"` // host:port, empty with --no-temporal
	UIAddr       string `json:"ui_addr"`       // host:port, empty without UI
	PostgresPID  int    `json:"postgres_pid"`  // 0 when the database is someone else's

	TemporalDatabaseURL string `json:"temporal_database_url"` // empty with --no-temporal
	TemporalPostgresPID int    `json:"temporal_postgres_pid"` // 0 unless Temporal has a Postgres of its own
}

// run starts everything, says so, waits for ctx and stops everything: Temporal first, then its UI, then Postgres.
func run(ctx context.Context, opts Options, stdout io.Writer, journal Journal) error {
	home, err := openHome(opts.Home)
	if err != nil {
		return err
	}
	defer home.Close()
	if opts, err = opts.resolve(); err != nil {
		return err
	}

	database, err := openDatabase(ctx, opts, home, journal)
	if err != nil {
		return err
	}
	defer database.Stop(journal)
	ready := Ready{Ready: true, PostgresPID: database.PID()}

	ready.DatabaseURL, err = database.Create(ctx, opts.AppDatabase)
	if err != nil {
		return err
	}

	store := database
	if !opts.NoTemporal {
		if store, err = openStore(ctx, opts, home, database, journal); err != nil {
			return err
		}
		ready.TemporalDatabaseURL = store.URL(mainStore)
		if store != database {
			defer store.Stop(journal)
			ready.TemporalPostgresPID = store.PID()
		}
		ui := &UI{}
		defer ui.Stop(journal) // before the server's own stop in this list, so after it in time

		server, err := startTemporal(ctx, opts, store, journal)
		if err != nil {
			return err
		}
		defer server.Stop(journal)
		ready.TemporalAddr = server.Addr

		if err := prepareNamespace(ctx, server.Addr, opts.Namespace, opts.SearchAttributes, journal); err != nil {
			return err
		}
		if opts.UIAddr != "" {
			if err := ui.Start(ctx, opts.UIAddr, server.Addr, opts.Namespace, journal); err != nil {
				return err
			}
			ready.UIAddr = ui.Addr
		}
	}

	if err := json.NewEncoder(stdout).Encode(ready); err != nil {
		return fmt.Errorf("write the ready line: %w", err)
	}
	return watch(ctx, database, store, journal)
}

// watch waits for the end. A database that dies is the end, unless it is the application's alone: Temporal then goes on
// without it, as it does in any installation that keeps the two apart, and SIGUSR1 starts it again.
func watch(ctx context.Context, database, store *Database, journal Journal) error {
	revive := make(chan os.Signal, 1)
	signal.Notify(revive, syscall.SIGUSR1)
	defer signal.Stop(revive)
	for {
		select {
		case <-ctx.Done():
			journal.Say("devstack: stopping")
			return nil
		case err := <-store.Died():
			return err
		case err := <-database.Died():
			if store == database {
				return err
			}
			journal.Say("%v; Temporal goes on, and SIGUSR1 starts it again", err)
		case <-revive:
			if err := database.Revive(ctx, journal); err != nil {
				return fmt.Errorf("start Postgres again: %w", err)
			}
		}
	}
}
