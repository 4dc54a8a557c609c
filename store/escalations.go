package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Escalations reads what the recorder wrote.
type Escalations struct {
	Pool *pgxpool.Pool
	Kept *Summaries // what lists in brief need not read again; nil: they read everything
}

// Get returns one escalation.
func (e Escalations) Get(ctx context.Context, which id.Escalation) (service.Escalation, error) {
	number, err := numberOf(which)
	if err != nil {
		return service.Escalation{}, err
	}
	row, err := sqlc.New(e.Pool).GetEscalation(ctx, number)
	if err != nil {
		return service.Escalation{}, found(err, "escalation %s", which)
	}
	return escalationOf(row)
}

// List returns a page. The error is Invalid for a cursor that is not from a page of the same order.
func (e Escalations) List(ctx context.Context, f service.Filter) (service.Page, error) {
	from, err := readCursor(f.Cursor, f.ByNext)
	if err != nil {
		return service.Page{}, err
	}
	most := limit(f.Limit, 50, 200)
	if f.Brief {
		most = limit(f.Limit, 50, 1000)
	}
	q := sqlc.New(unprepared{e.Pool})
	var rows []listed
	if f.ByNext {
		rows, err = listNext(ctx, q, f, from, most+1)
	} else {
		rows, err = listNewest(ctx, q, f, from, most+1)
	}
	if err != nil {
		return service.Page{}, faulty(err, "list escalations")
	}
	further := len(rows) > int(most)
	rows = rows[:min(len(rows), int(most))]
	page := service.Page{Escalations: make([]service.Escalation, len(rows))}
	if f.Brief {
		err = e.brief(ctx, rows, page.Escalations)
	} else {
		for n, row := range rows {
			if page.Escalations[n], err = escalationOf(row.GetEscalationRow); err != nil {
				break
			}
		}
	}
	if err != nil {
		return service.Page{}, err
	}
	if further {
		page.Cursor = cursorAfter(page.Escalations[most-1], f.ByNext)
	}
	return page, nil
}

// listed is one row of a list, with the version of its summary.
type listed struct {
	sqlc.GetEscalationRow
	version
}

// brief completes rows whose summaries were left out: most are as they were the last time.
func (e Escalations) brief(ctx context.Context, rows []listed, into []service.Escalation) error {
	summaries, missing := e.Kept.known(rows)
	if len(missing) > 0 {
		read, err := sqlc.New(e.Pool).Summaries(ctx, missing)
		if err != nil {
			return faulty(err, "read summaries")
		}
		for _, r := range read {
			kept := summarised{version: version{r.Seq, r.Looks}}
			if err := json.Unmarshal(r.Summary, &kept.Summary); err != nil {
				return fmt.Errorf("read escalation %s: %w", id.OfNumber(r.Number), err)
			}
			summaries[r.Number] = kept
			e.Kept.keep(r.Number, kept)
		}
	}
	for n, row := range rows {
		into[n] = service.Escalation{
			Summary: summaries[row.Number].Summary, ServiceName: row.ServiceName, DedupKey: row.DedupKey, Integration: id.Integration(row.Integration),
		}
		into[n].ID = id.OfNumber(row.Number) // also of one that was deleted in this moment
	}
	return nil
}

func listNewest(ctx context.Context, q *sqlc.Queries, f service.Filter, from cursor, most int32) ([]listed, error) {
	found, err := q.ListNewest(ctx, sqlc.ListNewestParams{
		Below: from.Number, States: strs(f.States), Live: live(f.States), Services: strs(f.Services), Units: strs(f.Units),
		Priorities: strs(f.Priorities), Person: text(string(f.Person)), Pattern: pattern(f.Text), Canaries: f.Canaries, Brief: f.Brief, Lim: most,
	})
	rows := make([]listed, len(found))
	for n, r := range found {
		rows[n] = listed{sqlc.GetEscalationRow{
			Number: r.Number, ServiceName: r.ServiceName, DedupKey: r.DedupKey, Integration: r.Integration, Alert: r.Alert, Summary: r.Summary,
		}, version{r.Seq, r.Looks}}
	}
	return rows, err
}

func listNext(ctx context.Context, q *sqlc.Queries, f service.Filter, from cursor, most int32) ([]listed, error) {
	found, err := q.ListNext(ctx, sqlc.ListNextParams{
		AfterAt: from.At, AfterNumber: from.Number, States: strs(f.States), Live: live(f.States), Watching: watching(f.States), Services: strs(f.Services),
		Units: strs(f.Units), Priorities: strs(f.Priorities), Person: text(string(f.Person)), Pattern: pattern(f.Text), Canaries: f.Canaries, Brief: f.Brief, Lim: most,
	})
	rows := make([]listed, len(found))
	for n, r := range found {
		rows[n] = listed{sqlc.GetEscalationRow{
			Number: r.Number, ServiceName: r.ServiceName, DedupKey: r.DedupKey, Integration: r.Integration, Alert: r.Alert, Summary: r.Summary,
		}, version{r.Seq, r.Looks}}
	}
	return rows, err
}

// Timeline returns entries with a number above after, in order. Limit is 1 to 1000; 0 is 200.
func (e Escalations) Timeline(ctx context.Context, which id.Escalation, after, lim int) ([]escalation.Entry, error) {
	number, err := numberOf(which)
	if err != nil {
		return nil, err
	}
	q := sqlc.New(e.Pool)
	rows, err := q.ReadTimeline(ctx, number, int32(min(max(after, 0), math.MaxInt32)), limit(lim, 200, 1000))
	if err != nil {
		return nil, faulty(err, "read the timeline of %s", which)
	}
	if len(rows) == 0 {
		known, err := q.EscalationExists(ctx, number)
		if err != nil {
			return nil, faulty(err, "look for escalation %s", which)
		}
		if !known {
			return nil, fault.New(fault.NotFound, "escalation %s", which)
		}
	}
	entries := make([]escalation.Entry, 0, len(rows))
	for n, r := range rows {
		if int(r.Seq) != after+1+n {
			break // a batch has overtaken another, which is about to be written: whoever follows must not miss it
		}
		entries = append(entries, escalation.Entry{
			Seq: int(r.Seq), At: r.At, Kind: escalation.EntryKind(r.Kind), Actor: r.Actor, Via: r.Via, Key: r.Key, Text: r.Text,
		})
		if err := json.Unmarshal(r.Detail, &entries[n].Detail); err != nil {
			return nil, fmt.Errorf("read entry %d of %s: %w", r.Seq, which, err)
		}
		if len(entries[n].Detail) == 0 {
			entries[n].Detail = nil
		}
	}
	return entries, nil
}

// Heard lists receipts that the ledger has and the timeline not yet, in the order in which they were heard, with the
// numbers that they will most likely have.
func (e Escalations) Heard(ctx context.Context, which id.Escalation) ([]escalation.Entry, error) {
	number, err := numberOf(which)
	if err != nil {
		return nil, err
	}
	rows, err := sqlc.New(e.Pool).UnwrittenReceipts(ctx, number)
	if err != nil {
		return nil, faulty(err, "read the latest receipts of %s", which)
	}
	entries := make([]escalation.Entry, len(rows))
	for n, r := range rows {
		sent := escalation.Entry{Via: r.Via, Key: r.Key}
		if err := json.Unmarshal(r.Detail, &sent.Detail); err != nil {
			return nil, fmt.Errorf("read message %s of %s: %w", r.Key, which, err)
		}
		receipt, err := receiptOf(r.Receipt)
		if err != nil {
			return nil, err
		}
		entries[n] = escalation.Heard(sent, receipt)
		entries[n].Seq, entries[n].Unwritten = int(r.Written)+1+n, true
	}
	return entries, nil
}

// OpenFor lists open and acknowledged escalations this person was told of or owns, newest first.
func (e Escalations) OpenFor(ctx context.Context, p id.Person) ([]escalation.Summary, error) {
	rows, err := sqlc.New(e.Pool).LiveOf(ctx, text(string(p)))
	if err != nil {
		return nil, faulty(err, "list the open escalations of %s", p)
	}
	summaries := make([]escalation.Summary, len(rows))
	for n, raw := range rows {
		if err := json.Unmarshal(raw, &summaries[n]); err != nil {
			return nil, fmt.Errorf("read an escalation of %s: %w", p, err)
		}
	}
	return summaries, nil
}

func escalationOf(r sqlc.GetEscalationRow) (service.Escalation, error) {
	e := service.Escalation{ServiceName: r.ServiceName, DedupKey: r.DedupKey, Integration: id.Integration(r.Integration)}
	if err := json.Unmarshal(r.Summary, &e.Summary); err != nil {
		return e, fmt.Errorf("read escalation %s: %w", id.OfNumber(r.Number), err)
	}
	if r.Alert == nil {
		return e, nil
	}
	if err := json.Unmarshal(r.Alert, &e.Alert); err != nil {
		return e, fmt.Errorf("read the alert of %s: %w", id.OfNumber(r.Number), err)
	}
	return e, nil
}

// live reports whether only open and acknowledged ones are asked for: there is an index of just those.
func live(states []escalation.Phase) bool {
	for _, s := range states {
		if s != escalation.Open && s != escalation.Acked {
			return false
		}
	}
	return len(states) > 0
}

// watching reports whether only watched ones are asked for: there is an index of just those.
func watching(states []escalation.Phase) bool {
	return len(states) == 1 && states[0] == escalation.Watched
}

// pattern finds a text anywhere; empty finds everything.
func pattern(s string) string {
	if s == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text(s)) + "%"
}

// cursor is where the next page begins. It is opaque to callers.
type cursor struct {
	Next   bool       `json:"b,omitempty"` // of a list by next action
	At     *time.Time `json:"a,omitempty"` // nil: after those with a next action
	Number int64      `json:"n"`
}

func cursorAfter(last service.Escalation, byNext bool) string {
	number, _ := last.ID.Number() // it came from the database
	c := cursor{Next: byNext, Number: number}
	if byNext && !last.Next.At.IsZero() {
		at := last.Next.At.Truncate(time.Microsecond) // as the column has it
		c.At = &at
	}
	raw, _ := json.Marshal(c) // of plain values
	return base64.RawURLEncoding.EncodeToString(raw)
}

func readCursor(s string, byNext bool) (cursor, error) {
	if s == "" && !byNext {
		return cursor{Number: math.MaxInt64}, nil
	}
	if s == "" {
		return cursor{Next: true, At: &time.Time{}}, nil
	}
	var c cursor
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || c.Number <= 0 || c.Next != byNext {
		return cursor{}, fault.Field("cursor", "is not one that a list in this order returned")
	}
	return c, nil
}

// unprepared runs queries without a prepared statement, so that PostgreSQL plans them for the values at hand.
type unprepared struct{ *pgxpool.Pool }

// Query is the only one that lists use.
func (u unprepared) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return u.Pool.Query(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}
