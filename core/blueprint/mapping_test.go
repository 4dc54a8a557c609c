package blueprint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
)

// What is written is read again as it was, for every mapping that the examples have.
func TestAMappingIsWrittenAsItIsRead(t *testing.T) {
	files, err := blueprint.Files(os.DirFS(filepath.Join("..", "..", "examples", "mappings")))
	require.NoError(t, err)
	house, err := blueprint.Files(os.DirFS(filepath.Join("..", "..", "examples", "acme")))
	require.NoError(t, err)
	loaded, err := blueprint.Load(append(files, house...), time.LoadLocation)
	require.NoError(t, err)
	all := map[string]org.Mapping{"lines": {Title: "body.a +\n  body.b\n", Labels: `{"a": "it's"}`}, "odd": {Title: `"- \\ ' : #"`, Each: "body\t.x"}}
	for name, in := range loaded.Org.Integrations {
		if in.Mapping != nil {
			all[string(name)] = *in.Mapping
		}
	}
	require.Greater(t, len(all), 10)
	for name, m := range all {
		text := blueprint.MappingText(m)
		for _, written := range []string{text, "mapping:\n  " + strings.ReplaceAll(text, "\n", "\n  ")} {
			read, err := blueprint.Mapping(written)
			require.NoError(t, err, "%s:\n%s", name, written)
			require.Equal(t, m, *read, "%s:\n%s", name, written)
		}
	}
}

func TestWhatIsWrongWithAMappingNamesItsLineAndField(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"empty":       {"", "is 0 documents"},
		"two":         {"title: body.a\n---\ntitle: body.b", "is 2 documents"},
		"no YAML":     {"title: 'body", "line 1: is not YAML"},
		"a list":      {"- title", "line 1: every document is a mapping"},
		"no title":    {"source: body.a", "line 1: title: is missing"},
		"no such key": {"title: body.a\ntitel: body.b", `line 2: titel: unknown key; did you mean "title"?`},
		"no CEL":      {"title: body.a\nsource: body.", "line 2: source: at character"},
		"no name":     {"title: event.a", "undeclared reference to 'event'"},
		"long":        {"title: '" + strings.Repeat("x", 40<<10) + "'", "bytes are too many"},
		"deep":        {"title: '" + strings.Repeat("[", 500) + "'", "line 1: title: "},
		"alias":       {"title: &a body.a\nsource: *a", "anchors and aliases"},
		"bomb":        {"title: " + strings.Repeat("[", 9000), "mapping: line 1: "},
	} {
		_, err := blueprint.Mapping(c.text)
		require.ErrorContains(t, err, c.says, name)
		require.True(t, fault.Is(err, fault.Invalid), name)
	}
	both := "title: event.a\nsource: event.b"
	_, err := blueprint.Mapping(both)
	require.ErrorContains(t, err, "line 1: title: ")
	require.ErrorContains(t, err, "\nline 2: source: ")
}

func FuzzMapping(f *testing.F) {
	f.Add("title: body.a")
	f.Add("mapping:\n  title: |\n    body.a\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := blueprint.Mapping(text)
		if err != nil {
			require.True(t, fault.Is(err, fault.Invalid))
			return
		}
		again, err := blueprint.Mapping(blueprint.MappingText(*m))
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}
