package escalation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/sla"
	"github.com/belayhq/belay/core/ticket"
)

const (
	// WatchingRules is the first behaviour version that watches tickets.
	WatchingRules = 3
	// showingRules is the first that shows what is due as soon as it is known, and that tells webhooks.
	showingRules = 4
	// slowJudge is after which a row may have been written that tells of the question instead of what comes next.
	slowJudge = time.Second
	// judgeGuard is how long an unanswered Judge is waited for at first; then what is known counts, and it is asked again.
	judgeGuard = 10 * time.Second
	// longestJudge caps the growing pause between two questions.
	longestJudge = 5 * time.Minute
)

// Watching is set in the opening of an escalation whose life is that of a ticket.
type Watching struct {
	Ticket ticket.Ref `json:"ticket"`
	URL    string     `json:"url,omitempty"`
}

// Watch is what an escalation knows of the ticket it watches: instants, as they were judged last.
type Watch struct {
	Asked   string      `json:"asked,omitempty"` // key of a Judge that is not answered yet
	AskedAt time.Time   `json:"asked_at,omitzero"`
	Unheard int         `json:"unheard,omitempty"` // questions in a row that nobody answered in time
	Before  Next        `json:"before,omitzero"`   // what was due next when the question was asked
	Looks   int         `json:"looks,omitempty"`   // see Summary
	Verdict sla.Verdict `json:"verdict"`
	Fired   []string    `json:"fired,omitempty"`   // keys of alarms that were acted on
	Holding []string    `json:"holding,omitempty"` // keys of triggers that held when last judged
}

type (
	// Observed says that the ticket has changed.
	Observed struct {
		At      time.Time
		Key     string
		Version int
	}
	// Recalculated says that the promises are those of another revision from now on.
	Recalculated struct {
		At     time.Time
		Answer Answer
	}
	// Judged answers a Judge effect.
	Judged struct {
		At      time.Time
		Key     string
		Verdict sla.Verdict
	}
	// Judge asks how the ticket stands. Answered by Judged.
	Judge struct {
		Key    string
		Ticket ticket.Ref
	}
)

func (e Observed) When() time.Time     { return e.At }
func (e Recalculated) When() time.Time { return e.At }
func (e Judged) When() time.Time       { return e.At }
func (e Judge) EffectKey() string      { return e.Key }

// watched begins to watch: nobody is told of anything.
func (m *machine) watched() {
	o := m.s.Opening
	m.s.Phase, m.s.Watch = Watched, &Watch{}
	m.record(EntryOpened, o.By.actor("belay"), o.By.Via, o.By.Key,
		fmt.Sprintf("%s watches ticket %s for %s: %s", m.name(), o.Watching.Ticket, o.ServiceName, o.Title), "ticket", o.Watching.Ticket.String(), "url", o.Watching.URL)
	m.judge()
}

// watch is what the machine may change: a copy of its own.
func (m *machine) watch() *Watch {
	w := *m.s.Watch
	m.s.Watch = &w
	return &w
}

// judge asks how the ticket stands. A question that is under way is overtaken.
func (m *machine) judge() {
	before := m.s.next()
	w := m.watch()
	if w.Asked == "" {
		w.Before = before
	}
	w.Asked, w.AskedAt = m.key("judge"), m.at
	m.do(Judge{Key: w.Asked, Ticket: m.s.Opening.Watching.Ticket})
}

func (m *machine) observed(e Observed) {
	if m.s.Watch == nil || m.seen(e.Key) || m.s.Phase == Closed {
		return
	}
	m.remember(Said{Key: e.Key})
	if m.s.Watch.Asked == "" && e.Version <= m.s.Watch.Verdict.Version {
		return // it was seen when the ticket was looked at for another reason
	}
	m.judge()
}

func (m *machine) recalculated(a Answer) (Outcome, string) {
	if m.s.Watch == nil || m.s.Phase == Closed {
		return Refused, fmt.Sprintf("%s watches no ticket.", m.name())
	}
	m.record(EntryThreshold, a.actor("somebody"), a.Via, a.Key, fmt.Sprintf("%s recalculated the clocks", m.called(a)), "note", a.Note)
	m.judge()
	return Done, fmt.Sprintf("The clocks of %s are recalculated.", m.name())
}

// judged: the ticket and its clocks are known as they are now.
func (m *machine) judged(e Judged) {
	if m.s.Watch == nil || e.Key == "" || e.Key != m.s.Watch.Asked || m.s.Phase == Closed {
		return
	}
	seq, slow := m.s.Seq, m.at.Sub(m.s.Watch.AskedAt) >= slowJudge
	w := m.watch()
	defer m.show(seq, slow, w.Before)
	before := w.Verdict
	w.Asked, w.AskedAt, w.Unheard, w.Verdict = "", time.Time{}, 0, e.Verdict
	now := e.Verdict
	if len(now.Problems) > 0 && !slices.Equal(now.Problems, before.Problems) {
		m.record(EntryWarning, "belay", "ticket", "", "a condition cannot be evaluated: "+now.Problems[0], "problems", fmt.Sprint(len(now.Problems)))
	}
	if now.Revision != before.Revision && before.Revision != "" {
		m.record(EntryThreshold, "belay", "ticket", "", fmt.Sprintf("its clocks are those of revision %.12s from now on", now.Revision))
	}
	if now.State.Over() {
		m.ticketOver(now.State)
		return
	}
	if m.s.Phase == ResolvedP {
		if !before.State.Over() {
			return // somebody ended the watching by hand, and the ticket has not been over since
		}
		m.s.EndedAt, m.s.EndedBy, m.s.CloseAt, m.s.Phase = time.Time{}, Answer{}, time.Time{}, Watched
		m.record(EntryReopened, "ticket", "ticket", "", fmt.Sprintf("ticket %s came back", m.s.Opening.Watching.Ticket))
	}
	if now.Priority != "" && now.Priority != before.Priority && now.Priority != m.s.Plan.Priority && !m.s.ByHand {
		m.replan(Answer{By: "ticket", Via: "ticket"}, now.Priority)
	}
	m.fire()
}

// show has the row written when what is due next is not what the row says, and no entry takes it along.
func (m *machine) show(seq int, slow bool, before Next) {
	if m.s.Rules < showingRules || m.s.Seq > seq || !slow && m.s.next() == before {
		return
	}
	m.watch().Looks++
	m.do(Show{Key: m.key("show")})
}

// ticketOver: nobody need watch, and nobody need be called any more.
func (m *machine) ticketOver(state ticket.State) {
	m.s.Watch.Holding = nil
	by := Answer{By: "ticket", Name: "the ticket", Via: "ticket"}
	switch {
	case m.s.live():
		m.ends(by)
	case m.s.Phase == Watched:
		m.s.Phase, m.s.EndedAt, m.s.EndedBy, m.s.CloseAt, m.s.Asked = ResolvedP, m.at, by, m.at.Add(m.s.Plan.Reopen), ""
		m.record(EntryResolved, "ticket", "ticket", "", fmt.Sprintf("ticket %s is %s", m.s.Opening.Watching.Ticket, state))
	}
}

// relapse puts an escalation that somebody resolved back to watching, as long as its ticket is not over.
func (m *machine) relapse() bool {
	if m.s.Watch == nil || m.s.Phase != ResolvedP || m.s.Watch.Verdict.State.Over() {
		return false
	}
	m.s.Phase, m.s.EndedAt, m.s.EndedBy, m.s.CloseAt = Watched, time.Time{}, Answer{}, time.Time{}
	m.s.Owner, m.s.OwnerAs, m.s.AckedAt, m.s.Tier, m.s.Visit, m.s.Aside, m.s.Round = "", "", time.Time{}, 0, 0, nil, 1
	return true
}

// watchTicked: an instant of the ticket has come. It is looked at once more before anything is done: it may have changed
// a moment ago. Whoever cannot look acts on what is known.
func (m *machine) watchTicked() {
	if m.s.Watch == nil || !m.s.Snooze.IsZero() {
		return
	}
	w := m.s.Watch
	switch {
	case w.Asked != "" && m.due(w.waits()):
		m.watch().Unheard++
		m.fire()
		m.judge()
	case w.Asked == "" && (m.due(w.LookAt()) || m.due(w.nextAlarm().At)):
		m.judge()
	}
}

// waits is until when an answer is waited for.
func (w Watch) waits() time.Time {
	return w.AskedAt.Add(min(longestJudge, judgeGuard<<min(w.Unheard, 8)))
}

// LookAt is when a trigger may hold that does not hold yet.
func (w Watch) LookAt() time.Time { return w.Verdict.LookAt }

// nextAlarm is the first that was not acted on.
func (w Watch) nextAlarm() sla.Alarm {
	for _, a := range w.Verdict.Alarms {
		if !slices.Contains(w.Fired, a.Key) {
			return a
		}
	}
	return sla.Alarm{}
}

// fire acts on triggers that hold now and did not before, and on every alarm that is due, in order.
func (m *machine) fire() {
	if m.s.Watch == nil || m.s.Phase != Watched && !m.s.live() || !m.s.Snooze.IsZero() {
		return
	}
	w := m.watch()
	held := w.Holding
	w.Holding = nil
	for _, t := range w.Verdict.Triggers {
		w.Holding = append(w.Holding, t.Key)
	}
	triggers := w.Verdict.Triggers
	for _, t := range triggers {
		if !slices.Contains(held, t.Key) {
			m.alarm(t, "trigger")
		}
	}
	for {
		a := m.s.Watch.nextAlarm()
		if a.Key == "" || !m.due(a.At) {
			return
		}
		w := m.watch()
		w.Fired = append(slices.Clone(w.Fired), a.Key)
		if extra := len(w.Fired) - keepSeen; extra > 0 {
			w.Fired = w.Fired[extra:]
		}
		m.alarm(a, "timer")
	}
}

// alarm does what a threshold or a trigger asks for.
func (m *machine) alarm(a sla.Alarm, via string) {
	text := a.Text
	if a.Act.Do == org.TellHook && m.s.Rules < showingRules {
		text += "; the webhook is not told: this ticket has been watched since before webhooks were known"
	}
	m.record(EntryThreshold, "belay", via, a.Key, text,
		"clock", string(a.Clock), "act", string(a.Act.Do), "direction", string(a.Act.Direction), "at", a.At.UTC().Format(time.RFC3339))
	switch a.Act.Do {
	case org.Warn:
	case org.Raise:
		if rank := m.s.Plan.Priority.Rank(); rank > 1 && m.s.Asked == "" {
			m.replan(Answer{By: "belay", Name: a.Text, Via: via, Key: a.Key}, org.Priorities()[rank-2])
		}
	case org.Escalate:
		m.lift(a.Act.Direction, a.Act.Tier)
	case org.BringIn:
		name := ""
		for n, t := range a.Act.Targets {
			if n > 0 {
				name += ", "
			}
			name += t.String()
		}
		m.awake()
		m.asideFor(ByPromise, name, org.Functional, a.Act.Targets, nil)
	case org.TellHook:
		m.hook(a)
	}
}

// hook tells a webhook. Nobody is called, and nobody waits for its answer.
func (m *machine) hook(a sla.Alarm) {
	if m.s.Rules < showingRules {
		return
	}
	of := strings.TrimPrefix(a.Key, "trigger/")
	if a.Clock != "" {
		of = string(a.Clock)
	}
	name, _, _ := strings.Cut(a.Act.Hook, "#")
	key := m.key("hook/" + of)
	m.leaves(Sent{Key: key, Name: name, Method: id.Method(of), By: org.Webhook})
	m.record(EntrySent, "belay", string(org.Webhook), key, fmt.Sprintf("%s told by webhook (%s)", name, of),
		"name", name, "method", of, "purpose", string(page.Inform), "text", a.Text)
	m.do(Send{Key: key, Purpose: page.Inform, Name: name, Method: id.Method(of), Channel: org.Webhook,
		Hook: &Hook{Revision: m.s.Watch.Verdict.Revision, Name: a.Act.Hook},
		Brief: page.Brief{
			Escalation: m.s.Opening.ID, Title: m.s.Opening.Title, Service: m.s.Opening.ServiceName, Priority: m.s.Plan.Priority,
			OpenedAt: m.s.Opening.OpenedAt, Text: a.Text,
			Alarm: &page.Alarm{Ticket: m.s.Opening.Watching.Ticket.String(), Clock: a.Clock, Point: a.Key, At: a.At.UTC()},
		}})
}

// awake makes an escalation of what was only watched.
func (m *machine) awake() {
	if m.s.Phase == Watched {
		m.s.Phase = Open
		m.move(place{round: 1})
	}
}

// lift escalates a ticket: functionally to the first tier, or the next one when the ladder has been begun; hierarchically
// to the next tier that is, else to the managers of whoever has it, else to the top. A tier that is named is called.
func (m *machine) lift(direction org.Direction, tier int) {
	fresh := m.s.Phase == Watched
	m.awake()
	last := len(m.s.Plan.Tiers)
	switch {
	case tier > 0:
		m.move(place{tier: min(tier-1, last), round: m.s.Round})
	case direction == org.Hierarchic:
		from := m.s.Tier + 1
		if fresh {
			from = 0
		}
		up := slices.IndexFunc(m.s.Plan.Tiers[min(from, last):], func(t org.Tier) bool { return t.Direction == org.Hierarchic })
		switch holders := m.holders(); {
		case up >= 0:
			m.move(place{tier: from + up, round: m.s.Round})
		case len(holders) > 0:
			m.asideFor(ByPromise, "management", direction, nil, holders)
			return
		default:
			m.move(place{tier: max(last-1, 0), round: m.s.Round})
		}
	case !fresh:
		m.move(place{tier: min(m.s.Tier+1, last), round: m.s.Round})
	}
	m.enter(ByPromise, m.tierName()+" is called")
}

// watchNext adds what a ticket has in store.
func (s State) watchNext(consider func(at time.Time, action, target string)) {
	w := s.Watch
	if w == nil {
		return
	}
	if w.Asked != "" {
		consider(w.waits(), "judge", s.Opening.Watching.Ticket.String())
		return
	}
	consider(w.LookAt(), "judge", s.Opening.Watching.Ticket.String())
	if a := w.nextAlarm(); a.Key != "" {
		consider(a.At, string(a.Act.Do), string(a.Clock))
	}
}

// TicketOf is the ticket that an escalation watches; empty: none.
func (s State) TicketOf() ticket.Ref {
	if s.Opening.Watching == nil {
		return ticket.Ref{}
	}
	return s.Opening.Watching.Ticket
}

// ticketWord answers a human who speaks to what is only watched.
func (m *machine) ticketWord() (Outcome, string) {
	return Refused, fmt.Sprintf("%s watches ticket %s: nobody was called. Escalate it to call somebody.", m.name(), m.s.Opening.Watching.Ticket)
}
