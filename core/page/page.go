// Package page is one message to one person by one way, and what became of it.
package page

import (
	"errors"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/tongue"
)

// Purpose says why a message is sent. Only a Page asks for an answer.
type Purpose string

const (
	Page   Purpose = "page"   // answer needed
	Inform Purpose = "inform" // for information; never climbs, never retries another way
)

// Brief is what a message is about: enough to render every channel, nothing that must stay inside.
type Brief struct {
	Escalation id.Escalation `json:"escalation"`
	Vendor     id.Vendor     `json:"vendor,omitempty"` // set on messages to a vendor's people
	Title      string        `json:"title"`
	Service    string        `json:"service"` // its name
	Priority   org.Priority  `json:"priority"`
	Tier       string        `json:"tier,omitempty"`
	OpenedAt   time.Time     `json:"opened_at"`
	Text       string        `json:"text,omitempty"` // for Inform: the sentence to say
	AnswerBy   time.Time     `json:"answer_by,omitzero"`
	// Alarm is set on what a webhook is told of a promise about a ticket.
	Alarm *Alarm `json:"alarm,omitempty"`
	// Digest names all that one message tells of, worst first; the fields above are then those of the first. Empty on
	// a message about one escalation.
	Digest []Item `json:"digest,omitempty"`
}

// Alarm is a threshold of a clock, or a trigger, for programs.
type Alarm struct {
	Ticket string    `json:"ticket"`          // "servicenow/INC0010023"
	Clock  id.SLA    `json:"clock,omitempty"` // empty: a trigger's
	Point  string    `json:"point"`           // "resolve-p1/1/80%/webhook-cmdb.example#1f2e3d4c", "trigger/vip": the same for the same alarm
	At     time.Time `json:"at"`              // when it was reached
}

// Item is one of the pages that were gathered into a message.
type Item struct {
	Escalation id.Escalation `json:"escalation"`
	Title      string        `json:"title"`
	Service    string        `json:"service"` // its name
	Priority   org.Priority  `json:"priority"`
	Key        string        `json:"key"` // of the page: "E-42/t1/ana/mobile/3"
}

// Message is ready for a provider: the address is known and the words are chosen.
type Message struct {
	Key     string      `json:"key"` // "E-42/t1/ana/mobile/3": the same key is the same message, whoever sends it again
	Purpose Purpose     `json:"purpose"`
	Person  id.Person   `json:"person"`
	Method  id.Method   `json:"method"`
	Channel org.Channel `json:"channel"`
	// Language of the words, for whoever speaks them; empty: English.
	Language tongue.Language `json:"language,omitempty"`
	To       string          `json:"to"`
	Subject  string          `json:"subject,omitempty"` // e-mail
	Body     string          `json:"body"`              // plain text; what is spoken on a call
	Link     string          `json:"link,omitempty"`    // signed link with which it can be answered
	Brief    Brief           `json:"brief"`
}

// Status is what became of a message, in the words of every channel.
type Status string

const (
	Gathered    Status = "gathered"    // waits, to leave with others in one message
	Withdrawn   Status = "withdrawn"   // it was answered while it waited, and did not leave
	Accepted    Status = "accepted"    // the provider has it
	Delivered   Status = "delivered"   // the provider says it arrived
	Answered    Status = "answered"    // the call was picked up; not an acknowledge
	Undelivered Status = "undelivered" // the provider gave up
	Busy        Status = "busy"
	NoAnswer    Status = "no_answer"
	Machine     Status = "machine"   // voicemail: not an answer
	Failed      Status = "failed"    // refused before it left
	OptedOut    Status = "opted_out" // the person said STOP
)

// Class is what the ladder should make of a status.
type Class string

const (
	Pending   Class = "pending"   // wait
	Arrived   Class = "arrived"   // wait, it is there
	Transient Class = "transient" // try the same way again shortly
	Dead      Class = "dead"      // next method, at once
	Barred    Class = "barred"    // next method, and never this one again until the person asks
)

// Receipt is one report about one message.
type Receipt struct {
	Key        string    `json:"key"`
	Status     Status    `json:"status"`
	Class      Class     `json:"class"`
	Provider   string    `json:"provider,omitempty"`    // "twilio", "smtp", "webhook", "sandbox"
	ProviderID string    `json:"provider_id,omitempty"` // its own name for the message
	Code       string    `json:"code,omitempty"`        // its error code, "30034"
	Reason     string    `json:"reason,omitempty"`      // in words
	At         time.Time `json:"at"`
}

// Overtaken is what became of a page that was wanted when it was decided, and not any more when it was to leave.
func Overtaken(key string, at time.Time) Receipt {
	return Receipt{Key: key, Status: Failed, Class: Dead, Reason: "not sent: it was answered before it could leave", At: at}
}

// Withheld is the same, told to a run that may not have heard of the answer yet: it waits as long as for an answer. Told that the
// page failed, it would hasten up its ladder, and be busy with that when the answer comes.
func Withheld(key string, at time.Time) Receipt {
	return Receipt{Key: key, Status: Withdrawn, Class: Pending, Reason: "not sent: it was answered before it could leave", At: at}
}

// ErrUnsent in the chain of a carrier's error says that nothing left: nobody was asked to deliver the message, so that
// another may be. Every other error leaves open whether it did.
var ErrUnsent = errors.New("nothing was sent")
