// Package reply reads what people answer from a phone: a few words in a text message, or one key during a call.
// It decides what was said, not whether it may be done. It is forgiving in form (case, spaces, quotes, punctuation,
// "ack 42" or "42 ack") and strict in meaning: a sentence that merely begins with a verb does nothing, because an
// answer taken by mistake stops somebody from being woken.
package reply

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/belayhq/belay/core/fault"
)

// Longest is how many characters a reply may have: what carriers join into one message.
const Longest = 1600

// Verb is what somebody wants. The first five have the names of the verbs of an escalation.
type Verb string

const (
	Acknowledge Verb = "acknowledge"
	Resolve     Verb = "resolve"
	Escalate    Verb = "escalate"
	Note        Verb = "note"
	Snooze      Verb = "snooze"
	Status      Verb = "status"
	Help        Verb = "help"
	Stop        Verb = "stop"   // opt out of this channel; carriers act on it themselves
	Start       Verb = "start"  // and in again
	Repeat      Verb = "repeat" // on a call only: say it again
)

// Reply is one answer.
type Reply struct {
	Verb   Verb
	Number int64         // of the escalation, 42 for E-42; 0 when it was not said
	All    bool          // everything that the last digest named
	Rest   string        // what else was said; for Note the note
	For    time.Duration // for Snooze
}

// Parse reads a text message. Errors are Invalid and say in words what would be right, fit to be sent back.
func Parse(text string) (Reply, error) {
	if utf8.RuneCountInString(text) > Longest {
		return Reply{}, fault.New(fault.Invalid, "That is too long: %d characters at most. %s", Longest, usage(0))
	}
	said := words(text)
	if len(said) == 0 {
		if thumbs(text) {
			return Reply{Verb: Acknowledge}, nil
		}
		return Reply{}, fault.New(fault.Invalid, "There is nothing in that. %s", usage(0))
	}
	if opt, ok := carrierWord(said); ok {
		return Reply{Verb: opt}, nil
	}
	if taking(said) {
		said = said[1:]
	}
	number, said, err := leadingNumber(said)
	if err != nil {
		return Reply{}, err
	}
	if len(said) == 0 {
		return Reply{}, fault.New(fault.Invalid, "What about %d? %s", number, usage(number))
	}
	verb, ok := verbs()[said[0].plain]
	if !ok {
		return Reply{}, fault.New(fault.Invalid, "I did not understand that. %s", usage(number))
	}
	spoken, said := said[0], said[1:]
	if number == 0 && !durationAhead(verb, said) {
		if len(said) > 1 && filler(said[0].plain) && isReference(said[1].plain) {
			said = said[1:]
		}
		if number, said, err = leadingNumber(said); err != nil {
			return Reply{}, err
		}
	}
	return finish(Reply{Verb: verb, Number: number}, spoken, said)
}

// finish makes sense of what comes after the verb and the number.
func finish(r Reply, spoken word, said []word) (Reply, error) {
	switch r.Verb {
	case Snooze:
		return snooze(r, said)
	case Note:
		r.Rest = join(said)
		if r.Rest == "" {
			return Reply{}, fault.New(fault.Invalid, "Say what to note, such as: note%s looking into it", spaced(r.Number))
		}
		return r, nil
	case Status, Help:
		r.Rest = join(said)
		return r, nil
	case Acknowledge, Resolve, Escalate:
		if r.Number == 0 && len(said) == 1 && everything(said[0].plain) {
			r.All = true
			return r, nil
		}
	case Stop, Start, Repeat:
		return Reply{}, fault.New(fault.Invalid, "I did not understand that. %s", usage(r.Number))
	}
	if len(said) > 0 && r.Number != 0 && isReference(said[len(said)-1].plain) {
		return Reply{}, fault.New(fault.Invalid, "One number at a time, please, such as: %s %d", spoken.plain, r.Number)
	}
	if r.Number == 0 && slices.ContainsFunc(said, plainlyReference) {
		return Reply{}, fault.New(fault.Invalid, "I did not understand that, so I did nothing. Put the number right after %s.", spoken.plain)
	}
	if r.Number == 0 && len(said) > 0 && !said[0].newLine && !unmistakable(spoken.plain) {
		return Reply{}, fault.New(fault.Invalid, "I did not understand that, so I did nothing. %s", usage(0))
	}
	if deniable(spoken.plain) && slices.ContainsFunc(said, denial) {
		return Reply{}, fault.New(fault.Invalid, "I did not understand that, so I did nothing. %s", usage(r.Number))
	}
	r.Rest = join(said)
	return r, nil
}

// verbs are the words that people may use: those of English always, whichever language somebody speaks.
func verbs() map[string]Verb {
	return map[string]Verb{
		"a": Acknowledge, "ack": Acknowledge, "acked": Acknowledge, "acknowledge": Acknowledge, "acknowledged": Acknowledge, "take": Acknowledge,
		"res": Resolve, "resolve": Resolve, "resolved": Resolve, "close": Resolve, "closed": Resolve,
		"esc": Escalate, "escalate": Escalate,
		"note":   Note,
		"snooze": Snooze,
		"status": Status,
		"help":   Help, "info": Help, "?": Help,

		"übernehmen": Acknowledge, "übernehme": Acknowledge, "übernommen": Acknowledge, "uebernehmen": Acknowledge, "uebernehme": Acknowledge,
		"uebernommen": Acknowledge, "bestätige": Acknowledge, "bestätigt": Acknowledge, "quittiere": Acknowledge, "quittiert": Acknowledge,
		"ok": Acknowledge, "okay": Acknowledge,
		"gelöst": Resolve, "geloest": Resolve, "lösen": Resolve, "behoben": Resolve, "erledigt": Resolve, "geschlossen": Resolve, "schließen": Resolve,
		"eskalieren": Escalate, "eskaliere": Escalate,
		"notiz": Note,
		"ruhe":  Snooze,
		"stand": Status,
		"hilfe": Help,
	}
}

// denial turns round what a German verb said before it: "übernehme 42 nicht".
func denial(w word) bool {
	switch w.plain {
	case "nicht", "nie", "nein", "kein", "keine", "keiner", "keinen", "niemand", "not", "never", "don't", "can't":
		return true
	}
	return false
}

// deniable verbs are those of which a later word may be the denial. In English it comes first, and the verb then does not.
func deniable(verb string) bool {
	switch verb {
	case "ok", "okay", "übernehmen", "übernehme", "übernommen", "uebernehmen", "uebernehme", "uebernommen", "bestätige", "bestätigt", "quittiere", "quittiert",
		"gelöst", "geloest", "lösen", "behoben", "erledigt", "geschlossen", "schließen", "eskalieren", "eskaliere":
		return true
	}
	return false
}

// taking is "ich übernehme": what a German says who takes it.
func taking(said []word) bool {
	return len(said) > 1 && said[0].plain == "ich" && (said[1].plain == "übernehme" || said[1].plain == "uebernehme")
}

// unmistakable verbs may be followed by words without a number. The others begin ordinary sentences too: "close, but
// not there yet", "take care", "a moment".
func unmistakable(verb string) bool {
	switch verb {
	case "ack", "acked", "acknowledge", "acknowledged", "esc", "escalate":
		return true
	}
	return false
}

// filler stands between a verb and its number.
func filler(plain string) bool {
	switch plain {
	case "number", "no", "nr", "escalation", "incident", "alert", "nummer", "eskalation", "vorfall", "alarm":
		return true
	}
	return false
}

// everything is what the last digest named. More words after it make a sentence: "ack all good".
func everything(plain string) bool {
	return plain == "all" || plain == "everything" || plain == "alle" || plain == "alles"
}

// carrierWord recognises what carriers in North America act on by themselves, when it is the whole message.
// Source: Twilio, "Twilio support for opt-out keywords (SMS STOP filtering)".
func carrierWord(said []word) (Verb, bool) {
	if len(said) != 1 {
		return "", false
	}
	switch said[0].plain {
	case "stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke", "stopp":
		return Stop, true
	case "start", "unstop", "yes":
		return Start, true
	}
	return "", false
}

// leadingNumber takes the number of an escalation from the front, if there is one.
func leadingNumber(said []word) (int64, []word, error) {
	if len(said) == 0 {
		return 0, said, nil
	}
	number, ok, err := reference(said[0].plain)
	if err != nil {
		return 0, nil, err
	}
	if !ok {
		return 0, said, nil
	}
	return number, said[1:], nil
}

// reference reads "42", "#42", "e-42" or "e42".
func reference(plain string) (int64, bool, error) {
	number := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(plain, "#"), "e"), "-")
	if number == "" || strings.Trim(number, digits) != "" {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n == 0 {
		return 0, true, fault.New(fault.Invalid, "There is no number %s. Use the one in the message, the digits after E-.", clip(number))
	}
	return n, true, nil
}

func isReference(plain string) bool {
	_, ok, _ := reference(plain)
	return ok
}

// plainlyReference is a number that can mean nothing else: "E-42", "#42".
func plainlyReference(w word) bool { return strings.ContainsAny(w.plain, "#e") && isReference(w.plain) }

func clip(digits string) string {
	if len(digits) > 12 {
		return digits[:12] + "..."
	}
	return digits
}

// snooze wants to know for how long: "30m", "1h30m", "90 min", "2 hours".
func snooze(r Reply, said []word) (Reply, error) {
	if len(said) > 0 && (said[0].plain == "for" || said[0].plain == "für") {
		said = said[1:]
	}
	length, said, ok := duration(said)
	if !ok {
		return Reply{}, fault.New(fault.Invalid, "Say for how long, such as: snooze%s 30m or snooze%s 2h", spaced(r.Number), spaced(r.Number))
	}
	if r.Number == 0 && len(said) == 1 {
		var err error
		if r.Number, said, err = leadingNumber(said); err != nil {
			return Reply{}, err
		}
	}
	r.For, r.Rest = length, join(said)
	return r, nil
}

// durationAhead keeps "snooze 30 minutes" from meaning number 30.
func durationAhead(verb Verb, said []word) bool {
	_, _, ok := duration(said)
	return verb == Snooze && ok
}

// duration takes a length of time from the front, in one word or several: "90m", "1h30m", "1h 30m", "2 hours".
func duration(said []word) (time.Duration, []word, bool) {
	var total time.Duration
	for len(said) > 0 {
		text, used := said[0].plain, 1
		if strings.Trim(text, digits) == "" && len(said) > 1 {
			if _, ok := unit(said[1].plain); !ok {
				break
			}
			text, used = text+said[1].plain, 2
		}
		length, ok := span(text)
		if !ok || length > math.MaxInt64-total {
			break
		}
		total, said = total+length, said[used:]
	}
	return total, said, total > 0
}

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyz"
)

// span reads "1h30m".
func span(text string) (time.Duration, bool) {
	var total time.Duration
	for text != "" {
		rest := strings.TrimLeft(text, digits)
		number := text[:len(text)-len(rest)]
		text = strings.TrimLeft(rest, letters)
		length, ok := unit(rest[:len(rest)-len(text)])
		amount, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil || amount > int64((math.MaxInt64-total)/length) {
			return 0, false
		}
		total += time.Duration(amount) * length
	}
	return total, total > 0
}

func unit(name string) (time.Duration, bool) {
	switch name {
	case "s", "sec", "secs", "second", "seconds", "sek", "sekunde", "sekunden":
		return time.Second, true
	case "m", "min", "mins", "minute", "minutes", "minuten":
		return time.Minute, true
	case "h", "hr", "hrs", "hour", "hours", "std", "stunde", "stunden":
		return time.Hour, true
	case "d", "day", "days", "tag", "tage", "tagen":
		return 24 * time.Hour, true
	}
	return 0, false
}

// usage says what would be right. It never makes up a number: people type what they read.
func usage(number int64) string {
	if number == 0 {
		return "Reply ack, esc or resolve, and then the number in the message."
	}
	n := strconv.FormatInt(number, 10)
	return "Reply ack " + n + ", esc " + n + " or resolve " + n + "."
}

func spaced(number int64) string {
	if number == 0 {
		return ""
	}
	return " " + strconv.FormatInt(number, 10)
}
