package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

func revision(hash id.Revision) service.Revision {
	return service.Revision{
		Hash: hash, AppliedAt: noon, AppliedBy: "ana", Files: []service.File{{Path: "org.yaml", Content: "name: " + string(hash)}},
		Changes: []string{"adds " + string(hash)},
	}
}

func TestRevisionsFollowEachOther(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	revisions := store.Revisions{Pool: pool}
	_, err := revisions.Current(ctx)
	require.True(t, fault.Is(err, fault.NotFound))

	require.NoError(t, revisions.Apply(ctx, "", revision("one"), deed("blueprint.apply")))
	require.NoError(t, revisions.Apply(ctx, "one", revision("two"), deed("blueprint.apply")))
	require.NoError(t, revisions.Apply(ctx, "one", revision("two"), deed("blueprint.apply")), "the answer was lost: said again")
	err = revisions.Apply(ctx, "one", revision("three"), deed("blueprint.apply"))
	require.True(t, fault.Is(err, fault.Conflict))
	require.ErrorContains(t, err, "is two, not one")
	require.NoError(t, revisions.Apply(ctx, "two", revision("one"), deed("blueprint.apply")), "and back")

	current, err := revisions.Current(ctx)
	require.NoError(t, err)
	want := revision("one")
	want.Parent = "two"
	require.Equal(t, want, current)
	_, err = revisions.Get(ctx, "three")
	require.True(t, fault.Is(err, fault.NotFound), "what was refused was not kept")
	list, err := revisions.List(ctx, 0)
	require.NoError(t, err)
	var hashes []id.Revision
	for _, r := range list {
		hashes = append(hashes, r.Hash)
		require.Empty(t, r.Files)
	}
	require.Equal(t, []id.Revision{"one", "two", "one"}, hashes)
	require.Equal(t, 3, number(t, pool, "select count(*) from audit"), "one deed per change, none for what was refused")
	require.Error(t, revisions.Apply(ctx, "", service.Revision{}, deed("blueprint.apply")))
}

func TestOfManyWhoApplyOnTheSameBaseOneWins(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	revisions := store.Revisions{Pool: pool}
	require.NoError(t, revisions.Apply(ctx, "", revision("base"), deed("blueprint.apply")))
	var won, lost atomic.Int64
	var group sync.WaitGroup
	for n := range 10 {
		group.Go(func() {
			switch err := revisions.Apply(ctx, "base", revision(id.Revision(rune('a'+n))), deed("blueprint.apply")); {
			case err == nil:
				won.Add(1)
			case fault.Is(err, fault.Conflict):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, won.Load())
	require.EqualValues(t, 9, lost.Load())
}

func override(from, until int) org.Override {
	return org.Override{Schedule: "payments-primary", Person: "ana", From: noon.Add(time.Duration(from) * time.Hour),
		Until: noon.Add(time.Duration(until) * time.Hour), Reason: "swap"}
}

func TestOverridesMayTouchButNotOverlap(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	overrides := store.Overrides{Pool: pool}
	first, err := overrides.Create(ctx, override(0, 2), deed("override.create"))
	require.NoError(t, err)
	require.Equal(t, id.Override("O-1"), first.ID)
	_, err = overrides.Create(ctx, override(2, 4), deed("override.create"))
	require.NoError(t, err, "one ends where the next begins")
	_, err = overrides.Create(ctx, override(1, 3), deed("override.create"))
	require.True(t, fault.Is(err, fault.Conflict))
	require.ErrorContains(t, err, "override O-1 already puts ana on schedule payments-primary")
	other := override(1, 3)
	other.Schedule = "shop-primary"
	_, err = overrides.Create(ctx, other, deed("override.create"))
	require.NoError(t, err, "another schedule is another matter")
	_, err = overrides.Create(ctx, override(7, 7), deed("override.create"))
	require.True(t, fault.Is(err, fault.Invalid))

	list, err := overrides.List(ctx, "payments-primary", noon.Add(time.Hour), noon.Add(2*time.Hour))
	require.NoError(t, err)
	require.Equal(t, []org.Override{first}, list, "half open on both sides")
	list, err = overrides.List(ctx, "", time.Time{}, time.Time{})
	require.NoError(t, err)
	require.Len(t, list, 3)

	require.NoError(t, overrides.Delete(ctx, first.ID, deed("override.delete")))
	for _, gone := range []id.Override{first.ID, "O-999", "O-01", "1", "", "x"} {
		require.True(t, fault.Is(overrides.Delete(ctx, gone, deed("override.delete")), fault.NotFound), gone)
	}
	_, err = overrides.Create(ctx, override(0, 1), deed("override.create"))
	require.NoError(t, err, "a deleted one is in nobody's way")
	require.Equal(t, 5, number(t, pool, "select count(*) from audit"))
}

func TestOfManyOverlappingOverridesOneIsMade(t *testing.T) {
	overrides := store.Overrides{Pool: pgtest.Pool(t)}
	var made atomic.Int64
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			_, err := overrides.Create(context.Background(), override(0, 2), deed("override.create"))
			if err == nil {
				made.Add(1)
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, made.Load())
}

func TestBarredMethods(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	barred := store.Barred{Pool: pool}
	way := policy.Way{Person: "ana", Method: "mobile"}
	require.NoError(t, barred.Bar(ctx, way, "opted out (21610)", deed("method.bar")))
	require.NoError(t, barred.Bar(ctx, way, "opted out (21610)", deed("method.bar")))
	require.Equal(t, 1, number(t, pool, "select count(*) from audit"), "barring twice is one deed")
	require.NoError(t, barred.Bar(ctx, way, "number unknown", deed("method.bar")))
	all, err := barred.All(ctx)
	require.NoError(t, err)
	require.Equal(t, map[policy.Way]string{way: "number unknown"}, all)
	require.NoError(t, barred.Unbar(ctx, way, deed("method.unbar")))
	require.True(t, fault.Is(barred.Unbar(ctx, way, deed("method.unbar")), fault.NotFound))
	all, err = barred.All(ctx)
	require.NoError(t, err)
	require.Empty(t, all)
}

func TestTokensAreFoundByTheirHashUntilRevoked(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	tokens := store.Tokens{Pool: pool}
	token := service.Token{ID: "noc", Name: "NOC", Role: service.Responder, Person: "ana", CreatedAt: noon}
	hash := []byte("thirty-two bytes")
	require.NoError(t, tokens.Create(ctx, token, hash, deed("token.create")))
	require.True(t, fault.Is(tokens.Create(ctx, token, []byte("other"), deed("token.create")), fault.Conflict))
	got, err := tokens.Find(ctx, hash)
	require.NoError(t, err)
	require.Equal(t, token, got)
	for _, wrong := range [][]byte{nil, {}, []byte("thirty-two byte")} {
		_, err = tokens.Find(ctx, wrong)
		require.True(t, fault.Is(err, fault.NotFound))
	}
	require.NoError(t, tokens.Revoke(ctx, "noc", deed("token.revoke")))
	require.NoError(t, tokens.Revoke(ctx, "noc", deed("token.revoke")))
	require.True(t, fault.Is(tokens.Revoke(ctx, "nobody", deed("token.revoke")), fault.NotFound))
	_, err = tokens.Find(ctx, hash)
	require.True(t, fault.Is(err, fault.NotFound))
	list, err := tokens.List(ctx)
	require.NoError(t, err)
	token.RevokedAt = noon
	require.Equal(t, []service.Token{token}, list)
	deeds, err := store.Audit{Pool: pool}.List(ctx, "thing", 0)
	require.NoError(t, err)
	require.Equal(t, []service.Deed{deed("token.revoke"), deed("token.create")}, deeds)
	deeds, err = store.Audit{Pool: pool}.List(ctx, "other thing", 0)
	require.NoError(t, err)
	require.Empty(t, deeds)
}

func TestAnIdempotencyKeyAnswersTheSameRequestOnly(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := context.Background()
	keys := store.Idempotency{Pool: pool}
	begin := func(request string) *service.Answered {
		t.Helper()
		answered, err := keys.Begin(ctx, "POST /v1/escalations", "k", []byte(request))
		require.NoError(t, err)
		return answered
	}
	refused := func(request, reason string) {
		t.Helper()
		_, err := keys.Begin(ctx, "POST /v1/escalations", "k", []byte(request))
		require.True(t, fault.Is(err, fault.Conflict))
		require.ErrorContains(t, err, reason)
	}
	require.Nil(t, begin("a"))
	refused("a", "still running")
	refused("b", "another request")
	require.NoError(t, keys.Abandon(ctx, "POST /v1/escalations", "k"))
	require.Nil(t, begin("b"), "abandoned: free for anybody")
	answer := service.Answered{Status: 201, Body: []byte("\x00binary")}
	require.NoError(t, keys.Finish(ctx, "POST /v1/escalations", "k", answer))
	require.NoError(t, keys.Abandon(ctx, "POST /v1/escalations", "k"), "what is finished stays")
	require.Equal(t, &answer, begin("b"))
	refused("a", "another request")
	other, err := keys.Begin(ctx, "POST /v1/overrides", "k", []byte("a"))
	require.NoError(t, err)
	require.Nil(t, other, "another scope's keys are its own")
	require.True(t, fault.Is(keys.Finish(ctx, "x", "y", answer), fault.NotFound))

	_, err = pool.Exec(ctx, "update idempotency set begun_at = now() - interval '25 hours' where scope like '%escalations'")
	require.NoError(t, err)
	require.Nil(t, begin("a"), "forgotten after a day")
	_, err = pool.Exec(ctx, "update idempotency set begun_at = now() - interval '11 seconds'")
	require.NoError(t, err)
	refused("b", "another request")
	require.NoError(t, keys.Hold(ctx, "POST /v1/escalations", "k"))
	refused("a", "still running")
	_, err = pool.Exec(ctx, "update idempotency set begun_at = now() - interval '11 seconds'")
	require.NoError(t, err)
	require.Nil(t, begin("a"), "a process that died does not block its caller for a day")
}

func TestOfManyWhoClaimAKeyOneRuns(t *testing.T) {
	keys := store.Idempotency{Pool: pgtest.Pool(t)}
	var running atomic.Int64
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			answered, err := keys.Begin(context.Background(), "s", "k", nil)
			if err == nil && answered == nil {
				running.Add(1)
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(answered, err)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, running.Load())
}
