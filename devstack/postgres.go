package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// superuser is the one role of the Postgres we start. Connections from the loopback address are trusted.
const superuser = "belay"

// Postgres is a server that we started.
type Postgres struct {
	Addr string
	PID  int
	Died chan error // one error, if it ends before it is stopped
	gone chan struct{}
}

// launch is everything a start needs.
type launch struct {
	Binaries Binaries
	Account  *Account
	Place    Place
	LogFile  string
	Addr     string // IP and port
	Fast     bool
}

// startPostgres makes the data directory if there is none and starts the server. The data is nobody's: see evict.
func startPostgres(ctx context.Context, l launch, journal Journal) (*Postgres, error) {
	if err := l.initialise(ctx, journal); err != nil {
		return nil, err
	}
	// Backends of a postmaster killed with -9 hold its shared memory for a moment longer than it lived.
	for deadline := time.Now().Add(15 * time.Second); ; {
		pg, complaint, err := l.start(ctx, journal)
		if err == nil {
			return pg, nil
		}
		if !strings.Contains(complaint, "pre-existing shared memory block") || time.Now().After(deadline) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// initialise runs initdb beside the final place and renames, so that a half-made directory is never taken for data.
func (l launch) initialise(ctx context.Context, journal Journal) error {
	data := l.Place.Data()
	if major, err := dataMajor(data); err != nil || major != 0 {
		return err
	}
	journal.Say("postgres: creating %s", data)
	fresh := data + ".new"
	var outcome error
	for _, locale := range []string{"C.UTF-8", "C"} { // not every system has the first
		if err := os.RemoveAll(fresh); err != nil {
			return err
		}
		if err := l.Account.Own(fresh); err != nil {
			return fmt.Errorf("create %s: %w", fresh, err)
		}
		args := []string{"-D", fresh, "-U", superuser, "--auth=trust", "--encoding=UTF8", "--locale=" + locale}
		if l.Fast {
			args = append(args, "--no-sync")
		}
		cmd := exec.CommandContext(ctx, filepath.Join(l.Binaries.Dir, "initdb"), args...)
		cmd.Env = environment()
		l.Account.Dress(cmd)
		out, err := cmd.CombinedOutput()
		if err == nil {
			return os.Rename(fresh, data)
		}
		outcome = fmt.Errorf("initdb in %s: %w\n%s", fresh, err, out)
	}
	return outcome
}

// start runs the server and waits until it answers. complaint is what it wrote if it ended instead.
func (l launch) start(ctx context.Context, journal Journal) (pg *Postgres, complaint string, err error) {
	host, port, err := split(l.Addr)
	if err != nil {
		return nil, "", err
	}
	sockets, err := l.sockets()
	if err != nil {
		return nil, "", err
	}
	log, err := os.OpenFile(l.LogFile, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = log.Close() }()

	args := []string{"-D", l.Place.Data()}
	for _, setting := range l.settings(host, port, sockets) {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(filepath.Join(l.Binaries.Dir, "postgres"), args...)
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = log, log // a file, so that it can go on writing whatever becomes of us
	l.Account.Dress(cmd)
	dieWithUs(cmd.SysProcAttr)

	journal.Say("postgres: starting version %d on port %d (data in %s)", l.Binaries.Major, port, l.Place.Data())
	pg = &Postgres{Addr: l.Addr, Died: make(chan error, 1), gone: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the kernel's death signal watches the thread that forks, so this one must live as long
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		err = cmd.Wait()
		pg.Died <- fmt.Errorf("postgres ended by itself (%v), see %s", err, l.LogFile)
		close(pg.gone)
	}()
	if err := <-started; err != nil {
		return nil, "", fmt.Errorf("start postgres: %w", err)
	}
	pg.PID = cmd.Process.Pid

	err = pg.awaken(ctx)
	if err == nil {
		return pg, "", nil
	}
	pg.Stop()
	complaint = tail(l.LogFile)
	return nil, complaint, fmt.Errorf("%w\n%s", err, complaint)
}

// awaken waits until the server answers; after a crash it first replays its log.
func (p *Postgres) awaken(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	url := fmt.Sprintf("postgres://%s@%s/postgres?sslmode=disable&connect_timeout=5", superuser, p.Addr)
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.gone:
			return <-p.Died
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer on %s: %w", p.Addr, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server: politely, then firmly. Its data survives either way.
func (p *Postgres) Stop() {
	for _, step := range []struct {
		signal   syscall.Signal
		patience time.Duration
	}{
		{syscall.SIGINT, 3 * time.Second},  // "fast": disconnect everyone, write everything
		{syscall.SIGQUIT, 2 * time.Second}, // "immediate": replay the log at the next start
		{syscall.SIGKILL, time.Second},
	} {
		select {
		case <-p.gone:
			return
		default:
		}
		_ = syscall.Kill(p.PID, step.signal)
		select {
		case <-p.gone:
			return
		case <-time.After(step.patience):
		}
	}
}

// settings fit a small machine that does much else.
func (l launch) settings(host string, port int, sockets string) []string {
	settings := []string{
		"listen_addresses=" + host,
		"port=" + strconv.Itoa(port),
		"unix_socket_directories=" + sockets,
		"unix_socket_permissions=0700",
		"max_connections=200", // Temporal's four services take up to 120
		"shared_buffers=128MB",
		"effective_cache_size=1GB",
		"maintenance_work_mem=64MB",
		"max_wal_size=1GB",
		"wal_level=minimal", // nobody replicates from here
		"max_wal_senders=0",
		"wal_compression=on",
		"random_page_cost=1.1",
		"max_worker_processes=4",
		"max_parallel_workers_per_gather=0",
		"autovacuum_max_workers=2",
		"jit=off",
		"timezone=UTC",
		"log_timezone=UTC",
		"log_line_prefix=%m [%p] ",
		"cluster_name=belay-dev",
	}
	if l.Fast {
		// Commits still reach the kernel before they are answered: synchronous_commit=off would lose the last ones when
		// Postgres is killed, and gains nothing more once nobody waits for the disk.
		settings = append(settings, "fsync=off", "full_page_writes=off")
	}
	return settings
}

// sockets is the directory of the Unix socket, whose path may be no longer than about 100 bytes.
func (l launch) sockets() (string, error) {
	dir := filepath.Join(l.Place.Dir, "run")
	if len(dir) > 80 {
		dir = filepath.Join("/tmp", "belay-run-"+digest(l.Place.Dir))
	}
	if err := l.Account.Own(dir); err != nil {
		return "", fmt.Errorf("socket directory: %w", err)
	}
	return dir, nil
}

// environment keeps PG* variables of the user's shell away from the server.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}

// evict stops the Postgres that a killed devstack left running on this data, and removes the trace of one that is gone but
// whose process number now belongs to another program: Postgres would take that for itself. The caller holds the home's
// lock, so a server that runs here is nobody's.
func evict(ctx context.Context, data string, journal Journal) error {
	pid, running := postmaster(data)
	if !running {
		if err := os.Remove(filepath.Join(data, "postmaster.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove a stale lock: %w", err)
		}
		return nil
	}
	journal.Say("postgres: stopping the one left running by an earlier run (pid %d)", pid)
	for _, step := range []struct {
		signal   syscall.Signal
		patience time.Duration
	}{
		{syscall.SIGINT, 15 * time.Second},
		{syscall.SIGQUIT, 10 * time.Second},
	} {
		if err := syscall.Kill(pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("postgres (pid %d) of an earlier run uses %s and cannot be stopped: %w", pid, data, err)
		}
		for deadline := time.Now().Add(step.patience); time.Now().Before(deadline); {
			if _, running := postmaster(data); !running {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return fmt.Errorf("postgres (pid %d) of an earlier run uses %s and does not stop", pid, data)
}

// postmaster reads who serves a data directory, and whether that process lives and is a Postgres at home there.
func postmaster(data string) (pid int, running bool) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return 0, false
	}
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return pid, false
	}
	return pid, isPostgres(pid, data)
}

// isPostgres errs on the side of yes: two servers on one data directory would ruin it.
func isPostgres(pid int, data string) bool {
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		if _, state, ok := strings.Cut(string(stat), ") "); ok && strings.HasPrefix(state, "Z") {
			return false // dead, only not yet reaped
		}
	}
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err == nil {
		real, err := filepath.EvalSymlinks(data)
		return err != nil || cwd == real
	}
	command, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.Contains(string(command), "postgres")
}

// tail is the end of a log file, for an error message.
func tail(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err == nil && info.Size() > 2000 {
		_, _ = file.Seek(-2000, io.SeekEnd)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}
