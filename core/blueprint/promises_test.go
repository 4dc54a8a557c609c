package blueprint_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/org"
)

func promising(t *testing.T, text string) error {
	t.Helper()
	_, err := blueprint.Load(append(example(t, "quick"), blueprint.File{Path: "z.yaml", Content: []byte(text)}), time.LoadLocation)
	return err
}

func TestAPromiseSaysWhatWouldBeRight(t *testing.T) {
	promise := func(more string) string { return "kind: sla\nid: x\nmetric: resolve\ntarget: 4h\n" + more }
	require.NoError(t, promising(t, promise("")))
	for text, want := range map[string]string{
		promise("thresholds: [{at: 0%, do: warn}]"):                                    `z.yaml:5:19: thresholds[0].at: "0%" is not a point`,
		promise("thresholds: [{at: 30m, do: warn}]"):                                   "is not a point",
		promise("thresholds: [{at: 5h before, do: warn}]"):                             "as long as the target or longer",
		promise("thresholds: [{at: 80%, wall: true, do: warn}]"):                       "",
		promise("thresholds: [{at: 80%, do: warn}, {at: 80%, do: warn}]"):              "thresholds[1]: does the same as one above",
		promise("thresholds: [{at: breach, do: warn, tier: 2}]"):                       `thresholds[0].tier: belongs to "escalate", not to "warn"`,
		promise("thresholds: [{at: breach, do: bring_in}]"):                            "thresholds[0].targets: is missing",
		promise("thresholds: [{at: breach, do: escalate, tier: 99}]"):                  "no policy with 99 tiers",
		promise("thresholds: [{at: breach, do: telegram}]"):                            `"telegram" is not one of`,
		promise("thresholds: [{at: breach, do: webhook}]"):                             "thresholds[0].url: is missing: say what is posted to",
		promise("thresholds: [{at: breach, do: webhook, url: cmdb}]"):                  "thresholds[0].url:",
		promise("thresholds: [{at: breach, do: warn, url: \"https://cmdb.example\"}]"): `thresholds[0].url: belongs to "webhook", not to "warn"`,
		promise("thresholds: [{at: breach, do: webhook, url: \"https://a.example/1\"}, {at: breach, do: webhook, url: \"https://a.example/2\"}]"): "",
		promise("pause: ticket.state ="):           "z.yaml:5:8: pause: at character",
		promise("pause: severity == \"critical\""): "undeclared reference to 'severity'",
		promise("pause: ticket.labels"):            "",
		promise("start: '1 + 1'"):                  "must come to true or false",
		promise("calendar: nowhere"):               `no calendar is called "nowhere"`,
		promise("for: {customer: [x]}"):            `did you mean "customers"`,
		"kind: sla\nid: x\nmetric: resolve\n":      "target: is missing",
		"kind: trigger\nid: x\ndo: escalate\n":     "when: is missing",
		"kind: trigger\nid: x\nwhen: ticket.vip\ndo: escalate\ntargets: [{person: ana}]\n":           `targets: belongs to "bring_in"`,
		"kind: trigger\nid: x\nwhen: ticket.vip\ndo: escalate\ndirection: sideways\nsilent_for: 4\n": "has no unit",
	} {
		err := promising(t, text)
		if want == "" {
			require.NoError(t, err, "some types are known when it runs: %s", text)
			continue
		}
		require.ErrorContains(t, err, want, text)
	}
}

func TestAChangedPromiseIsSaidInWords(t *testing.T) {
	before := "kind: sla\nid: x\nmetric: resolve\ntarget: 4h\n---\nkind: sla\nid: y\nmetric: update\ntarget: 1h\n---\nkind: trigger\nid: z\nwhen: ticket.vip\ndo: escalate\n"
	after := "kind: sla\nid: y\nmetric: update\ntarget: 30m\nfor: {customers: [Acme]}\n---\nkind: sla\nid: x\nmetric: resolve\ntarget: 4h\nthresholds: [{at: 90%, do: raise}]\n---\nkind: trigger\nid: z\nsilent_for: 2h\nwhen: ticket.vip\ndo: escalate\ndirection: hierarchic\n"
	read := func(text string) *blueprint.Blueprint {
		return load(t, append(example(t, "quick"), blueprint.File{Path: "z.yaml", Content: []byte(text)}))
	}
	was, becomes := read(before), read(after)
	require.Equal(t, []string{
		"sla x: thresholds was 75%: warn, breach: escalate functional; becomes 90%: raise",
		"sla y: customers was all; becomes Acme",
		"sla y: target becomes 30 min (was 1 h)",
		"promises: are tried in another order: was x, y; becomes y, x",
		"trigger z: silence becomes 2 h (was none)",
		"trigger z: act becomes escalate hierarchic (was escalate)",
	}, said(blueprint.Diff(was.Org, becomes.Org)))
	require.NotEqual(t, was.Revision, becomes.Revision)
	swapped := read("kind: sla\nid: y\nmetric: update\ntarget: 1h\n---\nkind: sla\nid: x\nmetric: resolve\ntarget: 4h\n---\nkind: trigger\nid: z\nwhen: ticket.vip\ndo: escalate\n")
	require.NotEqual(t, was.Revision, swapped.Revision, "the order of promises means something")
	require.Equal(t, []org.Threshold{{Percent: 75, Act: org.Act{Do: org.Warn}}, {Act: org.Act{Do: org.Escalate, Direction: org.Functional}}}, was.Org.SLAs[0].Thresholds)
}

// What is shown of a webhook is its host: the rest of an address is often a secret.
func TestAWebhookIsCalledByItsHost(t *testing.T) {
	b := load(t, append(example(t, "quick"), blueprint.File{Path: "z.yaml", Content: []byte(
		"kind: trigger\nid: z\nwhen: ticket.vip\ndo: webhook\nurl: https://cmdb.example:8443/hooks/s3cret\n")}))
	act := b.Org.Triggers[0].Act
	require.Regexp(t, `^cmdb\.example#[0-9a-f]{8}$`, act.Hook)
	address, known := b.Org.Hook(act.Hook)
	require.True(t, known)
	require.Equal(t, "https://cmdb.example:8443/hooks/s3cret", address)
	raw, err := json.Marshal(act)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "s3cret", "the engine keeps verdicts: they name it and do not say where it is")
}
