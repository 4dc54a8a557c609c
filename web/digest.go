package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

// bundle is the link of a digest that was opened.
type bundle struct {
	Caller  service.Caller
	Members []service.Member // each run once, worst first
	Inside  bool             // the bearer is one of ours and may see how it stands
}

// everything is what a form says that means all members.
const everything = "all"

// digestShow lists what a digest told of. It changes nothing.
func (s *Site) digestShow(c echo.Context, p pass, digest int64) error {
	b, err := s.bundle(c.Request().Context(), p, digest)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, digestPage(s.answering(c, p, b.name()), b, answer{}, rand.Text()))
}

// digestAct says a word to one member or to all.
func (s *Site) digestAct(c echo.Context, p pass, digest int64) error {
	ctx := c.Request().Context()
	b, err := s.bundle(ctx, p, digest)
	if err != nil {
		return err
	}
	verb := c.FormValue("verb")
	if verb != contract.Acknowledge && verb != contract.Resolve {
		return fault.Field("verb", "%q is none of acknowledge, resolve", verb)
	}
	workflows := b.workflows()
	if one := c.FormValue("which"); one != everything {
		if !slices.Contains(workflows, one) {
			return fault.Field("which", "%q is not among what this link shows", one)
		}
		workflows = []string{one}
	}
	verb, word, err := s.word(c, verb)
	if err != nil {
		return err
	}
	word.Key = "link/" + word.Key
	heard := service.SayAll(ctx, s.Answers, b.Caller, workflows, verb, word)
	a := answer{Text: s.answering(c, p, "").retell(service.Together(verb, heard))}
	for _, h := range heard {
		a.Bad = a.Bad || h.Err != nil || h.Reply.Outcome == escalation.Refused
	}
	if again, err := s.bundle(ctx, p, digest); err == nil {
		b = again
	}
	return s.render(c, http.StatusOK, digestPage(s.answering(c, p, b.name()), b, a, rand.Text()))
}

func (s *Site) bundle(ctx context.Context, p pass, digest int64) (bundle, error) {
	ctx, cancel := context.WithTimeout(ctx, recordsWithin)
	defer cancel()
	members, err := s.Digests.Members(ctx, digest)
	if err != nil {
		return bundle{}, err
	}
	b := bundle{Caller: p.Caller, Members: service.WorstFirst(members[digest]), Inside: p.Caller.Role != service.Outsider}
	if len(b.Members) == 0 {
		return bundle{}, fault.New(fault.NotFound, "nothing is left in this message")
	}
	return b, nil
}

func (b bundle) name() string { return fmt.Sprintf("%d pages", len(b.Members)) }

func (b bundle) workflows() (all []string) {
	for _, m := range b.Members {
		all = append(all, m.Workflow)
	}
	return all
}

// open: something can still be answered there. Of what is not recorded nobody knows, and vendors are not told.
func (b bundle) open(m service.Member) bool {
	return !b.Inside || m.Row == nil || live(m.Row.State)
}

func (b bundle) someOpen() bool { return slices.ContainsFunc(b.Members, b.open) }
