package chaos

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// previous runs workers of an earlier revision beside those of this one, and retires them.
func (r *run) previous(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want start or retire")
	}
	switch args[0] {
	case "start":
		binary, err := r.earlier(ctx)
		if err != nil {
			r.skipped = fmt.Sprintf("no workers of %s: %v", r.revision(), err)
			return nil
		}
		at, err := free(4)
		if err != nil {
			return err
		}
		for n := range 2 {
			if err := r.at.add(ctx, r.at.worker(fmt.Sprint("previous", n+1), binary, at[n], at[2+n])); err != nil {
				return err
			}
		}
		return nil
	case "retire":
		for n := range 2 {
			name := fmt.Sprint("previous", n+1)
			r.at.part(name).Stop()
			r.at.forget(name)
		}
		return nil
	}
	return fmt.Errorf("%q: want start or retire", args[0])
}

func (r *run) revision() string {
	if r.Previous != "" {
		return r.Previous
	}
	return "HEAD~1"
}

// earlier builds Belay as it was at that revision.
func (r *run) earlier(ctx context.Context) (string, error) {
	source := filepath.Join(r.home, "previous")
	if err := os.Mkdir(source, 0o755); err != nil {
		return "", err
	}
	root, err := exec.CommandContext(ctx, "git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	unpack := exec.CommandContext(ctx, "sh", "-c", `set -e; git archive --format=tar -o "$1.tar" "$2"; tar -xf "$1.tar" -C "$1"; rm "$1.tar"`, "sh", source, r.revision())
	unpack.Dir = strings.TrimSpace(string(root))
	if out, err := unpack.CombinedOutput(); err != nil {
		return "", fmt.Errorf("unpack: %w: %.200s", err, out)
	}
	binary := filepath.Join(r.home, "belay-previous")
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/belay")
	build.Dir, build.Env = source, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w: %.300s", err, out)
	}
	return binary, os.RemoveAll(source)
}
