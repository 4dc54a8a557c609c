package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/service"
)

func TestAChannelWithoutACarrierIsGivenUpAtOnce(t *testing.T) {
	at := time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	out, err := carriers(Options{}, slog.New(slog.DiscardHandler), func() time.Time { return at }, nil)
	require.NoError(t, err)
	for _, channel := range channels() {
		receipt, err := out.ways[channel].Send(t.Context(), page.Message{Key: "k", Channel: channel})
		require.NoError(t, err)
		require.Equal(t, page.Receipt{
			Key: "k", Status: page.Failed, Class: page.Dead, Reason: "no carrier configured for " + string(channel), At: at,
		}, receipt)
	}
}

func TestConfiguredChannelsHaveTheirCarrier(t *testing.T) {
	o, err := FromEnv(env(
		"BELAY_TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef", "BELAY_TWILIO_AUTH_TOKEN", "token", "BELAY_TWILIO_FROM", "+15005550006",
		"BELAY_SMTP_ADDR", "mail.example.com:587", "BELAY_SMTP_FROM", "belay@example.com",
		"BELAY_WEBHOOK_SECRET", "secret",
	))
	require.NoError(t, err)
	out, err := carriers(o, slog.New(slog.DiscardHandler), time.Now, nil)
	require.NoError(t, err)
	for _, channel := range channels() {
		_, missing := out.ways[channel].(nobody)
		require.False(t, missing, channel)
	}
}

func TestAWrongAccountIsFoundAtStart(t *testing.T) {
	o := Options{Twilio: Twilio{AccountSID: "nonsense", AuthToken: "hunter2", From: "+15005550006"}}
	_, err := carriers(o, slog.New(slog.DiscardHandler), time.Now, nil)
	require.ErrorContains(t, err, "account_sid")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestWhoPlaysACarrierMaySpeakEitherLanguage(t *testing.T) {
	for _, scene := range []struct {
		channel      org.Channel
		status, code string
		want         page.Class
	}{
		{org.Voice, "no-answer", "", page.Dead},
		{org.Voice, "no_answer", "", page.Dead},
		{org.Voice, "machine", "", page.Dead},
		{org.Voice, "busy", "", page.Dead},
		{org.SMS, "undelivered", "30034", page.Dead},
		{org.SMS, "undelivered", "30008", page.Transient},
		{org.SMS, "failed", "21610", page.Barred},
		{org.SMS, "opted_out", "", page.Barred},
		{org.Email, "undelivered", "", page.Dead},
	} {
		_, class, reason := Classify(scene.channel, scene.status, scene.code)
		require.Equal(t, scene.want, class, "%+v: %s", scene, reason)
	}
}

func TestTwoProvidersBackEachOther(t *testing.T) {
	account := []string{"BELAY_TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef", "BELAY_TWILIO_AUTH_TOKEN", "token", "BELAY_TWILIO_FROM", "+15005550006"}
	for name, scene := range map[string]struct {
		settings   []string
		sms, voice []string
	}{
		"twilio alone":         {account, []string{"twilio"}, []string{"twilio"}},
		"both":                 {append(account, "BELAY_GATEWAY_SMS_URL", "https://sms.example.com", "BELAY_GATEWAY_VOICE_URL", "https://sms.example.com/call"), []string{"twilio", "gateway"}, []string{"twilio", "gateway"}},
		"sms by both":          {append(account, "BELAY_GATEWAY_SMS_URL", "https://sms.example.com/?key=hunter2"), []string{"twilio", "gateway"}, []string{"twilio"}},
		"without any of these": {nil, nil, nil},
		"the gateway alone":    {[]string{"BELAY_GATEWAY_SMS_URL", "https://sms.example.com"}, []string{"gateway"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := FromEnv(env(scene.settings...))
			require.NoError(t, err)
			out, err := carriers(o, slog.New(slog.DiscardHandler), time.Now, nil)
			require.NoError(t, err)
			for channel, want := range map[org.Channel][]string{org.SMS: scene.sms, org.Voice: scene.voice} {
				require.Equal(t, want, o.Providers()[channel])
				var wired []string
				if pair, two := out.ways[channel].(*service.Failover); two {
					wired = []string{pair.First.Name, pair.Second.Name}
				} else if _, none := out.ways[channel].(nobody); !none {
					wired = want[:1]
				}
				require.Equal(t, want, wired, "what plan is told is what is there")
			}
		})
	}
	o, err := FromEnv(env("BELAY_GATEWAY_SMS_URL", "https://sms.example.com", "BELAY_GATEWAY_BODY", `{"to":"{to}"}`))
	require.NoError(t, err)
	_, err = carriers(o, slog.New(slog.DiscardHandler), time.Now, nil)
	require.ErrorContains(t, err, "body")
}

func TestSwitchesAreCounted(t *testing.T) {
	m := NewMetrics()
	m.Switched(org.SMS, "twilio", "gateway")
	shown := httptest.NewRecorder()
	m.Handler().ServeHTTP(shown, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, shown.Body.String(), `belay_carrier_switched_total{channel="sms",from="twilio",to="gateway"} 1`)
}

func TestAGatewayThatTellsHowItDoesIsWatched(t *testing.T) {
	for address, want := range map[string]int{"": 0, "https://sms.example.com/health": 1} {
		o, err := FromEnv(env("BELAY_GATEWAY_SMS_URL", "https://sms.example.com", "BELAY_GATEWAY_HEALTH_URL", address))
		require.NoError(t, err)
		out, err := carriers(o, slog.New(slog.DiscardHandler), time.Now, nil)
		require.NoError(t, err)
		require.Len(t, out.standby(), want)
	}
	require.Empty(t, outlets{}.standby(), "without a gateway")
}

// A gateway that takes a reference once denies nothing: what its answer was lost of may be there, and stays with it.
func TestAnIdempotentGatewayDeniesNoMessageToTwilio(t *testing.T) {
	taken := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer taken.Close()
	alone := []string{"BELAY_GATEWAY_SMS_URL", taken.URL, "BELAY_GATEWAY_ALLOW", "127.0.0.0/8", "BELAY_GATEWAY_IDEMPOTENT", "1"}
	twilio := []string{"BELAY_TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef", "BELAY_TWILIO_AUTH_TOKEN", "token", "BELAY_TWILIO_FROM", "+15005550006"}
	for name, scene := range map[string]struct {
		settings []string
		asked    func(out outlets) activities.Carrier
		denies   bool
	}{
		"alone":         {alone, func(out outlets) activities.Carrier { return out.ways[org.SMS] }, true},
		"beside Twilio": {append(twilio, alone...), func(out outlets) activities.Carrier { return out.ways[org.SMS].(*service.Failover).Second.Outlet }, false},
	} {
		o, err := FromEnv(env(scene.settings...))
		require.NoError(t, err)
		out, err := carriers(o, slog.New(slog.DiscardHandler), time.Now, nil)
		require.NoError(t, err)
		message := page.Message{Key: "E-1/t1/ana/mobile/1", Channel: org.SMS, To: "+12125550111", Body: "help"}
		carrier := scene.asked(out)
		_, err = carrier.Send(t.Context(), message)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, page.ErrUnsent, name)
		_, found, err := carrier.Find(t.Context(), message, time.Now())
		require.False(t, found, name)
		require.Equal(t, scene.denies, err == nil, "%s: %v", name, err)
	}
}
