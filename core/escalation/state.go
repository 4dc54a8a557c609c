package escalation

import (
	"slices"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
)

// CurrentRules is the newest behaviour version. Which effects happen in which order may only change behind a new number.
// A run keeps the number that its opening says; one that says none goes by the first.
//
//	2: entries travel with the message that they lead to, good news with the next entry; at CloseAt it is over,
//	   whatever else is heard then; an acknowledge after the end is on record.
//	3: tickets are watched.
//	4: what happens next by itself is shown when a ticket's clocks move, also without an entry; webhooks are told.
const CurrentRules = 4

// State is everything an escalation knows. It is a value: Step returns a new one and leaves the old one as it was.
type State struct {
	Rules    int            `json:"rules"`
	Opening  Opening        `json:"opening"` // as it began; its plan has moved to Plan
	Plan     policy.Plan    `json:"plan"`
	Phase    Phase          `json:"phase"`
	Severity alert.Severity `json:"severity"` // the worst so far
	Repeats  int            `json:"repeats,omitempty"`

	// Climbing: the ladder runs and somebody must answer. Nobody is paged while it is false.
	Climbing bool      `json:"climbing,omitempty"`
	Cause    Cause     `json:"cause,omitempty"`    // why it climbs
	Tier     int       `json:"tier"`               // index into Plan.Tiers; len(Plan.Tiers) is the catch-all
	Aside    *org.Tier `json:"aside,omitempty"`    // a tier made by hand (reassigned, escalated to somebody), instead of Tier
	Visit    int       `json:"visit,omitempty"`    // further rounds of this tier already made
	Round    int       `json:"round"`              // climbs of the whole ladder, from 1
	Alarms   int       `json:"alarms,omitempty"`   // how often the catch-all was called
	Stand    Stand     `json:"stand"`              // the people of the tier, and how far we got with them
	RetryAt  time.Time `json:"retry_at,omitzero"`  // nobody could be reached at all: try again then
	Barren   int       `json:"barren,omitempty"`   // tiers in a row that reached nobody
	Deserts  int       `json:"deserts,omitempty"`  // times in a row that nobody at all could be reached
	Asked    string    `json:"asked,omitempty"`    // key of a Compile that is not answered yet
	ByHand   bool      `json:"by_hand,omitempty"`  // a human chose the priority: severities no longer raise it
	AskedFor Answer    `json:"asked_for,omitzero"` // who wanted that plan
	Resolve  Clock     `json:"resolve_clock"`      // from the opening; a move never restarts it
	Update   Clock     `json:"update_clock"`       // runs while acknowledged
	Snooze   time.Time `json:"snooze,omitzero"`    // until then nothing happens by itself
	CloseAt  time.Time `json:"close_at,omitzero"`  // resolved for good
	Promises Promises  `json:"promises,omitzero"`  // of a vendor
	Watch    *Watch    `json:"watch,omitempty"`    // of a ticket
	Owner    id.Person `json:"owner,omitempty"`    // who has it
	OwnerAs  string    `json:"owner_as,omitempty"` // how to call them
	AckedAt  time.Time `json:"acked_at,omitzero"`  // the first acknowledge since it was opened or reopened
	EndedAt  time.Time `json:"ended_at,omitzero"`  // resolved
	EndedBy  Answer    `json:"ended_by,omitzero"`  // who resolved it
	ClosedAt time.Time `json:"closed_at,omitzero"` //
	Told     []Told    `json:"told,omitempty"`     // everybody who was ever paged, in order
	Sent     []Sent    `json:"sent,omitempty"`     // the last messages: what receipts are about
	Vendors  []Ally    `json:"vendors,omitempty"`  // engagements, in order
	Seen     []Said    `json:"seen,omitempty"`     // answers given, so that a second delivery hears the same
	Seq      int       `json:"seq"`                // of the last entry
	Keys     int       `json:"keys"`               // effects numbered so far
}

// Cause of a climb.
type Cause string

const (
	BySilence  Cause = "silence"  // nobody has answered yet
	ByUpdate   Cause = "update"   // acknowledged, then silent
	ByResolve  Cause = "resolve"  // not resolved in time
	BySeverity Cause = "severity" // it got worse
	ByHuman    Cause = "human"    // escalated or reassigned
	BySnooze   Cause = "snooze"   // a snooze ended
	ByPromise  Cause = "promise"  // a threshold of a clock, or a trigger of a ticket
)

// Stand is where we are with the people of one tier.
type Stand struct {
	Asked   string             `json:"asked,omitempty"` // key of a Muster that is not answered yet
	AskedAt time.Time          `json:"asked_at,omitzero"`
	Call    policy.Call        `json:"call,omitzero"`     // what was asked
	Rung    int                `json:"rung,omitempty"`    // 0 targets, then one backup after the other
	Pursued []Pursuit          `json:"pursued,omitempty"` // who is being told
	Backups []policy.Responder `json:"backups,omitempty"` // not called yet
	Ack     Clock              `json:"ack"`               // when this rung gives up
	OpensAt time.Time          `json:"opens_at,omitzero"` // a vendor's hours of cover begin
}

// Pursuit is one person being told, contact after contact.
type Pursuit struct {
	Responder policy.Responder `json:"responder"`
	Step      int              `json:"step"`              // of the contact in use
	Tries     []Try            `json:"tries"`             // the last message of each contact used so far
	NextAt    time.Time        `json:"next_at,omitzero"`  // when the next contact is due; zero: no more contacts
	RetryAt   time.Time        `json:"retry_at,omitzero"` // when the contact in use is tried again
	Attempts  int              `json:"attempts"`          // of the contact in use
	Lost      bool             `json:"lost,omitempty"`    // every contact failed
}

// Try is the last message by one contact.
type Try struct {
	Key  string `json:"key"`
	Dead bool   `json:"dead,omitempty"`
}

// Clock is an instant by which something is due. On a calendar the instant is first a guess in wall time, which the
// answer to Asked replaces: a late answer can only make us early, never silent.
type Clock struct {
	Due   time.Time `json:"due,omitzero"`
	Asked string    `json:"asked,omitempty"`
}

// Promises of a vendor.
type Promises struct {
	Ack     Clock `json:"ack,omitzero"`
	Resolve Clock `json:"resolve,omitzero"`
}

// Told is somebody who was paged, and how to tell them more.
type Told struct {
	Person  id.Person       `json:"person"`
	Name    string          `json:"name"`
	Contact policy.Contact  `json:"contact"` // the quietest way that reaches them: not a call, if there is another
	Updates *policy.Contact `json:"updates,omitempty"`
}

// Sent is a message whose receipts may still come.
type Sent struct {
	Key    string      `json:"key"`
	Person id.Person   `json:"person"`
	Name   string      `json:"name"`
	Method id.Method   `json:"method"`
	By     org.Channel `json:"by"`
	Last   string      `json:"last,omitempty"` // status and code last heard
}

// Ally is a vendor's engagement as the escalation sees it.
type Ally struct {
	Vendor id.Vendor `json:"vendor"`
	Name   string    `json:"name"`
	Number int       `json:"number"`
	State  Phase     `json:"state"`
	Heard  int       `json:"heard"` // number of the last report
	Over   bool      `json:"over,omitempty"`
}

// Said is an answer that was given.
type Said struct {
	Key     string  `json:"key"`
	Outcome Outcome `json:"outcome,omitempty"`
	Text    string  `json:"text,omitempty"`
}

// How much an escalation remembers: history carries the state at every continue-as-new.
const (
	keepSeen = 300
	keepSent = 120
)

// clone copies what Step may change in place.
func (s State) clone() State {
	s.Stand.Pursued = slices.Clone(s.Stand.Pursued)
	for i := range s.Stand.Pursued {
		s.Stand.Pursued[i].Tries = slices.Clone(s.Stand.Pursued[i].Tries)
	}
	s.Stand.Backups = slices.Clone(s.Stand.Backups)
	s.Told = slices.Clone(s.Told)
	s.Sent = slices.Clone(s.Sent)
	s.Vendors = slices.Clone(s.Vendors)
	s.Seen = slices.Clone(s.Seen)
	return s
}

// Over reports whether nothing can happen any more.
func (s State) Over() bool { return s.Phase == Closed }

// live: somebody may still have to be told.
func (s State) live() bool { return s.Phase == Open || s.Phase == Acked }

// endSaid is when the end was said; zero when nobody knows, or when there is none.
func (s State) endSaid() time.Time {
	if s.EndedBy.At.After(s.EndedAt) {
		return s.EndedAt // a clock that is ahead
	}
	return s.EndedBy.At
}

// tier is the one being called now.
func (s State) tier() org.Tier {
	if s.Aside != nil {
		return *s.Aside
	}
	return s.Plan.At(s.Tier)
}
