package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Opener makes the input of the workflow for an event that opens an escalation.
type Opener = func(id.Escalation, service.Incoming) (contract.Start, error)

// Settle works the conversation of an event in order, up to and including it. One transaction, one lock per
// conversation: what others do to it meanwhile happened before or happens after.
func (i Inbox) Settle(ctx context.Context, seq int64, open Opener) ([]service.Errand, error) {
	place, err := sqlc.New(i.Pool).EventPlace(ctx, seq)
	if err != nil {
		return nil, found(err, "event %d", seq)
	}
	if place.SettledAt != nil {
		return i.stillUndone(ctx, place.Escalation)
	}
	var errands []service.Errand
	err = transact(ctx, i.Pool, func(tx pgx.Tx, q *sqlc.Queries) error {
		talk := conversation{tx: tx, q: q, service: place.Service, dedupKey: place.DedupKey, touched: map[int64]bool{}}
		events, err := talk.begin(ctx, seq, i.every())
		if err != nil {
			return err
		}
		if len(events) == 0 || events[len(events)-1].Seq != seq {
			// Somebody settled it while we waited for the lock.
			settled, err := q.EventPlace(ctx, seq)
			if err != nil {
				return err
			}
			talk.touch(settled.Escalation)
		}
		for _, event := range events {
			if err := talk.hear(ctx, event, open); err != nil {
				return err
			}
		}
		errands, err = talk.end(ctx)
		return err
	})
	if err != nil {
		return nil, faulty(err, "settle event %d", seq)
	}
	return errands, nil
}

func (i Inbox) stillUndone(ctx context.Context, number *int64) ([]service.Errand, error) {
	if number == nil {
		return nil, nil
	}
	rows, err := sqlc.New(i.Pool).ErrandsOf(ctx, []int64{*number})
	if err != nil {
		return nil, faulty(err, "list the errands of %s", id.OfNumber(*number))
	}
	errands, _ := errandsOf(rows)
	return errands, nil
}

// errandsOf reads errands. One that cannot be read, since a newer release wrote it, holds up those that follow it in its
// escalation, and no others: the error names it, and the rest is there all the same.
func errandsOf(rows []sqlc.ErrandsOfRow) ([]service.Errand, error) {
	errands := make([]service.Errand, 0, len(rows))
	held := map[int64]bool{}
	var wrong []error
	for _, r := range rows {
		if held[r.Escalation] {
			continue
		}
		errand, err := errandOf(r)
		if err != nil {
			held[r.Escalation], wrong = true, append(wrong, err)
			continue
		}
		errands = append(errands, errand)
	}
	return errands, errors.Join(wrong...)
}

// conversation is a service and a dedup key while its lock is held.
type conversation struct {
	tx       pgx.Tx
	q        *sqlc.Queries
	service  string
	dedupKey string

	held    *holder        // nil: the key is free
	pending pgx.Batch      // writes, in order
	touched map[int64]bool // escalations whose errands the caller should run
	settled settlement     // of the events heard so far
}

// holder is the escalation that holds the dedup key.
type holder struct {
	sqlc.HolderRow
	told  bool // an errand with repeats was added
	dirty bool
}

// settlement says of each event what it led to: an escalation, or 0 and a note.
type settlement struct {
	seqs    []int64
	numbers []int64
	notes   []string
}

func (s *settlement) add(seq, number int64, note string) {
	s.seqs, s.numbers, s.notes = append(s.seqs, seq), append(s.numbers, number), append(s.notes, note)
}

// begin takes the lock and reads what it protects. An event without a dedup key talks to nobody but itself.
func (c *conversation) begin(ctx context.Context, seq int64, every time.Duration) ([]sqlc.ConversationRow, error) {
	if c.dedupKey == "" {
		rows, err := c.q.EventAlone(ctx, seq)
		if err != nil {
			return nil, err
		}
		events := make([]sqlc.ConversationRow, len(rows))
		for n, r := range rows {
			events[n] = sqlc.ConversationRow(r)
		}
		return events, nil
	}
	var events []sqlc.ConversationRow
	var holders []sqlc.HolderRow
	batch := &pgx.Batch{}
	batch.Queue(sqlc.LockConversation, c.service, c.dedupKey)
	batch.Queue(sqlc.Conversation, c.service, c.dedupKey, seq).Query(func(rows pgx.Rows) (err error) {
		events, err = pgx.CollectRows(rows, pgx.RowToStructByPos[sqlc.ConversationRow])
		return err
	})
	batch.Queue(sqlc.Holder, every, c.service, c.dedupKey).Query(func(rows pgx.Rows) (err error) {
		holders, err = pgx.CollectRows(rows, pgx.RowToStructByPos[sqlc.HolderRow])
		return err
	})
	if err := c.tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	if len(holders) > 0 {
		c.held = &holder{HolderRow: holders[0]}
	}
	return events, nil
}

// hear takes one event, in order.
func (c *conversation) hear(ctx context.Context, event sqlc.ConversationRow, open Opener) error {
	in, err := incomingOf(event)
	if err != nil {
		return err
	}
	switch in.Alert.Action {
	case alert.Trigger:
		if c.held != nil {
			return c.join(event.Seq, in)
		}
		return c.open(ctx, event.Seq, in, open)
	case alert.Acknowledge:
		return c.address(event.Seq, contract.Acknowledge, in)
	case alert.Resolve:
		return c.address(event.Seq, contract.Resolve, in)
	}
	c.settled.add(event.Seq, 0, fmt.Sprintf("action %q is unknown", in.Alert.Action))
	return nil
}

// open gives the event an escalation of its own.
func (c *conversation) open(ctx context.Context, seq int64, in service.Incoming, open Opener) error {
	// The key may just have been freed: the database must know before another escalation takes it.
	if err := c.write(ctx); err != nil {
		return err
	}
	for {
		number, err := c.q.NextNumber(ctx)
		if err != nil {
			return err
		}
		start, err := open(id.OfNumber(number), in)
		if err != nil {
			return fmt.Errorf("open %s for event %d: %w", id.OfNumber(number), seq, err)
		}
		row, err := opening(number, in, start)
		if err != nil {
			return err
		}
		inserted, err := c.q.OpenEscalation(ctx, row)
		if err != nil {
			return err
		}
		if inserted == 0 {
			continue // a plain Temporal client took the number
		}
		if row.DedupHeld {
			c.held = &holder{HolderRow: sqlc.HolderRow{Number: number, SeverityTold: row.SeverityTold}}
		}
		c.errand(number, kindOpen, nil)
		c.settled.add(seq, number, "")
		c.touch(&number)
		return nil
	}
}

// opening is the row of an escalation that nobody but us has heard of.
func opening(number int64, in service.Incoming, start contract.Start) (sqlc.OpenEscalationParams, error) {
	o := start.Opening
	summary, err := document(escalation.Summary{
		ID: id.OfNumber(number), State: escalation.Open, Title: o.Title, Service: o.Service, Unit: o.Unit, Kind: o.Kind,
		Priority: o.Plan.Priority, Severity: o.Severity, Revision: string(o.Plan.Revision), Policy: o.Plan.Policy,
		OpenedAt: o.OpenedAt,
	})
	if err != nil {
		return sqlc.OpenEscalationParams{}, err
	}
	said, err := document(in.Alert)
	if err != nil {
		return sqlc.OpenEscalationParams{}, err
	}
	input, err := document(start)
	if err != nil {
		return sqlc.OpenEscalationParams{}, err
	}
	return sqlc.OpenEscalationParams{
		Number: number, State: string(escalation.Open), Title: text(o.Title), Service: text(string(in.Service)),
		Unit: text(string(o.Unit)), Priority: text(string(o.Plan.Priority)), OpenedAt: o.OpenedAt, Summary: summary,
		ServiceName: text(o.ServiceName), Integration: string(in.Integration), DedupKey: in.Alert.DedupKey,
		DedupHeld: in.Alert.DedupKey != "", Alert: said, Start: input, SeverityTold: text(string(in.Alert.Severity)),
	}, nil
}

// join counts a repeat. The engine hears of it when the interval is over, or at once when it got worse.
func (c *conversation) join(seq int64, in service.Incoming) error {
	h := c.held
	h.Repeats++
	h.dirty = true
	severity := in.Alert.Severity
	if h.RepeatSeverity == "" || severity.WorseThan(alert.Severity(h.RepeatSeverity)) {
		h.RepeatSeverity = text(string(severity))
	}
	c.settled.add(seq, h.Number, "")
	c.touch(&h.Number)
	if h.Due || severity.WorseThan(alert.Severity(h.SeverityTold)) {
		return c.tellRepeats(in.ReceivedAt)
	}
	return nil
}

// tellRepeats makes an errand of the repeats that were only counted, of which none is younger than last.
func (c *conversation) tellRepeats(last time.Time) error {
	h := c.held
	if h.Repeats == h.RepeatsTold {
		return nil
	}
	worst := alert.Severity(h.RepeatSeverity)
	payload, err := document(contract.Repeat{
		Key:   fmt.Sprintf("repeat/%s/%d", id.OfNumber(h.Number), h.Repeats),
		Count: int(h.Repeats - h.RepeatsTold), Severity: worst, At: last,
	})
	if err != nil {
		return err
	}
	if worst.WorseThan(alert.Severity(h.SeverityTold)) {
		h.SeverityTold = h.RepeatSeverity
	}
	h.RepeatsTold, h.RepeatSeverity, h.Due, h.told = h.Repeats, "", false, true
	c.errand(h.Number, kindRepeat, payload)
	return nil
}

// address hands the monitor's word to the escalation that is open. A resolve also ends the conversation.
func (c *conversation) address(seq int64, verb string, in service.Incoming) error {
	if c.held == nil {
		c.settled.add(seq, 0, "nothing was open to "+verb)
		return nil
	}
	number := c.held.Number
	if verb == contract.Resolve {
		if err := c.tellRepeats(in.ReceivedAt); err != nil {
			return err
		}
		c.keep(false)
		c.held = nil
	}
	payload, err := document(service.Saying{Verb: verb, Word: contract.Word{
		By: "monitor", Via: "events", Key: fmt.Sprintf("inbox/%d", seq), At: in.ReceivedAt,
	}})
	if err != nil {
		return err
	}
	c.errand(number, kindSay, payload)
	c.settled.add(seq, number, "")
	c.touch(&number)
	return nil
}

// end writes what is left and returns the errands that are undone, those of earlier calls included.
func (c *conversation) end(ctx context.Context) ([]service.Errand, error) {
	if c.held != nil && c.held.dirty {
		c.keep(true)
	}
	if len(c.settled.seqs) > 0 {
		c.pending.Queue(sqlc.SettleEvents, c.settled.seqs, c.settled.numbers, c.settled.notes)
	}
	var rows []sqlc.ErrandsOfRow
	if len(c.touched) > 0 {
		numbers := slices.Sorted(maps.Keys(c.touched))
		c.pending.Queue(sqlc.ErrandsOf, numbers).Query(func(r pgx.Rows) (err error) {
			rows, err = pgx.CollectRows(r, pgx.RowToStructByPos[sqlc.ErrandsOfRow])
			return err
		})
	}
	if err := c.write(ctx); err != nil {
		return nil, err
	}
	errands, _ := errandsOf(rows) // what cannot be read is complained of by the relay
	return errands, nil
}

func (c *conversation) errand(number int64, kind string, payload []byte) {
	c.pending.Queue(sqlc.AddErrand, number, kind, payload)
}

// keep writes what the door knows of the holder.
func (c *conversation) keep(held bool) {
	h := c.held
	c.pending.Queue(sqlc.CountRepeats, h.Repeats, h.RepeatsTold, h.RepeatSeverity, h.SeverityTold, h.told, held, h.Number)
}

func (c *conversation) write(ctx context.Context) error {
	if c.pending.Len() == 0 {
		return nil
	}
	pending := c.pending
	c.pending = pgx.Batch{}
	return c.tx.SendBatch(ctx, &pending).Close()
}

func (c *conversation) touch(number *int64) {
	if number != nil {
		c.touched[*number] = true
	}
}
