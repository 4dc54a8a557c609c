package tracker

import (
	"regexp"
	"strings"
)

// equal as people write words of a system: without regard to case.
func equal(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) }

var placeholder = regexp.MustCompile(`\{([a-z]+)\}`)

// Fill puts words into a template in one go: what is filled in is not looked at again. Unknown placeholders stay.
func Fill(template string, words map[string]string) string {
	return placeholder.ReplaceAllStringFunc(template, func(found string) string {
		if word, known := words[found[1:len(found)-1]]; known {
			return word
		}
		return found
	})
}
