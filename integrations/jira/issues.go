package jira

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/integrations/foreign"
	"github.com/belayhq/belay/integrations/outbound"
)

// DataCenter is the edition that people run themselves: REST API 2, plain text, people by name.
const DataCenter = "data_center"

// Issues are the tickets of one site. Source: developer.atlassian.com, "The Jira Cloud platform REST API" v3.
type Issues struct {
	system org.TicketSystem
	auth   string
	names  tracker.Names
	out    *outbound.Client
}

// New reaches a site. The secret is "mail:token", else a personal access token.
func New(system org.TicketSystem, secret string, allow []netip.Prefix, timeout time.Duration) (*Issues, error) {
	if secret == "" {
		return nil, fault.Field("secret", "%s has none: BELAY_TICKET_SECRETS must hold %q", system.ID, system.Secret)
	}
	if system.Project == "" && len(system.Opens) > 0 {
		return nil, fault.Field("project", "%s opens issues: name the project, as OPS", system.ID)
	}
	auth := "Bearer " + secret
	if strings.Contains(secret, ":") {
		auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(secret))
	}
	return &Issues{system: system, auth: auth, names: Names(system), out: outbound.New(outbound.Options{Allow: allow, Timeout: timeout})}, nil
}

// Names of statuses, as said, else those of a project that nobody has changed.
func Names(system org.TicketSystem) tracker.Names {
	names := tracker.Names{}
	for s, words := range system.States {
		names[ticket.State(s)] = words
	}
	if len(names) == 0 {
		return tracker.Names{ticket.New: {"To Do", "Open", "Reopened", "Backlog"}, ticket.Working: {"In Progress"}, ticket.Waiting: {"Waiting for customer", "On Hold"},
			ticket.Solved: {"Done", "Resolved"}, ticket.Done: {"Closed"}, ticket.Cancelled: {"Cancelled", "Canceled", "Won't Do"}}
	}
	return names
}

// Priorities by the names that Jira comes with, unless others are said.
func Priorities(system org.TicketSystem) map[org.Priority]map[string]string {
	if len(system.Priority) > 0 {
		return system.Priority
	}
	of := func(name string) map[string]string { return map[string]string{"priority": name} }
	return map[org.Priority]map[string]string{org.P1: of("Highest"), org.P2: of("High"), org.P3: of("Medium"), org.P4: of("Low"), org.P5: of("Lowest")}
}

func (i *Issues) dataCenter() bool { return i.system.Edition == DataCenter }

func (i *Issues) address(path string, query url.Values) string {
	version := "3"
	if i.dataCenter() {
		version = "2"
	}
	address := strings.TrimRight(i.system.URL, "/") + "/rest/api/" + version + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

func (i *Issues) do(ctx context.Context, method, address string, content any) ([]byte, error) {
	var body []byte
	if content != nil {
		var err error
		if body, err = json.Marshal(content); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "write an issue")
		}
	}
	a, err := i.out.Exchange(ctx, "Jira", method, address, map[string]string{"Authorization": i.auth}, body)
	return a.Body, err
}

// text is a body as this edition wants it: plain, or a document of paragraphs (Atlassian Document Format).
func (i *Issues) text(words string) any {
	if i.dataCenter() {
		return words
	}
	var lines []any
	for n, line := range strings.Split(words, "\n") {
		if n > 0 {
			lines = append(lines, map[string]any{"type": "hardBreak"})
		}
		if line != "" {
			lines = append(lines, map[string]any{"type": "text", "text": line})
		}
	}
	return map[string]any{"type": "doc", "version": 1, "content": []any{map[string]any{"type": "paragraph", "content": lines}}}
}

// field is a value as Jira wants it: those of its own fields are named, others are plain or, in braces, JSON.
func field(name, value string) any {
	switch name {
	case "priority", "resolution", "issuetype":
		return map[string]string{"name": value}
	}
	if strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") {
		var document any
		if json.Unmarshal([]byte(value), &document) == nil {
			return document
		}
	}
	return value
}

// Open is part of service.Tracker. Jira's index is some seconds behind, which is less than a turn of unknown end is left alone.
func (i *Issues) Open(ctx context.Context, d tracker.Draft) (tracker.Ticket, error) {
	known, _, err := i.search(ctx, `labels = "`+d.Correlation+`"`, 1)
	if err != nil {
		return tracker.Ticket{}, notGone(err)
	}
	if len(known) > 0 {
		return known[0], nil
	}
	words := map[string]string{"service": d.Service, "title": d.Title, "link": d.Link, "priority": string(d.Priority)}
	fields := map[string]any{}
	for name, value := range i.system.Fields {
		fields[name] = field(name, tracker.Fill(value, words))
	}
	for name, value := range Priorities(i.system)[d.Priority] {
		fields[name] = field(name, value)
	}
	kind := i.system.IssueType
	if kind == "" {
		kind = "Task"
	}
	title := []rune(strings.Join(strings.Fields(d.Title), " "))
	fields["project"], fields["issuetype"] = map[string]string{"key": i.system.Project}, map[string]string{"name": kind}
	fields["summary"], fields["description"] = string(title[:min(len(title), 250)]), i.text(d.Text)
	fields["labels"] = []string{"belay", d.Correlation}
	body, err := i.do(ctx, http.MethodPost, i.address("/issue", nil), map[string]any{"fields": fields})
	if err != nil {
		return tracker.Ticket{}, notGone(err)
	}
	o, err := foreign.Read(alert.Post{Body: body})
	if err != nil || o.Text("id") == "" {
		return tracker.Ticket{}, fault.New(fault.Unavailable, "Jira answered without the issue")
	}
	return i.get(ctx, o.Text("id"))
}

func notGone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.Denied, err, "look at the URL and the project")
	}
	return err
}

func (i *Issues) get(ctx context.Context, which string) (tracker.Ticket, error) {
	body, err := i.do(ctx, http.MethodGet, i.address("/issue/"+url.PathEscape(which), nil), nil)
	if err != nil {
		return tracker.Ticket{}, err
	}
	o, err := foreign.Read(alert.Post{Body: body})
	if err != nil {
		return tracker.Ticket{}, fault.Wrap(fault.Unavailable, err, "read an issue")
	}
	return Ticket(i.system, o), nil
}

// Find is part of service.Tracker.
func (i *Issues) Find(ctx context.Context, number string) (tracker.Ticket, error) {
	return i.get(ctx, number)
}

// Notes is part of service.Tracker.
func (i *Issues) Notes(ctx context.Context, which, _ string) ([]string, error) {
	body, err := i.do(ctx, http.MethodGet, i.address("/issue/"+url.PathEscape(which)+"/comment", url.Values{"orderBy": {"-created"}, "maxResults": {"100"}}), nil)
	if err != nil {
		return nil, err
	}
	var page struct {
		Comments []struct {
			Body any `json:"body"`
		} `json:"comments"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "read comments")
	}
	texts := make([]string, 0, len(page.Comments))
	for _, c := range page.Comments {
		texts = append(texts, plain(c.Body))
	}
	return texts, nil
}

// plain is all text of a document, or a text itself.
func plain(node any) string {
	switch n := node.(type) {
	case string:
		return n
	case []any:
		var all strings.Builder
		for _, one := range n {
			all.WriteString(plain(one))
		}
		return all.String()
	case map[string]any:
		if words, is := n["text"].(string); is {
			return words
		}
		if n["type"] == "hardBreak" {
			return "\n"
		}
		return plain(n["content"])
	}
	return ""
}

// Note is part of service.Tracker. In a service project it is an internal one.
func (i *Issues) Note(ctx context.Context, which string, n tracker.Note) error {
	_, err := i.do(ctx, http.MethodPost, i.address("/issue/"+url.PathEscape(which)+"/comment", nil), map[string]any{
		"body": i.text(n.Text), "properties": []any{map[string]any{"key": "sd.public.comment", "value": map[string]any{"internal": true}}},
	})
	return err
}

// Change is part of service.Tracker. A status is reached by whichever transition leads there; none: it stays.
func (i *Issues) Change(ctx context.Context, which string, c tracker.Change) (tracker.Ticket, error) {
	fields := map[string]any{}
	for name, value := range Priorities(i.system)[c.Priority] {
		fields[name] = field(name, value)
	}
	if c.Assignee != "" {
		fields["assignee"] = map[string]string{"accountId": c.Assignee}
		if i.dataCenter() {
			fields["assignee"] = map[string]string{"name": c.Assignee}
		}
	}
	if len(fields) > 0 {
		if _, err := i.do(ctx, http.MethodPut, i.address("/issue/"+url.PathEscape(which), nil), map[string]any{"fields": fields}); err != nil {
			return tracker.Ticket{}, err
		}
	}
	if c.State != "" {
		if err := i.move(ctx, which, c); err != nil {
			return tracker.Ticket{}, err
		}
	}
	return i.get(ctx, which)
}

func (i *Issues) move(ctx context.Context, which string, c tracker.Change) error {
	path := i.address("/issue/"+url.PathEscape(which)+"/transitions", nil)
	body, err := i.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	o, err := foreign.Read(alert.Post{Body: body})
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "read transitions")
	}
	chosen := ""
	for _, word := range i.names[c.State] {
		for _, one := range o.List("transitions") {
			if chosen == "" && strings.EqualFold(one.Text("to.name"), word) {
				chosen = one.Text("id")
			}
		}
	}
	if chosen == "" {
		now, err := i.get(ctx, which)
		if err == nil && (now.State == c.State || now.State.Over() && c.State.Over()) {
			return nil // it is there: an earlier attempt, or somebody else
		}
		return fault.New(fault.Invalid, "no transition of this issue leads to %s", strings.Join(i.names[c.State], ", "))
	}
	move := map[string]any{"transition": map[string]string{"id": chosen}}
	if with := i.system.With[string(c.State)]; len(with) > 0 {
		fields := map[string]any{}
		for name, value := range with {
			fields[name] = field(name, tracker.Fill(value, map[string]string{"text": c.Text}))
		}
		move["fields"] = fields
	}
	_, err = i.do(ctx, http.MethodPost, path, move)
	return err
}

// Changed is part of service.Tracker. JQL reads instants in the zone of whoever we are there; minutes ago are the same everywhere.
func (i *Issues) Changed(ctx context.Context, since, now time.Time) ([]tracker.Ticket, bool, error) {
	ago := fmt.Sprintf(`updated >= "-%dm"`, max(1, int(now.Sub(since)/time.Minute)+1))
	jql := "labels = belay"
	if i.system.Watch.Query != "" {
		jql = "(" + jql + " OR (" + i.system.Watch.Query + "))"
	}
	changed, more, err := i.search(ctx, jql+" AND "+ago+" ORDER BY updated ASC", 2000)
	return changed, more, notGone(err)
}

func (i *Issues) search(ctx context.Context, jql string, most int) (found []tracker.Ticket, more bool, err error) {
	query := url.Values{"jql": {jql}, "maxResults": {strconv.Itoa(min(most, 100))}, "fields": {"*all"}}
	path := "/search/jql"
	if i.dataCenter() {
		path = "/search"
	}
	for len(found) < most {
		body, err := i.do(ctx, http.MethodGet, i.address(path, query), nil)
		if err != nil {
			return nil, false, err
		}
		o, err := foreign.Read(alert.Post{Body: body})
		if err != nil {
			return nil, false, fault.Wrap(fault.Unavailable, err, "read a search")
		}
		some := o.List("issues")
		for _, one := range some {
			found = append(found, Ticket(i.system, one))
		}
		total, _ := strconv.Atoi(o.Text("total"))
		switch next := o.Text("nextPageToken"); {
		case len(some) == 0, !i.dataCenter() && next == "", i.dataCenter() && len(found) >= total:
			return found, false, nil
		case i.dataCenter():
			query.Set("startAt", strconv.Itoa(len(found)))
		default:
			query.Set("nextPageToken", next)
		}
	}
	return found, true, nil
}

// Ticket reads an issue as the REST API and webhooks give it.
func Ticket(system org.TicketSystem, issue foreign.Object) tracker.Ticket {
	fields := issue.Inner("fields")
	t := tracker.Ticket{
		System: string(system.ID), ID: issue.Text("id"), Number: issue.Text("key"), Title: fields.Text("summary"), Status: fields.Text("status.name"),
		Assignee: fields.Text("assignee.accountId", "assignee.name"), Team: fields.Text("components.0.name"), Category: fields.Text("issuetype.name"),
		Customer: fields.Text("reporter.displayName"), OpenedAt: fields.Time("created"), UpdatedAt: fields.Time("updated"), URL: browse(issue.Text("self"), issue.Text("key")),
		Fields: map[string]string{"project": fields.Text("project.key")},
	}
	if system.Edition == DataCenter {
		t.Assignee = fields.Text("assignee.name", "assignee.accountId")
	}
	for name := range fields {
		if value := foreign.First(fields.Text(name+".name"), fields.Text(name+".value"), fields.Text(name)); value != "" && len(value) <= 400 {
			t.Fields[name] = value
		}
	}
	for _, label := range fields.Texts("labels") {
		if strings.HasPrefix(label, "belay-E-") {
			t.Correlation = label
		}
	}
	if t.State = Names(system).Read(t.Status); t.State == "" {
		t.State = byCategory(fields.Text("status.statusCategory.key"))
	}
	t.Priority = tracker.ReadPriority(Priorities(system), t.Fields)
	if !t.UpdatedAt.IsZero() {
		t.Version = t.UpdatedAt.UnixMilli()
	}
	return t
}

// byCategory: whatever its workflow calls them, Jira files every status under one of three.
func byCategory(key string) ticket.State {
	switch key {
	case "new", "undefined":
		return ticket.New
	case "indeterminate", "in-flight":
		return ticket.Working
	case "done", "completed":
		return ticket.Solved
	}
	return ""
}

// Proven checks a webhook by X-Hub-Signature, or by the secret in the address where Jira signs nothing.
func Proven(system org.TicketSystem, secret string, p alert.Post) error {
	if secret == "" {
		return fault.New(fault.Unauthenticated, "%s has no secret for webhooks", system.ID)
	}
	given := p.Query["secret"]
	if given == "" {
		return Verify(p, secret)
	}
	if subtle.ConstantTimeCompare([]byte(given), []byte(secret)) != 1 {
		return fault.New(fault.Unauthenticated, "the address does not hold the secret of %s", system.ID)
	}
	return nil
}

// Read is what a webhook says about an issue, whoever sent it. Nothing: it is about something else.
func Read(system org.TicketSystem, body []byte) ([]tracker.Ticket, error) {
	o, err := foreign.Read(alert.Post{Body: bytes.TrimSpace(body)})
	if err != nil {
		return nil, err
	}
	issue := o.Inner("issue")
	if len(issue) == 0 || issue.Text("id") == "" {
		return nil, nil
	}
	t := Ticket(system, issue)
	t.Gone = o.Text("webhookEvent") == "jira:issue_deleted"
	if t.Version == 0 && !t.Gone {
		return nil, nil // a comment's webhook carries some fields only: the poll sees the issue
	}
	return []tracker.Ticket{t}, nil
}

// SLA is a promise as Jira Service Management counts it.
type SLA struct {
	Name     string
	Running  bool
	Paused   bool
	Breached bool
	DueAt    time.Time
	Goal     time.Duration
}

// SLAOf reads one; of cycles that are over the last counts. Not ok: it is none, or never began.
func SLAOf(o foreign.Object) (s SLA, ok bool) {
	cycle := o.Inner("ongoingCycle")
	s.Name, s.Running = o.Text("name"), len(cycle) > 0
	if !s.Running {
		if over := o.List("completedCycles"); len(over) > 0 {
			cycle = over[len(over)-1]
		}
	}
	if s.Name == "" || len(cycle) == 0 {
		return s, false
	}
	s.Paused, s.Breached, s.DueAt = cycle.Text("paused") == "true", cycle.Text("breached") == "true", cycle.Time("breachTime.epochMillis", "breachTime.iso8601")
	millis, _ := strconv.ParseInt(cycle.Text("goalDuration.millis"), 10, 64)
	s.Goal = time.Duration(millis) * time.Millisecond
	return s, true
}
