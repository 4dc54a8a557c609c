package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/integrations/beacon"
	"github.com/belayhq/belay/integrations/smtp/smtpfake"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
	"github.com/belayhq/belay/service"
)

// told by every way that a Bulletin can take, to real fakes over the wire.
func TestOperatorsHearByEveryWayOnce(t *testing.T) {
	phones := &twiliofake.Server{}
	twilio := httptest.NewServer(phones)
	defer twilio.Close()
	mailboxes, err := smtpfake.Start(smtpfake.Options{})
	require.NoError(t, err)
	defer mailboxes.Close()
	var note beacon.Note
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _ = json.NewDecoder(r.Body).Decode(&note) }))
	defer chat.Close()
	o, err := FromEnv(env(
		"BELAY_TWILIO_ACCOUNT_SID", twiliofake.AccountSID, "BELAY_TWILIO_AUTH_TOKEN", twiliofake.AuthToken, "BELAY_TWILIO_FROM", "+15550000000",
		"BELAY_TWILIO_BASE_URL", twilio.URL, "BELAY_SMTP_ADDR", mailboxes.Addr, "BELAY_SMTP_FROM", "belay@example.com", "BELAY_SMTP_TLS", "none",
		"BELAY_WATCHDOG_WEBHOOKS", chat.URL, "BELAY_WATCHDOG_EMAILS", "ops@example.com", "BELAY_WATCHDOG_PHONES", "+15551234567",
	))
	require.NoError(t, err)
	ways, err := operators(o)
	require.NoError(t, err)
	require.Len(t, ways, 3)

	lost := service.Finding{Key: "missing", Trouble: service.Lost, Severity: service.Critical, Words: "1 escalation is open and no workflow runs: E-7.", Runbook: "docs/runbooks/watchdog.md#missing"}
	bulletin := service.Bulletin{Key: "watchdog/1", At: time.Now(), Began: []service.Finding{lost}}
	for _, again := range []bool{false, true} { // the second time it may have arrived, and whoever can be asked is asked
		for _, way := range ways {
			if again && !way.Loud() {
				continue
			}
			require.NoError(t, way.Tell(t.Context(), bulletin, again), way.Name())
		}
	}
	require.Len(t, phones.Sent(), 1)
	require.Equal(t, "Belay is in trouble: missing. "+lost.Words+" Runbook: watchdog.md.", phones.Sent()[0].Body)
	require.Empty(t, phones.Sent()[0].Form.Get("StatusCallback"))
	require.Len(t, mailboxes.Mails(), 1)
	mail, err := mailboxes.Mails()[0].Parsed()
	require.NoError(t, err)
	require.Equal(t, "Belay is in trouble: missing", mail.Header.Get("Subject"))
	require.Equal(t, "firing", note.Status)
	require.Contains(t, note.Text, "Runbook: docs/runbooks/watchdog.md#missing")
	require.Equal(t, "missing", note.Troubles[0].Key)
}

// While the database is away every process tells it; the words are the same, so that a phone rings once.
func TestAPhoneIsToldOnceOfWhatEveryProcessFinds(t *testing.T) {
	phones := &twiliofake.Server{}
	twilio := httptest.NewServer(phones)
	defer twilio.Close()
	o, err := FromEnv(env(
		"BELAY_TWILIO_ACCOUNT_SID", twiliofake.AccountSID, "BELAY_TWILIO_AUTH_TOKEN", twiliofake.AuthToken, "BELAY_TWILIO_FROM", "+15550000000",
		"BELAY_TWILIO_BASE_URL", twilio.URL, "BELAY_WATCHDOG_PHONES", "+15551234567",
	))
	require.NoError(t, err)
	dark := service.Sight{Dark: true}.Findings(service.WatchLimits{})
	for n := range 3 {
		ways, err := operators(o) // a process of its own
		require.NoError(t, err)
		at := time.Now().Add(time.Duration(n) * 20 * time.Second)
		require.NoError(t, ways[0].Tell(t.Context(), service.Bulletin{Key: at.String(), At: at, Began: dark}, false))
	}
	require.Len(t, phones.Sent(), 1)
}

// What the first provider refuses the second one carries.
func TestOperatorsAreToldByTheSecondProvider(t *testing.T) {
	phones := &twiliofake.Server{Plan: func(twiliofake.Sent) twiliofake.Conduct { return twiliofake.Conduct{Status: 500} }}
	twilio := httptest.NewServer(phones)
	defer twilio.Close()
	var texted string
	second := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Text string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		texted = body.Text
		w.WriteHeader(http.StatusCreated)
	}))
	defer second.Close()
	o, err := FromEnv(env(
		"BELAY_TWILIO_ACCOUNT_SID", twiliofake.AccountSID, "BELAY_TWILIO_AUTH_TOKEN", twiliofake.AuthToken, "BELAY_TWILIO_FROM", "+15550000000",
		"BELAY_TWILIO_BASE_URL", twilio.URL, "BELAY_GATEWAY_SMS_URL", second.URL, "BELAY_GATEWAY_ALLOW", "127.0.0.0/8",
		"BELAY_WATCHDOG_PHONES", "+15551234567",
	))
	require.NoError(t, err)
	ways, err := operators(o)
	require.NoError(t, err)
	dark := service.Sight{Dark: true}.Findings(service.WatchLimits{})
	require.NoError(t, ways[0].Tell(t.Context(), service.Bulletin{Key: "k", At: time.Now(), Began: dark}, false))
	require.True(t, strings.HasPrefix(texted, "Belay is in trouble: postgres."), texted)
}
