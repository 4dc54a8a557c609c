package service

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

// Conversations are what the engine holds instead of the inbox while our records are away.
type Conversations interface {
	// Tell hands an event to a conversation, which begins with it if it does not run. Without an error the engine
	// has it, and whatever happens later cannot lose it. fault.Unavailable when the engine is away too.
	Tell(ctx context.Context, c contract.Conversation, e contract.Event) error
	// Placed waits for what became of an event. fault.Unavailable when no worker says so in time.
	Placed(ctx context.Context, hash, ident string) (contract.Placed, error)
	// Answering finds the escalations of a conversation that are open or acknowledged, newest first.
	Answering(ctx context.Context, hash string) ([]id.Escalation, error)
	// Talking lists the conversations that run, by their hash. What began within the last second may be missing.
	Talking(ctx context.Context) ([]string, error)
}

// Dark takes events while our records are away, and until every conversation that began then is on record.
type Dark struct {
	Conversations Conversations
	Lights        *Lights
	Secret        []byte // of the installation: what is hashed with it cannot be guessed from the hash
	Now           func() time.Time
	Log           *slog.Logger

	mu      sync.Mutex
	talking map[string]time.Time // until when at least
	looked  time.Time            // when the engine was last asked
	listed  time.Time            // when it was last asked and answered
	unsure  time.Time            // since when nobody knows which conversations run; zero: it is known
}

const (
	mostRawInTheDark     = 64 << 10        // bytes: an engine that keeps every event of a storm has its limits
	mostDetailsInTheDark = 64 << 10        // bytes of JSON
	freshFor             = 5 * time.Second // after the lights went out, for what was opened just before to be findable
	talkingAtLeast       = 5 * time.Second // a conversation just begun may not be listed yet
	duskLasts            = 10 * time.Minute
	lookAtDusk           = time.Second
	backFor              = 5 * time.Second  // after the lights came on, for other processes to see it and for what they began to be listed
	doubtLasts           = 30 * time.Second // of an engine that does not say which conversations run
	lookByDay            = 15 * time.Second
	lookInTheDark        = 5 * time.Second      // nothing is opened past the list then, and the engine has enough to do
	lookCosts            = 4 * time.Millisecond // that much rarer for each conversation that is listed
	handleWithin         = 4 * time.Second
)

// conversationPurpose keeps this hash apart from other things made with the same secret.
const conversationPurpose = "belay conversation v1\n"

// Hash names the conversation of a service and a dedup key to those who must know neither.
func (d *Dark) Hash(s id.Service, dedupKey string) string {
	if d == nil || dedupKey == "" {
		return ""
	}
	mac := hmac.New(sha256.New, d.Secret)
	mac.Write([]byte(conversationPurpose + string(s) + "\n" + dedupKey))
	return hex.EncodeToString(mac.Sum(nil)[:sha256.Size/2])
}

// Take hands an event to its conversation. The ident names the delivery; empty: it is the only one.
func (d *Dark) Take(ctx context.Context, in Incoming, ident string) (hash, delivery string, err error) {
	if ident == "" {
		ident = rand.Text()
	}
	hash = d.Hash(in.Service, in.Alert.DedupKey)
	e := eventOf(in)
	e.Ident = ident
	if since, out := d.Lights.Out(); out && d.Now().Sub(since) < freshFor {
		e.Fresh = true
	}
	ctx, cancel := context.WithTimeout(ctx, handleWithin)
	defer cancel()
	err = d.Conversations.Tell(ctx, contract.Conversation{Hash: hash, Service: in.Service, DedupKey: in.Alert.DedupKey}, e)
	if err != nil {
		return hash, ident, fmt.Errorf("hand the event to the engine: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.talking == nil {
		d.talking = map[string]time.Time{}
	}
	d.talking[hash] = d.Now().Add(talkingAtLeast)
	d.looked = time.Time{}
	return hash, ident, nil
}

// Placed is the escalation that an event opened, joined or addressed. fault.NotFound when there is none.
func (d *Dark) Placed(ctx context.Context, hash, ident string) (id.Escalation, error) {
	placed, err := d.Conversations.Placed(ctx, hash, ident)
	if err != nil { // or it was on record before we could ask
		open, failed := d.Conversations.Answering(ctx, hash)
		if failed != nil || len(open) == 0 {
			return "", err
		}
		return open[0], nil
	}
	if placed.Escalation == "" {
		return "", fault.New(fault.NotFound, "the event led to no escalation")
	}
	return placed.Escalation, nil
}

// Talks reports whether the conversation goes on in the engine, and its events belong there.
func (d *Dark) Talks(hash string) bool {
	if d == nil || hash == "" {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, talks := d.talking[hash]
	return talks
}

// Talking reports whether any conversation goes on in the engine.
func (d *Dark) Talking() bool {
	if d == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.talking) > 0
}

// Told reports whether it is known which conversations run, all that began in the dark among them. While it is not, what was quiet
// stays so: its end may have come meanwhile. An engine that does not say for long is not waited for.
func (d *Dark) Told() bool {
	if d == nil {
		return true
	}
	from := d.Lights.Back()
	if !from.IsZero() {
		from = from.Add(backFor)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.listed.IsZero() && !d.listed.Before(from) {
		d.unsure = time.Time{}
		return true
	}
	now := d.Now()
	if d.unsure.IsZero() {
		d.unsure = now
	}
	return now.Sub(d.unsure) > doubtLasts
}

// Look asks the engine, now and then, which conversations run: other processes begin them too.
func (d *Dark) Look(ctx context.Context) {
	if d == nil || !d.due() {
		return
	}
	asked := d.Now()
	listed, err := d.Conversations.Talking(ctx)
	if err != nil { // what was known stays
		d.Log.DebugContext(ctx, "conversations not listed", "error", err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.Now()
	d.listed = asked
	before := len(d.talking)
	maps.DeleteFunc(d.talking, func(_ string, until time.Time) bool { return !now.Before(until) })
	if d.talking == nil {
		d.talking = map[string]time.Time{}
	}
	for _, hash := range listed {
		if _, known := d.talking[hash]; !known {
			d.talking[hash] = now
		}
	}
	if before > 0 && len(d.talking) == 0 {
		d.Log.InfoContext(ctx, "everything that was taken while the records were away is on record")
	}
}

func (d *Dark) due() bool {
	every := lookByDay
	d.mu.Lock()
	defer d.mu.Unlock()
	_, out := d.Lights.Out()
	switch {
	case out:
		every = lookInTheDark
	case len(d.talking) > 0 || d.Lights.OutLately(duskLasts):
		every = max(lookAtDusk, time.Duration(len(d.talking))*lookCosts)
	}
	now := d.Now()
	if now.Sub(d.looked) < every && !(!out && d.Lights.OutLately(now.Sub(d.looked))) {
		return false
	}
	d.looked = now
	return true
}

// Run looks until the context ends.
func (d *Dark) Run(ctx context.Context) {
	tick := time.NewTicker(lookAtDusk)
	defer tick.Stop()
	for {
		d.Look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// eventOf is an event as the engine keeps it, without what would be too much for it.
func eventOf(in Incoming) contract.Event {
	e := contract.Event{
		Integration: in.Integration, Service: in.Service, Format: in.Format, Key: in.Key, Alert: in.Alert, Raw: in.Raw,
		ReceivedAt: in.ReceivedAt,
	}
	if len(e.Raw) > mostRawInTheDark {
		e.Raw = nil
	}
	if details, err := json.Marshal(e.Alert.Details); err != nil || len(details) > mostDetailsInTheDark {
		e.Alert.Details = nil
	}
	return e
}

// IncomingOf is an event that the engine kept, as the inbox takes it.
func IncomingOf(e contract.Event) Incoming {
	return Incoming{
		Integration: e.Integration, Service: e.Service, Format: e.Format, Key: e.Key, Alert: e.Alert, Raw: e.Raw,
		ReceivedAt: e.ReceivedAt,
	}
}

// Opening makes what an escalation with this number starts with, for an event that was taken in the dark.
func (s *Settler) Opening(e id.Escalation, event contract.Event) (contract.Start, error) {
	return s.opening(e, IncomingOf(event))
}
