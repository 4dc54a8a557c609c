// Package activities holds the impure verbs of the workflows: each file is one struct and the small ports it needs.
package activities

import (
	"context"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// Directories gives the organisation as it is now, from memory.
type Directories interface {
	Current() policy.Directory
}

// Revisions gives the organisation as it was.
type Revisions interface {
	Org(ctx context.Context, revision id.Revision) (*org.Org, error)
}

// Carrier delivers messages of one channel.
type Carrier interface {
	// Send hands the message to the provider. A definite refusal is a receipt of class dead, transient or barred and
	// a nil error; an error means that nobody knows whether the message left, or that trying again is right.
	Send(ctx context.Context, m page.Message) (page.Receipt, error)
	// Find looks up whether an earlier Send of this message, begun at since, reached the provider after all.
	Find(ctx context.Context, m page.Message, since time.Time) (page.Receipt, bool, error)
}

// Ledger makes "at least once" in the engine into "once" for the human.
type Ledger interface {
	// Begin notes that a message is about to leave, which was decided then, and tells of earlier attempts with the same key.
	Begin(ctx context.Context, m page.Message, workflow string, decided, at time.Time) (contract.Prior, error)
	// Silenced tells, without noting anything, whether a message is not wanted any more that was decided then.
	Silenced(ctx context.Context, m page.Message, workflow string, decided time.Time) (bool, error)
	// Finish notes what the carrier answered.
	Finish(ctx context.Context, r page.Receipt) error
}

// Journal writes entries and the row they lead to, in one transaction. Entries already written are left as they are;
// a row is replaced only by a newer one (Seq, then Looks).
type Journal interface {
	Write(ctx context.Context, r contract.Record) error
}

// Barrier keeps methods from being used again.
type Barrier interface {
	Bar(ctx context.Context, b contract.Bar) error
}

// Linker makes the signed link with which a person can answer.
type Linker interface {
	// It depends on its arguments alone: at is when the message was decided, not when it is sent.
	Link(workflow string, person id.Person, key string, at time.Time) string
}
