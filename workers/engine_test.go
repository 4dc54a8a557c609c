package workers_test

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/internal/stack/stacktest"
	"github.com/belayhq/belay/workers"
)

func TestMain(m *testing.M) {
	if at := os.Getenv(mortalAt); at != "" {
		beMortal(at)
		return
	}
	stacktest.Main(m, durable.AttributeTypes())
}

// line is a carrier that counts how often it is tried, and refuses.
type line struct {
	tried  chan page.Message
	refuse error
}

func (l line) Send(_ context.Context, m page.Message) (page.Receipt, error) {
	l.tried <- m
	return page.Receipt{}, l.refuse
}

func (line) Find(context.Context, page.Message, time.Time) (page.Receipt, bool, error) {
	return page.Receipt{}, false, nil
}

// amnesia is a ledger that is always away.
type amnesia struct{}

func (amnesia) Begin(context.Context, page.Message, string, time.Time, time.Time) (contract.Prior, error) {
	return contract.Prior{}, fault.New(fault.Unavailable, "no database")
}
func (amnesia) Silenced(context.Context, page.Message, string, time.Time) (bool, error) {
	return false, nil
}
func (amnesia) Finish(context.Context, page.Receipt) error { return nil }

type town struct{ policy.Directory }

func (t town) Current() policy.Directory { return t.Directory }

type noLinks struct{}

func (noLinks) Link(string, id.Person, string, time.Time) string { return "" }

// crew is a worker whose messages go by one carrier.
func crew(c client.Client, carrier activities.Carrier) worker.Worker {
	ana := org.Person{ID: "ana", Name: "Ana", Methods: []org.Method{{ID: "mobile", Channel: org.SMS, Address: "+34600000001"}}}
	pager := &activities.Pager{
		Directories: town{policy.Directory{Org: &org.Org{People: map[id.Person]org.Person{"ana": ana}}}},
		Ledger:      amnesia{}, Carriers: map[org.Channel]activities.Carrier{org.SMS: carrier}, Linker: noLinks{},
		Words: func(page.Message, org.Person) (string, string) { return "", "words" }, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	return workers.New(c, workers.Deps{
		Directory: &activities.Directory{}, Planner: &activities.Planner{}, Pager: pager, Recorder: &activities.Recorder{}, Doorman: &activities.Doorman{},
	}, workers.Options{Interceptors: []interceptor.WorkerInterceptor{&durable.Faults{}, &durable.Pulse{}}, FailOnPanic: true})
}

// TestTheEngineHonoursWhatAFaultSays runs the pager on a real server: a fault that may pass is retried after the time
// it asks for, and the last attempt that the retry policy allows ends in a receipt instead of a failure.
func TestTheEngineHonoursWhatAFaultSays(t *testing.T) {
	at := stacktest.Get(t)
	c, err := durable.Dial(durable.Options{Addr: at.TemporalAddr, Plain: true})
	require.NoError(t, err)
	defer c.Close()

	busy := line{tried: make(chan page.Message, 10), refuse: fault.Later(1200*time.Millisecond, "the carrier is busy")}
	w := crew(c, busy)
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) (page.Receipt, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: 10 * time.Second,
			RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 2},
		})
		var receipt page.Receipt
		err := workflow.ExecuteActivity(ctx, contract.ActivitySend, contract.Send{Key: "k", Purpose: page.Page, Person: "ana", Method: "mobile"}).Get(ctx, &receipt)
		return receipt, err
	}, workflow.RegisterOptions{Name: "SendOnce"})
	require.NoError(t, w.Start())
	defer w.Stop()

	began := time.Now()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: contract.QueueEscalations}, "SendOnce")
	require.NoError(t, err)
	var receipt page.Receipt
	require.NoError(t, run.Get(t.Context(), &receipt))
	require.Equal(t, page.Dead, receipt.Class)
	require.Equal(t, "the carrier is busy", receipt.Reason)
	require.Len(t, busy.tried, 2)
	require.GreaterOrEqual(t, time.Since(began), 1200*time.Millisecond, "it was retried earlier than the carrier asked")
}
