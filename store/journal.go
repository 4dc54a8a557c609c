package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/store/sqlc"
)

// Journal writes timelines and the rows they lead to.
type Journal struct {
	Pool *pgxpool.Pool
	// Tickets names the systems in which an escalation is to have a ticket; nil: none.
	Tickets func(escalation.Summary) []id.TicketSystem
}

// Write adds the entries that are not there yet and replaces the row by a newer one (Seq, then Looks), in one transaction and
// one round trip. Batches may come twice and in any order. A resolved or closed escalation releases its dedup key.
func (j Journal) Write(ctx context.Context, r contract.Record) error {
	number, err := numberOf(r.Summary.ID)
	if err != nil {
		return err
	}
	err = again(ctx, func() error {
		batch, err := j.writing(number, r)
		if err != nil {
			return err
		}
		return j.Pool.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return faulty(err, "write the timeline of %s", r.Summary.ID)
	}
	// Announced after the commit: PostgreSQL lets one transaction with a notification commit at a time, and recording
	// must not queue behind that. Pages that miss one look again by themselves.
	_ = sqlc.New(j.Pool).Announce(ctx, feedChannel, string(r.Summary.ID))
	return nil
}

// writing queues what Write does. PostgreSQL runs a batch as one transaction.
func (j Journal) writing(number int64, r contract.Record) (*pgx.Batch, error) {
	s := r.Summary
	summary, err := document(s)
	if err != nil {
		return nil, err
	}
	entries, err := document(r.Entries)
	if err != nil {
		return nil, err
	}
	batch := &pgx.Batch{}
	batch.Queue(sqlc.WriteRow, number, int32(s.Seq), int32(s.Looks), string(s.State), text(s.Title), text(string(s.Service)),
		text(string(s.Unit)), text(string(s.Priority)), text(string(s.AcknowledgedBy)), strs(s.Told), s.OpenedAt,
		moment(s.Next.At), summary)
	if s.State == escalation.ResolvedP || s.State == escalation.Closed {
		batch.Queue(sqlc.ReleaseKey, number)
	}
	if len(r.Entries) > 0 {
		batch.Queue(sqlc.WriteEntries, number, entries)
	}
	if j.Tickets != nil {
		if systems := j.Tickets(s); len(systems) > 0 {
			batch.Queue(sqlc.OpenTickets, number, strs(systems))
		}
	}
	batch.Queue(sqlc.WantNotes, int32(s.Seq), number, loud(r.Entries))
	return batch, nil
}

// loud: something was done that those who work on a watched ticket are to read in it.
func loud(entries []escalation.Entry) bool {
	return slices.ContainsFunc(entries, func(e escalation.Entry) bool {
		switch e.Kind {
		case escalation.EntryOpened, escalation.EntryResolved, escalation.EntryReopened, escalation.EntryClosed, escalation.EntryWarning:
			return false // how the ticket stands, they know
		case escalation.EntryTier, escalation.EntrySent, escalation.EntryReceipt, escalation.EntrySkipped, escalation.EntryAcknowledged,
			escalation.EntryEscalated, escalation.EntryReassigned, escalation.EntrySnoozed, escalation.EntryNoted, escalation.EntryPrioritised,
			escalation.EntryRepeated, escalation.EntryOverdue, escalation.EntryThreshold, escalation.EntryVendor, escalation.EntryUnreachable,
			escalation.EntryRefused:
		}
		return true
	})
}

// numberOf is what the tables know an escalation by.
func numberOf(e id.Escalation) (int64, error) {
	number, err := e.Number()
	if err != nil {
		return 0, fault.Wrap(fault.NotFound, err, "escalation %q", string(e))
	}
	return number, nil
}
