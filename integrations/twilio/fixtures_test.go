package twilio_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fixture reads other people's data, which is kept beside the repository.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	root := os.Getenv("BELAY_FIXTURES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "fixtures")
	}
	data, err := os.ReadFile(filepath.Join(root, "notifications", "twilio", name))
	if os.IsNotExist(err) {
		t.Skipf("fixture %s is not here; set BELAY_FIXTURES to the directory of fixtures", name)
	}
	require.NoError(t, err)
	return data
}

func fixtureJSON(t *testing.T, name string, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(fixture(t, name), into))
}
