package stack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Options of a child. Addresses are host:port; port 0 means any free one.
type Options struct {
	Home             string
	PostgresAddr     string
	TemporalPostgres string // where a second Postgres listens, for Temporal alone; empty: one for both
	TemporalAddr     string
	UIAddr           string            // empty: no UI
	DatabaseURL      string            // empty: it starts a Postgres of its own
	Namespace        string            // empty: "default"
	SearchAttributes map[string]string // type by name: "Keyword", "Int"
	NoTemporal       bool
	Fast             bool      // for tests: nothing waits for the disk
	Log              io.Writer // what it says; nil: nowhere
	Env              []string  // beside ours
}

func (o Options) args() []string {
	args := []string{
		"--exit-with-stdin",
		"--home", o.Home,
		"--postgres-addr", o.PostgresAddr,
		"--temporal-addr", o.TemporalAddr,
		"--ui-addr", o.UIAddr,
	}
	if o.TemporalPostgres != "" {
		args = append(args, "--temporal-postgres-addr", o.TemporalPostgres)
	}
	if o.DatabaseURL != "" {
		args = append(args, "--database-url", o.DatabaseURL)
	}
	if o.Namespace != "" {
		args = append(args, "--namespace", o.Namespace)
	}
	attributes := make([]string, 0, len(o.SearchAttributes))
	for name, kind := range o.SearchAttributes {
		attributes = append(attributes, name+"="+kind)
	}
	slices.Sort(attributes)
	for _, attribute := range attributes {
		args = append(args, "--search-attribute", attribute)
	}
	if o.NoTemporal {
		args = append(args, "--no-temporal")
	}
	if o.Fast {
		args = append(args, "--fast")
	}
	return args
}

// Ready is the child's ready line: where everything is.
type Ready struct {
	Ready        bool   `json:"ready"`
	DatabaseURL  string `json:"database_url"`
	TemporalAddr string `json:"temporal_addr"`
	UIAddr       string `json:"ui_addr"`
	PostgresPID  int    `json:"postgres_pid"`

	TemporalDatabaseURL string `json:"temporal_database_url"`
	TemporalPostgresPID int    `json:"temporal_postgres_pid"` // 0: Temporal has none of its own
}

// Child is a running dev stack. It stops when we do, however we end.
type Child struct {
	Ready

	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{}
	err   error // valid once done is closed
	once  sync.Once
}

// Start runs the binary and waits until everything answers. A predecessor that is still stopping in the same home is
// waited for.
func Start(ctx context.Context, binary string, o Options) (*Child, error) {
	if err := awaitHome(ctx, o.Home); err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, o.args()...)
	apart(cmd)
	cmd.Env = append(os.Environ(), o.Env...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the dev stack: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the dev stack: %w", err)
	}
	last := &tail{next: o.Log}
	cmd.Stderr = last
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the dev stack: %w", err)
	}
	child := &Child{cmd: cmd, stdin: stdin, done: make(chan struct{})}

	lines := make(chan Ready, 1)
	go func() {
		child.read(stdout, lines)
		child.err = cmd.Wait()
		close(child.done)
	}()

	select {
	case child.Ready = <-lines:
		return child, nil
	case <-child.done:
		return nil, fmt.Errorf("the dev stack ended before it was ready: %s", last)
	case <-ctx.Done():
		_ = child.Stop()
		return nil, fmt.Errorf("wait for the dev stack: %w", context.Cause(ctx))
	}
}

func (c *Child) read(stdout io.Reader, lines chan<- Ready) {
	scanner := bufio.NewScanner(stdout)
	for scanner.Scan() {
		var ready Ready
		if json.Unmarshal(scanner.Bytes(), &ready) == nil && ready.Ready {
			lines <- ready
			break
		}
	}
	_, _ = io.Copy(io.Discard, stdout)
}

// Done is closed when the child has ended, wanted or not.
func (c *Child) Done() <-chan struct{} { return c.done }

// PID of the child.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Stop asks it to stop and waits; after 30 s it is killed.
func (c *Child) Stop() error {
	c.once.Do(func() { _ = c.stdin.Close() })
	select {
	case <-c.done:
	case <-time.After(30 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.done
		return errors.New("the dev stack did not stop within 30 s and was killed")
	}
	var exit *exec.ExitError
	if errors.As(c.err, &exit) {
		return fmt.Errorf("the dev stack ended: %w", c.err)
	}
	return nil
}

// awaitHome waits until no other dev stack holds the home: one whose parent was killed needs a moment to stop.
func awaitHome(ctx context.Context, home string) error {
	path := filepath.Join(home, "devstack.lock")
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	release, err := hold(ctx, path)
	if err != nil {
		return nil // the child says who holds it, and better
	}
	release()
	return nil
}

// tail passes a log on and keeps its end for an error message.
type tail struct {
	mu   sync.Mutex
	next io.Writer
	kept []byte
}

func (t *tail) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, text...)
	if surplus := len(t.kept) - 2000; surplus > 0 {
		t.kept = t.kept[surplus:]
	}
	if t.next == nil {
		return len(text), nil
	}
	return t.next.Write(text)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
