package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/app"
)

// stopWithin bounds a graceful stop; orchestrators commonly kill after 30 s.
const stopWithin = 25 * time.Second

func serve() *cobra.Command {
	var worker bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Answer API, pages and callbacks", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if worker {
				return process(cmd.Context(), nil, app.API, app.Worker)
			}
			return process(cmd.Context(), nil, app.API)
		},
	}
	cmd.Flags().BoolVar(&worker, "worker", false, "run escalations in this process too")
	return cmd
}

func work() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Short: "Run escalations", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return process(cmd.Context(), nil, app.Worker) },
	}
}

func watch() *cobra.Command {
	return &cobra.Command{
		Use: "watchdog", Short: "Watch over Belay itself and tell its operators, from a machine of its own", Args: cobra.NoArgs,
		Long: "Look at the record and at Temporal every 10 s and tell the operators of Belay (BELAY_WATCHDOG_…) when pages are late or\n" +
			"cannot leave. Every `belay serve` and `belay worker` does so too; one of them all acts at a time. Needs PostgreSQL's\n" +
			"address, and Temporal's unless BELAY_WATCHDOG_BLIND=1; neither need answer when it starts.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := settings()
			if err != nil {
				return err
			}
			log := o.Logger(os.Stderr)
			slog.SetDefault(log)
			return app.RunWatchdog(cmd.Context(), o, log)
		},
	}
}

func migrate() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the database schema up to date", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := settings()
			if err != nil {
				return err
			}
			if err := app.Migrate(cmd.Context(), o); err != nil {
				return err
			}
			cmd.Println("The schema is up to date.")
			return nil
		},
	}
}

func settings() (app.Options, error) { return app.FromEnv(os.Getenv) }

// process runs until it is told to stop, or cannot go on. A nil clock is the machine's.
func process(ctx context.Context, clock func() time.Time, roles ...app.Role) error {
	o, err := settings()
	if err != nil {
		return err
	}
	o.Now = clock
	if o.Dev {
		if o, err = o.DevSecret(); err != nil {
			return err
		}
	}
	log := o.Logger(os.Stderr)
	slog.SetDefault(log)
	a, err := app.Open(ctx, o, log, roles...)
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		_ = halt(a)
		return err
	}
	log.Info("started", "version", version, "http", a.Addr())
	select {
	case <-ctx.Done():
		log.Info("stopping")
		return halt(a)
	case err := <-a.Failed():
		_ = halt(a)
		return err
	}
}

func halt(a *app.App) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return a.Stop(ctx)
}
