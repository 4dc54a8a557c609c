package blueprint_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
)

func TestLayoutDoesNotMatterToTheRevision(t *testing.T) {
	block := "# a comment\nkind: team\nid: a\nname: \"A\"\nunit: u\nmembers:\n  - ana # our best\n  - ben\n---\nkind: unit\nid: u\nname: U\n"
	flow := "---\n{name: U, kind: 'unit', id: u}\n---\n\n{id: a, members: [ana, ben], unit: u, name: A, kind: team}\n...\n"
	hash := func(files ...string) string {
		var list []blueprint.File
		for i, content := range files {
			list = append(list, blueprint.File{Path: fmt.Sprintf("%d.yaml", i), Content: []byte(content)})
		}
		return string(blueprint.Hash(list))
	}
	require.Len(t, hash(block), 64)
	require.Equal(t, hash(block), hash(flow), "comments, layout, quotes, order of keys and of documents")
	apart := strings.SplitAfter(block, "---\n")
	require.Equal(t, hash(block), hash(apart[1], apart[0]), "nor the files")
	require.NotEqual(t, hash(block), hash(strings.Replace(block, "ana", "eva", 1)))
	require.NotEqual(t, hash(block), hash(block, block))
	require.NotEqual(t, hash("a: ["), hash("a: {"), "what cannot be read has a name too")
}

func TestABlueprintMeansTheSameInJSON(t *testing.T) {
	for _, name := range []string{"acme", "quick"} {
		files := example(t, name)
		var rewritten []blueprint.File
		for _, file := range files {
			var b strings.Builder
			for _, doc := range documents(t, file) {
				text, err := json.MarshalIndent(doc, "", "   ")
				require.NoError(t, err)
				b.WriteString("---\n" + string(text) + "\n")
			}
			rewritten = append(rewritten, blueprint.File{Path: file.Path, Content: []byte(b.String())})
		}
		slices.Reverse(rewritten)
		was, becomes := load(t, files), load(t, rewritten)
		require.Equal(t, was.Revision, becomes.Revision)
		require.Empty(t, blueprint.Diff(was.Org, becomes.Org))
		require.Equal(t, was.Org.Policies, becomes.Org.Policies)
	}
}
