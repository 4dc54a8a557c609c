package blueprint

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
)

func ticketSystemShape() *shape {
	opening := shape{form: formRecord, doc: "Which escalations get a ticket; a condition left out matches everything.", keys: []key{
		{"services", false, minimum(refs(KindService, "Any of these services."))},
		{"kinds", false, shape{form: formList, min: 1, doc: "Any of these kinds of escalation.", items: &shape{form: formChoice, choices: kinds(), doc: "Kind of escalation."}}},
		{"priorities", false, shape{form: formList, min: 1, doc: "Any of these priorities.", items: &shape{form: formChoice, choices: priorities(), doc: "P1 most urgent … P5."}}},
		{"tier", false, shape{form: formNumber, min: 0, max: 100, doc: "Once this tier of the ladder has begun.", fallback: "0, at once"}},
	}}
	pair := func(doc, of, is string) shape {
		return shape{form: formRecord, doc: doc, keys: []key{{"field", true, words(of)}, {"value", true, words(is)}}}
	}
	fields := func(doc, fallback string) shape {
		one := pair("One field.", "Its name in the system.", "What stands in it.")
		return shape{form: formList, min: 1, doc: doc, fallback: fallback, items: &one}
	}
	state := shape{form: formRecord, doc: "A state.", keys: []key{
		{"is", true, one("In our words.", "", ticketStates()...)},
		{"theirs", true, shape{form: formList, min: 1, doc: "In the system's words; the first is written, all are read.", items: &shape{form: formText, doc: "A state or status."}}},
		{"with", false, fields("Further fields when it is written; {text} is why.", "what the system comes with")},
	}}
	priority := shape{form: formRecord, doc: "A priority.", keys: []key{
		{"is", true, one("In our words.", "", priorities()...)},
		{"theirs", true, fields("The fields that mean it.", "")},
	}}
	person := shape{form: formRecord, doc: "A person.", keys: []key{
		{"person", true, ref(KindPerson, "Somebody of ours.")},
		{"theirs", true, words("As the system addresses them: a sys_id, an accountId, a name.")},
	}}
	secretName := func(doc string) shape { return shape{form: formIdent, doc: doc} }
	return describe(KindTicketSystem, "A system in which tickets are kept: what is written there, and what is heard from it.",
		key{"name", false, shape{form: formText, doc: "How it is called.", fallback: "the id"}},
		key{"type", true, one("Which language it speaks.", "", texts(org.TicketTypes())...)},
		key{"url", true, shape{form: formWeb, doc: "Where it lives, as https://acme.service-now.com."}},
		key{"secret", true, secretName("Name of what we prove ourselves with, in BELAY_TICKET_SECRETS.")},
		key{"hook", false, shape{form: formIdent, doc: "Name of what its webhooks prove themselves with, in BELAY_TICKET_SECRETS.", fallback: "no webhook is believed; it is asked what changed"}},
		key{"table", false, shape{form: formIdent, doc: "ServiceNow: the table of the tickets.", fallback: "incident"}},
		key{"project", false, words("Jira: key of the project in which issues are opened.")},
		key{"issue_type", false, shape{form: formText, doc: "Jira: type of the issues that are opened.", fallback: "Task"}},
		key{"edition", false, one("Jira: which edition it is.", "cloud", "cloud", "data_center")},
		key{"opens", false, shape{form: formList, min: 1, doc: "For which escalations it gets a ticket.", fallback: "none", items: &opening}},
		key{"states", false, shape{form: formList, min: 1, doc: "What its states mean.", fallback: "as the system comes", items: &state}},
		key{"priorities", false, shape{form: formList, min: 1, doc: "What its priorities mean.", fallback: "as the system comes", items: &priority}},
		key{"people", false, shape{form: formList, min: 1, doc: "Who is who there: without it nobody is assigned.", items: &person}},
		key{"watch", false, watchShape()},
		key{"rest", false, restShape()},
		key{"fields", false, fields("Fields of every new ticket; {service}, {title}, {link} and {priority} are filled in.", "none")},
	)
}

const sightDoc = "CEL over ticket (number, title, status, state, priority, assignee, team, category, customer) and fields, which are the system's own."

func watchShape() shape {
	term := func(doc string) shape {
		return shape{form: formSight, doc: doc + " " + sightDoc, fallback: "not known"}
	}
	match := shape{form: formRecord, doc: "Some tickets, and what they are about.", keys: []key{
		{"when", false, shape{form: formSeen, doc: "Which. " + sightDoc, fallback: "all"}},
		{"service", true, ref(KindService, "What they are about.")},
		{"kind", false, one("Which path they take.", "the service's", kinds()...)},
	}}
	return shape{form: formRecord, doc: "Which tickets that others opened are watched, and what is read of them.", fallback: "none", keys: []key{
		{"query", true, words("Which tickets are asked for, in the system's own language (an encoded query, JQL): it makes up for webhooks that were lost.")},
		{"tickets", true, shape{form: formList, min: 1, doc: "The first that matches counts.", items: &match}},
		{"type", false, term("Its type.")},
		{"reason", false, term("Why it waits, as customer or vendor.")},
		{"vip", false, shape{form: formSeen, doc: "Whether the customer is a VIP. " + sightDoc, fallback: "false"}},
		{"responded_at", false, term("When the customer was first answered.")},
		{"spoke_at", false, term("The last word of whoever works on it.")},
		{"labels", false, shape{form: formList, min: 1, doc: "Fields that are kept as labels.", items: &shape{form: formText, doc: "Name of a field."}}},
	}}
}

func (b builder) ticketWatch(n node) org.TicketWatch {
	v := b.value(n, "watch")
	if v == nil {
		return org.TicketWatch{}
	}
	w := org.TicketWatch{Query: b.text(v, "query", ""), Type: b.text(v, "type", ""), Reason: b.text(v, "reason", ""), VIP: b.text(v, "vip", ""),
		RespondedAt: b.text(v, "responded_at", ""), SpokeAt: b.text(v, "spoke_at", ""), Labels: list[string](b, v, "labels")}
	for _, one := range b.items(v, "tickets") {
		w.Tickets = append(w.Tickets, org.TicketMatch{When: b.text(one, "when", ""), Service: id.Service(b.text(one, "service", "")), Kind: org.Kind(b.text(one, "kind", ""))})
	}
	return w
}

func ticketStates() []string { return texts(ticket.States()) }

func (b builder) ticketSystem(doc *document) org.TicketSystem {
	n := doc.root
	s := org.TicketSystem{
		ID: id.TicketSystem(doc.id), Name: b.text(n, "name", doc.id), Type: org.TicketType(b.text(n, "type", "")), URL: b.text(n, "url", ""),
		Secret: b.text(n, "secret", ""), Hook: b.text(n, "hook", ""), Table: b.text(n, "table", ""), Project: b.text(n, "project", ""),
		IssueType: b.text(n, "issue_type", ""), Edition: b.text(n, "edition", ""), Fields: b.fieldPairs(n, "fields"), Watch: b.ticketWatch(n), REST: b.ticketREST(n),
	}
	for _, o := range b.items(n, "opens") {
		s.Opens = append(s.Opens, org.TicketOpening{
			Services: list[id.Service](b, o, "services"), Kinds: list[org.Kind](b, o, "kinds"), Priorities: list[org.Priority](b, o, "priorities"),
			Tier: b.number(o, "tier", 0),
		})
	}
	for _, one := range b.items(n, "states") {
		is := b.text(one, "is", "")
		if s.States == nil {
			s.States, s.With = map[string][]string{}, map[string]map[string]string{}
		}
		if _, twice := s.States[is]; twice {
			b.fail(b.path, one, "states", "%q is given twice", is)
		}
		s.States[is] = list[string](b, one, "theirs")
		if with := b.fieldPairs(one, "with"); with != nil {
			s.With[is] = with
		}
	}
	for _, one := range b.items(n, "priorities") {
		if s.Priority == nil {
			s.Priority = map[org.Priority]map[string]string{}
		}
		s.Priority[org.Priority(b.text(one, "is", ""))] = b.fieldPairs(one, "theirs")
	}
	for _, one := range b.items(n, "people") {
		if s.People == nil {
			s.People = map[id.Person]string{}
		}
		s.People[id.Person(b.text(one, "person", ""))] = b.text(one, "theirs", "")
	}
	if s.Type == org.Jira && len(s.Opens) > 0 && s.Project == "" && get(n, "project") == nil {
		b.fail(b.path, doc.mark, "project", "is missing: name the project in which issues are opened, as OPS")
	}
	b.restHolds(doc, s)
	if len(s.States) > 0 {
		for _, needed := range []ticket.State{ticket.Working, ticket.Solved} {
			if len(s.States[string(needed)]) == 0 {
				b.fail(b.path, doc.mark, "states", "say what %q is there: it is written", needed)
			}
		}
	}
	return s
}

func (b builder) fieldPairs(n node, name string) map[string]string {
	var out map[string]string
	for _, one := range b.items(n, name) {
		if out == nil {
			out = map[string]string{}
		}
		out[b.text(one, "field", "")] = b.text(one, "value", "")
	}
	return out
}

func (d *difference) ticketSystem(was, becomes org.TicketSystem) {
	d.text("name", was.Name, becomes.Name)
	d.text("type", string(was.Type), string(becomes.Type))
	d.text("address", was.URL, becomes.URL)
	d.text("table", was.Table, becomes.Table)
	d.text("project", was.Project, becomes.Project)
	d.text("issue type", was.IssueType, becomes.IssueType)
	d.text("edition", was.Edition, becomes.Edition)
	if was.Secret != becomes.Secret || was.Hook != becomes.Hook {
		d.say(Changed, "takes its secrets by other names")
	}
	d.set("opens tickets for", openingTexts(was), openingTexts(becomes))
	d.set("states", mapTexts(was.States), mapTexts(becomes.States))
	d.set("fields with states", mapTexts(was.With), mapTexts(becomes.With))
	d.set("priorities", mapTexts(was.Priority), mapTexts(becomes.Priority))
	d.set("people", mapTexts(was.People), mapTexts(becomes.People))
	if !reflect.DeepEqual(was.Watch, becomes.Watch) {
		d.text("query of watched tickets", was.Watch.Query, becomes.Watch.Query)
		d.set("watches", matchTexts(was.Watch), matchTexts(becomes.Watch))
	}
	d.set("fields of new tickets", mapTexts(was.Fields), mapTexts(becomes.Fields))
	d.set("speaks REST", restTexts(was.REST), restTexts(becomes.REST))
}

func openingTexts(s org.TicketSystem) []string {
	var out []string
	for _, o := range s.Opens {
		out = append(out, named(o.Services, "all services")+" / "+named(o.Kinds, "all kinds")+" / "+named(o.Priorities, "all priorities")+tierText(o.Tier))
	}
	return out
}

func matchTexts(w org.TicketWatch) []string {
	var out []string
	for n, m := range w.Tickets {
		out = append(out, decimal(n+1)+". "+string(m.Service)+" "+string(m.Kind)+" "+m.When)
	}
	for name, term := range map[string]string{"type": w.Type, "reason": w.Reason, "vip": w.VIP, "responded_at": w.RespondedAt, "spoke_at": w.SpokeAt} {
		if term != "" {
			out = append(out, name+" is "+term)
		}
	}
	for _, label := range w.Labels {
		out = append(out, "label "+label)
	}
	slices.Sort(out)
	return out
}

func tierText(tier int) string {
	if tier == 0 {
		return ""
	}
	return " / from tier " + decimal(tier)
}

func mapTexts[K ~string, V any](m map[K]V) []string {
	out := make([]string, 0, len(m))
	for k, v := range m {
		out = append(out, string(k)+" is "+shown(v))
	}
	slices.Sort(out)
	return out
}

func decimal(n int) string { return strconv.Itoa(n) }

func shown(v any) string { return fmt.Sprint(v) } // maps are printed in the order of their keys
