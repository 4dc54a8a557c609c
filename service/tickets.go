package service

import (
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/ticket"
)

// Observation is a ticket as a connector saw it: always the whole ticket, whatever the webhook or the poll was about.
type Observation struct {
	Source string        // who saw it: "servicenow", "token:desk"; keys of one source are its own
	Key    string        // of this delivery: a second one with the same key changes nothing. Empty: never the same
	At     time.Time     // when the ticket became so in its system; zero: now. What is older than what is known changes nothing
	Ticket ticket.Ticket // Ticket.System and Ticket.Key say which
}

// Observed is what became of an observation.
type Observed struct {
	Ticket     ticket.Ref
	Version    int           // of the ticket afterwards, from 1
	Changed    []string      // fields; empty: nothing new
	Escalation id.Escalation // that watches it; empty: nothing is promised about it
	Known      bool          // this delivery had been taken before
	Stale      bool          // a newer version was known already
}
