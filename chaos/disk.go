package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

const smallDisk = "600m" // room for a PostgreSQL and some minutes of load

// disk gives Belay's PostgreSQL a disk that can be filled, or slowed down. Where that cannot be done, the scenario is
// skipped and says why.
func (i *installation) disk(kind string, s *store) error {
	switch kind {
	case "":
		return nil
	case "small":
		if err := os.MkdirAll(s.options.Home, 0o755); err != nil {
			return err
		}
		mount := exec.Command("mount", "-t", "tmpfs", "-o", "mode=755,size="+smallDisk, "tmpfs", s.options.Home)
		if out, err := mount.CombinedOutput(); err != nil {
			return &unable{fmt.Sprintf("a small disk cannot be mounted (%v: %.100s)", err, out)}
		}
		i.mounted = append(i.mounted, s.options.Home)
		return nil
	case "slow":
		path, err := i.slow()
		if err != nil {
			return err
		}
		s.options.Fast, s.options.Env = false, []string{"PATH=" + path + ":" + os.Getenv("PATH")}
		return nil
	}
	return fmt.Errorf("no disk is called %q", kind)
}

// unable says why a scenario cannot be played on this machine.
type unable struct{ why string }

func (u *unable) Error() string { return u.why }

func (i *installation) unmount() {
	for _, dir := range slices.Backward(i.mounted) {
		_ = exec.Command("umount", "-l", dir).Run()
	}
}

// slowly is put before the C library of PostgreSQL's processes: a flush takes as many milliseconds longer as a file says.
const slowly = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static void drag(void) {
	char text[16] = {0};
	int file = open(DELAY, O_RDONLY);
	if (file < 0) return;
	ssize_t n = read(file, text, sizeof text - 1);
	close(file);
	long ms = n > 0 ? atol(text) : 0;
	struct timespec rest = {ms / 1000, ms % 1000 * 1000000};
	if (ms > 0) nanosleep(&rest, 0);
}
int fsync(int file) { drag(); return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file); }
int fdatasync(int file) { drag(); return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file); }
`

func (i *installation) delay() string { return filepath.Join(i.home, "slow", "delay") }

// slow makes a directory of PostgreSQL's programs whose flushes can be slowed down.
func (i *installation) slow() (string, error) {
	real, err := postgresPrograms()
	if err != nil {
		return "", &unable{err.Error()}
	}
	dir := filepath.Join(i.home, "slow")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	source, library := filepath.Join(dir, "slowly.c"), filepath.Join(dir, "slowly.so")
	if err := os.WriteFile(source, []byte(slowly), 0o644); err != nil {
		return "", err
	}
	compile := exec.Command("gcc", "-shared", "-fPIC", "-O2", fmt.Sprintf("-DDELAY=%q", i.delay()), "-o", library, source, "-ldl")
	if out, err := compile.CombinedOutput(); err != nil {
		return "", &unable{fmt.Sprintf("the library that slows flushes down cannot be compiled (%v: %.200s)", err, out)}
	}
	for _, program := range []string{"postgres", "initdb"} {
		text := fmt.Sprintf("#!/bin/sh\nexec %s \"$@\"\n", filepath.Join(real, program))
		if program == "postgres" {
			text = fmt.Sprintf("#!/bin/sh\nLD_PRELOAD=%s exec %s \"$@\"\n", library, filepath.Join(real, program))
		}
		if err := os.WriteFile(filepath.Join(dir, program), []byte(text), 0o755); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func postgresPrograms() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errors.New("no PostgreSQL in /usr/lib/postgresql to slow down")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// disk fills the disk, or slows it down, for a while. A PostgreSQL that died of it is started again.
func (r *run) disk(ctx context.Context, args []string) error {
	d, err := during(args)
	if err != nil {
		return err
	}
	switch args[0] {
	case "full":
		return r.full(ctx, d)
	case "slow":
		if err := os.WriteFile(r.at.delay(), []byte("400"), 0o644); err != nil {
			return err
		}
		defer os.Remove(r.at.delay())
		return pause(ctx, d)
	}
	return fmt.Errorf("%q: want full or slow", args[0])
}

func (r *run) full(ctx context.Context, d time.Duration) error {
	mended := r.audit.Broke("disk", time.Now())
	path := filepath.Join(r.home, "postgres", "filler")
	filler, err := os.Create(path)
	if err != nil {
		return err
	}
	size, err := io.Copy(filler, endless{})
	_ = filler.Close()
	r.tell("the disk is full after %d MB: %v", size>>20, err)
	if err := pause(ctx, d); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	r.tell("there is room again")
	return r.mend(ctx, mended)
}

// endless is zeros.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
