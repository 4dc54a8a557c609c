package anyrest

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/integrations/foreign"
)

// reading makes tickets of what a system shows.
type reading struct {
	system org.TicketSystem
	names  tracker.Names
	is     map[string]expr.Program
}

func readingOf(system org.TicketSystem) (reading, error) {
	r := reading{system: system, names: tracker.Names{}, is: map[string]expr.Program{}}
	for s, words := range system.States {
		r.names[ticket.State(s)] = words
	}
	scope, err := expr.About(expr.Item)
	if err != nil {
		return r, err
	}
	t := system.REST.Reads
	var wrong []error
	for field, source := range map[string]string{
		"id": t.ID, "number": t.Number, "url": t.URL, "title": t.Title, "status": t.Status, "assignee": t.Assignee, "team": t.Team, "category": t.Category,
		"customer": t.Customer, "correlation": t.Correlation, "opened_at": t.OpenedAt, "updated_at": t.UpdatedAt, "version": t.Version, "gone": t.Gone, "fields": t.Fields,
	} {
		if source == "" {
			continue
		}
		p, err := scope.Compile(source, expr.Any)
		if err != nil {
			wrong = append(wrong, fault.Field("rest.ticket."+field, "%v", err))
			continue
		}
		r.is[field] = p
	}
	return r, errors.Join(wrong...)
}

func (r reading) vars(part expr.Part) map[string]any {
	return map[string]any{"item": part.Var(), "base": strings.TrimRight(r.system.URL, "/")}
}

// needed are fields whose absence would mean something: that nobody has it, that it has no state. A system that leaves
// them out shows a part of a ticket.
var needed = []string{"id", "status", "assignee", "updated_at"}

const longestField = 400 // bytes; what is longer is no plain word

func (r reading) ticket(part expr.Part) (tracker.Ticket, error) {
	vars, said := r.vars(part), map[string]string{}
	for field, p := range r.is {
		if field == "fields" {
			continue
		}
		text, err := p.Text(vars)
		if errors.Is(err, expr.ErrAbsent) && !slices.Contains(needed, field) {
			continue
		}
		if err != nil {
			return tracker.Ticket{}, fault.Field("rest.ticket."+field, "%v", err)
		}
		said[field] = strings.TrimSpace(text)
	}
	t := tracker.Ticket{
		System: string(r.system.ID), ID: said["id"], Number: foreign.First(said["number"], said["id"]), Title: foreign.Title(said["title"]), Status: said["status"],
		Assignee: said["assignee"], Team: said["team"], Category: said["category"], Customer: said["customer"], Correlation: said["correlation"],
		OpenedAt: foreign.Time(said["opened_at"]), UpdatedAt: foreign.Time(said["updated_at"]), Gone: said["gone"] == "true", Fields: map[string]string{},
	}
	if t.ID == "" {
		return t, fault.Field("rest.ticket.id", "comes to nothing: which ticket?")
	}
	if t.UpdatedAt.IsZero() {
		return t, fault.Field("rest.ticket.updated_at", "comes to no instant that can be read: without it nobody knows what is newer")
	}
	if url := said["url"]; strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
		t.URL = url
	}
	t.Version = t.UpdatedAt.UnixMilli()
	if _, counted := r.is["version"]; counted {
		n, err := strconv.ParseInt(said["version"], 10, 64)
		if err != nil {
			return t, fault.Field("rest.ticket.version", "comes to no whole number")
		}
		t.Version = n
	}
	if err := r.fields(part, t.Fields); err != nil {
		return t, err
	}
	t.State = r.names.Read(t.Status)
	t.Priority = tracker.ReadPriority(r.system.Priority, t.Fields)
	return t, nil
}

// fields are the plain ones of a ticket, and those that the blueprint adds.
func (r reading) fields(part expr.Part, into map[string]string) error {
	own, _ := part.Object()
	keep(own, into)
	p, further := r.is["fields"]
	if !further {
		return nil
	}
	value, err := p.Value(r.vars(part))
	if errors.Is(err, expr.ErrAbsent) || err == nil && value == nil {
		return nil
	}
	if err != nil {
		return fault.Field("rest.ticket.fields", "%v", err)
	}
	object, ok := value.(map[string]any)
	if !ok {
		return fault.Field("rest.ticket.fields", `must come to an object, as {"region": item.region}`)
	}
	keep(object, into)
	return nil
}

func keep(object map[string]any, into map[string]string) {
	for name, value := range object {
		text, plain := written(value)
		if inner, ok := value.(map[string]any); ok { // a reference, by its name
			for _, known := range []string{"name", "value"} {
				if text, plain = written(inner[known]); plain {
					break
				}
			}
		}
		if plain && text != "" && len(text) <= longestField {
			into[name] = text
		}
	}
}
