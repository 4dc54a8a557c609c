package workers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func recorded(t *testing.T) []byte {
	t.Helper()
	found, err := filepath.Glob("../workflows/testdata/histories/*/silence.json")
	require.NoError(t, err)
	require.NotEmpty(t, found)
	raw, err := os.ReadFile(found[0])
	require.NoError(t, err)
	return raw
}

func TestRecordedHistoriesReplayAndTamperedOnesDoNot(t *testing.T) {
	dir := t.TempDir()
	raw := recorded(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.json"), raw, 0o600))
	n, err := Replay(dir)
	require.NoError(t, err)
	require.Equal(t, 1, n)

	other := strings.ReplaceAll(string(raw), `"name": "Send"`, `"name": "Tell"`)
	require.NotEqual(t, string(raw), other)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.json"), []byte(other), 0o600))
	_, err = Replay(dir)
	require.ErrorContains(t, err, "b.json")
}
