package blueprint_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

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
	for _, name := range []string{"acme", "quick"} {
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
