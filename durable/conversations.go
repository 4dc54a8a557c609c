package durable

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Tell hands an event to its conversation, which is started by it when it does not run. Once it returns without an error
// the server has both.
func (e *Engine) Tell(ctx context.Context, c contract.Conversation, event contract.Event) error {
	ctx, cancel := context.WithTimeout(ctx, hurry)
	defer cancel()
	workflow := contract.ConversationID(c.Hash)
	_, err := e.Client.SignalWithStartWorkflow(ctx, workflow, contract.SignalEvent, event, client.StartWorkflowOptions{
		ID: workflow, TaskQueue: contract.QueueEscalations, WorkflowTaskTimeout: contract.TaskTimeout, StaticSummary: "stands in for the inbox",
		Priority: temporal.Priority{PriorityKey: org.P1.Rank()}, // nobody has been called yet
	}, contract.WorkflowConversation, c)
	if err != nil {
		return trouble(err, "hand an event to its conversation")
	}
	return nil
}

// Placed waits for what became of an event, as long as a human would.
func (e *Engine) Placed(ctx context.Context, hash, ident string) (contract.Placed, error) {
	ctx, cancel := context.WithTimeout(ctx, e.waits())
	defer cancel()
	var placed contract.Placed
	handle, err := e.Client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: contract.ConversationID(hash), UpdateName: contract.UpdatePlaced, UpdateID: ident,
		Args: []any{contract.Asked{Ident: ident}}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &placed)
	}
	if err != nil {
		return placed, fault.Wrap(fault.Unavailable, err, "ask what became of an event")
	}
	return placed, nil
}

const (
	// mostListed bounds a list of conversations; more than that begin in no outage that we can imagine handling well.
	mostListed = 10_000
	pageListed = 1000
	// mostAsked bounds how many escalations are asked how they stand.
	mostAsked = 40
	atOnce    = 8
)

// Talking lists the conversations that run, by their hash.
func (e *Engine) Talking(ctx context.Context) ([]string, error) {
	runs, _, err := e.list(ctx, fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running'", contract.WorkflowConversation), mostListed)
	if err != nil {
		return nil, err
	}
	hashes := make([]string, 0, len(runs))
	for _, run := range runs {
		if hash, ours := strings.CutPrefix(run, contract.ConversationID("")); ours {
			hashes = append(hashes, hash)
		}
	}
	return hashes, nil
}

// Answering finds escalations of a conversation that are open or acknowledged, as far as the server's index shows.
func (e *Engine) Answering(ctx context.Context, hash string) ([]id.Escalation, error) {
	if strings.ContainsAny(hash, `'\`) {
		return nil, fault.New(fault.Invalid, "a conversation is named by a hash")
	}
	runs, _, err := e.list(ctx, fmt.Sprintf("%s = '%s' AND %s", contract.AttrConversation.GetName(), hash, live()), pageListed)
	return escalations(runs), err
}

// live is an escalation that somebody may still answer.
func live() string {
	return fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running' AND %s IN ('%s', '%s')",
		contract.WorkflowEscalation, contract.AttrState.GetName(), escalation.Open, escalation.Acked)
}

// list walks the server's index, newest first; complete: there are no more than most.
func (e *Engine) list(ctx context.Context, query string, most int) (workflows []string, complete bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, hurry)
	defer cancel()
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: int32(min(most, pageListed))}
	for {
		page, err := e.Client.ListWorkflow(ctx, request)
		if err != nil {
			return nil, false, trouble(err, "list workflows")
		}
		for _, run := range page.GetExecutions() {
			workflows = append(workflows, run.GetExecution().GetWorkflowId())
		}
		if len(page.GetNextPageToken()) == 0 {
			return workflows, true, nil
		}
		if len(workflows) >= most {
			return workflows, false, nil
		}
		request.NextPageToken = page.GetNextPageToken()
	}
}

func escalations(workflows []string) []id.Escalation {
	var found []id.Escalation
	for _, workflow := range workflows {
		if e, ours := strings.CutPrefix(workflow, contract.EscalationID("")); ours {
			found = append(found, id.Escalation(e))
		}
	}
	return found
}

// Stands asks an escalation how it stands.
func (e *Engine) Stands(ctx context.Context, which id.Escalation) (escalation.Summary, error) {
	return ask[escalation.Summary](ctx, e, which, contract.QueryState)
}

// Machine asks an escalation for all that it knows.
func (e *Engine) Machine(ctx context.Context, which id.Escalation) (escalation.State, error) {
	return ask[escalation.State](ctx, e, which, contract.QueryMachine)
}

func ask[T any](ctx context.Context, e *Engine, which id.Escalation, query string) (T, error) {
	var found T
	answer, err := e.Client.QueryWorkflowWithOptions(ctx, &client.QueryWorkflowWithOptionsRequest{
		WorkflowID: contract.EscalationID(which), QueryType: query,
		QueryRejectCondition: enumspb.QUERY_REJECT_CONDITION_NONE,
	})
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return found, fault.New(fault.NotFound, "escalation %s", which)
	}
	if err == nil {
		err = answer.QueryResult.Get(&found)
	}
	if err != nil {
		return found, trouble(err, "ask escalation %s how it stands", which)
	}
	return found, nil
}

// Live asks the newest escalations that are open or acknowledged how they stand.
func (e *Engine) Live(ctx context.Context) (found []escalation.Summary, complete bool, err error) {
	runs, complete, err := e.list(ctx, live(), mostAsked)
	if err != nil {
		return nil, false, err
	}
	which := escalations(runs)
	answers := make([]escalation.Summary, len(which))
	failures := make([]error, len(which))
	places := make(chan struct{}, atOnce)
	var asking sync.WaitGroup
	for i, one := range which {
		places <- struct{}{}
		asking.Go(func() {
			defer func() { <-places }()
			answers[i], failures[i] = e.Stands(ctx, one)
		})
	}
	asking.Wait()
	for i, s := range answers {
		switch {
		case fault.Is(failures[i], fault.NotFound):
		case failures[i] != nil:
			complete = false
		case s.State == escalation.Open || s.State == escalation.Acked: // the index lags behind
			found = append(found, s)
		}
	}
	return found, complete, nil
}
