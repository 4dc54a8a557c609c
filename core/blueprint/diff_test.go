package blueprint_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
)

func TestAChangeIsSaidInWords(t *testing.T) {
	for _, c := range []struct {
		name string
		edit []string // pairs of old and new
		want []string
	}{
		{"nothing", nil, nil},
		{"the order of turns", []string{"people: [ana], start", "people: [ben, ana], start"},
			[]string{"schedule primary: on-call order was ana; becomes ben, ana"}},
		{"a number, which is not printed", []string{`sms: "+12125550141"`, `sms: "+12125550149"`},
			[]string{"person ana: mobile number changed"}},
		{"a channel and a ladder", []string{`{id: mail, email: ben@quick.example, each: true}`, `{id: mail, webhook: "https://ben.example", each: true}`, "[{use: mobile, wait: 3s}, {use: mail}]", "[{use: mobile, wait: 4s}, {use: mail}]"},
			[]string{"person ben: method mail becomes webhook (was email)", "person ben: ladder for high urgency was mobile (wait 3 s) → mail; becomes mobile (wait 4 s) → mail"}},
		{"digests", []string{`email: ana@quick.example, each: true`, `email: ana@quick.example`}, []string{"person ana: method mail gets digests in a storm"}},
		{"patience", []string{"    ack_within: 5s\n    update_every: 1h\n  - name: lead", "    ack_within: 1h30m\n    update_every: 2d\n  - name: lead"},
			[]string{"policy urgent: tier 1 must answer within 1 h 30 min (was 5 s)", "policy urgent: tier 1 updates every becomes 2 d (was 1 h)"}},
		{"targets", []string{"targets: [{person: eva}, {vendor: nimbus}, {vendor: acquire}]", "targets: [{person: eva}, {vendor: nimbus}]"},
			[]string{"policy urgent: tier 2 targets was person eva, vendor nimbus, vendor acquire; becomes person eva, vendor nimbus"}},
		{"a key, which is not printed", []string{"acme0payments0demo0routing0key00", "acme0payments0demo0routing0key01"},
			[]string{"integration payments-events: key changed: senders with the old one will be refused"}},
		{"a secret, which is not printed", []string{"key: acme0payments0demo0routing0key00", "key: acme0payments0demo0routing0key00\nsecret: sixteen0characters0and0more"},
			[]string{"integration payments-events: a secret is asked for: senders that do not sign with it will be refused"}},
		{"members", []string{"members: [ana, ben, eva]", "members: [ben, ana]"}, []string{"team payments: members: eva removed"}},
		{"a zone and a rotation", []string{"  - {people: [ben], start: 2026-01-05}", "  - {people: [ben], start: 2026-01-05, rotation: {daily: 3}}\ntime_zone: Europe/Berlin"},
			[]string{"schedule backup: time zone becomes Europe/Berlin (was UTC)", "schedule backup: rotation becomes every 3 days (was weekly)", "schedule backup: first handoff becomes 2026-01-05 09:00 CET (was 2026-01-05 10:00 CET)"}},
		{"a language", []string{"kind: person\nid: ana\n", "kind: person\nid: ana\nlanguage: de\n"}, []string{"person ana: language becomes de (was none)"}},
		{"something new and something gone", []string{"kind: vendor\nid: acquire\n", "kind: vendor\nid: buyer\n", "{vendor: acquire}", "{vendor: buyer}", "vendor: acquire", "vendor: buyer"},
			[]string{"person acquire-desk: vendor becomes buyer (was acquire)", "vendor acquire is gone", "vendor buyer is new", "policy urgent: tier 2 targets was person eva, vendor nimbus, vendor acquire; becomes person eva, vendor nimbus, vendor buyer"}},
		{"the catch-all", []string{"  ack_within: 10s", "  ack_within: 20s\n  repeat: 1"},
			[]string{"organisation: catch-all must answer within 20 s (was 10 s)", "organisation: catch-all further rounds becomes 1 (was 0)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := example(t, "quick")
			prev := load(t, files)
			text := string(files[0].Content)
			for i := 0; i < len(c.edit); i += 2 {
				require.Contains(t, text, c.edit[i])
				text = strings.ReplaceAll(text, c.edit[i], c.edit[i+1])
			}
			next := load(t, []blueprint.File{{Path: "quick.yaml", Content: []byte(text)}})
			require.Equal(t, c.want, said(blueprint.Diff(prev.Org, next.Org)))
			require.Equal(t, c.edit == nil, prev.Revision == next.Revision, "the revision changes when the meaning does")
		})
	}
}

func TestTheFirstBlueprintIsAllNew(t *testing.T) {
	changes := blueprint.Diff(nil, load(t, example(t, "quick")).Org)
	require.Equal(t, "organisation Quick Pay is new", changes[0].Text)
	for _, change := range changes {
		require.Equal(t, blueprint.Added, change.Kind, change.Text)
	}
	require.Len(t, changes, 16, "one for each document")
}

func TestTheOrderOfPoliciesIsAChange(t *testing.T) {
	first, second := "{kind: policy, id: a, for: {priorities: [P1]}, tiers: [{targets: [{person: ana}]}]}\n", "{kind: policy, id: b, for: {priorities: [P2]}, tiers: [{targets: [{person: ana}]}]}\n"
	prev, next := load(t, ahead(t, first+"---\n"+second)), load(t, ahead(t, second+"---\n"+first))
	require.Equal(t, []string{"policies: are tried in another order: was a, b, urgent; becomes b, a, urgent"}, said(blueprint.Diff(prev.Org, next.Org)))
	require.NotEqual(t, prev.Revision, next.Revision)
}

// ahead is the quick example with documents in front of it.
func ahead(t testing.TB, more string) []blueprint.File {
	t.Helper()
	return append([]blueprint.File{{Path: "a.yaml", Content: []byte(more)}}, example(t, "quick")...)
}

func said(changes []blueprint.Change) []string {
	var out []string
	for _, change := range changes {
		out = append(out, change.Text)
	}
	return out
}
