package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/api/client"
)

func open() *cobra.Command {
	var r remote
	var body client.NewEscalation
	var priority, kind, dedup string
	cmd := &cobra.Command{
		Use: "open SERVICE TITLE…", Short: "Open an escalation", Args: cobra.MinimumNArgs(2),
		Example: `  belay open payments "Card declines above 5 %" --priority P1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.dial()
			if err != nil {
				return err
			}
			body.Service, body.Title = args[0], strings.Join(args[1:], " ")
			if priority != "" {
				body.Priority = ptr(client.Priority(strings.ToUpper(priority)))
			}
			if kind != "" {
				body.Kind = ptr(client.Kind(kind))
			}
			if dedup != "" {
				body.DedupKey = &dedup
			}
			response, err := c.OpenEscalation(cmd.Context(), &client.OpenEscalationParams{IdempotencyKey: once()}, body)
			opened, err := answer[client.Opened](&r, "open an escalation of "+body.Service, response, err)
			if err != nil {
				return err
			}
			if r.json {
				return write(cmd, opened)
			}
			cmd.Println(opened.Id)
			return nil
		},
	}
	cmd.Flags().StringVar(&priority, "priority", "", "P1 to P5 (default: from the service's impact)")
	cmd.Flags().StringVar(&kind, "kind", "", "technical, procedural or customer_facing")
	cmd.Flags().StringVar(&dedup, "dedup-key", "", "join the open escalation with this key, if there is one")
	r.flags(cmd)
	return cmd
}

func acknowledge() *cobra.Command {
	return verb("ack", "Take an escalation: the ladder stops", "acknowledge",
		func(ctx context.Context, c *client.Client, e string, body client.Remark) (*http.Response, error) {
			return c.AcknowledgeEscalation(ctx, e, &client.AcknowledgeEscalationParams{IdempotencyKey: once()}, body)
		})
}

func resolve() *cobra.Command {
	return verb("resolve", "End an escalation", "resolve",
		func(ctx context.Context, c *client.Client, e string, body client.Remark) (*http.Response, error) {
			return c.ResolveEscalation(ctx, e, &client.ResolveEscalationParams{IdempotencyKey: once()}, body)
		})
}

func verb(use, short, word string, say func(context.Context, *client.Client, string, client.Remark) (*http.Response, error)) *cobra.Command {
	var r remote
	var note string
	cmd := &cobra.Command{
		Use: use + " ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.dial()
			if err != nil {
				return err
			}
			var body client.Remark
			if note != "" {
				body.Note = &note
			}
			e := code(args[0])
			response, err := say(cmd.Context(), c, e, body)
			said, err := answer[client.Said](&r, word+" "+e, response, err)
			if err != nil {
				return err
			}
			if r.json {
				return write(cmd, said)
			}
			cmd.Println(said.Text)
			return nil
		},
	}
	cmd.Flags().StringVarP(&note, "note", "m", "", "say something with it")
	r.flags(cmd)
	return cmd
}

func show() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show an escalation with its timeline", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.dial()
			if err != nil {
				return err
			}
			id := code(args[0])
			response, err := c.GetEscalation(cmd.Context(), id, &client.GetEscalationParams{})
			e, err := answer[client.Escalation](&r, "show "+id, response, err)
			if err != nil {
				return err
			}
			response, err = c.GetTimeline(cmd.Context(), id, &client.GetTimelineParams{})
			timeline, err := answer[timeline](&r, "show the timeline of "+id, response, err)
			if err != nil {
				return err
			}
			if r.json {
				return write(cmd, map[string]any{"escalation": e, "timeline": timeline.Entries})
			}
			return tell(cmd, e, timeline.Entries)
		},
	}
	r.flags(cmd)
	return cmd
}

type timeline struct {
	Entries []client.Entry `json:"entries"`
}

func tell(cmd *cobra.Command, e client.Escalation, entries []client.Entry) error {
	cmd.Printf("%s  %s  %s  %s\n%s\n", e.Id, e.Priority, e.State, e.ServiceName, e.Title)
	if e.AcknowledgedBy != nil {
		cmd.Printf("%s has it.\n", *e.AcknowledgedBy)
	}
	if e.Next.At != nil {
		cmd.Println(strings.TrimSpace(fmt.Sprintf("Next: %s %s", e.Next.Action, e.Next.Target)), "at", clock(*e.Next.At))
	}
	cmd.Println()
	out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, entry := range entries {
		fmt.Fprintf(out, "%s\t%s\t%s\n", clock(entry.At), entry.Actor, entry.Text)
	}
	return out.Flush()
}

func list() *cobra.Command {
	var r remote
	var all bool
	var service string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List escalations, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.dial()
			if err != nil {
				return err
			}
			params := client.ListEscalationsParams{Limit: &limit}
			if !all {
				params.State = &[]client.State{client.Open, client.Acknowledged}
			}
			if service != "" {
				params.Service = &[]string{service}
			}
			response, err := c.ListEscalations(cmd.Context(), &params)
			page, err := answer[listing](&r, "list escalations", response, err)
			if err != nil {
				return err
			}
			if r.json {
				return write(cmd, page)
			}
			out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, e := range page.Escalations {
				who := ""
				if e.AcknowledgedBy != nil {
					who = *e.AcknowledgedBy
				}
				fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Id, e.Priority, e.State, clock(e.OpenedAt), e.Service, who, e.Title)
			}
			return out.Flush()
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "watched, resolved and closed ones too")
	cmd.Flags().StringVar(&service, "service", "", "only of this service")
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "at most so many")
	r.flags(cmd)
	return cmd
}

type listing struct {
	Escalations []client.Escalation `json:"escalations"`
	Cursor      *string             `json:"cursor"`
}

// code completes what people type: 42, e-42 and E-42 are the same.
func code(text string) string {
	text = strings.ToUpper(strings.TrimSpace(text))
	if text != "" && strings.Trim(text, "0123456789") == "" {
		return "E-" + text
	}
	return text
}

// clock is an instant in the zone of whoever looks.
func clock(at time.Time) string { return at.Local().Format("2006-01-02 15:04:05 MST") }

// once makes a request that is sent twice count once.
func once() *string { return ptr("cli-" + rand.Text()) }

func ptr[T any](value T) *T { return &value }
