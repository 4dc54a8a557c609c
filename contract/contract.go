// Package contract is all that crosses Temporal: names, IDs, inputs and answers. The API, the workers and foreign
// clients share it; changing a name or a field here changes what runs in production.
package contract

import (
	"fmt"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/ticket"
)

// Workflow types.
const (
	WorkflowEscalation = "Escalation"
	WorkflowVendor     = "Vendor"
)

// Task queues.
const (
	QueueEscalations = "escalations"
)

// TaskTimeout is for how long a worker may have a workflow task in its hands. One that is killed meanwhile delays its
// escalation by this, so it is less than the five seconds that we promise. A task is some milliseconds of work, and up to
// two seconds of looking something up, after which the SDK asks for more time by itself. On a machine so busy that this is
// not enough a task is done again by whoever has time, and from the fourth attempt on the server waits longer each time.
const TaskTimeout = 4 * time.Second

// Activities.
const (
	ActivityMuster  = "Muster"
	ActivityReckon  = "Reckon"
	ActivityCompile = "Compile"
	ActivityEngage  = "Engage"
	ActivitySend    = "Send"
	ActivityBar     = "Bar"
	ActivityRecord  = "Record"
	ActivityJudge   = "Judge"
)

// Messages that a workflow takes, as signal and, for those of humans, as update of the same name.
const (
	Acknowledge = "acknowledge"
	Resolve     = "resolve"
	Escalate    = "escalate"
	Reassign    = "reassign"
	Snooze      = "snooze"
	Note        = "note"
	Reopen      = "reopen"
	Prioritise  = "prioritise"
)

// Messages of machines: signals only.
const (
	SignalRepeat    = "repeat"     // Repeat
	SignalReceipt   = "receipt"    // page.Receipt
	SignalReport    = "report"     // Reports, from a vendor to its escalation
	SignalStandDown = "stand-down" // StandDown, from an escalation to its vendor
	SignalTicket    = "ticket"     // TicketChanged: the ticket that is watched has another version, or other promises
)

const (
	QueryState   = "state"   // answers an escalation.Summary
	QueryMachine = "machine" // answers the whole escalation.State, with the plan frozen in it
)

// Verbs lists the messages of humans.
func Verbs() []string {
	return []string{Acknowledge, Resolve, Escalate, Reassign, Snooze, Note, Reopen, Prioritise}
}

// EscalationID is the workflow ID of an escalation: "escalation/E-42".
func EscalationID(e id.Escalation) string { return "escalation/" + string(e) }

// VendorID is the workflow ID of a vendor's n-th engagement: "vendor/E-42/acmecloud/1".
func VendorID(e id.Escalation, v id.Vendor, number int) string {
	return fmt.Sprintf("vendor/%s/%s/%d", e, v, number)
}

// Word is what a human says to an escalation or to a vendor's engagement: payload of every verb. A plain client
// needs by, via, key and note only.
type Word struct {
	By        id.Person     `json:"by"`
	Name      string        `json:"name,omitempty"`
	Via       string        `json:"via"`
	Key       string        `json:"key,omitempty"`
	Note      string        `json:"note,omitempty"`
	At        time.Time     `json:"at,omitzero"`         // when it was said; it may be heard of later
	Direction org.Direction `json:"direction,omitempty"` // escalate
	To        *org.Target   `json:"to,omitempty"`        // escalate, reassign
	Until     time.Time     `json:"until,omitzero"`      // snooze
	Priority  org.Priority  `json:"priority,omitempty"`  // prioritise
}

// Reply is what the human hears.
type Reply struct {
	Outcome escalation.Outcome `json:"outcome"`
	Text    string             `json:"text"`
	State   escalation.Phase   `json:"state"`
	// Silent is the run's own instant from which on it pages nobody; zero: it goes on, or an earlier release answered.
	Silent time.Time `json:"silent,omitzero"`
}

// Received is the outcome when the word was handed over but nobody could answer in time.
const Received escalation.Outcome = "received"

// Repeat says that the monitor fired again.
type Repeat struct {
	Key      string         `json:"key"`
	Count    int            `json:"count"`
	Severity alert.Severity `json:"severity"`
	At       time.Time      `json:"at,omitzero"` // when it fired last
}

// Reports are steps of a vendor's engagement, in order.
type Reports struct {
	Reports []escalation.Report `json:"reports"`
}

// StandDown ends a vendor's engagement.
type StandDown struct {
	Reason string `json:"reason"`
}

// Start is the input of both workflows. Carried is set by continue-as-new only.
type Start struct {
	Opening escalation.Opening `json:"opening"`
	Carried *escalation.State  `json:"carried,omitempty"`
	// Conversation is the hash of service and dedup key; empty: no alert can join.
	Conversation string `json:"conversation,omitempty"`
	// Ended is the monitor's resolve, of what was over before it could be opened: nobody is called in between.
	Ended *Word `json:"ended,omitempty"`
}

// TicketChanged says that a watched ticket should be looked at. With By somebody recalculated its clocks.
type TicketChanged struct {
	Key     string    `json:"key"`
	Version int       `json:"version"`
	By      id.Person `json:"by,omitempty"`
	Name    string    `json:"name,omitempty"`
	Via     string    `json:"via,omitempty"`
	Note    string    `json:"note,omitempty"`
}

// Inputs and answers of activities that are not values of core already.
type (
	// Reckon asks when For has passed on a calendar of the current revision, counted from From.
	Reckon struct {
		Calendar id.Calendar   `json:"calendar"`
		From     time.Time     `json:"from"`
		For      time.Duration `json:"for"`
	}
	Reckoned struct {
		Due time.Time `json:"due"`
	}
	// Judge asks how a ticket stands, answered by sla.Verdict.
	Judge struct {
		Ticket     ticket.Ref    `json:"ticket"`
		Escalation id.Escalation `json:"escalation"`
		At         time.Time     `json:"at"`
	}
	// Compile asks for the plan that a revision has for another priority.
	Compile struct {
		Revision id.Revision  `json:"revision"`
		Service  id.Service   `json:"service"`
		Kind     org.Kind     `json:"kind"`
		Priority org.Priority `json:"priority"`
	}
	// Engage asks for the opening of a vendor's engagement.
	Engage struct {
		Parent escalation.Summary `json:"parent"`
		Vendor id.Vendor          `json:"vendor"`
		Number int                `json:"number"`
	}
	// Send asks for one message.
	Send struct {
		Key     string       `json:"key"`
		Purpose page.Purpose `json:"purpose"`
		Person  id.Person    `json:"person"`
		Method  id.Method    `json:"method"`
		Brief   page.Brief   `json:"brief"`
		// Hook is told instead of a person.
		Hook *escalation.Hook `json:"hook,omitempty"`
		// At is when it was decided. Every attempt says the same words, so that a carrier can be asked for them.
		At time.Time `json:"at"`
		// Workflow is where receipts go.
		Workflow string `json:"workflow"`
		// Record is what led to this message and is not written down yet: it travels along. Nil: nothing.
		Record *Record `json:"record,omitempty"`
	}
	// Sent is the first receipt of a message.
	Sent struct {
		page.Receipt
		// Recorded: what travelled along has been written down. Otherwise nobody knows, and it must be written again.
		Recorded bool `json:"recorded,omitempty"`
	}
	// Bar asks that a method is not used again.
	Bar struct {
		Person id.Person `json:"person"`
		Method id.Method `json:"method"`
		Reason string    `json:"reason"`
	}
	// Record is one batch of the timeline with the row as it stands after it.
	Record struct {
		Entries []escalation.Entry `json:"entries"`
		Summary escalation.Summary `json:"summary"`
	}
)

// Prior is what is known of earlier attempts to send a message.
type Prior struct {
	Receipt *page.Receipt // it was sent, and this is the first receipt
	Since   time.Time     // an attempt began then and nobody knows how it ended; zero: none
	// Silenced: somebody has answered since the page was decided. What has not left must not leave any more.
	Silenced bool
}
