package service_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
)

func TestAReceiptReachesTheWorkflowThatSentTheMessage(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	h.paged("E-1/t1/ana/mobile/1", "escalation/E-1", "ana", org.SMS)
	undelivered := page.Receipt{Key: "E-1/t1/ana/mobile/1", Status: page.Undelivered, Class: page.Dead, Code: "30034"}

	for range 3 {
		require.NoError(t, h.receipts.Take(ctx(), undelivered))
	}
	require.Equal(t, []string{"escalation/E-1 receipt E-1/t1/ana/mobile/1 undelivered dead"}, h.engine.Told(),
		"a repeated receipt changes nothing")
}

func TestAReceiptIsFoundByTheProvidersName(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	h.paged("k", "escalation/E-1", "ana", org.Voice)
	err := h.receipts.Take(ctx(), page.Receipt{Provider: "twilio", ProviderID: "CA-k", Status: page.Busy, Class: page.Dead})
	require.NoError(t, err)
	require.Equal(t, []string{"escalation/E-1 receipt k busy dead"}, h.engine.Told())
}

func TestAReceiptForNothingIsDropped(t *testing.T) {
	h := newHouse(t)
	require.NoError(t, h.receipts.Take(ctx(), page.Receipt{Key: "E-9/forged", Status: page.Failed, Class: page.Dead}))
	require.NoError(t, h.receipts.Take(ctx(), page.Receipt{Provider: "twilio", ProviderID: "SM0"}))
	require.Empty(t, h.engine.Told())
}

// A message that left while the records did not answer is not among them, and they may still be away: what became of it
// moves the ladder on all the same.
func TestAReceiptNeedsNoRecords(t *testing.T) {
	undelivered := page.Receipt{Key: "E-1/t1/ana/mobile/1", Status: page.Undelivered, Class: page.Dead, Code: "30034"}
	h := newHouse(t)
	h.running("E-1", "ana")
	require.NoError(t, h.receipts.Take(ctx(), undelivered))
	h.messages.Leave(true)
	undelivered.Key = "E-1/v/acmecloud.2/t1/vik/mobile/1"
	h.engine.Know("vendor/E-1/acmecloud/2")
	require.NoError(t, h.receipts.Take(ctx(), undelivered))
	require.Equal(t, []string{
		"escalation/E-1 receipt E-1/t1/ana/mobile/1 undelivered dead",
		"vendor/E-1/acmecloud/2 receipt E-1/v/acmecloud.2/t1/vik/mobile/1 undelivered dead",
	}, h.engine.Told())
	require.Error(t, h.receipts.Take(ctx(), page.Receipt{Provider: "twilio", ProviderID: "CA-k", Status: page.Busy}), "nobody knows whose")
}

func TestAReceiptForSomethingOverIsNoError(t *testing.T) {
	h := newHouse(t)
	h.paged("k", "escalation/E-1", "ana", org.SMS)
	h.engine.End("escalation/E-1")
	require.NoError(t, h.receipts.Take(ctx(), page.Receipt{Key: "k", Status: page.Delivered, Class: page.Arrived}))
}

func TestAReceiptWaitsForTheEngine(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	h.paged("k", "escalation/E-1", "ana", org.SMS)
	h.engine.Leave(true)
	require.NoError(t, h.receipts.Take(ctx(), page.Receipt{Key: "k", Status: page.Failed, Class: page.Dead}))
	h.engine.Leave(false)
	require.Eventually(t, func() bool { return len(h.engine.Told()) == 1 }, time.Minute, time.Millisecond)
}
