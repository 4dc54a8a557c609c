package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// verb is one thing that happens.
type verb func(r *run, ctx context.Context, args []string) error

// verbs are what a play is made of.
var verbs = map[string]verb{
	"load":      (*run).load,      // load 4/s [answered|climbed|passed|repeated]
	"wait":      (*run).wait,      // wait 5s
	"kill":      (*run).kill,      // kill any|stack|PART [12 times] [every 2s..6s]
	"down":      (*run).down,      // down PART for 20s
	"dark":      (*run).dark,      // dark PART for 20s [then kill A B]: like down, and everything goes on being due
	"cut":       (*run).cut,       // cut hold|drop for 8s
	"carrier":   (*run).carrier,   // carrier MODE for 10s [taken-over]: makes it fail; the other must take over meanwhile
	"recovered": (*run).recovered, // recovered within 60s: the first carrier is used again
	"clock":     (*run).clock,     // clock worker1 +10m
	"disk":      (*run).disk,      // disk full|slow for 20s
	"previous":  (*run).previous,  // previous start|retire
	"flood":     (*run).flood,     // flood 5000
	"sample":    (*run).sample,    // sample begin|end
	"expect":    (*run).expect,    // expect open-door
	"settle":    (*run).settle,
}

func (r *run) load(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("want a rate, as 4/s")
	}
	rate, err := strconv.ParseFloat(strings.TrimSuffix(args[0], "/s"), 64)
	if err != nil || rate <= 0 {
		return fmt.Errorf("%q: want a rate, as 4/s", args[0])
	}
	only := story("")
	if len(args) > 1 {
		only = story(args[1])
	}
	r.begin(ctx, rate, only)
	return nil
}

func (r *run) wait(ctx context.Context, args []string) error {
	d, err := during(args)
	if err != nil {
		return err
	}
	return pause(ctx, d)
}

// during reads the last word as a time.
func during(args []string) (time.Duration, error) {
	if len(args) == 0 {
		return 0, errors.New("want a time, as 5s")
	}
	return time.ParseDuration(args[len(args)-1])
}

// kill is kill -9. What is killed is started again after some time in which others must do without it.
func (r *run) kill(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("want what to kill")
	}
	times, least, most := 1, time.Duration(0), time.Duration(0)
	for i, word := range args {
		var err error
		switch {
		case word == "times":
			times, err = strconv.Atoi(args[i-1])
		case word == "every" && i+1 < len(args):
			from, to, _ := strings.Cut(args[i+1], "..")
			if least, err = time.ParseDuration(from); err == nil {
				most, err = time.ParseDuration(to)
			}
		}
		if err != nil {
			return err
		}
	}
	for range times {
		if most > least {
			if err := pause(ctx, least+within(r.dice, most-least)); err != nil {
				return err
			}
		}
		victims := []string{args[0]}
		switch args[0] {
		case "any":
			victims = r.anything()
		case "stack":
			victims = r.everything()
		}
		if err := r.strike(ctx, within(r.dice, 2*time.Second), nil, victims...); err != nil {
			return err
		}
	}
	return nil
}

// anything is one of the processes, or all of them: each once before any comes again.
func (r *run) anything() []string {
	all := r.everything()
	if len(r.deck) == 0 {
		r.deck = r.dice.Perm(len(all) + 1)
	}
	n := r.deck[0]
	r.deck = r.deck[1:]
	if n == len(all) {
		return all
	}
	return all[n : n+1]
}

func (r *run) everything() []string {
	var all []string
	for _, p := range r.at.parts {
		all = append(all, p.Name())
	}
	return all
}

// strike kills parts at once, waits, does what is to be done meanwhile, and starts what does not run.
func (r *run) strike(ctx context.Context, down time.Duration, meanwhile func(context.Context) error, names ...string) error {
	var mended []func(time.Time, time.Time)
	var all sync.WaitGroup
	for _, name := range names {
		p := r.at.part(name)
		if p == nil {
			return fmt.Errorf("no part is called %q", name)
		}
		mended = append(mended, r.audit.Broke(name, time.Now()))
		r.kills++
		all.Go(p.Kill)
	}
	all.Wait()
	r.tell("killed %s", strings.Join(names, ", "))
	if err := r.rest(ctx, down, meanwhile); err != nil {
		return err
	}
	return r.mend(ctx, mended...)
}

func (r *run) rest(ctx context.Context, down time.Duration, meanwhile func(context.Context) error) error {
	began := time.Now()
	if meanwhile != nil {
		if err := meanwhile(ctx); err != nil {
			return err
		}
	}
	return pause(ctx, down-time.Since(began))
}

// mend starts what does not run, and says so to the auditor.
func (r *run) mend(ctx context.Context, mended ...func(again, ready time.Time)) error {
	again := time.Now()
	if err := r.at.startAll(ctx); err != nil {
		return err
	}
	ready := time.Now()
	r.tell("all runs, %s after the start", ready.Sub(again).Round(time.Millisecond))
	for _, tell := range mended {
		tell(again, ready)
	}
	return nil
}

func (r *run) down(ctx context.Context, args []string) error {
	d, err := during(args)
	if err != nil {
		return err
	}
	return r.strike(ctx, d, nil, args[0])
}

// dark takes a store away without excusing anybody: escalations must go on climbing.
func (r *run) dark(ctx context.Context, args []string) error {
	if len(args) < 3 {
		return errors.New("want what, and for how long")
	}
	d, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	p := r.at.part(args[0])
	if p == nil {
		return fmt.Errorf("no part is called %q", args[0])
	}
	began := time.Now()
	p.Kill()
	r.kills++
	r.tell("killed %s", args[0])
	if len(args) > 4 { // then kill A B
		if err := pause(ctx, d/3); err != nil {
			return err
		}
		for _, name := range args[5:] {
			if err := r.restart(ctx, name, d/3); err != nil {
				r.fail("in the dark: %v", err)
			}
		}
	}
	if err := pause(ctx, d-time.Since(began)); err != nil {
		return err
	}
	again := time.Now()
	if told := r.audit.toldBetween(began, again); told == 0 {
		r.fail("nobody was told of anything new while %s was down", args[0])
	} else {
		r.tell("%d alerts that came while %s was down were told before it was back", told, args[0])
	}
	return r.mend(ctx)
}

// restart kills a part and expects it back within a time, whatever else is down.
func (r *run) restart(ctx context.Context, name string, within time.Duration) error {
	p := r.at.part(name)
	if p == nil {
		return fmt.Errorf("no part is called %q", name)
	}
	tell := r.audit.Broke(name, time.Now())
	r.kills++
	p.Kill()
	again := time.Now()
	bounded, cancel := context.WithTimeout(ctx, max(within, 15*time.Second))
	defer cancel()
	err := p.Start(bounded)
	tell(again, time.Now())
	return err
}

// toldBetween counts alerts that were accepted and told between two instants.
func (a *Auditor) toldBetween(from, to time.Time) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := map[string]bool{}
	for _, m := range a.told {
		x := a.alerts[m.Title]
		if m.Page && x != nil && x.Accepted.After(from) && m.Arrived.Before(to) {
			found[m.Title] = true
		}
	}
	return len(found)
}

// cut breaks the line between the workers and Temporal.
func (r *run) cut(ctx context.Context, args []string) error {
	d, err := during(args)
	if err != nil {
		return err
	}
	how := conduct(args[0])
	if how != hold && how != drop {
		return fmt.Errorf("%q: want hold or drop", args[0])
	}
	mended := r.audit.Broke("line", time.Now())
	r.at.line.turn(how)
	if err := pause(ctx, d); err != nil {
		return err
	}
	r.at.line.turn(carry)
	mended(time.Now(), time.Now())
	return nil
}

func (r *run) expect(_ context.Context, args []string) error {
	for _, what := range args {
		switch what {
		case "open-door":
			if n := r.refusals.Load(); n > 0 {
				r.fail("the door refused %d requests", n)
			}
		case "answers":
			if n := r.answersLate.Load(); n > 0 {
				r.fail("%d answers by SMS or link were not taken at once", n)
			}
		case "one-digest":
			r.digests()
		default:
			return fmt.Errorf("nothing is called %q", what)
		}
	}
	return nil
}

// digests counts how many messages told anybody of what came while Temporal was away. Only first calls count: who has
// not answered is called again for that.
func (r *run) digests() {
	r.audit.mu.Lock()
	missed := map[string]bool{}
	for _, o := range r.audit.outages {
		for _, x := range r.audit.alerts {
			if o.What == "temporal" && x.Accepted.After(o.From) && x.Accepted.Before(o.Again) {
				missed[x.Title] = true
			}
		}
	}
	titles := map[string]string{}
	for _, m := range r.audit.told {
		if m.Rung == 1 {
			titles[m.Key] = m.Title
		}
	}
	r.audit.mu.Unlock()
	each, pages := map[string]int{}, 0
	r.sink.mu.Lock()
	for _, p := range r.sink.posts {
		n := 0
		for _, key := range p.keys {
			if missed[titles[key]] {
				n++
			}
		}
		if n > 0 {
			each[p.person]++
			pages += n
		}
	}
	r.sink.mu.Unlock()
	most := 0
	for _, n := range each {
		most = max(most, n)
	}
	row := figure(r.scenario.Name+"-digests", float64(most), "messages").noted("most that one person got of %d alerts that came meanwhile: the first at once, one digest for the rest; %d people", pages, len(each))
	if !r.NoTiming {
		row = row.atMost(2)
	}
	r.rows = append(r.rows, row)
}

// pick takes n at random, in their order.
func pick[T any](dice *rand.Rand, all []T, n int) []T {
	if len(all) <= n {
		return all
	}
	at := dice.Perm(len(all))[:n]
	slices.Sort(at)
	out := make([]T, 0, n)
	for _, i := range at {
		out = append(out, all[i])
	}
	return out
}
