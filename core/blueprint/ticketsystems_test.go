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

const restDocument = `
kind: ticket_system
id: desk
type: rest
url: https://help.acme.example
secret: help
hook: help-hook
states: [{is: working, theirs: [open]}, {is: solved, theirs: [solved]}]
priorities: [{is: P1, theirs: [{field: priority, value: urgent}]}, {is: P2, theirs: [{field: priority, value: high}]}]
people: [{person: ana, theirs: "7"}]
rest:
  auth: {header: X-Api-Key, value: "{secret}"}
  ticket: {id: item.id, title: item.subject, status: item.status, assignee: item.owner, correlation: item.ref, updated_at: item.updated}
  open: {path: /tickets, headers: {Idempotency-Key: key}, body: '{"subject": title}', success: [201], result: answer.ticket}
  find: {path: /tickets, query: {ref: correlation}, result: answer.tickets}
  get: {path: "/tickets/{ticket}", result: answer}
  note: {path: "/tickets/{ticket}/notes", body: '{"text": text}'}
  notes: {path: "/tickets/{ticket}/notes", result: answer, text: item.text, next: 'page < 3'}
  change:
    - {path: "/tickets/{ticket}", when: status.hasValue(), body: '{?"status": status}'}
    - {path: "/tickets/{ticket}", body: '{?"priority": fields[?"priority"], ?"owner": assignee}'}
  changed: {path: /changes, query: {since: string(since)}, result: answer}
  hook: {ticket: body.id, header: X-Signature, hmac: sha256, encoding: base64, before: X-Stamp}
`

func TestASystemMayBeDescribedWhole(t *testing.T) {
	loaded, err := loadDesk(restDocument)
	require.NoError(t, err)
	r := loaded.Org.Tickets["desk"].REST
	require.NotNil(t, r)
	require.Equal(t, org.TicketAuth{Header: "X-Api-Key", Value: "{secret}"}, r.Auth)
	require.Equal(t, org.TicketCall{Method: "POST", Path: "/tickets", Headers: map[string]string{"Idempotency-Key": "key"}, Body: `{"subject": title}`, Success: []int{201}, Result: "answer.ticket"}, r.Open)
	require.Equal(t, org.TicketCall{Method: "PUT", Path: "/tickets/{ticket}", When: "status.hasValue()", Body: `{?"status": status}`}, r.Change[0])
	require.Len(t, r.Change, 2)
	require.Equal(t, org.TicketHook{Ticket: "body.id", Header: "X-Signature", HMAC: "sha256", Encoding: "base64", Before: "X-Stamp"}, r.Hook)
	require.Equal(t, "page < 3", r.Notes.Next)
	require.Empty(t, blueprint.Diff(loaded.Org, loaded.Org))
	other, err := loadDesk(strings.Replace(restDocument, "result: answer.ticket}", "result: answer.issue}", 1))
	require.NoError(t, err)
	require.NotEmpty(t, blueprint.Diff(loaded.Org, other.Org))
}

// Whoever describes a system that nobody here has seen makes mistakes. Each is named by its place, with what would be right.
func TestAMistakeInADescriptionIsNamed(t *testing.T) {
	for _, c := range []struct{ from, to, field, says string }{
		{`{"subject": title}`, `{"subject": titel}`, "rest.open.body", "undeclared reference to 'titel'"},
		{`{"subject": title}`, `{"subject": titel}`, "rest.open.body", "known here: correlation, key, title"},
		{`{"subject": title}`, `{"subject": `, "rest.open.body", "Syntax error"},
		{"item.subject", "subject", "rest.ticket.title", "known here: item, base"},
		{"status.hasValue()", "status", "rest.change[0].when", "must come to true or false"},
		{`"/tickets/{ticket}/notes", body`, `"/tickets/{tikcet}/notes", body`, "rest.note.path", "there is no {tikcet} here"},
		{"path: /changes", `path: "/changes?all=1"`, "rest.changed.path", "goes into query"},
		{"path: /changes", "path: /../changes", "rest.changed.path", "is not a path"},
		{"path: /changes", `path: "https://other.example/changes"`, "rest.changed.path", "is not a path"},
		{"Idempotency-Key: key", "Authorization: key", "rest.open.headers.Authorization", "rest.auth"},
		{"Idempotency-Key: key", "'Idempotency Key': key", "rest.open.headers", "name of a header"},
		{`value: "{secret}"`, `value: "s3cr3t"`, "rest.auth.value", "BELAY_TICKET_SECRETS"},
		{"success: [201]", "success: [404]", "rest.open.success[0]", "from 200 to 299"},
		{"hmac: sha256", "hmac: md5", "rest.hook.hmac", "sha1, sha256, sha512"},
		{"hmac: sha256, ", "", "rest.hook.encoding", `means nothing without "hmac"`},
		{"header: X-Signature, ", "", "rest.hook.header", "is missing"},
		{"  hook: {ticket", "  hok: {ticket", "rest.hok", "unknown key"},
		{"  find: {path: /tickets, query: {ref: correlation}, result: answer.tickets}\n", "", "rest.find", "once: true"},
		{" correlation: item.ref,", "", "rest.ticket.correlation", "made already"},
		{" assignee: item.owner,", "", "rest.ticket.assignee", "who has it"},
		{" updated_at: item.updated", "", "rest.ticket.updated_at", "is missing"},
		{"states: [{is: working, theirs: [open]}, {is: solved, theirs: [solved]}]\n", "", "states", "is missing"},
		{"value: high", "value: urgent", "priorities", "P1 and P2 are the same"},
		{`, ?"owner": assignee`, "", "rest.change", "writes no assignee"},
		{`?"priority": fields[?"priority"], `, "", "rest.change", "writes no fields"},
		{"type: rest", "type: jira\nproject: OPS", "rest", "means nothing"},
	} {
		text := strings.Replace(restDocument, c.from, c.to, 1)
		require.NotEqual(t, restDocument, text, c.from)
		_, err := loadDesk(text)
		require.ErrorContains(t, err, c.says, c.to)
		require.ErrorContains(t, err, c.field+":", c.to)
	}
	_, err := loadDesk(strings.Split(restDocument, "rest:\n")[0])
	require.ErrorContains(t, err, "rest")
	_, err = loadDesk(strings.Replace(strings.Replace(restDocument, "  find: {path: /tickets, query: {ref: correlation}, result: answer.tickets}\n", "", 1), "success: [201]", "success: [201], once: true", 1))
	require.NoError(t, err, "it makes none twice by itself")
}
