package durable

import (
	"context"
	"errors"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
)

// Watch asks a Temporal server what the watchdog compares the record with. Every error means that it could not be asked.
type Watch struct {
	Client    client.Client
	Namespace string
}

const (
	runningPage  = 1000
	runningPages = 50
)

// Running lists the escalations whose workflows run, by visibility, which may be some seconds behind.
func (w *Watch) Running(ctx context.Context) (map[id.Escalation]bool, error) {
	running := map[id.Escalation]bool{}
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: w.Namespace, PageSize: runningPage,
		Query: "WorkflowType = '" + contract.WorkflowEscalation + "' AND ExecutionStatus = 'Running'",
	}
	for range runningPages {
		page, err := w.Client.ListWorkflow(ctx, request)
		if err != nil {
			return nil, trouble(err, "list running escalations")
		}
		for _, run := range page.GetExecutions() {
			if e, ours := strings.CutPrefix(run.GetExecution().GetWorkflowId(), contract.EscalationID("")); ours {
				running[id.Escalation(e)] = true
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			break
		}
	}
	return running, nil
}

// Run says what became of the workflow of an escalation.
func (w *Watch) Run(ctx context.Context, e id.Escalation) (contract.Run, error) {
	described, err := w.Client.DescribeWorkflowExecution(ctx, contract.EscalationID(e), "")
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return contract.Absent, nil
	}
	if err != nil {
		return "", trouble(err, "look up escalation %s", e)
	}
	switch described.GetWorkflowExecutionInfo().GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW, enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED:
		return contract.Running, nil
	}
	return contract.Over, nil
}

// State is what a worker answers for an escalation.
func (w *Watch) State(ctx context.Context, e id.Escalation) (escalation.Summary, error) {
	var state escalation.Summary
	value, err := w.Client.QueryWorkflow(ctx, contract.EscalationID(e), "", contract.QueryState)
	if err != nil {
		return state, trouble(err, "ask escalation %s for its state", e)
	}
	return state, value.Get(&state)
}

// Queues describes the task queues that our workers serve.
func (w *Watch) Queues(ctx context.Context) ([]contract.Queue, error) {
	var queues []contract.Queue
	for _, q := range []struct {
		kind contract.QueueKind
		as   enumspb.TaskQueueType
	}{
		{contract.WorkflowTasks, enumspb.TASK_QUEUE_TYPE_WORKFLOW},
		{contract.ActivityTasks, enumspb.TASK_QUEUE_TYPE_ACTIVITY},
	} {
		described, err := w.Client.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
			Namespace: w.Namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: contract.QueueEscalations}, TaskQueueType: q.as, ReportStats: true,
		})
		if err != nil {
			return nil, trouble(err, "describe the task queue %s", contract.QueueEscalations)
		}
		queue := contract.Queue{
			Name: contract.QueueEscalations, Kind: q.kind,
			Backlog: described.GetStats().GetApproximateBacklogCount(), Age: described.GetStats().GetApproximateBacklogAge().AsDuration(),
		}
		for _, poller := range described.GetPollers() {
			if at := poller.GetLastAccessTime().AsTime(); at.After(queue.Polled) {
				queue.Polled = at
			}
		}
		queues = append(queues, queue)
	}
	return queues, nil
}
