package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/route"
)

// Canaries sends alerts of ours through the doors of the integrations that ask for it, and follows each by the record until
// it is over. Any number may run side by side: a canary is held by whoever looks at it.
type Canaries struct {
	Organisation Organisation
	Book         CanaryBook
	Door         CanaryDoor
	Proof        CanaryProof
	Escalations  Escalations
	Receipts     *Receipts
	Inbox        Inbox
	Desk         *Desk   // nil: events are left to a relay
	Lights       *Lights // nil: the records are always asked
	Access       Access
	Now          func() time.Time
	Log          *slog.Logger
	Every        time.Duration // zero: one second
}

const (
	formatCanary = "canary"
	// canaryTerm is how long a canary stays with a process that died.
	canaryTerm = 30 * time.Second
	// sayWithin is how long the door may take to answer a canary; senders wait about as long.
	sayWithin = 5 * time.Second
	// knockEvery is how long a canary that the door did not take waits before it knocks again.
	knockEvery = 5 * time.Second
	// longestWalk is how long a walk may take; of those that come often half of their interval, so that a broken hop is told
	// before two have passed.
	longestWalk = 5 * time.Minute
	// robotProvider is how receipts of the robot name who carried the message.
	robotProvider = "robot"
)

func patience(c org.Canary) time.Duration { return min(c.Every/2, longestWalk) }

// Run looks until the context ends.
func (c *Canaries) Run(ctx context.Context) {
	tick := time.NewTicker(c.every())
	defer tick.Stop()
	for {
		err := calmly(func() error { return c.Look(ctx) })
		if err != nil && ctx.Err() == nil && !fault.Is(err, fault.Unavailable) {
			c.Log.ErrorContext(ctx, "canaries were not looked at", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (c *Canaries) every() time.Duration {
	if c.Every > 0 {
		return c.Every
	}
	return time.Second
}

// Look goes a step with every canary whose time has come.
func (c *Canaries) Look(ctx context.Context) error {
	now := c.now()
	var due []Canary
	err := c.Lights.Ask(ctx, settleWithin, func(ctx context.Context) (err error) {
		due, err = c.Book.Claim(ctx, c.named(), now, canaryTerm)
		return err
	})
	if err != nil {
		return err
	}
	wrong := make([]error, len(due))
	var all sync.WaitGroup
	for n, canary := range due {
		all.Go(func() {
			wrong[n] = calmly(func() error { return c.step(ctx, canary, now) })
			if wrong[n] != nil {
				wrong[n] = fmt.Errorf("canary of %s: %w", canary.Integration, wrong[n])
			}
		})
	}
	all.Wait()
	return errors.Join(wrong...)
}

func (c *Canaries) now() time.Time { return c.Now().Truncate(time.Microsecond) }

func (c *Canaries) named() []id.Integration {
	var all []id.Integration
	for name, in := range c.Organisation.Current().Org.Integrations {
		if in.Canary != nil {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// step lets a canary walk on as far as it gets, and judges it. What cannot be read is not judged.
func (c *Canaries) step(ctx context.Context, s Canary, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, canaryTerm-sayWithin)
	defer cancel()
	in, known := c.Organisation.Current().Org.Integrations[s.Integration]
	if !known || in.Canary == nil {
		return c.retire(ctx, s, now)
	}
	if s.Walk.walking() && now.Sub(s.LookedAt) > deafFor {
		s.Walk.EndedAt, s.Walk.Why = now, fmt.Sprintf("nobody looked for %s", now.Sub(s.LookedAt).Round(time.Second))
		s.LookedAt, s.NextAt = now, now // another one flies at once
		return c.Book.Keep(ctx, s)
	}
	if !s.Walk.walking() {
		if err := c.begin(ctx, &s, in, now); err != nil {
			return err
		}
	}
	why, err := c.walk(ctx, in, &s.Walk)
	if err != nil {
		return err
	}
	now = c.now()
	s.LookedAt, s.NextAt = now, now.Add(c.every())
	hop, on := s.Walk.next()
	if hop == HopEvent || hop == HopResolve && s.Walk.AskedAt.IsZero() {
		s.NextAt = now.Add(knockEvery) // whoever knocks every second is taken for somebody who guesses
	}
	switch {
	case !on:
		err = c.arrived(ctx, &s, in, now)
	case now.Sub(s.Walk.BeganAt) >= patience(*in.Canary):
		err = c.stopped(ctx, &s, in, hop, why, now)
	}
	if err != nil {
		return err
	}
	return c.Book.Keep(ctx, s)
}

// begin sends the next canary, and ends what earlier ones have left open.
func (c *Canaries) begin(ctx context.Context, s *Canary, in org.Integration, now time.Time) error {
	number, err := c.Book.Begin(ctx, in.ID, now)
	if err != nil {
		return err
	}
	s.Walk = CanaryWalk{Number: number, Integration: in.ID, BeganAt: now, Passed: map[Hop]time.Time{}}
	return c.sweep(ctx, in, number)
}

func (c *Canaries) sweep(ctx context.Context, in org.Integration, but int64) error {
	left, err := c.Book.Left(ctx, in.ID, but)
	if err != nil {
		return err
	}
	for _, l := range left {
		err := c.accept(ctx, Incoming{
			Integration: in.ID, Service: l.Service, Format: formatCanary, Key: fmt.Sprintf("canary/%d/swept/%d", l.Walk, but),
			Alert: alert.Alert{Action: alert.Resolve, DedupKey: canaryKey(l.Walk), Title: "Canary is over", Severity: alert.Info, Client: "Belay"},
			Route: trial(l.Service, l.Walk),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// walk passes as many hops as it can. why is what it waits for; an error is about our own records.
func (c *Canaries) walk(ctx context.Context, in org.Integration, w *CanaryWalk) (why string, err error) {
	for {
		hop, on := w.next()
		if !on {
			return "", nil
		}
		var at time.Time
		switch hop {
		case HopEvent:
			at, why = c.said(ctx, in, w.Number, true)
		case HopEscalation:
			at, why, err = c.opened(ctx, w)
		case HopPage:
			at, why, err = c.paged(ctx, w)
		case HopReceipt:
			at, why, err = c.received(ctx, w)
		case HopResolve:
			at, why, err = c.resolved(ctx, in, w)
		}
		if err != nil || at.IsZero() {
			return why, err
		}
		w.Passed[hop] = at
	}
}

// said knocks at the door.
func (c *Canaries) said(ctx context.Context, in org.Integration, walk int64, firing bool) (time.Time, string) {
	ctx, cancel := context.WithTimeout(ctx, sayWithin)
	defer cancel()
	if err := c.Door.Say(ctx, in, firing, c.Proof.Walk(in.ID, walk)); err != nil {
		return time.Time{}, "the door does not take it: " + err.Error()
	}
	return c.now(), ""
}

func (c *Canaries) opened(ctx context.Context, w *CanaryWalk) (time.Time, string, error) {
	e, err := c.Book.Opened(ctx, w.Number)
	if fault.Is(err, fault.NotFound) {
		return time.Time{}, "it was accepted, and no escalation has opened", nil
	}
	if err != nil {
		return time.Time{}, "", err
	}
	w.Escalation = e
	entry, ok, _, err := c.entry(ctx, w, escalation.EntryOpened)
	if err != nil || !ok {
		return time.Time{}, fmt.Sprintf("%s has been opened and does not run", e), err
	}
	return entry.At, "", nil
}

// entry is the first of a kind in the timeline; last is what the timeline ends with.
func (c *Canaries) entry(ctx context.Context, w *CanaryWalk, kind escalation.EntryKind) (found escalation.Entry, ok bool, last string, err error) {
	entries, err := c.Escalations.Timeline(ctx, w.Escalation, 0, mostEntries)
	if fault.Is(err, fault.NotFound) {
		return found, false, "", nil
	}
	for _, e := range entries {
		if e.Kind == kind && !ok {
			found, ok = e, true
		}
		last = e.Text
	}
	return found, ok, last, err
}

func (c *Canaries) paged(ctx context.Context, w *CanaryWalk) (time.Time, string, error) {
	sent, ok, last, err := c.entry(ctx, w, escalation.EntrySent)
	if err != nil || !ok {
		return time.Time{}, fmt.Sprintf("%s tells nobody; its last word is %q", w.Escalation, last), err
	}
	return sent.At, "", nil
}

func (c *Canaries) received(ctx context.Context, w *CanaryWalk) (time.Time, string, error) {
	written, err := c.Escalations.Timeline(ctx, w.Escalation, 0, mostEntries)
	if err != nil {
		return time.Time{}, "", err
	}
	heard, err := c.Escalations.Heard(ctx, w.Escalation)
	if err != nil {
		return time.Time{}, "", err
	}
	why := "no receipt has come"
	for _, e := range append(written, heard...) {
		if e.Kind != escalation.EntryReceipt {
			continue
		}
		if e.Detail["status"] == string(page.Delivered) {
			return e.At, "", nil
		}
		why = "the robot was not told: " + e.Text
	}
	return time.Time{}, fmt.Sprintf("%s: %s", w.Escalation, why), nil
}

func (c *Canaries) resolved(ctx context.Context, in org.Integration, w *CanaryWalk) (time.Time, string, error) {
	if w.AskedAt.IsZero() {
		asked, why := c.said(ctx, in, w.Number, false)
		if asked.IsZero() {
			return asked, why, nil
		}
		w.AskedAt = asked
	}
	e, err := c.Escalations.Get(ctx, w.Escalation)
	if err != nil {
		return time.Time{}, "", err
	}
	if e.ResolvedAt.IsZero() {
		return time.Time{}, fmt.Sprintf("the end was accepted, and %s is still %s", w.Escalation, e.State), nil
	}
	return e.ResolvedAt, "", nil
}

// arrived ends a walk that is whole, and the escalation that tells of one that was not.
func (c *Canaries) arrived(ctx context.Context, s *Canary, in org.Integration, now time.Time) error {
	if err := c.over(ctx, *s, now); err != nil {
		return err
	}
	s.Broken, s.Service = "", ""
	s.Walk.EndedAt, s.NextAt = now, s.Walk.BeganAt.Add(in.Canary.Every)
	return nil
}

// stopped ends a walk that is not, and tells of it first. Every walk that stops tells it: one that is open counts it, and where
// somebody has closed it without mending the hop, there is another one.
func (c *Canaries) stopped(ctx context.Context, s *Canary, in org.Integration, hop Hop, why string, now time.Time) error {
	if s.Broken != "" && (s.Broken != hop || s.Service != in.Canary.Service) {
		if err := c.over(ctx, *s, now); err != nil {
			return err
		}
	}
	title := fmt.Sprintf("Canary of %s stops before %s: %s", in.ID, hop, why)
	if err := c.tell(ctx, in.ID, in.Canary.Service, hop, s.Walk.Number, alert.Trigger, title, now); err != nil {
		return err
	}
	s.Broken, s.Service = hop, in.Canary.Service
	s.Walk.EndedAt, s.Walk.Broken, s.Walk.Why, s.NextAt = now, hop, why, s.Walk.BeganAt.Add(in.Canary.Every)
	return nil
}

// over says that a hop is not broken any more.
func (c *Canaries) over(ctx context.Context, s Canary, now time.Time) error {
	if s.Broken == "" {
		return nil
	}
	title := fmt.Sprintf("Canary of %s passes %s again", s.Integration, s.Broken)
	return c.tell(ctx, s.Integration, s.Service, s.Broken, s.Walk.Number, alert.Resolve, title, now)
}

// retire ends what stands of a canary that the blueprint does not know any more.
func (c *Canaries) retire(ctx context.Context, s Canary, now time.Time) error {
	if err := c.sweep(ctx, org.Integration{ID: s.Integration}, 0); err != nil {
		return err
	}
	if s.Broken != "" {
		title := fmt.Sprintf("No canary walks through %s any more", s.Integration)
		if err := c.tell(ctx, s.Integration, s.Service, s.Broken, s.Walk.Number, alert.Resolve, title, now); err != nil {
			return err
		}
	}
	return c.Book.Forget(ctx, s.Integration)
}

// tell puts it into the inbox that a canary stopped, or did not any more. Each is there once.
func (c *Canaries) tell(ctx context.Context, in id.Integration, service id.Service, hop Hop, walk int64, action alert.Action, title string, at time.Time) error {
	status := "broken"
	if action == alert.Resolve {
		status = "whole"
	}
	return c.accept(ctx, Incoming{
		Integration: in, Service: service, Format: formatCanary, Key: fmt.Sprintf("canary/%s/%d/%s/%s", in, walk, hop, status),
		Alert: alert.Alert{
			Action: action, DedupKey: fmt.Sprintf("canary/%s/%s", in, hop), Title: title, Source: string(in), Status: status,
			Severity: alert.Critical, OccurredAt: at, Client: "Belay",
		},
		Route: &route.Decision{Action: org.Tell, Service: service, Kind: org.Technical, Rule: "canary of " + string(in)},
	})
}

func (c *Canaries) accept(ctx context.Context, in Incoming) error {
	in.ReceivedAt = c.now()
	in.Alert = in.Alert.Tidy()
	seq, known, err := c.Inbox.Accept(ctx, in)
	if err == nil && !known && c.Desk != nil {
		c.Desk.Soon(ctx, seq, nil)
	}
	return err
}

// Rang is the robot, told of a canary: it says so by the way on which carriers say it. fault.Unauthenticated.
func (c *Canaries) Rang(ctx context.Context, key, proof string) error {
	if err := c.Proof.Paged(key, proof); err != nil {
		return err
	}
	return c.Receipts.Take(ctx, page.Receipt{Key: key, Status: page.Delivered, Class: page.Arrived, Provider: robotProvider, At: c.now()})
}

// mostWalks that are listed of each integration.
const mostWalks = 50

// CanaryReport is how the canaries of an integration stand, with their last walks.
type CanaryReport struct {
	Canary
	Every   time.Duration
	Format  string
	Tells   id.Service // by the blueprint
	History []CanaryWalk
}

// List answers the canaries of the blueprint with their last walks, newest first.
func (c *Canaries) List(ctx context.Context, who Caller, each int) ([]CanaryReport, error) {
	if err := c.Access.May(who, Read); err != nil {
		return nil, err
	}
	if each == 0 {
		each = 1
	}
	if each < 1 || each > mostWalks {
		return nil, fault.Field("walks", "1 to %d, not %d", mostWalks, each)
	}
	stands, err := c.Book.List(ctx)
	if err != nil {
		return nil, away(err)
	}
	walks, err := c.Book.Walks(ctx, each)
	if err != nil {
		return nil, away(err)
	}
	var all []CanaryReport
	for _, name := range c.named() {
		in := c.Organisation.Current().Org.Integrations[name]
		if in.Canary == nil {
			continue // it has gone this moment
		}
		r := CanaryReport{Canary: Canary{Integration: name}, Every: in.Canary.Every, Format: in.Canary.Format, Tells: in.Canary.Service}
		for _, s := range stands {
			if s.Integration == name {
				r.Canary = s
			}
		}
		for _, w := range walks {
			if w.Integration == name {
				r.History = append(r.History, w)
			}
		}
		all = append(all, r)
	}
	return all, nil
}
