package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
	require.Equal(t, "<Gather action=https://belay.example/callbacks/twilio/voice-gather?key=E-1%2Ft1%2Fana%2F1>P1 payments. Press 1.", rung.body)
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
