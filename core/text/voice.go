package text

import (
	"regexp"
	"strings"

	"github.com/belayhq/belay/core/reply"
)

// longestSpoken is how much of a title anybody listens to at night.
const longestSpoken = 200

// call is what is said when somebody picks up.
func (f facts) call() string {
	said := []string{"This is Belay, with a page.", f.spokenHead(), sentence(spoken(about(f.service, f.title)))}
	if f.due != "" {
		said = append(said, "An answer is due by "+f.due+".")
	}
	return strings.Join(append(said, keys()), " ")
}

func keys() string {
	return "Press " + reply.KeyAcknowledge + " to acknowledge, " + reply.KeyEscalate + " to escalate, " +
		reply.KeyResolve + " to resolve, or " + reply.KeyRepeat + " to hear this again."
}

// Unanswerable is what is said on a call that no key can answer: it says where to answer instead.
func Unanswerable(spoken string) string {
	if said, asks := strings.CutSuffix(spoken, keys()); asks {
		return said + "This call takes no keys: please answer in Belay, or to its text message."
	}
	return spoken
}

func (f facts) callNews() string {
	return "This is Belay, for your information. " + sentence(spoken(f.named(f.news))) + " Goodbye."
}

// spokenHead is "Priority 1, escalation 4 2."
func (f facts) spokenHead() string {
	code := "escalation " + apart(strings.TrimPrefix(f.code, "E-"))
	if level, ok := strings.CutPrefix(f.priority, "P"); ok {
		return "Priority " + level + ", " + code + "."
	}
	return "E" + code[1:] + "."
}

// spoken makes a line fit for a voice: codes digit by digit, and no addresses, which nobody can write down.
func spoken(s string) string {
	s = regexp.MustCompile(`(?i)\b(?:https?|ftp)://\S+|\bwww\.\S+`).ReplaceAllString(s, "a link")
	s = regexp.MustCompile(`\bE-([0-9]+)\b`).ReplaceAllStringFunc(s, func(code string) string {
		return "escalation " + apart(strings.TrimPrefix(code, "E-"))
	})
	return cut(line(s), longestSpoken)
}

// apart says digits one by one: "42" is "4 2", not "forty-two".
func apart(digits string) string { return strings.Join(strings.Split(digits, ""), " ") }
