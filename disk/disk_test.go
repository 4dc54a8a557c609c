package disk_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/disk"
	"github.com/belayhq/belay/service"
)

func open(t *testing.T, dir, database string) disk.Shelf {
	t.Helper()
	s, err := disk.Open(dir, database)
	require.NoError(t, err)
	return s
}

func TestTheOrganisationReadsAsItWasKeptAndIsItsOwnersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "state")
	s := open(t, dir, "postgres://belay:one@db/belay")
	_, err := s.Load()
	require.True(t, fault.Is(err, fault.NotFound), err)
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	kept := service.Snapshot{
		Revision:  service.Revision{Hash: "r1", Files: []service.File{{Path: "a.yaml", Content: "secret: yes"}}},
		Overrides: []org.Override{{ID: "O-1", Schedule: "s", Person: "ana", From: at, Until: at.Add(time.Hour)}},
		Barred:    []service.BarredWay{{Person: "ana", Method: "mobile", Reason: "STOP"}}, ReadAt: at,
	}
	require.NoError(t, s.Save(kept))
	again, err := open(t, dir, "postgres://belay:two@db/belay").Load()
	require.NoError(t, err)
	require.Equal(t, kept, again, "another password is the same installation")
	_, err = open(t, dir, "postgres://belay:one@db/other").Load()
	require.True(t, fault.Is(err, fault.NotFound), "another database is another installation")

	require.NoError(t, filepath.Walk(s.Dir, func(path string, info os.FileInfo, err error) error {
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, path)
		return nil
	}))
	files, err := os.ReadDir(s.Dir)
	require.NoError(t, err)
	require.Len(t, files, 1, "half-written files are left behind")

	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "organisation.json"), []byte(`{"revision":`), 0o600))
	_, err = s.Load()
	require.True(t, fault.Is(err, fault.Invalid), err)
}

func TestANumberIsTakenOnceByWhicheverProcess(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, "postgres://db/belay")
	_, none, err := first.Take()
	require.NoError(t, err)
	require.True(t, none)
	var numbers []int64
	for n := range int64(60) {
		numbers = append(numbers, n+1)
	}
	require.NoError(t, first.Add(numbers))
	left, err := first.Left()
	require.NoError(t, err)
	require.Equal(t, 60, left)

	var mu sync.Mutex
	seen := map[int64]int{}
	var takers sync.WaitGroup
	for range 4 {
		own := open(t, dir, "postgres://db/belay")
		takers.Go(func() {
			for range 15 {
				number, none, err := own.Take()
				if err != nil || none {
					t.Error("no number", err)
				}
				mu.Lock()
				seen[number]++
				mu.Unlock()
			}
		})
	}
	takers.Wait()
	require.Len(t, seen, 60)
	_, none, err = first.Take()
	require.NoError(t, err)
	require.True(t, none)
}
