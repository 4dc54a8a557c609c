package blueprint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
)

// document is one YAML document with its place.
type document struct {
	path string
	root node // a mapping; nil when it could not be read
	kind Kind // as written, perhaps unknown
	id   string
	mark node // where the id stands, for errors about the whole document
}

// reader collects everything that one Load learns.
type reader struct {
	load       func(name string) (*time.Location, error)
	zones      map[string]*time.Location
	errors     []Error
	warnings   []Error
	broken     map[node]bool
	references []reference
	index      map[Kind]map[string]*document
	scopes     *scopes // nil until an expression is met
}

// reference is an id that must exist.
type reference struct {
	path  string
	node  node
	field string
	kind  Kind
}

func (r *reader) fail(path string, n node, field, format string, args ...any) {
	r.broken[n] = true
	r.errors = append(r.errors, problem(path, n, field, format, args...))
}

func (r *reader) warn(path string, n node, field, format string, args ...any) {
	r.warnings = append(r.warnings, problem(path, n, field, format, args...))
}

func problem(path string, n node, field, format string, args ...any) Error {
	return Error{Path: path, Line: n.Line, Column: n.Column, Field: field, Message: fmt.Sprintf(format, args...)}
}

// zone loads each zone once. "Local" would mean whatever machine reads the blueprint.
func (r *reader) zone(name string) *time.Location {
	if zone, known := r.zones[name]; known {
		return zone
	}
	var zone *time.Location
	if r.load != nil && name != "" && name != "Local" {
		if found, err := r.load(name); err == nil {
			zone = found
		}
	}
	r.zones[name] = zone
	return zone
}

// documents reads all files. A file is cut at its "---" lines first, so that a syntax error in one document does not
// hide the mistakes of the next.
func (r *reader) documents(files []File) []*document {
	var docs []*document
	for _, file := range files {
		if !utf8.Valid(file.Content) {
			r.errors = append(r.errors, Error{Path: file.Path, Line: 1, Column: 1, Message: "is not text in UTF-8"})
			continue
		}
		for _, part := range parts(file.Content) {
			docs = append(docs, r.parse(file.Path, part)...)
		}
	}
	return docs
}

// part is a stretch of a file that starts after so many lines.
type part struct {
	lines int
	text  []byte
}

func parts(content []byte) []part {
	list := []part{{}}
	for i, line := range bytes.SplitAfter(content, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("---")) && (len(line) == 3 || bytes.ContainsAny(line[3:4], " \t\r\n")) {
			list = append(list, part{lines: i})
		}
		last := &list[len(list)-1]
		last.text = append(last.text, line...)
	}
	return list
}

func (r *reader) parse(path string, p part) []*document {
	var docs []*document
	decoder := yaml.NewDecoder(bytes.NewReader(p.text))
	for {
		var tree yaml.Node
		err := decode(decoder, &tree)
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			return append(docs, r.unreadable(path, p, err))
		}
		if len(tree.Content) == 0 {
			continue
		}
		root := tree.Content[0]
		r.settle(path, root, p.lines)
		if root.Tag == "!!null" {
			continue
		}
		if root.Kind != yaml.MappingNode {
			r.fail(path, root, "", "every document is a mapping that starts with its kind and id, not %s", kindOf(root))
			continue
		}
		docs = append(docs, &document{path: path, root: root})
	}
}

// decode guards against a parser that panics on input which nobody foresaw: the input is strange, not the program.
func decode(decoder *yaml.Decoder, tree *yaml.Node) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("yaml: cannot be read: %v", cause)
		}
	}()
	return decoder.Decode(tree)
}

// unreadable reports a syntax error, and keeps the id, so that references to the document do not add noise.
func (r *reader) unreadable(path string, p part, err error) *document {
	line, message := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if found := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(message); found != nil {
		line, _ = strconv.Atoi(found[1])
		message = strings.TrimPrefix(message, found[0])
	}
	r.errors = append(r.errors, Error{Path: path, Line: line + p.lines, Column: 1, Message: "is not YAML: " + message})

	word := func(key string) string {
		found := regexp.MustCompile(`(?m)^` + key + `:[ \t]*["']?([a-z0-9._-]+)`).FindSubmatch(p.text)
		if found == nil {
			return ""
		}
		return string(found[1])
	}
	mark := &yaml.Node{Line: line + p.lines, Column: 1}
	return &document{path: path, kind: Kind(word("kind")), id: word("id"), mark: mark}
}

// settle gives every node its line in the file and refuses what the language does not know: anchors, aliases, merges,
// tags of one's own, keys that are not words, and keys given twice.
func (r *reader) settle(path string, n node, lines int) {
	n.Line += lines
	n.Tag = n.ShortTag()
	if n.Kind == yaml.AliasNode {
		n.Kind, n.Tag, n.Alias, n.Value = yaml.ScalarNode, "!!null", nil, ""
		r.fail(path, n, "", "anchors and aliases are not part of the language: write it out")
		return
	}
	if n.Anchor != "" {
		r.fail(path, n, "", "anchors and aliases are not part of the language: write it out")
	}
	if n.Style&yaml.TaggedStyle != 0 {
		r.fail(path, n, "", "tags such as %s are not part of the language", clip(n.Tag))
	}
	for _, child := range n.Content {
		r.settle(path, child, lines)
	}
	seen := map[string]int{}
	for name := range entries(n) {
		first, twice := seen[name.Value]
		switch {
		case name.Kind != yaml.ScalarNode:
			r.fail(path, name, "", "keys are single words")
		case name.Tag == "!!merge":
			r.fail(path, name, "", "merge keys are not part of the language: write it out")
		case twice:
			r.fail(path, name, join("", name.Value), "is given twice (first on line %d)", first)
		default:
			seen[name.Value] = name.Line
		}
	}
}
