package escalation

import (
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// Effect is something the machine wants done. Each has a key that no other effect of this escalation ever has.
type Effect interface{ EffectKey() string }

type (
	// Muster asks who is to be told in a tier. Answered by Mustered.
	Muster struct {
		Key  string
		Call policy.Call
	}
	// Reckon asks when a duration ends on a calendar. Answered by Reckoned.
	Reckon struct {
		Key      string
		Calendar id.Calendar
		From     time.Time
		For      time.Duration
	}
	// Compile asks for the plan of another priority, from the frozen revision. Answered by Planned.
	Compile struct {
		Key      string
		Revision id.Revision
		Service  id.Service
		Kind     org.Kind
		Priority org.Priority
	}
	// Send tells one person by one method, or a webhook of a promise. Answered by Reported.
	Send struct {
		Key     string
		Purpose page.Purpose
		Person  id.Person
		Name    string
		Method  id.Method
		Channel org.Channel
		Brief   page.Brief
		Hook    *Hook // instead of a person and a method
	}
	// Bar says that a method must not be used again until the person asks for it.
	Bar struct {
		Key    string
		Person id.Person
		Method id.Method
		Reason string
	}
	// Engage starts a vendor's engagement beside the ladder.
	Engage struct {
		Key    string
		Vendor id.Vendor
		Name   string
		Number int
	}
	// Dismiss ends a vendor's engagement.
	Dismiss struct {
		Key    string
		Vendor id.Vendor
		Number int
		Reason string
	}
	// Tell reports a vendor's step to the escalation that engaged it.
	Tell struct {
		Key    string
		Report Report
	}
	// Record writes one entry of the timeline.
	Record struct {
		Key     string
		Entry   Entry
		Keeping Keeping
	}
	// Show writes the row as it stands: what is due has changed, and there is nothing to say about it.
	Show struct{ Key string }
	// Reply answers the human whose event this was.
	Reply struct {
		Key     string // the answer's key
		Outcome Outcome
		Text    string
	}
)

func (e Muster) EffectKey() string  { return e.Key }
func (e Reckon) EffectKey() string  { return e.Key }
func (e Compile) EffectKey() string { return e.Key }
func (e Send) EffectKey() string    { return e.Key }
func (e Bar) EffectKey() string     { return e.Key }
func (e Engage) EffectKey() string  { return e.Key }
func (e Dismiss) EffectKey() string { return e.Key }
func (e Tell) EffectKey() string    { return e.Key }
func (e Record) EffectKey() string  { return e.Key }
func (e Show) EffectKey() string    { return e.Key }
func (e Reply) EffectKey() string   { return e.Key }

// Hook names a webhook of a promise: its address stays with the revision that knows it.
type Hook struct {
	Revision id.Revision `json:"revision"`
	Name     string      `json:"name"` // "cmdb.example#1f2e3d4c"
}

// Keeping says how soon an entry must be written down.
type Keeping string

const (
	Promptly Keeping = ""
	// Along: good news, and something is due soon. It may wait for the next entry; the ledger of messages has it already.
	Along Keeping = "along"
	// Certain: the clock alone decided it. No other order of events leads elsewhere, so it may be written before the
	// decision is in history.
	Certain Keeping = "certain"
)

// Outcome of a human's word.
type Outcome string

const (
	Done    Outcome = "done"    // it changed something
	Already Outcome = "already" // somebody was first, or it was so before
	Refused Outcome = "refused" // the state does not allow it
)

// EntryKind says what an entry of the timeline is about.
type EntryKind string

const (
	EntryOpened       EntryKind = "opened"
	EntryTier         EntryKind = "tier"    // a tier, a round of it, or the catch-all begins
	EntrySent         EntryKind = "message" // a message was decided
	EntryReceipt      EntryKind = "receipt"
	EntrySkipped      EntryKind = "skipped"
	EntryAcknowledged EntryKind = "acknowledged"
	EntryResolved     EntryKind = "resolved"
	EntryReopened     EntryKind = "reopened"
	EntryClosed       EntryKind = "closed"
	EntryEscalated    EntryKind = "escalated" // by a human
	EntryReassigned   EntryKind = "reassigned"
	EntrySnoozed      EntryKind = "snoozed"
	EntryNoted        EntryKind = "note"
	EntryPrioritised  EntryKind = "priority"
	EntryRepeated     EntryKind = "repeated"
	EntryOverdue      EntryKind = "overdue"   // a clock ran out: ack, update, resolve
	EntryThreshold    EntryKind = "threshold" // of a clock, or a trigger: what a ticket promised
	EntryVendor       EntryKind = "vendor"
	EntryUnreachable  EntryKind = "unreachable" // a tier reached nobody
	EntryWarning      EntryKind = "warning"
	EntryRefused      EntryKind = "refused"
)

// Entry is one line of the timeline. Entries are numbered from 1 without gaps and never change.
type Entry struct {
	Seq    int               `json:"seq"`
	At     time.Time         `json:"at"`
	Kind   EntryKind         `json:"kind"`
	Actor  string            `json:"actor"`         // a person, "belay", "monitor", "vendor acmecloud"
	Via    string            `json:"via,omitempty"` // "sms", "link", "timer", …
	Key    string            `json:"key,omitempty"` // of the message or answer it is about
	Text   string            `json:"text"`          // one English sentence
	Detail map[string]string `json:"detail,omitempty"`
	// Unwritten: it is known and will be written with the next entry; two of them may still change places.
	Unwritten bool `json:"unwritten,omitempty"`
}
