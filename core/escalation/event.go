package escalation

import (
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// Event is something that happened to an escalation. Every event carries its instant: the machine has no clock.
type Event interface{ When() time.Time }

// Answer is what a human (or a system for one) said, whichever way it came. The key makes a second delivery harmless.
type Answer struct {
	By   id.Person `json:"by"`             // a person, or a name such as "token:noc" or "monitor"
	Name string    `json:"name,omitempty"` // how to call them in words; By when empty
	Via  string    `json:"via"`            // "sms", "voice", "link", "api", "signal", "sandbox", "events"
	Key  string    `json:"key,omitempty"`
	Note string    `json:"note,omitempty"`
	At   time.Time `json:"at,omitzero"` // when it was said, if that is known: it may be heard of later
}

type (
	// Opened is always the first event.
	Opened struct {
		At      time.Time
		Opening Opening
	}
	// Ticked says that the instant Wake asked for has come.
	Ticked struct{ At time.Time }
	// Mustered answers a Muster effect.
	Mustered struct {
		At   time.Time
		Key  string
		Roll policy.Roll
	}
	// Reckoned answers a Reckon effect.
	Reckoned struct {
		At  time.Time
		Key string
		Due time.Time
	}
	// Planned answers a Compile effect.
	Planned struct {
		At   time.Time
		Key  string
		Plan policy.Plan
	}
	// Unplanned says that a Compile has no answer yet, or will never have one.
	Unplanned struct {
		At    time.Time
		Key   string
		Final bool
	}
	// Reported is news about a message: from the send itself, or from the carrier later.
	Reported struct {
		At      time.Time
		Receipt page.Receipt
	}
	Acknowledged struct {
		At     time.Time
		Answer Answer
	}
	Resolved struct {
		At     time.Time
		Answer Answer
	}
	// Escalated is a human asking for the next tier. To is optional.
	Escalated struct {
		At        time.Time
		Answer    Answer
		Direction org.Direction
		To        *org.Target
	}
	Reassigned struct {
		At     time.Time
		Answer Answer
		To     org.Target
	}
	Snoozed struct {
		At     time.Time
		Answer Answer
		Until  time.Time
	}
	Noted struct {
		At     time.Time
		Answer Answer
	}
	Reopened struct {
		At     time.Time
		Answer Answer
	}
	Prioritised struct {
		At       time.Time
		Answer   Answer
		Priority org.Priority
	}
	// Repeated says that the monitor fired again, Count times since it was last said.
	Repeated struct {
		At       time.Time
		Key      string
		Count    int
		Severity alert.Severity
		Fired    time.Time // the last time, if that is known: it may be heard of later
	}
	// VendorReported is a step of a vendor's engagement, told to the escalation that engaged it.
	VendorReported struct {
		At     time.Time
		Report Report
	}
	// StoodDown ends a vendor's engagement from our side.
	StoodDown struct {
		At     time.Time
		Reason string
	}
)

func (e Opened) When() time.Time         { return e.At }
func (e Ticked) When() time.Time         { return e.At }
func (e Mustered) When() time.Time       { return e.At }
func (e Reckoned) When() time.Time       { return e.At }
func (e Planned) When() time.Time        { return e.At }
func (e Unplanned) When() time.Time      { return e.At }
func (e Reported) When() time.Time       { return e.At }
func (e Acknowledged) When() time.Time   { return e.At }
func (e Resolved) When() time.Time       { return e.At }
func (e Escalated) When() time.Time      { return e.At }
func (e Reassigned) When() time.Time     { return e.At }
func (e Snoozed) When() time.Time        { return e.At }
func (e Noted) When() time.Time          { return e.At }
func (e Reopened) When() time.Time       { return e.At }
func (e Prioritised) When() time.Time    { return e.At }
func (e Repeated) When() time.Time       { return e.At }
func (e VendorReported) When() time.Time { return e.At }
func (e StoodDown) When() time.Time      { return e.At }

// Opening is everything an escalation knows when it begins: the input of the workflow.
type Opening struct {
	ID          id.Escalation  `json:"id"`
	Title       string         `json:"title"`
	Source      string         `json:"source,omitempty"`
	Severity    alert.Severity `json:"severity"`
	Service     id.Service     `json:"service"`
	ServiceName string         `json:"service_name"`
	Unit        id.Unit        `json:"unit,omitempty"`
	Impact      int            `json:"impact,omitempty"` // of the service: a worse severity may raise the priority
	Kind        org.Kind       `json:"kind"`
	Plan        policy.Plan    `json:"plan"`
	OpenedAt    time.Time      `json:"opened_at"`
	By          Answer         `json:"by"` // who or what opened it
	// Rules is the behaviour version by which it goes, at most CurrentRules of every worker; 0: the first.
	Rules int `json:"rules,omitempty"`
	// Canary: nobody's alert. It is told to a robot, and counted nowhere.
	Canary bool `json:"canary,omitempty"`
	// Watching is set when its life is that of a ticket; from rules 3 on.
	Watching *Watching `json:"watching,omitempty"`
	// Vendor is set when this is a vendor's engagement inside another escalation.
	Vendor *Engagement `json:"vendor,omitempty"`
}

// Engagement is what makes a vendor's ladder different from our own.
type Engagement struct {
	Vendor  id.Vendor     `json:"vendor"`
	Name    string        `json:"name"`
	Cover   id.Calendar   `json:"cover,omitempty"`
	Ack     time.Duration `json:"ack,omitempty"`     // promise
	Resolve time.Duration `json:"resolve,omitempty"` // promise
	Number  int           `json:"number"`            // the n-th engagement of this vendor in this escalation
}

// Report is a vendor's step as its escalation hears it.
type Report struct {
	Vendor id.Vendor `json:"vendor"`
	Name   string    `json:"name"`
	Number int       `json:"number"`
	Seq    int       `json:"seq"`  // of the vendor's own entry: a repeated report is recognised
	Kind   EntryKind `json:"kind"` // of the vendor's entry
	Actor  string    `json:"actor,omitempty"`
	Via    string    `json:"via,omitempty"`
	Text   string    `json:"text"`
	State  Phase     `json:"state"`
	Silent bool      `json:"silent,omitempty"` // a promise or a rung passed in silence: our owner must hear
	At     time.Time `json:"at"`
}
