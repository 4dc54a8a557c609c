package service_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/service"
)

func TestRepliesSpeakInTheTermsOfTheOrganisation(t *testing.T) {
	h := newHouse(t)
	h.organisation.Directory.Org.Terms = org.Terms{
		Priorities: map[org.Priority]string{org.P1: "Kritisch"}, States: map[string]string{"open": "Neu", "acknowledged": "in Arbeit"},
	}
	h.running("E-1", "ana")
	require.Equal(t, "E-1 Neu: Kritisch payments: card declines above 5%", h.texts(anasPhone, "status", "SM1"))
	h.rows.Put(service.Escalation{Summary: escalation.Summary{ID: "E-1", State: escalation.Acked, AcknowledgedBy: "ben", Told: []id.Person{"ana"}, Priority: org.P1, Service: "payments", Title: "x"}})
	h.speaks("ana", tongue.German)
	require.Contains(t, h.texts(anasPhone, "status", "SM2"), "E-1 in Arbeit: Kritisch payments: x (ben hat es)")
	h.running("E-2", "ana")
	h.running("E-3", "ana")
	require.Contains(t, h.texts(anasPhone, "ack", "SM3"), "\nübernehmen 3: Kritisch payments: ")
}

// A monitor that says how bad it is in the terms of the organisation is understood without a loss, and one that says it in
// terms of nobody is taken for an error, with a warning.
func TestASeverityInTheTermsOfTheOrganisationIsMapped(t *testing.T) {
	o := service.Smallest()
	o.Terms = org.Terms{Severities: map[string]string{"critical": "Katastrophe"}}
	said := func(word string) alert.Dialect {
		return alert.Dialect{Name: "own", Decode: func(alert.Post) ([]alert.Alert, error) {
			return []alert.Alert{{Action: alert.Trigger, Title: "x", DedupKey: "x", Severity: alert.Error, Warnings: []string{alert.UnknownSeverity(word)}}}, nil
		}}
	}
	in := o.Integrations[id.Integration("example")]
	x, err := service.Explain(o, nil, in, said("KATASTROPHE"), alert.Post{})
	require.NoError(t, err)
	require.Equal(t, alert.Critical, x.Events[0].Severity)
	require.Equal(t, org.P1, x.Route.Priority)
	require.NotContains(t, x.Events[0].Warnings, alert.UnknownSeverity("KATASTROPHE"))
	x, err = service.Explain(o, nil, in, said("purple"), alert.Post{})
	require.NoError(t, err)
	require.Equal(t, alert.Error, x.Events[0].Severity)
	require.Contains(t, x.Events[0].Warnings, alert.UnknownSeverity("purple"))
}
