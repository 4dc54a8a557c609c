package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/integrations/beacon"
	"github.com/belayhq/belay/internal/stack"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// impatient finds in seconds what the defaults find in a minute. BELAY_TEST_PATIENT=1 plays the same scenes with the
// defaults, in a quarter of an hour: every trouble must then be told within two minutes.
var (
	impatient = service.WatchLimits{
		Every: 500 * time.Millisecond, Compare: time.Second, Beat: time.Second, Grace: 4 * time.Second, Away: 3 * time.Second,
		Queue: 3 * time.Second, Poll: time.Hour, Settle: time.Millisecond, Calm: 2 * time.Second,
	}
	soon = time.Minute // on a machine that is busy with other things
)

func init() {
	if os.Getenv("BELAY_TEST_PATIENT") != "" {
		impatient, soon = service.WatchLimits{}, 2*time.Minute
	}
}

// opsRoom is where operators hear, and what notices when the heart stops.
type opsRoom struct {
	t     *testing.T
	hook  *httptest.Server
	heart *httptest.Server
	beats atomic.Int64

	mu    sync.Mutex
	notes []beacon.Note
}

func newOpsRoom(t *testing.T) *opsRoom {
	o := &opsRoom{t: t}
	o.hook = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var note beacon.Note
		if json.NewDecoder(r.Body).Decode(&note) == nil {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.notes = append(o.notes, note)
		}
	}))
	o.heart = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { o.beats.Add(1) }))
	t.Cleanup(o.hook.Close)
	t.Cleanup(o.heart.Close)
	return o
}

func (o *opsRoom) heard(key, status string) (beacon.Trouble, int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found beacon.Trouble
	times := 0
	for _, note := range o.notes {
		for _, trouble := range note.Troubles {
			if trouble.Key == key && trouble.Status == status {
				found = trouble
				times++
			}
		}
	}
	return found, times
}

// hears waits for a trouble and says how long it took.
func (o *opsRoom) hears(t *testing.T, key, status string, since time.Time) beacon.Trouble {
	t.Helper()
	var trouble beacon.Trouble
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("heard: %s", o)
		}
	})
	require.Eventually(t, func() (yes bool) {
		var times int
		trouble, times = o.heard(key, status)
		return times > 0
	}, soon, 50*time.Millisecond, "nobody says %s %s", key, status)
	t.Logf("%-30s %-9s after %5.1f s: %s", key, status, time.Since(since).Seconds(), trouble.Text)
	return trouble
}

func (o *opsRoom) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	all, _ := json.Marshal(o.notes)
	return string(all)
}

func (o *opsRoom) silent() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.notes) == 0
}

func (o *opsRoom) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes = nil
}

func (o *opsRoom) watch(limits service.WatchLimits) app.Watch {
	return app.Watch{
		On: true, Addr: "127.0.0.1:0", Webhooks: []string{o.hook.URL + "/hooks/ops"}, Heartbeat: o.heart.URL, Method: http.MethodPost, Limits: limits,
	}
}

// site is an installation whose database and whose Temporal can be killed one without the other.
type site struct {
	t        *testing.T
	options  app.Options
	postgres *stack.Child
	temporal *stack.Child
	client   client.Client
	pool     *pgxpool.Pool
}

func newSite(t *testing.T) *site {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Postgres and Temporal; not with -short")
	}
	source, err := stack.Source(".")
	require.NoError(t, err)
	binary, err := stack.Build(t.Context(), source, func(line string) { t.Log(line) })
	require.NoError(t, err)
	start := func(o stack.Options) *stack.Child {
		o.Home, o.PostgresAddr, o.TemporalAddr, o.Fast = t.TempDir(), "127.0.0.1:0", "127.0.0.1:0", true
		child, err := stack.Start(t.Context(), binary, o)
		require.NoError(t, err)
		t.Cleanup(func() { _ = child.Stop() })
		return child
	}
	s := &site{t: t, postgres: start(stack.Options{NoTemporal: true}), temporal: start(stack.Options{SearchAttributes: durable.AttributeTypes()})}
	s.options, err = app.FromEnv(func(name string) string {
		return map[string]string{
			"BELAY_DEV": "1", "BELAY_HTTP_ADDR": "127.0.0.1:0", "BELAY_WORKER_ADDR": "127.0.0.1:0", "BELAY_HOME": t.TempDir(),
			"BELAY_DATABASE_URL": s.postgres.DatabaseURL, "BELAY_TEMPORAL_ADDR": s.temporal.TemporalAddr, "BELAY_LOG_LEVEL": "error",
		}[name]
	})
	require.NoError(t, err)
	s.options.TemporalPlain, s.options.Watch = true, app.Watch{}
	s.options, err = s.options.DevSecret()
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context(), s.options.DatabaseURL))
	s.client, err = client.Dial(client.Options{HostPort: s.temporal.TemporalAddr, Logger: quiet{}})
	require.NoError(t, err)
	t.Cleanup(s.client.Close)
	s.pool, err = store.Open(t.Context(), s.options.DatabaseURL, store.Options{})
	require.NoError(t, err)
	t.Cleanup(s.pool.Close)
	return s
}

type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

// watchdog runs `belay watchdog` beside the installation until stop is called.
func (s *site) watchdog(t *testing.T, w app.Watch) (stop func()) {
	t.Helper()
	o := s.options
	o.Watch = w
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- app.RunWatchdog(ctx, o, slog.New(slog.NewTextHandler(io.Discard, nil))) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(t, <-ended)
		})
	}
	t.Cleanup(stop)
	return stop
}

func (s *site) fire(t *testing.T, a *app.App, title string) {
	t.Helper()
	s.event(t, a, "trigger", title)
}

func (s *site) event(t *testing.T, a *app.App, action, title string) {
	t.Helper()
	status, answer := ask(t, http.MethodPost, "http://"+a.Addr()+"/v2/enqueue", map[string]any{
		"routing_key": routingKey(t), "event_action": action, "dedup_key": title,
		"payload": map[string]any{"summary": title, "source": "db-1", "severity": "critical"},
	})
	require.Equal(t, http.StatusAccepted, status, "%s", answer)
}

// recorded waits for an escalation that the recorder has written, and returns its ID.
func (s *site) recorded(t *testing.T, title string) string {
	t.Helper()
	var number int64
	require.Eventually(t, func() bool {
		return s.pool.QueryRow(t.Context(), "select number from escalations where title = $1 and seq > 0", title).Scan(&number) == nil
	}, soon, 50*time.Millisecond, "%q is not recorded", title)
	return fmt.Sprint("E-", number)
}

// told waits until somebody has been: from then on the next step is due within seconds.
func (s *site) told(t *testing.T, which string) {
	t.Helper()
	require.Eventually(t, func() (yes bool) {
		err := s.pool.QueryRow(t.Context(), "select cardinality(told) > 0 from escalations where 'E-' || number = $1", which).Scan(&yes)
		return err == nil && yes
	}, soon, 50*time.Millisecond, "nobody is told of %s", which)
}

func (s *site) say(t *testing.T, a *app.App, which, verb string, body any) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(s.options.Home, "admin-token"))
	require.NoError(t, err)
	status, answer := ask(t, http.MethodPost, "http://"+a.Addr()+"/v1/escalations/"+which+"/"+verb, body, "Authorization", "Bearer "+strings.TrimSpace(string(token)))
	require.Contains(t, []int{http.StatusOK, http.StatusAccepted}, status, "%s %s: %s", verb, which, answer)
}

// closeByHand is what the runbook says about rows whose workflow is gone.
func (s *site) closeByHand(t *testing.T) {
	t.Helper()
	_, err := s.pool.Exec(t.Context(), `update escalations set state = 'closed', dedup_held = false, next_at = 'infinity',
		summary = summary || '{"state": "closed"}' where state in ('open', 'acknowledged')`)
	require.NoError(t, err)
}

// TestTheWatchdogFindsWhatIsWrong provokes every trouble for real, one after the other.
func TestTheWatchdogFindsWhatIsWrong(t *testing.T) {
	s, ops := newSite(t), newOpsRoom(t)
	scene := func(name string, play func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { // what an earlier one left behind is none of its business
			_, err := s.pool.Exec(t.Context(), "update watch set stand = '{}', holder = '', until = '-infinity'")
			require.NoError(t, err)
			ops.forget()
			play(t)
		})
	}
	house := func(t *testing.T, roles ...app.Role) (*app.App, func()) { return run(t, s.options, roles...) }

	scene("a workflow that an operator terminated behind our back", func(t *testing.T) {
		o := s.options
		o.Watch = ops.watch(impatient)
		a, stop := run(t, o, app.API, app.Worker)
		<-a.AtWork()
		s.fire(t, a, "terminated")
		lost := s.recorded(t, "terminated")
		require.NoError(t, s.client.TerminateWorkflow(t.Context(), "escalation/"+lost, "", "by mistake"))
		since := time.Now()
		require.Contains(t, ops.hears(t, "missing", "firing", since).Text, lost)
		beats := ops.beats.Load()
		_, answer := ask(t, http.MethodGet, "http://"+a.Addr()+"/readyz", nil)
		require.Contains(t, string(answer), `"watchdog":"unavailable"`)
		time.Sleep(3 * time.Second) // several heartbeats long, with short limits
		require.Equal(t, beats, ops.beats.Load(), "the heart stands still")
		_, times := ops.heard("missing", "firing")
		require.Equal(t, 1, times)

		s.closeByHand(t)
		ops.hears(t, "missing", "resolved", time.Now())
		require.Eventually(t, func() bool { return ops.beats.Load() > beats }, soon, 50*time.Millisecond, "the heart beats again")
		stop()
	})

	scene("workers that are gone, and the step that is overdue for it", func(t *testing.T) {
		a, stop := house(t, app.API, app.Worker)
		<-a.AtWork()
		limits := impatient
		limits.Poll = min(limits.Poll, 10*time.Second)
		s.watchdog(t, ops.watch(limits))
		s.fire(t, a, "unworked")
		late := s.recorded(t, "unworked")
		s.told(t, late)
		stop()
		since := time.Now()
		require.Contains(t, ops.hears(t, "overdue", "firing", since).Text, late)
		ops.hears(t, "workers/escalations/workflow", "firing", since)
		ops.hears(t, "workers/escalations/activity", "firing", since)

		back, stop := house(t, app.API, app.Worker)
		<-back.AtWork()
		since = time.Now()
		ops.hears(t, "overdue", "resolved", since)
		s.say(t, back, late, "resolve", map[string]any{})
		stop()
	})

	scene("tasks that no worker takes", func(t *testing.T) {
		s.watchdog(t, ops.watch(impatient))
		// A worker that asked once and is stuck ever since: it counts as there.
		once, cancel := context.WithTimeout(t.Context(), time.Minute)
		time.AfterFunc(3*time.Second, cancel)
		_, _ = s.client.WorkflowService().PollWorkflowTaskQueue(once, &workflowservice.PollWorkflowTaskQueueRequest{
			Namespace: "default", Identity: "stuck", TaskQueue: &taskqueuepb.TaskQueue{Name: contract.QueueEscalations, Kind: enumspb.TASK_QUEUE_KIND_NORMAL},
		})
		cancel()
		a, stop := house(t, app.API)
		s.fire(t, a, "waits for a worker")
		ops.hears(t, "queue/escalations/workflow", "firing", time.Now())
		stop()
		back, stop := house(t, app.API, app.Worker)
		s.say(t, back, s.recorded(t, "waits for a worker"), "resolve", map[string]any{})
		ops.hears(t, "queue/escalations/workflow", "resolved", time.Now())
		stop()
	})

	scene("nothing, while escalations live their lives", func(t *testing.T) {
		o := s.options
		o.Watch = ops.watch(service.WatchLimits{ // half as patient as the defaults
			Every: time.Second, Compare: 2 * time.Second, Beat: time.Second, Grace: 30 * time.Second, Away: 30 * time.Second,
			Queue: 15 * time.Second, Poll: 75 * time.Second, Settle: time.Millisecond, Calm: time.Second,
		})
		a, stop := run(t, o, app.API, app.Worker)
		<-a.AtWork()
		s.fire(t, a, "asleep")
		asleep := s.recorded(t, "asleep")
		s.say(t, a, asleep, "snooze", map[string]any{"until": time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano)})
		s.fire(t, a, "done")
		s.say(t, a, s.recorded(t, "done"), "resolve", map[string]any{})
		before := ops.beats.Load()
		for n := range 200 {
			s.event(t, a, "trigger", fmt.Sprint("storm ", n))
			s.event(t, a, "acknowledge", fmt.Sprint("storm ", n))
		}
		time.Sleep(30 * time.Second) // silence can only be seen by waiting
		require.True(t, ops.silent(), "%s", ops)
		require.Greater(t, ops.beats.Load()-before, int64(10), "the heart beats")
		status, answer := ask(t, http.MethodGet, "http://"+a.Addr()+"/readyz", nil)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, string(answer), `"watchdog":"ok"`)
		_, metrics := ask(t, http.MethodGet, "http://"+a.Addr()+"/metrics", nil)
		require.Contains(t, string(metrics), "belay_watchdog_holding 1")
		require.Contains(t, string(metrics), `belay_watchdog_findings{trouble="overdue"} 0`)
		stop()
	})

	scene("events and errands that no relay does", func(t *testing.T) {
		stop := s.watchdog(t, ops.watch(impatient))
		away := s.options
		away.TemporalAddr = "127.0.0.1:1"
		front, halt := run(t, away, app.API)
		s.fire(t, front, "nobody starts it")
		halt()
		ops.hears(t, "relay/errands", "firing", time.Now())
		_, err := s.pool.Exec(t.Context(), `insert into inbox (integration, service, dedup_key, format, action, alert, raw, received_at)
			select integration, service, 'stuck', format, action, alert, raw, now() from inbox order by seq desc limit 1`)
		require.NoError(t, err)
		since := time.Now()
		ops.hears(t, "relay/events", "firing", since)
		stop()
	})

	scene("Temporal, killed", func(t *testing.T) {
		s.watchdog(t, ops.watch(impatient))
		require.NoError(t, syscall.Kill(s.temporal.PID(), syscall.SIGKILL))
		ops.hears(t, "temporal", "firing", time.Now())
	})

	scene("PostgreSQL, killed", func(t *testing.T) {
		beats := ops.beats.Load()
		s.watchdog(t, ops.watch(impatient))
		_, _ = s.pool.Exec(t.Context(), "select 1")
		require.NoError(t, syscall.Kill(s.postgres.PostgresPID, syscall.SIGKILL))
		ops.hears(t, "postgres", "firing", time.Now())
		require.Equal(t, beats, ops.beats.Load())
		_, times := ops.heard("postgres", "firing")
		require.Equal(t, 1, times)
	})
}

// Neither the database nor Temporal need be there when a watchdog starts, and it says that they are not.
func TestAWatchdogStartsInTheDark(t *testing.T) {
	ops := newOpsRoom(t)
	s := &site{t: t, options: app.Options{DatabaseURL: "postgres://nobody@127.0.0.1:1/nothing", TemporalAddr: "127.0.0.1:1", TemporalPlain: true}}
	s.watchdog(t, ops.watch(impatient))
	ops.hears(t, "postgres", "firing", time.Now())
	require.Zero(t, ops.beats.Load())
}
