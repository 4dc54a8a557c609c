package web

import (
	"crypto/hmac"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

// signIn is what the page offers, and what went wrong before.
type signIn struct {
	Next     string
	Name     string // of the account that was tried
	Wrong    string
	Accounts bool
	Provider string // empty: none
}

func (s *Site) loginForm(c echo.Context) error {
	return s.offer(c, http.StatusOK, signIn{Next: s.localPath(c.QueryParam("next"))})
}

func (s *Site) offer(c echo.Context, status int, ways signIn) error {
	ways.Accounts = s.Accounts != nil
	if s.Provider != nil {
		ways.Provider = s.frame(c, "").t("single sign-on")
		if s.ProviderName != "" {
			ways.Provider = s.ProviderName
		}
	}
	f := s.frame(c, "")
	f.Title = f.t("Sign in")
	f.Token = s.seal.token(s.visit(c))
	return s.render(c, status, loginPage(f, ways))
}

// login takes a token, or the name and password of an account.
func (s *Site) login(c echo.Context) error {
	if !s.seal.matches(s.visit(c), c.FormValue("form_token")) {
		return errStaleForm()
	}
	ways := signIn{Next: s.localPath(c.FormValue("next")), Name: shorten(c.FormValue("name"), 100)}
	e, err := s.enter(c)
	if slow := s.guessed(c, err); slow != nil {
		return slow
	}
	if fault.Is(err, fault.Unauthenticated) {
		ways.Wrong = s.frame(c, "").t("This token is unknown or revoked. Nothing was changed.")
		if s.byPassword(c) {
			ways.Wrong = s.frame(c, "").t("This name and password do not belong together. Nothing was changed.")
		}
		return s.offer(c, http.StatusUnauthorized, ways)
	}
	if err != nil {
		return err
	}
	return s.letIn(c, e, ways.Next)
}

func (s *Site) byPassword(c echo.Context) bool {
	return s.Accounts != nil && strings.TrimSpace(c.FormValue("token")) == ""
}

func (s *Site) enter(c echo.Context) (service.Entrance, error) {
	if s.byPassword(c) {
		return s.Accounts.Enter(c.Request().Context(), c.FormValue("name"), c.FormValue("password"), c.RealIP())
	}
	caller, err := s.authenticate(c.Request().Context(), strings.TrimSpace(c.FormValue("token")))
	return service.Entrance{Caller: caller}, err
}

// letIn begins a session for somebody who has proven who they are.
func (s *Site) letIn(c echo.Context, e service.Entrance, next string) error {
	if err := s.Access.May(e.Caller, service.Read); err != nil {
		return err
	}
	secret, err := s.Sessions.Begin(c.Request().Context(), e, s.sessionSecret(c))
	if err != nil {
		return err
	}
	s.setCookie(c, s.sessionCookie(), secret, s.Sessions.Lasts())
	return c.Redirect(http.StatusSeeOther, s.Prefix+next)
}

// logout ends the session. The browser forgets it even while the records are away, and hears that they do not.
func (s *Site) logout(c echo.Context) error {
	secret := s.sessionSecret(c)
	if secret == "" {
		return c.Redirect(http.StatusSeeOther, s.Prefix+"/login")
	}
	held, err := s.Sessions.Find(c.Request().Context(), secret)
	if err == nil && !s.seal.matches(held.ID, c.FormValue("form_token")) {
		return errStaleForm()
	}
	s.setCookie(c, s.sessionCookie(), "", -time.Second)
	if err := s.Sessions.End(c.Request().Context(), secret); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, s.Prefix+"/login")
}

const (
	askedCookie = "belay_asked"
	askedLasts  = 10 * time.Minute
)

// asked is what a browser was sent to its provider with. It is sealed into that browser: nobody else can finish it.
type asked struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Next     string    `json:"x"`
	Until    time.Time `json:"u"`
}

func (s *Site) askProvider(c echo.Context) error {
	if s.Provider == nil {
		return fault.New(fault.NotFound, "no provider of identities is set up here")
	}
	a := asked{
		State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text(),
		Next: s.localPath(c.QueryParam("next")), Until: s.Now().Add(askedLasts),
	}
	address, err := s.Provider.Begin(c.Request().Context(), a.State, a.Nonce, a.Verifier)
	if err != nil {
		return err
	}
	sealed, err := s.seal.seal("asked", a)
	if err != nil {
		return err
	}
	s.setCookie(c, askedCookie, sealed, askedLasts)
	return c.Redirect(http.StatusSeeOther, address)
}

// providerAnswers is where the provider sends the browser back to: a GET by its protocol, which its state guards as a form
// token guards a form.
func (s *Site) providerAnswers(c echo.Context) error {
	if s.Provider == nil {
		return fault.New(fault.NotFound, "no provider of identities is set up here")
	}
	var a asked
	cookie, err := c.Cookie(askedCookie)
	if err == nil {
		err = s.seal.open("asked", cookie.Value, &a)
	}
	if err != nil || !s.Now().Before(a.Until) {
		return s.offer(c, http.StatusForbidden, signIn{Next: "/", Wrong: s.frame(c, "").t("This sign-in took too long, or began in another browser. Begin again.")})
	}
	s.setCookie(c, askedCookie, "", -time.Second) // once
	said := c.QueryParams()
	if !hmac.Equal([]byte(said.Get("state")), []byte(a.State)) {
		return s.refuse(c, a.Next, s.frame(c, "").t("This answer does not belong to the sign-in that began here. Begin again."))
	}
	if said.Get("error") != "" {
		return s.refuse(c, a.Next, refusedBy(s.frame(c, ""), said))
	}
	e, err := s.Provider.Finish(c.Request().Context(), said.Get("code"), a.Nonce, a.Verifier)
	if fault.Is(err, fault.Denied) {
		s.Log.WarnContext(c.Request().Context(), "sign-in refused", "error", err)
		return s.refuse(c, a.Next, problemOf(err).Detail)
	}
	if err != nil {
		return err
	}
	return s.letIn(c, e, a.Next)
}

// refuse counts the attempt and says why.
func (s *Site) refuse(c echo.Context, next, why string) error {
	if slow := s.Limits.Stranger(c.RealIP(), s.Now()); slow != nil {
		return slow
	}
	return s.offer(c, http.StatusForbidden, signIn{Next: next, Wrong: why})
}

// refusedBy says in our words what a provider said: its own could be anybody's.
func refusedBy(f frame, said url.Values) string {
	switch said.Get("error") {
	case "access_denied":
		return f.t("Your provider did not let you through. Nothing was changed.")
	case "temporarily_unavailable", "server_error":
		return f.t("Your provider has trouble of its own. Try again, or sign in another way.")
	}
	return f.t("Your provider refused this sign-in. Nothing was changed.")
}

func signInBy(w signIn) string { return "/login/provider?next=" + url.QueryEscape(w.Next) }
