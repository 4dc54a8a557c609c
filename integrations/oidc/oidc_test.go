package oidc_test

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/oidc"
	"github.com/belayhq/belay/integrations/oidc/oidcfake"
)

const redirect = "https://belay.example.com/login/callback"

func house(t *testing.T) (*oidcfake.Provider, *oidc.Provider) {
	t.Helper()
	fake := oidcfake.Start("belay", "s3cret")
	t.Cleanup(fake.Close)
	fake.Redirect = redirect
	fake.Be(map[string]any{"sub": "u-1", "name": "Ana Pérez", "email": "ana@acme.example", "email_verified": true, "groups": []string{"noc", "staff"}})
	return fake, &oidc.Provider{
		Issuer: fake.URL, ClientID: "belay", Secret: "s3cret", Redirect: redirect,
		Scopes: []string{"openid", "email"}, Claim: "email", Groups: "groups", Now: time.Now,
	}
}

// walk goes to the provider and brings back the code.
func walk(t *testing.T, p *oidc.Provider, nonce, verifier string) string {
	t.Helper()
	address, err := p.Begin(t.Context(), "state", nonce, verifier)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusFound, answer.StatusCode)
	back, err := url.Parse(answer.Header.Get("Location"))
	require.NoError(t, err)
	require.Equal(t, "state", back.Query().Get("state"))
	require.Empty(t, back.Query().Get("error"))
	return back.Query().Get("code")
}

func come(t *testing.T, p *oidc.Provider) (oidc.Identity, error) {
	t.Helper()
	nonce, verifier := rand.Text(), rand.Text()+rand.Text()
	return p.Finish(t.Context(), walk(t, p, nonce, verifier), nonce, verifier)
}

func TestTheProviderSaysWhoSomebodyIs(t *testing.T) {
	fake, p := house(t)
	i, err := come(t, p)
	require.NoError(t, err)
	require.Equal(t, oidc.Identity{
		Issuer: fake.URL, Subject: "u-1", Name: "Ana Pérez", Claim: "ana@acme.example", Sure: true, Groups: []string{"noc", "staff"},
	}, i)
}

func TestKeysThatWereRotatedAreFetchedAndOldOnesWorthNothing(t *testing.T) {
	fake, p := house(t)
	for range 3 {
		fake.Rotate()
		_, err := come(t, p)
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, fake.KeysAsked(), 3)
}

func TestATokenThatIsNotForUsIsRefused(t *testing.T) {
	change := func(name string, value any) func(_, claims map[string]any) {
		return func(_, claims map[string]any) { claims[name] = value }
	}
	for name, spoil := range map[string]func(header, claims map[string]any){
		"another nonce":                change("nonce", "guessed"),
		"no nonce":                     func(_, claims map[string]any) { delete(claims, "nonce") },
		"another audience":             change("aud", "wiki"),
		"several audiences, no party":  change("aud", []string{"belay", "wiki"}),
		"another party":                change("azp", "wiki"),
		"another issuer":               change("iss", "https://evil.example"),
		"expired":                      change("exp", time.Now().Add(-time.Minute).Unix()),
		"not yet":                      change("nbf", time.Now().Add(time.Hour).Unix()),
		"unsigned":                     func(header, _ map[string]any) { header["alg"] = "none" },
		"signed by a symmetric secret": func(header, _ map[string]any) { header["alg"] = "HS256" },
		"an unknown key":               func(header, _ map[string]any) { header["kid"] = "k-0" },
	} {
		t.Run(name, func(t *testing.T) {
			fake, p := house(t)
			fake.Spoil(spoil)
			_, err := come(t, p)
			require.Equal(t, fault.Denied, fault.KindOf(err), "%v", err)
			fake.Spoil(nil)
			_, err = come(t, p)
			require.NoError(t, err, "the next one is let in")
		})
	}
	t.Run("forged", func(t *testing.T) {
		fake, p := house(t)
		fake.Forge(true)
		_, err := come(t, p)
		require.Equal(t, fault.Denied, fault.KindOf(err), "%v", err)
	})
}

func TestACodeIsGoodOnceAndForWhoeverAskedForIt(t *testing.T) {
	_, p := house(t)
	nonce, verifier := rand.Text(), rand.Text()+rand.Text()
	code := walk(t, p, nonce, verifier)
	_, err := p.Finish(t.Context(), code, nonce, rand.Text()+rand.Text())
	require.Equal(t, fault.Denied, fault.KindOf(err), "another verifier: %v", err)
	code = walk(t, p, nonce, verifier)
	_, err = p.Finish(t.Context(), code, nonce, verifier)
	require.NoError(t, err)
	_, err = p.Finish(t.Context(), code, nonce, verifier)
	require.Equal(t, fault.Denied, fault.KindOf(err), "again: %v", err)
	require.NotContains(t, err.Error(), code)
}

func TestOnlyAnAddressThatWasVerifiedIsSure(t *testing.T) {
	fake, p := house(t)
	for said, sure := range map[any]bool{true: true, "true": true, false: false, "false": false, nil: false} {
		user := map[string]any{"sub": "u-1", "email": "ana@acme.example", "email_verified": said}
		if said == nil {
			delete(user, "email_verified")
		}
		fake.Be(user)
		i, err := come(t, p)
		require.NoError(t, err)
		require.Equal(t, sure, i.Sure, said)
	}
	p.TrustEmail = true
	fake.Be(map[string]any{"sub": "u-1", "email": "ana@acme.example"})
	i, err := come(t, p)
	require.NoError(t, err)
	require.True(t, i.Sure)
	fake.Be(map[string]any{"sub": "u-1", "email": "ana@acme.example", "email_verified": false})
	i, err = come(t, p)
	require.NoError(t, err)
	require.False(t, i.Sure, "a provider that says no is believed")
}

func TestWhatTheTokenLeavesOutIsAskedForAboutTheSameSubject(t *testing.T) {
	fake, p := house(t)
	fake.Be(map[string]any{"sub": "u-1"})
	fake.Tell(map[string]any{"email": "ana@acme.example", "email_verified": true})
	i, err := come(t, p)
	require.NoError(t, err)
	require.Equal(t, "ana@acme.example", i.Claim)
	require.True(t, i.Sure)
	fake.Tell(map[string]any{"sub": "u-2", "email": "root@acme.example", "email_verified": true})
	_, err = come(t, p)
	require.Equal(t, fault.Denied, fault.KindOf(err))
}

func TestAProviderThatIsAwayIsTriedAgainLater(t *testing.T) {
	fake, p := house(t)
	fake.Close()
	_, err := p.Begin(t.Context(), "s", "n", "v")
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}
