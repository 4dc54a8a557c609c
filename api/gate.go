package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

// gate is what every request passes before a service hears of it.
type gate struct {
	Options
	doc *openapi3.T
}

// operations gives every operation of the contract its way in. What the contract does not declare public needs a token.
func (g *gate) operations() map[string][]echo.MiddlewareFunc {
	ways := map[string][]echo.MiddlewareFunc{}
	for path, item := range g.doc.Paths.Map() {
		for method, op := range item.Operations() {
			way := []echo.MiddlewareFunc{g.watched}
			if !public(op) {
				way = append(way, g.known)
			}
			way = append(way, g.checked(path, method, item, op))
			if declares(item, op, idempotencyKey) {
				way = append(way, g.once)
			}
			ways[op.OperationID] = way
		}
	}
	return ways
}

// public operations say so: an empty list of requirements.
func public(op *openapi3.Operation) bool { return op.Security != nil && len(*op.Security) == 0 }

func declares(item *openapi3.PathItem, op *openapi3.Operation, header string) bool {
	for _, p := range append(append(openapi3.Parameters{}, item.Parameters...), op.Parameters...) {
		if p.Value.In == openapi3.ParameterInHeader && p.Value.Name == header {
			return true
		}
	}
	return false
}

// watched names the request, turns a panic into a problem, and writes one line to the log. Queries are left out: people
// put secrets there.
func (g *gate) watched(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		id := nameRequest(c)
		if err := g.unbroken(next)(c); err != nil {
			c.Error(err) // the status is known only once the error is answered
		}
		r := c.Request()
		level := slog.LevelInfo
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
			level = slog.LevelDebug
		}
		g.Log.Log(r.Context(), level, "request", "request", id, "method", r.Method, "path", clip(spoken(c)),
			"status", c.Response().Status, "took", time.Since(began), "caller", callerName(r.Context()))
		return nil
	}
}

// spoken is the path of a request, without the key that some hold.
func spoken(c echo.Context) string {
	if c.Path() == doorway {
		return strings.Replace(doorway, ":format", c.Param("format"), 1)
	}
	if c.Path() == pulseway {
		return strings.Replace(pulseway, ":name", c.Param("name"), 1)
	}
	if c.Path() == promway {
		return promway
	}
	return c.Request().URL.Path
}

func (g *gate) unbroken(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			trouble := recover()
			if trouble == nil {
				return
			}
			if trouble == http.ErrAbortHandler { // net/http compares it so
				panic(trouble)
			}
			g.Log.ErrorContext(c.Request().Context(), "handler panicked", "request", requestID(c), "route", c.Path(),
				"panic", trouble, "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "panic")
		}()
		return next(c)
	}
}

const maxRequestID = 64

// nameRequest takes the name that a proxy gave the request, if it is a harmless one, or makes one.
func nameRequest(c echo.Context) string {
	id := c.Request().Header.Get(echo.HeaderXRequestID)
	harmless := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)
	}
	if id == "" || len(id) > maxRequestID || strings.ContainsFunc(id, func(r rune) bool { return !harmless(r) }) {
		id = rand.Text()
	}
	c.Response().Header().Set(echo.HeaderXRequestID, id)
	return id
}

func requestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

type callerKey struct{}

// callerOf is who asks. Without the gate it is nobody, who may do nothing.
func callerOf(ctx context.Context) service.Caller {
	caller, _ := ctx.Value(callerKey{}).(service.Caller)
	return caller
}

func callerName(ctx context.Context) string {
	if caller := callerOf(ctx); caller.Role != "" {
		return caller.Actor()
	}
	return ""
}

// known lets through whoever holds a token, as often as the limit allows. Guessing tokens is slowed down by address.
func (g *gate) known(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		scheme, secret, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			secret = ""
		}
		caller, err := g.Keyring.Bearer(c.Request().Context(), strings.TrimSpace(secret))
		if fault.Is(err, fault.Unauthenticated) {
			if slow := g.Limits.Stranger(c.RealIP(), g.Now()); slow != nil {
				return slow
			}
		}
		if err != nil {
			return err
		}
		if slow := g.Limits.Caller(caller, g.Now()); slow != nil {
			return slow
		}
		c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), callerKey{}, caller)))
		return next(c)
	}
}
