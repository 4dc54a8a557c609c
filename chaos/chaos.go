// Package chaos breaks a Belay of its own on purpose, process by process, while alerts come in and people answer, and has
// an auditor say what became of them. The processes are real and so are the kills. Like the bench it sees what senders,
// receivers and people see, and knows nothing of stores, services and workflows.
package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Options of a run.
type Options struct {
	Binary   string   // of Belay; must know `chaos node`
	Only     []string // names of scenarios; empty: all that belong to the form
	Short    bool     // the ten-minute form
	NoTiming bool     // report lateness, and fail nobody for it: machines are noisy
	Seed     uint64   // of everything that is random
	Record   string   // directory for histories of every scenario; empty: they are replayed and forgotten
	Previous string   // revision whose workers run beside this one's in `upgrade`; empty: HEAD~1
	Logs     string   // directory for what the processes of failing runs said; empty: a temporary one
	Replay   func(histories string) (int, error)
	Say      func(string)
}

// Grace is how late a step may be, counted from when it was due or from when everything ran again.
const Grace = 5 * time.Second

// Names are what Only chooses from.
func Names() []string {
	var names []string
	for _, s := range Scenarios() {
		names = append(names, s.Name)
	}
	return names
}

// Run plays the scenarios, one installation after the other. An error means that the run could not be made; a scenario
// that fails is a row that says so.
func Run(ctx context.Context, o Options) (Report, error) {
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("no scenario is called %q; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	var report Report
	for _, s := range Scenarios() {
		if len(o.Only) > 0 && !slices.Contains(o.Only, s.Name) {
			continue
		}
		if len(o.Only) == 0 && (s.ByName || o.Short && s.Short == "") {
			continue
		}
		began := time.Now()
		o.Say(fmt.Sprintf("%s (seed %d): %s", s.Name, o.Seed, s.About))
		rows := play(ctx, o, s)
		if ctx.Err() != nil {
			return report, context.Cause(ctx)
		}
		o.Say(fmt.Sprintf("%s took %s: %s", s.Name, time.Since(began).Round(time.Second), rows.brief()))
		report = append(report, rows...)
	}
	return report, nil
}

// play runs one scenario on an installation of its own.
func play(ctx context.Context, o Options, s Scenario) Report {
	text := s.Long
	if o.Short && s.Short != "" {
		text = s.Short
	}
	steps, err := Read(text)
	if err != nil {
		return Report{}.broken(s.Name, err)
	}
	home, err := os.MkdirTemp("", "belay-chaos-")
	if err != nil {
		return Report{}.broken(s.Name, err)
	}
	// Postgres runs as somebody else when we are root, and must be able to enter.
	if err := os.Chmod(home, 0o755); err != nil {
		return Report{}.broken(s.Name, err)
	}
	r := &run{
		Options: o, scenario: s, home: home, dice: rand.New(rand.NewPCG(o.Seed, uint64(len(s.Name)))),
		stamp: fmt.Sprintf("%x", time.Now().UnixMilli()&0xffffffff), audit: &Auditor{Grace: Grace, NoTiming: o.NoTiming},
	}
	rows := r.play(ctx, steps)
	if rows.OK() {
		_ = os.RemoveAll(home)
		return rows
	}
	kept := home
	if o.Logs != "" {
		kept = filepath.Join(o.Logs, s.Name)
		if err := keepLogs(home, kept); err != nil {
			kept = home
		} else {
			_ = os.RemoveAll(home)
		}
	}
	o.Say(fmt.Sprintf("%s failed with seed %d; what its processes said is in %s", s.Name, o.Seed, kept))
	rows[0] = rows[0].noted("seed %d, logs in %s", o.Seed, kept)
	return rows
}

// keepLogs copies the logs and the story out of a home that is thrown away.
func keepLogs(home, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, pattern := range []string{"*.log", "*.txt", "*.json", "*/postgres.log", "histories/*.json"} {
		found, err := filepath.Glob(filepath.Join(home, pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			said, err := os.ReadFile(path)
			if err != nil {
				continue
			}
			name, _ := filepath.Rel(home, path)
			if err := os.WriteFile(filepath.Join(to, strings.ReplaceAll(name, string(filepath.Separator), "-")), said, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}
