// Package stack builds the dev stack (the nested module devstack: Postgres and Temporal in one process) and runs it as
// a child. It knows the child's flags and its ready line, and nothing of what is inside.
package stack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Source finds the dev stack's directory in this checkout, walking up from dir.
func Source(dir string) (string, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the dev stack from %q: %w", dir, err)
	}
	for {
		candidate := filepath.Join(at, "devstack")
		if _, err := os.Stat(filepath.Join(candidate, "go.mod")); err == nil {
			return candidate, nil
		}
		parent := filepath.Dir(at)
		if parent == at {
			return "", fmt.Errorf("no devstack/go.mod in %s or above: run this inside a checkout of Belay, "+
				"or use servers of your own (BELAY_DATABASE_URL and BELAY_TEMPORAL_EXTERNAL=1)", dir)
		}
		at = parent
	}
}

// Build makes the binary unless one of exactly these sources is there already, and returns its path. The first build
// on a machine compiles a Temporal server and takes minutes: say gets one line about it.
func Build(ctx context.Context, source string, say func(string)) (string, error) {
	fingerprint, err := fingerprint(source)
	if err != nil {
		return "", fmt.Errorf("read the dev stack's sources: %w", err)
	}
	out := filepath.Join(filepath.Dir(source), ".build")
	binary := filepath.Join(out, "devstack-"+fingerprint)
	if exists(binary) {
		return binary, nil
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", fmt.Errorf("build the dev stack: %w", err)
	}
	unlock, err := hold(ctx, filepath.Join(out, "devstack.lock"))
	if err != nil {
		return "", fmt.Errorf("wait for another build of the dev stack: %w", err)
	}
	defer unlock()
	if exists(binary) {
		return binary, nil
	}

	say("building the dev stack (a Temporal server); the first time takes some minutes, later ones seconds")
	part := binary + ".part"
	cmd := exec.CommandContext(ctx, "go", "build", "-C", source, "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", part, ".")
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	var complaint bytes.Buffer
	cmd.Stderr = io.MultiWriter(&complaint, progress{say})
	if err := cmd.Run(); err != nil {
		_ = os.Remove(part)
		return "", fmt.Errorf("build the dev stack: %w: %s", err, strings.TrimSpace(complaint.String()))
	}
	if err := os.Rename(part, binary); err != nil {
		return "", fmt.Errorf("build the dev stack: %w", err)
	}
	forget(out, binary)
	return binary, nil
}

func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// fingerprint is a hash of everything the binary is made of.
func fingerprint(source string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !compiled(entry.Name()) {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d\n", strings.TrimPrefix(path, source), len(content))
		sum.Write(content)
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil)[:6]), err
}

func compiled(name string) bool {
	return name == "go.mod" || name == "go.sum" || (strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"))
}

// forget removes binaries of earlier sources: each is 150 MB. A running one keeps its file until it ends.
func forget(out, current string) {
	old, err := filepath.Glob(filepath.Join(out, "devstack-*"))
	if err != nil {
		return
	}
	for _, path := range old {
		if path != current {
			_ = os.Remove(path)
		}
	}
}

// progress tells of downloads: they are most of the waiting on a new machine.
type progress struct{ say func(string) }

func (p progress) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "go: downloading") {
			p.say(strings.TrimSpace(line))
		}
	}
	return len(text), nil
}

// errBusy says that somebody else holds a lock.
var errBusy = errors.New("somebody else holds it")
