package chromium

import (
	_ "embed"
	"fmt"
	"strings"
)

// axe-core 4, unchanged, from the npm package of the same name: MPL-2.0, see axe/LICENSE. It is here for tests only; the
// product never contains it.
//
//go:embed axe/axe.min.js
var axe string

// finding is a rule of WCAG that a page breaks.
type finding struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// Barriers looks for what keeps people out: WCAG 2.2, levels A and AA, and axe's own best practices. One line each.
func (tab *Tab) Barriers() []string {
	tab.t.Helper()
	if !Ask[bool](tab, "typeof window.axe === 'object'") {
		Ask[bool](tab, axe+"\n;true")
	}
	found := Ask[[]finding](tab, `axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
		resultTypes: ["violations"]}).then((r) => r.violations.map((v) => ({id: v.id, impact: v.impact, help: v.help,
		nodes: v.nodes.slice(0, 5).map((n) => ({html: n.html.slice(0, 200), failureSummary: n.failureSummary}))})))`)
	var all []string
	for _, f := range found {
		for _, n := range f.Nodes {
			all = append(all, fmt.Sprintf("%s (%s): %s\n  %s\n  %s", f.ID, f.Impact, f.Help, n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n  ")))
		}
	}
	return all
}
