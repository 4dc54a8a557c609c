package durable

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/belayhq/belay/contract"
)

// Roll is where workers say which sticky queues they poll.
type Roll interface {
	// Keep says that a queue is polled, now.
	Keep(ctx context.Context, queue contract.Sticky) error
	// Silent lists the queues of which nobody has said so for as long as silent, but for less than forget.
	Silent(ctx context.Context, silent, forget time.Duration) ([]contract.Sticky, error)
	// Leave takes a queue off the roll.
	Leave(ctx context.Context, queue string) error
}

// Heirs keep the roll, and empty the sticky queues of workers that have gone silent: what waits there for a worker that
// has died would else wait for the sticky timeout. Each task is given back to the server, which puts it at once where
// every worker takes from. Several heirs at once are harmless, and so is one of a worker that only seemed dead: it loses
// what it had in memory of those workflows, which costs a replay.
type Heirs struct {
	Client    client.Client
	Namespace string
	Hands     *Hands
	Roll      Roll
	Log       *slog.Logger
	For       time.Duration // how long they inherit from one; zero: 15 s

	failed time.Time                              // when the roll last did not answer
	heirs  map[string]*heir                       // of the queues that are silent
	empty  func(context.Context, contract.Sticky) // for tests; nil: empties
}

type heir struct {
	end  context.CancelFunc
	seen bool // silent still, at the latest look
}

const (
	keepEvery  = time.Second
	silentFor  = 2500 * time.Millisecond
	forgotten  = time.Minute // whatever waited there has timed out
	inheritFor = 15 * time.Second
	rollWithin = 2 * time.Second

	// emptiers is how many tasks of one queue are given back at once, by each heir.
	emptiers = 4
	// pollWithin is how long a poll may last; the server ends it a second sooner, so that no task is handed to nobody.
	pollWithin = 5 * time.Second
)

// Run keeps the roll and inherits until the context ends; then our own leave it, and nobody inherits from us.
func (h *Heirs) Run(ctx context.Context) {
	h.heirs = map[string]*heir{}
	var inheriting sync.WaitGroup
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		h.look(ctx, &inheriting)
		select {
		case <-ctx.Done():
			h.leave()
			inheriting.Wait()
			return
		case <-tick.C:
		}
	}
}

func (h *Heirs) look(ctx context.Context, inheriting *sync.WaitGroup) {
	own := h.Hands.Own()
	silent, err := h.ask(ctx, own)
	now := time.Now()
	if err != nil {
		h.failed = now
		if ctx.Err() == nil {
			h.Log.DebugContext(ctx, "the roll of the workers does not answer", "error", err)
		}
		return
	}
	// While the roll was away nobody could sign it: whoever comes back first must not take the others for dead.
	if now.Sub(h.failed) < silentFor+keepEvery {
		return
	}
	mine := map[string]bool{}
	for _, q := range own {
		mine[q.Queue] = true
	}
	for _, known := range h.heirs {
		known.seen = false
	}
	for _, q := range silent {
		if known := h.heirs[q.Queue]; known != nil {
			known.seen = true
			continue
		}
		if mine[q.Queue] {
			continue
		}
		bounded, end := context.WithTimeout(ctx, cmp.Or(h.For, inheritFor))
		h.heirs[q.Queue] = &heir{end: end, seen: true}
		inheriting.Go(func() {
			defer end()
			h.inherit(bounded, q)
		})
	}
	for queue, known := range h.heirs {
		if !known.seen { // it speaks again, or has been forgotten
			known.end()
			delete(h.heirs, queue)
		}
	}
}

func (h *Heirs) ask(ctx context.Context, own []contract.Sticky) ([]contract.Sticky, error) {
	ctx, cancel := context.WithTimeout(ctx, rollWithin)
	defer cancel()
	for _, q := range own {
		if err := h.Roll.Keep(ctx, q); err != nil {
			return nil, err
		}
	}
	return h.Roll.Silent(ctx, silentFor, forgotten)
}

func (h *Heirs) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), rollWithin)
	defer cancel()
	for _, q := range h.Hands.Own() {
		if err := h.Roll.Leave(ctx, q.Queue); err != nil {
			h.Log.WarnContext(ctx, "the roll of the workers still has us; others may inherit from us", "error", err)
			return
		}
	}
}

// inherit empties a queue until the context ends, and has the server forget that anybody polls it.
func (h *Heirs) inherit(ctx context.Context, q contract.Sticky) {
	if h.empty != nil {
		h.empty(ctx, q)
		return
	}
	h.Log.InfoContext(ctx, "a worker has gone silent: what it had in memory goes to others", "queue", q.Queue)
	var given atomic.Int64
	var all sync.WaitGroup
	for range emptiers {
		all.Go(func() { h.give(ctx, q, &given) })
	}
	all.Wait()
	h.Log.InfoContext(ctx, "workflow tasks of a silent worker were given to others", "queue", q.Queue, "tasks", given.Load())
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return // it speaks again, or we go
	}
	// From our polls the server concludes for ten seconds more that somebody takes what it puts there.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), hurry)
	defer cancel()
	if _, err := h.Client.WorkflowService().ShutdownWorker(bounded, &workflowservice.ShutdownWorkerRequest{
		Namespace: h.Namespace, StickyTaskQueue: q.Queue, Identity: identity(), Reason: "nobody polls it any more",
	}); err != nil {
		h.Log.DebugContext(ctx, "the queue of a silent worker was not closed", "queue", q.Queue, "error", err)
	}
}

// give gives back one task after the other.
func (h *Heirs) give(ctx context.Context, q contract.Sticky, given *atomic.Int64) {
	for ctx.Err() == nil {
		gave, err := h.giveOne(ctx, q)
		if gave {
			given.Add(1)
		}
		if err == nil {
			continue
		}
		h.Log.DebugContext(ctx, "the queue of a silent worker was not polled", "queue", q.Queue, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(keepEvery):
		}
	}
}

// giveOne does not end with the context: a poll that is broken off may take a task with it.
func (h *Heirs) giveOne(ctx context.Context, q contract.Sticky) (gave bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithValue(context.WithoutCancel(ctx), foreign{}, true), pollWithin)
	defer cancel()
	poll := &workflowservice.PollWorkflowTaskQueueRequest{
		Namespace: h.Namespace, Identity: identity(),
		TaskQueue: &taskqueuepb.TaskQueue{Name: q.Queue, Kind: enumspb.TASK_QUEUE_KIND_STICKY, NormalName: contract.QueueEscalations},
	}
	if q.Build != "" {
		poll.DeploymentOptions = &deploymentpb.WorkerDeploymentOptions{
			DeploymentName: q.Deployment, BuildId: q.Build, WorkerVersioningMode: enumspb.WORKER_VERSIONING_MODE_VERSIONED,
		}
	}
	task, err := h.Client.WorkflowService().PollWorkflowTaskQueue(ctx, poll)
	if err != nil || len(task.GetTaskToken()) == 0 || task.GetQuery() != nil { // who asks a question asks again elsewhere by itself
		return false, err
	}
	failing, stop := context.WithTimeout(context.WithoutCancel(ctx), hurry)
	defer stop()
	_, err = h.Client.WorkflowService().RespondWorkflowTaskFailed(failing, &workflowservice.RespondWorkflowTaskFailedRequest{
		Namespace: h.Namespace, Identity: identity(), TaskToken: task.GetTaskToken(), DeploymentOptions: poll.DeploymentOptions,
		Cause: enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_STICKY_TASK_QUEUE,
	})
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return false, nil
	}
	return err == nil, err
}
