package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestADevelopmentSecretIsMadeOnceForItsOwnerOnly(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	first, err := Options{Home: home}.DevSecret()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(first.Secret), 32)
	info, err := os.Stat(filepath.Join(home, secretFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	again, err := Options{Home: home}.DevSecret()
	require.NoError(t, err)
	require.Equal(t, first.Secret, again.Secret)

	given, err := Options{Home: home, Secret: []byte("given")}.DevSecret()
	require.NoError(t, err)
	require.Equal(t, "given", string(given.Secret))
}

func TestASpoiltSecretFileIsReplaced(t *testing.T) {
	home := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(home, secretFile), []byte("short\n"), 0o600))
	o, err := Options{Home: home}.DevSecret()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(o.Secret), 32)
	left, err := os.ReadDir(home)
	require.NoError(t, err)
	require.Len(t, left, 1, "half-written files are left behind")
}
