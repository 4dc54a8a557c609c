// Package org is the organisation as values: who there is, what they own, how they are reached, and by which
// policy. It has no opinion on files (see blueprint), clocks (oncall, calendar) or behaviour (policy, escalation).
package org

import (
	"slices"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/tongue"
)

// Org is one applied blueprint. Everything in it has been checked: references resolve, zones are loaded.
type Org struct {
	Name         string
	Terms        Terms
	Units        map[id.Unit]Unit
	Teams        map[id.Team]Team
	People       map[id.Person]Person
	Services     map[id.Service]Service
	Integrations map[id.Integration]Integration
	Schedules    map[id.Schedule]Schedule
	Calendars    map[id.Calendar]Calendar
	Policies     []Policy // in the order in which they are tried; the first match wins
	Vendors      map[id.Vendor]Vendor
	Rules        []Rule // of the organisation, in the order in which they are tried, after those of the integration
	Windows      map[id.Window]Window
	Heartbeats   map[id.Heartbeat]Heartbeat
	SLAs         []SLA     // in the order in which they are tried; for each metric the first match counts
	Triggers     []Trigger // all that match count
	Tickets      map[id.TicketSystem]TicketSystem
	CatchAll     Tier // who is told when a ladder ends in silence; never empty in a valid blueprint
}

// Unit is a part of the company: a tree.
type Unit struct {
	ID     id.Unit
	Name   string
	Parent id.Unit // empty at the root
	Zone   *time.Location
}

type Team struct {
	ID      id.Team
	Name    string
	Unit    id.Unit
	Lead    id.Person
	Members []id.Person
}

// Person is somebody who can be told. A person with a Vendor is an outsider: they answer for their vendor only.
type Person struct {
	ID   id.Person
	Name string
	Zone *time.Location
	// Language of what they are told; empty: it was not said, and messages are in English.
	Language tongue.Language
	Manager  id.Person // empty at the top
	Vendor   id.Vendor // empty for our own people
	Methods  []Method
	Ladders  map[Urgency][]Rung
	Away     []Interval // absences known in advance
	// StatusUpdates names the method that hears what others did ("Ana has it"); empty: not told.
	StatusUpdates id.Method
	Departed      bool // kept for history, never paged
}

// Method finds a contact method by its name.
func (p Person) Method(m id.Method) (Method, bool) {
	for _, candidate := range p.Methods {
		if candidate.ID == m {
			return candidate, true
		}
	}
	return Method{}, false
}

// Method is one way to reach a person.
type Method struct {
	ID      id.Method
	Channel Channel
	Address string // E.164 number, e-mail address or URL, by channel
	Each    bool   // every page by itself, also in a storm: for programs rather than people
}

// Rung is one step of a person's contact ladder: use the method, then wait before the next one.
type Rung struct {
	Method id.Method
	Wait   time.Duration // zero on the last rung
}

type Channel string

const (
	SMS     Channel = "sms"
	Voice   Channel = "voice"
	Email   Channel = "email"
	Webhook Channel = "webhook"
)

// Urgency chooses a person's ladder: P1 and P2 are high, the rest low.
type Urgency string

const (
	High Urgency = "high"
	Low  Urgency = "low"
)

type Priority string

const (
	P1 Priority = "P1"
	P2 Priority = "P2"
	P3 Priority = "P3"
	P4 Priority = "P4"
	P5 Priority = "P5"
)

// Priorities lists them, most urgent first.
func Priorities() []Priority { return []Priority{P1, P2, P3, P4, P5} }

// Rank is 1 for the most urgent, P1, to 5; of what is no priority, 3.
func (p Priority) Rank() int {
	if at := slices.Index(Priorities(), p); at >= 0 {
		return at + 1
	}
	return 3
}

// Urgency of the contact ladder that this priority uses.
func (p Priority) Urgency() Urgency {
	if p == P1 || p == P2 {
		return High
	}
	return Low
}

// Kind says which path an escalation takes.
type Kind string

const (
	Technical      Kind = "technical"
	Procedural     Kind = "procedural"
	CustomerFacing Kind = "customer_facing"
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{Technical, Procedural, CustomerFacing} }

// Service is what breaks, and who owns it.
type Service struct {
	ID     id.Service
	Name   string
	Unit   id.Unit // defaults to the owner's unit
	Owner  id.Team
	Tier   int // 1 most critical … 4
	Impact int // 1 high, 2 medium, 3 low: with the urgency of the alert it gives the priority
}

// Integration lets one outside system open escalations for one service.
type Integration struct {
	ID      id.Integration
	Kind    string // "events": PagerDuty Events API v2
	Service id.Service
	Key     string   // secret; the routing key
	Secret  string   // what requests are signed or sent with besides; empty: the key is enough
	Alert   Kind     // the path its alerts take; technical unless said otherwise
	Topics  []string // of Amazon SNS, by ARN, that it hears; empty: any

	Rules    []Rule    // in the order in which they are tried; the first match wins
	Flapping *Flapping // nil: every change is taken as it comes
	Mapping  *Mapping  // how any JSON becomes an event; nil: it does not
	Canary   *Canary   // nil: none walks through it

	Tickets id.TicketSystem // what comes are tickets of this system, which are watched; empty: alerts
}

// Schedule says who is on call when: layers one above the other, the highest that has somebody wins.
type Schedule struct {
	ID     id.Schedule
	Name   string
	Team   id.Team
	Zone   *time.Location
	Layers []Layer // lowest first
	// Overrides written in the blueprint; those made by hand at run time are kept apart (policy.Live).
	Overrides []Override
}

// Layer is one rotation.
type Layer struct {
	Name     string
	People   []id.Person // in order of turn; an empty ID is a turn that nobody takes
	Rotation Rotation
	Start    time.Time   // handoff instant of the first turn
	Until    time.Time   // zero: for ever
	Only     []WeekHours // restrictions in the schedule's zone; empty: always
}

// Rotation is how long a turn lasts. Daily and weekly turns change at the same local time on both sides of a DST
// edge; custom turns have a fixed length.
type Rotation struct {
	Every RotationUnit
	Count int           // turns of 2 weeks: Every weekly, Count 2; at least 1
	Each  time.Duration // for custom only
}

type RotationUnit string

const (
	Daily  RotationUnit = "daily"
	Weekly RotationUnit = "weekly"
	Custom RotationUnit = "custom"
)

// WeekHours is a span of the week in local wall time. Until before or equal to From ends on the next day.
type WeekHours struct {
	Days  []time.Weekday // the days on which the span begins; empty: every day
	From  ClockTime
	Until ClockTime
}

// ClockTime is local wall time as minutes after midnight; 24:00 is 1440.
type ClockTime int

// Override puts a person in place of whoever the layers say, for [From, Until).
type Override struct {
	ID       id.Override
	Schedule id.Schedule
	Person   id.Person
	From     time.Time
	Until    time.Time
	Reason   string
}

// Interval is half open: [From, Until).
type Interval struct {
	From  time.Time
	Until time.Time
}

// Contains reports whether at lies in [From, Until).
func (i Interval) Contains(at time.Time) bool { return !at.Before(i.From) && at.Before(i.Until) }

// Calendar is when time counts.
type Calendar struct {
	ID         id.Calendar
	Name       string
	Zone       *time.Location
	Hours      map[time.Weekday][]Span
	Holidays   []Holiday       // days without hours
	Exceptions map[Date][]Span // replace the hours of one date; an empty list closes it, also against a holiday opens it
}

// Span is part of a day in wall time, half open; Until may be 24:00.
type Span struct {
	From  ClockTime
	Until ClockTime
}

// Date is a day of the civil calendar, no zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Holiday is one date, resolved from a named public holiday or written out by hand.
type Holiday struct {
	Date   Date
	Yearly bool // Year is ignored
	Name   string
}

// Vendor is an outside company under contract, engaged as a target of a tier.
type Vendor struct {
	ID       id.Vendor
	Name     string
	Owner    id.Team     // who of ours answers for the relation; told when the vendor is silent and nobody has acknowledged
	Cover    id.Calendar // hours of cover; empty: always
	Contacts []id.Person
	Tiers    []Tier        // the vendor's own ladder; targets are persons
	Ack      time.Duration // promise to acknowledge, in hours of cover; zero: none
	Resolve  time.Duration // promise to resolve, in hours of cover; zero: none
}

// Policy is a ladder of tiers, and for what it is meant. Empty conditions match everything.
type Policy struct {
	ID         id.Policy
	Name       string
	Services   []id.Service
	Kinds      []Kind
	Priorities []Priority
	Tiers      []Tier
	Repeat     int           // how often the whole ladder is climbed again before the catch-all is told
	Reopen     time.Duration // how long a resolved escalation can be reopened; then it closes
}

// Tier is one level of a ladder.
type Tier struct {
	Name          string        `json:"name"`
	Targets       []Target      `json:"targets"`
	Backups       []Target      `json:"backups,omitempty"` // in order: each stands in for an unreachable target, or follows a silent one
	AckWithin     time.Duration `json:"ack_within"`
	UpdateEvery   time.Duration `json:"update_every,omitempty"`
	ResolveWithin time.Duration `json:"resolve_within,omitempty"`
	Direction     Direction     `json:"direction"`
	Repeat        int           `json:"repeat,omitempty"`   // further rounds of this tier before the next one
	Calendar      id.Calendar   `json:"calendar,omitempty"` // on which its times run; empty: around the clock
}

// Target is exactly one of these.
type Target struct {
	Schedule id.Schedule `json:"schedule,omitempty"`
	Person   id.Person   `json:"person,omitempty"`
	Team     id.Team     `json:"team,omitempty"`   // everybody in it
	Vendor   id.Vendor   `json:"vendor,omitempty"` // engaged beside the ladder
}

// String names a target as people read it: "schedule payments-primary".
func (t Target) String() string {
	switch {
	case t.Schedule != "":
		return "schedule " + string(t.Schedule)
	case t.Person != "":
		return "person " + string(t.Person)
	case t.Team != "":
		return "team " + string(t.Team)
	case t.Vendor != "":
		return "vendor " + string(t.Vendor)
	}
	return "nobody"
}

// Direction of a tier: functional moves the work, hierarchic moves information and decisions up the line.
type Direction string

const (
	Functional Direction = "functional"
	Hierarchic Direction = "hierarchic"
)
