package durable

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
)

// While nobody would hear of its death, what a worker keeps in memory waits for it no longer than a step may be late.
func TestWhatWaitsForAWorkerIsGivenAwaySoonerWhileItsDeathGoesUnheard(t *testing.T) {
	for name, scene := range map[string]struct {
		orphaned    func() bool
		asked, sent time.Duration
	}{
		"heirs hear of it":      {func() bool { return false }, 10 * time.Second, 10 * time.Second},
		"heirs always hear":     {nil, 10 * time.Second, 10 * time.Second},
		"nobody hears of it":    {func() bool { return true }, 10 * time.Second, 4 * time.Second},
		"it is given away soon": {func() bool { return true }, time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			h := &Hands{Orphaned: scene.orphaned}
			request := &workflowservice.RespondWorkflowTaskCompletedRequest{
				StickyAttributes: &taskqueue.StickyExecutionAttributes{ScheduleToStartTimeout: durationpb.New(scene.asked)},
			}
			var passed any
			invoke := func(_ context.Context, _ string, request, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
				passed = request
				return nil
			}
			require.NoError(t, h.intercept(t.Context(), "", request, nil, nil, invoke))
			require.Equal(t, scene.sent, passed.(*workflowservice.RespondWorkflowTaskCompletedRequest).GetStickyAttributes().GetScheduleToStartTimeout().AsDuration())
		})
	}
	request := &workflowservice.RespondWorkflowTaskCompletedRequest{} // a worker that keeps nothing in memory
	require.NoError(t, (&Hands{Orphaned: func() bool { return true }}).intercept(t.Context(), "", request, nil, nil,
		func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return nil }))
	require.Nil(t, request.GetStickyAttributes())
}
