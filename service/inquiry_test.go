package service_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/service"
)

// due is what a sweep finds.
type due struct {
	sent []service.Sent
	err  error
}

func (d due) Claim(context.Context, []string, time.Time, int) ([]service.Sent, error) {
	return d.sent, d.err
}

// asker answers for one message by the name that the carrier gave it.
type asker map[string]page.Receipt

func (a asker) Ask(_ context.Context, _ page.Message, providerID string) (page.Receipt, error) {
	r, known := a[providerID]
	if !known {
		return r, fault.New(fault.NotFound, "never heard of it")
	}
	if r.Status == "" {
		return r, fault.New(fault.Unavailable, "HTTP 503")
	}
	return r, nil
}

func TestACallbackThatNeverCameIsAskedFor(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	var found due
	for _, key := range []string{"lost", "way", "gone", "down", "there"} {
		h.paged(key, "escalation/E-1", "ana", org.SMS)
		found.sent = append(found.sent, service.Sent{
			Message: page.Message{Key: key, Channel: org.SMS}, Workflow: "escalation/E-1",
			Last: page.Receipt{Key: key, Status: page.Accepted, Class: page.Pending, Provider: "twilio", ProviderID: "SM-" + key},
		})
	}
	inquiry := &service.Inquiry{
		Unheard: found, Receipts: h.receipts, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Askers: map[string]service.Asker{"twilio": asker{
			"SM-lost":  {Status: page.Undelivered, Class: page.Dead, Code: "30034", Provider: "twilio", ProviderID: "SM-lost"},
			"SM-way":   {Status: page.Accepted, Class: page.Pending, Provider: "twilio", ProviderID: "SM-way"},
			"SM-down":  {},
			"SM-there": {Status: page.Delivered, Class: page.Arrived, Provider: "twilio", ProviderID: "SM-there"},
		}},
	}
	want := []string{"escalation/E-1 receipt lost undelivered dead", "escalation/E-1 receipt there delivered arrived"}
	inquiry.Sweep(t.Context())
	require.Equal(t, want, h.engine.Told())

	require.NoError(t, h.receipts.Take(ctx(), page.Receipt{Key: "lost", Status: page.Undelivered, Class: page.Dead, Code: "30034", Provider: "twilio", ProviderID: "SM-lost"}))
	inquiry.Sweep(t.Context())
	require.Equal(t, want, h.engine.Told(), "the callback came after all, and it was asked for again: it is told once")

	(&service.Inquiry{Unheard: due{err: fault.New(fault.Unavailable, "no database")}, Receipts: h.receipts, Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Sweep(t.Context())
}
