package webtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

// Organised is a house of this organisation in which nothing has happened.
func Organised(now time.Time, o *org.Org) *House {
	h := Empty(now)
	h.org = o
	return h
}

// Rota keeps overrides and calendar links of a house, as the database does, under the services of the product.
type Rota struct {
	*House
	Made  []org.Override
	feeds map[string]service.Feed // by hash
}

// NewRota of a house without overrides.
func NewRota(h *House) *Rota { return &Rota{House: h, feeds: map[string]service.Feed{}} }

// OnCall is the product's over this rota.
func (r *Rota) OnCall() *service.OnCall {
	return &service.OnCall{Organisation: r.House, Overrides: Overrides{r}, Now: r.Now}
}

// Covers are the product's over this rota.
func (r *Rota) Covers() *service.Covers {
	return &service.Covers{Organisation: r.House, Overrides: Overrides{r}, Now: r.Now}
}

// Feeds are the product's over this rota.
func (r *Rota) Feeds() *service.Feeds {
	return &service.Feeds{Book: FeedBook{r}, Organisation: r.House, OnCall: r.OnCall(), Now: r.Now}
}

// Reachability is the product's over what was sent.
func (r *Rota) Reachability() *service.Reachability {
	return &service.Reachability{
		Catalogue: &service.Catalogue{Organisation: r.House}, Organisation: r.House, Paged: Pages{r}, Now: r.Now,
	}
}

// Simulations are the product's over this house.
func (r *Rota) Simulations() *service.Simulations {
	return &service.Simulations{Organisation: r.House, Zones: time.LoadLocation, Now: r.Now}
}

// Pages are what was sent to people.
type Pages struct{ *Rota }

// PagedTo lists what was sent to a person, newest first.
func (p Pages) PagedTo(_ context.Context, who id.Person, since time.Time, limit int) ([]service.Sent, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []service.Sent
	for _, s := range p.sent {
		if s.Message.Person == who && !s.At.Before(since) && len(found) < limit {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b service.Sent) int { return b.At.Compare(a.At) })
	return found, nil
}

// Sent notes a page that went out.
func (r *Rota) Sent(s service.Sent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent[s.Message.Key] = s
}

// List answers two revisions: that of the house, and one before it. It hides the list of escalations of the house.
func (r *Rota) List(_ context.Context, _ service.Caller, _ int) ([]service.Revision, error) {
	return []service.Revision{
		{Hash: "bbbbbbbbbbbbbbbb", AppliedAt: r.Now().Add(-time.Hour), AppliedBy: "ana", Changes: []string{"schedule payments-primary: diego joins"}},
		{Hash: "aaaaaaaaaaaaaaaa", AppliedAt: r.Now().Add(-48 * time.Hour), AppliedBy: "token:ops"},
	}, nil
}

// Overrides are those made by hand.
type Overrides struct{ *Rota }

// List lists what touches the span.
func (o Overrides) List(_ context.Context, s id.Schedule, from, until time.Time) ([]org.Override, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []org.Override
	for _, v := range o.Made {
		if (s == "" || v.Schedule == s) && v.From.Before(until) && v.Until.After(from) {
			found = append(found, v)
		}
	}
	return found, nil
}

// Create refuses overlaps.
func (o Overrides) Create(_ context.Context, v org.Override, _ service.Deed) (org.Override, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, other := range o.Made {
		if other.Schedule == v.Schedule && other.From.Before(v.Until) && other.Until.After(v.From) {
			return org.Override{}, fault.New(fault.Conflict, "override %s is in the way", other.ID)
		}
	}
	v.ID = id.Override(fmt.Sprint("O-", len(o.Made)+1))
	o.Made = append(o.Made, v)
	o.hear("override %s %s %s–%s", v.Schedule, v.Person, v.From.UTC().Format(time.RFC3339), v.Until.UTC().Format(time.RFC3339))
	return v, nil
}

// Delete takes one back.
func (o Overrides) Delete(_ context.Context, v id.Override, _ service.Deed) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := len(o.Made)
	o.Made = slices.DeleteFunc(o.Made, func(m org.Override) bool { return m.ID == v })
	if len(o.Made) == before {
		return fault.New(fault.NotFound, "there is no override %q", string(v))
	}
	o.hear("override %s ended", v)
	return nil
}

// FeedBook is the calendar links.
type FeedBook struct{ *Rota }

// Create keeps one.
func (b FeedBook) Create(_ context.Context, f service.Feed, hash []byte, _ service.Deed) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.feeds[string(hash)] = f
	b.hear("feed of %s", f.Person)
	return nil
}

// Find answers one.
func (b FeedBook) Find(_ context.Context, hash []byte) (service.Feed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.feeds[string(hash)]
	if !ok {
		return service.Feed{}, fault.New(fault.NotFound, "feed")
	}
	return f, nil
}

// List lists those of a person.
func (b FeedBook) List(_ context.Context, p id.Person) ([]service.Feed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []service.Feed
	for _, f := range b.feeds {
		if f.Person == p {
			found = append(found, f)
		}
	}
	return found, nil
}

// Revoke ends one's own.
func (b FeedBook) Revoke(_ context.Context, feed string, p id.Person, _ service.Deed) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for hash, f := range b.feeds {
		if f.ID == feed && f.Person == p {
			delete(b.feeds, hash)
			return nil
		}
	}
	return fault.New(fault.NotFound, "feed %q", feed)
}
