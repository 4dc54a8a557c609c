// Package escalation decides everything that happens to one escalation. Step takes a state and an event and returns
// the next state and what must be done; it has no clock, no randomness and no I/O, so the workflow, the simulation
// and the tests run the very same code. A vendor's engagement is an escalation too, with its own ladder, that tells
// another escalation what happens instead of writing a timeline of its own.
package escalation

import (
	"fmt"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Step is the machine. Events that come too late, twice, or for something that is over change nothing.
func Step(s State, e Event) (State, []Effect) {
	m := &machine{s: s.clone(), at: e.When()}
	m.handle(e)
	return m.s, m.out
}

// machine is one step being taken.
type machine struct {
	s       State
	at      time.Time
	keeping Keeping // of the entries recorded now
	out     []Effect
}

func (m *machine) handle(e Event) {
	if opened, ok := e.(Opened); ok {
		m.opened(opened)
		return
	}
	if m.s.Rules == 0 {
		return // nothing happens before the opening
	}
	if m.s.Rules >= 2 && m.s.Phase == ResolvedP && m.due(m.s.CloseAt) {
		m.close() // before anything else: at this instant it is over, in whichever order events are heard
	}
	switch e := e.(type) {
	case Ticked:
		m.ticked()
	case Mustered:
		m.mustered(e)
	case Reckoned:
		m.reckoned(e)
	case Planned:
		m.planned(e)
	case Unplanned:
		m.unplanned(e)
	case Reported:
		m.reported(e)
	case Acknowledged:
		m.once(e.Answer, m.acknowledge)
	case Resolved:
		m.once(e.Answer, m.resolve)
	case Escalated:
		m.once(e.Answer, func(a Answer) (Outcome, string) { return m.escalate(a, e.Direction, e.To) })
	case Reassigned:
		m.once(e.Answer, func(a Answer) (Outcome, string) { return m.reassign(a, e.To) })
	case Snoozed:
		m.once(e.Answer, func(a Answer) (Outcome, string) { return m.snooze(a, e.Until) })
	case Noted:
		m.once(e.Answer, m.note)
	case Reopened:
		m.once(e.Answer, m.reopen)
	case Prioritised:
		m.once(e.Answer, func(a Answer) (Outcome, string) { return m.prioritise(a, e.Priority) })
	case Observed:
		m.observed(e)
	case Recalculated:
		m.once(e.Answer, m.recalculated)
	case Judged:
		m.judged(e)
	case Repeated:
		m.repeated(e)
	case VendorReported:
		m.vendorReported(e.Report)
	case StoodDown:
		m.stoodDown(e.Reason)
	}
}

func (m *machine) opened(e Opened) {
	if m.s.Rules != 0 {
		return
	}
	o := e.Opening
	m.s = State{Rules: max(1, o.Rules), Opening: o, Plan: o.Plan, Phase: Open, Severity: o.Severity, Round: 1}
	m.s.Opening.Plan.Tiers = nil
	if m.s.Opening.OpenedAt.IsZero() {
		m.s.Opening.OpenedAt = e.At
	}
	if m.s.Rules >= WatchingRules && o.Watching != nil {
		m.watched()
		return
	}
	m.record(EntryOpened, o.By.actor("monitor"), o.By.Via, o.By.Key,
		fmt.Sprintf("%s opened as %s for %s: %s", m.name(), o.Plan.Priority, o.ServiceName, o.Title))
	m.promise()
	m.begin(BySilence)
}

// name is how messages and entries call this escalation or engagement.
func (m *machine) name() string {
	if v := m.s.Opening.Vendor; v != nil {
		return fmt.Sprintf("%s with %s", m.s.Opening.ID, v.Name)
	}
	return string(m.s.Opening.ID)
}

// base begins the key of every effect.
func (m *machine) base() string {
	if v := m.s.Opening.Vendor; v != nil {
		return fmt.Sprintf("%s/v/%s.%d", m.s.Opening.ID, v.Vendor, v.Number)
	}
	return string(m.s.Opening.ID)
}

// key numbers an effect: no two of one escalation are ever the same.
func (m *machine) key(what string) string {
	m.s.Keys++
	return fmt.Sprintf("%s/%s/%d", m.base(), what, m.s.Keys)
}

func (m *machine) do(e Effect) { m.out = append(m.out, e) }

// record writes an entry: into the timeline, or, from a vendor's engagement, as a report.
func (m *machine) record(kind EntryKind, actor, via, key, text string, detail ...string) {
	m.entry(false, kind, actor, via, key, text, detail...)
}

func (m *machine) entry(silent bool, kind EntryKind, actor, via, key, text string, detail ...string) {
	m.s.Seq++
	if v := m.s.Opening.Vendor; v != nil {
		m.do(Tell{Key: m.key("tell"), Report: Report{
			Vendor: v.Vendor, Name: v.Name, Number: v.Number, Seq: m.s.Seq, Kind: kind,
			Actor: actor, Via: via, Text: text, State: m.s.Phase, Silent: silent, At: m.at,
		}})
		return
	}
	entry := Entry{Seq: m.s.Seq, At: m.at, Kind: kind, Actor: actor, Via: via, Key: key, Text: text, Detail: details(detail...)}
	m.do(Record{Key: fmt.Sprintf("%s/entry/%d", m.base(), entry.Seq), Entry: entry, Keeping: m.keeping})
}

// details are pairs of a name and a value; empty values are left out.
func details(pairs ...string) map[string]string {
	var all map[string]string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if all == nil {
			all = map[string]string{}
		}
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

// once makes a human's word harmless when it is delivered twice: the second delivery hears the first answer.
func (m *machine) once(a Answer, act func(Answer) (Outcome, string)) {
	if a.Key != "" {
		for _, said := range m.s.Seen {
			if said.Key == a.Key {
				m.do(Reply{Key: m.key("reply"), Outcome: said.Outcome, Text: said.Text})
				return
			}
		}
	}
	outcome, text := act(a)
	m.remember(Said{Key: a.Key, Outcome: outcome, Text: text})
	m.do(Reply{Key: m.key("reply"), Outcome: outcome, Text: text})
}

func (m *machine) remember(said Said) {
	if said.Key == "" {
		return
	}
	m.s.Seen = append(m.s.Seen, said)
	if extra := len(m.s.Seen) - keepSeen; extra > 0 {
		m.s.Seen = m.s.Seen[extra:]
	}
}

func (m *machine) seen(key string) bool {
	for _, said := range m.s.Seen {
		if key != "" && said.Key == key {
			return true
		}
	}
	return false
}

// actor is how entries call whoever answered.
func (a Answer) actor(otherwise string) string {
	if a.By != "" {
		return string(a.By)
	}
	return otherwise
}

// called is how sentences call whoever answered.
func (m *machine) called(a Answer) string {
	if a.Name != "" {
		return a.Name
	}
	if t, ok := m.toldOf(a.By); ok {
		return t.Name
	}
	return a.actor("somebody")
}

// clock prints an instant in words that mean the same to everybody.
func clock(at time.Time) string { return at.UTC().Format("15:04 UTC") }

// repeated: the monitor fired again. Worse than before means that people must hear of it again.
func (m *machine) repeated(e Repeated) {
	if m.seen(e.Key) || m.s.Opening.Vendor != nil {
		return
	}
	m.remember(Said{Key: e.Key})
	count := max(1, e.Count)
	m.s.Repeats += count
	m.record(EntryRepeated, "monitor", "events", e.Key, fmt.Sprintf("fired again, %d in all since it opened", m.s.Repeats))
	if !m.s.live() {
		if said := m.s.endSaid(); !said.IsZero() && !e.Fired.IsZero() && !e.Fired.After(said) {
			return // repeats are counted for a while before they are told: this one is older than the end
		}
		m.startOver(Answer{By: "monitor", Via: "events"}, "it fires again after it was resolved")
	}
	if !e.Severity.WorseThan(m.s.Severity) {
		return
	}
	before := m.s.Severity
	m.s.Severity = e.Severity
	m.record(EntryWarning, "monitor", "events", e.Key, fmt.Sprintf("severity rose from %s to %s", before, e.Severity))
	raised := alert.Priority(m.s.Opening.Impact, e.Severity)
	if m.s.Opening.Impact > 0 && !m.s.ByHand && raised < m.s.Plan.Priority {
		m.replan(Answer{By: "monitor", Via: "events"}, raised)
		return // pages again when the new plan is there
	}
	if m.s.Phase == Acked && !m.s.Climbing {
		m.again(BySeverity)
	}
}

// replan asks for the ladder of another priority, from the revision under which this escalation was opened.
func (m *machine) replan(a Answer, p org.Priority) {
	m.s.Asked, m.s.AskedFor = m.key("compile"), a
	m.do(Compile{Key: m.s.Asked, Revision: m.s.Plan.Revision, Service: m.s.Opening.Service, Kind: m.s.Opening.Kind, Priority: p})
}

func (m *machine) planned(e Planned) {
	if e.Key != m.s.Asked || !m.s.live() && m.s.Phase != Watched {
		return
	}
	before := m.s.Plan.Priority
	m.s.Plan, m.s.Asked = e.Plan, ""
	m.s.Tier = min(m.s.Tier, len(m.s.Plan.Tiers))
	m.record(EntryPrioritised, m.s.AskedFor.actor("belay"), m.s.AskedFor.Via, m.s.AskedFor.Key,
		fmt.Sprintf("priority %s → %s; the ladder is now that of policy %s", before, e.Plan.Priority, e.Plan.Policy))
	if m.s.Phase == Watched {
		return
	}
	m.resolveClock()
	switch {
	case m.s.Climbing:
		m.again(m.s.Cause)
	case e.Plan.Priority < before && m.s.AskedFor.By == "monitor":
		m.again(BySeverity) // also out of a snooze: that was for something less serious
	default:
		m.updateClock()
	}
}

// unplanned: the ladder of another priority is not there. Whoever has it must hear that it got worse all the same; the
// ladder follows when it is found.
func (m *machine) unplanned(e Unplanned) {
	if e.Key == "" || e.Key != m.s.Asked || !m.s.live() && m.s.Phase != Watched {
		return
	}
	if e.Final {
		m.s.Asked = ""
		m.entry(true, EntryWarning, "belay", "timer", m.s.AskedFor.Key, "the ladder of the new priority cannot be found: the present one stays")
	}
	if m.s.AskedFor.By == "monitor" && !m.s.Climbing {
		m.again(BySeverity)
	}
}

// told remembers somebody who was paged, with the quietest way that reaches them.
func (m *machine) told(p Pursuit) {
	for _, t := range m.s.Told {
		if t.Person == p.Responder.Person {
			return
		}
	}
	quiet := p.Responder.Ladder[0]
	for _, c := range p.Responder.Ladder {
		if c.Channel != org.Voice {
			quiet = c
			break
		}
	}
	m.s.Told = append(m.s.Told, Told{Person: p.Responder.Person, Name: p.Responder.Name, Contact: quiet, Updates: p.Responder.Updates})
}

func (m *machine) toldOf(person id.Person) (Told, bool) {
	for _, t := range m.s.Told {
		if t.Person == person {
			return t, true
		}
	}
	return Told{}, false
}
