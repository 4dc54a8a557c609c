package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
	"github.com/belayhq/belay/store/sqlc"
)

// shelf writes escalations and lists them.
type shelf struct {
	t      testing.TB
	reader store.Escalations
}

func newShelf(t testing.TB) shelf {
	return shelf{t: t, reader: store.Escalations{Pool: pgtest.Pool(t)}}
}

func (s shelf) puts(e id.Escalation, change func(*escalation.Summary)) {
	s.t.Helper()
	row := summary(e, 1, escalation.Open)
	change(&row)
	require.NoError(s.t, store.Journal{Pool: s.reader.Pool}.Write(context.Background(), contract.Record{Summary: row}))
}

// lists walks all pages.
func (s shelf) lists(f service.Filter) string {
	s.t.Helper()
	var ids []string
	for range 50 {
		page, err := s.reader.List(context.Background(), f)
		require.NoError(s.t, err)
		for _, e := range page.Escalations {
			ids = append(ids, string(e.ID))
		}
		if page.Cursor == "" {
			return strings.Join(ids, " ")
		}
		f.Cursor = page.Cursor
	}
	s.t.Fatal("a list without end")
	return ""
}

// A page that shows what was, while somebody has it already, wakes a second person.
func TestAListInBriefShowsEveryChangeAtOnce(t *testing.T) {
	s := newShelf(t)
	s.reader.Kept = &store.Summaries{}
	journal, ctx := store.Journal{Pool: s.reader.Pool}, t.Context()
	all := service.Filter{Brief: true, Limit: 1000}
	owners := func() (owners []string) {
		page, err := s.reader.List(ctx, all)
		require.NoError(t, err)
		full, err := s.reader.List(ctx, service.Filter{})
		require.NoError(t, err)
		require.Len(t, page.Escalations, len(full.Escalations))
		for n, e := range page.Escalations {
			require.Equal(t, full.Escalations[n].Summary, e.Summary, "as a list in full has it")
			owners = append(owners, string(e.ID)+" "+string(e.AcknowledgedBy))
		}
		return owners
	}
	s.puts("E-1", func(*escalation.Summary) {})
	s.puts("E-2", func(*escalation.Summary) {})
	for range 2 {
		require.Equal(t, []string{"E-2 ", "E-1 "}, owners())
	}
	row := summary("E-1", 2, escalation.Acked)
	row.AcknowledgedBy = "ana"
	require.NoError(t, journal.Write(ctx, contract.Record{Summary: row}))
	require.Equal(t, []string{"E-2 ", "E-1 ana"}, owners())
	row.Looks, row.Next.Target = 1, "ben" // shown again without an entry
	require.NoError(t, journal.Write(ctx, contract.Record{Summary: row}))
	require.Equal(t, []string{"E-2 ", "E-1 ana"}, owners())
	_, err := s.reader.Pool.Exec(ctx, "delete from escalations where number = 2")
	require.NoError(t, err)
	require.Equal(t, []string{"E-1 ana"}, owners())
}

func TestListsFilterAndTurnPages(t *testing.T) {
	s := newShelf(t)
	next := func(minutes int, nanos int) time.Time {
		return noon.Add(time.Duration(minutes)*time.Minute + time.Duration(nanos))
	}
	s.puts("E-1", func(r *escalation.Summary) { r.State, r.Next = escalation.Closed, escalation.Next{Action: "none"} })
	s.puts("E-2", func(r *escalation.Summary) { r.Next.At, r.Service, r.Unit = next(5, 999), "shop", "apac" })
	s.puts("E-3", func(r *escalation.Summary) {
		r.State, r.AcknowledgedBy, r.Next.At = escalation.Acked, "ben", next(5, 1)
	})
	s.puts("E-4", func(r *escalation.Summary) {
		r.Title, r.Priority, r.Next.At = "100% of C:\\x_y is full", "P2", next(1, 0)
	})
	s.puts("E-5", func(r *escalation.Summary) { r.State, r.Told, r.Next = escalation.ResolvedP, nil, escalation.Next{} })

	for name, scene := range map[string]struct {
		filter service.Filter
		want   string
	}{
		"all, newest first":    {service.Filter{}, "E-5 E-4 E-3 E-2 E-1"},
		"open":                 {service.Filter{States: []escalation.Phase{escalation.Open}}, "E-4 E-2"},
		"live":                 {service.Filter{States: []escalation.Phase{escalation.Open, escalation.Acked}}, "E-4 E-3 E-2"},
		"over":                 {service.Filter{States: []escalation.Phase{escalation.Closed, escalation.ResolvedP}}, "E-5 E-1"},
		"of a service":         {service.Filter{Services: []id.Service{"shop", "none"}}, "E-2"},
		"of a unit":            {service.Filter{Units: []id.Unit{"apac"}}, "E-2"},
		"of a priority":        {service.Filter{Priorities: []org.Priority{"P2"}}, "E-4"},
		"owner":                {service.Filter{Person: "ben"}, "E-3"},
		"told":                 {service.Filter{Person: "ana"}, "E-4 E-3 E-2 E-1"},
		"text, any case":       {service.Filter{Text: "DISK"}, "E-5 E-3 E-2 E-1"},
		"text, literal":        {service.Filter{Text: `100% of c:\x_`}, "E-4"},
		"text, no wildcard":    {service.Filter{Text: "x%y"}, ""},
		"by next action":       {service.Filter{ByNext: true}, "E-4 E-2 E-3 E-1 E-5"},
		"live, by next action": {service.Filter{ByNext: true, States: []escalation.Phase{escalation.Open, escalation.Acked}}, "E-4 E-2 E-3"},
		"hostile":              {service.Filter{Text: "\x00\xff'", Person: "\x00", Services: []id.Service{"\x00"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := shelf{t: t, reader: s.reader}
			for _, pageSize := range []int{0, 1, 2, 500} {
				scene.filter.Limit = pageSize
				require.Equal(t, scene.want, s.lists(scene.filter))
			}
		})
	}
}

func TestACursorOfSomethingElseIsRefused(t *testing.T) {
	s := newShelf(t)
	s.puts("E-1", func(*escalation.Summary) {})
	s.puts("E-2", func(*escalation.Summary) {})
	page, err := s.reader.List(context.Background(), service.Filter{Limit: 1})
	require.NoError(t, err)
	require.NotEmpty(t, page.Cursor)
	for _, f := range []service.Filter{
		{Cursor: "x"}, {Cursor: "bnVsbA"}, {Cursor: "e30"}, {Cursor: strings.Repeat("A", 10_000)}, {Cursor: page.Cursor, ByNext: true},
	} {
		_, err := s.reader.List(context.Background(), f)
		require.True(t, fault.Is(err, fault.Invalid), f.Cursor)
	}
}

func TestOpenForIsWhatAPersonCanAnswer(t *testing.T) {
	s := newShelf(t)
	s.puts("E-1", func(*escalation.Summary) {})
	s.puts("E-2", func(r *escalation.Summary) { r.State = escalation.ResolvedP })
	s.puts("E-3", func(r *escalation.Summary) { r.Told = nil })
	s.puts("E-4", func(r *escalation.Summary) { r.Told, r.AcknowledgedBy, r.State = nil, "ana", escalation.Acked })
	open, err := s.reader.OpenFor(context.Background(), "ana")
	require.NoError(t, err)
	require.Len(t, open, 2)
	require.Equal(t, id.Escalation("E-4"), open[0].ID)
	require.Equal(t, id.Escalation("E-1"), open[1].ID)
}

func TestAFewLiveOnesAreFoundAmongManyClosed(t *testing.T) {
	s := newShelf(t)
	ctx := context.Background()
	s.puts("E-1", func(*escalation.Summary) {})
	_, err := s.reader.Pool.Exec(ctx, `
		insert into escalations (number, state, title, service, unit, priority, opened_at, summary)
		select n, 'closed', 'old', 'payments', 'emea', 'P3', now(), '{}' from generate_series(2, 20000) n;
		analyze escalations;`)
	require.NoError(t, err)
	// Lists that must read everything make PostgreSQL settle on one plan for all lists, if they share a prepared statement.
	for range 10 {
		require.Empty(t, s.lists(service.Filter{Text: "no such thing"}))
		require.Empty(t, s.lists(service.Filter{Text: "no such thing", ByNext: true}))
	}
	for _, forget := range []string{"select pg_stat_force_next_flush()", "select pg_stat_reset()"} {
		_, err = s.reader.Pool.Exec(ctx, forget)
		require.NoError(t, err)
	}
	live := []escalation.Phase{escalation.Open, escalation.Acked}
	require.Equal(t, "E-1", s.lists(service.Filter{States: live}))
	require.Equal(t, "E-1", s.lists(service.Filter{States: live, ByNext: true}))
	_, err = s.reader.OpenFor(ctx, "ana")
	require.NoError(t, err)
	require.Eventually(t, func() bool { // statistics arrive a moment later
		return number(t, s.reader.Pool, "select idx_scan from pg_stat_user_indexes where indexrelname = 'escalations_live'") > 0
	}, time.Minute, 50*time.Millisecond)
	require.Zero(t, number(t, s.reader.Pool, "select seq_scan from pg_stat_user_tables where relname = 'escalations'"))
	require.Less(t, number(t, s.reader.Pool, "select sum(idx_tup_read)::int from pg_stat_user_indexes where relname = 'escalations'"), 100)
}

// The start page asks for what is watched, soonest first. It must not walk what is closed, of which nothing is due: with
// ten thousand escalations and a thousand tickets, half of which wait, each page is read from the index of just those.
func TestWhatIsWatchedIsReadFromItsOwnIndex(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	_, err := pool.Exec(ctx, `
		insert into escalations (number, seq, state, title, service, unit, priority, owner, told, opened_at, next_at, summary)
		select n, 1, case when n % 11 = 0 then 'watching' else 'closed' end, 'slow', 'payments', 'u', 'P3', '', '{}', now(),
		       case when n % 22 = 0 then now() + n * interval '1 second' else 'infinity' end,
		       jsonb_build_object('id', 'E-' || n, 'state', case when n % 11 = 0 then 'watching' else 'closed' end, 'opened_at', now(),
		           'next', case when n % 22 = 0 then jsonb_build_object('at', now() + n * interval '1 second', 'action', 'warn') else jsonb_build_object('action', 'none') end)
		from generate_series(1, 11000) n`)
	require.NoError(t, err)
	_, err = pool.Exec(ctx, "analyze escalations")
	require.NoError(t, err)
	list := store.Escalations{Pool: pool}
	seen, last := map[id.Escalation]bool{}, time.Time{}
	f := service.Filter{States: []escalation.Phase{escalation.Watched}, ByNext: true, Limit: 200}
	for pages := 0; ; pages++ {
		page, err := list.List(ctx, f)
		require.NoError(t, err)
		for _, e := range page.Escalations {
			require.False(t, seen[e.ID], "%s stands twice", e.ID)
			seen[e.ID] = true
			if !e.Next.At.IsZero() {
				require.False(t, e.Next.At.Before(last), "soonest first")
				last = e.Next.At
			}
		}
		if f.Cursor = page.Cursor; f.Cursor == "" {
			break
		}
	}
	require.Len(t, seen, 1000)

	rows, err := pool.Query(ctx, "explain "+sqlc.ListNext, pgx.QueryExecModeCacheDescribe, true, &time.Time{}, int64(0), []string{"watching"}, false, false, true,
		[]string{}, []string{}, []string{}, "", "", 201)
	require.NoError(t, err)
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Contains(t, strings.Join(plan, "\n"), "escalations_watching")
	require.NotContains(t, strings.Join(plan, "\n"), "Seq Scan")
}
