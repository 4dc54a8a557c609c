package blueprint_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	yaml "go.yaml.in/yaml/v3"

	"github.com/belayhq/belay/core/blueprint"
)

const published = "../../docs/blueprint.schema.json"

func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := blueprint.Schema()
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("blueprint.schema.json", document))
	compiled, err := compiler.Compile("blueprint.schema.json")
	require.NoError(t, err)
	return compiled
}

func TestThePublishedSchemaIsWhatTheLoaderWalks(t *testing.T) {
	text, err := blueprint.Schema()
	require.NoError(t, err)
	if os.Getenv("BELAY_UPDATE") != "" {
		require.NoError(t, os.WriteFile(filepath.FromSlash(published), text, 0o644))
	}
	stands, err := os.ReadFile(filepath.FromSlash(published))
	require.NoError(t, err)
	require.Equal(t, string(text), string(stands), "run the test with BELAY_UPDATE=1 and commit the file")
}

func TestEveryExampleDocumentIsValidForEditors(t *testing.T) {
	s := schema(t)
	for _, name := range []string{"acme", "quick", "ticketing"} {
		for _, file := range example(t, name) {
			require.True(t, bytes.HasPrefix(file.Content, []byte("# yaml-language-server: $schema=../../docs/blueprint.schema.json\n")), file.Path)
			for _, doc := range documents(t, file) {
				require.NoError(t, s.Validate(doc), "%s/%s", name, file.Path)
			}
		}
	}
}

// documents of a file as an editor sees them: dates stay text, as in YAML 1.2.
func documents(t testing.TB, file blueprint.File) []any {
	t.Helper()
	var out []any
	decoder := yaml.NewDecoder(bytes.NewReader(file.Content))
	for {
		var n yaml.Node
		if err := decoder.Decode(&n); err != nil {
			return out
		}
		out = append(out, seen(t, n.Content[0]))
	}
}

func seen(t testing.TB, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			out[n.Content[i].Value] = seen(t, n.Content[i+1])
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, item := range n.Content {
			out = append(out, seen(t, item))
		}
		return out
	}
	if tag := n.ShortTag(); tag == "!!str" || tag == "!!timestamp" {
		return n.Value
	}
	var value any
	require.NoError(t, n.Decode(&value))
	return value
}

// With a document in which every key stands, each key of the schema is one that the loader takes and the other way round.
func TestEveryKeyOfTheSchemaIsTaken(t *testing.T) {
	files, err := blueprint.Files(os.DirFS("testdata/everything"))
	require.NoError(t, err)
	load(t, files)
	byKind := map[any][]any{}
	s := schema(t)
	for _, doc := range documents(t, files[0]) {
		require.NoError(t, s.Validate(doc))
		kind := doc.(map[string]any)["kind"]
		byKind[kind] = append(byKind[kind], doc)
	}
	text, err := os.ReadFile(filepath.FromSlash(published))
	require.NoError(t, err)
	var written struct {
		Definitions map[string]map[string]any `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &written))
	require.Len(t, written.Definitions, len(blueprint.Kinds()))
	for kind, definition := range written.Definitions {
		visit(t, kind, definition, byKind[kind])
	}
}

// visit asks that some document uses each key, and that each key says what it is for.
func visit(t *testing.T, place string, s map[string]any, values []any) {
	t.Helper()
	require.NotEmpty(t, values, "testdata/everything: nothing at %s", place)
	require.NotEmpty(t, s["description"], "editors show nothing at %s", place)
	for name, sub := range child(s, "properties") {
		visit(t, place+"."+name, sub.(map[string]any), pick(values, func(v map[string]any) []any {
			if value, ok := v[name]; ok {
				return []any{value}
			}
			return nil
		}))
	}
	for _, sub := range children(s, "anyOf") {
		if inner := sub.(map[string]any); inner["type"] == "object" {
			visit(t, place, inner, pick(values, func(v map[string]any) []any { return []any{v} }))
		}
	}
	if items := child(s, "items"); items != nil {
		visit(t, place+"[]", items, flat(values))
	}
	if more := child(s, "additionalProperties"); more != nil {
		visit(t, place+".*", more, pick(values, func(v map[string]any) []any { return slices.Collect(maps.Values(v)) }))
	}
}

func child(s map[string]any, name string) map[string]any {
	sub, _ := s[name].(map[string]any)
	return sub
}

func children(s map[string]any, name string) []any {
	sub, _ := s[name].([]any)
	return sub
}

func pick(values []any, of func(map[string]any) []any) []any {
	var out []any
	for _, value := range values {
		if mapping, ok := value.(map[string]any); ok {
			out = append(out, of(mapping)...)
		}
	}
	return out
}

func flat(values []any) []any {
	var out []any
	for _, value := range values {
		if list, ok := value.([]any); ok {
			out = append(out, list...)
		}
	}
	return out
}

// Whatever an editor marks red is refused by the loader too: every value of a good blueprint is spoiled in turn.
func TestWhatTheSchemaRefusesTheLoaderRefuses(t *testing.T) {
	files, err := blueprint.Files(os.DirFS("testdata/everything"))
	require.NoError(t, err)
	s, docs := schema(t), documents(t, files[0])
	refused := 0
	for i := range docs {
		for _, spoiled := range spoil(docs[i]) {
			if spoiled == nil || s.Validate(spoiled) == nil { // an empty document is nothing, not a mistake
				continue
			}
			refused++
			var b bytes.Buffer
			for j, doc := range docs {
				if j == i {
					doc = spoiled
				}
				text, err := json.Marshal(doc)
				require.NoError(t, err)
				b.WriteString("---\n" + string(text) + "\n")
			}
			_, err := blueprint.Load([]blueprint.File{{Path: "spoiled.yaml", Content: b.Bytes()}}, time.LoadLocation)
			require.Error(t, err, "%v", spoiled)
		}
	}
	require.Greater(t, refused, 300, "the schema refuses too little to prove anything")
}

// spoil returns copies of a value with one thing wrong in each: another type, an unknown key, a key gone.
func spoil(v any) []any {
	out := []any{nil, "~~ @@", true, map[string]any{"surprise": 1}}
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			gone := maps.Clone(v)
			delete(gone, name)
			more := maps.Clone(v)
			more[name+"s"] = value
			out = append(out, gone, more)
			for _, bad := range spoil(value) {
				one := maps.Clone(v)
				one[name] = bad
				out = append(out, one)
			}
		}
	case []any:
		for i, value := range v {
			for _, bad := range spoil(value) {
				one := slices.Clone(v)
				one[i] = bad
				out = append(out, one)
			}
		}
	}
	return out
}
