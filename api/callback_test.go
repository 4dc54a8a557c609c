package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/api"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/service"
)

// twilio posts a form as the carrier does.
func (h *house) twilio(path, form string) answer {
	h.t.Helper()
	return h.as("", "POST", path, form, "Content-Type", "application/x-www-form-urlencoded", "X-Twilio-Signature", "signed")
}

func (h *house) paged(key string, channel org.Channel) {
	h.messages.Put(service.Sent{
		Message:  page.Message{Key: key, Purpose: page.Page, Person: "ana", Channel: channel, Body: "P1 payments. Press 1."},
		Workflow: "escalation/E-1", At: h.now,
	})
}

func TestATextAcknowledgesOnceHoweverOftenItIsPosted(t *testing.T) {
	h := newHouse(t)
	h.running("E-1")
	for range 3 {
		got := h.twilio("/callbacks/twilio/sms", "MessageSid=SM1&From=%2B34600000001&Body=ack")
		require.Equal(t, http.StatusOK, got.status, got.body)
		require.Equal(t, "text/xml; charset=utf-8", got.header.Get("Content-Type"))
		require.Equal(t, "<Message>E-1: Done: acknowledge.", got.body)
	}
	require.Len(t, h.engine.Told(), 1)
}

func TestACallIsAnsweredByAKeyOnly(t *testing.T) {
	h := newHouse(t)
	h.running("E-1")
	h.paged("E-1/t1/ana/1", org.Voice)
	rung := h.twilio("/callbacks/twilio/voice?key=E-1%2Ft1%2Fana%2F1", "CallSid=CA1")
	require.Equal(t, "<Gather language= action=https://belay.example/callbacks/twilio/voice-gather?key=E-1%2Ft1%2Fana%2F1>P1 payments. Press 1.", rung.body)
	require.Equal(t, "<Hangup/>", h.twilio("/callbacks/twilio/voice?key=E-1%2Ft1%2Fana%2F1", "CallSid=CA1&AnsweredBy=machine_start").body)
	require.Empty(t, h.engine.Told())
	require.Equal(t, "<Say>E-1: Done: acknowledge.",
		h.twilio("/callbacks/twilio/voice-gather?key=E-1%2Ft1%2Fana%2F1", "CallSid=CA1&Digits=1").body)
}

func TestAReceiptReachesTheLadder(t *testing.T) {
	h := newHouse(t)
	h.running("E-1")
	h.paged("k", org.SMS)
	for range 2 {
		got := h.twilio("/callbacks/twilio/status?key=k", "MessageSid=SM1&MessageStatus=undelivered")
		require.Equal(t, http.StatusNoContent, got.status)
	}
	require.Equal(t, []string{"escalation/E-1 receipt k undelivered dead"}, h.engine.Told())
	require.Equal(t, http.StatusNoContent, h.twilio("/callbacks/twilio/status?key=unknown", "MessageSid=SM2&MessageStatus=failed").status)
}

// Carriers' callbacks are late, come twice, and overtake each other.
func TestCallbacksInAnyOrder(t *testing.T) {
	for name, scene := range map[string]struct{ posted, heard []string }{
		"delivered, then sent":        {[]string{"delivered", "accepted"}, []string{"delivered arrived", "accepted pending"}},
		"delivered twice":             {[]string{"delivered", "delivered"}, []string{"delivered arrived"}},
		"undelivered after delivered": {[]string{"delivered", "undelivered"}, []string{"delivered arrived", "undelivered dead"}},
		"all of them, twice":          {[]string{"accepted", "accepted", "undelivered", "accepted", "undelivered"}, []string{"accepted pending", "undelivered dead"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(h *house) {
				h.options.Twilio.Status = func(f url.Values) (page.Receipt, error) {
					status := page.Status(f.Get("MessageStatus"))
					class := map[page.Status]page.Class{page.Accepted: page.Pending, page.Delivered: page.Arrived, page.Undelivered: page.Dead}[status]
					return page.Receipt{Status: status, Class: class, Provider: "twilio", ProviderID: "SM1"}, nil
				}
			})
			h.running("E-1")
			h.paged("k", org.SMS)
			for _, status := range scene.posted {
				got := h.twilio("/callbacks/twilio/status?key=k", "MessageSid=SM1&MessageStatus="+status)
				require.Equal(t, http.StatusNoContent, got.status, got.body)
			}
			var want []string
			for _, heard := range scene.heard {
				want = append(want, "escalation/E-1 receipt k "+heard)
			}
			require.Equal(t, want, h.engine.Told(), "each status is told once; the ladder knows which of them says more")
		})
	}
}

// proven stands in for the gateway's proof.
func proven(query url.Values, _ string, body []byte) (page.Receipt, error) {
	if query.Get("proof") != "right" {
		return page.Receipt{}, fault.New(fault.Unauthenticated, "forged")
	}
	if len(body) == 0 {
		return page.Receipt{}, fault.Field("status", "is missing")
	}
	return page.Receipt{Key: query.Get("key"), Status: page.Undelivered, Class: page.Dead, Provider: "gateway", ProviderID: string(body)}, nil
}

func TestAGatewaysReportReachesTheLadder(t *testing.T) {
	h := newHouse(t, func(h *house) { h.options.Gateway = &api.Gateway{Read: proven, Receipts: h.options.Twilio.Receipts} })
	h.running("E-1")
	h.paged("k", org.SMS)
	const path = "/callbacks/gateway/status?key=k&proof="
	for _, proof := range []string{"", "wrong"} {
		h.as("", "POST", path+proof, "g-1").problem(http.StatusForbidden)
	}
	require.Equal(t, http.StatusMethodNotAllowed, h.as("", "GET", path+"right", "").status)
	require.Equal(t, "status", h.as("", "POST", path+"right", "").problem(http.StatusUnprocessableEntity))
	require.Empty(t, h.engine.Told())
	for range 2 {
		require.Equal(t, http.StatusNoContent, h.as("", "POST", path+"right", "g-1").status)
	}
	require.Equal(t, []string{"escalation/E-1 receipt k undelivered dead"}, h.engine.Told())

	deaf := newHouse(t)
	deaf.as("", "POST", path+"right", "g-1").problem(http.StatusNotFound)
}

func TestForgedCallbacksChangeNothing(t *testing.T) {
	h := newHouse(t)
	h.running("E-1")
	h.paged("k", org.SMS)
	for _, path := range []string{"sms", "voice?key=k", "voice-gather?key=k", "status?key=k"} {
		form := "MessageSid=SM1&From=%2B34600000001&Body=ack&CallSid=CA1&Digits=1&MessageStatus=failed"
		for _, signature := range []string{"", "forged"} {
			got := h.as("", "POST", "/callbacks/twilio/"+path, form,
				"Content-Type", "application/x-www-form-urlencoded", "X-Twilio-Signature", signature)
			got.problem(http.StatusForbidden)
		}
		for range 20 {
			got := h.as("", "GET", "/callbacks/twilio/"+path, "", "X-Twilio-Signature", "signed")
			require.Equal(t, http.StatusMethodNotAllowed, got.status)
		}
	}
	require.Empty(t, h.engine.Told())
}

func TestCallbacksThatMakeNoSense(t *testing.T) {
	h := newHouse(t)
	require.Equal(t, "MessageSid", h.twilio("/callbacks/twilio/sms", "From=x").problem(http.StatusUnprocessableEntity))
	h.twilio("/callbacks/twilio/sms", "a=%zz").problem(http.StatusBadRequest)
	h.twilio("/callbacks/twilio/sms", strings.Repeat("a", 65<<10)).problem(http.StatusRequestEntityTooLarge)
}

func TestWithoutATwilioAccountThereAreNoCallbacks(t *testing.T) {
	h := newHouse(t, func(h *house) { h.options.Twilio = nil })
	h.twilio("/callbacks/twilio/sms", "MessageSid=SM1&From=%2B34600000001&Body=ack").problem(http.StatusNotFound)
}
