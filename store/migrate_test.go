package store_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	created = regexp.MustCompile(`(?i)create table (?:if not exists )?(\w+)`)
	indexed = regexp.MustCompile(`(?is)create (?:unique )?index (concurrently )?.*? on (\w+)`)
)

// Migrations run while the release before them accepts alerts and notes pages: an index that is built under a lock makes
// both wait for as long as the table is large. The first two are as they were applied.
func TestNoMigrationBuildsAnIndexUnderALockThatTheDoorWaitsFor(t *testing.T) {
	files, err := filepath.Glob("migrations/*.sql")
	require.NoError(t, err)
	require.Greater(t, len(files), 6)
	for _, file := range files[2:] {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var own []string
		for _, table := range created.FindAllStringSubmatch(string(text), -1) {
			own = append(own, table[1])
		}
		for _, index := range indexed.FindAllStringSubmatch(string(text), -1) {
			require.True(t, index[1] != "" || slices.Contains(own, index[2]), "%s: index on %s", file, index[2])
		}
	}
}
