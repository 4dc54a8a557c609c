// Package disk is what a process keeps beside itself, so that it can begin while our records are away: the organisation
// as it was last read, and numbers for escalations drawn in advance. Processes of one installation may share a directory.
// It knows files, and nothing of what is written in them.
package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/belayhq/belay/core/fault"
)

// Shelf is a directory of one installation.
type Shelf struct{ Dir string }

// Open makes the directory of the installation that has this database, below dir, for its owner only. Two installations
// on one machine never read each other's.
func Open(dir, databaseURL string) (Shelf, error) {
	sum := sha256.Sum256([]byte(databaseURL))
	if at, err := url.Parse(databaseURL); err == nil && at.Host != "" { // a new password is not a new installation
		sum = sha256.Sum256([]byte(at.Host + at.Path))
	}
	s := Shelf{Dir: filepath.Join(dir, hex.EncodeToString(sum[:6]))}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return s, fmt.Errorf("make the state directory: %w", err)
	}
	return s, nil
}

// write replaces a file whole or not at all, readable for its owner only.
func (s Shelf) write(name string, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	path := filepath.Join(s.Dir, name)
	part, err := os.CreateTemp(s.Dir, name+".*") // created with 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { _ = os.Remove(part.Name()) }()
	_, err = part.Write(content)
	if err == nil {
		err = part.Sync() // a name that points to nothing after a power cut is worse than the old content
	}
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// read fills v. A file that was never written is fault.NotFound.
func (s Shelf) read(name string, v any) error {
	path := filepath.Join(s.Dir, name)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "nothing is kept in %s", path)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if err := json.NewDecoder(bytes.NewReader(content)).Decode(v); err != nil {
		return fault.Wrap(fault.Invalid, err, "read %s", path)
	}
	return nil
}
