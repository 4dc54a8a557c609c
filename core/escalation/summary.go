package escalation

import (
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Phase is the state of an escalation as everybody outside knows it.
type Phase string

const (
	Watched   Phase = "watching" // its ticket's clocks run, nobody is called
	Open      Phase = "open"
	Acked     Phase = "acknowledged"
	ResolvedP Phase = "resolved" // can still be reopened
	Closed    Phase = "closed"
)

// Phases lists them, in the order in which an escalation may have them.
func Phases() []Phase { return []Phase{Watched, Open, Acked, ResolvedP, Closed} }

// Summary is the row of an escalation: what lists and pages show. It is replaced by later ones, never merged.
type Summary struct {
	ID             id.Escalation  `json:"id"`
	State          Phase          `json:"state"`
	Title          string         `json:"title"`
	Service        id.Service     `json:"service"`
	Unit           id.Unit        `json:"unit,omitempty"`
	Kind           org.Kind       `json:"kind"`
	Priority       org.Priority   `json:"priority"`
	Severity       alert.Severity `json:"severity"`
	Revision       string         `json:"revision"`
	Policy         id.Policy      `json:"policy"`
	Tier           int            `json:"tier"`      // from 1; 0 before the first; len(tiers)+1 is the catch-all
	TierName       string         `json:"tier_name"` //
	Round          int            `json:"round"`     // climbs of the whole ladder, from 1
	OpenedAt       time.Time      `json:"opened_at"`
	AcknowledgedAt time.Time      `json:"acknowledged_at,omitzero"`
	AcknowledgedBy id.Person      `json:"acknowledged_by,omitempty"`
	ResolvedAt     time.Time      `json:"resolved_at,omitzero"`
	ResolvedBy     id.Person      `json:"resolved_by,omitempty"`
	ResolveSaidAt  time.Time      `json:"resolve_said_at,omitzero"` // may be earlier than it was heard; zero: not known
	ClosedAt       time.Time      `json:"closed_at,omitzero"`
	SnoozedUntil   time.Time      `json:"snoozed_until,omitzero"`
	UpdateBy       time.Time      `json:"update_by,omitzero"`
	ResolveBy      time.Time      `json:"resolve_by,omitzero"`
	Repeats        int            `json:"repeats"`
	Canary         bool           `json:"canary,omitempty"` // an alert of ours to ourselves: told to a robot, counted nowhere
	Ticket         string         `json:"ticket,omitempty"` // that it watches: "servicenow/INC0010023"
	Told           []id.Person    `json:"told,omitempty"`   // everybody who was paged, in order of the first page
	Next           Next           `json:"next"`
	Seq            int            `json:"seq"`             // of the last entry: a row is only replaced by one with a higher number
	Looks          int            `json:"looks,omitempty"` // how often it was shown without an entry: of rows with the same number the higher one counts
}

// Next is the next automatic action.
type Next struct {
	At     time.Time `json:"at,omitzero"`
	Action string    `json:"action"` // "page", "climb", "update_due", "resolve_due", "wake", "close", "judge", or what a promise does: "warn", "raise", "escalate", "bring_in", "webhook"; "none"
	Target string    `json:"target,omitempty"`
}
