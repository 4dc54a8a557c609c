package org

import (
	"time"

	"github.com/belayhq/belay/core/id"
)

// Rule says what becomes of the events that it matches.
type Rule struct {
	Name     string
	When     string // a condition in CEL (see expr); empty: always
	Continue bool   // later rules are asked too, and say what this one left open
	Action   RuleAction
	Service  id.Service // empty: the integration's
	Kind     Kind       // empty: the integration's
	Priority Priority   // empty: from impact and urgency
	Impact   int        // 1 high … 3 low; 0: the service's
	Urgency  string     // a severity of core/alert; empty: the event's
	Labels   map[string]string
	Delay    time.Duration // escalates only if it still fires so long after
	Group    *Grouping     // nil: each alert by itself
	Ping     id.Heartbeat  // with the action Ping
}

// RuleAction is what a rule does with an event.
type RuleAction string

const (
	Tell     RuleAction = "escalate" // sooner or later, alone or with others
	Suppress RuleAction = "suppress" // on record, tells nobody
	Drop     RuleAction = "drop"     // answered, and forgotten
	Ping     RuleAction = "ping"     // is a sign of life of a heartbeat
)

// Grouping puts alerts that have the same values into one escalation.
type Grouping struct {
	By     []string      // in CEL
	Within time.Duration // of the one that joined last
	Count  int           // so many different alerts must fire within that time before anybody is told; 0 or 1: the first tells
}

// Flapping is how often an alert may change between firing and quiet before it is held open.
type Flapping struct {
	Changes int           // more than so many …
	Within  time.Duration // … in so long; and it is over when nothing has changed for so long
}

// Window is a maintenance window: what fires in it is on record, and pages when the window ends if it still fires.
type Window struct {
	ID       id.Window
	Name     string
	Zone     *time.Location // of Weekly; nil: UTC
	From     time.Time      // of a fixed window, or since when a recurring one recurs; zero: always
	Until    time.Time      // of a fixed window, or until when a recurring one recurs; zero: for ever
	Weekly   []WeekHours    // empty: fixed
	Services []id.Service   // empty: all
	When     string         // a condition in CEL; empty: always
	UpTo     string         // the worst severity that it covers, of core/alert
	Reason   string
}

// Heartbeat is a sign of life that somebody promised to send.
type Heartbeat struct {
	ID          id.Heartbeat
	Name        string
	Integration id.Integration // by whose key it is sent
	Service     id.Service
	Every       time.Duration
	Grace       time.Duration
	Severity    string   // of a missing one, of core/alert
	Priority    Priority // empty: from the service's impact and the severity
}

// Mapping makes events of any JSON: each is an expression in CEL over body, item, header and query.
type Mapping struct {
	Each       string // a list, of which each entry is an event as item; empty: the body is one event
	Action     string // trigger, acknowledge, resolve, ignore; empty: by status
	Title      string
	Severity   string
	Status     string
	DedupKey   string
	Source     string
	OccurredAt string
	Links      string
	Labels     string
}
