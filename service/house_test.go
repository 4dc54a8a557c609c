package service_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

// house is every service over ports in memory, at noon.
type house struct {
	t            *testing.T
	now          time.Time
	organisation servicetest.Organisation
	engine       *servicetest.Engine
	inbox        *servicetest.Inbox
	rows         *servicetest.Escalations
	messages     *servicetest.Messages
	barred       *servicetest.Barred
	trail        *servicetest.Trail
	sandboxed    *servicetest.SandboxMessages

	pool     *service.Pool
	settler  *service.Settler
	gate     *service.Gate
	intake   *service.Intake
	relay    *service.Relay
	open     *service.Open
	answers  *service.Answers
	replies  *service.Replies
	receipts *service.Receipts
	sandbox  *service.Sandbox
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func newHouse(t *testing.T) *house {
	h := &house{
		t:            t,
		now:          time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC),
		organisation: servicetest.Organisation{Directory: policy.Directory{Revision: "rev1", Org: servicetest.Company()}},
		engine:       &servicetest.Engine{}, inbox: &servicetest.Inbox{}, rows: &servicetest.Escalations{},
		messages: &servicetest.Messages{}, barred: &servicetest.Barred{}, trail: &servicetest.Trail{},
		sandboxed: &servicetest.SandboxMessages{},
	}
	clock := func() time.Time { return h.now }
	h.pool = &service.Pool{Log: quiet}
	t.Cleanup(h.pool.Close)
	h.settler = &service.Settler{Organisation: h.organisation, Inbox: h.inbox, Engine: h.engine, Log: quiet}
	h.gate = &service.Gate{}
	h.intake = &service.Intake{
		Organisation: h.organisation, Inbox: h.inbox, Now: clock,
		Desk: &service.Desk{Settler: h.settler, Gate: h.gate, Pool: h.pool, Log: quiet},
	}
	h.relay = &service.Relay{Inbox: h.inbox, Settler: h.settler, Gate: h.gate, Log: quiet}
	h.open = &service.Open{
		Organisation: h.organisation, Inbox: h.inbox, Arrivals: h.inbox, Settler: h.settler, Now: clock,
	}
	h.answers = &service.Answers{Organisation: h.organisation, Engine: h.engine, Now: clock}
	h.replies = &service.Replies{
		Organisation: h.organisation, Escalations: h.rows, Messages: h.messages, Paged: h.messages, Answers: h.answers,
		Barred: h.barred, Trail: h.trail, Idempotency: &servicetest.Idempotency{}, Now: clock, Log: quiet,
	}
	h.receipts = &service.Receipts{
		Messages: h.messages, Engine: h.engine, Pool: h.pool, Log: quiet, Pause: time.Millisecond,
	}
	h.sandbox = &service.Sandbox{
		Messages: h.sandboxed, Sent: h.messages, Replies: h.replies, Receipts: h.receipts, Now: clock,
		Classify: func(_ org.Channel, status, _ string) (page.Status, page.Class, string) {
			return page.Status(status), page.Dead, "as told"
		},
	}
	return h
}

func ctx() context.Context { return context.Background() }

// fires sends an event with this key and waits until the pool has dealt with it.
func (h *house) fires(action alert.Action, key string, severity alert.Severity) {
	h.t.Helper()
	_, err := h.intake.Accept(ctx(), servicetest.Key, alert.Alert{
		Action: action, DedupKey: key, Title: "card declines above 5%", Source: "checkout-7", Severity: severity,
	}, []byte(`{}`), "pagerduty")
	require.NoError(h.t, err)
	h.settled()
}

func (h *house) settled() {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		events, _ := h.inbox.Waiting()
		return events == 0
	}, time.Minute, time.Millisecond)
}

// done waits until nothing is left to tell the engine.
func (h *house) done() {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		events, errands := h.inbox.Waiting()
		return events+errands == 0
	}, time.Minute, time.Millisecond)
}

// running puts an open escalation on record, of which these people were told.
func (h *house) running(e id.Escalation, told ...id.Person) {
	h.rows.Put(service.Escalation{Summary: escalation.Summary{
		ID: e, State: escalation.Open, Title: "card declines above 5%", Service: "payments", Priority: org.P1,
		Told: told, OpenedAt: h.now,
	}})
	h.engine.Know("escalation/" + string(e))
}

// paged puts a message on record.
func (h *house) paged(key, workflow string, p id.Person, channel org.Channel) {
	h.messages.Put(service.Sent{
		Message: page.Message{
			Key: key, Purpose: page.Page, Person: p, Channel: channel, Body: "P1 payments. Press 4 to acknowledge.",
		},
		Workflow: workflow, At: h.now,
		Last: page.Receipt{Key: key, Provider: "twilio", ProviderID: "CA-" + key},
	})
}

func ana() service.Caller {
	return service.Caller{Name: "Ana Pérez", Role: service.Responder, Person: "ana", Via: "api"}
}

func machine(role service.Role) service.Caller {
	return service.Caller{Name: "noc", Role: role, Via: "api"}
}

func contextWithCancel() (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}
