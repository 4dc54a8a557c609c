package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// Journal writes progress for a human: one short line per fact, on stderr.
type Journal struct {
	Out   io.Writer
	quiet *atomic.Bool
}

// newJournal returns a journal whose server log can be silenced for all who hold a copy.
func newJournal(out io.Writer) Journal { return Journal{Out: out, quiet: new(atomic.Bool)} }

// Say writes one line.
func (j Journal) Say(format string, args ...any) {
	fmt.Fprintf(j.Out, format+"\n", args...)
}

// Quiet drops the server's log from now on: its parts complain about each other while they stop.
func (j Journal) Quiet() { j.quiet.Store(true) }

// Server is the Temporal server's logger: warnings and worse, as lines of this journal.
func (j Journal) Server() log.Logger { return serverLog{journal: j} }

type serverLog struct {
	journal Journal
	tags    []tag.Tag
}

func (l serverLog) Debug(string, ...tag.Tag)           {}
func (l serverLog) Info(string, ...tag.Tag)            {}
func (l serverLog) Warn(msg string, tags ...tag.Tag)   { l.line("warn", msg, tags) }
func (l serverLog) Error(msg string, tags ...tag.Tag)  { l.line("error", msg, tags) }
func (l serverLog) DPanic(msg string, tags ...tag.Tag) { l.line("error", msg, tags) }
func (l serverLog) With(tags ...tag.Tag) log.Logger {
	return serverLog{l.journal, append(l.tags[:len(l.tags):len(l.tags)], tags...)}
}

func (l serverLog) Panic(msg string, tags ...tag.Tag) {
	l.line("panic", msg, tags)
	panic(msg)
}

// Fatal ends the process, as the server expects; the next start clears up after it.
func (l serverLog) Fatal(msg string, tags ...tag.Tag) {
	l.line("fatal", msg, tags)
	os.Exit(1)
}

func (l serverLog) line(level, msg string, tags []tag.Tag) {
	// Without an HTTP port the server has no Nexus endpoints, which nobody here asks for.
	if l.journal.quiet.Load() || strings.HasPrefix(msg, "HTTP API port has not been set") {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "temporal: %s %s: %s", time.Now().Format(time.TimeOnly), level, msg)
	for _, t := range append(l.tags[:len(l.tags):len(l.tags)], tags...) {
		fmt.Fprintf(&b, " %s=%v", t.Key(), t.Value())
	}
	l.journal.Say("%s", b.String())
}
