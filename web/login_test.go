package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

const sessionCookie = "__Host-belay_session"

// doors is a house in production with accounts for its roles.
func doors(t *testing.T, change func(*web.Options)) (*webtest.House, *webtest.Doors, http.Handler) {
	t.Helper()
	h := webtest.Typical(night)
	d := webtest.NewDoors(h)
	accounts := d.Accounts()
	admin := service.Caller{Name: "operator", Role: service.Admin}
	for _, role := range []service.Role{service.Admin, service.Responder, service.Viewer} {
		_, err := accounts.Create(t.Context(), admin, string(role), role, "", "correct horse "+string(role))
		require.NoError(t, err)
	}
	return h, d, site(t, h, func(o *web.Options) {
		production(o)
		o.Sessions, o.Accounts = d.Sessions(), accounts
		if change != nil {
			change(o)
		}
	})
}

func (b *browser) signInAs(name, password string) int {
	b.t.Helper()
	form := fields(b.t, b.page("/login"), "/login")
	form.Set("name", name)
	form.Set("password", password)
	return b.post("/login", form).Code
}

func TestAnAccountLetsInByItsPassword(t *testing.T) {
	_, d, pages := doors(t, nil)
	b := open(t, pages)
	require.Equal(t, http.StatusUnauthorized, b.signInAs("admin", "wrong horse"))
	require.Equal(t, http.StatusSeeOther, b.signInAs(" Admin ", "correct horse admin"))
	shows(t, b.page("/"), "Card payments fail")
	require.Contains(t, d.Deeds(), "session.begin")

	admin := service.Caller{Name: "operator", Role: service.Admin}
	require.NoError(t, d.Accounts().Disable(t.Context(), admin, "admin"))
	require.Equal(t, http.StatusSeeOther, b.get("/").Code, "a disabled account is out at once")
	require.Equal(t, http.StatusUnauthorized, b.signInAs("admin", "correct horse admin"))
}

// Which names there are cannot be heard: not from words, status, nor from who is slowed down.
func TestWrongNamesAndWrongPasswordsSoundTheSame(t *testing.T) {
	_, _, pages := doors(t, nil)
	heard := map[string][]string{}
	for _, name := range []string{"admin", "nobody"} {
		b := open(t, pages)
		for range 12 {
			form := fields(t, b.page("/login"), "/login")
			form.Set("name", name)
			form.Set("password", "guess")
			w := b.post("/login", form)
			body := strings.ReplaceAll(w.Body.String(), name, "NAME")
			body = strings.ReplaceAll(body, form.Get("form_token"), "FORM")
			heard[name] = append(heard[name], http.StatusText(w.Code)+w.Header().Get("Retry-After")+body)
		}
	}
	require.Equal(t, heard["nobody"], heard["admin"])
	require.True(t, strings.HasPrefix(heard["admin"][11], http.StatusText(http.StatusTooManyRequests)))
}

func TestARightPasswordDoesNotHelpWhoeverGuessedTooOften(t *testing.T) {
	h, _, pages := doors(t, nil)
	b := open(t, pages)
	for range 10 {
		b.signInAs("admin", "guess")
	}
	require.Equal(t, http.StatusTooManyRequests, b.signInAs("admin", "correct horse admin"), "or each guess would be heard")
	require.Equal(t, http.StatusSeeOther, b.signInAs("viewer", "correct horse viewer"), "others are let in")
	h.Pass(10 * time.Second)
	require.Equal(t, http.StatusSeeOther, open(t, pages).signInAs("admin", "correct horse admin"))
}

func TestASignInMakesAFreshSessionAndSignOutEndsIt(t *testing.T) {
	_, _, pages := doors(t, nil)
	b := open(t, pages)
	planted := &http.Cookie{Name: sessionCookie, Value: strings.Repeat("A", 52)}
	b.cookies[sessionCookie] = planted
	require.Equal(t, http.StatusSeeOther, b.signInAs("responder", "correct horse responder"))
	first := b.cookies[sessionCookie]
	require.NotEqual(t, planted.Value, first.Value)

	require.Equal(t, http.StatusSeeOther, b.signInAs("responder", "correct horse responder"))
	second := b.cookies[sessionCookie]
	require.NotEqual(t, first.Value, second.Value)
	b.cookies[sessionCookie] = first
	require.Equal(t, http.StatusSeeOther, b.get("/").Code, "the session before is over")

	b.cookies[sessionCookie] = second
	require.Equal(t, http.StatusForbidden, b.post("/logout", url.Values{"form_token": {"x"}}).Code, "nobody else signs us out")
	b.page("/")
	require.Equal(t, http.StatusSeeOther, b.post("/logout", fields(t, b.page("/"), "/logout")).Code)
	b.cookies[sessionCookie] = second
	require.Equal(t, http.StatusSeeOther, b.get("/").Code, "a kept cookie opens nothing after signing out")
}

func TestWhoIsSignedInStaysSoWhileTheRecordsAreAway(t *testing.T) {
	h, _, pages := doors(t, nil)
	b := open(t, pages)
	b.signInAs("responder", "correct horse responder")
	b.page("/escalations/E-42")
	h.Records = fault.New(fault.Unavailable, "our records are away")
	form := url.Values{"form_token": {"x"}}
	require.Equal(t, http.StatusForbidden, b.post("/escalations/E-42/acknowledge", form).Code, "known, and the form is looked at")
	h.Pass(61 * time.Minute)
	require.Equal(t, http.StatusServiceUnavailable, b.post("/escalations/E-42/acknowledge", form).Code)
}

// vouch is a provider that vouches for whoever comes with its code.
type vouch struct {
	asked    []string // state, nonce, verifier
	entrance service.Entrance
	err      error
	finished int
}

func (v *vouch) Begin(_ context.Context, state, nonce, verifier string) (string, error) {
	v.asked = []string{state, nonce, verifier}
	return "https://login.example.com/authorize?state=" + state, nil
}

func (v *vouch) Finish(_ context.Context, code, nonce, verifier string) (service.Entrance, error) {
	v.finished++
	if v.err != nil || code != "good" || nonce != v.asked[1] || verifier != v.asked[2] {
		return service.Entrance{}, fault.New(fault.Denied, "mira@elsewhere.example has no role here: ask whoever runs Belay")
	}
	return v.entrance, nil
}

func TestAProviderLetsInWhomItVouchesFor(t *testing.T) {
	v := &vouch{entrance: service.Entrance{Subject: "https://login.example.com u-1", Caller: service.Caller{Name: "Ben", Role: service.Responder, Person: "ben"}}}
	_, d, pages := doors(t, func(o *web.Options) { o.Provider, o.ProviderName = v, "Acme login" })
	b := open(t, pages)
	shows(t, b.page("/login?next=/escalations/E-42"), "Sign in with Acme login", "/login/provider?next=%2Fescalations%2FE-42")
	w := b.get("/login/provider?next=/escalations/E-42")
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.True(t, strings.HasPrefix(w.Header().Get("Location"), "https://login.example.com/authorize?state="))

	stranger := open(t, pages)
	require.Equal(t, http.StatusForbidden, stranger.get("/login/callback?code=good&state="+v.asked[0]).Code, "another browser")
	require.Zero(t, v.finished)

	require.Equal(t, "/escalations/E-42", b.get("/login/callback?code=good&state="+v.asked[0]).Header().Get("Location"))
	shows(t, b.page("/escalations/E-42"), "Acknowledge")
	require.Contains(t, d.Deeds(), "session.begin")
	require.Equal(t, http.StatusForbidden, b.get("/login/callback?code=good&state="+v.asked[0]).Code, "once")
}

func TestAProvidersAnswerMustBelongToThisSignIn(t *testing.T) {
	v := &vouch{}
	h, _, pages := doors(t, func(o *web.Options) { o.Provider = v })
	for name, query := range map[string]string{"another state": "code=good&state=x", "no state": "code=good", "refused": "error=access_denied&state=STATE"} {
		b := open(t, pages)
		b.get("/login/provider")
		w := b.get("/login/callback?" + strings.ReplaceAll(query, "STATE", v.asked[0]))
		require.Equal(t, http.StatusForbidden, w.Code, name)
		require.Equal(t, http.StatusSeeOther, b.get("/").Code)
	}
	require.Zero(t, v.finished)
	b := open(t, pages)
	b.get("/login/provider?next=//evil.example")
	v.err = fault.New(fault.Denied, "no")
	w := b.get("/login/callback?code=good&state=" + v.asked[0])
	shows(t, w.Body.String(), "has no role here")
	hides(t, w.Body.String(), "evil.example")

	b.get("/login/provider")
	h.Pass(11 * time.Minute)
	require.Equal(t, http.StatusForbidden, b.get("/login/callback?code=good&state="+v.asked[0]).Code, "too late")
}

// Every verb, by every role: offered to those who may, refused to the others however they ask.
func TestEveryVerbIsRefusedToThoseWhoMayNot(t *testing.T) {
	verbs := []string{"acknowledge", "resolve", "escalate", "reassign", "snooze", "note", "prioritise", "reopen"}
	for role, may := range map[service.Role]bool{service.Admin: true, service.Responder: true, service.Viewer: false} {
		h, _, pages := doors(t, nil)
		b := open(t, pages)
		require.Equal(t, http.StatusSeeOther, b.signInAs(string(role), "correct horse "+string(role)))
		page := b.page("/escalations/E-42")
		token := fields(t, b.page("/"), "/logout").Get("form_token")
		for _, verb := range verbs {
			w := b.post("/escalations/E-42/"+verb, url.Values{"form_token": {token}, "key": {"abcdefgh-" + verb}, "note": {"x"}, "priority": {"P2"}, "for": {"1h"}, "to": {"person:ben"}})
			if may {
				require.NotEqual(t, http.StatusForbidden, w.Code, "%s %s: %s", role, verb, w.Body.String())
				continue
			}
			require.Equal(t, http.StatusForbidden, w.Code, "%s %s", role, verb)
			hides(t, page, "/escalations/E-42/"+verb)
			require.Empty(t, h.Heard())
		}
	}
}
