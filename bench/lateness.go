package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// lateness opens a thousand escalations whose second step is due within a minute, then a thousand whose second step is
// due in the same second, and hears how late each arrives. The openings are spread so that they are told at once.
func (r *runner) lateness(ctx context.Context) (Report, error) {
	n := r.many(1000)
	spread, err := r.late(ctx, "spread", n, func(int, time.Time) int { return int(r.openings(n)/time.Second) + 10 })
	if err != nil {
		return nil, err
	}
	bareSpread, err := r.alarms(ctx, "spread", n, r.spread(n))
	if err != nil {
		return nil, err
	}
	ahead := r.openings(n) + (shortest+5)*time.Second
	together, err := r.late(ctx, "together", n, func(_ int, began time.Time) int {
		return int((time.Until(began.Add(ahead)) + 500*time.Millisecond) / time.Second)
	})
	if err != nil {
		return nil, err
	}
	bareTogether, err := r.alarms(ctx, "together", n, func() time.Duration { return 20*time.Second + rand.N(time.Second) })
	if err != nil {
		return nil, err
	}
	return Report{
		figure("late-spread-p99", sec(spread.late.P99()), "s").against(sec(bareSpread.stepped.P99())).atMost(1).audited(spread.found).
			noted("%d due within %.0f s; p50 %g s; bare timers woke at p99 %g s", n, spread.within.Seconds(), sec(spread.late.P50()), sec(bareSpread.woke.P99())),
		figure("late-together-p99", sec(together.late.P99()), "s").against(sec(bareTogether.stepped.P99())).ratioAtMost(1.3).audited(together.found).
			noted("%d due within %.1f s; p50 %g s; bare timers woke at p99 %g s", n, together.within.Seconds(), sec(together.late.P50()), sec(bareTogether.woke.P99())),
	}, nil
}

// spread is when bare alarms ring that are spread as the openings of n escalations are.
func (r *runner) spread(n int) func() time.Duration {
	return func() time.Duration { return 20*time.Second + rand.N(r.openings(n)) }
}

// openings is how long it takes to open n escalations without haste.
func (r *runner) openings(n int) time.Duration { return time.Duration(n) * time.Minute / 1000 }

type lateness struct {
	late   Sample
	within time.Duration // between the first due instant and the last, without the outermost percent
	found  Findings
}

// late opens n escalations, evenly, and waits for the second message of each. seconds says how long the i-th one's
// first tier waits.
func (r *runner) late(ctx context.Context, what string, n int, seconds func(i int, began time.Time) int) (lateness, error) {
	var audit Auditor
	var late tally
	var mu sync.Mutex
	var due Sample // since began
	began := time.Now()
	err := crowd(ctx, n, n, func(ctx context.Context, i int) error {
		if err := until(ctx, began.Add(r.openings(i))); err != nil {
			return err
		}
		title := r.title(what, i)
		if _, err := r.door.open(ctx, serviceLate(min(max(seconds(i, began), shortest), longest)), title); err != nil {
			return err
		}
		audit.Accepted(Sent{Title: title, Accepted: time.Now()})
		bounded, cancel := context.WithTimeout(ctx, 5*time.Minute)
		defer cancel()
		told, err := r.sink.await(bounded, title, 1)
		if err != nil {
			return context.Cause(ctx) // lost: the auditor finds it
		}
		second, err := r.sink.await(bounded, title, 2)
		if err != nil {
			return context.Cause(ctx) // counted below
		}
		late.add(second.Arrived.Sub(told.AnswerBy))
		mu.Lock()
		due = append(due, told.AnswerBy.Sub(began))
		mu.Unlock()
		return nil
	})
	if err != nil {
		return lateness{}, err
	}
	found := r.audit(&audit, what)
	if n -= len(due); n > 0 {
		found.Lost = append(found.Lost, fmt.Sprintf("the second step of %d", n))
	}
	return lateness{late: late.sample(), within: due.P99() - due.Percentile(1), found: found}, nil
}

type alarms struct{ woke, stepped Sample }

// alarms starts n bare workflows that sleep, ask one local activity and take one step.
func (r *runner) alarms(ctx context.Context, what string, n int, due func() time.Duration) (alarms, error) {
	began := time.Now()
	var woke, stepped tally
	err := crowd(ctx, n, n, func(ctx context.Context, i int) error {
		at := began.Add(due())
		run := fmt.Sprintf("bench-bare-%s-%s-%d", what, r.stamp, i)
		rang := make(chan struct{})
		if err := until(ctx, began.Add(time.Duration(i)*10*time.Millisecond)); err != nil {
			return err
		}
		if _, err := r.bare.start(ctx, run, bareTimer, alarm{Run: run, Due: at}, func(a alarm, stepAt time.Time) {
			woke.add(a.Woke.Sub(at))
			stepped.add(stepAt.Sub(at))
			close(rang)
		}); err != nil {
			return err
		}
		select {
		case <-rang:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(5 * time.Minute):
			return fmt.Errorf("bare timer %s never fired", run)
		}
	})
	return alarms{woke.sample(), stepped.sample()}, err
}
