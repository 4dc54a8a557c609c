package blueprint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// reviewer looks at what hangs together across documents.
type reviewer struct {
	*reader
	org *org.Org
}

func (r *reader) review(docs []*document, o *org.Org) {
	v := reviewer{reader: r, org: o}
	v.organisation(docs)
	v.cycles(docs)
	v.keys(docs)
	for _, doc := range docs {
		if doc.root == nil || doc.id == "" {
			continue
		}
		switch doc.kind {
		case KindOrganisation:
			v.targets(doc, get(doc.root, "catch_all"), "catch_all")
			v.terms(doc)
		case KindTeam:
			v.ours(doc, get(doc.root, "lead"), "lead")
			v.oursIn(doc, doc.root, "members", "")
		case KindPerson:
			v.ours(doc, get(doc.root, "manager"), "manager")
		case KindSchedule:
			v.schedule(doc)
		case KindPolicy:
			for i, tier := range items(get(doc.root, "tiers")) {
				v.targets(doc, tier, "tiers["+strconv.Itoa(i)+"]")
			}
		case KindVendor:
			v.vendor(doc)
		case KindSLA:
			v.sla(doc)
		case KindTrigger:
			v.trigger(doc)
		case KindIntegration:
			v.rules(doc)
			v.canary(doc)
		case KindRules:
			v.rules(doc)
		case KindWindow:
			v.window(doc)
		case KindUnit, KindService, KindCalendar, KindHeartbeat, KindTicketSystem:
		}
	}
	v.shadowed(docs)
}

// organisation must be there exactly once.
func (v reviewer) organisation(docs []*document) {
	var first *document
	for _, doc := range docs {
		if doc.kind != KindOrganisation {
			continue
		}
		if first != nil && doc.mark != nil && doc.id != first.id {
			v.fail(doc.path, doc.mark, "kind", "a second organisation (first at %s:%d): a blueprint describes one company", first.path, first.mark.Line)
		}
		if first == nil {
			first = doc
		}
	}
	if first == nil {
		v.errors = append(v.errors, Error{Message: "no document of kind organisation: write one with a name and a catch_all"})
	}
}

// cycles in the tree of units and in the line of managers.
func (v reviewer) cycles(docs []*document) {
	for _, link := range []struct {
		kind Kind
		key  string
		said string
	}{{KindUnit, "parent", "units go in a circle"}, {KindPerson, "manager", "managers go in a circle"}} {
		up := map[string]string{}
		for _, doc := range docs {
			if above := get(doc.root, link.key); doc.kind == link.kind && doc.id != "" && above != nil && !v.broken[above] {
				up[doc.id] = above.Value
			}
		}
		told := map[string]bool{}
		for _, doc := range docs {
			if doc.kind != link.kind || told[doc.id] {
				continue
			}
			circle := circleFrom(doc.id, up)
			for _, member := range circle {
				told[member] = true
			}
			if circle != nil {
				v.fail(doc.path, get(doc.root, link.key), link.key, "%s: %s", link.said, strings.Join(append(circle, circle[0]), " → "))
			}
		}
	}
}

// circleFrom follows the links from start and returns the way, when it leads back to start.
func circleFrom(start string, up map[string]string) []string {
	way := []string{start}
	for at, ok := up[start]; ok && len(way) <= len(up); at, ok = up[at] {
		if at == start {
			return way
		}
		way = append(way, at)
	}
	return nil
}

// keys of integrations are secrets that find their service: two of the same would be a coin toss.
func (v reviewer) keys(docs []*document) {
	first := map[string]*document{}
	for _, doc := range docs {
		secret := get(doc.root, "key")
		if doc.kind != KindIntegration || secret == nil || v.broken[secret] {
			continue
		}
		if other, twice := first[secret.Value]; twice {
			v.fail(doc.path, secret, "key", "integration %q has the same key (%s:%d): give each its own", other.id, other.path, other.mark.Line)
			continue
		}
		first[secret.Value] = doc
	}
}

// ours refuses a vendor's people where our own are meant.
func (v reviewer) ours(doc *document, n node, field string) {
	if n == nil || v.broken[n] {
		return
	}
	p, known := v.org.People[id.Person(n.Value)]
	if !known {
		return
	}
	if p.Vendor != "" && !(doc.kind == KindPerson && v.org.People[id.Person(doc.id)].Vendor == p.Vendor) {
		v.fail(doc.path, n, field, "%s answers for vendor %s only: name one of our own people, or engage the vendor as a target", p.ID, p.Vendor)
	}
	if p.Departed && doc.kind != KindPerson {
		v.warn(doc.path, n, field, "%s has departed and will never be told", p.ID)
	}
}

func (v reviewer) oursIn(doc *document, n node, name, field string) {
	for i, item := range items(get(n, name)) {
		v.ours(doc, item, fmt.Sprintf("%s[%d]", join(field, name), i))
	}
}

func (v reviewer) schedule(doc *document) {
	for i, layer := range items(get(doc.root, "layers")) {
		field := "layers[" + strconv.Itoa(i) + "]"
		v.oursIn(doc, layer, "people", field)
		people := items(get(layer, "people"))
		if len(people) > 0 && !slices.ContainsFunc(people, func(n node) bool { return n.Tag != "!!null" }) {
			v.fail(doc.path, get(layer, "people"), field+".people", "names nobody: every turn is empty")
		}
	}
	for i, override := range items(get(doc.root, "overrides")) {
		v.ours(doc, get(override, "person"), fmt.Sprintf("overrides[%d].person", i))
	}
}

// targets of one tier: our own people, and somebody behind every name.
func (v reviewer) targets(doc *document, tier node, field string) {
	for _, list := range []string{"targets", "backups"} {
		seen := map[string]bool{}
		for i, target := range items(get(tier, list)) {
			at := fmt.Sprintf("%s.%s[%d]", field, list, i)
			v.ours(doc, get(target, "person"), at+".person")
			for name, value := range entries(target) {
				if key := name.Value + " " + value.Value; seen[key] {
					v.fail(doc.path, value, at+"."+name.Value, "%s stands twice in this list", key)
				} else {
					seen[key] = true
				}
			}
		}
	}
}

func (v reviewer) vendor(doc *document) {
	own := func(n node, field string) {
		if n == nil || v.broken[n] {
			return
		}
		p, known := v.org.People[id.Person(n.Value)]
		if known && p.Vendor != id.Vendor(doc.id) {
			v.fail(doc.path, n, field, `%s is not a person of this vendor: give them "vendor: %s"`, n.Value, doc.id)
		}
	}
	var contacts []string
	for i, contact := range items(get(doc.root, "contacts")) {
		own(contact, fmt.Sprintf("contacts[%d]", i))
		contacts = append(contacts, contact.Value)
	}
	for i, tier := range items(get(doc.root, "tiers")) {
		for _, list := range []string{"targets", "backups"} {
			for j, target := range items(get(tier, list)) {
				field := fmt.Sprintf("tiers[%d].%s[%d].person", i, list, j)
				person := get(target, "person")
				own(person, field)
				if person != nil && !v.broken[person] && !slices.Contains(contacts, person.Value) {
					v.fail(doc.path, person, field, "%s is not among the contacts above: add them there", person.Value)
				}
			}
		}
	}
}

// shadowed policies are never chosen, because earlier ones take all that they match.
func (v reviewer) shadowed(docs []*document) {
	taken := map[combination][]string{}
	for _, doc := range docs {
		if doc.kind != KindPolicy || doc.root == nil || doc.id == "" {
			continue
		}
		at := slices.IndexFunc(v.org.Policies, func(p org.Policy) bool { return string(p.ID) == doc.id })
		if at < 0 || v.damagedBelow(get(doc.root, "for")) {
			continue
		}
		free, earlier := 0, []string{}
		for _, c := range combinations(v.org, v.org.Policies[at]) {
			if len(taken[c]) == 0 {
				free++
			}
			for _, name := range taken[c] {
				if !slices.Contains(earlier, name) {
					earlier = append(earlier, name)
				}
			}
			taken[c] = append(taken[c], doc.id)
		}
		if free == 0 && len(earlier) > 0 {
			v.warn(doc.path, doc.mark, "for", "is never chosen: %s above match everything that it matches; move it up or narrow them",
				strings.Join(earlier, ", "))
		}
	}
}

func (v reviewer) damagedBelow(n node) bool {
	if n == nil {
		return false
	}
	return v.broken[n] || slices.ContainsFunc(n.Content, v.damagedBelow)
}

// combination is what a policy is chosen by.
type combination struct {
	service  id.Service
	kind     org.Kind
	priority org.Priority
}

// combinations that a policy matches.
func combinations(o *org.Org, p org.Policy) []combination {
	services, kinds, priorities := p.Services, p.Kinds, p.Priorities
	if len(services) == 0 {
		for service := range o.Services {
			services = append(services, service)
		}
		slices.Sort(services)
	}
	if len(kinds) == 0 {
		kinds = org.Kinds()
	}
	if len(priorities) == 0 {
		priorities = org.Priorities()
	}
	var out []combination
	for _, s := range services {
		for _, k := range kinds {
			for _, pr := range priorities {
				out = append(out, combination{s, k, pr})
			}
		}
	}
	return out
}

func items(n node) []node {
	if n == nil {
		return nil
	}
	return n.Content
}
