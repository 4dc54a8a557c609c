package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// install plays an installed PostgreSQL that answers --version.
func install(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"initdb", "postgres"} {
		path := filepath.Join(dir, name)
		write(t, path, "#!/bin/sh\necho '"+version+"'\n")
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func offline(int) (string, error) { return "", errors.New("no route to host") }

func TestPostgresThatFitsTheDataIsFound(t *testing.T) {
	debian15 := install(t, "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)")
	beta18 := install(t, "postgres (PostgreSQL) 18beta1")
	old := install(t, "postgres (PostgreSQL) 9.6.24")
	broken := install(t, "cannot execute binary file")
	all := []string{broken, old, beta18, debian15}

	for _, c := range []struct {
		data int
		want string
	}{{0, beta18}, {15, debian15}, {18, beta18}} {
		got, err := findBinaries(nil, all, c.data, offline)
		if err != nil || got.Dir != c.want {
			t.Errorf("data of version %d: got %q, %v", c.data, got.Dir, err)
		}
	}

	fetched := 0
	got, err := findBinaries(nil, all, 16, func(major int) (string, error) {
		fetched = major
		return install(t, "postgres (PostgreSQL) 16.9"), nil
	})
	if err != nil || got.Major != 16 || fetched != 16 {
		t.Errorf("data of version 16: fetched %d, got %+v, %v", fetched, got, err)
	}
}

func TestWithoutPostgresTheMessageSaysWhatWasTriedAndWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		dirs []string
		data int
		want []string
	}{
		"nothing installed": {nil, 0, []string{"PATH", "no route to host", "apt-get install postgresql", "BELAY_DATABASE_URL"}},
		"the wrong version": {[]string{install(t, "postgres (PostgreSQL) 16.9")}, 15, []string{"is version 16", "made by version 15", "BELAY_DATABASE_URL"}},
	} {
		_, err := findBinaries(nil, c.dirs, c.data, offline)
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is missing from %q", name, want, err)
			}
		}
	}
}

// repository plays Maven Central with one build of PostgreSQL: a jar that holds a tar.xz.
func repository(t *testing.T, version string) *httptest.Server {
	t.Helper()
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("packing the archive needs xz")
	}
	programs := t.TempDir()
	for _, name := range []string{"initdb", "postgres", "pg_ctl"} {
		path := filepath.Join(programs, "bin", name)
		write(t, path, "#!/bin/sh\necho 'postgres (PostgreSQL) "+version+"'\ntest $(basename $0) = postgres\n") // initdb fails, as for root
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := exec.Command("tar", "-C", programs, "-cJf", "-", "bin").Output()
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	file, err := z.Create("postgres.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(packed); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".jar") {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(jar.Bytes())
	}))
	t.Cleanup(server.Close)
	return server
}

func TestPostgresIsFetchedOnceAndRunsAsItsAccount(t *testing.T) {
	account, err := unprivileged("none")
	if err != nil {
		t.Fatal(err)
	}
	place := Place{Dir: filepath.Join(os.TempDir(), "belay-fetch-"+digest(t.TempDir()))}
	if err := account.Own(place.Dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(place.Dir) })
	t.Setenv("TMPDIR", t.TempDir()) // the library leaves its log there
	central := repository(t, "17.5")
	fetcher := Fetcher{Repository: central.URL, Cache: t.TempDir(), Place: place, Journal: newJournal(io.Discard)}

	for range 2 { // the second time without a network
		dir, err := fetcher.Fetch(deadline(t, time.Minute), 17)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := inspect(account, dir); err != nil || got.Major != 17 {
			t.Fatalf("got %+v, %v", got, err)
		}
		central.Close()
	}
	left, err := filepath.Glob(filepath.Join(place.Dir, "fetch-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestFetchingWithoutANetworkIsAnError(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	fetcher := Fetcher{Repository: "http://127.0.0.1:1", Cache: t.TempDir(), Place: Place{Dir: t.TempDir()}, Journal: newJournal(io.Discard)}
	if dir, err := fetcher.Fetch(deadline(t, time.Minute), 17); err == nil {
		t.Errorf("fetched %s from nowhere", dir)
	}
	if dir, err := fetcher.Fetch(deadline(t, time.Minute), 99); err == nil {
		t.Errorf("fetched %s, which does not exist yet", dir)
	}
}
