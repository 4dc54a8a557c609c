package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

const trigger = `{"routing_key":"` + servicetest.Key + `","event_action":"trigger","dedup_key":"declines",` +
	`"payload":{"summary":"card declines above 5%","source":"checkout-7","severity":"critical"}}`

func TestAnEventIsOnRecordBeforeItIsAccepted(t *testing.T) {
	h := newHouse(t)
	got := h.as("", "POST", "/v2/enqueue", trigger)
	require.Equal(t, http.StatusAccepted, got.status, got.body)
	require.JSONEq(t, `{"status":"success","message":"Event processed","dedup_key":"declines"}`, got.body)
	require.Len(t, h.inbox.Events(), 1)
	require.Equal(t, trigger, string(h.inbox.Events()[0].Raw))
	require.Equal(t, "pagerduty", h.inbox.Events()[0].Format)

	h.engine.Leave(true)
	require.Equal(t, http.StatusAccepted, h.as("", "POST", "/v2/enqueue", trigger).status, "the engine is not needed")
}

func TestSendersAreRefusedInPagerDutysWords(t *testing.T) {
	h := newHouse(t)
	for name, c := range map[string]struct {
		body    string
		status  int
		mention string
	}{
		"not JSON":         {`hello`, 400, "not JSON"},
		"no summary":       {`{"routing_key":"x","event_action":"trigger"}`, 400, "payload.summary: is missing or blank"},
		"unknown key":      {strings.Replace(trigger, servicetest.Key, "unknown", 1), 400, "no integration has this key"},
		"ack of nothing":   {`{"routing_key":"` + servicetest.Key + `","event_action":"acknowledge"}`, 400, "dedup_key"},
		"more than 512 KB": {strings.Replace(trigger, "card", strings.Repeat("x", 513<<10), 1), 413, "bytes at most"},
		"ten megabytes":    {strings.Repeat("x", 10<<20), 413, "bytes at most"},
	} {
		t.Run(name, func(t *testing.T) {
			got := h.as("", "POST", "/v2/enqueue", c.body)
			require.Equal(t, c.status, got.status, got.body)
			m := got.json()
			require.Equal(t, "invalid event", m["status"])
			require.Equal(t, "Event object is invalid", m["message"])
			require.Contains(t, m["errors"].([]any)[0], c.mention)
		})
	}
	require.Empty(t, h.inbox.Events())
}

func TestASenderThatCanRetryIsToldTo(t *testing.T) {
	h := newHouse(t, func(h *house) { h.options.Limits = &service.Limits{Events: 1} })
	for range 5 {
		require.Equal(t, http.StatusAccepted, h.as("", "POST", "/v2/enqueue", trigger).status)
	}
	slow := h.as("", "POST", "/v2/enqueue", trigger)
	require.Equal(t, http.StatusTooManyRequests, slow.status)
	require.Equal(t, "1", slow.header.Get("Retry-After"))
	require.Equal(t, "throttle exceeded", slow.json()["status"])
	require.Len(t, h.inbox.Events(), 5)

	h = newHouse(t)
	h.inbox.Broken = fault.Wrap(fault.Unavailable, errors.New("connection refused"), "write")
	away := h.as("", "POST", "/v2/enqueue", trigger)
	require.Equal(t, http.StatusServiceUnavailable, away.status, "never a 4xx, and never a 202")
	require.NotEmpty(t, away.header.Get("Retry-After"))
	require.NotContains(t, away.body, "connection refused")
}

func FuzzNoBodyBreaksTheInbox(f *testing.F) {
	f.Add(trigger)
	f.Add(`{}`)
	f.Add(`{"routing_key":1}`)
	f.Add(`[[[[`)
	f.Add("\x00\xff")
	f.Add(strings.Replace(trigger, "trigger", "resolve", 1))
	h := newHouse(f)
	f.Fuzz(func(t *testing.T, body string) {
		h.t = t
		got := h.as("", "POST", "/v2/enqueue", body)
		require.Less(t, got.status, 500, body)
		require.NotEmpty(t, got.json()["status"])
	})
}

func FuzzNoBodyBreaksTheAPI(f *testing.F) {
	f.Add("/v1/escalations", `{"service":"payments","title":"x"}`)
	f.Add("/v1/escalations/E-1/reassign", `{"to":{"person":"ben"}}`)
	f.Add("/v1/escalations/E-1/snooze?x=1", `{"until":"2026-03-02T13:00:00Z"}`)
	f.Add("/v1/blueprint/plan", `{"files":[{"path":"a","content":"kind: team"}]}`)
	f.Add("/v1/overrides", `{}`)
	h := newHouse(f)
	h.running("E-1")
	f.Fuzz(func(t *testing.T, path, body string) {
		if !strings.HasPrefix(path, "/v1/") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' || r == '%' }) {
			t.Skip() // not something that net/http would hand us
		}
		h.t = t
		got := h.as("admin", "POST", path, body)
		require.Less(t, got.status, 500, "%s %s: %s", path, body, got.body)
	})
}
