package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

const (
	sessionCookie = "belay_session"
	visitCookie   = "belay_visit"
	answerCookie  = "belay_answer"

	answerLasts = time.Minute
)

// visitor is who looks, and the visit that their forms are bound to.
type visitor struct {
	caller service.Caller
	visit  string
	local  bool // admitted without signing in, because this is dev mode on the own machine
}

const visitorKey = "belay.visitor"

func visitorOf(c echo.Context) visitor {
	v, _ := c.Get(visitorKey).(visitor)
	return v
}

// identify finds out who asks: a session, a bearer token, or, in dev mode, whoever sits at this machine. A session that
// is over is worth as much as none to whoever has something better.
func (s *Site) identify(c echo.Context) (visitor, error) {
	ctx := c.Request().Context()
	nobody := errNobody
	if secret := s.sessionSecret(c); secret != "" {
		held, err := s.Sessions.Find(ctx, secret)
		if err == nil {
			return visitor{caller: held.Caller, visit: held.ID}, nil
		}
		if !fault.Is(err, fault.Unauthenticated) {
			return visitor{}, err
		}
		nobody = err
	}
	if bearer, ok := strings.CutPrefix(c.Request().Header.Get(echo.HeaderAuthorization), "Bearer "); ok {
		caller, err := s.authenticate(ctx, bearer)
		return visitor{caller: caller}, err
	}
	if s.Dev && s.onThisMachine(c.Request()) {
		operator := service.Caller{Name: "the operator", Role: service.Admin, Via: "web"}
		return visitor{caller: operator, visit: s.visit(c), local: true}, nil
	}
	return visitor{}, nobody
}

// errNobody: no token, no session.
var errNobody error = &fault.Error{Kind: fault.Unauthenticated, Message: "sign in first"}

func (s *Site) authenticate(ctx context.Context, bearer string) (service.Caller, error) {
	caller, err := s.Authenticator.Bearer(ctx, bearer)
	if err != nil {
		return service.Caller{}, err
	}
	caller.Via = "web"
	return caller, nil
}

// sessionSecret is what the browser brings; empty: nothing.
func (s *Site) sessionSecret(c echo.Context) string {
	cookie, err := c.Cookie(s.sessionCookie())
	if err != nil || len(cookie.Value) > 200 {
		return ""
	}
	return cookie.Value
}

// sessionCookie has a name that no neighbour below the same domain can set, where that is possible.
func (s *Site) sessionCookie() string {
	if s.secure && s.Prefix == "" {
		return "__Host-" + sessionCookie
	}
	return sessionCookie
}

// visit is what forms are bound to when nobody has signed in.
func (s *Site) visit(c echo.Context) string {
	if cookie, err := c.Cookie(visitCookie); err == nil && len(cookie.Value) >= 26 && len(cookie.Value) <= 64 {
		return cookie.Value
	}
	fresh := rand.Text()
	s.setCookie(c, visitCookie, fresh, 0)
	return fresh
}

// setCookie sets a cookie for the whole site; zero lasts until the browser closes, below zero removes it.
func (s *Site) setCookie(c echo.Context, name, value string, lasts time.Duration) {
	c.SetCookie(&http.Cookie{
		Name: name, Value: value, Path: s.Prefix + "/", HttpOnly: true, Secure: s.secure,
		SameSite: http.SameSiteLaxMode, MaxAge: int(lasts / time.Second),
	})
}

// leaveAnswer keeps the answer to a form for the page that the browser is sent to next.
func (s *Site) leaveAnswer(c echo.Context, a answer) error {
	a.Until = s.Now().Add(answerLasts)
	sealed, err := s.seal.seal("answer", a)
	if err != nil {
		return err
	}
	s.setCookie(c, answerCookie, sealed, answerLasts)
	return nil
}

// answer is what a form was told.
type answer struct {
	Text  string    `json:"x"`
	Bad   bool      `json:"b,omitempty"`
	Until time.Time `json:"u"`
}

func (s *Site) takeAnswer(c echo.Context) answer {
	cookie, err := c.Cookie(answerCookie)
	if err != nil {
		return answer{}
	}
	s.setCookie(c, answerCookie, "", -time.Second)
	var a answer
	if err := s.seal.open("answer", cookie.Value, &a); err != nil || s.Now().After(a.Until) {
		return answer{}
	}
	return a
}

// localPath keeps a redirect on this site: anything else becomes the start page.
func (s *Site) localPath(next string) string {
	next = strings.TrimPrefix(next, s.Prefix)
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

func errStaleForm() error {
	return fault.New(fault.Denied, "this form is too old or was not made for you; load the page again and repeat")
}
