package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
)

// belay runs the command line in a clean environment and returns what it printed.
func belay(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := root()
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// alone takes away every setting that the machine may have.
func alone(t *testing.T) {
	t.Helper()
	for _, v := range app.Variables() {
		t.Setenv(v.Name, "")
	}
	t.Setenv("BELAY_HOME", t.TempDir())
}

func status(err error) int {
	var quiet outcome
	var code coded
	switch {
	case err == nil:
		return 0
	case errors.As(err, &quiet):
		return int(quiet)
	case errors.As(err, &code):
		return code.status
	}
	return 1
}

func TestAPlanTellsByItsStatus(t *testing.T) {
	alone(t)
	out, err := belay(t, "plan", "--offline", "../../examples/quick")
	require.Equal(t, 1, status(err), "something changes: %v", err)
	require.Contains(t, out, "compared with an empty organisation")
	require.Contains(t, out, "is new")

	spoilt := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(spoilt, "a.yaml"), []byte("kind: service\nname: [\n"), 0o600))
	_, err = belay(t, "plan", "--offline", spoilt)
	require.Equal(t, 2, status(err))
	require.ErrorContains(t, err, "a.yaml:")

	_, err = belay(t, "plan", "--offline", filepath.Join(spoilt, "nowhere"))
	require.Equal(t, 2, status(err))
	require.ErrorContains(t, err, "nowhere is not a directory")

	t.Setenv("BELAY_URL", "http://127.0.0.1:1")
	_, err = belay(t, "plan", "../../examples/quick")
	require.Equal(t, 2, status(err))
	require.ErrorContains(t, err, "reach http://127.0.0.1:1")
	require.ErrorContains(t, err, "--offline")
}

func TestAPlanIsReadByProgramsToo(t *testing.T) {
	alone(t)
	out, err := belay(t, "plan", "--offline", "-o", "json", "../../examples/quick")
	require.Equal(t, 1, status(err))
	var found struct {
		Revision string   `json:"revision"`
		Changes  []string `json:"changes"`
		Holes    []any    `json:"holes"`
	}
	require.NoError(t, json.Unmarshal([]byte(out), &found))
	require.Len(t, found.Revision, 64)
	require.NotEmpty(t, found.Changes)
	require.NotNil(t, found.Holes)
}

// server answers one thing and remembers what it was asked.
type server struct {
	*httptest.Server
	asked  *http.Request
	status int
	body   string
}

func pretend(t *testing.T, status int, body string) *server {
	t.Helper()
	s := &server{status: status, body: body}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked = r.Clone(r.Context())
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(s.status)
		_, _ = w.Write([]byte(s.body))
	}))
	t.Cleanup(s.Close)
	t.Setenv("BELAY_URL", s.URL+"/")
	return s
}

func TestAnAnswerIsOneLine(t *testing.T) {
	alone(t)
	t.Setenv("BELAY_TOKEN", "blt_test")
	s := pretend(t, http.StatusOK, `{"outcome":"done","text":"You have E-42.","state":"acknowledged"}`)
	for _, typed := range []string{"42", "e-42", "E-42"} {
		out, err := belay(t, "ack", typed)
		require.NoError(t, err)
		require.Equal(t, "You have E-42.\n", out)
		require.Equal(t, "/v1/escalations/E-42/acknowledge", s.asked.URL.Path)
		require.Equal(t, "Bearer blt_test", s.asked.Header.Get("Authorization"))
		require.NotEmpty(t, s.asked.Header.Get("Idempotency-Key"))
	}
}

func TestAProblemIsOneLineInTheServersWords(t *testing.T) {
	alone(t)
	pretend(t, http.StatusNotFound, `{"type":"about:blank","title":"Not Found","status":404,"detail":"escalation E-99"}`)
	_, err := belay(t, "show", "99")
	require.EqualError(t, err, "show E-99: escalation E-99 does not exist")

	pretend(t, http.StatusUnauthorized, `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"this token is not known"}`)
	_, err = belay(t, "list")
	require.EqualError(t, err, "list escalations: this token is not known (BELAY_TOKEN or --token-file)")

	pretend(t, http.StatusBadGateway, `<html>nginx</html>`)
	_, err = belay(t, "list")
	require.EqualError(t, err, "list escalations: the server answers 502 Bad Gateway")

	pretend(t, http.StatusOK, `<html>another site</html>`)
	_, err = belay(t, "list")
	require.ErrorContains(t, err, "does not answer like Belay")
}

func TestTheTokenOfThisMachineIsUsedWhenThereIsOne(t *testing.T) {
	alone(t)
	s := pretend(t, http.StatusOK, `{"escalations":[],"cursor":null}`)
	_, err := belay(t, "list")
	require.NoError(t, err)
	require.Empty(t, s.asked.Header.Get("Authorization"))

	require.NoError(t, os.WriteFile(filepath.Join(os.Getenv("BELAY_HOME"), "admin-token"), []byte("blt_home\n"), 0o600))
	_, err = belay(t, "list")
	require.NoError(t, err)
	require.Equal(t, "Bearer blt_home", s.asked.Header.Get("Authorization"))
}

func TestConfigNamesEverySettingAndNoSecret(t *testing.T) {
	alone(t)
	t.Setenv("BELAY_SECRET", "hunter2-hunter2-hunter2-hunter2-hunter2")
	out, err := belay(t, "config")
	require.NoError(t, err)
	for _, v := range app.Variables() {
		require.Contains(t, out, v.Name)
	}
	require.NotContains(t, out, "hunter2")

	t.Setenv("BELAY_HTTP_ADDR", "nonsense")
	_, err = belay(t, "config")
	require.ErrorContains(t, err, "BELAY_HTTP_ADDR")
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	alone(t)
	for _, command := range []string{"serve", "worker"} {
		_, err := belay(t, command)
		require.ErrorContains(t, err, "BELAY_DATABASE_URL", command)
		require.ErrorContains(t, err, "BELAY_SECRET", command)
	}
	_, err := belay(t, "migrate")
	require.ErrorContains(t, err, "BELAY_DATABASE_URL")
	_, err = belay(t, "token", "list")
	require.ErrorContains(t, err, "BELAY_DATABASE_URL")
	_, err = belay(t, "health")
	require.Error(t, err)
}

func TestHealthAsksTheProcessOnThisMachine(t *testing.T) {
	alone(t)
	s := pretend(t, http.StatusOK, `{"status":"ok"}`)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	t.Setenv("BELAY_HTTP_ADDR", "0.0.0.0:"+port)
	_, err := belay(t, "health")
	require.NoError(t, err)
	require.Equal(t, "/readyz", s.asked.URL.Path)

	s.status = http.StatusServiceUnavailable
	_, err = belay(t, "health")
	require.ErrorContains(t, err, "503")
}
