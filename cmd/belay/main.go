// Command belay is the whole product in one binary: the server, the worker, the development stack, and the tools for
// operators and responders.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // a container may have no zones of its own

	"github.com/belayhq/belay/core/blueprint"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	var quiet outcome
	if errors.As(err, &quiet) {
		os.Exit(int(quiet))
	}
	report(err)
	var code coded
	if errors.As(err, &code) {
		os.Exit(code.status)
	}
	os.Exit(1)
}

// report says what was attempted in one line; mistakes of a blueprint have a line each, so that editors find them.
func report(err error) {
	var mistakes blueprint.Errors
	if errors.As(err, &mistakes) {
		for _, mistake := range mistakes {
			fmt.Fprintln(os.Stderr, mistake)
		}
		return
	}
	fmt.Fprintln(os.Stderr, "belay:", err)
}

// outcome ends the process with a status and without a word: what there is to say has been said.
type outcome int

func (o outcome) Error() string { return fmt.Sprintf("exit status %d", int(o)) }

// coded is an error with a status of its own.
type coded struct {
	error
	status int
}

func (c coded) Unwrap() error { return c.error }
