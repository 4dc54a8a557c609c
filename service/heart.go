package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/route"
)

// Heartbeat is how a sign of life stands. It is armed by its first one.
type Heartbeat struct {
	Name    id.Heartbeat
	BeatAt  time.Time
	DueAt   time.Time // when it is missing, by what was promised when it last came
	Missing bool
	Lapses  int // how often it was missing
}

// Heartbeats keeps them. Instants are the caller's.
type Heartbeats interface {
	Get(ctx context.Context, name id.Heartbeat) (Heartbeat, error) // fault.NotFound: it is not armed
	List(ctx context.Context) ([]Heartbeat, error)
	// Beat notes a sign of life: it is due again then, and not missing. An older one changes nothing. One that was late, and
	// not known to be missing, counts as a lapse: a judge may be about to tell of it.
	Beat(ctx context.Context, name id.Heartbeat, at, due time.Time) error
	// Disarm has nobody wait for it until it comes again.
	Disarm(ctx context.Context, name id.Heartbeat) error
	// Overdue lists those that were due before an instant and are not known to be missing.
	Overdue(ctx context.Context, at time.Time) ([]Heartbeat, error)
	// Promise has those that are waited for be due so long after they last came.
	Promise(ctx context.Context, name id.Heartbeat, within time.Duration) error
	// Judged notes until when all have been judged.
	Judged(ctx context.Context, at time.Time) error
	// Lapse notes that it is missing, once for each lapse, by whoever is first. Back: a sign of life came since it was found.
	Lapse(ctx context.Context, h Heartbeat) (back bool, err error)
	// Hearing notes that somebody listens, and answers since when there was no gap longer than this.
	Hearing(ctx context.Context, at time.Time, gap time.Duration) (since time.Time, err error)
}

// Heart listens for signs of life, and opens an escalation for one that is missing. Any number may run side by side: what
// two of them find is one event.
type Heart struct {
	Organisation Organisation
	Heartbeats   Heartbeats
	Inbox        Inbox
	Desk         *Desk   // nil: events are left to a relay
	Lights       *Lights // nil: the records are always asked
	Now          func() time.Time
	Log          *slog.Logger
	Every        time.Duration // zero: one second

	promised atomic.Pointer[org.Org] // whose promises have been put on record
}

const (
	formatHeartbeat = "heartbeat"
	// deafFor is how long nobody may have listened without it being said that we were away.
	deafFor = 15 * time.Second
	// longestPatience after we were away: those that come often get the time of one more, those that come once a day do not.
	longestPatience = time.Hour
)

// Beat takes a sign of life that came by an integration. fault.NotFound: none of that name is sent by this integration.
func (l *Heart) Beat(ctx context.Context, by id.Integration, name id.Heartbeat) error {
	h, err := l.promise(by, name)
	if err != nil {
		return err
	}
	return l.Lights.Ask(ctx, acceptWithin, func(ctx context.Context) error {
		now := l.Now()
		stands, err := l.Heartbeats.Get(ctx, name)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		lapse := stands.Lapses
		late := !stands.Missing && !stands.DueAt.IsZero() && stands.DueAt.Before(now)
		if late { // a judge may have told that it is missing, and not noted it yet; or died before that
			lapse++
		}
		if stands.Missing || late { // first of all, so that it is not lost
			if err := l.tell(ctx, h, alert.Resolve, lapse, now); err != nil {
				return err
			}
		}
		return l.Heartbeats.Beat(ctx, name, now, now.Add(h.Every+h.Grace))
	})
}

// BeatByKey is Beat for whoever has the key of an integration, and bears its secret where it has one.
func (l *Heart) BeatByKey(ctx context.Context, key string, p alert.Post, name id.Heartbeat) error {
	integration, err := l.sender(key, p)
	if err != nil {
		return err
	}
	return l.Beat(ctx, integration.ID, name)
}

// sender finds the integration of a key, whose secret the request must bear: a sign of life from whoever saw the address would
// hide that somebody is dead.
func (l *Heart) sender(key string, p alert.Post) (org.Integration, error) {
	integration, ok := integrationByKey(l.Organisation.Current().Org, key)
	if !ok {
		return org.Integration{}, fault.New(fault.NotFound, "no integration has this key")
	}
	return integration, proven(alert.Dialect{}, integration, p)
}

// DisarmByKey forgets a heartbeat until its next sign of life. What is open because it was missing ends.
func (l *Heart) DisarmByKey(ctx context.Context, key string, p alert.Post, name id.Heartbeat) error {
	integration, err := l.sender(key, p)
	if err != nil {
		return err
	}
	h, err := l.promise(integration.ID, name)
	if err != nil {
		return err
	}
	return l.Lights.Ask(ctx, acceptWithin, func(ctx context.Context) error {
		stands, err := l.Heartbeats.Get(ctx, name)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if stands.Missing {
			if err := l.tell(ctx, h, alert.Resolve, stands.Lapses, l.Now()); err != nil {
				return err
			}
		}
		return l.Heartbeats.Disarm(ctx, name)
	})
}

func (l *Heart) promise(by id.Integration, name id.Heartbeat) (org.Heartbeat, error) {
	if l == nil {
		return org.Heartbeat{}, fault.New(fault.Unavailable, "nobody listens for signs of life here")
	}
	h, ok := l.Organisation.Current().Org.Heartbeats[name]
	if !ok || h.Integration != by {
		return org.Heartbeat{}, fault.New(fault.NotFound, "integration %s sends no heartbeat %q: write it into the blueprint", by, string(name))
	}
	return h, nil
}

// Run looks for those that are missing, until the context ends.
func (l *Heart) Run(ctx context.Context) {
	every := l.Every
	if every == 0 {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := calmly(func() error { return l.Look(ctx) }); err != nil && ctx.Err() == nil && !fault.Is(err, fault.Unavailable) {
			l.Log.ErrorContext(ctx, "heartbeats not judged", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Look judges once. After a time in which nobody listened, those that should have come meanwhile get the time of one more.
func (l *Heart) Look(ctx context.Context) error {
	return l.Lights.Ask(ctx, settleWithin, func(ctx context.Context) error {
		now := l.Now()
		since, err := l.Heartbeats.Hearing(ctx, now, deafFor)
		if err != nil {
			return err
		}
		if err := l.renew(ctx); err != nil {
			return err
		}
		late, err := l.Heartbeats.Overdue(ctx, now)
		if err != nil {
			return err
		}
		var wrong []error // one that cannot be judged must not keep the others from it
		for _, stands := range late {
			err := l.judge(ctx, stands, since, now)
			if fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
				return err
			}
			wrong = append(wrong, err)
		}
		if err := errors.Join(wrong...); err != nil {
			return err
		}
		return l.Heartbeats.Judged(ctx, now)
	})
}

// renew puts the promises of a new organisation on record: one that has become shorter is judged by what it is now, not when
// the longer one would have been over.
func (l *Heart) renew(ctx context.Context) error {
	now := l.Organisation.Current().Org
	if l.promised.Load() == now {
		return nil
	}
	for name, h := range now.Heartbeats {
		if err := l.Heartbeats.Promise(ctx, name, h.Every+h.Grace); err != nil {
			return err
		}
	}
	l.promised.Store(now)
	return nil
}

// judge looks at one that is due.
func (l *Heart) judge(ctx context.Context, stands Heartbeat, since, now time.Time) error {
	h, ok := l.Organisation.Current().Org.Heartbeats[stands.Name]
	if !ok {
		return l.Heartbeats.Disarm(ctx, stands.Name)
	}
	if !missing(h, stands, since, now) {
		return nil
	}
	if err := l.lapse(ctx, h, stands, now); err != nil {
		return fmt.Errorf("heartbeat %s: %w", h.ID, err)
	}
	return nil
}

// missing: it should have come while somebody listened.
func missing(h org.Heartbeat, stands Heartbeat, since, now time.Time) bool {
	due := stands.BeatAt.Add(h.Every + h.Grace) // as it is promised today
	if heard := since.Add(min(h.Every, longestPatience) + h.Grace); stands.BeatAt.Before(since) && heard.After(due) {
		due = heard
	}
	return now.After(due)
}

// lapse opens an escalation, then notes it. What dies between the two is done again and is the same event.
func (l *Heart) lapse(ctx context.Context, h org.Heartbeat, stands Heartbeat, now time.Time) error {
	if err := l.tell(ctx, h, alert.Trigger, stands.Lapses+1, now); err != nil {
		return err
	}
	back, err := l.Heartbeats.Lapse(ctx, stands)
	if err != nil || !back {
		return err
	}
	return l.say(ctx, h, alert.Resolve, stands.Lapses+1, "returned", now) // it came in this moment, perhaps before we had told
}

// tell puts the event of a lapse, or of its end, into the inbox. Each is there once.
func (l *Heart) tell(ctx context.Context, h org.Heartbeat, action alert.Action, lapse int, at time.Time) error {
	status := "missing"
	if action == alert.Resolve {
		status = "back"
	}
	return l.say(ctx, h, action, lapse, status, at)
}

func (l *Heart) say(ctx context.Context, h org.Heartbeat, action alert.Action, lapse int, status string, at time.Time) error {
	title := fmt.Sprintf("Heartbeat %s is missing: it comes every %s", h.Name, h.Every)
	if action == alert.Resolve {
		title = fmt.Sprintf("Heartbeat %s is back", h.Name)
	}
	decision := route.Decision{Action: org.Tell, Service: h.Service, Kind: org.Technical, Priority: h.Priority, Chosen: h.Priority != "",
		Rule: "heartbeat " + string(h.ID)}
	seq, known, err := l.Inbox.Accept(ctx, Incoming{
		Integration: h.Integration, Service: h.Service, Format: formatHeartbeat,
		Key: fmt.Sprintf("heartbeat/%s/%d/%s", h.ID, lapse, status),
		Alert: alert.Alert{Action: action, DedupKey: "heartbeat/" + string(h.ID), Title: title, Source: string(h.ID), Status: status,
			Severity: alert.Severity(h.Severity), OccurredAt: at, Client: "Belay"},
		Route: &decision, ReceivedAt: at.Truncate(time.Microsecond),
	})
	if err == nil && !known && l.Desk != nil {
		l.Desk.Soon(ctx, seq, nil)
	}
	return err
}
