package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// What Temporal sees of the bare workflows.
const (
	queueBare = "bench-bare"
	bareLife  = "BareLife"
	bareTimer = "BareTimer"
	bareLocal = "BareLocal"
	bareStep  = "BareStep"
	updateSay = "say"
)

// shape is how much one workflow asks of Temporal: phase by phase, each after the first begun by a word (an update) or
// by a timer that fires.
type shape struct {
	Phases []phase `json:"phases"`
}

type phase struct {
	Fired  bool  `json:"fired"`  // begun by a timer of a second
	Locals int   `json:"locals"` // local activities, one after the other
	Waves  []int `json:"waves"`  // activities that are scheduled together, wave after wave
	Timers int   `json:"timers"` // started, and cancelled by the next phase
}

// lean is a life with nothing in it but a lookup or three, a page, a record, and an ack.
func lean() shape {
	return shape{Phases: []phase{{Locals: 3, Waves: []int{2}, Timers: 1}, {}}}
}

// shapeOf reads from a history what a run asked for.
func shapeOf(events []*historypb.HistoryEvent) shape {
	phases, wave := []phase{{}}, false
	for _, e := range events {
		now := &phases[len(phases)-1]
		switch e.GetEventType() {
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
			phases, wave = append(phases, phase{}), false
		case enumspb.EVENT_TYPE_TIMER_FIRED:
			now.Timers-- // it is the one that the next phase waits for
			phases, wave = append(phases, phase{Fired: true}), false
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			wave = false
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			if !wave {
				now.Waves, wave = append(now.Waves, 0), true
			}
			now.Waves[len(now.Waves)-1]++
		case enumspb.EVENT_TYPE_TIMER_STARTED:
			now.Timers++
		case enumspb.EVENT_TYPE_MARKER_RECORDED:
			if e.GetMarkerRecordedEventAttributes().GetMarkerName() == "LocalActivity" {
				now.Locals++
			}
		}
	}
	return shape{phases}
}

// String says what it is in words: "1 local, 4 activities, 1 timer, 2 words".
func (s shape) String() string {
	var locals, activities, timers int
	for _, p := range s.Phases {
		locals += p.Locals
		timers += p.Timers
		if p.Fired {
			timers++
		}
		for _, n := range p.Waves {
			activities += n
		}
	}
	return fmt.Sprintf("%d local, %d activities, %d timers, %d words", locals, activities, timers, s.words())
}

// words is how many are needed from outside.
func (s shape) words() int {
	n := 0
	for _, p := range s.Phases[1:] {
		if !p.Fired {
			n++
		}
	}
	return n
}

// life is input of a bare life.
type life struct {
	Run   string `json:"run"`
	Shape shape  `json:"shape"`
}

// alarm is input of a bare timer, and of the step that follows it.
type alarm struct {
	Run  string    `json:"run"`
	Due  time.Time `json:"due"`
	Woke time.Time `json:"woke"` // when the workflow's code ran
}

// runLife does what the shape says and nothing else.
func runLife(ctx workflow.Context, in life) error {
	words, wanted := 0, 0
	if err := workflow.SetUpdateHandler(ctx, updateSay, func(workflow.Context) (string, error) {
		words++
		return "done", nil
	}); err != nil {
		return err
	}
	rest := func() {}
	for i, p := range in.Shape.Phases {
		switch {
		case i == 0:
		case p.Fired:
			if err := workflow.Sleep(ctx, time.Second); err != nil {
				return err
			}
		default:
			wanted++
			if err := workflow.Await(ctx, func() bool { return words >= wanted }); err != nil {
				return err
			}
		}
		rest()
		var timed workflow.Context
		timed, rest = workflow.WithCancel(ctx)
		for range p.Locals {
			if err := workflow.ExecuteLocalActivity(localOptions(ctx), bareLocal).Get(ctx, nil); err != nil {
				return err
			}
		}
		for range p.Timers {
			workflow.NewTimer(timed, time.Hour)
		}
		for _, n := range p.Waves {
			var all []workflow.Future
			for range n {
				all = append(all, workflow.ExecuteActivity(stepOptions(ctx), bareStep, alarm{Run: in.Run}))
			}
			for _, one := range all {
				if err := one.Get(ctx, nil); err != nil {
					return err
				}
			}
		}
	}
	rest()
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// runTimer sleeps, asks a local activity, and takes one step, as a ladder does.
func runTimer(ctx workflow.Context, in alarm) error {
	if err := workflow.Sleep(ctx, in.Due.Sub(workflow.Now(ctx))); err != nil {
		return err
	}
	in.Woke = workflow.Now(ctx)
	if err := workflow.ExecuteLocalActivity(localOptions(ctx), bareLocal).Get(ctx, nil); err != nil {
		return err
	}
	return workflow.ExecuteActivity(stepOptions(ctx), bareStep, in).Get(ctx, nil)
}

func localOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{ScheduleToCloseTimeout: 10 * time.Second})
}

func stepOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
}

// bare is a worker of bare workflows, in this process, with the options of Belay's own.
type bare struct {
	client client.Client
	worker worker.Worker

	mu    sync.Mutex
	heard map[string]func(alarm, time.Time) // by run: the first step calls it
}

func newBare(c client.Client) (*bare, error) {
	b := &bare{client: c, heard: map[string]func(alarm, time.Time){}}
	pollers := worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{
		InitialNumberOfPollers: 8, MinimumNumberOfPollers: 4, MaximumNumberOfPollers: 16,
	})
	worker.SetStickyWorkflowCacheSize(10_000)
	b.worker = worker.New(c, queueBare, worker.Options{
		DisableRegistrationAliasing: true, StickyScheduleToStartTimeout: time.Minute,
		WorkflowTaskPollerBehavior: pollers, ActivityTaskPollerBehavior: pollers,
		MaxConcurrentActivityExecutionSize: 256, MaxConcurrentLocalActivityExecutionSize: 256,
	})
	b.worker.RegisterWorkflowWithOptions(runLife, workflow.RegisterOptions{Name: bareLife})
	b.worker.RegisterWorkflowWithOptions(runTimer, workflow.RegisterOptions{Name: bareTimer})
	b.worker.RegisterActivityWithOptions(func(context.Context) error { return nil }, activity.RegisterOptions{Name: bareLocal})
	b.worker.RegisterActivityWithOptions(b.step, activity.RegisterOptions{Name: bareStep})
	if err := b.worker.Start(); err != nil {
		return nil, fmt.Errorf("start the worker of bare workflows: %w", err)
	}
	return b, nil
}

func (b *bare) step(_ context.Context, in alarm) error {
	at := time.Now()
	b.mu.Lock()
	hear := b.heard[in.Run]
	delete(b.heard, in.Run)
	b.mu.Unlock()
	if hear != nil {
		hear(in, at)
	}
	return nil
}

// start begins a run; hear is called once, by its first step.
func (b *bare) start(ctx context.Context, run, kind string, in any, hear func(alarm, time.Time)) (client.WorkflowRun, error) {
	b.mu.Lock()
	b.heard[run] = hear
	b.mu.Unlock()
	started, err := b.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: run, TaskQueue: queueBare}, kind, in)
	if err != nil {
		return nil, fmt.Errorf("start bare %s: %w", run, err)
	}
	return started, nil
}

// say is one word, and how long its answer took.
func (b *bare) say(ctx context.Context, run string) (time.Duration, error) {
	began := time.Now()
	handle, err := b.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: run, UpdateName: updateSay, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	if err != nil {
		return 0, fmt.Errorf("say a word to %s: %w", run, err)
	}
	return time.Since(began), nil
}
