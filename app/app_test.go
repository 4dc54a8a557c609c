package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/internal/stack/stacktest"
	"github.com/belayhq/belay/store"
)

func TestMain(m *testing.M) { stacktest.Main(m, durable.AttributeTypes()) }

// options of a process on the tests' own servers, at a free port.
func options(t *testing.T) app.Options {
	t.Helper()
	at := stacktest.Get(t)
	o, err := app.FromEnv(func(name string) string {
		return map[string]string{
			"BELAY_DEV": "1", "BELAY_HTTP_ADDR": "127.0.0.1:0", "BELAY_WORKER_ADDR": "127.0.0.1:0", "BELAY_HOME": t.TempDir(),
			"BELAY_DATABASE_URL": at.DatabaseURL, "BELAY_TEMPORAL_ADDR": at.TemporalAddr, "BELAY_LOG_LEVEL": "error",
		}[name]
	})
	require.NoError(t, err)
	o.TemporalPlain = true
	o, err = o.DevSecret()
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context(), o.DatabaseURL))
	return o
}

// run starts a process and stops it at the end of the test, or when stop is called.
func run(t *testing.T, o app.Options, roles ...app.Role) (a *app.App, stop func()) {
	t.Helper()
	a, err := app.Open(t.Context(), o, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), roles...)
	require.NoError(t, err)
	_, _, err = a.ApplyDir(t.Context(), "../examples/quick")
	require.NoError(t, err)
	require.NoError(t, a.AdminToken(t.Context()))
	require.NoError(t, a.Start(t.Context()))
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, a.Stop(ctx))
	}
	t.Cleanup(stop)
	return a, stop
}

func ask(t *testing.T, method, url string, body any, headers ...string) (int, []byte) {
	t.Helper()
	sent, err := json.Marshal(body)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(sent))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, answer
}

func routingKey(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../examples/quick/quick.yaml")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found && name == "key" {
			return strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	t.Fatal("the quick example has no integration key")
	return ""
}

func TestAnAlertTakenWhileTemporalIsAwayIsPagedWhenItIsBack(t *testing.T) {
	o := options(t)
	away := o
	away.TemporalAddr = "127.0.0.1:1"
	front, stop := run(t, away, app.API)
	at := "http://" + front.Addr()

	status, answer := ask(t, http.MethodPost, at+"/v2/enqueue", map[string]any{
		"routing_key": routingKey(t), "event_action": "trigger", "dedup_key": t.Name(),
		"payload": map[string]any{"summary": "disk full", "source": "db-1", "severity": "critical"},
	})
	require.Equal(t, http.StatusAccepted, status, "%s", answer)
	status, answer = ask(t, http.MethodGet, at+"/readyz", nil)
	require.Equal(t, http.StatusOK, status, "the API can do its work: %s", answer)
	require.Contains(t, string(answer), "temporal")
	stop()

	back, _ := run(t, o, app.API, app.Worker)
	require.Eventually(t, func() bool {
		_, messages := ask(t, http.MethodGet, "http://"+back.Addr()+"/sandbox/messages", nil)
		return strings.Contains(string(messages), "disk full")
	}, time.Minute, 100*time.Millisecond)
}

func TestAWorkerAnswersProbesAndMetrics(t *testing.T) {
	a, stop := run(t, options(t), app.Worker)
	at := "http://" + a.Addr()
	<-a.AtWork()
	status, answer := ask(t, http.MethodGet, at+"/readyz", nil)
	require.Equal(t, http.StatusOK, status, "%s", answer)
	status, _ = ask(t, http.MethodGet, at+"/healthz", nil)
	require.Equal(t, http.StatusOK, status)
	status, metrics := ask(t, http.MethodGet, at+"/metrics", nil)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, string(metrics), "temporal_")
	status, _ = ask(t, http.MethodGet, at+"/v1/escalations", nil)
	require.Equal(t, http.StatusNotFound, status, "it is no API")

	stop()
}

func TestTheAdministratorsTokenFollowsTheDatabase(t *testing.T) {
	o := options(t)
	a, _ := run(t, o, app.API)
	kept, err := os.ReadFile(o.TokenFile())
	require.NoError(t, err)
	info, err := os.Stat(o.TokenFile())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	open := func(token string) int {
		status, _ := ask(t, http.MethodGet, "http://"+a.Addr()+"/v1/escalations", nil, "Authorization", "Bearer "+strings.TrimSpace(token))
		return status
	}
	require.Equal(t, http.StatusOK, open(string(kept)))
	require.NoError(t, a.AdminToken(t.Context()))
	same, err := os.ReadFile(o.TokenFile())
	require.NoError(t, err)
	require.Equal(t, kept, same, "a token that works stays")

	require.NoError(t, os.WriteFile(o.TokenFile(), []byte("blt_of_another_database\n"), 0o600))
	require.NoError(t, a.AdminToken(t.Context()))
	fresh, err := os.ReadFile(o.TokenFile())
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, open(string(fresh)))
}

func TestAProcessThatLacksItsSecretsDoesNotStart(t *testing.T) {
	_, err := app.Open(t.Context(), app.Options{}, slog.New(slog.DiscardHandler), app.API)
	require.ErrorContains(t, err, "BELAY_DATABASE_URL")
	require.ErrorContains(t, err, "BELAY_SECRET")
}

func TestAWrongDatabaseURLIsNotWaitedFor(t *testing.T) {
	o := app.Options{DatabaseURL: "postgres://%zz", Secret: make([]byte, 32), TemporalPlain: true}
	_, err := app.Open(t.Context(), o, slog.New(slog.DiscardHandler), app.API)
	require.ErrorContains(t, err, "database URL")
}
