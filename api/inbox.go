package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
)

// mostEvent is what PagerDuty takes ("Send an alert event", Events API v2: 512 KB).
const mostEvent = 512 << 10

// formatPagerDuty names the format of a raw event on record.
const formatPagerDuty = "pagerduty"

// eventAnswer has the shape in which PagerDuty answers events.
type eventAnswer struct {
	Status   string   `json:"status"`
	Message  string   `json:"message"`
	DedupKey string   `json:"dedup_key,omitempty"`
	Errors   []string `json:"errors,omitempty"`
}

// enqueue is POST /v2/enqueue of PagerDuty's Events API v2: existing senders change only the address. 202 means that
// the event is on disk.
func (g *gate) enqueue(c echo.Context) error {
	body, err := readBody(c, mostEvent)
	if err != nil {
		return refuseEvent(c, err)
	}
	key, a, err := g.Decode(body)
	if err != nil {
		return refuseEvent(c, err)
	}
	if err := g.limits.events.take(key, g.Now()); err != nil {
		return refuseEvent(c, err)
	}
	dedup, err := g.Intake.Accept(c.Request().Context(), key, a, body, formatPagerDuty)
	if err != nil {
		return refuseEvent(c, err)
	}
	return c.JSON(http.StatusAccepted, eventAnswer{Status: "success", Message: "Event processed", DedupKey: dedup})
}

// refuseEvent answers in PagerDuty's shapes, so that senders retry what they would retry there. Trouble of ours that
// may pass is 429 or 503, never 4xx: a sender gives up on those. It goes to the error handler, which logs it.
func refuseEvent(c echo.Context, err error) error {
	var own *refusal
	if errors.As(err, &own) {
		return c.JSON(own.status, invalidEvent(own.Error()))
	}
	var f *fault.Error
	switch fault.KindOf(err) {
	case fault.Invalid:
		if errors.As(err, &f) && f.Field != "" {
			return c.JSON(http.StatusBadRequest, invalidEvent(fmt.Sprintf("'%s' %s", f.Field, f.Message)))
		}
		return c.JSON(http.StatusBadRequest, invalidEvent(clip(err.Error())))
	case fault.TooLarge:
		return c.JSON(http.StatusRequestEntityTooLarge, invalidEvent(clip(err.Error())))
	case fault.Throttled:
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(seconds(fault.RetryAfter(err))))
		return c.JSON(http.StatusTooManyRequests, eventAnswer{
			Status: "throttle exceeded", Message: "Requests for this service are arriving too quickly. Please retry later.",
		})
	case fault.Unauthenticated, fault.Denied, fault.NotFound, fault.Conflict, fault.Unavailable, fault.Internal:
	}
	return err
}

func invalidEvent(what string) eventAnswer {
	return eventAnswer{Status: "invalid event", Message: "Event object is invalid", Errors: []string{what}}
}
