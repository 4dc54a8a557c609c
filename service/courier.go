package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/page"
)

const (
	digestAttempts = 6                // with pauses of 1, 2, 4, 8, 16 s between them
	digestWithin   = 12 * time.Second // one attempt; the slowest carrier gives up after ten
	digestLease    = 20 * time.Second // after which a process that took a digest counts as dead
	noteWithin     = 5 * time.Second  // what a courier reads and notes
	digestBatch    = 32               // messages at once
	untoldBatch    = 20               // in one look: news of successes must not crowd out openings
	afterTheCrowd  = 2 * time.Minute  // longer that news of successes waits while openings wait
)

// Run sends what is due until the context ends. A digest that is under way then is finished, within its bounds.
func (d *Digests) Run(ctx context.Context) {
	every := d.Every
	if every == 0 {
		every = 500 * time.Millisecond
	}
	var all sync.WaitGroup
	all.Go(func() { d.repeatedly(ctx, every, d.launch) })
	all.Go(func() { d.repeatedly(ctx, 2*every, d.tell) })
	all.Go(func() { d.repeatedly(ctx, forgetEvery, d.forget) })
	all.Wait()
	d.leaving.Wait()
}

// What a digest held is on the timelines of its escalations. It is kept for as long as somebody may ask what they got.
const (
	digestsKept = 30 * 24 * time.Hour
	forgetEvery = time.Hour
	forgetBatch = 200
)

// forget deletes one batch of what ended long ago.
func (d *Digests) forget(ctx context.Context) (more bool) {
	bounded, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	gone, err := d.Book.Forget(bounded, digestsKept, forgetBatch)
	if err != nil && ctx.Err() == nil {
		d.Log.WarnContext(ctx, "digests that ended long ago were not deleted", "error", err)
	}
	return err == nil && gone > 0
}

// repeatedly looks, again at once while there is more to do.
func (d *Digests) repeatedly(ctx context.Context, every time.Duration, look func(context.Context) (more bool)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if look(ctx) && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Flush sends the digests that are due now, side by side, and answers whether there may be more.
func (d *Digests) Flush(ctx context.Context) (more bool) {
	more = d.launch(ctx)
	d.leaving.Wait()
	return more
}

// launch begins to send what is due, as far as there are places. It waits for none of it: a carrier that hangs holds up
// its own digests and no others.
func (d *Digests) launch(ctx context.Context) (more bool) {
	free := digestBatch - int(d.busy.Load())
	if free <= 0 {
		return false
	}
	bounded, cancel := context.WithTimeout(ctx, noteWithin)
	due, err := d.Book.Claim(bounded, digestLease, free, d.Rules)
	cancel()
	if err != nil {
		if ctx.Err() == nil {
			d.Log.WarnContext(ctx, "digests that are due cannot be read", "error", err)
		}
		return false
	}
	for _, g := range due {
		d.busy.Add(1)
		d.leaving.Go(func() {
			defer d.busy.Add(-1)
			d.attempt(context.WithoutCancel(ctx), g)
		})
	}
	return len(due) == free
}

// attempt sends one digest, ends it, or leaves it for later.
func (d *Digests) attempt(ctx context.Context, g Digest) {
	bounded, cancel := context.WithTimeout(ctx, digestWithin)
	receipt, pages, err := d.send(bounded, g)
	cancel()
	ctx, cancel = context.WithTimeout(ctx, noteWithin)
	defer cancel()
	var book *bookTrouble
	if err != nil && (g.Attempts < digestAttempts || errors.As(err, &book)) {
		pause := min(time.Second<<min(g.Attempts-1, 10), digestLease)
		if wait := fault.RetryAfter(err); wait > pause {
			pause = min(wait, time.Minute)
		}
		d.Log.WarnContext(ctx, "digest not sent, it is tried again", "digest", g.Key(), "attempt", g.Attempts, "pause", pause, "error", err)
		if err := d.Book.Postpone(ctx, g.ID, pause); err != nil {
			d.Log.WarnContext(ctx, "digest not put off; it is taken over when its lease is over", "digest", g.Key(), "error", err)
		}
		return
	}
	if err != nil {
		receipt = d.failed(err.Error())
	}
	after := cmp.Or(d.Patience, 10*time.Second) // news of success has time, and a carrier's last word may replace it meanwhile
	if d.Crowded != nil && d.Crowded() {
		after += afterTheCrowd
	}
	if receipt != nil {
		d.Meter.Digest(receipt.Class, pages)
		if receipt.Class != page.Arrived && receipt.Class != page.Pending {
			after = 0 // the ladders are to move on
		}
	}
	if err := d.Book.End(ctx, g, receipt, after); err != nil {
		d.Log.WarnContext(ctx, "the end of a digest was not noted; its carrier will be asked", "digest", g.Key(), "error", err)
	}
}

// bookTrouble is a failure of our own records. It says nothing about the carrier and uses up no attempt.
type bookTrouble struct{ error }

// Unwrap is for errors.As.
func (b *bookTrouble) Unwrap() error { return b.error }

// send hands a digest to its carrier, unless an earlier attempt turns out to have arrived. No receipt and no error: all
// of it was answered meanwhile.
func (d *Digests) send(ctx context.Context, g Digest) (receipt *page.Receipt, pages int, err error) {
	defer d.survive(ctx, g.Key(), &err)
	kept, err := d.Book.Members(ctx, g.ID)
	if err != nil {
		return nil, 0, &bookTrouble{fmt.Errorf("read the pages of %s: %w", g.Key(), err)}
	}
	members := kept[g.ID]
	if g.Attempts > 1 && len(members) > 0 {
		if receipt, err = d.earlier(ctx, g, members); receipt != nil || err != nil {
			return receipt, len(members), err
		}
	}
	if members, err = d.wanted(ctx, g, members); err != nil || len(members) == 0 {
		return nil, 0, err
	}
	m, workflow, obstacle := d.compose(g, members)
	carrier, configured := d.Carriers[m.Channel]
	switch {
	case obstacle != "":
		return d.failed(obstacle), len(members), nil
	case !configured:
		return d.failed(fmt.Sprintf("no carrier for %s", m.Channel)), len(members), nil
	}
	prior, err := d.Ledger.Begin(ctx, m, workflow, time.Time{}, d.Now())
	if err != nil {
		return nil, 0, &bookTrouble{fmt.Errorf("note %s in the ledger: %w", m.Key, err)}
	}
	if prior.Receipt != nil {
		return prior.Receipt, len(members), nil
	}
	answer, err := d.carry(ctx, carrier, m)
	if err != nil && fault.Retryable(err) {
		return nil, 0, err
	}
	if err != nil {
		answer = *d.failed(err.Error())
	}
	answer.Key = m.Key
	if answer.At.IsZero() {
		answer.At = d.Now()
	}
	if err := d.Ledger.Finish(ctx, answer); err != nil {
		d.Log.WarnContext(ctx, "ledger did not take the receipt", "key", m.Key, "status", answer.Status, "error", err)
	}
	return &answer, len(members), nil
}

// earlier asks what became of the attempt before, of which only its claim is known.
func (d *Digests) earlier(ctx context.Context, g Digest, members []Member) (*page.Receipt, error) {
	m, workflow, obstacle := d.compose(g, members)
	carrier, configured := d.Carriers[m.Channel]
	if obstacle != "" || !configured {
		return nil, nil
	}
	prior, err := d.Ledger.Begin(ctx, m, workflow, time.Time{}, d.Now())
	if err != nil {
		return nil, &bookTrouble{fmt.Errorf("look for %s in the ledger: %w", m.Key, err)}
	}
	if prior.Receipt != nil || prior.Since.IsZero() {
		return prior.Receipt, nil
	}
	found, known, err := carrier.Find(ctx, m, prior.Since)
	if err != nil && g.Attempts < digestAttempts {
		return nil, fault.Wrap(fault.Unavailable, err, "find out what became of %s", m.Key)
	}
	if err != nil || !known {
		return nil, nil
	}
	found.Key = m.Key
	if err := d.Ledger.Finish(ctx, found); err != nil {
		d.Log.WarnContext(ctx, "ledger did not take the receipt", "key", m.Key, "status", found.Status, "error", err)
	}
	return &found, nil
}

// wanted leaves out what somebody has answered meanwhile.
func (d *Digests) wanted(ctx context.Context, g Digest, members []Member) ([]Member, error) {
	var left []Member
	var dropped []string
	for _, m := range members {
		if m.unwanted(d.Now()) {
			dropped = append(dropped, m.Key)
			continue
		}
		left = append(left, m)
	}
	if len(dropped) == 0 {
		return left, nil
	}
	if err := d.Book.Drop(ctx, g.ID, dropped...); err != nil {
		return nil, &bookTrouble{fmt.Errorf("leave pages out of %s: %w", g.Key(), err)}
	}
	return left, nil
}

func (d *Digests) carry(ctx context.Context, carrier Carrier, m page.Message) (r page.Receipt, err error) {
	defer d.survive(ctx, m.Key, &err)
	return carrier.Send(ctx, m)
}

// survive makes an error of a panic: one digest that nobody can send must not end every process that tries.
func (d *Digests) survive(ctx context.Context, key string, err *error) {
	if trouble := recover(); trouble != nil {
		d.Log.ErrorContext(ctx, "the sending of a digest panicked", "key", key, "panic", trouble, "stack", string(debug.Stack()))
		*err = fault.New(fault.Internal, "the sending of %s panicked", key)
	}
}

func (d *Digests) failed(reason string) *page.Receipt {
	return &page.Receipt{Status: page.Failed, Class: page.Dead, Reason: reason, At: d.Now()}
}

// tell hands what became of digests to the workflows of their pages. While the engine is away the news waits.
func (d *Digests) tell(ctx context.Context) (more bool) {
	bounded, cancel := context.WithTimeout(ctx, noteWithin)
	news, err := d.Book.Untold(bounded, digestLease, untoldBatch)
	cancel()
	if err != nil {
		if ctx.Err() == nil {
			d.Log.WarnContext(ctx, "what became of gathered pages cannot be read", "error", err)
		}
		return false
	}
	for _, n := range news {
		if err := d.Engine.Receipt(ctx, n.Workflow, n.receipt(d.Now())); err != nil && fault.Retryable(err) {
			if ctx.Err() == nil {
				d.Log.WarnContext(ctx, "news of gathered pages waits for the engine", "error", err)
			}
			return false
		}
		if err := d.Book.Told(ctx, n.Key); err != nil {
			d.Log.WarnContext(ctx, "told, but not noted; it is told again", "key", n.Key, "error", err)
		}
	}
	return false // paced: failures come first by their due instant, the rest is no hurry
}

// receipt is that of the digest, for one of its pages.
func (n Untold) receipt(now time.Time) page.Receipt {
	if n.Dropped {
		return page.Receipt{Key: n.Key, Status: page.Withdrawn, Class: page.Pending, Provider: bookProvider, At: now, Reason: "answered while it waited to leave"}
	}
	r := n.Receipt
	r.Key = n.Key
	if r.Reason == "" {
		r.Reason = "in one message with others, " + strings.SplitN(n.Digest.Key(), "/", 2)[0]
	}
	return r
}
