package twilio_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/twilio"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
)

func TestAMessageIsAcceptedNotDelivered(t *testing.T) {
	h := open(t, &twiliofake.Server{})
	receipt, err := h.Send(t.Context(), sms("E-42/t1/ana/mobile/1", ana, "E-42 payments down. Reply ack 42"))
	require.NoError(t, err)
	require.Equal(t, page.Accepted, receipt.Status)
	require.Equal(t, page.Pending, receipt.Class)
	require.Equal(t, "E-42/t1/ana/mobile/1", receipt.Key)
	require.Equal(t, twilio.Provider, receipt.Provider)

	sent := h.fake.Sent()
	require.Len(t, sent, 1)
	require.Equal(t, sent[0].SID, receipt.ProviderID)
	require.Equal(t, public+"/callbacks/twilio/status?key=E-42%2Ft1%2Fana%2Fmobile%2F1", sent[0].Form.Get("StatusCallback"))
}

func TestACallFetchesItsWordsWhenItIsAnswered(t *testing.T) {
	h := open(t, &twiliofake.Server{})
	receipt, err := h.Send(t.Context(), call("E-42/t1/ana/phone/1", ana, "payments is down"))
	require.NoError(t, err)
	require.Equal(t, page.Accepted, receipt.Status)
	form := h.fake.Sent()[0].Form
	require.Equal(t, public+"/callbacks/twilio/voice?key=E-42%2Ft1%2Fana%2Fphone%2F1", form.Get("Url"))
	require.Equal(t, []string{"initiated", "ringing", "answered", "completed"}, form["StatusCallbackEvent"])
	require.Equal(t, "Enable", form.Get("MachineDetection"))
	require.Equal(t, "30", form.Get("Timeout"))
	require.Empty(t, form.Get("Twiml"))
}

func TestWithoutAPublicAddressACallSpeaksForItself(t *testing.T) {
	h := open(t, &twiliofake.Server{}, func(o *twilio.Options) { o.PublicURL = "" })
	_, err := h.Send(t.Context(), call("k", ana, strings.Repeat("<&'>", 2000)))
	require.NoError(t, err)
	form := h.fake.Sent()[0].Form
	require.Empty(t, form.Get("Url"))
	require.Empty(t, form.Get("StatusCallback"))
	require.Contains(t, form.Get("Twiml"), "<Say")
	require.LessOrEqual(t, len(form.Get("Twiml")), 4000)
}

func TestTheMessagingServiceChoosesTheSender(t *testing.T) {
	h := open(t, &twiliofake.Server{}, func(o *twilio.Options) {
		o.From, o.MessagingServiceSID = "", "MG00000000000000000000000000000000"
	})
	_, err := h.Send(t.Context(), sms("k", ana, "hello"))
	require.NoError(t, err)
	form := h.fake.Sent()[0].Form
	require.False(t, form.Has("From"))
	require.Equal(t, "MG00000000000000000000000000000000", form.Get("MessagingServiceSid"))

	receipt, err := h.Send(t.Context(), call("k", ana, "hello"))
	require.NoError(t, err, "no number to call from is a refusal, not a reason to try again")
	require.Equal(t, page.Dead, receipt.Class)
}

func TestALongMessageIsCutNotRefused(t *testing.T) {
	h := open(t, &twiliofake.Server{})
	receipt, err := h.Send(t.Context(), sms("k", ana, strings.Repeat("🔥ü", 1500)))
	require.NoError(t, err)
	require.Equal(t, page.Accepted, receipt.Status)
	require.True(t, strings.HasSuffix(h.fake.Sent()[0].Body, "…"))
}

func TestARefusalIsAReceiptSoThatTheLadderMovesOn(t *testing.T) {
	for name, c := range map[string]struct {
		message page.Message
		conduct twiliofake.Conduct
		status  page.Status
		class   page.Class
		code    string
	}{
		"stop":             {sms("k", "+15005550004", "x"), twiliofake.Conduct{}, page.OptedOut, page.Barred, "21610"},
		"invalid":          {sms("k", "+15005550001", "x"), twiliofake.Conduct{}, page.Failed, page.Dead, "21211"},
		"country":          {sms("k", "+15005550003", "x"), twiliofake.Conduct{}, page.Failed, page.Dead, "21408"},
		"landline":         {sms("k", "+15005550009", "x"), twiliofake.Conduct{}, page.Failed, page.Dead, "21614"},
		"no words":         {sms("k", ana, ""), twiliofake.Conduct{}, page.Failed, page.Dead, "21602"},
		"call country":     {call("k", "+15005550003", "x"), twiliofake.Conduct{}, page.Failed, page.Dead, "21215"},
		"queue full":       {sms("k", ana, "x"), twiliofake.Conduct{Status: 400, Code: 21611}, page.Failed, page.Transient, "21611"},
		"suspended":        {sms("k", ana, "x"), twiliofake.Conduct{Status: 403, Code: 20005}, page.Failed, page.Dead, "20005"},
		"wrong token":      {sms("k", ana, "x"), twiliofake.Conduct{Status: 401, Code: 20003}, page.Failed, page.Dead, "20003"},
		"never heard of":   {sms("k", ana, "x"), twiliofake.Conduct{Status: 400, Code: 99999}, page.Failed, page.Dead, "99999"},
		"no code":          {sms("k", ana, "x"), twiliofake.Conduct{Status: 418}, page.Failed, page.Dead, ""},
		"redirect":         {sms("k", ana, "x"), twiliofake.Conduct{Status: 302}, page.Failed, page.Dead, ""},
		"not a number":     {sms("k", "0171 5551234", "x"), twiliofake.Conduct{}, page.Failed, page.Dead, "21211"},
		"another's header": {sms("k", "+1500555\r\nX: y", "x"), twiliofake.Conduct{}, page.Failed, page.Dead, "21211"},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, &twiliofake.Server{Plan: always(c.conduct)})
			receipt, err := h.Send(t.Context(), c.message)
			require.NoError(t, err)
			require.Equal(t, c.status, receipt.Status)
			require.Equal(t, c.class, receipt.Class)
			require.Equal(t, c.code, receipt.Code)
			require.NotEmpty(t, receipt.Reason)
			require.NotContains(t, receipt.Reason, c.message.To)
			require.Empty(t, h.fake.Sent())
		})
	}
}

func TestAnOutageIsAnErrorThatMayPass(t *testing.T) {
	for name, c := range map[string]struct {
		conduct twiliofake.Conduct
		kind    fault.Kind
		after   time.Duration
	}{
		"500":                {twiliofake.Conduct{Status: 500, Code: 20500}, fault.Unavailable, 0},
		"503 with a time":    {twiliofake.Conduct{Status: 503, After: 7 * time.Second}, fault.Unavailable, 7 * time.Second},
		"429":                {twiliofake.Conduct{Status: 429, Code: 20429, After: 9 * time.Second}, fault.Throttled, 9 * time.Second},
		"429 without a time": {twiliofake.Conduct{Status: 429}, fault.Throttled, time.Second},
		"lost answer":        {twiliofake.Conduct{Drop: true}, fault.Unavailable, 0},
		"unreadable answer":  {twiliofake.Conduct{Garble: true}, fault.Unavailable, 0},
		"silence":            {twiliofake.Conduct{Delay: time.Minute}, fault.Unavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, &twiliofake.Server{Plan: always(c.conduct)}, func(o *twilio.Options) { o.Timeout = 300 * time.Millisecond })
			_, err := h.Send(t.Context(), sms("k", ana, "x"))
			require.Equal(t, c.kind, fault.KindOf(err))
			require.True(t, fault.Retryable(err))
			require.Equal(t, c.after, fault.RetryAfter(err))
			requireNoSecrets(t, err)
		})
	}
}

// Who never had a connection has sent nothing; who had one may have, whatever came after.
func TestWithoutAConnectionNothingLeft(t *testing.T) {
	gone := httptest.NewServer(&twiliofake.Server{})
	gone.Close()
	for _, address := range []string{gone.URL, "http://nowhere.invalid"} {
		h := open(t, &twiliofake.Server{}, func(o *twilio.Options) { o.BaseURL = address })
		_, err := h.Send(t.Context(), sms("k", ana, "x"))
		require.ErrorIs(t, err, page.ErrUnsent)
		require.True(t, fault.Is(err, fault.Unavailable))
		requireNoSecrets(t, err)
	}
	for _, c := range []twiliofake.Conduct{{Status: 503}, {Drop: true}, {Delay: time.Minute}} {
		h := open(t, &twiliofake.Server{Plan: always(c)}, func(o *twilio.Options) { o.Timeout = 200 * time.Millisecond })
		_, err := h.Send(t.Context(), sms("k", ana, "x"))
		require.Error(t, err)
		require.NotErrorIs(t, err, page.ErrUnsent)
	}
}

// A callback that never came is made up for by asking.
func TestAskTellsWhatBecameOfIt(t *testing.T) {
	for _, scene := range []struct {
		message page.Message
		report  twiliofake.Report
		status  page.Status
		class   page.Class
	}{
		{sms("k", ana, "x"), twiliofake.Report{Status: "sent"}, page.Accepted, page.Pending},
		{sms("k", ana, "x"), twiliofake.Report{Status: "delivered"}, page.Delivered, page.Arrived},
		{sms("k", ana, "x"), twiliofake.Report{Status: "undelivered", Code: "30008"}, page.Undelivered, page.Transient},
		{sms("k", ana, "x"), twiliofake.Report{Status: "undelivered", Code: "30003"}, page.Undelivered, page.Dead},
		{call("k", ana, "x"), twiliofake.Report{Status: "busy"}, page.Busy, page.Dead},
		{call("k", ana, "x"), twiliofake.Report{Status: "completed", AnsweredBy: "machine_start"}, page.Machine, page.Dead},
	} {
		spec := openapi(t)
		h := open(t, &twiliofake.Server{}, func(o *twilio.Options) { o.PublicURL = ""; o.HTTPClient = &http.Client{Transport: spec} })
		sent, err := h.Send(t.Context(), scene.message)
		require.NoError(t, err)
		_, _ = h.fake.Report(sent.ProviderID, scene.report)
		receipt, err := h.Ask(t.Context(), scene.message, sent.ProviderID)
		require.NoError(t, err)
		require.Equal(t, scene.status, receipt.Status)
		require.Equal(t, scene.class, receipt.Class)
		require.Equal(t, scene.report.Code, receipt.Code)
		require.Equal(t, sent.ProviderID, receipt.ProviderID)
		require.Empty(t, spec.faults, "as Twilio published it")
	}
	h := open(t, &twiliofake.Server{})
	_, err := h.Ask(t.Context(), sms("k", ana, "x"), "SM00000000000000000000000000000009")
	require.True(t, fault.Is(err, fault.NotFound))
	_, err = open(t, &twiliofake.Server{}, func(o *twilio.Options) { o.BaseURL = "http://127.0.0.1:1" }).Ask(t.Context(), sms("k", ana, "x"), "SM1")
	require.True(t, fault.Is(err, fault.Unavailable))
}

// The fake's outages meet every request, and what lingers has been taken.
func TestOutages(t *testing.T) {
	m := sms("k", ana, "x")
	for name, c := range map[string]struct {
		outage twiliofake.Conduct
		kind   fault.Kind
	}{
		"503":       {twiliofake.Conduct{Status: 503, Code: 20503}, fault.Unavailable},
		"hang":      {twiliofake.Conduct{Delay: time.Minute}, fault.Unavailable},
		"drop":      {twiliofake.Conduct{Drop: true}, fault.Unavailable},
		"throttled": {twiliofake.Conduct{Status: 429, After: 3 * time.Second}, fault.Throttled},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, &twiliofake.Server{}, func(o *twilio.Options) { o.Timeout = time.Second })
			h.fake.Fail(&c.outage)
			_, err := h.Send(t.Context(), m)
			require.Equal(t, c.kind, fault.KindOf(err))
			_, _, err = h.Find(t.Context(), m, time.Now())
			require.Equal(t, c.kind, fault.KindOf(err))
			require.Error(t, h.Doctor(t.Context()))
			require.Empty(t, h.fake.Sent())
			h.fake.Fail(nil)
			_, err = h.Send(t.Context(), m)
			require.NoError(t, err)
			require.NoError(t, h.Doctor(t.Context()))
		})
	}
	slow := open(t, &twiliofake.Server{Plan: always(twiliofake.Conduct{Linger: time.Minute})}, func(o *twilio.Options) { o.Timeout = time.Second })
	began := time.Now()
	_, err := slow.Send(t.Context(), m)
	require.True(t, fault.Is(err, fault.Unavailable))
	_, found, err := slow.Find(t.Context(), m, began)
	require.NoError(t, err)
	require.True(t, found)
}

// A carrier that never calls back knows all the same.
func TestASilentReportIsKnownWhenAsked(t *testing.T) {
	h := open(t, &twiliofake.Server{Plan: always(twiliofake.Conduct{Reports: []twiliofake.Report{{Status: "undelivered", Code: "30005", Silent: true}}})})
	m := sms("k", ana, "x")
	sent, err := h.Send(t.Context(), m)
	require.NoError(t, err)
	h.fake.Wait()
	require.Empty(t, h.fake.Posts())
	receipt, err := h.Ask(t.Context(), m, sent.ProviderID)
	require.NoError(t, err)
	require.Equal(t, page.Undelivered, receipt.Status)
}

// What lies with our account or sender may go by somebody else; what lies with the person may not.
func TestElsewhere(t *testing.T) {
	refused := func(code string) page.Receipt {
		status, class, _ := twilio.Classify(org.SMS, "failed", code)
		return page.Receipt{Status: status, Class: class, Code: code}
	}
	for _, code := range []string{"", "20003", "20005", "10001", "21408", "21606", "30034", "30007", "21611", "20429", "30001", "30008"} {
		require.True(t, twilio.Elsewhere(refused(code)), code)
	}
	for _, code := range []string{"21211", "21214", "21217", "21602", "21610", "21614", "21635", "30003", "30004", "30005", "30006", "13223", "32009"} {
		require.False(t, twilio.Elsewhere(refused(code)), code)
	}
	for _, status := range []string{"completed", "busy", "no-answer", "in-progress", "queued"} {
		s, class, _ := twilio.Classify(org.Voice, status, "")
		require.False(t, twilio.Elsewhere(page.Receipt{Status: s, Class: class}), status)
	}
}

func TestACanceledContextStopsTheRequest(t *testing.T) {
	h := open(t, &twiliofake.Server{Plan: always(twiliofake.Conduct{Delay: time.Minute})})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Send(ctx, sms("k", ana, "x"))
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, fault.Retryable(err))
}

// A lost answer must not send twice (accept, then drop the connection).
func TestALostAnswerIsFoundAgain(t *testing.T) {
	for _, m := range []page.Message{sms("E-1/t1/ana/mobile/1", ana, "E-1 payments — “down”"), call("E-1/t1/ana/phone/1", ana, "payments down")} {
		t.Run(string(m.Channel), func(t *testing.T) {
			h := open(t, &twiliofake.Server{Plan: always(twiliofake.Conduct{Drop: true})})
			since := time.Now()
			_, err := h.Send(t.Context(), m)
			require.Error(t, err)

			receipt, found, err := h.Find(t.Context(), m, since)
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, h.fake.Sent()[0].SID, receipt.ProviderID)
			require.Equal(t, m.Key, receipt.Key)
			require.Equal(t, page.Pending, receipt.Class)
		})
	}
}

func TestFindTellsWhatBecameOfIt(t *testing.T) {
	h := open(t, &twiliofake.Server{}, func(o *twilio.Options) { o.PublicURL = "" })
	since := time.Now()
	m := sms("k", ana, "payments down")
	sent, err := h.Send(t.Context(), m)
	require.NoError(t, err)
	_, err = h.fake.Report(sent.ProviderID, twiliofake.Report{Status: "undelivered", Code: "30034"})
	require.Error(t, err, "there is nobody to call back")

	receipt, found, err := h.Find(t.Context(), m, since)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, page.Undelivered, receipt.Status)
	require.Equal(t, page.Dead, receipt.Class)
	require.Equal(t, "30034", receipt.Code)
}

func TestFindDoesNotTakeAnotherForIt(t *testing.T) {
	h := open(t, &twiliofake.Server{})
	began := time.Now()
	for _, m := range []page.Message{sms("1", ana, "payments down"), sms("2", "+15005550107", "ledger down"), call("3", "+15005550107", "ledger down")} {
		_, err := h.Send(t.Context(), m)
		require.NoError(t, err)
	}
	for name, c := range map[string]struct {
		message page.Message
		since   time.Time
	}{
		"other words":     {sms("4", ana, "ledger down"), began},
		"other number":    {sms("4", "+15005550107", "payments down"), began},
		"other channel":   {call("4", ana, "payments down"), began},
		"an earlier one":  {sms("4", ana, "payments down"), began.Add(time.Minute)},
		"an earlier call": {call("4", "+15005550107", "ledger down"), began.Add(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			_, found, err := h.Find(t.Context(), c.message, c.since)
			require.NoError(t, err)
			require.False(t, found)
		})
	}
}

// Our clock and Twilio's may be minutes apart; only the time between two things on the same clock counts.
func TestFindBridgesTheClocks(t *testing.T) {
	for _, skew := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
		t.Run(skew.String(), func(t *testing.T) {
			h := open(t, &twiliofake.Server{Clock: func() time.Time { return time.Now().Add(skew) }})
			m := sms("k", ana, "payments down")
			since := time.Now()
			_, err := h.Send(t.Context(), m)
			require.NoError(t, err)
			_, found, err := h.Find(t.Context(), m, since)
			require.NoError(t, err)
			require.True(t, found)
			_, found, err = h.Find(t.Context(), m, since.Add(time.Minute))
			require.NoError(t, err)
			require.False(t, found)
		})
	}
}

func TestFindDuringAnOutageIsAnErrorNotANo(t *testing.T) {
	server := httptest.NewServer(&twiliofake.Server{})
	client, err := twilio.New(twilio.Options{
		AccountSID: twiliofake.AccountSID, AuthToken: twiliofake.AuthToken, From: sender, BaseURL: server.URL,
	})
	require.NoError(t, err)
	server.Close()
	_, found, err := client.Find(t.Context(), sms("k", ana, "x"), time.Now())
	require.False(t, found)
	require.True(t, fault.Is(err, fault.Unavailable))
	requireNoSecrets(t, err)
}

func TestOnlySMSAndVoice(t *testing.T) {
	h := open(t, &twiliofake.Server{})
	m := sms("k", ana, "x")
	m.Channel = org.Email
	_, err := h.Send(t.Context(), m)
	require.True(t, fault.Is(err, fault.Invalid))
	_, _, err = h.Find(t.Context(), m, time.Now())
	require.True(t, fault.Is(err, fault.Invalid))
}

func TestTheDoctor(t *testing.T) {
	h := open(t, &twiliofake.Server{})
	require.NoError(t, h.Doctor(t.Context()))
	wrong := open(t, &twiliofake.Server{}, func(o *twilio.Options) { o.AuthToken = "other" })
	err := wrong.Doctor(t.Context())
	require.True(t, fault.Is(err, fault.Denied))
	requireNoSecrets(t, err)
}

func TestOptionsNameTheWrongField(t *testing.T) {
	right := twilio.Options{AccountSID: twiliofake.AccountSID, AuthToken: "t", From: sender}
	_, err := twilio.New(right)
	require.NoError(t, err)
	for field, break_ := range map[string]func(*twilio.Options){
		"account_sid":           func(o *twilio.Options) { o.AccountSID = "AC1" },
		"auth_token":            func(o *twilio.Options) { o.AuthToken = "" },
		"from":                  func(o *twilio.Options) { o.From = "" },
		"messaging_service_sid": func(o *twilio.Options) { o.MessagingServiceSID = "x" },
		"voice_from":            func(o *twilio.Options) { o.VoiceFrom = "x" },
		"base_url":              func(o *twilio.Options) { o.BaseURL = "ftp://x" },
		"public_url":            func(o *twilio.Options) { o.PublicURL = "belay.example.com" },
	} {
		options := right
		break_(&options)
		_, err := twilio.New(options)
		var f *fault.Error
		require.ErrorAs(t, err, &f)
		require.Equal(t, field, f.Field)
	}
}

func requireNoSecrets(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	for _, secret := range []string{ana, ana[1:], "%2B" + ana[1:], twiliofake.AuthToken, "Basic "} {
		require.NotContains(t, err.Error(), secret)
	}
}
