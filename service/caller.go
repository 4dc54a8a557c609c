package service

import (
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/policy"
)

// Caller is who asks for something, and by which way.
type Caller struct {
	Name   string    // of the token, or of the person
	Role   Role      // empty: may do nothing
	Person id.Person // empty for machines
	Token  string    // ID of the token, when there is one: two tokens may have the same name
	// Account is the local account, or the address that a provider of identities vouched for, of somebody who signed in
	// without a token.
	Account string
	Via     string // "api", "sms", "voice", "link", "cli", "sandbox"
}

// Actor is the caller's name in the audit trail and on the timeline: a person, "account:root", or "token:noc".
func (c Caller) Actor() string {
	if c.Person != "" {
		return string(c.Person)
	}
	if c.Account != "" {
		return "account:" + c.Account
	}
	return "token:" + c.Name
}

// Outsider is the role of a vendor's people: they answer for their own engagements and see nothing else.
const Outsider Role = "outsider"

// Organisation gives the organisation as it is now, from memory.
type Organisation interface {
	Current() policy.Directory
}

// callerFor makes a caller of a person who is known by their phone or by a signed link. Nobody known, or somebody
// who has left, gets a caller without a role: Access then refuses everything.
func callerFor(d policy.Directory, p id.Person, via string) Caller {
	person, ok := d.Org.People[p]
	if !ok || person.Departed {
		return Caller{Name: string(p), Person: p, Via: via}
	}
	role := Responder
	if person.Vendor != "" {
		role = Outsider
	}
	return Caller{Name: person.Name, Role: role, Person: p, Via: via}
}
