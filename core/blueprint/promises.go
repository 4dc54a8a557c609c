package blueprint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/sla"
)

const (
	formAbout form = "ticket condition" // CEL over a ticket: true or false
	formPoint form = "point"            // 80%, 30m before, breach, 1h after

	aboutDoc = "CEL over ticket, history and changed (docs/sla.md)."
)

// pointPattern is shared with the published schema.
const pointPattern = `^([1-9][0-9]{0,2}%|breach|([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)? (before|after))$`

// What is done when nobody says: somebody sees it coming, somebody is called when it comes.
var usualThresholds = []org.Threshold{
	{Percent: 75, Act: org.Act{Do: org.Warn}},
	{Act: org.Act{Do: org.Escalate, Direction: org.Functional}},
}

// point reads "80%", "30m before", "breach", "1h after".
func point(text string) (org.Threshold, bool) {
	if text == "breach" {
		return org.Threshold{}, true
	}
	if percent, found := strings.CutSuffix(text, "%"); found {
		n, ok := number(percent)
		return org.Threshold{Percent: n}, ok && n >= 1 && n <= 999 && len(percent) <= 3 && percent[0] != '0'
	}
	amount, side, _ := strings.Cut(text, " ")
	offset, ok := duration(amount)
	if !ok || offset <= 0 || offset > longest || side != "before" && side != "after" {
		return org.Threshold{}, false
	}
	if side == "before" {
		offset = -offset
	}
	return org.Threshold{Offset: offset}, true
}

func meantShape() shape {
	return shape{form: formRecord, doc: "Which tickets it is meant for; a condition left out matches everything.", fallback: "every ticket", keys: []key{
		{"services", false, minimum(refs(KindService, "Any of these services."))},
		{"kinds", false, shape{form: formList, min: 1, doc: "Any of these kinds.", items: &shape{form: formChoice, choices: kinds(), doc: "Kind of ticket."}}},
		{"priorities", false, shape{form: formList, min: 1, doc: "Any of these priorities.", items: &shape{form: formChoice, choices: priorities(), doc: "P1 most urgent … P5."}}},
		{"customers", false, shape{form: formList, min: 1, doc: "Any of these customers, as the ticket names them.", items: &shape{form: formText, doc: "Name of a customer."}}},
		{"labels", false, shape{form: formBook, pages: formIdent, doc: "All of these labels, with these values.", items: &shape{form: formText, doc: "Value of the label."}}},
	}}
}

func actKeys(deeds ...string) []key {
	return []key{
		{"do", true, one("warn: it is on record and shows. raise: the priority, by one. escalate: a tier of the policy is called. bring_in: people are called. webhook: a program is told, and nobody is called.", "", deeds...)},
		{"direction", false, one("Of escalate: to the next tier of this direction, or to the managers of whoever has it.", "the first tier, or the next one", "functional", "hierarchic")},
		{"tier", false, shape{form: formNumber, min: 1, max: 100, doc: "Of escalate: this tier, from 1.", fallback: "by direction"}},
		{"targets", false, targets("Of bring_in: everybody who is called at once.", "")},
		{"url", false, shape{form: formWeb, doc: "Of webhook: URL that is posted to, signed as pages by webhook are."}},
	}
}

func slaShape() *shape {
	threshold := shape{form: formRecord, doc: "A point of the clock, and what is done then.", keys: append([]key{
		{"at", true, shape{form: formPoint, doc: "A share of the target (80%), a distance from the breach (30m before, 1h after), or the breach itself."}},
		{"wall", false, shape{form: formSwitch, doc: "The distance from the breach is wall time, also while the calendar is closed; that of a share is what it leaves of the target: 75% of 4h is 1h before.", fallback: "false: it is counted on the calendar"}},
	}, actKeys("warn", "raise", "escalate", "bring_in", "webhook")...)}
	condition := func(name, doc, fallback string) key {
		return key{name, false, shape{form: formAbout, doc: doc + " " + aboutDoc, fallback: fallback}}
	}
	return describe(KindSLA, "A promise about tickets: the definition of a clock. For each metric the first that is meant for a ticket counts, in the order of files (by path) and documents.",
		key{"name", false, shape{form: formText, doc: "How it is called.", fallback: "the id"}},
		key{"metric", true, one("What is promised: a first answer, news every so often, the solution.", "", "first_response", "update", "resolve")},
		key{"for", false, meantShape()},
		key{"target", true, lasts("How long it may take.", "")},
		key{"calendar", false, shape{form: formRef, of: KindCalendar, doc: "On which it counts.", fallback: "around the clock"}},
		key{"retroactive", false, shape{form: formSwitch, doc: "Counts from the ticket's opening, also when it starts later: a ticket that becomes P1 is late by what has passed.", fallback: "false"}},
		condition("start", "When the clock starts.", "when the ticket is not over"),
		condition("pause", "While it stands.", "while the ticket waits"),
		condition("resume", "When it runs again.", "when pause does not hold any more"),
		condition("stop", "When the promise is kept.", "first_response: the customer has been answered; all: the ticket is solved or closed"),
		condition("cancel", "When it does not hold any more.", "when the ticket is cancelled"),
		condition("reset", "When it begins again from nothing; asked at every change.", "update: with every word of whoever works on it; else never"),
		key{"thresholds", false, shape{form: formList, min: 1, doc: "What is done when.", fallback: "warn at 75%, escalate at the breach", items: &threshold}},
	)
}

func triggerShape() *shape {
	return describe(KindTrigger, "What escalates a ticket beside its clocks. All that match count, each once until it ceases to hold. Unless one is called ping-pong, a ticket that goes back to a team three times is escalated hierarchically.",
		append([]key{
			{"name", false, shape{form: formText, doc: "Why, in words.", fallback: "the id"}},
			{"for", false, meantShape()},
			{"when", false, shape{form: formAbout, doc: "When it holds. " + aboutDoc, fallback: "always"}},
			{"silent_for", false, lasts("Whoever works on it has said nothing for so long.", "however long")},
			{"calendar", false, shape{form: formRef, of: KindCalendar, doc: "On which silence counts.", fallback: "around the clock"}},
		}, actKeys("warn", "raise", "escalate", "bring_in", "webhook")...)...)
}

func (b builder) meant(n node) org.Meant {
	m := org.Meant{Services: list[id.Service](b, n, "services"), Kinds: list[org.Kind](b, n, "kinds"),
		Priorities: list[org.Priority](b, n, "priorities"), Customers: list[string](b, n, "customers")}
	for name, value := range entries(b.value(n, "labels")) {
		if m.Labels == nil {
			m.Labels = map[string]string{}
		}
		m.Labels[name.Value] = value.Value
	}
	return m
}

// act reads what is done, and refuses what would be passed over in silence.
func (b builder) act(n node, field string) org.Act {
	a := org.Act{Do: org.Do(b.text(n, "do", "")), Direction: org.Direction(b.text(n, "direction", "")), Tier: b.number(n, "tier", 0), Targets: b.targets(n, "targets"),
		URL: b.text(n, "url", "")}
	refuse := func(name string, only org.Do) {
		if v := get(n, name); v != nil && a.Do != only && a.Do != "" {
			b.fail(b.path, v, join(field, name), "belongs to %q, not to %q", only, a.Do)
		}
	}
	refuse("direction", org.Escalate)
	refuse("tier", org.Escalate)
	refuse("targets", org.BringIn)
	refuse("url", org.TellHook)
	if a.Do == org.BringIn && get(n, "targets") == nil {
		b.fail(b.path, n, join(field, "targets"), "is missing: say who is brought in")
	}
	if a.Do == org.TellHook && get(n, "url") == nil {
		b.fail(b.path, n, join(field, "url"), "is missing: say what is posted to")
	}
	if a.Do == org.TellHook {
		a.Hook = hookName(a.URL)
	}
	return a
}

// hookName calls a webhook by its host and by what tells it from others there, without saying its address: that may be a
// secret.
func hookName(address string) string {
	_, host, _ := strings.Cut(address, "://")
	if end := strings.IndexAny(host, "/?#"); end >= 0 {
		host = host[:end]
	}
	if port := strings.LastIndexByte(host, ':'); port > strings.LastIndexByte(host, ']') {
		host = host[:port]
	}
	sum := sha256.Sum256([]byte(address))
	return host + "#" + hex.EncodeToString(sum[:4])
}

func (b builder) sla(doc *document) org.SLA {
	n := doc.root
	s := org.SLA{ID: id.SLA(doc.id), Name: b.text(n, "name", doc.id), Metric: org.Metric(b.text(n, "metric", "")), For: b.meant(b.value(n, "for")),
		Target: b.duration(n, "target", 0), Calendar: id.Calendar(b.text(n, "calendar", "")), Retroactive: b.text(n, "retroactive", "") == "true",
		Start: b.text(n, "start", ""), Pause: b.text(n, "pause", ""), Resume: b.text(n, "resume", ""), Stop: b.text(n, "stop", ""),
		Cancel: b.text(n, "cancel", ""), Reset: b.text(n, "reset", "")}
	if get(n, "thresholds") == nil {
		s.Thresholds = usualThresholds
	}
	seen := map[string]bool{}
	for i, item := range b.items(n, "thresholds") {
		field := "thresholds[" + strconv.Itoa(i) + "]"
		at := b.value(item, "at")
		if at == nil {
			continue
		}
		t, _ := point(at.Value)
		t.Wall, t.Act = b.text(item, "wall", "") == "true", b.act(item, field)
		switch name := sla.Name(t); {
		case t.Offset < 0 && -t.Offset >= s.Target && s.Target > 0 && !t.Wall:
			b.fail(b.path, at, join(field, "at"), "%s is as long as the target or longer: it would be reached at once", clip(at.Value))
		case seen[name]:
			b.fail(b.path, item, field, "does the same as one above")
		default:
			seen[name] = true
		}
		s.Thresholds = append(s.Thresholds, t)
	}
	return s
}

func (b builder) trigger(doc *document) org.Trigger {
	n := doc.root
	t := org.Trigger{ID: id.Trigger(doc.id), Name: b.text(n, "name", doc.id), For: b.meant(b.value(n, "for")), When: b.text(n, "when", ""),
		SilentFor: b.duration(n, "silent_for", 0), Calendar: id.Calendar(b.text(n, "calendar", "")), Act: b.act(n, "")}
	if get(n, "when") == nil && get(n, "silent_for") == nil {
		b.fail(b.path, doc.mark, "when", "is missing: without it, and without silent_for, every ticket would be escalated at once")
	}
	return t
}

func (d *difference) meant(was, becomes org.Meant) {
	d.list("services", named(was.Services, "all"), named(becomes.Services, "all"))
	d.list("kinds", named(was.Kinds, "all"), named(becomes.Kinds, "all"))
	d.list("priorities", named(was.Priorities, "all"), named(becomes.Priorities, "all"))
	d.list("customers", named(was.Customers, "all"), named(becomes.Customers, "all"))
	d.word("labels", labelsText(was.Labels), labelsText(becomes.Labels))
}

func labelsText(labels map[string]string) string {
	var list []string
	for name, value := range labels {
		list = append(list, name+"="+value)
	}
	return strings.Join(slices.Sorted(slices.Values(list)), ", ")
}

func (d *difference) sla(was, becomes org.SLA) {
	d.text("name", was.Name, becomes.Name)
	d.text("metric", string(was.Metric), string(becomes.Metric))
	d.meant(was.For, becomes.For)
	d.lasting("target", was.Target, becomes.Target)
	d.text("calendar", orAround(was.Calendar), orAround(becomes.Calendar))
	d.text("counts from the opening", yesNo(was.Retroactive), yesNo(becomes.Retroactive))
	for _, c := range []struct{ name, was, becomes string }{
		{"start", was.Start, becomes.Start}, {"pause", was.Pause, becomes.Pause}, {"resume", was.Resume, becomes.Resume},
		{"stop", was.Stop, becomes.Stop}, {"cancel", was.Cancel, becomes.Cancel}, {"reset", was.Reset, becomes.Reset},
	} {
		d.word(c.name, c.was, c.becomes)
	}
	d.list("thresholds", thresholdsText(was.Thresholds), thresholdsText(becomes.Thresholds))
}

func (d *difference) trigger(was, becomes org.Trigger) {
	d.text("name", was.Name, becomes.Name)
	d.meant(was.For, becomes.For)
	d.word("when", was.When, becomes.When)
	d.lasting("silence", was.SilentFor, becomes.SilentFor)
	d.text("calendar", orAround(was.Calendar), orAround(becomes.Calendar))
	d.text("act", sla.Deed(was.Act), sla.Deed(becomes.Act))
}

func orAround(c id.Calendar) string {
	if c == "" {
		return "around the clock"
	}
	return string(c)
}

func thresholdsText(list []org.Threshold) string {
	texts := make([]string, len(list))
	for i, t := range list {
		texts[i] = sla.Name(t)
	}
	return strings.Join(texts, ", ")
}

func slasByID(list []org.SLA) map[id.SLA]org.SLA {
	out := map[id.SLA]org.SLA{}
	for _, s := range list {
		out[s.ID] = s
	}
	return out
}

func triggersByID(list []org.Trigger) map[id.Trigger]org.Trigger {
	out := map[id.Trigger]org.Trigger{}
	for _, t := range list {
		out[t.ID] = t
	}
	return out
}

// slaOrder says when promises are tried in another order.
func (d *difference) slaOrder(prev, next []org.SLA) {
	d.about("promises")
	had, has := slasByID(prev), slasByID(next)
	var was, becomes []string
	for _, s := range prev {
		if _, kept := has[s.ID]; kept {
			was = append(was, string(s.ID))
		}
	}
	for _, s := range next {
		if _, kept := had[s.ID]; kept {
			becomes = append(becomes, string(s.ID))
		}
	}
	if a, b := strings.Join(was, ", "), strings.Join(becomes, ", "); a != b {
		d.say(Changed, "are tried in another order: was %s; becomes %s", a, b)
	}
}

// promise: a threshold must not name a tier that no policy has.
func (v reviewer) promise(doc *document, acts map[string]org.Act) {
	most := 0
	for _, p := range v.org.Policies {
		most = max(most, len(p.Tiers))
	}
	for field, a := range acts {
		if a.Tier > most {
			v.fail(doc.path, doc.mark, field, "there is no policy with %d tiers", a.Tier)
		}
	}
}

func (v reviewer) sla(doc *document) {
	acts := map[string]org.Act{}
	for i, t := range slasByID(v.org.SLAs)[id.SLA(doc.id)].Thresholds {
		acts[fmt.Sprintf("thresholds[%d].tier", i)] = t.Act
	}
	v.promise(doc, acts)
}

func (v reviewer) trigger(doc *document) {
	v.promise(doc, map[string]org.Act{"tier": triggersByID(v.org.Triggers)[id.Trigger(doc.id)].Act})
}
