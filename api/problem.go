package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/api/rest"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
)

// refusal is an error that is HTTP's own, not the product's: a malformed request, a wrong method or media type.
type refusal struct {
	status  int
	field   string
	message string
	errors  []rest.Mistake
}

func (r *refusal) Error() string {
	if r.field == "" {
		return r.message
	}
	return r.field + ": " + r.message
}

func refuse(status int, field, format string, args ...any) error {
	return &refusal{status: status, field: field, message: fmt.Sprintf(format, args...)}
}

// problems writes errors as RFC 9457 problem documents. What is our fault says nothing of our inside: that is in the log,
// under the id of the request.
func problems(log *slog.Logger) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed {
			return
		}
		p := problemOf(err)
		path, id := spoken(c), requestID(c)
		p.Instance = &path
		if id != "" {
			p.RequestId = &id
		}
		if p.Status >= http.StatusInternalServerError {
			log.ErrorContext(c.Request().Context(), "request failed", "request", id, "route", c.Path(), "error", err)
		}
		if p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
			c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(seconds(fault.RetryAfter(err))))
		}
		if p.Status == http.StatusUnauthorized {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="belay"`)
		}
		if failed := writeProblem(c, p); failed != nil {
			log.WarnContext(c.Request().Context(), "problem not written", "request", id, "error", failed)
		}
	}
}

func writeProblem(c echo.Context, p rest.Problem) error {
	if c.Request().Method == http.MethodHead {
		return c.NoContent(p.Status)
	}
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode problem: %w", err)
	}
	return c.Blob(p.Status, "application/problem+json", body)
}

// seconds to wait, rounded up; one when nobody knows.
func seconds(after time.Duration) int { return max(1, int(math.Ceil(after.Seconds()))) }

// Problem is what an error says to a caller over HTTP, for those who are told it elsewhere.
func Problem(err error) rest.Problem { return problemOf(err) }

func problemOf(err error) rest.Problem {
	var mistakes blueprint.Errors
	if errors.As(err, &mistakes) {
		p := titled(http.StatusUnprocessableEntity)
		detail := fmt.Sprintf("%d mistakes in the blueprint, the first: %s", len(mistakes), mistakes[0].Error())
		if len(mistakes) == 1 {
			detail = mistakes[0].Error()
		}
		listed := mistakesOf(mistakes)
		p.Detail, p.Field, p.Errors = &detail, pointer("files"), &listed
		return p
	}
	var own *refusal
	if errors.As(err, &own) {
		p := titled(own.status)
		detail := own.Error()
		p.Detail, p.Field = &detail, optional(own.field)
		if len(own.errors) > 0 {
			p.Errors = &own.errors
		}
		return p
	}
	var http4 *echo.HTTPError
	if errors.As(err, &http4) {
		p := titled(http4.Code)
		if text, ok := http4.Message.(string); ok && http4.Code < http.StatusInternalServerError {
			p.Detail = &text
		}
		return p
	}
	return problemOfFault(err)
}

func problemOfFault(err error) rest.Problem {
	p := titled(statusOf(fault.KindOf(err)))
	var f *fault.Error
	if p.Status >= http.StatusInternalServerError || !errors.As(err, &f) {
		return p
	}
	detail := f.Message
	if f.Field != "" {
		detail = f.Field + ": " + detail
	}
	p.Detail, p.Field = &detail, optional(f.Field)
	return p
}

func statusOf(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Denied:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Throttled:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// titled is a problem of this status, with the words that are the same every time.
func titled(status int) rest.Problem {
	p := rest.Problem{Status: status, Type: "about:blank", Title: http.StatusText(status)}
	for _, known := range []struct {
		status int
		slug   string
		title  string
	}{
		{http.StatusBadRequest, "malformed", "The request does not match the contract"},
		{http.StatusUnauthorized, "unauthenticated", "We do not know who asks"},
		{http.StatusForbidden, "denied", "You may not do this"},
		{http.StatusNotFound, "not-found", "There is nothing here"},
		{http.StatusMethodNotAllowed, "method", "This address does not take that method"},
		{http.StatusNotAcceptable, "not-acceptable", "We cannot answer in that form"},
		{http.StatusConflict, "conflict", "Its state does not allow this"},
		{http.StatusRequestEntityTooLarge, "too-large", "That is more than we take"},
		{http.StatusRequestURITooLong, "too-large", "That is more than we take"},
		{http.StatusRequestHeaderFieldsTooLarge, "too-large", "That is more than we take"},
		{http.StatusUnsupportedMediaType, "media-type", "We do not read that form"},
		{http.StatusUnprocessableEntity, "invalid", "The request cannot be right"},
		{http.StatusTooManyRequests, "throttled", "Not so fast"},
		{http.StatusInternalServerError, "internal", "Something broke on our side"},
		{http.StatusServiceUnavailable, "unavailable", "Something we need does not answer"},
	} {
		if known.status == status {
			p.Type, p.Title = "urn:belay:problem:"+known.slug, known.title
		}
	}
	return p
}

func mistakesOf(list []blueprint.Error) []rest.Mistake {
	all := make([]rest.Mistake, len(list))
	for i, m := range list {
		all[i] = rest.Mistake{
			Message: m.Message, Field: optional(m.Field), Path: optional(m.Path), Line: &m.Line, Column: &m.Column,
		}
	}
	return all
}

// clip keeps what a stranger sent short before it is quoted back.
func clip(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return text
}
