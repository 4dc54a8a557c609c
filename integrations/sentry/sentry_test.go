package sentry_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/sentry"
)

// The signature was made with openssl: printf '{"action":"created"}' | openssl dgst -sha256 -hmac 'client secret'.
func TestASignatureMadeByOthersHolds(t *testing.T) {
	p := alert.Post{Body: []byte(`{"action":"created"}`), Header: map[string]string{
		"sentry-hook-signature": "6db5f84862880e2daa1eaf507a82d7b746af8c2242787a63357646d7cdee47c1",
	}}
	require.NoError(t, sentry.Verify(p, "client secret"))
	require.True(t, fault.Is(sentry.Verify(p, "another secret"), fault.Unauthenticated))
	p.Body = append(p.Body, ' ')
	require.True(t, fault.Is(sentry.Verify(p, "client secret"), fault.Unauthenticated))
	require.True(t, fault.Is(sentry.Verify(alert.Post{Header: map[string]string{}}, "client secret"), fault.Unauthenticated))
}

func TestWhatHappensToAnIssue(t *testing.T) {
	for action, want := range map[string]alert.Action{
		"created": alert.Trigger, "unresolved": alert.Trigger, "resolved": alert.Resolve, "archived": alert.Resolve, "assigned": alert.Ignore, "sung": alert.Ignore,
	} {
		all, err := sentry.Decode(alert.Post{Body: []byte(`{"action":"` + action + `","data":{"issue":{"id":"7","title":"boom","level":"fatal","project":{"slug":"shop"}}}}`)})
		require.NoError(t, err)
		require.Equal(t, want, all[0].Action, action)
		require.Equal(t, "sentry/7", all[0].DedupKey)
		require.Equal(t, alert.Critical, all[0].Severity)
	}
}

func TestAlertsOnMetrics(t *testing.T) {
	say := func(action string) alert.Alert {
		all, err := sentry.Decode(alert.Post{Body: []byte(`{"action":"` + action + `","data":{"metric_alert":{"id":"9","alert_rule":{"name":"errors"},"date_detected":"2026-01-02T03:04:05Z"},
			"description_title":"Critical: errors","description_text":"500 in the last minute","web_url":"https://sentry.io/x"}}`)})
		require.NoError(t, err)
		return all[0]
	}
	require.Equal(t, alert.Critical, say("critical").Severity)
	require.Equal(t, alert.Warning, say("warning").Severity)
	require.Equal(t, alert.Resolve, say("resolved").Action)
	require.Equal(t, say("critical").DedupKey, say("resolved").DedupKey)
	require.Equal(t, "Critical: errors: 500 in the last minute", say("critical").Title)
}
