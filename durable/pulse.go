package durable

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"github.com/belayhq/belay/core/fault"
)

// Pulse tells the server, while an activity is at work, that its attempt lives: what a killed worker had in its hands is
// given to another one soon, however long the work itself may take. And it fences: the context of an attempt that the
// server may have given up meanwhile, since this process stood still or was cut off, has ended. The last attempt is
// never fenced, as no other can come after it.
type Pulse struct {
	interceptor.WorkerInterceptorBase

	beat func(ctx context.Context) error // nil: to the server
}

// InterceptActivity is part of interceptor.WorkerInterceptor.
func (p *Pulse) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	inbound := &pulsing{beat: p.beat}
	if inbound.beat == nil {
		inbound.beat = tellServer
	}
	inbound.Next = next
	return inbound
}

type pulsing struct {
	interceptor.ActivityInboundInterceptorBase
	beat func(ctx context.Context) error
}

func (p *pulsing) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info := activity.GetInfo(ctx)
	if info.IsLocalActivity || info.HeartbeatTimeout <= 0 {
		return p.Next.ExecuteActivity(ctx, in)
	}
	a := attempt{within: info.HeartbeatTimeout, beat: p.beat}
	if p := info.RetryPolicy; p != nil && p.MaximumAttempts > 0 {
		a.last = info.Attempt >= p.MaximumAttempts
	}
	living, stop := a.live(ctx, info.StartedTime)
	defer stop()
	if err := living.Err(); err != nil && ctx.Err() == nil {
		return nil, fault.Wrap(fault.Unavailable, err, "begin %s", info.ActivityType.Name)
	}
	return p.Next.ExecuteActivity(living, in)
}

const (
	beatEvery  = 750 * time.Millisecond // the first after as long: most attempts are over by then
	beatWithin = time.Second
)

var (
	errGivenUp = errors.New("the engine has given this attempt up")
	errUnheard = errors.New("the engine has not heard of this attempt for so long that it may have given it up")
)

// tellServer sends a heartbeat past the SDK, which would neither say whether it was heard nor leave the attempt alone when
// the workflow does not want its outcome any more: a message that is on its way is told of.
func tellServer(ctx context.Context) error {
	return activity.GetClient(ctx).RecordActivityHeartbeat(ctx, activity.GetInfo(ctx).TaskToken)
}

// attempt is an activity at work, as the server sees it.
type attempt struct {
	within time.Duration // without a heartbeat for as long it is given up
	last   bool
	beat   func(ctx context.Context) error

	mu    sync.Mutex
	heard time.Time // when the latest beat that was heard was sent
	over  bool
	next  *time.Timer
	limit *time.Timer
	end   context.CancelCauseFunc
}

// trusted is how long a beat that was heard is good for: what is begun then can be stopped before another takes over.
func (a *attempt) trusted() time.Duration { return a.within - a.within/4 }

// live begins to beat. The context ends when the attempt may have been given up; its Err looks at the clock whenever it
// is asked, so that whoever was stopped and goes on learns of it before any timer.
func (a *attempt) live(ctx context.Context, started time.Time) (context.Context, context.CancelFunc) {
	inner, end := context.WithCancelCause(ctx)
	a.heard, a.end = time.Now(), end
	// The task may have lain in this process, stopped, before anybody looked at it. The clocks of two machines do not
	// tell for certain, so the server is asked.
	if late := time.Since(started); !started.IsZero() && (late > a.trusted() || late < -a.trusted()) {
		a.heard = time.Time{}
		a.tell(inner)
	}
	a.mu.Lock()
	a.next = time.AfterFunc(beatEvery, func() { a.keep(inner) })
	a.limit = time.AfterFunc(a.trusted(), a.check)
	a.mu.Unlock()
	return fenced{Context: inner, attempt: a}, func() { a.stop(); end(nil) }
}

func (a *attempt) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.next.Stop()
	a.limit.Stop()
}

// keep sends one beat and sets the clock for the next.
func (a *attempt) keep(ctx context.Context) {
	if !a.tell(ctx) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		a.next.Reset(beatEvery)
	}
}

// tell answers whether it is worth while to go on beating.
func (a *attempt) tell(ctx context.Context) bool {
	began := time.Now()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), beatWithin)
	defer cancel()
	err := a.beat(bounded)
	var gone *serviceerror.NotFound
	switch {
	case err == nil, temporal.IsCanceledError(err): // not wanted any more, but counted on until it answers
		a.mu.Lock()
		a.heard = began
		a.mu.Unlock()
	case errors.As(err, &gone):
		a.giveUp(errGivenUp)
		return false
	}
	return true
}

func (a *attempt) giveUp(why error) {
	if !a.last {
		a.end(why)
	}
}

// check ends the attempt once it is not trusted any more, or looks again when that may be.
func (a *attempt) check() {
	left, doubtful := a.left()
	if doubtful {
		a.giveUp(errUnheard)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		a.limit.Reset(left)
	}
}

// left is for how long the attempt is trusted yet. A machine that was suspended has a monotonic clock that stood still,
// and a wall clock that did not: whichever shows more counts.
func (a *attempt) left() (left time.Duration, doubtful bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.heard.IsZero() {
		return 0, true
	}
	now := time.Now()
	age := max(now.Sub(a.heard), now.Round(0).Sub(a.heard.Round(0)))
	left = a.trusted() - age
	return left, left <= 0
}

// fenced is the context of an attempt.
type fenced struct {
	context.Context
	attempt *attempt
}

// Err is part of context.Context.
func (f fenced) Err() error {
	if _, doubtful := f.attempt.left(); doubtful {
		f.attempt.giveUp(errUnheard)
	}
	return f.Context.Err()
}
