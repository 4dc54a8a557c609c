package store_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/belayhq/belay/internal/pgtest"
)

// What a test has started ends with it.
func TestMain(m *testing.M) {
	code := pgtest.Start(m)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
