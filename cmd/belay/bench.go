package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/bench"
)

func benchmark() *cobra.Command {
	var r remote
	var o bench.Options
	var start bool
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure an installation, beside bare Temporal workflows", Args: cobra.NoArgs,
		Long: "Drive an installation over HTTP with receivers of its own, compare with bare Temporal workflows on the same server,\n" +
			"and check that nothing was lost and nothing sent twice. Exit status 0: every row is ok.\n\n" +
			"With --start it brings up an installation of its own. One that runs needs the bench's organisation\n" +
			"(`belay bench blueprint > DIR/bench.yaml; belay apply DIR`) and BELAY_WEBHOOK_ALLOW for the sink's address; afterwards it\n" +
			"is full of escalations: never use one that serves people. Measurements: " + strings.Join(bench.Names(), ", ") + ".",
		Example: "  belay bench --start --short\n  belay bench --server http://127.0.0.1:8080 --temporal 127.0.0.1:7233 --only first,life -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Say = func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), time.Now().Format(time.TimeOnly), line) }
			if o.Profile != "" {
				if err := os.MkdirAll(o.Profile, 0o755); err != nil {
					return fmt.Errorf("make --profile: %w", err)
				}
			}
			if start {
				return measureOwn(cmd, o, r.json)
			}
			o.Server = r.address()
			var err error
			if o.Token, err = r.bearer(); err != nil {
				return err
			}
			return measure(cmd, o, r.json)
		},
	}
	cmd.Flags().BoolVar(&start, "start", false, "start an installation for it, in a temporary directory")
	cmd.Flags().StringVar(&o.Temporal, "temporal", "127.0.0.1:7233", "Temporal's frontend")
	cmd.Flags().StringVar(&o.Namespace, "namespace", "", "Temporal's namespace (default \"default\")")
	cmd.Flags().StringVar(&o.Database, "database", "", "Belay's PostgreSQL, to look for what was accepted; without it, wait until all of it was told")
	cmd.Flags().StringSliceVar(&o.Only, "only", nil, "these measurements only")
	cmd.Flags().BoolVar(&o.Short, "short", false, "a fraction of the time: does it work, not how fast")
	cmd.Flags().DurationVar(&o.Conduct.Delay, "delay", 0, "how long receivers take to answer")
	cmd.Flags().IntVar(&o.Conduct.Fail, "fail", 0, "receivers refuse every n-th request")
	cmd.Flags().StringVar(&o.Profile, "profile", "", "directory for CPU profiles of the processes (with --start)")
	r.flags(cmd)
	places(cmd, &o)
	cmd.AddCommand(benchBlueprint(), benchNode())
	return cmd
}

// places are what blueprint and bench must agree on.
func places(cmd *cobra.Command, o *bench.Options) {
	cmd.Flags().StringVar(&o.Sink, "sink", "127.0.0.1:8099", "where the bench receives messages")
	cmd.Flags().StringVar(&o.Key, "key", "bench0demo0key", "what the routing keys of the bench's organisation begin with")
}

func benchBlueprint() *cobra.Command {
	var o bench.Options
	cmd := &cobra.Command{
		Use: "blueprint", Short: "Print the organisation that the bench needs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), bench.Blueprint("http://"+o.Sink, o.Key))
			return err
		},
	}
	places(cmd, &o)
	return cmd
}

func measureOwn(cmd *cobra.Command, o bench.Options, asJSON bool) error {
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the binary of belay: %w", err)
	}
	o.Say("starting an installation")
	i, err := bench.Install(cmd.Context(), binary, o)
	if err != nil {
		return err
	}
	err = measure(cmd, i.Options, asJSON)
	for _, line := range i.Complaints(5) {
		o.Say(line)
	}
	o.Say("stopping the installation")
	return errors.Join(err, i.Stop())
}

func measure(cmd *cobra.Command, o bench.Options, asJSON bool) error {
	report, err := bench.Run(cmd.Context(), o)
	if err != nil {
		return err
	}
	if asJSON {
		err = write(cmd, report)
	} else {
		err = report.Write(cmd.OutOrStdout())
	}
	if err == nil && !report.OK() {
		return outcome(1)
	}
	return err
}

// benchNode is a process of the bench's own installation: it can be profiled, and ends with its standard input.
func benchNode() *cobra.Command {
	var probe, clock string
	cmd := &cobra.Command{
		Use: "node serve|worker", Hidden: true, Args: cobra.ExactArgs(1), ValidArgs: []string{"serve", "worker"},
		RunE: func(cmd *cobra.Command, args []string) error {
			signal.Ignore(os.Interrupt) // whoever started us stops us, after it has measured
			ctx, stop := context.WithCancel(cmd.Context())
			defer stop()
			go func() {
				_, _ = io.Copy(io.Discard, os.Stdin)
				stop()
			}()
			role := app.API
			if args[0] == "worker" {
				role = app.Worker
			}
			listener, err := net.Listen("tcp", probe)
			if err != nil {
				return fmt.Errorf("listen for profiles: %w", err)
			}
			mux := http.NewServeMux()
			mux.HandleFunc("/debug/pprof/", pprof.Index)
			mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
			server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
			go func() { _ = server.Serve(listener) }()
			defer server.Close()
			if clock == "" {
				return process(ctx, nil, role)
			}
			var offset atomic.Int64
			go follow(ctx, clock, &offset)
			return process(ctx, func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }, role)
		},
	}
	cmd.Flags().StringVar(&probe, "pprof", "127.0.0.1:0", "where profiles are to be had")
	cmd.Flags().StringVar(&clock, "clock", "", "file with the offset of this process's clock, as +10m")
	return cmd
}
