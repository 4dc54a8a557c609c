package workers

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Replay runs the recorded histories of a directory (*.json) on the workflows of this build and returns how many there
// were. The error names the first that a run of today would continue differently.
func Replay(dir string) (int, error) {
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DisableRegistrationAliasing: true})
	if err != nil {
		return 0, fmt.Errorf("prepare a replay: %w", err)
	}
	for name, run := range stories() {
		replayer.RegisterWorkflowWithOptions(run, workflow.RegisterOptions{Name: name})
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return 0, fmt.Errorf("list histories: %w", err)
	}
	quiet := log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	for i, path := range found {
		if _, err := os.Stat(path); err != nil {
			return i, fmt.Errorf("read a history: %w", err)
		}
		if err := replayer.ReplayWorkflowHistoryFromJSONFile(quiet, path); err != nil {
			return i, fmt.Errorf("replay %s: %w", filepath.Base(path), err)
		}
	}
	return len(found), nil
}
