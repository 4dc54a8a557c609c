package tracker

import (
	"slices"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
)

// Field is one that follows both ways.
type Field string

const (
	FieldState    Field = "state"
	FieldPriority Field = "priority"
	FieldAssignee Field = "assignee"
)

// Fields lists them in the order in which they are told.
func Fields() []Field { return []Field{FieldPriority, FieldAssignee, FieldState} }

// Side is a field on both sides: what we last wanted it to be, and what it is there as far as we know. What one side
// changes is told to the other; what comes back the same is an echo.
type Side struct {
	Ours   string `json:"ours,omitempty"`
	Theirs string `json:"theirs,omitempty"`
	// Owed: we have decided to write Theirs and do not know yet that it is written; until then it may still be Before.
	Owed   bool   `json:"owed,omitempty"`
	Before string `json:"before,omitempty"`
}

// Sides is what is remembered of a linked ticket. It is a value: verbs answer a new one.
type Sides struct {
	Fields  map[Field]Side `json:"fields,omitempty"`
	Version int64          `json:"version,omitempty"` // newest that was seen; an older one is news of yesterday
	Begun   bool           `json:"begun,omitempty"`   // the ticket was seen at least once
}

// Wish is how the ticket should stand by our record. Empty: no opinion.
type Wish struct {
	State    ticket.State
	Priority org.Priority
	Assignee string
}

func (w Wish) value(f Field) string {
	switch f {
	case FieldState:
		return string(w.State)
	case FieldPriority:
		return string(w.Priority)
	case FieldAssignee:
		return w.Assignee
	}
	return ""
}

func (t Ticket) value(f Field) string {
	return Wish{State: t.State, Priority: t.Priority, Assignee: t.Assignee}.value(f)
}

// same: of states, all that are over mean the same to us, and so do all in which somebody works.
func same(f Field, a, b string) bool {
	if f != FieldState {
		return a == b
	}
	x, y := ticket.State(a), ticket.State(b)
	return x == y || x.Over() && y.Over() || active(x) && active(y)
}

func active(s ticket.State) bool { return s == ticket.Working || s == ticket.Waiting }

// Told decides what is to be written because our side has changed it since it was asked last: Owed answers it. It is
// decided before it is written, so that an echo that is quicker than the answer is known for one. Only our own change is
// ever written: what they changed is never put back by this.
func (s Sides) Told(w Wish) Sides {
	next := s.clone()
	for _, f := range Fields() {
		side, value := next.Fields[f], w.value(f)
		if value == "" || side.Ours != "" && same(f, value, side.Ours) {
			continue
		}
		side.Ours = value
		if !same(f, value, side.Theirs) {
			if !side.Owed {
				side.Before = side.Theirs
			}
			side.Theirs, side.Owed = value, true
		}
		next.Fields[f] = side
	}
	return next
}

// Owed is what we have decided to write and have not written, as far as we know.
func (s Sides) Owed() Change {
	var c Change
	for _, f := range Fields() {
		if side := s.Fields[f]; side.Owed {
			c = c.with(f, side.Theirs)
		}
	}
	return c
}

// Written notes that the change is there. What was decided meanwhile is still owed.
func (s Sides) Written(c Change) Sides {
	next := s.clone()
	written := Wish{State: c.State, Priority: c.Priority, Assignee: c.Assignee}
	for _, f := range Fields() {
		if side := next.Fields[f]; side.Owed && side.Theirs == written.value(f) {
			side.Owed, side.Before = false, ""
			next.Fields[f] = side
		}
	}
	return next
}

func (c Change) with(f Field, value string) Change {
	switch f {
	case FieldState:
		c.State = ticket.State(value)
	case FieldPriority:
		c.Priority = org.Priority(value)
	case FieldAssignee:
		c.Assignee = value
	}
	return c
}

// News is a field that they changed.
type News struct {
	Field    Field
	Was, Now string
}

// Heard answers what their side has changed since it was last seen. A snapshot older than one seen before says nothing;
// the first one only says how things stand, but that it is over already is news.
func (s Sides) Heard(t Ticket) ([]News, Sides) {
	if s.Begun && t.Version < s.Version {
		return nil, s
	}
	next := s.clone()
	next.Version = max(next.Version, t.Version)
	var news []News
	for _, f := range Fields() {
		side, value := next.Fields[f], t.value(f)
		if f != FieldAssignee && value == "" || value == side.Theirs {
			continue // a word that nobody has mapped says nothing; nobody as assignee does
		}
		if side.Owed && value == side.Before {
			continue // not written yet
		}
		if s.Begun && !same(f, value, side.Theirs) || !s.Begun && f == FieldState && ticket.State(value).Over() {
			news = append(news, News{Field: f, Was: side.Theirs, Now: value})
		}
		side.Theirs, side.Owed, side.Before = value, false, ""
		next.Fields[f] = side
	}
	next.Begun = true
	return news, next
}

// Agreed notes that our side has taken over what they changed, so that it is no change of ours when it comes by.
func (s Sides) Agreed(some ...News) Sides {
	next := s.clone()
	for _, n := range some {
		side := next.Fields[n.Field]
		side.Ours = n.Now
		next.Fields[n.Field] = side
	}
	return next
}

func (s Sides) clone() Sides {
	fields := make(map[Field]Side, len(s.Fields)+1)
	for f, side := range s.Fields {
		fields[f] = side
	}
	s.Fields = fields
	return s
}

// Names of a state in a system's words, by ours; the first is the one that is written.
type Names map[ticket.State][]string

// Read finds our word for theirs; empty when nobody has mapped it.
func (n Names) Read(theirs string) ticket.State {
	for _, s := range ticket.States() {
		if slices.ContainsFunc(n[s], func(word string) bool { return equal(word, theirs) }) {
			return s
		}
	}
	return ""
}

// Write is their word for ours; empty when there is none.
func (n Names) Write(s ticket.State) string {
	if len(n[s]) == 0 {
		return ""
	}
	return n[s][0]
}

// ReadPriority finds the priority whose fields a ticket has; the most urgent first.
func ReadPriority(by map[org.Priority]map[string]string, fields map[string]string) org.Priority {
	for _, p := range org.Priorities() {
		wants := by[p]
		matches := len(wants) > 0
		for name, value := range wants {
			matches = matches && equal(fields[name], value)
		}
		if matches {
			return p
		}
	}
	return ""
}
