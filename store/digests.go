package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/surge"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Digests keeps pages that wait to leave together. Instants are the database's: the clocks of processes may differ.
type Digests struct{ Pool *pgxpool.Pool }

// firstPageWithin is how far apart the first pages of an escalation may be decided.
const firstPageWithin = 30 * time.Second

// Gather decides under the lock of the way.
func (d Digests) Gather(ctx context.Context, g service.Gathered, rules surge.Rules) (alone bool, err error) {
	number, err := numberOf(g.Brief.Escalation)
	if err != nil {
		return false, err
	}
	person, method := text(string(g.Person)), text(string(g.Method))
	err = transact(ctx, d.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		row, err := q.LockWay(ctx, person, method)
		if err != nil {
			return err
		}
		if known, err := q.IsGathered(ctx, text(g.Key)); err != nil || known {
			alone = false
			return err
		}
		way, digest, err := wayOf(ctx, q, row.Passed, person, method)
		if err != nil {
			return err
		}
		p := surge.Page{Key: g.Key, At: row.Now, Arose: g.AroseAt, Priority: g.Brief.Priority}
		if g.Late {
			before, err := q.ToldBefore(ctx, number, g.DecidedAt.Add(-firstPageWithin))
			if err != nil {
				return err
			}
			p.Late = !before
		}
		v := rules.Decide(way, p)
		if alone = v.Alone; alone {
			return pass(ctx, q, person, method, rules, way.Passed, surge.Passed{Key: g.Key, At: row.Now, Urgent: p.Priority == org.P1})
		}
		return keep(ctx, q, g, number, digest, v)
	})
	return alone, faulty(err, "gather page %s", g.Key)
}

func wayOf(ctx context.Context, q *sqlc.Queries, passed []byte, person, method string) (w surge.Way, digest int64, err error) {
	if err := json.Unmarshal(passed, &w.Passed); err != nil {
		return w, 0, fmt.Errorf("read what left by %s of %s: %w", method, person, err)
	}
	row, err := q.GatheringOf(ctx, person, method)
	if errors.Is(err, pgx.ErrNoRows) {
		return w, 0, nil
	}
	w.Gathering = &surge.Gathering{Since: row.Since, Newest: row.Newest, Urgent: instant(row.Urgent), News: instant(row.News), Late: row.Late, Pages: int(row.Pages), P1s: int(row.P1s)}
	return w, row.ID, err
}

// pass notes what leaves. A page that is tried again has left once.
func pass(ctx context.Context, q *sqlc.Queries, person, method string, rules surge.Rules, before []surge.Passed, m surge.Passed) error {
	for _, earlier := range before {
		if earlier.Key == m.Key {
			return nil
		}
	}
	passed, err := document(rules.Pass(before, m))
	if err != nil {
		return err
	}
	return q.NotePassed(ctx, passed, person, method)
}

func keep(ctx context.Context, q *sqlc.Queries, g service.Gathered, number, digest int64, v surge.Verdict) (err error) {
	if digest == 0 {
		digest, err = q.BeginDigest(ctx, sqlc.BeginDigestParams{
			Person: text(string(g.Person)), Method: text(string(g.Method)), Since: v.Gathering.Since, Newest: v.Gathering.Newest,
			Urgent: moment(v.Gathering.Urgent), News: moment(v.Gathering.News), Late: v.Gathering.Late, DueAt: v.Due,
		})
	} else {
		err = q.GrowDigest(ctx, sqlc.GrowDigestParams{
			Newest: v.Gathering.Newest, Urgent: moment(v.Gathering.Urgent), News: moment(v.Gathering.News), Late: v.Gathering.Late, DueAt: v.Due, ID: digest,
		})
	}
	if err != nil {
		return err
	}
	brief, err := document(g.Brief)
	if err != nil {
		return err
	}
	return q.AddGathered(ctx, sqlc.AddGatheredParams{
		Key: text(g.Key), Digest: digest, Workflow: text(g.Workflow), Escalation: number, Brief: brief, DecidedAt: g.DecidedAt,
	})
}

// Waits tells whether a page was gathered.
func (d Digests) Waits(ctx context.Context, key string) (bool, error) {
	known, err := sqlc.New(d.Pool).IsGathered(ctx, text(key))
	return known, faulty(err, "look for the gathered page %s", key)
}

// Claim freezes what is due and counts it among what has left by its way.
func (d Digests) Claim(ctx context.Context, lease time.Duration, lim int, rules surge.Rules) (claimed []service.Digest, err error) {
	err = transact(ctx, d.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		claimed = nil
		rows, err := q.ClaimDigests(ctx, lease, int32(lim))
		if err != nil {
			return err
		}
		for _, row := range rows {
			g := service.Digest{
				ID: row.ID, Person: id.Person(row.Person), Method: id.Method(row.Method), FrozenAt: instant(row.FrozenAt), Attempts: int(row.Attempts),
			}
			claimed = append(claimed, g)
			if g.Attempts > 1 {
				continue
			}
			way, err := q.LockWay(ctx, row.Person, row.Method)
			if err != nil {
				return err
			}
			var before []surge.Passed
			if err := json.Unmarshal(way.Passed, &before); err != nil {
				return fmt.Errorf("read what left by %s of %s: %w", row.Method, row.Person, err)
			}
			if err := pass(ctx, q, row.Person, row.Method, rules, before, surge.Passed{Key: g.Key(), At: g.FrozenAt, Digest: true, Urgent: row.Urgent != nil}); err != nil {
				return err
			}
		}
		return nil
	})
	return claimed, faulty(err, "claim the digests that are due")
}

// Members of digests, in the order in which they were decided.
func (d Digests) Members(ctx context.Context, digests ...int64) (map[int64][]service.Member, error) {
	rows, err := sqlc.New(d.Pool).MembersOf(ctx, digests)
	if err != nil {
		return nil, faulty(err, "read the pages of digests")
	}
	members := map[int64][]service.Member{}
	for _, row := range rows {
		m := service.Member{Gathered: service.Gathered{Key: row.Key, Workflow: row.Workflow, DecidedAt: row.DecidedAt}, Answered: row.AnsweredAt != nil || row.Ended}
		if err := json.Unmarshal(row.Brief, &m.Brief); err != nil {
			return nil, fmt.Errorf("read the page %s: %w", row.Key, err)
		}
		if row.Summary != nil {
			m.Row = &escalation.Summary{}
			if err := json.Unmarshal(row.Summary, m.Row); err != nil {
				return nil, fmt.Errorf("read the row of %s: %w", row.Workflow, err)
			}
		}
		members[row.Digest] = append(members[row.Digest], m)
	}
	return members, nil
}

// Drop leaves pages out.
func (d Digests) Drop(ctx context.Context, digest int64, keys ...string) error {
	return faulty(sqlc.New(d.Pool).DropGathered(ctx, digest, strs(keys)), "leave pages out of digest %d", digest)
}

// End notes what became of a digest. Ending twice is ending once.
func (d Digests) End(ctx context.Context, g service.Digest, r *page.Receipt, after time.Duration) error {
	var receipt []byte
	class := ""
	if r != nil {
		var err error
		if receipt, err = document(*r); err != nil {
			return err
		}
		class = string(r.Class)
	}
	err := transact(ctx, d.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		ended, err := q.EndDigest(ctx, class, receipt, g.ID)
		if err != nil || ended == 0 {
			return err
		}
		if r == nil {
			if err := q.UnpassDigest(ctx, text(g.Key()), text(string(g.Person)), text(string(g.Method))); err != nil {
				return err
			}
		}
		return q.TellGathered(ctx, inTurn(page.Class(class), after), g.ID)
	})
	return faulty(err, "end digest %d", g.ID)
}

// inTurn lets failures go before successes that have waited longer: a ladder that moves on is in a hurry, and after a storm
// there may be thousands of successes to tell.
func inTurn(class page.Class, after time.Duration) time.Duration {
	switch class {
	case page.Dead, page.Transient, page.Barred:
		return -time.Hour
	case page.Pending, page.Arrived:
	}
	return after
}

// Postpone tries again later.
func (d Digests) Postpone(ctx context.Context, digest int64, pause time.Duration) error {
	return faulty(sqlc.New(d.Pool).PostponeDigest(ctx, pause, digest), "put off digest %d", digest)
}

// Forget is described at service.DigestBook.
func (d Digests) Forget(ctx context.Context, keep time.Duration, limit int) (int, error) {
	gone, err := sqlc.New(d.Pool).ForgetDigests(ctx, int32(limit), keep)
	return int(gone), faulty(err, "forget digests that ended long ago")
}

// Withdraw marks the pages of a workflow as answered.
func (d Digests) Withdraw(ctx context.Context, workflow string) (bool, error) {
	if err := sqlc.New(d.Pool).WithdrawGathered(ctx, text(workflow)); err != nil {
		return false, faulty(err, "withdraw the gathered pages of %s", workflow)
	}
	return d.Leaving(ctx, workflow)
}

// Retract marks one page as told already.
func (d Digests) Retract(ctx context.Context, key string) error {
	return faulty(sqlc.New(d.Pool).RetractGathered(ctx, text(key)), "retract the page %s", key)
}

// Leaving tells whether a page of a workflow is on its way out.
func (d Digests) Leaving(ctx context.Context, workflow string) (bool, error) {
	leaving, err := sqlc.New(d.Pool).IsLeaving(ctx, text(workflow))
	return leaving, faulty(err, "look whether pages of %s are leaving", workflow)
}

// Untold takes news for workflows.
func (d Digests) Untold(ctx context.Context, lease time.Duration, lim int) ([]service.Untold, error) {
	rows, err := sqlc.New(d.Pool).TakeUntold(ctx, lease, int32(lim))
	if err != nil {
		return nil, faulty(err, "read what became of gathered pages")
	}
	news := make([]service.Untold, 0, len(rows))
	for _, row := range rows {
		n := service.Untold{
			Key: row.Key, Workflow: row.Workflow, Digest: service.Digest{ID: row.Digest, Person: id.Person(row.Person), Method: id.Method(row.Method)},
			Dropped: row.DroppedAt != nil || row.Receipt == nil,
		}
		if row.Receipt != nil {
			if n.Receipt, err = receiptOf(row.Receipt); err != nil {
				return nil, err
			}
		}
		news = append(news, n)
	}
	return news, nil
}

// Told strikes news off.
func (d Digests) Told(ctx context.Context, key string) error {
	return faulty(sqlc.New(d.Pool).ToldGathered(ctx, text(key)), "note that %s was told", key)
}

// Hear keeps a later report. Only an end is worth telling: each costs every workflow some history.
func (d Digests) Hear(ctx context.Context, digest int64, r page.Receipt) error {
	receipt, err := document(r)
	if err != nil {
		return err
	}
	err = transact(ctx, d.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		heard, err := q.HearDigest(ctx, string(r.Class), receipt, digest)
		if err != nil || heard == 0 || r.Class == page.Pending {
			return err
		}
		return q.TellGathered(ctx, inTurn(r.Class, 0), digest)
	})
	return faulty(err, "hear what became of digest %d", digest)
}

// Last is the newest digest that left for a person.
func (d Digests) Last(ctx context.Context, p id.Person, since time.Time) (int64, error) {
	digest, err := sqlc.New(d.Pool).LastDigest(ctx, text(string(p)), since)
	if err != nil {
		return 0, found(err, "digest for %s", p)
	}
	return digest, nil
}

// Person whom a digest is for.
func (d Digests) Person(ctx context.Context, digest int64) (id.Person, error) {
	person, err := sqlc.New(d.Pool).DigestPerson(ctx, digest)
	if err != nil {
		return "", found(err, "digest %d", digest)
	}
	return id.Person(person), nil
}
