package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/route"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// A canary is held by one, kept as it stands, and comes again when its time has come or when it is named no more.
func TestACanaryIsHeldByOne(t *testing.T) {
	ctx := context.Background()
	d := newDoor(t)
	book := store.Canaries{Pool: d.inbox.Pool}
	named := []id.Integration{"acme-payments"}
	claim := func(at time.Time, named ...id.Integration) []service.Canary {
		t.Helper()
		due, err := book.Claim(ctx, named, at, 30*time.Second)
		require.NoError(t, err)
		return due
	}
	due := claim(noon, named...)
	require.Len(t, due, 1)
	require.Empty(t, claim(noon.Add(29*time.Second), named...), "somebody has it")
	require.Len(t, claim(noon.Add(30*time.Second), named...), 1, "whoever had it has died")

	walk, err := book.Begin(ctx, "acme-payments", noon)
	require.NoError(t, err)
	c := service.Canary{Integration: "acme-payments", Broken: service.HopPage, Service: "payments", LookedAt: noon, NextAt: noon.Add(time.Hour), Walk: service.CanaryWalk{
		Number: walk, Integration: "acme-payments", BeganAt: noon, Escalation: "E-7", AskedAt: noon.Add(4 * time.Second), EndedAt: noon.Add(5 * time.Second), Broken: service.HopReceipt, Why: "no receipt",
		Passed: map[service.Hop]time.Time{service.HopEvent: noon.Add(time.Second), service.HopEscalation: noon.Add(2 * time.Second), service.HopPage: noon.Add(3 * time.Second)},
	}}
	require.NoError(t, book.Keep(ctx, c))
	require.Empty(t, claim(noon.Add(time.Minute), named...))
	due = claim(noon.Add(time.Hour), named...)
	require.Equal(t, []service.Canary{c}, due)
	walks, err := book.Walks(ctx, 3)
	require.NoError(t, err)
	require.Equal(t, []service.CanaryWalk{c.Walk}, walks)

	require.NoError(t, book.Keep(ctx, c))
	require.Len(t, claim(noon), 1, "what is named no more is to be forgotten")
	require.NoError(t, book.Forget(ctx, "acme-payments"))
	all, err := book.List(ctx)
	require.NoError(t, err)
	require.Empty(t, all)
}

// An escalation of a canary is known by its walk, is in no list, and is left until its end is accepted.
func TestACanaryIsInNoList(t *testing.T) {
	ctx := context.Background()
	d := newDoor(t)
	book, rows := store.Canaries{Pool: d.inbox.Pool}, store.Escalations{Pool: d.inbox.Pool}
	_, err := book.Opened(ctx, 17)
	require.True(t, fault.Is(err, fault.NotFound))
	says := func(action alert.Action) {
		in := event(action, "belay-canary/17", alert.Critical)
		in.Route = &route.Decision{Action: org.Tell, Service: in.Service, Kind: org.Technical, Rule: "canary", Canary: 17}
		d.settles(d.says(in))
	}
	d.settles(d.says(event(alert.Trigger, "disk", alert.Critical)))
	says(alert.Trigger)
	e, err := book.Opened(ctx, 17)
	require.NoError(t, err)
	listed := func(f service.Filter) (all []id.Escalation) {
		page, err := rows.List(ctx, f)
		require.NoError(t, err)
		for _, r := range page.Escalations {
			all = append(all, r.ID)
		}
		return all
	}
	for _, byNext := range []bool{false, true} {
		require.NotContains(t, listed(service.Filter{ByNext: byNext}), e)
		require.Len(t, listed(service.Filter{ByNext: byNext}), 1)
		require.Contains(t, listed(service.Filter{ByNext: byNext, Canaries: true}), e)
	}
	left, err := book.Left(ctx, "acme-payments", 18)
	require.NoError(t, err)
	require.Equal(t, []service.CanaryLeft{{Walk: 17, Service: "payments"}}, left)
	left, err = book.Left(ctx, "acme-payments", 17)
	require.NoError(t, err)
	require.Empty(t, left, "the one that walks is not left")
	says(alert.Resolve)
	left, err = book.Left(ctx, "acme-payments", 18)
	require.NoError(t, err)
	require.Empty(t, left)
}
