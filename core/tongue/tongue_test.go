package tongue

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheLanguageABrowserLikesBest(t *testing.T) {
	for header, want := range map[string]Language{
		"":                          English,
		"de":                        German,
		"de-AT,de;q=0.9,en;q=0.5":   German,
		"fr-CH, fr;q=0.9, de;q=0.3": German,
		"en-GB,en;q=0.9,de;q=0.8":   English,
		"de;q=0.2, en;q=0.7":        English,
		"de;q=0":                    English,
		"de;q=nonsense":             English,
		"*":                         English,
		"deutsch":                   English,
		";;;,,q=1":                  English,
	} {
		require.Equal(t, want, Accepted(header), header)
	}
}

func TestWhatACatalogueLacksIsSaidInEnglish(t *testing.T) {
	c := Catalogue{"%d open": "%d offen", "%s until %s": "bis %[2]s %[1]s"}
	require.Equal(t, "3 offen", c.Say("%d open", 3))
	require.Equal(t, "bis B A", c.Say("%s until %s", "A", "B"))
	require.Equal(t, "100 % sure", c.Say("100 % sure"), "without values nothing is a verb")
	require.Equal(t, "2 resolved", c.Say("%d resolved", 2))
	require.Equal(t, "Nothing", Catalogue(nil).Say("Nothing"))
}
