package durable

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/page"
)

const (
	patience = 5 * time.Second // how long a human waits for an answer before the word is left as a signal
	hurry    = 3 * time.Second // for calls that only hand something over
)

// Engine runs escalations on a Temporal server.
type Engine struct {
	Client client.Client
	// Patience is how long Say waits for an answer; zero: 5 s.
	Patience time.Duration
}

// Open starts the workflow of an escalation. One that is running, or that is over, is left as it is.
func (e *Engine) Open(ctx context.Context, start contract.Start) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	options := beginning(start)
	options.EnableEagerStart = true
	_, err := e.Client.ExecuteWorkflow(ctx, options, contract.WorkflowEscalation, start)
	return opened(err, start)
}

// OpenSaid starts the workflow of an escalation with a word that is there when it begins, as a signal: whoever was told
// of its end before its beginning tells nobody. One that is running hears the word; one that is over is left as it is.
func (e *Engine) OpenSaid(ctx context.Context, start contract.Start, verb string, word contract.Word) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	options := beginning(start)
	_, err := e.Client.SignalWithStartWorkflow(ctx, options.ID, verb, word, options, contract.WorkflowEscalation, start)
	return opened(err, start)
}

func beginning(start contract.Start) client.StartWorkflowOptions {
	opening := start.Opening
	return client.StartWorkflowOptions{
		ID:                       contract.EscalationID(opening.ID),
		TaskQueue:                contract.QueueEscalations,
		WorkflowTaskTimeout:      contract.TaskTimeout,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		TypedSearchAttributes:    attributes(start),
		Priority:                 precedence(opening),
		StaticSummary:            fmt.Sprintf("%s %s", opening.Plan.Priority, opening.ServiceName), // never the title: it may name people
	}
}

func opened(err error, start contract.Start) error {
	var running *serviceerror.WorkflowExecutionAlreadyStarted
	if err == nil || errors.As(err, &running) {
		return nil
	}
	var refused *serviceerror.InvalidArgument
	if errors.As(err, &refused) { // too large, say: the same start can never succeed
		return fault.Wrap(fault.Invalid, err, "open escalation %s", start.Opening.ID)
	}
	return trouble(err, "open escalation %s", start.Opening.ID)
}

// precedence puts tasks of urgent escalations before others, and lets units take turns among those that are as urgent.
func precedence(o escalation.Opening) temporal.Priority {
	return temporal.Priority{PriorityKey: o.Plan.Priority.Rank(), FairnessKey: clip(string(o.Unit))}
}

// clip keeps a fairness key within what the server takes: 64 bytes.
func clip(key string) string { return key[:min(len(key), 64)] }

func attributes(start contract.Start) temporal.SearchAttributes {
	opening := start.Opening
	updates := []temporal.SearchAttributeUpdate{
		contract.AttrState.ValueSet("open"),
		contract.AttrService.ValueSet(string(opening.Service)),
		contract.AttrPriority.ValueSet(string(opening.Plan.Priority)),
		contract.AttrTier.ValueSet(1), // as the shell has it before its first change
	}
	if start.Conversation != "" {
		updates = append(updates, contract.AttrConversation.ValueSet(start.Conversation))
	}
	if opening.Unit != "" {
		updates = append(updates, contract.AttrUnit.ValueSet(string(opening.Unit)))
	}
	return temporal.NewSearchAttributes(updates...)
}

// Say hands over a human's word and waits for the answer. An update is held in the server's memory until a worker
// takes it, so when the answer does not come the word is left as a signal, which the server keeps; the key makes
// them one. The word is handed over even if the caller has gone.
func (e *Engine) Say(ctx context.Context, workflow, verb string, word contract.Word) (contract.Reply, error) {
	reply, err := e.ask(ctx, workflow, verb, word)
	if err == nil {
		return reply, nil
	}
	if answer, final := e.settled(ctx, workflow, err); final {
		return contract.Reply{}, answer
	}
	if err := e.signal(context.WithoutCancel(ctx), workflow, verb, word); err != nil {
		return contract.Reply{}, err
	}
	return contract.Reply{Outcome: contract.Received, Text: "received; " + subject(workflow) + " has not confirmed it yet"}, nil
}

func (e *Engine) ask(ctx context.Context, workflow, verb string, word contract.Word) (contract.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, e.waits())
	defer cancel()
	handle, err := e.Client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID:   workflow,
		UpdateName:   verb,
		UpdateID:     word.Key,
		Args:         []any{word},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return contract.Reply{}, err
	}
	var reply contract.Reply
	return reply, handle.Get(ctx, &reply)
}

func (e *Engine) waits() time.Duration {
	if e.Patience == 0 {
		return patience
	}
	return e.Patience
}

// acceptedThenGone is the type of the server's own failure when a run ended, or continued as a new one, between
// accepting an update and answering it.
const acceptedThenGone = "AcceptedUpdateCompletedWorkflow"

// settled tells whether an error of ask is the answer. Those that leave open whether the word arrived are not.
func (e *Engine) settled(ctx context.Context, workflow string, err error) (answer error, final bool) {
	var failure *temporal.ApplicationError
	if errors.As(err, &failure) {
		if failure.Type() == acceptedThenGone {
			return nil, false
		}
		return fromFailure(failure), true
	}
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return e.gone(ctx, workflow), true
	}
	var wrong *serviceerror.InvalidArgument
	if errors.As(err, &wrong) {
		return fault.Wrap(fault.Invalid, err, "say it to %s", subject(workflow)), true
	}
	return nil, false
}

// Repeat says that the monitor fired again.
func (e *Engine) Repeat(ctx context.Context, which id.Escalation, r contract.Repeat) error {
	return e.signal(ctx, contract.EscalationID(which), contract.SignalRepeat, r)
}

// Ticket says that a watched ticket should be looked at.
func (e *Engine) Ticket(ctx context.Context, which id.Escalation, c contract.TicketChanged) error {
	return e.signal(ctx, contract.EscalationID(which), contract.SignalTicket, c)
}

// Receipt hands a carrier's report to the workflow that sent the message.
func (e *Engine) Receipt(ctx context.Context, workflow string, r page.Receipt) error {
	return e.signal(ctx, workflow, contract.SignalReceipt, r)
}

func (e *Engine) signal(ctx context.Context, workflow, name string, payload any) error {
	bounded, cancel := context.WithTimeout(ctx, hurry)
	defer cancel()
	err := e.Client.SignalWorkflow(bounded, workflow, "", name, payload)
	if err == nil {
		return nil
	}
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return e.gone(ctx, workflow)
	}
	return trouble(err, "hand %q to %s", name, subject(workflow))
}

// gone tells a workflow that is over from one that never was: the server says "not found" for both.
func (e *Engine) gone(ctx context.Context, workflow string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hurry)
	defer cancel()
	_, err := e.Client.DescribeWorkflowExecution(ctx, workflow, "")
	if err == nil {
		return fault.New(fault.Conflict, "%s is over", subject(workflow))
	}
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return fault.New(fault.NotFound, "%s does not exist", subject(workflow))
	}
	return trouble(err, "look up %s", subject(workflow))
}

// Ready reports whether the server can be reached.
func (e *Engine) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := e.Client.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fault.Wrap(fault.Unavailable, err, "reach Temporal")
	}
	return nil
}

// trouble is a failure of the server or on the way to it. All of it may pass: a namespace that is being registered, a
// limit that is reached, a network that is back in a minute.
func trouble(err error, format string, args ...any) error {
	var busy *serviceerror.ResourceExhausted
	if errors.As(err, &busy) {
		return fault.Wrap(fault.Throttled, err, format, args...)
	}
	return fault.Wrap(fault.Unavailable, err, format, args...)
}

// subject names a workflow as people know it: "escalation E-42", "the engagement of acmecloud in E-42".
func subject(workflow string) string {
	parts := strings.Split(workflow, "/")
	switch {
	case len(parts) == 2 && parts[0] == "escalation":
		return "escalation " + parts[1]
	case len(parts) == 4 && parts[0] == "vendor":
		return "the engagement of " + parts[2] + " in " + parts[1]
	}
	return "workflow " + workflow
}
