package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/internal/stack"
)

func dev() *cobra.Command {
	return &cobra.Command{
		Use:   "dev",
		Short: "Everything in one terminal: Postgres, Temporal, API, pages, worker, sandbox phones",
		Long: "Start Postgres and Temporal (or use those of BELAY_DATABASE_URL and BELAY_TEMPORAL_EXTERNAL=1), apply the blueprint of\n" +
			"BELAY_BLUEPRINT, and run API, pages and worker in this process. Ctrl-C stops all of it; started again, open\n" +
			"escalations go on where they were.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return develop(cmd.Context(), cmd.OutOrStdout())
		},
	}
}

func develop(ctx context.Context, out io.Writer) error {
	o, err := settings()
	if err != nil {
		return err
	}
	o.Dev = true
	if o.Home, err = filepath.Abs(o.Home); err != nil {
		return err
	}
	if err := os.MkdirAll(o.Home, 0o755); err != nil {
		return fmt.Errorf("make BELAY_HOME: %w", err)
	}
	if o, err = o.DevSecret(); err != nil {
		return err
	}
	say := func(line string) { fmt.Fprintln(out, "  "+line) }

	child, o, err := besides(ctx, o, say)
	if err != nil {
		return err
	}
	defer func() {
		if child != nil {
			_ = child.Stop()
		}
	}()
	log := o.Logger(os.Stderr)
	slog.SetDefault(log)
	a, err := prepare(ctx, o, log, say)
	if err != nil {
		return err
	}
	defer func() { _ = halt(a) }()
	if err := a.Start(ctx); err != nil {
		return err
	}
	select {
	case <-a.AtWork():
		greet(out, o, a.PublicURL())
	case <-time.After(30 * time.Second):
		say("no worker has started yet: Temporal does not answer; waiting for it")
		greet(out, o, a.PublicURL())
	case <-ctx.Done():
	}

	select {
	case <-ctx.Done():
		fmt.Fprintln(out, "\n  stopping; open escalations go on at the next start")
		return nil
	case err := <-a.Failed():
		return err
	case <-ended(child):
		return errors.New("the dev stack ended by itself; its log is above")
	}
}

// besides starts what is not there already, and says where everything is.
func besides(ctx context.Context, o app.Options, say func(string)) (*stack.Child, app.Options, error) {
	if o.DatabaseURL != "" && o.TemporalExternal {
		return nil, o, nil
	}
	source, err := stack.Source(".")
	if err != nil {
		return nil, o, err
	}
	binary, err := stack.Build(ctx, source, say)
	if err != nil {
		return nil, o, err
	}
	temporal := o.TemporalAddr
	if temporal == "" || o.TemporalExternal {
		temporal = "127.0.0.1:7233"
	}
	say("starting Postgres and Temporal")
	child, err := stack.Start(ctx, binary, stack.Options{
		Home: o.Home, PostgresAddr: o.PostgresAddr, TemporalPostgres: o.TemporalPostgresAddr, TemporalAddr: temporal, UIAddr: o.TemporalUIAddr,
		DatabaseURL: o.DatabaseURL, Namespace: o.TemporalNamespace, SearchAttributes: app.SearchAttributes(),
		NoTemporal: o.TemporalExternal, Log: os.Stderr,
	})
	if err != nil {
		return nil, o, err
	}
	o.DatabaseURL = child.DatabaseURL
	if !o.TemporalExternal {
		o.TemporalAddr, o.TemporalUIAddr, o.TemporalPlain = child.TemporalAddr, child.UIAddr, true
	}
	return child, o, nil
}

// prepare brings schema, organisation and token up to date.
func prepare(ctx context.Context, o app.Options, log *slog.Logger, say func(string)) (*app.App, error) {
	if err := app.Migrate(ctx, o); err != nil {
		return nil, err
	}
	a, err := app.Open(ctx, o, log, app.API, app.Worker)
	if err != nil {
		return nil, err
	}
	applied, revision, err := a.ApplyDir(ctx, o.Blueprint)
	if err == nil && applied {
		say(fmt.Sprintf("applied %s as revision %s", o.Blueprint, short(string(revision))))
	}
	if err == nil {
		err = a.AdminToken(ctx)
	}
	if err != nil {
		_ = halt(a)
		return nil, err
	}
	return a, nil
}

func ended(child *stack.Child) <-chan struct{} {
	if child == nil {
		return nil
	}
	return child.Done()
}

// demoKey is the integration of the example's payments service.
const demoKey = "acme0payments0demo0routing0key00"

func greet(out io.Writer, o app.Options, at string) {
	temporal := "http://" + o.TemporalUIAddr
	if o.TemporalExternal {
		temporal = "yours" // where its UI is, its operator knows
	}
	fmt.Fprintf(out, `
  Belay is up.

    phones and mailboxes   %[1]s/sandbox
    escalations            %[1]s/
    API reference          %[1]s/docs
    Temporal               %[2]s
    administrator's token  %[3]s

  Fire an alert, then answer it on the phones' page:

    curl -sS %[1]s/v2/enqueue -H 'Content-Type: application/json' -d '{"routing_key":"%[4]s","event_action":"trigger","payload":{"summary":"Card declines above 5 %%","source":"checkout-eu-1","severity":"critical"}}'

  Ctrl-C stops everything; started again at any time, open escalations go on where they were.

`, at, temporal, o.TokenFile(), demoKey)
}
