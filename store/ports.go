package store

import (
	"context"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/service"
)

// What the rooms above expect of this one. The ports of the activities are repeated here, because the store may not
// import those.
var (
	_ service.Inbox           = Inbox{}
	_ service.Escalations     = Escalations{}
	_ service.Revisions       = Revisions{}
	_ service.Overrides       = Overrides{}
	_ service.Barred          = Barred{}
	_ service.Tokens          = Tokens{}
	_ service.Idempotency     = Idempotency{}
	_ service.Messages        = Messages{}
	_ service.Unheard         = Messages{}
	_ service.SandboxMessages = Sandbox{}
	_ service.WatchRecords    = (*Watch)(nil)
	_ service.DigestBook      = Digests{}

	_ interface {
		Write(ctx context.Context, r contract.Record) error
	} = Journal{}
	_ interface {
		Begin(ctx context.Context, m page.Message, workflow string, decided, at time.Time) (contract.Prior, error)
		Finish(ctx context.Context, r page.Receipt) error
	} = Ledger{}
)
