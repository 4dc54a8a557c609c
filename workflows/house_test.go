package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/workflows"
)

// house runs workflows in the SDK's test environment, on a clock that skips, with the real activities over fakes: a
// carrier that remembers, and a journal in memory.
type house struct {
	t         *testing.T
	env       *testsuite.TestWorkflowEnvironment
	started   time.Time
	directory policy.Directory

	mu       sync.Mutex
	told     []string // "+5s ben sms"
	keys     map[string]bool
	carrier  func(m page.Message) (page.Receipt, error)
	journal  []escalation.Entry
	summary  escalation.Summary
	dark     int // the next so many writes of the journal fail
	rules    int // of the opening; 0: the newest
	largest  int // batch of the journal, in bytes as Temporal carries it
	children []string
	ended    *contract.Word // with the opening
	lost     func() error   // what reading an earlier revision fails with
}

var threeAM = time.Date(2026, 12, 25, 3, 0, 0, 0, time.UTC)

func newHouse(t *testing.T) *house {
	text, err := os.ReadFile("../examples/quick/quick.yaml")
	require.NoError(t, err)
	b, err := blueprint.Load([]blueprint.File{{Path: "quick.yaml", Content: text}}, time.LoadLocation)
	require.NoError(t, err)
	h := &house{t: t, started: threeAM, keys: map[string]bool{}, directory: policy.Directory{Revision: b.Revision, Org: b.Org}}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	h.env = suite.NewTestWorkflowEnvironment()
	h.env.SetStartTime(threeAM)
	h.env.SetTestTimeout(20 * time.Second)
	h.env.RegisterWorkflowWithOptions(workflows.Escalation, workflow.RegisterOptions{Name: contract.WorkflowEscalation})
	h.env.RegisterWorkflowWithOptions(workflows.Vendor, workflow.RegisterOptions{Name: contract.WorkflowVendor})
	directory := &activities.Directory{Directories: h}
	planner := &activities.Planner{Revisions: h, Directories: h, Now: h.env.Now}
	pager := &activities.Pager{
		Directories: h, Ledger: h, Carriers: map[org.Channel]activities.Carrier{org.SMS: h, org.Voice: h, org.Email: h}, Linker: h, Barrier: h, Journal: h,
		Words: func(m page.Message, _ org.Person) (string, string) { return "", m.Brief.Title }, Now: h.env.Now,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	recorder := &activities.Recorder{Journal: h}
	for name, fn := range map[string]any{
		contract.ActivityMuster: directory.Muster, contract.ActivityReckon: directory.Reckon,
		contract.ActivityCompile: planner.Compile, contract.ActivityEngage: planner.Engage,
		contract.ActivitySend: pager.Send, contract.ActivityBar: pager.Bar, contract.ActivityRecord: recorder.Write,
	} {
		h.env.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
	h.env.SetOnChildWorkflowStartedListener(func(info *workflow.Info, _ workflow.Context, _ converterArgs) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.children = append(h.children, info.WorkflowExecution.ID)
	})
	return h
}

func (h *house) Current() policy.Directory { return h.directory }
func (h *house) Org(context.Context, id.Revision) (*org.Org, error) {
	if h.lost != nil {
		if err := h.lost(); err != nil {
			return nil, err
		}
	}
	return h.directory.Org, nil
}
func (h *house) Link(workflow string, _ id.Person, _ string, _ time.Time) string {
	return "https://belay.example/a/" + workflow
}
func (h *house) Bar(context.Context, contract.Bar) error    { return nil }
func (h *house) Finish(context.Context, page.Receipt) error { return nil }
func (h *house) Silenced(context.Context, page.Message, string, time.Time) (bool, error) {
	return false, nil
}
func (h *house) Find(context.Context, page.Message, time.Time) (page.Receipt, bool, error) {
	return page.Receipt{}, false, nil
}

func (h *house) Begin(context.Context, page.Message, string, time.Time, time.Time) (contract.Prior, error) {
	return contract.Prior{}, nil
}

func (h *house) Send(_ context.Context, m page.Message) (page.Receipt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.carrier != nil {
		r, err := h.carrier(m)
		if err != nil {
			return page.Receipt{}, err
		}
		h.note(m)
		return r, nil
	}
	h.note(m)
	return page.Receipt{Status: page.Delivered, Class: page.Arrived, Provider: "fake"}, nil
}

func (h *house) note(m page.Message) {
	require.False(h.t, h.keys[m.Key], "message %s left twice", m.Key)
	h.keys[m.Key] = true
	line := fmt.Sprintf("+%s %s %s", h.env.Now().Sub(h.started).Round(100*time.Millisecond), m.Person, m.Channel)
	if m.Purpose == page.Inform {
		line += " inform"
	}
	h.told = append(h.told, line)
}

func (h *house) Write(_ context.Context, r contract.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dark > 0 {
		h.dark--
		return fault.New(fault.Unavailable, "database")
	}
	raw, err := json.Marshal(r)
	require.NoError(h.t, err)
	h.largest = max(h.largest, len(raw))
	for _, e := range r.Entries { // as the store does: in any order, each once
		at, known := slices.BinarySearchFunc(h.journal, e.Seq, func(kept escalation.Entry, seq int) int { return kept.Seq - seq })
		if !known {
			h.journal = slices.Insert(h.journal, at, e)
		}
	}
	if r.Summary.Seq >= h.summary.Seq {
		h.summary = r.Summary
	}
	return nil
}

func (h *house) opening() escalation.Opening {
	o, err := escalation.Prepare(h.directory.Revision, h.directory.Org, escalation.Request{
		Title: "card payments fail", Service: "payments", Priority: org.P1, At: threeAM, By: escalation.Answer{By: "monitor", Via: "events"},
	})
	require.NoError(h.t, err)
	o.ID = "E-42"
	if h.rules > 0 {
		o.Rules = h.rules
	}
	return o
}

func (h *house) run() {
	h.t.Helper()
	h.env.SetStartWorkflowOptions(startOptions(contract.EscalationID("E-42")))
	h.env.ExecuteWorkflow(contract.WorkflowEscalation, contract.Start{Opening: h.opening(), Ended: h.ended})
	require.True(h.t, h.env.IsWorkflowCompleted())
}

func (h *house) at(after time.Duration, do func()) { h.env.RegisterDelayedCallback(do, after) }

// says hands over a word as our own surfaces do, by update, and keeps the answer.
func (h *house) says(after time.Duration, verb string, w contract.Word, heard *contract.Reply) {
	h.at(after, func() {
		h.env.UpdateWorkflow(verb, w.Key, &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { h.t.Errorf("%s was rejected: %v", verb, err) },
			OnComplete: func(result any, err error) {
				require.NoError(h.t, err)
				if heard != nil {
					*heard = result.(contract.Reply)
				}
			},
		}, w)
	})
}

// texts are the entries of these kinds.
func (h *house) texts(kinds ...escalation.EntryKind) []string {
	var out []string
	for i, e := range h.journal {
		require.Equal(h.t, i+1, e.Seq, "the timeline has a gap or is out of order: %+v", h.journal)
		for _, k := range kinds {
			if e.Kind == k {
				out = append(out, e.Text)
			}
		}
	}
	return out
}

type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
