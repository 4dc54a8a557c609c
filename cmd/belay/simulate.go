package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/belayhq/belay/api/client"
	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/simulate"
)

// simulation is what a simulate command is asked.
type simulation struct {
	remote
	dir, revision, service, priority, kind, at, answers string
	horizon                                             time.Duration
}

func simulates() *cobra.Command {
	var s simulation
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Say who would be told what, how and when, if this broke then",
		Long: "Play an escalation without telling anybody: the same code that runs escalations, on a clock of its own. With --dir\n" +
			"the blueprint of a directory, with --revision one that was applied, else the one that is applied now. --answers is\n" +
			"a file that says what people and carriers do:\n\n" +
			"  - {on: ana, channel: sms, after: 30s, say: acknowledge}   # she answers her SMS\n" +
			"  - {on: ben, fail: {status: undelivered, code: \"30034\"}}  # the carrier gives up\n" +
			"  - {by: eva, after: 20m, say: resolve}                     # 20 minutes after the opening",
		Example: "  belay simulate --dir examples/acme --service payments --priority P1 --at 2026-12-25T03:00:00Z",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return s.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&s.dir, "dir", "", "directory with a blueprint")
	flags.StringVar(&s.revision, "revision", "", "hash of an applied revision")
	flags.StringVar(&s.service, "service", "", "what breaks")
	flags.StringVar(&s.priority, "priority", string(org.P1), "P1 to P5")
	flags.StringVar(&s.kind, "kind", string(org.Technical), "technical, procedural or customer_facing")
	flags.StringVar(&s.at, "at", "", "when, as 2026-12-25T03:00:00Z (default: now)")
	flags.StringVar(&s.answers, "answers", "", "file with what people and carriers do")
	flags.DurationVar(&s.horizon, "for", 24*time.Hour, "how far to look")
	_ = cmd.MarkFlagRequired("service")
	cmd.MarkFlagsMutuallyExclusive("dir", "revision")
	s.flags(cmd)
	return cmd
}

// played is what -o json prints.
type played struct {
	Revision id.Revision     `json:"revision"`
	Policy   id.Policy       `json:"policy"`
	Service  id.Service      `json:"service"`
	Priority org.Priority    `json:"priority"`
	At       time.Time       `json:"at"`
	Lines    []simulate.Line `json:"lines"`
}

func (s *simulation) run(cmd *cobra.Command) error {
	at, err := s.instant()
	if err != nil {
		return err
	}
	b, err := s.blueprint(cmd.Context())
	if err != nil {
		return err
	}
	script, err := s.script(b.Org)
	if err != nil {
		return err
	}
	opening, err := escalation.Prepare(b.Revision, b.Org, escalation.Request{
		Title: "a simulation", Service: id.Service(s.service), Kind: org.Kind(s.kind), Priority: org.Priority(s.priority), At: at,
		By: escalation.Answer{By: "simulation", Via: "cli"},
	})
	if err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	opening.ID = "E-1"
	lines := simulate.Play{
		World:   simulate.In{Directory: policy.Directory{Revision: b.Revision, Org: b.Org}},
		Opening: opening, Script: script, Horizon: s.horizon,
	}.Run()
	if s.json {
		return write(cmd, played{b.Revision, opening.Plan.Policy, opening.Service, opening.Plan.Priority, at, lines})
	}
	cmd.Printf("%s of %s at %s, policy %s, revision %s\n\n", opening.Plan.Priority, opening.ServiceName, at.UTC().Format(time.RFC3339), opening.Plan.Policy, short(string(b.Revision)))
	for _, l := range lines {
		cmd.Println(spoken(l))
	}
	return nil
}

// spoken is a line as people read it. What is told to somebody stands out; why and what else is set in.
func spoken(l simulate.Line) string {
	mark := "    "
	switch {
	case l.Kind == escalation.EntrySent && l.Purpose == page.Page:
		mark = "  → "
	case l.Kind == escalation.EntrySkipped, l.Kind == escalation.EntryUnreachable:
		mark = "  ✗ "
	}
	text := l.Text
	if l.Kind == escalation.EntrySent && l.Vendor != "" {
		text = fmt.Sprintf("vendor %s: %s", l.Vendor, text)
	}
	return fmt.Sprintf("%s  +%-9s%s%s", l.At.UTC().Format("Mon 15:04:05"), l.After.Round(time.Millisecond), mark, text)
}

func (s *simulation) instant() (time.Time, error) {
	if s.at == "" {
		return time.Now(), nil
	}
	at, err := time.Parse(time.RFC3339, s.at)
	if err != nil {
		return time.Time{}, fault.Field("at", "%q is no instant such as 2026-12-25T03:00:00Z", s.at)
	}
	return at, nil
}

// blueprint is that of a directory, of a revision, or the one that is applied.
func (s *simulation) blueprint(ctx context.Context) (*blueprint.Blueprint, error) {
	if s.dir != "" {
		b, _, err := app.Read(s.dir)
		return b, err
	}
	b, err := s.applied(ctx)
	var away unreachable
	if !errors.As(err, &away) {
		return b, err
	}
	o, wrong := settings()
	if wrong != nil || o.DatabaseURL == "" {
		return nil, fmt.Errorf("%w (a directory: --dir; a database: BELAY_DATABASE_URL)", err)
	}
	return app.Revision(ctx, o.DatabaseURL, id.Revision(s.revision))
}

// applied asks the server.
func (s *simulation) applied(ctx context.Context) (*blueprint.Blueprint, error) {
	c, err := s.dial()
	if err != nil {
		return nil, err
	}
	hash := s.revision
	if hash == "" {
		hash = "current"
	}
	response, err := c.GetRevision(ctx, hash)
	revision, err := answer[client.Revision](&s.remote, "simulate: read revision "+short(hash), response, err)
	if err != nil {
		return nil, err
	}
	var files []blueprint.File
	if revision.Files != nil {
		for _, f := range *revision.Files {
			files = append(files, blueprint.File{Path: f.Path, Content: []byte(f.Content)})
		}
	}
	return blueprint.Load(files, app.Zone)
}

// scripted is one line of an answers file.
type scripted struct {
	On        string `yaml:"on"`
	Channel   string `yaml:"channel"`
	Nth       int    `yaml:"nth"`
	After     string `yaml:"after"`
	Say       string `yaml:"say"`
	By        string `yaml:"by"`
	Note      string `yaml:"note"`
	Direction string `yaml:"direction"`
	To        struct {
		Person   string `yaml:"person"`
		Team     string `yaml:"team"`
		Schedule string `yaml:"schedule"`
		Vendor   string `yaml:"vendor"`
	} `yaml:"to"`
	For      string `yaml:"for"`
	Priority string `yaml:"priority"`
	Fail     *struct {
		Status string `yaml:"status"`
		Code   string `yaml:"code"`
	} `yaml:"fail"`
}

func (s *simulation) script(o *org.Org) ([]simulate.Scripted, error) {
	if s.answers == "" {
		return nil, nil
	}
	content, err := os.ReadFile(s.answers)
	if err != nil {
		return nil, fmt.Errorf("read the answers: %w", err)
	}
	var lines []scripted
	decoder := yaml.NewDecoder(strings.NewReader(string(content)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&lines); err != nil {
		return nil, fmt.Errorf("read the answers in %s: %w", s.answers, err)
	}
	var out []simulate.Scripted
	for i, line := range lines {
		one, err := line.meant(o)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d of the script: %w", s.answers, i+1, err)
		}
		out = append(out, one)
	}
	return out, nil
}

func (l scripted) meant(o *org.Org) (simulate.Scripted, error) {
	out := simulate.Scripted{
		On: id.Person(l.On), Channel: org.Channel(l.Channel), Nth: l.Nth, Say: l.Say, By: id.Person(l.By), Note: l.Note,
		Direction: org.Direction(l.Direction), Priority: org.Priority(l.Priority),
	}
	for _, field := range []struct {
		name, value string
		into        *time.Duration
	}{{"after", l.After, &out.After}, {"for", l.For, &out.For}} {
		if field.value == "" {
			continue
		}
		d, err := time.ParseDuration(field.value)
		if err != nil || d < 0 {
			return out, fault.Field(field.name, "%q is no duration such as 90s or 15m", field.value)
		}
		*field.into = d
	}
	if _, known := o.People[out.On]; l.On != "" && !known {
		return out, fault.Field("on", "nobody is called %q", l.On)
	}
	if to := (org.Target{Person: id.Person(l.To.Person), Team: id.Team(l.To.Team), Schedule: id.Schedule(l.To.Schedule), Vendor: id.Vendor(l.To.Vendor)}); to != (org.Target{}) {
		out.To = &to
	}
	switch {
	case l.Fail != nil && l.Say != "":
		return out, fault.Field("fail", "a line either fails or says something")
	case l.Fail != nil && l.On == "":
		return out, fault.Field("on", "say whose messages fail")
	case l.Fail != nil:
		status, class, reason := app.Classify(out.Channel, l.Fail.Status, l.Fail.Code)
		out.Receipt = &page.Receipt{Status: status, Class: class, Code: l.Fail.Code, Reason: reason, Provider: "simulation"}
	case !known(l.Say):
		return out, fault.Field("say", "%q is none of %s", l.Say, strings.Join(contract.Verbs(), ", "))
	case l.On == "" && l.By == "":
		return out, fault.Field("by", "say who says it")
	}
	return out, nil
}

func known(verb string) bool {
	for _, v := range contract.Verbs() {
		if v == verb {
			return true
		}
	}
	return false
}
