package app_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/integrations/oidc/oidcfake"
	"github.com/belayhq/belay/service"
)

// A whole process, a provider that signs real tokens, and a browser that follows where it is sent.
func TestSomebodySignsInByTheirProviderAndMayWhatTheirGroupMay(t *testing.T) {
	provider := oidcfake.Start("belay", "s3cret")
	defer provider.Close()
	provider.Be(map[string]any{"sub": "u-7", "name": "Mira", "email": "mira@elsewhere.example", "email_verified": true, "groups": []string{"staff"}})
	o := options(t)
	o.Dev = false
	o.SignIn = app.SignIn{
		Issuer: provider.URL, ClientID: "belay", ClientSecret: "s3cret", Scopes: []string{"openid", "email"}, Claim: "email", Groups: "groups",
		Roles: map[string]service.Role{"staff": service.Viewer}, Idle: time.Hour, Max: time.Hour,
	}
	a, _ := run(t, o, app.API)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, Timeout: time.Minute}
	ask := func(method, path string, form url.Values) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+a.Addr()+path, strings.NewReader(form.Encode()))
		require.NoError(t, err)
		r.Header.Set("Accept", "text/html")
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		answer, err := browser.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer, string(body)
	}
	answer, _ := ask(http.MethodGet, "/login/provider?next=/oncall", nil)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "/oncall", answer.Request.URL.Path, "back where it began, signed in")
	answer, body := ask(http.MethodPost, "/escalations/E-1/resolve", url.Values{"form_token": {"x"}})
	require.Equal(t, http.StatusForbidden, answer.StatusCode, "a viewer ends nothing")
	require.Contains(t, body, "may not answer")

	provider.Spoil(func(_, claims map[string]any) { claims["nonce"] = "another" })
	jar, err = cookiejar.New(nil)
	require.NoError(t, err)
	browser.Jar = jar
	answer, _ = ask(http.MethodGet, "/login/provider?next=/oncall", nil)
	require.Equal(t, http.StatusForbidden, answer.StatusCode, "a token for another sign-in opens nothing")
	answer, _ = ask(http.MethodGet, "/oncall", nil)
	require.Equal(t, "/login", answer.Request.URL.Path)
}
