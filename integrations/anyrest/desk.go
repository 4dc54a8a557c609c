// Package anyrest speaks with any system that keeps tickets behind an HTTP API, as the blueprint describes it. It knows no
// system by name: what is asked, how, and what the answers mean are expressions of the blueprint.
package anyrest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/integrations/outbound"
)

// Desk is one system.
type Desk struct {
	system                                      org.TicketSystem
	header, value                               string // that prove who we are
	names                                       tracker.Names
	open, find, byID, number, note, notes, poll call
	change                                      []call
	reads                                       reading
	hook                                        *expr.Program
	out                                         *outbound.Client
}

// New reaches a system. The secret is "user:password", else a bearer token, unless the blueprint says how it is carried.
func New(system org.TicketSystem, secret string, allow []netip.Prefix, timeout time.Duration) (*Desk, error) {
	if secret == "" {
		return nil, fault.Field("secret", "%s has none: BELAY_TICKET_SECRETS must hold %q", system.ID, system.Secret)
	}
	if system.REST == nil {
		return nil, fault.Field("rest", "%s has none: say how it is spoken with", system.ID)
	}
	r := *system.REST
	d := &Desk{system: system, header: "Authorization", value: "Bearer " + secret, names: tracker.Names{}, out: outbound.New(outbound.Options{Allow: allow, Timeout: timeout})}
	if strings.Contains(secret, ":") {
		d.value = "Basic " + base64.StdEncoding.EncodeToString([]byte(secret))
	}
	if r.Auth.Header != "" {
		d.header, d.value = r.Auth.Header, strings.ReplaceAll(r.Auth.Value, "{secret}", secret)
	}
	for s, words := range system.States {
		d.names[ticket.State(s)] = words
	}
	var wrong []error
	for _, one := range []struct {
		name  string
		about expr.Request
		said  org.TicketCall
		into  *call
	}{
		{"open", expr.ToOpen, r.Open, &d.open}, {"find", expr.ToFind, r.Find, &d.find}, {"get", expr.ToGet, r.Get, &d.byID}, {"number", expr.ToNumber, r.Number, &d.number},
		{"note", expr.ToNote, r.Note, &d.note}, {"notes", expr.ToNotes, r.Notes, &d.notes}, {"changed", expr.ToPoll, r.Changed, &d.poll},
	} {
		c, err := compile("rest."+one.name, one.about, one.said)
		*one.into, wrong = c, append(wrong, err)
	}
	for i, said := range r.Change {
		c, err := compile(fmt.Sprintf("rest.change[%d]", i), expr.ToChange, said)
		d.change, wrong = append(d.change, c), append(wrong, err)
	}
	var err error
	d.reads, err = readingOf(system)
	wrong = append(wrong, err)
	if r.Hook.Ticket != "" {
		scope, err := expr.About(expr.Posted)
		if err != nil {
			return nil, err
		}
		p, err := scope.Compile(r.Hook.Ticket, expr.Any)
		if err != nil {
			wrong = append(wrong, fault.Field("rest.hook.ticket", "%v", err))
		}
		d.hook = &p
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return d, nil
}

// mostCandidates of a search are asked for one by one: one that finds more looks for something else.
const mostCandidates = 20

// Open is part of service.Tracker.
func (d *Desk) Open(ctx context.Context, draft tracker.Draft) (tracker.Ticket, error) {
	if d.find.said.Path != "" {
		known, err := d.known(ctx, draft.Correlation)
		if err != nil || known.ID != "" {
			return known, notGone(err)
		}
	}
	fields := map[string]string{}
	words := map[string]string{"service": draft.Service, "title": draft.Title, "link": draft.Link, "priority": string(draft.Priority)}
	for name, value := range d.system.Fields {
		fields[name] = tracker.Fill(value, words)
	}
	for name, value := range d.system.Priority[draft.Priority] {
		fields[name] = value
	}
	got, err := d.ask(ctx, d.open, map[string]any{
		"correlation": draft.Correlation, "key": draft.Correlation, "title": draft.Title, "text": draft.Text, "html": asHTML(draft.Text),
		"service": draft.Service, "priority": string(draft.Priority), "link": draft.Link, "fields": fields,
	})
	if err != nil {
		return tracker.Ticket{}, notGone(err)
	}
	parts, err := d.open.parts(got)
	if err != nil {
		return tracker.Ticket{}, err
	}
	if len(parts) != 1 {
		return tracker.Ticket{}, fault.New(fault.Unavailable, "%s answered without the ticket that it made: rest.open.result comes to %d of them", d.system.Name, len(parts))
	}
	made, err := d.ticket(ctx, parts[0])
	if fault.Is(err, fault.NotFound) {
		return made, fault.Wrap(fault.Unavailable, err, "%s does not show the ticket that it made", d.system.Name)
	}
	return made, err
}

// known is the ticket with this correlation, if there is one. A search may find too much: what it finds is looked at.
func (d *Desk) known(ctx context.Context, correlation string) (tracker.Ticket, error) {
	found, _, err := d.list(ctx, d.find, map[string]any{"correlation": correlation})
	if err != nil {
		return tracker.Ticket{}, err
	}
	asked := 0
	for _, part := range found {
		id, named := part.Word()
		if !named {
			t, err := d.reads.ticket(part)
			if err != nil || t.Correlation == correlation {
				return t, err
			}
			if t.Correlation != "" {
				continue
			}
			id = t.ID // lists may show less than a ticket by itself
		}
		if asked++; asked > mostCandidates {
			return tracker.Ticket{}, fault.Field("rest.find", "finds more than %d tickets that may be the one: it must look for the correlation", mostCandidates)
		}
		t, err := d.get(ctx, id)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil || t.Correlation == correlation {
			return t, err
		}
	}
	return tracker.Ticket{}, nil
}

// notGone: what does not exist before there is a ticket is the address.
func notGone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.Denied, err, "look at the URL and the paths")
	}
	return err
}

// ticket is one that was shown, or whose ID was: it is then asked for.
func (d *Desk) ticket(ctx context.Context, part expr.Part) (tracker.Ticket, error) {
	if id, named := part.Word(); named {
		return d.get(ctx, id)
	}
	return d.reads.ticket(part)
}

func (d *Desk) get(ctx context.Context, id string) (tracker.Ticket, error) {
	got, err := d.ask(ctx, d.byID, map[string]any{"ticket": id})
	if err != nil {
		return tracker.Ticket{}, err
	}
	parts, err := d.byID.parts(got)
	if err != nil {
		return tracker.Ticket{}, err
	}
	if len(parts) != 1 {
		return tracker.Ticket{}, fault.New(fault.Unavailable, "%s answered without the ticket: rest.get.result comes to %d of them", d.system.Name, len(parts))
	}
	return d.reads.ticket(parts[0])
}

// Find is part of service.Tracker.
func (d *Desk) Find(ctx context.Context, number string) (tracker.Ticket, error) {
	number = strings.TrimPrefix(strings.TrimSpace(number), "#")
	var found []tracker.Ticket
	if d.number.said.Path == "" {
		t, err := d.get(ctx, number)
		if err != nil {
			return t, err
		}
		found = append(found, t)
	} else {
		parts, _, err := d.list(ctx, d.number, map[string]any{"number": number})
		if err != nil {
			return tracker.Ticket{}, err
		}
		for _, part := range parts[:min(len(parts), mostCandidates)] {
			t, err := d.ticket(ctx, part)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return t, err
			}
			found = append(found, t)
		}
	}
	for _, t := range found {
		if t.ID != "" && strings.EqualFold(t.Number, number) {
			return t, nil
		}
	}
	return tracker.Ticket{}, fault.New(fault.NotFound, "%s has no ticket %q", d.system.Name, number)
}

// Notes is part of service.Tracker.
func (d *Desk) Notes(ctx context.Context, which, correlation string) ([]string, error) {
	parts, _, err := d.list(ctx, d.notes, map[string]any{"ticket": which, "correlation": correlation})
	if err != nil {
		return nil, err
	}
	texts := make([]string, 0, len(parts))
	for _, part := range parts {
		text, err := word(*d.notes.text, d.reads.vars(part))
		if err != nil {
			return nil, fault.Field("rest.notes.text", "%v", err)
		}
		texts = append(texts, html.UnescapeString(text))
	}
	return texts, nil
}

// Note is part of service.Tracker.
func (d *Desk) Note(ctx context.Context, which string, n tracker.Note) error {
	_, err := d.ask(ctx, d.note, map[string]any{
		"ticket": which, "correlation": n.Marker.Correlation, "key": fmt.Sprintf("%s/%d-%d", n.Marker.Correlation, n.Marker.From, n.Marker.To),
		"text": n.Text, "html": asHTML(n.Text),
	})
	return err
}

// Change is part of service.Tracker.
func (d *Desk) Change(ctx context.Context, which string, c tracker.Change) (tracker.Ticket, error) {
	fields := map[string]string{}
	for name, value := range d.system.Priority[c.Priority] {
		fields[name] = value
	}
	status := ""
	if c.State != "" {
		status = d.names.Write(c.State)
	}
	if status != "" {
		for name, value := range d.system.With[string(c.State)] {
			fields[name] = tracker.Fill(value, map[string]string{"text": c.Text})
		}
	}
	if status == "" && c.Assignee == "" && len(fields) == 0 {
		return d.get(ctx, which) // of what is wanted this system has no word
	}
	vars := map[string]any{"ticket": which, "state": expr.Maybe(string(c.State)), "status": expr.Maybe(status), "priority": expr.Maybe(string(c.Priority)),
		"assignee": expr.Maybe(c.Assignee), "fields": fields, "text": c.Text}
	var shown []expr.Part
	for _, one := range d.change {
		if one.when != nil {
			wanted, err := one.when.Test(vars)
			if err != nil && !errors.Is(err, expr.ErrAbsent) {
				return tracker.Ticket{}, fault.Field(one.name+".when", "%v", err)
			}
			if !wanted {
				continue
			}
		}
		got, err := d.ask(ctx, one, vars)
		if err != nil {
			return tracker.Ticket{}, err
		}
		if shown, err = one.parts(got); err != nil {
			return tracker.Ticket{}, err
		}
	}
	var after tracker.Ticket
	var err error
	if len(shown) == 1 {
		after, err = d.ticket(ctx, shown[0])
	} else {
		after, err = d.get(ctx, which)
	}
	if err != nil {
		return after, err
	}
	return after, d.taken(c, status, after)
}

// taken: a system that takes a change and shows the ticket as it was would be heard as if somebody there had changed it back,
// and what was resolved would be opened again.
func (d *Desk) taken(c tracker.Change, status string, after tracker.Ticket) error {
	asWanted := c.State == after.State || c.State.Over() && after.State.Over() || active(c.State) && active(after.State)
	switch {
	case status != "" && !asWanted:
		return fault.Field("rest.change", "wrote the status %s, and the ticket shows %s", status, after.Status)
	case len(d.system.Priority[c.Priority]) > 0 && c.Priority != after.Priority:
		return fault.Field("rest.change", "wrote the priority %s, and the ticket shows it as %q", c.Priority, after.Priority)
	case c.Assignee != "" && d.system.REST.Reads.Assignee != "" && c.Assignee != after.Assignee:
		return fault.Field("rest.change", "wrote another assignee than the ticket shows")
	}
	return nil
}

func active(s ticket.State) bool { return s == ticket.Working || s == ticket.Waiting }

// Changed is part of service.Tracker.
func (d *Desk) Changed(ctx context.Context, since, now time.Time) ([]tracker.Ticket, bool, error) {
	parts, more, err := d.list(ctx, d.poll, map[string]any{
		"since": since.UTC().Truncate(time.Second), "now": now.UTC().Truncate(time.Second), "watch": d.system.Watch.Query,
	})
	if err != nil {
		return nil, false, notGone(err)
	}
	changed := make([]tracker.Ticket, 0, len(parts))
	for _, part := range parts {
		t, err := d.ticket(ctx, part)
		if fault.Is(err, fault.NotFound) {
			continue // it was deleted since
		}
		if err != nil {
			return nil, false, err
		}
		changed = append(changed, t)
	}
	slices.SortStableFunc(changed, func(a, b tracker.Ticket) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	return changed, more, nil
}

// asHTML is a text for systems whose notes are HTML: as it is, line by line.
func asHTML(text string) string { return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>") }
