package api

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/api/rest"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/service"
)

//go:embed openapi.yaml
var document []byte

// Document is openapi.yaml.
func Document() []byte { return document }

// Options is everything that the API calls.
type Options struct {
	Keyring     *service.Keyring
	Search      *service.Search
	Open        *service.Open
	Answers     *service.Answers
	Catalogue   *service.Catalogue
	OnCall      *service.OnCall
	Covers      *service.Covers
	Maintenance *service.Maintenance
	Heart       *service.Heart
	Canaries    *service.Canaries
	Blueprints  *service.Blueprints
	Tickets     *service.Tickets
	Desk        *service.TicketDesk
	Intake      *service.Intake
	Idempotency service.Idempotency
	Lights      *service.Lights // nil: the records are always asked
	Health      service.Health

	Events   Events // PagerDuty's Events API v2
	Events1  Events // the first version of it
	Changes  Events // its change events
	Dialects []alert.Dialect
	// Prometheus is Alertmanager's own API.
	Prometheus alert.Dialect
	// Opsgenie is nil when its clients are not expected.
	Opsgenie *Opsgenie
	// Twilio is nil when no callbacks are expected: they are then not found.
	Twilio *Twilio
	// TicketNews takes what a ticket system posts, once it has proved who it is; nil: nothing is taken.
	TicketNews func(ctx context.Context, system string, p alert.Post) error
	// Gateway likewise.
	Gateway *Gateway

	Limits *service.Limits // nil: the generous ones
	Now    func() time.Time
	Log    *slog.Logger
}

// Register mounts the API and makes every error on this server a problem document.
func Register(e *echo.Echo, o Options) error {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return fmt.Errorf("read openapi.yaml: %w", err)
	}
	if o.Limits == nil {
		o.Limits = &service.Limits{}
	}
	if e.IPExtractor == nil {
		e.IPExtractor = echo.ExtractIPDirect() // whoever guesses tokens writes headers of proxies too
	}
	e.HTTPErrorHandler = problems(o.Log)
	g := &gate{Options: o, doc: doc}
	rest.RegisterHandlersWithOptions(e, rest.NewStrictHandler(&server{Options: o}, nil), rest.RegisterHandlersOptions{
		OperationMiddlewares: g.operations(),
	})
	e.POST("/v2/enqueue", g.enqueue(o.Events, formatPagerDuty), g.watched)
	if o.Changes.Decode != nil {
		e.POST("/v2/change/enqueue", g.enqueue(o.Changes, formatPagerDutyChange), g.watched)
	}
	if o.Events1.Decode != nil {
		e.POST("/generic/2010-04-15/create_event.json", g.enqueue(o.Events1, formatPagerDutyV1), g.watched)
	}
	e.POST(doorway, g.said, g.watched)
	e.POST(pulseway, g.beats, g.watched)
	e.DELETE(pulseway, g.disarms, g.watched)
	if o.Prometheus.Decode != nil {
		g.prometheus(e, o.Prometheus)
	}
	if o.Opsgenie != nil {
		g.opsgenie(e)
	}
	if o.Twilio != nil {
		g.callbacks(e)
	}
	if o.TicketNews != nil {
		e.POST("/callbacks/tickets/:system", g.ticketNews, g.watched)
	}
	if o.Canaries != nil {
		e.POST("/callbacks/canary", g.robot, g.watched)
	}
	if o.Gateway != nil {
		e.POST("/callbacks/gateway/status", g.report, g.watched)
	}
	e.GET("/openapi.yaml", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/yaml", document)
	})
	reference(e)
	return nil
}

// server answers the operations of openapi.yaml: one call of a service each.
type server struct{ Options }

var _ rest.StrictServerInterface = (*server)(nil)
