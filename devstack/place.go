package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Place is the directory that holds Postgres' data: the home, or a substitute where the home is closed to its account.
type Place struct{ Dir string }

// Data is the Postgres data directory.
func (p Place) Data() string { return filepath.Join(p.Dir, "postgres") }

// pointerFile in the home names the substitute, so that a home which is renamed, or opened later, still finds its data.
const pointerFile = "postgres.moved"

// homeFile in the substitute names the home it serves.
const homeFile = "home"

// substitutes are where data goes that cannot live at home, best first: near a temporary home, else where servers keep state.
func substitutes(home, temp string) []string {
	name := "belay-" + digest(home)
	best := "/var/lib/belay-dev/" + name
	if within(home, temp) {
		best = filepath.Join(temp, name)
	}
	return []string{best, "/var/tmp/" + name}
}

// digest is a short name for a path, to keep two homes apart.
func digest(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:6])
}

// choosePlace decides where the data lives. reaches says whether Postgres' account can enter a directory; own makes one
// that belongs to it.
func choosePlace(home string, reaches func(dir string) bool, own func(dir string) error, elsewhere []string) (Place, error) {
	pointer, err := os.ReadFile(filepath.Join(home, pointerFile))
	if err == nil {
		moved := Place{Dir: strings.TrimSpace(string(pointer))}
		if reaches(moved.Dir) {
			return moved, nil
		}
	}
	if reaches(home) {
		return Place{Dir: home}, nil
	}

	var tried []error
	for _, dir := range elsewhere {
		if err := settle(home, dir, reaches, own); err != nil {
			tried = append(tried, err)
			continue
		}
		return Place{Dir: dir}, nil
	}
	return Place{}, fmt.Errorf("%s is closed to the user that must run Postgres, and no other place can be had (%w); "+
		"choose an open --home (BELAY_HOME), or set BELAY_DATABASE_URL (--database-url)", home, errors.Join(tried...))
}

// settle prepares a substitute, brings data along that the home already has, and writes both pointers.
func settle(home, dir string, reaches func(string) bool, own func(string) error) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := own(dir); err != nil {
		return err
	}
	if !reaches(dir) {
		return fmt.Errorf("%s cannot be entered", dir)
	}
	if err := bringAlong(Place{Dir: home}.Data(), Place{Dir: dir}.Data()); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, homeFile), []byte(home+"\n"), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(home, pointerFile), []byte(dir+"\n"), 0o644)
}

func bringAlong(from, to string) error {
	if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("the data in %s cannot be moved where Postgres can reach it: %w; move it to %s by hand", from, err, to)
	}
	return nil
}

// sweep deletes substitutes whose home lay in the temporary directory and is gone: what tests leave behind.
// One that is locked or serves any other home is left alone.
func sweep(journal Journal) {
	temp := os.TempDir()
	var dirs []string
	for _, parent := range []string{temp, "/var/tmp"} {
		if found, err := filepath.Glob(filepath.Join(parent, "belay-*")); err == nil {
			dirs = append(dirs, found...)
		}
	}
	for _, dir := range dirs {
		home, err := os.ReadFile(filepath.Join(dir, homeFile))
		if err != nil || !abandoned(strings.TrimSpace(string(home)), temp) {
			continue
		}
		lock, err := takeLock(filepath.Join(dir, "devstack.lock"))
		if err != nil {
			continue
		}
		if _, running := postmaster(Place{Dir: dir}.Data()); !running {
			if err := os.RemoveAll(dir); err == nil {
				journal.Say("postgres: removed %s, whose home is gone", dir)
			}
		}
		_ = lock.Close()
	}
}

// abandoned says whether a home was a temporary one and no longer exists.
func abandoned(home, temp string) bool {
	if !within(home, temp) {
		return false
	}
	_, err := os.Lstat(home)
	return errors.Is(err, os.ErrNotExist)
}

func within(path, dir string) bool {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return strings.HasPrefix(path, dir+string(filepath.Separator))
}
