package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/text"
	"github.com/belayhq/belay/service"
)

// pass is a signed link that was opened: who holds it, and what they may see.
type pass struct {
	Ticket service.Ticket
	Caller service.Caller
	Brief  page.Brief
	// Row is how the escalation stands; nil for a vendor's people, who see no more than they were sent.
	Row *service.Escalation
}

// linkShow shows what a link is about. It changes nothing, however often a mail scanner follows it.
func (s *Site) linkShow(c echo.Context) error {
	p, err := s.pass(c)
	if err != nil {
		return s.linkRefused(c, err)
	}
	if digest, ok := service.DigestOf(p.Ticket.Workflow); ok {
		return s.digestShow(c, p, digest)
	}
	f := s.answering(c, p, string(p.Brief.Escalation)+" · "+p.Brief.Title)
	return s.render(c, http.StatusOK, linkPage(f, p, answer{}, rand.Text()))
}

// answering is the frame of a page behind a link: it speaks as its message did, and has its reader's clock.
func (s *Site) answering(c echo.Context, p pass, title string) frame {
	f := s.frame(c, title)
	reader := f.org.People[p.Caller.Person]
	f.Zone = reader.Zone
	if reader.Language != "" {
		f.Language = reader.Language
	}
	return f
}

// linkAct does what its bearer asks for, and says how it went.
func (s *Site) linkAct(c echo.Context) error {
	p, err := s.pass(c)
	if err != nil {
		return s.linkRefused(c, err)
	}
	if digest, ok := service.DigestOf(p.Ticket.Workflow); ok {
		return s.digestAct(c, p, digest)
	}
	verb := c.FormValue("verb")
	if !offeredByLink(verb) {
		return fault.Field("verb", "%q is none of acknowledge, resolve, escalate, note", verb)
	}
	verb, word, err := s.word(c, verb)
	if err != nil {
		return err
	}
	word.Key = "link/" + word.Key
	reply, err := s.Answers.Say(c.Request().Context(), p.Caller, p.Ticket.Workflow, verb, word)
	f := s.answering(c, p, string(p.Brief.Escalation)+" · "+p.Brief.Title)
	a := answer{Text: f.said(reply), Bad: reply.Outcome == escalation.Refused}
	switch {
	case err == nil:
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.Invalid):
		a = answer{Text: sentence(f.retell(problemOf(err).Detail)), Bad: true}
	default:
		return err
	}
	if p.Row != nil {
		s.refresh(c.Request().Context(), &p)
	}
	return s.render(c, http.StatusOK, linkPage(f, p, a, rand.Text()))
}

func offeredByLink(verb string) bool {
	switch verb {
	case contract.Acknowledge, contract.Resolve, contract.Escalate, contract.Note:
		return true
	}
	return false
}

// pass opens the link and gathers what its bearer may see.
func (s *Site) pass(c echo.Context) (pass, error) {
	ticket, err := s.Links.Open(c.Param("token"))
	if slow := s.guessed(c, err); slow != nil {
		return pass{}, slow
	}
	if err != nil {
		return pass{}, err
	}
	person, ok := s.Organisation.Current().Org.People[ticket.Person]
	if !ok || person.Departed {
		return pass{}, fault.New(fault.Denied, "this link was for somebody who has left")
	}
	p := pass{Ticket: ticket, Caller: service.Caller{Name: person.Name, Role: service.Responder, Person: person.ID, Via: "link"}}
	if person.Vendor != "" {
		p.Caller.Role = service.Outsider
	}
	if slow := s.Limits.Caller(p.Caller, s.Now()); slow != nil {
		return pass{}, slow
	}
	if _, many := service.DigestOf(ticket.Workflow); many {
		return p, nil // what it shows is read from the digest
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), recordsWithin)
	defer cancel()
	sent, err := s.Messages.ByKey(ctx, ticket.Key)
	switch {
	case err == nil:
		p.Brief = sent.Message.Brief
	case fault.Is(err, fault.NotFound) || fault.Retryable(err):
		p.Brief = unread(ticket)
		p.Brief.Title = text.Retell(person.Language, p.Brief.Title)
	default:
		return pass{}, err
	}
	if person.Vendor != "" {
		return p, nil
	}
	e, ok := strings.CutPrefix(ticket.Workflow, "escalation/")
	if !ok {
		return pass{}, fault.New(fault.Denied, "this link is for a vendor's people")
	}
	row, err := s.Search.Get(ctx, p.Caller, id.Escalation(e))
	if fault.Is(err, fault.NotFound) || err != nil && fault.Retryable(err) {
		return p, nil // what was opened while the records were away is not in them yet
	}
	if err != nil {
		return pass{}, err
	}
	p.Row = &row
	p.Brief.Escalation, p.Brief.Title, p.Brief.Priority = row.ID, row.Title, row.Priority
	p.Brief.Service, p.Brief.Tier, p.Brief.OpenedAt = row.ServiceName, row.TierName, row.OpenedAt
	return p, nil
}

// recordsWithin is how long somebody with a page in their hand waits for our records.
const recordsWithin = 2 * time.Second

// unread is all that a link says by itself: its message left while the records were away, or they are away now. The
// signature is proof enough for an answer.
func unread(t service.Ticket) page.Brief {
	b := page.Brief{Title: "You were called. What it is about cannot be shown just now; your answer is taken all the same."}
	if parts := strings.Split(t.Workflow, "/"); len(parts) > 1 {
		b.Escalation = id.Escalation(parts[1])
	}
	return b
}

// refresh reads how it stands after the answer. What was done is done: an old picture is better than an error.
func (s *Site) refresh(ctx context.Context, p *pass) {
	row, err := s.Search.Get(ctx, p.Caller, p.Row.ID)
	if err != nil {
		s.Log.WarnContext(ctx, "escalation not read after an answer", "escalation", p.Row.ID, "error", err)
		return
	}
	p.Row = &row
}

// linkRefused explains what is wrong with the link, and what to do instead.
func (s *Site) linkRefused(c echo.Context, err error) error {
	if !fault.Is(err, fault.Denied) {
		return err
	}
	f := s.frame(c, "This link does not work")
	return s.render(c, http.StatusForbidden, linkRefusedPage(f, sentence(f.retell(problemOf(err).Detail))))
}
