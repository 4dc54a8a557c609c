// Package tongue knows the languages that Belay speaks, and says a text in one of them. English is written where it
// is said, and is the key of every other language; it does not know which texts there are.
package tongue

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Language is a language by its ISO 639-1 code.
type Language string

const (
	English Language = "en"
	German  Language = "de"
)

// Languages lists those that are complete, English first.
func Languages() []Language { return []Language{English, German} }

// Name of a language in itself: whoever looks for it reads it.
func (l Language) Name() string {
	switch l {
	case English:
		return "English"
	case German:
		return "Deutsch"
	}
	return string(l)
}

// Known finds a language by a tag such as "de" or "de-AT".
func Known(tag string) (Language, bool) {
	primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	l := Language(primary)
	return l, slices.Contains(Languages(), l)
}

// Accepted is the language that a browser likes best of those we speak: RFC 9110, 12.5.4. English when it says nothing.
func Accepted(header string) Language {
	best, liked := English, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, rest, _ := strings.Cut(part, ";")
		l, ok := Known(tag)
		if !ok {
			continue
		}
		weight := 1.0
		if q, found := strings.CutPrefix(strings.TrimSpace(rest), "q="); found {
			given, err := strconv.ParseFloat(q, 64)
			if err != nil {
				continue
			}
			weight = given
		}
		if weight > liked {
			best, liked = l, weight
		}
	}
	return best
}

// Catalogue holds one language: what is said in English, and how it is said there. Verbs of formats are kept in
// number and kind; where the order changes they carry their index: "%[2]s".
type Catalogue map[string]string

// Say is a text in this language, with its values put in. What the catalogue lacks is said in English.
func (c Catalogue) Say(english string, values ...any) string {
	text, ok := c[english]
	if !ok {
		text = english
	}
	if len(values) == 0 {
		return text
	}
	return fmt.Sprintf(text, values...)
}
