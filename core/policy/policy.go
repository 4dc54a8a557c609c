// Package policy turns the organisation into a plan for one escalation, and a plan into people at one instant.
// Compile runs once, when an escalation opens: its plan is frozen. Muster runs whenever a tier begins.
package policy

import (
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Plan is the ladder that one escalation, or one vendor's engagement, will climb.
type Plan struct {
	Revision id.Revision   `json:"revision"`
	Policy   id.Policy     `json:"policy"`
	Priority org.Priority  `json:"priority"`
	Tiers    []org.Tier    `json:"tiers"`
	Repeat   int           `json:"repeat,omitempty"`
	CatchAll org.Tier      `json:"catch_all"`
	Reopen   time.Duration `json:"reopen,omitempty"`
	// Owner is told when a vendor is silent and nobody of ours has acknowledged yet.
	Owner id.Team `json:"owner,omitempty"`
}

// Live is what changes between two revisions: made by hand, or learned from carriers.
type Live struct {
	Windows   []org.Window // of maintenance, made by hand
	Overrides []org.Override
	Barred    map[Way]string // methods that must not be used, with the reason ("opted out (21610)")
	Away      map[id.Person][]org.Interval
}

// Way is one method of one person.
type Way struct {
	Person id.Person
	Method id.Method
}

// Directory is everything needed to find people: one revision and what is live.
type Directory struct {
	Revision id.Revision
	Org      *org.Org
	Live     Live
}

// Call asks for the people of one tier.
type Call struct {
	Tier     org.Tier     `json:"tier"`
	Priority org.Priority `json:"priority"`
	At       time.Time    `json:"at"`
	// Vendor is set when the call is made inside a vendor's engagement: its hours of cover then apply.
	Vendor id.Vendor `json:"vendor,omitempty"`
	// ManagersOf adds the managers of these people as targets: a hierarchic escalation without a tier of its own.
	ManagersOf []id.Person `json:"managers_of,omitempty"`
}

// Roll answers a Call: who is to be told, in which order, and who cannot be and why.
type Roll struct {
	Targets []Responder `json:"targets,omitempty"`
	Backups []Responder `json:"backups,omitempty"`
	Vendors []Engaged   `json:"vendors,omitempty"`
	Skips   []Skip      `json:"skips,omitempty"`
	// Unmet is how many targets had nobody reachable behind them: as many backups step in at once.
	Unmet int `json:"unmet,omitempty"`
	// AckBy is when the first rung must have answered, on the tier's calendar.
	AckBy time.Time `json:"ack_by"`
	// OpensAt is set when a vendor is outside its hours of cover: call again then.
	OpensAt time.Time `json:"opens_at,omitzero"`
}

// Responder is a person who can be told now.
type Responder struct {
	Person id.Person `json:"person"`
	Name   string    `json:"name"`
	For    string    `json:"for"` // "schedule payments-primary"
	Ladder []Contact `json:"ladder"`
	// Barred are the rungs of that ladder which must not be used.
	Barred []Barred `json:"barred,omitempty"`
	// Updates is how this person hears what others did; nil: not told.
	Updates *Contact `json:"updates,omitempty"`
}

// Contact is one usable rung of a person's ladder.
type Contact struct {
	Method  id.Method     `json:"method"`
	Channel org.Channel   `json:"channel"`
	Wait    time.Duration `json:"wait,omitempty"`
}

// Barred is a rung that is left out, and why.
type Barred struct {
	Method id.Method `json:"method"`
	Why    string    `json:"why"`
}

// Engaged is a vendor that this tier calls in.
type Engaged struct {
	Vendor id.Vendor `json:"vendor"`
	Name   string    `json:"name"`
}

// Reason says why somebody was not told.
type Reason string

const (
	NoShift      Reason = "no_shift"      // nobody is on call
	Away         Reason = "away"          // known absence
	NoMethod     Reason = "no_method"     // no contact method for this urgency
	OptedOut     Reason = "opted_out"     // every method is barred
	MethodsDead  Reason = "all_failed"    // every method failed when tried
	Departed     Reason = "deprovisioned" // gone from the organisation
	OutsideCover Reason = "outside_cover" // a vendor outside its hours
	AlreadyTold  Reason = "already_told"  // the same person stands twice in this tier
)

// Skip is somebody who was not told.
type Skip struct {
	Target string    `json:"target"` // "schedule payments-primary"
	Person id.Person `json:"person,omitempty"`
	Reason Reason    `json:"reason"`
	Detail string    `json:"detail,omitempty"`
	Backup bool      `json:"backup,omitempty"` // this was a backup, not a target
}
