package service

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

// Answers hands what humans say to escalations and vendors' engagements, whichever way they said it.
type Answers struct {
	Organisation Organisation
	Engine       Engine
	Access       Access
	Now          func() time.Time
}

// Say hands one word to a workflow ("escalation/E-42", "vendor/E-42/acmecloud/1") and answers what it made of it.
// Who said it, and how, is taken from the caller, never from the word. A workflow that is over: fault.Conflict; one
// that never was: fault.NotFound; not allowed: fault.Denied; a word that makes no sense: fault.Invalid with the field.
func (a *Answers) Say(ctx context.Context, c Caller, workflow, verb string, w contract.Word) (contract.Reply, error) {
	if err := a.Access.May(c, Answer); err != nil {
		return contract.Reply{}, err
	}
	e, err := a.entitled(c, workflow)
	if err != nil {
		return contract.Reply{}, err
	}
	if err := checkWord(a.Organisation.Current().Org, verb, w, a.Now()); err != nil {
		return contract.Reply{}, err
	}
	w.By, w.Name, w.Via, w.At = id.Person(c.Actor()), c.Name, c.Via, a.Now()
	if w.Key == "" {
		w.Key = rand.Text() // the update and the signal that may follow it are one word
	}
	reply, err := a.Engine.Say(ctx, workflow, verb, w)
	switch {
	case fault.Is(err, fault.Conflict):
		return contract.Reply{}, fault.Wrap(fault.Conflict, err, "%s is over", e)
	case fault.Is(err, fault.NotFound):
		return contract.Reply{}, fault.Wrap(fault.NotFound, err, "there is no %s", e)
	case err != nil:
		return contract.Reply{}, err
	}
	return reply, nil
}

// entitled checks that this caller may answer this workflow. Our own people may answer any; a vendor's people only
// what their vendor was engaged for.
func (a *Answers) entitled(c Caller, workflow string) (id.Escalation, error) {
	e, vendor, err := addressed(workflow)
	if err != nil {
		return "", err
	}
	if c.Person == "" {
		return e, nil
	}
	person, ok := a.Organisation.Current().Org.People[c.Person]
	if !ok || person.Departed {
		return "", fault.New(fault.Denied, "%s is not one of us", c.Person)
	}
	if person.Vendor != "" && person.Vendor != vendor {
		return "", fault.New(fault.Denied, "%s answers for vendor %s only", c.Person, person.Vendor)
	}
	return e, nil
}

// addressed takes a workflow ID apart: escalation, and the vendor when it is a vendor's engagement.
func addressed(workflow string) (id.Escalation, id.Vendor, error) {
	parts := strings.Split(workflow, "/")
	var e id.Escalation
	var v id.Vendor
	switch {
	case len(parts) == 2 && parts[0] == "escalation":
		e = id.Escalation(parts[1])
	case len(parts) == 4 && parts[0] == "vendor" && parts[2] != "":
		e, v = id.Escalation(parts[1]), id.Vendor(parts[2])
	default:
		return "", "", fault.New(fault.NotFound, "there is no %q", workflow)
	}
	if _, err := e.Number(); err != nil {
		return "", "", fault.New(fault.NotFound, "there is no escalation %q", e)
	}
	return e, v, nil
}
