package tongue

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Book says in another language what was said in English already: an answer on its way to whoever asked, an entry of a
// record. It knows a sentence by its form, and leaves as it is what it does not know. A value may be a sentence itself,
// or a word that has its own line in the catalogue; one written %v is somebody's own words, and never touched.
type Book struct {
	phrases []phrase
}

type phrase struct {
	known  *regexp.Regexp
	letter int    // how much of the form is not a value: the more, the surer
	own    []bool // which values are somebody's own words
	says   string
}

// verb of a format, with its index if it has one.
var verb = regexp.MustCompile(`%(\[\d+\])?([a-z])`)

// Book of a catalogue.
func (c Catalogue) Book() Book {
	var b Book
	for english, says := range c {
		b.phrases = append(b.phrases, phraseOf(english, says))
	}
	slices.SortFunc(b.phrases, func(a, b phrase) int {
		return cmp.Or(cmp.Compare(b.letter, a.letter), strings.Compare(a.known.String(), b.known.String()))
	})
	return b
}

func phraseOf(english, says string) phrase {
	p := phrase{says: verb.ReplaceAllString(says, "%${1}s")} // values are words by now
	form, from := "", 0
	literal := func(until int) {
		text := strings.ReplaceAll(english[from:until], "%%", "%")
		form += regexp.QuoteMeta(text)
		p.letter += len(text)
	}
	for _, at := range verb.FindAllStringSubmatchIndex(english, -1) {
		literal(at[0])
		kind := english[at[4]:at[5]]
		switch kind {
		case "d":
			form += `(-?\d+)`
		case "q":
			form += `("(?:[^"\\]|\\.)*")`
		default:
			form += `(.+?)`
		}
		p.own, from = append(p.own, kind == "v" || kind == "q"), at[1]
	}
	literal(len(english))
	p.known = regexp.MustCompile(`(?s)^` + form + `$`)
	return p
}

// nested is how deep a value may be a sentence itself: "I did not understand that. Reply ack 42."
const nested = 4

// Retell says a text of any number of lines; those that the book does not know stay as they are.
func (b Book) Retell(english string) string {
	if len(b.phrases) == 0 {
		return english
	}
	lines := strings.Split(english, "\n")
	for i, line := range lines {
		if told, ok := b.retell(line, nested); ok {
			lines[i] = told
		}
	}
	return strings.Join(lines, "\n")
}

// Knows reports whether the book can say a line.
func (b Book) Knows(line string) bool {
	_, ok := b.retell(line, nested)
	return ok
}

func (b Book) retell(line string, depth int) (string, bool) {
	if depth == 0 {
		return line, false
	}
	for _, p := range b.phrases {
		found := p.known.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		values := make([]any, 0, len(found)-1)
		for i, value := range found[1:] {
			if told, ok := b.retell(value, depth-1); ok && !p.own[i] {
				value = told
			}
			values = append(values, value)
		}
		return fmt.Sprintf(p.says, values...), true
	}
	return line, false
}
