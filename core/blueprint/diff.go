package blueprint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/core/org"
)

// ChangeKind says what became of a thing.
type ChangeKind string

const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
)

// Change is one difference in words. Addresses and keys are never printed: a plan is read by many.
type Change struct {
	Kind  ChangeKind `json:"kind"`
	Thing string     `json:"thing"` // "schedule payments-primary"
	Text  string     `json:"text"`  // the whole sentence, thing included
}

// Diff says what changes by meaning when next takes the place of prev, kind by kind and in order of names.
// A nil prev is an empty organisation.
func Diff(prev, next *org.Org) []Change {
	if prev == nil {
		prev = &org.Org{}
	}
	if next == nil {
		next = &org.Org{}
	}
	d := &difference{}
	d.organisation(prev, next)

	compare(d, "unit", prev.Units, next.Units, d.unit)
	compare(d, "team", prev.Teams, next.Teams, d.team)
	compare(d, "person", prev.People, next.People, d.person)
	compare(d, "service", prev.Services, next.Services, d.service)
	compare(d, "integration", prev.Integrations, next.Integrations, d.integration)
	compare(d, "schedule", prev.Schedules, next.Schedules, d.schedule)
	compare(d, "calendar", prev.Calendars, next.Calendars, d.calendar)
	compare(d, "vendor", prev.Vendors, next.Vendors, d.vendor)
	compare(d, "policy", byID(prev.Policies), byID(next.Policies), d.policy)
	d.order(prev.Policies, next.Policies)
	d.about("rules of the organisation")
	d.rules(prev.Rules, next.Rules)
	compare(d, "sla", slasByID(prev.SLAs), slasByID(next.SLAs), d.sla)
	d.slaOrder(prev.SLAs, next.SLAs)
	compare(d, "trigger", triggersByID(prev.Triggers), triggersByID(next.Triggers), d.trigger)
	compare(d, "window", prev.Windows, next.Windows, d.window)
	compare(d, "heartbeat", prev.Heartbeats, next.Heartbeats, d.heartbeat)
	compare(d, "ticket system", prev.Tickets, next.Tickets, d.ticketSystem)
	return d.changes
}

func (d *difference) organisation(was, becomes *org.Org) {
	d.about("organisation")
	if was.Name == "" && len(was.CatchAll.Targets) == 0 && becomes.Name != "" {
		d.say(Added, "%s is new", becomes.Name)
		return
	}
	d.text("name", was.Name, becomes.Name)
	d.terms(was.Terms, becomes.Terms)
	d.tier("catch-all", was.CatchAll, becomes.CatchAll)
}

// difference collects changes of the thing it is about.
type difference struct {
	thing   string
	changes []Change
}

func (d *difference) about(thing string) { d.thing = thing }

func (d *difference) say(kind ChangeKind, format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	glue := ": "
	if kind != Changed {
		glue = " "
	}
	d.changes = append(d.changes, Change{Kind: kind, Thing: d.thing, Text: d.thing + glue + said})
}

// text says a changed property: "lead becomes ben (was ana)".
func (d *difference) text(property, was, becomes string) {
	if was != becomes {
		d.say(Changed, "%s becomes %s (was %s)", property, cmp.Or(becomes, "empty"), cmp.Or(was, "empty"))
	}
}

func (d *difference) word(property, was, becomes string) {
	d.text(property, cmp.Or(was, "none"), cmp.Or(becomes, "none"))
}

func (d *difference) lasting(property string, was, becomes time.Duration) {
	d.text(property, lasting(was), lasting(becomes))
}

func (d *difference) number(property string, was, becomes int) {
	d.text(property, fmt.Sprint(was), fmt.Sprint(becomes))
}

// list says a changed order, where order means something: "on-call order was ana, ben; becomes ben, ana".
func (d *difference) list(property, was, becomes string) {
	if was != becomes {
		d.say(Changed, "%s was %s; becomes %s", property, was, becomes)
	}
}

// set says what joins and what leaves a list whose order means nothing.
func (d *difference) set(property string, was, becomes []string) {
	joins := slices.DeleteFunc(slices.Clone(becomes), func(v string) bool { return slices.Contains(was, v) })
	leaves := slices.DeleteFunc(slices.Clone(was), func(v string) bool { return slices.Contains(becomes, v) })
	if len(joins) > 0 {
		d.say(Changed, "%s: %s added", property, strings.Join(joins, ", "))
	}
	if len(leaves) > 0 {
		d.say(Changed, "%s: %s removed", property, strings.Join(leaves, ", "))
	}
}

func compare[K ~string, V any](d *difference, kind string, prev, next map[K]V, changed func(was, becomes V)) {
	names := map[K]bool{}
	for name := range prev {
		names[name] = true
	}
	for name := range next {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		d.about(kind + " " + string(name))
		was, had := prev[name]
		becomes, has := next[name]
		switch {
		case !had:
			d.say(Added, "is new")
		case !has:
			d.say(Removed, "is gone")
		default:
			changed(was, becomes)
		}
	}
}

func (d *difference) unit(was, becomes org.Unit) {
	d.text("name", was.Name, becomes.Name)
	d.word("parent", string(was.Parent), string(becomes.Parent))
	d.zone(was.Zone, becomes.Zone)
}

func (d *difference) zone(was, becomes *time.Location) {
	d.text("time zone", was.String(), becomes.String())
}

func (d *difference) team(was, becomes org.Team) {
	d.text("name", was.Name, becomes.Name)
	d.word("unit", string(was.Unit), string(becomes.Unit))
	d.word("lead", string(was.Lead), string(becomes.Lead))
	d.set("members", texts(was.Members), texts(becomes.Members))
}

func (d *difference) person(was, becomes org.Person) {
	d.text("name", was.Name, becomes.Name)
	d.zone(was.Zone, becomes.Zone)
	d.word("language", string(was.Language), string(becomes.Language))
	d.word("manager", string(was.Manager), string(becomes.Manager))
	d.word("vendor", string(was.Vendor), string(becomes.Vendor))
	for _, method := range becomes.Methods {
		d.method(was, method)
	}
	for _, method := range was.Methods {
		if _, kept := becomes.Method(method.ID); !kept {
			d.say(Changed, "method %s is gone", method.ID)
		}
	}
	for _, urgency := range []org.Urgency{org.High, org.Low} {
		d.list("ladder for "+string(urgency)+" urgency", rungsText(was.Ladders[urgency]), rungsText(becomes.Ladders[urgency]))
	}
	d.set("away", awayTexts(was), awayTexts(becomes))
	d.word("status updates", string(was.StatusUpdates), string(becomes.StatusUpdates))
	if was.Departed != becomes.Departed {
		d.text("departed", yesNo(was.Departed), yesNo(becomes.Departed))
	}
}

// method says that an address changed without saying to what.
func (d *difference) method(was org.Person, method org.Method) {
	old, had := was.Method(method.ID)
	switch {
	case !had:
		d.say(Changed, "method %s (%s) is new", method.ID, method.Channel)
	case old.Channel != method.Channel:
		d.say(Changed, "method %s becomes %s (was %s)", method.ID, method.Channel, old.Channel)
	case old.Address != method.Address:
		d.say(Changed, "%s %s changed", method.ID, addressName(method.Channel))
	case !old.Each && method.Each:
		d.say(Changed, "method %s gets every page by itself", method.ID)
	case old.Each && !method.Each:
		d.say(Changed, "method %s gets digests in a storm", method.ID)
	}
}

func addressName(channel org.Channel) string {
	switch channel {
	case org.SMS, org.Voice:
		return "number"
	case org.Email:
		return "address"
	case org.Webhook:
		return "URL"
	}
	return "address"
}

func rungsText(rungs []org.Rung) string {
	var out []string
	for _, rung := range rungs {
		said := string(rung.Method)
		if rung.Wait > 0 {
			said += " (wait " + lasting(rung.Wait) + ")"
		}
		out = append(out, said)
	}
	if len(out) == 0 {
		return "empty"
	}
	return strings.Join(out, " → ")
}

func awayTexts(p org.Person) []string {
	var out []string
	for _, away := range p.Away {
		out = append(out, minuteText(away.From, p.Zone)+" until "+minuteText(away.Until, p.Zone))
	}
	return out
}

func (d *difference) service(was, becomes org.Service) {
	d.text("name", was.Name, becomes.Name)
	d.word("owner", string(was.Owner), string(becomes.Owner))
	d.word("unit", string(was.Unit), string(becomes.Unit))
	d.number("tier", was.Tier, becomes.Tier)
	d.text("impact", impactText(was.Impact), impactText(becomes.Impact))
}

func impactText(impact int) string {
	switch impact {
	case 1:
		return "high"
	case 2:
		return "medium"
	}
	return "low"
}

func (d *difference) integration(was, becomes org.Integration) {
	d.text("type", was.Kind, becomes.Kind)
	d.word("service", string(was.Service), string(becomes.Service))
	d.text("path of its alerts", string(was.Alert), string(becomes.Alert))
	d.text("topics", strings.Join(was.Topics, ", "), strings.Join(becomes.Topics, ", "))
	d.rules(was.Rules, becomes.Rules)
	d.text("flapping", flappingText(was.Flapping), flappingText(becomes.Flapping))
	d.mapping(was.Mapping, becomes.Mapping)
	d.canary(was.Canary, becomes.Canary)
	d.word("ticket system", string(was.Tickets), string(becomes.Tickets))
	if was.Key != becomes.Key {
		d.say(Changed, "key changed: senders with the old one will be refused")
	}
	switch {
	case was.Secret == becomes.Secret:
	case was.Secret == "":
		d.say(Changed, "a secret is asked for: senders that do not sign with it will be refused")
	case becomes.Secret == "":
		d.say(Changed, "the secret is gone: the key alone is enough")
	default:
		d.say(Changed, "secret changed: senders with the old one will be refused")
	}
}

func (d *difference) schedule(was, becomes org.Schedule) {
	d.text("name", was.Name, becomes.Name)
	d.word("team", string(was.Team), string(becomes.Team))
	d.zone(was.Zone, becomes.Zone)
	for i := range max(len(was.Layers), len(becomes.Layers)) {
		switch {
		case i >= len(was.Layers):
			d.say(Changed, "layer %s is new: %s, %s", becomes.Layers[i].Name, named(becomes.Layers[i].People, "nobody"), rotationText(becomes.Layers[i].Rotation))
		case i >= len(becomes.Layers):
			d.say(Changed, "layer %s is gone", was.Layers[i].Name)
		default:
			d.layer(was.Layers[i], becomes.Layers[i], becomes.Zone, max(len(was.Layers), len(becomes.Layers)) > 1)
		}
	}
	d.set("overrides", overrideTexts(was), overrideTexts(becomes))
}

func (d *difference) layer(was, becomes org.Layer, zone *time.Location, several bool) {
	prefix := ""
	if several {
		prefix = becomes.Name + ", "
	}
	d.text("layer name", was.Name, becomes.Name)
	d.list(prefix+"on-call order", named(was.People, "nobody"), named(becomes.People, "nobody"))
	d.text(prefix+"rotation", rotationText(was.Rotation), rotationText(becomes.Rotation))
	d.text(prefix+"first handoff", minuteText(was.Start, zone), minuteText(becomes.Start, zone))
	d.text(prefix+"end", minuteText(was.Until, zone), minuteText(becomes.Until, zone))
	d.text(prefix+"hours", weekHoursText(was.Only), weekHoursText(becomes.Only))
}

func overrideTexts(s org.Schedule) []string {
	var out []string
	for _, o := range s.Overrides {
		out = append(out, fmt.Sprintf("%s from %s until %s", o.Person, minuteText(o.From, s.Zone), minuteText(o.Until, s.Zone)))
	}
	return out
}

func (d *difference) calendar(was, becomes org.Calendar) {
	d.text("name", was.Name, becomes.Name)
	d.zone(was.Zone, becomes.Zone)
	for day := range 7 {
		weekday := time.Weekday((day + 1) % 7)
		d.text("hours on "+weekday.String(), spansText(was.Hours[weekday]), spansText(becomes.Hours[weekday]))
	}
	d.set("holidays", holidayTexts(was.Holidays), holidayTexts(becomes.Holidays))
	d.set("exceptions", exceptionTexts(was.Exceptions), exceptionTexts(becomes.Exceptions))
}

// holidayTexts names a public holiday once, not once a year.
func holidayTexts(list []org.Holiday) []string {
	years := map[string][]string{}
	for _, holiday := range list {
		years[holiday.Name] = append(years[holiday.Name], dateText(holiday.Date))
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(years)) {
		dates := years[name]
		if len(dates) > 2 {
			out = append(out, name)
			continue
		}
		out = append(out, name+" ("+strings.Join(dates, ", ")+")")
	}
	return out
}

func exceptionTexts(exceptions map[org.Date][]org.Span) []string {
	var out []string
	for day, spans := range exceptions {
		out = append(out, dateText(day)+" "+spansText(spans))
	}
	slices.Sort(out)
	return out
}

func (d *difference) vendor(was, becomes org.Vendor) {
	d.text("name", was.Name, becomes.Name)
	d.word("owner", string(was.Owner), string(becomes.Owner))
	d.text("hours of cover", cmp.Or(string(was.Cover), "around the clock"), cmp.Or(string(becomes.Cover), "around the clock"))
	d.list("contacts", named(was.Contacts, "nobody"), named(becomes.Contacts, "nobody"))
	d.lasting("promise to acknowledge", was.Ack, becomes.Ack)
	d.lasting("promise to resolve", was.Resolve, becomes.Resolve)
	d.tiers(was.Tiers, becomes.Tiers)
}

func (d *difference) policy(was, becomes org.Policy) {
	d.text("name", was.Name, becomes.Name)
	d.list("services", named(was.Services, "all"), named(becomes.Services, "all"))
	d.list("kinds", named(was.Kinds, "all"), named(becomes.Kinds, "all"))
	d.list("priorities", named(was.Priorities, "all"), named(becomes.Priorities, "all"))
	d.tiers(was.Tiers, becomes.Tiers)
	d.number("repeats of the ladder", was.Repeat, becomes.Repeat)
	d.lasting("time to reopen", was.Reopen, becomes.Reopen)
}

func (d *difference) tiers(was, becomes []org.Tier) {
	for i := range max(len(was), len(becomes)) {
		place := fmt.Sprintf("tier %d", i+1)
		switch {
		case i >= len(was):
			d.say(Changed, "%s is new: %s, must answer within %s", place, named(targetNames(becomes[i].Targets), "nobody"), lasting(becomes[i].AckWithin))
		case i >= len(becomes):
			d.say(Changed, "%s is gone: %s", place, named(targetNames(was[i].Targets), "nobody"))
		default:
			d.tier(place, was[i], becomes[i])
		}
	}
}

func (d *difference) tier(place string, was, becomes org.Tier) {
	d.text(place+" name", was.Name, becomes.Name)
	d.list(place+" targets", named(targetNames(was.Targets), "nobody"), named(targetNames(becomes.Targets), "nobody"))
	d.list(place+" backups", named(targetNames(was.Backups), "nobody"), named(targetNames(becomes.Backups), "nobody"))
	if was.AckWithin != becomes.AckWithin {
		d.say(Changed, "%s must answer within %s (was %s)", place, lasting(becomes.AckWithin), lasting(was.AckWithin))
	}
	d.lasting(place+" updates every", was.UpdateEvery, becomes.UpdateEvery)
	d.lasting(place+" time to resolve", was.ResolveWithin, becomes.ResolveWithin)
	d.text(place+" direction", cmp.Or(string(was.Direction), "none"), cmp.Or(string(becomes.Direction), "none"))
	d.number(place+" further rounds", was.Repeat, becomes.Repeat)
	d.text(place+" calendar", cmp.Or(string(was.Calendar), "around the clock"), cmp.Or(string(becomes.Calendar), "around the clock"))
}

// order in which policies are tried, among those that both revisions have.
func (d *difference) order(prev, next []org.Policy) {
	d.about("policies")
	had, has := byID(prev), byID(next)
	var was, becomes []string
	for _, p := range prev {
		if _, kept := has[string(p.ID)]; kept {
			was = append(was, string(p.ID))
		}
	}
	for _, p := range next {
		if _, kept := had[string(p.ID)]; kept {
			becomes = append(becomes, string(p.ID))
		}
	}
	if !slices.Equal(was, becomes) {
		d.say(Changed, "are tried in another order: was %s; becomes %s", strings.Join(was, ", "), strings.Join(becomes, ", "))
	}
}

func byID(policies []org.Policy) map[string]org.Policy {
	out := map[string]org.Policy{}
	for _, p := range policies {
		out[string(p.ID)] = p
	}
	return out
}
