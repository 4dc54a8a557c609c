package tongue

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatWasSaidInEnglishIsSaidAgain(t *testing.T) {
	b := Catalogue{
		"You have %s.":                     "Sie haben %s.",
		"You have %s. Next update due %s.": "Sie haben %s. Nächste Rückmeldung fällig um %s.",
		"%s opened for %v: %v":             "%s geöffnet für %v: %v",
		"%s is called":                     "%s wird gerufen",
		"tier %d":                          "Stufe %d",
		"%s until %s":                      "bis %[2]s %[1]s",
		"%d%% of %s is used":               "%d%% von %s sind verbraucht",
		"no":                               "nein",
		"%d-%d-%d":                         "%[3]s.%[2]s.%[1]s",
		"There is no %q.":                  "Es gibt kein %s.",
	}.Book()
	for english, want := range map[string]string{
		"You have E-42.": "Sie haben E-42.",
		"You have E-42. Next update due 12:15 UTC.": "Sie haben E-42. Nächste Rückmeldung fällig um 12:15 UTC.", // the longer form is the surer
		"tier 2 is called":                          "Stufe 2 wird gerufen",                                     // a value that is a sentence itself
		"E-1 opened for tier 2: no":                 "E-1 geöffnet für tier 2: no",                              // but not one that is somebody's own words
		"away until 2026-01-05":                     "bis 05.01.2026 away",
		"80% of 4h is used":                         "80% von 4h sind verbraucht",
		"no\nmaybe\nno":                             "nein\nmaybe\nnein",
		`There is no "x \"y\"".`:                    `Es gibt kein "x \"y\"".`,
		"Nobody knows this.":                        "Nobody knows this.",
		"":                                          "",
		"100%s %d":                                  "100%s %d",
	} {
		require.Equal(t, want, b.Retell(english))
	}
	require.True(t, b.Knows("no"))
	require.False(t, b.Knows("yes"))
	require.Equal(t, "no", Book{}.Retell("no"), "English has no book")
}
