package blueprint

import (
	"fmt"
	"strings"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/tongue"
)

func (b builder) person(doc *document) org.Person {
	n := doc.root
	p := org.Person{ID: id.Person(doc.id), Name: b.text(n, "name", doc.id), Zone: b.zone, Language: tongue.Language(b.text(n, "language", "")), Manager: id.Person(b.text(n, "manager", "")),
		Vendor: id.Vendor(b.text(n, "vendor", "")), Departed: b.text(n, "departed", "") == "true",
		Methods: b.methods(n), Away: b.absences(n)}
	high := b.rungs(n, "high", p)
	if high == nil {
		high = everyMethod(p)
	}
	low := b.rungs(n, "low", p)
	if low == nil {
		low = high
	}
	p.Ladders = map[org.Urgency][]org.Rung{org.High: high, org.Low: low}
	if updates := b.value(n, "status_updates"); updates != nil {
		b.known(n, p, updates, "status_updates")
		p.StatusUpdates = id.Method(updates.Value)
	}
	if len(p.Methods) == 0 && !p.Departed && get(n, "methods") == nil {
		b.warn(b.path, doc.mark, "methods", "%s has no contact method and can never be told", p.Name)
	}
	return p
}

func (b builder) methods(n node) []org.Method {
	var methods []org.Method
	for i, item := range b.items(n, "methods") {
		for _, channel := range []org.Channel{org.SMS, org.Voice, org.Email, org.Webhook} {
			to := b.value(item, string(channel))
			if to == nil {
				continue
			}
			method := org.Method{ID: id.Method(b.text(item, "id", string(channel))), Channel: channel, Address: to.Value, Each: b.text(item, "each", "") == "true"}
			if _, twice := (org.Person{Methods: methods}).Method(method.ID); twice {
				b.fail(b.path, item, fmt.Sprintf("methods[%d].id", i), "a second method is called %q: give each its own id", method.ID)
			}
			methods = append(methods, method)
		}
	}
	return methods
}

// rungs of the ladder that is written for an urgency, or nil.
func (b builder) rungs(n node, urgency string, p org.Person) []org.Rung {
	var rungs []org.Rung
	steps := b.items(b.value(n, "ladder"), urgency)
	for i, step := range steps {
		use := b.value(step, "use")
		if use == nil {
			continue
		}
		field := fmt.Sprintf("ladder.%s[%d]", urgency, i)
		b.known(n, p, use, field+".use")
		rung := org.Rung{Method: id.Method(use.Value), Wait: b.duration(step, "wait", defaultWait)}
		if i == len(steps)-1 {
			if wait := b.value(step, "wait"); wait != nil && rung.Wait != 0 {
				b.warn(b.path, wait, field+".wait", "the last step waits for nothing: leave it out, or add a step")
			}
			rung.Wait = 0
		}
		rungs = append(rungs, rung)
	}
	return rungs
}

// everyMethod is the ladder of somebody who wrote none.
func everyMethod(p org.Person) []org.Rung {
	var rungs []org.Rung
	for i, method := range p.Methods {
		rung := org.Rung{Method: method.ID, Wait: defaultWait}
		if i == len(p.Methods)-1 {
			rung.Wait = 0
		}
		rungs = append(rungs, rung)
	}
	return rungs
}

// known refuses a method that the person does not have. Where methods were broken, any name may have been meant.
func (b builder) known(n node, p org.Person, use node, field string) {
	if _, ok := p.Method(id.Method(use.Value)); ok || b.damaged(n, "methods") {
		return
	}
	var names []string
	for _, method := range p.Methods {
		names = append(names, string(method.ID))
	}
	hint := suggest(use.Value, names)
	if hint == "" {
		hint = fmt.Sprintf(" (there are: %s)", strings.Join(names, ", "))
	}
	b.fail(b.path, use, field, "no method is called %s%s", clip(use.Value), hint)
}

// damaged reports whether some entry of a list, or a part of it, was wrong.
func (b builder) damaged(n node, name string) bool {
	v := get(n, name)
	if v == nil {
		return false
	}
	if b.broken[v] {
		return true
	}
	for _, item := range v.Content {
		if b.broken[item] {
			return true
		}
		for key, value := range entries(item) {
			if b.broken[key] || b.broken[value] {
				return true
			}
		}
	}
	return false
}

func (b builder) absences(n node) []org.Interval {
	var out []org.Interval
	for i, item := range b.items(n, "away") {
		if interval, ok := b.interval(item, fmt.Sprintf("away[%d]", i)); ok {
			out = append(out, interval)
		}
	}
	return out
}

// interval reads from and until in the document's zone; until must come after from.
func (b builder) interval(n node, field string) (org.Interval, bool) {
	from, until := b.value(n, "from"), b.value(n, "until")
	if from == nil || until == nil {
		return org.Interval{}, false
	}
	a, _ := moment(from.Value, b.zone)
	z, _ := moment(until.Value, b.zone)
	if !a.Before(z) {
		b.fail(b.path, until, field+".until", "must come after from (%s)", from.Value)
		return org.Interval{}, false
	}
	return org.Interval{From: a, Until: z}, true
}

func languages() []string {
	var codes []string
	for _, l := range tongue.Languages() {
		codes = append(codes, string(l))
	}
	return codes
}
