package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// mavenCentral is where the builds of zonkyio/embedded-postgres-binaries are published, all contrib extensions included.
const mavenCentral = "https://repo1.maven.org/maven2"

// Fetcher downloads PostgreSQL for machines that have none.
type Fetcher struct {
	Repository string // a Maven repository
	Cache      string // directory that keeps the archives
	Place      Place
	Journal    Journal
}

// Fetch returns the directory with initdb and postgres of a major version, downloading them unless an earlier run did.
// The programs are unpacked beside the data, where Postgres' account can run them.
func (f Fetcher) Fetch(ctx context.Context, major int) (string, error) {
	version, known := map[int]embeddedpostgres.PostgresVersion{
		12: embeddedpostgres.V12, 13: embeddedpostgres.V13, 14: embeddedpostgres.V14, 15: embeddedpostgres.V15,
		16: embeddedpostgres.V16, 17: embeddedpostgres.V17, 18: embeddedpostgres.V18,
	}[major]
	if !known {
		return "", fmt.Errorf("no download is known for version %d", major)
	}
	home := filepath.Join(f.Place.Dir, fmt.Sprintf("postgres-%s", version))
	bin := filepath.Join(home, "bin")
	if executable(filepath.Join(bin, "postgres")) {
		return bin, nil
	}
	port, err := freePort("127.0.0.1", fetchBand)
	if err != nil {
		return "", err
	}
	scratch, err := os.MkdirTemp(f.Place.Dir, "fetch-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(scratch) }()

	f.Journal.Say("postgres: none installed, fetching version %s (about 30 MB, once)", version)
	unpacked := filepath.Join(scratch, "programs")
	// The library's only door is Start, which downloads, unpacks, initialises and runs. We want the first two; the rest
	// happens in the scratch directory, or fails there because we are root.
	throwaway := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(version).
		Port(uint32(port)).
		StartTimeout(5 * time.Second).
		CachePath(f.Cache).
		BinaryRepositoryURL(f.Repository).
		RuntimePath(filepath.Join(scratch, "run")).
		DataPath(filepath.Join(scratch, "data")).
		BinariesPath(unpacked).
		Logger(io.Discard))
	done := make(chan error, 1)
	go func() {
		err := throwaway.Start()
		if err == nil {
			err = throwaway.Stop()
		}
		done <- err
	}()
	var startErr error
	select {
	case <-ctx.Done(): // the library cannot be interrupted, but we can leave
		return "", ctx.Err()
	case startErr = <-done:
	}
	if !executable(filepath.Join(unpacked, "bin", "postgres")) || !executable(filepath.Join(unpacked, "bin", "initdb")) {
		return "", errors.Join(startErr, errors.New("nothing was unpacked"))
	}
	if err := os.Rename(unpacked, home); err != nil {
		return "", err
	}
	return bin, nil
}
