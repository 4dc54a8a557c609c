package blueprint_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/org"
)

const deskOrg = `
{kind: organisation, id: acme, name: Acme, catch_all: {targets: [{person: ana}]}}
---
{kind: unit, id: it, name: IT}
---
{kind: team, id: ops, name: Ops, unit: it, members: [ana]}
---
{kind: person, id: ana, name: Ana, methods: [{email: ana@acme.example}]}
---
{kind: service, id: payments, name: Payments, owner: ops}
---
{kind: policy, id: all, tiers: [{targets: [{person: ana}]}]}
---
`

const deskDocument = `
kind: ticket_system
id: desk
type: servicenow
url: https://acme.service-now.com
secret: snow
hook: snow-hook
opens: [{services: [payments], priorities: [P1, P2], tier: 1}]
states:
  - {is: working, theirs: ["2", "-5"]}
  - {is: solved, theirs: ["6"], with: [{field: close_code, value: Solved}]}
priorities: [{is: P1, theirs: [{field: impact, value: "1"}, {field: urgency, value: "1"}]}]
people: [{person: ana, theirs: "5137"}]
fields: [{field: category, value: "{service}"}]
`

func loadDesk(text string) (*blueprint.Blueprint, error) {
	return blueprint.Load([]blueprint.File{{Path: "a.yaml", Content: []byte(deskOrg + text)}}, time.LoadLocation)
}

func TestATicketSystemIsRead(t *testing.T) {
	loaded, err := loadDesk(deskDocument)
	require.NoError(t, err)
	require.Equal(t, org.TicketSystem{
		ID: "desk", Name: "desk", Type: org.ServiceNow, URL: "https://acme.service-now.com", Secret: "snow", Hook: "snow-hook",
		Opens:    []org.TicketOpening{{Services: loaded.Org.Tickets["desk"].Opens[0].Services, Priorities: []org.Priority{"P1", "P2"}, Tier: 1}},
		States:   map[string][]string{"working": {"2", "-5"}, "solved": {"6"}},
		With:     map[string]map[string]string{"solved": {"close_code": "Solved"}},
		Priority: map[org.Priority]map[string]string{"P1": {"impact": "1", "urgency": "1"}},
		People:   loaded.Org.Tickets["desk"].People, Fields: map[string]string{"category": "{service}"}, Edition: "",
	}, loaded.Org.Tickets["desk"])
	require.Equal(t, "5137", loaded.Org.Tickets["desk"].People["ana"])
	require.Empty(t, blueprint.Diff(loaded.Org, loaded.Org))
	other, err := loadDesk(strings.Replace(deskDocument, `["6"]`, `["7"]`, 1))
	require.NoError(t, err)
	require.NotEmpty(t, blueprint.Diff(loaded.Org, other.Org))
}

func TestAMistakeInATicketSystemIsNamed(t *testing.T) {
	for change, want := range map[string][2]string{
		"no such person":      {"person: ana, theirs", "person: anna, theirs"},
		"what is solved":      {"{is: solved, theirs", "{is: closed, theirs"},
		"must be":             {"type: servicenow", "type: zammad"},
		"the project":         {"type: servicenow", "type: jira"},
		"name of the service": {"services: [payments]", "services: [payment]"},
	} {
		_, err := loadDesk(strings.Replace(deskDocument, want[0], want[1], 1))
		require.Error(t, err, change)
	}
}
