package service

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/route"
)

// Routes are the rules of the organisation that is current, ready to run.
type Routes struct {
	Organisation Organisation

	mu     sync.Mutex
	of     *org.Org
	router *route.Router
}

// current prepares the rules once for each organisation.
func (r *Routes) current() (*route.Router, []org.Window) {
	d := r.Organisation.Current()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of != d.Org || r.router == nil {
		r.of, r.router = d.Org, route.Over(d.Org)
	}
	return r.router, d.Live.Windows
}

// Decide says what becomes of an alert that came through an integration.
func (r *Routes) Decide(in org.Integration, format string, a alert.Alert, at time.Time) route.Decision {
	router, windows := r.current()
	return router.Decide(expr.Event{Alert: a, Service: in.Service, Integration: in.ID, Format: format, At: at}, windows)
}

// Open lists the maintenance windows that are open.
func (r *Routes) Open(at time.Time) []id.Window {
	router, windows := r.current()
	return router.Open(at, windows)
}

// Covered is the window that covers a muted event now; empty: none.
func (r *Routes) Covered(m Muted, at time.Time) id.Window {
	if m.Route == nil {
		return ""
	}
	router, windows := r.current()
	return router.Covered(*m.Route, expr.Event{Alert: m.Alert, Integration: m.Integration, Format: m.Format, At: at}, windows)
}

// apply takes what the rules say into the event. Its conversation stays with the integration's service: what ends an alert
// need not say all that began it.
func (r *Routes) apply(in Incoming, integration org.Integration) Incoming {
	if r == nil {
		return in
	}
	d := r.Decide(integration, in.Format, in.Alert, in.ReceivedAt)
	if len(d.Labels) > 0 {
		labels := alert.Labels(maps.Clone(d.Labels))
		maps.Copy(labels, in.Alert.Labels) // what the sender says stands
		in.Alert.Labels = labels
	}
	if in.Alert.Action == alert.Trigger {
		in.Alert.Warnings = append(in.Alert.Warnings[:len(in.Alert.Warnings):len(in.Alert.Warnings)], d.Warnings...)
	}
	if d.Rule != "" || d.Window != "" || d.Flapping != nil {
		in.Route = &d
	}
	return in
}

// Quiet lets go of what was kept quiet when its time has come. Any number may run side by side.
type Quiet struct {
	Alerts Quieted
	Routes *Routes
	Lights *Lights // nil: the records are always asked
	Dark   *Dark   // nil: nothing is ever taken without the records
	Now    func() time.Time
	Log    *slog.Logger
	Every  time.Duration // zero: one second

	tidied time.Time
}

const (
	ripenAtOnce = 500
	// membersKept is how long a member of a group is known that nobody has said to be well again, after its group is over.
	membersKept = 7 * 24 * time.Hour
	tidyEvery   = time.Hour
)

// Run looks until the context ends.
func (q *Quiet) Run(ctx context.Context) {
	every := q.Every
	if every == 0 {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := calmly(func() error { return q.Look(ctx) }); err != nil && ctx.Err() == nil && !fault.Is(err, fault.Unavailable) {
			q.Log.ErrorContext(ctx, "what was kept quiet was not looked at", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Look lets go of everything whose time has come. What came while the records were away is heard first: it may be the end of what
// waits, or something worse.
func (q *Quiet) Look(ctx context.Context) error {
	if _, out := q.Lights.Out(); !out && !q.Dark.Told() {
		return nil
	}
	return q.Lights.Ask(ctx, settleWithin, func(ctx context.Context) error {
		now := q.Now().Truncate(time.Microsecond) // as the inbox keeps it
		if err := q.ripen(ctx, now); err != nil {
			return err
		}
		muted, err := q.Alerts.Muted(ctx, q.Routes.Open(now), ripenAtOnce)
		if err != nil {
			return err
		}
		for _, m := range muted {
			if q.heard(m) {
				continue
			}
			if err := q.Alerts.Unmute(ctx, m.Seq, q.Routes.Covered(m, now), now); err != nil {
				return err
			}
		}
		return q.tidy(ctx, now)
	})
}

// tidy forgets, now and then, who is in no group any more.
func (q *Quiet) tidy(ctx context.Context, now time.Time) error {
	if now.Sub(q.tidied) < tidyEvery {
		return nil
	}
	gone, err := q.Alerts.Forget(ctx, now.Add(-membersKept), ripenAtOnce)
	if err == nil && gone < ripenAtOnce {
		q.tidied = now // else more of them go at once
	}
	return err
}

// heard: more has come of it in the dark, which is not on record yet.
func (q *Quiet) heard(m Muted) bool { return q.Dark.Talks(q.Dark.Hash(m.Service, m.Alert.DedupKey)) }

// ripen makes events again of what is due, but of what was delayed into a window that covers it: that waits for its end.
func (q *Quiet) ripen(ctx context.Context, now time.Time) error {
	for {
		delayed, more, err := q.uncovered(ctx, now)
		if err != nil {
			return err
		}
		seqs, err := q.Alerts.Ripen(ctx, now, delayed, ripenAtOnce)
		if err != nil {
			return err
		}
		if len(seqs) < ripenAtOnce && !more {
			return nil
		}
	}
}

// uncovered are the delayed alerts that no window covers, of those that are due; nil: no window is open, and nothing was taken in
// the dark. more: there may be others.
func (q *Quiet) uncovered(ctx context.Context, now time.Time) (free []int64, more bool, err error) {
	if len(q.Routes.Open(now)) == 0 && !q.Dark.Talking() {
		return nil, false, nil
	}
	due, err := q.Alerts.Delayed(ctx, now, ripenAtOnce)
	if err != nil {
		return nil, false, err
	}
	free = []int64{}
	more = len(due) == ripenAtOnce
	for _, m := range due {
		if q.heard(m) {
			more = false // they would be found again at once
			continue
		}
		window := q.Routes.Covered(m, now)
		if window == "" {
			free = append(free, m.Seq)
			continue
		}
		if err := q.Alerts.Mute(ctx, m.Seq, window); err != nil {
			return nil, false, err
		}
	}
	return free, more, nil
}
