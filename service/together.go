package service

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

// Heard is what one workflow made of a word that was said to many.
type Heard struct {
	Escalation id.Escalation
	Reply      contract.Reply
	Err        error
}

// togetherAtOnce bounds the load of one human's word.
const togetherAtOnce = 8

// Sayer hands a word to one workflow, as Answers does.
type Sayer interface {
	Say(ctx context.Context, c Caller, workflow, verb string, w contract.Word) (contract.Reply, error)
}

// SayAll hands one word to many workflows, and answers for each, in their order.
func SayAll(ctx context.Context, to Sayer, c Caller, workflows []string, verb string, w contract.Word) []Heard {
	heard := make([]Heard, len(workflows))
	turn := make(chan struct{}, togetherAtOnce)
	var all sync.WaitGroup
	for i, workflow := range workflows {
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			e, _, _ := addressed(workflow)
			reply, err := to.Say(ctx, c, workflow, verb, w)
			heard[i] = Heard{Escalation: e, Reply: reply, Err: err}
		})
	}
	all.Wait()
	return heard
}

// Together says what many workflows answered, in few words: what went as it was meant to in one sentence, the rest one by
// one.
func Together(verb string, heard []Heard) string {
	var done, handed, others []string
	for _, h := range heard {
		switch {
		case h.Err != nil:
			others = append(others, fmt.Sprintf("%s: %s", h.Escalation, sentence(h.Err)))
		case h.Reply.Outcome == escalation.Done:
			done = append(done, string(h.Escalation))
		case h.Reply.Outcome == contract.Received:
			handed = append(handed, string(h.Escalation))
		default:
			others = append(others, addressedBy(h.Escalation, h.Reply.Text))
		}
	}
	var said []string
	if len(done) > 0 {
		said = append(said, fmt.Sprintf(outcomeOf(verb), len(done), strings.Join(done, ", ")))
	}
	if len(handed) > 0 {
		said = append(said, fmt.Sprintf("Received, but not confirmed yet, for %s.", strings.Join(handed, ", ")))
	}
	return strings.Join(append(said, others...), "\n")
}

// outcomeOf takes how many and which.
func outcomeOf(verb string) string {
	switch verb {
	case contract.Acknowledge:
		return "You have %d: %s."
	case contract.Resolve:
		return "%d resolved: %s."
	case contract.Escalate:
		return "%d escalated: %s."
	}
	return "Done for %d: %s."
}

// addressedBy makes sure that an answer says what it is about.
func addressedBy(e id.Escalation, text string) string {
	if strings.Contains(text, string(e)) {
		return text
	}
	return fmt.Sprintf("%s: %s", e, text)
}

// Bundles knows what digests told of.
type Bundles interface {
	Last(ctx context.Context, p id.Person, since time.Time) (int64, error) // fault.NotFound
	Person(ctx context.Context, digest int64) (id.Person, error)           // fault.NotFound
	Members(ctx context.Context, digests ...int64) (map[int64][]Member, error)
}

// digestRecall is how far back "all" reaches.
const digestRecall = 24 * time.Hour

const (
	noDigest      = "No digest was sent to you lately. Reply ack, and then the number in the message."
	resolveOneWay = "On a call with several pages, resolve them one by one: by text message, or with the link."
)

// all takes a word for everything that the last digest to one of these people named.
func (r *Replies) all(ctx context.Context, who []id.Person, verb string, w contract.Word) string {
	for _, p := range who {
		digest, err := r.last(ctx, p)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return r.sorry(ctx, err)
		}
		return r.sayAll(ctx, p, "sms", digest, verb, w)
	}
	return noDigest
}

func (r *Replies) last(ctx context.Context, p id.Person) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, recordsWithin)
	defer cancel()
	return r.Digests.Last(ctx, p, r.Now().Add(-digestRecall))
}

// sayAll says a word to everything in a digest.
func (r *Replies) sayAll(ctx context.Context, p id.Person, via string, digest int64, verb string, w contract.Word) string {
	workflows, err := r.bundle(ctx, digest)
	if err != nil {
		return r.sorry(ctx, err)
	}
	if len(workflows) == 0 {
		return nothingOpen
	}
	heard := SayAll(ctx, r.Answers, callerFor(r.Organisation.Current(), p, via), workflows, verb, w)
	for _, h := range heard {
		if h.Err != nil {
			r.sorry(ctx, h.Err) // for the log
		}
	}
	return Together(verb, heard)
}

// bundle lists the workflows behind a digest, worst first.
func (r *Replies) bundle(ctx context.Context, digest int64) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, recordsWithin)
	defer cancel()
	members, err := r.Digests.Members(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("read what digest %d told of: %w", digest, err)
	}
	var workflows []string
	for _, m := range WorstFirst(members[digest]) {
		workflows = append(workflows, m.Workflow)
	}
	return workflows, nil
}
