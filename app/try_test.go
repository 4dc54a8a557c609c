package app_test

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
)

// A request that is tried is read in every format of the door, and nothing of it is written anywhere.
func TestATrialLeavesNoTrace(t *testing.T) {
	o := options(t)
	o.Dev = false
	a, _ := run(t, o, app.API)
	kept, err := os.ReadFile(o.TokenFile())
	require.NoError(t, err)
	db, err := pgx.Connect(t.Context(), o.DatabaseURL)
	require.NoError(t, err)
	defer db.Close(t.Context())
	before := rows(t, db)
	for _, format := range []string{"alertmanager", "zabbix"} {
		form := url.Values{"format": {format}, "body": {plainly(language[format].broke)}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Addr()+"/try", strings.NewReader(form.Encode()))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(kept)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		page, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, answer.StatusCode, format)
		require.Contains(t, string(page), `id="tried"`, format)
		require.Contains(t, string(page), "disk is full", format)
	}
	require.Equal(t, before, rows(t, db))
}
