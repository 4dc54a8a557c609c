package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/internal/stack/stacktest"
)

func TestMain(m *testing.M) { stacktest.Main(m, durable.AttributeTypes()) }

// parrot is a workflow that speaks the contract: it answers what it is told, refuses an empty name, and ends on resolve.
func parrot(ctx workflow.Context, start contract.Start) (heard []string, err error) {
	over := false
	refuse := func(_ workflow.Context, word contract.Word) error {
		if word.By == "" {
			return fault.Field("by", "say who you are")
		}
		return nil
	}
	acknowledge := func(_ workflow.Context, word contract.Word) (contract.Reply, error) {
		heard = append(heard, "ack "+string(word.By)+" "+word.Key)
		if word.Note == "denied" {
			return contract.Reply{}, fault.New(fault.Denied, "%s is not on call", word.By)
		}
		return contract.Reply{Outcome: escalation.Done, Text: "yours", State: escalation.Acked}, nil
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, contract.Acknowledge, acknowledge,
		workflow.UpdateHandlerOptions{Validator: refuse}); err != nil {
		return nil, err
	}
	listen := func(name string, hear func(workflow.ReceiveChannel, workflow.Context)) {
		workflow.Go(ctx, func(ctx workflow.Context) {
			for {
				hear(workflow.GetSignalChannel(ctx, name), ctx)
			}
		})
	}
	listen(contract.Acknowledge, func(c workflow.ReceiveChannel, ctx workflow.Context) {
		var word contract.Word
		c.Receive(ctx, &word)
		heard = append(heard, "signal "+string(word.By)+" "+word.Key)
	})
	listen(contract.SignalRepeat, func(c workflow.ReceiveChannel, ctx workflow.Context) {
		var repeat contract.Repeat
		c.Receive(ctx, &repeat)
		heard = append(heard, fmt.Sprintf("repeat %d", repeat.Count))
	})
	listen(contract.SignalReceipt, func(c workflow.ReceiveChannel, ctx workflow.Context) {
		var receipt page.Receipt
		c.Receive(ctx, &receipt)
		heard = append(heard, "receipt "+receipt.Key)
	})
	listen(contract.Resolve, func(c workflow.ReceiveChannel, ctx workflow.Context) {
		c.Receive(ctx, nil)
		over = true
	})
	err = workflow.Await(ctx, func() bool { return over })
	return heard, err
}

type house struct {
	engine *durable.Engine
	client client.Client
	queue  worker.Worker
}

func open(t *testing.T) *house {
	t.Helper()
	at := stacktest.Get(t)
	c, err := durable.Dial(durable.Options{Addr: at.TemporalAddr, Plain: true})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	require.NoError(t, durable.Prepare(t.Context(), c, "default"))
	return &house{client: c, engine: &durable.Engine{Client: c, Patience: 2 * time.Second}}
}

func (h *house) work(t *testing.T) {
	t.Helper()
	h.queue = worker.New(h.client, contract.QueueEscalations, worker.Options{
		Interceptors: []interceptor.WorkerInterceptor{&durable.Faults{}},
	})
	h.queue.RegisterWorkflowWithOptions(parrot, workflow.RegisterOptions{Name: contract.WorkflowEscalation})
	require.NoError(t, h.queue.Start())
	t.Cleanup(h.queue.Stop)
}

func start(e id.Escalation) contract.Start {
	return contract.Start{Opening: escalation.Opening{
		ID: e, Title: "card payments fail", Service: "payments", ServiceName: "Payments", Unit: "emea",
		Plan: policy.Plan{Priority: "P1"},
	}}
}

func (h *house) result(t *testing.T, e id.Escalation) string {
	t.Helper()
	require.NoError(t, h.client.SignalWorkflow(t.Context(), contract.EscalationID(e), "", contract.Resolve, contract.Word{}))
	var heard []string
	require.NoError(t, h.client.GetWorkflow(t.Context(), contract.EscalationID(e), "").Get(t.Context(), &heard))
	return strings.Join(heard, ", ")
}

// What the server refuses as it is would be refused for ever: whoever tries again must be able to tell.
func TestAStartThatTheServerRefusesIsNotTakenForAServerThatIsAway(t *testing.T) {
	h := open(t)
	err := h.engine.Open(t.Context(), start(id.Escalation("E-"+strings.Repeat("9", 2000))))
	require.True(t, fault.Is(err, fault.Invalid), "%v", err)
}

func TestOpeningTwiceIsOpeningOnce(t *testing.T) {
	h := open(t)
	h.work(t)
	ctx := t.Context()
	require.NoError(t, h.engine.Open(ctx, start("E-1")))
	require.NoError(t, h.engine.Open(ctx, start("E-1")), "while it runs")

	described, err := h.client.DescribeWorkflow(ctx, "escalation/E-1", "")
	require.NoError(t, err)
	service, ok := described.TypedSearchAttributes.GetKeyword(contract.AttrService)
	require.True(t, ok)
	require.Equal(t, "payments", service)
	summary, err := described.GetStaticSummary()
	require.NoError(t, err)
	require.Equal(t, "P1 Payments", summary)
	raw, err := h.client.DescribeWorkflowExecution(ctx, "escalation/E-1", "")
	require.NoError(t, err)
	require.EqualValues(t, 1, raw.GetWorkflowExecutionInfo().GetPriority().GetPriorityKey(), "P1 goes before P4 wherever tasks wait")
	require.Equal(t, "emea", raw.GetWorkflowExecutionInfo().GetPriority().GetFairnessKey())

	require.Empty(t, h.result(t, "E-1"))
	require.NoError(t, h.engine.Open(ctx, start("E-1")), "when it is over")
	described, err = h.client.DescribeWorkflow(ctx, "escalation/E-1", "")
	require.NoError(t, err)
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, described.Status, "it was started again")
}

func TestWhatIsOpenedOverHearsItsEndFirst(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	for range 2 { // nobody works yet: both words wait with the start
		require.NoError(t, h.engine.OpenSaid(ctx, start("E-1"), contract.Resolve, contract.Word{By: "monitor", Key: "inbox/1"}))
	}
	h.work(t)
	require.NoError(t, h.client.GetWorkflow(ctx, "escalation/E-1", "").Get(ctx, nil))
	require.NoError(t, h.engine.OpenSaid(ctx, start("E-1"), contract.Resolve, contract.Word{By: "monitor"}), "when it is over")
	described, err := h.client.DescribeWorkflow(ctx, "escalation/E-1", "")
	require.NoError(t, err)
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, described.Status, "it was started again")
}

func TestAWordIsAnsweredOnce(t *testing.T) {
	h := open(t)
	h.work(t)
	ctx := t.Context()
	require.NoError(t, h.engine.Open(ctx, start("E-2")))

	ack := contract.Word{By: "ana", Via: "sms", Key: "SM1"}
	for range 2 { // the carrier delivers it twice
		reply, err := h.engine.Say(ctx, "escalation/E-2", contract.Acknowledge, ack)
		require.NoError(t, err)
		require.Equal(t, contract.Reply{Outcome: escalation.Done, Text: "yours", State: escalation.Acked}, reply)
	}
	require.NoError(t, h.engine.Repeat(ctx, "E-2", contract.Repeat{Count: 3}))
	require.NoError(t, h.engine.Receipt(ctx, "escalation/E-2", page.Receipt{Key: "k"}))
	require.ElementsMatch(t, []string{"ack ana SM1", "repeat 3", "receipt k"}, strings.Split(h.result(t, "E-2"), ", "))
}

func TestANoComesBackWithItsKind(t *testing.T) {
	h := open(t)
	h.work(t)
	ctx := t.Context()
	require.NoError(t, h.engine.Open(ctx, start("E-3")))

	_, err := h.engine.Say(ctx, "escalation/E-3", contract.Acknowledge, contract.Word{})
	require.Equal(t, fault.Invalid, fault.KindOf(err), "a validator's no: %v", err)
	require.ErrorContains(t, err, "say who you are")

	_, err = h.engine.Say(ctx, "escalation/E-3", contract.Acknowledge, contract.Word{By: "ben", Key: "b", Note: "denied"})
	require.Equal(t, fault.Denied, fault.KindOf(err), "a handler's no: %v", err)

	_, err = h.engine.Say(ctx, "escalation/E-3", "dance", contract.Word{By: "ben"})
	require.Equal(t, fault.Invalid, fault.KindOf(err), "an unknown verb: %v", err)
	require.Equal(t, "ack ben b", h.result(t, "E-3"), "nothing was left behind as a signal")
}

func TestOverAndUnknownAreDifferentAnswers(t *testing.T) {
	h := open(t)
	h.work(t)
	ctx := t.Context()
	require.NoError(t, h.engine.Open(ctx, start("E-4")))
	h.result(t, "E-4")

	for escalation, want := range map[id.Escalation]fault.Kind{"E-4": fault.Conflict, "E-999": fault.NotFound} {
		_, err := h.engine.Say(ctx, contract.EscalationID(escalation), contract.Acknowledge, contract.Word{By: "ana"})
		require.Equal(t, want, fault.KindOf(err), "%v", err)
		require.ErrorContains(t, err, "escalation "+string(escalation))
		require.Equal(t, want, fault.KindOf(h.engine.Repeat(ctx, escalation, contract.Repeat{})))
		require.Equal(t, want, fault.KindOf(h.engine.Receipt(ctx, contract.EscalationID(escalation), page.Receipt{})))
	}
}

func TestAWordWaitsForTheWorkerAsASignal(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	require.NoError(t, h.engine.Open(ctx, start("E-5")))

	h.engine.Patience = 300 * time.Millisecond
	reply, err := h.engine.Say(ctx, "escalation/E-5", contract.Acknowledge, contract.Word{By: "ana", Key: "SM5"})
	require.NoError(t, err)
	require.Equal(t, contract.Received, reply.Outcome)

	gone, leave := context.WithCancel(ctx)
	leave()
	reply, err = h.engine.Say(gone, "escalation/E-5", contract.Acknowledge, contract.Word{By: "ben", Key: "SM6"})
	require.NoError(t, err)
	require.Equal(t, contract.Received, reply.Outcome, "the caller hung up, the word stays")

	h.work(t)
	heard := h.result(t, "E-5")
	require.Contains(t, heard, "signal ana SM5")
	require.Contains(t, heard, "signal ben SM6")
}

func TestAServerThatIsAwayIsUnavailable(t *testing.T) {
	c, err := durable.Dial(durable.Options{Addr: "127.0.0.1:1", Plain: true})
	require.NoError(t, err, "a process starts without its server")
	defer c.Close()
	engine := &durable.Engine{Client: c, Patience: 100 * time.Millisecond}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()

	_, err = engine.Say(ctx, "escalation/E-1", contract.Acknowledge, contract.Word{By: "ana"})
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
	for _, err := range []error{
		engine.Open(ctx, start("E-1")),
		engine.Repeat(ctx, "E-1", contract.Repeat{}),
		engine.Receipt(ctx, "escalation/E-1", page.Receipt{}),
		engine.Ready(ctx),
	} {
		require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
	}
}

func TestReadyWhenTheServerAnswers(t *testing.T) {
	h := open(t)
	require.NoError(t, h.engine.Ready(t.Context()))
	err := durable.Prepare(t.Context(), h.client, "elsewhere")
	require.Error(t, err)
	require.ErrorContains(t, err, "temporal operator namespace create")
	require.False(t, errors.Is(err, context.DeadlineExceeded))
}
