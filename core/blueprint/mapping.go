package blueprint

import (
	"fmt"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
)

// longestMapping is more than ten expressions of the longest kind.
const longestMapping = 32 << 10

// Mapping reads the mapping of an integration by itself, written as it stands in a blueprint, with the word "mapping:" in
// front of it or without. The error names every mistake with its line, as field "mapping".
func Mapping(text string) (*org.Mapping, error) {
	if len(text) > longestMapping {
		return nil, fault.Field("mapping", "%d bytes are too many, %d are allowed", len(text), longestMapping)
	}
	r := &reader{broken: map[node]bool{}}
	docs := r.documents([]File{{Content: []byte(text)}})
	if len(r.errors) > 0 {
		return nil, mistaken(r.errors)
	}
	if len(docs) != 1 {
		return nil, fault.Field("mapping", "is %d documents: write one, with an expression for the title at least", len(docs))
	}
	root := docs[0].root
	if inner := get(root, "mapping"); inner != nil && len(root.Content) == 2 {
		root = inner
	}
	s := mapping()
	r.walk("", &s, root, "")
	if len(r.errors) > 0 {
		return nil, mistaken(r.errors)
	}
	return builder{reader: r}.mapped(root), nil
}

// mistaken says each mistake on a line of its own.
func mistaken(all []Error) error {
	var lines []string
	for _, one := range sorted(all) {
		said := one.Message
		if one.Field != "" {
			said = one.Field + ": " + said
		}
		lines = append(lines, fmt.Sprintf("line %d: %s", one.Line, said))
	}
	return fault.Field("mapping", "%s", strings.Join(lines, "\n"))
}

// MappingText writes a mapping as it stands in a blueprint: what Mapping reads.
func MappingText(m org.Mapping) string {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, field := range []struct{ name, source string }{
		{"each", m.Each}, {"title", m.Title}, {"dedup_key", m.DedupKey}, {"severity", m.Severity}, {"status", m.Status},
		{"action", m.Action}, {"source", m.Source}, {"occurred_at", m.OccurredAt}, {"links", m.Links}, {"labels", m.Labels},
	} {
		if field.source == "" {
			continue
		}
		value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: field.source, Style: yaml.SingleQuotedStyle}
		if strings.Contains(field.source, "\n") {
			value.Style = yaml.LiteralStyle
		}
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: field.name}, value)
	}
	text, err := yaml.Marshal(root)
	if err != nil { // of names and texts alone
		return ""
	}
	return string(text)
}
