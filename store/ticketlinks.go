package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// TicketLinks keeps which escalation has which ticket, and how far it is written. Instants are the database's.
type TicketLinks struct{ Pool *pgxpool.Pool }

// Claim takes tickets of a system with something to write.
func (t TicketLinks) Claim(ctx context.Context, system id.TicketSystem, lease time.Duration, lim int) ([]service.TicketLink, error) {
	rows, err := sqlc.New(t.Pool).ClaimTickets(ctx, lease, text(string(system)), int32(lim))
	if err != nil {
		return nil, faulty(err, "claim tickets of %s", system)
	}
	links := make([]service.TicketLink, len(rows))
	for n, row := range rows {
		if links[n], err = linkOf(sqlc.TicketByIDRow(row)); err != nil {
			return nil, err
		}
	}
	return links, nil
}

// Of lists the tickets of an escalation, oldest first.
func (t TicketLinks) Of(ctx context.Context, e id.Escalation) ([]service.TicketLink, error) {
	number, err := numberOf(e)
	if err != nil {
		return nil, err
	}
	rows, err := sqlc.New(t.Pool).TicketsOf(ctx, number)
	if err != nil {
		return nil, faulty(err, "list the tickets of %s", e)
	}
	links := make([]service.TicketLink, len(rows))
	for n, row := range rows {
		if links[n], err = linkOf(sqlc.TicketByIDRow(row)); err != nil {
			return nil, err
		}
	}
	return links, nil
}

// Link joins a ticket that is there already to an escalation. fault.Conflict when the escalation has another one there.
func (t TicketLinks) Link(ctx context.Context, e id.Escalation, system id.TicketSystem, of tracker.Ticket) error {
	number, err := numberOf(e)
	if err != nil {
		return err
	}
	return transact(ctx, t.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		// The recorder's row: an entry that is written meanwhile is either seen here, or sees the link.
		row, err := q.LockEscalation(ctx, number)
		if err != nil {
			return found(err, "escalation %s", e)
		}
		// As they stand, both sides are right: neither is told to the other.
		_, sides := tracker.Sides{}.Heard(of)
		kept, err := document(sides.Agreed(tracker.News{Field: tracker.FieldPriority, Now: row.Priority}))
		if err != nil {
			return err
		}
		linked, err := q.LinkTicket(ctx, sqlc.LinkTicketParams{
			System: text(string(system)), Ticket: text(of.ID), Key: text(of.Number), Url: text(of.URL), Escalation: number, Sides: kept,
		})
		if err != nil {
			return faulty(err, "link %s to %s", of.Number, e)
		}
		if len(linked) == 0 {
			return fault.New(fault.Conflict, "%s has another ticket in %s", e, system)
		}
		return nil
	})
}

// Ask lets a ticket be made for an escalation, unless it has one there.
func (t TicketLinks) Ask(ctx context.Context, e id.Escalation, system id.TicketSystem) error {
	number, err := numberOf(e)
	if err != nil {
		return err
	}
	return transact(ctx, t.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		if _, err := q.LockEscalation(ctx, number); err != nil { // as in Link
			return found(err, "escalation %s", e)
		}
		return faulty(q.AskTicket(ctx, text(string(system)), number), "ask for a ticket of %s", e)
	})
}

// Found keeps how a ticket is addressed.
func (t TicketLinks) Found(ctx context.Context, link int64, is tracker.Ticket) error {
	return faulty(sqlc.New(t.Pool).TicketFound(ctx, sqlc.TicketFoundParams{Ticket: text(is.ID), Number: text(is.Number), Url: text(is.URL), ID: link}),
		"keep the ticket %s", is.Number)
}

// Noted keeps how far the timeline is written.
func (t TicketLinks) Noted(ctx context.Context, link int64, seq int) error {
	return faulty(sqlc.New(t.Pool).TicketNoted(ctx, int32(seq), link), "note how far a ticket is written")
}

// Alter changes the sides of a ticket, one after the other.
func (t TicketLinks) Alter(ctx context.Context, link int64, change func(service.TicketLink) (tracker.Sides, error)) error {
	err := pgx.BeginFunc(ctx, t.Pool, func(tx pgx.Tx) error {
		q := sqlc.New(tx)
		if err := q.LockLink(ctx, link); err != nil {
			return err
		}
		row, err := q.TicketByID(ctx, link)
		if err != nil {
			return found(err, "ticket %d", link)
		}
		now, err := linkOf(row)
		if err != nil {
			return err
		}
		sides, err := change(now)
		if err != nil {
			return err
		}
		kept, err := document(sides)
		if err != nil {
			return err
		}
		return q.TicketSides(ctx, kept, link)
	})
	return faulty(err, "change how ticket %d stands", link)
}

// Settle ends a turn that went well.
func (t TicketLinks) Settle(ctx context.Context, l service.TicketLink) error {
	return faulty(sqlc.New(t.Pool).SettleTicket(ctx, l.ID, int32(l.Attempts)), "settle the ticket of %s", l.Escalation)
}

// Postpone tries again later.
func (t TicketLinks) Postpone(ctx context.Context, link int64, pause time.Duration, trouble string) error {
	return faulty(sqlc.New(t.Pool).PostponeTicket(ctx, pause, text(trouble), link), "put off ticket %d", link)
}

// Gone gives a ticket up.
func (t TicketLinks) Gone(ctx context.Context, link int64, trouble string) error {
	return faulty(sqlc.New(t.Pool).TicketGone(ctx, text(trouble), link), "give up ticket %d", link)
}

// Failed gives a system a rest.
func (t TicketLinks) Failed(ctx context.Context, system id.TicketSystem, trouble string, pause func(failures int) time.Duration) error {
	err := transact(ctx, t.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		failures, err := q.SystemFailed(ctx, text(string(system)), text(trouble))
		if err != nil {
			return err
		}
		return q.SilenceSystem(ctx, pause(int(failures)), text(string(system)))
	})
	return faulty(err, "note that %s failed", system)
}

// Well ends the rest.
func (t TicketLinks) Well(ctx context.Context, system id.TicketSystem) error {
	return faulty(sqlc.New(t.Pool).SystemWell(ctx, text(string(system))), "note that %s works", system)
}

// Named finds links by the ticket's address, or, of one that is being made, by our correlation.
func (t TicketLinks) Named(ctx context.Context, system id.TicketSystem, ticket, correlation string) ([]service.TicketLink, error) {
	rows, err := sqlc.New(t.Pool).TicketNamed(ctx, text(string(system)), text(ticket), text(correlation))
	if err != nil {
		return nil, faulty(err, "find the escalations of ticket %s of %s", ticket, system)
	}
	links := make([]service.TicketLink, len(rows))
	for n, row := range rows {
		if links[n], err = linkOf(sqlc.TicketByIDRow(row)); err != nil {
			return nil, err
		}
	}
	return links, nil
}

// TakePoll gives the poll of a system to one process.
func (t TicketLinks) TakePoll(ctx context.Context, system id.TicketSystem, every time.Duration) (cursor, now time.Time, mine bool, err error) {
	rows, err := sqlc.New(t.Pool).TakePoll(ctx, text(string(system)), every)
	if err != nil || len(rows) == 0 {
		return cursor, now, false, faulty(err, "take the poll of %s", system)
	}
	return rows[0].CursorAt, rows[0].Now, true, nil
}

// KeepCursor remembers until when everything was heard.
func (t TicketLinks) KeepCursor(ctx context.Context, system id.TicketSystem, cursor time.Time) error {
	return faulty(sqlc.New(t.Pool).KeepCursor(ctx, cursor, text(string(system))), "keep how far %s was heard", system)
}

// Lag tells by system how many tickets are behind, and since when the longest one has not got further.
func (t TicketLinks) Lag(ctx context.Context) (map[id.TicketSystem]service.Waiting, error) {
	rows, err := sqlc.New(t.Pool).TicketLag(ctx)
	if err != nil {
		return nil, faulty(err, "count tickets that are behind")
	}
	lag := map[id.TicketSystem]service.Waiting{}
	for _, row := range rows {
		lag[id.TicketSystem(row.System)] = service.Waiting{What: "notes", Found: int(row.Waiting), Since: row.Since}
	}
	return lag, nil
}

// Forget drops links of escalations that are closed for good, once everything is written.
func (t TicketLinks) Forget(ctx context.Context, age time.Duration, lim int) (int, error) {
	gone, err := sqlc.New(t.Pool).ForgetTickets(ctx, age, int32(lim))
	return int(gone), faulty(err, "forget old tickets")
}

func linkOf(row sqlc.TicketByIDRow) (service.TicketLink, error) {
	l := service.TicketLink{
		ID: row.ID, System: id.TicketSystem(row.System), Escalation: id.OfNumber(row.Escalation), Correlation: row.Correlation,
		Ticket: row.Ticket, Number: row.Number, URL: row.Url, Noted: int(row.Noted), Wanted: int(row.Wanted), Attempts: int(row.Attempts),
		Watched: row.Watched, Phase: escalation.Phase(row.Phase), Owner: id.Person(row.Owner),
	}
	if err := json.Unmarshal(row.Sides, &l.Sides); err != nil {
		return l, fmt.Errorf("read how the ticket of %s stands: %w", l.Escalation, err)
	}
	return l, nil
}
