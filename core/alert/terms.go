package alert

import (
	"slices"
	"strconv"
	"strings"

	"github.com/belayhq/belay/core/org"
)

const (
	unknownBefore = "nobody here knows the severity "
	unknownAfter  = ": taken as error"
)

// UnknownSeverity warns that nobody here knows a sender's word for a severity, and that it was taken as Error.
func UnknownSeverity(word string) string { return unknownBefore + strconv.Quote(word) + unknownAfter }

// InTerms reads the severity that a decoder did not know by what the organisation calls its severities, or its priorities:
// then nothing is lost, and there is nothing to warn of. What a decoder knew stands.
func (a Alert) InTerms(terms org.Terms) Alert {
	for n, warning := range a.Warnings {
		word, ok := unknownWord(warning)
		if !ok || a.Severity != Error {
			continue
		}
		severity := Severity(terms.ReadSeverity(word))
		if severity == "" {
			severity = urgency(terms.ReadPriority(word))
		}
		if severity != "" {
			a.Severity, a.Warnings = severity, slices.Delete(slices.Clone(a.Warnings), n, n+1)
			return a
		}
	}
	return a
}

func unknownWord(warning string) (string, bool) {
	quoted, ok := strings.CutPrefix(warning, unknownBefore)
	if !ok {
		return "", false
	}
	if quoted, ok = strings.CutSuffix(quoted, unknownAfter); !ok {
		return "", false
	}
	word, err := strconv.Unquote(quoted)
	return word, err == nil
}

// urgency of which a priority comes where the impact is the highest, as with Priority; empty of none.
func urgency(p org.Priority) Severity {
	for _, s := range []Severity{Critical, Error, Warning, Info} {
		if Priority(1, s) == p {
			return s
		}
	}
	if p == org.P5 {
		return Info
	}
	return ""
}
