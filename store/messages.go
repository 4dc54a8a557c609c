package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Ledger notes messages before they leave, and what the carrier answered.
type Ledger struct{ Pool *pgxpool.Pool }

// Begin notes that a message is about to leave, which was decided then; zero: it leaves whatever was said since. An earlier
// attempt that was answered returns the first receipt; one of which nobody knows the end returns the instant at which it
// began. A page of a run that has fallen silent since it was decided is not noted.
func (l Ledger) Begin(ctx context.Context, m page.Message, workflow string, decided, at time.Time) (contract.Prior, error) {
	kept, err := document(withoutSecrets(m))
	if err != nil {
		return contract.Prior{}, err
	}
	about, decided, err := wantedOf(m, decided)
	if err != nil {
		return contract.Prior{}, err
	}
	var begun int64
	var before sqlc.BegunMessageRow
	known := true
	batch := &pgx.Batch{}
	batch.Queue(sqlc.ShareWorkflow, text(workflow))
	batch.Queue(sqlc.BeginMessage, text(m.Key), text(workflow), kept, at, decided, about).Exec(func(tag pgconn.CommandTag) error {
		begun = tag.RowsAffected()
		return nil
	})
	// In the same breath: where a disk or a lock has used up the time, nobody would hear that the message is not wanted.
	batch.Queue(sqlc.BegunMessage, decided, about, text(m.Key)).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&before.BegunAt, &before.First, &before.Silenced)
		if errors.Is(err, pgx.ErrNoRows) {
			known, err = false, nil
		}
		return err
	})
	if err := l.Pool.SendBatch(ctx, batch).Close(); err != nil {
		return contract.Prior{}, faulty(err, "begin message %s", m.Key)
	}
	switch {
	case begun > 0:
		return contract.Prior{}, nil
	case !known:
		return contract.Prior{Silenced: true}, nil
	}
	if before.First == nil {
		return contract.Prior{Since: before.BegunAt, Silenced: before.Silenced}, nil
	}
	receipt, err := receiptOf(before.First)
	return contract.Prior{Receipt: &receipt}, err
}

// wantedOf is what decides whether a message is still wanted: of which escalation its end must not be accepted, and since when
// its run must not be silent. What informs leaves all the same, and of its pages a digest knows better.
func wantedOf(m page.Message, decided time.Time) (about int64, since time.Time, err error) {
	if m.Purpose != page.Page || decided.IsZero() {
		return 0, never, nil
	}
	about, err = numberOf(m.Brief.Escalation)
	return about, decided, err
}

// Silenced reads whether a message is not wanted any more. Begin says so too, and waits for the disk.
func (l Ledger) Silenced(ctx context.Context, m page.Message, workflow string, decided time.Time) (bool, error) {
	about, since, err := wantedOf(m, decided)
	if err != nil {
		return false, err
	}
	silenced, err := sqlc.New(l.Pool).IsSilenced(ctx, text(workflow), since, about)
	return silenced, faulty(err, "ask whether message %s is wanted", m.Key)
}

// Finish notes the carrier's answer; a second one is kept as later news.
func (l Ledger) Finish(ctx context.Context, r page.Receipt) error {
	receipt, err := document(r)
	if err != nil {
		return err
	}
	err = transact(ctx, l.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		finished, err := q.FinishMessage(ctx, sqlc.FinishMessageParams{
			Receipt: receipt, Provider: text(r.Provider), ProviderID: text(r.ProviderID), Key: text(r.Key),
		})
		if err != nil {
			return err
		}
		if finished == 0 {
			return fault.New(fault.NotFound, "message %q", r.Key)
		}
		_, err = q.NoteReceipt(ctx, noteOf(r, receipt))
		return err
	})
	if err != nil {
		return faulty(err, "finish message %s", r.Key)
	}
	heard(ctx, l.Pool, r)
	return nil
}

// Silence keeps pages of a workflow that were decided before then, and are not noted yet, from leaving. It answers true
// while one that is noted may still be on its way to its carrier.
func (l Ledger) Silence(ctx context.Context, workflow string, since time.Time) (leaving bool, err error) {
	err = transact(ctx, l.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		if err := q.HoldWorkflow(ctx, text(workflow)); err != nil {
			return err
		}
		if err := q.ForgetSilences(ctx, keepSilences); err != nil {
			return err
		}
		if err := q.FallSilent(ctx, text(workflow), since); err != nil {
			return err
		}
		leaving, err = q.LeavingPages(ctx, text(workflow), leavesWithin)
		return err
	})
	return leaving, faulty(err, "silence %s", workflow)
}

// Leaving answers that again.
func (l Ledger) Leaving(ctx context.Context, workflow string) (bool, error) {
	leaving, err := sqlc.New(l.Pool).LeavingPages(ctx, text(workflow), leavesWithin)
	return leaving, faulty(err, "look whether pages of %s are leaving", workflow)
}

// never falls silent what was decided then.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	// keepSilences is longer than a page may be on its way out: attempts end before.
	keepSilences = time.Hour
	// leavesWithin is how long ago a page may have been noted that still waits for its carrier. What is older belongs to a
	// process that has died.
	leavesWithin = 15 * time.Second
)

// heard tells pages that there is news of a message. Those that miss it look again by themselves.
func heard(ctx context.Context, pool *pgxpool.Pool, r page.Receipt) {
	if to, ok := escalation.ReadKey(r.Key); ok {
		_ = sqlc.New(pool).Announce(ctx, feedChannel, string(to.Escalation))
	}
}

// Messages knows every message that was begun.
type Messages struct{ Pool *pgxpool.Pool }

// ByKey finds a message by our key.
func (m Messages) ByKey(ctx context.Context, key string) (service.Sent, error) {
	row, err := sqlc.New(m.Pool).MessageByKey(ctx, text(key))
	if err != nil {
		return service.Sent{}, found(err, "message %q", key)
	}
	return sentOf(row)
}

// ByProvider finds a message by the name that the provider gave it.
func (m Messages) ByProvider(ctx context.Context, provider, providerID string) (service.Sent, error) {
	row, err := sqlc.New(m.Pool).MessageByProvider(ctx, text(provider), text(providerID))
	if err != nil {
		return service.Sent{}, found(err, "message %q of %s", providerID, provider)
	}
	return sentOf(sqlc.MessageByKeyRow(row))
}

// Note keeps a receipt. Two receipts are the same when status, code and the provider's name for the message are.
func (m Messages) Note(ctx context.Context, r page.Receipt) (fresh bool, err error) {
	receipt, err := document(r)
	if err != nil {
		return false, err
	}
	err = transact(ctx, m.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		heard, err := q.HearMessage(ctx, sqlc.HearMessageParams{
			Status: string(r.Status), Receipt: receipt, Provider: text(r.Provider), ProviderID: text(r.ProviderID),
			Key: text(r.Key),
		})
		if err != nil {
			return err
		}
		if heard == 0 {
			return fault.New(fault.NotFound, "message %q", r.Key)
		}
		noted, err := q.NoteReceipt(ctx, noteOf(r, receipt))
		fresh = noted > 0
		return err
	})
	if fresh && err == nil {
		heard(ctx, m.Pool, r)
	}
	return fresh, faulty(err, "note a receipt of message %s", r.Key)
}

// Claim takes messages of which the last that was heard says that they are on their way, for the next of their turns to
// be asked for.
func (m Messages) Claim(ctx context.Context, providers []string, now time.Time, limit int) ([]service.Sent, error) {
	rows, err := sqlc.New(m.Pool).ClaimUnheard(ctx, sqlc.ClaimUnheardParams{
		Providers: providers, Since: now.Add(-time.Hour), Lim: int32(limit),
		Turns: []time.Time{now.Add(-30 * time.Second), now.Add(-2 * time.Minute), now.Add(-10 * time.Minute), now.Add(-30 * time.Minute)},
	})
	if err != nil {
		return nil, faulty(err, "claim messages without news")
	}
	claimed := make([]service.Sent, 0, len(rows))
	for _, row := range rows {
		sent, err := sentOf(sqlc.MessageByKeyRow{Workflow: row.Workflow, Message: row.Message, BegunAt: row.BegunAt, Last: row.Last})
		if err != nil {
			return claimed, err
		}
		sent.Last.Provider, sent.Last.ProviderID = row.Provider, row.ProviderID
		claimed = append(claimed, sent)
	}
	return claimed, nil
}

// withoutSecrets leaves out the signed link, with which anybody could answer.
func withoutSecrets(m page.Message) page.Message {
	if m.Link != "" {
		m.Subject = strings.ReplaceAll(m.Subject, m.Link, "[link]")
		m.Body = strings.ReplaceAll(m.Body, m.Link, "[link]")
		m.Link = ""
	}
	return m
}

func noteOf(r page.Receipt, receipt []byte) sqlc.NoteReceiptParams {
	return sqlc.NoteReceiptParams{
		Message: text(r.Key), Status: string(r.Status), Code: text(r.Code), ProviderID: text(r.ProviderID), Receipt: receipt,
	}
}

func sentOf(row sqlc.MessageByKeyRow) (service.Sent, error) {
	sent := service.Sent{Workflow: row.Workflow, At: row.BegunAt}
	if err := json.Unmarshal(row.Message, &sent.Message); err != nil {
		return sent, fmt.Errorf("read a message of %s: %w", row.Workflow, err)
	}
	if row.Last == nil {
		return sent, nil
	}
	var err error
	sent.Last, err = receiptOf(row.Last)
	return sent, err
}

func receiptOf(raw []byte) (page.Receipt, error) {
	var r page.Receipt
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("read a receipt: %w", err)
	}
	return r, nil
}
