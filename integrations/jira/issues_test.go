package jira_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/integrations/foreign"
	"github.com/belayhq/belay/integrations/jira"
	"github.com/belayhq/belay/integrations/jira/jirafake"
)

const correlation = "belay-E-42-0123456789ab"

func site(t *testing.T, wrap func(http.Handler) http.Handler) (*jira.Issues, *jirafake.Server) {
	t.Helper()
	fake := &jirafake.Server{}
	var handler http.Handler = fake
	if wrap != nil {
		handler = wrap(fake)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	issues, err := jira.New(org.TicketSystem{ID: "jira", URL: server.URL, Project: "OPS"}, jirafake.Secret, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, 2*time.Second)
	require.NoError(t, err)
	return issues, fake
}

// life is everything that is ever asked of Jira.
func life(t *testing.T, issues *jira.Issues) tracker.Ticket {
	t.Helper()
	ctx := t.Context()
	made, err := issues.Open(ctx, tracker.Draft{Correlation: correlation, Title: "disk full", Text: "E-42\nhttps://belay.example", Priority: org.P1})
	require.NoError(t, err)
	again, err := issues.Open(ctx, tracker.Draft{Correlation: correlation, Title: "disk full", Priority: org.P1})
	require.NoError(t, err)
	require.Equal(t, made.ID, again.ID)
	require.NoError(t, issues.Note(ctx, made.ID, tracker.Note{Text: "Ana has it\n" + tracker.Seal("k").Mark(tracker.Marker{Correlation: correlation, From: 1, To: 3})}))
	texts, err := issues.Notes(ctx, made.ID, correlation)
	require.NoError(t, err)
	require.Equal(t, 3, tracker.Seal("k").Last(correlation, texts...))
	now, err := issues.Change(ctx, made.ID, tracker.Change{State: ticket.Working, Priority: org.P2, Assignee: "5b10"})
	require.NoError(t, err)
	require.Equal(t, []any{ticket.Working, org.P2, "5b10", correlation}, []any{now.State, now.Priority, now.Assignee, now.Correlation})
	require.Greater(t, now.Version, made.Version)
	_, err = issues.Change(ctx, made.ID, tracker.Change{State: ticket.Solved})
	require.NoError(t, err)
	now, err = issues.Change(ctx, made.ID, tracker.Change{State: ticket.Solved})
	require.NoError(t, err, "it is solved already")
	changed, more, err := issues.Changed(ctx, time.Now().Add(-time.Minute), time.Now())
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, []tracker.Ticket{now}, changed)
	return now
}

func TestAnIssueLives(t *testing.T) {
	issues, fake := site(t, nil)
	life(t, issues)
	require.Len(t, fake.Issues(), 1)
	require.Equal(t, "Done", fake.Issues()[0].Status)
}

// Every request and every answer is as Atlassian publishes them. Searches are not in the published part.
func TestTheFakeIsAsPublished(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromData(fixture(t, "openapi-jira-cloud-v3-trimmed.json"))
	require.NoError(t, err)
	document.Servers = nil
	router, err := legacy.NewRouter(document, openapi3.DisableExamplesValidation())
	require.NoError(t, err)
	checked := 0
	issues, _ := site(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/search/") {
				next.ServeHTTP(w, r)
				return
			}
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			route, params, err := router.FindRoute(r)
			if err != nil {
				t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
				return
			}
			input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}}
			if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
				t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			recorded := httptest.NewRecorder()
			next.ServeHTTP(recorded, r)
			if recorded.Code == http.StatusNoContent { // published with an example of a body, which it cannot have
				w.WriteHeader(recorded.Code)
				return
			}
			err = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
				RequestValidationInput: input, Status: recorded.Code, Header: recorded.Header(), Body: io.NopCloser(bytes.NewReader(recorded.Body.Bytes())),
				Options: &openapi3filter.Options{IncludeResponseStatus: true},
			})
			if err != nil {
				t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
			}
			checked++
			w.Header().Set("Content-Type", recorded.Header().Get("Content-Type"))
			w.WriteHeader(recorded.Code)
			_, _ = w.Write(recorded.Body.Bytes())
		})
	})
	life(t, issues)
	require.Greater(t, checked, 5)
}

func TestFailuresOfASiteAreToldApart(t *testing.T) {
	issues, fake := site(t, nil)
	for status, kind := range map[int]fault.Kind{401: fault.Unauthenticated, 403: fault.Denied, 404: fault.NotFound, 409: fault.Conflict, 429: fault.Throttled, 503: fault.Unavailable, 400: fault.Invalid} {
		fake.Plan = func(*http.Request) jirafake.Conduct { return jirafake.Conduct{Status: status, After: 7} }
		err := issues.Note(t.Context(), "10001", tracker.Note{Text: "x"})
		require.True(t, fault.Is(err, kind), "%d: %v", status, err)
		require.Equal(t, 7*time.Second, fault.RetryAfter(err))
	}
	fake.Plan = func(*http.Request) jirafake.Conduct { return jirafake.Conduct{Drop: true} }
	_, err := issues.Open(t.Context(), tracker.Draft{Correlation: correlation, Title: "x", Priority: org.P1})
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
}

func TestAWebhookIsBelievedWhenItIsProved(t *testing.T) {
	system := org.TicketSystem{ID: "jira"}
	body := []byte(`{"webhookEvent":"jira:issue_updated","issue":{"id":"1","key":"OPS-1","fields":{"summary":"x","updated":"2026-01-02T03:04:05.678+0000","status":{"name":"Done"},"labels":["` + correlation + `"]}}}`)
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write(body)
	signed := alert.Post{Body: body, Header: map[string]string{"x-hub-signature": "sha256=" + hex.EncodeToString(mac.Sum(nil))}}
	require.NoError(t, jira.Proven(system, "secret", signed))
	told, err := jira.Read(system, body)
	require.NoError(t, err)
	require.Equal(t, ticket.Solved, told[0].State)
	require.Equal(t, correlation, told[0].Correlation)
	require.NoError(t, jira.Proven(system, "secret", alert.Post{Body: body, Query: map[string]string{"secret": "secret"}}))
	for name, forged := range map[string]alert.Post{"unsigned": {Body: body}, "another address": {Body: body, Query: map[string]string{"secret": "guess"}}, "another body": {Body: append(body, ' '), Header: signed.Header}} {
		require.True(t, fault.Is(jira.Proven(system, "secret", forged), fault.Unauthenticated), name)
	}
	require.True(t, fault.Is(jira.Proven(system, "", signed), fault.Unauthenticated), "no secret, no belief")
}

func fixtures(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("BELAY_FIXTURES")
	if dir == "" {
		dir = "../../../shared/fixtures"
	}
	dir = filepath.Join(dir, "ticketing", "jira")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("NO FIXTURES: set BELAY_FIXTURES to hold Jira's own samples against the decoders")
	}
	return dir
}

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(fixtures(t), name))
	require.NoError(t, err)
	return raw
}

func TestWhatJiraSendsIsRead(t *testing.T) {
	dir := fixtures(t)
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	system := org.TicketSystem{ID: "jira"}
	issues := 0
	for _, file := range files {
		name := filepath.Base(file)
		raw := fixture(t, name)
		switch {
		case strings.HasPrefix(name, "webhook-"), strings.HasPrefix(name, "zulip-"):
			told, err := jira.Read(system, raw)
			require.NoError(t, err, name)
			for _, one := range told {
				require.NotEmpty(t, one.Number, name)
				require.True(t, one.Gone || one.State != "" && one.Version > 0, name)
			}
			issues += len(told)
		case name == "jsm-request-sla-list.json", name == "jsm-sla-ongoing-iran.json":
			o, err := foreign.Read(alert.Post{Body: raw})
			require.NoError(t, err, name)
			all := append(o.List("values"), o)
			sla, ok := jira.SLAOf(all[0])
			require.True(t, ok, name)
			require.True(t, sla.Running && !sla.Breached && sla.Goal > 0, name)
		case name == "jsm-sla-fields-cloud.json":
			o, err := foreign.Read(alert.Post{Body: raw})
			require.NoError(t, err)
			known := 0
			for _, issue := range o.List("issues") {
				fields := issue.Inner("fields")
				for field := range fields {
					if sla, ok := jira.SLAOf(fields.Inner(field)); ok {
						require.False(t, sla.DueAt.IsZero(), field)
						known++
					}
				}
			}
			require.Positive(t, known)
		case name == "rest-response-get-issue.json":
			o, err := foreign.Read(alert.Post{Body: raw})
			require.NoError(t, err)
			require.NotEmpty(t, jira.Ticket(system, o).ID)
		default:
			_, err := foreign.ReadAll(alert.Post{Body: raw})
			if name != "openapi-jira-cloud-v3-trimmed.json" {
				require.NoError(t, err, name)
			}
		}
	}
	require.Greater(t, issues, 12)
}
