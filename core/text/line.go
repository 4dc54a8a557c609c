package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// line makes one harmless line of anything: no control characters, nothing invisible or that turns text around, and
// single spaces.
func line(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u2028', r == '\u2029', unicode.Is(unicode.Cc, r):
			return ' '
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), r == utf8.RuneError:
			return -1
		}
		return r
	}, s)), " ")
}

// cut shortens to a number of characters; the ellipsis counts.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	runes := []rune(s)[:max(limit-3, 0)]
	for len(runes) > 0 && unicode.Is(unicode.M, runes[len(runes)-1]) {
		runes = runes[:len(runes)-1] // an accent goes with its letter
	}
	if len(runes) > 0 && unicode.Is(unicode.M, []rune(s)[len(runes)]) {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " .,;:-") + "..."
}

// sentence ends with a full stop.
func sentence(s string) string {
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}
