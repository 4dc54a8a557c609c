package stack

import (
	"context"
	"errors"
	"time"
)

// hold waits for a lock file, which the kernel frees however its holder dies.
func hold(ctx context.Context, path string) (release func(), err error) {
	for {
		release, err := lock(path)
		if !errors.Is(err, errBusy) {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
