package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// first measures how long it takes from the beginning of a request until its first message arrives, one alert every
// two seconds. Between them, a bare workflow starts, asks one local activity and takes one step.
func (r *runner) first(ctx context.Context) (Report, error) {
	var audit Auditor
	var hooks, texts, bares, accepts Sample
	for i := range r.many(60) {
		began := time.Now()
		title := r.title("first", i)
		took, err := r.firstMessage(ctx, &audit, title, serviceBurst(i%people)) // a person each: nothing is gathered
		if err != nil {
			return nil, err
		}
		hooks, accepts = append(hooks, took.message), append(accepts, took.answer)
		if err := until(ctx, began.Add(time.Second)); err != nil {
			return nil, err
		}
		run := fmt.Sprintf("bench-bare-first-%s-%d", r.stamp, i)
		woke := make(chan time.Time, 1)
		bareBegan := time.Now()
		if _, err := r.bare.start(ctx, run, bareTimer, alarm{Run: run, Due: bareBegan.Add(-time.Second)}, func(_ alarm, at time.Time) { woke <- at }); err != nil {
			return nil, err
		}
		select {
		case at := <-woke:
			bares = append(bares, at.Sub(bareBegan))
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if err := until(ctx, began.Add(2*time.Second)); err != nil {
			return nil, err
		}
	}
	for i := range r.many(20) {
		began := time.Now()
		took, err := r.firstMessage(ctx, &audit, r.title("first", 1000+i), serviceText)
		if err != nil {
			return nil, err
		}
		texts = append(texts, took.message)
		if err := until(ctx, began.Add(time.Second)); err != nil {
			return nil, err
		}
	}
	if err := r.sink.silence(ctx, time.Second); err != nil {
		return nil, err
	}
	found := r.audit(&audit, "first")
	return Report{
		figure("first-p50", ms(hooks.P50()), "ms").against(ms(bares.P50())).atMost(80).audited(found).noted("%d alerts by webhook; 202 after %g ms", len(hooks), ms(accepts.P50())),
		figure("first-p99", ms(hooks.P99()), "ms").against(ms(bares.P99())).atMost(250),
		figure("first-sms-p50", ms(texts.P50()), "ms").noted("%d alerts by SMS; p99 %g ms", len(texts), ms(texts.P99())),
	}, nil
}

type took struct{ answer, message time.Duration }

// firstMessage fires, waits for the message, and ends it beside the measurement.
func (r *runner) firstMessage(ctx context.Context, audit *Auditor, title, service string) (took, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	began := time.Now()
	if err := r.door.trigger(ctx, r.routingKey(service), title); err != nil {
		return took{}, err
	}
	accepted := time.Now()
	audit.Accepted(Sent{Title: title, Accepted: accepted})
	m, err := r.sink.await(ctx, title, 1)
	if err != nil {
		return took{}, err
	}
	_, err = r.door.say(ctx, m.Escalation, "resolve")
	audit.Silence(title, time.Now())
	return took{accepted.Sub(began), m.Arrived.Sub(began)}, err
}

const (
	acksAtOnce    = 16 // few enough that an answer is not kept waiting by other ladders
	crossedAtOnce = 64 // as many as the machine can climb: what counts is who is paged after the answer
)

// ack climbs ladders with a tier every two seconds and acknowledges at random instants: half of them anywhere, half
// within some milliseconds of a step, where a page and an ack can cross. Beside the first of them, whose answers are
// timed, a bare workflow is told a word.
func (r *runner) ack(ctx context.Context) (Report, error) {
	var bares tally
	timed, crossed := r.many(600), r.many(9400)
	beside, stop := context.WithCancel(ctx)
	var bareTrouble error
	var besides sync.WaitGroup
	besides.Go(func() { bareTrouble = r.words(beside, &bares) })
	var c crossing
	err := r.cross(ctx, &c, "ack", timed, acksAtOnce)
	stop()
	besides.Wait()
	if err = cmp.Or(err, bareTrouble); err != nil {
		return nil, err
	}
	answers := c.answers.sample()
	if err := r.cross(ctx, &c, "crossed", crossed, crossedAtOnce); err != nil {
		return nil, err
	}
	// Whatever could still come has come when a whole ladder could have been climbed.
	if err := until(ctx, time.Now().Add(ladderStep*(ladderTiers+1))); err != nil {
		return nil, err
	}
	c.audit.Got(r.sink.of(r.prefix("ack"))...)
	found := r.audit(&c.audit, "crossed")
	later := figure("ack-later", float64(len(found.Late)), "messages").atMost(0).audited(found).
		noted("pages after the answer, of %d acks; answers with %d ladders at once: p50 %g ms, p99 %g ms", timed+crossed, crossedAtOnce, ms(c.answers.sample()[timed:].P50()), ms(c.answers.sample()[timed:].P99()))
	if n := c.received.Load(); n > 0 {
		later = later.noted("%d were only handed over", n)
	}
	return Report{
		figure("ack-p99", ms(answers.P99()), "ms").against(ms(bares.sample().P99())).atMost(100).noted("p50 %g ms; bare update p50 %g ms", ms(answers.P50()), ms(bares.sample().P50())),
		later,
	}, nil
}

// crossing is acks that were given while ladders climbed.
type crossing struct {
	audit    Auditor
	answers  tally
	received atomic.Int64 // were handed over without an answer
}

// cross climbs n ladders, so many at once, and acknowledges each at an instant of its own.
func (r *runner) cross(ctx context.Context, c *crossing, what string, n, atOnce int) error {
	return crowd(ctx, n, atOnce, func(ctx context.Context, i int) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		title := r.title(what, i)
		opened := time.Now()
		escalation, err := r.door.open(ctx, serviceLadder, title)
		if err != nil {
			return err
		}
		at := instant(i)
		c.audit.Accepted(Sent{Title: title, Accepted: time.Now(), Joined: at < ladderStep}) // perhaps acked before anybody was told
		if err := until(ctx, opened.Add(at)); err != nil {
			return err
		}
		began := time.Now()
		outcome, err := r.door.say(ctx, escalation, "acknowledge")
		if err != nil {
			return err
		}
		answered := time.Now()
		c.answers.add(answered.Sub(began))
		if outcome == "received" {
			c.received.Add(1)
			return nil
		}
		c.audit.Silence(title, answered)
		return nil
	})
}

// instant of the i-th ack after the opening.
func instant(i int) time.Duration {
	const climb = 3 * ladderStep
	if i%2 == 0 {
		return rand.N(climb)
	}
	step := time.Duration(rand.IntN(3)+1) * ladderStep
	return step + 100*time.Millisecond - rand.N(150*time.Millisecond)
}

// words tells bare workflows a word five times a second, each one of its own, until ctx ends.
func (r *runner) words(ctx context.Context, bares *tally) error {
	waits := shape{Phases: []phase{{}, {}}}
	for i := 0; ; i++ {
		began := time.Now()
		run := fmt.Sprintf("bench-bare-ack-%s-%d", r.stamp, i)
		_, err := r.bare.start(ctx, run, bareLife, life{Run: run, Shape: waits}, func(alarm, time.Time) {})
		if err == nil {
			err = until(ctx, began.Add(150*time.Millisecond)) // it waits by now
		}
		var answer time.Duration
		if err == nil {
			answer, err = r.bare.say(ctx, run)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return errors.Join(errors.New("bare update"), err)
		}
		bares.add(answer)
		if err := until(ctx, began.Add(200*time.Millisecond)); err != nil {
			return nil
		}
	}
}
