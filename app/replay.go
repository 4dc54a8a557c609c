package app

import "github.com/belayhq/belay/workers"

// Replay runs recorded histories (*.json of a directory) on the workflows of this build.
func Replay(dir string) (int, error) { return workers.Replay(dir) }
