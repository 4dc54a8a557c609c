package api_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"encoding/json"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/api"
	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/service"
)

func TestTheContractIsValidAndItsExamplesToo(t *testing.T) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(api.Document())
	require.NoError(t, err)
	require.NoError(t, doc.Validate(loader.Context))
}

// want is what a role meets: no token, then the four roles in the order below.
var roles = []service.Role{"", service.Admin, service.Responder, service.Viewer, service.IntegrationRole}

func TestEveryRouteRefusesWhoMayNot(t *testing.T) {
	const (
		refused = 0
		passes  = 1
	)
	readers := []int{refused, passes, passes, passes, refused}
	responders := []int{refused, passes, passes, refused, refused}
	admins := []int{refused, passes, refused, refused, refused}
	anybody := []int{passes, passes, passes, passes, passes}
	for _, c := range []struct {
		operation string
		body      string
		may       []int
	}{
		{"GET /v1/escalations", "", readers},
		{"POST /v1/escalations", `{"service":"payments","title":"x"}`, []int{refused, passes, passes, refused, passes}},
		{"GET /v1/escalations/{id}", "", readers},
		{"GET /v1/escalations/{id}/timeline", "", readers},
		{"POST /v1/escalations/{id}/acknowledge", "", responders},
		{"POST /v1/escalations/{id}/resolve", "", responders},
		{"POST /v1/escalations/{id}/reopen", "", responders},
		{"POST /v1/escalations/{id}/escalate", "", responders},
		{"POST /v1/escalations/{id}/reassign", `{"to":{"person":"ben"}}`, responders},
		{"POST /v1/escalations/{id}/snooze", `{"until":"2026-03-02T13:00:00Z"}`, responders},
		{"POST /v1/escalations/{id}/note", `{"note":"x"}`, responders},
		{"POST /v1/escalations/{id}/prioritise", `{"priority":"P2"}`, responders},
		{"GET /v1/escalations/{id}/tickets", "", readers},
		{"POST /v1/escalations/{id}/tickets", `{"system":"desk","number":"INC7"}`, responders},
		{"GET /v1/tickets", "", readers},
		{"GET /v1/tickets/{id}", "", readers},
		{"POST /v1/tickets", `{"system":"desk","key":"7","title":"x","service":"payments","state":"new"}`, []int{refused, passes, passes, refused, passes}},
		{"GET /v1/sla/recalculate", "", readers},
		{"POST /v1/sla/recalculate", `{"revision":"x","moves":[]}`, admins},
		{"GET /v1/triggers/try", "", readers},
		{"GET /v1/people", "", readers},
		{"GET /v1/people/{id}", "", readers},
		{"GET /v1/services", "", readers},
		{"GET /v1/schedules", "", readers},
		{"GET /v1/schedules/{id}/shifts", "", readers},
		{"GET /v1/oncall", "", readers},
		{"GET /v1/overrides", "", readers},
		{"POST /v1/overrides", `{"schedule":"payments-primary","person":"ben","from":"2026-03-03T00:00:00Z","until":"2026-03-04T00:00:00Z"}`, responders},
		{"DELETE /v1/overrides/{id}", "", responders},
		{"GET /v1/canaries", "", readers},
		{"GET /v1/windows", "", readers},
		{"POST /v1/windows", `{"until":"2026-03-04T00:00:00Z","up_to":"warning"}`, responders},
		{"DELETE /v1/windows/{id}", "", responders},
		{"POST /v1/windows/{id}/end", "", responders},
		{"POST /v1/blueprint/plan", `{"files":[{"path":"a.yaml","content":"x"}]}`, readers},
		{"POST /v1/blueprint/apply", `{"files":[{"path":"a.yaml","content":"x"}]}`, admins},
		{"GET /v1/revisions", "", readers},
		{"GET /v1/revisions/{hash}", "", readers},
		{"GET /v1/tokens", "", admins},
		{"POST /v1/tokens", `{"name":"x","role":"viewer"}`, admins},
		{"DELETE /v1/tokens/{id}", "", admins},
		{"GET /v1/me", "", []int{refused, passes, passes, passes, passes}},
		{"GET /healthz", "", anybody},
		{"GET /readyz", "", anybody},
	} {
		t.Run(c.operation, func(t *testing.T) {
			h := newHouse(t)
			h.running("E-1")
			method, path, _ := strings.Cut(c.operation, " ")
			path = strings.NewReplacer("/schedules/{id}", "/schedules/payments-primary", "/people/{id}", "/people/ana", "/triggers/try", "/triggers/try?since=2026-03-01T00:00:00Z", "{id}", "E-1", "{hash}", "current").Replace(path)
			for i, role := range roles {
				got := h.as(role, method, path, c.body)
				switch {
				case c.may[i] == passes:
					require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, got.status, "%q: %s", role, got.body)
					require.Less(t, got.status, 500, got.body)
				case role == "":
					got.problem(http.StatusUnauthorized)
					require.NotEmpty(t, got.header.Get("WWW-Authenticate"))
				default:
					got.problem(http.StatusForbidden)
				}
			}
		})
	}

	t.Run("none is forgotten", func(t *testing.T) {
		source, err := os.ReadFile("api_test.go")
		require.NoError(t, err)
		doc, err := openapi3.NewLoader().LoadFromData(api.Document())
		require.NoError(t, err)
		for path, item := range doc.Paths.Map() {
			for method, operation := range item.Operations() {
				if !slices.Contains(operation.Tags, "events") { // there a key is the token
					require.Contains(t, string(source), fmt.Sprintf("{%q, ", method+" "+path))
				}
			}
		}
	})
	t.Run("none is outside the contract", func(t *testing.T) {
		h := newHouse(t, dialects, natives)
		doc, err := openapi3.NewLoader().LoadFromData(api.Document())
		require.NoError(t, err)
		for _, r := range h.echo.Routes() {
			path := regexp.MustCompile(`:(\w+)`).ReplaceAllString(strings.TrimPrefix(r.Path, "/opsgenie"), "{$1}")
			item := doc.Paths.Value(path)
			own := strings.HasPrefix(path, "/docs") || path == "/openapi.yaml" || strings.HasPrefix(path, "/callbacks/")
			require.True(t, own || item != nil && item.Operations()[r.Method] != nil, "%s %s", r.Method, r.Path)
		}
	})
}

func TestAnEscalationAsOthersRelyOnIt(t *testing.T) {
	h := newHouse(t)
	h.running("E-1")
	got := h.as(service.Viewer, "GET", "/v1/escalations/E-1", "")
	require.Equal(t, http.StatusOK, got.status)
	row := got.json()
	for name, want := range map[string]any{
		"id": "E-1", "state": "open", "service": "payments", "priority": "P1", "tier": 1.0,
		"opened_at": "2026-03-02T12:00:00Z", "acknowledged_by": nil,
	} {
		require.Contains(t, row, name)
		require.Equal(t, want, row[name], name)
	}
	require.Equal(t, map[string]any{"at": "2026-03-02T12:05:00Z", "action": "climb", "target": "tier 2"}, row["next"])

	lines := h.as(service.Viewer, "GET", "/v1/escalations/E-1/timeline?after=1", "").json()["entries"].([]any)
	require.Len(t, lines, 1)
	require.Equal(t, "tier 1 begins", lines[0].(map[string]any)["text"])

	list := h.as(service.Viewer, "GET", "/v1/escalations?state=open&state=acknowledged&service=payments&priority=P1&person=ana&text=CARD&limit=10", "").json()
	require.Len(t, list["escalations"], 1)
	require.Contains(t, list, "cursor")
	require.Nil(t, list["cursor"])
	empty := h.as(service.Viewer, "GET", "/v1/escalations?state=closed", "")
	require.JSONEq(t, `{"escalations":[],"cursor":null}`, empty.body, "a list is never null")
}

func TestUnchangedIsNotSentAgain(t *testing.T) {
	h := newHouse(t)
	h.running("E-1")
	tag := h.as(service.Viewer, "GET", "/v1/escalations/E-1", "").header.Get("ETag")
	require.NotEmpty(t, tag)
	for _, header := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		got := h.as(service.Viewer, "GET", "/v1/escalations/E-1", "", "If-None-Match", header)
		require.Equal(t, http.StatusNotModified, got.status, header)
		require.Empty(t, got.body)
	}
	h.rows.Put(service.Escalation{Summary: escalation.Summary{ID: "E-1", State: escalation.Acked, Seq: 4}})
	require.Equal(t, http.StatusOK, h.as(service.Viewer, "GET", "/v1/escalations/E-1", "", "If-None-Match", tag).status)
}

func TestVerbsReachTheEscalation(t *testing.T) {
	h := newHouse(t)
	h.running("E-1")
	for verb, body := range map[string]string{
		"acknowledge": "", "resolve": `{"note":"fixed"}`, "reopen": `{}`, "escalate": `{"direction":"hierarchic"}`,
		"reassign": `{"to":{"person":"ben"},"note":"n"}`, "snooze": `{"until":"2026-03-02T13:00:00+01:00"}`,
		"note": `{"note":"x"}`, "prioritise": `{"priority":"P1"}`,
	} {
		got := h.as(service.Responder, "POST", "/v1/escalations/E-1/"+verb, body, "Idempotency-Key", "k-"+verb)
		if verb == "snooze" { // 13:00+01:00 is noon in UTC: now
			require.Equal(t, "until", got.problem(http.StatusUnprocessableEntity))
			got = h.as(service.Responder, "POST", "/v1/escalations/E-1/snooze", `{"until":"2026-03-02T13:00:00Z"}`, "Idempotency-Key", "k2-snooze")
		}
		require.Equal(t, http.StatusOK, got.status, "%s: %s", verb, got.body)
		require.Equal(t, map[string]any{"outcome": "done", "text": "Done: " + verb + ".", "state": "acknowledged"}, got.json())
	}
	require.Len(t, h.engine.Told(), 8)
	require.Contains(t, strings.Join(h.engine.Told(), "\n"),
		"escalation/E-1 acknowledge token:responder via api key api/token:responder/k-acknowledge")
}

func TestWhatAnEscalationSaysBack(t *testing.T) {
	h := newHouse(t)
	h.running("E-1")
	h.engine.Answers(contract.Acknowledge, contract.Reply{Outcome: contract.Received, Text: "Received.", State: escalation.Open})
	require.Equal(t, http.StatusAccepted, h.as(service.Responder, "POST", "/v1/escalations/E-1/acknowledge", "").status)

	h.engine.Answers(contract.Acknowledge, contract.Reply{Outcome: escalation.Refused, Text: "E-1 was resolved at 12:00.", State: escalation.ResolvedP})
	refused := h.as(service.Responder, "POST", "/v1/escalations/E-1/acknowledge", "")
	refused.problem(http.StatusConflict)
	require.Contains(t, refused.body, "E-1 was resolved at 12:00.")

	h.engine.End("escalation/E-1")
	h.as(service.Responder, "POST", "/v1/escalations/E-1/acknowledge", "").problem(http.StatusConflict)
	h.as(service.Responder, "POST", "/v1/escalations/E-9/acknowledge", "").problem(http.StatusNotFound)
	h.as(service.Responder, "POST", "/v1/escalations/nonsense/acknowledge", "").problem(http.StatusNotFound)

	h.engine.Leave(true)
	away := h.as(service.Responder, "POST", "/v1/escalations/E-1/acknowledge", "")
	away.problem(http.StatusServiceUnavailable)
	require.NotEmpty(t, away.header.Get("Retry-After"))
	require.NotContains(t, away.body, "engine", "our inside is in the log")
}

func TestOpeningByHand(t *testing.T) {
	h := newHouse(t)
	body := `{"service":"payments","title":"refunds are stuck","priority":"P2","kind":"customer_facing","details":{"waiting":812},"links":[{"href":"https://x"}]}`
	got := h.as(service.IntegrationRole, "POST", "/v1/escalations", body, "Idempotency-Key", "once")
	require.Equal(t, http.StatusCreated, got.status, got.body)
	require.JSONEq(t, `{"id":"E-1"}`, got.body)
	require.Equal(t, "/v1/escalations/E-1", got.header.Get("Location"))

	again := h.as(service.IntegrationRole, "POST", "/v1/escalations", body, "Idempotency-Key", "once")
	require.Equal(t, http.StatusCreated, again.status)
	require.Equal(t, got.body, again.body)
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	require.Len(t, h.engine.Started(), 1)

	h.as(service.IntegrationRole, "POST", "/v1/escalations", `{"service":"payments","title":"another"}`, "Idempotency-Key", "once").
		problem(http.StatusConflict)
	other := h.as(service.Responder, "POST", "/v1/escalations", body, "Idempotency-Key", "once")
	require.JSONEq(t, `{"id":"E-2"}`, other.body, "another caller's key is another key")
}

func TestAProblemThatMayPassIsNotKept(t *testing.T) {
	h := newHouse(t)
	h.running("E-1")
	h.engine.Leave(true)
	h.as(service.Responder, "POST", "/v1/escalations/E-1/acknowledge", "", "Idempotency-Key", "k").problem(http.StatusServiceUnavailable)
	h.engine.Leave(false)
	require.Equal(t, http.StatusOK, h.as(service.Responder, "POST", "/v1/escalations/E-1/acknowledge", "", "Idempotency-Key", "k").status)
}

func TestBadInputNamesItsField(t *testing.T) {
	h := newHouse(t)
	h.running("E-1")
	for name, c := range map[string]struct {
		path   string
		body   string
		status int
		field  string
	}{
		"not JSON":             {"/v1/escalations", `service=payments`, 400, ""},
		"half of JSON":         {"/v1/escalations", `{"service":"payments"`, 400, ""},
		"two of JSON":          {"/v1/escalations", `{"service":"payments","title":"x"}{}`, 400, ""},
		"not an object":        {"/v1/escalations", `[1,2]`, 400, ""},
		"null":                 {"/v1/escalations", `null`, 400, ""},
		"nothing":              {"/v1/escalations", ``, 400, ""},
		"blank":                {"/v1/escalations", ` `, 400, ""},
		"a wrong type":         {"/v1/escalations", `{"service":"payments","title":7}`, 400, "title"},
		"a missing field":      {"/v1/escalations", `{"service":"payments"}`, 400, "title"},
		"an unknown key":       {"/v1/escalations", `{"service":"payments","title":"x","prioritty":"P1"}`, 400, "prioritty"},
		"another spelling":     {"/v1/escalations", `{"service":"payments","title":"x","Title":"y"}`, 400, "Title"},
		"an unknown value":     {"/v1/escalations", `{"service":"payments","title":"x","priority":"P0"}`, 400, "priority"},
		"an endless title":     {"/v1/escalations", `{"service":"payments","title":"` + strings.Repeat("x", 1025) + `"}`, 400, "title"},
		"an unknown service":   {"/v1/escalations", `{"service":"paymnets","title":"x"}`, 422, "service"},
		"deep nesting":         {"/v1/escalations", strings.Repeat("[", 20_000), 400, ""},
		"two targets":          {"/v1/escalations/E-1/reassign", `{"to":{"person":"ben","team":"payments"}}`, 400, "to"},
		"no target":            {"/v1/escalations/E-1/reassign", `{"to":{}}`, 400, "to"},
		"an unknown target":    {"/v1/escalations/E-1/reassign", `{"to":{"person":"eve"}}`, 422, "to"},
		"a key in the target":  {"/v1/escalations/E-1/reassign", `{"to":{"persona":"ben"}}`, 400, "to.persona"},
		"not an instant":       {"/v1/escalations/E-1/snooze", `{"until":"tomorrow"}`, 400, "until"},
		"an impossible day":    {"/v1/escalations/E-1/snooze", `{"until":"2026-02-31T00:00:00Z"}`, 400, "until"},
		"an empty note":        {"/v1/escalations/E-1/note", `{"note":""}`, 400, "note"},
		"a body that is extra": {"/v1/escalations/E-1/acknowledge", `{"note":"x","by":"ben"}`, 400, "by"},
		"files without paths":  {"/v1/blueprint/plan", `{"files":[{"content":"x"}]}`, 400, "files.0.path"},
	} {
		t.Run(name, func(t *testing.T) {
			got := h.as(service.Admin, "POST", c.path, c.body)
			require.Equal(t, c.field, got.problem(c.status), got.body)
		})
	}
	for query, field := range map[string]string{
		"limit=x": "limit", "limit=0": "limit", "limit=201": "limit", "state=asleep": "state.0", "stat=open": "stat", "cursor=x": "cursor",
	} {
		got := h.as(service.Viewer, "GET", "/v1/escalations?"+query, "")
		require.Contains(t, []int{400, 422}, got.status, query)
		require.Equal(t, field, got.problem(got.status), got.body)
	}
	require.Equal(t, "at", h.as(service.Viewer, "GET", "/v1/oncall?at=noon", "").problem(400))
	require.Empty(t, h.engine.Started(), "nothing of it reached the engine")
}

func TestEverythingThatIsWrongIsListed(t *testing.T) {
	h := newHouse(t)
	got := h.as(service.Admin, "POST", "/v1/escalations", `{"title":7,"priority":"P0","x":1}`)
	got.problem(http.StatusBadRequest)
	require.GreaterOrEqual(t, len(got.json()["errors"].([]any)), 3, got.body)
}

func TestHTTPItself(t *testing.T) {
	h := newHouse(t)
	h.as(service.Admin, "GET", "/v1/nothing", "").problem(http.StatusNotFound)
	h.as("", "GET", "/", "").problem(http.StatusNotFound)
	h.as(service.Admin, "DELETE", "/v1/escalations", "").problem(http.StatusMethodNotAllowed)
	h.as(service.Admin, "POST", "/v1/escalations", `{"service":"payments","title":"x"}`, "Content-Type", "text/plain").
		problem(http.StatusUnsupportedMediaType)
	h.as(service.Admin, "GET", "/v1/me", "", "Accept", "text/csv").problem(http.StatusNotAcceptable)
	require.Equal(t, 200, h.as(service.Admin, "GET", "/v1/me", "", "Accept", "text/html, */*;q=0.1").status)
	large := h.as(service.Admin, "POST", "/v1/escalations", `{"title":"`+strings.Repeat("x", 10<<20)+`"}`)
	large.problem(http.StatusRequestEntityTooLarge)

	named := h.as(service.Admin, "GET", "/v1/me", "", "X-Request-Id", "proxy-42")
	require.Equal(t, "proxy-42", named.header.Get("X-Request-Id"))
	spoofed := h.as(service.Admin, "GET", "/v1/me", "", "X-Request-Id", "a\nb=c d")
	require.NotContains(t, spoofed.header.Get("X-Request-Id"), "b=c")
	require.NotEmpty(t, spoofed.header.Get("X-Request-Id"))
}

func TestSecretsAreNotLogged(t *testing.T) {
	h := newHouse(t)
	h.as(service.Admin, "GET", "/v1/escalations?text=hunter2", "")
	h.as("", "GET", "/v1/me", "", "Authorization", "Bearer blt_hunter2")
	require.Contains(t, h.log.String(), "path=/v1/escalations")
	require.Contains(t, h.log.String(), "caller=token:admin")
	require.NotContains(t, h.log.String(), "hunter2")
	require.NotContains(t, h.log.String(), h.secrets[service.Admin])
}

func TestAPanicIsAProblemWithoutOurInside(t *testing.T) {
	h := newHouse(t, func(h *house) { h.options.Search = nil })
	got := h.as(service.Viewer, "GET", "/v1/escalations", "")
	got.problem(http.StatusInternalServerError)
	require.NotContains(t, got.body, "nil pointer")
	require.Contains(t, h.log.String(), "nil pointer")
	require.Equal(t, http.StatusOK, h.as(service.Viewer, "GET", "/v1/me", "").status, "and the next request is served")
}

func TestWhoAsksTooOftenIsToldWhenToComeBack(t *testing.T) {
	h := newHouse(t, func(h *house) { h.options.Limits = &service.Limits{Callers: 1, Events: 1} })
	for range 5 {
		require.Equal(t, http.StatusOK, h.as(service.Viewer, "GET", "/v1/me", "").status)
	}
	slow := h.as(service.Viewer, "GET", "/v1/me", "")
	slow.problem(http.StatusTooManyRequests)
	require.Equal(t, "1", slow.header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, h.as(service.Admin, "GET", "/v1/me", "").status, "others are not held up")
	h.now = h.now.Add(time.Second)
	require.Equal(t, http.StatusOK, h.as(service.Viewer, "GET", "/v1/me", "").status)
}

func TestGuessingTokensIsSlow(t *testing.T) {
	h := newHouse(t)
	slowed := false
	for i := range 100 {
		got := h.as("", "GET", "/v1/me", "", "Authorization", fmt.Sprintf("Bearer blt_%d", i))
		slowed = slowed || got.status == http.StatusTooManyRequests
	}
	require.True(t, slowed)
	require.Equal(t, http.StatusOK, h.as(service.Viewer, "GET", "/v1/me", "").status)
	for _, header := range []string{"", "Bearer", "Basic " + h.secrets[service.Admin], h.secrets[service.Admin]} {
		require.NotEqual(t, http.StatusOK, h.as("", "GET", "/v1/me", "", "Authorization", header).status, header)
	}
}

func TestOverridesAndOnCall(t *testing.T) {
	h := newHouse(t)
	on := h.as(service.Viewer, "GET", "/v1/oncall?at=2026-03-02T12:00:00Z&team=payments", "").json()["schedules"].([]any)[0].(map[string]any)
	require.Equal(t, "ana", on["person"])
	require.Equal(t, "ben", on["next"].(map[string]any)["person"])

	body := `{"schedule":"payments-primary","person":"ben","from":"2026-03-02T18:00:00Z","until":"2026-03-03T08:00:00Z","reason":"swap"}`
	made := h.as(service.Responder, "POST", "/v1/overrides", body)
	require.Equal(t, http.StatusCreated, made.status, made.body)
	h.as(service.Responder, "POST", "/v1/overrides", body).problem(http.StatusConflict)
	listed := h.as(service.Viewer, "GET", "/v1/overrides?schedule=payments-primary", "").json()["overrides"].([]any)
	require.Len(t, listed, 1)
	shifts := h.as(service.Viewer, "GET", "/v1/schedules/payments-primary/shifts?until=2026-03-09T09:00:00Z", "").json()["shifts"].([]any)
	require.Len(t, shifts, 3, "ana, the override, ana")

	require.Equal(t, http.StatusNoContent, h.as(service.Responder, "DELETE", made.header.Get("Location"), "").status)
	h.as(service.Responder, "DELETE", made.header.Get("Location"), "").problem(http.StatusNotFound)
	require.Equal(t, "team", h.as(service.Viewer, "GET", "/v1/oncall?team=x", "").problem(http.StatusUnprocessableEntity))
}

func TestTheOrganisation(t *testing.T) {
	h := newHouse(t)
	require.Len(t, h.as(service.Viewer, "GET", "/v1/people", "").json()["people"], 4)
	require.NotContains(t, h.as(service.Viewer, "GET", "/v1/people/ana", "").body, "+34600000001")
	require.Contains(t, h.as(service.Admin, "GET", "/v1/people/ana", "").body, "+34600000001")
	h.as(service.Admin, "GET", "/v1/people/eve", "").problem(http.StatusNotFound)
	require.NotContains(t, h.as(service.Admin, "GET", "/v1/services", "").body, "acme0payments", "keys are nobody's to read")
	require.Len(t, h.as(service.Viewer, "GET", "/v1/schedules", "").json()["schedules"], 1)
}

func TestTokens(t *testing.T) {
	h := newHouse(t)
	made := h.as(service.Admin, "POST", "/v1/tokens", `{"name":"wall","role":"viewer"}`)
	require.Equal(t, http.StatusCreated, made.status)
	secret := made.json()["secret"].(string)
	require.Equal(t, http.StatusOK, h.as("", "GET", "/v1/escalations", "", "Authorization", "Bearer "+secret).status)
	require.NotContains(t, h.as(service.Admin, "GET", "/v1/tokens", "").body, secret)
	number := made.json()["token"].(map[string]any)["id"].(string)
	require.Equal(t, http.StatusNoContent, h.as(service.Admin, "DELETE", "/v1/tokens/"+number, "").status)
	h.as("", "GET", "/v1/escalations", "", "Authorization", "Bearer "+secret).problem(http.StatusUnauthorized)
}

// quick is the blueprint of the quick start as the body of a request.
func quick(t *testing.T, more map[string]any) string {
	t.Helper()
	read, err := blueprint.Files(fs.FS(os.DirFS("../examples/quick")))
	require.NoError(t, err)
	var files []service.File
	for _, f := range read {
		files = append(files, service.File{Path: f.Path, Content: string(f.Content)})
	}
	body := map[string]any{"files": files}
	for key, value := range more {
		body[key] = value
	}
	text, err := json.Marshal(body)
	require.NoError(t, err)
	return string(text)
}

func TestBlueprints(t *testing.T) {
	h := newHouse(t)
	plan := h.as(service.Viewer, "POST", "/v1/blueprint/plan", quick(t, nil))
	require.Equal(t, http.StatusOK, plan.status, plan.body)
	require.NotEmpty(t, plan.json()["changes"])

	applied := h.as(service.Admin, "POST", "/v1/blueprint/apply", quick(t, map[string]any{"reason": "first"}))
	require.Equal(t, http.StatusOK, applied.status, applied.body)
	hash := applied.json()["revision"].(string)
	require.Equal(t, `"`+hash+`"`, applied.header.Get("ETag"))

	h.as(service.Admin, "POST", "/v1/blueprint/apply", quick(t, map[string]any{"base": "older"})).problem(http.StatusConflict)
	h.as(service.Admin, "POST", "/v1/blueprint/apply", quick(t, nil), "If-Match", `"older"`).problem(http.StatusConflict)
	require.Equal(t, "base", h.as(service.Admin, "POST", "/v1/blueprint/apply", quick(t, map[string]any{"base": "a"}), "If-Match", `"b"`).
		problem(http.StatusBadRequest))
	same := h.as(service.Admin, "POST", "/v1/blueprint/apply", quick(t, nil), "If-Match", `"`+hash+`"`)
	require.Equal(t, http.StatusOK, same.status, same.body)

	broken := h.as(service.Admin, "POST", "/v1/blueprint/plan", strings.ReplaceAll(quick(t, nil), "kind: team", "kind: taem"))
	require.Equal(t, "files", broken.problem(http.StatusUnprocessableEntity))
	first := broken.json()["errors"].([]any)[0].(map[string]any)
	require.NotEmpty(t, first["path"])
	require.NotEmpty(t, first["line"])

	require.Len(t, h.as(service.Viewer, "GET", "/v1/revisions", "").json()["revisions"], 1)
	require.Contains(t, h.as(service.Admin, "GET", "/v1/revisions/"+hash, "").body, `"files"`)
	require.NotContains(t, h.as(service.Viewer, "GET", "/v1/revisions/current", "").body, `"files"`)
	h.as(service.Viewer, "GET", "/v1/revisions/unknown", "").problem(http.StatusNotFound)
}

func TestHealth(t *testing.T) {
	h := newHouse(t)
	require.JSONEq(t, `{"status":"ok"}`, h.as("", "GET", "/healthz", "").body)
	require.Equal(t, http.StatusOK, h.as("", "GET", "/readyz", "").status)
	h.engine.Leave(true)
	ready := h.as("", "GET", "/readyz", "")
	require.Equal(t, http.StatusServiceUnavailable, ready.status)
	require.JSONEq(t, `{"status":"unavailable","checks":{"temporal":"unavailable"}}`, ready.body)
}

func TestTheReferencePageNeedsNobodyElse(t *testing.T) {
	h := newHouse(t)
	require.Equal(t, http.StatusMovedPermanently, h.as("", "GET", "/docs", "").status)
	page := h.as("", "GET", "/docs/", "")
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, page.body, "/openapi.yaml")
	require.NotContains(t, page.body, "//cdn")
	require.NotContains(t, page.body, "unpkg")
	require.Equal(t, http.StatusOK, h.as("", "GET", "/docs/swagger-ui-bundle.js", "").status)
	require.Contains(t, h.as("", "GET", "/openapi.yaml", "").body, "openapi: 3.0.3")
}
