package escalation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// longestSnooze keeps a snooze from becoming a silence that nobody remembers.
const longestSnooze = 7 * 24 * time.Hour

// acknowledge: a human takes responsibility. The ladder stops and the update clock starts.
func (m *machine) acknowledge(a Answer) (Outcome, string) {
	switch {
	case m.s.Phase == Watched:
		return m.ticketWord()
	case m.s.Phase == ResolvedP && m.s.Rules >= 2: // whoever answered, however late, finds it on record
		m.record(EntryRefused, a.actor("somebody"), a.Via, a.Key, fmt.Sprintf("%s acknowledged what was resolved already", m.called(a)), "note", a.Note)
		return Refused, m.over()
	case !m.s.live():
		return Refused, m.over()
	case m.s.Phase == Acked && !m.s.Climbing && a.By == m.s.Owner:
		return Already, fmt.Sprintf("You have had %s since %s.", m.name(), clock(m.s.AckedAt))
	case m.s.Phase == Acked && !m.s.Climbing:
		return Already, fmt.Sprintf("%s has had %s since %s.", m.s.ownerName(), m.name(), clock(m.s.AckedAt))
	}
	before, beforeAs := m.s.Owner, m.s.ownerName()
	m.take(a)
	text := fmt.Sprintf("%s has it", m.called(a))
	if before != "" && before != a.By {
		text += ", after " + beforeAs
	}
	m.record(EntryAcknowledged, a.actor("somebody"), a.Via, a.Key, text, "note", a.Note)
	m.tellOthers(a.By, fmt.Sprintf("%s has %s.", m.called(a), m.name()))
	if m.s.Update.Due.IsZero() {
		return Done, fmt.Sprintf("You have %s.", m.name())
	}
	return Done, fmt.Sprintf("You have %s. Next update due %s.", m.name(), clock(m.s.Update.Due))
}

// take gives it to whoever answered, and stops the climb.
func (m *machine) take(a Answer) {
	if m.s.Phase != Acked || m.s.AckedAt.IsZero() || m.s.Owner != a.By {
		m.s.AckedAt = m.at
	}
	m.s.Phase, m.s.Owner, m.s.OwnerAs = Acked, a.By, m.called(a)
	m.s.Promises.Ack = Clock{}
	m.stop()
	m.updateClock()
}

// over says why nothing can be done any more.
func (m *machine) over() string {
	if m.s.EndedAt.IsZero() {
		return fmt.Sprintf("%s is closed.", m.name())
	}
	return fmt.Sprintf("%s was resolved at %s by %s.", m.name(), clock(m.s.EndedAt), m.called(m.s.EndedBy))
}

func (m *machine) resolve(a Answer) (Outcome, string) {
	if m.s.Phase == Watched {
		m.s.Phase, m.s.EndedAt, m.s.EndedBy, m.s.CloseAt, m.s.Asked = ResolvedP, m.at, a, m.at.Add(m.s.Plan.Reopen), ""
		m.record(EntryResolved, a.actor("somebody"), a.Via, a.Key, fmt.Sprintf("%s ended the watching", m.called(a)), "note", a.Note)
		return Done, fmt.Sprintf("%s watches its ticket no more.", m.name())
	}
	if !m.s.live() {
		return Already, m.over()
	}
	m.ends(a)
	if m.relapse() {
		return Done, fmt.Sprintf("%s is resolved; its ticket is still open and is watched on.", m.name())
	}
	return Done, fmt.Sprintf("%s is resolved.", m.name())
}

// ends a live escalation.
func (m *machine) ends(a Answer) {
	m.stop()
	m.s.Phase, m.s.EndedAt, m.s.EndedBy = ResolvedP, m.at, a
	m.s.Snooze, m.s.Update, m.s.Resolve, m.s.Promises, m.s.Asked = time.Time{}, Clock{}, Clock{}, Promises{}, ""
	m.s.CloseAt = m.at.Add(m.s.Plan.Reopen)
	m.record(EntryResolved, a.actor("somebody"), a.Via, a.Key, fmt.Sprintf("resolved by %s", m.called(a)), "note", a.Note)
	m.dismiss(fmt.Sprintf("resolved by %s", m.called(a)))
	m.tellOthers(a.By, fmt.Sprintf("%s is resolved, by %s.", m.name(), m.called(a)))
	if m.s.Plan.Reopen <= 0 || m.s.Opening.Vendor != nil {
		m.close()
	}
}

// close ends it for good. When the clock alone says so the entry carries the instant at which it was due.
func (m *machine) close() {
	heard := m.at
	if m.s.Rules >= 2 && m.due(m.s.CloseAt) {
		m.at, m.keeping = m.s.CloseAt, Certain
	}
	m.s.Phase, m.s.ClosedAt, m.s.CloseAt = Closed, m.at, time.Time{}
	m.record(EntryClosed, "belay", "timer", "", "closed")
	m.at, m.keeping = heard, Promptly
}

// escalate is a human asking for more: the next tier, somebody in particular, or a vendor. Who has it keeps it until
// somebody else takes it.
func (m *machine) escalate(a Answer, direction org.Direction, to *org.Target) (Outcome, string) {
	if m.s.Phase == Watched && (to == nil || *to == (org.Target{})) {
		m.record(EntryEscalated, a.actor("somebody"), a.Via, a.Key, fmt.Sprintf("%s escalated ticket %s", m.called(a), m.s.Opening.Watching.Ticket),
			"direction", string(direction), "note", a.Note)
		m.lift(direction, 0)
		return Done, fmt.Sprintf("%s goes to %s.", m.name(), m.tierName())
	}
	m.awake()
	if !m.s.live() {
		return Refused, m.over()
	}
	if to != nil && to.Vendor != "" {
		return m.callVendor(a, to.Vendor)
	}
	said := func(where string) {
		m.record(EntryEscalated, a.actor("somebody"), a.Via, a.Key, fmt.Sprintf("%s escalated to %s", m.called(a), where),
			"direction", string(direction), "note", a.Note)
	}
	switch {
	case to != nil:
		if *to == (org.Target{}) {
			return Refused, "Escalate to whom? Name a person, team, schedule or vendor."
		}
		said(to.String())
		m.aside(to.String(), direction, []org.Target{*to}, nil)
		return Done, fmt.Sprintf("%s goes to %s.", m.name(), to)
	case direction == org.Hierarchic && m.above(org.Hierarchic) < 0 && len(m.holders()) > 0:
		holders := m.holders()
		said("the managers of " + strings.Join(m.names(holders), ", "))
		m.aside("management", direction, nil, holders)
		return Done, fmt.Sprintf("%s goes up to management.", m.name())
	}
	next := m.s.Tier + 1
	if direction != "" && m.above(direction) >= 0 {
		next = m.above(direction)
	}
	m.move(place{tier: min(next, len(m.s.Plan.Tiers)), round: m.s.Round})
	said(m.tierName())
	m.enter(ByHuman, m.tierName()+" is called")
	return Done, fmt.Sprintf("%s goes to %s.", m.name(), m.tierName())
}

// above is the next tier of this direction, or -1.
func (m *machine) above(d org.Direction) int {
	for i := m.s.Tier + 1; i < len(m.s.Plan.Tiers); i++ {
		if m.s.Plan.Tiers[i].Direction == d {
			return i
		}
	}
	return -1
}

// holders are those whose managers a hierarchic escalation goes to: who has it, else who is being told.
func (m *machine) holders() []id.Person {
	if m.s.Owner != "" {
		if _, ours := m.toldOf(m.s.Owner); ours {
			return []id.Person{m.s.Owner}
		}
	}
	var people []id.Person
	for _, p := range m.s.Stand.Pursued {
		people = append(people, p.Responder.Person)
	}
	if len(people) == 0 {
		for _, t := range m.s.Told {
			people = append(people, t.Person)
		}
	}
	return people
}

func (m *machine) names(people []id.Person) []string {
	out := make([]string, len(people))
	for i, p := range people {
		out[i] = m.called(Answer{By: p})
	}
	return out
}

// aside calls people who are not the next tier; silence goes on from the tier where we stand.
func (m *machine) aside(name string, direction org.Direction, targets []org.Target, managersOf []id.Person) {
	m.asideFor(ByHuman, name, direction, targets, managersOf)
}

func (m *machine) asideFor(cause Cause, name string, direction org.Direction, targets []org.Target, managersOf []id.Person) {
	here := m.s.Plan.At(m.s.Tier)
	if direction == "" {
		direction = org.Functional
	}
	m.s.Aside = &org.Tier{
		Name: name, Targets: targets, Direction: direction,
		AckWithin: here.AckWithin, UpdateEvery: here.UpdateEvery, Calendar: here.Calendar,
	}
	m.enter(cause, name+" is called", managersOf...)
}

func (m *machine) callVendor(a Answer, vendor id.Vendor) (Outcome, string) {
	if m.s.Opening.Vendor != nil {
		return Refused, "A vendor's engagement cannot call in another vendor."
	}
	if m.ally(vendor) != nil {
		return Already, fmt.Sprintf("Vendor %s is engaged in %s already.", vendor, m.name())
	}
	m.record(EntryEscalated, a.actor("somebody"), a.Via, a.Key, fmt.Sprintf("%s called in vendor %s", m.called(a), vendor), "note", a.Note)
	m.engage(policy.Engaged{Vendor: vendor, Name: string(vendor)})
	return Done, fmt.Sprintf("Vendor %s is called in for %s.", vendor, m.name())
}

// reassign hands it to somebody else, who must take it. The resolve clock runs on.
func (m *machine) reassign(a Answer, to org.Target) (Outcome, string) {
	switch {
	case m.s.Phase == Watched:
		return m.ticketWord()
	case !m.s.live():
		return Refused, m.over()
	case to == (org.Target{}) || to.Vendor != "":
		return Refused, "Reassign to whom? Name a person, team or schedule."
	}
	m.s.Phase, m.s.Owner, m.s.OwnerAs, m.s.AckedAt = Open, "", "", time.Time{}
	m.record(EntryReassigned, a.actor("somebody"), a.Via, a.Key, fmt.Sprintf("%s reassigned it to %s", m.called(a), to), "note", a.Note)
	m.aside(to.String(), org.Functional, []org.Target{to}, nil)
	return Done, fmt.Sprintf("%s goes to %s, who must take it.", m.name(), to)
}

// snooze holds everything for a while. Whoever snoozes has it.
func (m *machine) snooze(a Answer, until time.Time) (Outcome, string) {
	switch {
	case m.s.Phase == Watched:
		return m.ticketWord()
	case !m.s.live():
		return Refused, m.over()
	case !until.After(m.at):
		return Refused, "Snooze until when? Name an instant that is still to come."
	case until.After(m.at.Add(longestSnooze)):
		return Refused, "A snooze may last seven days at most."
	}
	if m.s.Phase == Open {
		m.take(a)
	}
	m.stop()
	m.s.Snooze, m.s.Update = until, Clock{}
	m.record(EntrySnoozed, a.actor("somebody"), a.Via, a.Key,
		fmt.Sprintf("%s snoozed it until %s", m.called(a), until.UTC().Format("2006-01-02 15:04 UTC")), "note", a.Note)
	return Done, fmt.Sprintf("%s is quiet until %s.", m.name(), until.UTC().Format("2006-01-02 15:04 UTC"))
}

func (m *machine) unsnooze() {
	m.s.Snooze = time.Time{}
	m.record(EntrySnoozed, "belay", "timer", "", "the snooze ended")
	m.again(BySnooze)
}

// note is a word for the record; from whoever has it, it is the update that was due.
func (m *machine) note(a Answer) (Outcome, string) {
	switch {
	case m.s.Phase == Closed:
		return Refused, m.over()
	case strings.TrimSpace(a.Note) == "":
		return Refused, "A note needs words."
	}
	m.record(EntryNoted, a.actor("somebody"), a.Via, a.Key, fmt.Sprintf("%s: %s", m.called(a), a.Note))
	if a.By == m.s.Owner {
		if m.s.Climbing && m.s.Cause == ByUpdate {
			m.stop()
		}
		m.updateClock()
	}
	return Done, fmt.Sprintf("Noted on %s.", m.name())
}

func (m *machine) reopen(a Answer) (Outcome, string) {
	switch m.s.Phase {
	case Watched:
		return m.ticketWord()
	case Open, Acked:
		return Already, fmt.Sprintf("%s is open.", m.name())
	case Closed:
		return Refused, m.over()
	case ResolvedP:
	}
	m.startOver(a, "reopened by "+m.called(a))
	return Done, fmt.Sprintf("%s is open again; %s is called.", m.name(), m.tierName())
}

// startOver opens what was resolved: nobody has it, and the ladder begins from the bottom.
func (m *machine) startOver(a Answer, why string) {
	m.s.Phase, m.s.Owner, m.s.OwnerAs, m.s.AckedAt = Open, "", "", time.Time{}
	m.s.EndedAt, m.s.EndedBy, m.s.CloseAt, m.s.ClosedAt = time.Time{}, Answer{}, time.Time{}, time.Time{}
	m.record(EntryReopened, a.actor("somebody"), a.Via, a.Key, why, "note", a.Note)
	m.begin(BySilence)
}

func (m *machine) prioritise(a Answer, p org.Priority) (Outcome, string) {
	switch {
	case !m.s.live() && m.s.Phase != Watched:
		return Refused, m.over()
	case !slices.Contains(org.Priorities(), p):
		return Refused, fmt.Sprintf("Priority %q is none of P1 to P5.", string(p))
	case p == m.s.Plan.Priority && m.s.Asked == "":
		return Already, fmt.Sprintf("%s is %s.", m.name(), p)
	}
	m.s.ByHand = true
	m.replan(a, p)
	return Done, fmt.Sprintf("%s becomes %s; the ladder follows.", m.name(), p)
}

// tellOthers informs those who asked to hear what others do.
func (m *machine) tellOthers(but id.Person, text string) {
	for _, t := range m.s.Told {
		if t.Updates != nil && t.Person != but {
			m.inform(t, *t.Updates, text)
		}
	}
}

// tellOwner informs whoever has it; else those who are being told; else the first who ever was.
func (m *machine) tellOwner(text string) {
	if t, ok := m.toldOf(m.s.Owner); ok {
		m.inform(t, t.Contact, text)
		return
	}
	any := false
	for _, p := range m.s.Stand.Pursued {
		if t, ok := m.toldOf(p.Responder.Person); ok {
			any = true
			m.inform(t, t.Contact, text)
		}
	}
	if !any && len(m.s.Told) > 0 {
		m.inform(m.s.Told[0], m.s.Told[0].Contact, text)
	}
}

func (m *machine) inform(t Told, by policy.Contact, text string) {
	key := m.key(fmt.Sprintf("told/%s/%s", t.Person, by.Method))
	m.message(key, page.Inform, t.Person, t.Name, by, text)
}
