package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/api"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

// house is the API over services over ports in memory.
type house struct {
	t        testing.TB
	now      time.Time
	log      *bytes.Buffer
	engine   *servicetest.Engine
	inbox    *servicetest.Inbox
	rows     *servicetest.Escalations
	messages *servicetest.Messages
	pool     *service.Pool
	keyring  *service.Keyring
	options  api.Options
	echo     *echo.Echo
	secrets  map[service.Role]string
}

func newHouse(t testing.TB, change ...func(*house)) *house {
	t.Helper()
	h := &house{
		t: t, now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), log: &bytes.Buffer{},
		engine: &servicetest.Engine{}, inbox: &servicetest.Inbox{}, rows: &servicetest.Escalations{},
		messages: &servicetest.Messages{}, secrets: map[service.Role]string{},
	}
	log := slog.New(slog.NewTextHandler(h.log, nil))
	now := func() time.Time { return h.now }
	organisation := servicetest.Organisation{Directory: policy.Directory{Revision: "rev1", Org: servicetest.Company()}}
	revisions, overrides := &servicetest.Revisions{}, &servicetest.Overrides{}
	h.pool = &service.Pool{Log: log, Size: 64}
	t.Cleanup(h.pool.Close)
	settler := &service.Settler{Organisation: organisation, Inbox: h.inbox, Engine: h.engine, Log: log}
	answers := &service.Answers{Organisation: organisation, Engine: h.engine, Now: now}
	h.keyring = &service.Keyring{Tokens: &servicetest.Tokens{}, Organisation: organisation, Now: now}
	h.options = api.Options{
		Keyring:     h.keyring,
		Search:      &service.Search{Escalations: h.rows},
		Open:        &service.Open{Organisation: organisation, Inbox: h.inbox, Arrivals: h.inbox, Settler: settler, Now: now},
		Answers:     answers,
		Catalogue:   &service.Catalogue{Organisation: organisation},
		OnCall:      &service.OnCall{Organisation: organisation, Overrides: overrides, Now: now},
		Maintenance: &service.Maintenance{Organisation: organisation, Windows: &servicetest.Windows{}, Now: now},
		Heart:       &service.Heart{Organisation: organisation, Heartbeats: &servicetest.Heartbeats{}, Inbox: h.inbox, Now: now},
		Canaries:    &service.Canaries{Organisation: organisation, Book: noCanary{}, Now: now},
		Covers:      &service.Covers{Organisation: organisation, Overrides: overrides, Now: now},
		Desk:        &service.TicketDesk{Book: ticketless{}, Organisation: organisation},
		Tickets:     &service.Tickets{Organisation: organisation, Revisions: organisation, Store: &servicetest.Tickets{}, Settler: settler, Now: now, Log: log},
		Blueprints: &service.Blueprints{
			Revisions: revisions, Zones: time.LoadLocation, Now: now,
			Directory: &service.Directory{
				Revisions: revisions, Overrides: overrides, Barred: &servicetest.Barred{}, Parse: parsed, Now: now, Log: log,
			},
		},
		Intake: &service.Intake{
			Organisation: organisation, Inbox: h.inbox, Now: now,
			Desk: &service.Desk{Settler: settler, Gate: &service.Gate{}, Pool: h.pool, Log: log},
		},
		Idempotency: &servicetest.Idempotency{},
		Health:      service.Health{Probes: []service.Probe{{Name: "temporal", Ask: h.engine.Ready}}},
		Events:      api.Events{Decode: decoded, Answer: answered},
		Twilio: &api.Twilio{
			PublicURL: "https://belay.example",
			Verify: func(r *http.Request, _ []byte) error {
				if r.Header.Get("X-Twilio-Signature") != "signed" {
					return fault.New(fault.Unauthenticated, "forged")
				}
				return nil
			},
			Status: func(f url.Values) (page.Receipt, error) {
				return page.Receipt{Status: page.Status(f.Get("MessageStatus")), Class: page.Dead, Provider: "twilio", ProviderID: f.Get("MessageSid")}, nil
			},
			Inbound: func(f url.Values) (service.Inbound, error) {
				if f.Get("MessageSid") == "" {
					return service.Inbound{}, fault.Field("MessageSid", "must not be empty")
				}
				return service.Inbound{From: f.Get("From"), Body: f.Get("Body"), SID: f.Get("MessageSid")}, nil
			},
			Call: func(f url.Values) (service.Call, error) {
				return service.Call{SID: f.Get("CallSid"), Digits: f.Get("Digits"), Machine: f.Get("AnsweredBy") == "machine_start"}, nil
			},
			Gather: func(l tongue.Language, text, action string) []byte {
				return []byte("<Gather language=" + string(l) + " action=" + action + ">" + text)
			},
			Say:    func(_ tongue.Language, text string) []byte { return []byte("<Say>" + text) },
			Hangup: func() []byte { return []byte("<Hangup/>") },
			Reply:  func(text string) []byte { return []byte("<Message>" + text) },
			Replies: &service.Replies{
				Organisation: organisation, Escalations: h.rows, Messages: h.messages, Paged: h.messages, Answers: answers,
				Barred: &servicetest.Barred{}, Trail: &servicetest.Trail{}, Idempotency: &servicetest.Idempotency{}, Now: now, Log: log,
			},
			Receipts: &service.Receipts{Messages: h.messages, Engine: h.engine, Pool: h.pool, Log: log},
		},
		Now: now, Log: log,
	}
	for _, c := range change {
		c(h)
	}
	h.echo = echo.New()
	require.NoError(t, api.Register(h.echo, h.options))
	for _, role := range []service.Role{service.Admin, service.Responder, service.Viewer, service.IntegrationRole} {
		_, secret, err := h.keyring.Issue(context.Background(), service.Caller{Name: "test"}, string(role), role, "")
		require.NoError(t, err)
		h.secrets[role] = secret
	}
	return h
}

func parsed(files []service.File) (*org.Org, error) {
	var read []blueprint.File
	for _, f := range files {
		read = append(read, blueprint.File{Path: f.Path, Content: []byte(f.Content)})
	}
	loaded, err := blueprint.Load(read, time.LoadLocation)
	if err != nil {
		return nil, err
	}
	return loaded.Org, nil
}

// decoded stands in for the decoder of integrations/pagerduty.
func decoded(body []byte) (string, alert.Alert, error) {
	var event struct {
		RoutingKey  string `json:"routing_key"`
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
		Payload     struct {
			Summary  string `json:"summary"`
			Severity string `json:"severity"`
		} `json:"payload"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return "", alert.Alert{}, fault.Wrap(fault.Invalid, err, "not JSON")
	}
	if event.EventAction == "trigger" && event.Payload.Summary == "" {
		return "", alert.Alert{}, fault.Field("payload.summary", "is missing or blank")
	}
	return event.RoutingKey, alert.Alert{
		Action: alert.Action(event.EventAction), DedupKey: event.DedupKey, Title: event.Payload.Summary,
		Severity: alert.Severity(event.Payload.Severity),
	}, nil
}

// answered stands in for the answers of integrations/pagerduty.
func answered(dedup string, err error) (int, []byte) {
	said := map[string]any{"status": "invalid event", "message": "Event object is invalid"}
	status := http.StatusBadRequest
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.Denied, fault.Unauthenticated:
		said["errors"] = []string{err.Error()}
	case fault.TooLarge:
		status, said["errors"] = http.StatusRequestEntityTooLarge, []string{err.Error()}
	case fault.Throttled:
		status, said["status"] = http.StatusTooManyRequests, "throttle exceeded"
	case fault.Unavailable, fault.Internal:
		status, said["status"] = http.StatusServiceUnavailable, "unavailable"
	}
	if err == nil {
		status, said = http.StatusAccepted, map[string]any{"status": "success", "message": "Event processed", "dedup_key": dedup}
	}
	body, _ := json.Marshal(said)
	return status, body
}

// answer is a response, read to its end.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// as asks with the token of a role; "" without one. Headers are pairs.
func (h *house) as(role service.Role, method, path, body string, headers ...string) answer {
	h.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, reader)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if role != "" {
		r.Header.Set("Authorization", "Bearer "+h.secrets[role])
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.echo.ServeHTTP(w, r)
	return answer{t: h.t, status: w.Code, header: w.Header(), body: w.Body.String()}
}

// json reads the body into a map.
func (a answer) json() map[string]any {
	a.t.Helper()
	var m map[string]any
	require.NoError(a.t, json.Unmarshal([]byte(a.body), &m), a.body)
	return m
}

// problem checks that this is a problem document of this status and answers the field it names.
func (a answer) problem(status int) string {
	a.t.Helper()
	require.Equal(a.t, status, a.status, a.body)
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"))
	p := a.json()
	require.EqualValues(a.t, status, p["status"])
	require.NotEmpty(a.t, p["title"])
	require.NotEmpty(a.t, p["type"])
	require.NotEmpty(a.t, p["instance"])
	field, _ := p["field"].(string)
	return field
}

// running puts an open escalation on record and into the engine.
func (h *house) running(e id.Escalation) {
	h.rows.Put(service.Escalation{
		Summary: escalation.Summary{
			ID: e, State: escalation.Open, Title: "card declines above 5%", Service: "payments", Unit: "emea", Kind: org.Technical,
			Priority: org.P1, Severity: alert.Critical, Tier: 1, TierName: "primary", Round: 1, OpenedAt: h.now,
			Told: []id.Person{"ana"}, Seq: 3,
			Next: escalation.Next{At: h.now.Add(5 * time.Minute), Action: "climb", Target: "tier 2"},
		},
		ServiceName: "Payments", DedupKey: "declines",
	}, escalation.Entry{Seq: 1, At: h.now, Kind: escalation.EntryOpened, Actor: "monitor", Text: "opened"},
		escalation.Entry{Seq: 2, At: h.now, Kind: escalation.EntryTier, Actor: "belay", Text: "tier 1 begins"})
	h.engine.Know("escalation/" + string(e))
}

// noCanary is a book in which none has flown yet.
type noCanary struct{ service.CanaryBook }

func (noCanary) Walks(context.Context, int) ([]service.CanaryWalk, error) { return nil, nil }

func (noCanary) List(context.Context) ([]service.Canary, error) { return nil, nil }

// ticketless: no escalation has a ticket.
type ticketless struct{}

func (ticketless) Of(context.Context, id.Escalation) ([]service.TicketLink, error) { return nil, nil }
func (ticketless) Link(context.Context, id.Escalation, id.TicketSystem, tracker.Ticket) error {
	return nil
}
func (ticketless) Ask(context.Context, id.Escalation, id.TicketSystem) error { return nil }
