package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/core/org"
	pages "github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// town is an organisation that was applied.
type town struct{ *org.Org }

func (t town) Current() policy.Directory { return policy.Directory{Org: t.Org} }

// Messages follow the blueprint that is current, also while there is none.
func TestMessagesTakeTheTermsThatAreCurrent(t *testing.T) {
	m := pages.Message{Purpose: pages.Page, Channel: org.SMS, Brief: pages.Brief{Escalation: "E-42", Title: "down", Priority: org.P1}}
	o := &org.Org{}
	words := app.Spoken(town{o})
	_, body := words(m, org.Person{})
	require.Contains(t, body, "P1 E-42 down")
	o.Terms.Priorities = map[org.Priority]string{org.P1: "Critical"}
	_, body = words(m, org.Person{})
	require.Contains(t, body, "Critical E-42 down")
	_, body = app.Spoken(nowhere{})(m, org.Person{})
	require.Contains(t, body, "P1 E-42 down")
}
