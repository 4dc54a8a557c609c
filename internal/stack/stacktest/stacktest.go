// Package stacktest gives tests a real Postgres and a real Temporal server: one of each per test binary, on free ports,
// started when the first test asks and gone with the last one.
//
//	func TestMain(m *testing.M) { stacktest.Main(m, durable.AttributeTypes()) }
//
//	func TestSomething(t *testing.T) {
//		at := stacktest.Get(t)
//		…
package stacktest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/belayhq/belay/internal/stack"
)

// Main runs the tests of a package and stops what they started. The search attributes, as type by name, are added to
// the namespace.
func Main(m *testing.M, attributes map[string]string) {
	shared.attributes = attributes
	code := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// Get returns the shared stack. It is skipped with -short and fails the test when it cannot be had.
func Get(t testing.TB) stack.Ready {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Postgres and Temporal; not with -short")
	}
	child, err := shared.start()
	if err != nil {
		t.Fatal(err)
	}
	return child.Ready
}

// Start runs a stack of its own in home, for tests that kill it. The test stops it at its end, if it still runs.
func Start(t testing.TB, home string) *stack.Child {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Postgres and Temporal; not with -short")
	}
	child, err := run(home, shared.attributes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Stop() })
	return child
}

var shared instance

type instance struct {
	attributes map[string]string
	once       sync.Once
	home       string
	child      *stack.Child
	err        error
}

func (i *instance) start() (*stack.Child, error) {
	i.once.Do(func() {
		if i.home, i.err = os.MkdirTemp("", "belay-stack-"); i.err != nil {
			return
		}
		i.child, i.err = run(i.home, i.attributes)
	})
	return i.child, i.err
}

func (i *instance) stop() error {
	i.once.Do(func() {}) // nobody starts it now
	if i.home == "" {
		return nil
	}
	var failed error
	if i.child != nil {
		failed = i.child.Stop()
	}
	return errors.Join(failed, os.RemoveAll(i.home))
}

func run(home string, attributes map[string]string) (*stack.Child, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	source, err := stack.Source(".")
	if err != nil {
		return nil, err
	}
	binary, err := stack.Build(ctx, source, func(line string) { fmt.Fprintln(os.Stderr, line) })
	if err != nil {
		return nil, err
	}
	return stack.Start(ctx, binary, stack.Options{
		Home:             home,
		PostgresAddr:     "127.0.0.1:0",
		TemporalAddr:     "127.0.0.1:0",
		SearchAttributes: attributes,
		Fast:             true,
	})
}
