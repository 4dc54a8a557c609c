package app_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
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
	require.Equal(t, 2, count(`select count(*) from inbox where format = 'alertmanager' and length(raw) > 0 and raw_of is null`), "each request once")
	require.Eventually(t, func() bool {
		return count(`select count(*) from inbox where format = 'alertmanager' and settled_at is null`) == 0
	}, time.Minute, 100*time.Millisecond)
	require.Equal(t, 2, count(`select count(distinct escalation) from inbox where format = 'alertmanager' and escalation is not null`))
	require.Equal(t, 1, count(`select count(*) from escalations where dedup_key = any ($1) and dedup_held`, said.DedupKeys), "what is well again is free")

	status, answer = ask(t, http.MethodPost, at, map[string]any{"alerts": []any{map[string]any{"status": "firing"}}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, string(answer), "alerts[0].labels")
	require.NotContains(t, string(answer), routingKey(t))
}
