package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// pause lies between two methods of a person who has no ladder.
const pause = 2 * time.Minute

// away reports whether a person is absent, by their own plan or by what was said since, and until when.
func (d Directory) away(p org.Person, at time.Time) (time.Time, bool) {
	var until time.Time
	for _, absences := range [][]org.Interval{p.Away, d.Live.Away[p.ID]} {
		for _, absence := range absences {
			if absence.Contains(at) && absence.Until.After(until) {
				until = absence.Until
			}
		}
	}
	return until, !until.IsZero()
}

// ladder is how a person can be reached now: by the ladder of this urgency, else by that of the other one, else by
// every method in the order in which it is listed. Methods that cannot be used are left out, and those that must not be
// are named; when none is left, the reason says why.
func (d Directory) ladder(p org.Person, urgency org.Urgency) ([]Contact, []Barred, Reason, string) {
	other := org.Low
	if urgency == org.Low {
		other = org.High
	}
	var left []Barred
	for _, rungs := range [][]org.Rung{p.Ladders[urgency], p.Ladders[other], everyMethod(p)} {
		left = d.leaveOut(left, p, rungs)
		if contacts := d.usable(p, rungs); len(contacts) > 0 {
			return contacts, left, "", ""
		}
	}
	if barred := d.barred(p); len(barred) > 0 {
		return nil, nil, OptedOut, strings.Join(barred, "; ")
	}
	return nil, nil, NoMethod, ""
}

// leaveOut adds the rungs that are barred, each method once.
func (d Directory) leaveOut(left []Barred, p org.Person, rungs []org.Rung) []Barred {
	for _, rung := range rungs {
		why, barred := d.Live.Barred[Way{Person: p.ID, Method: rung.Method}]
		if one := (Barred{Method: rung.Method, Why: why}); barred && !slices.Contains(left, one) {
			left = append(left, one)
		}
	}
	return left
}

func everyMethod(p org.Person) []org.Rung {
	rungs := make([]org.Rung, 0, len(p.Methods))
	for _, method := range p.Methods {
		rungs = append(rungs, org.Rung{Method: method.ID, Wait: pause})
	}
	return rungs
}

func (d Directory) usable(p org.Person, rungs []org.Rung) []Contact {
	var contacts []Contact
	for _, rung := range rungs {
		if method, ok := d.method(p, rung.Method); ok {
			contacts = append(contacts, Contact{Method: method.ID, Channel: method.Channel, Wait: rung.Wait})
		}
	}
	if last := len(contacts) - 1; last >= 0 {
		contacts[last].Wait = 0 // nothing comes after it
	}
	return contacts
}

// method finds a method that can be used: it exists, leads somewhere and is not barred.
func (d Directory) method(p org.Person, name id.Method) (org.Method, bool) {
	method, ok := p.Method(name)
	if !ok || method.Address == "" {
		return org.Method{}, false
	}
	_, barred := d.Live.Barred[Way{Person: p.ID, Method: name}]
	return method, !barred
}

// barred lists the methods that must not be used, with the reasons.
func (d Directory) barred(p org.Person) []string {
	var list []string
	for _, method := range p.Methods {
		if reason, ok := d.Live.Barred[Way{Person: p.ID, Method: method.ID}]; ok {
			list = append(list, fmt.Sprintf("%s: %s", method.ID, reason))
		}
	}
	return list
}

// updates is how a person hears what others did; nil when they did not ask for it or it cannot be used.
func (d Directory) updates(p org.Person) *Contact {
	method, ok := d.method(p, p.StatusUpdates)
	if !ok {
		return nil
	}
	return &Contact{Method: method.ID, Channel: method.Channel}
}
