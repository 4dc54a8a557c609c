package blueprint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/org"
)

func asked(about expr.Request, yields expr.Yields, doc, fallback string) shape {
	return shape{form: formAsked, about: about, yields: yields, doc: fmt.Sprintf("%s CEL over %s.", doc, strings.Join(about.Names(), ", ")), fallback: fallback}
}

// call is one request. Those that only ask may have another method than GET: some systems search by POST.
func call(about expr.Request, method, doc string, further ...key) shape {
	each := func(doc string) shape {
		one := asked(about, expr.Any, "Its value; nothing leaves it out.", "")
		return shape{form: formBook, pages: formText, doc: doc, fallback: "none", items: &one}
	}
	return shape{form: formRecord, doc: doc, keys: append([]key{
		{"method", false, one("How it is asked.", method, "GET", "POST", "PUT", "PATCH", "DELETE")},
		{"path", true, shape{form: formText, doc: "Below the system's url, as /api/tickets/{ticket}; may be filled with " + strings.Join(about.Texts(), ", ") + "."}},
		{"query", false, each("What stands behind the question mark, by name.")},
		{"headers", false, each("Headers, by name. Credentials are no headers: see auth.")},
		{"body", false, asked(about, expr.Any, "What is sent, as JSON.", "nothing")},
		{"success", false, shape{form: formList, min: 1, doc: "Which answers mean that it was done.", fallback: "200 to 299", items: &shape{form: formNumber, min: 200, max: 299, doc: "A status."}}},
	}, further...)}
}

func restShape() shape {
	next := key{"next", false, asked(expr.Answered, expr.Any, "Which page follows, given to the next request as next; nothing, false or an empty text ends it.", "there is one page")}
	result := func(doc string) key {
		return key{"result", true, asked(expr.Answered, expr.Any, doc, "")}
	}
	read := func(name string, need bool, doc string) key {
		fallback := "not known"
		if need {
			fallback = ""
		}
		return key{name, need, asked(expr.Item, expr.Any, doc, fallback)}
	}
	return shape{form: formRecord, doc: "How a system of the type rest is spoken with.", fallback: "none", keys: []key{
		{"auth", false, shape{form: formRecord, doc: "The header that proves who we are.", fallback: "Authorization: the secret as user:password, or as a bearer token when it has no colon", keys: []key{
			{"header", true, words("Its name.")},
			{"value", true, words("Its value, with {secret} in it.")},
		}}},
		{"ticket", true, shape{form: formRecord, doc: "What is read of one ticket as the system shows it.", keys: []key{
			read("id", true, "By which the system addresses it."),
			read("number", false, "By which people know it."),
			read("url", false, "Its page for people."),
			read("title", true, "What it is called."),
			read("status", true, "Its state in the system's words, which states translates."),
			read("assignee", false, "Who has it, as people names them; null is nobody."),
			read("team", false, "Which team has it."),
			read("category", false, "Its category."),
			read("customer", false, "Whose it is."),
			read("correlation", false, "The correlation that open gave it."),
			read("opened_at", false, "When it was opened."),
			read("updated_at", true, "When it changed last."),
			read("version", false, "A whole number that grows with every change."),
			read("gone", false, "Whether it was deleted."),
			read("fields", false, "An object of further fields, for priorities and watch; plain fields of the ticket are there anyway."),
		}}},
		{"open", true, call(expr.ToOpen, "POST", "Makes a ticket.", result("The ticket that was made, or its ID."),
			key{"once", false, shape{form: formSwitch, doc: "The system makes no second ticket for a second request with the same key, however late: it need not be asked first.", fallback: "false"}})},
		{"find", false, call(expr.ToFind, "GET", "Which tickets have this correlation: asked before one is made.", result("They, or their IDs."), next)},
		{"get", true, call(expr.ToGet, "GET", "One ticket.", result("It."))},
		{"number", false, call(expr.ToNumber, "GET", "The ticket with a number, for those that are linked by hand.", result("Those found, or their IDs."), next)},
		{"note", true, call(expr.ToNote, "POST", "Writes a note that customers do not see.")},
		{"notes", true, call(expr.ToNotes, "GET", "What was written into a ticket: looked through when nobody knows whether a note arrived.", result("The notes."), next,
			key{"text", true, asked(expr.Item, expr.Any, "What one of them says, as text or HTML.", "")})},
		{"change", true, shape{form: formList, min: 1, doc: "Changes its fields: each request that has a reason to be made, in this order.", items: restChange()}},
		{"changed", true, call(expr.ToPoll, "GET", "Which tickets changed since, oldest change first: it makes up for webhooks that were lost.", result("They, or their IDs."), next)},
		{"hook", false, shape{form: formRecord, doc: "Its webhooks.", fallback: "none are taken", keys: []key{
			{"ticket", true, asked(expr.Posted, expr.Any, "The ticket as get shows it, or its ID, which is then asked for; a list of either; nothing when it is about something else.", "")},
			{"header", false, shape{form: formText, doc: "The header that proves it.", fallback: "none: such webhooks come by the key of an integration only"}},
			{"hmac", false, one("With which it signs.", "the header holds the secret itself", "sha1", "sha256", "sha512")},
			{"encoding", false, one("How the signature is written.", "hex", "hex", "base64")},
			{"prefix", false, shape{form: formText, doc: "What stands before it, as sha1=.", fallback: "nothing"}},
			{"before", false, shape{form: formText, doc: "The header whose value is signed before the body, without anything between.", fallback: "the body alone is signed"}},
		}}},
	}}
}

func restChange() *shape {
	change := call(expr.ToChange, "PUT", "A request. state, status, priority and assignee are optional: they have a value when they are to be written.",
		key{"when", false, asked(expr.ToChange, expr.Truth, "Its reason, as status.hasValue().", "always")},
		key{"result", false, asked(expr.Answered, expr.Any, "The ticket as it is afterwards.", "it is asked for")})
	return &change
}

func (b builder) ticketREST(n node) *org.TicketREST {
	v := b.value(n, "rest")
	if v == nil {
		return nil
	}
	r := &org.TicketREST{}
	if auth := b.value(v, "auth"); auth != nil {
		r.Auth = org.TicketAuth{Header: b.text(auth, "header", ""), Value: b.text(auth, "value", "")}
		if name := b.value(auth, "header"); name != nil && !headerName.MatchString(r.Auth.Header) {
			b.fail(b.path, name, "rest.auth.header", "%s is not the name of a header", clip(r.Auth.Header))
		}
		if value := b.value(auth, "value"); value != nil && !strings.Contains(r.Auth.Value, "{secret}") {
			b.fail(b.path, value, "rest.auth.value", "has no {secret}: the secret itself stands in BELAY_TICKET_SECRETS, never here")
		}
	}
	if t := b.value(v, "ticket"); t != nil {
		r.Reads = org.TicketReading{ID: b.text(t, "id", ""), Number: b.text(t, "number", ""), URL: b.text(t, "url", ""), Title: b.text(t, "title", ""),
			Status: b.text(t, "status", ""), Assignee: b.text(t, "assignee", ""), Team: b.text(t, "team", ""), Category: b.text(t, "category", ""),
			Customer: b.text(t, "customer", ""), Correlation: b.text(t, "correlation", ""), OpenedAt: b.text(t, "opened_at", ""),
			UpdatedAt: b.text(t, "updated_at", ""), Version: b.text(t, "version", ""), Gone: b.text(t, "gone", ""), Fields: b.text(t, "fields", "")}
	}
	one := func(name string, about expr.Request, method string) org.TicketCall {
		return b.ticketCall(b.value(v, name), "rest."+name, about, method)
	}
	r.Open, r.Find, r.Get, r.Number = one("open", expr.ToOpen, "POST"), one("find", expr.ToFind, "GET"), one("get", expr.ToGet, "GET"), one("number", expr.ToNumber, "GET")
	r.Note, r.Notes, r.Changed = one("note", expr.ToNote, "POST"), one("notes", expr.ToNotes, "GET"), one("changed", expr.ToPoll, "GET")
	for i, item := range b.items(v, "change") {
		r.Change = append(r.Change, b.ticketCall(item, fmt.Sprintf("rest.change[%d]", i), expr.ToChange, "PUT"))
	}
	if hook := b.value(v, "hook"); hook != nil {
		r.Hook = org.TicketHook{Ticket: b.text(hook, "ticket", ""), Header: b.text(hook, "header", ""), HMAC: b.text(hook, "hmac", ""),
			Encoding: b.text(hook, "encoding", "hex"), Prefix: b.text(hook, "prefix", ""), Before: b.text(hook, "before", "")}
		if r.Hook.Header == "" && get(n, "hook") != nil {
			b.fail(b.path, hook, "rest.hook.header", "is missing: name the header that holds the proof, or take the hook out")
		}
		for _, name := range []string{"encoding", "before"} {
			if said := b.value(hook, name); said != nil && r.Hook.HMAC == "" {
				b.fail(b.path, said, "rest.hook."+name, `means nothing without "hmac"`)
			}
		}
	}
	return r
}

var (
	headerName  = regexp.MustCompile(`^[A-Za-z0-9-]{1,100}$`)
	pathPattern = regexp.MustCompile(`^(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}|\{[a-z]+\})*)+$`)
	pathFilled  = regexp.MustCompile(`\{([a-z]+)\}`)
)

// ours are headers that are not for blueprints to set: who we are, where it goes, and how long it is.
var ours = []string{"authorization", "host", "content-length", "transfer-encoding", "connection", "cookie"}

func (b builder) ticketCall(n node, field string, about expr.Request, method string) org.TicketCall {
	if n == nil {
		return org.TicketCall{}
	}
	c := org.TicketCall{When: b.text(n, "when", ""), Method: b.text(n, "method", method), Path: b.text(n, "path", ""), Query: b.book(n, "query"), Headers: b.book(n, "headers"),
		Body: b.text(n, "body", ""), Result: b.text(n, "result", ""), Text: b.text(n, "text", ""), Next: b.text(n, "next", ""), Once: b.text(n, "once", "") == "true"}
	for _, item := range b.items(n, "success") {
		status := 0
		if _, err := fmt.Sscan(item.Value, &status); err == nil {
			c.Success = append(c.Success, status)
		}
	}
	if path := b.value(n, "path"); path != nil {
		if !pathPattern.MatchString(c.Path) || slices.ContainsFunc(strings.Split(c.Path, "/"), func(segment string) bool { return segment == "." || segment == ".." }) {
			b.fail(b.path, path, field+".path", `%s is not a path such as "/api/tickets/{ticket}" (what stands behind a question mark goes into query)`, clip(c.Path))
			return c
		}
		for _, found := range pathFilled.FindAllStringSubmatch(c.Path, -1) {
			if known := about.Texts(); !slices.Contains(known, found[1]) {
				b.fail(b.path, path, field+".path", "there is no {%s} here (known here: {%s})", found[1], strings.Join(known, "}, {"))
			}
		}
	}
	for name := range entries(b.value(n, "headers")) {
		if !headerName.MatchString(name.Value) {
			b.fail(b.path, name, field+".headers", "%s is not the name of a header", clip(name.Value))
		}
		if slices.Contains(ours, strings.ToLower(name.Value)) {
			b.fail(b.path, name, join(field+".headers", name.Value), "is not to be set here: credentials go by rest.auth, the rest is Belay's")
		}
	}
	return c
}

func (b builder) book(n node, name string) map[string]string {
	var out map[string]string
	for k, v := range entries(b.value(n, name)) {
		if b.broken[v] {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[k.Value] = v.Value
	}
	return out
}

// restHolds says what is missing between the parts.
func (b builder) restHolds(doc *document, s org.TicketSystem) {
	said := get(doc.root, "rest")
	if s.Type != org.REST {
		if said != nil {
			b.fail(b.path, said, "rest", `means nothing to a system of the type %s: write "type: rest"`, s.Type)
		}
		return
	}
	if said == nil {
		b.fail(b.path, doc.mark, "rest", "is missing: say how this system is spoken with")
		return
	}
	if b.broken[said] || s.REST == nil {
		return
	}
	if get(said, "find") == nil && !s.REST.Open.Once {
		b.fail(b.path, said, "rest.find", "is missing: say how a ticket is looked for that may have been made already, or, if the system makes none twice with one key, rest.open.once: true")
	}
	if reads := b.value(said, "ticket"); reads != nil {
		for name, why := range map[string]string{
			"correlation": "by it a ticket that was made already is known", "assignee": "people are assigned there: it must be heard who has it",
		} {
			if get(reads, name) == nil && (name == "correlation" && get(said, "find") != nil || name == "assignee" && len(s.People) > 0) {
				b.fail(b.path, reads, "rest.ticket."+name, "is missing: %s", why)
			}
		}
	}
	if len(s.States) == 0 && get(doc.root, "states") == nil {
		b.fail(b.path, doc.mark, "states", "is missing: say what the states of this system mean")
	}
	if change := b.value(said, "change"); change != nil {
		for _, one := range []struct {
			of    string
			given bool
			by    []string
		}{{"states", len(s.States) > 0, []string{"status", "state"}}, {"priorities", len(s.Priority) > 0, []string{"fields", "priority"}}, {"people", len(s.People) > 0, []string{"assignee"}}} {
			if one.given && !mentioned(s.REST.Change, one.by...) {
				b.fail(b.path, change, "rest.change", "writes no %s, though %s are given: what is not written would be heard as changed back", one.by[0], one.of)
			}
		}
	}
	meant := map[string]org.Priority{}
	for _, p := range org.Priorities() {
		fields := s.Priority[p]
		if len(fields) == 0 {
			continue
		}
		if first, twice := meant[shown(fields)]; twice {
			b.fail(b.path, get(doc.root, "priorities"), "priorities", "%s and %s are the same there: what is written as %s comes back as %s; leave it out, then it is not written", first, p, p, first)
		}
		meant[shown(fields)] = p
	}
	if s.Hook != "" && get(said, "hook") == nil {
		b.fail(b.path, said, "rest.hook", "is missing: say what its webhooks say, and how they prove it")
	}
}

// mentioned reports whether one of the requests uses one of the names.
func mentioned(calls []org.TicketCall, names ...string) bool {
	for _, c := range calls {
		all := []string{c.When, c.Path, c.Body}
		for _, of := range []map[string]string{c.Query, c.Headers} {
			for _, source := range of {
				all = append(all, source)
			}
		}
		for _, name := range names {
			if strings.Contains(strings.Join(all, "\n"), name) {
				return true
			}
		}
	}
	return false
}

// restTexts are all that is said of a system, for comparison.
func restTexts(r *org.TicketREST) []string {
	if r == nil {
		return nil
	}
	var all []string
	say := func(name, value string) {
		if value != "" {
			all = append(all, name+" is "+value)
		}
	}
	say("auth", strings.TrimSpace(r.Auth.Header+" "+r.Auth.Value))
	t := r.Reads
	for name, value := range map[string]string{"id": t.ID, "number": t.Number, "url": t.URL, "title": t.Title, "status": t.Status, "assignee": t.Assignee, "team": t.Team,
		"category": t.Category, "customer": t.Customer, "correlation": t.Correlation, "opened_at": t.OpenedAt, "updated_at": t.UpdatedAt, "version": t.Version,
		"gone": t.Gone, "fields": t.Fields} {
		say("ticket."+name, value)
	}
	calls := map[string]org.TicketCall{"open": r.Open, "find": r.Find, "get": r.Get, "number": r.Number, "note": r.Note, "notes": r.Notes, "changed": r.Changed}
	for i, c := range r.Change {
		calls[fmt.Sprintf("change[%d]", i)] = c
	}
	for name, c := range calls {
		if c.Path == "" {
			continue
		}
		say(name, c.Method+" "+c.Path)
		for key, value := range map[string]string{"when": c.When, "body": c.Body, "result": c.Result, "text": c.Text, "next": c.Next} {
			say(name+"."+key, value)
		}
		for key, value := range c.Query {
			say(name+".query."+key, value)
		}
		for key, value := range c.Headers {
			say(name+".headers."+key, value)
		}
		if len(c.Success) > 0 {
			say(name+".success", fmt.Sprint(c.Success))
		}
		if c.Once {
			say(name+".once", "true")
		}
	}
	h := r.Hook
	for name, value := range map[string]string{"ticket": h.Ticket, "header": h.Header, "hmac": h.HMAC, "encoding": h.Encoding, "prefix": h.Prefix, "before": h.Before} {
		say("hook."+name, value)
	}
	slices.Sort(all)
	return all
}
