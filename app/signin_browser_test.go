package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/integrations/oidc/oidcfake"
	"github.com/belayhq/belay/internal/chromium"
	"github.com/belayhq/belay/service"
)

// A real browser between two sites, with its own mind about cookies and redirects: whoever the provider vouches for lands
// where they wanted to go, may what their group may and no more, and is out after signing out.
func TestABrowserSignsInByItsProvider(t *testing.T) {
	provider := oidcfake.Start("belay", "s3cret")
	defer provider.Close()
	provider.URL = strings.Replace(provider.URL, "127.0.0.1", "localhost", 1) // another site
	mira := map[string]any{"sub": "u-7", "name": "Mira", "email": "mira@elsewhere.example", "email_verified": true, "groups": []string{"staff"}}
	o := options(t)
	o.Dev = false
	o.SignIn = app.SignIn{
		Issuer: provider.URL, ClientID: "belay", ClientSecret: "s3cret", Label: "Acme login", Scopes: []string{"openid", "email"}, Claim: "email",
		Groups: "groups", Roles: map[string]service.Role{"staff": service.Viewer, "responders": service.Responder}, Idle: time.Hour, Max: time.Hour,
	}
	a, _ := run(t, o, app.API)
	at := "http://" + a.Addr()
	t.Cleanup(chromium.Close)
	tab := chromium.Open(t).Tab(t, chromium.Phone)
	enter := func() {
		tab.Go(at + "/oncall/schedules/primary")
		tab.Shows("Sign in with Acme login")
		tab.Press(`a[href*="/login/provider"]`)
	}

	provider.Be(nil) // who is not known there
	enter()
	tab.Shows("Your provider did not let you through. Nothing was changed.")

	provider.Be(mira)
	enter()
	tab.Await("location.pathname === '/oncall/schedules/primary'")
	require.False(t, chromium.Ask[bool](tab, "!!document.querySelector('a[href*=\"/override\"]')"), "a viewer is offered no override")
	force := func(path string) int {
		return chromium.Ask[int](tab, `fetch("`+path+`", {method: "POST", headers: {Accept: "text/html"},
			body: new URLSearchParams({form_token: document.querySelector("[name=form_token]").value, key: "abcdefgh", step: "save"})}).then((r) => r.status)`)
	}
	require.Equal(t, http.StatusForbidden, force("/oncall/schedules/primary/override"))
	require.Equal(t, http.StatusForbidden, force("/escalations/E-1/resolve"))
	require.Empty(t, chromium.Ask[string](tab, "document.cookie"), "no script reads a session")

	leave := func() {
		tab.Press(".menu summary")
		tab.Press(`form[action$="/logout"] button`)
		tab.Await("location.pathname === '/login'")
		tab.Go(at + "/oncall")
		tab.Await("location.pathname === '/login'")
	}
	leave()

	mira["groups"] = []string{"responders"}
	provider.Be(mira)
	enter()
	tab.Await(`document.querySelector('a[href*="/override"]')`)
	leave()
}
