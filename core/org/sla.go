package org

import (
	"time"

	"github.com/belayhq/belay/core/id"
)

// SLA is a promise about tickets: the definition of a clock. Conditions are CEL over the ticket and its history; an empty
// one means what the metric means by default.
type SLA struct {
	ID          id.SLA
	Name        string
	Metric      Metric
	For         Meant
	Target      time.Duration
	Calendar    id.Calendar // on which it counts; empty: around the clock
	Retroactive bool        // counts from the ticket's opening, not from when its start was seen
	Start       string
	Pause       string
	Resume      string // empty: when pause does not hold any more
	Stop        string
	Cancel      string
	Reset       string
	Thresholds  []Threshold
}

// Metric is what is promised.
type Metric string

const (
	FirstResponse Metric = "first_response"
	UpdateMetric  Metric = "update" // begins again with every word of whoever works on it
	ResolveMetric Metric = "resolve"
)

// Metrics lists them.
func Metrics() []Metric { return []Metric{FirstResponse, UpdateMetric, ResolveMetric} }

// Meant says for which tickets something is meant. Empty conditions match everything.
type Meant struct {
	Services   []id.Service
	Kinds      []Kind
	Priorities []Priority
	Customers  []string
	Labels     map[string]string
}

// Threshold is a point of a clock, and what is done when it is reached.
type Threshold struct {
	Percent int           // of the target; 0: Offset counts
	Offset  time.Duration // from the breach: negative before it, 0 at it, positive after it
	Wall    bool          // the offset is wall time; else it is counted on the clock's calendar
	Act     Act
}

// Act is what a threshold or a trigger does.
type Act struct {
	Do        Do
	Direction Direction // escalate
	Tier      int       // escalate: from 1; 0: the first of the direction, else the next
	Targets   []Target  // bring in
	Hook      string    // webhook: how it is called, "cmdb.example#1f2e3d4c": the host, and what tells it from others there
	URL       string    `json:"-"` // webhook: where it is; it often carries a secret, and stays with its revision
}

// Do is the kind of an act.
type Do string

const (
	Warn     Do = "warn"     // it is on record and shows
	Raise    Do = "raise"    // the priority, by one
	Escalate Do = "escalate" // to a tier
	BringIn  Do = "bring_in" // people are called
	TellHook Do = "webhook"  // a program is told
)

// Acts lists them.
func Acts() []Do { return []Do{Warn, Raise, Escalate, BringIn, TellHook} }

// Trigger escalates a ticket for what it is or for what became of it.
type Trigger struct {
	ID        id.Trigger
	Name      string
	For       Meant
	When      string        // CEL; empty: always
	SilentFor time.Duration // whoever works on it was silent for so long; 0: however long
	Calendar  id.Calendar   // on which silence counts; empty: around the clock
	Act       Act
}

// Hook finds the address of a webhook that promises and triggers tell by the name that its acts have for it.
func (o *Org) Hook(name string) (address string, known bool) {
	found := func(a Act) bool {
		if a.Do == TellHook && a.Hook == name {
			address = a.URL
		}
		return address != ""
	}
	for _, s := range o.SLAs {
		for _, t := range s.Thresholds {
			if found(t.Act) {
				return address, true
			}
		}
	}
	for _, t := range o.Triggers {
		if found(t.Act) {
			return address, true
		}
	}
	return "", false
}
