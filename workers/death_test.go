package workers_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/internal/stack/stacktest"
	"github.com/belayhq/belay/store"
)

// mortalAt names the server for the process that is started to be killed: this test binary once more.
const mortalAt = "BELAY_TEST_MORTAL"

// mortalRoll is the database in which that process signs the roll; unset: it signs none.
const mortalRoll = "BELAY_TEST_MORTAL_ROLL"

// beMortal works until it is killed, or whoever started it has gone.
func beMortal(at string) {
	hands := &durable.Hands{}
	c, err := durable.Dial(durable.Options{Addr: at, Plain: true, Hands: hands})
	if err != nil {
		panic(err)
	}
	w := crew(c, stuck{})
	w.RegisterWorkflowWithOptions(tellAna, workflow.RegisterOptions{Name: "TellAna"})
	if roll := os.Getenv(mortalRoll); roll != "" {
		w = mindful(c)
		pool, err := store.Open(context.Background(), roll, store.Options{MaxConns: 2})
		if err != nil {
			panic(err)
		}
		go (&durable.Heirs{
			Client: c, Namespace: "default", Hands: hands, Roll: store.Sticky{Pool: pool}, Log: slog.New(slog.DiscardHandler),
		}).Run(context.Background())
	}
	if err := w.Start(); err != nil {
		panic(err)
	}
	fmt.Println("working")
	_, _ = os.Stdin.Read(make([]byte, 1)) // ends with whoever started us
}

// mortal is a worker in a process of its own.
type mortal struct {
	t    *testing.T
	cmd  *exec.Cmd
	says *bufio.Scanner
}

func (m *mortal) hear(what string) {
	m.t.Helper()
	for m.says.Scan() {
		if strings.HasPrefix(m.says.Text(), what) {
			return
		}
	}
	m.t.Fatalf("the worker ended before it said %q: %v", what, m.says.Err())
}

func (m *mortal) kill() {
	m.t.Helper()
	require.NoError(m.t, m.cmd.Process.Kill())
	_ = m.cmd.Wait()
}

func startMortal(t *testing.T, at string, env ...string) *mortal {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(append(os.Environ(), mortalAt+"="+at), env...)
	cmd.Stderr = os.Stderr
	_, err = cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	m := &mortal{t: t, cmd: cmd, says: bufio.NewScanner(out)}
	m.hear("working")
	return m
}

// stuck is a carrier that takes a message and never answers.
type stuck struct{}

func (stuck) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	fmt.Println("holding", m.Key)
	<-ctx.Done()
	return page.Receipt{}, ctx.Err()
}

func (stuck) Find(context.Context, page.Message, time.Time) (page.Receipt, bool, error) {
	return page.Receipt{}, false, nil
}

// slow is a carrier that takes as long as it is told to.
type slow struct {
	takes time.Duration
	done  chan string
}

func (s slow) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	select {
	case <-ctx.Done():
		return page.Receipt{}, ctx.Err()
	case <-time.After(s.takes):
		s.done <- "sent"
		return page.Receipt{Status: page.Accepted, Class: page.Pending}, nil
	}
}

func (s slow) Find(context.Context, page.Message, time.Time) (page.Receipt, bool, error) {
	s.done <- "asked"
	return page.Receipt{}, false, nil
}

// tellAna sends one message whose attempts may take an hour, as long as they show signs of life.
func tellAna(ctx workflow.Context, key string) (page.Receipt, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour, HeartbeatTimeout: 3 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 4},
	})
	var sent contract.Sent
	err := workflow.ExecuteActivity(ctx, contract.ActivitySend, contract.Send{Key: key, Purpose: page.Page, Person: "ana", Method: "mobile"}).Get(ctx, &sent)
	return sent.Receipt, err
}

func telling(t *testing.T, carrier activities.Carrier) (client.Client, string) {
	t.Helper()
	at := stacktest.Get(t).TemporalAddr
	c, err := durable.Dial(durable.Options{Addr: at, Plain: true})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	if carrier == nil {
		return c, at
	}
	w := crew(c, carrier)
	w.RegisterWorkflowWithOptions(tellAna, workflow.RegisterOptions{Name: "TellAna"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	return c, at
}

func tell(t *testing.T, c client.Client, key string) client.WorkflowRun {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: contract.QueueEscalations}, "TellAna", key)
	require.NoError(t, err)
	return run
}

// A page that a killed worker held leaves by another, which asks the carrier first, and does not wait for the end of what
// an attempt may take.
func TestAPageInTheHandsOfAKilledWorkerIsTakenUpByAnother(t *testing.T) {
	c, at := telling(t, nil)
	doomed := startMortal(t, at)
	run := tell(t, c, "k1")
	doomed.hear("holding k1")
	doomed.kill()
	killed := time.Now()

	heir := slow{done: make(chan string, 10)}
	telling(t, heir)
	var receipt page.Receipt
	require.NoError(t, run.Get(t.Context(), &receipt))
	require.Equal(t, page.Accepted, receipt.Status)
	t.Logf("taken up %s after the worker was killed", time.Since(killed).Round(time.Millisecond))
	close(heir.done)
	var happened []string
	for what := range heir.done {
		happened = append(happened, what)
	}
	require.Equal(t, []string{"asked", "sent"}, happened)
}

// An attempt that takes longer than the engine waits for a sign of life shows them, and stays the only one.
func TestASlowCarrierIsNotMistakenForADeadWorker(t *testing.T) {
	carrier := slow{takes: 6 * time.Second, done: make(chan string, 10)}
	c, _ := telling(t, carrier)
	var receipt page.Receipt
	require.NoError(t, tell(t, c, "k2").Get(t.Context(), &receipt))
	require.Equal(t, page.Accepted, receipt.Status)
	require.Len(t, carrier.done, 1)
	require.Equal(t, "sent", <-carrier.done)
}
