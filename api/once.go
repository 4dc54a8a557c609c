package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

const idempotencyKey = "Idempotency-Key"

// claimWithin is how long a request waits for the records to say whether it came before.
const claimWithin = 2 * time.Second

// holdEvery is how often a request that takes long says so. Most are answered before the first time.
const holdEvery = 2 * time.Second

// once does a request with an idempotency key at most once, and gives its answer again to whoever repeats it.
func (g *gate) once(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		key := r.Header.Get(idempotencyKey)
		if key == "" {
			return next(c)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return fmt.Errorf("read the body again: %w", err)
		}
		replay(r, body)
		caller := callerOf(r.Context())
		scope := caller.Actor() + " " + caller.Token
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %s\n%s", r.Method, r.URL.RequestURI(), body))
		var answered *service.Answered
		err = g.Lights.Ask(r.Context(), claimWithin, func(ctx context.Context) (err error) {
			answered, err = g.Idempotency.Begin(ctx, scope, key, sum[:])
			return err
		})
		if fault.Is(err, fault.Unavailable) && r.Context().Err() == nil {
			return next(c) // the records are away; what goes on without them knows its keys itself
		}
		if err != nil {
			return err
		}
		if answered != nil {
			return again(c, *answered)
		}
		return g.keep(c, next, scope, key)
	}
}

// keep does the request and keeps its answer, unless it failed for a reason that may pass.
func (g *gate) keep(c echo.Context, next echo.HandlerFunc, scope, key string) error {
	ctx := context.WithoutCancel(c.Request().Context()) // a caller who hangs up does not leave the key hanging
	heard := &ear{ResponseWriter: c.Response().Writer}
	c.Response().Writer = heard
	finished := false
	defer pulse(ctx, holdEvery, func(ctx context.Context) { // the key of a process that has died is soon free again
		if err := g.Idempotency.Hold(ctx, scope, key); err != nil && ctx.Err() == nil {
			g.Log.WarnContext(ctx, "idempotency key not held", "request", requestID(c), "error", err)
		}
	})()
	defer func() {
		if finished {
			return
		}
		if err := g.Idempotency.Abandon(ctx, scope, key); err != nil {
			g.Log.ErrorContext(ctx, "idempotency key not freed", "request", requestID(c), "error", err)
		}
	}()
	if err := next(c); err != nil {
		c.Error(err)
	}
	status := c.Response().Status
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		return nil
	}
	finished = true
	if err := g.Idempotency.Finish(ctx, scope, key, service.Answered{Status: status, Body: heard.body.Bytes()}); err != nil {
		g.Log.ErrorContext(ctx, "answer not kept", "request", requestID(c), "error", err)
	}
	return nil
}

// pulse says something again and again until it is stopped.
func pulse(ctx context.Context, every time.Duration, say func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				say(ctx)
			}
		}
	}()
	return cancel
}

func again(c echo.Context, a service.Answered) error {
	c.Response().Header().Set("Idempotency-Replayed", "true")
	kind := echo.MIMEApplicationJSON
	if a.Status >= http.StatusBadRequest {
		kind = "application/problem+json"
	}
	return c.Blob(a.Status, kind, a.Body)
}

// ear hears what is answered.
type ear struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (e *ear) Write(b []byte) (int, error) {
	e.body.Write(b)
	return e.ResponseWriter.Write(b)
}

func (e *ear) Unwrap() http.ResponseWriter { return e.ResponseWriter }
