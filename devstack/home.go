package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Home is the state directory, held by one devstack at a time.
type Home struct {
	Dir  string // absolute, without symbolic links
	lock *os.File
}

// openHome creates the directory if needed and takes its lock. The kernel drops the lock with the process, however it dies.
func openHome(dir string) (*Home, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("home %q: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create home: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("home %q: %w", dir, err)
	}
	lock, err := takeLock(filepath.Join(dir, "devstack.lock"))
	if err != nil {
		return nil, err
	}
	return &Home{Dir: dir, lock: lock}, nil
}

// Close releases the home for the next devstack.
func (h *Home) Close() { _ = h.lock.Close() }

func takeLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := os.ReadFile(path)
		_ = file.Close()
		return nil, fmt.Errorf("another devstack (pid %s) uses %s; stop it, or choose another place with --home (BELAY_HOME)",
			strings.TrimSpace(string(holder)), filepath.Dir(path))
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := file.Truncate(0); err == nil {
		_, _ = fmt.Fprintln(file, os.Getpid()) // for the message above only
	}
	return file, nil
}
