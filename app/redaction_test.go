package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/integrations/smtp/smtpfake"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
)

// What nobody may read in a log, a metric, an error or what Temporal shows in clear: secrets, and how to reach people.
var confidential = map[string]string{
	"the database's password":    "db-password-5f1c",
	"the sealing secret":         "sealing-secret-of-the-redaction-test-0042",
	"Twilio's token":             twiliofake.AuthToken,
	"the webhooks' secret":       "webhook-secret-77aa",
	"the mail server's password": "mail-password-c0de",
	"the key of the codec":       "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
	"a routing key":              "redaction0routing0key00000000000",
	"Ana's number":               "4600111222",
	"Ben's number":               "4600333444",
	"a stranger's number":        "7700900123",
	"Ana's mailbox":              "ana.private@people.example",
	"Ben's mailbox":              "ben.private@people.example",
	"the path of Ana's webhook":  "T0KENPATH9876",
	"the query of Ana's webhook": "QUERYSECRET55",
	"a token that nobody made":   "blt_GUESSEDGUESSEDGUESSED",
	"what somebody searched":     "searched-for-this-9912",
}

const privateOrganisation = `
kind: organisation
id: redaction
name: Redaction
catch_all:
  targets: [{person: ben}]
  ack_within: 10m
---
kind: unit
id: redaction
name: Redaction
---
kind: team
id: crew
name: Crew
unit: redaction
lead: ben
members: [ben, ana]
---
kind: integration
id: events
service: payments
key: redaction0routing0key00000000000
---
kind: service
id: payments
name: Payments
owner: crew
tier: 1
---
kind: policy
id: payments
name: Payments
for: {services: [payments]}
tiers:
  - {name: on call, targets: [{person: ana}, {person: ben}], ack_within: 30m}
---
kind: person
id: ana
name: Ana
methods:
  - {id: mobile, sms: "+34600111222", each: true}
  - {id: mail, email: ana.private@people.example, each: true}
  - {id: hook, webhook: "HOOK", each: true}
  - {id: nowhere, webhook: "http://127.0.0.1:1/T0KENPATH9876?auth=QUERYSECRET55", each: true}
  - {id: barred, webhook: "http://127.0.0.2:1/T0KENPATH9876?auth=QUERYSECRET55", each: true}
ladder:
  high: [{use: mobile}, {use: mail}, {use: hook}, {use: nowhere}, {use: barred}]
---
kind: person
id: ben
name: Ben
methods:
  - {id: mobile, sms: "+34600333444", each: true}
  - {id: mail, email: ben.private@people.example, each: true}
ladder:
  high: [{use: mobile}]
`

// everything that strangers, operators and viewers can come to see, by where.
type seen struct {
	mu    sync.Mutex
	found map[string]*bytes.Buffer
}

func (s *seen) in(where string) io.Writer { return seenIn{s, where} }

type seenIn struct {
	*seen
	where string
}

func (s seenIn) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found == nil {
		s.found = map[string]*bytes.Buffer{}
	}
	if s.found[s.where] == nil {
		s.found[s.where] = &bytes.Buffer{}
	}
	return s.found[s.where].Write(b)
}

func (s *seen) text(where string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found[where] == nil {
		return ""
	}
	return s.found[where].String()
}

// leaks is every confidential thing with the line in which it stands.
func (s *seen) leaks(secrets map[string]string) (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, where := range slices.Sorted(maps.Keys(s.found)) {
		for line := range strings.Lines(s.found[where].String()) {
			for what, secret := range secrets {
				if strings.Contains(line, secret) || strings.Contains(line, url.QueryEscape(secret)) {
					all = append(all, fmt.Sprintf("%s in %s: %.600s", what, where, line))
				}
			}
		}
	}
	return all
}

func TestNothingConfidentialIsToldWhereItDoesNotBelong(t *testing.T) {
	if testing.Short() {
		t.Skip("needs servers")
	}
	saw := &seen{}
	secrets := maps.Clone(confidential)

	twilio := &twiliofake.Server{Plan: func(s twiliofake.Sent) twiliofake.Conduct {
		if s.To == "+34600111222" {
			return twiliofake.Conduct{Status: 400, Code: 21211, Words: "Invalid 'To' Phone Number: +34600111222"}
		}
		return twiliofake.Conduct{}
	}}
	carrier := httptest.NewServer(twilio)
	defer carrier.Close()
	mails, err := smtpfake.Start(smtpfake.Options{Plan: func(string) smtpfake.Conduct {
		return smtpfake.Conduct{Recipient: 550}
	}})
	require.NoError(t, err)
	defer mails.Close()
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusGone)
		_, _ = io.Copy(w, r.Body) // a receiver that repeats what it was sent
	}))
	defer hook.Close()

	o := options(t)
	o.Dev, o.LogLevel, o.LogFormat = false, slog.LevelDebug, app.LogText
	o.Secret = []byte(confidential["the sealing secret"])
	at, err := url.Parse(o.DatabaseURL)
	require.NoError(t, err)
	plainURL := o.DatabaseURL
	if _, has := at.User.Password(); has {
		secrets["the database's password"], _ = at.User.Password()
	} else {
		at.User = url.UserPassword(at.User.Username(), confidential["the database's password"]) // it is trusted without
		o.DatabaseURL = at.String()
	}
	env := map[string]string{
		"BELAY_CODEC_KEYS":         "k1:" + confidential["the key of the codec"],
		"BELAY_TWILIO_ACCOUNT_SID": twiliofake.AccountSID, "BELAY_TWILIO_AUTH_TOKEN": twiliofake.AuthToken,
		"BELAY_TWILIO_FROM": "+12125550100", "BELAY_TWILIO_BASE_URL": carrier.URL,
		"BELAY_SMTP_ADDR": mails.Addr, "BELAY_SMTP_FROM": "belay@quick.example", "BELAY_SMTP_TLS": "none",
		"BELAY_WEBHOOK_SECRET": confidential["the webhooks' secret"], "BELAY_WEBHOOK_ALLOW": "127.0.0.1/32",
	}
	more, err := app.FromEnv(func(name string) string { return env[name] })
	require.NoError(t, err)
	o.CodecKeys, o.Twilio, o.SMTP, o.Webhook = more.CodecKeys, more.Twilio, more.SMTP, more.Webhook

	blueprint := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(blueprint, "all.yaml"),
		[]byte(strings.Replace(privateOrganisation, "HOOK", hook.URL+"/T0KENPATH9876?auth=QUERYSECRET55", 1)), 0o600))

	// What cannot be reached is waited for, with a line in the log.
	for _, wrong := range []string{
		"postgres://belay:db-password-5f1c@127.0.0.1:1/belay", "host=127.0.0.1 port=1 user=belay password=db-password-5f1c",
		"postgres://belay:db-password-5f1c@%zz/belay", "postgres://belay:db-password-5f1c@127.0.0.1:port/belay",
	} {
		away := o
		away.DatabaseURL = wrong
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		_, err := app.Open(ctx, away, o.Logger(saw.in("log")), app.API)
		cancel()
		require.Error(t, err)
		fmt.Fprintln(saw.in("errors"), err)
	}

	open := o
	open.SMTP.Username, open.SMTP.Password = "belay", confidential["the mail server's password"]
	_, err = app.Open(t.Context(), open, o.Logger(saw.in("log")), app.API) // refuses to send a password in clear
	require.Error(t, err)
	fmt.Fprintln(saw.in("errors"), err)

	// What our own lines say before anything is left out: only the path of a request is somebody else's word.
	raw := slog.NewTextHandler(saw.in("log as written"), &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "path" {
			return slog.Attr{}
		}
		return a
	}})
	log := slog.New(slog.NewMultiHandler(o.Logger(saw.in("log")).Handler(), raw))
	a, err := app.Open(t.Context(), o, log, app.API, app.Worker)
	require.NoError(t, err)
	_, _, err = a.ApplyDir(t.Context(), blueprint)
	require.NoError(t, err)
	require.NoError(t, a.AdminToken(t.Context()))
	require.NoError(t, a.Start(t.Context()))
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			require.NoError(t, a.Stop(ctx))
		}
	}
	defer stop()
	kept, err := os.ReadFile(o.TokenFile())
	require.NoError(t, err)
	admin := strings.TrimSpace(string(kept))
	secrets["the administrator's token"] = admin
	here := "http://" + a.Addr()
	told := func(method, path string, body any, headers ...string) int {
		status, answer := ask(t, method, here+path, body, headers...)
		if status >= 400 {
			// An answer may repeat to the sender what the sender wrote in the path.
			answer = bytes.ReplaceAll(answer, []byte(strings.Split(path, "?")[0]), []byte("PATH"))
			fmt.Fprintf(saw.in("errors"), "%s: %d %s\n", method, status, bytes.ReplaceAll(answer, []byte("\n"), nil))
		}
		return status
	}
	bearer := []string{"Authorization", "Bearer " + admin}

	event := map[string]any{
		"routing_key": confidential["a routing key"], "event_action": "trigger", "dedup_key": t.Name() + time.Now().String(),
		"payload": map[string]any{"summary": "disk full", "source": "db-1", "severity": "critical"},
	}
	require.Equal(t, http.StatusAccepted, told(http.MethodPost, "/v2/enqueue", event))
	var sent twiliofake.Sent
	require.Eventually(t, func() bool {
		for _, s := range twilio.Sent() {
			if s.To == "+34600333444" {
				sent = s
				return true
			}
		}
		return false
	}, time.Minute, 50*time.Millisecond, "Ben is paged")
	_, rest, found := strings.Cut(sent.Body, "/a/")
	require.True(t, found, sent.Body)
	link := strings.Fields(rest)[0]
	secrets["a signed link"] = link
	key, err := url.Parse(sent.Form.Get("StatusCallback"))
	require.NoError(t, err)
	escalation, _, _ := strings.Cut(key.Query().Get("key"), "/")

	timeline := func() string {
		_, answer := ask(t, http.MethodGet, here+"/v1/escalations/"+escalation+"/timeline?limit=200", nil, bearer...)
		return string(answer)
	}
	// Ana's methods fail one after the other, each in its own words.
	require.Eventually(t, func() bool { return strings.Contains(timeline(), "all_failed") }, time.Minute, 100*time.Millisecond, "%s", timeline())

	// The door, from all sides.
	for _, headers := range [][]string{nil, bearer, {"Authorization", "Bearer " + confidential["a token that nobody made"]}, {"Authorization", "Basic " + admin}, {"Cookie", "belay_session=" + admin}} {
		for _, path := range []string{
			"/v1/me", "/v1/escalations?text=searched-for-this-9912", "/v1/escalations?oops=searched-for-this-9912", "/v1/nothing", "/a/" + link, "/a/" + link + "x", "/?token=searched-for-this-9912",
			"/v1/escalations?cursor=" + admin,
		} {
			told(http.MethodGet, path, nil, headers...)
		}
	}
	told(http.MethodDelete, "/v1/tokens/"+admin, nil, bearer...) // somebody takes the secret for the name
	told(http.MethodPost, "/login", map[string]string{"token": admin})
	told(http.MethodPost, "/v1/tokens", map[string]any{"name": strings.Repeat("x", 200), "role": admin}, bearer...)
	told(http.MethodPost, "/v2/enqueue", map[string]any{"routing_key": "unknown-to-us", "event_action": "trigger"})
	told(http.MethodPost, "/v1/escalations", map[string]any{"service": "payments", "title": "x", "contact": "+34600111222"}, bearer...)
	require.Equal(t, http.StatusForbidden, told(http.MethodPost, "/callbacks/twilio/sms?From=%2B34600111222", map[string]string{"From": "+447700900123"}))

	// The phone, from all sides. Callbacks reach us under the address that we call ours.
	for i, text := range []struct{ from, body string }{
		{"+447700900123", "ack"}, {"+447700900123", "STOP"}, {"+34600111222", "status"}, {"+34600333444", "what"}, {"+34600333444", "ack " + strings.TrimPrefix(escalation, "E-")},
	} {
		post, err := twilio.Text(a.PublicURL()+"/callbacks/twilio/sms", fmt.Sprintf("SM%032d", i), text.from, "+12125550100", text.body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, post.Status, "%s", post.Body)
	}
	_, err = twilio.Report(sent.SID, twiliofake.Report{Status: "undelivered", Code: "30003"})
	require.NoError(t, err)

	require.Eventually(t, func() bool {
		return strings.Contains(timeline(), `"acknowledged"`)
	}, time.Minute, 100*time.Millisecond, "%s", timeline())

	// A database that answers with errors, and one that hangs up.
	db, err := pgx.Connect(t.Context(), plainURL)
	require.NoError(t, err)
	defer db.Close(context.Background())
	_, err = db.Exec(t.Context(), `alter table inbox rename to inbox_away`)
	require.NoError(t, err)
	event["dedup_key"] = "while it is away"
	refused := told(http.MethodPost, "/v2/enqueue", event)
	_, err = db.Exec(t.Context(), `alter table inbox_away rename to inbox`)
	require.NoError(t, err)
	require.GreaterOrEqual(t, refused, 500)
	_, err = db.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
	require.NoError(t, err)
	told(http.MethodGet, "/v1/escalations", nil, bearer...)
	told(http.MethodPost, "/v2/enqueue", event)
	require.Eventually(t, func() bool { return told(http.MethodGet, "/v1/escalations", nil, bearer...) == http.StatusOK }, time.Minute, 100*time.Millisecond)

	// Somebody who may read, and no more.
	_, made := ask(t, http.MethodPost, here+"/v1/tokens", map[string]string{"name": "reader", "role": "viewer"}, bearer...)
	_, after, _ := strings.Cut(string(made), `"secret":"`)
	reader, _, _ := strings.Cut(after, `"`)
	require.NotEmpty(t, reader)
	secrets["the reader's token"] = reader
	for _, path := range []string{
		"/v1/escalations", "/v1/escalations/" + escalation, "/v1/escalations/" + escalation + "/timeline", "/v1/people", "/v1/people/ana", "/v1/people/ben",
		"/v1/services", "/v1/oncall", "/v1/revisions", "/v1/revisions/current", "/v1/me", "/", "/escalations/" + escalation,
	} {
		status, answer := ask(t, http.MethodGet, here+path, nil, "Authorization", "Bearer "+reader)
		require.Equal(t, http.StatusOK, status, path)
		fmt.Fprintf(saw.in("what a viewer reads"), "%s %s\n", path, answer)
	}
	_, metrics := ask(t, http.MethodGet, here+"/metrics", nil)
	_, _ = saw.in("metrics").Write(metrics)

	// What Temporal keeps, as it keeps it.
	temporal, err := client.Dial(client.Options{HostPort: o.TemporalAddr, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	defer temporal.Close()
	workflow := "escalation/" + escalation
	events := temporal.GetWorkflowHistory(t.Context(), workflow, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	count := 0
	for ; events.HasNext(); count++ {
		event, err := events.Next()
		require.NoError(t, err)
		raw, err := proto.Marshal(event)
		require.NoError(t, err)
		fmt.Fprintf(saw.in("history"), "%s %s\n", prototext.Format(event), bytes.ReplaceAll(raw, []byte("\n"), []byte(" ")))
	}
	require.Greater(t, count, 10)
	described, err := temporal.WorkflowService().DescribeWorkflowExecution(t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: "default", Execution: &common.WorkflowExecution{WorkflowId: workflow},
	})
	require.NoError(t, err)
	fmt.Fprintln(saw.in("visibility"), prototext.Format(described))
	for _, field := range described.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields() {
		fmt.Fprintln(saw.in("visibility"), string(field.GetData()))
	}
	stop()

	// The test sees what it looks for: the places are not empty, and the fakes were told what nobody else may know.
	for where, words := range map[string]string{
		"log": "caller=token:", "errors": "urn:belay:problem", "metrics": "belay_http_request_seconds", "history": "binary/encrypted", "visibility": "EscalationService", "what a viewer reads": "Ana",
	} {
		require.Contains(t, saw.text(where), words, where)
	}
	require.Contains(t, fmt.Sprint(twilio.Sent()), confidential["Ben's number"])
	require.Empty(t, saw.leaks(secrets))
	fmt.Fprintln(saw.in("planted"), "Ana's number is", confidential["Ana's number"])
	require.Len(t, saw.leaks(secrets), 1)
}
