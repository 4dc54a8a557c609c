package org_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/org"
)

func TestWhatIsCalledOtherwiseIsReadBack(t *testing.T) {
	terms := org.Terms{
		Priorities: map[org.Priority]string{org.P1: "Kritisch", org.P2: "Größer"}, States: map[string]string{"acknowledged": "in Arbeit"},
		Severities: map[string]string{"critical": "Katastrophe"},
	}
	require.Equal(t, []string{"Kritisch", "Größer", "P3"}, []string{terms.Priority(org.P1), terms.Priority(org.P2), terms.Priority(org.P3)})
	require.Equal(t, []string{"in Arbeit", "open"}, []string{terms.State("acknowledged"), terms.State("open")})
	for word, want := range map[string]org.Priority{"kritisch": org.P1, " GRÖSSER": "", "GRÖßER ": org.P2, "P2": org.P2, "P3": org.P3, "p3": "", "": "", "P9": ""} {
		require.Equal(t, want, terms.ReadPriority(word), word)
	}
	require.Equal(t, "acknowledged", terms.ReadState("In arbeit"))
	require.Equal(t, "critical", terms.ReadSeverity("katastrophe"))
	var none org.Terms
	require.Equal(t, org.P1, none.ReadPriority("P1"))
	require.Empty(t, none.ReadState("")+none.ReadSeverity("critical"))
	require.Equal(t, "P1", none.Priority(org.P1))
}
