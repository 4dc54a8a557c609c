package workflows

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/sla"
)

// verb is an activity with its types: a wrong argument does not compile.
type verb[In, Out any] struct{ name string }

func asking[R, In, Out any](name string, _ func(R, context.Context, In) (Out, error)) verb[In, Out] {
	return verb[In, Out]{name}
}

func telling[R, In any](name string, _ func(R, context.Context, In) error) verb[In, struct{}] {
	return verb[In, struct{}]{name}
}

var (
	muster  verb[policy.Call, policy.Roll]            = asking(contract.ActivityMuster, (*activities.Directory).Muster)
	reckon  verb[contract.Reckon, contract.Reckoned]  = asking(contract.ActivityReckon, (*activities.Directory).Reckon)
	compile verb[contract.Compile, policy.Plan]       = asking(contract.ActivityCompile, (*activities.Planner).Compile)
	engage  verb[contract.Engage, escalation.Opening] = asking(contract.ActivityEngage, (*activities.Planner).Engage)
	send    verb[contract.Send, contract.Sent]        = asking(contract.ActivitySend, (*activities.Pager).Send)
	bar     verb[contract.Bar, struct{}]              = telling(contract.ActivityBar, (*activities.Pager).Bar)
	judge   verb[contract.Judge, sla.Verdict]         = asking(contract.ActivityJudge, (*activities.Warden).Judge)
	record  verb[contract.Record, struct{}]           = telling(contract.ActivityRecord, (*activities.Recorder).Write)
)

// look asks something that is known in memory or one indexed read away: at once on this worker, and, should that not
// answer, as an ordinary activity that keeps trying. A slow database must never hold a workflow task.
//
// It is for questions only. What a local activity did is forgotten when its workflow task is not completed, and the
// retry may decide otherwise: whatever leaves a trace is an ordinary activity.
func (v verb[In, Out]) look(ctx workflow.Context, s *shell, in In, summary string) (Out, error) {
	return v.lookOr(ctx, s, in, summary, func() {})
}

// lookOr looks, and does something else as soon as it is clear that the answer will take longer.
func (v verb[In, Out]) lookOr(ctx workflow.Context, s *shell, in In, summary string, late func()) (Out, error) {
	var out Out
	s.looking++
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: 2 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                summary,
	})
	err := workflow.ExecuteLocalActivity(local, v.name, in).Get(ctx, &out)
	s.looking--
	if err == nil || temporal.IsCanceledError(err) || final(err) {
		return out, err
	}
	late()
	return v.insist(ctx, in, summary)
}

// insist does something until it is done.
func (v verb[In, Out]) insist(ctx workflow.Context, in In, summary string) (Out, error) {
	return v.try(ctx, in, patient(summary))
}

func patient(summary string) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 1.5, MaximumInterval: 20 * time.Second},
		Summary:             summary,
	}
}

// heartbeat is how long the engine waits for a sign of life before it gives an attempt to another worker. What a killed
// worker had in its hands goes on within five seconds: this, half a second until the next attempt, and the work itself.
const heartbeat = 3 * time.Second

// try does something to the outside world, bounded: what is not done by then is reported as failed.
func (v verb[In, Out]) try(ctx workflow.Context, in In, options workflow.ActivityOptions) (Out, error) {
	var out Out
	options.HeartbeatTimeout = heartbeat
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), v.name, in).Get(ctx, &out)
	return out, err
}

// final: trying again cannot help.
func final(err error) bool {
	var failure *temporal.ApplicationError
	return temporalAs(err, &failure) && failure.NonRetryable()
}
