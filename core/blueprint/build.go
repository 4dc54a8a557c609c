package blueprint

import (
	"strconv"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// What holds when a key is left out.
const (
	defaultAck     = 15 * time.Minute
	defaultWait    = 2 * time.Minute
	defaultReopen  = 24 * time.Hour
	defaultTier    = 3
	defaultGroup   = 10 * time.Minute
	defaultHandoff = org.ClockTime(9 * 60)
)

// builder turns one checked document into values. Broken parts are left out: their errors are already known.
type builder struct {
	*reader
	path string
	zone *time.Location // of the organisation, or of the document once it says so
	org  *org.Org
}

// build makes the organisation of all documents. It is complete only if nothing was wrong.
func (r *reader) build(docs []*document) *org.Org {
	o := &org.Org{
		Units: map[id.Unit]org.Unit{}, Teams: map[id.Team]org.Team{}, People: map[id.Person]org.Person{},
		Services: map[id.Service]org.Service{}, Integrations: map[id.Integration]org.Integration{},
		Schedules: map[id.Schedule]org.Schedule{}, Calendars: map[id.Calendar]org.Calendar{}, Vendors: map[id.Vendor]org.Vendor{},
		Windows: map[id.Window]org.Window{}, Heartbeats: map[id.Heartbeat]org.Heartbeat{},
		Tickets: map[id.TicketSystem]org.TicketSystem{},
	}
	home := time.UTC
	for _, doc := range docs {
		if doc.kind == KindOrganisation && doc.root != nil {
			home = builder{reader: r, path: doc.path, zone: home}.zoneOf(doc.root)
		}
	}
	for _, doc := range docs {
		if doc.root == nil || doc.id == "" || r.broken[doc.mark] {
			continue
		}
		b := builder{reader: r, path: doc.path, zone: home, org: o}
		b.zone = b.zoneOf(doc.root)
		b.add(doc)
	}
	inherit(o)
	return o
}

func (b builder) add(doc *document) {
	n, o := doc.root, b.org
	switch doc.kind {
	case KindOrganisation:
		o.Name = b.text(n, "name", "")
		o.Terms = b.terms(n)
		o.CatchAll = b.tier(b.value(n, "catch_all"), "catch-all", defaultAck)
	case KindUnit:
		o.Units[id.Unit(doc.id)] = org.Unit{ID: id.Unit(doc.id), Name: b.text(n, "name", doc.id), Parent: id.Unit(b.text(n, "parent", "")), Zone: b.zone}
	case KindTeam:
		o.Teams[id.Team(doc.id)] = org.Team{ID: id.Team(doc.id), Name: b.text(n, "name", doc.id), Unit: id.Unit(b.text(n, "unit", "")),
			Lead: id.Person(b.text(n, "lead", "")), Members: list[id.Person](b, n, "members")}
	case KindPerson:
		o.People[id.Person(doc.id)] = b.person(doc)
	case KindService:
		o.Services[id.Service(doc.id)] = b.service(doc)
	case KindIntegration:
		o.Integrations[id.Integration(doc.id)] = org.Integration{ID: id.Integration(doc.id), Kind: b.text(n, "type", "events"),
			Service: id.Service(b.text(n, "service", "")), Key: b.text(n, "key", ""),
			Secret: b.text(n, "secret", ""), Alert: org.Kind(b.text(n, "alerts", string(org.Technical))),
			Topics: list[string](b, n, "topics"), Rules: b.rules(n), Flapping: b.flapping(n), Mapping: b.mapping(n), Canary: b.canary(n),
			Tickets: id.TicketSystem(b.text(n, "tickets", ""))}
	case KindSchedule:
		o.Schedules[id.Schedule(doc.id)] = b.schedule(doc)
	case KindCalendar:
		o.Calendars[id.Calendar(doc.id)] = b.calendar(doc)
	case KindPolicy:
		o.Policies = append(o.Policies, b.policy(doc))
	case KindVendor:
		o.Vendors[id.Vendor(doc.id)] = b.vendor(doc)
	case KindSLA:
		o.SLAs = append(o.SLAs, b.sla(doc))
	case KindTrigger:
		o.Triggers = append(o.Triggers, b.trigger(doc))
	case KindRules:
		o.Rules = append(o.Rules, b.rules(n)...)
	case KindWindow:
		o.Windows[id.Window(doc.id)] = b.window(doc)
	case KindTicketSystem:
		o.Tickets[id.TicketSystem(doc.id)] = b.ticketSystem(doc)
	case KindHeartbeat:
		o.Heartbeats[id.Heartbeat(doc.id)] = b.heartbeat(doc)
	}
}

// inherit fills in what one document takes from another.
func inherit(o *org.Org) {
	for key, s := range o.Services {
		if s.Unit == "" {
			s.Unit = o.Teams[s.Owner].Unit
			o.Services[key] = s
		}
	}
	for key, h := range o.Heartbeats {
		if h.Service == "" {
			h.Service = o.Integrations[h.Integration].Service
			o.Heartbeats[key] = h
		}
	}
}

func (b builder) service(doc *document) org.Service {
	n := doc.root
	s := org.Service{ID: id.Service(doc.id), Name: b.text(n, "name", doc.id), Owner: id.Team(b.text(n, "owner", "")),
		Unit: id.Unit(b.text(n, "unit", "")), Tier: b.number(n, "tier", defaultTier)}
	s.Impact = min(s.Tier, 3)
	switch b.text(n, "impact", "") {
	case "high":
		s.Impact = 1
	case "medium":
		s.Impact = 2
	case "low":
		s.Impact = 3
	}
	return s
}

func (b builder) policy(doc *document) org.Policy {
	n := doc.root
	meant := b.value(n, "for")
	p := org.Policy{ID: id.Policy(doc.id), Name: b.text(n, "name", doc.id), Services: list[id.Service](b, meant, "services"),
		Kinds: list[org.Kind](b, meant, "kinds"), Priorities: list[org.Priority](b, meant, "priorities"),
		Repeat: b.number(n, "repeat", 0), Reopen: b.duration(n, "reopen_within", defaultReopen)}
	for i, tier := range b.items(n, "tiers") {
		p.Tiers = append(p.Tiers, b.tier(tier, "tier "+strconv.Itoa(i+1), defaultAck))
	}
	return p
}

func (b builder) tier(n node, name string, ack time.Duration) org.Tier {
	return org.Tier{
		Name:          b.text(n, "name", name),
		Targets:       b.targets(n, "targets"),
		Backups:       b.targets(n, "backups"),
		AckWithin:     b.duration(n, "ack_within", ack),
		UpdateEvery:   b.duration(n, "update_every", 0),
		ResolveWithin: b.duration(n, "resolve_within", 0),
		Direction:     org.Direction(b.text(n, "direction", string(org.Functional))),
		Repeat:        b.number(n, "repeat", 0),
		Calendar:      id.Calendar(b.text(n, "calendar", "")),
	}
}

func (b builder) targets(n node, name string) []org.Target {
	var out []org.Target
	for _, t := range b.items(n, name) {
		out = append(out, org.Target{Schedule: id.Schedule(b.text(t, "schedule", "")), Person: id.Person(b.text(t, "person", "")),
			Team: id.Team(b.text(t, "team", "")), Vendor: id.Vendor(b.text(t, "vendor", ""))})
	}
	return out
}

func (b builder) vendor(doc *document) org.Vendor {
	n := doc.root
	v := org.Vendor{ID: id.Vendor(doc.id), Name: b.text(n, "name", doc.id), Owner: id.Team(b.text(n, "owner", "")),
		Cover: id.Calendar(b.text(n, "cover", "")), Contacts: list[id.Person](b, n, "contacts"),
		Ack: b.duration(n, "ack_within", 0), Resolve: b.duration(n, "resolve_within", 0)}
	ack := v.Ack
	if ack == 0 {
		ack = defaultAck
	}
	for i, tier := range b.items(n, "tiers") {
		v.Tiers = append(v.Tiers, b.tier(tier, "tier "+strconv.Itoa(i+1), ack))
	}
	if v.Tiers == nil && len(v.Contacts) > 0 {
		only := org.Tier{Name: "tier 1", AckWithin: ack, Direction: org.Functional, Targets: []org.Target{{Person: v.Contacts[0]}}}
		for _, contact := range v.Contacts[1:] {
			only.Backups = append(only.Backups, org.Target{Person: contact})
		}
		v.Tiers = []org.Tier{only}
	}
	return v
}

// value is what stands at a key, or nil when nothing usable stands there.
func (b builder) value(n node, name string) node {
	v := get(n, name)
	if v == nil || b.broken[v] {
		return nil
	}
	return v
}

func (b builder) text(n node, name, fallback string) string {
	if v := b.value(n, name); v != nil {
		return v.Value
	}
	return fallback
}

func (b builder) number(n node, name string, fallback int) int {
	v, err := strconv.Atoi(b.text(n, name, ""))
	if err != nil {
		return fallback
	}
	return v
}

func (b builder) duration(n node, name string, fallback time.Duration) time.Duration {
	if d, ok := duration(b.text(n, name, "")); ok {
		return d
	}
	return fallback
}

func (b builder) zoneOf(n node) *time.Location {
	if v := b.value(n, "time_zone"); v != nil {
		return b.reader.zone(v.Value)
	}
	return b.zone
}

// items are the usable entries of a list.
func (b builder) items(n node, name string) []node {
	v := b.value(n, name)
	if v == nil {
		return nil
	}
	var out []node
	for _, item := range v.Content {
		if !b.broken[item] {
			out = append(out, item)
		}
	}
	return out
}

func list[T ~string](b builder, n node, name string) []T {
	var out []T
	for _, item := range b.items(n, name) {
		out = append(out, T(item.Value))
	}
	return out
}
