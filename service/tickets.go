package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/sla"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/core/tracker"
)

// Observation is a ticket as a connector saw it: always the whole ticket, whatever the webhook or the poll was about.
type Observation struct {
	Source string        // who saw it: "servicenow", "token:desk"; keys of one source are its own
	Key    string        // of this delivery: a second one with the same key changes nothing. Empty: never the same
	At     time.Time     // when the ticket became so in its system; zero: now. What is older than what is known changes nothing
	Ticket ticket.Ticket // Ticket.System and Ticket.Key say which
	// Counter grows with every change in its system; zero: not known. Where both are known it says what is older, not At.
	Counter int64
	There   *TicketPlace // nil: nothing is written into it
}

// TicketPlace is where a ticket that is watched is written to.
type TicketPlace struct {
	System          id.TicketSystem
	ID, Number, URL string
	Sides           tracker.Sides // as it stands: nobody has changed anything yet
}

// Observed is what became of an observation.
type Observed struct {
	Ticket     ticket.Ref
	Version    int           // of the ticket afterwards, from 1
	Changed    []string      // fields; empty: nothing new
	Escalation id.Escalation // that watches it; empty: nothing is promised about it
	Known      bool          // this delivery had been taken before
	Stale      bool          // a newer version was known already
	Errands    []Errand      // that were committed with it
}

// Watched is a ticket as it is kept, with the escalation that watches it.
type Watched struct {
	Ticket     ticket.Ticket
	Version    int
	ChangedAt  time.Time
	ObservedAt time.Time
	Escalation id.Escalation // empty: not watched
	Revision   id.Revision   // whose promises hold
	Summary    *escalation.Summary
}

// TicketFilter of a list, by system and key. Empty fields match everything.
type TicketFilter struct {
	States   []ticket.State
	Services []id.Service
	Watched  bool      // with an escalation that is not over
	Since    time.Time // changed in its system since
	After    ticket.Ref
	Limit    int // 1 to 500; 0: 50
}

// Move is one clock that a recalculation would move, or has moved.
type Move struct {
	Ticket     ticket.Ref
	Escalation id.Escalation
	Clock      id.SLA    // "(triggers)": its triggers change
	From       time.Time // zero: it is not to be seen, or there was no such clock
	To         time.Time
	Was        string // "running", "paused", "stopped", "cancelled", "none"; names of triggers
	Becomes    string
	Revision   id.Revision // that held before
	Version    int         // of the ticket that was looked at
}

// TicketStore keeps tickets. All of it is safe for concurrent use.
type TicketStore interface {
	// Observe keeps a version, in one transaction under the lock of the ticket, together with the errand that tells the
	// engine. watch decides what a ticket that nobody watches begins with: nil leaves it alone.
	Observe(ctx context.Context, o Observation, watch func(id.Escalation, ticket.Ticket) (*contract.Start, error)) (Observed, error)
	Get(ctx context.Context, r ticket.Ref) (Watched, error) // fault.NotFound
	// Of finds the ticket that an escalation watches. fault.NotFound when it watches none.
	Of(ctx context.Context, e id.Escalation) (ticket.Ref, error)
	History(ctx context.Context, r ticket.Ref) (ticket.History, error)
	List(ctx context.Context, f TicketFilter) ([]Watched, error)
	// Recalculate gives tickets another revision, each only when its own and its version are still those of the moves,
	// and leaves an errand for each that was given one. It returns them.
	Recalculate(ctx context.Context, to id.Revision, moves []Move, by contract.TicketChanged, deed Deed) ([]Errand, []ticket.Ref, error)
}

// Tickets takes what connectors observe, watches tickets about which something is promised, and says how they stand.
type Tickets struct {
	Organisation Organisation
	Revisions    interface {
		Org(ctx context.Context, revision id.Revision) (*org.Org, error)
	}
	Store   TicketStore
	Settler *Settler
	Access  Access
	Now     func() time.Time
	Log     *slog.Logger

	conditions conditions
}

// Observe takes one observation. Doing it twice with one key is doing it once. When it returns the observation is kept,
// and what the engine could not be told now a relay tells it. The error is Invalid, naming a field, or Unavailable.
func (t *Tickets) Observe(ctx context.Context, o Observation) (Observed, error) {
	now := t.Now()
	if o.At.IsZero() || o.At.After(now) {
		o.At = now // a clock that is ahead must not hide what comes next
	}
	if o.Ticket.OpenedAt.IsZero() {
		o.Ticket.OpenedAt = o.At
	}
	if o.Ticket.OpenedAt.After(o.At) {
		o.Ticket.OpenedAt = o.At
	}
	if err := o.Ticket.Check(); err != nil {
		return Observed{}, err
	}
	d := t.Organisation.Current()
	if _, known := d.Org.Services[o.Ticket.Service]; !known {
		return Observed{}, fault.Field("service", "there is no service %q", o.Ticket.Service)
	}
	if o.Source == "" {
		return Observed{}, fault.Field("source", "say who observed it")
	}
	got, err := t.Store.Observe(ctx, o, func(e id.Escalation, what ticket.Ticket) (*contract.Start, error) {
		return t.watch(e, what, o.There != nil)
	})
	if err != nil {
		return Observed{}, err
	}
	if err := t.Settler.runAll(ctx, got.Errands, false); err != nil {
		t.Log.WarnContext(ctx, "the engine will hear of a ticket later", "ticket", got.Ticket.String(), "escalation", got.Escalation, "error", err)
	}
	return got, nil
}

// Tell takes an observation from a caller, who is its source.
func (t *Tickets) Tell(ctx context.Context, c Caller, o Observation) (Observed, error) {
	if err := t.Access.May(c, ObserveTicket); err != nil {
		return Observed{}, err
	}
	o.Source = c.Actor()
	return t.Observe(ctx, o)
}

// watch begins the life of a ticket about which something is promised, or which is asked for: what stands without being
// written holds for it.
func (t *Tickets) watch(e id.Escalation, what ticket.Ticket, asked bool) (*contract.Start, error) {
	rules := escalation.CurrentRules
	if t.Settler.Rules != nil {
		rules = max(escalation.WatchingRules, min(rules, t.Settler.Rules())) // a worker that knows no tickets leaves it to one that does
	}
	d := t.Organisation.Current()
	book := t.book(d.Revision, d.Org)
	if what.State.Over() || !asked && !book.Promised(what) && !book.Looked(what) {
		return nil, nil
	}
	opening, err := escalation.Prepare(d.Revision, d.Org, escalation.Request{
		Title: clipped(what.Title), Source: what.Ref.String(), Severity: alert.Error, Service: what.Service, Kind: what.Kind, Priority: what.Priority,
		At: t.Now(), By: escalation.Answer{By: "belay", Via: "ticket"},
	})
	if err != nil {
		return nil, err
	}
	opening.ID, opening.Rules = e, rules
	opening.Watching = &escalation.Watching{Ticket: what.Ref, URL: what.URL}
	return &contract.Start{Opening: opening}, nil
}

// Judge says how a ticket stands under the revision that it keeps. It is asked by the workflow.
func (t *Tickets) Judge(ctx context.Context, j contract.Judge) (sla.Verdict, error) {
	w, err := t.Store.Get(ctx, j.Ticket)
	if err != nil {
		return sla.Verdict{}, err
	}
	if w.Escalation != j.Escalation { // another one watches it by now
		return sla.Verdict{Version: w.Version, State: ticket.Done}, nil
	}
	h, err := t.Store.History(ctx, j.Ticket)
	if err != nil {
		return sla.Verdict{}, err
	}
	book, err := t.bookOf(ctx, w.Revision)
	if err != nil {
		return sla.Verdict{}, err
	}
	v := book.Judge(h, j.At)
	v.Readings, v.Problems = nil, clippedAll(v.Problems) // the record is asked for readings, not the workflow
	return v, nil
}

func clippedAll(list []string) []string {
	const most = 5
	list = list[:min(most, len(list))]
	for n := range list {
		list[n] = clipped(list[n])
	}
	return list
}

// Standing is a ticket with its clocks.
type Standing struct {
	Watched
	Clocks   []sla.Reading
	Problems []string
}

// Stands says how one ticket stands now.
func (t *Tickets) Stands(ctx context.Context, c Caller, r ticket.Ref) (Standing, error) {
	if err := t.Access.May(c, Read); err != nil {
		return Standing{}, err
	}
	w, err := t.Store.Get(ctx, r)
	if err != nil {
		return Standing{}, err
	}
	return t.stands(ctx, w)
}

// Clocks are those of the ticket that an escalation watches, with their pauses. fault.NotFound when it watches none.
func (t *Tickets) Clocks(ctx context.Context, c Caller, e id.Escalation) ([]sla.Clock, error) {
	r, err := t.Of(ctx, c, e)
	if err != nil {
		return nil, err
	}
	w, err := t.Store.Get(ctx, r)
	if err != nil {
		return nil, err
	}
	h, err := t.Store.History(ctx, r)
	if err != nil {
		return nil, err
	}
	book, err := t.bookOf(ctx, w.Revision)
	if err != nil {
		return nil, err
	}
	clocks, _ := book.Clocks(h)
	return clocks, nil
}

// Of finds the ticket that an escalation watches.
func (t *Tickets) Of(ctx context.Context, c Caller, e id.Escalation) (ticket.Ref, error) {
	if err := t.Access.May(c, Read); err != nil {
		return ticket.Ref{}, err
	}
	return t.Store.Of(ctx, e)
}

func (t *Tickets) stands(ctx context.Context, w Watched) (Standing, error) {
	h, err := t.Store.History(ctx, w.Ticket.Ref)
	if err != nil {
		return Standing{}, err
	}
	book, err := t.bookOf(ctx, w.Revision)
	if err != nil {
		return Standing{}, err
	}
	v := book.Judge(h, t.Now())
	return Standing{Watched: w, Clocks: v.Readings, Problems: v.Problems}, nil
}

// List says how tickets stand, by system and key.
func (t *Tickets) List(ctx context.Context, c Caller, f TicketFilter) ([]Standing, error) {
	if err := t.Access.May(c, Read); err != nil {
		return nil, err
	}
	list, err := t.Store.List(ctx, f)
	if err != nil {
		return nil, err
	}
	out := make([]Standing, 0, len(list))
	for _, w := range list {
		s, err := t.stands(ctx, w)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// bookOf is the book of a revision; of none, of the present one.
func (t *Tickets) bookOf(ctx context.Context, revision id.Revision) (sla.Book, error) {
	if revision == "" {
		d := t.Organisation.Current()
		return t.book(d.Revision, d.Org), nil
	}
	o, err := t.Revisions.Org(ctx, revision)
	if err != nil {
		return sla.Book{}, fmt.Errorf("read the promises of revision %s: %w", revision, err)
	}
	return t.book(revision, o), nil
}

func (t *Tickets) book(revision id.Revision, o *org.Org) sla.Book {
	return sla.Open(revision, o, t.conditions.holds)
}

// conditions compiles each condition once.
type conditions struct {
	mu       sync.Mutex
	scope    *expr.Scope
	programs map[string]compiled
}

type compiled struct {
	program expr.Program
	err     error
}

// mostConditions bounds what is kept: blueprints come and go.
const mostConditions = 2000

func (c *conditions) holds(source string, f ticket.Facts) (bool, error) {
	p, err := c.compile(source)
	if err != nil {
		return false, err
	}
	truth, err := p.Test(f.Vars())
	if errors.Is(err, expr.ErrAbsent) {
		return false, nil
	}
	return truth, err
}

func (c *conditions) compile(source string) (expr.Program, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.scope == nil {
		s, err := expr.Tickets()
		if err != nil {
			return expr.Program{}, err
		}
		c.scope = &s
	}
	if known, ok := c.programs[source]; ok {
		return known.program, known.err
	}
	if c.programs == nil || len(c.programs) >= mostConditions {
		c.programs = map[string]compiled{}
	}
	p, err := c.scope.Compile(source, expr.Truth)
	c.programs[source] = compiled{p, err}
	return p, err
}

// Preview says which clocks of watched tickets would move if the promises of the present revision held.
func (t *Tickets) Preview(ctx context.Context, c Caller) (to id.Revision, moves []Move, err error) {
	if err := t.Access.May(c, PlanBlueprint); err != nil {
		return "", nil, err
	}
	d := t.Organisation.Current()
	book := t.book(d.Revision, d.Org)
	err = t.each(ctx, TicketFilter{Watched: true}, func(w Watched) error {
		if w.Revision == d.Revision {
			return nil
		}
		of, err := t.moves(ctx, w, book)
		moves = append(moves, of...)
		return err
	})
	return d.Revision, moves, err
}

func (t *Tickets) moves(ctx context.Context, w Watched, next sla.Book) ([]Move, error) {
	h, err := t.Store.History(ctx, w.Ticket.Ref)
	if err != nil {
		return nil, err
	}
	before, err := t.bookOf(ctx, w.Revision)
	if err != nil {
		return nil, err
	}
	now := t.Now()
	then, later := before.Judge(h, now), next.Judge(h, now)
	was, becomes := readings(then), readings(later)
	var names []id.SLA
	for name := range was {
		names = append(names, name)
	}
	for name := range becomes {
		if _, both := was[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	move := Move{Ticket: w.Ticket.Ref, Escalation: w.Escalation, Revision: w.Revision, Version: w.Version}
	var moves []Move
	for _, name := range names {
		a, b := was[name], becomes[name]
		if a.DueAt.Equal(b.DueAt) && a.State == b.State && a.Target == b.Target && slices.Equal(points(then, name), points(later, name)) {
			continue
		}
		m := move
		m.Clock, m.From, m.To, m.Was, m.Becomes = name, a.DueAt, b.DueAt, cmp.Or(a.State, "none"), cmp.Or(b.State, "none")
		moves = append(moves, m)
	}
	if a, b := before.Watching(h.Last()), next.Watching(h.Last()); !reflect.DeepEqual(a, b) {
		m := move
		m.Clock, m.Was, m.Becomes = triggersMove, triggerNames(a, b), triggerNames(b, a)
		moves = append(moves, m)
	}
	return moves, nil
}

// triggersMove stands for the clock in a move of a ticket whose triggers change.
const triggersMove id.SLA = "(triggers)"

// triggerNames names triggers, and marks with a star those that are others under the same name.
func triggerNames(list, others []sla.Watching) string {
	if len(list) == 0 {
		return "none"
	}
	names := make([]string, len(list))
	for n, t := range list {
		names[n] = string(t.ID)
		if slices.ContainsFunc(others, func(o sla.Watching) bool { return o.ID == t.ID && !reflect.DeepEqual(o, t) }) {
			names[n] += "*"
		}
	}
	return strings.Join(names, ", ")
}

// points are the thresholds of a clock that are still to be seen, with their instants.
func points(v sla.Verdict, clock id.SLA) []string {
	var list []string
	for _, a := range v.Alarms {
		if a.Clock == clock {
			list = append(list, a.Key+" "+a.At.Format(time.RFC3339Nano))
		}
	}
	return list
}

func readings(v sla.Verdict) map[id.SLA]sla.Reading {
	list := map[id.SLA]sla.Reading{}
	for _, r := range v.Readings {
		list[r.Name] = r
	}
	return list
}

// each walks a list to its end.
func (t *Tickets) each(ctx context.Context, f TicketFilter, do func(Watched) error) error {
	f.Limit = 200
	for {
		list, err := t.Store.List(ctx, f)
		if err != nil {
			return err
		}
		for _, w := range list {
			if err := do(w); err != nil {
				return err
			}
		}
		if len(list) < f.Limit {
			return nil
		}
		f.After = list[len(list)-1].Ticket.Ref
	}
}

// Recalculate gives exactly the tickets of a preview the promises of the revision that was previewed. One that has
// changed since is left as it is, and named. fault.Conflict when another revision has been applied since.
func (t *Tickets) Recalculate(ctx context.Context, c Caller, to id.Revision, moves []Move, reason string) (left []ticket.Ref, err error) {
	if err := t.Access.May(c, ApplyBlueprint); err != nil {
		return nil, err
	}
	if to != t.Organisation.Current().Revision {
		return nil, fault.New(fault.Conflict, "recalculate: revision %.12s is not the present one any more: preview again", to)
	}
	if len(moves) == 0 {
		return nil, nil
	}
	now := t.Now()
	by := contract.TicketChanged{Key: fmt.Sprintf("recalculate/%s/%d", to, now.UnixMicro()), By: id.Person(c.Actor()), Name: c.Name, Via: c.Via, Note: reason}
	var errands []Errand
	for _, batch := range batches(moves, mostMoved) {
		some, others, err := t.Store.Recalculate(ctx, to, batch, by, Deed{
			At: now, Actor: c.Actor(), Via: c.Via, Action: "sla.recalculate", Subject: "tickets", Reason: reason,
			Detail: map[string]string{"revision": string(to), "clocks": fmt.Sprint(len(batch))},
		})
		if err != nil {
			return left, err // what was moved stays moved: another preview shows the rest
		}
		errands, left = append(errands, some...), append(left, others...)
	}
	soon, cancel := context.WithTimeout(ctx, movedWithin)
	defer cancel()
	if err := t.Settler.runAll(soon, errands, false); err != nil {
		t.Log.WarnContext(ctx, "the engine will hear of a recalculation later", "tickets", len(errands), "error", err)
	}
	return left, nil
}

const (
	mostMoved   = 500             // clocks in one transaction: it holds a lock for each ticket
	movedWithin = 5 * time.Second // the engine hears of the first moves at once, and of the rest by a relay
)

// batches are moves in parts of about so many, by ticket: those of one ticket stay together.
func batches(moves []Move, most int) [][]Move {
	moves = slices.Clone(moves)
	slices.SortStableFunc(moves, func(a, b Move) int {
		return cmp.Or(cmp.Compare(a.Ticket.System, b.Ticket.System), cmp.Compare(a.Ticket.Key, b.Ticket.Key))
	})
	var all [][]Move
	for from := 0; from < len(moves); {
		until := min(from+most, len(moves))
		for until < len(moves) && moves[until].Ticket == moves[until-1].Ticket {
			until++
		}
		all, from = append(all, moves[from:until]), until
	}
	return all
}

// Would is what would have been done about a ticket.
type Would struct {
	Ticket ticket.Ref
	Title  string
	At     time.Time
	Key    string
	Why    string
	Act    org.Act
}

// Try lists what the promises and triggers of the present revision would have done about the tickets that changed since,
// in order of time: escalations only unless all is asked for.
func (t *Tickets) Try(ctx context.Context, c Caller, since time.Time, all bool) ([]Would, error) {
	if err := t.Access.May(c, PlanBlueprint); err != nil {
		return nil, err
	}
	d := t.Organisation.Current()
	book, now := t.book(d.Revision, d.Org), t.Now()
	var list []Would
	err := t.each(ctx, TicketFilter{Since: since}, func(w Watched) error {
		h, err := t.Store.History(ctx, w.Ticket.Ref)
		if err != nil {
			return err
		}
		for _, a := range book.Replay(h, since, now) {
			if all || a.Act.Do == org.Escalate || a.Act.Do == org.BringIn {
				list = append(list, Would{Ticket: w.Ticket.Ref, Title: w.Ticket.Title, At: a.At, Key: a.Key, Why: a.Text, Act: a.Act})
			}
		}
		return nil
	})
	slices.SortStableFunc(list, func(a, b Would) int { return a.At.Compare(b.At) })
	return list, err
}
