package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

// explanation is what explain is asked.
type explanation struct {
	format, dir, integration string
	headers                  []string
	json                     bool
}

// mostExplained is more than the server takes, to say the same of what is too large.
const mostExplained = 64 << 20

func explains() *cobra.Command {
	var x explanation
	cmd := &cobra.Command{
		Use:   "explain --format FORMAT FILE",
		Short: "Say what a request of a monitor would do, without doing it",
		Long: "Read the body of a request, as a monitor posts it to /in/FORMAT/KEY, by the code that runs in the server, and say\n" +
			"which alerts it holds and where the worst of them would go. FILE is - for the standard input. Without --blueprint the\n" +
			"organisation is the smallest there is: one service, whose failing hurts most. Signatures are not checked, and nothing\n" +
			"outside is asked.",
		Example: "  belay explain --format alertmanager --blueprint examples/acme alert.json -o json",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return x.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&x.format, "format", "", "who speaks: "+strings.Join(app.Formats(), ", "))
	flags.StringVar(&x.dir, "blueprint", "", "directory with a blueprint")
	flags.StringVar(&x.integration, "integration", "", "through which integration it comes (default: the first by the alphabet)")
	flags.StringArrayVar(&x.headers, "header", nil, "header of the request, as 'Name: value'; may be given more than once")
	output(cmd, &x.json)
	_ = cmd.MarkFlagRequired("format")
	return cmd
}

func (x *explanation) run(cmd *cobra.Command, file string) error {
	said, err := x.explain(cmd, file)
	if err != nil {
		return x.problem(err)
	}
	if x.json {
		return write(cmd, said)
	}
	for _, e := range said.Events {
		at := e.OccurredAt.UTC().Format(time.RFC3339)
		cmd.Printf("%-11s %-8s %s\n            %s, %s, status %q, key %s\n", e.Action, e.Severity, e.Title, e.Source, at, e.Status, e.DedupKey)
		for _, l := range e.Links {
			cmd.Printf("            %s %s\n", l.Text, l.Href)
		}
		for _, w := range e.Warnings {
			cmd.Printf("            warning: %s\n", w)
		}
	}
	if said.Route.Service != "" {
		printRoute(cmd, said.Route)
	}
	return nil
}

// printRoute says where something goes, and every rule and window that was asked on the way.
func printRoute(cmd *cobra.Command, r service.Route) {
	cmd.Printf("to %s as %s, by %s: %s\n", r.Service, r.Priority, r.Rule, r.Action)
	for _, about := range []struct{ name, value string }{
		{"delay", r.Delay}, {"group", r.Group}, {"window", string(r.Window)}, {"heartbeat", string(r.Heartbeat)},
	} {
		if about.value != "" {
			cmd.Printf("            %s %s\n", about.name, about.value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Labels)) {
		cmd.Printf("            label %s=%s\n", name, r.Labels[name])
	}
	for _, look := range r.Rules {
		mark := "-"
		if look.Matched {
			mark = "✓"
		}
		cmd.Printf("            %s %s: %s\n", mark, look.Rule, look.Why)
	}
	for _, w := range r.Warnings {
		cmd.Printf("            warning: %s\n", w)
	}
}

func (x *explanation) explain(cmd *cobra.Command, file string) (service.Explanation, error) {
	header := map[string]string{}
	for _, h := range x.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return service.Explanation{}, fault.Field("header", "%q is not 'Name: value'", h)
		}
		header[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	var o *org.Org
	if x.dir != "" {
		b, _, err := app.Read(x.dir)
		if err != nil {
			return service.Explanation{}, err
		}
		o = b.Org
	}
	body, err := content(cmd, file)
	if err != nil {
		return service.Explanation{}, err
	}
	said, err := app.Explain(o, id.Integration(x.integration), x.format, app.Received(body, header))
	if err != nil {
		return said, fmt.Errorf("explain %s: %w", file, err)
	}
	return said, nil
}

func content(cmd *cobra.Command, file string) ([]byte, error) {
	in := cmd.InOrStdin()
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, fault.Wrap(fault.NotFound, err, "open the request")
		}
		defer func() { _ = opened.Close() }()
		in = opened
	}
	body, err := io.ReadAll(io.LimitReader(in, mostExplained))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return body, nil
}

// problem is an error as a program reads it, where JSON was asked for.
func (x *explanation) problem(err error) error {
	if !x.json {
		return err
	}
	written, failed := json.Marshal(app.Problem(err))
	if failed != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, string(written))
	return outcome(1)
}
