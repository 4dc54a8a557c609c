package contract

import "time"

// What the watchdog asks the engine, to compare it with the record.

// Run is what became of a workflow.
type Run string

const (
	Running Run = "running"
	Over    Run = "over"   // completed, failed, terminated
	Absent  Run = "absent" // never was, or was deleted
)

// QueueKind is what a task queue hands out.
type QueueKind string

const (
	WorkflowTasks QueueKind = "workflow"
	ActivityTasks QueueKind = "activity"
)

// Queue is a task queue as its server sees it.
type Queue struct {
	Name    string
	Kind    QueueKind
	Backlog int64         // tasks that no worker has taken
	Age     time.Duration // of the oldest of them
	Polled  time.Time     // when a worker last asked for work, by the server's clock; zero: nobody for minutes
}
