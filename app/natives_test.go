package app_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/smtp"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"
	"github.com/jackc/pgx/v5"
	genie "github.com/opsgenie/opsgenie-go-sdk-v2/alert"
	opsgenie "github.com/opsgenie/opsgenie-go-sdk-v2/client"
	"github.com/opsgenie/opsgenie-go-sdk-v2/heartbeat"
	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
)

// native is a whole system with the quick example, as a sender sees it.
type native struct {
	*testing.T
	app            *app.App
	at, key, token string
	db             *pgx.Conn
}

func natively(t *testing.T) native {
	o := options(t)
	a, _ := run(t, o, app.API, app.Worker)
	token, err := os.ReadFile(o.TokenFile())
	require.NoError(t, err)
	db, err := pgx.Connect(t.Context(), o.DatabaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close(context.WithoutCancel(t.Context())) })
	return native{t, a, "http://" + a.Addr(), routingKey(t), strings.TrimSpace(string(token)), db}
}

// state of the newest escalation with a dedup key; "" when there is none.
func (n native) state(dedup string) string {
	n.Helper()
	var state string
	err := n.db.QueryRow(n.Context(), "select state from escalations where dedup_key = $1 order by number desc limit 1", dedup).Scan(&state)
	if err != pgx.ErrNoRows {
		require.NoError(n, err)
	}
	return state
}

func (n native) becomes(dedup, state string) {
	n.Helper()
	require.Eventually(n, func() bool { return n.state(dedup) == state }, time.Minute, 50*time.Millisecond, "%s is %q, not %s", dedup, n.state(dedup), state)
}

// timeline of the newest escalation with a dedup key, as one text.
func (n native) timeline(dedup string) string {
	n.Helper()
	var number int64
	require.NoError(n, n.db.QueryRow(n.Context(), "select number from escalations where dedup_key = $1 order by number desc limit 1", dedup).Scan(&number))
	status, answer := ask(n.T, http.MethodGet, fmt.Sprintf("%s/v1/escalations/E-%d/timeline", n.at, number), nil, "Authorization", "Bearer "+n.token)
	require.Equal(n, http.StatusOK, status, "%s", answer)
	return string(answer)
}

// toUs sends to our server what a client means for its own.
type toUs string

func (u toUs) RoundTrip(r *http.Request) (*http.Response, error) {
	at, err := url.Parse(string(u))
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = at.Scheme, at.Host, ""
	return http.DefaultTransport.RoundTrip(r)
}

func TestPagerDutysClientSpeaksEveryVersion(t *testing.T) {
	n := natively(t)

	// V1, as agents on old machines.
	old := &http.Client{Transport: toUs(n.at)}
	_, err := pagerduty.CreateEventWithHTTPClient(pagerduty.Event{
		ServiceKey: n.key, Type: "trigger", IncidentKey: "v1/" + t.Name(), Description: "disk full",
		Details: map[string]string{"hostname": "db-1", "severity": "warning"},
	}, old)
	require.NoError(t, err)
	n.becomes("v1/"+t.Name(), "open")
	_, err = pagerduty.CreateEventWithHTTPClient(pagerduty.Event{ServiceKey: n.key, Type: "resolve", IncidentKey: "v1/" + t.Name()}, old)
	require.NoError(t, err)
	n.becomes("v1/"+t.Name(), "resolved")
	_, err = pagerduty.CreateEventWithHTTPClient(pagerduty.Event{ServiceKey: "nobody", Type: "trigger", Description: "x"}, old)
	require.ErrorContains(t, err, "400")

	// A change is kept, and pages nobody.
	var before, after int
	require.NoError(t, n.db.QueryRow(t.Context(), "select count(*) from escalations").Scan(&before))
	client := pagerduty.NewClient("", pagerduty.WithV2EventsAPIEndpoint(n.at))
	answer, err := client.CreateChangeEventWithContext(t.Context(), pagerduty.ChangeEvent{
		RoutingKey: n.key,
		Payload:    pagerduty.ChangeEventPayload{Summary: "deployed " + t.Name(), Source: "ci", Timestamp: time.Now().Format(time.RFC3339)},
		Links:      []pagerduty.ChangeEventLink{{Href: "https://ci.example/1", Text: "build"}},
	})
	require.NoError(t, err)
	require.Equal(t, "success", answer.Status)
	require.Eventually(t, func() bool {
		var note string
		err := n.db.QueryRow(t.Context(), "select note from inbox where format = 'pagerduty-change' and alert->>'title' = $1 and settled_at is not null", "deployed "+t.Name()).Scan(&note)
		return err == nil && note == "asks for nothing"
	}, time.Minute, 50*time.Millisecond)
	require.NoError(t, n.db.QueryRow(t.Context(), "select count(*) from escalations").Scan(&after))
	require.Equal(t, before, after)
	_, err = client.CreateChangeEventWithContext(t.Context(), pagerduty.ChangeEvent{RoutingKey: n.key})
	require.Error(t, err)
}

// opsgenie is a configuration of Opsgenie's own client with our address.
func (n native) opsgenie(key string) *opsgenie.Config {
	return &opsgenie.Config{
		ApiKey: key, OpsGenieAPIURL: opsgenie.ApiUrl(strings.TrimPrefix(n.at, "http://")), RetryCount: 5, LogLevel: logrus.FatalLevel,
		HttpClient: &http.Client{Transport: toUs(n.at)},
	}
}

func TestOpsgeniesClientDoesWithAnAlertWhatItDid(t *testing.T) {
	n := natively(t)
	configured := n.opsgenie(n.key)
	client, err := genie.NewClient(configured)
	require.NoError(t, err)
	alias := "disk:" + t.Name()
	said := func(result *genie.AsyncAlertResult, err error) *genie.RequestStatusResult {
		t.Helper()
		require.NoError(t, err)
		require.NotEmpty(t, result.RequestId)
		status, err := result.RetrieveStatus(t.Context())
		require.NoError(t, err)
		require.True(t, status.IsSuccess, "%+v", status)
		return status
	}
	status := said(client.Create(t.Context(), &genie.CreateAlertRequest{
		Message: "Disk full", Alias: alias, Entity: "db-1", Priority: genie.P1, Tags: []string{"db"}, Details: map[string]string{"runbook_url": "https://r.example"},
		Responders: []genie.Responder{{Type: genie.TeamResponder, Name: "anybody"}},
	}))
	require.Equal(t, "Create", status.Action)
	require.Equal(t, alias, status.Alias)
	n.becomes(alias, "open")

	said(client.AddNote(t.Context(), &genie.AddNoteRequest{IdentifierType: genie.ALERTID, IdentifierValue: status.AlertID, Note: "seen on three hosts"}))
	require.Eventually(t, func() bool { return strings.Contains(n.timeline(alias), "seen on three hosts") }, time.Minute, 50*time.Millisecond)
	said(client.EscalateToNext(t.Context(), &genie.EscalateToNextRequest{IdentifierType: genie.ALIAS, IdentifierValue: alias, Escalation: genie.Escalation{Name: "any"}}))
	said(client.Acknowledge(t.Context(), &genie.AcknowledgeAlertRequest{IdentifierType: genie.ALERTID, IdentifierValue: status.AlertID}))
	n.becomes(alias, "acknowledged")
	said(client.Snooze(t.Context(), &genie.SnoozeAlertRequest{IdentifierType: genie.ALERTID, IdentifierValue: status.AlertID, EndTime: time.Now().Add(time.Hour)}))

	got, err := client.Get(t.Context(), &genie.GetAlertRequest{IdentifierType: genie.ALIAS, IdentifierValue: alias})
	require.NoError(t, err)
	require.Equal(t, []any{status.AlertID, alias, "Disk full", "open", true}, []any{got.Id, got.Alias, got.Message, got.Status, got.Acknowledged})
	listed, err := client.List(t.Context(), &genie.ListAlertRequest{Query: "alias:" + alias})
	require.NoError(t, err)
	require.Len(t, listed.Alerts, 1)

	said(client.Close(t.Context(), &genie.CloseAlertRequest{IdentifierType: genie.ALIAS, IdentifierValue: alias, Note: "freed"}))
	n.becomes(alias, "resolved")
	got, err = client.Get(t.Context(), &genie.GetAlertRequest{IdentifierType: genie.ALERTID, IdentifierValue: status.AlertID})
	require.NoError(t, err)
	require.Equal(t, "closed", got.Status)

	// What cannot be done is said as Opsgenie says it.
	configured.RetryCount, configured.ApiKey = 0, "nobody"
	stranger, err := genie.NewClient(configured)
	require.NoError(t, err)
	_, err = stranger.Create(t.Context(), &genie.CreateAlertRequest{Message: "x"})
	require.ErrorContains(t, err, "401")
	_, err = stranger.Get(t.Context(), &genie.GetAlertRequest{IdentifierType: genie.ALERTID, IdentifierValue: status.AlertID})
	require.ErrorContains(t, err, "401")
}

// Opsgenie's own client pings by GET: it counts as a sign of life all the same, and only for who has the key.
func TestOpsgeniesHeartbeatsAreOurs(t *testing.T) {
	n := natively(t)
	quick, err := os.ReadFile("../examples/quick/quick.yaml")
	require.NoError(t, err)
	dir := t.TempDir()
	watched := string(quick) + "---\n{kind: heartbeat, id: backup, name: Backup, integration: payments-events, every: 1h, grace: 10m}\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "quick.yaml"), []byte(watched), 0o600))
	_, _, err = n.app.ApplyDir(t.Context(), dir)
	require.NoError(t, err)
	due := func() (waiting int) {
		require.NoError(t, n.db.QueryRow(t.Context(), "select count(*) from heartbeats where name = 'backup' and due_at > now()").Scan(&waiting))
		return waiting
	}
	require.Zero(t, due(), "nobody waits for it before the first one")

	pings := func(key string) (*heartbeat.PingResult, error) {
		client, err := heartbeat.NewClient(n.opsgenie(key))
		require.NoError(t, err)
		return client.Ping(t.Context(), "backup")
	}
	_, err = pings("nobody")
	require.ErrorContains(t, err, "no integration has this key")
	require.Zero(t, due())
	pong, err := pings(n.key)
	require.NoError(t, err)
	require.Contains(t, pong.Message, "PONG")
	require.Equal(t, 1, due())
}

func TestOpsgeniesErrorsAreItsOwn(t *testing.T) {
	n := natively(t)
	genie := []string{"Authorization", "GenieKey " + n.key}
	for _, one := range []struct {
		method, path string
		body         any
		headers      []string
		status       int
		says         string
	}{
		{"POST", "/v2/alerts", map[string]any{"message": ""}, genie, 422, "message"},
		{"POST", "/opsgenie/v2/alerts", map[string]any{"message": ""}, genie, 422, "message"},
		{"POST", "/v2/alerts", map[string]any{"message": "x"}, nil, 401, "Could not authenticate"},
		{"GET", "/v2/alerts/nothing?identifierType=alias", nil, genie, 404, "nothing"},
		{"GET", "/v2/alerts/E-1?identifierType=name", nil, genie, 422, "identifierType"},
		{"GET", "/v2/alerts/requests/none", nil, genie, 404, "none"},
		{"GET", "/v2/alerts", nil, genie, 422, "query"},
		{"POST", "/v2/alerts/x/notes?identifierType=alias", map[string]any{"note": " "}, genie, 422, "note"},
		{"POST", "/v2/alerts/x/snooze?identifierType=alias", map[string]any{"endTime": "later"}, genie, 422, "endTime"},
		{"POST", "/v2/alerts/x/notes?identifierType=alias", map[string]any{"note": "y"}, genie, 404, "x"},
		{"GET", "/v2/heartbeats/backup/ping", nil, genie, 404, "backup"},
	} {
		status, answer := ask(t, one.method, n.at+one.path, one.body, one.headers...)
		require.Equal(t, one.status, status, "%s %s: %s", one.method, one.path, answer)
		var said struct {
			RequestID string  `json:"requestId"`
			Took      float64 `json:"took"`
		}
		require.NoError(t, json.Unmarshal(answer, &said))
		require.NotEmpty(t, said.RequestID)
		require.Contains(t, string(answer), one.says)
	}
}

func TestPrometheusFiresAtUsAsAtItsAlertmanager(t *testing.T) {
	n := natively(t)
	labels := map[string]string{"alertname": "DiskFull", "instance": "db-1", "severity": "critical", "test": t.Name()}
	fires := []map[string]any{{"labels": labels, "annotations": map[string]string{"summary": "disk full on db-1"},
		"startsAt": time.Now().Add(-time.Minute), "endsAt": time.Now().Add(4 * time.Minute), "generatorURL": "http://prometheus.example/graph"}}
	over := []map[string]any{{"labels": labels, "startsAt": time.Now().Add(-time.Minute), "endsAt": time.Now().Add(-time.Second)}}
	states := func() (all string) {
		err := n.db.QueryRow(t.Context(), "select coalesce(string_agg(state, ' ' order by number), '') from escalations where alert->'labels'->>'test' = $1", t.Name()).Scan(&all)
		require.NoError(t, err)
		return all
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("belay:"+n.key))
	for _, one := range []struct {
		path, authorization string
		alerts              any
		states              string
	}{
		{"/api/v2/alerts", basic, fires, "open"},
		{"/api/v2/alerts", "Bearer " + n.key, fires, "open"},
		{"/alertmanager/" + n.key + "/api/v2/alerts", "", over, "resolved"},
	} {
		status, answer := ask(t, http.MethodPost, n.at+one.path, one.alerts, "Authorization", one.authorization)
		require.Equal(t, http.StatusOK, status, "%s", answer)
		require.Eventually(t, func() bool { return states() == one.states }, time.Minute, 50*time.Millisecond, "%s", one.path)
	}
	status, _ := ask(t, http.MethodPost, n.at+"/api/v2/alerts", fires, "Authorization", "Bearer nobody")
	require.Equal(t, http.StatusUnauthorized, status)
	status, answer := ask(t, http.MethodPost, n.at+"/api/v2/alerts", []map[string]any{{"annotations": labels}}, "Authorization", basic)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, string(answer), "labels")
}

func TestAMailWakesSomebodyAndAnotherLetsThemSleep(t *testing.T) {
	o := options(t)
	o.MailIn = app.MailIn{Addr: "127.0.0.1:0", Domain: "alerts.example"}
	a, _ := run(t, o, app.API, app.Worker)
	db, err := pgx.Connect(t.Context(), o.DatabaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close(context.WithoutCancel(t.Context())) })
	n := native{T: t, db: db}
	send := func(to, subject, more string) error {
		return smtp.SendMail(a.MailAddr(), nil, "watch@db-1.example", []string{to}, []byte("From: watch@db-1.example\r\nSubject: "+subject+"\r\n"+more+"\r\nthe disk is full\r\n"))
	}
	to, about := routingKey(t)+"@alerts.example", strings.ToLower(t.Name())
	require.NoError(t, send(to, "Automatic reply: "+about, "Auto-Submitted: auto-replied\r\n"))
	var why string
	require.NoError(t, db.QueryRow(t.Context(), "select alert->>'status' from inbox where format = 'email' and alert->>'title' = $1", "Automatic reply: "+about).Scan(&why), "it is kept")
	require.Equal(t, "auto-reply", why)
	require.NoError(t, send(to, "[CRITICAL] "+about, ""))
	n.becomes("mail/"+about, "open")
	require.NoError(t, send(to, "RE: "+about, ""))
	require.NoError(t, send(to, "RE: "+about, "Precedence: list\r\nList-Id: <ops.example>\r\n"))
	require.NoError(t, send(to, "[RESOLVED] "+about, ""))
	n.becomes("mail/"+about, "resolved")
	var all int
	require.NoError(t, db.QueryRow(t.Context(), "select count(*) from escalations where title ilike $1", "%"+about+"%").Scan(&all))
	require.Equal(t, 1, all)
	require.ErrorContains(t, send("nobody@alerts.example", about, ""), "550")
}
