package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
)

// A group of Alertmanager through the whole house: both alerts are on record before the answer, each opens an escalation of
// its own, the next group joins one and ends the other, and the request is kept once.
func TestAGroupOfAlertsOpensAsManyEscalations(t *testing.T) {
	o := options(t)
	o.TemporalAddr = "127.0.0.1:1" // whom it tells is another story
	a, _ := run(t, o, app.API)
	at := "http://" + a.Addr() + "/in/alertmanager/" + routingKey(t)
	group := func(disk, cpu string) map[string]any {
		one := func(name, status string) map[string]any {
			return map[string]any{"status": status, "labels": map[string]any{"alertname": name, "instance": "db-1"}, "annotations": map[string]any{"summary": name},
				"startsAt": "2026-01-02T03:04:05Z", "endsAt": "2026-01-02T03:14:05Z"}
		}
		return map[string]any{"version": "4", "status": "firing", "alerts": []any{one("disk", disk), one("cpu", cpu)}}
	}
	status, answer := ask(t, http.MethodPost, at, group("firing", "firing"), "X-Request-Id", "first-group")
	require.Equal(t, http.StatusAccepted, status, "%s", answer)
	var said struct {
		Accepted  int      `json:"accepted"`
		DedupKeys []string `json:"dedup_keys"`
		RequestID string   `json:"request_id"`
	}
	require.NoError(t, json.Unmarshal(answer, &said))
	require.Equal(t, 2, said.Accepted)
	require.Equal(t, "first-group", said.RequestID)
	status, answer = ask(t, http.MethodPost, at, group("firing", "resolved"))
	require.Equal(t, http.StatusAccepted, status, "%s", answer)

	db, err := pgx.Connect(t.Context(), o.DatabaseURL)
	require.NoError(t, err)
	defer db.Close(t.Context())
	count := func(query string, args ...any) (n int) {
		t.Helper()
		require.NoError(t, db.QueryRow(t.Context(), query, args...).Scan(&n))
		return n
	}
	require.Equal(t, 4, count(`select count(*) from inbox where format = 'alertmanager' and dedup_key = any ($1)`, said.DedupKeys))
	require.Equal(t, 2, count(`select count(*) from inbox where trace = 'first-group'`))
	require.Equal(t, 2, count(`select count(*) from inbox where format = 'alertmanager' and length(raw) > 0 and raw_of is null and dedup_key = any ($1)`, said.DedupKeys), "each request once")
	require.Eventually(t, func() bool {
		return count(`select count(*) from inbox where format = 'alertmanager' and settled_at is null and dedup_key = any ($1)`, said.DedupKeys) == 0
	}, time.Minute, 100*time.Millisecond)
	require.Equal(t, 2, count(`select count(distinct escalation) from inbox where format = 'alertmanager' and escalation is not null and dedup_key = any ($1)`, said.DedupKeys))
	require.Equal(t, 1, count(`select count(*) from escalations where dedup_key = any ($1) and dedup_held`, said.DedupKeys), "what is well again is free")

	status, answer = ask(t, http.MethodPost, at, map[string]any{"alerts": []any{map[string]any{"status": "firing"}}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, string(answer), "alerts[0].labels")
	require.NotContains(t, string(answer), routingKey(t))
}

// Whatever is thrown at a door is refused in words, in the time of one request, and nothing of it is kept.
func TestNoDoorTakesWhatIsNoMessage(t *testing.T) {
	o := options(t)
	o.TemporalAddr = "127.0.0.1:1"
	a, _ := run(t, o, app.API)
	at, key := "http://"+a.Addr(), routingKey(t)
	db, err := pgx.Connect(t.Context(), o.DatabaseURL)
	require.NoError(t, err)
	defer db.Close(t.Context())
	kept := func() (n int) {
		t.Helper()
		require.NoError(t, db.QueryRow(t.Context(), `select count(*) from inbox`).Scan(&n))
		return n
	}

	doors := map[string]string{ // by path, the authorization
		"/v2/enqueue": "", "/v2/change/enqueue": "", "/generic/2010-04-15/create_event.json": "",
		"/v2/alerts": "GenieKey " + key, "/opsgenie/v2/alerts": "GenieKey " + key,
		"/api/v2/alerts": "Bearer " + key, "/alertmanager/" + key + "/api/v2/alerts": "",
	}
	for _, format := range app.Formats() {
		doors["/in/"+format+"/"+key] = ""
	}
	before := kept()
	for path, authorization := range doors {
		for what, body := range map[string]string{
			"nothing": "", "words": "the disk is full", "half": `{"a":`, "null": "null", "bytes": "\x00\xff\xfe", "empty object": "{}",
			"deep": strings.Repeat(`{"a":`, 200_000), "deep list": strings.Repeat("[", 400_000), "10 MB": `{"title":"` + strings.Repeat("x", 10<<20) + `"}`,
			"wide": `{"a":[` + strings.Repeat("{},", 500_000) + `{}]}`,
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at+path, strings.NewReader(body))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/json")
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			answer, err := http.DefaultClient.Do(r)
			require.NoError(t, err, "%s: %s", path, what)
			said, err := io.ReadAll(answer.Body)
			require.NoError(t, answer.Body.Close())
			require.NoError(t, err)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}, answer.StatusCode,
				"%s: %s: %s", path, what, said)
			require.Less(t, len(said), 4000, "%s: %s", path, what)
			require.NotContains(t, string(said), key, "%s: %s", path, what)
			if what == "10 MB" {
				require.Equal(t, http.StatusRequestEntityTooLarge, answer.StatusCode, "%s: %s", path, said)
			}
		}
	}
	require.Equal(t, before, kept(), "something was kept")
}

// With a secret the key alone opens no format, and neither does another secret, or one of another body.
func TestEveryFormatAsksForItsProof(t *testing.T) {
	for _, d := range app.Dialects() {
		t.Run(d.Name, func(t *testing.T) {
			verify := d.Verify
			if verify == nil {
				verify = alert.Bears
			}
			body := []byte(plainly(language[d.Name].broke))
			for what, header := range map[string]map[string]string{
				"nothing": {}, "another secret": {"authorization": "Bearer another0secret0of0somebody"}, "a password": {"authorization": "Basic YTpi"},
				"a header": {"x-belay-secret": "another0secret0of0somebody"}, "half a header": {"authorization": "Bearer"},
				"signatures": {"x-grafana-alerting-signature": "00", "sentry-hook-signature": "00", "x-pagerduty-signature": "v1=00", "x-hub-signature": "sha256=00",
					"x-zendesk-webhook-signature": "AA==", "x-zendesk-webhook-signature-timestamp": "2026-01-02T03:04:05Z"},
			} {
				err := verify(alert.Post{Header: header, Query: map[string]string{}, Body: body, At: received}, "the0secret0of0this0integration")
				require.True(t, fault.Is(err, fault.Unauthenticated), "%s: %v", what, err)
			}
		})
	}
}
