package app

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestABodyThatNeverEndsIsCutOff(t *testing.T) {
	read := make(chan error, 1)
	server := httptest.NewServer(unhurried(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	}), 100*time.Millisecond))
	defer server.Close()
	line, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer line.Close()
	_, err = fmt.Fprintf(line, "POST /v2/enqueue HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
	require.NoError(t, err)
	select {
	case err := <-read:
		require.Error(t, err)
	case <-time.After(5 * time.Second):
		t.Fatal("the body is still being waited for")
	}
}

// What follows on the same connection, and streams, are not hurried by a body that came before.
func TestAStreamAfterABodyLastsLonger(t *testing.T) {
	const within = 50 * time.Millisecond
	server := httptest.NewServer(unhurried(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodGet {
			select {
			case <-time.After(4 * within):
			case <-r.Context().Done():
				w.WriteHeader(http.StatusTeapot)
			}
		}
	}), within))
	defer server.Close()
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		var body io.Reader
		if method == http.MethodPost {
			body = io.LimitReader(zeros{}, 10)
		}
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL, body)
		require.NoError(t, err)
		response, err := server.Client().Do(request)
		require.NoError(t, err)
		_ = response.Body.Close()
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
