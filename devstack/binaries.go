package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Binaries are one installed PostgreSQL.
type Binaries struct {
	Dir   string // holds initdb and postgres
	Major int
}

const (
	oldestMajor = 12 // what Temporal's schema asks for
	fetchMajor  = 17 // what we fetch when the data does not decide
)

// findBinaries looks through dirs for a PostgreSQL that the account can run, and fetches one if none fits. Data made by one
// major version opens with no other: major is the data's, or 0 if there is none yet.
func findBinaries(account *Account, dirs []string, major int, fetch func(major int) (string, error)) (Binaries, error) {
	var tried []string
	for _, dir := range dirs {
		found, err := inspect(account, dir)
		switch {
		case err != nil:
			tried = append(tried, err.Error())
		case found.Major < oldestMajor:
			tried = append(tried, fmt.Sprintf("%s is version %d, too old", dir, found.Major))
		case major != 0 && found.Major != major:
			tried = append(tried, fmt.Sprintf("%s is version %d, but the data was made by version %d", dir, found.Major, major))
		default:
			return found, nil
		}
	}
	if len(dirs) == 0 {
		tried = append(tried, "none in PATH or in /usr/lib/postgresql/*/bin")
	}

	want := major
	if want == 0 {
		want = fetchMajor
	}
	dir, err := fetch(want)
	if err == nil {
		return inspect(account, dir)
	}
	tried = append(tried, fmt.Sprintf("fetching version %d: %v", want, err))
	return Binaries{}, fmt.Errorf("no usable PostgreSQL:\n  %s\ninstall PostgreSQL %d or newer "+
		"(Debian: apt-get install postgresql; macOS: brew install postgresql@%d), or point BELAY_DATABASE_URL (--database-url) at a running one",
		strings.Join(tried, "\n  "), oldestMajor, fetchMajor)
}

// installed lists directories that may hold PostgreSQL: what PATH leads to, then the packages' own places, newest first.
func installed() []string {
	var dirs []string
	add := func(dir string) {
		if !slices.Contains(dirs, dir) && executable(filepath.Join(dir, "initdb")) && executable(filepath.Join(dir, "postgres")) {
			dirs = append(dirs, dir)
		}
	}
	for _, name := range []string{"postgres", "pg_ctl", "initdb"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if path, err = filepath.Abs(path); err != nil {
			continue
		}
		// Behind a link lie the shared files that the programs look for beside themselves.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			add(filepath.Dir(real))
		}
		add(filepath.Dir(path))
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		slices.SortFunc(found, func(a, b string) int { return firstNumber(b) - firstNumber(a) })
		for _, dir := range found {
			add(dir)
		}
	}
	return dirs
}

// inspect runs postgres --version as the account that will run it.
func inspect(account *Account, dir string) (Binaries, error) {
	cmd := exec.CommandContext(context.Background(), filepath.Join(dir, "postgres"), "--version")
	account.Dress(cmd)
	out, err := cmd.Output() // "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)"
	if err != nil {
		return Binaries{}, fmt.Errorf("%s: %w", dir, err)
	}
	major := firstNumber(string(out))
	if major == 0 {
		return Binaries{}, fmt.Errorf("%s: cannot read the version %q", dir, out)
	}
	return Binaries{Dir: dir, Major: major}, nil
}

// dataMajor reads which major version made a data directory; 0 if there is none.
func dataMajor(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the data: %w", err)
	}
	return firstNumber(string(text)), nil
}

func firstNumber(text string) int {
	number, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(text))
	if err != nil {
		return 0
	}
	return number
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}
