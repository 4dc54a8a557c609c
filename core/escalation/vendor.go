package escalation

import (
	"fmt"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// engage calls in a vendor beside the ladder; one that is engaged already goes on as it does.
func (m *machine) engage(v policy.Engaged) {
	if m.ally(v.Vendor) != nil || m.s.Opening.Vendor != nil {
		return
	}
	number := 1
	for _, a := range m.s.Vendors {
		if a.Vendor == v.Vendor {
			number++
		}
	}
	m.s.Vendors = append(m.s.Vendors, Ally{Vendor: v.Vendor, Name: v.Name, Number: number, State: Open})
	m.record(EntryVendor, "belay", "timer", "", fmt.Sprintf("vendor %s is called in", v.Name), "vendor", string(v.Vendor))
	m.do(Engage{Key: m.key("engage/" + string(v.Vendor)), Vendor: v.Vendor, Name: v.Name, Number: number})
}

// ally is the engagement of this vendor that is not over, if there is one.
func (m *machine) ally(v id.Vendor) *Ally {
	for i := range m.s.Vendors {
		if m.s.Vendors[i].Vendor == v && !m.s.Vendors[i].Over {
			return &m.s.Vendors[i]
		}
	}
	return nil
}

// dismiss sends all vendors home.
func (m *machine) dismiss(reason string) {
	for i := range m.s.Vendors {
		a := &m.s.Vendors[i]
		if a.Over {
			continue
		}
		a.Over = true
		m.do(Dismiss{Key: m.key("dismiss/" + string(a.Vendor)), Vendor: a.Vendor, Number: a.Number, Reason: reason})
	}
}

// vendorReported: the escalation hears every step of a vendor, once, and our owner hears of its silence.
func (m *machine) vendorReported(r Report) {
	for i := range m.s.Vendors {
		a := &m.s.Vendors[i]
		if a.Vendor != r.Vendor || a.Number != r.Number {
			continue
		}
		if r.Seq <= a.Heard || m.s.Phase == Closed {
			return
		}
		a.Heard, a.State = r.Seq, r.State
		a.Over = a.Over || r.State == Closed
		m.record(EntryVendor, "vendor "+string(r.Vendor), r.Via, "", fmt.Sprintf("%s: %s", r.Name, r.Text),
			"vendor", string(r.Vendor), "step", string(r.Kind), "actor", r.Actor, "state", string(r.State))
		if !m.s.live() {
			return
		}
		switch {
		case r.Silent:
			m.tellOwner(fmt.Sprintf("%s: vendor %s: %s.", m.name(), r.Name, r.Text))
		case m.s.Owner != "" && (r.Kind == EntryAcknowledged || r.Kind == EntryResolved):
			m.tellOwner(fmt.Sprintf("%s: vendor %s: %s.", m.name(), r.Name, r.Text))
		}
		return
	}
}

// stoodDown ends a vendor's engagement from our side.
func (m *machine) stoodDown(reason string) {
	if m.s.Opening.Vendor == nil || m.s.Phase == Closed {
		return
	}
	m.stop()
	m.s.Promises, m.s.Update, m.s.Resolve = Promises{}, Clock{}, Clock{}
	m.s.Phase, m.s.ClosedAt = Closed, m.at
	m.record(EntryClosed, "belay", "signal", "", "stood down: "+reason)
}

// Wants reports whether an effect decided earlier is still wanted now. The shell asks before it performs one that may
// have waited: nobody is told of what somebody has taken meanwhile.
func (s State) Wants(e Effect) bool {
	switch e := e.(type) {
	case Send:
		if e.Purpose == page.Inform {
			return true // also of the end
		}
		if !s.Climbing || !s.live() {
			return false
		}
		for _, p := range s.Stand.Pursued {
			if p.Step < len(p.Tries) && p.Tries[p.Step].Key == e.Key {
				return true
			}
		}
		return false
	case Judge:
		return s.Watch != nil && s.Watch.Asked == e.Key
	case Muster:
		return s.Stand.Asked == e.Key
	case Engage:
		for _, a := range s.Vendors {
			if a.Vendor == e.Vendor && a.Number == e.Number {
				return !a.Over
			}
		}
		return false
	}
	return true
}
