package reply

import (
	"strings"
	"unicode"
)

// word is one word of a reply: as it was typed, and plain, in lower case and without what phones put around it.
type word struct {
	typed   string
	plain   string
	newLine bool // the first on a further line
}

// words takes a reply apart. Words that are nothing but punctuation or invisible are left out, except in the middle of
// what somebody has to say.
func words(text string) []word {
	var said []word
	lines := 0
	for line := range strings.Lines(composed.Replace(strings.Map(tidy, strings.ReplaceAll(text, "\r", "\n")))) {
		if strings.HasPrefix(strings.TrimSpace(line), ">") {
			continue // quoted from the message that is answered
		}
		first := true
		for _, typed := range strings.Fields(line) {
			plain := strip(strings.ToLower(typed))
			if plain == "" && len(said) < 2 {
				continue
			}
			for _, w := range apart(typed, plain, len(said) < 2) {
				w.newLine = first && lines > 0
				said = append(said, w)
				first = false
			}
		}
		if !first {
			lines++
		}
	}
	return said
}

const umlauts = "äöüß"

// composed makes one letter of a vowel and the dots over it, which some phones send apart.
var composed = strings.NewReplacer("a\u0308", "ä", "o\u0308", "ö", "u\u0308", "ü", "A\u0308", "Ä", "O\u0308", "Ö", "U\u0308", "Ü")

// tidy turns every kind of space into a space and every hyphen into "-", makes full-width letters plain, and drops what
// cannot be seen.
func tidy(r rune) rune {
	switch {
	case r == '\n':
		return r
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.Pd, r), r == '\u2212':
		return '-'
	case r >= '\uFF01' && r <= '\uFF5E':
		return r - 0xFEE0
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector), r == unicode.ReplacementChar:
		return -1
	}
	return r
}

// strip removes quotes, brackets, punctuation and emoji around a word. "?" alone is a word.
func strip(s string) string {
	if s == "?" {
		return s
	}
	return strings.TrimFunc(s, func(r rune) bool {
		return r != '#' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// apart splits "ack42", "ack:42" and "42ack", as typed by somebody in a hurry.
func apart(typed, plain string, early bool) []word {
	whole := []word{{typed: typed, plain: plain}}
	if !early {
		return whole
	}
	if _, ok, _ := reference(plain); ok {
		return whole
	}
	rest := strings.TrimLeft(plain, letters+umlauts)
	if verb := plain[:len(plain)-len(rest)]; known(verb) {
		if number := strings.TrimLeft(rest, ":#-=/"); isReference(number) {
			return []word{{typed: verb, plain: verb}, {typed: number, plain: number}}
		}
	}
	verb := strings.TrimLeft(plain, digits)
	if number := plain[:len(plain)-len(verb)]; known(verb) && isReference(number) {
		return []word{{typed: number, plain: number}, {typed: verb, plain: verb}}
	}
	return whole
}

func known(verb string) bool {
	_, ok := verbs()[verb]
	return ok
}

// join puts words together again as they were typed.
func join(said []word) string {
	typed := make([]string, 0, len(said))
	for _, w := range said {
		typed = append(typed, w.typed)
	}
	text := strings.Join(typed, " ")
	if strip(text) == "" {
		// A lone full stop or thumbs-up is no note; words in any script are.
		return ""
	}
	return text
}

// thumbs reports whether a text is a thumbs-up, of whatever colour and however often, and nothing else.
func thumbs(text string) bool {
	up := false
	for _, r := range strings.Map(tidy, text) {
		switch {
		case r == '\U0001F44D':
			up = true
		case r >= '\U0001F3FB' && r <= '\U0001F3FF', r == ' ', r == '\n': // colours of skin
		default:
			return false
		}
	}
	return up
}
