package web

import (
	"slices"
	"strings"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/page"
)

// rung is one call of a tier as the timeline tells it: who was told and how it went.
type rung struct {
	Entry  escalation.Entry // that began it; zero for what came before the first tier
	People []told
	Notes  []escalation.Entry // skips, vendors, warnings
	Ended  *escalation.Entry  // the answer that stopped it
}

// told is one person of a rung.
type told struct {
	Person   id.Person
	Messages []message
}

// message is one message with the last that was heard of it.
type message struct {
	Entry   escalation.Entry
	Channel string
	Method  string
	Last    *escalation.Entry
}

// ladder reads the climb so far from the timeline. Messages that only inform are not part of it.
func ladder(entries []escalation.Entry) []rung {
	var rungs []rung
	receipts := map[string]escalation.Entry{}
	for _, e := range entries {
		if e.Kind == escalation.EntryReceipt {
			receipts[e.Key] = e
		}
	}
	current := func() *rung {
		if len(rungs) == 0 {
			rungs = append(rungs, rung{})
		}
		return &rungs[len(rungs)-1]
	}
	for _, e := range entries {
		switch e.Kind {
		case escalation.EntryTier:
			rungs = append(rungs, rung{Entry: e})
		case escalation.EntrySent:
			if e.Detail["purpose"] != string(page.Inform) {
				current().tell(e, receipts)
			}
		case escalation.EntrySkipped, escalation.EntryUnreachable, escalation.EntryVendor:
			r := current()
			r.Notes = append(r.Notes, e)
		case escalation.EntryAcknowledged, escalation.EntryResolved:
			if r := current(); r.Ended == nil {
				r.Ended = &e
			}
		case escalation.EntryOpened, escalation.EntryReceipt, escalation.EntryReopened, escalation.EntryClosed,
			escalation.EntryEscalated, escalation.EntryReassigned, escalation.EntrySnoozed, escalation.EntryNoted,
			escalation.EntryPrioritised, escalation.EntryRepeated, escalation.EntryOverdue, escalation.EntryWarning,
			escalation.EntryRefused, escalation.EntryThreshold:
		}
	}
	return rungs
}

func (r *rung) tell(e escalation.Entry, receipts map[string]escalation.Entry) {
	who := id.Person(e.Detail["person"])
	m := message{Entry: e, Channel: e.Via, Method: e.Detail["method"]}
	if heard, ok := receipts[e.Key]; ok && e.Key != "" {
		m.Last = &heard
	}
	same := func(t told) bool { return t.Person == who }
	i := slices.IndexFunc(r.People, same)
	if i < 0 {
		r.People = append(r.People, told{Person: who})
		i = len(r.People) - 1
	}
	r.People[i].Messages = append(r.People[i].Messages, m)
}

// fate says what became of a message, and whether that was good, bad or not known yet.
func (m message) fate() (text, class string) {
	if m.Last == nil {
		return "sent", "waiting"
	}
	status := page.Status(m.Last.Detail["status"])
	text = strings.ReplaceAll(string(status), "_", " ")
	if code := m.Last.Detail["code"]; code != "" {
		text += " " + code
	}
	switch status {
	case page.Delivered, page.Answered:
		return "✓ " + text, "good"
	case page.Accepted, page.Gathered, page.Withdrawn:
		return text, "waiting"
	case page.Undelivered, page.Busy, page.NoAnswer, page.Machine, page.Failed, page.OptedOut:
		return "✕ " + text, "bad"
	}
	return text, "waiting"
}
