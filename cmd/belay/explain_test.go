package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const disk = `{"alerts":[{"status":"firing","labels":{"alertname":"DiskFull","instance":"db-1","severity":"warning"},"annotations":{"summary":"disk is full"},
	"startsAt":"2026-01-02T03:04:05Z","generatorURL":"https://prometheus.example/g"},
	{"status":"firing","labels":{"alertname":"Down","instance":"db-2","severity":"critical"},"annotations":{"summary":"db-2 is down"},"startsAt":"2026-01-02T03:04:05Z"}]}`

// explained runs belay explain with a body on its standard input.
func explained(t *testing.T, body string, args ...string) (string, error) {
	t.Helper()
	cmd := root()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetIn(bytes.NewReader([]byte(body)))
	cmd.SetArgs(append([]string{"explain"}, args...))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestExplainSaysWhatARequestWouldDo(t *testing.T) {
	said, err := explained(t, disk, "--format", "alertmanager", "--blueprint", "../../examples/acme", "-", "-o", "json")
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(said), &got))
	require.Len(t, got["events"], 2)
	first := got["events"].([]any)[0].(map[string]any)
	require.NotEmpty(t, first["dedup_key"])
	delete(first, "dedup_key")
	require.Equal(t, map[string]any{
		"action": "trigger", "title": "disk is full (db-1)", "severity": "warning", "status": "firing", "source": "db-1", "occurred_at": "2026-01-02T03:04:05Z",
		"links": []any{map[string]any{"href": "https://prometheus.example/g", "text": "Graph"}},
	}, first)
	route := got["route"].(map[string]any)
	require.Equal(t, "P1", route["priority"], "that of the worst alert")
	require.NotEmpty(t, route["service"])
	require.NotEmpty(t, route["rule"])

	file := filepath.Join(t.TempDir(), "body.json")
	require.NoError(t, os.WriteFile(file, []byte(disk), 0o600))
	text, err := explained(t, "", "--format", "alertmanager", file)
	require.NoError(t, err)
	require.Contains(t, text, "disk is full (db-1)")
	require.Contains(t, text, "to example as P1")

	text, err = explained(t, disk, "--format", "alertmanager", "--blueprint", "../../examples/acme", "--integration", "platform-metrics", "-")
	require.NoError(t, err)
	require.Contains(t, text, "as P3, by everything else: escalate\n")
	require.Contains(t, text, "- test systems: ")
	require.Contains(t, text, "✓ everything else: matches everything\n", "rule by rule, in words too")
}

func TestExplainRefusesWithAStatus(t *testing.T) {
	for name, args := range map[string][]string{
		"unknown format":      {"--format", "smoke", "-"},
		"no format":           {"-"},
		"no such file":        {"--format", "grafana", "/nowhere/body.json"},
		"no blueprint":        {"--format", "alertmanager", "--blueprint", "/nowhere", "-"},
		"no integration":      {"--format", "alertmanager", "--integration", "x", "-"},
		"another's body":      {"--format", "sentry", "-"},
		"another's, as JSON":  {"--format", "sentry", "-", "-o", "json"},
		"a header is no pair": {"--format", "alertmanager", "--header", "x", "-"},
	} {
		said, err := explained(t, disk, args...)
		require.Error(t, err, name)
		require.Empty(t, said, name)
	}
}
