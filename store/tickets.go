package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Tickets keeps tickets of other systems and every version of them.
type Tickets struct{ Pool *pgxpool.Pool }

// Observe is described at service.TicketStore.
func (t Tickets) Observe(ctx context.Context, o service.Observation, watch func(id.Escalation, ticket.Ticket) (*contract.Start, error)) (service.Observed, error) {
	var got service.Observed
	for {
		err := transact(ctx, t.Pool, func(_ pgx.Tx, q *sqlc.Queries) (err error) {
			got, err = (&notebook{q: q, o: o, watch: watch}).observe(ctx)
			return err
		})
		if errors.Is(err, errTaken) {
			continue // a plain Temporal client took the number
		}
		return got, faulty(err, "keep ticket %s", o.Ticket.Ref)
	}
}

// notebook is one observation being taken.
type notebook struct {
	q     *sqlc.Queries
	o     service.Observation
	watch func(id.Escalation, ticket.Ticket) (*contract.Start, error)
	got   service.Observed

	before   sqlc.TicketForUpdateRow
	held     *int64 // the escalation that watches it
	priority string // of that
	revision string
}

func (n *notebook) observe(ctx context.Context) (service.Observed, error) {
	o := n.o
	n.got.Ticket = o.Ticket.Ref
	if o.Key != "" {
		fresh, err := n.q.TakeDelivery(ctx, sqlc.TakeDeliveryParams{Source: text(o.Source), Delivery: text(o.Key), System: text(o.Ticket.System), Key: text(o.Ticket.Key)})
		if err != nil {
			return n.got, err
		}
		if fresh == 0 {
			return n.known(ctx)
		}
	}
	if err := n.q.LockTicket(ctx, text(o.Ticket.System), text(o.Ticket.Key)); err != nil {
		return n.got, err
	}
	row, err := n.q.TicketForUpdate(ctx, text(o.Ticket.System), text(o.Ticket.Key))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return n.got, err
	default:
		var last ticket.Ticket
		if err := json.Unmarshal(row.Ticket, &last); err != nil {
			return n.got, fmt.Errorf("read ticket %s: %w", o.Ticket.Ref, err)
		}
		n.before, n.held, n.revision = row, row.Escalation, row.Revision
		n.got.Changed = ticket.Differences(last, o.Ticket)
		n.got.Stale = n.older() && len(n.got.Changed) > 0
	}
	n.got.Version = int(n.before.Version)
	n.got.Escalation = watcherOf(n.held)
	if n.got.Stale {
		n.got.Changed = nil
	}
	if err := n.keep(ctx); err != nil {
		return n.got, err
	}
	if o.Key != "" {
		return n.got, n.q.NoteDelivery(ctx, int32(n.got.Version), text(o.Source), text(o.Key))
	}
	return n.got, nil
}

// older: the count of changes in its system says so, else its instants.
func (n *notebook) older() bool {
	if n.o.Counter > 0 && n.before.Counter > 0 {
		return n.o.Counter < n.before.Counter
	}
	return n.o.At.Before(n.before.ChangedAt)
}

// known answers a delivery that was taken before.
func (n *notebook) known(ctx context.Context) (service.Observed, error) {
	row, err := n.q.KnownDelivery(ctx, text(n.o.Source), text(n.o.Key))
	if err != nil {
		return n.got, err
	}
	return service.Observed{Ticket: ticket.Ref{System: row.System, Key: row.Key}, Version: int(row.Version),
		Escalation: watcherOf(row.Escalation), Known: true}, nil
}

// keep writes a new version and tells whoever watches, or lets somebody begin to.
func (n *notebook) keep(ctx context.Context) error {
	first, changed := n.before.Version == 0, len(n.got.Changed) > 0
	if !first && !changed && (n.held != nil || n.got.Stale) {
		return n.count(ctx)
	}
	if first || changed {
		n.got.Version++
	}
	state := ""
	if n.held != nil {
		row, err := n.q.LockEscalation(ctx, *n.held)
		if err != nil {
			return err
		}
		n.priority = row.Priority
		if state = row.State; state != string(escalation.Closed) {
			if err := n.tell(ctx, *n.held, row.Priority); err != nil {
				return err
			}
		}
	}
	var begins *contract.Start
	if n.held == nil || state == string(escalation.Closed) {
		number, err := n.next(ctx)
		if err != nil {
			return err
		}
		if begins, err = n.watch(id.OfNumber(number), n.o.Ticket); err != nil {
			return err
		}
		if begins != nil {
			n.held, n.revision = &number, string(begins.Opening.Plan.Revision)
			if err := n.begin(ctx, number, *begins); err != nil {
				return err
			}
		}
	}
	n.got.Escalation = watcherOf(n.held)
	if err := n.put(ctx, first || changed); err != nil {
		return err
	}
	if n.held == nil || !first && !changed && begins == nil {
		return nil
	}
	rows, err := n.q.ErrandsOf(ctx, []int64{*n.held})
	if err != nil {
		return err
	}
	n.got.Errands, _ = errandsOf(rows) // what cannot be read is complained of by the relay
	return nil
}

func (n *notebook) next(ctx context.Context) (int64, error) {
	numbers, err := n.q.NextNumbers(ctx, 1)
	if err != nil {
		return 0, err
	}
	return numbers[0], nil
}

func (n *notebook) begin(ctx context.Context, number int64, start contract.Start) error {
	row, err := opening(number, service.Incoming{Service: n.o.Ticket.Service}, start)
	if err != nil {
		return err
	}
	n.priority = row.Priority
	inserted, err := n.q.OpenEscalation(ctx, row)
	switch {
	case err != nil:
		return err
	case inserted == 0:
		return errTaken
	}
	return n.q.AddErrand(ctx, sqlc.AddErrandParams{Escalation: number, Kind: kindOpen, Rank: int16(org.Priority(row.Priority).Rank())})
}

func (n *notebook) tell(ctx context.Context, number int64, priority string) error {
	payload, err := document(contract.TicketChanged{Key: fmt.Sprintf("ticket/%s/%d", n.o.Ticket.Ref, n.got.Version), Version: n.got.Version})
	if err != nil {
		return err
	}
	return n.q.AddErrand(ctx, sqlc.AddErrandParams{Escalation: number, Kind: kindTicket, Payload: payload, Rank: int16(org.Priority(priority).Rank())})
}

func (n *notebook) put(ctx context.Context, version bool) error {
	snapshot, err := document(n.o.Ticket)
	if err != nil {
		return err
	}
	at := n.o.At
	if at.Before(n.before.ChangedAt) {
		at = n.before.ChangedAt
	}
	ref := n.o.Ticket.Ref
	err = n.q.PutTicket(ctx, sqlc.PutTicketParams{
		System: text(ref.System), Key: text(ref.Key), Version: int32(n.got.Version), Ticket: snapshot, State: string(n.o.Ticket.State),
		Service: text(string(n.o.Ticket.Service)), ChangedAt: at, Escalation: n.held, Revision: n.revision, Counter: n.o.Counter,
	})
	if err != nil {
		return err
	}
	if err := n.join(ctx); err != nil || !version {
		return err
	}
	return n.q.AddTicketVersion(ctx, sqlc.AddTicketVersionParams{
		System: text(ref.System), Key: text(ref.Key), Version: int32(n.got.Version), At: at, Ticket: snapshot,
	})
}

// join lets the escalation that watches the ticket write into it. The escalation is new, or its row is locked.
func (n *notebook) join(ctx context.Context) error {
	if n.held == nil || n.o.There == nil {
		return nil
	}
	there := n.o.There
	sides, err := document(there.Sides.Agreed(tracker.News{Field: tracker.FieldPriority, Now: n.priority}))
	if err != nil {
		return err
	}
	return n.q.WatchTicket(ctx, sqlc.WatchTicketParams{System: text(string(there.System)), Ticket: text(there.ID), Key: text(there.Number), Url: text(there.URL),
		Sides: sides, Escalation: *n.held})
}

// count remembers how often the ticket was changed although nothing of it that we know was.
func (n *notebook) count(ctx context.Context) error {
	if n.o.Counter <= n.before.Counter {
		return nil
	}
	return n.q.CountTicket(ctx, n.o.Counter, text(n.o.Ticket.System), text(n.o.Ticket.Key))
}

func watcherOf(number *int64) id.Escalation {
	if number == nil {
		return ""
	}
	return id.OfNumber(*number)
}

// Get finds one ticket.
func (t Tickets) Get(ctx context.Context, r ticket.Ref) (service.Watched, error) {
	row, err := sqlc.New(t.Pool).GetTicket(ctx, text(r.System), text(r.Key))
	if err != nil {
		return service.Watched{}, found(err, "ticket %s", r)
	}
	return watchedOf(sqlc.ListTicketsRow(row))
}

// Of finds the ticket that an escalation watches.
func (t Tickets) Of(ctx context.Context, e id.Escalation) (ticket.Ref, error) {
	number, err := numberOf(e)
	if err != nil {
		return ticket.Ref{}, err
	}
	row, err := sqlc.New(t.Pool).TicketOf(ctx, &number)
	if err != nil {
		return ticket.Ref{}, found(err, "a ticket that %s watches", e)
	}
	return ticket.Ref{System: row.System, Key: row.Key}, nil
}

func watchedOf(r sqlc.ListTicketsRow) (service.Watched, error) {
	w := service.Watched{Version: int(r.Version), ChangedAt: r.ChangedAt, ObservedAt: r.ObservedAt,
		Escalation: watcherOf(r.Escalation), Revision: id.Revision(r.Revision)}
	if err := json.Unmarshal(r.Ticket, &w.Ticket); err != nil {
		return w, fmt.Errorf("read ticket %s/%s: %w", r.System, r.Key, err)
	}
	if r.Summary != nil {
		w.Summary = &escalation.Summary{}
		if err := json.Unmarshal(r.Summary, w.Summary); err != nil {
			return w, fmt.Errorf("read the escalation of ticket %s/%s: %w", r.System, r.Key, err)
		}
	}
	return w, nil
}

// History is every version of a ticket, oldest first.
func (t Tickets) History(ctx context.Context, r ticket.Ref) (ticket.History, error) {
	rows, err := sqlc.New(t.Pool).TicketHistory(ctx, text(r.System), text(r.Key))
	if err != nil {
		return nil, faulty(err, "read the history of ticket %s", r)
	}
	h := make(ticket.History, len(rows))
	for n, row := range rows {
		h[n].At = row.At
		if err := json.Unmarshal(row.Ticket, &h[n].Ticket); err != nil {
			return nil, fmt.Errorf("read version %d of ticket %s: %w", row.Version, r, err)
		}
	}
	return h, nil
}

// List is described at service.TicketFilter.
func (t Tickets) List(ctx context.Context, f service.TicketFilter) ([]service.Watched, error) {
	p := sqlc.ListTicketsParams{AfterSystem: text(f.After.System), AfterKey: text(f.After.Key), States: strs(f.States), Services: strs(f.Services),
		Watched: f.Watched, Lim: limit(f.Limit, 50, 500)}
	if !f.Since.IsZero() {
		p.Since = &f.Since
	}
	rows, err := sqlc.New(t.Pool).ListTickets(ctx, p)
	if err != nil {
		return nil, faulty(err, "list tickets")
	}
	list := make([]service.Watched, len(rows))
	for n, row := range rows {
		if list[n], err = watchedOf(row); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Recalculate is described at service.TicketStore.
func (t Tickets) Recalculate(ctx context.Context, to id.Revision, moves []service.Move, by contract.TicketChanged, deed service.Deed) (errands []service.Errand, left []ticket.Ref, err error) {
	err = transact(ctx, t.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		errands, left = nil, nil
		var numbers []int64
		seen := map[ticket.Ref]bool{}
		for _, m := range sortedMoves(moves) {
			if seen[m.Ticket] {
				continue
			}
			seen[m.Ticket] = true
			number, err := numberOf(m.Escalation)
			if err != nil {
				return err
			}
			if err := q.LockTicket(ctx, text(m.Ticket.System), text(m.Ticket.Key)); err != nil {
				return err
			}
			moved, err := q.MoveRevision(ctx, sqlc.MoveRevisionParams{Revision: string(to), System: text(m.Ticket.System), Key: text(m.Ticket.Key),
				Before: string(m.Revision), Version: int32(m.Version)})
			if err != nil {
				return err
			}
			if moved == 0 {
				left = append(left, m.Ticket)
				continue
			}
			row, err := q.LockEscalation(ctx, number)
			if err != nil {
				return err
			}
			payload, err := document(by)
			if err != nil {
				return err
			}
			if err := q.AddErrand(ctx, sqlc.AddErrandParams{Escalation: number, Kind: kindTicket, Payload: payload, Rank: int16(org.Priority(row.Priority).Rank())}); err != nil {
				return err
			}
			numbers = append(numbers, number)
		}
		if err := record(ctx, q, deed, ""); err != nil {
			return err
		}
		if len(numbers) == 0 {
			return nil
		}
		rows, err := q.ErrandsOf(ctx, numbers)
		if err != nil {
			return err
		}
		errands, _ = errandsOf(rows)
		return nil
	})
	return errands, left, faulty(err, "recalculate %d clocks", len(moves))
}

// sortedMoves locks in the same order as everybody else who locks several.
func sortedMoves(moves []service.Move) []service.Move {
	list := slices.Clone(moves)
	slices.SortStableFunc(list, func(a, b service.Move) int {
		return cmp.Or(cmp.Compare(a.Ticket.System, b.Ticket.System), cmp.Compare(a.Ticket.Key, b.Ticket.Key))
	})
	return list
}
