package blueprint_test

import (
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
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
