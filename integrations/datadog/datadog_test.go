package datadog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/integrations/datadog"
)

func hears(t *testing.T, body string) alert.Alert {
	t.Helper()
	all, err := datadog.Decode(alert.Post{Body: []byte(body)})
	require.NoError(t, err)
	return all[0]
}

// Datadog's own body names neither the monitor nor what happened to it; both stand in its texts.
func TestTheBodyThatDatadogSendsUnasked(t *testing.T) {
	say := func(heading, id string) alert.Alert {
		return hears(t, `{"id":"`+id+`","event_type":"query_alert_monitor","title":"[P1] [`+heading+` on {host:db-1}] disk is full","last_updated":"1767323045000",
			"body":"%%%\nused is 97\n[[Monitor Status](https://app.datadoghq.com/monitors/77?group=host)]\n%%%","org":{"id":"1","name":"acme"}}`)
	}
	broke, well := say("Triggered", "1"), say("Recovered", "2")
	require.Equal(t, alert.Trigger, broke.Action)
	require.Equal(t, alert.Resolve, well.Action)
	require.Equal(t, "datadog/77/host:db-1", broke.DedupKey)
	require.Equal(t, broke.DedupKey, well.DedupKey)
	require.Equal(t, "disk is full (host:db-1)", broke.Title)
	require.Equal(t, alert.Critical, broke.Severity)
	require.Equal(t, "https://app.datadoghq.com/monitors/77?group=host", broke.Links[0].Href)
}

func TestTransitions(t *testing.T) {
	for transition, want := range map[string]struct {
		action   alert.Action
		severity alert.Severity
		warned   bool
	}{
		"Triggered": {alert.Trigger, alert.Critical, false}, "Re-Triggered": {alert.Trigger, alert.Critical, false}, "Warn": {alert.Trigger, alert.Warning, false},
		"No Data": {alert.Trigger, alert.Critical, false}, "Recovered": {alert.Resolve, alert.Critical, false}, "Triggered from Warn": {alert.Trigger, alert.Critical, false},
		"Sang": {alert.Trigger, alert.Critical, true},
	} {
		a := hears(t, `{"title":"disk","alert_transition":"`+transition+`","alert_priority":"P1","monitor_id":"7","alert_scope":"host:a"}`)
		require.Equal(t, want.action, a.Action, transition)
		require.Equal(t, want.severity, a.Severity, transition)
		require.Equal(t, want.warned, len(a.Warnings) > 0, transition)
	}
}

func TestANameThatBeginsWithABracketStaysWhole(t *testing.T) {
	require.Equal(t, "[payments] declines", hears(t, `{"title":"[Triggered] [payments] declines","monitor_id":"7"}`).Title)
}

func TestAFormAndLinesAreReadLikeABody(t *testing.T) {
	form := hears(t, `title=disk&alert_transition=Triggered&monitor_id=7`)
	require.Equal(t, "datadog/7", form.DedupKey)
	all, err := datadog.Decode(alert.Post{Body: []byte("{\"title\":\"a\",\"monitor_id\":\"1\"}\n{\"title\":\"b\",\"monitor_id\":\"2\"}\n")})
	require.NoError(t, err)
	require.Len(t, all, 2)
}
