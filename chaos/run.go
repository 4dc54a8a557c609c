package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// run is one scenario while it is played.
type run struct {
	Options
	scenario Scenario
	home     string
	dice     *rand.Rand // of whoever plays; lives have their own
	stamp    string
	audit    *Auditor
	sink     *sink
	at       *installation
	outside  *outside
	loads    []*load

	fired       atomic.Int64
	texts       atomic.Int64
	refusals    atomic.Int64 // alerts and ends that the door did not take at once
	answersLate atomic.Int64 // answers by SMS and link that were not taken at once
	unverified  atomic.Int64 // answers by API that were not
	kills       int
	deck        []int  // what `kill any` kills next
	skipped     string // why nothing could be done
	rows        Report // beside the audit's
	samples     *samples

	mu     sync.Mutex
	wrongs []string // what no auditor sees: an answer that is refused, a history that does not replay
	story  *os.File
}

// play runs the lines and lets the auditor speak.
func (r *run) play(ctx context.Context, lines []Line) Report {
	name := r.scenario.Name
	var err error
	if r.story, err = os.Create(filepath.Join(r.home, "story.txt")); err != nil {
		return Report{}.broken(name, err)
	}
	defer r.story.Close()
	if r.sink, err = newSink(r.audit); err != nil {
		return Report{}.broken(name, err)
	}
	defer r.sink.close()
	if r.at, err = install(ctx, r.Options, r.scenario.Setup, r.home, r.sink.url); err != nil {
		var cannot *unable
		if errors.As(err, &cannot) {
			return skip(name, cannot.why)
		}
		return Report{}.broken(name, err)
	}
	defer r.at.stop()
	r.outside = newOutside(r.at.door.url(), r.at.Token)

	living, end := context.WithCancel(ctx)
	defer end()
	for _, line := range lines {
		if r.skipped != "" {
			return skip(name, r.skipped)
		}
		r.tell("— %s", line)
		if err := verbs[line.Verb](r, living, line.Args); err != nil {
			return Report{}.broken(name, fmt.Errorf("%s: %w", line, err))
		}
	}
	if err := r.settle(living, nil); err != nil {
		return Report{}.broken(name, err)
	}
	if err := r.histories(ctx); err != nil {
		r.fail("histories: %v", err)
	}
	return r.verdict()
}

func skip(name, why string) Report {
	return Report{{Name: name, Unit: "mistakes", OK: true, Skipped: true, Note: "skipped: " + why}}
}

// verdict puts what was found into rows.
func (r *run) verdict() Report {
	found := r.audit.Findings()
	r.mu.Lock()
	wrongs := r.wrongs
	r.mu.Unlock()
	row := figure(r.scenario.Name, float64(found.Mistakes()+len(wrongs)), "mistakes").atMost(0).
		noted("%s; %d alerts, %d messages", found, found.Alerts, found.Told)
	if found.Alerts == 0 && len(r.rows) == 0 {
		row.OK = false
		row = row.noted("nothing was sent")
	}
	for i, wrong := range wrongs {
		if i == 3 {
			row = row.noted("and %d more", len(wrongs)-i)
			break
		}
		row = row.noted("%s", wrong)
	}
	if r.kills > 0 {
		row = row.noted("%d kills", r.kills)
	}
	if n := r.refusals.Load(); n > 0 {
		row = row.noted("%d requests of senders were repeated", n)
	}
	if n := r.answersLate.Load(); n > 0 {
		row = row.noted("%d answers by SMS or link were repeated", n)
	}
	if n := r.unverified.Load(); n > 0 {
		row = row.noted("%d answers by API were repeated", n)
	}
	r.sink.mu.Lock()
	if n := r.sink.repeats; n > 0 {
		row = row.noted("%d webhooks came again with their key", n)
	}
	r.sink.mu.Unlock()
	for _, list := range found.lists() {
		for _, key := range *list.keys {
			r.tell("%s: %s", list.what, key)
		}
	}
	if row.Value > 0 {
		if err := r.audit.dump(filepath.Join(r.home, "audit.json")); err != nil {
			r.tell("the auditor's notes are not kept: %v", err)
		}
	}
	report := Report{row}
	if found.Steps > 0 {
		late := figure(r.scenario.Name+"-late", float64(found.Worst.Round(10*time.Millisecond))/float64(time.Second), "s").noted("the latest of %d steps, after it was due or everything ran again", found.Steps)
		if !r.NoTiming && !r.scenario.Setup.Gather {
			late = late.atMost(Grace.Seconds())
		}
		report = append(report, late)
	}
	return append(report, r.rows...)
}

// settle lets no more alerts come in, waits until everybody has answered and everything is silent and on record.
func (r *run) settle(ctx context.Context, _ []string) error {
	if r.loads == nil {
		return nil
	}
	for _, l := range r.loads {
		l.stop()
	}
	done := make(chan struct{})
	go func() {
		for _, l := range r.loads {
			l.all.Wait()
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(3 * time.Minute): // who still waits waits for nothing: the auditor says for what
		r.tell("some alerts have not come to their end")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	r.loads = nil
	quiet, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := r.sink.silence(quiet, step+2*time.Second); err != nil && ctx.Err() != nil {
		return err
	}
	return r.recorded(ctx)
}

// recorded reads the records until nothing is wrong with them, or nothing more is to be hoped for.
func (r *run) recorded(ctx context.Context) error {
	var last error
	for deadline := time.Now().Add(2 * time.Minute); ; {
		records, err := r.outside.record(ctx, r.prefix())
		if err == nil {
			r.audit.Recorded(records)
			if !r.audit.Findings().Recording() {
				return nil
			}
		}
		last = err
		if time.Now().After(deadline) {
			break
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	if last != nil {
		return fmt.Errorf("read the records: %w", last)
	}
	return nil
}

// fail notes something wrong that the auditor cannot see.
func (r *run) fail(what string, args ...any) {
	r.tell(what, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrongs = append(r.wrongs, fmt.Sprintf(what, args...))
}

// tell writes into the story, which is kept with the logs of a run that fails.
func (r *run) tell(what string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.story, "%s %s\n", time.Now().Format("15:04:05.000"), strings.TrimSpace(fmt.Sprintf(what, args...)))
}
