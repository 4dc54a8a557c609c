// Package workers says what a worker runs and how hard it works. It knows the workflows and the activities by name and
// nothing of what stands behind their ports.
package workers

import (
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/workflows"
)

// Deps are the activities with their ports filled.
type Deps struct {
	Directory *activities.Directory
	Planner   *activities.Planner
	Warden    *activities.Warden
	Pager     *activities.Pager
	Recorder  *activities.Recorder
	Doorman   *activities.Doorman
}

// Register gives a worker, or a test environment, everything under the names of the contract.
func Register(w worker.Registry, d Deps) {
	// Runs last for months: on a versioned worker they move on to the next build instead of keeping the old one alive.
	for name, run := range stories() {
		w.RegisterWorkflowWithOptions(run, workflow.RegisterOptions{Name: name, VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade})
	}
	for name, act := range map[string]any{
		contract.ActivityMuster:  d.Directory.Muster,
		contract.ActivityReckon:  d.Directory.Reckon,
		contract.ActivityJudge:   d.Warden.Judge,
		contract.ActivityCompile: d.Planner.Compile,
		contract.ActivityEngage:  d.Planner.Engage,
		contract.ActivitySend:    d.Pager.Send,
		contract.ActivityBar:     d.Pager.Bar,
		contract.ActivityRecord:  d.Recorder.Write,

		contract.ActivityPlace:     d.Doorman.Place,
		contract.ActivityReconcile: d.Doorman.Reconcile,
	} {
		w.RegisterActivityWithOptions(act, activity.RegisterOptions{Name: name})
	}
}

// stories are the workflows, by name.
func stories() map[string]any {
	return map[string]any{
		contract.WorkflowEscalation:   workflows.Escalation,
		contract.WorkflowVendor:       workflows.Vendor,
		contract.WorkflowConversation: workflows.Conversation,
	}
}

// Options of a worker.
type Options struct {
	Interceptors []interceptor.WorkerInterceptor
	// BuildID turns on Worker Versioning; empty: unversioned.
	BuildID string
	// FailOnPanic ends a run whose code panics instead of keeping it until the code is repaired: for tests only.
	FailOnPanic bool
	// Fatal hears why a worker stopped by itself.
	Fatal func(error)
}

// deployment names us among the Worker Deployments of a namespace.
const deployment = "belay"

// stopWithin is longer than the longest send, so that a message which is under way is told of before we go.
const stopWithin = 15 * time.Second

// New makes a worker for the escalations; it does not run yet.
func New(c client.Client, d Deps, o Options) worker.Worker {
	w := worker.New(c, contract.QueueEscalations, o.worker())
	Register(w, d)
	return w
}

func (o Options) worker() worker.Options {
	options := worker.Options{
		Interceptors:                o.Interceptors,
		DisableRegistrationAliasing: true,
		OnFatalError:                o.Fatal,
		WorkerStopTimeout:           stopWithin,
		WorkflowPanicPolicy:         worker.BlockWorkflow,

		// Two pollers, the default, cost 40 % of the throughput.
		WorkflowTaskPollerBehavior: pollers(),
		ActivityTaskPollerBehavior: pollers(),
		// What waits for a worker that has died is given to others by its heirs (durable.Heirs), within seconds. This is the
		// bound that holds while they cannot be told of its death; less would turn a burst of timers into replays.
		StickyScheduleToStartTimeout: 10 * time.Second,

		// Beyond these a page waits in the queue, where another worker can take it.
		MaxConcurrentActivityExecutionSize:      256,
		MaxConcurrentLocalActivityExecutionSize: 256,
	}
	if o.FailOnPanic {
		options.WorkflowPanicPolicy = worker.FailWorkflow
	}
	if o.BuildID != "" {
		options.DeploymentOptions = worker.DeploymentOptions{
			UseVersioning: true,
			Version:       worker.WorkerDeploymentVersion{DeploymentName: deployment, BuildID: o.BuildID},
		}
	}
	return options
}

func pollers() worker.PollerBehavior {
	return worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{
		InitialNumberOfPollers: 8, MinimumNumberOfPollers: 4, MaximumNumberOfPollers: 16,
	})
}

// CacheWorkflows says how many runs this process keeps in memory, all workers together. One costs some tens of
// kilobytes; one that has been forgotten is replayed when it is needed. Call it before the first worker.
func CacheWorkflows(runs int) { worker.SetStickyWorkflowCacheSize(runs) }
