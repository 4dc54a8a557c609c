package contract

import (
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/id"
)

// WorkflowConversation stands in for the inbox while our records are away: one run for each service and dedup key that
// is heard of meanwhile.
const WorkflowConversation = "Conversation"

// Activities of a conversation.
const (
	ActivityPlace     = "Place"
	ActivityReconcile = "Reconcile"
)

// SignalEvent hands an Event to a conversation.
const SignalEvent = "event"

// UpdatePlaced waits until the event with this ident has been placed: Asked, answered by Placed.
const UpdatePlaced = "placed"

// ConversationID is the workflow ID of a conversation, by the hash of its service and dedup key.
func ConversationID(hash string) string { return "dark/" + hash }

// Event is what came in at the door while the records were away.
type Event struct {
	Ident       string         `json:"ident"` // of this delivery: one that is handed over twice is heard once
	Integration id.Integration `json:"integration,omitempty"`
	Service     id.Service     `json:"service"`
	Format      string         `json:"format"`
	Key         string         `json:"key,omitempty"` // sender's idempotency key
	Alert       alert.Alert    `json:"alert"`
	Raw         []byte         `json:"raw,omitempty"` // as received; left out when it is long
	ReceivedAt  time.Time      `json:"received_at"`
	// Fresh: the records had only just gone. What was opened by then may not be findable yet.
	Fresh bool `json:"fresh,omitempty"`
}

// Conversation is the input of the workflow. Carried is set by continue-as-new only.
type Conversation struct {
	Hash     string     `json:"hash"`
	Service  id.Service `json:"service"`
	DedupKey string     `json:"dedup_key"`
	Carried  *Talk      `json:"carried,omitempty"`
}

// Talk is what a conversation has come to.
type Talk struct {
	Current id.Escalation   `json:"current,omitempty"` // the one that the alert is about; empty: none
	Worst   alert.Severity  `json:"worst,omitempty"`   // that it has been told of
	Over    []id.Escalation `json:"over,omitempty"`    // found to be over, or ended by the monitor
	Said    int             `json:"said"`              // words numbered so far
	Heard   []Asked         `json:"heard,omitempty"`   // the last deliveries, oldest first
	Led     []Placed        `json:"led,omitempty"`     // what each of them led to, when that is known
	Queue   []Event         `json:"queue,omitempty"`   // not placed yet
	Kept    []Led           `json:"kept,omitempty"`    // placed, and not in our records yet
}

// Asked names a delivery.
type Asked struct {
	Ident string `json:"ident"`
}

// Placed is what became of a delivery: an escalation, or none.
type Placed struct {
	Ident      string        `json:"ident"`
	Escalation id.Escalation `json:"escalation,omitempty"`
}

// Place asks for the escalation of a conversation: one that is open, or else, for a trigger, the start of a new one.
type Place struct {
	Hash  string          `json:"hash"`
	Event Event           `json:"event"`
	Not   []id.Escalation `json:"not,omitempty"`   // known to be over
	Blind bool            `json:"blind,omitempty"` // do not look: looking has failed
}

// Place's answer: one of them, or neither when nothing is open and the event opens nothing.
type Found struct {
	Open  id.Escalation `json:"open,omitempty"`
	Start *Start        `json:"start,omitempty"`
}

// Led is an event and what it led to. Count is how many more like it came after it and were not kept one by one.
type Led struct {
	Event      Event         `json:"event"`
	Escalation id.Escalation `json:"escalation,omitempty"`
	Start      *Start        `json:"start,omitempty"` // it opened this escalation
	Note       string        `json:"note,omitempty"`  // why it led to nothing
	Count      int           `json:"count,omitempty"`
}

// Reconcile is one batch of a conversation, in order, for the inbox.
type Reconcile struct {
	Hash     string     `json:"hash"`
	Service  id.Service `json:"service"`
	DedupKey string     `json:"dedup_key"`
	Led      []Led      `json:"led"`
}
