package main

import (
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/app"
)

func config() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Show the effective settings, without secrets",
		Long: "Show every setting with its value, secrets left out. Temporal's own variables (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,\n" +
			"TEMPORAL_API_KEY, TEMPORAL_TLS…, TEMPORAL_PROFILE) apply as in its own tools.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, s := range app.Settings(os.Getenv) {
				note := s.Help
				if !s.Default {
					note = "set. " + note
				}
				fmt.Fprintf(out, "%s\t%s\t%s\n", s.Name, s.Value, note)
			}
			if err := out.Flush(); err != nil {
				return err
			}
			o, err := app.FromEnv(os.Getenv)
			if err != nil {
				return err
			}
			addr, namespace, err := o.Temporal()
			if err != nil {
				return err
			}
			cmd.Printf("\nTemporal is at %s, namespace %s.\n", addr, namespace)
			return nil
		},
	}
}
