package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

func watches(t *testing.T, url string) *store.Watch {
	t.Helper()
	w := &store.Watch{URL: url}
	t.Cleanup(w.Close)
	return w
}

func TestOneWatchesAtATime(t *testing.T) {
	url := pgtest.Database(t)
	w, ctx := watches(t, url), t.Context()
	take := func(holder string, term time.Duration, compares bool) bool {
		t.Helper()
		_, mine, err := w.Take(ctx, holder, term, compares)
		require.NoError(t, err)
		return mine
	}
	require.True(t, take("a", time.Minute, true))
	require.True(t, take("a", time.Minute, true), "again is still")
	require.False(t, take("b", time.Minute, true))
	require.NoError(t, w.Yield(ctx, "b"))
	require.False(t, take("b", time.Minute, true), "nobody gives up what is not theirs")

	found := service.Stand{Cases: map[string]service.Case{"overdue": {Reminded: 3}}}
	mine, err := w.Keep(ctx, "a", found)
	require.NoError(t, err)
	require.True(t, mine)
	mine, err = w.Keep(ctx, "b", service.Stand{})
	require.NoError(t, err)
	require.False(t, mine)

	require.NoError(t, w.Yield(ctx, "a"))
	stand, mine, err := w.Take(ctx, "b", -time.Second, true) // it dies at once
	require.NoError(t, err)
	require.True(t, mine)
	require.Equal(t, found, stand, "whoever takes over knows what was told")
	require.True(t, take("c", time.Minute, true), "a dead holder's term ends")
	require.False(t, take("b", time.Minute, true))
}

func TestWhoSeesLessGivesWay(t *testing.T) {
	w := watches(t, pgtest.Database(t))
	for _, step := range []struct {
		holder   string
		compares bool
		mine     bool
	}{{"blind", false, true}, {"other blind", false, false}, {"seeing", true, true}, {"blind", false, false}} {
		_, mine, err := w.Take(t.Context(), step.holder, time.Minute, step.compares)
		require.NoError(t, err)
		require.Equal(t, step.mine, mine, step.holder)
	}
}

func TestADatabaseThatIsAwayIsAnErrorAndComesBack(t *testing.T) {
	w := watches(t, "postgres://nobody@127.0.0.1:1/nothing")
	_, _, err := w.Take(t.Context(), "a", time.Minute, true)
	require.Error(t, err)
	w.URL = pgtest.Database(t)
	_, mine, err := w.Take(t.Context(), "a", time.Minute, true)
	require.NoError(t, err)
	require.True(t, mine)
}

func TestWhatTheWatchdogReads(t *testing.T) {
	url := pgtest.Database(t)
	w, ctx := watches(t, url), t.Context()
	pool, err := store.Open(ctx, url, store.Options{})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	row := func(number int, state, next, opened string, seq int) {
		t.Helper()
		_, err := pool.Exec(ctx, `insert into escalations (number, seq, state, title, service, unit, priority, opened_at, next_at, summary, start)
			values ($1, $2, $3, '', '', '', 'P1', now() - $4::interval, case when $5 = '' then 'infinity' else now() - nullif($5, '')::interval end, '{}', '{}')`,
			number, seq, state, opened, next)
		require.NoError(t, err)
	}
	row(1, "open", "61 seconds", "1 hour", 3)
	row(2, "acknowledged", "2 hours", "3 hours", 9)
	row(3, "open", "50 seconds", "1 hour", 3)  // not yet
	row(4, "open", "-1 hour", "1 hour", 3)     // snoozed, or waiting for its tier
	row(5, "resolved", "1 hour", "2 hours", 9) // closes by itself
	row(6, "closed", "", "2 hours", 9)         //
	row(7, "acknowledged", "", "2 hours", 9)   // waits for its human
	row(8, "open", "", "61 seconds", 0)        // started, and never recorded
	row(9, "open", "", "61 seconds", 0)        // not started: the relay's
	row(10, "open", "", "10 seconds", 0)       // just opened
	_, err = pool.Exec(ctx, `insert into errands (escalation, kind, rank, created_at, done_at) values
		(8, 'open', 1, now() - interval '2 minutes', now()), (9, 'open', 2, now() - interval '2 minutes', null), (10, 'open', 1, now(), null)`)
	require.NoError(t, err)

	late, err := w.Overdue(ctx, time.Minute, 100)
	require.NoError(t, err)
	require.Equal(t, []id.Escalation{"E-2", "E-1", "E-8"}, late)
	live, err := w.Live(ctx, time.Minute, 100)
	require.NoError(t, err)
	require.Equal(t, []id.Escalation{"E-1", "E-2", "E-3", "E-4", "E-7", "E-8"}, live)
	still, err := w.StillLive(ctx, []id.Escalation{"E-1", "E-5", "E-6", "E-99"})
	require.NoError(t, err)
	require.Equal(t, []id.Escalation{"E-1"}, still)

	waiting, err := w.Waiting(ctx, time.Minute, 10*time.Minute)
	require.NoError(t, err)
	require.Len(t, waiting, 1)
	require.Equal(t, "errands", waiting[0].What)
	require.Equal(t, 1, waiting[0].Found)
	_, err = pool.Exec(ctx, `insert into inbox (integration, service, dedup_key, format, action, alert, raw, received_at, accepted_at, settled_at) values
		('', '', '', '', 'trigger', '{}', '', now(), now() - interval '2 minutes', null), ('', '', '', '', 'trigger', '{}', '', now(), now() - interval '2 minutes', now()),
		('', '', '', '', 'trigger', '{}', '', now() - interval '1 hour', now(), null)`)
	require.NoError(t, err)
	waiting, err = w.Waiting(ctx, time.Minute, 10*time.Minute)
	require.NoError(t, err)
	require.Len(t, waiting, 2)
	require.Equal(t, "events", waiting[0].What)
	require.Equal(t, 1, waiting[0].Found)
	require.WithinDuration(t, time.Now().Add(-2*time.Minute), waiting[0].Since, 10*time.Second)
}

// In a storm starts stand in line by rank: that a P4 waits is what the line is for, that a P1 does is an alarm.
func TestWhoWaitsInLineIsCountedByRank(t *testing.T) {
	url := pgtest.Database(t)
	w, ctx := watches(t, url), t.Context()
	pool, err := store.Open(ctx, url, store.Options{})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, err = pool.Exec(ctx, `insert into escalations (number, seq, state, title, service, unit, priority, opened_at, summary, start)
		select n, 0, 'open', '', '', '', 'P4', now(), '{}', '{}' from generate_series(1, 9) n`)
	require.NoError(t, err)
	errand := func(escalation int, kind string, rank int, age string) {
		t.Helper()
		_, err := pool.Exec(ctx, `insert into errands (escalation, kind, rank, created_at) values ($1, $2, $3, now() - $4::interval)`, escalation, kind, rank, age)
		require.NoError(t, err)
	}
	found := func() map[string]int {
		t.Helper()
		waiting, err := w.Waiting(ctx, time.Minute, 10*time.Minute)
		require.NoError(t, err)
		counted := map[string]int{}
		for _, one := range waiting {
			counted[one.What] = one.Found
		}
		return counted
	}
	errand(1, "open", 4, "5 minutes")
	errand(1, "say", 4, "4 minutes") // goes with its start
	errand(2, "open", 3, "9 minutes")
	errand(3, "open", 1, "30 seconds")
	require.Empty(t, found())
	errand(4, "open", 4, "11 minutes")
	require.Equal(t, map[string]int{"starts": 1}, found(), "that is longer than any storm")
	errand(5, "open", 2, "61 seconds")
	require.Equal(t, map[string]int{"starts": 1, "errands": 1}, found())
	errand(6, "say", 4, "2 minutes") // it runs, and pages somebody who has answered
	require.Equal(t, map[string]int{"starts": 1, "errands": 2}, found())
}

// What waits although its time has come, and heartbeats that nobody judges, are seen from beside.
func TestQuietAndHeartbeatsThatNobodyLooksAtAreSeen(t *testing.T) {
	url := pgtest.Database(t)
	w, ctx := watches(t, url), t.Context()
	pool, err := store.Open(ctx, url, store.Options{})
	require.NoError(t, err)
	defer pool.Close()
	waiting := func() map[string]int {
		t.Helper()
		all, err := w.Waiting(ctx, time.Minute, time.Hour)
		require.NoError(t, err)
		found := map[string]int{}
		for _, one := range all {
			found[one.What] = one.Found
		}
		return found
	}
	beats := store.Heartbeats{Pool: pool}
	_, err = beats.Hearing(ctx, time.Now().Add(-time.Hour), time.Minute)
	require.NoError(t, err)
	require.NoError(t, beats.Judged(ctx, time.Now().Add(-2*time.Minute)))
	require.Empty(t, waiting(), "nobody is waited for")
	require.NoError(t, beats.Beat(ctx, "backup", time.Now(), time.Now().Add(time.Hour)))
	_, err = pool.Exec(ctx, `insert into alerts (service, dedup_key, state, firing, seq, severity, since, due_at) values
		('payments', 'a', 'delayed', true, 1, 'error', now(), now() - interval '2 minutes'), ('payments', 'b', 'delayed', true, 2, 'error', now(), now())`)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"heartbeats": 1, "quiet": 1}, waiting())
	require.NoError(t, beats.Judged(ctx, time.Now()))
	require.Equal(t, map[string]int{"quiet": 1}, waiting())
}
