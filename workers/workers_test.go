package workers

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/contract"
)

// roster is a registry that only remembers names.
type roster struct {
	worker.Registry
	workflows  []string
	behaviours []workflow.VersioningBehavior
	activities []string
}

func (r *roster) RegisterWorkflowWithOptions(_ any, o workflow.RegisterOptions) {
	r.workflows = append(r.workflows, o.Name)
	r.behaviours = append(r.behaviours, o.VersioningBehavior)
}

func (r *roster) RegisterActivityWithOptions(_ any, o activity.RegisterOptions) {
	r.activities = append(r.activities, o.Name)
}

func deps() Deps {
	return Deps{
		Directory: &activities.Directory{}, Planner: &activities.Planner{}, Warden: &activities.Warden{}, Pager: &activities.Pager{}, Recorder: &activities.Recorder{},
		Doorman: &activities.Doorman{},
	}
}

func TestEverythingInTheContractIsRegisteredUnderItsName(t *testing.T) {
	var r roster
	Register(&r, deps())
	require.ElementsMatch(t, []string{contract.WorkflowEscalation, contract.WorkflowVendor, contract.WorkflowConversation}, r.workflows)
	require.ElementsMatch(t, []string{
		contract.ActivityMuster, contract.ActivityReckon, contract.ActivityCompile, contract.ActivityEngage,
		contract.ActivitySend, contract.ActivityBar, contract.ActivityRecord, contract.ActivityPlace, contract.ActivityReconcile, contract.ActivityJudge,
	}, r.activities)
	for _, behaviour := range r.behaviours {
		require.Equal(t, workflow.VersioningBehaviorAutoUpgrade, behaviour, "pinned runs would keep old builds alive for months")
	}
}

func TestOneBadDeployEndsNoRun(t *testing.T) {
	require.Equal(t, worker.BlockWorkflow, Options{}.worker().WorkflowPanicPolicy)
	require.Equal(t, worker.FailWorkflow, Options{FailOnPanic: true}.worker().WorkflowPanicPolicy)
}

func TestVersioningIsAskedFor(t *testing.T) {
	require.False(t, Options{}.worker().DeploymentOptions.UseVersioning)
	versioned := Options{BuildID: "1.2.0"}.worker().DeploymentOptions
	require.True(t, versioned.UseVersioning)
	require.Equal(t, "1.2.0", versioned.Version.BuildID)
	require.Zero(t, versioned.DefaultVersioningBehavior, "a workflow that nobody has classified must not register")
}
