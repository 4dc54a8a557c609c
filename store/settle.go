package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Opener makes the input of the workflow for an event that opens an escalation.
type Opener = func(id.Escalation, service.Incoming) (contract.Start, error)

// Settle works the conversation of an event in order, up to and including it. See SettleAll.
func (i Inbox) Settle(ctx context.Context, seq int64, open Opener) ([]service.Errand, error) {
	return i.SettleAll(ctx, []int64{seq}, open)
}

// SettleAll works the conversations of events in order, each up to and including the last of these events. One
// transaction, one lock per conversation: what others do to one meanwhile happened before or happens after. It takes as
// many round trips for a hundred conversations as for one; what fails for one fails for all.
func (i Inbox) SettleAll(ctx context.Context, seqs []int64, open Opener) ([]service.Errand, error) {
	places, err := sqlc.New(i.Pool).EventPlaces(ctx, seqs)
	if err != nil {
		return nil, faulty(err, "find events")
	}
	talks, settled, err := talksOf(seqs, places)
	if err != nil {
		return nil, err
	}
	if len(talks) == 0 {
		return i.stillUndone(ctx, settled)
	}
	var errands []service.Errand
	for {
		err = transact(ctx, i.Pool, func(tx pgx.Tx, q *sqlc.Queries) (err error) {
			d := desk{tx: tx, q: q, open: open, touched: map[int64]bool{}, groups: map[string]*gathering{},
				holders: map[int64]*holder{}, members: map[int64]int{}}
			for _, number := range settled {
				d.touched[number] = true
			}
			errands, err = d.settle(ctx, talks, i.every())
			return err
		})
		if !errors.Is(err, errTaken) {
			break
		}
	}
	if err != nil {
		return nil, faulty(err, "settle event %d and %d others", seqs[0], len(seqs)-1)
	}
	return errands, nil
}

// walkIn is the walk of a canary that an event belongs to; 0: none.
func walkIn(in service.Incoming) int64 {
	if in.Route == nil {
		return 0
	}
	return in.Route.Canary
}

// errTaken: a plain Temporal client took the number of an escalation. With the next numbers it goes better.
var errTaken = errors.New("the number is taken")

// talk is a conversation that is to be settled, up to an event.
type talk struct {
	service, dedupKey string
	upTo              int64
}

// talksOf are the conversations of events, in an order that is the same for everybody who locks several of them, and
// the escalations of events that are settled already. An event without a dedup key talks to nobody but itself.
func talksOf(seqs []int64, places []sqlc.EventPlacesRow) (talks []talk, settled []int64, err error) {
	known := map[int64]bool{}
	last := map[talk]int64{}
	for _, p := range places { // in order of seq
		known[p.Seq] = true
		switch {
		case p.SettledAt != nil && p.Escalation != nil:
			settled = append(settled, *p.Escalation)
		case p.SettledAt != nil:
		case p.DedupKey == "":
			talks = append(talks, talk{service: p.Service, upTo: p.Seq})
		default:
			last[talk{service: p.Service, dedupKey: p.DedupKey}] = p.Seq
		}
	}
	for _, seq := range seqs {
		if !known[seq] {
			return nil, nil, fault.New(fault.NotFound, "event %d", seq)
		}
	}
	for t, seq := range last {
		t.upTo = seq
		talks = append(talks, t)
	}
	slices.SortFunc(talks, func(a, b talk) int {
		return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.dedupKey, b.dedupKey), cmp.Compare(a.upTo, b.upTo))
	})
	return talks, settled, nil
}

func (i Inbox) stillUndone(ctx context.Context, numbers []int64) ([]service.Errand, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	rows, err := sqlc.New(i.Pool).ErrandsOf(ctx, numbers)
	if err != nil {
		return nil, faulty(err, "list the errands of %s", id.OfNumber(numbers[0]))
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

// desk is a transaction in which conversations are settled.
type desk struct {
	tx   pgx.Tx
	q    *sqlc.Queries
	open Opener

	groups  map[string]*gathering // that are locked
	holders map[int64]*holder     // every escalation that was read, by its number
	members map[int64]int         // of groups' escalations, as far as they fire
	late    []func(*pgx.Batch)    // writes that need what is written before

	numbers []int64        // of escalations, to be given away
	pending pgx.Batch      // writes, in order
	touched map[int64]bool // escalations whose errands the caller should run
	settled settlement     // of the events heard so far
}

// settle takes the locks, reads what they protect, decides, and writes.
func (d *desk) settle(ctx context.Context, talks []talk, every time.Duration) ([]service.Errand, error) {
	all, err := d.begin(ctx, talks, every)
	if err != nil {
		return nil, err
	}
	if err := d.gather(ctx, all, every); err != nil {
		return nil, err
	}
	var gone []int64
	opens := int32(0)
	for _, c := range all {
		if len(c.events) == 0 || c.events[len(c.events)-1].Seq != c.upTo {
			gone = append(gone, c.upTo) // somebody settled it while we waited for the lock
		}
		if c.held == nil && slices.ContainsFunc(c.events, func(e sqlc.ConversationRow) bool {
			return alert.Action(e.Action) == alert.Trigger && e.Route == nil // what rules say of others may open nothing
		}) {
			opens++
		}
	}
	if len(gone) > 0 {
		settled, err := d.q.EventPlaces(ctx, gone)
		if err != nil {
			return nil, err
		}
		for _, p := range settled {
			d.touch(p.Escalation)
		}
	}
	if opens > 0 {
		if d.numbers, err = d.q.NextNumbers(ctx, opens); err != nil {
			return nil, err
		}
	}
	for _, c := range all {
		for _, event := range c.events {
			if err := c.hear(ctx, event); err != nil {
				return nil, err
			}
		}
		c.writeAlert()
	}
	for _, number := range slices.Sorted(maps.Keys(d.holders)) {
		if h := d.holders[number]; h.dirty {
			d.keep(h, !h.released)
		}
	}
	return d.end(ctx)
}

// begin takes the locks, in the order of the talks, and reads what they protect, in one round trip.
func (d *desk) begin(ctx context.Context, talks []talk, every time.Duration) ([]*conversation, error) {
	batch := &pgx.Batch{}
	all := make([]*conversation, len(talks))
	for n, t := range talks {
		c := &conversation{desk: d, talk: t, alert: alertRow{AlertOfRow: sqlc.AlertOfRow{State: plain}}}
		all[n] = c
		hear := func(rows pgx.Rows) (err error) {
			c.events, err = pgx.CollectRows(rows, pgx.RowToStructByPos[sqlc.ConversationRow])
			return err
		}
		if t.dedupKey == "" {
			batch.Queue(sqlc.EventAlone, t.upTo).Query(hear)
			continue
		}
		batch.Queue(sqlc.LockConversation, t.service, t.dedupKey)
		// Before the events are read: what ripens meanwhile is among them, or waits for us.
		batch.Queue(sqlc.AlertOf, t.service, t.dedupKey).Query(func(rows pgx.Rows) error {
			alerts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sqlc.AlertOfRow])
			if len(alerts) > 0 {
				c.alert = alertRow{AlertOfRow: alerts[0], kept: true}
			}
			return err
		})
		batch.Queue(sqlc.Conversation, t.service, t.dedupKey, t.upTo).Query(hear)
		batch.Queue(sqlc.Holder, every, t.service, t.dedupKey).Query(func(rows pgx.Rows) error {
			holders, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sqlc.HolderRow])
			if len(holders) > 0 {
				c.held = d.holderOf(holders[0])
			}
			return err
		})
	}
	return all, d.tx.SendBatch(ctx, batch).Close()
}

// end writes everything and returns the errands that are undone, those of earlier calls included.
func (d *desk) end(ctx context.Context) ([]service.Errand, error) {
	if len(d.settled.seqs) > 0 {
		d.pending.Queue(sqlc.SettleEvents, d.settled.seqs, d.settled.numbers, d.settled.notes)
	}
	for _, write := range d.late {
		write(&d.pending)
	}
	var rows []sqlc.ErrandsOfRow
	if len(d.touched) > 0 {
		d.pending.Queue(sqlc.ErrandsOf, slices.Sorted(maps.Keys(d.touched))).Query(func(r pgx.Rows) (err error) {
			rows, err = pgx.CollectRows(r, pgx.RowToStructByPos[sqlc.ErrandsOfRow])
			return err
		})
	}
	if d.pending.Len() > 0 {
		if err := d.tx.SendBatch(ctx, &d.pending).Close(); err != nil {
			return nil, err
		}
	}
	errands, _ := errandsOf(rows) // what cannot be read is complained of by the relay
	return errands, nil
}

// number is one that no escalation has yet, as far as we are concerned.
func (d *desk) number(ctx context.Context) (int64, error) {
	if len(d.numbers) == 0 {
		var err error
		if d.numbers, err = d.q.NextNumbers(ctx, 1); err != nil {
			return 0, err
		}
	}
	next := d.numbers[0]
	d.numbers = d.numbers[1:]
	return next, nil
}

func (d *desk) touch(number *int64) {
	if number != nil {
		d.touched[*number] = true
	}
}

// conversation is a service and a dedup key while its lock is held.
type conversation struct {
	*desk
	talk
	events []sqlc.ConversationRow // not settled yet
	held   *holder                // nil: the key is free
	alert  alertRow
	// alertDirty: it is to be written.
	alertDirty bool
	within     time.Duration // in which its changes are counted
}

// holder is the escalation that holds the dedup key.
type holder struct {
	sqlc.HolderRow
	told  bool // an errand with repeats was added
	dirty bool
	// released: it holds its key no longer.
	released bool
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

// hear takes one event, in order.
func (c *conversation) hear(ctx context.Context, event sqlc.ConversationRow) error {
	in, err := incomingOf(event)
	if err != nil {
		return err
	}
	switch in.Alert.Action {
	case alert.Trigger:
		return c.fires(ctx, event, in)
	case alert.Acknowledge:
		if c.alert.State == member {
			c.settled.add(event.Seq, 0, "it is one of a group: somebody must acknowledge them all")
			return nil
		}
		return c.address(c.held, event.Seq, contract.Acknowledge, in)
	case alert.Resolve:
		return c.ends(event, in)
	case alert.Ignore:
		c.settled.add(event.Seq, 0, "asks for nothing")
		return nil
	}
	c.settled.add(event.Seq, 0, fmt.Sprintf("action %q is unknown", in.Alert.Action))
	return nil
}

// begins gives the event an escalation of its own.
func (c *conversation) begins(ctx context.Context, seq int64, in service.Incoming) error {
	number, err := c.starts(ctx, seq, in, string(in.Service), in.Alert.DedupKey)
	if err == nil && in.Alert.DedupKey != "" {
		c.held = c.holders[number]
	}
	return err
}

// starts an escalation that holds a key at its home.
func (c *conversation) starts(ctx context.Context, seq int64, in service.Incoming, home, key string) (int64, error) {
	number, err := c.number(ctx)
	if err != nil {
		return 0, err
	}
	start, err := c.open(id.OfNumber(number), in)
	if err != nil {
		return 0, fmt.Errorf("open %s for event %d: %w", id.OfNumber(number), seq, err)
	}
	row, err := opening(number, in, start)
	if err != nil {
		return 0, err
	}
	row.DedupKey, row.Home = key, ""
	if home != row.Service {
		row.Home = home
	}
	c.pending.Queue(sqlc.OpenEscalation, row.Number, row.State, row.Title, row.Service, row.Unit, row.Priority, row.OpenedAt,
		row.Summary, row.ServiceName, row.Integration, row.DedupKey, row.DedupHeld, row.Alert, row.Start, row.SeverityTold, row.Home, row.Canary,
	).Exec(func(inserted pgconn.CommandTag) error {
		if inserted.RowsAffected() == 0 {
			return errTaken
		}
		return nil
	})
	if row.DedupHeld {
		c.holderOf(sqlc.HolderRow{Number: number, Priority: row.Priority, SeverityTold: row.SeverityTold})
	}
	c.errand(number, row.Priority, kindOpen, nil)
	c.settled.add(seq, number, "")
	c.touch(&number)
	return number, nil
}

// opening is the row of an escalation that nobody but us has heard of.
func opening(number int64, in service.Incoming, start contract.Start) (sqlc.OpenEscalationParams, error) {
	o := start.Opening
	state, watches := escalation.Open, ""
	if o.Watching != nil {
		state, watches = escalation.Watched, o.Watching.Ticket.String()
	}
	summary, err := document(escalation.Summary{
		ID: id.OfNumber(number), State: state, Ticket: watches, Title: o.Title, Service: o.Service, Unit: o.Unit, Kind: o.Kind,
		Priority: o.Plan.Priority, Severity: o.Severity, Revision: string(o.Plan.Revision), Policy: o.Plan.Policy,
		OpenedAt: o.OpenedAt, Canary: o.Canary,
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
		Number: number, State: string(state), Title: text(o.Title), Service: text(string(o.Service)),
		Unit: text(string(o.Unit)), Priority: text(string(o.Plan.Priority)), OpenedAt: o.OpenedAt, Summary: summary,
		ServiceName: text(o.ServiceName), Integration: string(in.Integration), DedupKey: in.Alert.DedupKey,
		Home: home(in, o), DedupHeld: in.Alert.DedupKey != "", Alert: said, Start: input, SeverityTold: text(string(in.Alert.Severity)), Canary: walkIn(in),
	}, nil
}

// home is the service of the conversation, where rules chose another one for the escalation.
func home(in service.Incoming, o escalation.Opening) string {
	if in.Service == o.Service {
		return ""
	}
	return text(string(in.Service))
}

// join counts a repeat. The engine hears of it when the interval is over, or at once when it got worse.
func (d *desk) join(h *holder, seq int64, in service.Incoming) error {
	h.Repeats++
	h.dirty = true
	severity := in.Alert.Severity
	if h.RepeatSeverity == "" || severity.WorseThan(alert.Severity(h.RepeatSeverity)) {
		h.RepeatSeverity = text(string(severity))
	}
	d.settled.add(seq, h.Number, "")
	d.touch(&h.Number)
	if h.Due || severity.WorseThan(alert.Severity(h.SeverityTold)) {
		return d.tellRepeats(h, in.ReceivedAt)
	}
	return nil
}

// tellRepeats makes an errand of the repeats that were only counted, of which none is younger than last.
func (d *desk) tellRepeats(h *holder, last time.Time) error {
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
	d.errand(h.Number, h.Priority, kindRepeat, payload)
	return nil
}

// address hands the monitor's word to the escalation that is open. A resolve also ends the conversation.
func (c *conversation) address(h *holder, seq int64, verb string, in service.Incoming) error {
	if h == nil {
		c.settled.add(seq, 0, "nothing was open to "+verb)
		return nil
	}
	number := h.Number
	if err := c.tell(h, seq, verb, in); err != nil {
		return err
	}
	c.settled.add(seq, number, "")
	return nil
}

// tell has an escalation told the monitor's word.
func (c *conversation) tell(h *holder, seq int64, verb string, in service.Incoming) error {
	number, priority := h.Number, h.Priority
	if verb == contract.Resolve {
		if err := c.tellRepeats(h, in.ReceivedAt); err != nil {
			return err
		}
		c.keep(h, false)
		h.dirty = false
		delete(c.holders, number)
		if c.held == h {
			c.held = nil
		}
	}
	payload, err := document(service.Saying{Verb: verb, Word: contract.Word{
		By: "monitor", Via: "events", Key: fmt.Sprintf("inbox/%d", seq), At: in.ReceivedAt,
	}})
	if err != nil {
		return err
	}
	c.errand(number, priority, kindSay, payload)
	c.touch(&number)
	return nil
}

func (d *desk) errand(number int64, priority, kind string, payload []byte) {
	d.pending.Queue(sqlc.AddErrand, number, kind, payload, int16(org.Priority(priority).Rank()))
}

// keep writes what the door knows of the holder.
func (d *desk) keep(h *holder, held bool) {
	d.pending.Queue(sqlc.CountRepeats, h.Repeats, h.RepeatsTold, h.RepeatSeverity, h.SeverityTold, h.told, held, h.Number)
}
