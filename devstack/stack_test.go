package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be devstack itself, so that a test can start and kill a real process without a second build.
func TestMain(m *testing.M) {
	if os.Getenv("DEVSTACK_TEST_PROCESS") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// stack is a devstack process under test.
type stack struct {
	Ready
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *transcript
	ended  chan struct{}
	result error
}

var free = []string{"--fast", "--exit-with-stdin", "--postgres-addr", "127.0.0.1:0", "--temporal-addr", "127.0.0.1:0", "--ui-addr", ""}

// launchStack starts devstack and waits until it is ready.
func launchStack(t *testing.T, args ...string) *stack {
	t.Helper()
	s, line := spawn(t, args...)
	if err := json.Unmarshal([]byte(line), &s.Ready); err != nil || !s.Ready.Ready {
		t.Fatalf("no ready line but %q; stderr:\n%s", line, s.stderr)
	}
	return s
}

// refuseStack starts devstack, which must end by itself with a complaint.
func refuseStack(t *testing.T, args ...string) string {
	t.Helper()
	s, line := spawn(t, args...)
	if line != "" {
		t.Fatalf("started, and should not have: %s", line)
	}
	s.await(10 * time.Second)
	if s.result == nil {
		t.Fatalf("ended without an error; stderr:\n%s", s.stderr)
	}
	return s.stderr.String()
}

// spawn starts devstack and waits for its first line, or its end.
func spawn(t *testing.T, args ...string) (s *stack, firstLine string) {
	t.Helper()
	s, lines := begin(t, args...)
	select {
	case line := <-lines:
		return s, line
	case <-time.After(2 * time.Minute):
		t.Fatalf("not ready within two minutes; stderr:\n%s", s.stderr)
		return nil, ""
	}
}

// begin starts devstack; its first line comes through the channel, empty if it ends without one.
func begin(t *testing.T, args ...string) (s *stack, firstLine <-chan string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s = &stack{t: t, cmd: exec.Command(self, args...), stderr: &transcript{}, ended: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), "DEVSTACK_TEST_PROCESS=1")
	s.cmd.Stderr = s.stderr
	stdout, out := io.Pipe()
	s.cmd.Stdout = out
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.result = s.cmd.Wait()
		_ = out.Close()
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.signal(syscall.SIGTERM)
		s.await(20 * time.Second)
		if t.Failed() {
			t.Logf("stderr of devstack:\n%s", s.stderr)
		}
	})

	lines := make(chan string, 1)
	go func() {
		var line bytes.Buffer
		one := make([]byte, 1)
		for {
			if _, err := stdout.Read(one); err != nil || one[0] == '\n' {
				lines <- line.String()
				rest, _ := io.ReadAll(stdout)
				if len(rest) > 0 {
					t.Errorf("more than one line on stdout: %q", rest)
				}
				return
			}
			line.WriteByte(one[0])
		}
	}()
	return s, lines
}

func (s *stack) signal(sig syscall.Signal) {
	select {
	case <-s.ended:
	default:
		_ = s.cmd.Process.Signal(sig)
	}
}

// await waits for the process to end.
func (s *stack) await(patience time.Duration) {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		s.t.Fatalf("devstack did not end within %s; stderr:\n%s", patience, s.stderr)
	}
}

// kill is kill -9.
func (s *stack) kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	s.await(5 * time.Second)
}

// transcript is a buffer that may be read while it is written.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *transcript) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *transcript) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// eventually polls a condition that has no event to wait for.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never came true: %s", what)
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// home is a state directory in the temporary directory, closed to others, as the testing package makes them.
func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		for _, place := range substitutes(dir, os.TempDir()) {
			_ = os.RemoveAll(place)
		}
	})
	return dir
}

func deadline(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func with(base []string, more ...string) []string { return append(base[:len(base):len(base)], more...) }
