package org

import (
	"time"

	"github.com/belayhq/belay/core/id"
)

// Canary is an alert that we send to ourselves through an integration, to see whether the next real one would arrive.
type Canary struct {
	Every   time.Duration
	Format  string     // whose words it speaks, as in POST /in/{format}/{key}; "…-api": at that system's own path
	Service id.Service // what is broken when it does not arrive
	Bodies  *Bodies    // words of one's own; nil: those that Belay knows of this format
}

// Bodies are requests as the system would send them.
type Bodies struct{ Firing, Resolved string }

// Robot is told of canaries and of nothing else. It is in no list of people: nobody can name it as a target.
const Robot id.Person = "belay:robot"

// robot is how it can be told: by a page of its own, whatever else is going on.
func robot() Person {
	const door id.Method = "door"
	way := []Rung{{Method: door}}
	return Person{ID: Robot, Name: "robot", Zone: time.UTC, Methods: []Method{{ID: door, Channel: Webhook, Address: "robot", Each: true}},
		Ladders: map[Urgency][]Rung{High: way, Low: way}}
}

// Person finds who can be told.
func (o *Org) Person(p id.Person) (Person, bool) {
	if p == Robot {
		return robot(), true
	}
	found, ok := o.People[p]
	return found, ok
}
