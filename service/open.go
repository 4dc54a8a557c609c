package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Arrivals tells what became of an event.
type Arrivals interface {
	// EscalationOf is the escalation that a settled event opened or joined. fault.NotFound when there is none.
	EscalationOf(ctx context.Context, seq int64) (id.Escalation, error)
}

// Open opens escalations by hand. They go the way of every alert, through the inbox.
type Open struct {
	Organisation Organisation
	Inbox        Inbox
	Arrivals     Arrivals
	Settler      *Settler
	Lights       *Lights // nil: the records are always asked
	Dark         *Dark   // nil: without the records nothing is opened
	Access       Access
	Now          func() time.Time
}

// Opening is what a caller says of an escalation to open.
type Opening struct {
	Service  id.Service
	Title    string
	Priority org.Priority   // empty: from the service's impact and the severity
	Severity alert.Severity // empty: error
	Kind     org.Kind       // empty: technical
	DedupKey string         // empty: always a new escalation
	Source   string
	Details  map[string]any
	Links    []alert.Link
	Key      string // idempotency key; empty: every call is one of its own
}

const longestTitle = 1024 // runes, as PagerDuty's summary

// Do opens an escalation, or joins the open one with the same dedup key, and answers which it is.
func (o *Open) Do(ctx context.Context, c Caller, in Opening) (id.Escalation, error) {
	if err := o.Access.May(c, OpenEscalation); err != nil {
		return "", err
	}
	in, err := in.checked(c, o.Organisation.Current().Org)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(request{By: c.Actor(), Name: c.Name, Via: c.Via, Kind: in.Kind, Priority: in.Priority})
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "write down the request")
	}
	event := Incoming{
		Service: in.Service,
		Format:  formatManual,
		Key:     in.key(c),
		Alert: alert.Alert{
			Action: alert.Trigger, DedupKey: in.DedupKey, Title: in.Title, Source: in.Source,
			Severity: in.Severity, Links: in.Links, Details: in.Details,
		},
		Raw:        raw,
		ReceivedAt: o.Now().Truncate(time.Microsecond), // as the inbox keeps it
	}
	if o.Dark.Talks(o.Dark.Hash(event.Service, event.Alert.DedupKey)) {
		return o.inTheDark(ctx, event)
	}
	var e id.Escalation
	err = o.Lights.Ask(ctx, settleWithin, func(ctx context.Context) (err error) {
		e, err = o.byInbox(ctx, event)
		return err
	})
	if fault.Is(err, fault.Unavailable) && o.Dark != nil && ctx.Err() == nil && o.Lights.Gone(ctx) {
		return o.inTheDark(ctx, event)
	}
	return e, err
}

// byInbox opens through the inbox.
func (o *Open) byInbox(ctx context.Context, event Incoming) (id.Escalation, error) {
	bounded, cancel := context.WithTimeout(ctx, acceptWithin)
	defer cancel()
	seq, _, err := o.Inbox.Accept(bounded, event)
	if err != nil {
		return "", fmt.Errorf("keep the request: %w", err)
	}
	if err := o.Settler.Settle(ctx, seq); err != nil && !fault.Retryable(err) {
		return "", err
	}
	// An engine that is away is the relay's affair: the escalation exists, and its number is known.
	e, err := o.Arrivals.EscalationOf(ctx, seq)
	if err != nil {
		return "", fmt.Errorf("find the escalation: %w", err)
	}
	return e, nil
}

// inTheDark opens through the engine. The same request with the same key is the same delivery.
func (o *Open) inTheDark(ctx context.Context, event Incoming) (id.Escalation, error) {
	hash, ident, err := o.Dark.Take(ctx, event, event.Key)
	if err != nil {
		return "", err
	}
	e, err := o.Dark.Placed(ctx, hash, ident)
	if fault.Is(err, fault.Unavailable) {
		return "", fault.Wrap(fault.Unavailable, err, "the request is kept and will be opened; its number is not known yet")
	}
	return e, err
}

func (o Opening) checked(c Caller, now *org.Org) (Opening, error) {
	if o.Service == "" {
		return o, fault.Field("service", "say which service is broken")
	}
	if _, ok := now.Services[o.Service]; !ok {
		return o, fault.Field("service", "there is no service %q", o.Service)
	}
	switch n := utf8.RuneCountInString(o.Title); {
	case n == 0:
		return o, fault.Field("title", "say what is wrong")
	case n > longestTitle:
		return o, fault.Field("title", "%d characters are too many, %d are allowed", n, longestTitle)
	}
	if o.Severity == "" {
		o.Severity = alert.Error
	}
	if o.Kind == "" {
		o.Kind = org.Technical
	}
	switch {
	case o.DedupKey == "" && o.Key != "": // repeated by another process, the request is the same conversation
		sum := sha256.Sum256([]byte(o.key(c)))
		o.DedupKey = hex.EncodeToString(sum[:sha256.Size/2])
	case o.DedupKey == "":
		o.DedupKey = rand.Text()
	}
	if err := knownSeverity(o.Severity); err != nil {
		return o, err
	}
	if o.Priority != "" {
		if err := knownPriority(o.Priority); err != nil {
			return o, err
		}
	}
	return o, knownKind(o.Kind)
}

// key keeps the idempotency keys of different callers apart.
func (o Opening) key(c Caller) string {
	if o.Key == "" {
		return ""
	}
	return c.Actor() + "/" + o.Key
}
