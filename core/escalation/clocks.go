package escalation

import (
	"fmt"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/text"
)

// start makes a clock run. Without a calendar the instant is exact; with one it is asked for.
func (m *machine) start(c *Clock, from time.Time, within time.Duration, calendar id.Calendar) {
	*c = Clock{}
	if within <= 0 {
		return
	}
	c.Due = from.Add(within)
	if calendar == "" {
		return
	}
	if !c.Due.After(m.at) {
		c.Due = m.at.Add(within)
	}
	c.Asked = m.key("reckon")
	m.do(Reckon{Key: c.Asked, Calendar: calendar, From: from, For: within})
}

func (m *machine) reckoned(e Reckoned) {
	if e.Key == "" {
		return
	}
	for _, c := range []*Clock{&m.s.Stand.Ack, &m.s.Update, &m.s.Resolve, &m.s.Promises.Ack, &m.s.Promises.Resolve} {
		if c.Asked != e.Key {
			continue
		}
		*c = Clock{Due: e.Due}
		if c == &m.s.Resolve && !e.Due.After(m.at) {
			*c = Clock{} // this promise was broken before the tier was called, and said to be
		}
	}
}

// resolveClock runs from the opening: a move to another tier never restarts it, and a promise that is broken already
// is not broken again.
func (m *machine) resolveClock() {
	tier := m.s.tier()
	if tier.ResolveWithin <= 0 {
		return
	}
	if tier.Calendar == "" && !m.s.Opening.OpenedAt.Add(tier.ResolveWithin).After(m.at) {
		return
	}
	m.start(&m.s.Resolve, m.s.Opening.OpenedAt, tier.ResolveWithin, tier.Calendar)
}

// updateClock runs while somebody has it: silence after an acknowledge climbs again.
func (m *machine) updateClock() {
	if m.s.Phase != Acked || !m.s.Snooze.IsZero() || m.s.Climbing {
		return
	}
	tier := m.s.tier()
	m.start(&m.s.Update, m.at, tier.UpdateEvery, tier.Calendar)
}

func (m *machine) updateOverdue() {
	m.s.Update = Clock{}
	late := fmt.Sprintf("no update from %s in time", m.s.ownerName())
	m.record(EntryOverdue, "belay", "timer", "", late, "clock", "update")
	m.tellOwner(fmt.Sprintf("%s: %s. It climbs; you still have it.", m.name(), late))
	m.climb(ByUpdate)
}

func (m *machine) resolveOverdue() {
	m.s.Resolve = Clock{}
	m.record(EntryOverdue, "belay", "timer", "", "not resolved in time", "clock", "resolve")
	if m.s.Climbing {
		return // it climbs already
	}
	m.tellOwner(fmt.Sprintf("%s is not resolved in time. It climbs; you still have it.", m.name()))
	m.climb(ByResolve)
}

// promise starts what a vendor promised, in its hours of cover.
func (m *machine) promise() {
	v := m.s.Opening.Vendor
	if v == nil {
		return
	}
	m.start(&m.s.Promises.Ack, m.at, v.Ack, v.Cover)
	m.start(&m.s.Promises.Resolve, m.at, v.Resolve, v.Cover)
}

func (m *machine) promisesDue() {
	if m.due(m.s.Promises.Ack.Due) {
		m.s.Promises.Ack = Clock{}
		m.entry(true, EntryOverdue, "belay", "timer", "", fmt.Sprintf("promised to acknowledge within %s and has not", text.Duration(m.s.Opening.Vendor.Ack)))
	}
	if m.due(m.s.Promises.Resolve.Due) {
		m.s.Promises.Resolve = Clock{}
		m.entry(true, EntryOverdue, "belay", "timer", "", fmt.Sprintf("promised to resolve within %s and has not", text.Duration(m.s.Opening.Vendor.Resolve)))
	}
}
