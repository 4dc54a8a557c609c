package app_test

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
)

// Who may come in by a route without proving who they are.
type way string

const (
	open   way = "open"   // anybody: it shows nothing of anybody
	key    way = "key"    // the body, the path or a signature proves it
	page   way = "page"   // people are sent to sign in
	bearer way = "bearer" // programs hear 401
)

// ways is every route there is: one that is not here fails the test.
var ways = map[string]way{
	"GET /healthz": open, "GET /readyz": open, "GET /metrics": open, "GET /openapi.yaml": open, "GET /docs": open, "GET /docs/*": open,
	"GET /assets/:name": open, "HEAD /assets/:name": open, "GET /login": open, "POST /login": key, "GET /login/provider": open, "GET /login/callback": open, "POST /logout": open, "POST /callbacks/tickets/:system": key, "POST /callbacks/canary": key, "POST /look": open,
	"GET /a/:token": key, "HEAD /a/:token": key, "POST /a/:token": key, "POST /v2/enqueue": key,
	"POST /in/:format/:key":         key,
	"POST /in/heartbeat/:key/:name": key, "DELETE /in/heartbeat/:key/:name": key,
	"POST /v2/change/enqueue": key, "POST /generic/2010-04-15/create_event.json": key,
	"POST /api/v2/alerts": key, "POST /alertmanager/:key/api/v2/alerts": key,
	"POST /v2/alerts": key, "GET /v2/alerts": key, "GET /v2/alerts/requests/:request": key, "GET /v2/alerts/:identifier": key,
	"DELETE /v2/alerts/:identifier": key, "POST /v2/alerts/:identifier/acknowledge": key, "POST /v2/alerts/:identifier/close": key,
	"POST /v2/alerts/:identifier/notes": key, "POST /v2/alerts/:identifier/snooze": key, "POST /v2/alerts/:identifier/escalate": key,
	"PUT /v2/alerts/:identifier/message": key, "PUT /v2/alerts/:identifier/description": key,
	"PUT /opsgenie/v2/alerts/:identifier/message": key, "PUT /opsgenie/v2/alerts/:identifier/description": key,
	"GET /v2/heartbeats/:name/ping": key, "POST /v2/heartbeats/:name/ping": key, "PUT /v2/heartbeats/:name/ping": key, "PATCH /v2/heartbeats/:name/ping": key,
	"POST /opsgenie/v2/alerts": key, "GET /opsgenie/v2/alerts": key, "GET /opsgenie/v2/alerts/requests/:request": key, "GET /opsgenie/v2/alerts/:identifier": key,
	"DELETE /opsgenie/v2/alerts/:identifier": key, "POST /opsgenie/v2/alerts/:identifier/acknowledge": key, "POST /opsgenie/v2/alerts/:identifier/close": key,
	"POST /opsgenie/v2/alerts/:identifier/notes": key, "POST /opsgenie/v2/alerts/:identifier/snooze": key, "POST /opsgenie/v2/alerts/:identifier/escalate": key,
	"GET /opsgenie/v2/heartbeats/:name/ping": key, "POST /opsgenie/v2/heartbeats/:name/ping": key, "PUT /opsgenie/v2/heartbeats/:name/ping": key,
	"PATCH /opsgenie/v2/heartbeats/:name/ping": key,
	"POST /callbacks/twilio/sms":               key, "POST /callbacks/twilio/voice": key, "POST /callbacks/twilio/voice-gather": key, "POST /callbacks/twilio/status": key,
	"GET /feeds/:token": key, "HEAD /feeds/:token": key, "GET /oncall": page, "GET /oncall/mine": page, "GET /oncall/schedules/:id": page,
	"GET /oncall/schedules/:id/override": page, "POST /oncall/schedules/:id/override": page, "POST /oncall/schedules/:id/overrides/:override/end": page,
	"GET /people": page, "GET /people/:id": page, "GET /services": page, "GET /services/revisions": page, "GET /services/:id": page,
	"GET /simulate": page, "POST /simulate": page, "GET /try": page, "POST /try": page,
	"POST /oncall/feeds": page, "POST /oncall/feeds/:feed/end": page,
	"GET /": page, "GET /events": page, "GET /escalations/:id": page, "GET /escalations/:id/events": page, "POST /escalations/:id/:verb": page,
}

// No answer may be taken for something else, none that is somebody's is kept on the way, and no GET changes anything.
func TestEveryRouteIsGuarded(t *testing.T) {
	o := options(t)
	o.Twilio.AccountSID, o.Twilio.AuthToken = twiliofake.AccountSID, twiliofake.AuthToken
	o.Dev = false // nobody is let in for sitting at this machine
	o.Twilio.From = "+12125550100"
	a, _ := run(t, o, app.API)
	kept, err := os.ReadFile(o.TokenFile())
	require.NoError(t, err)
	token := strings.TrimSpace(string(kept))
	routes, err := a.Routes()
	require.NoError(t, err)
	db, err := pgx.Connect(t.Context(), o.DatabaseURL)
	require.NoError(t, err)
	defer db.Close(t.Context())
	var all []string
	for _, r := range routes {
		if strings.HasPrefix(r.Method, "echo_") {
			continue
		}
		all = append(all, r.Method+" "+r.Path)
	}
	slices.SortFunc(all, func(a, b string) int { // doors for keys last: whoever tries many keys is slowed down at every door
		byKey := func(route string) int {
			if ways[route] == key {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(byKey(a), byKey(b)), cmp.Compare(a, b))
	})
	require.Greater(t, len(all), 40)

	ask := func(method, path, auth string) *http.Response {
		path = strings.NewReplacer(":id", "E-1", ":hash", "current", ":verb", "acknowledge", ":token", "x.y", ":name", "nothing", ":format", "alertmanager", ":key", "nobody-has-this-key", ":identifier", "E-1", ":request", "none", "*", "").Replace(path)
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+a.Addr()+path, nil)
		require.NoError(t, err)
		if auth != "" {
			r.Header.Set("Authorization", "Bearer "+auth)
		}
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		answer, err := client.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = answer.Body.Close() })
		return answer
	}
	for _, route := range all {
		method, path, _ := strings.Cut(route, " ")
		how, listed := ways[route]
		if !listed {
			require.True(t, strings.HasPrefix(path, "/v1/"), "%s is in no list", route)
			how = bearer
		}
		stranger := ask(method, path, "")
		require.Less(t, stranger.StatusCode, 500, route)
		require.Equal(t, "nosniff", stranger.Header.Get("X-Content-Type-Options"), route)
		switch how {
		case bearer:
			require.Equal(t, http.StatusUnauthorized, stranger.StatusCode, route)
			require.Equal(t, "application/problem+json", stranger.Header.Get("Content-Type"), route)
			require.Equal(t, "no-store", stranger.Header.Get("Cache-Control"), route)
		case page:
			require.Contains(t, []int{http.StatusSeeOther, http.StatusUnauthorized}, stranger.StatusCode, route)
		case key:
			require.Contains(t, []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests}, stranger.StatusCode, "%s: whoever tries many keys is slowed down", route)
		case open:
			require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, stranger.StatusCode, route)
		}
		if (how == page || strings.HasPrefix(path, "/a/") || path == "/login") && method != http.MethodHead {
			require.Contains(t, stranger.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", route)
			require.Equal(t, "no-store", stranger.Header.Get("Cache-Control"), route)
		}
	}

	before := rows(t, db)
	for _, route := range all {
		method, path, _ := strings.Cut(route, " ")
		if method != http.MethodGet && method != http.MethodHead {
			continue
		}
		known := ask(method, path, token)
		require.Less(t, known.StatusCode, 500, route)
		require.Equal(t, "nosniff", known.Header.Get("X-Content-Type-Options"), route)
		if strings.HasPrefix(path, "/v1/") {
			require.Equal(t, "no-store", known.Header.Get("Cache-Control"), route)
		}
	}
	require.Equal(t, before, rows(t, db), "a GET wrote")

	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, "BREW"} {
		for _, path := range []string{"/v1/escalations", "/v2/enqueue", "/nothing"} {
			require.Contains(t, []int{http.StatusMethodNotAllowed, http.StatusNotFound}, ask(method, path, token).StatusCode, "%s %s", method, path)
		}
	}
}

// rows is how many there are in each table, and how often each was written.
func rows(t *testing.T, db *pgx.Conn) map[string]string {
	t.Helper()
	names, err := db.Query(t.Context(), `select tablename from pg_tables where schemaname = current_schema() order by 1`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(names, pgx.RowTo[string])
	require.NoError(t, err)
	found := map[string]string{}
	for _, table := range tables {
		if table == "watch" || table == "hearing" {
			continue // the watchdog's and the heartbeats' own, written by the clock
		}
		var n int
		var newest string
		require.NoError(t, db.QueryRow(t.Context(), fmt.Sprintf(`select count(*), coalesce(max(xmin::text::bigint), 0)::text from %q`, table)).Scan(&n, &newest))
		found[table] = fmt.Sprint(n, " rows, last written by ", newest)
	}
	require.NotEmpty(t, found)
	return found
}
