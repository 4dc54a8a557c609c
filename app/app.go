package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/integrations/mailbox"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/workers"
)

// Role is what a process does. One process may have both.
type Role string

const (
	API    Role = "api"    // HTTP: API, pages, callbacks
	Worker Role = "worker" // runs escalations
)

// cachedRuns bounds the memory of a worker: some tens of kilobytes each.
const cachedRuns = 10_000

// App is one process.
type App struct {
	options   Options
	roles     []Role
	log       *slog.Logger
	now       func() time.Time
	metrics   *Metrics
	db        *pgxpool.Pool
	temporal  client.Client
	namespace string
	rooms     rooms
	heirs     *durable.Heirs
	out       outlets
	bell      *web.Bell
	watchdog  *watchdog // nil: switched off
	limits    service.Limits

	listener net.Listener
	server   *http.Server
	mailbox  *mailbox.Server // nil: no mail is taken
	mailAddr string
	working  atomic.Bool   // a worker is polling
	first    sync.Once     // closes atWork
	atWork   chan struct{} // the first worker has started
	halt     context.CancelFunc
	running  sync.WaitGroup
	failed   chan error
}

// Open reaches the database and reads the organisation. A database that does not answer is waited for, unless the
// organisation is kept beside the process: then it begins with that. Temporal is not waited for: alerts are accepted
// without it.
func Open(ctx context.Context, o Options, log *slog.Logger, roles ...Role) (*App, error) {
	if err := o.Complete(); err != nil {
		return nil, err
	}
	a := &App{options: o, roles: roles, log: log, now: o.clock(), metrics: NewMetrics(), bell: &web.Bell{}, failed: make(chan error, 1), atWork: make(chan struct{})}

	reach := o.reach()
	reach.Metrics, reach.Log, reach.Hands = a.metrics.Temporal(), quieter(log), &durable.Hands{}
	addr, namespace, err := reach.Effective()
	if err != nil {
		return nil, err
	}
	a.namespace = namespace
	if a.temporal, err = durable.Dial(reach); err != nil {
		return nil, err
	}
	if a.db, err = store.Prepare(context.WithoutCancel(ctx), o.DatabaseURL, store.Options{MaxConns: 20}); err != nil {
		a.temporal.Close()
		return nil, err
	}
	if err := a.listen(); err != nil {
		a.close()
		return nil, err
	}
	a.rooms = join(a.options, a.db, a.temporal, a.shelf(), a.metrics, &a.limits, log, a.now)
	a.heirs = &durable.Heirs{
		Client: a.temporal, Namespace: namespace, Hands: reach.Hands, Roll: litRoll{Sticky: store.Sticky{Pool: a.db}, lights: a.rooms.lights}, Log: log,
	}
	reach.Hands.Orphaned = func() bool { _, out := a.rooms.lights.Out(); return out } // the roll of the workers is among the records
	a.metrics.Rules(a.rooms.fleet.Rules)
	if err := a.directory(ctx); err != nil {
		a.close()
		return nil, err
	}
	if a.out, err = a.carriers(); err != nil {
		a.close()
		return nil, err
	}
	if o.Watch.On {
		if a.watchdog, err = newWatchdog(o, a.metrics, log, a.now); err != nil {
			a.close()
			return nil, err
		}
	}
	a.out.ways[org.Webhook] = robots{Carrier: a.out.ways[org.Webhook], robot: a.rooms.robot}
	a.out.ways = a.rooms.gather(a.out.ways)
	log.Info("ready to start", "roles", roles, "temporal", addr, "namespace", namespace,
		"revision", a.rooms.directory.Current().Revision, "encrypted", len(o.CodecKeys) > 0)
	return a, nil
}

// listen takes the address early: links need the port, and one that is taken should be told at once.
func (a *App) listen() (err error) {
	addr, variable := a.options.HTTPAddr, "BELAY_HTTP_ADDR"
	if !a.has(API) {
		addr, variable = a.options.WorkerAddr, "BELAY_WORKER_ADDR"
	}
	if a.listener, err = net.Listen("tcp", addr); err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	if strings.HasSuffix(a.options.PublicURL, ":0") {
		a.options.PublicURL = reachable(a.listener.Addr().String())
	}
	return nil
}

// carriers are those of the installation; in development everything goes to the sandbox.
func (a *App) carriers() (outlets, error) {
	if a.options.Dev {
		return outlets{ways: everywhere(a.rooms.sandbox)}, nil
	}
	out, err := carriers(a.options, a.log, a.now, a.metrics.Switched)
	for _, pair := range out.failovers {
		pair.Settled = service.Settled(store.Escalations{Pool: a.db})
	}
	return out, err
}

// directory reads the organisation. Without it every page would go to nobody, so it is waited for, unless the database
// is away and the organisation is kept beside the process. A database that refuses us, or is too old, is an error at once.
func (a *App) directory(ctx context.Context) error {
	err := store.Check(ctx, a.db)
	if fault.Is(err, fault.Unavailable) && ctx.Err() == nil {
		kept, missing := a.rooms.directory.Recall()
		if missing == nil {
			a.rooms.lights.Saw(err)
			a.log.Error("PostgreSQL is away: starting with the organisation that was kept here; what was applied since is not known",
				"revision", kept.Revision.Hash, "read_at", kept.ReadAt, "error", err)
			return nil
		}
		a.log.Warn("nothing is kept here to start with", "reason", missing)
	}
	if err := insist(ctx, a.log, "PostgreSQL", func() error { return store.Check(ctx, a.db) }); err != nil {
		return err
	}
	return insist(ctx, a.log, "the organisation", func() error {
		if err := store.Ready(ctx, a.db); err != nil {
			return err
		}
		return a.rooms.directory.Refresh(ctx)
	})
}

// insist tries again what may pass, until ctx ends.
func insist(ctx context.Context, log *slog.Logger, what string, try func() error) error {
	pause := 500 * time.Millisecond
	for {
		err := try()
		if err == nil || !fault.Is(err, fault.Unavailable) {
			return err
		}
		log.Warn("waiting for "+what, "error", err, "again_in", pause)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause = min(2*pause, 5*time.Second)
	}
}

// Start begins to serve and to work, and returns when the door is open. What goes wrong later is told by Failed.
func (a *App) Start(ctx context.Context) error {
	ctx, a.halt = context.WithCancel(context.WithoutCancel(ctx))
	handler, err := a.front()
	if err != nil {
		return err
	}
	if err := a.follow(ctx); err != nil {
		return err
	}
	a.beside(func() { a.rooms.fleet.Run(ctx) })
	a.beside(func() { a.rooms.relay.Run(ctx) })
	a.beside(func() { a.rooms.quiet.Run(ctx) })
	if a.has(API) { // whoever judges must have been able to hear
		a.beside(func() { a.rooms.heart.Run(ctx) })
		a.beside(func() { a.rooms.canaries.Run(ctx) })
	}
	a.beside(func() { a.rooms.dark.Run(ctx) })
	a.beside(func() { a.rooms.digests.Run(ctx) })
	a.beside(func() { a.watch(ctx) })
	a.beside(func() { a.rooms.scribe.Run(ctx) })
	a.beside(func() { a.rooms.poll.Run(ctx) })
	if a.watchdog != nil {
		a.beside(func() { a.watchdog.Run(ctx) })
	}
	if len(a.out.askers) > 0 {
		inquiry := &service.Inquiry{
			Unheard: store.Messages{Pool: a.db}, Askers: a.out.askers, Receipts: a.rooms.receipts, Now: a.now, Log: a.log,
		}
		a.beside(func() { inquiry.Run(ctx) })
	}
	if a.has(Worker) {
		for _, pair := range a.out.failovers {
			a.beside(func() { pair.Run(ctx) })
		}
		workers.CacheWorkflows(cachedRuns)
		a.beside(func() { a.work(ctx) })
		a.beside(func() { a.heirs.Run(ctx) })
		if !a.options.Dev { // whoever tries it out begins with E-1
			a.beside(func() { a.rooms.reserve.Run(ctx) })
		}
	}

	if err := a.mailIn(); err != nil {
		return err
	}
	a.server = server(handler, a.log)
	a.beside(func() {
		if err := a.server.Serve(bounded(a.listener, mostConnections)); !errors.Is(err, http.ErrServerClosed) {
			a.fail(fmt.Errorf("serve HTTP on %s: %w", a.listener.Addr(), err))
		}
	})
	return nil
}

// Addr is where HTTP is answered, once started.
func (a *App) Addr() string { return a.listener.Addr().String() }

// PublicURL is how this process calls itself in links.
func (a *App) PublicURL() string { return a.options.PublicURL }

// Failed tells the first error after which the process cannot go on.
func (a *App) Failed() <-chan error { return a.failed }

// AtWork is closed once a worker has started.
func (a *App) AtWork() <-chan struct{} { return a.atWork }

func (a *App) fail(err error) {
	select {
	case a.failed <- err:
	default:
	}
}

func (a *App) has(r Role) bool { return slices.Contains(a.roles, r) }

func (a *App) beside(f func()) {
	a.running.Go(f)
}

// follow keeps organisation and pages up to date with the database.
func (a *App) follow(ctx context.Context) error {
	changes, err := store.Changes(ctx, a.db)
	if err != nil {
		return fmt.Errorf("follow changes of the organisation: %w", err)
	}
	a.beside(func() { a.rooms.directory.Run(ctx, changes) })
	if !a.has(API) {
		return nil
	}
	feed, err := store.Feed(ctx, a.db)
	if err != nil {
		return fmt.Errorf("follow the escalations: %w", err)
	}
	rings := make(chan string)
	a.beside(func() {
		defer close(rings)
		for which := range feed {
			select {
			case rings <- string(which):
			case <-ctx.Done():
			}
		}
	})
	a.beside(func() { a.bell.Run(ctx, rings) })
	return nil
}

// work keeps a worker running. Temporal may be away, for a minute or for a day.
func (a *App) work(ctx context.Context) {
	pause := time.Second
	for ctx.Err() == nil {
		began := time.Now()
		err := a.shift(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > time.Minute {
			pause = time.Second
		}
		a.log.Error("no worker is running", "error", err, "again_in", pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, 10*time.Second)
	}
}

// shift is one worker from its start until ctx ends or it gives up.
func (a *App) shift(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, 15*time.Second)
	err := durable.Prepare(bounded, a.temporal, a.namespace)
	cancel()
	if err != nil {
		return err
	}
	gaveUp := make(chan error, 1)
	w := workers.New(a.temporal, a.rooms.work(a.db, a.out.ways, a.log, a.now), workers.Options{
		Interceptors: []interceptor.WorkerInterceptor{&durable.Faults{}, &durable.Pulse{}},
		BuildID:      a.options.BuildID,
		Fatal:        func(err error) { gaveUp <- err },
	})
	if err := w.Start(); err != nil {
		return fmt.Errorf("start a worker: %w", err)
	}
	a.working.Store(true)
	a.first.Do(func() { close(a.atWork) })
	defer a.working.Store(false)
	a.log.Info("working", "queue", "escalations")
	select {
	case <-ctx.Done():
		w.Stop()
		return nil
	case err := <-gaveUp: // it stops by itself
		return err
	}
}

// watch keeps the gauges of what we depend on.
func (a *App) watch(ctx context.Context) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		if lag, err := (store.TicketLinks{Pool: a.db}).Lag(ctx); err == nil {
			a.metrics.TicketLag(lag, a.now())
		}
		for _, probe := range append(a.probes(), a.out.standby()...) {
			bounded, cancel := context.WithTimeout(ctx, 2*time.Second)
			a.metrics.Reached(probe.Name, probe.Ask(bounded) == nil)
			cancel()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Stop lets go in order: no new requests, what was accepted is told to the engine, messages that are under way are
// finished, then the connections. What is not done when ctx ends is done by another process, or after the next start.
func (a *App) Stop(ctx context.Context) error {
	var trouble error
	a.bell.Close()
	if a.server != nil {
		trouble = a.server.Shutdown(ctx)
	}
	if a.mailbox != nil {
		trouble = errors.Join(trouble, a.mailbox.Close(ctx))
	}
	a.within(ctx, drainWithin, a.rooms.beside.Close) // what stays undone is the relay's, here or elsewhere
	if a.halt != nil {
		a.halt()
	}
	if !a.within(ctx, time.Minute, a.running.Wait) {
		trouble = errors.Join(trouble, errors.New("not everything had stopped in time"))
	}
	a.close()
	return trouble
}

const drainWithin = 5 * time.Second

// within waits for f, but not for ever.
func (a *App) within(ctx context.Context, limit time.Duration, f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
	case <-time.After(limit):
	}
	return false
}

func (a *App) close() {
	if a.listener != nil {
		_ = a.listener.Close() // again, when the server has closed it: harmless
	}
	if a.watchdog != nil {
		a.watchdog.close()
	}
	a.temporal.Close()
	if a.db != nil {
		a.db.Close()
	}
}

// quieter keeps Temporal's chatter out of the log: its debug and info lines are about its own pollers.
func quieter(log *slog.Logger) *slog.Logger {
	return slog.New(least{Handler: log.Handler(), level: slog.LevelWarn})
}

type least struct {
	slog.Handler
	level slog.Level
}

// Enabled is part of slog.Handler.
func (l least) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= l.level && l.Handler.Enabled(ctx, level)
}

// WithAttrs is part of slog.Handler.
func (l least) WithAttrs(attrs []slog.Attr) slog.Handler {
	return least{Handler: l.Handler.WithAttrs(attrs), level: l.level}
}

// WithGroup is part of slog.Handler.
func (l least) WithGroup(name string) slog.Handler {
	return least{Handler: l.Handler.WithGroup(name), level: l.level}
}
