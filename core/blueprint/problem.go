package blueprint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/belayhq/belay/core/fault"
)

// Error is one mistake at one place. Its message says what would be right.
type Error struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`   // from 1; 0 when the mistake is something missing from all files
	Column  int    `json:"column"` // from 1, in characters
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

func (e Error) Error() string {
	var b strings.Builder
	if e.Path != "" {
		fmt.Fprintf(&b, "%s:%d:%d: ", e.Path, e.Line, e.Column)
	}
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Errors is every mistake of one reading, sorted by place. It is a fault of kind Invalid.
type Errors []Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// As lets fault.KindOf see an invalid input.
func (e Errors) As(target any) bool {
	f, ok := target.(**fault.Error)
	if !ok {
		return false
	}
	*f = &fault.Error{Kind: fault.Invalid, Field: "blueprint", Message: e.Error()}
	return true
}

// sorted orders by place and drops what was said twice.
func sorted(list []Error) Errors {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Error) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), a.Line-b.Line, a.Column-b.Column,
			strings.Compare(a.Field, b.Field), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(list)
}

// suggest names the candidate that was probably meant, as `; did you mean "x"?`, or nothing when none is near.
func suggest(word string, candidates []string) string {
	best, distance := "", max(1, min(3, len(word)/3))+1
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		if d := edits(word, candidate); d < distance {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// edits is the number of insertions, deletions, replacements and swaps of neighbours between two words
// (optimal string alignment). Words that nobody would mistype are not compared in full.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return 64
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			replace := rows[i-1][j-1]
			if x[i-1] != y[j-1] {
				replace++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}

// clip keeps a stranger's text short and on one line before it is quoted back.
func clip(text string) string {
	runes := []rune(text)
	if len(runes) > 40 {
		return fmt.Sprintf("%q…", string(runes[:40]))
	}
	return fmt.Sprintf("%q", text)
}
