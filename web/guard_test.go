package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

func TestNothingIsReadableWithoutSigningIn(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, production))
	for _, path := range []string{"/", "/events", "/escalations/E-42", "/escalations/E-42/events"} {
		w := b.get(path)
		require.Equal(t, http.StatusSeeOther, w.Code, path)
		require.Equal(t, "/login?next="+url.QueryEscape(path), w.Header().Get("Location"))
		hides(t, w.Body.String(), "Card payments")
	}
	require.Equal(t, http.StatusUnauthorized, b.post("/escalations/E-42/resolve", url.Values{}).Code)
	b.change = func(r *http.Request) { r.Header.Set("Accept", "text/event-stream") }
	require.Equal(t, http.StatusUnauthorized, b.get("/events").Code)
	require.Empty(t, h.Heard())
}

func TestSigningInLastsUntilTheTokenIsRevoked(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, production))
	shows(t, b.signIn("blt_wrong").Body.String(), "This token is unknown or revoked.")
	require.Equal(t, http.StatusSeeOther, b.get("/").Code)

	require.Equal(t, http.StatusSeeOther, b.signIn(webtest.AdminToken).Code)
	cookie := b.cookies[sessionCookie]
	require.NotNil(t, cookie)
	require.True(t, cookie.HttpOnly)
	require.True(t, cookie.Secure)
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	require.NotContains(t, cookie.Value, webtest.AdminToken)
	shows(t, b.page("/"), "Card payments fail")

	genuine := *cookie
	for i := range 5 {
		at := i * (len(genuine.Value) - 1) / 4
		forged := genuine
		forged.Value = genuine.Value[:at] + string(rune('A'+(genuine.Value[at]+1)%26)) + genuine.Value[at+1:]
		if forged.Value == genuine.Value {
			continue
		}
		b.cookies[sessionCookie] = &forged
		require.Equal(t, http.StatusSeeOther, b.get("/").Code, "a changed cookie was believed")
	}
	b.cookies[sessionCookie] = &genuine
	h.Revoke(webtest.AdminToken)
	require.Equal(t, http.StatusSeeOther, b.get("/").Code)
}

func TestASessionEndsByItself(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, production))
	b.signIn(webtest.AdminToken)
	b.page("/")
	for range 16 { // used every ten hours it lasts, and no longer than a week
		h.Pass(10 * time.Hour)
		b.page("/")
	}
	h.Pass(10 * time.Hour)
	require.Equal(t, http.StatusSeeOther, b.get("/").Code)

	b.signIn(webtest.AdminToken)
	h.Pass(12 * time.Hour)
	require.Equal(t, http.StatusSeeOther, b.get("/").Code, "nobody used it for a night")
}

func TestSigningInLeadsNowhereElse(t *testing.T) {
	for _, next := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\r\nX: y"} {
		b := open(t, site(t, webtest.Typical(night), production))
		form := fields(t, b.page("/login"), "/login")
		form.Set("token", webtest.AdminToken)
		form.Set("next", next)
		require.Equal(t, "/", b.post("/login", form).Header().Get("Location"), next)
	}
	b := open(t, site(t, webtest.Typical(night), production))
	form := fields(t, b.page("/login?next=/escalations/E-42"), "/login")
	form.Set("token", webtest.AdminToken)
	require.Equal(t, "/escalations/E-42", b.post("/login", form).Header().Get("Location"))
}

func TestARoleIsOfferedOnlyWhatItMay(t *testing.T) {
	h := webtest.Typical(night)
	pages := site(t, h, production)
	wall := open(t, pages)
	wall.signIn(webtest.ViewerToken)
	hides(t, wall.page("/escalations/E-42"), "<button class=\"big")
	w := wall.post("/escalations/E-42/acknowledge", url.Values{"form_token": {"x"}, "key": {"abcdefgh"}})
	require.Equal(t, http.StatusForbidden, w.Code)
	shows(t, w.Body.String(), "The role viewer may not answer.")

	machine := open(t, pages)
	require.Equal(t, http.StatusForbidden, machine.signIn(webtest.IntegrationToken).Code)
	require.Empty(t, h.Heard())
}

func TestFormsOfOthersAreRefused(t *testing.T) {
	h := webtest.Typical(night)
	pages := site(t, h, nil)
	victim, attacker := open(t, pages), open(t, pages)
	form := fields(t, victim.page("/escalations/E-42"), "/escalations/E-42/resolve")
	theirs := fields(t, attacker.page("/escalations/E-42"), "/escalations/E-42/resolve")

	for name, forged := range map[string]url.Values{
		"no token": {"key": form["key"]}, "empty": {"key": form["key"], "form_token": {""}}, "another's": theirs,
	} {
		w := victim.post("/escalations/E-42/resolve", forged)
		require.Equal(t, http.StatusForbidden, w.Code, name)
		shows(t, w.Body.String(), "Your request was refused and changed nothing.")
	}
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		victim.change = func(r *http.Request) { r.Header.Set(header, value) }
		require.Equal(t, http.StatusForbidden, victim.post("/escalations/E-42/resolve", form).Code, header)
	}
	victim.change = nil
	require.Empty(t, h.Heard())
	require.Equal(t, http.StatusSeeOther, victim.post("/escalations/E-42/resolve", form).Code)
	require.Len(t, h.Heard(), 1)
}

func TestDevModeIsOpenToThisMachineOnly(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, nil))
	shows(t, b.page("/"), "dev mode")
	for name, change := range map[string]func(*http.Request){
		"from elsewhere":         func(r *http.Request) { r.RemoteAddr = "192.0.2.7:40000" },
		"a name bound to us":     func(r *http.Request) { r.Host = "evil.example:8080" },
		"through a proxy":        func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.7") },
		"through another proxy":  func(r *http.Request) { r.Header.Set("Forwarded", "for=192.0.2.7") },
		"an address that is not": func(r *http.Request) { r.RemoteAddr = "nonsense" },
	} {
		b := open(t, site(t, h, nil))
		b.change = change
		for _, path := range []string{"/", "/sandbox", "/escalations/E-42"} {
			require.Equal(t, http.StatusSeeOther, b.get(path).Code, name)
		}
		require.Equal(t, http.StatusUnauthorized, b.json("/sandbox/messages/1/reply", `{"text":"ack"}`).Code, name)
	}
	for _, host := range []string{"localhost:8080", "127.0.0.1", "[::1]:8080"} {
		b.change = func(r *http.Request) { r.Host = host }
		require.Equal(t, http.StatusOK, b.get("/").Code, host)
	}
}

func TestOptionsThatCannotBeSafeAreRefused(t *testing.T) {
	for name, change := range map[string]func(*web.Options){
		"secret":     func(o *web.Options) { o.Secret = []byte("short") },
		"prefix":     func(o *web.Options) { o.Prefix = "belay" },
		"public_url": func(o *web.Options) { o.PublicURL = "belay.example.com" },
	} {
		h := webtest.Empty(night)
		o := web.Options{Secret: secret, Organisation: h, Search: h}
		change(&o)
		_, err := web.Register(newEcho(), o)
		require.ErrorContains(t, err, name)
	}
}

func TestAFormThatIsTooLargeIsRefused(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, nil))
	w := b.json("/sandbox/messages/1/reply", `{"text":"`+strings.Repeat("x", 1<<20)+`"}`)
	require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
	require.Empty(t, h.Heard())
}
