package org

import (
	"slices"

	"github.com/belayhq/belay/core/id"
)

// TicketSystem is where others keep tickets. Its secrets are named here and live elsewhere.
type TicketSystem struct {
	ID        id.TicketSystem
	Name      string
	Type      TicketType
	URL       string // where it lives
	Secret    string // name of what we prove ourselves with
	Hook      string // name of what it proves its webhooks with; empty: none are believed
	Table     string // ServiceNow
	Project   string // Jira
	IssueType string // Jira
	Edition   string // Jira: "cloud", "data_center"
	Watch     TicketWatch
	Opens     []TicketOpening
	States    map[string][]string            // ours → theirs; the first is written
	With      map[string]map[string]string   // further fields when a state is written
	Priority  map[Priority]map[string]string // fields that mean it
	People    map[id.Person]string           // as the system addresses them
	Fields    map[string]string              // of every new ticket; {service}, {title}, {link}, {priority}
	REST      *TicketREST                    // of the type "rest"
}

// TicketWatch says which tickets that others opened are watched, and what is read of them. Terms are CEL over a snapshot; one
// that is empty says nothing.
type TicketWatch struct {
	Query       string        // which are asked for, in the system's own language: it makes up for webhooks that were lost
	Tickets     []TicketMatch // the first that matches counts; none: not watched
	Type        string
	Reason      string // why it waits
	VIP         string
	RespondedAt string
	SpokeAt     string
	Labels      []string // fields that are kept as labels
}

// TicketMatch says what a ticket is about.
type TicketMatch struct {
	When    string // empty: always
	Service id.Service
	Kind    Kind
}

// TicketType says which language a system speaks.
type TicketType string

const (
	ServiceNow TicketType = "servicenow"
	Jira       TicketType = "jira"
	REST       TicketType = "rest" // whatever the blueprint says
)

// TicketTypes lists them.
func TicketTypes() []TicketType { return []TicketType{ServiceNow, Jira, REST} }

// TicketOpening says for which escalations a ticket is opened, and when. Empty conditions match everything.
type TicketOpening struct {
	Services   []id.Service
	Kinds      []Kind
	Priorities []Priority
	Tier       int // once this tier begins; 1: from the first
}

// Matches reports whether the conditions hold.
func (o TicketOpening) Matches(s id.Service, k Kind, p Priority) bool {
	return among(o.Services, s) && among(o.Kinds, k) && among(o.Priorities, p)
}

func among[T comparable](some []T, one T) bool { return len(some) == 0 || slices.Contains(some, one) }
