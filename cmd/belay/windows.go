package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/api/client"
)

func windows() *cobra.Command {
	cmd := &cobra.Command{Use: "windows", Short: "Maintenance windows made by hand", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(listWindows(), createWindow(), leaveWindow("end", "End an open window now: what still fires pages now"),
		leaveWindow("cancel", "Take a window back, open or not yet: what still fires pages now"))
	return cmd
}

func listWindows() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "list", Short: "Those that are not over", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		c, err := r.dial()
		if err != nil {
			return err
		}
		response, err := c.ListWindows(cmd.Context())
		all, err := answer[struct {
			Windows []client.Window `json:"windows"`
		}](&r, "list maintenance windows", response, err)
		if err != nil {
			return err
		}
		if r.json {
			return write(cmd, all)
		}
		table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		for _, w := range all.Windows {
			services := strings.Join(w.Services, ",")
			if services == "" {
				services = "all services"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\tup to %s\t%s\t%s\n", w.Id, w.From.Format(time.RFC3339), w.Until.Format(time.RFC3339), w.UpTo, services, w.Name)
		}
		return table.Flush()
	}}
	r.flags(cmd)
	return cmd
}

func createWindow() *cobra.Command {
	var r remote
	var name, reason, when, upTo string
	var services []string
	var lasts time.Duration
	cmd := &cobra.Command{
		Use: "create --for 2h --up-to warning [--service NAME]…", Short: "Announce maintenance that begins now", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.dial()
			if err != nil {
				return err
			}
			body := client.NewWindow{Name: &name, Reason: &reason, When: &when, UpTo: client.Severity(upTo), Services: &services, Until: time.Now().Add(lasts)}
			response, err := c.CreateWindow(cmd.Context(), &client.CreateWindowParams{IdempotencyKey: once()}, body)
			made, err := answer[client.Window](&r, "create a maintenance window", response, err)
			if err != nil {
				return err
			}
			if r.json {
				return write(cmd, made)
			}
			cmd.Println(made.Id)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&lasts, "for", 0, "how long it lasts, such as 2h")
	flags.StringVar(&upTo, "up-to", "", "the worst severity that it covers: critical, error, warning or info")
	flags.StringSliceVar(&services, "service", nil, "which service it covers; may be given more than once (default: all)")
	flags.StringVar(&when, "when", "", "which events it covers: a condition in CEL")
	flags.StringVar(&name, "name", "", "how it is called")
	flags.StringVar(&reason, "reason", "", "why")
	_ = cmd.MarkFlagRequired("for")
	_ = cmd.MarkFlagRequired("up-to")
	r.flags(cmd)
	return cmd
}

func leaveWindow(verb, short string) *cobra.Command {
	var r remote
	var reason string
	cmd := &cobra.Command{Use: verb + " WINDOW", Short: short, Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		c, err := r.dial()
		if err != nil {
			return err
		}
		if verb == "end" {
			response, err := c.EndWindow(cmd.Context(), args[0], &client.EndWindowParams{Reason: &reason})
			_, err = answer[struct{}](&r, "end window "+args[0], response, err)
			return err
		}
		response, err := c.CancelWindow(cmd.Context(), args[0], &client.CancelWindowParams{Reason: &reason})
		_, err = answer[struct{}](&r, "cancel window "+args[0], response, err)
		return err
	}}
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	r.flags(cmd)
	return cmd
}
