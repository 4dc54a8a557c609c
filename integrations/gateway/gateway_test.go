package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/integrations/gateway"
	"github.com/belayhq/belay/integrations/gateway/gatewayfake"
)

const (
	ana    = "+15005550105"
	sender = "Belay"
	secret = "callbacks are proved with this one"
	body   = `{"to":"{to}","from":"{from}","text":"{text}","reference":"{reference}","callback":"{callback}"}`
)

// house is a client of a fake gateway.
type house struct {
	*gateway.Client
	fake *gatewayfake.Server
	url  string
}

func open(t *testing.T, plan func(gatewayfake.Sent) gatewayfake.Conduct, change ...func(*gateway.Options)) house {
	t.Helper()
	fake := &gatewayfake.Server{Plan: plan}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	o := gateway.Options{
		SMSURL: server.URL + "/sms", VoiceURL: server.URL + "/voice", Headers: map[string]string{"Authorization": "Bearer " + gatewayfake.Token},
		Body: body, From: sender, ID: "messages.0.id", LookupURL: server.URL + "/messages/{reference}", HealthURL: server.URL + "/health",
		PublicURL: "https://belay.example.com", Secret: secret, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: time.Second,
	}
	for _, c := range change {
		c(&o)
	}
	client, err := gateway.New(o)
	require.NoError(t, err)
	return house{client, fake, server.URL}
}

func always(c gatewayfake.Conduct) func(gatewayfake.Sent) gatewayfake.Conduct {
	return func(gatewayfake.Sent) gatewayfake.Conduct { return c }
}

func sms(key string) page.Message {
	return page.Message{Key: key, Channel: org.SMS, To: ana, Body: `E-42 "payments" & {to} down \ ✓`}
}

func call(key string) page.Message {
	m := sms(key)
	m.Channel = org.Voice
	return m
}

func TestWhatIsFilledInCannotChangeTheShape(t *testing.T) {
	for _, format := range []gateway.Format{gateway.JSON, gateway.Form} {
		t.Run(string(format), func(t *testing.T) {
			h := open(t, nil, func(o *gateway.Options) { o.Format = format })
			receipt, err := h.Send(t.Context(), sms("E-42/t1/ana/mobile/1"))
			require.NoError(t, err)
			require.Equal(t, page.Accepted, receipt.Status)
			require.Equal(t, page.Pending, receipt.Class)
			require.Equal(t, gateway.Provider, receipt.Provider)
			require.Equal(t, "g-1", receipt.ProviderID)
			sent := h.fake.Sent()[0]
			require.Equal(t, ana, sent.To)
			require.Equal(t, sender, sent.From)
			require.Equal(t, sms("").Body, sent.Text, "what looks like a placeholder in a message is not one")
			require.Equal(t, gateway.Reference("E-42/t1/ana/mobile/1"), sent.Reference)
		})
	}
}

func TestCallsHaveAnAddressOfTheirOwn(t *testing.T) {
	h := open(t, nil)
	_, err := h.Send(t.Context(), call("k"))
	require.NoError(t, err)
	require.Equal(t, "voice", h.fake.Sent()[0].Channel)
	spoken := call("2")
	spoken.Body = "Payments is down. Press 1 to acknowledge, 2 to escalate, 3 to resolve, or 9 to hear this again."
	_, err = h.Send(t.Context(), spoken)
	require.NoError(t, err)
	require.NotContains(t, h.fake.Sent()[1].Text, "Press", "nobody would hear the key")
	mute := open(t, nil, func(o *gateway.Options) { o.VoiceURL = "" })
	require.True(t, mute.Carries(org.SMS))
	require.False(t, mute.Carries(org.Voice))
	require.False(t, mute.Carries(org.Email))
	_, err = mute.Send(t.Context(), call("k"))
	require.True(t, fault.Is(err, fault.Invalid))
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		conduct   gatewayfake.Conduct
		class     page.Class
		kind      fault.Kind
		after     time.Duration
		elsewhere bool
	}{
		"accepted":          {gatewayfake.Conduct{}, page.Pending, "", 0, false},
		"bad number":        {gatewayfake.Conduct{Status: 400}, page.Dead, "", 0, false},
		"unreadable":        {gatewayfake.Conduct{Status: 422}, page.Dead, "", 0, false},
		"no access":         {gatewayfake.Conduct{Status: 401}, page.Dead, "", 0, true},
		"no credit":         {gatewayfake.Conduct{Status: 402}, page.Dead, "", 0, true},
		"moved":             {gatewayfake.Conduct{Status: 302}, page.Dead, "", 0, true},
		"polite refusal":    {gatewayfake.Conduct{Nameless: true}, page.Dead, "", 0, true},
		"throttled":         {gatewayfake.Conduct{Status: 429, After: 7}, "", fault.Throttled, 7 * time.Second, false},
		"down":              {gatewayfake.Conduct{Status: 503, After: 5}, "", fault.Unavailable, 5 * time.Second, false},
		"lost answer":       {gatewayfake.Conduct{Drop: true}, "", fault.Unavailable, 0, false},
		"unreadable answer": {gatewayfake.Conduct{Garble: true}, "", fault.Unavailable, 0, false},
		"silence":           {gatewayfake.Conduct{Delay: time.Minute}, "", fault.Unavailable, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, always(c.conduct), func(o *gateway.Options) { o.Timeout = 300 * time.Millisecond })
			receipt, err := h.Send(t.Context(), sms("k"))
			if c.kind == "" {
				require.NoError(t, err)
				require.Equal(t, c.class, receipt.Class)
				require.Equal(t, c.elsewhere, gateway.Elsewhere(receipt))
				require.NotContains(t, receipt.Reason, ana)
				return
			}
			require.Equal(t, c.kind, fault.KindOf(err))
			require.Equal(t, c.after, fault.RetryAfter(err))
			require.NotErrorIs(t, err, page.ErrUnsent)
			requireNoSecrets(t, err)
		})
	}
}

func TestWithoutAConnectionNothingLeft(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for name, change := range map[string]func(*gateway.Options){
		"nobody listens":    func(o *gateway.Options) { o.SMSURL = server.URL },
		"no such host":      func(o *gateway.Options) { o.SMSURL = "http://nowhere.invalid/sms" },
		"a private address": func(o *gateway.Options) { o.Allow = nil },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, nil, change).Send(t.Context(), sms("k"))
			require.ErrorIs(t, err, page.ErrUnsent)
			require.True(t, fault.Is(err, fault.Unavailable))
			requireNoSecrets(t, err)
		})
	}
}

// Accept, then drop the connection.
func TestALostAnswerIsFoundAgain(t *testing.T) {
	h := open(t, always(gatewayfake.Conduct{Drop: true}))
	_, err := h.Send(t.Context(), sms("k"))
	require.Error(t, err)
	receipt, found, err := h.Find(t.Context(), sms("k"), time.Now())
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "g-1", receipt.ProviderID)
	require.Equal(t, "k", receipt.Key)
	_, found, err = h.Find(t.Context(), sms("other"), time.Now())
	require.NoError(t, err)
	require.False(t, found)
}

func TestWhoCannotBeAskedDoesNotDeny(t *testing.T) {
	for name, change := range map[string]func(*gateway.Options){
		"no address":              func(o *gateway.Options) { o.LookupURL = "" },
		"only by names of theirs": func(o *gateway.Options) { o.LookupURL = strings.Replace(o.LookupURL, "{reference}", "{id}", 1) },
		"down":                    func(o *gateway.Options) { o.LookupURL = "http://127.0.0.1:1/{reference}" },
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := open(t, nil, change).Find(t.Context(), sms("k"), time.Now())
			require.True(t, fault.Is(err, fault.Unavailable))
		})
	}
	h := open(t, nil, func(o *gateway.Options) { o.LookupURL, o.Idempotent = "", true })
	_, found, err := h.Find(t.Context(), sms("k"), time.Now())
	require.NoError(t, err, "sending again is harmless")
	require.False(t, found)
}

func TestAskTellsWhatBecameOfIt(t *testing.T) {
	for _, by := range []string{"{reference}", "{id}"} {
		h := open(t, nil, func(o *gateway.Options) { o.LookupURL = strings.Replace(o.LookupURL, "{reference}", by, 1) })
		_, err := h.Send(t.Context(), sms("k"))
		require.NoError(t, err)
		h.fake.Set("g-1", "UNDELIV")
		receipt, err := h.Ask(t.Context(), sms("k"), "g-1")
		require.NoError(t, err)
		require.Equal(t, page.Undelivered, receipt.Status)
		require.Equal(t, "g-1", receipt.ProviderID)
		_, err = h.Ask(t.Context(), sms("other"), "g-9")
		require.True(t, fault.Is(err, fault.NotFound))
	}
	_, err := open(t, nil, func(o *gateway.Options) { o.LookupURL = "" }).Ask(t.Context(), sms("k"), "g-1")
	require.True(t, fault.Is(err, fault.NotFound))
}

func TestTheDoctor(t *testing.T) {
	h := open(t, nil)
	require.NoError(t, h.Doctor(t.Context()))
	h.fake.Sicken(true)
	require.True(t, fault.Is(h.Doctor(t.Context()), fault.Unavailable))
	h.fake.Sicken(false)
	require.NoError(t, h.Doctor(t.Context()))
}

func TestWords(t *testing.T) {
	h := open(t, nil, func(o *gateway.Options) { o.Words = map[string]string{"Handset Off": "retry", "STOPPED": "opted_out"} })
	for word, want := range map[string]page.Class{
		"DELIVRD": page.Arrived, "delivered": page.Arrived, "queued": page.Pending, "SENT": page.Pending, "UNDELIV": page.Dead, "Rejected": page.Dead,
		"busy": page.Dead, "no-answer": page.Dead, "voicemail": page.Dead, "handset off": page.Transient, "stopped": page.Barred, "flabbergasted": page.Pending,
	} {
		receipt, err := h.Read(query(h, "k"), "application/json", []byte(`{"id":"g-1","status":"`+word+`"}`))
		require.NoError(t, err)
		require.Equal(t, want, receipt.Class, word)
	}
}

// query of the address that was given out for a key.
func query(_ house, key string) url.Values {
	return url.Values{"key": {key}, "proof": {gateway.Proof(secret, key)}}
}

func TestCallbacks(t *testing.T) {
	h := open(t, nil)
	_, err := h.Send(t.Context(), sms("E-1/t1/ana/mobile/1"))
	require.NoError(t, err)
	address, err := url.Parse(h.fake.Sent()[0].Callback)
	require.NoError(t, err)
	require.Equal(t, gateway.CallbackPath, address.Path)

	receipt, err := h.Read(address.Query(), "application/json; charset=utf-8", []byte(`{"id":12345678901234567890,"status":"delivered"}`))
	require.NoError(t, err)
	require.Equal(t, page.Receipt{
		Key: "E-1/t1/ana/mobile/1", Status: page.Delivered, Class: page.Arrived, Provider: gateway.Provider, ProviderID: "12345678901234567890",
	}, receipt)
	receipt, err = h.Read(query(h, ""), "application/x-www-form-urlencoded", []byte("id=g-1&status=UNDELIV"))
	require.NoError(t, err, "one address for all messages: they name themselves")
	require.Equal(t, "g-1", receipt.ProviderID)
	require.Equal(t, page.Dead, receipt.Class)
}

func TestForgedCallbacksAreRefused(t *testing.T) {
	h := open(t, nil)
	good := query(h, "k")
	for name, q := range map[string]url.Values{
		"nothing": {}, "no proof": {"key": {"k"}}, "another's": {"key": {"k"}, "proof": {gateway.Proof(secret, "other")}},
		"all for one": {"key": {"k"}, "proof": {gateway.Proof(secret, "")}}, "other secret": {"key": {"k"}, "proof": {gateway.Proof("x", "k")}},
	} {
		_, err := h.Read(q, "application/json", []byte(`{"id":"g-1","status":"delivered"}`))
		require.True(t, fault.Is(err, fault.Unauthenticated), name)
	}
	deaf := open(t, nil, func(o *gateway.Options) { o.Secret = "" })
	_, err := deaf.Read(url.Values{"key": {"k"}, "proof": {gateway.Proof("", "k")}}, "application/json", []byte(`{"id":"g-1","status":"delivered"}`))
	require.True(t, fault.Is(err, fault.Unauthenticated), "without a secret nothing is believed")
	_, err = deaf.Send(t.Context(), sms("k"))
	require.NoError(t, err)
	require.Empty(t, deaf.fake.Sent()[0].Callback)

	for _, nonsense := range []string{"", "{", "[]", `{"id":"g-1"}`, `{"status":{}}`, `{"status":"a"}{}`, `{"status":"` + strings.Repeat("a", 300) + `"}`} {
		_, err := h.Read(good, "application/json", []byte(nonsense))
		require.True(t, fault.Is(err, fault.Invalid), nonsense)
	}
	_, err = h.Read(query(h, ""), "application/json", []byte(`{"status":"delivered"}`))
	require.True(t, fault.Is(err, fault.Invalid), "nobody is named")
}

func TestHeadersAreFilledIn(t *testing.T) {
	var key string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { key = r.Header.Get("Idempotency-Key") }))
	defer server.Close()
	h := open(t, nil, func(o *gateway.Options) {
		o.SMSURL, o.ID, o.Headers = server.URL, "", map[string]string{"Idempotency-Key": "{key}"}
	})
	receipt, err := h.Send(t.Context(), sms("E-1/ána\r\nX: y"))
	require.NoError(t, err)
	require.Equal(t, page.Pending, receipt.Class, "any 2xx will do when no name is expected")
	require.Equal(t, "E-1/?na??X: y", key)
}

func TestOptionsNameTheWrongField(t *testing.T) {
	right := gateway.Options{SMSURL: "https://sms.example.com", Body: body}
	_, err := gateway.New(right)
	require.NoError(t, err)
	for field, wrong := range map[string]func(*gateway.Options){
		"sms_url":    func(o *gateway.Options) { o.SMSURL = "" },
		"voice_url":  func(o *gateway.Options) { o.VoiceURL = "ftp://x" },
		"lookup_url": func(o *gateway.Options) { o.LookupURL = "https://user:pass@x/{id}" },
		"method":     func(o *gateway.Options) { o.Method = "GET" },
		"format":     func(o *gateway.Options) { o.Format = "xml" },
		"body":       func(o *gateway.Options) { o.Body = `{"to":"{to}"}` },
		"headers":    func(o *gateway.Options) { o.Headers = map[string]string{"A": "x\r\nB: y"} },
		"words":      func(o *gateway.Options) { o.Words = map[string]string{"ok": "fine"} },
	} {
		o := right
		wrong(&o)
		_, err := gateway.New(o)
		var f *fault.Error
		require.ErrorAs(t, err, &f)
		require.Equal(t, field, f.Field)
	}
	_, err = gateway.New(gateway.Options{SMSURL: "https://x", Format: gateway.Form, Body: `{"to":"{to}","text":["{text}"]}`})
	require.True(t, fault.Is(err, fault.Invalid), "a form is flat")
}

// Whatever a provider or a forger writes is read without a panic, and says only what it may.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{`{"id":"g-1","status":"delivered"}`, `{"messages":[{"id":1}],"status":"x"}`, "status=a&id=b", `[[[`, `{"status":1e999}`, "\x00"} {
		f.Add("application/json", []byte(seed), "messages.0.id", "status")
		f.Add("application/x-www-form-urlencoded", []byte(seed), "id", "a.0.b")
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte, id, status string) {
		client, err := gateway.New(gateway.Options{
			SMSURL: "https://sms.example.com", Body: `{"to":"{to}","text":"{text}"}`, Secret: secret, StatusID: id, Status: status,
		})
		if err != nil {
			return
		}
		q := url.Values{"key": {"k"}, "proof": {gateway.Proof(secret, "k")}}
		receipt, err := client.Read(q, kind, body)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			return
		}
		require.Equal(t, "k", receipt.Key)
		require.NotEmpty(t, receipt.Status)
		require.NotEmpty(t, receipt.Class)
		require.LessOrEqual(t, len(receipt.ProviderID), 200)
		require.LessOrEqual(t, len([]rune(receipt.Reason)), 80)
	})
}

func requireNoSecrets(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	for _, shown := range []string{ana, ana[1:], gatewayfake.Token, "payments", secret} {
		require.NotContains(t, err.Error(), shown)
	}
}

func TestAGatewayThatSpeaksIsToldTheLanguage(t *testing.T) {
	for language, want := range map[tongue.Language]string{"": "en", tongue.German: "de"} {
		var heard string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			heard = r.Header.Get("X-Language")
			_, _ = w.Write([]byte(`{}`))
		}))
		client, err := gateway.New(gateway.Options{VoiceURL: server.URL, Body: body, Headers: map[string]string{"X-Language": "{language}"},
			Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
		require.NoError(t, err)
		_, err = client.Send(t.Context(), page.Message{Key: "E-42/t1/ana/call/3", Channel: org.Voice, To: ana, Body: "Hallo", Language: language})
		require.NoError(t, err)
		require.Equal(t, want, heard)
		server.Close()
	}
}
