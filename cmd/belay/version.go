package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// describe names the build: its version, the commit it was made from, and the compiler.
func describe() string {
	commit := "unknown commit"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return fmt.Sprintf("belay %s (%s, %s)", version, commit, runtime.Version())
}
