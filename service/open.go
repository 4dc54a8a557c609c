package service

import (
	"context"
	"crypto/rand"
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
	in, err := in.checked(o.Organisation.Current().Org)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(request{By: c.Actor(), Name: c.Name, Via: c.Via, Kind: in.Kind, Priority: in.Priority})
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "write down the request")
	}
	seq, _, err := o.Inbox.Accept(ctx, Incoming{
		Service: in.Service,
		Format:  formatManual,
		Key:     in.key(c),
		Alert: alert.Alert{
			Action: alert.Trigger, DedupKey: in.DedupKey, Title: in.Title, Source: in.Source,
			Severity: in.Severity, Links: in.Links, Details: in.Details,
		},
		Raw:        raw,
		ReceivedAt: o.Now(),
	})
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

func (o Opening) checked(now *org.Org) (Opening, error) {
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
	if o.DedupKey == "" {
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
