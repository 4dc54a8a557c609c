package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

func TestWhoMaySayWhatToWhom(t *testing.T) {
	h := newHouse(t)
	h.engine.Know("escalation/E-1")
	h.engine.Know("vendor/E-1/acmecloud/1")
	h.engine.Know("vendor/E-1/other/1")
	person := func(p id.Person, role service.Role) service.Caller {
		return service.Caller{Role: role, Person: p, Via: "sms"}
	}
	for _, c := range []struct {
		name     string
		caller   service.Caller
		workflow string
		want     fault.Kind // empty: allowed
	}{
		{"one of us", person("ana", service.Responder), "escalation/E-1", ""},
		{"one of us, for a vendor", person("ana", service.Responder), "vendor/E-1/acmecloud/1", ""},
		{"a machine that responds", machine(service.Responder), "escalation/E-1", ""},
		{"an administrator", machine(service.Admin), "escalation/E-1", ""},
		{"a vendor, its own engagement", person("vik", service.Outsider), "vendor/E-1/acmecloud/1", ""},
		{"a vendor, our escalation", person("vik", service.Outsider), "escalation/E-1", fault.Denied},
		{"a vendor with a token, our escalation", person("vik", service.Responder), "escalation/E-1", fault.Denied},
		{"a vendor, another's engagement", person("vik", service.Outsider), "vendor/E-1/other/1", fault.Denied},
		{"somebody who left", person("dora", service.Responder), "escalation/E-1", fault.Denied},
		{"somebody unknown", person("eve", service.Responder), "escalation/E-1", fault.Denied},
		{"a viewer", machine(service.Viewer), "escalation/E-1", fault.Denied},
		{"a monitor", machine(service.IntegrationRole), "escalation/E-1", fault.Denied},
		{"nobody", service.Caller{}, "escalation/E-1", fault.Denied},
		{"no such escalation", machine(service.Admin), "escalation/E-99", fault.NotFound},
		{"not an escalation", machine(service.Admin), "escalation/42", fault.NotFound},
		{"not a workflow of ours", machine(service.Admin), "temporal-sys-scanner", fault.NotFound},
		{"a vendor without a name", machine(service.Admin), "vendor/E-1//1", fault.NotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := h.answers.Say(ctx(), c.caller, c.workflow, contract.Acknowledge, contract.Word{})
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, c.want, fault.KindOf(err), "%v", err)
		})
	}
}

func TestNobodySpeaksForSomebodyElse(t *testing.T) {
	h := newHouse(t)
	h.engine.Know("escalation/E-1")
	_, err := h.answers.Say(ctx(), ana(), "escalation/E-1", contract.Acknowledge,
		contract.Word{By: "ben", Name: "Ben", Via: "voice", Key: "k"})
	require.NoError(t, err)
	_, err = h.answers.Say(ctx(), machine(service.Responder), "escalation/E-1", contract.Resolve, contract.Word{Key: "k2"})
	require.NoError(t, err)
	require.Equal(t, []string{
		"escalation/E-1 acknowledge ana via api key k",
		"escalation/E-1 resolve token:noc via api key k2",
	}, h.engine.Told())
}

func TestEveryWordHasAKey(t *testing.T) {
	h := newHouse(t)
	h.engine.Know("escalation/E-1")
	_, err := h.answers.Say(ctx(), ana(), "escalation/E-1", contract.Acknowledge, contract.Word{})
	require.NoError(t, err)
	_, key, _ := strings.Cut(h.engine.Told()[0], " key ")
	require.GreaterOrEqual(t, len(key), 16)
}

func TestWordsThatMakeNoSense(t *testing.T) {
	h := newHouse(t)
	h.engine.Know("escalation/E-1")
	target := func(x org.Target) *org.Target { return &x }
	for name, c := range map[string]struct {
		verb  string
		word  contract.Word
		field string
	}{
		"no such verb":             {"explode", contract.Word{}, "verb"},
		"an empty note":            {contract.Note, contract.Word{}, "note"},
		"an endless note":          {contract.Note, contract.Word{Note: strings.Repeat("é", 4001)}, "note"},
		"a reassign to nobody":     {contract.Reassign, contract.Word{}, "to"},
		"a reassign to two":        {contract.Reassign, contract.Word{To: target(org.Target{Person: "ben", Team: "payments"})}, "to"},
		"a reassign to a stranger": {contract.Reassign, contract.Word{To: target(org.Target{Person: "eve"})}, "to"},
		"a reassign to the gone":   {contract.Reassign, contract.Word{To: target(org.Target{Person: "dora"})}, "to"},
		"no such team":             {contract.Reassign, contract.Word{To: target(org.Target{Team: "x"})}, "to"},
		"no such schedule":         {contract.Escalate, contract.Word{To: target(org.Target{Schedule: "x"})}, "to"},
		"no such vendor":           {contract.Escalate, contract.Word{To: target(org.Target{Vendor: "x"})}, "to"},
		"no such direction":        {contract.Escalate, contract.Word{Direction: "sideways"}, "direction"},
		"a snooze without end":     {contract.Snooze, contract.Word{}, "until"},
		"a snooze into the past":   {contract.Snooze, contract.Word{Until: h.now.Add(-time.Minute)}, "until"},
		"a snooze for a month":     {contract.Snooze, contract.Word{Until: h.now.AddDate(0, 1, 0)}, "until"},
		"no such priority":         {contract.Prioritise, contract.Word{Priority: "P0"}, "priority"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.answers.Say(ctx(), ana(), "escalation/E-1", c.verb, c.word)
			var f *fault.Error
			require.ErrorAs(t, err, &f)
			require.Equal(t, fault.Invalid, f.Kind)
			require.Equal(t, c.field, f.Field)
		})
	}
	require.Empty(t, h.engine.Told(), "nothing of it reached the engine")
}

func TestWhatTheEngineCannotTake(t *testing.T) {
	h := newHouse(t)
	h.engine.Know("escalation/E-1")
	h.engine.End("escalation/E-1")
	_, err := h.answers.Say(ctx(), ana(), "escalation/E-1", contract.Acknowledge, contract.Word{})
	require.True(t, fault.Is(err, fault.Conflict), err)
	require.ErrorContains(t, err, "E-1 is over")

	h.engine.Leave(true)
	_, err = h.answers.Say(ctx(), ana(), "escalation/E-1", contract.Acknowledge, contract.Word{})
	require.True(t, fault.Is(err, fault.Unavailable), err)
}

func TestASignedLinkNamesItsHolderOnly(t *testing.T) {
	h := newHouse(t)
	links := service.Links{Secret: []byte("0123456789abcdef0123456789abcdef"), PublicURL: "https://belay.example/", Now: func() time.Time { return h.now }}
	address := links.Link("vendor/E-1/acmecloud/1", "vik", "E-1/v/vik/sms/1", links.Now())
	token, ok := strings.CutPrefix(address, "https://belay.example/a/")
	require.True(t, ok, address)

	ticket, err := links.Open(token)
	require.NoError(t, err)
	require.Equal(t, service.Ticket{
		Workflow: "vendor/E-1/acmecloud/1", Person: "vik", Key: "E-1/v/vik/sms/1", Expires: ticket.Expires,
	}, ticket)

	other := links
	other.Secret = []byte("another secret, another house!!!")
	_, err = other.Open(token)
	require.True(t, fault.Is(err, fault.Denied), "signed elsewhere: %v", err)

	for i := range token {
		forged := []byte(token)
		forged[i] ^= 1
		_, err := links.Open(string(forged))
		require.True(t, fault.Is(err, fault.Denied), "byte %d changed: %v", i, err)
	}
	for _, junk := range []string{"", ".", "a.b", "....", strings.Repeat("x", 10_000), "ÿ.ÿ"} {
		_, err := links.Open(junk)
		require.True(t, fault.Is(err, fault.Denied), "%q", junk)
	}

	h.now = h.now.Add(7 * 24 * time.Hour)
	_, err = links.Open(token)
	require.ErrorContains(t, err, "expired")
}

func TestEveryRoleMayDoWhatTheTableSaysAndNothingElse(t *testing.T) {
	roles := []service.Role{service.Admin, service.Responder, service.Viewer, service.IntegrationRole, service.Outsider, "", "root"}
	may := map[service.Action]string{ // in the order of roles
		service.Read:           "yyy....",
		service.ReadContacts:   "y......",
		service.OpenEscalation: "yy.y...",
		service.ObserveTicket:  "yy.y...",
		service.Answer:         "yy..y..",
		service.Override:       "yy.....",
		service.PlanBlueprint:  "yyy....",
		service.ApplyBlueprint: "y......",
		service.ManageTokens:   "y......",
		service.PlaySandbox:    "y......",
		service.TryRequest:     "y......",
	}
	for _, action := range service.Actions() {
		for i, role := range roles {
			err := service.Access{}.May(service.Caller{Role: role}, action)
			if may[action][i] == 'y' {
				require.NoError(t, err, "%s %s", role, action)
				continue
			}
			require.True(t, fault.Is(err, fault.Denied), "%s %s", role, action)
		}
	}
}
