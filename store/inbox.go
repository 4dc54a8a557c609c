package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Inbox keeps what arrived until the engine has it.
type Inbox struct {
	Pool *pgxpool.Pool
	// RepeatEvery is how long repeats are only counted before the engine hears of them; 3 s.
	RepeatEvery time.Duration
}

func (i Inbox) every() time.Duration {
	if i.RepeatEvery <= 0 {
		return 3 * time.Second
	}
	return i.RepeatEvery
}

// Accept commits an event. It is one statement: every alert of a storm passes here before anybody is told 202.
func (i Inbox) Accept(ctx context.Context, in service.Incoming) (int64, bool, error) {
	return accept(ctx, sqlc.New(i.Pool), in)
}

func accept(ctx context.Context, q *sqlc.Queries, in service.Incoming) (int64, bool, error) {
	said, err := document(in.Alert)
	if err != nil {
		return 0, false, err
	}
	ruled, err := ruling(in)
	if err != nil {
		return 0, false, err
	}
	raw := in.Raw
	if raw == nil {
		raw = []byte{}
	}
	seq, err := q.AcceptEvent(ctx, sqlc.AcceptEventParams{
		Integration: text(string(in.Integration)), Service: text(string(in.Service)), DedupKey: text(in.Alert.DedupKey),
		SenderKey: text(in.Key), Format: text(in.Format), Action: text(string(in.Alert.Action)), Alert: said, Raw: raw,
		ReceivedAt: in.ReceivedAt, Route: ruled,
	})
	if err == nil {
		return seq, false, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return 0, false, faulty(err, "accept an event for service %q", string(in.Service))
	}
	seq, err = q.KnownEvent(ctx, text(string(in.Integration)), text(in.Key))
	if err != nil {
		return 0, false, faulty(err, "find the event with key %q", in.Key)
	}
	return seq, true, nil
}

// AcceptAll is described at service.Inbox. It is one statement, and the body that all came in is written once.
func (i Inbox) AcceptAll(ctx context.Context, in []service.Incoming) ([]int64, error) {
	if len(in) == 0 {
		return nil, nil
	}
	first := in[0]
	p := sqlc.AcceptEventsParams{
		Integration: text(string(first.Integration)), Format: text(first.Format), Raw: first.Raw, Trace: text(first.Trace),
	}
	if p.Raw == nil {
		p.Raw = []byte{}
	}
	for _, one := range in {
		said, err := document(one.Alert)
		if err != nil {
			return nil, err
		}
		ruled, err := ruling(one)
		if err != nil {
			return nil, err
		}
		p.Routes = append(p.Routes, string(ruled))
		p.Services = append(p.Services, text(string(one.Service)))
		p.DedupKeys = append(p.DedupKeys, text(one.Alert.DedupKey))
		p.Actions = append(p.Actions, text(string(one.Alert.Action)))
		p.Alerts = append(p.Alerts, string(said))
		p.ReceivedAts = append(p.ReceivedAts, one.ReceivedAt)
	}
	seqs, err := sqlc.New(i.Pool).AcceptEvents(ctx, p)
	return seqs, faulty(err, "accept %d events of integration %q", len(in), string(first.Integration))
}

// ruling is what the rules said of an event as it is kept: nil when that was nothing.
func ruling(in service.Incoming) ([]byte, error) {
	if in.Route == nil {
		return nil, nil
	}
	kept := *in.Route
	kept.Trace = nil // explained when it is asked for, by the rules of then
	return document(kept)
}

// Unsettled lists events older than age that nobody settled, oldest first. Limit is 1 to 1000; 0 is 100.
func (i Inbox) Unsettled(ctx context.Context, age time.Duration, lim int) ([]int64, error) {
	seqs, err := sqlc.New(i.Pool).UnsettledEvents(ctx, age, limit(lim, 100, 1000))
	return seqs, faulty(err, "list unsettled events")
}

// Take is described at service.Inbox. With an error about errands that cannot be read it returns the others all the same.
func (i Inbox) Take(ctx context.Context, t service.Turn) ([]service.Errand, error) {
	q := sqlc.New(i.Pool)
	words := int32(min(max(t.Words, 0), 1000))
	err := again(ctx, func() error { return q.TellWaitingRepeats(ctx, i.every(), words) })
	if err != nil {
		return nil, faulty(err, "make errands of waiting repeats")
	}
	urgent, others := int32(min(max(t.Urgent, 0), 1000)), int32(min(max(t.Others, 0), 1000))
	oldest := min(others, 1)
	rows, err := q.TakeErrands(ctx, sqlc.TakeErrandsParams{
		Age: t.Age, Urgent: urgent, Oldest: oldest, Others: others - oldest, Words: words, Hold: t.Hold,
	})
	if err != nil {
		return nil, faulty(err, "take errands")
	}
	same := make([]sqlc.ErrandsOfRow, len(rows))
	for n, r := range rows {
		same[n] = sqlc.ErrandsOfRow(r)
	}
	return errandsOf(same)
}

// Crowd is described at service.Inbox.
func (i Inbox) Crowd(ctx context.Context, age, lately time.Duration) (service.Crowd, error) {
	row, err := sqlc.New(i.Pool).Crowd(ctx, age, lately)
	if err != nil {
		return service.Crowd{}, faulty(err, "count what the engine was given")
	}
	return service.Crowd{Urgent: int(row.Urgent), All: int(row.All), Waiting: row.Waiting}, nil
}

// Aside is described at service.Inbox.
func (i Inbox) Aside(ctx context.Context, errand int64, pause time.Duration) error {
	return faulty(sqlc.New(i.Pool).AsideErrand(ctx, pause, errand), "put errand %d aside", errand)
}

// Done strikes an errand off; striking it off twice is once.
func (i Inbox) Done(ctx context.Context, errand int64) error {
	struck, err := sqlc.New(i.Pool).StrikeErrand(ctx, errand)
	if err != nil {
		return faulty(err, "strike off errand %d", errand)
	}
	if struck == 0 {
		return fault.New(fault.NotFound, "errand %d", errand)
	}
	return nil
}

// Orphan handles a repeat whose escalation turned out to be over. Its dedup key is freed, its other repeats are struck
// off too, and its last trigger is unsettled, to be settled as a new one, unless the monitor has said since that all
// is well. Doing it twice returns the same event.
func (i Inbox) Orphan(ctx context.Context, errand int64) (int64, error) {
	var seq int64
	err := transact(ctx, i.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		place, err := q.OrphanPlace(ctx, errand)
		if err != nil {
			return found(err, "errand %d", errand)
		}
		if place.Kind != kindRepeat {
			return fault.New(fault.Invalid, "errand %d is no repeat", errand)
		}
		if err := q.LockConversation(ctx, place.Service, place.DedupKey); err != nil {
			return err
		}
		before, err := q.OrphanOf(ctx, errand)
		if err != nil {
			return err
		}
		if before != nil {
			seq = *before
			return nil
		}
		last, err := q.LastTrigger(ctx, place.Escalation)
		if err != nil {
			return found(err, "trigger of escalation %s", id.OfNumber(place.Escalation))
		}
		seq = last.Seq
		if err := q.FreeKey(ctx, place.Escalation); err != nil {
			return err
		}
		if err := q.StrikeRepeats(ctx, &seq, place.Escalation); err != nil {
			return err
		}
		if last.ResolvedSince {
			return nil
		}
		return q.UnsettleEvent(ctx, seq)
	})
	return seq, faulty(err, "orphan errand %d", errand)
}

// Kinds of errands.
const (
	kindOpen   = "open"
	kindRepeat = "repeat"
	kindSay    = "say"
	kindTicket = "ticket"
)

func errandOf(r sqlc.ErrandsOfRow) (service.Errand, error) {
	e := service.Errand{ID: r.ID, Escalation: id.OfNumber(r.Escalation)}
	var into any
	switch r.Kind {
	case kindOpen:
		e.Start = &contract.Start{}
		into = e.Start
	case kindRepeat:
		e.Repeat = &contract.Repeat{}
		into = e.Repeat
	case kindSay:
		e.Say = &service.Saying{}
		into = e.Say
	case kindTicket:
		e.Ticket = &contract.TicketChanged{}
		into = e.Ticket
	default:
		return e, fmt.Errorf("errand %d: kind %q is unknown", r.ID, r.Kind)
	}
	if err := json.Unmarshal(r.Payload, into); err != nil {
		return e, fmt.Errorf("read errand %d of %s: %w", r.ID, e.Escalation, err)
	}
	return e, nil
}

func incomingOf(r sqlc.ConversationRow) (service.Incoming, error) {
	in := service.Incoming{
		Integration: id.Integration(r.Integration), Service: id.Service(r.Service), Format: r.Format, Key: r.SenderKey,
		Raw: r.Raw, ReceivedAt: r.ReceivedAt,
	}
	if err := json.Unmarshal(r.Alert, &in.Alert); err != nil {
		return in, fmt.Errorf("read event %d: %w", r.Seq, err)
	}
	in.Alert.Action, in.Alert.DedupKey = alert.Action(r.Action), r.DedupKey
	var err error
	in.Route, err = routeOf(r.Route)
	return in, err
}
