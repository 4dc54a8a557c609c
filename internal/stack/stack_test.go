package stack

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// script is a child for tests: a shell that says what it is told to.
func script(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "child")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\n"), 0o755))
	return path
}

const readyLine = `echo '{"ready":true,"database_url":"postgres://x","temporal_addr":"127.0.0.1:7","ui_addr":"","postgres_pid":7,"temporal_database_url":"postgres://y","temporal_postgres_pid":8}'`

func TestAChildIsStoppedByClosingItsInput(t *testing.T) {
	child, err := Start(t.Context(), script(t, readyLine+"\nread forever"), Options{Home: t.TempDir()})
	require.NoError(t, err)
	require.Equal(t, Ready{Ready: true, DatabaseURL: "postgres://x", TemporalAddr: "127.0.0.1:7", PostgresPID: 7, TemporalDatabaseURL: "postgres://y", TemporalPostgresPID: 8}, child.Ready)
	select {
	case <-child.Done():
		t.Fatal("it ended by itself")
	default:
	}
	_ = child.Stop()
	<-child.Done()
	_ = child.Stop() // twice is once
}

func TestAChildThatCannotStartIsQuoted(t *testing.T) {
	_, err := Start(t.Context(), script(t, "echo 'port 5433 is taken' >&2; exit 1"), Options{Home: t.TempDir()})
	require.ErrorContains(t, err, "port 5433 is taken")
}

func TestNobodyWaitsForAChildThatNeverIsReady(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, script(t, "read forever"), Options{Home: t.TempDir()})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestTheLastWordsAreBounded(t *testing.T) {
	words := &tail{}
	for range 1000 {
		_, err := words.Write([]byte("0123456789"))
		require.NoError(t, err)
	}
	require.Len(t, words.String(), 2000)
}

func TestAHomeThatIsStillHeldIsWaitedFor(t *testing.T) {
	home := t.TempDir()
	release, err := lock(filepath.Join(home, "devstack.lock"))
	require.NoError(t, err)
	waited := make(chan error, 1)
	go func() { waited <- awaitHome(t.Context(), home) }()
	select {
	case <-waited:
		t.Fatal("it did not wait")
	case <-time.After(300 * time.Millisecond):
	}
	release()
	require.NoError(t, <-waited)
}

func TestOtherSourcesAreAnotherBinary(t *testing.T) {
	source := t.TempDir()
	write := func(name, content string) string {
		require.NoError(t, os.WriteFile(filepath.Join(source, name), []byte(content), 0o600))
		found, err := fingerprint(source)
		require.NoError(t, err)
		return found
	}
	first := write("main.go", "package main")
	require.Equal(t, first, write("README.md", "words"), "what is not compiled does not count")
	require.Equal(t, first, write("main_test.go", "package main"))
	second := write("main.go", "package main // changed")
	require.NotEqual(t, first, second)
	require.NotEqual(t, second, write("go.sum", "x v1"))
}

func TestTheSourceIsFoundFromBelow(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "devstack"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "devstack", "go.mod"), []byte("module devstack\n"), 0o600))
	deep := filepath.Join(root, "a", "b")
	require.NoError(t, os.MkdirAll(deep, 0o755))
	found, err := Source(deep)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(root, "devstack"), found)

	_, err = Source(t.TempDir())
	require.ErrorContains(t, err, "BELAY_TEMPORAL_EXTERNAL")
}
