package twilio

import (
	"net/url"
	"strings"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
)

// Inbound is an SMS that somebody sent to us.
type Inbound struct {
	From string
	To   string
	Body string
	SID  string // names the message; the same SID is the same message
	// OptOutType is "STOP", "START" or "HELP" when Twilio has already acted on that word (advanced opt-out), else empty.
	OptOutType string
}

// Call is what Twilio says when it asks what to do on a call, and when a key was pressed.
type Call struct {
	SID        string
	Status     string // Twilio's word, such as "in-progress"
	AnsweredBy string // "human", "machine_start", …; empty without detection
	Digits     string // keys pressed; empty on the first request
	From       string
	To         string
	Direction  string // "outbound-api", "inbound", …
}

// Machine reports whether a mailbox or a fax picked up. The detection errs: a key pressed counts nevertheless.
func (c Call) Machine() bool { return machine(c.AnsweredBy) }

// ParseStatus reads a status callback of a message or of a call. The receipt's key is in the address that was called,
// not in the form: it is left to the caller, and so is At when Twilio gives no readable time.
func ParseStatus(form url.Values) (page.Receipt, error) {
	if sid := form.Get("CallSid"); sid != "" {
		return parseCallStatus(form, sid)
	}
	sid := first(form, "MessageSid", "SmsSid")
	status := first(form, "MessageStatus", "SmsStatus")
	if sid == "" {
		return page.Receipt{}, fault.Field("MessageSid", "neither a message nor a call is named")
	}
	if status == "" {
		return page.Receipt{}, fault.Field("MessageStatus", "must not be empty")
	}
	if status == "received" || status == "receiving" {
		return page.Receipt{}, fault.Field("MessageStatus", "a message to us, not a report on one of ours")
	}
	code := form.Get("ErrorCode")
	if code == "0" {
		code = ""
	}
	s, class, reason := Classify(org.SMS, status, code)
	return page.Receipt{
		Status: s, Class: class, Provider: Provider, ProviderID: sid, Code: code, Reason: reason,
		At: parseTime("0601021504", form.Get("RawDlrDoneDate")),
	}, nil
}

func parseCallStatus(form url.Values, sid string) (page.Receipt, error) {
	status := form.Get("CallStatus")
	if status == "" {
		return page.Receipt{}, fault.Field("CallStatus", "must not be empty")
	}
	code := form.Get("ErrorCode")
	if code == "0" {
		code = ""
	}
	s, class, reason := Classify(org.Voice, status, code)
	if machine(form.Get("AnsweredBy")) {
		s, class, reason = voicemail()
	}
	if sip := form.Get("SipResponseCode"); s == page.Failed && code == "" && sip != "" {
		reason = "the carrier answered " + clip(sip, 8)
	}
	return page.Receipt{
		Status: s, Class: class, Provider: Provider, ProviderID: sid, Code: code, Reason: reason,
		At: parseTime(time.RFC1123Z, form.Get("Timestamp")),
	}, nil
}

// ParseInbound reads a message that was sent to us.
func ParseInbound(form url.Values) (Inbound, error) {
	in := Inbound{
		From: form.Get("From"), To: form.Get("To"), Body: form.Get("Body"),
		SID: first(form, "MessageSid", "SmsSid"), OptOutType: strings.ToUpper(form.Get("OptOutType")),
	}
	if in.SID == "" {
		return Inbound{}, fault.Field("MessageSid", "must not be empty")
	}
	if in.From == "" {
		return Inbound{}, fault.Field("From", "must not be empty")
	}
	return in, nil
}

// ParseVoice reads a request for TwiML, on answering or after a key.
func ParseVoice(form url.Values) (Call, error) {
	call := Call{
		SID: form.Get("CallSid"), Status: form.Get("CallStatus"), AnsweredBy: form.Get("AnsweredBy"),
		Digits: form.Get("Digits"), From: form.Get("From"), To: form.Get("To"), Direction: form.Get("Direction"),
	}
	if call.SID == "" {
		return Call{}, fault.Field("CallSid", "must not be empty")
	}
	if call.Status == "" {
		return Call{}, fault.Field("CallStatus", "must not be empty")
	}
	return call, nil
}

func first(form url.Values, names ...string) string {
	for _, name := range names {
		if v := form.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// parseTime is lenient: times in callbacks have been seen that no calendar knows.
func parseTime(layout, text string) time.Time {
	at, err := time.Parse(layout, text)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
