package service

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
)

const (
	longestNote   = 4000 // runes
	longestSnooze = 7 * 24 * time.Hour
)

// checkWord refuses a word that its verb can make nothing of, and names the field.
func checkWord(o *org.Org, verb string, w contract.Word, now time.Time) error {
	if n := utf8.RuneCountInString(w.Note); n > longestNote {
		return fault.Field("note", "%d characters are too many, %d are allowed", n, longestNote)
	}
	switch verb {
	case contract.Acknowledge, contract.Resolve, contract.Reopen:
		return nil
	case contract.Note:
		if w.Note == "" {
			return fault.Field("note", "say something")
		}
		return nil
	case contract.Escalate:
		return checkEscalate(o, w)
	case contract.Reassign:
		if w.To == nil {
			return fault.Field("to", "say to whom")
		}
		return checkTarget(o, *w.To)
	case contract.Snooze:
		return checkSnooze(w.Until, now)
	case contract.Prioritise:
		return knownPriority(w.Priority)
	}
	return fault.Field("verb", "%q is none of %q", verb, contract.Verbs())
}

func checkEscalate(o *org.Org, w contract.Word) error {
	switch w.Direction {
	case "", org.Functional, org.Hierarchic:
	default:
		return fault.Field("direction", "%q is neither %s nor %s", w.Direction, org.Functional, org.Hierarchic)
	}
	if w.To == nil {
		return nil
	}
	return checkTarget(o, *w.To)
}

func checkTarget(o *org.Org, t org.Target) error {
	named := 0
	for _, part := range []string{string(t.Schedule), string(t.Person), string(t.Team), string(t.Vendor)} {
		if part != "" {
			named++
		}
	}
	if named != 1 {
		return fault.Field("to", "name exactly one of schedule, person, team, vendor")
	}
	known := true
	switch {
	case t.Schedule != "":
		_, known = o.Schedules[t.Schedule]
	case t.Person != "":
		var p org.Person
		p, known = o.People[t.Person]
		known = known && !p.Departed
	case t.Team != "":
		_, known = o.Teams[t.Team]
	case t.Vendor != "":
		_, known = o.Vendors[t.Vendor]
	}
	if !known {
		return fault.Field("to", "there is no %s", t)
	}
	return nil
}

func checkSnooze(until, now time.Time) error {
	switch {
	case until.IsZero():
		return fault.Field("until", "say until when")
	case !until.After(now):
		return fault.Field("until", "%s has passed", until.Format(time.RFC3339))
	case until.Sub(now) > longestSnooze:
		return fault.Field("until", "a snooze lasts 7 days at most")
	}
	return nil
}

func knownPriority(p org.Priority) error {
	if !slices.Contains(org.Priorities(), p) {
		return fault.Field("priority", "%q is none of %q", p, org.Priorities())
	}
	return nil
}

func knownKind(k org.Kind) error {
	if !slices.Contains(org.Kinds(), k) {
		return fault.Field("kind", "%q is none of %q", k, org.Kinds())
	}
	return nil
}

func knownSeverity(s alert.Severity) error {
	switch s {
	case alert.Critical, alert.Error, alert.Warning, alert.Info:
		return nil
	}
	return fault.Field("severity", "%q is none of critical, error, warning, info", s)
}
