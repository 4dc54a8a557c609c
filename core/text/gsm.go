package text

import (
	"strings"
	"unicode"
	"unicode/utf16"
)

// The default alphabet of text messages and its extension table, without the escape itself.
// Source: 3GPP TS 23.038, 6.2.1 and 6.2.1.1.
const (
	basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	extended = "\f^{}\\[~]|€"
)

// How much fits into one message, and into each part of one that is joined from several.
// Source: 3GPP TS 23.040, 9.2.3.16 and 9.2.3.24.1.
const (
	gsmAlone, gsmPart = 160, 153
	ucsAlone, ucsPart = 70, 67
)

// septets counts a text in the default alphabet; false when it needs another one.
func septets(s string) (int, bool) {
	n := 0
	for _, r := range s {
		switch {
		case strings.ContainsRune(basic, r):
			n++
		case strings.ContainsRune(extended, r):
			n += 2
		default:
			return 0, false
		}
	}
	return n, true
}

// Segments is how many text messages a carrier makes of a text.
func Segments(s string) int {
	var widths []int // of what cannot be split between two parts
	alone, part := gsmAlone, gsmPart
	if _, ok := septets(s); !ok {
		alone, part = ucsAlone, ucsPart
	}
	total := 0
	for _, r := range s {
		width := 1
		switch {
		case part == ucsPart:
			width = utf16.RuneLen(r)
		case strings.ContainsRune(extended, r):
			width = 2
		}
		widths = append(widths, width)
		total += width
	}
	if total <= alone {
		return 1
	}
	segments, used := 1, 0
	for _, width := range widths {
		if used+width > part {
			segments, used = segments+1, 0
		}
		used += width
	}
	return segments
}

// plain writes a text in the default alphabet where that loses nothing but looks: typographic marks and accents become
// plain ones, pictures are left out. A text in another script stays as it is.
func plain(s string) string {
	if _, ok := septets(s); ok {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch folded, ok := fold(r); {
		case strings.ContainsRune(basic, r), strings.ContainsRune(extended, r):
			b.WriteRune(r)
		case ok:
			b.WriteString(folded)
		case unicode.In(r, unicode.So, unicode.Sk, unicode.M, unicode.Variation_Selector):
		default:
			return s
		}
	}
	return line(b.String())
}

// fold is what people without the key for it type instead.
func fold(r rune) (string, bool) {
	for i, letters := range [...]string{
		"áâãāăą", "ÁÀÂÃĀĂĄ", "çćč", "ĆČ", "ďđð", "ĎĐÐ", "êëēėęě", "ÈÊËĒĖĘĚ", "ğģ", "ĞĢ", "íîïīįı", "ÍÌÎÏĪĮİ", "ķ", "Ķ",
		"łļľĺ", "ŁĻĽĹ", "ńņň", "ŃŅŇ", "óôõōő", "ÓÒÔÕŌŐ", "řŕ", "ŘŔ", "śšşș", "ŚŠŞȘ", "ťţț", "ŤŢȚ", "úûūůűų", "ÚÙÛŪŮŰŲ", "ýÿ", "ÝŸ", "źžż", "ŹŽŻ",
		"‘’‚‛′`´", "“”„‟″«»", "–—‐‑‒―−", "…", "•·", "→⇒", "←⇐", "×", "œ", "Œ", "þ", "Þ", "°", "≥", "≤", "™", "©", "®", "µ",
	} {
		if strings.ContainsRune(letters, r) {
			return [...]string{
				"a", "A", "c", "C", "d", "D", "e", "E", "g", "G", "i", "I", "k", "K",
				"l", "L", "n", "N", "o", "O", "r", "R", "s", "S", "t", "T", "u", "U", "y", "Y", "z", "Z",
				"'", "\"", "-", "...", "*", "->", "<-", "x", "oe", "OE", "th", "Th", " deg", ">=", "<=", "(tm)", "(c)", "(r)", "u",
			}[i], true
		}
	}
	return "", false
}
