package twilio_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/twilio"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
)

func TestCapturedCallbacks(t *testing.T) {
	var file struct {
		Forms []struct {
			Name string `json:"name"`
			Kind string `json:"kind"`
			Body string `json:"body"`
		} `json:"forms"`
	}
	fixtureJSON(t, "webhook-forms.json", &file)
	type want struct {
		status page.Status
		class  page.Class
		code   string
	}
	reports := map[string]want{
		"sms-status-delivered":               {page.Delivered, page.Arrived, ""},
		"sms-status-delivered-with-dlr-date": {page.Delivered, page.Arrived, ""},
		"sms-status-delivered-geo":           {page.Delivered, page.Arrived, ""},
		"sms-status-undelivered":             {page.Undelivered, page.Dead, "30003"},
		"voice-status-completed-human":       {page.NoAnswer, page.Dead, ""},
		"voice-status-busy":                  {page.Busy, page.Dead, ""},
		"voice-status-completed-machine":     {page.Machine, page.Dead, ""},
	}
	seen := 0
	for _, f := range file.Forms {
		t.Run(f.Name, func(t *testing.T) {
			form, err := url.ParseQuery(f.Body)
			require.NoError(t, err)
			switch f.Kind {
			case "message status callback", "call status callback":
				expected, ok := reports[f.Name]
				require.True(t, ok, "a callback that this test does not know")
				receipt, err := twilio.ParseStatus(form)
				require.NoError(t, err)
				require.Equal(t, expected, want{receipt.Status, receipt.Class, receipt.Code})
				require.NotEmpty(t, receipt.ProviderID)
				seen++
			case "incoming SMS":
				in, err := twilio.ParseInbound(form)
				require.NoError(t, err)
				require.Equal(t, twilio.Inbound{
					From: "+15005550103", To: "+15005550006", Body: "twilio-go testing!", SID: "SM1521fa559fb923c1ed64f56cd1bed8ef",
				}, in)
				_, err = twilio.ParseStatus(form)
				require.Error(t, err, "a message to us is no report on one of ours")
			case "conference status callback":
				_, err := twilio.ParseVoice(form)
				require.True(t, fault.Is(err, fault.Invalid), "no conferences yet, and no panic")
			default:
				got, err := twilio.ParseVoice(form)
				require.NoError(t, err)
				require.Equal(t, "in-progress", got.Status)
				require.Equal(t, form.Get("Digits"), got.Digits)
				require.False(t, got.Machine())
			}
		})
	}
	require.Equal(t, len(reports), seen)
}

func TestTimesAreReadWhenTheyCanBe(t *testing.T) {
	form := url.Values{"CallSid": {"CA1"}, "CallStatus": {"busy"}, "Timestamp": {"Sat, 07 May 2022 14:30:14 +0000"}}
	receipt, err := twilio.ParseStatus(form)
	require.NoError(t, err)
	require.Equal(t, time.Date(2022, 5, 7, 14, 30, 14, 0, time.UTC), receipt.At)
	form.Set("Timestamp", "Thurs, 20 July 1989 18:30:43 +0000")
	receipt, err = twilio.ParseStatus(form)
	require.NoError(t, err)
	require.True(t, receipt.At.IsZero())
}

func TestIncompleteCallbacksAreRefused(t *testing.T) {
	for _, body := range []string{"", "MessageSid=SM1", "MessageStatus=sent", "CallSid=CA1", "a=%zz"} {
		form, _ := url.ParseQuery(body)
		_, err := twilio.ParseStatus(form)
		require.True(t, fault.Is(err, fault.Invalid), body)
		_, err = twilio.ParseInbound(form)
		require.True(t, fault.Is(err, fault.Invalid), body)
		_, err = twilio.ParseVoice(form)
		require.True(t, fault.Is(err, fault.Invalid), body)
	}
}

func TestStop(t *testing.T) {
	in, err := twilio.ParseInbound(url.Values{"From": {ana}, "To": {sender}, "Body": {"Stop"}, "MessageSid": {"SM1"}, "OptOutType": {"STOP"}})
	require.NoError(t, err)
	require.Equal(t, "STOP", in.OptOutType)
}

// Every status with every code has a meaning, and none of them mistakes a failure for an arrival.
func TestClassification(t *testing.T) {
	type want struct {
		status page.Status
		class  page.Class
	}
	for _, c := range []struct {
		channel org.Channel
		status  string
		code    string
		want    want
	}{
		{org.SMS, "queued", "", want{page.Accepted, page.Pending}},
		{org.SMS, "accepted", "", want{page.Accepted, page.Pending}},
		{org.SMS, "scheduled", "", want{page.Accepted, page.Pending}},
		{org.SMS, "sending", "", want{page.Accepted, page.Pending}},
		{org.SMS, "sent", "", want{page.Accepted, page.Pending}},
		{org.SMS, "delivered", "", want{page.Delivered, page.Arrived}},
		{org.SMS, "read", "", want{page.Delivered, page.Arrived}},
		{org.SMS, "canceled", "", want{page.Failed, page.Dead}},
		{org.SMS, "undelivered", "", want{page.Undelivered, page.Dead}},
		{org.SMS, "tomorrow", "", want{page.Accepted, page.Pending}},
		{org.Voice, "queued", "", want{page.Accepted, page.Pending}},
		{org.Voice, "initiated", "", want{page.Accepted, page.Pending}},
		{org.Voice, "ringing", "", want{page.Accepted, page.Pending}},
		{org.Voice, "in-progress", "", want{page.Answered, page.Arrived}},
		{org.Voice, "answered", "", want{page.Answered, page.Arrived}},
		{org.Voice, "completed", "", want{page.NoAnswer, page.Dead}},
		{org.Voice, "busy", "", want{page.Busy, page.Dead}},
		{org.Voice, "no-answer", "", want{page.NoAnswer, page.Dead}},
		{org.Voice, "failed", "", want{page.Failed, page.Dead}},
		{org.Voice, "canceled", "", want{page.Failed, page.Dead}},
		{org.Voice, "failed", "13224", want{page.Failed, page.Dead}},
		{org.Voice, "failed", "13225", want{page.Failed, page.Dead}},
		{org.Voice, "failed", "10004", want{page.Failed, page.Transient}},
		{org.Voice, "failed", "32011", want{page.Failed, page.Transient}},
		{org.SMS, "failed", "21610", want{page.OptedOut, page.Barred}},
		{org.SMS, "undelivered", "21610", want{page.OptedOut, page.Barred}},
		{org.SMS, "undelivered", "30001", want{page.Undelivered, page.Transient}},
		{org.SMS, "undelivered", "30008", want{page.Undelivered, page.Transient}},
		{org.SMS, "undelivered", "30017", want{page.Undelivered, page.Transient}},
		{org.SMS, "undelivered", "30022", want{page.Undelivered, page.Transient}},
	} {
		status, class, _ := twilio.Classify(c.channel, c.status, c.code)
		require.Equal(t, c.want, want{status, class}, "%s %s %s", c.channel, c.status, c.code)
	}
	for _, code := range []string{
		"20003", "20404", "21211", "21214", "21408", "21612", "21614", "21617", "30002", "30003", "30004", "30005", "30006",
		"30007", "30010", "30023", "30024", "30027", "30032", "30033", "30034", "30035", "30036", "no-such-code", "",
	} {
		for _, failed := range []string{"failed", "undelivered"} {
			status, class, reason := twilio.Classify(org.SMS, failed, code)
			require.Equal(t, page.Dead, class, code)
			require.Equal(t, page.Status(failed), status)
			require.NotEmpty(t, reason)
		}
	}
}

// desk is our side of the callbacks: it verifies, parses, and answers the phone.
type desk struct {
	mu       sync.Mutex
	verifier twilio.Verifier
	receipts []page.Receipt
	digits   []string
	texts    []string
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if err := d.verifier.Verify(r, body); err != nil {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	form, _ := url.ParseQuery(string(body))
	switch r.URL.Path {
	case "/callbacks/twilio/status":
		receipt, err := twilio.ParseStatus(form)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		receipt.Key = r.URL.Query().Get("key")
		d.receipts = append(d.receipts, receipt)
	case "/callbacks/twilio/voice":
		call, _ := twilio.ParseVoice(form)
		if call.Digits == "" {
			_, _ = w.Write(twilio.Script{}.Page("payments is down, press 1", "?"+r.URL.RawQuery))
			return
		}
		d.digits = append(d.digits, call.Digits)
		_, _ = w.Write(twilio.Script{}.Say("acknowledged"))
	case "/callbacks/twilio/sms":
		in, _ := twilio.ParseInbound(form)
		d.texts = append(d.texts, in.Body)
		_, _ = w.Write(twilio.Script{}.Reply("Ana has it"))
	}
}

func receive(t *testing.T, plan func(twiliofake.Sent) twiliofake.Conduct) (house, *desk, string) {
	t.Helper()
	d := &desk{}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	d.verifier = twilio.Verifier{AuthToken: twiliofake.AuthToken, PublicURL: server.URL}
	h := open(t, &twiliofake.Server{Plan: plan}, func(o *twilio.Options) { o.PublicURL = server.URL })
	return h, d, server.URL
}

func TestReceiptsComeBackUnderTheirKey(t *testing.T) {
	h, d, _ := receive(t, always(twiliofake.Conduct{Reports: []twiliofake.Report{
		{Status: "sent"}, {Status: "undelivered", Code: "30034"},
	}}))
	sent, err := h.Send(t.Context(), sms("E-42/t1/ana/mobile/1", ana, "down"))
	require.NoError(t, err)
	h.fake.Wait()
	require.Len(t, d.receipts, 2)
	last := d.receipts[1]
	require.Equal(t, page.Receipt{
		Key: "E-42/t1/ana/mobile/1", Status: page.Undelivered, Class: page.Dead, Provider: twilio.Provider,
		ProviderID: sent.ProviderID, Code: "30034", Reason: last.Reason,
	}, last)
}

func TestAKeyIsPressedOnACall(t *testing.T) {
	h, d, _ := receive(t, nil)
	sent, err := h.Send(t.Context(), call("E-42/t1/ana/phone/1", ana, "down"))
	require.NoError(t, err)
	heard, err := h.fake.Answer(sent.ProviderID, "human")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, heard.Status)
	after, err := h.fake.Press(sent.ProviderID, "1", heard)
	require.NoError(t, err)
	require.Contains(t, string(after.Body), "acknowledged")
	require.Equal(t, []string{"1"}, d.digits)
}

func TestVoicemailIsNotAnAnswer(t *testing.T) {
	h, d, _ := receive(t, nil)
	sent, err := h.Send(t.Context(), call("k", ana, "down"))
	require.NoError(t, err)
	for _, status := range []string{"in-progress", "completed"} {
		_, err = h.fake.Report(sent.ProviderID, twiliofake.Report{Status: status, AnsweredBy: "machine_start"})
		require.NoError(t, err)
	}
	require.Len(t, d.receipts, 2)
	for _, receipt := range d.receipts {
		require.Equal(t, page.Machine, receipt.Status)
		require.Equal(t, page.Dead, receipt.Class)
	}
}

func TestAnAnswerBySMS(t *testing.T) {
	h, d, address := receive(t, nil)
	made, err := h.fake.Text(address+"/callbacks/twilio/sms", "SM9", ana, sender, "ack 42")
	require.NoError(t, err)
	require.Contains(t, string(made.Body), "<Message>Ana has it</Message>")
	require.Equal(t, []string{"ack 42"}, d.texts)

	stranger := &twiliofake.Server{AuthToken: "guessed"}
	made, err = stranger.Text(address+"/callbacks/twilio/sms", "SM10", ana, sender, "ack 42")
	require.NoError(t, err)
	require.Equal(t, http.StatusForbidden, made.Status)
	require.Len(t, d.texts, 1)
}
