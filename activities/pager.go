package activities

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// ledgerPatience bounds how long a page waits for the database. A page that may be doubled is better than one that
// does not arrive.
const ledgerPatience = time.Second

// Words chooses what a message says: by its channel, in the receiver's language and time zone. The subject is for e-mail.
type Words func(m page.Message, to org.Person) (subject, body string)

// Pager tells people. Each message leaves once, as far as anybody can know.
type Pager struct {
	Directories Directories
	Revisions   Revisions // nil: webhooks of promises are not known
	Ledger      Ledger
	Carriers    map[org.Channel]Carrier
	Linker      Linker
	Words       Words
	Barrier     Barrier
	Journal     Journal
	Now         func() time.Time
	Log         *slog.Logger
}

// Send hands one message to the carrier of its channel and returns the first receipt. What can never succeed is a
// dead receipt, so that the ladder moves on at once; an error means that trying again is right. The last attempt that
// the retry policy allows always ends in a receipt.
//
// What led to the message is written down beside it, never in its way.
func (p *Pager) Send(ctx context.Context, s contract.Send) (contract.Sent, error) {
	recorded := p.record(ctx, s.Record)
	receipt, err := p.send(ctx, s, attemptOf(ctx))
	return contract.Sent{Receipt: receipt, Recorded: <-recorded}, err
}

// record answers within the ledger's patience whether it has been written.
func (p *Pager) record(ctx context.Context, r *contract.Record) <-chan bool {
	recorded := make(chan bool, 1)
	if r == nil {
		recorded <- false
		return recorded
	}
	go func() {
		written := false
		defer func() {
			if trouble := recover(); trouble != nil { // the engine looks after activities, and not after what they begin
				p.Log.ErrorContext(ctx, "the recorder panicked", "escalation", r.Summary.ID, "panic", trouble, "stack", string(debug.Stack()))
			}
			recorded <- written
		}()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ledgerPatience)
		defer cancel()
		err := p.Journal.Write(ctx, *r)
		if err != nil {
			p.Log.WarnContext(ctx, "the timeline waits", "escalation", r.Summary.ID, "error", err)
		}
		written = err == nil
	}()
	return recorded
}

func (p *Pager) send(ctx context.Context, s contract.Send, a attempt) (page.Receipt, error) {
	m, obstacle, err := p.about(ctx, s)
	if err != nil && !a.last {
		return page.Receipt{}, err
	}
	if err != nil {
		obstacle = err.Error()
	}
	if obstacle != "" {
		return p.dead(s, obstacle), nil
	}
	carrier, configured := p.Carriers[m.Channel]
	if !configured {
		return p.dead(s, fmt.Sprintf("no carrier for %s", m.Channel)), nil
	}

	prior, noted := p.begin(ctx, m, s)
	if prior.Receipt != nil {
		return *prior.Receipt, nil
	}
	if prior.Silenced && prior.Since.IsZero() {
		return page.Withheld(s.Key, p.Now()), nil
	}
	if prior.Since.IsZero() && a.number > 1 {
		prior.Since = a.scheduled // the first attempt went without the ledger
	}
	receipt, err := p.deliver(ctx, carrier, m, prior, a)
	if err != nil && fault.Retryable(err) && !a.last {
		return page.Receipt{}, err
	}
	if err != nil {
		receipt = p.dead(s, err.Error())
	}
	receipt = p.complete(receipt, m)
	if noted {
		p.finish(ctx, receipt)
	}
	return receipt, nil
}

// about makes the message. The obstacle says why there is none to send; an error, that trying again is right.
func (p *Pager) about(ctx context.Context, s contract.Send) (m page.Message, obstacle string, err error) {
	if s.Hook != nil {
		return p.tell(ctx, s)
	}
	m, obstacle = p.compose(s)
	return m, obstacle, nil
}

// tell finds the webhook of a promise in the revision that knows it.
func (p *Pager) tell(ctx context.Context, s contract.Send) (m page.Message, obstacle string, err error) {
	if p.Revisions == nil {
		return page.Message{}, "this worker knows no webhooks", nil
	}
	frozen, err := p.Revisions.Org(ctx, s.Hook.Revision)
	if err != nil {
		return page.Message{}, "", fmt.Errorf("look up webhook %s: %w", s.Hook.Name, err)
	}
	to, known := "", false
	if frozen != nil {
		to, known = frozen.Hook(s.Hook.Name)
	}
	if !known {
		return page.Message{}, fmt.Sprintf("revision %.12s has no webhook %s", s.Hook.Revision, s.Hook.Name), nil
	}
	m = page.Message{Key: s.Key, Purpose: s.Purpose, Channel: org.Webhook, To: to, Brief: s.Brief}
	m.Subject, m.Body = p.Words(m, org.Person{})
	return m, "", nil
}

// compose finds a person's address and the words. The obstacle says why there is no message to send.
func (p *Pager) compose(s contract.Send) (m page.Message, obstacle string) {
	directory := p.Directories.Current()
	if directory.Org == nil {
		return page.Message{}, "no organisation is loaded"
	}
	person, known := directory.Org.Person(s.Person)
	if !known || person.Departed {
		return page.Message{}, fmt.Sprintf("%s is no longer in the organisation", s.Person)
	}
	method, has := person.Method(s.Method)
	if !has {
		return page.Message{}, fmt.Sprintf("%s no longer has the method %q", person.Name, s.Method)
	}
	if reason, barred := directory.Live.Barred[policy.Way{Person: s.Person, Method: s.Method}]; barred {
		return page.Message{}, fmt.Sprintf("%s of %s must not be used: %s", s.Method, person.Name, reason)
	}
	m = page.Message{
		Key: s.Key, Purpose: s.Purpose, Person: s.Person, Method: s.Method, Channel: method.Channel, To: method.Address, Brief: s.Brief,
		Language: person.Language,
	}
	if s.Purpose == page.Page {
		m.Link = p.Linker.Link(s.Workflow, s.Person, s.Key, s.At)
	}
	m.Subject, m.Body = p.Words(m, person)
	return m, ""
}

// begin notes the message in the ledger. When the ledger does not answer in time the message is sent all the same, unless it
// is not wanted any more: a disk that is too slow to note it does not keep the ledger from saying so.
func (p *Pager) begin(ctx context.Context, m page.Message, s contract.Send) (prior contract.Prior, noted bool) {
	noting, cancel := context.WithTimeout(ctx, ledgerPatience)
	defer cancel()
	prior, err := p.Ledger.Begin(noting, m, s.Workflow, s.At, p.Now())
	if err != nil {
		asking, cancel := context.WithTimeout(ctx, ledgerPatience/2)
		defer cancel()
		if silenced, unknown := p.Ledger.Silenced(asking, m, s.Workflow, s.At); unknown == nil && silenced {
			return contract.Prior{Silenced: true}, false
		}
		p.Log.WarnContext(ctx, "ledger does not answer; the message is sent without it", "key", m.Key, "error", err)
		return contract.Prior{}, false
	}
	return prior, true
}

func (p *Pager) finish(ctx context.Context, r page.Receipt) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ledgerPatience)
	defer cancel()
	if err := p.Ledger.Finish(ctx, r); err != nil {
		p.Log.WarnContext(ctx, "ledger did not take the receipt", "key", r.Key, "status", r.Status, "error", err)
	}
}

// deliver sends, unless an earlier attempt turns out to have arrived. When even the carrier cannot tell, only the last
// attempt takes the risk of telling somebody twice.
func (p *Pager) deliver(ctx context.Context, carrier Carrier, m page.Message, prior contract.Prior, a attempt) (r page.Receipt, err error) {
	defer func() {
		if trouble := recover(); trouble != nil {
			p.Log.ErrorContext(ctx, "carrier panicked", "key", m.Key, "channel", m.Channel, "panic", trouble, "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "carrier of %s panicked", m.Channel)
		}
	}()
	bounded, cancel := ahead(ctx)
	defer cancel()
	if !prior.Since.IsZero() {
		earlier, found, err := carrier.Find(bounded, m, prior.Since)
		if err == nil && found {
			return earlier, nil
		}
		if err != nil && !a.last {
			return page.Receipt{}, fault.Wrap(fault.Unavailable, err, "find out what became of %s", m.Key)
		}
		if prior.Silenced {
			return page.Withheld(m.Key, p.Now()), nil
		}
	}
	if err := ctx.Err(); err != nil { // this process stood still, or was cut off: another attempt may have begun, and asked already
		return page.Receipt{}, fault.Wrap(fault.Unavailable, err, "hand over %s, which may be another attempt's by now", m.Key)
	}
	return carrier.Send(bounded, m)
}

// ahead ends a little before the engine loses patience, so that the answer can still be told.
func ahead(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-ledgerPatience/2))
}

func (p *Pager) complete(r page.Receipt, m page.Message) page.Receipt {
	r.Key = m.Key
	if r.At.IsZero() {
		r.At = p.Now()
	}
	return r
}

func (p *Pager) dead(s contract.Send, reason string) page.Receipt {
	return page.Receipt{Key: s.Key, Status: page.Failed, Class: page.Dead, Reason: reason, At: p.Now()}
}

// Bar keeps a method from being used again.
func (p *Pager) Bar(ctx context.Context, b contract.Bar) error {
	return p.Barrier.Bar(ctx, b)
}

// attempt is which try of the engine this is.
type attempt struct {
	number    int32
	last      bool // the retry policy allows no further one
	scheduled time.Time
}

func attemptOf(ctx context.Context) attempt {
	if !activity.IsActivity(ctx) {
		return attempt{number: 1}
	}
	info := activity.GetInfo(ctx)
	a := attempt{number: info.Attempt, scheduled: info.ScheduledTime}
	if info.RetryPolicy != nil && info.RetryPolicy.MaximumAttempts > 0 {
		a.last = info.Attempt >= info.RetryPolicy.MaximumAttempts
	}
	return a
}
