package servicenow

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

// Records are the tickets of one instance, by its Table API. Source: ServiceNow, "Table API"; "Incident states".
type Records struct {
	system org.TicketSystem
	auth   string
	names  tracker.Names
	out    *outbound.Client
}

// New reaches an instance. The secret is "user:password", else a bearer token.
func New(system org.TicketSystem, secret string, allow []netip.Prefix, timeout time.Duration) (*Records, error) {
	if secret == "" {
		return nil, fault.Field("secret", "%s has none: BELAY_TICKET_SECRETS must hold %q", system.ID, system.Secret)
	}
	if system.Table == "" {
		system.Table = "incident"
	}
	auth := "Bearer " + secret
	if strings.Contains(secret, ":") {
		auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(secret))
	}
	return &Records{system: system, auth: auth, names: Names(system), out: outbound.New(outbound.Options{Allow: allow, Timeout: timeout})}, nil
}

// Names of the states of an incident, unless the system's own are said.
func Names(system org.TicketSystem) tracker.Names {
	if len(system.States) > 0 {
		names := tracker.Names{}
		for s, words := range system.States {
			names[ticket.State(s)] = words
		}
		return names
	}
	return tracker.Names{ticket.New: {"1"}, ticket.Working: {"2"}, ticket.Waiting: {"3"}, ticket.Solved: {"6"}, ticket.Done: {"7"}, ticket.Cancelled: {"8"}}
}

// Priorities are what impact and urgency make, unless others are said.
func Priorities(system org.TicketSystem) map[org.Priority]map[string]string {
	if len(system.Priority) > 0 {
		return system.Priority
	}
	of := func(impact, urgency string) map[string]string {
		return map[string]string{"impact": impact, "urgency": urgency}
	}
	return map[org.Priority]map[string]string{org.P1: of("1", "1"), org.P2: of("2", "1"), org.P3: of("2", "2"), org.P4: of("3", "2"), org.P5: of("3", "3")}
}

// Open is part of service.Tracker.
func (r *Records) Open(ctx context.Context, d tracker.Draft) (tracker.Ticket, error) {
	known, err := r.list(ctx, "correlation_id="+d.Correlation, 1, 0)
	if err != nil {
		return tracker.Ticket{}, notGone(err)
	}
	if len(known) > 0 {
		return known[0], nil
	}
	words := map[string]string{"service": d.Service, "title": d.Title, "link": d.Link, "priority": string(d.Priority)}
	fields := map[string]string{}
	for name, value := range r.system.Fields {
		fields[name] = tracker.Fill(value, words)
	}
	for name, value := range Priorities(r.system)[d.Priority] {
		fields[name] = value
	}
	fields["short_description"], fields["description"] = d.Title, d.Text
	fields["correlation_id"], fields["correlation_display"] = d.Correlation, "Belay"
	made, err := r.send(ctx, http.MethodPost, r.table(""), fields)
	return made, notGone(err)
}

// notGone: what does not exist before there is a ticket is the table.
func notGone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.Denied, err, "look at the URL and the table")
	}
	return err
}

// Find is part of service.Tracker.
func (r *Records) Find(ctx context.Context, number string) (tracker.Ticket, error) {
	if strings.ContainsAny(number, "^=") {
		return tracker.Ticket{}, fault.New(fault.NotFound, "%q is no number", number)
	}
	found, err := r.list(ctx, "number="+number, 1, 0)
	if err != nil {
		return tracker.Ticket{}, notGone(err)
	}
	if len(found) == 0 || found[0].Number != number { // a query that it does not understand finds everything
		return tracker.Ticket{}, fault.New(fault.NotFound, "ticket %s", number)
	}
	return found[0], nil
}

// Notes is part of service.Tracker. Journal fields are rows of a table of their own.
func (r *Records) Notes(ctx context.Context, which, correlation string) ([]string, error) {
	query := url.Values{
		"sysparm_query":  {"element_id=" + which + "^element=work_notes^valueLIKE" + correlation + "^ORDERBYDESCsys_created_on"},
		"sysparm_fields": {"value"}, "sysparm_limit": {"1000"},
	}
	body, err := r.get(ctx, r.address("sys_journal_field", "", query))
	if err != nil {
		return nil, err
	}
	records, err := read(body)
	if err != nil {
		return nil, err
	}
	texts := make([]string, 0, len(records))
	for _, one := range records {
		texts = append(texts, value(one, "value"))
	}
	return texts, nil
}

// Note is part of service.Tracker. Work notes are not seen by customers.
func (r *Records) Note(ctx context.Context, which string, n tracker.Note) error {
	_, err := r.send(ctx, http.MethodPatch, r.table(which), map[string]string{"work_notes": n.Text})
	return err
}

// Change is part of service.Tracker.
func (r *Records) Change(ctx context.Context, which string, c tracker.Change) (tracker.Ticket, error) {
	fields := map[string]string{}
	for name, value := range Priorities(r.system)[c.Priority] {
		fields[name] = value
	}
	if c.Assignee != "" {
		fields["assigned_to"] = c.Assignee
	}
	if word := r.names.Write(c.State); word != "" {
		fields["state"] = word
		for name, value := range r.with(c.State) {
			fields[name] = tracker.Fill(value, map[string]string{"text": c.Text})
		}
	}
	return r.send(ctx, http.MethodPatch, r.table(which), fields)
}

// with is what a state needs beside itself: an incident is not resolved without a code and notes.
func (r *Records) with(s ticket.State) map[string]string {
	if with, said := r.system.With[string(s)]; said {
		return with
	}
	if s == ticket.Solved || s == ticket.Done {
		return map[string]string{"close_code": "Solution provided", "close_notes": "{text}"}
	}
	return nil
}

const (
	pageSize  = 100
	mostPages = 20
)

// Changed is part of service.Tracker. It asks for what changed so many minutes ago or later: an instant would be read in the
// time zone of whoever we are there.
func (r *Records) Changed(ctx context.Context, since, now time.Time) (changed []tracker.Ticket, more bool, err error) {
	ago := fmt.Sprintf("sys_updated_onRELATIVEGE@minute@ago@%d", max(1, int(now.Sub(since)/time.Minute)+1))
	query := ago + "^correlation_idSTARTSWITHbelay-"
	if r.system.Watch.Query != "" {
		query += "^NQ" + ago + "^" + r.system.Watch.Query
	}
	for page := range mostPages {
		some, err := r.list(ctx, query+"^ORDERBYsys_updated_on^ORDERBYsys_id", pageSize, page*pageSize)
		if err != nil {
			return nil, false, notGone(err)
		}
		changed = append(changed, some...)
		if len(some) < pageSize {
			return changed, false, nil
		}
	}
	return changed, true, nil
}

func (r *Records) list(ctx context.Context, query string, limit, offset int) ([]tracker.Ticket, error) {
	body, err := r.get(ctx, r.address(r.system.Table, "", url.Values{
		"sysparm_query": {query}, "sysparm_limit": {strconv.Itoa(limit)}, "sysparm_offset": {strconv.Itoa(offset)}, "sysparm_exclude_reference_link": {"true"},
	}))
	if err != nil {
		return nil, err
	}
	return Tickets(r.system, body)
}

func (r *Records) table(which string) string {
	return r.address(r.system.Table, which, url.Values{"sysparm_exclude_reference_link": {"true"}})
}

func (r *Records) address(table, which string, query url.Values) string {
	address := strings.TrimRight(r.system.URL, "/") + "/api/now/table/" + url.PathEscape(table)
	if which != "" {
		address += "/" + url.PathEscape(which)
	}
	return address + "?" + query.Encode()
}

func (r *Records) get(ctx context.Context, address string) ([]byte, error) {
	a, err := r.out.Exchange(ctx, "ServiceNow", http.MethodGet, address, map[string]string{"Authorization": r.auth}, nil)
	return a.Body, err
}

func (r *Records) send(ctx context.Context, method, address string, fields map[string]string) (tracker.Ticket, error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return tracker.Ticket{}, fault.Wrap(fault.Invalid, err, "write a record")
	}
	a, err := r.out.Exchange(ctx, "ServiceNow", method, address, map[string]string{"Authorization": r.auth}, body)
	if err != nil {
		return tracker.Ticket{}, err
	}
	all, err := Tickets(r.system, a.Body)
	if err != nil {
		return tracker.Ticket{}, fault.Wrap(fault.Unavailable, err, "read the answer of ServiceNow")
	}
	if len(all) != 1 || all[0].ID == "" {
		return tracker.Ticket{}, fault.New(fault.Unavailable, "ServiceNow answered without the record")
	}
	return all[0], nil
}

// Tickets reads one record or a list of them: an answer of the Table API, or what a business rule sends.
func Tickets(system org.TicketSystem, body []byte) ([]tracker.Ticket, error) {
	records, err := read(body)
	if err != nil {
		return nil, err
	}
	all := make([]tracker.Ticket, 0, len(records))
	for _, o := range records {
		all = append(all, ticketOf(system, o))
	}
	return all, nil
}

// read takes records out of their envelope. The instance's own error is an error.
func read(body []byte) ([]foreign.Object, error) {
	o, err := foreign.Read(alert.Post{Body: bytes.TrimSpace(body)})
	if err != nil {
		return nil, err
	}
	if o.Has("error") {
		return nil, fault.New(fault.NotFound, "ServiceNow: %s", foreign.Title(o.Text("error.message")))
	}
	if _, list := o.At("result").([]any); list {
		return o.List("result"), nil
	}
	for _, envelope := range []string{"result", "record"} {
		if inner := o.Inner(envelope); len(inner) > 0 {
			return []foreign.Object{inner}, nil
		}
	}
	if value(o, "sys_id") == "" {
		return nil, fault.Field("sys_id", "is missing: this is no record")
	}
	return []foreign.Object{o}, nil
}

func ticketOf(system org.TicketSystem, o foreign.Object) tracker.Ticket {
	t := tracker.Ticket{
		System: string(system.ID), ID: value(o, "sys_id"), Number: value(o, "number"), Title: value(o, "short_description"), Status: value(o, "state"),
		Assignee: value(o, "assigned_to"), Team: value(o, "assignment_group"), Category: value(o, "category"), Customer: value(o, "company"),
		Correlation: value(o, "correlation_id"), OpenedAt: stamp(value(o, "opened_at", "sys_created_on")), UpdatedAt: stamp(value(o, "sys_updated_on")),
		Fields: map[string]string{},
	}
	for name := range o {
		if v := value(o, name); v != "" && len(v) <= 400 {
			t.Fields[name] = v
		}
	}
	t.State = Names(system).Read(t.Status)
	t.Priority = tracker.ReadPriority(Priorities(system), t.Fields)
	t.Version, _ = strconv.ParseInt(value(o, "sys_mod_count"), 10, 64)
	if t.ID != "" && system.URL != "" {
		t.URL = strings.TrimRight(system.URL, "/") + "/nav_to.do?uri=" + url.QueryEscape(fallback(system.Table, "incident")+".do?sys_id="+t.ID)
	}
	return t
}

// stamp reads an instant as the Table API writes it: UTC without saying so.
func stamp(text string) time.Time {
	at, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		return time.Time{}
	}
	return at
}

func fallback(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Proven checks that a business rule knows the secret: X-Belay-Secret, or a bearer token.
func Proven(system org.TicketSystem, secret string, p alert.Post) error {
	given := p.Header["x-belay-secret"]
	if given == "" {
		given = strings.TrimPrefix(p.Header["authorization"], "Bearer ")
	}
	if secret == "" || subtle.ConstantTimeCompare([]byte(given), []byte(secret)) != 1 {
		return fault.New(fault.Unauthenticated, "X-Belay-Secret is not the secret of %s", system.ID)
	}
	return nil
}

// Posted reads what a business rule posts.
func Posted(system org.TicketSystem, body []byte) ([]tracker.Ticket, error) {
	all, err := Tickets(system, body)
	for n, t := range all {
		if t.ID == "" {
			return nil, fault.Field("sys_id", "is missing: name the record")
		}
		if t.Fields["sys_mod_count"] == "" && t.UpdatedAt.IsZero() {
			return nil, fault.Field("sys_mod_count", "is missing: without it nobody knows what is newer")
		}
		all[n].Gone = strings.EqualFold(t.Fields["operation"], "delete")
	}
	return all, err
}

// SLA is a promise as ServiceNow counts it (task_sla).
type SLA struct {
	Task, Name, Stage string
	Breached          bool
	DueAt             time.Time
}

// SLAs reads rows of task_sla.
func SLAs(body []byte) ([]SLA, error) {
	records, err := read(body)
	if err != nil {
		return nil, err
	}
	all := make([]SLA, 0, len(records))
	for _, o := range records {
		all = append(all, SLA{
			Task: value(o, "task"), Name: said(o, "sla"), Stage: strings.ReplaceAll(strings.ToLower(value(o, "stage")), " ", "_"),
			Breached: value(o, "has_breached") == "true", DueAt: stamp(value(o, "planned_end_time", "breach_time")),
		})
	}
	return all, nil
}
