package blueprint_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/org"
)

// firm with these terms, and nobody in it who could be mistaken.
func firm(terms string) []blueprint.File {
	return []blueprint.File{{Path: "company.yaml", Content: []byte("kind: organisation\nid: c\nname: C\ncatch_all: {targets: [{person: ana}]}\nterms: " + terms +
		"\n---\n{kind: person, id: ana, name: Ana, methods: [{sms: \"+12125550123\"}]}\n")}}
}

func TestTermsThatCannotBeToldApartAreRefusedWithTheirPlace(t *testing.T) {
	for terms, says := range map[string]string{
		`{urgency: {high: x}}`:                              "company.yaml:5:9: terms.urgency: unknown key (known here: priority, state, kind, severity)",
		`{priority: {P6: x}}`:                               `terms.priority.P6: unknown key`,
		`{priority: {P1: Hoch, P2: hoch}}`:                  `company.yaml:5:34: terms.priority.P2: "hoch" is what P1 is called: give each value its own label`,
		`{priority: {P1: p2}}`:                              `terms.priority.P1: "p2" is the name of another priority`,
		`{state: {acknowledged: Open}}`:                     `terms.state.acknowledged: "Open" is the name of another state`,
		`{severity: {critical: error}}`:                     `terms.severity.critical: "error" is the name of another severity`,
		`{state: {acked: x}}`:                               `terms.state.acked: unknown key (known here: watching, open, acknowledged, resolved, closed)`,
		`{kind: {techical: x}}`:                             `terms.kind.techical: unknown key; did you mean "technical"?`,
		`{severity: {critical: ""}}`:                        `terms.severity.critical: is empty: must be a label of at most 24 characters on one line`,
		`{severity: {critical: abcdefghijklmnopqrstuvwxy}}`: `is not a label of at most 24 characters on one line`,
		`{severity: {critical: "a\nb"}}`:                    `terms.severity.critical: "a\nb" is not a label`,
		`{severity: {critical: "a\u202eb"}}`:                `is not a label`,
		`{severity: {critical: " a"}}`:                      `is not a label`,
		`{priority: {P1: 1}}`:                               `terms.priority.P1: must be text: put it in quotes ("1")`,
		`{priority: [P1]}`:                                  `terms.priority: must be a mapping, not a list`,
	} {
		_, err := blueprint.Load(firm(terms), time.LoadLocation)
		require.ErrorContains(t, err, says, terms)
	}
	b, err := blueprint.Load(firm(`{priority: {P1: P1, P2: Größere Störung im Netz}}`), time.LoadLocation)
	require.NoError(t, err, "its own name is no other's, and what counts are characters")
	require.Equal(t, "Größere Störung im Netz", b.Org.Terms.Priority(org.P2))
}

func TestAPlanSaysWhatIsCalledOtherwise(t *testing.T) {
	plain, err := blueprint.Load(firm(`{}`), time.LoadLocation)
	require.NoError(t, err)
	own, err := blueprint.Load(firm(`{priority: {P1: Hoch}, state: {open: Neu}}`), time.LoadLocation)
	require.NoError(t, err)
	require.NotEqual(t, plain.Revision, own.Revision)
	var said []string
	for _, change := range blueprint.Diff(plain.Org, own.Org) {
		said = append(said, change.Text)
	}
	require.Equal(t, []string{"organisation: names of priorities: P1 is Hoch added", "organisation: names of states: open is Neu added"}, said)
}
