package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
)

// problem is RFC 9457: what went wrong, for programs and, on a page, for people.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"`
}

// tell turns what a handler failed with into an answer in words.
func (s *Site) tell(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if err == nil || c.Response().Committed {
			return err
		}
		return s.answerProblem(c, err)
	}
}

// Fallback answers browsers that lost their way with a page; programs, and paths of other rooms, go to next.
func (s *Site) Fallback(next echo.HTTPErrorHandler) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		r := c.Request()
		if c.Response().Committed || !wantsPage(r) || !strings.Contains(r.Header.Get("Accept"), "text/html") {
			next(err, c)
			return
		}
		show := s.harden(func(c echo.Context) error { return s.answerProblem(c, err) })
		if failed := show(c); failed != nil {
			next(failed, c)
		}
	}
}

func (s *Site) answerProblem(c echo.Context, err error) error {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		s.Log.ErrorContext(c.Request().Context(), "page failed", "path", c.Path(), "error", err)
	}
	if after := fault.RetryAfter(err); after > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(int(after.Seconds()+0.999)))
	}
	if wantsData(c.Request()) {
		body, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("encode problem: %w", err)
		}
		return c.Blob(p.Status, "application/problem+json", body)
	}
	f := s.frame(c, "")
	f.Title, p.Detail = f.t(p.Title), f.retell(p.Detail)
	if c.Request().Header.Get("HX-Request") != "" {
		return s.render(c, p.Status, notice(answer{Text: f.t(p.Title) + ": " + p.Detail, Bad: true}))
	}
	return s.render(c, p.Status, problemPage(f, p, consequence(c.Request().Method, p.Status)))
}

func problemOf(err error) problem {
	var http4 *echo.HTTPError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		err = fault.New(fault.TooLarge, "more than %d bytes", tooLarge.Limit)
	case errors.As(err, &http4):
		return problem{Type: "about:blank", Title: http.StatusText(http4.Code), Status: http4.Code, Detail: fmt.Sprint(http4.Message)}
	}
	p := problem{Type: "about:blank"}
	p.Status, p.Title = statusOf(fault.KindOf(err))
	var known *fault.Error
	if !errors.As(err, &known) {
		p.Detail = "Something failed on our side. It is in the log."
		return p
	}
	p.Detail, p.Field = known.Message, known.Field
	return p
}

func statusOf(k fault.Kind) (int, string) {
	switch k {
	case fault.Invalid:
		return http.StatusUnprocessableEntity, "That cannot be right"
	case fault.Unauthenticated:
		return http.StatusUnauthorized, "We do not know who you are"
	case fault.Denied:
		return http.StatusForbidden, "You may not do this"
	case fault.NotFound:
		return http.StatusNotFound, "There is nothing here"
	case fault.Conflict:
		return http.StatusConflict, "Its state does not allow this"
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge, "That is too much"
	case fault.Throttled:
		return http.StatusTooManyRequests, "Not so fast"
	case fault.Unavailable:
		return http.StatusServiceUnavailable, "Something we need does not answer"
	case fault.Internal:
		return http.StatusInternalServerError, "Something failed on our side"
	}
	return http.StatusInternalServerError, "Something failed on our side"
}

// consequence says what became of the request: the first thing somebody wants to know at night.
func consequence(method string, status int) string {
	switch {
	case method == http.MethodGet || method == http.MethodHead:
		return "Nothing was changed: this page only reads. Escalations go on by themselves meanwhile."
	case status == http.StatusServiceUnavailable || status == http.StatusInternalServerError:
		return "We cannot say whether your request arrived. Look at the escalation before you repeat it; " +
			"repeating is safe, and so is acknowledging by SMS or phone."
	default:
		return "Your request was refused and changed nothing."
	}
}

// render writes a page in one piece: a page that fails half way becomes an error, not half a page.
func (s *Site) render(c echo.Context, status int, page templ.Component) error {
	var b bytes.Buffer
	if err := page.Render(c.Request().Context(), &b); err != nil {
		return fmt.Errorf("render %s: %w", c.Path(), err)
	}
	return c.HTMLBlob(status, b.Bytes())
}
