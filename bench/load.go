package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

const connections = 32

// burst fires a thousand alerts in two seconds at services of a hundred people.
func (r *runner) burst(ctx context.Context) (Report, error) {
	const within = 2 * time.Second
	n := r.many(1000)
	var audit Auditor
	var accepts tally
	began := time.Now()
	err := crowd(ctx, n, connections, func(ctx context.Context, i int) error {
		if err := until(ctx, began.Add(time.Duration(i)*within/time.Duration(n))); err != nil {
			return err
		}
		title, asked := r.title("burst", i), time.Now()
		if err := r.door.trigger(ctx, r.routingKey(serviceBurst(i%people)), title); err != nil {
			return err
		}
		accepts.add(time.Since(asked))
		audit.Accepted(Sent{Title: title, Accepted: time.Now()})
		return nil
	})
	if err != nil {
		return nil, err
	}
	fired := time.Since(began)
	bounded, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for i := range n { // a lost one is found by the auditor
		if _, err := r.sink.await(bounded, r.title("burst", i), 1); err != nil {
			break
		}
	}
	if err := r.sink.silence(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	firsts, each, alerts := map[string]time.Duration{}, map[string]int{}, Sample{}
	counted := map[string]bool{}
	for _, m := range r.sink.of(r.prefix("burst")) {
		since := m.Arrived.Sub(began)
		alerts = append(alerts, since)
		if !counted[m.Key] { // a digest is one message
			counted[m.Key] = true
			each[m.Person]++
		}
		if known, ok := firsts[m.Person]; !ok || since < known {
			firsts[m.Person] = since
		}
	}
	var told Sample
	most := 0
	for person, since := range firsts {
		told = append(told, since)
		most = max(most, each[person])
	}
	found := r.audit(&audit, "burst")
	told0 := figure("burst-told", sec(told.Max()), "s").atMost(15).audited(found).
		noted("everybody (%d) told once; each of %d alerts: p50 %g s, last %g s; fired in %.1f s, accept p99 %g ms", len(told), n, sec(alerts.P50()), sec(alerts.Max()), fired.Seconds(), ms(accepts.sample().P99()))
	if len(told) < min(people, n) {
		told0 = told0.broken("only %d people were told", len(told))
	}
	return Report{told0, figure("burst-messages", float64(most), "messages").atMost(3).noted("most that one person got")}, nil
}

// hammer fires over all connections until the time is over. Alerts that were refused are counted, not audited.
func (r *runner) hammer(ctx context.Context, during time.Duration, fire func(ctx context.Context, i int) error) (accepted, error) {
	var number atomic.Int64
	var all sync.WaitGroup
	var out accepted
	var mu sync.Mutex
	began := time.Now()
	for range connections {
		all.Go(func() {
			var took Sample
			refused, last := 0, error(nil)
			for time.Since(began) < during && ctx.Err() == nil {
				asked := time.Now()
				if err := fire(ctx, int(number.Add(1))); err != nil {
					refused, last = refused+1, err
					continue
				}
				took = append(took, time.Since(asked))
			}
			mu.Lock()
			defer mu.Unlock()
			out.took, out.refused = append(out.took, took...), out.refused+refused
			if last != nil {
				out.last = last
			}
		})
	}
	all.Wait()
	out.during = time.Since(began)
	return out, context.Cause(ctx)
}

type accepted struct {
	took    Sample
	refused int
	last    error
	during  time.Duration
}

func (a accepted) rows(name string, perSec, p99 float64, found Findings) Report {
	rate := figure(name, perSecond(len(a.took), a.during), "1/s").atLeast(perSec).audited(found)
	if a.refused > 0 {
		rate = rate.broken("%d refused, as %v", a.refused, a.last)
	}
	tail := figure(name+"-p99", ms(a.took.P99()), "ms")
	if p99 > 0 {
		tail = tail.atMost(p99)
	}
	return Report{rate.noted("%d in %.0f s, %d connections", len(a.took), a.during.Seconds(), connections), tail.noted("p50 %g ms, max %g ms", ms(a.took.P50()), ms(a.took.Max()))}
}

// repeats fires alerts that are open already.
func (r *runner) repeats(ctx context.Context) (Report, error) {
	var audit Auditor
	for i := range doors {
		title := r.title("repeats", i)
		if err := r.door.trigger(ctx, r.routingKey(serviceDoor(i)), title); err != nil {
			return nil, err
		}
		audit.Accepted(Sent{Title: title, Accepted: time.Now()})
		if _, err := r.sink.await(ctx, title, 1); err != nil {
			return nil, err
		}
	}
	out, err := r.hammer(ctx, r.long(20*time.Second), func(ctx context.Context, i int) error {
		return r.door.trigger(ctx, r.routingKey(serviceDoor(i%doors)), r.title("repeats", i%doors))
	})
	if err != nil {
		return nil, err
	}
	if err := r.sink.silence(ctx, 5*time.Second); err != nil {
		return nil, err
	}
	return out.rows("accept-repeats", 2500, 0, r.audit(&audit, "repeats")), nil
}

// accept fires alerts that are all different, and then looks for each of them: in the inbox when the database is
// known, else at the sinks.
func (r *runner) accept(ctx context.Context) (Report, error) {
	var mu sync.Mutex
	var sent []string
	out, err := r.hammer(ctx, r.long(30*time.Second), func(ctx context.Context, i int) error {
		title := r.title("accept", i)
		if err := r.door.trigger(ctx, r.routingKey(serviceDoor(i%doors)), title); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, title)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var found Findings
	looked := "each is in the inbox"
	if r.Database != "" {
		found, err = r.inbox(ctx, sent)
	} else {
		looked = "each was told"
		found, err = r.drained(ctx, sent)
	}
	if err != nil {
		return nil, err
	}
	rows := out.rows("accept-distinct", 1200, 120, found)
	rows[0] = rows[0].noted("%s", looked)
	return rows, nil
}

// inbox looks for what was accepted where it must be durable, while most of it still waits to be told.
func (r *runner) inbox(ctx context.Context, sent []string) (Findings, error) {
	kept, err := r.kept(ctx)
	if err != nil {
		return Findings{}, fmt.Errorf("read the inbox: %w", err)
	}
	var audit Auditor
	for _, title := range sent {
		audit.Accepted(Sent{Title: title})
	}
	for _, title := range kept {
		audit.Accepted(Sent{Title: title, Joined: true}) // kept, but its sender heard nothing
		audit.Got(Message{Title: title, Key: title})
	}
	found := audit.Findings()
	// What has left already must not have left twice either.
	var messages Auditor
	for _, title := range kept {
		messages.Accepted(Sent{Title: title, Joined: true})
	}
	told := r.audit(&messages, "accept")
	found.Twice, found.Split = append(found.Twice, told.Twice...), told.Split
	return found, nil
}

func (r *runner) kept(ctx context.Context) ([]string, error) {
	db, err := pgx.Connect(ctx, r.Database)
	if err != nil {
		return nil, err
	}
	defer db.Close(context.WithoutCancel(ctx))
	rows, err := db.Query(ctx, "select dedup_key from inbox where dedup_key like $1", r.prefix("accept")+"%")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// drained waits for a message of each alert, as long as messages come.
func (r *runner) drained(ctx context.Context, sent []string) (Findings, error) {
	var audit Auditor
	for _, title := range sent {
		audit.Accepted(Sent{Title: title})
	}
	if err := r.sink.silence(ctx, 20*time.Second); err != nil {
		return Findings{}, err
	}
	return r.audit(&audit, "accept"), nil
}
