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
	prometheus "github.com/belayhq/belay/integrations/alertmanager"
	"github.com/belayhq/belay/integrations/canary"
	"github.com/belayhq/belay/integrations/opsgenie"
	"github.com/belayhq/belay/integrations/pagerduty"
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
		if strings.HasSuffix(format, "-api") {
			continue // knocks elsewhere
		}
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
				said, err := service.Understand(org.Terms{}, d, in, last)
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

// What a canary says at the own paths of PagerDuty, Opsgenie and Alertmanager is what our decoders there understand as one alert
// and its end, with key and secret where those systems' clients have them.
func TestACanaryKnocksWhereClientsDo(t *testing.T) {
	var at string
	var last alert.Post
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		at, last = r.URL.RequestURI(), alert.Post{Header: map[string]string{}, Query: map[string]string{}, Body: body, At: time.Now().Add(time.Second)}
		for name, values := range r.Header {
			last.Header[strings.ToLower(name)] = values[0]
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer door.Close()
	client := canary.New(door.URL, func(string) string { return "" }, time.Now, time.Minute)
	const secret = "sixteen0or0more0characters"
	say := func(format, secret string, firing bool) {
		t.Helper()
		in := org.Integration{ID: "i", Key: "the-key-of-it", Secret: secret, Canary: &org.Canary{Format: format}}
		require.NoError(t, client.Say(t.Context(), in, firing, "proof"))
		require.Equal(t, "proof", last.Header[service.CanaryHeader])
	}
	for firing, action := range map[bool]alert.Action{true: alert.Trigger, false: alert.Resolve} {
		say(canary.PagerDutyAPI, "", firing)
		require.Equal(t, "/v2/enqueue", at)
		key, said, err := pagerduty.Decode(last.Body)
		require.NoError(t, err)
		require.Equal(t, []any{"the-key-of-it", action, "belay-canary"}, []any{key, said.Action, said.DedupKey})

		say(canary.AlertmanagerAPI, "", firing)
		require.Equal(t, []string{"/api/v2/alerts", "Bearer the-key-of-it"}, []string{at, last.Header["authorization"]})
		all, err := prometheus.DecodeAPI(last)
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, action, all[0].Action)
		say(canary.AlertmanagerAPI, secret, firing)
		require.Equal(t, "/alertmanager/the-key-of-it/api/v2/alerts", at)
		require.NoError(t, alert.Bears(last, secret))

		say(canary.OpsgenieAPI, secret, firing)
		require.Equal(t, "GenieKey the-key-of-it", last.Header["authorization"])
		require.NoError(t, alert.Bears(last, secret))
		if !firing {
			require.Equal(t, "/v2/alerts/belay-canary/close?identifierType=alias", at)
			continue
		}
		require.Equal(t, "/v2/alerts", at)
		all, err = opsgenie.Dialect().Decode(last)
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, []any{alert.Trigger, opsgenie.Alias("belay-canary"), alert.Critical}, []any{all[0].Action, all[0].DedupKey, all[0].Severity})
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
	db, err := pgx.Connect(t.Context(), o.DatabaseURL)
	require.NoError(t, err)
	defer db.Close(t.Context())
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../examples/quick")))
	canaries := map[string]string{ // what each has beside its name; with a secret where that system can prove one
		"watched": "key: canary0key0of0letters, secret: canary0secret0letters, canary: {every: 1h, service: payments, format: grafana}",
		"pager":   "key: canary0pager0letters, canary: {every: 1h, service: payments, format: pagerduty-api}",
		"genie":   "key: canary0genie0letters, secret: canary0secret0letters, canary: {every: 1h, service: payments, format: opsgenie-api}",
		"plain":   "key: canary0plain0letters, canary: {every: 1h, service: payments, format: alertmanager-api}",
		"proven":  "key: canary0proven0letters, secret: canary0secret0letters, canary: {every: 1h, service: payments, format: alertmanager-api}",
	}
	var text string
	for _, name := range slices.Sorted(maps.Keys(canaries)) {
		text += "---\n{kind: integration, id: " + name + ", service: payments, " + canaries[name] + "}\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "canary.yaml"), []byte(text), 0o600))
	_, _, err = a.ApplyDir(t.Context(), dir)
	require.NoError(t, err)

	type walked struct {
		EndedAt    *time.Time `json:"ended_at"`
		Escalation string
		Broken     string
		Why        string
		Hops       []struct {
			Hop     string
			AfterMs int64 `json:"after_ms"`
		}
	}
	var list struct {
		Canaries []struct {
			Integration string
			Walks       []walked
		}
	}
	get := func(path string, into any) {
		t.Helper()
		status, body := ask(t, http.MethodGet, "http://"+a.Addr()+path, nil, "Authorization", "Bearer "+strings.TrimSpace(string(token)))
		require.Equal(t, http.StatusOK, status, "%s", body)
		require.NoError(t, json.Unmarshal(body, into))
	}
	walks := map[string]walked{}
	require.Eventually(t, func() bool {
		get("/v1/canaries?walks=5", &list)
		for _, c := range list.Canaries {
			if len(c.Walks) > 0 && c.Walks[0].EndedAt != nil {
				walks[c.Integration] = c.Walks[0]
			}
		}
		return len(walks) == len(canaries)
	}, 4*time.Minute, 100*time.Millisecond)
	for name, walk := range walks {
		require.Empty(t, walk.Broken, "%s: %s", name, walk.Why)
		require.Empty(t, walk.Why, name)
		var hops []string
		for _, h := range walk.Hops {
			hops = append(hops, h.Hop)
			require.GreaterOrEqual(t, h.AfterMs, int64(0))
		}
		require.Equal(t, []string{"event", "escalation", "page", "receipt", "resolve"}, hops, name)
	}
	_, metrics := ask(t, http.MethodGet, "http://"+a.Addr()+"/metrics", nil)
	require.Contains(t, string(metrics), "belay_http_request_seconds")
	require.NotContains(t, string(metrics), "belay_pages_total{", "no number counts what only the robot was told")

	type row struct {
		ID     string
		State  string
		Canary bool
		Told   []string
	}
	var listed struct{ Escalations []row }
	get("/v1/escalations?limit=200", &listed)
	itself := func(r row) bool {
		return r.Canary || slices.ContainsFunc(slices.Collect(maps.Values(walks)), func(w walked) bool { return w.Escalation == r.ID })
	}
	require.False(t, slices.ContainsFunc(listed.Escalations, itself), "it is in no list")
	get("/v1/escalations?canaries=true&limit=200", &listed)
	found := slices.DeleteFunc(listed.Escalations, func(r row) bool { return !itself(r) })
	for _, walk := range walks {
		n := slices.IndexFunc(found, func(r row) bool { return r.ID == walk.Escalation })
		require.GreaterOrEqual(t, n, 0)
		require.True(t, found[n].Canary)
		require.Equal(t, []string{string(org.Robot)}, found[n].Told)
		var messages, sandboxed, waiting, tickets int
		require.NoError(t, db.QueryRow(t.Context(), "select (select count(*) from messages where workflow = 'escalation/' || $1), "+
			"(select count(*) from sandbox_messages where escalation = $1), (select count(*) from gathered where 'E-' || escalation = $1), "+
			"(select count(*) from ticket_links where 'E-' || escalation = $1)", walk.Escalation).Scan(&messages, &sandboxed, &waiting, &tickets))
		require.Equal(t, []int{1, 0, 0, 0}, []int{messages, sandboxed, waiting, tickets}, "the robot, and nobody else")
	}

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
	status, answer = ask(t, http.MethodPost, "http://"+a.Addr()+"/v2/enqueue", map[string]any{
		"routing_key": "canary0pager0letters", "event_action": "trigger", "payload": map[string]string{"summary": "hush", "source": "x", "severity": "critical"},
	}, "X-Belay-Canary", "1."+strings.Repeat("0", 64))
	require.Equal(t, http.StatusBadRequest, status, "%s", answer)
	status, _ = ask(t, http.MethodPost, "http://"+a.Addr()+"/callbacks/canary", map[string]string{"key": "E-1/t1/ana/mobile/1"}, "X-Belay-Canary", "nothing")
	require.Equal(t, http.StatusForbidden, status)
}
