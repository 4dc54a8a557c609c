package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/service"
)

// A window begins when it is announced, unless it says when; it is ended once, or taken back, and then in no list.
func TestAMaintenanceWindowFromAnnouncementToEnd(t *testing.T) {
	h := newHouse(t)
	listed := func() []any { return h.as(service.Viewer, "GET", "/v1/windows", "").json()["windows"].([]any) }
	require.Empty(t, listed())
	made := h.as(service.Responder, "POST", "/v1/windows", `{"name":"Patching","services":["payments"],"until":"2026-03-02T14:00:00Z","up_to":"warning","reason":"kernel"}`)
	require.Equal(t, http.StatusCreated, made.status, made.body)
	require.Equal(t, h.now.UTC().Format(time.RFC3339), made.json()["from"])
	at := made.header.Get("Location")
	require.Equal(t, "/v1/windows/W-1", at)
	require.Len(t, listed(), 1)
	require.Equal(t, http.StatusNoContent, h.as(service.Responder, "POST", at+"/end?reason=done", "").status)
	h.as(service.Responder, "POST", at+"/end", "").problem(http.StatusConflict)
	h.as(service.Responder, "DELETE", at, "").problem(http.StatusConflict)
	require.Empty(t, listed())

	later := h.as(service.Responder, "POST", "/v1/windows", `{"from":"2026-03-03T12:00:00Z","until":"2026-03-03T14:00:00Z","up_to":"error","when":"labels.env == 'stage'"}`)
	require.Equal(t, http.StatusCreated, later.status, later.body)
	h.as(service.Responder, "POST", later.header.Get("Location")+"/end", "").problem(http.StatusConflict)
	later = h.as(service.Responder, "POST", "/v1/windows", `{"from":"2026-03-03T12:00:00Z","until":"2026-03-03T14:00:00Z","up_to":"error"}`)
	require.Equal(t, http.StatusNoContent, h.as(service.Responder, "DELETE", later.header.Get("Location"), "").status)
	h.as(service.Responder, "DELETE", "/v1/windows/W-77", "").problem(http.StatusNotFound)
	h.as(service.Responder, "POST", "/v1/windows/W-77/end", "").problem(http.StatusNotFound)
}

func TestAWindowThatCannotBeMeantNamesItsField(t *testing.T) {
	h := newHouse(t)
	for body, field := range map[string]string{
		`{"until":"2026-03-02T11:00:00Z","up_to":"warning"}`:                                                     "until",
		`{"from":"2026-03-03T12:00:00Z","until":"2026-03-03T12:00:00Z","up_to":"warning"}`:                       "until",
		`{"until":"2026-05-02T12:00:00Z","up_to":"warning"}`:                                                     "until",
		`{"until":"2026-03-02T14:00:00Z","up_to":"warning","services":["payments","paymnets"]}`:                  "services[1]",
		`{"until":"2026-03-02T14:00:00Z","up_to":"warning","when":"labels.env = 'stage'"}`:                       "when",
		`{"until":"2026-03-02T14:00:00Z","up_to":"warning","when":"nobody.knows == 1"}`:                          "when",
		`{"until":"2026-03-02T14:00:00Z","up_to":"warning","when":"title"}`:                                      "when",
		`{"until":"2026-03-02T14:00:00Z","up_to":"warning","when":"[1,2].all(a, [1].all(b, [1].all(c, true)))"}`: "when",
	} {
		got := h.as(service.Responder, "POST", "/v1/windows", body)
		require.Equal(t, field, got.problem(http.StatusUnprocessableEntity), "%s: %s", body, got.body)
	}
	for _, body := range []string{`{"until":"2026-03-02T14:00:00Z"}`, `{"until":"2026-03-02T14:00:00Z","up_to":"awful"}`, `{"until":"tonight","up_to":"warning"}`} {
		h.as(service.Responder, "POST", "/v1/windows", body).problem(http.StatusBadRequest)
	}
	require.Empty(t, h.as(service.Viewer, "GET", "/v1/windows", "").json()["windows"])
}
