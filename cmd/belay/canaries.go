package main

import (
	"cmp"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/api/client"
)

func canaries() *cobra.Command {
	var r remote
	var walks int
	cmd := &cobra.Command{
		Use: "canaries", Short: "Alerts of Belay to itself: the last walks, hop by hop", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.dial()
			if err != nil {
				return err
			}
			response, err := c.ListCanaries(cmd.Context(), &client.ListCanariesParams{Walks: &walks})
			all, err := answer[struct {
				Canaries []client.Canary `json:"canaries"`
			}](&r, "list canaries", response, err)
			if err != nil {
				return err
			}
			if r.json {
				return write(cmd, all)
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprint(table, "INTEGRATION\tBEGAN\tESCALATION\tEVENT\tESCALATION\tPAGE\tRECEIPT\tRESOLVE\tRESULT\n")
			for _, one := range all.Canaries {
				for _, w := range one.Walks {
					fmt.Fprintf(table, "%s\t%s\t%s\t", one.Integration, w.BeganAt.Local().Format("2006-01-02 15:04:05"), *cmp.Or(w.Escalation, new(string)))
					for _, hop := range []client.Hop{client.HopEvent, client.HopEscalation, client.HopPage, client.HopReceipt, client.HopResolve} {
						fmt.Fprintf(table, "%s\t", passedAfter(w, hop))
					}
					fmt.Fprintln(table, verdict(w))
				}
				if len(one.Walks) == 0 {
					fmt.Fprintf(table, "%s\tnot yet\t\t\t\t\t\t\t\n", one.Integration)
				}
			}
			return table.Flush()
		},
	}
	r.flags(cmd)
	cmd.Flags().IntVar(&walks, "walks", 1, "how many walks of each, newest first")
	return cmd
}

func passedAfter(w client.CanaryWalk, hop client.Hop) string {
	for _, passed := range w.Hops {
		if passed.Hop == hop {
			return (time.Duration(passed.AfterMs) * time.Millisecond).String()
		}
	}
	return "-"
}

func verdict(w client.CanaryWalk) string {
	switch {
	case w.Broken != nil:
		return fmt.Sprintf("stops before %s: %s", *w.Broken, *cmp.Or(w.Why, new(string)))
	case w.EndedAt == nil:
		return "walks"
	case w.Why != nil:
		return *w.Why
	}
	return "whole"
}
