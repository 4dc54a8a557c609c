package service

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/core/tracker"
)

// TicketLink is an escalation's ticket in one system, and how far it is written.
type TicketLink struct {
	ID          int64
	System      id.TicketSystem
	Escalation  id.Escalation
	Correlation string // names the ticket before it exists
	Ticket      string // as its system addresses it; empty: not made yet
	Number      string
	URL         string
	Noted       int // entries of the timeline that are in the ticket
	Wanted      int // entries that are to be
	Attempts    int // with this one, since the last that ended well
	Sides       tracker.Sides
	Watched     bool             // others opened it, and the escalation watches it
	Phase       escalation.Phase // of the escalation, by the record
	Owner       id.Person        // who has it, by the record
}

// TicketBook keeps the links. The timeline is their outbox.
type TicketBook interface {
	// Claim takes tickets of a system with something to write, for one lease; none while the system is given a rest.
	Claim(ctx context.Context, system id.TicketSystem, lease time.Duration, limit int) ([]TicketLink, error)
	Found(ctx context.Context, link int64, t tracker.Ticket) error
	Noted(ctx context.Context, link int64, seq int) error
	// Alter changes the sides under a lock that only others who alter wait for.
	Alter(ctx context.Context, link int64, change func(TicketLink) (tracker.Sides, error)) error
	Settle(ctx context.Context, l TicketLink) error
	Postpone(ctx context.Context, link int64, pause time.Duration, trouble string) error
	Gone(ctx context.Context, link int64, trouble string) error
	// Failed notes that a system did, and gives it a rest of pause(failures in a row).
	Failed(ctx context.Context, system id.TicketSystem, trouble string, pause func(failures int) time.Duration) error
	Well(ctx context.Context, system id.TicketSystem) error
	// Named finds the links of a ticket by its address, or, of one that is being made, by our correlation, oldest first. Those
	// of escalations that are closed are left out.
	Named(ctx context.Context, system id.TicketSystem, ticket, correlation string) ([]TicketLink, error)
	// TakePoll gives the poll of a system to one process; not mine: it is not due, or the system rests.
	TakePoll(ctx context.Context, system id.TicketSystem, every time.Duration) (cursor, now time.Time, mine bool, err error)
	KeepCursor(ctx context.Context, system id.TicketSystem, cursor time.Time) error
	Forget(ctx context.Context, age time.Duration, limit int) (int, error)
}

// Tracker is one system that keeps tickets. Faults: Throttled (429, not taken), Unavailable (no answer or 5xx: nobody knows
// whether it was taken), Unauthenticated and Denied (our access), Conflict (somebody else is at it), NotFound (the ticket
// is gone), Invalid (it will never be taken).
type Tracker interface {
	// Open answers the ticket with this correlation, and makes it when there is none.
	Open(ctx context.Context, d tracker.Draft) (tracker.Ticket, error)
	// Notes are the texts of the latest notes of a ticket, at least of those that hold the correlation.
	Notes(ctx context.Context, ticket, correlation string) ([]string, error)
	Note(ctx context.Context, ticket string, n tracker.Note) error
	// Change writes fields and answers the ticket as it is afterwards.
	Change(ctx context.Context, ticket string, c tracker.Change) (tracker.Ticket, error)
	// Find answers the ticket with this number; fault.NotFound.
	Find(ctx context.Context, number string) (tracker.Ticket, error)
	// Changed lists tickets changed since an instant, oldest change first; more: from the last of them on there are others.
	Changed(ctx context.Context, since, now time.Time) (changed []tracker.Ticket, more bool, err error)
}

// Scribe writes what happens to escalations into their tickets: every entry of the timeline once and in order, then the
// fields that we have changed. Any number of scribes may run; each ticket is written by one at a time, and a system that
// does not answer holds up nobody but its own tickets.
type Scribe struct {
	Book         TicketBook
	Escalations  Escalations
	Organisation Organisation
	Trackers     func(org.TicketSystem) (Tracker, error)
	News         *TicketNews
	Page         func(id.Escalation) string // address of an escalation for people
	Seal         tracker.Seal               // of what we write
	Log          *slog.Logger
	Every        time.Duration // zero: one second
	// Grace is how long a note whose end is unknown is left alone before it is looked for: systems answer late and write
	// even later. Zero: 30 s.
	Grace time.Duration

	mu    sync.Mutex
	lanes map[id.TicketSystem]int // tickets being written
	all   sync.WaitGroup
}

const (
	scribeLease    = 2 * time.Minute
	scribeWithin   = 90 * time.Second // one ticket's turn
	ticketsAtOnce  = 4                // per system and process
	entriesPerNote = 20
	notesPerTurn   = 10
	mostNote       = 8000 // characters; Jira takes 32,767, and less is read
	longestRest    = 2 * time.Minute
	longestPause   = 6 * time.Hour
	keptAfter      = 90 * 24 * time.Hour
)

// Run writes until the context ends.
func (s *Scribe) Run(ctx context.Context) {
	every := s.Every
	if every == 0 {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	defer s.all.Wait()
	var forgot time.Time
	for {
		s.launch(ctx)
		if time.Since(forgot) > time.Hour {
			forgot = time.Now()
			if _, err := s.Book.Forget(ctx, keptAfter, 1000); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "old tickets not forgotten", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Flush writes what is due now, and answers whether there was something.
func (s *Scribe) Flush(ctx context.Context) bool {
	some := s.launch(ctx)
	s.all.Wait()
	return some
}

func (s *Scribe) launch(ctx context.Context) (some bool) {
	systems := s.Organisation.Current().Org.Tickets
	for _, name := range sortedSystems(systems) {
		system := systems[name]
		free := ticketsAtOnce - s.busy(name, 0)
		if free <= 0 {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, noteWithin)
		links, err := s.Book.Claim(bounded, name, scribeLease, free)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				s.Log.WarnContext(ctx, "tickets to be written cannot be read", "system", name, "error", err)
			}
			return some
		}
		for _, l := range links {
			some = true
			s.busy(name, 1)
			s.all.Go(func() {
				defer s.busy(name, -1)
				s.attempt(context.WithoutCancel(ctx), system, l)
			})
		}
	}
	return some
}

func (s *Scribe) busy(system id.TicketSystem, more int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lanes == nil {
		s.lanes = map[id.TicketSystem]int{}
	}
	s.lanes[system] += more
	return s.lanes[system]
}

func sortedSystems(systems map[id.TicketSystem]org.TicketSystem) []id.TicketSystem {
	names := make([]id.TicketSystem, 0, len(systems))
	for name := range systems {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return names[i] < names[j] })
	return names
}

// attempt is one ticket's turn.
func (s *Scribe) attempt(ctx context.Context, system org.TicketSystem, l TicketLink) {
	bounded, cancel := context.WithTimeout(ctx, scribeWithin)
	err := s.write(bounded, system, l)
	cancel()
	ctx, cancel = context.WithTimeout(ctx, noteWithin)
	defer cancel()
	if err = s.end(ctx, l, err); err != nil {
		s.Log.WarnContext(ctx, "the end of a ticket's turn was not noted; its lease ends it", "system", l.System, "escalation", l.Escalation, "error", err)
	}
}

// end notes how a turn went. What the system is to blame for gives all of its tickets a rest.
func (s *Scribe) end(ctx context.Context, l TicketLink, err error) error {
	if err == nil {
		return s.Book.Settle(ctx, l)
	}
	var book *bookTrouble
	if asBook(err, &book) {
		return s.Book.Postpone(ctx, l.ID, 5*time.Second, "our own records did not answer")
	}
	s.Log.WarnContext(ctx, "ticket not written, it is tried again", "system", l.System, "escalation", l.Escalation, "attempt", l.Attempts, "error", err)
	trouble, grace := shortened(err.Error(), 400), s.grace()
	rest := func(least time.Duration) error {
		return s.Book.Failed(ctx, l.System, trouble, func(failures int) time.Duration {
			return max(fault.RetryAfter(err), min(least<<min(failures-1, 12), longestRest))
		})
	}
	switch fault.KindOf(err) {
	case fault.NotFound:
		return s.Book.Gone(ctx, l.ID, trouble)
	case fault.Conflict:
		return s.Book.Postpone(ctx, l.ID, grace/6*time.Duration(min(l.Attempts, 60)), trouble)
	case fault.Throttled:
		if failed := rest(grace / 30); failed != nil {
			return failed
		}
		return s.Book.Postpone(ctx, l.ID, max(fault.RetryAfter(err), grace/30), trouble)
	case fault.Unauthenticated, fault.Denied:
		if failed := rest(grace); failed != nil {
			return failed
		}
		return s.Book.Postpone(ctx, l.ID, grace, trouble)
	case fault.Unavailable, fault.Internal:
		if failed := rest(grace / 15); failed != nil {
			return failed
		}
		return s.Book.Postpone(ctx, l.ID, min(grace<<min(l.Attempts-1, 5), 10*time.Minute), trouble)
	case fault.Invalid, fault.TooLarge:
	}
	return s.Book.Postpone(ctx, l.ID, min(2*grace<<min(l.Attempts-1, 12), longestPause), trouble)
}

func (s *Scribe) grace() time.Duration {
	if s.Grace == 0 {
		return 30 * time.Second
	}
	return s.Grace
}

// write brings one ticket up to date, as far as its turn goes.
func (s *Scribe) write(ctx context.Context, system org.TicketSystem, l TicketLink) (err error) {
	defer func() {
		if trouble := recover(); trouble != nil {
			s.Log.ErrorContext(ctx, "the writing of a ticket panicked", "system", l.System, "escalation", l.Escalation, "panic", trouble, "stack", string(debug.Stack()))
			err = fault.New(fault.Invalid, "the writing of the ticket panicked")
		}
	}()
	to, err := s.Trackers(system)
	if err != nil {
		return fault.Wrap(fault.Denied, err, "reach %s", system.ID)
	}
	known, err := s.Escalations.Get(ctx, l.Escalation)
	if err != nil {
		return &bookTrouble{fmt.Errorf("read %s: %w", l.Escalation, err)}
	}
	if l.Ticket == "" {
		if l, err = s.open(ctx, to, l, known); err != nil {
			return err
		}
	} else if l.Attempts > 1 {
		// An earlier turn did not end: its last note may be there although nobody heard so.
		texts, err := to.Notes(ctx, l.Ticket, l.Correlation)
		if err != nil {
			return err
		}
		if last := min(s.Seal.Last(l.Correlation, texts...), l.Wanted); last > l.Noted {
			if err := s.Book.Noted(ctx, l.ID, last); err != nil {
				return &bookTrouble{fmt.Errorf("note how far %s is written: %w", l.Number, err)}
			}
			l.Noted = last
		}
	}
	if err := s.notes(ctx, to, l); err != nil {
		return err
	}
	if err := s.fields(ctx, system, to, l); err != nil {
		return err
	}
	if err := s.Book.Well(ctx, l.System); err != nil {
		return &bookTrouble{fmt.Errorf("note that %s works: %w", l.System, err)}
	}
	return nil
}

func (s *Scribe) open(ctx context.Context, to Tracker, l TicketLink, known Escalation) (TicketLink, error) {
	page := ""
	if s.Page != nil {
		page = s.Page(l.Escalation)
	}
	made, err := to.Open(ctx, tracker.Draft{
		Correlation: l.Correlation, Title: known.Title, Service: string(known.Service), Priority: known.Priority, Link: page,
		Text: fmt.Sprintf("%s: %s for %s, opened %s by Belay.\n%s", l.Escalation, known.Priority, known.Service,
			known.OpenedAt.UTC().Format("2006-01-02 15:04:05 UTC"), page),
	})
	if err != nil {
		return l, err
	}
	l.Ticket, l.Number, l.URL = made.ID, made.Number, made.URL
	if err := s.Book.Found(ctx, l.ID, made); err != nil {
		return l, &bookTrouble{fmt.Errorf("keep the ticket %s: %w", made.Number, err)}
	}
	// It was made with our priority: no change of anybody's.
	err = s.Book.Alter(ctx, l.ID, func(now TicketLink) (tracker.Sides, error) {
		_, sides := now.Sides.Heard(made)
		return sides.Agreed(tracker.News{Field: tracker.FieldPriority, Now: string(known.Priority)}), nil
	})
	if err != nil {
		return l, &bookTrouble{fmt.Errorf("keep how %s stands: %w", made.Number, err)}
	}
	return l, nil
}

func (s *Scribe) notes(ctx context.Context, to Tracker, l TicketLink) error {
	for range notesPerTurn {
		entries, err := s.Escalations.Timeline(ctx, l.Escalation, l.Noted, entriesPerNote)
		if err != nil {
			return &bookTrouble{fmt.Errorf("read the timeline of %s: %w", l.Escalation, err)}
		}
		if len(entries) == 0 {
			return nil
		}
		note := s.noteOf(l.Correlation, entries)
		if err := to.Note(ctx, l.Ticket, note); err != nil {
			return err
		}
		if err := s.Book.Noted(ctx, l.ID, note.Marker.To); err != nil {
			return &bookTrouble{fmt.Errorf("note how far %s is written: %w", l.Number, err)}
		}
		l.Noted = note.Marker.To
	}
	return nil
}

// noteOf are entries as people read them, as many as fit into one note; at least one.
func (s *Scribe) noteOf(correlation string, entries []escalation.Entry) tracker.Note {
	var text strings.Builder
	marker := tracker.Marker{Correlation: correlation, From: entries[0].Seq}
	for _, e := range entries {
		line := fmt.Sprintf("%s  %s", e.At.UTC().Format("2006-01-02 15:04:05 UTC"), shortened(tracker.Unmarked(e.Text), mostNote/2))
		if text.Len() > 0 && text.Len()+len(line) > mostNote {
			break
		}
		text.WriteString(line + "\n")
		marker.To = e.Seq
	}
	text.WriteString(s.Seal.Mark(marker))
	return tracker.Note{Text: text.String(), Marker: marker}
}

// fields tells the ticket what our side has changed. The row is read after the notes: an older one than they tell of would
// be written with nothing left to correct it.
func (s *Scribe) fields(ctx context.Context, system org.TicketSystem, to Tracker, l TicketLink) error {
	known, err := s.Escalations.Get(ctx, l.Escalation)
	if err != nil {
		return &bookTrouble{fmt.Errorf("read %s: %w", l.Escalation, err)}
	}
	var owed tracker.Change
	err = s.Book.Alter(ctx, l.ID, func(now TicketLink) (tracker.Sides, error) {
		sides := now.Sides.Told(wishOf(system, known.Summary, now.Sides))
		owed = sides.Owed()
		return sides, nil
	})
	if err != nil {
		return &bookTrouble{fmt.Errorf("decide what to write into %s: %w", l.Number, err)}
	}
	if owed.Empty() {
		return nil
	}
	owed.Text = fmt.Sprintf("%s is %s in Belay.", l.Escalation, known.State)
	after, err := to.Change(ctx, l.Ticket, owed)
	if err != nil {
		return err
	}
	err = s.Book.Alter(ctx, l.ID, func(now TicketLink) (tracker.Sides, error) { return now.Sides.Written(owed), nil })
	if err != nil {
		return &bookTrouble{fmt.Errorf("keep what was written into %s: %w", l.Number, err)}
	}
	after.System = string(l.System)
	if err := s.News.Take(ctx, after); err != nil { // what others changed just before
		s.Log.InfoContext(ctx, "a ticket's other fields are heard with the next poll", "escalation", l.Escalation, "error", err)
	}
	return nil
}

// wishOf is how a ticket should stand by our row. Nobody has it: no opinion, unless it was over and is open again.
func wishOf(system org.TicketSystem, known escalation.Summary, sides tracker.Sides) tracker.Wish {
	w := tracker.Wish{Priority: known.Priority}
	if len(system.Priority) > 0 && len(system.Priority[known.Priority]) == 0 {
		w.Priority = "" // of what a system has no word it is not asked: it would answer with another
	}
	switch known.State {
	case escalation.Acked:
		w.State = ticket.Working
	case escalation.ResolvedP, escalation.Closed:
		if known.Ticket == "" { // a ticket that was watched is over when its own people say so
			w.State = ticket.Solved
		}
	case escalation.Watched: // nobody of ours works on it: it stands as its own people left it
	case escalation.Open:
		if known.Ticket == "" && ticket.State(sides.Fields[tracker.FieldState].Ours).Over() {
			w.State = ticket.Working
		}
	}
	if known.AcknowledgedBy != "" && known.State == escalation.Acked {
		w.Assignee = system.People[known.AcknowledgedBy]
		if theirs, ok := strings.CutPrefix(string(known.AcknowledgedBy), strangerPrefix(system.ID)); ok {
			w.Assignee = theirs
		}
	}
	return w
}

// strangerPrefix begins the name of somebody of whom only a ticket system knows.
func strangerPrefix(system id.TicketSystem) string { return "ticket:" + string(system) + ":" }

func shortened(s string, most int) string {
	letters := []rune(s)
	if len(letters) <= most {
		return s
	}
	return string(letters[:most-1]) + "…"
}

// TicketRules says which escalations are to have tickets.
type TicketRules struct{ Organisation Organisation }

// Wanted names the systems, for a row as it is about to be written. An escalation that has a ticket keeps it; one that
// watches a ticket gets no other in the same system, and none at all while it only watches.
func (r TicketRules) Wanted(s escalation.Summary) []id.TicketSystem {
	if s.State == escalation.Closed || s.State == escalation.Watched || s.Canary {
		return nil
	}
	watched, _, _ := strings.Cut(s.Ticket, "/")
	systems := r.Organisation.Current().Org.Tickets
	var wanted []id.TicketSystem
	for _, name := range sortedSystems(systems) {
		if string(name) == watched {
			continue
		}
		for _, o := range systems[name].Opens {
			if o.Matches(s.Service, s.Kind, s.Priority) && s.Tier >= o.Tier {
				wanted = append(wanted, name)
				break
			}
		}
	}
	return wanted
}
