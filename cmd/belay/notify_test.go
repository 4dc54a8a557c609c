package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

// notified runs the command, and answers what it printed.
func notified(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := root()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{"notify"}, args...))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestNagiosSaysByItsEnvironmentWhatTheServerUnderstands(t *testing.T) {
	var body []byte
	var path string
	var times atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if times.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable) // as while a server starts
			return
		}
		path = r.URL.Path
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("s3cret-key\n"), 0o600))
	t.Setenv("BELAY_URL", server.URL)
	t.Setenv("BELAY_KEY_FILE", file)
	t.Setenv("NAGIOS_HOSTNAME", "db-1")
	t.Setenv("ICINGA_SERVICEDESC", "Disk")
	t.Setenv("NAGIOS_SERVICESTATE", "CRITICAL")

	out, err := notified(t, "--type", "PROBLEM", "--output", "91 % full", "--comment", "$NOTIFICATIONCOMMENT$")
	require.NoError(t, err)
	require.Empty(t, out)
	require.EqualValues(t, 2, times.Load())
	require.Equal(t, "/in/nagios/s3cret-key", path)
	d, err := app.Dialect("nagios")
	require.NoError(t, err)
	heard, err := service.Understand(org.Terms{}, d, org.Integration{}, alert.Post{Body: body})
	require.NoError(t, err)
	require.Equal(t, "db-1/Disk is CRITICAL: 91 % full", heard[0].Title)
	require.Equal(t, alert.Critical, heard[0].Severity)
	require.NotContains(t, heard[0].Details, "comment")
}

func TestANotificationThatIsNotTakenSaysWhyButNotTheKey(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"no integration has this key": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"detail":"no integration has this key"}`)
		},
		"not taken within": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"302":              func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	}
	for words, handle := range answers {
		server := httptest.NewServer(handle)
		out, err := notified(t, "--server", server.URL, "--key", "s3cret-key", "--host", "db-1", "--host-state", "DOWN", "--within", "1s")
		require.ErrorContains(t, err, words)
		require.NotContains(t, out+err.Error(), "s3cret-key")
		server.Close()
	}
	_, err := notified(t, "--server", "http://127.0.0.1:1", "--key", "s3cret-key", "--host", "db-1", "--host-state", "DOWN", "--within", "1s")
	require.ErrorContains(t, err, "reach the server")
	require.NotContains(t, err.Error(), "s3cret-key")
	for _, args := range [][]string{
		{"--key", "k", "--host", "h", "--type", "PROBLEM"},
		{"--server", "http://x.example", "--host", "h", "--type", "PROBLEM"},
		{"--server", "http://x.example", "--key", "k", "--type", "PROBLEM"},
		{"--server", "http://x.example", "--key", "k", "--host", "h"},
	} {
		_, err := notified(t, args...)
		require.Error(t, err, args)
	}
}
