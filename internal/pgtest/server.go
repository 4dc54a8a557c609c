package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is a PostgreSQL that lives as long as the tests.
type server struct {
	url  string
	dir  string
	pid  int
	gone chan struct{}
}

// startServer makes a database cluster and serves it. Nothing in it need survive, so nothing is flushed to disk.
func startServer() (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := account()
	if err != nil {
		return nil, err
	}
	sweep()
	dir, err := place(as)
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, gone: make(chan struct{})}
	if err := s.launch(bin, as); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

func (s *server) launch(bin string, as *syscall.Credential) error {
	data := filepath.Join(s.dir, "data")
	initdb := command(as, filepath.Join(bin, "initdb"), "-D", data, "-U", "belay", "--auth=trust", "--encoding=UTF8",
		"--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	args := []string{"-D", data}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "port=" + port, "unix_socket_directories=", "max_connections=200",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
		"shared_buffers=64MB", "jit=off", "timezone=UTC",
	} {
		args = append(args, "-c", setting)
	}
	cmd := command(as, filepath.Join(bin, "postgres"), args...)
	cmd.Stdout, cmd.Stderr = log, log
	dieWithUs(cmd.SysProcAttr)

	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the death signal watches the thread that forks
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ends is in its log
			close(s.gone)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	s.pid = cmd.Process.Pid
	s.url = "postgres://belay@127.0.0.1:" + port + "/postgres?sslmode=disable"
	if err := s.awaken(); err != nil {
		s.stop()
		return err
	}
	return nil
}

// awaken waits until the server answers.
func (s *server) awaken() error {
	for deadline := time.Now().Add(time.Minute); ; {
		conn, err := pgx.Connect(context.Background(), s.url)
		if err == nil {
			return conn.Close(context.Background())
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("postgres does not answer: %w", err)
		}
		select {
		case <-s.gone:
			said, _ := os.ReadFile(filepath.Join(s.dir, "log")) // better than nothing, if it can be read
			return fmt.Errorf("postgres ended:\n%s", said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the server and deletes what it left.
func (s *server) stop() {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		_ = syscall.Kill(s.pid, signal)
		select {
		case <-s.gone:
			_ = os.RemoveAll(s.dir)
			return
		case <-time.After(5 * time.Second):
		}
	}
}

// binaries finds the directory of postgres and initdb: on the path, else where Debian keeps them, newest first.
func binaries() (string, error) {
	var found []string
	if path, err := exec.LookPath("postgres"); err == nil {
		found = append(found, filepath.Dir(path))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is correct
	slices.Reverse(debian)
	for _, dir := range append(found, debian...) {
		if _, err := exec.LookPath(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no PostgreSQL on the path or in /usr/lib/postgresql: install it (Debian: postgresql), or set %s", Variable)
}

// account is whom PostgreSQL runs as, since it refuses root; nil: ourselves.
func account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("root cannot run PostgreSQL, and there is no user postgres or nobody to run it")
}

// sweep deletes what killed tests left behind: directories an hour old whose server is gone.
func sweep() {
	for _, parent := range places() {
		left, _ := filepath.Glob(filepath.Join(parent, "belay-pgtest-*")) // the pattern is correct
		for _, dir := range left {
			info, err := os.Stat(dir)
			if err != nil || time.Since(info.ModTime()) < time.Hour || served(dir) {
				continue
			}
			_ = os.RemoveAll(dir) // another's: let them
		}
	}
}

// served says whether the server of a directory still runs.
func served(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	return err == nil && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// places are where data may go, best first.
func places() []string { return []string{os.TempDir(), "/tmp", "/var/tmp"} }

// place is a new directory that this account owns and can reach; the temporary directory may be closed to it.
func place(as *syscall.Credential) (string, error) {
	var tried []error
	for _, parent := range places() {
		dir, err := os.MkdirTemp(parent, "belay-pgtest-")
		if err != nil {
			tried = append(tried, err)
			continue
		}
		if as == nil {
			return dir, nil
		}
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			return "", err
		}
		if command(as, "/bin/sh", "-c", `cd "$1"`, "sh", dir).Run() == nil {
			return dir, nil
		}
		tried = append(tried, fmt.Errorf("%s is closed to user %d", dir, as.Uid))
		_ = os.Remove(dir)
	}
	return "", fmt.Errorf("no place for PostgreSQL's data: %w", errors.Join(tried...))
}

// command runs as this account, away from the working directory and the PG* variables of whoever tests.
func command(as *syscall.Credential, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as} // Ctrl-C is for the tests; they stop the server
	return cmd
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
