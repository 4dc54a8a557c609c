package main

import (
	"slices"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const nap = 4 * time.Second

var (
	priority = temporal.NewSearchAttributeKeyKeyword("Priority")
	tier     = temporal.NewSearchAttributeKeyInt64("Tier")
)

// napping shows where it is in a search attribute, sleeps across whatever happens to the server, and wakes.
func napping(ctx workflow.Context) (string, error) {
	if err := workflow.UpsertTypedSearchAttributes(ctx, tier.ValueSet(2)); err != nil {
		return "", err
	}
	if err := workflow.Sleep(ctx, nap); err != nil {
		return "", err
	}
	return "awake", nil
}

func connect(t *testing.T, s *stack) client.Client {
	t.Helper()
	c, err := client.DialContext(deadline(t, 20*time.Second), client.Options{HostPort: s.TemporalAddr, Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	w := worker.New(c, "naps", worker.Options{})
	w.RegisterWorkflowWithOptions(napping, workflow.RegisterOptions{Name: "napping"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	t.Cleanup(w.Stop)
	return c
}

func TestSleepingWorkflowSurvivesKill(t *testing.T) {
	args := with(free, "--home", home(t), "--search-attribute", "Priority=Keyword", "--search-attribute", "Tier=Int")
	first := launchStack(t, args...)
	ctx := deadline(t, 2*time.Minute)

	before := connect(t, first)
	run, err := before.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "sleeper", TaskQueue: "naps", TypedSearchAttributes: temporal.NewSearchAttributes(priority.ValueSet("P1")),
	}, "napping")
	if err != nil {
		t.Fatalf("search attributes must be usable once devstack is ready: %v", err)
	}
	eventually(t, "the timer is set", func() bool { return saw(t, before, run.GetID(), enumspb.EVENT_TYPE_TIMER_STARTED) })
	eventually(t, "the workflow is found by both attributes", func() bool {
		found, err := before.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: "Priority = 'P1' AND Tier = 2"})
		return err == nil && found.GetCount() == 1
	})
	if saw(t, before, run.GetID(), enumspb.EVENT_TYPE_TIMER_FIRED) {
		t.Fatal("the nap is too short for this machine: the timer fired before the kill")
	}
	first.kill()

	began := time.Now()
	second := launchStack(t, args...)
	t.Logf("ready again %s after kill -9", time.Since(began).Round(time.Millisecond))
	var result string
	if err := connect(t, second).GetWorkflow(ctx, "sleeper", "").Get(ctx, &result); err != nil || result != "awake" {
		t.Fatalf("got %q, %v", result, err)
	}
}

func saw(t *testing.T, c client.Client, id string, kind enumspb.EventType) bool {
	t.Helper()
	events := c.GetWorkflowHistory(deadline(t, 20*time.Second), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var kinds []enumspb.EventType
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, event.GetEventType())
	}
	return slices.Contains(kinds, kind)
}
