package tracker

import (
	"fmt"
	"regexp"
	"strconv"
)

// Marker names the entries of a timeline that a note holds: looked for when nobody knows whether the note arrived.
type Marker struct {
	Correlation string
	From, To    int // sequence numbers, both included
}

// String is how it stands in a note: "[belay-E-42-1f2e3d4c5b6a 3-9]".
func (m Marker) String() string { return fmt.Sprintf("[%s %d-%d]", m.Correlation, m.From, m.To) }

// A marker is found in whatever a system made of our text.
var marked = regexp.MustCompile(`\[(belay-E-[0-9]+-[0-9a-f]{12}) ([0-9]{1,9})-([0-9]{1,9})\]`)

// LastMarked is the highest entry of this correlation that any of the texts holds; 0: none.
func LastMarked(correlation string, texts ...string) int {
	last := 0
	for _, text := range texts {
		for _, found := range marked.FindAllStringSubmatch(text, -1) {
			to, err := strconv.Atoi(found[3])
			if err == nil && found[1] == correlation {
				last = max(last, to)
			}
		}
	}
	return last
}

// Ours reports whether a text carries a marker of any installation of Belay.
func Ours(text string) bool { return marked.MatchString(text) }

// Unmarked is a text in which nobody finds a marker: what people say must not pass for one.
func Unmarked(text string) string { return marked.ReplaceAllString(text, "($1 $2-$3)") }
