package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/service"
)

func TestATicketIsReportedFoundAndListed(t *testing.T) {
	h := newHouse(t)
	got := h.as(service.IntegrationRole, http.MethodPost, "/v1/tickets",
		`{"system":"desk","key":"INC 7/a","title":"it is slow","service":"payments","state":"working","priority":"P2","vip":true,"labels":{"site":"mad"},"at":"2026-03-02T11:00:00Z"}`)
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.JSONEq(t, `{"id":"desk:INC 7/a","version":1,"changed":[],"known":false,"stale":false}`, string(got.body))

	got = h.as(service.Viewer, http.MethodGet, "/v1/tickets/desk:INC%207%2Fa", "")
	require.Equal(t, http.StatusOK, got.status, got.body)
	var one map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.body), &one))
	require.Equal(t, "it is slow", one["title"])
	require.Equal(t, true, one["vip"])
	require.Equal(t, []any{}, one["clocks"])
	require.Equal(t, "2026-03-02T11:00:00Z", one["changed_at"])

	got = h.as(service.Viewer, http.MethodGet, "/v1/tickets?limit=1", "")
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Contains(t, string(got.body), `"cursor":"desk:INC 7/a"`)
	h.as(service.Viewer, http.MethodGet, "/v1/tickets/desk:nothing", "").problem(http.StatusNotFound)
	h.as(service.Viewer, http.MethodGet, "/v1/tickets?cursor=x", "").problem(http.StatusBadRequest)
	h.as(service.IntegrationRole, http.MethodPost, "/v1/tickets", `{"system":"Desk","key":"7","title":"x","service":"payments","state":"new"}`).problem(http.StatusUnprocessableEntity)
	h.as(service.IntegrationRole, http.MethodPost, "/v1/tickets", `{"system":"desk","key":"7","title":"x","service":"nothing","state":"new"}`).problem(http.StatusUnprocessableEntity)
}
