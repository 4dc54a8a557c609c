package twilio

import (
	"slices"
	"strings"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
)

// failed is Twilio's word, for messages and for calls.
const failed = "failed"

// Classify says what a status of Twilio's means. The words are those of "Message Status values" (Messages resource) and
// "Call Status values" (Call resource); code is Twilio's error code or empty. A status that nobody knows is waited on:
// the ladder's own clock climbs in any case.
func Classify(channel org.Channel, status, code string) (page.Status, page.Class, string) {
	if channel == org.Voice {
		return classifyCall(status, code)
	}
	return classifyMessage(status, code)
}

func classifyMessage(status, code string) (page.Status, page.Class, string) {
	switch status {
	case "queued", "accepted", "scheduled", "sending":
		return page.Accepted, page.Pending, ""
	case "sent":
		// The nearest carrier has it. Undelivered may still follow, and many carriers never say more.
		return page.Accepted, page.Pending, "handed to the carrier"
	case "delivered", "read", "partially_delivered":
		return page.Delivered, page.Arrived, ""
	case "undelivered":
		return verdict(page.Undelivered, code)
	case failed:
		return verdict(page.Failed, code)
	case "canceled":
		return page.Failed, page.Dead, "canceled before it was sent"
	}
	return page.Accepted, page.Pending, unknown(status)
}

func classifyCall(status, code string) (page.Status, page.Class, string) {
	switch status {
	case "queued", "initiated", "ringing":
		return page.Accepted, page.Pending, ""
	case "in-progress", "answered":
		return page.Answered, page.Arrived, ""
	case "completed":
		// Who pressed a key has answered before this arrives. The rest heard it, or a mailbox did.
		return page.NoAnswer, page.Dead, "the call ended without a key"
	case "busy":
		return page.Busy, page.Dead, "busy"
	case "no-answer":
		return page.NoAnswer, page.Dead, "nobody picked up"
	case failed:
		return verdict(page.Failed, code)
	case "canceled":
		return page.Failed, page.Dead, "canceled before it was answered"
	}
	return page.Accepted, page.Pending, unknown(status)
}

// machine covers the values of AnsweredBy in "Answering Machine Detection": machine_start, machine_end_beep,
// machine_end_silence, machine_end_other, fax, and the older plain machine. "unknown" may well be a human.
func machine(answeredBy string) bool {
	return answeredBy == "fax" || answeredBy == "machine" || strings.HasPrefix(answeredBy, "machine_")
}

func voicemail() (page.Status, page.Class, string) {
	return page.Machine, page.Dead, "voicemail is not an answer"
}

func unknown(status string) string { return "unknown status " + clip(status, 40) }

// verdict is about a message that will not arrive.
func verdict(status page.Status, code string) (page.Status, page.Class, string) {
	known, ok := codes[code]
	if !ok {
		return status, page.Dead, explain(code)
	}
	if known.class == page.Barred {
		status = page.OptedOut
	}
	return status, known.class, known.words
}

func explain(code string) string {
	if known, ok := codes[code]; ok {
		return known.words
	}
	if code == "" {
		return "refused without a reason"
	}
	return "refused with error " + clip(code, 12)
}

// Elsewhere reports whether another provider may well carry what was refused here: our account, our sender or Twilio
// itself is at fault, not the person, the number or the words. Who said STOP has said it to all of us.
func Elsewhere(r page.Receipt) bool {
	switch r.Class {
	case page.Pending, page.Arrived, page.Barred:
		return false
	case page.Transient:
		return true
	case page.Dead:
	}
	if r.Code == "" {
		return r.Status == page.Failed // an answer that is not Twilio's, as from a proxy; calls that ended have no code either
	}
	return slices.Contains(ours, r.Code)
}
