// Package ticket is a ticket of another system as we see it, and what its history says: how often it changed hands,
// bounced between teams, came back. It has no clock and knows no system by name.
package ticket

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Ref names a ticket: the system in which it lives, as the blueprint or the connector calls it, and its key there.
type Ref struct {
	System string `json:"system"` // "servicenow", "jira-it"
	Key    string `json:"key"`    // "INC0010023", "OPS-17"
}

func (r Ref) String() string { return r.System + "/" + r.Key }

// State of a ticket in our words. Each connector maps the states of its system.
type State string

const (
	New       State = "new"       // nobody works on it yet
	Working   State = "working"   // somebody does
	Waiting   State = "waiting"   // on hold: for the customer, a vendor, a change
	Solved    State = "solved"    // can come back
	Done      State = "closed"    // cannot
	Cancelled State = "cancelled" // was none
)

// States lists them in the order of a life.
func States() []State { return []State{New, Working, Waiting, Solved, Done, Cancelled} }

// Over reports whether nobody need work on it any more.
func (s State) Over() bool { return s == Solved || s == Done || s == Cancelled }

// Ticket is one snapshot: everything that conditions may ask about. Empty means not known or nobody.
type Ticket struct {
	Ref
	Title       string            `json:"title"`
	URL         string            `json:"url,omitempty"`
	Type        string            `json:"type,omitempty"` // "incident", "request", … as its system calls it
	Service     id.Service        `json:"service"`
	Kind        org.Kind          `json:"kind,omitempty"`
	Priority    org.Priority      `json:"priority,omitempty"`
	State       State             `json:"state"`
	Reason      string            `json:"reason,omitempty"` // why it waits: "customer", "vendor", "change"
	Category    string            `json:"category,omitempty"`
	Team        string            `json:"team,omitempty"` // who has it, as its system calls them
	Assignee    string            `json:"assignee,omitempty"`
	Customer    string            `json:"customer,omitempty"`
	VIP         bool              `json:"vip,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	OpenedAt    time.Time         `json:"opened_at"`
	RespondedAt time.Time         `json:"responded_at,omitzero"` // our first answer that the customer saw
	SpokeAt     time.Time         `json:"spoke_at,omitzero"`     // the last word of whoever works on it
}

// Version is a ticket as it was from an instant on.
type Version struct {
	At     time.Time `json:"at"` // when it became so in its system, never before the version before it
	Ticket Ticket    `json:"ticket"`
}

// History is every version that was observed, oldest first.
type History []Version

// Last is the newest version.
func (h History) Last() Ticket {
	if len(h) == 0 {
		return Ticket{}
	}
	return h[len(h)-1].Ticket
}

// Longest texts that are taken from another system, in bytes; the rest is cut off or refused.
const (
	longestKey   = 200
	longestWord  = 400
	mostLabels   = 64
	longestTitle = 400
)

// Check says what is wrong with a snapshot; the error is Invalid and names the field.
func (t Ticket) Check() error {
	for field, word := range map[string]string{
		"type": t.Type, "reason": t.Reason, "category": t.Category, "team": t.Team, "assignee": t.Assignee, "customer": t.Customer,
	} {
		if len(word) > longestWord {
			return fault.Field(field, "%d bytes are too many, %d are allowed", len(word), longestWord)
		}
	}
	switch {
	case t.System == "" || len(t.System) > longestKey || strings.Trim(t.System, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "":
		return fault.Field("system", `name the system in which the ticket lives, such as "servicenow": lower-case letters, digits, ".", "_" and "-", at most %d`, longestKey)
	case t.Key == "" || len(t.Key) > longestKey:
		return fault.Field("key", `give the ticket's key in its system, such as "INC0010023"; at most %d bytes`, longestKey)
	case t.Title == "" || len(t.Title) > longestTitle:
		return fault.Field("title", "say in at most %d bytes what the ticket is about", longestTitle)
	case t.Service == "":
		return fault.Field("service", "say which service the ticket is about")
	case !slices.Contains(States(), t.State):
		return fault.Field("state", "%q is none of %s", t.State, words(States()))
	case t.Priority != "" && !slices.Contains(org.Priorities(), t.Priority):
		return fault.Field("priority", "%q is none of P1 to P5", t.Priority)
	case t.Kind != "" && !slices.Contains(org.Kinds(), t.Kind):
		return fault.Field("kind", "%q is none of %s", t.Kind, words(org.Kinds()))
	case len(t.Labels) > mostLabels:
		return fault.Field("labels", "%d are too many, %d are allowed", len(t.Labels), mostLabels)
	case t.OpenedAt.IsZero():
		return fault.Field("opened_at", "say when the ticket was opened")
	}
	for name, value := range t.Labels {
		if name == "" || len(name) > longestKey || len(value) > longestWord {
			return fault.Field("labels", "a name of at most %d bytes and a value of at most %d are allowed", longestKey, longestWord)
		}
	}
	return nil
}

func words[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return strings.Join(out, ", ")
}

// Differences are the names of the fields in which two snapshots differ, sorted.
func Differences(before, after Ticket) []string {
	var list []string
	note := func(field string, same bool) {
		if !same {
			list = append(list, field)
		}
	}
	note("title", before.Title == after.Title)
	note("type", before.Type == after.Type)
	note("service", before.Service == after.Service)
	note("kind", before.Kind == after.Kind)
	note("priority", before.Priority == after.Priority)
	note("state", before.State == after.State)
	note("reason", before.Reason == after.Reason)
	note("category", before.Category == after.Category)
	note("team", before.Team == after.Team)
	note("assignee", before.Assignee == after.Assignee)
	note("customer", before.Customer == after.Customer)
	note("vip", before.VIP == after.VIP)
	note("url", before.URL == after.URL)
	note("opened_at", before.OpenedAt.Equal(after.OpenedAt))
	note("responded_at", before.RespondedAt.Equal(after.RespondedAt))
	note("spoke_at", before.SpokeAt.Equal(after.SpokeAt))
	same := len(before.Labels) == len(after.Labels)
	for name, value := range before.Labels {
		other, there := after.Labels[name]
		same = same && there && other == value
	}
	note("labels", same)
	slices.SortFunc(list, cmp.Compare[string])
	return list
}
