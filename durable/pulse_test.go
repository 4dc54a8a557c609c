package durable

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
)

func beating(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// What a process that was stopped does first when it goes on is not to be foreseen: no timer may have run yet.
func TestAnAttemptThatStoodStillKnowsItWhenItIsAsked(t *testing.T) {
	a := attempt{within: 4 * time.Second, beat: beating(nil)}
	ctx, stop := a.live(t.Context(), time.Now())
	defer stop()
	require.NoError(t, ctx.Err())

	a.mu.Lock()
	a.heard = time.Now().Add(-3 * time.Second) // the monotonic clock ran on
	a.mu.Unlock()
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	require.ErrorIs(t, context.Cause(ctx), errUnheard)
	<-ctx.Done()
}

func TestAMachineThatWasSuspendedIsKnownByItsWallClock(t *testing.T) {
	a := attempt{within: 4 * time.Second, beat: beating(nil)}
	ctx, stop := a.live(t.Context(), time.Now())
	defer stop()
	a.mu.Lock()
	a.heard = time.Now().Round(0).Add(-time.Minute)
	a.mu.Unlock()
	require.Error(t, ctx.Err())
}

func TestAnAttemptThatIsHeardGoesOnForAsLongAsItTakes(t *testing.T) {
	heard := make(chan struct{}, 100)
	a := attempt{within: 2 * time.Second, beat: func(context.Context) error { heard <- struct{}{}; return nil }}
	ctx, stop := a.live(t.Context(), time.Now())
	for range 3 { // beyond what it is trusted without
		<-heard
	}
	stop()
	require.NotErrorIs(t, context.Cause(ctx), errUnheard)
}

func TestAnAttemptThatNobodyHearsEnds(t *testing.T) {
	a := attempt{within: 400 * time.Millisecond, beat: beating(errors.New("cut off"))}
	ctx, stop := a.live(t.Context(), time.Now())
	defer stop()
	<-ctx.Done()
	require.ErrorIs(t, context.Cause(ctx), errUnheard)
}

func TestAnAttemptThatTheServerGaveUpEndsAtTheNextBeat(t *testing.T) {
	a := attempt{within: time.Hour, beat: beating(serviceerror.NewNotFound("activity not found"))}
	ctx, stop := a.live(t.Context(), time.Now())
	defer stop()
	<-ctx.Done()
	require.ErrorIs(t, context.Cause(ctx), errGivenUp)
}

// A message that has left is told of, also when it is not wanted any more.
func TestAnAttemptThatIsNotWantedAnyMoreIsLeftAlone(t *testing.T) {
	a := attempt{within: time.Hour, beat: beating(temporal.NewCanceledError())}
	ctx, stop := a.live(t.Context(), time.Now())
	defer stop()
	require.True(t, a.tell(ctx))
	require.NoError(t, ctx.Err())
}

func TestNobodyComesAfterTheLastAttemptSoItGoesOn(t *testing.T) {
	a := attempt{within: 4 * time.Second, last: true, beat: beating(serviceerror.NewNotFound("activity not found"))}
	ctx, stop := a.live(t.Context(), time.Now())
	defer stop()
	a.mu.Lock()
	a.heard = time.Now().Add(-time.Hour)
	a.mu.Unlock()
	require.False(t, a.tell(ctx))
	require.NoError(t, ctx.Err())
}

// A task that lay in a stopped process before anybody looked at it has no beat to be judged by: the server is asked.
func TestATaskThatLayAboutIsAskedFor(t *testing.T) {
	for name, scene := range map[string]struct {
		says error
		ends bool
	}{
		"still ours":      {nil, false},
		"given to others": {serviceerror.NewNotFound("activity not found"), true},
		"nobody answers":  {errors.New("cut off"), true},
	} {
		a := attempt{within: 4 * time.Second, beat: beating(scene.says)}
		ctx, stop := a.live(t.Context(), time.Now().Add(-20*time.Second))
		require.Equal(t, scene.ends, ctx.Err() != nil, name)
		stop()
	}
}
