package service

import (
	"slices"
	"strings"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Identity is what a provider of identities vouches for.
type Identity struct {
	Issuer  string
	Subject string
	Name    string   // as people call them; may be empty
	Claim   string   // value of the claim that names the person
	Sure    bool     // an e-mail address that the provider has verified, or a claim that is none
	Groups  []string // as the provider calls them
}

// Admission decides whom a provider of identities lets in, and as what.
type Admission struct {
	Organisation Organisation
	// ByID: the claim is the ID of a person; else it is an address among their e-mail methods.
	ByID bool
	// Roles by group; "*" is everybody. Empty: people of the blueprint are responders, nobody else comes in.
	Roles map[string]Role
}

// Admit answers who this is. fault.Denied, with the reason, for somebody who may not come in.
func (a Admission) Admit(i Identity) (Entrance, error) {
	if i.Subject == "" || i.Claim == "" {
		return Entrance{}, fault.New(fault.Denied, "your provider does not say who you are: the claim that names you is missing")
	}
	if !i.Sure {
		return Entrance{}, fault.New(fault.Denied, "your provider has not verified the address %s", i.Claim)
	}
	person, err := a.person(i.Claim)
	if err != nil {
		return Entrance{}, err
	}
	if person.Departed || person.Vendor != "" {
		return Entrance{}, fault.New(fault.Denied, "%s is not one of those who may sign in here", i.Claim)
	}
	role := a.role(i.Groups, person.ID)
	if role == "" {
		return Entrance{}, fault.New(fault.Denied, "%s has no role here: ask whoever runs Belay", i.Claim)
	}
	c := Caller{Name: person.Name, Role: role, Person: person.ID, Via: "web"}
	if person.ID == "" {
		c.Account, c.Name = i.Claim, i.Name
		if c.Name == "" {
			c.Name = i.Claim
		}
	}
	return Entrance{Caller: c, Subject: i.Issuer + " " + i.Subject}, nil
}

// person finds whose claim this is; a person without an ID when it is nobody's. A mailbox that several people share
// says nothing about who reads it.
func (a Admission) person(claim string) (org.Person, error) {
	people := a.Organisation.Current().Org.People
	if a.ByID {
		return people[id.Person(claim)], nil
	}
	var found []org.Person
	for _, p := range byID(people) {
		if slices.ContainsFunc(p.Methods, func(m org.Method) bool {
			return m.Channel == org.Email && strings.EqualFold(m.Address, claim)
		}) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return org.Person{}, nil
	case 1:
		return found[0], nil
	}
	return org.Person{}, fault.New(fault.Denied, "%s is the mailbox of %d people: it does not say which of them you are", claim, len(found))
}

// role is the strongest that the groups give.
func (a Admission) role(groups []string, person id.Person) Role {
	if len(a.Roles) == 0 {
		if person != "" {
			return Responder
		}
		return ""
	}
	given := []Role{a.Roles["*"]}
	for _, g := range groups {
		given = append(given, a.Roles[g])
	}
	for _, strongest := range []Role{Admin, Responder, Viewer} {
		if slices.Contains(given, strongest) {
			return strongest
		}
	}
	return ""
}
