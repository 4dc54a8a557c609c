package app_test

import (
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
)

// A process in a process: however often it is started and stopped, it leaves neither a goroutine nor a socket.
func TestStoppingLeavesNothingBehind(t *testing.T) {
	o := options(t)
	cycle := func() {
		a, stop := run(t, o, app.API, app.Worker)
		<-a.AtWork()
		status, _ := ask(t, http.MethodGet, "http://"+a.Addr()+"/readyz", nil)
		require.Equal(t, http.StatusOK, status)
		stop()
		http.DefaultClient.CloseIdleConnections()
	}
	cycle() // what is made once stays
	goroutines, files := settled(), handles()
	for range 20 {
		cycle()
	}
	require.LessOrEqual(t, settled(), goroutines, "%s", stacks{})
	require.LessOrEqual(t, handles(), files)
}

// settled is the number of goroutines once it no longer falls.
func settled() int {
	least := runtime.NumGoroutine()
	for quiet := 0; quiet < 10; quiet++ {
		time.Sleep(100 * time.Millisecond) // there is nothing to wait for: things end
		if n := runtime.NumGoroutine(); n < least {
			least, quiet = n, 0
		}
	}
	return least
}

// handles is how many files and sockets there are; 0 where nobody can tell.
func handles() int {
	names, _ := os.ReadDir("/proc/self/fd")
	return len(names)
}

// stacks is every goroutine, read when it is needed.
type stacks struct{}

func (stacks) String() string {
	text := make([]byte, 1<<20)
	return strings.ToValidUTF8(string(text[:runtime.Stack(text, true)]), "?")
}
