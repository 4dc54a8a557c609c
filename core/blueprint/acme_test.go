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

func TestAcmeHasNoHole(t *testing.T) {
	o := load(t, example(t, "acme")).Org
	for _, from := range []string{
		"2026-03-26T00:00:00Z", // clocks go forward in Europe
		"2026-10-02T00:00:00Z", // and in Sydney
		"2026-10-24T00:00:00Z", // back in Europe, a week later in New York
		"2026-12-19T00:00:00Z", // holidays and absences
		"2027-12-27T00:00:00Z", // far ahead
	} {
		require.Empty(t, blueprint.Describe(blueprint.Holes(o, instant(from), 14)), from)
	}
}

func TestCoverageIsProvenWhileSomebodyWaits(t *testing.T) {
	o := load(t, example(t, "acme")).Org
	began := time.Now()
	blueprint.Holes(o, instant("2026-12-19T00:00:00Z"), 7)
	require.Less(t, time.Since(began), 2*time.Second)
}

func instant(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}
