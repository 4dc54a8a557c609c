package blueprint

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

const conditionDoc = "In CEL, over action, title, severity, status, source, dedup_key, service, integration, format, client, labels, details and at."

func rulesShape() *shape {
	return describe(KindRules, "Rules of the organisation, tried behind those of each integration, in the order of files (by path) and documents; the first match wins.",
		key{"rules", true, minimum(rules("Tried in order."))},
	)
}

func rules(doc string) shape {
	return shape{form: formList, doc: doc, items: &shape{form: formRecord, doc: "What becomes of the events that it matches.", keys: []key{
		{"name", true, words("How it is called in timelines and explanations.")},
		{"when", false, shape{form: formCondition, doc: conditionDoc, fallback: "always"}},
		{"continue", false, shape{form: formSwitch, doc: "Later rules are asked too, and say what this one left open.", fallback: "false"}},
		{"action", false, one("escalate tells somebody; suppress keeps it on record and tells nobody; drop forgets it; ping is a sign of life of a heartbeat.", "escalate", "escalate", "suppress", "drop", "ping")},
		{"service", false, shape{form: formRef, of: KindService, doc: "What it is about.", fallback: "the integration's"}},
		{"kind", false, one("Which path it takes.", "the integration's", kinds()...)},
		{"priority", false, one("How urgent it is.", "from impact and urgency", priorities()...)},
		{"impact", false, one("How wide the damage is.", "the service's", "high", "medium", "low")},
		{"urgency", false, one("How soon it matters.", "the severity of the event", severities()...)},
		{"labels", false, shape{form: formBook, pages: formIdent, doc: "Added to the alert, for later rules, windows and groups.", items: &shape{form: formText, doc: "Value of the label."}}},
		{"delay", false, lasts("Tells somebody only if it still fires so long after.", "at once")},
		{"group", false, shape{form: formRecord, doc: "Puts alerts with the same values into one escalation.", fallback: "each by itself", keys: []key{
			{"by", true, shape{form: formList, min: 1, doc: "What must be the same, in CEL.", items: &shape{form: formTerm, doc: "Such as labels.cluster."}}},
			{"within", false, lasts("How long after the last one another may join.", "10m")},
			{"count", false, shape{form: formNumber, min: 1, max: 1000, doc: "So many different alerts must fire within that time before anybody is told.", fallback: "1"}},
		}}},
		{"ping", false, shape{form: formRef, of: KindHeartbeat, doc: "Of which heartbeat it is a sign of life, with the action ping."}},
	}}}
}

func flapping() shape {
	return shape{form: formRecord, doc: "How often an alert may change before it is held open until it is quiet.", fallback: "every change is taken as it comes", keys: []key{
		{"changes", true, shape{form: formNumber, min: 2, max: 100, doc: "More changes than these, from quiet to firing or back, …"}},
		{"within", true, lasts("… in so long. It is over when nothing has changed for so long.", "")},
	}}
}

func mapping() shape {
	term := func(doc, fallback string) shape { return shape{form: formMapping, doc: doc, fallback: fallback} }
	return shape{form: formRecord, doc: "How any JSON becomes an event (format json): expressions in CEL over body, item, header and query.", keys: []key{
		{"each", false, term("A list: each of its entries is an event, seen as item.", "the body is one event")},
		{"title", true, term("What is wrong.", "")},
		{"dedup_key", false, term("What all messages about the same trouble share.", "source and title")},
		{"severity", false, term("critical, error, warning or info, or a word that means one of them.", "error")},
		{"status", false, term("As the sender calls it.", "none")},
		{"action", false, term("trigger, acknowledge, resolve or ignore.", "by the status: resolved, ok, closed and the like resolve, everything else triggers")},
		{"source", false, term("What is broken.", "none")},
		{"occurred_at", false, term("An instant, or seconds or milliseconds since 1970.", "when it came in")},
		{"links", false, term("A URL, or a list of URLs or of {href, text}.", "none")},
		{"labels", false, term("A mapping of names to values.", "none")},
	}}
}

func windowShape() *shape {
	return describe(KindWindow, "A maintenance window: what fires in it is on record, and pages when the window ends if it still fires.",
		key{"name", false, shape{form: formText, doc: "How it is called.", fallback: "the id"}},
		key{"time_zone", false, zone("the organisation's")},
		key{"from", false, shape{form: formMoment, doc: "When it begins, or since when it recurs.", fallback: "always; a window that does not recur needs it"}},
		key{"until", false, shape{form: formMoment, doc: "When it ends, or until when it recurs.", fallback: "for ever; a window that does not recur needs it"}},
		key{"weekly", false, shape{form: formList, min: 1, doc: "The stretches of each week in which it is open.", fallback: "open from - until", items: &shape{form: formRecord, doc: "A stretch of the week.", keys: []key{
			{"days", false, shape{form: formList, min: 1, doc: "The days on which the stretch begins.", fallback: "every day",
				items: &shape{form: formDays, doc: "A day, or days from - to."}}},
			{"from", true, shape{form: formClock, doc: "Local time at which it begins."}},
			{"until", true, shape{form: formClock, doc: "Local time at which it ends; at or before from: on the next day."}},
		}}}},
		key{"services", false, shape{form: formList, min: 1, doc: "Which services it covers.", fallback: "all", items: &shape{form: formRef, of: KindService, doc: "Id of a service."}}},
		key{"when", false, shape{form: formCondition, doc: "Which events it covers. " + conditionDoc, fallback: "all"}},
		key{"up_to", true, one("The worst severity that it covers: what is worse pages as ever.", "", severities()...)},
		key{"reason", false, words("Why.")},
	)
}

func heartbeat() *shape {
	return describe(KindHeartbeat, "A sign of life that somebody sends: a missing one opens an escalation.",
		key{"name", false, shape{form: formText, doc: "How it is called.", fallback: "the id"}},
		key{"integration", true, ref(KindIntegration, "By whose key it is sent.")},
		key{"service", false, shape{form: formRef, of: KindService, doc: "What is broken when it is missing.", fallback: "the integration's"}},
		key{"every", true, lasts("How often it comes.", "")},
		key{"grace", false, lasts("How much later it may come.", "1m")},
		key{"severity", false, one("How serious a missing one is.", "critical", severities()...)},
		key{"priority", false, one("How urgent a missing one is.", "from the impact of the service and the severity", priorities()...)},
	)
}

func severities() []string { return []string{"critical", "error", "warning", "info"} }

// scopes are made once for a reading.
type scopes struct{ events, bodies, tickets, sights expr.Scope }

// expression says what is wrong with one, or nothing.
func (r *reader) expression(s *shape, text string) string {
	if r.scopes == nil {
		events, err := expr.Events()
		if err != nil {
			return err.Error()
		}
		bodies, err := expr.Bodies()
		if err != nil {
			return err.Error()
		}
		tickets, err := expr.Tickets()
		if err != nil {
			return err.Error()
		}
		sights, err := expr.Snapshots()
		if err != nil {
			return err.Error()
		}
		r.scopes = &scopes{events, bodies, tickets, sights}
	}
	scope, want := r.scopes.events, expr.Truth
	switch s.form {
	case formTerm:
		want = expr.Text
	case formAbout:
		scope = r.scopes.tickets
	case formSeen:
		scope = r.scopes.sights
	case formSight:
		scope, want = r.scopes.sights, expr.Text
	case formMapping:
		scope, want = r.scopes.bodies, expr.Any
	case formAsked:
		about, err := expr.About(s.about)
		if err != nil {
			return err.Error()
		}
		scope, want = about, s.yields
	}
	_, err := scope.Compile(text, want)
	var mistake expr.Mistake
	if errors.As(err, &mistake) {
		if s.form == formAsked && strings.Contains(mistake.Message, "undeclared reference") {
			return mistake.Error() + " (known here: " + strings.Join(s.about.Names(), ", ") + ")"
		}
		return mistake.Error()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func (b builder) rules(n node) []org.Rule {
	var out []org.Rule
	for i, item := range b.items(n, "rules") {
		rule := org.Rule{
			Name: b.text(item, "name", "rule "+strconv.Itoa(i+1)), When: b.text(item, "when", ""), Continue: b.text(item, "continue", "") == "true",
			Action: org.RuleAction(b.text(item, "action", string(org.Tell))), Service: id.Service(b.text(item, "service", "")),
			Kind: org.Kind(b.text(item, "kind", "")), Priority: org.Priority(b.text(item, "priority", "")),
			Impact: impact(b.text(item, "impact", "")), Urgency: b.text(item, "urgency", ""),
			Delay: b.duration(item, "delay", 0), Ping: id.Heartbeat(b.text(item, "ping", "")),
		}
		for name, value := range entries(b.value(item, "labels")) {
			if rule.Labels == nil {
				rule.Labels = map[string]string{}
			}
			rule.Labels[name.Value] = value.Value
		}
		if group := b.value(item, "group"); group != nil {
			rule.Group = &org.Grouping{By: list[string](b, group, "by"), Within: b.duration(group, "within", defaultGroup), Count: b.number(group, "count", 1)}
		}
		out = append(out, rule)
	}
	return out
}

// impact in numbers; 0: not said.
func impact(word string) int {
	switch word {
	case "high":
		return 1
	case "medium":
		return 2
	case "low":
		return 3
	}
	return 0
}

func (b builder) flapping(n node) *org.Flapping {
	v := b.value(n, "flapping")
	if v == nil {
		return nil
	}
	return &org.Flapping{Changes: b.number(v, "changes", 0), Within: b.duration(v, "within", 0)}
}

func (b builder) mapping(n node) *org.Mapping {
	if v := b.value(n, "mapping"); v != nil {
		return b.mapped(v)
	}
	return nil
}

func (b builder) mapped(v node) *org.Mapping {
	return &org.Mapping{Each: b.text(v, "each", ""), Action: b.text(v, "action", ""), Title: b.text(v, "title", ""),
		Severity: b.text(v, "severity", ""), Status: b.text(v, "status", ""), DedupKey: b.text(v, "dedup_key", ""),
		Source: b.text(v, "source", ""), OccurredAt: b.text(v, "occurred_at", ""), Links: b.text(v, "links", ""), Labels: b.text(v, "labels", "")}
}

func (b builder) window(doc *document) org.Window {
	n := doc.root
	w := org.Window{ID: id.Window(doc.id), Name: b.text(n, "name", doc.id), Zone: b.zone, From: b.at(n, "from"), Until: b.at(n, "until"),
		Services: list[id.Service](b, n, "services"), When: b.text(n, "when", ""), UpTo: b.text(n, "up_to", ""), Reason: b.text(n, "reason", "")}
	for _, item := range b.items(n, "weekly") {
		w.Weekly = append(w.Weekly, b.weekHours(item))
	}
	return w
}

func (b builder) at(n node, name string) time.Time {
	at, _ := moment(b.text(n, name, ""), b.zone)
	return at
}

func (b builder) heartbeat(doc *document) org.Heartbeat {
	n := doc.root
	return org.Heartbeat{ID: id.Heartbeat(doc.id), Name: b.text(n, "name", doc.id), Integration: id.Integration(b.text(n, "integration", "")),
		Service: id.Service(b.text(n, "service", "")), Every: b.duration(n, "every", 0), Grace: b.duration(n, "grace", time.Minute),
		Severity: b.text(n, "severity", "critical"), Priority: org.Priority(b.text(n, "priority", ""))}
}

// rules that say two things at once, or nothing.
func (v reviewer) rules(doc *document) {
	names := map[string]bool{}
	list := items(get(doc.root, "rules"))
	for i, rule := range list {
		field := "rules[" + strconv.Itoa(i) + "]"
		if name := get(rule, "name"); name != nil && !v.broken[name] {
			if names[name.Value] {
				v.fail(doc.path, name, field+".name", "%s is the name of two rules here", clip(name.Value))
			}
			names[name.Value] = true
		}
		action := "escalate"
		if said := get(rule, "action"); said != nil && !v.broken[said] {
			action = said.Value
		}
		ping := get(rule, "ping")
		if action == "ping" && ping == nil {
			v.fail(doc.path, rule, field+".ping", "is missing: name the heartbeat")
		}
		if action != "ping" && ping != nil {
			v.fail(doc.path, ping, field+".ping", "needs \"action: ping\"")
		}
		for _, name := range []string{"delay", "group", "priority", "impact", "urgency"} {
			if said := get(rule, name); said != nil && action != "escalate" {
				v.fail(doc.path, said, field+"."+name, "means nothing beside \"action: %s\"", action)
			}
		}
		if group := get(rule, "group"); group != nil && get(rule, "delay") != nil {
			v.fail(doc.path, group, field+".group", "cannot stand beside a delay: a group has its own time")
		}
		if said := get(rule, "priority"); said != nil && (get(rule, "impact") != nil || get(rule, "urgency") != nil) {
			v.fail(doc.path, said, field+".priority", "cannot stand beside impact or urgency, from which it follows")
		}
		last := get(rule, "continue") == nil || get(rule, "continue").Value != "true"
		if get(rule, "when") == nil && last && i+1 < len(list) {
			v.warn(doc.path, rule, field, "matches everything: the rules below it are never asked")
		}
	}
}

// window that is never open, or has no end.
func (v reviewer) window(doc *document) {
	w, known := v.org.Windows[id.Window(doc.id)]
	if !known || v.damagedBelow(doc.root) {
		return
	}
	if len(w.Weekly) == 0 && (w.From.IsZero() || w.Until.IsZero()) {
		v.fail(doc.path, doc.mark, "until", "is missing: a window has a beginning and an end (from, until), or recurs (weekly)")
		return
	}
	if !w.From.IsZero() && !w.Until.IsZero() && !w.From.Before(w.Until) {
		v.fail(doc.path, get(doc.root, "until"), "until", "is not after from: the window is never open")
	}
}

func ruleText(r org.Rule) string {
	said := r.Name
	if r.When != "" {
		said += " (when " + r.When + ")"
	}
	said += fmt.Sprintf(": %s", r.Action)
	for _, part := range []struct{ name, value string }{
		{"service", string(r.Service)}, {"kind", string(r.Kind)}, {"priority", string(r.Priority)}, {"urgency", r.Urgency}, {"ping", string(r.Ping)},
	} {
		if part.value != "" {
			said += ", " + part.name + " " + part.value
		}
	}
	if r.Impact > 0 {
		said += ", impact " + impactText(r.Impact)
	}
	if r.Delay > 0 {
		said += ", after " + lasting(r.Delay)
	}
	if r.Group != nil {
		said += fmt.Sprintf(", grouped by %s within %s", named(r.Group.By, "nothing"), lasting(r.Group.Within))
		if r.Group.Count > 1 {
			said += fmt.Sprintf(" from %d on", r.Group.Count)
		}
	}
	for _, name := range sortedKeys(r.Labels) {
		said += fmt.Sprintf(", label %s=%s", name, r.Labels[name])
	}
	if r.Continue {
		said += ", then on"
	}
	return said
}

// rules are compared by name; their order means something.
func (d *difference) rules(was, becomes []org.Rule) {
	old := map[string]string{}
	var before, after []string
	for _, rule := range was {
		old[rule.Name] = ruleText(rule)
		before = append(before, rule.Name)
	}
	now := map[string]bool{}
	for _, rule := range becomes {
		now[rule.Name] = true
		after = append(after, rule.Name)
		said := ruleText(rule)
		switch text, had := old[rule.Name]; {
		case !had:
			d.say(Changed, "rule %s is new", said)
		case text != said:
			d.say(Changed, "rule becomes %s (was %s)", said, text)
		}
	}
	for _, rule := range was {
		if !now[rule.Name] {
			d.say(Changed, "rule %s is gone", rule.Name)
		}
	}
	if len(before) == len(after) && len(before) == len(now) {
		d.list("order of rules", named(before, "none"), named(after, "none"))
	}
}

func flappingText(f *org.Flapping) string {
	if f == nil {
		return "not watched"
	}
	return fmt.Sprintf("more than %d changes in %s", f.Changes, lasting(f.Within))
}

func (d *difference) mapping(was, becomes *org.Mapping) {
	var before, after org.Mapping
	if was != nil {
		before = *was
	}
	if becomes != nil {
		after = *becomes
	}
	d.word("mapping, each", before.Each, after.Each)
	d.word("mapping, action", before.Action, after.Action)
	d.word("mapping, title", before.Title, after.Title)
	d.word("mapping, severity", before.Severity, after.Severity)
	d.word("mapping, status", before.Status, after.Status)
	d.word("mapping, dedup_key", before.DedupKey, after.DedupKey)
	d.word("mapping, source", before.Source, after.Source)
	d.word("mapping, occurred_at", before.OccurredAt, after.OccurredAt)
	d.word("mapping, links", before.Links, after.Links)
	d.word("mapping, labels", before.Labels, after.Labels)
}

func (d *difference) window(was, becomes org.Window) {
	d.text("name", was.Name, becomes.Name)
	d.zone(was.Zone, becomes.Zone)
	d.text("beginning", minuteText(was.From, was.Zone), minuteText(becomes.From, becomes.Zone))
	d.text("end", minuteText(was.Until, was.Zone), minuteText(becomes.Until, becomes.Zone))
	d.text("hours", weekHoursText(was.Weekly), weekHoursText(becomes.Weekly))
	d.list("services", named(was.Services, "all"), named(becomes.Services, "all"))
	d.word("condition", was.When, becomes.When)
	d.text("covers up to", was.UpTo, becomes.UpTo)
	d.word("reason", was.Reason, becomes.Reason)
}

func (d *difference) heartbeat(was, becomes org.Heartbeat) {
	d.text("name", was.Name, becomes.Name)
	d.word("integration", string(was.Integration), string(becomes.Integration))
	d.word("service", string(was.Service), string(becomes.Service))
	d.lasting("comes every", was.Every, becomes.Every)
	d.lasting("grace", was.Grace, becomes.Grace)
	d.text("severity", was.Severity, becomes.Severity)
	d.word("priority", string(was.Priority), string(becomes.Priority))
}
