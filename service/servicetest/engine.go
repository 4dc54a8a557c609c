package servicetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/page"
)

// Engine remembers what it was told. It knows workflows from Open or Know; the ones in Over have ended.
type Engine struct {
	mu      sync.Mutex
	Away    bool            // nothing can be reached
	Over    map[string]bool // by workflow
	Deaf    chan struct{}   // until it is closed, words are not taken; nil: they are
	Waiting atomic.Int32    // words that are not taken
	known   map[string]bool
	started []contract.Start
	told    []string // "escalation/E-1 acknowledge ana via sms key SM1"
	answers map[string]contract.Reply
}

// Know makes a workflow run.
func (e *Engine) Know(workflow string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.know(workflow)
}

func (e *Engine) know(workflow string) {
	if e.known == nil {
		e.known = map[string]bool{}
	}
	e.known[workflow] = true
}

// Leave makes the engine unreachable, or lets it come back.
func (e *Engine) Leave(away bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Away = away
}

// End makes a workflow over.
func (e *Engine) End(workflow string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Over == nil {
		e.Over = map[string]bool{}
	}
	e.Over[workflow] = true
}

// Answers makes the engine answer a verb with this from now on.
func (e *Engine) Answers(verb string, r contract.Reply) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.answers == nil {
		e.answers = map[string]contract.Reply{}
	}
	e.answers[verb] = r
}

// Started lists what was opened.
func (e *Engine) Started() []contract.Start {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]contract.Start(nil), e.started...)
}

// Told lists everything that workflows were told, in order.
func (e *Engine) Told() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.told...)
}

func (e *Engine) state(workflow string) error {
	switch {
	case e.Away:
		return fault.New(fault.Unavailable, "the engine does not answer")
	case e.Over[workflow]:
		return fault.New(fault.Conflict, "%s has ended", workflow)
	case !e.known[workflow]:
		return fault.New(fault.NotFound, "%s", workflow)
	}
	return nil
}

// Open implements service.Engine.
func (e *Engine) Open(_ context.Context, start contract.Start) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Away {
		return fault.New(fault.Unavailable, "the engine does not answer")
	}
	workflow := contract.EscalationID(start.Opening.ID)
	if !e.known[workflow] {
		e.know(workflow)
		e.started = append(e.started, start)
	}
	return nil
}

// OpenSaid implements service.Engine.
func (e *Engine) OpenSaid(ctx context.Context, start contract.Start, verb string, w contract.Word) error {
	if err := e.Open(ctx, start); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if line := fmt.Sprintf("%s begins with %s", contract.EscalationID(start.Opening.ID), verb); !slices.Contains(e.told, line) {
		e.told = append(e.told, line) // whoever else begins it says nothing new
	}
	return nil
}

// listen waits until words are taken.
func (e *Engine) listen(ctx context.Context) {
	if e.Deaf == nil {
		return
	}
	e.Waiting.Add(1)
	select {
	case <-e.Deaf:
	case <-ctx.Done():
	}
}

// Say implements service.Engine.
func (e *Engine) Say(ctx context.Context, workflow, verb string, w contract.Word) (contract.Reply, error) {
	e.listen(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.state(workflow); err != nil {
		return contract.Reply{}, err
	}
	line := fmt.Sprintf("%s %s %s via %s key %s", workflow, verb, w.By, w.Via, w.Key)
	for _, heard := range e.told {
		if heard == line && w.Key != "" {
			return e.reply(verb), nil
		}
	}
	e.told = append(e.told, line)
	return e.reply(verb), nil
}

func (e *Engine) reply(verb string) contract.Reply {
	if r, ok := e.answers[verb]; ok {
		return r
	}
	return contract.Reply{Outcome: escalation.Done, Text: "Done: " + verb + ".", State: escalation.Acked}
}

// Ticket implements service.Engine.
func (e *Engine) Ticket(_ context.Context, of id.Escalation, c contract.TicketChanged) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	workflow := contract.EscalationID(of)
	if err := e.state(workflow); err != nil {
		return err
	}
	e.told = append(e.told, fmt.Sprintf("%s ticket %s version %d", workflow, c.Key, c.Version))
	return nil
}

// Repeat implements service.Engine.
func (e *Engine) Repeat(ctx context.Context, of id.Escalation, r contract.Repeat) error {
	e.listen(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	workflow := contract.EscalationID(of)
	if err := e.state(workflow); err != nil {
		return err
	}
	e.told = append(e.told, fmt.Sprintf("%s repeat %d %s", workflow, r.Count, r.Severity))
	return nil
}

// Receipt implements service.Engine.
func (e *Engine) Receipt(_ context.Context, workflow string, r page.Receipt) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.state(workflow); err != nil {
		return err
	}
	e.told = append(e.told, fmt.Sprintf("%s receipt %s %s %s", workflow, r.Key, r.Status, r.Class))
	return nil
}

// Ready implements service.Engine.
func (e *Engine) Ready(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Away {
		return fault.New(fault.Unavailable, "the engine does not answer")
	}
	return nil
}
