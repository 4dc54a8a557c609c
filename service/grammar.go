package service

import (
	"errors"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/reply"
)

const helpText = "Reply with a verb and the number in the message: ack 42, resolve 42, esc 42, note 42 what you found, " +
	"snooze 42 30m, status. The number may be left out when only one is open; ack all is everything in the last digest."

// word turns what was understood into a verb and a word for the escalation. Verbs that are not for an escalation have
// none: ok is false.
func word(said reply.Reply, key string, now time.Time) (verb string, w contract.Word, ok bool) {
	w = contract.Word{Note: said.Rest, Key: key}
	switch said.Verb {
	case reply.Acknowledge:
		return contract.Acknowledge, w, true
	case reply.Resolve:
		return contract.Resolve, w, true
	case reply.Escalate:
		return contract.Escalate, w, true
	case reply.Note:
		return contract.Note, w, true
	case reply.Snooze:
		w.Until = now.Add(said.For)
		return contract.Snooze, w, true
	case reply.Status, reply.Help, reply.Stop, reply.Start, reply.Repeat:
	}
	return "", contract.Word{}, false
}

// about is the escalation that a reply names; empty when it names none.
func about(said reply.Reply) id.Escalation {
	if said.Number == 0 {
		return ""
	}
	return id.OfNumber(said.Number)
}

// sentence makes a fault readable: its own words, without field and cause.
func sentence(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) || f.Message == "" {
		return notNow
	}
	return f.Message
}
