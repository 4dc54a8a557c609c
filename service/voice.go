package service

import (
	"context"
	"fmt"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/reply"
)

// Call is a telephone call of ours that somebody, or something, picked up.
type Call struct {
	Key     string // of the message that it carries
	SID     string // the carrier's name for the call
	Digits  string // keys pressed; empty when it was just answered
	Machine bool   // a mailbox picked up
}

// Speech is what to say on a call. With Listen the caller may press a key afterwards, else the call ends.
type Speech struct {
	Text   string
	Listen bool
}

// Voice answers what to say on a call, or takes the key that was pressed. Picking up is not an answer, and neither is
// a mailbox: only a key is.
func (r *Replies) Voice(ctx context.Context, call Call) Speech {
	sent, err := sentBy(ctx, r.Messages, call.Key)
	if fault.Is(err, fault.NotFound) {
		return Speech{Text: "This call is not known here. Goodbye."}
	}
	if err != nil {
		return Speech{Text: r.sorry(ctx, err)}
	}
	if call.Digits == "" {
		return r.speech(ctx, sent)
	}
	pressed, err := reply.ParseDigit(call.Digits)
	if err != nil {
		return Speech{Text: sentence(err), Listen: true}
	}
	verb, w, ok := word(reply.Reply{Verb: pressed}, call.SID+"/"+call.Digits, r.Now())
	if !ok {
		return Speech{Text: sent.Message.Body, Listen: true}
	}
	if digest, ok := DigestOf(sent.Workflow); ok {
		if pressed == reply.Resolve {
			return Speech{Text: resolveOneWay, Listen: true}
		}
		return Speech{Text: r.sayAll(ctx, sent.Message.Person, "voice", digest, verb, w)}
	}
	caller := callerFor(r.Organisation.Current(), sent.Message.Person, "voice")
	return Speech{Text: r.say(ctx, caller, sent.Workflow, verb, w)}
}

// speech is what the message says, unless somebody was quicker than the telephone.
func (r *Replies) speech(ctx context.Context, sent Sent) Speech {
	page := Speech{Text: sent.Message.Body, Listen: true}
	e, vendor, err := addressed(sent.Workflow)
	if err != nil || vendor != "" {
		return page
	}
	ctx, cancel := context.WithTimeout(ctx, recordsWithin)
	defer cancel()
	row, err := r.Escalations.Get(ctx, e)
	if err != nil || !overtaken(sent, row) {
		return page // in doubt a page is a page
	}
	return Speech{Text: fmt.Sprintf("%s: %s is %s already. Goodbye.", e, row.Title, row.State)}
}

// overtaken: somebody took it or ended it while the telephone rang. Whoever is called after that is called because of
// it: silence after an acknowledge climbs without undoing it.
func overtaken(sent Sent, row Escalation) bool {
	switch row.State {
	case escalation.Open:
		return false
	case escalation.Acked:
		climbing := row.Next.Action == "page" || row.Next.Action == "climb"
		return !climbing && !sent.At.After(row.AcknowledgedAt)
	case escalation.Watched:
		return true // it was resolved meanwhile, and its ticket is watched on
	case escalation.ResolvedP, escalation.Closed:
		return !sent.At.After(row.ResolvedAt)
	}
	return false
}
