package api

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

// Events is how events in one of PagerDuty's formats are read and answered (integrations/pagerduty).
type Events struct {
	// Decode reads one event. The routing key is answered with an error too, when it could be read.
	Decode func(body []byte) (routingKey string, a alert.Alert, err error)
	// Answer is 202 with the dedup key, or what the error says in PagerDuty's words.
	Answer func(dedupKey string, err error) (status int, body []byte)
}

// mostEvent is what PagerDuty takes ("Send an alert event", Events API v2: 512 KB).
const mostEvent = 512 << 10

// Names of the formats of raw events on record.
const (
	formatPagerDuty       = "pagerduty"
	formatPagerDutyV1     = "pagerduty-v1"
	formatPagerDutyChange = "pagerduty-change"
)

// enqueue is a door of PagerDuty's: existing senders change only the address. 2xx means that the event is on disk; trouble
// of ours that may pass is 429 or 5xx, because senders give up on any other 4xx.
func (g *gate) enqueue(events Events, format string) echo.HandlerFunc {
	return func(c echo.Context) error { return g.enqueued(c, events, format) }
}

func (g *gate) enqueued(c echo.Context, events Events, format string) error {
	dedup, err := g.accept(c, events, format)
	status, body := events.Answer(dedup, err)
	waitIfAsked(c, status, err)
	if status >= http.StatusInternalServerError {
		g.Log.ErrorContext(c.Request().Context(), "event not taken", "request", requestID(c), "error", err)
	}
	return c.JSONBlob(status, body)
}

// waitIfAsked tells a sender when to come again.
func waitIfAsked(c echo.Context, status int, err error) {
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(seconds(fault.RetryAfter(err))))
	}
}

func (g *gate) accept(c echo.Context, events Events, format string) (dedup string, err error) {
	if err := plain(c.Request()); err != nil {
		return "", fault.Wrap(fault.Invalid, err, "event")
	}
	body, err := readBody(c, mostEvent)
	var own *refusal
	if errors.As(err, &own) && own.status == http.StatusRequestEntityTooLarge {
		return "", fault.Wrap(fault.TooLarge, err, "event")
	}
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "event")
	}
	key, a, err := events.Decode(body)
	if err != nil {
		return "", err
	}
	if err := g.Limits.Event(key, g.Now()); err != nil {
		return "", err
	}
	if c.Request().Header.Get(service.CanaryHeader) != "" {
		dedup, err = g.canaried(c, key, a, body, format)
	} else {
		dedup, err = g.Intake.Accept(c.Request().Context(), key, a, body, format)
	}
	return dedup, g.unguessed(c, err)
}

// canaried takes an event of ours to ourselves, or refuses one of somebody who says that it is.
func (g *gate) canaried(c echo.Context, key string, a alert.Alert, body []byte, format string) (dedup string, err error) {
	taken, err := g.Intake.Deliver(c.Request().Context(), service.Delivery{
		Dialect: alert.Dialect{Name: format, Decode: func(alert.Post) ([]alert.Alert, error) { return []alert.Alert{a}, nil }}, Key: key, Trace: requestID(c),
		Post: alert.Post{Header: map[string]string{service.CanaryHeader: c.Request().Header.Get(service.CanaryHeader)}, Body: body, At: g.Now()},
	})
	if err != nil || len(taken.DedupKeys) == 0 {
		return "", err
	}
	return taken.DedupKeys[0], nil
}
