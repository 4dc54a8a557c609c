package text

import (
	"regexp"
	"strings"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/reply"
	"github.com/belayhq/belay/core/tongue"
)

// longestSpoken is how much of a title anybody listens to at night.
const longestSpoken = 200

// call is what is said when somebody picks up.
func (f facts) call() string {
	said := []string{f.t("This is Belay, with a page."), f.spokenHead(), sentence(f.spoken(about(f.service, f.title)))}
	if f.due != "" {
		said = append(said, f.t("An answer is due by %s.", f.due))
	}
	return strings.Join(append(said, f.keys()), " ")
}

func (f facts) keys() string {
	return f.t("Press %s to acknowledge, %s to escalate, %s to resolve, or %s to hear this again.",
		reply.KeyAcknowledge, reply.KeyEscalate, reply.KeyResolve, reply.KeyRepeat)
}

// Unanswerable is what is said on a call that no key can answer: it says where to answer instead.
func Unanswerable(spoken string) string {
	for _, l := range tongue.Languages() {
		f := facts{Reader: Reader{Language: l}}
		if said, asks := strings.CutSuffix(spoken, f.keys()); asks {
			return said + f.t("This call takes no keys: please answer in Belay, or to its text message.")
		}
	}
	return spoken
}

func (f facts) callNews() string {
	return f.t("This is Belay, for your information. %s Goodbye.", sentence(f.spoken(f.named(f.news))))
}

// spokenHead is "Priority 1, escalation 4 2."
func (f facts) spokenHead() string {
	code := apart(strings.TrimPrefix(f.code, "E-"))
	if level := f.spokenLevel(f.level); level != "" {
		return f.t("Priority %s, escalation %s.", level, code)
	}
	return f.t("Escalation %s.", code)
}

// spokenLevel is "1" of P1, or what it is called; empty: it is no priority.
func (r Reader) spokenLevel(p org.Priority) string {
	if called := line(r.Terms.Priorities[p]); called != "" {
		return called
	}
	level, ok := strings.CutPrefix(string(p), "P")
	if !ok {
		return ""
	}
	return level
}

// spoken makes a line fit for a voice: codes digit by digit, and no addresses, which nobody can write down.
func (f facts) spoken(s string) string {
	s = regexp.MustCompile(`(?i)\b(?:https?|ftp)://\S+|\bwww\.\S+`).ReplaceAllLiteralString(s, f.t("a link"))
	s = regexp.MustCompile(`\bE-([0-9]+)\b`).ReplaceAllStringFunc(s, func(code string) string {
		return f.t("escalation %s", apart(strings.TrimPrefix(code, "E-")))
	})
	return cut(line(s), longestSpoken)
}

// apart says digits one by one: "42" is "4 2", not "forty-two".
func apart(digits string) string { return strings.Join(strings.Split(digits, ""), " ") }
