package blueprint_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
)

func example(t testing.TB, name string) []blueprint.File {
	t.Helper()
	files, err := blueprint.Files(os.DirFS(filepath.Join("..", "..", "examples", name)))
	require.NoError(t, err)
	return files
}

func load(t testing.TB, files []blueprint.File) *blueprint.Blueprint {
	t.Helper()
	b, err := blueprint.Load(files, time.LoadLocation)
	require.NoError(t, err)
	return b
}

func TestTheExamplesLoadWithoutAWarning(t *testing.T) {
	for _, name := range []string{"acme", "quick"} {
		b := load(t, example(t, name))
		require.Empty(t, b.Warnings, name)
		service := b.Org.Integrations["payments-events"]
		require.Equal(t, "acme0payments0demo0routing0key00", service.Key, "senders and scenarios rely on this key")
		require.EqualValues(t, "payments", service.Service)
	}
}
