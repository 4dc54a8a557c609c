package workflows_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/workflows"
)

// Every history that a release ever recorded must replay on the code of today: open escalations outlive deployments.
func TestRecordedHistoriesReplay(t *testing.T) {
	replayer := newReplayer(t, workflows.Escalation)
	found := 0
	err := filepath.WalkDir("testdata/histories", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		found++
		t.Run(strings.TrimSuffix(filepath.ToSlash(path[len("testdata/histories/"):]), ".json"), func(t *testing.T) {
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(quiet{}, path))
		})
		return nil
	})
	require.NoError(t, err)
	require.NotZero(t, found, "no recorded histories: run the end to end tests with BELAY_RECORD=1")
}

// The replay can fail: a run that does one thing more than was recorded is found out.
func TestAChangedWorkflowDoesNotReplay(t *testing.T) {
	changed := func(ctx workflow.Context, start contract.Start) error {
		if err := workflow.Sleep(ctx, 1); err != nil {
			return err
		}
		return workflows.Escalation(ctx, start)
	}
	path := firstHistory(t)
	require.Error(t, newReplayer(t, changed).ReplayWorkflowHistoryFromJSONFile(quiet{}, path))
}

func newReplayer(t *testing.T, escalation any) worker.WorkflowReplayer {
	t.Helper()
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DisableRegistrationAliasing: true})
	require.NoError(t, err)
	replayer.RegisterWorkflowWithOptions(escalation, workflow.RegisterOptions{Name: contract.WorkflowEscalation})
	replayer.RegisterWorkflowWithOptions(workflows.Conversation, workflow.RegisterOptions{Name: contract.WorkflowConversation})
	replayer.RegisterWorkflowWithOptions(workflows.Vendor, workflow.RegisterOptions{Name: contract.WorkflowVendor})
	return replayer
}

func firstHistory(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("testdata/histories/*/silence.json")
	require.NoError(t, err)
	require.NotEmpty(t, found)
	_, err = os.Stat(found[0])
	require.NoError(t, err)
	return found[0]
}
