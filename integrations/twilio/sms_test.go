package twilio

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Smart encoding replaces punctuation; a message must still be found by its words.
func TestLettersSurviveSmartEncoding(t *testing.T) {
	require.Equal(t, letters("E-42 “payments” — down… ¡ack 42!"), letters(`E-42 "payments" - down... !ack 42!`))
	require.NotEqual(t, letters("ack 42"), letters("ack 43"))
}

func TestClipKeepsTheLimitAndLosesNothingBelowIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ToValidUTF8(rapid.String().Draw(t, "text"), "?")
		limit := rapid.IntRange(1, 40).Draw(t, "limit")
		got := clip(text, limit)
		require.LessOrEqual(t, len(utf16.Encode([]rune(got))), limit)
		if len(utf16.Encode([]rune(text))) <= limit {
			require.Equal(t, text, got)
			return
		}
		require.True(t, strings.HasPrefix(text, strings.TrimSuffix(got, "…")))
	})
}
