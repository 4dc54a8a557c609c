package durable

import (
	"context"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/belayhq/belay/contract"
)

// Hands learns, from the polls that pass, by which sticky queues the workers of this process are handed what they have in
// memory. The SDK draws their names and tells nobody.
type Hands struct {
	// Orphaned reports whether no heir would hear of a worker's death: the server then gives others what waits for a worker
	// much sooner. Nil: heirs always hear. It is set before the first poll.
	Orphaned func() bool

	mu     sync.Mutex
	queues map[string]*hand
}

type hand struct {
	contract.Sticky
	polls int       // under way
	last  time.Time // when the latest one ended
}

// between two polls of a worker that lives there is less than this, unless the server is away.
const between = 5 * time.Second

// orphanedFor is how long a task waits for the worker that has its run in memory while heirs would not hear of its death:
// with the grace of five seconds for what is late, and more than a burst of timers needs.
const orphanedFor = 4 * time.Second

// Own are the queues that are polled here.
func (h *Hands) Own() []contract.Sticky {
	h.mu.Lock()
	defer h.mu.Unlock()
	var own []contract.Sticky
	for name, q := range h.queues {
		switch {
		case q.polls > 0 || time.Since(q.last) < between:
			own = append(own, q.Sticky)
		default:
			delete(h.queues, name)
		}
	}
	return own
}

// foreign marks polls of queues that are not ours.
type foreign struct{}

func (h *Hands) intercept(ctx context.Context, method string, request, reply any, on *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	poll, polls := request.(*workflowservice.PollWorkflowTaskQueueRequest)
	if polls && poll.GetTaskQueue().GetKind() == enumspb.TASK_QUEUE_KIND_STICKY && ctx.Value(foreign{}) == nil {
		q := h.began(poll)
		defer h.ended(q)
	}
	if done, ends := request.(*workflowservice.RespondWorkflowTaskCompletedRequest); ends && h.Orphaned != nil && h.Orphaned() {
		if hold := done.GetStickyAttributes(); hold.GetScheduleToStartTimeout().AsDuration() > orphanedFor {
			hold.ScheduleToStartTimeout = durationpb.New(orphanedFor)
		}
	}
	return invoke(ctx, method, request, reply, on, options...)
}

func (h *Hands) began(poll *workflowservice.PollWorkflowTaskQueueRequest) *hand {
	h.mu.Lock()
	defer h.mu.Unlock()
	name := poll.GetTaskQueue().GetName()
	q := h.queues[name]
	if q == nil {
		q = &hand{Sticky: contract.Sticky{
			Queue: name, Deployment: poll.GetDeploymentOptions().GetDeploymentName(), Build: poll.GetDeploymentOptions().GetBuildId(),
		}}
		if h.queues == nil {
			h.queues = map[string]*hand{}
		}
		h.queues[name] = q
	}
	q.polls++
	return q
}

func (h *Hands) ended(q *hand) {
	h.mu.Lock()
	defer h.mu.Unlock()
	q.polls--
	q.last = time.Now()
}
