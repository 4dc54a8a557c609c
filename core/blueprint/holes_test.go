package blueprint_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
)

func TestAHoleIsNamed(t *testing.T) {
	monday := instant("2026-06-01T00:00:00Z")
	for _, c := range []struct {
		name  string
		edit  []string
		depth blueprint.Depth
		want  []string
	}{
		{"nights without a shift: the backup stands alone", []string{"{people: [ana], start: 2026-01-05}", `{people: [ana], start: 2026-01-05, only: [{from: "08:00", until: "00:00"}]}`}, blueprint.Thin,
			[]string{"payments (technical, procedural, customer_facing, P1, P2, P3, P4, P5): Mon 2026-06-01 00:00–08:00 UTC, Tue 2026-06-02 00:00–08:00 UTC: one person in tier 1 and no backup (schedule primary: nobody on call)"}},
		{"half hours count", []string{"{people: [ana], start: 2026-01-05}", `{people: [ana], start: 2026-01-05, only: [{from: "08:30", until: "08:00"}]}`}, blueprint.Thin,
			[]string{"payments (technical, procedural, customer_facing, P1, P2, P3, P4, P5): Mon 2026-06-01 08:00–08:30 UTC, Tue 2026-06-02 08:00–08:30 UTC: one person in tier 1 and no backup (schedule primary: nobody on call)"}},
		{"a tier of somebody who is away", []string{"name: Eva Lindqvist\n", "name: Eva Lindqvist\naway: [{from: 2026-06-02T12:00, until: 2026-07-01}]\n", "{vendor: nimbus}, {vendor: acquire}", "{person: eva}", "{person: eva}, {person: eva}", "{person: eva}"}, blueprint.EmptyTier,
			[]string{"payments (technical, procedural, customer_facing, P1, P2, P3, P4, P5): Tue 2026-06-02 12:00–24:00 UTC: nobody in tier 2 (person eva: away)"}},
		{"no policy", []string{"tiers:\n  - name: on call", "for: {kinds: [technical], priorities: [P1, P2]}\ntiers:\n  - name: on call"}, blueprint.OnlyCatchAll,
			[]string{"payments (technical, P3, P4, P5): Mon 2026-06-01 00:00 – Wed 2026-06-03 00:00 UTC: no policy matches; only the catch-all pages",
				"payments (procedural, customer_facing, P1, P2, P3, P4, P5): Mon 2026-06-01 00:00 – Wed 2026-06-03 00:00 UTC: no policy matches; only the catch-all pages"}},
		{"nobody at all", []string{"name: Eva Lindqvist\n", "name: Eva Lindqvist\ndeparted: true\n", "name: Ana Pérez\n", "name: Ana Pérez\naway: [{from: 2026-06-02, until: 2026-07-01}]\n", "name: Ben Fischer\n", "name: Ben Fischer\naway: [{from: 2026-05-01, until: 2026-07-01}]\n"}, blueprint.Nobody, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := string(example(t, "quick")[0].Content)
			for i := 0; i < len(c.edit); i += 2 {
				require.Contains(t, text, c.edit[i])
				text = strings.ReplaceAll(text, c.edit[i], c.edit[i+1])
			}
			o := load(t, []blueprint.File{{Path: "quick.yaml", Content: []byte(text)}}).Org
			holes := blueprint.Holes(o, monday, 2)
			require.Equal(t, c.depth, holes[len(holes)-1].Depth)
			if c.want != nil {
				require.Equal(t, c.want, blueprint.Describe(holes))
			}
			if c.depth == blueprint.Nobody {
				require.Contains(t, holes[len(holes)-1].Text, "nobody of ours in any tier: tier 1 (schedule primary, ana: away; schedule backup, ben: away), tier 2 (person eva: departed); nobody in the catch-all either (person eva: departed; person ana: away)")
			}
		})
	}
}

func TestQuickIsCovered(t *testing.T) {
	for _, hole := range blueprint.Holes(load(t, example(t, "quick")).Org, instant("2026-11-23T07:00:00Z"), 7) {
		t.Error(hole.Text)
	}
}
