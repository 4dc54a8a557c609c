package chaos

import (
	"context"
	"errors"
	"fmt"
	"html"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"time"
)

// load is alerts that come in at a rate, each with its life: somebody answers at once or late, by SMS, link or API, or
// its monitor resolves it, or it repeats.
type load struct {
	stop context.CancelFunc
	all  sync.WaitGroup
}

// story is what happens to one alert outside Belay.
type story string

const (
	answered story = "answered" // by whoever was told last, after some seconds
	climbed  story = "climbed"  // nobody answers until the ladder has climbed
	passed   story = "passed"   // its monitor resolves it after some seconds, whoever has been told
	repeated story = "repeated" // it comes again and again until somebody answers
)

func storyOf(dice *rand.Rand) story {
	switch n := dice.IntN(100); {
	case n < 45:
		return answered
	case n < 65:
		return climbed
	case n < 85:
		return passed
	}
	return repeated
}

// begin lets alerts come in until ctx or the load ends.
func (r *run) begin(ctx context.Context, perSecond float64, only story) {
	firing, stop := context.WithCancel(ctx)
	l := &load{stop: stop}
	r.loads = append(r.loads, l)
	seed := r.dice.Uint64()
	l.all.Go(func() {
		dice := rand.New(rand.NewPCG(seed, 1))
		tick := time.NewTicker(time.Duration(float64(time.Second) / perSecond))
		defer tick.Stop()
		for {
			select {
			case <-firing.Done():
				return
			case <-tick.C:
			}
			s := only
			if s == "" {
				s = storyOf(dice)
			}
			one := rand.New(rand.NewPCG(dice.Uint64(), 2))
			n := int(r.fired.Add(1))
			l.all.Go(func() { r.live(ctx, s, n, one) })
		}
	})
}

func (r *run) title(n int) string { return fmt.Sprintf("%s%d", r.prefix(), n) }
func (r *run) prefix() string {
	return "chaos-" + strings.ReplaceAll(r.scenario.Name, "-", "") + "-" + r.stamp + "-"
}
func within(dice *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(dice.Int64N(int64(most)))
}

// live is one alert from its first request to its end.
func (r *run) live(ctx context.Context, s story, n int, dice *rand.Rand) {
	title := r.title(n)
	if !r.fire(ctx, n, title) {
		return
	}
	rung := 1
	switch s {
	case passed:
		if pause(ctx, within(dice, 8*time.Second)) == nil {
			r.resolve(ctx, n, title)
		}
		return
	case repeated:
		for range 4 {
			if pause(ctx, within(dice, 2*time.Second)) != nil || r.outside.event(ctx, n, "trigger", title) != nil {
				break
			}
		}
	case climbed:
		rung = 2 + dice.IntN(rungs-1)
	case answered:
	}
	m, err := r.sink.await(ctx, title, rung)
	if err != nil {
		return // the auditor says what is missing
	}
	if s != climbed && pause(ctx, within(dice, 6*time.Second)) != nil {
		return
	}
	if latest, err := r.sink.await(ctx, title, m.Rung); err == nil {
		m = latest
	}
	if !r.answer(ctx, m, dice) {
		return
	}
	if pause(ctx, within(dice, 2*time.Second)) == nil {
		r.resolve(ctx, n, title)
	}
}

// fire asks until the alert is accepted, as monitors do.
func (r *run) fire(ctx context.Context, n int, title string) bool {
	for try := 0; ; try++ {
		err := r.outside.event(ctx, n, "trigger", title)
		if err == nil {
			r.audit.Accepted(title, steep, time.Now())
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		r.refuse(try, "fire "+title, err)
		if pause(ctx, 300*time.Millisecond) != nil {
			return false
		}
	}
}

func (r *run) resolve(ctx context.Context, n int, title string) {
	r.audit.Ending(title, time.Now())
	for try := 0; ; try++ {
		err := r.outside.event(ctx, n, "resolve", title)
		if err == nil {
			r.audit.Over(title, time.Now())
			return
		}
		r.refuse(try, "resolve "+title, err)
		if pause(ctx, 300*time.Millisecond) != nil {
			return
		}
	}
}

// refuse counts alerts and ends that the door did not take at the first request.
func (r *run) refuse(try int, what string, err error) {
	if try == 0 && !hungUp(err) {
		r.refusals.Add(1)
	}
	r.tell("%s: %v", what, err)
}

// answer takes it, by one of the ways that the message offers, and asks again until somebody has heard it.
func (r *run) answer(ctx context.Context, m heard, dice *rand.Rand) bool {
	ways := []func(context.Context, heard, int) (taken, error){r.byAPI}
	if m.link != "" {
		ways = append(ways, r.byLink)
	}
	if m.from != "" {
		ways = append(ways, r.bySMS, r.bySMS)
	}
	n := dice.IntN(len(ways))
	way := ways[n]
	r.audit.Ending(m.Title, time.Now())
	for try := 0; ; try++ {
		began := time.Now()
		heard, err := way(ctx, m, try)
		at := time.Now()
		if err == nil {
			r.tell("answered %s (%s), asked at %s: %s", m.Key, m.Title, began.Format("15:04:05.000"), heard)
		}
		switch {
		case err == nil && heard == theirs:
			r.audit.Acked(m.Title, at)
			return true
		case err == nil && heard == later:
			r.audit.Said(m.Title)
			return true
		case err != nil && final(err):
			r.tell("answer %s: %v", m.Key, err)
			r.fail("an answer to %s was refused: %v", m.Key, err)
			return false
		case err != nil:
			switch {
			case hungUp(err):
			case n == 0:
				r.unverified.Add(1) // who it is by, only the records know
			default:
				r.answersLate.Add(1)
			}
			r.tell("answer %s: %v", m.Key, err)
		}
		if pause(ctx, 500*time.Millisecond) != nil {
			r.fail("an answer to %s was never taken: %v", m.Key, err)
			return false
		}
	}
}

// taken is what the person heard.
type taken string

const (
	theirs taken = "theirs" // "You have E-42"
	later  taken = "later"  // it was received
	no     taken = "no"     // try again
)

func (r *run) byAPI(ctx context.Context, m heard, try int) (taken, error) {
	// Whoever tries again does so with a key of its own, as the command line does.
	outcome, err := r.outside.say(ctx, m.Escalation, "acknowledge", fmt.Sprintf("ack %s %d", m.Key, try), struct{}{})
	if err != nil {
		return no, err
	}
	if outcome == "received" {
		return later, nil
	}
	return theirs, nil
}

func (r *run) byLink(ctx context.Context, m heard, _ int) (taken, error) {
	page, err := r.outside.tap(ctx, m.link, "acknowledge")
	if err != nil {
		return no, err
	}
	notice := noticed.FindStringSubmatch(page)
	if notice == nil {
		return no, errors.New("link: the page says nothing about the answer")
	}
	if heard := wordsOf(html.UnescapeString(notice[1])); heard != no {
		return heard, nil
	}
	return no, errors.New("link: " + notice[1])
}

// noticed is the sentence about what was pressed.
var noticed = regexp.MustCompile(`role="status">([^<]*)<`)

func (r *run) bySMS(ctx context.Context, m heard, try int) (taken, error) {
	post, err := r.sink.twilio.Text(r.at.door.url()+"/callbacks/twilio/sms", fmt.Sprintf("SM%032x", r.texts.Add(1)), m.from, ourNumber, "ack "+strings.TrimPrefix(m.Escalation, "E-"))
	if err != nil {
		return no, err
	}
	if post.Status != 200 {
		return no, &refused{status: post.Status, words: fmt.Sprintf("SMS %q: %d %.200s", "ack", post.Status, post.Body)}
	}
	heard := wordsOf(string(post.Body))
	if heard == no {
		return no, errors.New("SMS: " + string(post.Body))
	}
	return heard, nil
}

// wordsOf understands an answer as a person does.
func wordsOf(text string) taken {
	switch {
	case strings.Contains(text, "You have "), strings.Contains(text, "You took"), strings.Contains(text, "has had "), strings.Contains(text, "have had "),
		strings.Contains(text, "has it"), strings.Contains(text, "was resolved"), strings.Contains(text, "is resolved"):
		return theirs
	case strings.Contains(text, "eceived"):
		return later
	}
	return no
}

// pause waits, or says that there is no more time.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
