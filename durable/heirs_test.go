package durable

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"

	"github.com/belayhq/belay/contract"
)

// ledger is a roll in memory.
type ledger struct {
	silent []contract.Sticky
	away   error
	signed []string
	left   []string
}

func (l *ledger) Keep(_ context.Context, q contract.Sticky) error {
	l.signed = append(l.signed, q.Queue)
	return l.away
}

func (l *ledger) Silent(context.Context, time.Duration, time.Duration) ([]contract.Sticky, error) {
	return l.silent, l.away
}

func (l *ledger) Leave(_ context.Context, queue string) error {
	l.left = append(l.left, queue)
	return l.away
}

// family are heirs of which we see whom they inherit from.
type family struct {
	*Heirs
	roll       *ledger
	inheriting sync.WaitGroup
	began      chan string
	ended      chan string
}

func newFamily() *family {
	f := &family{roll: &ledger{}, began: make(chan string, 10), ended: make(chan string, 10)}
	f.Heirs = &Heirs{Hands: &Hands{}, Roll: f.roll, Log: slog.New(slog.DiscardHandler), heirs: map[string]*heir{}}
	f.empty = func(ctx context.Context, q contract.Sticky) {
		f.began <- q.Queue
		<-ctx.Done()
		f.ended <- q.Queue
	}
	return f
}

func (f *family) looks(t *testing.T) { f.look(t.Context(), &f.inheriting) }

func poll(queue string, kind enumspb.TaskQueueKind) *workflowservice.PollWorkflowTaskQueueRequest {
	return &workflowservice.PollWorkflowTaskQueueRequest{TaskQueue: &taskqueuepb.TaskQueue{Name: queue, Kind: kind}}
}

// during is what a process holds as its own while it polls.
func during(t *testing.T, h *Hands, ctx context.Context, request any) (own []contract.Sticky) {
	t.Helper()
	err := h.intercept(ctx, "Poll", request, nil, nil, func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
		own = h.Own()
		return nil
	})
	require.NoError(t, err)
	return own
}

func TestAProcessKnowsTheStickyQueueThatItPolls(t *testing.T) {
	h, ctx := &Hands{}, t.Context()
	require.Empty(t, during(t, h, ctx, poll("escalations", enumspb.TASK_QUEUE_KIND_NORMAL)))
	require.Empty(t, during(t, h, ctx, &workflowservice.PollActivityTaskQueueRequest{}))
	require.Empty(t, during(t, h, context.WithValue(ctx, foreign{}, true), poll("of a dead worker", enumspb.TASK_QUEUE_KIND_STICKY)))
	require.Equal(t, []contract.Sticky{{Queue: "pager-1:a"}}, during(t, h, ctx, poll("pager-1:a", enumspb.TASK_QUEUE_KIND_STICKY)))
	require.Len(t, h.Own(), 1, "between two polls")

	h.queues["pager-1:a"].last = time.Now().Add(-between)
	require.Empty(t, h.Own(), "a worker that has stopped")
}

func TestWhoeverIsSilentIsInheritedFromOnceUntilTheySpeak(t *testing.T) {
	f := newFamily()
	during(t, f.Hands, t.Context(), poll("ours", enumspb.TASK_QUEUE_KIND_STICKY))
	f.roll.silent = []contract.Sticky{{Queue: "theirs"}, {Queue: "ours"}}
	f.looks(t)
	f.looks(t)
	require.Equal(t, "theirs", <-f.began)
	require.Empty(t, f.began, "once, and not from ourselves")
	require.Equal(t, []string{"ours", "ours"}, f.roll.signed)

	f.roll.silent = nil
	f.looks(t)
	require.Equal(t, "theirs", <-f.ended)
	f.roll.silent = []contract.Sticky{{Queue: "theirs"}}
	f.looks(t)
	require.Equal(t, "theirs", <-f.began, "silent once more")
	f.leave()
	require.Equal(t, []string{"ours"}, f.roll.left)
	f.heirs["theirs"].end()
	f.inheriting.Wait()
}

// Nobody can sign a roll that is away: whoever comes back first would take all others for dead.
func TestWhoeverCouldNotSignTheRollJudgesNobody(t *testing.T) {
	f := newFamily()
	f.roll.away = errors.New("connection refused")
	f.looks(t)
	f.roll.away, f.roll.silent = nil, []contract.Sticky{{Queue: "theirs"}}
	f.looks(t)
	require.Empty(t, f.heirs, "they have had no time to sign")

	f.failed = f.failed.Add(-silentFor - keepEvery)
	f.looks(t)
	require.Equal(t, "theirs", <-f.began)
	f.heirs["theirs"].end()
	f.inheriting.Wait()
}
