// Package tracker is a system in which others keep tickets, as we talk with it: what we ask of it, what it tells us, and
// which side wrote a field last. It knows no system by name, has no clock and sends nothing.
package tracker

import (
	"time"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
)

// Ticket is one snapshot. Empty means not known or nobody.
type Ticket struct {
	System      string            `json:"system"`
	ID          string            `json:"id"`     // by which its system addresses it
	Number      string            `json:"number"` // by which people do
	URL         string            `json:"url,omitempty"`
	Title       string            `json:"title"`
	Status      string            `json:"status"` // in its system's words
	State       ticket.State      `json:"state"`  // in ours; empty: a word that nobody has mapped
	Priority    org.Priority      `json:"priority,omitempty"`
	Assignee    string            `json:"assignee,omitempty"` // as the system addresses people
	Team        string            `json:"team,omitempty"`
	Category    string            `json:"category,omitempty"`
	Customer    string            `json:"customer,omitempty"`
	Correlation string            `json:"correlation,omitempty"` // that we gave it
	OpenedAt    time.Time         `json:"opened_at,omitzero"`
	UpdatedAt   time.Time         `json:"updated_at,omitzero"`
	Version     int64             `json:"version"` // grows with every change; compared within one ticket only
	Gone        bool              `json:"gone,omitempty"`
	Fields      map[string]string `json:"fields,omitempty"` // raw, those that are plain words
}

// Draft is a ticket that we want.
type Draft struct {
	Correlation string // unique to one escalation of one installation
	Title       string
	Text        string
	Service     string
	Priority    org.Priority
	Link        string // to the escalation
}

// Note is one comment, seen by those who work on the ticket and not by customers. Its marker stands, sealed, in its text.
type Note struct {
	Text   string
	Marker Marker
}

// Vars are the names that conditions and terms about a snapshot use: ticket and fields.
func (t Ticket) Vars() map[string]any {
	fields := t.Fields
	if fields == nil {
		fields = map[string]string{}
	}
	return map[string]any{
		"ticket": map[string]any{
			"id": t.ID, "number": t.Number, "title": t.Title, "status": t.Status, "state": string(t.State), "priority": string(t.Priority),
			"assignee": t.Assignee, "team": t.Team, "category": t.Category, "customer": t.Customer,
		},
		"fields": fields,
	}
}

// Change is what we write into a ticket. Empty fields are left as they are.
type Change struct {
	State    ticket.State
	Priority org.Priority
	Assignee string
	Text     string // why, where a system wants to know
}

// Empty reports whether there is nothing to write.
func (c Change) Empty() bool { return c.State == "" && c.Priority == "" && c.Assignee == "" }
