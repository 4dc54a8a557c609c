package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
)

// Intake takes what monitors send.
type Intake struct {
	Organisation Organisation
	Inbox        Inbox
	Settler      *Settler
	Pool         *Pool
	Now          func() time.Time
	Log          *slog.Logger
}

// settleWithin bounds the work beside a request; what takes longer is left to the relay.
const settleWithin = 20 * time.Second

// Accept takes one decoded event for the integration with this key and answers its dedup key. When it returns without
// an error the event is on disk, and whatever happens later cannot lose it. An unknown key is fault.NotFound.
func (i *Intake) Accept(ctx context.Context, key string, a alert.Alert, raw []byte, format string) (string, error) {
	integration, ok := integrationByKey(i.Organisation.Current().Org, key)
	if !ok {
		return "", fault.New(fault.NotFound, "no integration has this key")
	}
	if a.DedupKey == "" {
		if a.Action != alert.Trigger {
			return "", fault.Field("dedup_key", "say which alert to %s", a.Action)
		}
		a.DedupKey = rand.Text()
	}
	seq, known, err := i.Inbox.Accept(ctx, Incoming{
		Integration: integration.ID,
		Service:     integration.Service,
		Format:      format,
		Alert:       a,
		Raw:         raw,
		ReceivedAt:  i.Now(),
	})
	if err != nil {
		return "", fmt.Errorf("keep the event of integration %s: %w", integration.ID, err)
	}
	if !known {
		i.settle(ctx, seq)
	}
	return a.DedupKey, nil
}

// settle goes on beside the request, so that the sender has its answer now. When everybody is busy the relay does it.
func (i *Intake) settle(ctx context.Context, seq int64) {
	i.Pool.Go(ctx, func(ctx context.Context) {
		// Also when the process is about to stop: what was begun here is done soonest here.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
		defer cancel()
		if err := i.Settler.Settle(ctx, seq); err != nil {
			i.Log.WarnContext(ctx, "event left to the relay", "event", seq, "error", err)
		}
	})
}

// integrationByKey compares hashes with every key: the time it takes tells nothing about any of them.
func integrationByKey(o *org.Org, key string) (org.Integration, bool) {
	var found org.Integration
	var ok bool
	sought := sha256.Sum256([]byte(key))
	for _, candidate := range o.Integrations {
		held := sha256.Sum256([]byte(candidate.Key))
		if candidate.Key != "" && subtle.ConstantTimeCompare(sought[:], held[:]) == 1 {
			found, ok = candidate, true
		}
	}
	return found, ok
}
