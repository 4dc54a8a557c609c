package app_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/integrations/canary"
	"github.com/belayhq/belay/service"
)

// What a canary says in a format is what our own decoder of that format understands as one alert that fires, and as its end,
// proved as that system proves it. Every format that comes in by the door can be walked, but the one that only Amazon signs.
func TestACanarySpeaksEveryFormat(t *testing.T) {
	var last alert.Post
	var path string
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		path, last = r.URL.Path, alert.Post{Header: map[string]string{}, Query: map[string]string{}, Body: body, At: time.Now()}
		for name, values := range r.Header {
			last.Header[strings.ToLower(name)] = values[0]
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer door.Close()
	client := canary.New(door.URL, func(string) string { return "" }, time.Now, time.Minute)
	known := map[string]bool{"sns": true}
	for _, format := range blueprint.Formats() {
		known[format] = true
		t.Run(format, func(t *testing.T) {
			d, err := app.Dialect(format)
			require.NoError(t, err)
			const secret = "sixteen0or0more0characters"
			in := org.Integration{ID: "i", Key: "the-key-of-it", Secret: secret, Mapping: &mapped, Canary: &org.Canary{Format: format}}
			if format == "json" {
				in.Canary.Bodies = &org.Bodies{Firing: `{"title":"TITLE","state":"firing","id":"c"}`, Resolved: `{"title":"TITLE","state":"resolved","id":"c"}`}
			}
			var keys []string
			for firing, action := range map[bool]alert.Action{true: alert.Trigger, false: alert.Resolve} {
				require.NoError(t, client.Say(t.Context(), in, firing, "proof"))
				require.Equal(t, "/in/"+format+"/the-key-of-it", path)
				require.Equal(t, "proof", last.Header[service.CanaryHeader])
				if d.Verify != nil {
					require.NoError(t, d.Verify(last, secret))
					require.Error(t, d.Verify(last, "another-secret-of-letters"), "it is the secret that proves it")
				} else {
					require.NoError(t, alert.Bears(last, secret))
				}
				said, err := service.Understand(d, in, last)
				require.NoError(t, err)
				require.Len(t, said, 1)
				require.Equal(t, action, said[0].Action, "%s", last.Body)
				keys = append(keys, said[0].DedupKey)
			}
			require.Equal(t, keys[0], keys[1], "one trouble")
		})
	}
	for _, d := range app.Dialects() {
		require.True(t, known[d.Name], "no canary speaks %s", d.Name)
	}
}

func TestACanarySaysNothingOfItsKey(t *testing.T) {
	client := canary.New("http://127.0.0.1:1", nil, time.Now, time.Second)
	err := client.Say(t.Context(), org.Integration{Key: "the-key-of-it", Canary: &org.Canary{Format: "grafana"}}, true, "proof")
	require.True(t, fault.Is(err, fault.Unavailable))
	require.NotContains(t, err.Error(), "the-key-of-it")
}

// A canary through a whole process: in at its own door with the integration's key and secret, out to the robot, back by the
// callback, and over. Nobody else is told, and no list knows of it unless it is asked for.
func TestACanaryWalksThroughTheWholeHouse(t *testing.T) {
	o := options(t)
	a, _ := run(t, o, app.API, app.Worker)
	token, err := os.ReadFile(o.TokenFile())
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../examples/quick")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "canary.yaml"), []byte(
		"{kind: integration, id: watched, service: payments, key: canary0key0of0letters, secret: canary0secret0letters, canary: {every: 1h, service: payments, format: grafana}}\n"), 0o600))
	_, _, err = a.ApplyDir(t.Context(), dir)
	require.NoError(t, err)

	var list struct {
		Canaries []struct {
			Integration string
			Walks       []struct {
				EndedAt    *time.Time `json:"ended_at"`
				Escalation string
				Broken     string
				Why        string
				Hops       []struct {
					Hop     string
					AfterMs int64 `json:"after_ms"`
				}
			}
		}
	}
	get := func(path string, into any) {
		t.Helper()
		status, body := ask(t, http.MethodGet, "http://"+a.Addr()+path, nil, "Authorization", "Bearer "+strings.TrimSpace(string(token)))
		require.Equal(t, http.StatusOK, status, "%s", body)
		require.NoError(t, json.Unmarshal(body, into))
	}
	require.Eventually(t, func() bool {
		get("/v1/canaries?walks=5", &list)
		return len(list.Canaries) == 1 && len(list.Canaries[0].Walks) > 0 && list.Canaries[0].Walks[0].EndedAt != nil
	}, 4*time.Minute, 100*time.Millisecond)
	walk := list.Canaries[0].Walks[0]
	require.Empty(t, walk.Broken, walk.Why)
	require.Empty(t, walk.Why)
	var hops []string
	for _, h := range walk.Hops {
		hops = append(hops, h.Hop)
		require.GreaterOrEqual(t, h.AfterMs, int64(0))
	}
	require.Equal(t, []string{"event", "escalation", "page", "receipt", "resolve"}, hops)

	type row struct {
		ID     string
		State  string
		Canary bool
		Told   []string
	}
	var listed struct{ Escalations []row }
	get("/v1/escalations?limit=200", &listed)
	itself := func(r row) bool { return r.ID == walk.Escalation || r.Canary }
	require.False(t, slices.ContainsFunc(listed.Escalations, itself), "it is in no list")
	get("/v1/escalations?canaries=true&limit=200", &listed)
	found := slices.DeleteFunc(listed.Escalations, func(r row) bool { return !itself(r) })
	require.Len(t, found, 1)
	require.Equal(t, walk.Escalation, found[0].ID)
	require.True(t, found[0].Canary)
	require.Equal(t, []string{string(org.Robot)}, found[0].Told)

	db, err := pgx.Connect(t.Context(), o.DatabaseURL)
	require.NoError(t, err)
	defer db.Close(t.Context())
	var messages, sandboxed, waiting int
	require.NoError(t, db.QueryRow(t.Context(), "select (select count(*) from messages where workflow = 'escalation/' || $1), "+
		"(select count(*) from sandbox_messages where escalation = $1), (select count(*) from gathered where 'E-' || escalation = $1)", walk.Escalation).Scan(&messages, &sandboxed, &waiting))
	require.Equal(t, []int{1, 0, 0}, []int{messages, sandboxed, waiting}, "the robot, and nobody else")

	// Whoever has the key but not our proof is refused rather than kept quiet.
	said := map[string]any{"status": "firing", "alerts": []any{map[string]any{"status": "firing", "labels": map[string]string{"alertname": "x"}}}}
	body, err := json.Marshal(said)
	require.NoError(t, err)
	headers := []string{"X-Belay-Canary", "1." + strings.Repeat("0", 64)}
	signed := canary.Signed("grafana", "canary0secret0letters", body, time.Now())
	for _, name := range slices.Sorted(maps.Keys(signed)) {
		headers = append(headers, name, signed[name])
	}
	status, answer := ask(t, http.MethodPost, "http://"+a.Addr()+"/in/grafana/canary0key0of0letters", said, headers...)
	require.Equal(t, http.StatusUnauthorized, status, "%s", answer)
	status, _ = ask(t, http.MethodPost, "http://"+a.Addr()+"/callbacks/canary", map[string]string{"key": "E-1/t1/ana/mobile/1"}, "X-Belay-Canary", "nothing")
	require.Equal(t, http.StatusForbidden, status)
}
