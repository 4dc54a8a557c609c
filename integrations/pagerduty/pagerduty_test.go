package pagerduty_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	client "github.com/PagerDuty/go-pagerduty"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/pagerduty"
)

// fixture reads other people's data, which is kept beside the repository.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	root := os.Getenv("BELAY_FIXTURES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "fixtures")
	}
	data, err := os.ReadFile(filepath.Join(root, "monitoring", "pagerduty", name))
	if os.IsNotExist(err) {
		t.Skipf("fixture %s is not here; set BELAY_FIXTURES to the directory of fixtures", name)
	}
	require.NoError(t, err)
	return data
}

func TestPublishedTrigger(t *testing.T) {
	key, a, err := pagerduty.Decode(fixture(t, "events-v2-trigger.json"))
	require.NoError(t, err)
	require.Equal(t, "samplekeyhere", key)
	require.Equal(t, alert.Alert{
		Action:     alert.Trigger,
		DedupKey:   "samplekeyhere",
		Title:      "Example alert on host1.example.com",
		Source:     "monitoringtool:cloudvendor:central-region-dc-01:852559987:cluster/api-stats-prod-003",
		Severity:   alert.Info,
		OccurredAt: time.Date(2015, 7, 17, 8, 42, 58, 315_000_000, time.UTC),
		Links:      []alert.Link{{Href: "https://example.com/", Text: "Link text"}},
		Images: []alert.Image{{
			Source: "https://www.pagerduty.com/wp-content/uploads/2016/05/pagerduty-logo-green.png", Href: "https://example.com/", Alt: "Example text",
		}},
		Details: map[string]any{
			"ping time": "1500ms", "load avg": 0.75, "component": "postgres", "group": "prod-datapipe", "class": "deploy",
		},
		Client:    "Sample Monitoring Service",
		ClientURL: "https://monitoring.example.com",
	}, a)
}

func TestPublishedAcknowledgeAndResolve(t *testing.T) {
	for _, action := range []alert.Action{alert.Acknowledge, alert.Resolve} {
		key, a, err := pagerduty.Decode(fixture(t, "events-v2-"+string(action)+".json"))
		require.NoError(t, err)
		require.Equal(t, "routingkeyhere", key)
		require.Equal(t, alert.Alert{Action: action, DedupKey: "dedupkeyhere"}, a)
	}
}

func TestPublishedAnswers(t *testing.T) {
	status, body := pagerduty.Answer("srv01/HTTP", nil)
	require.Equal(t, http.StatusAccepted, status)
	require.JSONEq(t, string(fixture(t, "events-v2-response-202.json")), string(body))

	_, _, err := pagerduty.Decode([]byte("{"))
	status, body = pagerduty.Answer("", err)
	require.Equal(t, http.StatusBadRequest, status)
	require.JSONEq(t, string(fixture(t, "events-v2-response-400.json")), string(body))
}

func TestOtherFormatsAreRefusedWithReasons(t *testing.T) {
	for name, want := range map[string][]string{
		"agent-zabbix-event-v1.json": {"'routing_key' is missing or blank", "'event_action' is missing or blank"},
		"events-v2-change.json":      {"'event_action' is missing or blank"},
	} {
		_, _, err := pagerduty.Decode(fixture(t, name))
		requireProblem(t, err, want...)
	}
}

func requireProblem(t *testing.T, err error, want ...string) {
	t.Helper()
	require.True(t, fault.Is(err, fault.Invalid), "%v", err)
	var problem *pagerduty.Problem
	require.True(t, errors.As(err, &problem))
	require.Equal(t, want, problem.Errors)
}

func event(change string) []byte {
	base := map[string]any{}
	must(json.Unmarshal([]byte(`{"routing_key":"k","event_action":"trigger","payload":{"summary":"s","source":"h","severity":"critical"}}`), &base))
	var with map[string]any
	must(json.Unmarshal([]byte(change), &with))
	for k, v := range with {
		if nested, ok := v.(map[string]any); ok && k == "payload" {
			payload, _ := base["payload"].(map[string]any)
			for field, one := range nested {
				payload[field] = one
			}
			continue
		}
		base[k] = v
	}
	raw, err := json.Marshal(base)
	must(err)
	return raw
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	_, _, err := pagerduty.Decode([]byte(`{"event_action":"trigger","payload":{"severity":"fatal"},"links":[{"text":"x"}],"images":{}}`))
	requireProblem(t, err,
		"'routing_key' is missing or blank",
		"'links[0].href' is missing or blank",
		"'images' must be an array",
		"'payload.summary' is missing or blank",
		"'payload.source' is missing or blank",
		"'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
	)
}

func TestWhatIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		want   string
	}{
		"no payload":          {`{"payload":null}`, "'payload' is missing or blank"},
		"payload a list":      {`{"payload":[]}`, "'payload' must be an object"},
		"summary a number":    {`{"payload":{"summary":5}}`, "'payload.summary' must be a string"},
		"summary blank":       {`{"payload":{"summary":" \u0000 "}}`, "'payload.summary' is missing or blank"},
		"summary too long":    {`{"payload":{"summary":"` + strings.Repeat("ü", 1025) + `"}}`, "'payload.summary' is too long (maximum is 1024 characters)"},
		"source missing":      {`{"payload":{"source":null}}`, "'payload.source' is missing or blank"},
		"dedup too long":      {`{"dedup_key":"` + strings.Repeat("k", 256) + `"}`, "'dedup_key' is too long (maximum is 255 characters)"},
		"dedup a number":      {`{"dedup_key":7}`, "'dedup_key' must be a string"},
		"ack without dedup":   {`{"event_action":"acknowledge"}`, "'dedup_key' is missing or blank"},
		"resolve, blank":      {`{"event_action":"resolve","dedup_key":"  "}`, "'dedup_key' is missing or blank"},
		"unknown action":      {`{"event_action":"Trigger"}`, "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"},
		"link is a string":    {`{"links":["https://x"]}`, "'links[0]' must be an object"},
		"image has no source": {`{"images":[{"alt":"x"}]}`, "'images[0].src' is missing or blank"},
	} {
		t.Run(name, func(t *testing.T) {
			key, _, err := pagerduty.Decode(event(c.change))
			requireProblem(t, err, c.want)
			require.Equal(t, "k", key, "the sender is known although the event is wrong")
		})
	}
}

func TestWhatIsNotAnEvent(t *testing.T) {
	for _, raw := range []string{"", " ", "null", "[]", "7", `"x"`, "{", `{"a":1}{}`, `{"a":1} x`, "\xff", strings.Repeat("[", 20000), `{"a":` + strings.Repeat("[", 20000)} {
		_, _, err := pagerduty.Decode([]byte(raw))
		requireProblem(t, err, "JSON parse error")
	}
	_, _, err := pagerduty.Decode([]byte(`{"Routing_Key":"k","EVENT_ACTION":"trigger"}`))
	requireProblem(t, err, "'routing_key' is missing or blank", "'event_action' is missing or blank")
}

func TestWhatIsTolerated(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		check  func(*testing.T, alert.Alert)
	}{
		"no dedup key":     {`{}`, func(t *testing.T, a alert.Alert) { require.Empty(t, a.DedupKey) }},
		"unknown fields":   {`{"x":{"y":1},"payload":{"z":[1]}}`, func(t *testing.T, a alert.Alert) { require.Nil(t, a.Details) }},
		"shouted severity": {`{"payload":{"severity":"WARNING"}}`, func(t *testing.T, a alert.Alert) { require.Equal(t, alert.Warning, a.Severity) }},
		"limits reached":   {`{"dedup_key":"` + strings.Repeat("ü", 255) + `","payload":{"summary":"` + strings.Repeat("ü", 1024) + `"}}`, func(*testing.T, alert.Alert) {}},
		"nulls":            {`{"dedup_key":null,"links":null,"images":null,"client":null,"payload":{"custom_details":null,"timestamp":null}}`, func(t *testing.T, a alert.Alert) { require.Nil(t, a.Details) }},
		"details a string": {`{"payload":{"custom_details":"disk full"}}`, func(t *testing.T, a alert.Alert) {
			require.Equal(t, map[string]any{"custom_details": "disk full"}, a.Details)
		}},
		"details a list": {`{"payload":{"custom_details":[1,"a"]}}`, func(t *testing.T, a alert.Alert) {
			require.Equal(t, map[string]any{"custom_details": []any{1.0, "a"}}, a.Details)
		}},
		"own class":        {`{"payload":{"class":"disk","custom_details":{"class":"mine"}}}`, func(t *testing.T, a alert.Alert) { require.Equal(t, map[string]any{"class": "mine"}, a.Details) }},
		"broken time":      {`{"payload":{"timestamp":"yesterday"}}`, func(t *testing.T, a alert.Alert) { require.True(t, a.OccurredAt.IsZero()) }},
		"time as a number": {`{"payload":{"timestamp":1437122578}}`, func(t *testing.T, a alert.Alert) { require.True(t, a.OccurredAt.IsZero()) }},
		"time with an offset": {`{"payload":{"timestamp":"2026-03-29T03:30:00+02:00"}}`, func(t *testing.T, a alert.Alert) {
			require.Equal(t, time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC), a.OccurredAt)
		}},
		"script as a link": {`{"links":[{"href":"javascript:alert(1)"}],"images":[{"src":"http://x/y.png"}],"client_url":"file:///etc/passwd"}`, func(t *testing.T, a alert.Alert) {
			require.Empty(t, a.Links)
			require.Empty(t, a.Images)
			require.Empty(t, a.ClientURL)
		}},
		"NUL": {`{"dedup_key":"a\u0000b","payload":{"summary":"a\u0000b","custom_details":{"k\u0000":["v\u0000"]}}}`, func(t *testing.T, a alert.Alert) {
			require.Equal(t, "ab", a.Title)
			require.Equal(t, "ab", a.DedupKey)
			require.Equal(t, map[string]any{"k": []any{"v"}}, a.Details)
		}},
		"payload of an ack": {`{"event_action":"acknowledge","dedup_key":"d","payload":"anything"}`, func(t *testing.T, a alert.Alert) {
			require.Equal(t, alert.Alert{Action: alert.Acknowledge, DedupKey: "d"}, a)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, a, err := pagerduty.Decode(event(c.change))
			require.NoError(t, err)
			c.check(t, a)
		})
	}
}

// A monitor that nests without end is still heard.
func TestDeepDetailsBecomeText(t *testing.T) {
	deep := strings.Repeat(`{"a":[`, 4000) + `"\u0000x"` + strings.Repeat("]}", 4000)
	_, a, err := pagerduty.Decode(event(`{"dedup_key":" ","payload":{"custom_details":` + deep + `}}`))
	require.NoError(t, err)
	require.Empty(t, a.DedupKey)
	depth := 0
	var v any = a.Details
	for {
		switch inner := v.(type) {
		case map[string]any:
			v = inner["a"]
		case []any:
			v = inner[0]
		case string:
			require.Equal(t, 32, depth)
			require.Contains(t, inner, `["x"]`)
			return
		}
		depth++
	}
}

// An account number of nineteen digits must not come out as another one.
func TestNumbersKeepTheirDigits(t *testing.T) {
	raw := []byte(`{"routing_key":"k","event_action":"trigger","payload":{"summary":"s","source":"h","severity":"info",
		"custom_details":{"account":9007199254740993,"load":0.75,"count":3,"huge":1e999,"small":-9007199254740992}}}`)
	_, a, err := pagerduty.Decode(raw)
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"account": "9007199254740993", "load": 0.75, "count": 3.0, "huge": "1e999", "small": -9007199254740992.0,
	}, a.Details)
}

func TestTooLarge(t *testing.T) {
	_, _, err := pagerduty.Decode(make([]byte, pagerduty.BodyLimit+1))
	require.True(t, fault.Is(err, fault.TooLarge))
	status, body := pagerduty.Answer("", err)
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	require.Contains(t, string(body), "512 KB")
}

// PagerDuty's own description of answers, and no word of ours that a stranger should not read.
func TestAnswersAreWhatPagerDutyPublished(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromData(fixture(t, "openapi-events-v2.json"))
	require.NoError(t, err)
	shape := func(name string) *openapi3.Schema {
		return document.Components.Responses[name].Value.Content.Get("application/json").Schema.Value
	}
	_, _, broken := pagerduty.Decode([]byte(`{}`))
	for _, c := range []struct {
		err    error
		status int
	}{
		{nil, 202}, {broken, 400}, {fault.Field("x", "wrong"), 400}, {fault.New(fault.NotFound, "integration 7"), 400},
		{fault.New(fault.Unauthenticated, "x"), 400}, {fault.New(fault.TooLarge, "x"), 413}, {fault.Later(time.Second, "x"), 429},
		{fault.New(fault.Unavailable, "database at 10.0.0.7"), 503}, {errors.New("panic at 0xdead"), 500},
	} {
		status, body := pagerduty.Answer("d", c.err)
		require.Equal(t, c.status, status)
		var v any
		require.NoError(t, json.Unmarshal(body, &v))
		name := "Error"
		if c.err == nil {
			name = "Success"
		}
		require.NoError(t, shape(name).VisitJSON(v), string(body))
		for _, inner := range []string{"integration 7", "10.0.0.7", "0xdead"} {
			require.NotContains(t, string(body), inner)
		}
	}
}

// PagerDuty's own client believes us.
func TestTheRealClient(t *testing.T) {
	var got []alert.Alert
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(io.LimitReader(r.Body, pagerduty.BodyLimit+1))
		key, a, err := pagerduty.Decode(raw)
		if err == nil && key != "acme0payments0demo0routing0key00" {
			err = fault.New(fault.NotFound, "integration")
		}
		if err == nil && a.Title == "storm" {
			err = fault.Later(time.Second, "slower")
		}
		if err == nil {
			got = append(got, a)
		}
		status, body := pagerduty.Answer(a.DedupKey, err)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	defer server.Close()
	sender := client.NewClient("", client.WithV2EventsAPIEndpoint(server.URL))
	send := func(e client.V2Event) (*client.V2EventResponse, error) {
		return sender.ManageEventWithContext(context.Background(), &e)
	}
	trigger := client.V2Event{
		RoutingKey: "acme0payments0demo0routing0key00", Action: "trigger", DedupKey: "db1/disk", Client: "zabbix",
		ClientURL: "https://zabbix.example.com", Links: []any{map[string]string{"href": "https://runbook.example.com", "text": "runbook"}},
		Payload: &client.V2Payload{
			Summary: "disk at 99 %", Source: "db1", Severity: "critical", Timestamp: "2026-05-01T03:00:00Z", Component: "postgres",
			Details: map[string]any{"free": "1%"},
		},
	}
	answer, err := send(trigger)
	require.NoError(t, err)
	require.Equal(t, &client.V2EventResponse{Status: "success", DedupKey: "db1/disk", Message: "Event processed"}, answer)
	for _, action := range []string{"acknowledge", "resolve"} {
		_, err = send(client.V2Event{RoutingKey: trigger.RoutingKey, Action: action, DedupKey: "db1/disk"})
		require.NoError(t, err)
	}
	require.Len(t, got, 3)
	require.Equal(t, alert.Alert{
		Action: alert.Trigger, DedupKey: "db1/disk", Title: "disk at 99 %", Source: "db1", Severity: alert.Critical,
		OccurredAt: time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC), Links: []alert.Link{{Href: "https://runbook.example.com", Text: "runbook"}},
		Details: map[string]any{"free": "1%", "component": "postgres"}, Client: "zabbix", ClientURL: "https://zabbix.example.com",
	}, got[0])

	for name, c := range map[string]struct {
		change    func(*client.V2Event)
		status    int
		temporary bool
	}{
		"nothing to say": {func(e *client.V2Event) { e.Payload = nil }, 400, false},
		"unknown key":    {func(e *client.V2Event) { e.RoutingKey = "somebody0else" }, 400, false},
		"storm":          {func(e *client.V2Event) { e.Payload.Summary = "storm" }, 429, true},
	} {
		t.Run(name, func(t *testing.T) {
			wrong, payload := trigger, *trigger.Payload
			wrong.Payload = &payload
			c.change(&wrong)
			_, err := send(wrong)
			var failure client.APIError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, c.status, failure.StatusCode)
			require.Equal(t, c.temporary, failure.Temporary())
		})
	}
}

// The client's type for refused events reads ours.
func TestTheRealClientReadsTheReasons(t *testing.T) {
	_, _, err := pagerduty.Decode(event(`{"payload":null}`))
	status, body := pagerduty.Answer("", err)
	failure := client.EventsAPIV2Error{StatusCode: status}
	require.NoError(t, json.Unmarshal(body, &failure))
	require.True(t, failure.APIError.Valid)
	require.Equal(t, []string{"'payload' is missing or blank"}, failure.APIError.ErrorObject.Errors)
}

func FuzzDecode(f *testing.F) {
	f.Add(event(`{"dedup_key":"a","links":[{"href":"https://x"}],"images":[{"src":"https://x"}],"payload":{"custom_details":{"a":[1,{}]}}}`))
	f.Add([]byte(`{"routing_key":"k","event_action":"resolve","dedup_key":"x"}`))
	f.Add([]byte("{\"payload\":{\"timestamp\":\"9999-12-31T23:59:59-23:59\"}}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		key, a, err := pagerduty.Decode(raw)
		status, body := pagerduty.Answer(a.DedupKey, err)
		if !json.Valid(body) {
			t.Fatalf("answer is not JSON: %q", body)
		}
		if err != nil {
			if status != 400 && status != 413 {
				t.Fatalf("status %d for %v", status, err)
			}
			return
		}
		again, err := json.Marshal(a)
		if err != nil {
			t.Fatalf("an alert that cannot be stored: %v", err)
		}
		if strings.Contains(string(again), `\u0000`) && !strings.Contains(string(again), `\\u0000`) {
			t.Fatalf("NUL in %s", again)
		}
		switch {
		case key == "":
			t.Fatal("taken without a key")
		case a.Action == alert.Trigger && (a.Title == "" || a.Source == "" || a.Severity == ""):
			t.Fatalf("incomplete trigger %+v", a)
		case a.Action != alert.Trigger && a.DedupKey == "":
			t.Fatal("nothing says what this is about")
		}
	})
}

func TestTheAnswerToABadEventIsShort(t *testing.T) {
	raw := `{"routing_key":"k","event_action":"trigger","payload":{"summary":"s","source":"x","severity":"error"},` +
		`"links":[` + strings.Repeat("1,", 200_000) + `1]}`
	_, _, err := pagerduty.Decode([]byte(raw))
	_, body := pagerduty.Answer("", err)
	require.Less(t, len(body), 10_000)
	require.Contains(t, string(body), "'links[49]' must be an object")
}
