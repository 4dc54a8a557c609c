package bench

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
)

func TestAShapeIsReadFromAHistory(t *testing.T) {
	const (
		task    = enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
		work    = enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
		timer   = enumspb.EVENT_TYPE_TIMER_STARTED
		word    = enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
		fired   = enumspb.EVENT_TYPE_TIMER_FIRED
		signal  = enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
		upsert  = enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
		marker  = enumspb.EVENT_TYPE_MARKER_RECORDED
		started = enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED
	)
	var events []*historypb.HistoryEvent
	for _, kind := range []enumspb.EventType{started, task, marker, work, work, timer, task, work, task, word, upsert, work, signal, task, work, timer, fired, task, work} {
		e := &historypb.HistoryEvent{EventType: kind}
		if kind == marker {
			e.Attributes = &historypb.HistoryEvent_MarkerRecordedEventAttributes{
				MarkerRecordedEventAttributes: &historypb.MarkerRecordedEventAttributes{MarkerName: "LocalActivity"},
			}
		}
		events = append(events, e)
	}
	got := shapeOf(events)
	require.Equal(t, shape{[]phase{{Locals: 1, Waves: []int{2, 1}, Timers: 1}, {Waves: []int{1}}, {Waves: []int{1}}, {Fired: true, Waves: []int{1}}}}, got)
	require.Equal(t, "1 local, 6 activities, 2 timers, 2 words", got.String())
}

func TestABareLifeDoesWhatItsShapeSays(t *testing.T) {
	env := (&testsuite.WorkflowTestSuite{}).NewTestWorkflowEnvironment()
	var locals, steps int
	env.RegisterActivityWithOptions(func(context.Context) error { locals++; return nil }, activity.RegisterOptions{Name: bareLocal})
	env.RegisterActivityWithOptions(func(_ context.Context, in alarm) error { require.Equal(t, "run", in.Run); return nil }, activity.RegisterOptions{Name: bareStep})
	env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == bareStep {
			steps++
		}
	})
	for i := range 2 {
		env.RegisterDelayedCallback(func() { env.UpdateWorkflowNoRejection(updateSay, "", t) }, time.Duration(i+1)*time.Second)
	}
	env.ExecuteWorkflow(runLife, life{Run: "run", Shape: shape{[]phase{{Locals: 2, Waves: []int{2, 1}, Timers: 1}, {Waves: []int{1}}, {}, {Fired: true, Waves: []int{1}}}}})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 2, locals)
	require.Equal(t, 5, steps)
}
