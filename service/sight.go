package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/id"
)

// Trouble is what can be wrong with Belay itself.
type Trouble string

const (
	Late       Trouble = "overdue"  // a step of an escalation has not happened
	Unrecorded Trouble = "records"  // it has, and the record does not know
	Lost       Trouble = "missing"  // an open escalation without a workflow
	Stuck      Trouble = "relay"    // accepted, and not handed on
	Unread     Trouble = "unread"   // a part of the record, and with it whatever is wrong there
	Slow       Trouble = "queue"    // work waits for workers
	Unworked   Trouble = "workers"  // nobody asks for work at all
	NoPostgres Trouble = "postgres" //
	NoTemporal Trouble = "temporal" //
)

// Troubles lists them.
func Troubles() []Trouble {
	return []Trouble{Late, Unrecorded, Lost, Stuck, Unread, Slow, Unworked, NoPostgres, NoTemporal}
}

// Severity of a finding.
type Severity string

const (
	Critical Severity = "critical" // people may not be told: the heartbeat stops
	Warning  Severity = "warning"
)

// Finding is one trouble that was seen, in words that hold no personal data.
type Finding struct {
	Key      string        `json:"key"` // the same trouble has the same key: "overdue", "queue/escalations/activity"
	Trouble  Trouble       `json:"trouble"`
	Severity Severity      `json:"severity"`
	Words    string        `json:"words"`
	Runbook  string        `json:"runbook"` // "watchdog.md#overdue"
	Hold     time.Duration `json:"hold"`    // how long it must be seen before it is told
}

// Sight is what one look saw.
type Sight struct {
	At       time.Time
	Begun    time.Time // when this process began to look
	Dark     bool      // the database does not answer
	Mute     bool      // Temporal does not answer
	Partial  bool      // some part of the database could not be read
	Compared bool      // all open rows were compared with the engine
	Asked    bool      // the engine was asked at all

	Turn time.Duration // how much later than others this process tells that the database is away

	Late       []id.Escalation
	Unrecorded []id.Escalation
	Lost       []id.Escalation
	Waiting    []Waiting
	Queues     []contract.Queue
	Polls      map[string]Poll
}

const (
	secondLook = time.Second // seen by two looks
	manyRows   = 50_000
	lateRows   = 1000
	askedRows  = 8 // of those overdue, how many the engine is asked about
	asksAtOnce = 8
	askWithin  = 2 * time.Second
)

// see reads the record and asks the engine. An error says what could not be seen; the rest is there.
func (w *Watchdog) see(ctx context.Context) (Sight, error) {
	reading, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	sight := Sight{At: w.Now(), Begun: w.begun, Asked: w.Engine != nil}
	var wrong []error
	late, err := w.Records.Overdue(reading, w.Limits.Grace, lateRows)
	if err != nil {
		wrong = append(wrong, fmt.Errorf("read what is overdue: %w", err))
	}
	if sight.Waiting, err = w.Records.Waiting(reading, w.Limits.Grace, w.Limits.Turns); err != nil {
		wrong = append(wrong, fmt.Errorf("read what waits: %w", err))
	}
	sight.Partial = len(wrong) > 0
	sight.Late = late
	if w.Engine == nil {
		return sight, errors.Join(wrong...)
	}
	ctx, cancel = context.WithTimeout(ctx, lookWithin) // of its own: a slow database is no silence of Temporal
	defer cancel()
	if sight.Queues, err = w.Engine.Queues(ctx); err != nil {
		sight.Mute = true
		return sight, errors.Join(append(wrong, fmt.Errorf("ask for the task queues: %w", err))...)
	}
	if sight.At.Sub(w.compared) >= w.Limits.Compare {
		if err := w.compare(ctx, &sight); err != nil {
			wrong = append(wrong, err)
		}
	}
	w.refute(ctx, &sight)
	return sight, errors.Join(wrong...)
}

// compare looks for open rows without a workflow. The index of running workflows may be behind, and so may the row by
// the time the engine has answered: both are asked once more about whoever seems lost.
func (w *Watchdog) compare(ctx context.Context, sight *Sight) error {
	live, err := w.Records.Live(ctx, w.Limits.Grace, manyRows)
	if err != nil {
		sight.Partial = true
		return fmt.Errorf("list open escalations: %w", err)
	}
	var running map[id.Escalation]bool
	if len(live) > 0 {
		if running, err = w.Engine.Running(ctx); err != nil {
			sight.Mute = true
			return fmt.Errorf("list running workflows: %w", err)
		}
	}
	var missing []id.Escalation
	for _, e := range live {
		if !running[e] {
			missing = append(missing, e)
		}
	}
	// More than some dozens are as good as all: the first ones are made sure of.
	missing = missing[:min(len(missing), 64)]
	runs := make([]contract.Run, len(missing))
	err = each(ctx, missing, func(ctx context.Context, n int, e id.Escalation) (err error) {
		runs[n], err = w.Engine.Run(ctx, e)
		return err
	})
	if err != nil {
		sight.Mute = true
		return fmt.Errorf("look up workflows: %w", err)
	}
	var lost []id.Escalation
	for n, run := range runs {
		if run != contract.Running {
			lost = append(lost, missing[n])
		}
	}
	if len(lost) > 0 {
		if lost, err = w.Records.StillLive(ctx, lost); err != nil {
			sight.Partial = true
			return fmt.Errorf("read open escalations again: %w", err)
		}
	}
	sight.Lost, sight.Compared = lost, true
	w.compared = sight.At
	return nil
}

// refute asks workers whether what seems overdue is only recorded late. Whoever gets no answer stays overdue: a worker
// that does not answer does not page either.
func (w *Watchdog) refute(ctx context.Context, sight *Sight) {
	asked := sight.Late[:min(len(sight.Late), askedRows)]
	behind := make([]bool, len(asked))
	_ = each(ctx, asked, func(ctx context.Context, n int, e id.Escalation) error {
		state, err := w.Engine.State(ctx, e)
		behind[n] = err == nil && (state.Next.At.IsZero() || state.Next.At.After(w.Now().Add(-w.Limits.Grace)))
		return nil
	})
	var late []id.Escalation
	for n, e := range asked {
		if behind[n] {
			sight.Unrecorded = append(sight.Unrecorded, e)
		} else {
			late = append(late, e)
		}
	}
	if rest := sight.Late[len(asked):]; len(late) > 0 {
		late = append(late, rest...)
	} else {
		sight.Unrecorded = append(sight.Unrecorded, rest...) // as those that were asked
	}
	sight.Late = slices.DeleteFunc(late, func(e id.Escalation) bool { return slices.Contains(sight.Lost, e) })
}

// each asks about some at once, each for a bounded time, and answers the first error.
func each(ctx context.Context, some []id.Escalation, ask func(ctx context.Context, n int, e id.Escalation) error) error {
	errs := make([]error, len(some))
	places := make(chan struct{}, asksAtOnce)
	var asking sync.WaitGroup
	for n, e := range some {
		places <- struct{}{}
		asking.Go(func() {
			defer func() { <-places }()
			bounded, cancel := context.WithTimeout(ctx, askWithin)
			defer cancel()
			errs[n] = ask(bounded, n, e)
		})
	}
	asking.Wait()
	return errors.Join(errs...)
}

// Unseen reports whether this look could say anything about a trouble: what was not seen neither begins nor ends.
func (s Sight) Unseen(t Trouble) bool {
	switch t {
	case Late, Unrecorded, Stuck:
		return s.Dark || s.Partial
	case Lost:
		return !s.Compared
	case Slow, Unworked:
		return s.Dark || s.Mute || !s.Asked
	case NoTemporal:
		return s.Dark || !s.Asked
	case Unread:
		return s.Dark
	case NoPostgres:
		return true // every process's own business
	}
	return false // of an earlier release: it is over
}

// whole: nothing that should have been seen was not.
func (s Sight) whole(asks bool) bool { return !s.Dark && !s.Partial && (!asks || s.Asked && !s.Mute) }

// Findings are what is wrong, in the order of how bad it is.
func (s Sight) Findings(limits WatchLimits) []Finding {
	var found []Finding
	twice := secondLook
	if s.At.Sub(s.Begun) < limits.Settle {
		twice = limits.Settle // what was late when we started may be caught up with just now
	}
	add := func(t Trouble, of string, severity Severity, hold time.Duration, words string, args ...any) {
		found = append(found, Finding{
			Key: string(t) + of, Trouble: t, Severity: severity, Hold: hold,
			Words: fmt.Sprintf(words, args...), Runbook: "docs/runbooks/watchdog.md#" + string(t),
		})
	}
	if s.Dark {
		add(NoPostgres, "", Critical, limits.Away+s.Turn, "PostgreSQL cannot be read. New alerts are taken and ladders go on while Temporal is there; nobody can see what is open.")
	}
	if s.Mute {
		add(NoTemporal, "", Critical, limits.Away, "Temporal cannot be asked. New alerts are kept and nobody is told of them; ladders may stand still.")
	}
	if s.Partial {
		add(Unread, "", Critical, limits.Away, "A part of the record cannot be read. Steps that are overdue or lost would not be seen.")
	}
	if n := len(s.Late); n > 0 {
		add(Late, "", Critical, twice, "%s overdue by more than %s: %s. Whoever is next has not been told.",
			counted(n, "escalation is", "escalations are"), limits.Grace, named(s.Late))
	}
	if n := len(s.Lost); n > 0 {
		add(Lost, "", Critical, 0, "%s open and no workflow runs: %s. Nobody will be told.",
			counted(n, "escalation is", "escalations are"), named(s.Lost))
	}
	for _, waits := range s.Waiting {
		severity := Critical
		if waits.What == "notes" {
			add(Stuck, "/notes", Warning, twice, "%s since %s UTC: their systems do not answer or refuse. People are told all the same.",
				counted(waits.Found, "ticket has not been written", "tickets have not been written"), waits.Since.UTC().Format("15:04"))
			continue
		}
		if waits.What == "heartbeats" {
			add(Stuck, "/heartbeats", Critical, twice, "Nobody has judged heartbeats since %s UTC: one that is missing is not told.", waits.Since.UTC().Format("15:04"))
			continue
		}
		if waits.What == "starts" {
			severity = Warning
		}
		add(Stuck, "/"+waits.What, severity, twice, "%s since %s UTC: the relays stand still or cannot keep up.",
			stuck(waits), waits.Since.UTC().Format("15:04"))
	}
	for _, q := range s.Queues {
		of := "/" + queueKey(q)
		if unworked, hold := s.unworked(q, limits); unworked {
			add(Unworked, of, Critical, hold, "No worker asks for %s tasks of the queue %q. Nobody is told.", q.Kind, q.Name)
			continue
		}
		if q.Age > limits.Queue {
			add(Slow, of, Critical, twice, "%d %s tasks of the queue %q wait for a worker, the oldest for %s. Messages leave late.",
				q.Backlog, q.Kind, q.Name, q.Age.Round(time.Second))
		}
	}
	if n := len(s.Unrecorded); n > 0 {
		add(Unrecorded, "", Warning, twice, "%s ahead of the record: %s. People are told; lists and pages show the past.",
			counted(n, "escalation is", "escalations are"), named(s.Unrecorded))
	}
	return found
}

// unworked: the server remembers pollers for minutes. Without any, as long as we have looked is all that is known.
func (s Sight) unworked(q contract.Queue, limits WatchLimits) (yes bool, hold time.Duration) {
	if q.Polled.IsZero() {
		return true, limits.Away
	}
	return s.At.Sub(s.Polls[queueKey(q)].Noticed) > limits.Poll, secondLook
}

func stuck(waits Waiting) string {
	if waits.What == "events" {
		return counted(waits.Found, "accepted event waits", "accepted events wait") + " to become an escalation"
	}
	if waits.What == "starts" {
		return counted(waits.Found, "escalation of P3 or below waits", "escalations of P3 or below wait") + " to be started"
	}
	if waits.What == "errands" {
		return counted(waits.Found, "errand waits", "errands wait") + " for Temporal, such as escalations to start"
	}
	if waits.What == "quiet" {
		return counted(waits.Found, "delayed or muted alert waits", "delayed or muted alerts wait") + " although its time has come"
	}
	return fmt.Sprintf("%d %s wait", waits.Found, waits.What)
}

func counted(n int, one, many string) string {
	switch {
	case n == 1:
		return "1 " + one
	case n >= lateRows:
		return fmt.Sprintf("%d or more %s", lateRows, many)
	}
	return fmt.Sprintf("%d %s", n, many)
}

// named are the first few.
func named(some []id.Escalation) string {
	const few = 5
	var names []string
	for _, e := range some[:min(len(some), few)] {
		names = append(names, string(e))
	}
	if len(some) > few {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}
