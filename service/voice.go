package service

import (
	"context"
	"fmt"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/reply"
	"github.com/belayhq/belay/core/text"
	"github.com/belayhq/belay/core/tongue"
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
	Text     string
	Language tongue.Language // of the text; empty: English
	Listen   bool
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
	if pressed, err := reply.ParseDigit(call.Digits); err == nil && pressed == reply.Repeat {
		return spokenPage(sent)
	}
	return r.pressed(ctx, sent, call).in(sent.Message.Language)
}

// spokenPage says what the message says: its words are in its language already.
func spokenPage(sent Sent) Speech {
	return Speech{Text: sent.Message.Body, Language: sent.Message.Language, Listen: true}
}

// in says in a language what was said in English.
func (s Speech) in(l tongue.Language) Speech {
	s.Text, s.Language = text.Retell(l, s.Text), l
	return s
}

// pressed takes a key that is an answer.
func (r *Replies) pressed(ctx context.Context, sent Sent, call Call) Speech {
	pressed, err := reply.ParseDigit(call.Digits)
	if err != nil {
		return Speech{Text: sentence(err), Listen: true}
	}
	verb, w, _ := word(reply.Reply{Verb: pressed}, call.SID+"/"+call.Digits, r.Now())
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
	e, vendor, err := addressed(sent.Workflow)
	if err != nil || vendor != "" {
		return spokenPage(sent)
	}
	ctx, cancel := context.WithTimeout(ctx, recordsWithin)
	defer cancel()
	row, err := r.Escalations.Get(ctx, e)
	if err != nil || !overtaken(sent, row) {
		return spokenPage(sent) // in doubt a page is a page
	}
	return Speech{Text: fmt.Sprintf("%s: %s is %s already. Goodbye.", e, row.Title, r.Organisation.Current().Org.Terms.State(string(row.State)))}.in(sent.Message.Language)
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
