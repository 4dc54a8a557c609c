package store_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

var seal = tracker.Seal("a key of this house")

// remote is a ticket system in memory, which fails on demand.
type remote struct {
	mu      sync.Mutex
	trouble func(verb string) (before, after error) // after: it was taken all the same
	tickets map[string]*tracker.Ticket
	notes   map[string][]string
	now     time.Time
}

func (r *remote) enter(verb string, act func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var before, after error
	if r.trouble != nil {
		before, after = r.trouble(verb)
	}
	if before != nil {
		return before
	}
	act()
	return after
}

func (r *remote) touch(t *tracker.Ticket) {
	r.now = r.now.Add(time.Millisecond)
	t.UpdatedAt, t.Version = r.now, t.Version+1
}

func (r *remote) Open(_ context.Context, d tracker.Draft) (made tracker.Ticket, err error) {
	err = r.enter("open", func() {
		for _, t := range r.tickets {
			if t.Correlation == d.Correlation {
				made = *t
				return
			}
		}
		t := &tracker.Ticket{ID: fmt.Sprintf("id-%d", len(r.tickets)+1), Number: fmt.Sprintf("INC%d", len(r.tickets)+1), Title: d.Title,
			Correlation: d.Correlation, Priority: d.Priority, State: ticket.New}
		r.touch(t)
		r.tickets[t.ID], made = t, *t
	})
	return made, err
}

func (r *remote) Notes(_ context.Context, which, _ string) (texts []string, err error) {
	err = r.enter("notes", func() { texts = slices.Clone(r.notes[which]) })
	return texts, err
}

func (r *remote) Find(_ context.Context, number string) (found tracker.Ticket, err error) {
	err = r.enter("find", func() {
		for _, t := range r.tickets {
			if t.Number == number {
				found = *t
			}
		}
	})
	if err == nil && found.ID == "" {
		err = fault.New(fault.NotFound, "%s", number)
	}
	return found, err
}

func (r *remote) Note(_ context.Context, which string, n tracker.Note) error {
	return r.enter("note", func() { r.notes[which] = append(r.notes[which], n.Text) })
}

func (r *remote) Change(_ context.Context, which string, c tracker.Change) (now tracker.Ticket, err error) {
	err = r.enter("change", func() { now = r.edit(which, c) })
	return now, err
}

func (r *remote) edit(which string, c tracker.Change) tracker.Ticket {
	t := r.tickets[which]
	if c.State != "" {
		t.State = c.State
	}
	if c.Priority != "" {
		t.Priority = c.Priority
	}
	if c.Assignee != "" {
		t.Assignee = c.Assignee
	}
	r.touch(t)
	return *t
}

func (r *remote) Changed(_ context.Context, since, _ time.Time) (changed []tracker.Ticket, more bool, err error) {
	err = r.enter("changed", func() {
		for _, t := range r.tickets {
			if !t.UpdatedAt.Before(since) {
				changed = append(changed, *t)
			}
		}
	})
	slices.SortFunc(changed, func(a, b tracker.Ticket) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	return changed, false, err
}

// spoken is an engine that remembers what it was told, and keeps a row for each escalation as the workflow would.
type spoken struct {
	service.Engine
	mu   sync.Mutex
	seen map[string]bool
	said []string
	took func(workflow, verb string, w contract.Word)
}

func (s *spoken) Say(_ context.Context, workflow, verb string, w contract.Word) (contract.Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[w.Key] {
		return contract.Reply{Outcome: escalation.Done}, nil
	}
	s.seen[w.Key] = true
	s.said = append(s.said, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", workflow, verb, w.By, w.Priority)))
	if s.took != nil {
		s.took(workflow, verb, w)
	}
	return contract.Reply{Outcome: escalation.Done}, nil
}

type ticketOrg struct{ org *org.Org }

func (o ticketOrg) Current() policy.Directory { return policy.Directory{Org: o.org} }

// ticketHouse is a journal, a scribe and their ticket systems.
type ticketHouse struct {
	t       *testing.T
	pool    *pgxpool.Pool
	org     ticketOrg
	journal store.Journal
	book    store.TicketLinks
	engine  *spoken
	news    *service.TicketNews
	scribe  *service.Scribe
	remotes map[id.TicketSystem]*remote
}

func newTicketHouse(t *testing.T, systems ...id.TicketSystem) *ticketHouse {
	t.Helper()
	o := &org.Org{Tickets: map[id.TicketSystem]org.TicketSystem{}, People: map[id.Person]org.Person{"ana": {ID: "ana", Name: "Ana"}, "ben": {ID: "ben", Name: "Ben"}}}
	h := &ticketHouse{t: t, pool: pgtest.Pool(t), org: ticketOrg{o}, engine: &spoken{seen: map[string]bool{}}, remotes: map[id.TicketSystem]*remote{}}
	for _, name := range systems {
		o.Tickets[name] = org.TicketSystem{ID: name, Name: string(name), Opens: []org.TicketOpening{{}}, People: map[id.Person]string{"ana": "u-ana", "ben": "u-ben"}}
		h.remotes[name] = &remote{tickets: map[string]*tracker.Ticket{}, notes: map[string][]string{}, now: noon}
	}
	h.book = store.TicketLinks{Pool: h.pool}
	h.journal = store.Journal{Pool: h.pool, Tickets: service.TicketRules{Organisation: h.org}.Wanted}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	h.news = &service.TicketNews{Book: h.book, Organisation: h.org, Engine: h.engine, Now: time.Now, Log: log}
	h.scribe = h.newScribe(log)
	return h
}

func (h *ticketHouse) newScribe(log *slog.Logger) *service.Scribe {
	return &service.Scribe{
		Book: h.book, Escalations: store.Escalations{Pool: h.pool}, Organisation: h.org, News: h.news, Log: log, Grace: 15 * time.Millisecond, Seal: seal,
		Trackers: func(s org.TicketSystem) (service.Tracker, error) { return h.remotes[s.ID], nil },
	}
}

func (h *ticketHouse) write(e id.Escalation, from, to int, alter ...func(*escalation.Summary)) {
	h.t.Helper()
	row := summary(e, to, escalation.Open)
	for _, a := range alter {
		a(&row)
	}
	require.NoError(h.t, h.journal.Write(context.Background(), contract.Record{Entries: entries(from, to), Summary: row}))
}

// written waits until nothing is left to write.
func (h *ticketHouse) written() {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		h.scribe.Flush(context.Background())
		lag, err := h.book.Lag(context.Background())
		return err == nil && len(lag) == 0
	}, 10*time.Minute, 5*time.Millisecond)
	for h.scribe.Flush(context.Background()) {
	}
}

// noted lists the tiers that the notes of a ticket tell of, in order.
func (h *ticketHouse) noted(system id.TicketSystem, e id.Escalation) []string {
	h.t.Helper()
	links, err := h.book.Of(context.Background(), e)
	require.NoError(h.t, err)
	var lines []string
	for _, l := range links {
		if l.System != system {
			continue
		}
		for _, note := range h.remotes[system].notes[l.Ticket] {
			for line := range strings.SplitSeq(note, "\n") {
				if _, tier, is := strings.Cut(line, "UTC  "); is {
					lines = append(lines, tier)
				}
			}
		}
	}
	return lines
}

func tiers(to int) []string {
	var all []string
	for n := 1; n <= to; n++ {
		all = append(all, fmt.Sprintf("Tier %d begins", n))
	}
	return all
}

func TestEveryEntryIsNotedOnceAndInOrder(t *testing.T) {
	h := newTicketHouse(t, "desk")
	h.write("E-1", 1, 3)
	h.written()
	h.write("E-1", 4, 70)
	h.written()
	require.Equal(t, tiers(70), h.noted("desk", "E-1"))
	require.Len(t, h.remotes["desk"].tickets, 1)
}

// A batch that overtakes another waits for it.
func TestNoEntryIsNotedBeforeTheOnesBeforeIt(t *testing.T) {
	h := newTicketHouse(t, "desk")
	h.write("E-1", 1, 2)
	h.write("E-1", 5, 6)
	for range 5 {
		h.scribe.Flush(t.Context())
	}
	require.Equal(t, tiers(2), h.noted("desk", "E-1"))
	h.write("E-1", 3, 4)
	h.written()
	require.Equal(t, tiers(6), h.noted("desk", "E-1"))
}

// The system is down, asks to wait, takes what it says it did not take, and answers others at the same time.
func TestATicketSystemThatFailsForHoursLosesAndDoublesNothing(t *testing.T) {
	h := newTicketHouse(t, "broken", "well")
	random := rand.New(rand.NewPCG(7, 7))
	down := true
	h.remotes["broken"].trouble = func(string) (before, after error) {
		if down {
			return fault.New(fault.Unavailable, "503"), nil
		}
		switch random.IntN(10) {
		case 0:
			return fault.New(fault.Unavailable, "502"), nil
		case 1:
			return nil, fault.New(fault.Unavailable, "no answer in time") // and it was taken
		case 2:
			return fault.Later(time.Millisecond, "429"), nil
		case 3:
			return fault.New(fault.Conflict, "409"), nil
		case 4:
			return fault.New(fault.Unauthenticated, "401"), nil
		}
		return nil, nil
	}
	const many, long = 12, 30
	others := []*service.Scribe{h.scribe, h.newScribe(h.scribe.Log), h.newScribe(h.scribe.Log)} // other processes
	for seq := 1; seq <= long; seq++ {
		for n := 1; n <= many; n++ {
			h.write(id.OfNumber(int64(n)), seq, seq)
		}
		for _, s := range others {
			s.Flush(t.Context())
		}
	}
	for n := 1; n <= many; n++ {
		require.Empty(t, h.noted("broken", id.OfNumber(int64(n))))
	}
	require.Eventually(t, func() bool {
		h.scribe.Flush(t.Context())
		lag, err := h.book.Lag(t.Context())
		_, behind := lag["well"]
		return err == nil && !behind
	}, 10*time.Minute, 5*time.Millisecond, "a system that works does not wait for one that does not")

	h.remotes["broken"].mu.Lock()
	down = false
	h.remotes["broken"].mu.Unlock()
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for _, s := range others[1:] {
		s.Every = 3 * time.Millisecond
		all.Go(func() { s.Run(ctx) })
	}
	h.written()
	stop()
	all.Wait()
	for n := 1; n <= many; n++ {
		for _, system := range []id.TicketSystem{"broken", "well"} {
			require.Equal(t, tiers(long), h.noted(system, id.OfNumber(int64(n))), "%s %d", system, n)
		}
	}
	require.Len(t, h.remotes["broken"].tickets, many, "no ticket is made twice")
}

func TestWhatPeopleSayIsNoMarker(t *testing.T) {
	h := newTicketHouse(t, "desk")
	h.write("E-1", 1, 1)
	h.written()
	links, err := h.book.Of(t.Context(), "E-1")
	require.NoError(t, err)
	said := escalation.Entry{Seq: 2, At: noon, Kind: escalation.EntryNoted, Actor: "ana", Text: "ana: " + seal.Mark(tracker.Marker{Correlation: links[0].Correlation, From: 1, To: 9})}
	row := summary("E-1", 2, escalation.Open)
	require.NoError(t, h.journal.Write(t.Context(), contract.Record{Entries: []escalation.Entry{said}, Summary: row}))
	h.written()
	require.Equal(t, 2, seal.Last(links[0].Correlation, h.remotes["desk"].notes[links[0].Ticket]...))
}

// Somebody writes into the ticket, by hand, that we have noted what is still to happen. A turn that breaks off is then made
// up for by what the ticket holds: a marker that we have not sealed, or that is of another ticket, counts for nothing.
func TestAForgedMarkerHidesNothing(t *testing.T) {
	h := newTicketHouse(t, "desk")
	h.write("E-1", 1, 1)
	h.write("E-2", 1, 40)
	h.written()
	links, err := h.book.Of(t.Context(), "E-1")
	require.NoError(t, err)
	others, err := h.book.Of(t.Context(), "E-2")
	require.NoError(t, err)
	desk, is := h.remotes["desk"], links[0].Correlation
	ours := desk.notes[links[0].Ticket][0]
	genuine := ours[strings.LastIndex(ours, "["):]
	other := desk.notes[others[0].Ticket][1]
	for _, forged := range []string{
		"[" + is + " 1-9]", "[" + is + " 1-9 0123456789abcdef]", strings.Replace(genuine, " 1-1 ", " 1-9 ", 1),
		tracker.Seal("another key").Mark(tracker.Marker{Correlation: is, From: 1, To: 9}),
		strings.Replace(other[strings.LastIndex(other, "["):], others[0].Correlation, is, 1),
	} {
		require.NoError(t, desk.Note(t.Context(), links[0].Ticket, tracker.Note{Text: "zoe: " + forged}))
	}
	first := true
	desk.trouble = func(verb string) (before, after error) {
		if verb == "note" && first {
			first = false
			return fault.New(fault.Unavailable, "502"), nil // it was not taken, and nobody knows
		}
		return nil, nil
	}
	h.write("E-1", 2, 5)
	h.written()
	require.False(t, first)
	require.Equal(t, tiers(5), h.noted("desk", "E-1"))
}

// A ticket is copied with everything that stands in it. What becomes of the copy is no news of the first.
func TestACopiedTicketSpeaksForItself(t *testing.T) {
	h := newTicketHouse(t, "desk")
	h.write("E-1", 1, 1)
	h.written()
	copied := *h.remotes["desk"].tickets["id-1"]
	copied.System, copied.ID, copied.Number, copied.State, copied.Version = "desk", "id-7", "INC7", ticket.Solved, 90
	require.NoError(t, h.news.Take(t.Context(), copied))
	require.Empty(t, h.engine.said)
}

func TestATicketFollowsItsEscalationAndTheOtherWayRound(t *testing.T) {
	h := newTicketHouse(t, "desk")
	h.write("E-1", 1, 1)
	h.written()
	desk := h.remotes["desk"]
	taken := func(s *escalation.Summary) { s.State, s.AcknowledgedBy = escalation.Acked, "ana" }
	h.write("E-1", 2, 2, taken)
	h.written()
	require.Equal(t, ticket.Working, desk.tickets["id-1"].State)
	require.Equal(t, "u-ana", desk.tickets["id-1"].Assignee)

	echo := *desk.tickets["id-1"]
	echo.System = "desk"
	require.NoError(t, h.news.Take(t.Context(), echo))
	require.Empty(t, h.engine.said, "our own writing is no news")

	solved := desk.edit("id-1", tracker.Change{State: ticket.Solved})
	solved.System = "desk"
	for range 3 {
		require.NoError(t, h.news.Take(t.Context(), solved))
	}
	require.Equal(t, []string{"escalation/E-1 resolve ana"}, h.engine.said)
	require.NoError(t, h.news.Take(t.Context(), echo), "late")
	require.Len(t, h.engine.said, 1)

	before := desk.tickets["id-1"].Version
	h.write("E-1", 3, 3, func(s *escalation.Summary) { s.State = escalation.ResolvedP })
	h.written()
	require.Equal(t, before, desk.tickets["id-1"].Version, "it is solved there already")
}

func TestLostWebhooksAreMadeUpForByAskingOnce(t *testing.T) {
	h := newTicketHouse(t, "desk")
	for n := 1; n <= 20; n++ {
		h.write(id.OfNumber(int64(n)), 1, 1)
	}
	h.written()
	desk := h.remotes["desk"]
	desk.now = time.Now() // its clock and ours
	for n := 1; n <= 20; n++ {
		c := tracker.Change{Assignee: "u-ben"}
		if n%2 == 0 {
			c = tracker.Change{State: ticket.Solved}
		}
		desk.edit(fmt.Sprintf("id-%d", n), c)
	}
	poll := &service.TicketPoll{Book: h.book, Organisation: h.org, Trackers: h.scribe.Trackers, News: h.news, Log: h.scribe.Log, Every: time.Nanosecond}
	desk.trouble = func(string) (before, after error) { return fault.New(fault.Unavailable, "down"), nil }
	poll.Sweep(t.Context())
	require.Empty(t, h.engine.said)
	desk.trouble = nil
	for range 3 {
		poll.Sweep(t.Context())
	}
	require.Len(t, h.engine.said, 20)
}

// A thousand edits on each side at once, each told to the other: when nobody edits any more, nothing moves, and both
// sides say the same.
func TestEditsOnBothSidesEndInAgreement(t *testing.T) {
	h := newTicketHouse(t, "desk")
	h.write("E-1", 1, 1)
	h.written()
	desk := h.remotes["desk"]
	var mu sync.Mutex
	seq, priority := 1, org.P1
	set := func(p org.Priority) {
		mu.Lock()
		defer mu.Unlock()
		seq++
		priority = p
		h.write("E-1", seq, seq, func(s *escalation.Summary) { s.Priority = p })
	}
	h.engine.took = func(_, verb string, w contract.Word) {
		if verb == contract.Prioritise {
			set(w.Priority)
		}
	}
	hooks := make(chan tracker.Ticket, 10_000)
	var edits, working sync.WaitGroup
	some := []org.Priority{org.P1, org.P2, org.P3, org.P4, org.P5}
	edits.Go(func() {
		for n := range 1000 {
			set(some[n*7%5])
		}
	})
	edits.Go(func() {
		for n := range 1000 {
			desk.mu.Lock()
			now := desk.edit("id-1", tracker.Change{Priority: some[n*3%5]})
			desk.mu.Unlock()
			now.System = "desk"
			if n%4 != 0 { // every fourth webhook is lost
				hooks <- now
			}
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	h.scribe.Every = time.Millisecond
	working.Go(func() { h.scribe.Run(ctx) })
	for range 3 { // they overtake each other
		working.Go(func() {
			for now := range hooks {
				if err := h.news.Take(t.Context(), now); err != nil {
					t.Error(err)
				}
			}
		})
	}
	edits.Wait()
	close(hooks)
	current := func() (there org.Priority, version int64) {
		desk.mu.Lock()
		defer desk.mu.Unlock()
		return desk.tickets["id-1"].Priority, desk.tickets["id-1"].Version
	}
	agree := func() bool {
		desk.mu.Lock()
		now := *desk.tickets["id-1"]
		desk.mu.Unlock()
		now.System = "desk"
		if err := h.news.Take(t.Context(), now); err != nil { // as the poll does
			t.Error(err)
		}
		lag, err := h.book.Lag(t.Context())
		mu.Lock()
		defer mu.Unlock()
		there, _ := current()
		return err == nil && len(lag) == 0 && there == priority
	}
	require.Eventually(t, agree, 2*time.Minute, 20*time.Millisecond)
	_, version := current()
	said := len(h.engine.said)
	for range 20 {
		require.True(t, agree())
		h.scribe.Flush(t.Context())
	}
	_, after := current()
	require.Equal(t, version, after, "nobody edits, so nobody writes")
	require.Len(t, h.engine.said, said)
	stop()
	working.Wait()
}

func TestALinkedTicketIsNotOverwritten(t *testing.T) {
	h := newTicketHouse(t)
	h.org.org.Tickets["desk"] = org.TicketSystem{ID: "desk", Name: "desk"}
	h.remotes["desk"] = &remote{tickets: map[string]*tracker.Ticket{"id-9": {ID: "id-9", Number: "INC9", Priority: org.P4, State: ticket.New}}, notes: map[string][]string{}}
	h.write("E-1", 1, 2)
	theirs := *h.remotes["desk"].tickets["id-9"]
	for range 2 {
		require.NoError(t, h.book.Link(t.Context(), "E-1", "desk", theirs))
	}
	require.True(t, fault.Is(h.book.Link(t.Context(), "E-1", "desk", tracker.Ticket{ID: "id-8"}), fault.Conflict))
	require.True(t, fault.Is(h.book.Link(t.Context(), "E-77", "desk", theirs), fault.NotFound))
	h.written()
	require.Equal(t, tiers(2), h.noted("desk", "E-1"))
	require.Equal(t, org.P4, h.remotes["desk"].tickets["id-9"].Priority, "nobody has changed anything")
}

func TestATicketIsJoinedByHand(t *testing.T) {
	h := newTicketHouse(t)
	h.org.org.Tickets["desk"] = org.TicketSystem{ID: "desk", Name: "desk"}
	h.remotes["desk"] = &remote{tickets: map[string]*tracker.Ticket{"id-9": {ID: "id-9", Number: "INC9", State: ticket.New}}, notes: map[string][]string{}}
	for n := 1; n <= 2; n++ {
		h.write(id.OfNumber(int64(n)), 1, 2)
	}
	desk := &service.TicketDesk{Book: h.book, Organisation: h.org, Trackers: h.scribe.Trackers}
	ana := service.Caller{Person: "ana", Role: service.Responder}
	for range 2 {
		links, err := desk.Join(t.Context(), ana, "E-1", "desk", "INC9")
		require.NoError(t, err)
		require.Equal(t, "INC9", links[0].Number)
		_, err = desk.Join(t.Context(), ana, "E-2", "desk", "")
		require.NoError(t, err)
	}
	h.written()
	require.Equal(t, tiers(2), h.noted("desk", "E-1"))
	require.Equal(t, tiers(2), h.noted("desk", "E-2"))
	require.Len(t, h.remotes["desk"].tickets, 2)
	for field, wrong := range map[string][2]string{"system": {"zendesk", ""}, "number": {"desk", "INC404"}} {
		_, err := desk.Join(t.Context(), ana, "E-1", id.TicketSystem(wrong[0]), wrong[1])
		require.True(t, fault.Is(err, fault.Invalid), "%v", err)
		require.ErrorContains(t, err, wrong[1], field)
	}
	_, err := desk.Join(t.Context(), ana, "E-1", "desk", "id-1")
	require.Error(t, err)
	for _, role := range []service.Role{service.Viewer, service.Outsider, service.IntegrationRole} {
		_, err := desk.Join(t.Context(), service.Caller{Role: role}, "E-1", "desk", "INC9")
		require.True(t, fault.Is(err, fault.Denied), role)
	}
}

// desked keeps what is observed, and lets every ticket that is not over be watched.
type desked struct{ store.Tickets }

func (d desked) Observe(ctx context.Context, o service.Observation) (service.Observed, error) {
	if o.At.IsZero() {
		o.At = time.Now()
	}
	return d.Tickets.Observe(ctx, o, watchIt)
}

// watching lets a house watch the tickets of a team.
func (h *ticketHouse) watching() {
	system := h.org.org.Tickets["desk"]
	system.Watch = org.TicketWatch{Tickets: []org.TicketMatch{{When: `ticket.team == "ops"`, Service: "payments", Kind: "technical"}},
		Reason: `fields.hold`, VIP: `fields.tier == "gold"`, Labels: []string{"region"}}
	h.org.org.Tickets["desk"] = system
	watch := &service.TicketWatch{Tickets: desked{store.Tickets{Pool: h.pool}}, Store: store.Tickets{Pool: h.pool}, Log: h.scribe.Log}
	h.news.Observe = watch.Observe
}

// theirs is a ticket that somebody else opened, and hears of it.
func (h *ticketHouse) theirs(number string, version int64, change func(*tracker.Ticket)) tracker.Ticket {
	h.t.Helper()
	desk := h.remotes["desk"]
	desk.mu.Lock()
	now, known := desk.tickets[number]
	if !known {
		now = &tracker.Ticket{ID: number, Number: number, Title: number + " is slow", State: ticket.New, Team: "ops", UpdatedAt: noon, OpenedAt: noon}
		desk.tickets[number] = now
	}
	now.Version = version
	change(now)
	t := *now
	desk.mu.Unlock()
	t.System = "desk"
	require.NoError(h.t, h.news.Take(h.t.Context(), t))
	return t
}

func TestATicketOfOthersIsWatchedAndItsChangesBecomeHistory(t *testing.T) {
	h := newTicketHouse(t, "desk")
	h.watching()
	tickets := store.Tickets{Pool: h.pool}
	h.theirs("INC1", 0, func(t *tracker.Ticket) { t.Fields = map[string]string{"tier": "gold", "region": "eu", "secret": "x"} })
	h.theirs("INC2", 0, func(t *tracker.Ticket) { t.Team = "network" })
	ref := ticket.Ref{System: "desk", Key: "INC1"}
	first, err := tickets.Get(t.Context(), ref)
	require.NoError(t, err)
	require.NotEmpty(t, first.Escalation)
	require.True(t, first.Ticket.VIP)
	require.Equal(t, map[string]string{"region": "eu"}, first.Ticket.Labels)
	require.Equal(t, org.Kind("technical"), first.Ticket.Kind)
	_, err = tickets.Get(t.Context(), ticket.Ref{System: "desk", Key: "INC2"})
	require.True(t, fault.Is(err, fault.NotFound), "nobody asked to watch it")

	before := h.theirs("INC1", 1, func(t *tracker.Ticket) { t.State = ticket.Working })
	h.theirs("INC1", 2, func(t *tracker.Ticket) { t.Team = "network" }) // it matches no more, and is observed on
	h.theirs("INC1", 3, func(t *tracker.Ticket) { t.State, t.Fields["hold"] = "", "vendor" })
	require.NoError(t, h.news.Take(t.Context(), before), "late, within the same second")
	history, err := tickets.History(t.Context(), ref)
	require.NoError(t, err)
	require.Len(t, history, 4)
	require.Equal(t, []any{"network", ticket.Working, "vendor", id.Service("payments")},
		[]any{history.Last().Team, history.Last().State, history.Last().Reason, history.Last().Service})

	h.theirs("INC1", 4, func(t *tracker.Ticket) { t.Gone = true })
	last, err := tickets.Get(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, ticket.Cancelled, last.Ticket.State)
}

// Nothing is written into a ticket that is only watched. Once something is done, all of it is.
func TestAWatchedTicketIsWrittenIntoOnceSomethingIsDone(t *testing.T) {
	h := newTicketHouse(t, "desk")
	h.watching()
	h.theirs("INC1", 1, func(t *tracker.Ticket) { t.Priority = org.P4 })
	watched, err := store.Tickets{Pool: h.pool}.Get(t.Context(), ticket.Ref{System: "desk", Key: "INC1"})
	require.NoError(t, err)
	e := watched.Escalation
	stands := func(phase escalation.Phase, owner id.Person) func(*escalation.Summary) {
		return func(s *escalation.Summary) {
			s.State, s.AcknowledgedBy, s.Ticket, s.Priority, s.Service = phase, owner, "desk/INC1", org.P4, "payments"
		}
	}
	says := func(seq int, kind escalation.EntryKind, change func(*escalation.Summary)) {
		row := summary(e, seq, escalation.Open)
		change(&row)
		one := entries(seq, seq)
		one[0].Kind = kind
		require.NoError(t, h.journal.Write(t.Context(), contract.Record{Entries: one, Summary: row}))
	}
	says(1, escalation.EntryOpened, stands(escalation.Watched, ""))
	h.theirs("INC1", 2, func(t *tracker.Ticket) { t.Assignee, t.State = "u-ben", ticket.Working })
	h.written()
	require.Empty(t, h.noted("desk", e))
	require.Empty(t, h.engine.said, "there is nothing to take yet")
	require.Len(t, h.remotes["desk"].tickets, 1, "it has a ticket")

	says(2, escalation.EntryThreshold, stands(escalation.Open, ""))
	h.written()
	require.Equal(t, tiers(2), h.noted("desk", e))
	h.theirs("INC1", 3, func(t *tracker.Ticket) { t.Assignee = "u-zoe" })
	h.theirs("INC1", 4, func(t *tracker.Ticket) { t.Assignee = "u-ana" })
	require.Equal(t, []string{"escalation/" + string(e) + " note ticket:desk", "escalation/" + string(e) + " acknowledge ana"}, h.engine.said,
		"it does not rest because it was passed on to somebody of whom we know nothing")
	says(3, escalation.EntryAcknowledged, stands(escalation.Acked, "ben"))
	h.written()
	require.Equal(t, "u-ben", h.remotes["desk"].tickets["INC1"].Assignee, "ours follow")
	require.Equal(t, org.P4, h.remotes["desk"].tickets["INC1"].Priority)

	h.theirs("INC1", 9, func(t *tracker.Ticket) { t.State = ticket.Solved })
	require.Len(t, h.engine.said, 2, "that it is over is told with its history")
	says(4, escalation.EntryResolved, stands(escalation.ResolvedP, ""))
	h.written()
	require.Equal(t, tiers(4), h.noted("desk", e))
	require.Equal(t, ticket.Solved, h.remotes["desk"].tickets["INC1"].State)
}
