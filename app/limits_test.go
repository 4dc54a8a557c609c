package app

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

// opened is a door on a real socket with limits that a test can wait for.
func opened(t *testing.T, most int, handler http.Handler) (addr string, open *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := server(handler, slog.New(slog.DiscardHandler))
	require.Equal(t, [4]time.Duration{headerWithin, answerWithin, idleWithin, 0},
		[4]time.Duration{s.ReadHeaderTimeout, s.WriteTimeout, s.IdleTimeout, s.ReadTimeout})
	s.Handler = unhurried(handler, 300*time.Millisecond)
	s.ReadHeaderTimeout, s.WriteTimeout, s.IdleTimeout = 300*time.Millisecond, 600*time.Millisecond, 300*time.Millisecond
	open = &atomic.Int64{}
	s.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		case http.StateActive, http.StateIdle:
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(bounded(listener, most)) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return listener.Addr().String(), open
}

// drip sends the text, then a byte now and then until the other side has had enough.
func drip(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	line, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = line.Close() })
	require.NoError(t, line.(*net.TCPConn).SetReadBuffer(4<<10))
	_, err = io.WriteString(line, text)
	require.NoError(t, err)
	go func() {
		for i := 0; i < 1000; i++ {
			time.Sleep(20 * time.Millisecond) // that is what it does
			if _, err := line.Write([]byte("x")); err != nil {
				return
			}
		}
	}()
	return line
}

// Whoever is slow, in the headers, in the body, in reading the answer, or in asking again, gives back what they held.
func TestSlowClientsLeaveNothingBehind(t *testing.T) {
	answer := strings.Repeat("x", 8<<20)
	addr, open := opened(t, 1000, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			return
		}
		_, _ = io.WriteString(w, answer)
	}))
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	for kind, text := range map[string]string{
		"headers":     "GET / HTTP/1.1\r\nHost: x\r\nX-Long: ",
		"nothing":     "",
		"body":        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
		"chunks":      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n{",
		"the answer":  "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"many at one": strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 50),
	} {
		t.Run(kind, func(t *testing.T) {
			for range 20 {
				drip(t, addr, text)
			}
			require.Eventually(t, func() bool { return open.Load() > 0 }, time.Minute, time.Millisecond)
			require.Eventually(t, func() bool { return open.Load() == 0 }, time.Minute, 10*time.Millisecond, "%d are still open", open.Load())
		})
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines+2 }, time.Minute, 20*time.Millisecond)
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(8<<20))
}

// As many as the bound are served; the next waits and is served when one has gone.
func TestACrowdAtTheDoorIsBounded(t *testing.T) {
	addr, open := opened(t, 2, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	var lines []net.Conn
	for range 3 {
		line, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		defer line.Close()
		lines = append(lines, line)
	}
	require.Eventually(t, func() bool { return open.Load() == 2 }, time.Minute, time.Millisecond)
	_, err := io.WriteString(lines[2], "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(lines[2]), nil) // once a silent one has had its time
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.LessOrEqual(t, open.Load(), int64(2))
}

func TestTheDoorLeavesFilesForTheCarriers(t *testing.T) {
	require.Positive(t, openFiles())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	require.NotNil(t, bounded(listener, 0), "one at least")
}

func TestEndlessAddressesAndHeadersAreRefused(t *testing.T) {
	e := echo.New()
	e.Use(short)
	e.GET("/*", func(c echo.Context) error { return c.String(http.StatusOK, c.RealIP()) })
	addr, _ := opened(t, 10, e)
	get := func(path string, headers int, size int) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
		require.NoError(t, err)
		for i := range headers {
			r.Header.Set(fmt.Sprint("X-", i), strings.Repeat("x", size))
		}
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		return answer.StatusCode
	}
	require.Equal(t, http.StatusOK, get("/?"+strings.Repeat("x", 8000), 90, 1))
	require.Equal(t, http.StatusRequestURITooLong, get("/?"+strings.Repeat("x", 9000), 0, 0))
	require.Equal(t, http.StatusRequestURITooLong, get("/"+strings.Repeat("x", 9000), 0, 0))
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, get("/", 120, 1))
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, get("/", 1, 64<<10))
}

// Nobody is believed about who asks, but the proxies that the operator names.
func TestOnlyOurProxiesSayWhoAsks(t *testing.T) {
	for _, c := range []struct {
		proxies, peer, forwarded, want string
	}{
		{"", "127.0.0.1:1", "198.51.100.7", "127.0.0.1"},
		{"", "10.0.0.1:1", "198.51.100.7", "10.0.0.1"},
		{"10.1.0.0/16", "10.1.2.3:1", "198.51.100.7", "198.51.100.7"},
		{"10.1.0.0/16", "10.1.2.3:1", "203.0.113.9, 198.51.100.7", "198.51.100.7"},
		{"10.1.0.0/16", "10.1.2.3:1", "198.51.100.7, 10.1.9.9", "198.51.100.7"},
		{"10.1.0.0/16", "10.1.2.3:1", "", "10.1.2.3"},
		{"10.1.0.0/16", "10.1.2.3:1", "nonsense", "10.1.2.3"},
		{"10.1.0.0/16", "127.0.0.1:1", "198.51.100.7", "127.0.0.1"},
		{"10.1.0.0/16", "192.168.1.1:1", "198.51.100.7", "192.168.1.1"},
		{"2001:db8::/32", "[2001:db8::1]:1", "2001:db9::5", "2001:db9::5"},
	} {
		var proxies []netip.Prefix
		if c.proxies != "" {
			proxies = append(proxies, netip.MustParsePrefix(c.proxies))
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		require.NoError(t, err)
		r.RemoteAddr = c.peer
		r.Header.Set("X-Forwarded-For", c.forwarded)
		r.Header.Set("X-Real-Ip", "198.51.100.99")
		require.Equal(t, c.want, origin(proxies)(r), "%+v", c)
	}
}
