package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/api/client"
	"github.com/belayhq/belay/core/fault"
)

func triggers() *cobra.Command {
	cmd := &cobra.Command{Use: "triggers", Short: "What escalates tickets", Args: cobra.NoArgs}
	cmd.AddCommand(tryTriggers())
	return cmd
}

type tried struct {
	Would []client.Would `json:"would"`
}

func tryTriggers() *cobra.Command {
	var r remote
	var since string
	var all bool
	cmd := &cobra.Command{
		Use:   "try",
		Short: "List what would have been escalated, and why",
		Long: "Play the promises and triggers of the current revision over the tickets that changed since, as each was known at the time.\n" +
			"Nothing is changed and nobody is told.",
		Example: "  belay triggers try --since 30d",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := ago("--since", since, time.Now())
			if err != nil {
				return err
			}
			c, err := r.dial()
			if err != nil {
				return err
			}
			response, err := c.TryTriggers(cmd.Context(), &client.TryTriggersParams{Since: from, All: &all})
			list, err := answer[tried](&r, "try the triggers", response, err)
			if err != nil {
				return err
			}
			if r.json {
				return write(cmd, list)
			}
			out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, w := range list.Would {
				fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", clock(w.At), w.Ticket, w.Act, w.Why)
			}
			if err := out.Flush(); err != nil {
				return err
			}
			cmd.Printf("%d in all since %s\n", len(list.Would), clock(from))
			return nil
		},
	}
	cmd.Flags().StringVar(&since, "since", "30d", "how far back, as 30d or 12h, or an instant")
	cmd.Flags().BoolVar(&all, "all", false, "warnings and raised priorities too")
	r.flags(cmd)
	return cmd
}

// ago reads how long ago something was: "30d", "36h", or an instant.
func ago(flag, text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if days, found := strings.CutSuffix(text, "d"); found {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n <= 3660 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fault.New(fault.Invalid, `%s: %q is no stretch of time: write "30d", "12h", or an instant such as "2026-03-01T00:00:00Z"`, flag, text)
}

func slaRecalculate() *cobra.Command {
	var r remote
	var yes bool
	var reason string
	cmd := &cobra.Command{
		Use:   "recalculate",
		Short: "Show which running clocks would move under the current promises; with --yes, move them",
		Long: "Clocks keep the revision under which their ticket was first watched. This shows, clock by clock, what the current revision would make of\n" +
			"them. With --yes exactly those are moved; a ticket that has changed in between is left as it is, and named.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.dial()
			if err != nil {
				return err
			}
			response, err := c.PreviewRecalculation(cmd.Context())
			preview, err := answer[client.Recalculation](&r, "preview the recalculation", response, err)
			if err != nil {
				return err
			}
			if r.json && !yes {
				return write(cmd, preview)
			}
			if !r.json {
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, m := range preview.Moves {
					fmt.Fprintf(out, "%s\t%s\t%s\t→\t%s\n", m.Ticket, m.Clock, due(m.From, m.Was), due(m.To, m.Becomes))
				}
				if err := out.Flush(); err != nil {
					return err
				}
			}
			if !yes {
				cmd.Printf("%d clocks would move. Nothing was changed; --yes moves them.\n", len(preview.Moves))
				return nil
			}
			body := client.RecalculateJSONRequestBody{Revision: preview.Revision, Moves: preview.Moves}
			if reason != "" {
				body.Reason = &reason
			}
			response, err = c.Recalculate(cmd.Context(), &client.RecalculateParams{IdempotencyKey: once()}, body)
			done, err := answer[struct {
				Left []string `json:"left"`
			}](&r, "recalculate", response, err)
			if err != nil {
				return err
			}
			if r.json {
				return write(cmd, map[string]any{"revision": preview.Revision, "moves": preview.Moves, "left": done.Left})
			}
			if len(done.Left) > 0 {
				return errors.New("left as they were, since they have changed meanwhile: " + strings.Join(done.Left, ", "))
			}
			cmd.Printf("%d clocks moved.\n", len(preview.Moves))
			return nil
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "move them")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	r.flags(cmd)
	return cmd
}

// due says when a clock is due, or why it is not.
func due(at *time.Time, state string) string {
	if at == nil {
		return cmp.Or(state, "none")
	}
	return clock(*at)
}

type ticketListing struct {
	Tickets []client.Ticket `json:"tickets"`
	Cursor  *string         `json:"cursor"`
}

func tickets() *cobra.Command {
	var r remote
	var all bool
	cmd := &cobra.Command{
		Use: "tickets", Short: "List watched tickets with their clocks", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.dial()
			if err != nil {
				return err
			}
			watched, limit := !all, 200
			page := ticketListing{}
			for {
				response, err := c.ListTickets(cmd.Context(), &client.ListTicketsParams{Watched: &watched, Limit: &limit, Cursor: page.Cursor})
				next, err := answer[ticketListing](&r, "list tickets", response, err)
				if err != nil {
					return err
				}
				page = ticketListing{Tickets: append(page.Tickets, next.Tickets...), Cursor: next.Cursor}
				if page.Cursor == nil {
					break
				}
			}
			if r.json {
				return write(cmd, page)
			}
			out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, t := range page.Tickets {
				fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", t.Id, t.State, value(t.Escalation), t.Title)
				for _, clocked := range t.Clocks {
					fmt.Fprintf(out, "  %s\t%s\t%s of %s\t%s\n", clocked.Name, clocked.State, time.Duration(clocked.Elapsed)*time.Second,
						time.Duration(clocked.Target)*time.Second, due(clocked.DueAt, ""))
				}
			}
			return out.Flush()
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "those that nobody watches too")
	r.flags(cmd)
	return cmd
}

func value(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func link() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:     "link ID SYSTEM [NUMBER]",
		Short:   "Link a ticket to an escalation, or ask for a new one",
		Example: "  belay link E-42 desk INC0010023\n  belay link E-42 desk",
		Args:    cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.dial()
			if err != nil {
				return err
			}
			e, body := code(args[0]), client.JoinTicketJSONRequestBody{System: args[1]}
			if len(args) > 2 {
				body.Number = &args[2]
			}
			response, err := c.JoinTicket(cmd.Context(), e, &client.JoinTicketParams{IdempotencyKey: once()}, body)
			joined, err := answer[client.TicketLinks](&r, "link a ticket to "+e, response, err)
			if err != nil {
				return err
			}
			if r.json {
				return write(cmd, joined)
			}
			for _, one := range joined.Tickets {
				cmd.Printf("%s  %s  %s\n", one.System, cmp.Or(value(one.Number), "is being made"), value(one.Url))
			}
			return nil
		},
	}
	r.flags(cmd)
	return cmd
}
