package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/api/client"
	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

// coverage is how far ahead a plan looks for holes.
const coverage = 14

func plan() *cobra.Command {
	var r remote
	var offline bool
	cmd := &cobra.Command{
		Use:   "plan DIR",
		Short: "Say what a blueprint would change, and whom it would not reach",
		Long: "Compare the blueprint in DIR with the one that is applied: on the server, or, when none answers, in the database of\n" +
			"BELAY_DATABASE_URL. Exit status 0: nothing changes; 1: something does; 2: it cannot be.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			next, files, err := app.Read(args[0])
			if err != nil {
				return coded{err, 2}
			}
			found, err := compare(cmd.Context(), &r, offline, next, files)
			if err != nil {
				return coded{err, 2}
			}
			if r.json {
				err = write(cmd, found)
			} else {
				speak(cmd, found)
			}
			if err != nil {
				return coded{err, 2}
			}
			if len(found.Changes) > 0 {
				return outcome(1)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "ask nobody: compare with an empty organisation")
	r.flags(cmd)
	return cmd
}

// compare asks the server; without one it compares by itself.
func compare(ctx context.Context, r *remote, offline bool, next *blueprint.Blueprint, files []service.File) (client.BlueprintPlan, error) {
	if offline {
		return compared(next, "", nil, nil), nil
	}
	c, err := r.dial()
	if err != nil {
		return client.BlueprintPlan{}, err
	}
	response, err := c.PlanBlueprint(ctx, client.PlanBlueprintJSONRequestBody{Files: sent(files)})
	found, err := answer[client.BlueprintPlan](r, "plan", response, err)
	var away unreachable
	if !errors.As(err, &away) {
		return found, err
	}
	o, wrong := settings()
	if wrong != nil {
		return found, wrong
	}
	if o.DatabaseURL == "" {
		return found, fmt.Errorf("%w (compare with nothing: --offline; with a database: BELAY_DATABASE_URL)", err)
	}
	hash, now, err := app.Applied(ctx, o.DatabaseURL)
	if err != nil {
		return found, fmt.Errorf("plan: read the applied blueprint: %w", err)
	}
	return compared(next, string(hash), now, o.Providers()), nil
}

func compared(next *blueprint.Blueprint, base string, was *org.Org, by blueprint.Providers) client.BlueprintPlan {
	found := client.BlueprintPlan{
		Revision: string(next.Revision), Base: base, Changes: app.Changes(was, next.Org), Holes: []client.Hole{}, Warnings: []client.Mistake{},
	}
	for _, hole := range blueprint.Holes(next.Org, time.Now(), coverage) {
		found.Holes = append(found.Holes, client.Hole{
			Service: string(hole.Service), Kind: client.Kind(hole.Kind), Priority: client.Priority(hole.Priority),
			From: hole.From, Until: hole.Until, Depth: string(hole.Depth), Why: hole.Why, Text: hole.Text,
		})
	}
	for _, w := range slices.Concat(next.Warnings, blueprint.Shared(next.Org, by)) {
		found.Warnings = append(found.Warnings, client.Mistake{Path: &w.Path, Line: &w.Line, Column: &w.Column, Field: &w.Field, Message: w.Message})
	}
	return found
}

func speak(cmd *cobra.Command, found client.BlueprintPlan) {
	against := "an empty organisation"
	if found.Base != "" {
		against = "revision " + short(found.Base)
	}
	cmd.Printf("Revision %s, compared with %s.\n", short(found.Revision), against)
	if len(found.Changes) == 0 {
		cmd.Println("Nothing changes.")
	}
	for _, change := range found.Changes {
		cmd.Println("  " + change)
	}
	if lines := holes(found.Holes); len(lines) > 0 {
		cmd.Printf("\nWhom an escalation would not reach in the next %d days:\n", coverage)
		for _, line := range lines {
			cmd.Println("  " + line)
		}
	}
	if len(found.Warnings) > 0 {
		cmd.Println("\nAllowed, but probably not meant:")
	}
	for _, w := range found.Warnings {
		cmd.Println("  " + place(w))
	}
}

// holes says what several services, kinds and priorities have in common once.
func holes(found []client.Hole) []string {
	same := make([]blueprint.Hole, 0, len(found))
	for _, h := range found {
		same = append(same, blueprint.Hole{
			Service: id.Service(h.Service), Kind: org.Kind(h.Kind), Priority: org.Priority(h.Priority),
			From: h.From, Until: h.Until, Depth: blueprint.Depth(h.Depth), Why: h.Why, Text: h.Text,
		})
	}
	return blueprint.Describe(same)
}

func place(m client.Mistake) string {
	one := blueprint.Error{Message: m.Message}
	if m.Path != nil {
		one.Path = *m.Path
	}
	if m.Line != nil {
		one.Line = *m.Line
	}
	if m.Column != nil {
		one.Column = *m.Column
	}
	if m.Field != nil {
		one.Field = *m.Field
	}
	return one.Error()
}

func apply() *cobra.Command {
	var r remote
	var base, reason string
	cmd := &cobra.Command{
		Use:   "apply DIR",
		Short: "Make a blueprint the current one",
		Long: "Make the blueprint in DIR the current one. With --base it is refused if somebody else was faster. Open escalations\n" +
			"keep the plan under which they were opened.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			next, files, err := app.Read(args[0])
			if err != nil {
				return err
			}
			c, err := r.dial()
			if err != nil {
				return err
			}
			body := client.ApplyBlueprintJSONRequestBody{Files: sent(files)}
			if base != "" {
				body.Base = &base
			}
			if reason != "" {
				body.Reason = &reason
			}
			response, err := c.ApplyBlueprint(cmd.Context(), &client.ApplyBlueprintParams{IdempotencyKey: once()}, body)
			applied, err := answer[client.BlueprintPlan](&r, "apply "+args[0], response, err)
			if err != nil {
				return err
			}
			if applied.Revision != string(next.Revision) {
				return fault.New(fault.Internal, "apply %s: the server calls it %s, we call it %s: are the versions different?", args[0], applied.Revision, next.Revision)
			}
			if r.json {
				return write(cmd, applied)
			}
			if len(applied.Changes) == 0 {
				cmd.Printf("Nothing changes: revision %s stays.\n", short(applied.Revision))
				return nil
			}
			cmd.Printf("Applied revision %s: %s.\n", short(applied.Revision), count(len(applied.Changes), "change"))
			return nil
		},
	}
	cmd.Flags().StringVar(&base, "base", "", "only if this revision is still the current one")
	cmd.Flags().StringVarP(&reason, "reason", "m", "", "why, for the audit trail")
	r.flags(cmd)
	return cmd
}

func sent(files []service.File) client.Files {
	out := make(client.Files, len(files))
	for i, f := range files {
		out[i] = client.File{Path: f.Path, Content: f.Content}
	}
	return out
}

func short(hash string) string { return hash[:min(12, len(hash))] }

func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", n, thing))
}
