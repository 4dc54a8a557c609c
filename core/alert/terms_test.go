package alert_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/org"
)

func TestASeverityInTheTermsOfTheOrganisationIsKnown(t *testing.T) {
	terms := org.Terms{
		Severities: map[string]string{"critical": "Katastrophe", "info": "Rand\"notiz"},
		Priorities: map[org.Priority]string{org.P1: "Sofort", org.P3: "Später", org.P5: "Irgendwann"},
	}
	for word, want := range map[string]alert.Severity{
		"katastrophe": alert.Critical, "Rand\"notiz": alert.Info, "sofort": alert.Critical, "SPÄTER": alert.Warning, "Irgendwann": alert.Info,
	} {
		a := alert.Alert{Severity: alert.Error, Warnings: []string{"one", alert.UnknownSeverity(word), "two"}}
		got := a.InTerms(terms)
		require.Equal(t, want, got.Severity, word)
		require.Equal(t, []string{"one", "two"}, got.Warnings, word)
		require.Len(t, a.Warnings, 3, "what was given is as it was")
	}
	for _, a := range []alert.Alert{
		{Severity: alert.Error, Warnings: []string{alert.UnknownSeverity("purple")}},
		{Severity: alert.Info, Warnings: []string{alert.UnknownSeverity("katastrophe")}}, // a decoder chose it for a reason of its own
		{Severity: alert.Error, Warnings: []string{"nobody here knows the severity katastrophe: taken as error"}},
		{Severity: alert.Error, Warnings: []string{alert.UnknownSeverity("")}},
		{Severity: alert.Warning},
	} {
		require.Equal(t, a, a.InTerms(terms))
	}
}
