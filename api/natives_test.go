package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/api"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/opsgenie"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

func natives(h *house) {
	h.options.Opsgenie = &api.Opsgenie{Create: alert.Dialect{Name: "opsgenie", Decode: plainWords}}
	h.options.Prometheus = alert.Dialect{Name: "alertmanager", Decode: plainWords}
	h.options.TicketNews = func(context.Context, string, alert.Post) error { return fault.New(fault.Unauthenticated, "wrong") }
}

// Clients escape more in a path than Go does: a trouble must be closed by the name under which it was opened.
func TestAnAliasIsReadHoweverItIsEscaped(t *testing.T) {
	h := newHouse(t, natives)
	for n, escaped := range []string{"disk%3A%2Fvar%20is%20full", "disk:%2fvar%20is%20full"} {
		got := h.as("", "POST", "/v2/alerts/"+escaped+"/close?identifierType=alias", "{}", "Authorization", "GenieKey "+servicetest.Key)
		require.Equal(t, http.StatusAccepted, got.status, got.body)
		require.Equal(t, "disk:/var is full", h.inbox.Events()[n].Alert.DedupKey)
	}
	h.as("", "POST", "/v2/alerts/50%25/close?identifierType=alias", "{}", "Authorization", "GenieKey "+servicetest.Key)
	require.Equal(t, "50%", h.inbox.Events()[2].Alert.DedupKey, "and once only")
}

func TestAnAliasIsTheSameTroubleInEveryRequest(t *testing.T) {
	h := newHouse(t, func(h *house) {
		h.options.Opsgenie = &api.Opsgenie{Create: opsgenie.Dialect(), Alias: opsgenie.Alias}
	})
	for n, alias := range []string{strings.Repeat("disk", 100), "two\nlines ", "plain"} {
		body, err := json.Marshal(map[string]string{"message": "Disk full", "alias": alias})
		require.NoError(t, err)
		for _, ask := range [][2]string{{"/v2/alerts", string(body)}, {"/v2/alerts/" + url.PathEscape(alias) + "/close?identifierType=alias", "{}"}} {
			got := h.as("", "POST", ask[0], ask[1], "Authorization", "GenieKey "+servicetest.Key)
			require.Equal(t, http.StatusAccepted, got.status, got.body)
		}
		events := h.inbox.Events()
		require.Equal(t, events[2*n].Alert.DedupKey, events[2*n+1].Alert.DedupKey)
	}
}

// talkative is a house whose one escalation monitors may speak about.
func talkative(t *testing.T) *house {
	h := newHouse(t, natives, func(h *house) {
		h.options.Opsgenie.Monitors = &service.Monitors{
			Organisation: h.options.Intake.Organisation, Escalations: h.rows, Engine: h.engine, Intake: h.options.Intake, Now: h.options.Now, Log: h.options.Log,
		}
	})
	h.running("E-1")
	h.rows.Put(service.Escalation{Summary: escalation.Summary{ID: "E-1", Title: "Disk full", State: escalation.Open}, DedupKey: "disk", Integration: "payments-events"})
	return h
}

// The names of requests are the caller's, and a caller may have one name for all of them.
func TestRequestsOfOneNameAreStillSeveral(t *testing.T) {
	h := talkative(t)
	var names []any
	for range 2 {
		got := h.as("", "POST", "/v2/alerts/E-1/notes", `{"note":"still full"}`, "Authorization", "GenieKey "+servicetest.Key, "X-Request-Id", "cron")
		require.Equal(t, http.StatusAccepted, got.status, got.body)
		names = append(names, got.json()["requestId"])
	}
	require.Len(t, h.engine.Told(), 2, "each was said")
	require.NotEqual(t, names[0], names[1])
	require.True(t, strings.HasPrefix(names[0].(string), "cron."), "and is found by the caller's name")

	for range 2 {
		h.as("", "POST", "/v2/alerts", "trigger same x", "Authorization", "GenieKey "+servicetest.Key, "X-Request-Id", "cron")
	}
	events := h.inbox.Events()
	require.NotEqual(t, events[2].Trace, events[3].Trace)
}

// What the engine has taken is done: an error would have its sender do it again, and a tier would be passed over.
func TestAWordThatWasSaidIsNotRefusedForTheRecords(t *testing.T) {
	h := talkative(t)
	h.inbox.Broken = fault.New(fault.Unavailable, "no database")
	got := h.as("", "POST", "/v2/alerts/E-1/escalate", `{}`, "Authorization", "GenieKey "+servicetest.Key)
	require.Equal(t, http.StatusAccepted, got.status, got.body)
	require.Len(t, h.engine.Told(), 1)
	require.Contains(t, h.log.String(), "done and not kept")

	h.engine.Leave(true)
	require.Equal(t, http.StatusServiceUnavailable, h.as("", "POST", "/v2/alerts/E-1/escalate", `{}`, "Authorization", "GenieKey "+servicetest.Key).status)
	require.Len(t, h.engine.Told(), 1)
}

func TestNewWordsForAnAlertAreKeptAndWakeNobody(t *testing.T) {
	h := talkative(t)
	for _, what := range []string{"message", "description"} {
		got := h.as("", "PUT", "/opsgenie/v2/alerts/E-1/"+what, `{"`+what+`":"Disk fuller"}`, "Authorization", "GenieKey "+servicetest.Key)
		require.Equal(t, http.StatusAccepted, got.status, got.body)
	}
	events := h.inbox.Events()
	require.Len(t, events, 2)
	require.Equal(t, []any{alert.Ignore, "disk", `{"message":"Disk fuller"}`}, []any{events[0].Alert.Action, events[0].Alert.DedupKey, string(events[0].Raw)})
	require.Empty(t, h.engine.Told())
	require.Equal(t, http.StatusUnprocessableEntity, h.as("", "PUT", "/v2/alerts/E-1/message", `{`, "Authorization", "GenieKey "+servicetest.Key).status)
}

func TestAKeyInTheAddressOfAlertmanagerIsNotLogged(t *testing.T) {
	h := newHouse(t, natives)
	got := h.as("", "POST", "/alertmanager/"+servicetest.Key+"/api/v2/alerts", "trigger a x")
	require.Equal(t, http.StatusAccepted, got.status, got.body)
	require.Contains(t, h.log.String(), "/alertmanager/:key/api/v2/alerts")
	require.NotContains(t, h.log.String(), servicetest.Key)
}

func TestNoDoorLetsSecretsBeGuessedQuickly(t *testing.T) {
	for name, try := range map[string]func(h *house, guess string) answer{
		"opsgenie": func(h *house, guess string) answer {
			return h.as("", "POST", "/v2/alerts", "trigger a x", "Authorization", "GenieKey "+guess)
		},
		"pagerduty": func(h *house, guess string) answer {
			return h.as("", "POST", "/v2/enqueue", `{"routing_key":"`+guess+`","event_action":"trigger","payload":{"summary":"x"}}`)
		},
		"heartbeat": func(h *house, guess string) answer { return h.as("", "POST", "/in/heartbeat/"+guess+"/backup", "") },
		"disarmed":  func(h *house, guess string) answer { return h.as("", "DELETE", "/in/heartbeat/"+guess+"/backup", "") },
		"tickets": func(h *house, guess string) answer {
			return h.as("", "POST", "/callbacks/tickets/snow", "{}", "X-Belay-Secret", guess)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, status := newHouse(t, natives), 0
			for n := 0; n < 200 && status != http.StatusTooManyRequests; n++ {
				status = try(h, "guess"+strconv.Itoa(n)).status
			}
			require.Equal(t, http.StatusTooManyRequests, status)
			require.NotContains(t, h.log.String(), "guess1")
		})
	}
}
