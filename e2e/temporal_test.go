package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/blueprint"
	machine "github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/durable"
)

func (h *house) temporal() client.Client {
	h.t.Helper()
	c, err := client.Dial(client.Options{HostPort: h.tempo})
	require.NoError(h.t, err)
	h.t.Cleanup(c.Close)
	return c
}

// Any Temporal client can answer: a signal with by, via, key and note, and the query "state".
func TestAPlainTemporalClientAcknowledges(t *testing.T) {
	h := quickHouse(t)
	h.fire("signal me", "signal", "critical")
	sms := h.told("signal me", "ana", "sms")
	c := h.temporal()
	run := "escalation/" + sms.Escalation
	ack := map[string]string{"by": "ana", "via": "pager", "key": "pager/1", "note": "on it"}
	for range 3 { // the pager's gateway is nervous
		require.NoError(t, c.SignalWorkflow(context.Background(), run, "", "acknowledge", ack))
	}
	require.NoError(t, c.SignalWorkflow(context.Background(), run, "", "acknowledge", "not even an object"))
	h.reaches(sms.Escalation, "acknowledged")
	value, err := c.QueryWorkflow(context.Background(), run, "", "state")
	require.NoError(t, err)
	var state map[string]any
	require.NoError(t, value.Get(&state))
	require.Equal(t, "acknowledged", state["state"])
	require.Equal(t, "ana", state["acknowledged_by"])
	require.NoError(t, c.SignalWorkflow(context.Background(), run, "", "escalate", map[string]string{"by": "ana", "via": "pager", "key": "pager/2"}))
	h.told("signal me", "eva", "sms")
	require.NoError(t, c.SignalWorkflow(context.Background(), run, "", "resolve", map[string]string{"by": "ana", "via": "pager", "key": "pager/3"}))
	h.reaches(sms.Escalation, "resolved")
	acks := 0
	for _, e := range h.timeline(sms.Escalation) {
		if e.Kind == "acknowledged" {
			acks++
		}
	}
	require.Equal(t, 1, acks)
}

// Signals that arrive while a run hands over to the next one are not lost, however many.
// Whoever hears of the end before the beginning tells nobody: so it is after an outage, and in a storm.
func TestWhatIsOverBeforeItBeginsTellsNobody(t *testing.T) {
	h := quickHouse(t)
	text, err := os.ReadFile("../examples/quick/quick.yaml")
	require.NoError(t, err)
	b, err := blueprint.Load([]blueprint.File{{Path: "quick.yaml", Content: text}}, time.LoadLocation)
	require.NoError(t, err)
	opening, err := machine.Prepare(b.Revision, b.Org, machine.Request{Title: "over before it began", Service: "payments", Priority: org.P1, At: time.Now()})
	require.NoError(t, err)
	opening.ID = "E-900001"
	engine := durable.Engine{Client: h.temporal()}
	require.NoError(t, engine.OpenSaid(t.Context(), contract.Start{Opening: opening}, contract.Resolve, contract.Word{By: "monitor", Via: "events"}))
	h.eventually(func() bool {
		status, _, err := h.try(http.MethodGet, "/v1/escalations/E-900001", nil)
		return err == nil && status == http.StatusOK
	}, "it is on record")
	h.reaches("E-900001", "resolved")
	require.Empty(t, h.messages("E-900001"))
	require.Equal(t, []string{"opened", "tier", "resolved"}, kinds(h.timeline("E-900001")))
}

func kinds(timeline []entry) (all []string) {
	for _, e := range timeline {
		all = append(all, e.Kind)
	}
	return all
}

func TestAFloodOfSignalsAcrossContinueAsNew(t *testing.T) {
	const flood = 5000
	h := quickHouse(t)
	h.fire("flood me", "flood", "critical")
	sms := h.told("flood me", "ana", "sms")
	h.says(sms.Escalation, "acknowledge", nil)
	c, run := h.temporal(), "escalation/"+sms.Escalation
	first := runID(t, c, run)
	var senders errgroup.Group
	senders.SetLimit(24)
	for i := range flood {
		senders.Go(func() error {
			return c.SignalWorkflow(context.Background(), run, "", "note", map[string]string{
				"by": "ana", "via": "pager", "key": fmt.Sprint("flood/", i), "note": fmt.Sprintf("drop %04d", i),
			})
		})
	}
	require.NoError(t, senders.Wait())
	h.says(sms.Escalation, "resolve", nil)
	drops := map[string]int{}
	h.eventually(func() bool {
		clear(drops)
		for _, e := range h.timeline(sms.Escalation) {
			if e.Kind == "note" {
				drops[e.Text]++
			}
		}
		return len(drops) >= flood
	}, "%d notes are in the timeline", flood)
	for text, times := range drops {
		require.Equal(t, 1, times, text)
	}
	h.eventually(func() bool { return runID(t, c, run) != first }, "history is handed over to another run")
	h.once()
}

func runID(t *testing.T, c client.Client, run string) string {
	t.Helper()
	described, err := c.DescribeWorkflowExecution(context.Background(), run, "")
	require.NoError(t, err)
	return described.WorkflowExecutionInfo.Execution.RunId
}

// One whole life must stay cheap in history: it is the scarcest resource.
func TestALifeIsShortInHistory(t *testing.T) {
	h := quickHouse(t)
	h.eventually(func() bool { return h.rules() == machine.CurrentRules }, "what opens now goes by the newest rules")
	h.fire("count me", "count", "critical")
	sms := h.told("count me", "ana", "sms")
	h.says(sms.Escalation, "acknowledge", nil)
	h.says(sms.Escalation, "resolve", nil)
	h.reaches(sms.Escalation, "resolved")
	events := h.history("escalation/" + sms.Escalation).Events
	// Into how many tasks and batches of entries a life falls depends on how busy the machine is: the bench holds the whole
	// to its budget, on one that does nothing else. What is done in a life does not depend on it.
	effects := map[enumspb.EventType]int{}
	for _, e := range events {
		effects[e.EventType]++
	}
	t.Logf("open, muster, send, receipt, ack, resolve, recorded: %d events: %v", len(events), effects)
	require.LessOrEqual(t, effects[enumspb.EVENT_TYPE_MARKER_RECORDED], 3, "lookups: %v", effects)
	require.LessOrEqual(t, effects[enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED], 1+7, "a message, and one activity for each of its entries at the very most: %v", effects)
	require.LessOrEqual(t, effects[enumspb.EVENT_TYPE_TIMER_STARTED], 6, "%v", effects)
	require.Equal(t, 2, effects[enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED], "%v", effects)
	require.LessOrEqual(t, effects[enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES], 3, "%v", effects)
}

func (h *house) history(run string) *historypb.History {
	h.t.Helper()
	all := &historypb.History{}
	iterator := h.temporal().GetWorkflowHistory(context.Background(), run, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for iterator.HasNext() {
		e, err := iterator.Next()
		require.NoError(h.t, err)
		all.Events = append(all.Events, e)
	}
	return all
}

// With BELAY_RECORD=<release> the histories of these scenes are kept for the replay tests of every later release.
func TestHistoriesAreRecorded(t *testing.T) {
	release := os.Getenv("BELAY_RECORD")
	if release == "" {
		t.Skip("set BELAY_RECORD=<release> to record histories into workflows/testdata/histories")
	}
	h := quickHouse(t)
	h.eventually(func() bool { return h.rules() == machine.CurrentRules }, "what opens now goes by the newest rules")
	for _, scene := range []struct {
		name string
		play func(title string) (escalation string)
	}{
		{"ack", func(title string) string {
			sms := h.told(title, "ana", "sms")
			h.replies(sms, "ack "+sms.Escalation[2:])
			h.says(sms.Escalation, "resolve", nil)
			return sms.Escalation
		}},
		{"silence", func(title string) string {
			id := h.told(title, "ana", "sms").Escalation
			h.told(title, "acquire-desk", "email")
			h.told(title, "nimbus-lead", "sms")
			time.Sleep(6 * time.Second) // into the catch-all
			h.says(id, "resolve", nil)
			return id
		}},
		{"carrier", func(title string) string {
			sms := h.told(title, "ana", "sms")
			h.fails(sms, "undelivered", "30034")
			h.fails(h.told(title, "ana", "voice"), "busy", "")
			h.replies(h.told(title, "ben", "sms"), "ack "+sms.Escalation[2:])
			h.says(sms.Escalation, "resolve", nil)
			return sms.Escalation
		}},
		{"verbs", func(title string) string {
			id := h.told(title, "ana", "sms").Escalation
			h.says(id, "acknowledge", nil)
			h.says(id, "note", map[string]string{"note": "looking"})
			h.says(id, "escalate", map[string]string{"direction": "hierarchic"})
			h.told(title, "eva", "sms")
			h.says(id, "reassign", map[string]any{"to": map[string]string{"person": "ben"}})
			h.told(title, "ben", "sms")
			h.says(id, "snooze", map[string]any{"until": time.Now().Add(3 * time.Second).UTC().Format(time.RFC3339Nano)})
			time.Sleep(4 * time.Second) // the snooze ends
			h.says(id, "prioritise", map[string]string{"priority": "P3"})
			h.says(id, "resolve", nil)
			h.says(id, "reopen", nil)
			h.fire(title, title, "critical")
			h.says(id, "resolve", nil)
			return id
		}},
		{"open", func(title string) string { // still running when it is recorded
			id := h.told(title, "ana", "voice").Escalation
			return id
		}},
	} {
		title := "recorded " + scene.name
		h.fire(title, title, "error")
		id := scene.play(title)
		h.record(release, scene.name, "escalation/"+id)
		if scene.name == "silence" {
			h.record(release, "vendor", "vendor/"+id+"/nimbus/1")
		}
	}
}

// rules by which escalations are opened now.
func (h *house) rules() int {
	h.t.Helper()
	response, err := http.Get("http://" + h.http + "/metrics")
	require.NoError(h.t, err)
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	require.NoError(h.t, err)
	_, after, _ := strings.Cut(string(said), "\nbelay_rules ")
	rules, err := strconv.Atoi(strings.Fields(after + " 0")[0])
	require.NoError(h.t, err)
	return rules
}

// Who ran it and where is nobody's business.
var (
	identity = regexp.MustCompile(`"identity": *"[^"]*"`)
	ownQueue = regexp.MustCompile(`"[^":]+:([0-9a-f]{8}-[0-9a-f-]{27})"`) // host and a number
)

func (h *house) record(release, name, run string) {
	h.t.Helper()
	raw, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(h.history(run))
	require.NoError(h.t, err)
	raw = identity.ReplaceAll(raw, []byte(`"identity": "belay"`))
	raw = ownQueue.ReplaceAll(raw, []byte(`"belay:$1"`))
	dir := filepath.Join("..", "workflows", "testdata", "histories", release)
	require.NoError(h.t, os.MkdirAll(dir, 0o755))
	require.NoError(h.t, os.WriteFile(filepath.Join(dir, name+".json"), append(raw, '\n'), 0o644))
	h.t.Log(fmt.Sprint("recorded ", run, " as ", name))
}
