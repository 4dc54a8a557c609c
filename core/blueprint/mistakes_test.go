package blueprint_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
)

func TestEveryMistakeIsToldAtOnceWithItsPlace(t *testing.T) {
	files, err := blueprint.Files(os.DirFS("testdata/mistakes"))
	require.NoError(t, err)
	b, err := blueprint.Load(files, time.LoadLocation)
	require.Nil(t, b)
	require.True(t, fault.Is(err, fault.Invalid))
	golden(t, "testdata/mistakes.golden", err.Error()+"\n")

	var all blueprint.Errors
	require.True(t, errors.As(err, &all))
	for _, one := range all {
		require.NotContains(t, one.Message, "acme0payments0demo0routing0key00", "a key is a secret, also in an error")
	}
}

func golden(t testing.TB, name, got string) {
	t.Helper()
	if os.Getenv("BELAY_UPDATE") != "" {
		require.NoError(t, os.WriteFile(name, []byte(got), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), got)
}
