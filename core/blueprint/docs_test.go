package blueprint_test

import (
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/expr"
)

func TestTheManualIsABlueprint(t *testing.T) {
	text, err := os.ReadFile("../../docs/blueprint.md")
	require.NoError(t, err)
	var files []blueprint.File
	for i, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
		files = append(files, blueprint.File{Path: fmt.Sprintf("block-%d.yaml", i), Content: block[1]})
	}
	require.Len(t, files, 5)
	b, err := blueprint.Load(files, time.LoadLocation)
	require.NoError(t, err)
	require.Empty(t, b.Warnings)
	for _, file := range files {
		for _, doc := range documents(t, file) {
			require.NoError(t, schema(t).Validate(doc))
		}
	}
	for _, depth := range []blueprint.Depth{blueprint.Nobody, blueprint.OnlyCatchAll, blueprint.EmptyTier, blueprint.Thin} {
		require.Contains(t, string(text), "| `"+string(depth)+"` |")
	}
}

func TestWhatTheManualPromisesCanBePromised(t *testing.T) {
	text, err := os.ReadFile("../../docs/sla.md")
	require.NoError(t, err)
	files := example(t, "acme")
	for i, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
		content := regexp.MustCompile(`(?m)^id: `).ReplaceAll(block[1], []byte("id: manual-"))
		content = regexp.MustCompile(`calendar: office|person: eva`).ReplaceAllFunc(content, func(name []byte) []byte {
			if string(name) == "person: eva" {
				return []byte("team: payments")
			}
			return []byte("calendar: emea-hours")
		})
		files = append(files, blueprint.File{Path: fmt.Sprintf("z%d.yaml", i), Content: content})
		for _, doc := range documents(t, files[len(files)-1]) {
			require.NoError(t, schema(t).Validate(doc))
		}
	}
	o := load(t, files).Org
	require.Len(t, o.SLAs, 5)
	require.Len(t, o.Triggers, 5)
}

func TestAHelpDeskIsJoinedAsTheManualSays(t *testing.T) {
	text, err := os.ReadFile("../../docs/helpdesks.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	require.Len(t, blocks, 1)
	files := append(example(t, "quick"), blueprint.File{Path: "z.yaml", Content: blocks[0][1]})
	for _, doc := range documents(t, files[len(files)-1]) {
		require.NoError(t, schema(t).Validate(doc))
	}
	require.NotNil(t, load(t, files).Org.Tickets["desk"].REST)
	for _, r := range expr.Requests() {
		for _, name := range r.Names() {
			require.Contains(t, string(text), "`"+name+"`", "%s may be used in %s", name, r)
		}
	}
}
