package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Reconcile writes what was taken while this database was away, as settled, under the lock of its conversation. Doing
// it twice is doing it once. Afterwards the escalation that the alert is about holds the dedup key, unless it is over,
// or an older one that nobody could see holds it: then the younger is told to resolve.
func (i Inbox) Reconcile(ctx context.Context, r contract.Reconcile) error {
	err := transact(ctx, i.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		if err := q.LockConversation(ctx, text(string(r.Service)), text(r.DedupKey)); err != nil {
			return err
		}
		d := dusk{q: q, service: text(string(r.Service)), dedupKey: text(r.DedupKey)}
		if err := d.look(ctx, r.Led); err != nil {
			return err
		}
		for _, led := range r.Led {
			take := d.take
			if d.waits(led) {
				take = d.wait
			}
			if err := take(ctx, led); err != nil {
				return err
			}
			if err := d.awake(ctx, led); err != nil {
				return err
			}
		}
		if d.about != 0 {
			before := r.Led[0].Event.ReceivedAt
			if _, err := q.SettleOvertaken(ctx, sqlc.SettleOvertakenParams{
				Escalation: d.about, Service: d.service, DedupKey: d.dedupKey, Before: before,
			}); err != nil {
				return err
			}
		}
		return d.hold(ctx)
	})
	return faulty(err, "write down what service %q was told meanwhile", string(r.Service))
}

// dusk is a conversation that comes back to us.
type dusk struct {
	q        *sqlc.Queries
	service  string
	dedupKey string
	about    int64     // the escalation that the alert was last about; 0: none
	claims   int64     // the one that should hold the key, as far as news says
	fired    time.Time // when it was last heard of
	waiting  time.Time // since when an alert waits to be settled that the engine never heard of; zero: none
	quiet    string    // how the alert is kept quiet, of which the engine knows nothing: a state of alerts; empty: it is not
}

// look finds out whether an alert waits that this is about: it was accepted before, and to settle it failed, or rules and
// windows keep it quiet. The engine was told its end, and knew of nothing to end.
func (d *dusk) look(ctx context.Context, all []contract.Led) error {
	known, err := d.q.AlertOf(ctx, d.service, d.dedupKey)
	if err != nil {
		return err
	}
	if len(known) > 0 && known[0].State != plain {
		d.quiet = known[0].State
	}
	if slices.ContainsFunc(all, func(l contract.Led) bool { return l.Escalation != "" }) {
		return nil // the alert has become another escalation, and belongs there
	}
	since, err := d.q.WaitingSince(ctx, d.service, d.dedupKey)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	d.waiting = since
	return err
}

// waits: this word is for an alert that waits or is one of a group, and is settled as by day.
func (d *dusk) waits(led contract.Led) bool {
	switch d.quiet {
	case delayed, muted, counted, member:
		if led.Event.Alert.Action != alert.Trigger {
			return true
		}
	}
	return !d.waiting.IsZero() && led.Event.Alert.Action != alert.Trigger && led.Event.ReceivedAt.After(d.waiting)
}

// wait puts a word behind the alert that it is about, unless it stands there.
func (d *dusk) wait(ctx context.Context, led contract.Led) error {
	e := led.Event
	_, err := d.q.EventOfInstant(ctx, sqlc.EventOfInstantParams{
		ReceivedAt: e.ReceivedAt, Service: d.service, DedupKey: d.dedupKey, Action: text(string(e.Alert.Action)),
	})
	if !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if _, _, err = accept(ctx, d.q, service.IncomingOf(e)); err != nil || led.Escalation == "" || e.Alert.Action != alert.Resolve {
		return err
	}
	number, err := numberOf(led.Escalation) // it has heard of its end
	if err != nil {
		return err
	}
	d.about, d.claims = number, 0
	return d.q.FreeKey(ctx, number)
}

// awake: what was to be quiet has been told in the dark, and waits no longer; what was to be over has begun again.
func (d *dusk) awake(ctx context.Context, led contract.Led) error {
	if led.Event.Alert.Action != alert.Trigger || led.Escalation == "" {
		return nil
	}
	switch d.quiet {
	case delayed, muted, counted:
		d.quiet = ""
		return d.q.ForgetAlert(ctx, d.service, d.dedupKey)
	case flapping:
		return d.q.FlapsOn(ctx, d.service, d.dedupKey)
	}
	return nil
}

// take writes one event and what it led to. What was written before says nothing new.
func (d *dusk) take(ctx context.Context, led contract.Led) error {
	number := int64(0)
	if led.Escalation != "" {
		var err error
		if number, err = numberOf(led.Escalation); err != nil {
			return err
		}
		d.about = number
	}
	if led.Start != nil {
		if err := d.adopt(ctx, number, led); err != nil {
			return err
		}
	}
	unheard := int64(0)
	if number == 0 && led.Event.Alert.Action != alert.Trigger {
		var err error
		if unheard, err = d.opened(ctx, led.Event.ReceivedAt); err != nil {
			return err
		}
		number = unheard
	}
	fresh, err := d.settle(ctx, number, led)
	if err != nil || !fresh || number == 0 {
		return err
	}
	if unheard != 0 {
		if err := d.pass(ctx, unheard, led.Event); err != nil {
			return err
		}
	}
	switch led.Event.Alert.Action {
	case alert.Trigger:
		d.claims, d.fired = number, led.Event.ReceivedAt
		repeats := led.Count
		if led.Start == nil {
			repeats++
		}
		if repeats > 0 {
			return d.q.CountToldRepeats(ctx, int32(repeats), number)
		}
	case alert.Resolve:
		d.claims = 0
		return d.q.FreeKey(ctx, number)
	case alert.Acknowledge:
	}
	return nil
}

func (d *dusk) adopt(ctx context.Context, number int64, led contract.Led) error {
	row, err := opening(number, service.IncomingOf(led.Event), *led.Start)
	if err != nil {
		return err
	}
	return d.q.AdoptEscalation(ctx, sqlc.AdoptEscalationParams{
		Number: row.Number, State: row.State, Title: row.Title, Service: row.Service, Unit: row.Unit, Priority: row.Priority,
		OpenedAt: row.OpenedAt, Summary: row.Summary, ServiceName: row.ServiceName, Integration: row.Integration,
		DedupKey: row.DedupKey, Alert: row.Alert, Start: row.Start, SeverityTold: row.SeverityTold, Home: row.Home,
	})
}

// settle makes the event a settled one; fresh: it was not before.
func (d *dusk) settle(ctx context.Context, number int64, led contract.Led) (fresh bool, err error) {
	e := led.Event
	before, err := d.q.EventOfInstant(ctx, sqlc.EventOfInstantParams{
		ReceivedAt: e.ReceivedAt, Service: d.service, DedupKey: d.dedupKey, Action: text(string(e.Alert.Action)),
	})
	opened := led.Start != nil && before.Escalation != number // and another of it, by a settling that nobody heard of
	switch {
	case err == nil && before.Settled && !opened:
		return false, nil
	case err == nil: // it had been accepted after all
		return true, d.q.SettleEvents(ctx, []int64{before.Seq}, []int64{number}, []string{text(led.Note)})
	case !errors.Is(err, pgx.ErrNoRows):
		return false, err
	}
	said, err := document(e.Alert)
	if err != nil {
		return false, err
	}
	raw := e.Raw
	if raw == nil {
		raw = []byte{}
	}
	added, err := d.q.AddSettledEvent(ctx, sqlc.AddSettledEventParams{
		Integration: text(string(e.Integration)), Service: d.service, DedupKey: d.dedupKey, SenderKey: text(e.Key),
		Format: text(e.Format), Action: text(string(e.Alert.Action)), Alert: said, Raw: raw, ReceivedAt: e.ReceivedAt,
		Escalation: number, Note: text(led.Note),
	})
	return added > 0, err
}

// hold gives the key to the escalation that the alert is about.
func (d *dusk) hold(ctx context.Context) error {
	if d.claims == 0 {
		return nil
	}
	ours, err := d.q.Claimant(ctx, d.claims)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !ours.Live {
		return nil
	}
	if err != nil {
		return err
	}
	if ended, err := d.ended(ctx); err != nil || ended {
		return err
	}
	holder, err := d.q.KeyHolder(ctx, d.service, d.dedupKey)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return d.q.HoldKey(ctx, d.claims)
	case err != nil || holder.Number == d.claims:
		return err
	case holder.Unopened:
		if err := d.supersede(ctx, holder.Number); err != nil {
			return err
		}
		return d.q.HoldKey(ctx, d.claims)
	case holder.OpenedAt.Before(ours.OpenedAt):
		return d.yield(ctx, d.claims, holder.Number)
	}
	if err := d.q.FreeKey(ctx, holder.Number); err != nil {
		return err
	}
	if err := d.yield(ctx, holder.Number, d.claims); err != nil {
		return err
	}
	return d.q.HoldKey(ctx, d.claims)
}

// ended tells the escalation of an end that came by another door, after its alert and before anybody there knew of it.
func (d *dusk) ended(ctx context.Context) (bool, error) {
	seq, err := d.q.ResolvedLater(ctx, d.fired, d.service, d.dedupKey)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	payload, err := document(service.Saying{Verb: contract.Resolve, Word: contract.Word{
		By: "monitor", Via: "events", Key: fmt.Sprintf("event/%d", seq),
	}})
	if err != nil {
		return false, err
	}
	return true, d.q.AddErrand(ctx, sqlc.AddErrandParams{Escalation: d.claims, Kind: kindSay, Payload: payload, Rank: int16(org.Priority("").Rank())})
}

// opened is the escalation that an event without one is about after all: its alert is on record and was accepted before,
// but the engine had not been told to open it yet, and did not find it. 0: there is none.
func (d *dusk) opened(ctx context.Context, before time.Time) (int64, error) {
	holder, err := d.q.KeyHolder(ctx, d.service, d.dedupKey)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, nil
	case err != nil:
		return 0, err
	case holder.OpenedAt.After(before):
		return 0, nil // it fired again since
	}
	return holder.Number, nil
}

// pass has an escalation told what the engine could tell nobody.
func (d *dusk) pass(ctx context.Context, number int64, e contract.Event) error {
	verb := contract.Acknowledge
	if e.Alert.Action == alert.Resolve {
		verb = contract.Resolve
	}
	payload, err := document(service.Saying{Verb: verb, Word: contract.Word{
		By: "monitor", Via: "events", Key: fmt.Sprintf("dusk/%d", e.ReceivedAt.UnixMicro()),
	}})
	if err != nil {
		return err
	}
	return d.q.AddErrand(ctx, sqlc.AddErrandParams{Escalation: number, Kind: kindSay, Payload: payload, Rank: int16(org.Priority("").Rank())})
}

// yield has one of two escalations of the same alert resolved, in favour of the other.
func (d *dusk) yield(ctx context.Context, number, to int64) error {
	payload, err := document(service.Saying{Verb: contract.Resolve, Word: contract.Word{
		By: "belay", Via: "events", Key: fmt.Sprintf("same/%s", id.OfNumber(to)),
		Note: fmt.Sprintf("the same alert is %s", id.OfNumber(to)),
	}})
	if err != nil {
		return err
	}
	return d.q.AddErrand(ctx, sqlc.AddErrandParams{Escalation: number, Kind: kindSay, Payload: payload, Rank: int16(org.Priority("").Rank())})
}

// supersede closes an escalation that was numbered and never opened: its alert went another way. Somebody may be about
// to open it just now, and would not see that: so it is told to resolve, in case that it hears it.
func (d *dusk) supersede(ctx context.Context, number int64) error {
	if err := d.q.StrikeErrands(ctx, number); err != nil {
		return err
	}
	if err := d.yield(ctx, number, d.claims); err != nil {
		return err
	}
	now := time.Now().UTC()
	seq, err := d.q.SupersedeEscalation(ctx, now, number)
	if err != nil {
		return err
	}
	entries, err := document([]escalation.Entry{{
		Seq: int(seq), At: now, Kind: escalation.EntryClosed, Actor: "belay", Via: "events",
		Text: fmt.Sprintf("never opened: the records were away, and its alert became %s", id.OfNumber(d.claims)),
	}})
	if err != nil {
		return err
	}
	return d.q.WriteEntries(ctx, number, entries)
}

// Reserve draws numbers of escalations that will then be nobody else's.
func (i Inbox) Reserve(ctx context.Context, count int) ([]int64, error) {
	numbers, err := sqlc.New(i.Pool).NextNumbers(ctx, int32(count))
	return numbers, faulty(err, "reserve %d numbers", count)
}
