package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/chaos"
)

func breakage() *cobra.Command {
	var o chaos.Options
	var start, asJSON bool
	cmd := &cobra.Command{
		Use: "chaos", Short: "Break an installation of its own, and audit what became of its alerts", Args: cobra.NoArgs,
		Long: "Start an installation for each scenario, break it while alerts come in and people answer, and have an auditor who knows\n" +
			"only what senders sent, sinks received and people answered say what became of them. Exit status 0: every row is ok.\n\n" +
			"It must be run in a checkout, since it builds the dev stack. Scenarios: " + strings.Join(chaos.Names(), ", ") + ".",
		Example: "  belay chaos --start --short\n  belay chaos --start --only kill,cut -o json --seed 7",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !start {
				return errors.New("--start is needed: an installation that serves people is not broken on purpose")
			}
			var err error
			if o.Binary, err = os.Executable(); err != nil {
				return fmt.Errorf("find the binary of belay: %w", err)
			}
			if o.Seed == 0 {
				o.Seed = rand.Uint64() % 1_000_000
			}
			o.Say = func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), time.Now().Format(time.TimeOnly), line) }
			o.Replay = app.Replay
			report, err := chaos.Run(cmd.Context(), o)
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
		},
	}
	f := cmd.Flags()
	f.BoolVar(&start, "start", false, "start an installation for each scenario, in a temporary directory")
	f.StringSliceVar(&o.Only, "only", nil, "these scenarios only")
	f.BoolVar(&o.Short, "short", false, "the ten-minute form")
	f.BoolVar(&o.NoTiming, "no-timing", false, "report lateness and fail nobody for it: correctness only")
	f.Uint64Var(&o.Seed, "seed", 0, "of everything that is random; default: any")
	f.StringVar(&o.Record, "record", "", "directory for histories of every scenario")
	f.StringVar(&o.Previous, "previous", "HEAD~1", "revision whose workers run in the scenario upgrade")
	f.StringVar(&o.Logs, "logs", "", "directory for the logs of scenarios that fail; default: their temporary one is kept")
	output(cmd, &asJSON)
	return cmd
}

// follow reads an offset again and again until ctx ends.
func follow(ctx context.Context, path string, offset *atomic.Int64) {
	for ctx.Err() == nil {
		if text, err := os.ReadFile(path); err == nil {
			if d, err := time.ParseDuration(strings.TrimSpace(string(text))); err == nil {
				offset.Store(int64(d))
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}
