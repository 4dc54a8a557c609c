package servicetest

import (
	"context"
	"slices"
	"sync"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

// Conversations remember what they were told. Those that are Running go on until End.
type Conversations struct {
	mu      sync.Mutex
	Away    bool
	told    []contract.Event
	running []string
	open    map[string]id.Escalation
}

// Opened makes every later event of a conversation be about this escalation.
func (c *Conversations) Opened(hash string, e id.Escalation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[string]id.Escalation{}
	}
	c.open[hash] = e
}

// Begin makes a conversation run that somebody else has begun.
func (c *Conversations) Begin(hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(hash)
}

func (c *Conversations) begin(hash string) {
	if !slices.Contains(c.running, hash) {
		c.running = append(c.running, hash)
	}
}

// End makes all of them be over.
func (c *Conversations) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = nil
}

// Told lists the events, in order.
func (c *Conversations) Told() []contract.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.told)
}

func (c *Conversations) away() error {
	if c.Away {
		return fault.New(fault.Unavailable, "the engine does not answer")
	}
	return nil
}

// Tell implements service.Conversations.
func (c *Conversations) Tell(_ context.Context, about contract.Conversation, e contract.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.away(); err != nil {
		return err
	}
	c.begin(about.Hash)
	c.told = append(c.told, e)
	return nil
}

// Placed implements service.Conversations.
func (c *Conversations) Placed(_ context.Context, hash, ident string) (contract.Placed, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return contract.Placed{Ident: ident, Escalation: c.open[hash]}, c.away()
}

// Answering implements service.Conversations.
func (c *Conversations) Answering(_ context.Context, hash string) ([]id.Escalation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.open[hash]; e != "" {
		return []id.Escalation{e}, c.away()
	}
	return nil, c.away()
}

// Talking implements service.Conversations.
func (c *Conversations) Talking(context.Context) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.running), c.away()
}

// Runs are escalations that say how they stand.
type Runs struct {
	Summaries []escalation.Summary
	More      bool // there are more than these
}

// Stands implements service.Runs.
func (r Runs) Stands(_ context.Context, e id.Escalation) (escalation.Summary, error) {
	for _, s := range r.Summaries {
		if s.ID == e {
			return s, nil
		}
	}
	return escalation.Summary{}, fault.New(fault.NotFound, "escalation %s", e)
}

// Live implements service.Runs.
func (r Runs) Live(context.Context) ([]escalation.Summary, bool, error) {
	return r.Summaries, !r.More, nil
}
