package app

import (
	"context"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
	"github.com/belayhq/belay/web"
)

// front is what this process answers over HTTP. One that only works answers probes and metrics.
func (a *App) front() (http.Handler, error) {
	if !a.has(API) {
		return a.instruments(), nil
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = origin(a.options.TrustedProxies)
	e.Use(a.measured, a.unbroken, sealed, short)
	e.GET("/metrics", echo.WrapHandler(a.metrics.Handler()))
	if err := a.api(e); err != nil {
		return nil, err
	}
	if err := a.pages(e); err != nil {
		return nil, err
	}
	return e, nil
}

func (a *App) pages(e *echo.Echo) error {
	options := web.Options{
		PublicURL: a.options.PublicURL, Secret: a.options.Secret, Dev: a.options.Dev,
		TemporalUIURL: a.temporalUI(), Namespace: a.namespace,
		Authenticator: a.rooms.keyring, Sessions: a.rooms.sessions, Accounts: a.rooms.accounts,
		OnCall: a.rooms.oncall, Covers: a.rooms.covers, Feeds: a.rooms.feeds,
		Reachability: a.rooms.reach, Catalogue: a.rooms.listing, Revisions: a.rooms.blueprints, Simulations: a.rooms.plays, Trials: a.rooms.trials,
		Organisation: a.rooms.directory, Search: a.rooms.search, Answers: a.rooms.answers, Machines: a.rooms.engine, Promises: a.rooms.tickets,
		Links: a.rooms.links, Messages: a.rooms.messages, Digests: a.rooms.digests.Book, Access: service.Access{}, Opener: a.rooms.opener,
		Limits: &a.limits, Bell: a.bell, Now: a.now, Log: a.log,
	}
	if a.options.SignIn.configured() {
		options.Provider, options.ProviderName = newVoucher(a.options, a.rooms.directory, a.now), a.options.SignIn.Label
	}
	if a.options.Dev {
		options.Sandbox = a.rooms.sandbox
	}
	site, err := web.Register(e, options)
	if err != nil {
		return err
	}
	e.HTTPErrorHandler = site.Fallback(e.HTTPErrorHandler)
	return nil
}

func (a *App) temporalUI() string {
	if !a.options.Dev || a.options.TemporalUIAddr == "" {
		return ""
	}
	return reachable(a.options.TemporalUIAddr)
}

// probes ask what we depend on. The API accepts alerts while either PostgreSQL or Temporal is there; a worker is of no
// use without Temporal, and pages without PostgreSQL. What does not keep a process from its work is reported and not
// counted.
func (a *App) probes() []service.Probe {
	probes := []service.Probe{
		{Name: "postgres", Ask: func(ctx context.Context) error { return store.Ready(ctx, a.db) }, Optional: true},
		{Name: "temporal", Ask: a.rooms.engine.Ready, Optional: a.has(API)},
		{Name: "organisation", Ask: a.rooms.directory.Fresh, Optional: true},
	}
	if a.has(API) {
		probes = append(probes, service.Probe{Name: "door", Ask: a.open})
	}
	if a.has(Worker) {
		probes = append(probes, service.Probe{Name: "worker", Ask: a.polls, Optional: a.has(API)})
	}
	if a.watchdog != nil {
		probes = append(probes, a.watchdog.probe())
	}
	for i := range probes {
		probes[i] = probes[i].Remembered(time.Second)
	}
	return probes
}

// open: what is sent to us now can be kept.
func (a *App) open(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if store.Ready(bounded, a.db) == nil {
		return nil
	}
	return a.rooms.engine.Ready(ctx)
}

func (a *App) polls(context.Context) error {
	if !a.working.Load() {
		return fault.New(fault.Unavailable, "no worker is running yet")
	}
	return nil
}

// instruments are all that a worker answers.
func (a *App) instruments() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, `{"status":"ok"}`) })
	health := service.Health{Probes: a.probes()}
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if ready, _ := health.Ready(r.Context()); !ready {
			say(w, http.StatusServiceUnavailable, `{"status":"unavailable"}`)
			return
		}
		say(w, http.StatusOK, `{"status":"ok"}`)
	})
	return mux
}

func say(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body + "\n"))
}

// measured counts every request by its route. Streams last as long as their readers and would only blur the picture.
func (a *App) measured(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err) // the status is known only once the error is answered
		}
		if !strings.HasPrefix(c.Response().Header().Get(echo.HeaderContentType), "text/event-stream") {
			a.metrics.Request(c.Request().Method, c.Path(), c.Response().Status, time.Since(began))
		}
		return nil
	}
}

// unbroken turns a panic into an error of one request.
func (a *App) unbroken(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			trouble := recover()
			if trouble == nil {
				return
			}
			if trouble == http.ErrAbortHandler { // net/http compares it so
				panic(trouble)
			}
			a.log.ErrorContext(c.Request().Context(), "handler panicked", "route", c.Path(), "panic", trouble, "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "something broke on our side")
		}()
		return next(c)
	}
}
