package app

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func env(pairs ...string) func(string) string {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return values[name] }
}

func TestAnEmptyEnvironmentIsADevelopersMachine(t *testing.T) {
	o, err := FromEnv(env())
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8080", o.HTTPAddr)
	require.Equal(t, "http://127.0.0.1:8080", o.PublicURL)
	require.Equal(t, "127.0.0.1:5433", o.PostgresAddr)
	require.Equal(t, "127.0.0.1:8233", o.TemporalUIAddr)
	require.Equal(t, ".belay", o.Home)
	require.Equal(t, "examples/acme", o.Blueprint)
	require.Equal(t, LogText, o.LogFormat)
	require.ErrorContains(t, o.Complete(), "BELAY_DATABASE_URL")
	require.ErrorContains(t, o.Complete(), "BELAY_SECRET")
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	mistakes := map[string]string{
		"BELAY_HTTP_ADDR":         "8080",
		"BELAY_WORKER_ADDR":       "127.0.0.1:99999",
		"BELAY_PUBLIC_URL":        "belay.example.com",
		"BELAY_SECRET":            "short",
		"BELAY_CODEC_KEYS":        "a:b",
		"BELAY_SMTP_TLS":          "perhaps",
		"BELAY_WEBHOOK_ALLOW":     "10.0.0.0",
		"BELAY_LOG_LEVEL":         "loud",
		"BELAY_LOG_FORMAT":        "xml",
		"BELAY_DEV":               "maybe",
		"BELAY_GATEWAY_HEADERS":   "Authorization: x",
		"BELAY_GATEWAY_WORDS":     "DELIVRD",
		"BELAY_GATEWAY_SECRET":    "brief",
		"BELAY_GATEWAY_ALLOW":     "10.0.0.0",
		"BELAY_GATEWAY_FORMAT":    "xml",
		"BELAY_TWILIO_AUTH_TOKEN": "token",

		"BELAY_WATCHDOG":                  "often",
		"BELAY_WATCHDOG_WEBHOOKS":         "https://chat.example.com/hooks/1, hunter2",
		"BELAY_WATCHDOG_EMAILS":           "Ops <ops@example.com>",
		"BELAY_WATCHDOG_PHONES":           "0791234567",
		"BELAY_WATCHDOG_HEARTBEAT_URL":    "hc-ping.com/hunter2",
		"BELAY_WATCHDOG_HEARTBEAT_METHOD": "DELETE",
		"BELAY_WATCHDOG_GRACE":            "1s",
		"BELAY_WATCHDOG_BLIND":            "eye",
		"BELAY_WATCHDOG_ADDR":             "8082",
		"BELAY_TWILIO_BASE_URL":           "ftp://twilio",
	}
	_, err := FromEnv(func(name string) string { return mistakes[name] })
	require.Error(t, err)
	for name := range mistakes {
		if name == "BELAY_TWILIO_AUTH_TOKEN" {
			name = "BELAY_TWILIO_ACCOUNT_SID" // what is missing, not what is there
		}
		require.ErrorContains(t, err, name)
	}
	require.NotContains(t, err.Error(), "short")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestAWayToTheOperatorsNeedsItsCarrier(t *testing.T) {
	_, err := FromEnv(env("BELAY_WATCHDOG_EMAILS", "ops@example.com", "BELAY_WATCHDOG_PHONES", "+15551234567"))
	require.ErrorContains(t, err, "BELAY_SMTP_ADDR: needed with BELAY_WATCHDOG_EMAILS")
	require.ErrorContains(t, err, "BELAY_TWILIO_ACCOUNT_SID or BELAY_GATEWAY_SMS_URL: needed with BELAY_WATCHDOG_PHONES")
}

func TestSecretsAreNeverShown(t *testing.T) {
	values := map[string]string{"BELAY_DATABASE_URL": "postgres://belay:hunter2@db.example.com/belay?sslpassword=hunter2", "BELAY_WATCHDOG_HEARTBEAT_URL": "https://hc-ping.com/hunter2"}
	for _, v := range Variables() {
		if v.Secret && values[v.Name] == "" {
			values[v.Name] = "hunter2:hunter2 hunter2-hunter2-hunter2-hunter2"
		}
	}
	shown := map[string]string{}
	for _, s := range Settings(func(name string) string { return values[name] }) {
		require.NotContains(t, s.Value, "hunter2", s.Name)
		shown[s.Name] = s.Value
	}
	require.Equal(t, "postgres://db.example.com/belay", shown["BELAY_DATABASE_URL"])
	require.Equal(t, "(set)", shown["BELAY_SECRET"])
	require.Equal(t, "127.0.0.1:8080", shown["BELAY_HTTP_ADDR"])
}

func TestNamesThatSoundSecretAreSecret(t *testing.T) {
	sounds := regexp.MustCompile(`SECRET|TOKEN|PASSWORD|KEYS|DATABASE_URL|HEARTBEAT_URL|WATCHDOG_WEBHOOKS|GATEWAY_(.*URL|HEADERS)`) // addresses of gateways have keys in their queries
	for _, v := range Variables() {
		require.Equal(t, sounds.MatchString(v.Name), v.Secret, v.Name)
	}
}

func TestAnAddressForEverybodyIsReachedByName(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:8080":     "http://localhost:8080",
		":8080":            "http://localhost:8080",
		"[::]:8080":        "http://localhost:8080",
		"[::1]:8080":       "http://[::1]:8080",
		"10.0.0.7:80":      "http://10.0.0.7:80",
		"belay.local:8080": "http://belay.local:8080",
	} {
		o, err := FromEnv(env("BELAY_HTTP_ADDR", addr))
		require.NoError(t, err)
		require.Equal(t, want, o.PublicURL)
	}
}

func TestACompleteProductionEnvironment(t *testing.T) {
	o, err := FromEnv(env(
		"BELAY_DATABASE_URL", "postgres://db/belay",
		"BELAY_SECRET", strings.Repeat("s", 32),
		"BELAY_CODEC_KEYS", "k1:"+base64.StdEncoding.EncodeToString(make([]byte, 32)),
		"BELAY_WEBHOOK_ALLOW", "10.0.0.0/8, fd00::/8",
		"BELAY_LOG_FORMAT", "json",
		"BELAY_LOG_LEVEL", "WARN",
	))
	require.NoError(t, err)
	require.NoError(t, o.Complete())
	require.Len(t, o.CodecKeys, 1)
	require.Len(t, o.Webhook.Allow, 2)
}
