package durable

import (
	"context"
	"errors"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/core/fault"
)

// Faults carries faults across Temporal: the kind becomes the failure's type, so that retry policies, callers and the
// engine can react to it. It stands around activities and around the updates of workflows.
type Faults struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity is part of interceptor.WorkerInterceptor.
func (*Faults) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	inbound := &activityFaults{}
	inbound.Next = next
	return inbound
}

// InterceptWorkflow is part of interceptor.WorkerInterceptor.
func (*Faults) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	inbound := &updateFaults{}
	inbound.Next = next
	return inbound
}

type activityFaults struct {
	interceptor.ActivityInboundInterceptorBase
}

func (a *activityFaults) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	out, err := a.Next.ExecuteActivity(ctx, in)
	return out, Failure(err)
}

type updateFaults struct {
	interceptor.WorkflowInboundInterceptorBase
}

func (u *updateFaults) ValidateUpdate(ctx workflow.Context, in *interceptor.UpdateInput) error {
	return Failure(u.Next.ValidateUpdate(ctx, in))
}

func (u *updateFaults) ExecuteUpdate(ctx workflow.Context, in *interceptor.UpdateInput) (any, error) {
	out, err := u.Next.ExecuteUpdate(ctx, in)
	return out, Failure(err)
}

// Failure turns a fault into what Temporal understands: its kind as type, not retried when the same call can never
// succeed, and not before the time it asks for. Anything that nobody classified stays as it is: Temporal's own errors
// (cancelled, continue-as-new, panics) have a meaning there.
func Failure(err error) error {
	var known *fault.Error
	var already *temporal.ApplicationError
	if !errors.As(err, &known) || errors.As(err, &already) {
		return err
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), string(known.Kind), temporal.ApplicationErrorOptions{
		NonRetryable:   !fault.Retryable(err),
		NextRetryDelay: fault.RetryAfter(err),
	})
}

// fromFailure is the way back: what a workflow answered becomes a fault again.
func fromFailure(failure *temporal.ApplicationError) error {
	kind := fault.Kind(failure.Type())
	switch kind {
	case fault.Invalid, fault.Unauthenticated, fault.Denied, fault.NotFound, fault.Conflict, fault.TooLarge,
		fault.Throttled, fault.Unavailable, fault.Internal:
		return &fault.Error{Kind: kind, Message: failure.Message(), RetryAfter: failure.NextRetryDelay()}
	}
	return fault.New(fault.Invalid, "%s", failure.Message()) // a rejection in words of Temporal's own, such as an unknown update
}
