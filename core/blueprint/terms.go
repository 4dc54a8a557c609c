package blueprint

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/org"
)

const (
	formLabel form = "label" // a few words that stand in place of a value

	// longestLabel fits into a badge, and beside a title into one text message.
	longestLabel = 24
)

// termed are the enums that may be called otherwise, with their values.
func termed() []struct {
	name, doc string
	values    []string
} {
	return []struct {
		name, doc string
		values    []string
	}{
		{"priority", "How priorities are called.", priorities()},
		{"state", "How states of escalations are called.", texts(escalation.Phases())},
		{"kind", "How kinds of escalation are called.", kinds()},
		{"severity", "How severities are called.", severities()},
	}
}

func termsShape() shape {
	s := shape{form: formRecord, doc: "What the organisation calls priorities, states, kinds and severities, on pages and in messages. Files, conditions and programs keep the names of Belay.",
		fallback: "as Belay does"}
	for _, enum := range termed() {
		book := shape{form: formRecord, doc: enum.doc, fallback: "as Belay does"}
		for _, value := range enum.values {
			book.keys = append(book.keys, key{value, false, shape{form: formLabel, doc: "Stands in place of " + value + ".", fallback: value}})
		}
		s.keys = append(s.keys, key{enum.name, false, book})
	}
	return s
}

// label: what can be read in a badge and heard on a call.
func label(text string) bool {
	odd := func(r rune) bool { return !unicode.IsPrint(r) }
	return utf8.RuneCountInString(text) <= longestLabel && strings.TrimSpace(text) == text && text != "" && !strings.ContainsFunc(text, odd)
}

func labelWants() string {
	return fmt.Sprintf("a label of at most %d characters on one line", longestLabel)
}

func (b builder) terms(n node) org.Terms {
	v := b.value(n, "terms")
	return org.Terms{
		Priorities: called[org.Priority](b, v, "priority"), States: called[string](b, v, "state"),
		Kinds: called[org.Kind](b, v, "kind"), Severities: called[string](b, v, "severity"),
	}
}

func called[T ~string](b builder, terms node, name string) map[T]string {
	var out map[T]string
	for value, label := range entries(b.value(terms, name)) {
		if b.broken[label] {
			continue
		}
		if out == nil {
			out = map[T]string{}
		}
		out[T(value.Value)] = label.Value
	}
	return out
}

// terms by which two values could not be told apart.
func (v reviewer) terms(doc *document) {
	terms := get(doc.root, "terms")
	for _, enum := range termed() {
		seen := map[string]string{}
		for value, label := range entries(get(terms, enum.name)) {
			if v.broken[label] {
				continue
			}
			field, said := join(join("terms", enum.name), value.Value), strings.ToLower(label.Value)
			if other, twice := seen[said]; twice {
				v.fail(doc.path, label, field, "%s is what %s is called: give each value its own label", clip(label.Value), other)
			}
			seen[said] = value.Value
			named := slices.IndexFunc(enum.values, func(one string) bool { return strings.EqualFold(one, label.Value) })
			if named >= 0 && enum.values[named] != value.Value {
				v.fail(doc.path, label, field, "%s is the name of another %s", clip(label.Value), enum.name)
			}
		}
	}
}

func (d *difference) terms(was, becomes org.Terms) {
	d.set("names of priorities", mapTexts(was.Priorities), mapTexts(becomes.Priorities))
	d.set("names of states", mapTexts(was.States), mapTexts(becomes.States))
	d.set("names of kinds", mapTexts(was.Kinds), mapTexts(becomes.Kinds))
	d.set("names of severities", mapTexts(was.Severities), mapTexts(becomes.Severities))
}
