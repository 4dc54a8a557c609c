package escalation

import (
	"fmt"
	"strings"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

const (
	// patience is how long a tier waits when its policy does not say.
	patience = 15 * time.Minute
	// longestAlarm caps the growing pause between two calls of the catch-all.
	longestAlarm = time.Hour
	// Nobody reachable: try again after firstRetry, twice as long each time, up to longestRetry.
	firstRetry   = 30 * time.Second
	longestRetry = 15 * time.Minute
	// A transient failure of a carrier is tried again this often, each time a step later.
	transientTries = 3
	// longestAlong is how long good news may wait to be written down.
	longestAlong  = 15 * time.Minute
	transientStep = 10 * time.Second
)

// place is where on the ladder a climb can lead.
type place struct{ tier, visit, round, alarms int }

// climbTo is the next place: the tier once more if its policy says so, the next tier, the ladder from below, and in
// the end the catch-all, again and again: the end of a ladder is never silence.
func (s State) climbTo() place {
	last := len(s.Plan.Tiers)
	switch {
	case s.Tier >= last:
		return place{tier: last, round: s.Round, alarms: s.Alarms + 1}
	case s.Aside == nil && s.Visit < s.Plan.Tiers[s.Tier].Repeat:
		return place{tier: s.Tier, visit: s.Visit + 1, round: s.Round}
	case s.Tier+1 < last:
		return place{tier: s.Tier + 1, round: s.Round}
	case s.Round <= s.Plan.Repeat:
		return place{tier: 0, round: s.Round + 1}
	}
	return place{tier: last, round: s.Round}
}

// climb goes one place up.
func (m *machine) climb(cause Cause) {
	to := m.s.climbTo()
	again := to.round > m.s.Round
	m.move(to)
	switch {
	case m.s.Alarms > 0:
		m.enter(cause, fmt.Sprintf("still no answer: %s is called again", m.tierName()))
	case m.s.Tier >= len(m.s.Plan.Tiers):
		m.ended(cause)
	case again:
		m.enter(cause, fmt.Sprintf("the ladder begins again, round %d", m.s.Round))
	case m.s.Visit > 0:
		m.enter(cause, fmt.Sprintf("%s is called again", m.tierName()))
	default:
		m.enter(cause, m.tierName()+" is called")
	}
}

// ended: everybody on the ladder was silent. For a vendor this is what our owner must hear.
func (m *machine) ended(cause Cause) {
	text := fmt.Sprintf("the ladder ended without an answer: %s is called", m.tierName())
	if m.s.Opening.Vendor != nil {
		m.entry(true, EntryOverdue, "belay", "timer", "", "nobody there has answered")
	}
	m.enter(cause, text)
}

// again calls the tier where we stand once more.
func (m *machine) again(cause Cause) { m.enter(cause, m.tierName()+" is called again") }

// begin climbs from the bottom.
func (m *machine) begin(cause Cause) {
	m.move(place{round: 1})
	m.enter(cause, m.tierName()+" is called")
}

func (m *machine) move(to place) {
	m.s.Tier, m.s.Visit, m.s.Round, m.s.Alarms, m.s.Aside = to.tier, to.visit, to.round, to.alarms, nil
}

// tierName is how sentences call the tier where we stand.
func (m *machine) tierName() string {
	tier := m.s.tier()
	switch {
	case m.s.Aside != nil:
		return tier.Name
	case m.s.Tier >= len(m.s.Plan.Tiers) && m.s.Opening.Vendor != nil:
		return "the last of its ladder"
	case m.s.Tier >= len(m.s.Plan.Tiers):
		return "the catch-all"
	}
	plain := fmt.Sprintf("tier %d", m.s.Tier+1)
	if tier.Name == "" || tier.Name == plain {
		return plain
	}
	return fmt.Sprintf("%s (%s)", plain, tier.Name)
}

// enter makes the ladder run at the place where we stand now.
func (m *machine) enter(cause Cause, text string, managersOf ...id.Person) {
	m.s.Climbing, m.s.Cause, m.s.Snooze, m.s.RetryAt, m.s.Update = true, cause, time.Time{}, time.Time{}, Clock{}
	m.record(EntryTier, "belay", "timer", "", text, "cause", string(cause))
	m.resolveClock()
	m.ask(policy.Call{Tier: m.s.tier(), Priority: m.s.Plan.Priority, ManagersOf: managersOf})
}

// ask wants to know who is to be told now.
func (m *machine) ask(call policy.Call) {
	call.At = m.at
	if v := m.s.Opening.Vendor; v != nil {
		call.Vendor = v.Vendor
	}
	m.s.Stand = Stand{Asked: m.key("muster"), AskedAt: m.at, Call: call}
	m.do(Muster{Key: m.s.Stand.Asked, Call: call})
}

// stop ends the climb: somebody has it, or it is over.
func (m *machine) stop() {
	m.s.Climbing, m.s.Cause, m.s.Stand, m.s.RetryAt = false, "", Stand{}, time.Time{}
	m.s.Barren, m.s.Deserts, m.s.Alarms = 0, 0, 0
}

// mustered: the people of the tier are known. Whoever cannot be reached is skipped at once, and backups step in.
func (m *machine) mustered(e Mustered) {
	st := &m.s.Stand
	if e.Key == "" || e.Key != st.Asked || !m.s.Climbing || !m.s.live() {
		return
	}
	roll := e.Roll
	st.Asked, st.AskedAt = "", time.Time{}
	for _, skip := range roll.Skips {
		m.skipped(skip)
	}
	for _, v := range roll.Vendors {
		m.engage(v)
	}
	if len(roll.Targets) == 0 && roll.OpensAt.After(m.at) {
		st.OpensAt = roll.OpensAt
		m.entry(true, EntrySkipped, "belay", "timer", "", "outside hours of cover until "+roll.OpensAt.UTC().Format("2006-01-02 15:04 UTC"))
		return
	}
	st.Backups = append([]policy.Responder(nil), roll.Backups...)
	people := append([]policy.Responder(nil), roll.Targets...)
	for range roll.Unmet {
		if len(st.Backups) == 0 {
			break
		}
		people = append(people, m.nextBackup()...)
	}
	if len(people) == 0 && len(st.Backups) > 0 {
		people = append(people, m.nextBackup()...)
	}
	if len(people) == 0 && len(roll.Vendors) == 0 {
		m.unreachable()
		return
	}
	m.s.Barren, m.s.Deserts = 0, 0
	if m.s.Alarms == 0 && roll.AckBy.After(m.at) {
		st.Ack = Clock{Due: roll.AckBy} // on the tier's calendar already
	} else {
		m.rungClock()
	}
	for _, r := range people {
		m.pursue(r)
	}
	m.settle()
}

func (m *machine) skipped(skip policy.Skip) {
	who := skip.Target
	if skip.Person != "" && !strings.HasSuffix(who, string(skip.Person)) {
		who = fmt.Sprintf("%s (%s)", skip.Target, skip.Person)
	}
	m.record(EntrySkipped, "belay", "timer", "", fmt.Sprintf("%s skipped: %s", who, words(skip.Reason)),
		"target", skip.Target, "person", string(skip.Person), "reason", string(skip.Reason), "detail", skip.Detail)
}

// words says a reason as people would.
func words(r policy.Reason) string {
	switch r {
	case policy.NoShift:
		return "nobody is on call"
	case policy.Away:
		return "away"
	case policy.NoMethod:
		return "no usable contact method"
	case policy.OptedOut:
		return "every contact method is barred"
	case policy.MethodsDead:
		return "every contact method failed"
	case policy.Departed:
		return "no longer in the organisation"
	case policy.OutsideCover:
		return "outside hours of cover"
	case policy.AlreadyTold:
		return "told already in this tier"
	}
	return string(r)
}

// nextBackup is the next one of the tier's backups: everybody behind it, when it is a team.
func (m *machine) nextBackup() []policy.Responder {
	st := &m.s.Stand
	n := 1
	for n < len(st.Backups) && st.Backups[n].For == st.Backups[0].For {
		n++
	}
	next := st.Backups[:n:n]
	st.Backups = append([]policy.Responder(nil), st.Backups[n:]...)
	return next
}

// rungClock gives the present rung its time. The catch-all gets twice as long with every call.
func (m *machine) rungClock() {
	tier := m.s.tier()
	within := tier.AckWithin
	if within <= 0 {
		within = patience
	}
	if m.s.Alarms > 0 {
		within = max(within, min(longestAlarm, within<<min(m.s.Alarms, 10)))
	}
	m.start(&m.s.Stand.Ack, m.at, within, tier.Calendar)
}

// pursue begins to tell one person.
func (m *machine) pursue(r policy.Responder) {
	if len(r.Ladder) == 0 {
		m.skipped(policy.Skip{Target: r.For, Person: r.Person, Reason: policy.NoMethod})
		return
	}
	p := Pursuit{Responder: r, Attempts: 1}
	for _, b := range r.Barred {
		m.record(EntrySkipped, "belay", "timer", "", fmt.Sprintf("%s of %s skipped: %s", b.Method, r.Name, b.Why),
			"person", string(r.Person), "method", string(b.Method), "reason", "barred")
	}
	m.told(p)
	m.send(&p)
	m.s.Stand.Pursued = append(m.s.Stand.Pursued, p)
}

// send uses the present contact.
func (m *machine) send(p *Pursuit) {
	contact := p.Responder.Ladder[p.Step]
	key := m.key(fmt.Sprintf("t%d/%s/%s", m.s.Tier+1, p.Responder.Person, contact.Method))
	if p.Step == len(p.Tries) {
		p.Tries = append(p.Tries, Try{})
	}
	p.Tries[p.Step] = Try{Key: key}
	p.RetryAt, p.NextAt = time.Time{}, time.Time{}
	if p.Step+1 < len(p.Responder.Ladder) {
		p.NextAt = m.at.Add(contact.Wait)
	}
	m.message(key, page.Page, p.Responder.Person, p.Responder.Name, contact, "")
}

// message decides one message of either purpose.
func (m *machine) message(key string, purpose page.Purpose, person id.Person, name string, contact policy.Contact, text string) {
	m.leaves(Sent{Key: key, Person: person, Name: name, Method: contact.Method, By: contact.Channel})
	brief := page.Brief{
		Escalation: m.s.Opening.ID, Title: m.s.Opening.Title, Service: m.s.Opening.ServiceName,
		Priority: m.s.Plan.Priority, Tier: m.s.tier().Name, OpenedAt: m.s.Opening.OpenedAt, Text: text,
	}
	if purpose == page.Page {
		brief.AnswerBy = m.s.Stand.Ack.Due
	}
	if v := m.s.Opening.Vendor; v != nil {
		brief.Vendor = v.Vendor
	}
	what := "paged"
	if purpose == page.Inform {
		what = "informed"
	}
	m.record(EntrySent, "belay", string(contact.Channel), key, fmt.Sprintf("%s %s by %s (%s)", name, what, contact.Channel, contact.Method),
		"person", string(person), "name", name, "method", string(contact.Method), "purpose", string(purpose), "text", text)
	m.do(Send{Key: key, Purpose: purpose, Person: person, Name: name, Method: contact.Method, Channel: contact.Channel, Brief: brief})
}

// leaves remembers a message, so that its receipts are understood.
func (m *machine) leaves(s Sent) {
	m.s.Sent = append(m.s.Sent, s)
	if extra := len(m.s.Sent) - keepSent; extra > 0 {
		m.s.Sent = m.s.Sent[extra:]
	}
}

// settle looks whether anybody is left to be told on this rung, and moves on at once if not.
func (m *machine) settle() {
	st := &m.s.Stand
	for _, p := range st.Pursued {
		if !p.Lost {
			return
		}
	}
	switch {
	case len(st.Backups) > 0:
		m.nextRung()
	case len(st.Pursued) > 0:
		m.unreachable()
	}
}

// nextRung calls the next backup, with a full measure of time.
func (m *machine) nextRung() {
	st := &m.s.Stand
	st.Rung++
	st.Pursued = nil
	m.rungClock()
	for _, r := range m.nextBackup() {
		m.pursue(r)
	}
	if len(st.Pursued) == 0 {
		m.settleEmpty()
	}
}

// settleEmpty is settle for a rung on which nobody could even be tried.
func (m *machine) settleEmpty() {
	if len(m.s.Stand.Backups) > 0 {
		m.nextRung()
		return
	}
	m.unreachable()
}

// unreachable: this tier reaches nobody. The next one is called at once; when nobody at all can be reached we try
// again and again, more and more slowly.
func (m *machine) unreachable() {
	m.s.Barren++
	m.entry(true, EntryUnreachable, "belay", "timer", "", m.tierName()+" reaches nobody")
	last := len(m.s.Plan.Tiers)
	switch {
	case m.s.Tier >= last && m.s.Aside == nil:
		pause := min(longestRetry, firstRetry<<min(m.s.Deserts, 10))
		m.s.Deserts++
		m.s.Barren = 0
		m.s.Stand, m.s.RetryAt = Stand{}, m.at.Add(pause)
		m.entry(true, EntryWarning, "belay", "timer", "", fmt.Sprintf("nobody at all can be reached: trying everybody again at %s", clock(m.s.RetryAt)))
	case m.s.Barren >= last:
		m.move(place{tier: last, round: m.s.Round})
		m.enter(m.s.Cause, "no tier reaches anybody: the catch-all is called")
	default:
		m.climb(m.s.Cause)
	}
}

// reported: a carrier tells what became of a message. A failed one moves on to the next way at once.
func (m *machine) reported(e Reported) {
	r := e.Receipt
	sent := m.sent(r.Key)
	heard := strings.TrimSpace(string(r.Status) + " " + r.Code)
	if sent == nil || sent.Last == heard || m.s.Phase == Closed {
		return
	}
	if r.Class == page.Pending && sent.Last != "" && sent.Last != string(page.Gathered) {
		return // news of the way travels slower than news of the arrival
	}
	sent.Last = heard
	text := sent.heard(r)
	m.keeping = m.receiptKeeping(r.Class)
	m.record(EntryReceipt, "carrier", r.Provider, r.Key, text,
		"status", string(r.Status), "code", r.Code, "provider_id", r.ProviderID, "person", string(sent.Person), "method", string(sent.Method))
	m.keeping = Promptly
	if r.Class == page.Barred {
		m.do(Bar{Key: m.key("bar"), Person: sent.Person, Method: sent.Method, Reason: text})
	}
	if !m.s.Climbing {
		return
	}
	for i := range m.s.Stand.Pursued {
		p := &m.s.Stand.Pursued[i]
		for step, try := range p.Tries {
			if try.Key == r.Key {
				m.receipt(p, step, r.Class)
				return
			}
		}
	}
}

// heard says what became of a message.
func (s Sent) heard(r page.Receipt) string {
	text := fmt.Sprintf("%s to %s (%s): %s", s.By, s.Name, s.Method, strings.ReplaceAll(string(r.Status), "_", " "))
	if r.Reason != "" {
		text += ", " + r.Reason
	}
	return text
}

// Heard is the entry that will be written of a receipt which the ledger of messages has and the timeline has not: good
// news waits for the next entry. It has no number. sent is the entry of the message.
func Heard(sent Entry, r page.Receipt) Entry {
	to := Sent{Name: sent.Detail["name"], Method: id.Method(sent.Detail["method"]), By: org.Channel(sent.Via)}
	return Entry{
		At: r.At, Kind: EntryReceipt, Actor: "carrier", Via: r.Provider, Key: r.Key, Text: to.heard(r), Detail: details(
			"status", string(r.Status), "code", r.Code, "provider_id", r.ProviderID, "person", sent.Detail["person"], "method", sent.Detail["method"]),
	}
}

// receiptKeeping lets good news wait for the next entry, when one is sure to follow soon: a record of its own costs as
// much history as the page itself.
func (m *machine) receiptKeeping(class page.Class) Keeping {
	if m.s.Rules < 2 || class != page.Pending && class != page.Arrived {
		return Promptly
	}
	if next, due := m.s.Wake(); !due || next.Sub(m.at) > longestAlong {
		return Promptly
	}
	return Along
}

func (m *machine) sent(key string) *Sent {
	for i := range m.s.Sent {
		if m.s.Sent[i].Key == key {
			return &m.s.Sent[i]
		}
	}
	return nil
}

func (m *machine) receipt(p *Pursuit, step int, class page.Class) {
	if p.Lost || p.Tries[step].Dead {
		return
	}
	if class == page.Transient && step == p.Step && p.Attempts < transientTries {
		p.RetryAt = m.at.Add(time.Duration(p.Attempts) * transientStep)
		return
	}
	switch class {
	case page.Pending, page.Arrived:
		return
	case page.Transient, page.Dead, page.Barred:
	}
	p.Tries[step].Dead = true
	if step == p.Step {
		m.nextContact(p, class == page.Barred)
	}
	if p.allDead() {
		p.Lost, p.NextAt, p.RetryAt = true, time.Time{}, time.Time{}
		lost := p.Responder
		m.skipped(policy.Skip{Target: lost.For, Person: lost.Person, Reason: policy.MethodsDead})
		m.replace()
	}
}

// nextContact moves on at once. A barred method is not used again further up the ladder.
func (m *machine) nextContact(p *Pursuit, barred bool) {
	method := p.Responder.Ladder[p.Step].Method
	for p.Step+1 < len(p.Responder.Ladder) {
		p.Step++
		p.Attempts = 1
		if barred && p.Responder.Ladder[p.Step].Method == method {
			p.Tries = append(p.Tries, Try{Dead: true})
			continue
		}
		m.send(p)
		return
	}
	p.NextAt, p.RetryAt = time.Time{}, time.Time{}
}

func (p Pursuit) allDead() bool {
	if len(p.Tries) < len(p.Responder.Ladder) {
		return false
	}
	for _, try := range p.Tries {
		if !try.Dead {
			return false
		}
	}
	return true
}

// replace lets a backup step in for somebody whom no method reached, beside those who are still being told.
func (m *machine) replace() {
	st := &m.s.Stand
	for _, p := range st.Pursued {
		if !p.Lost && len(st.Backups) > 0 {
			for _, r := range m.nextBackup() {
				m.pursue(r)
			}
			return
		}
	}
	m.settle()
}

// ticked does everything that is due.
func (m *machine) ticked() {
	if m.s.Phase == ResolvedP {
		if m.due(m.s.CloseAt) {
			m.close()
			return
		}
		m.watchTicked()
		return
	}
	if m.s.Phase == Watched {
		m.watchTicked()
		return
	}
	if !m.s.live() {
		return
	}
	m.watchTicked()
	if !m.s.Snooze.IsZero() {
		if m.due(m.s.Snooze) {
			m.unsnooze()
		}
		return
	}
	m.promisesDue()
	if m.due(m.s.Resolve.Due) {
		m.resolveOverdue()
	}
	if !m.s.Climbing {
		if m.due(m.s.Update.Due) {
			m.updateOverdue()
		}
		return
	}
	st := &m.s.Stand
	switch {
	case m.due(m.s.RetryAt):
		m.begin(m.s.Cause)
	case m.due(st.OpensAt):
		m.ask(st.Call)
	case st.Asked != "" && m.due(st.AskedAt.Add(musterGuard)):
		m.ask(st.Call)
	case m.due(st.Ack.Due):
		m.silent()
	default:
		m.contactsDue()
	}
}

func (m *machine) due(at time.Time) bool { return !at.IsZero() && !m.at.Before(at) }

// silent: nobody on this rung has answered in time.
func (m *machine) silent() {
	st := &m.s.Stand
	names := make([]string, 0, len(st.Pursued))
	for _, p := range st.Pursued {
		names = append(names, p.Responder.Name)
	}
	text := m.tierName() + ": no answer in time"
	if len(names) > 0 {
		text += " from " + strings.Join(names, ", ")
	}
	promised := m.s.Opening.Vendor != nil && m.s.Opening.Vendor.Ack > 0
	m.entry(!promised && m.s.Alarms == 0, EntryOverdue, "belay", "timer", "", text, "clock", "acknowledge")
	if len(st.Backups) > 0 {
		m.nextRung()
		return
	}
	m.climb(m.s.Cause)
}

func (m *machine) contactsDue() {
	for i := range m.s.Stand.Pursued {
		p := &m.s.Stand.Pursued[i]
		switch {
		case p.Lost:
		case m.due(p.RetryAt):
			p.Attempts++
			next := p.NextAt
			m.send(p)
			p.NextAt = next // trying again does not give the contact more time
		case m.due(p.NextAt):
			p.Step++
			p.Attempts = 1
			m.send(p)
		}
	}
}
