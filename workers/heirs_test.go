package workers_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/internal/stack/stacktest"
	"github.com/belayhq/belay/store"
)

// mindful is a worker for whose death nothing but its heirs makes up: what waits for it waits for an hour.
func mindful(c client.Client) worker.Worker {
	w := worker.New(c, contract.QueueEscalations, worker.Options{StickyScheduleToStartTimeout: time.Hour})
	w.RegisterWorkflowWithOptions(waits, workflow.RegisterOptions{Name: "Waits"})
	w.RegisterWorkflowWithOptions(collects, workflow.RegisterOptions{Name: "Collects"})
	return w
}

// waits has one step, and answers how long after it was due it was taken.
func waits(ctx workflow.Context) (time.Duration, error) {
	var due time.Time
	workflow.GetSignalChannel(ctx, "due").Receive(ctx, &due)
	return workflow.Now(ctx).Sub(due), nil
}

// collects answers what it was told, in order.
func collects(ctx workflow.Context, most int) (heard []int, err error) {
	words := workflow.GetSignalChannel(ctx, "word")
	for len(heard) < most {
		var word int
		words.Receive(ctx, &word)
		heard = append(heard, word)
	}
	return heard, nil
}

func begin(t *testing.T, c client.Client, workflow string, in ...any) client.WorkflowRun {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: contract.QueueEscalations}, workflow, in...)
	require.NoError(t, err)
	return run
}

// settled waits until a worker has done what there was to do and has the run in memory.
func settled(t *testing.T, c client.Client, run client.WorkflowRun) {
	t.Helper()
	require.Eventually(t, func() bool {
		found, err := c.DescribeWorkflowExecution(t.Context(), run.GetID(), run.GetRunID())
		return err == nil && found.GetPendingWorkflowTask() == nil && found.GetWorkflowExecutionInfo().GetHistoryLength() > 3
	}, time.Minute, 20*time.Millisecond)
}

// given counts the tasks of a run that heirs gave back, and those that only a timeout took from a worker.
func given(t *testing.T, c client.Client, run client.WorkflowRun) (back, timedOut int) {
	t.Helper()
	events := c.GetWorkflowHistory(t.Context(), run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		if event.GetWorkflowTaskFailedEventAttributes().GetCause() == enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_STICKY_TASK_QUEUE {
			back++
		}
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT {
			timedOut++
		}
	}
	return back, timedOut
}

func dialled(t *testing.T, hands *durable.Hands) client.Client {
	t.Helper()
	c, err := durable.Dial(durable.Options{Addr: stacktest.Get(t).TemporalAddr, Plain: true, Hands: hands})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// beHeir runs heirs until the test ends.
func beHeir(t *testing.T, h *durable.Heirs) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.Run(ctx) })
	t.Cleanup(func() { end(); running.Wait() })
}

func TestWhatAKilledWorkerHadInMemoryGoesToOthers(t *testing.T) {
	at := stacktest.Get(t)
	require.NoError(t, store.Migrate(t.Context(), at.DatabaseURL))
	pool, err := store.Open(t.Context(), at.DatabaseURL, store.Options{MaxConns: 2})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	hands := &durable.Hands{}
	c := dialled(t, hands)
	doomed := startMortal(t, at.TemporalAddr, mortalRoll+"="+at.DatabaseURL)
	roll := store.Sticky{Pool: pool}
	require.Eventually(t, func() bool { // it has signed the roll
		known, err := roll.Silent(t.Context(), -time.Hour, time.Hour)
		return err == nil && len(known) == 1
	}, time.Minute, 50*time.Millisecond)

	runs := make([]client.WorkflowRun, 40)
	for n := range runs {
		runs[n] = begin(t, c, "Waits")
	}
	for _, run := range runs {
		settled(t, c, run)
	}
	later := make([]client.WorkflowRun, 5)
	for n := range later {
		later[n] = begin(t, c, "Waits")
		settled(t, c, later[n])
	}
	doomed.kill()
	for _, run := range runs {
		require.NoError(t, c.SignalWorkflow(t.Context(), run.GetID(), "", "due", time.Now()))
	}
	w := mindful(c)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	log := &story{Handler: slog.DiscardHandler}
	beHeir(t, &durable.Heirs{Client: c, Namespace: "default", Hands: hands, Roll: roll, Log: slog.New(log), For: time.Second})
	var latest time.Duration
	handed := 0
	for _, run := range runs {
		var late time.Duration
		require.NoError(t, run.Get(t.Context(), &late), "without heirs it would wait for an hour")
		latest = max(latest, late)
		back, timedOut := given(t, c, run)
		handed += back
		require.Zero(t, timedOut, "it went by the heirs, or straight to the queue of all")
	}
	require.NotZero(t, handed)
	t.Logf("%d steps due after a worker was killed; %d of them had gone to it and were given back; the latest was %s late", len(runs), handed, latest.Round(time.Millisecond))

	require.Eventually(t, func() bool { return log.has("were given to others") }, time.Minute, 20*time.Millisecond)
	for _, run := range later { // the queue is closed: what comes now is put where everybody takes from
		require.NoError(t, c.SignalWorkflow(t.Context(), run.GetID(), "", "due", time.Now()))
	}
	for _, run := range later {
		require.NoError(t, run.Get(t.Context(), nil), "it would wait for an hour in a queue that seems to be polled")
		back, timedOut := given(t, c, run)
		require.Zero(t, back+timedOut)
	}
}

// story is a log that is searched.
type story struct {
	slog.Handler
	mu   sync.Mutex
	said []string
}

func (*story) Enabled(context.Context, slog.Level) bool { return true }

func (s *story) Handle(_ context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, r.Message)
	return nil
}

func (s *story) has(words string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.said, func(said string) bool { return strings.Contains(said, words) })
}

// hearsay is a roll on which a queue is said to be silent as long as somebody says so.
type hearsay struct {
	mu     sync.Mutex
	silent []contract.Sticky
}

func (h *hearsay) say(silent ...contract.Sticky) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.silent = silent
}

func (h *hearsay) Keep(context.Context, contract.Sticky) error { return nil }
func (h *hearsay) Leave(context.Context, string) error         { return nil }
func (h *hearsay) Silent(context.Context, time.Duration, time.Duration) ([]contract.Sticky, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.silent, nil
}

func TestALivingWorkerThatSeemedDeadLosesNothing(t *testing.T) {
	hands := &durable.Hands{}
	c := dialled(t, hands)
	w := mindful(c)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	const runs, words = 5, 40
	var all []client.WorkflowRun
	for range runs {
		run := begin(t, c, "Collects", words)
		settled(t, c, run)
		all = append(all, run)
	}
	require.Eventually(t, func() bool { return len(hands.Own()) == 1 }, time.Minute, 20*time.Millisecond)

	rumour := &hearsay{}
	rumour.say(hands.Own()...)
	for range 2 { // several heirs at once
		others := &durable.Hands{}
		beHeir(t, &durable.Heirs{Client: dialled(t, others), Namespace: "default", Hands: others, Roll: rumour, Log: slog.New(slog.DiscardHandler)})
	}
	said := 0
	tells := func() {
		t.Helper()
		for _, run := range all {
			require.NoError(t, c.SignalWorkflow(t.Context(), run.GetID(), "", "word", said))
		}
		said++
	}
	taken := func() int {
		t.Helper()
		back := 0
		for _, run := range all {
			given, _ := given(t, c, run)
			back += given
		}
		return back
	}
	for taken() == 0 && said < words/2 {
		tells()
		time.Sleep(200 * time.Millisecond) // so that each is a task of its own
	}
	require.NotZero(t, taken(), "nobody inherited")
	rumour.say()
	for said < words {
		tells()
	}
	want := fmt.Sprint(numbers(words))
	for _, run := range all {
		var heard []int
		require.NoError(t, run.Get(t.Context(), &heard))
		require.Equal(t, want, fmt.Sprint(heard))
	}
	t.Logf("%d tasks of a living worker were given to others", taken())
}

func numbers(most int) []int {
	all := make([]int, most)
	for n := range all {
		all[n] = n
	}
	return all
}
