package web

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

// contentPolicy lets pages use what comes from this site and nothing else; nothing inline.
const contentPolicy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// largestForm bounds what a form may send; a note is 4,000 runes at most.
const largestForm = 64 << 10

// harden sets the headers that every answer carries.
func (s *Site) harden(next echo.HandlerFunc) echo.HandlerFunc { return s.hardenFor(largestForm)(next) }

// hardenFor lets forms be so large.
func (s *Site) hardenFor(largest int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc { return s.hardened(largest, next) }
}

func (s *Site) hardened(largest int64, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		// same-origin: a signed link must not leak to other sites, and "no-referrer" would blank the Origin of forms.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Set("Cache-Control", "no-store")
		r := c.Request()
		r.Body = http.MaxBytesReader(c.Response(), r.Body, largest)
		return next(c)
	}
}

// sameSite refuses what another site makes a browser send.
func (s *Site) sameSite(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.cross.Check(c.Request()); err != nil {
			return fault.Wrap(fault.Denied, err, "another site sent this request")
		}
		return next(c)
	}
}

// admit lets those in who may do this. Nothing is readable without it.
func (s *Site) admit(do service.Action) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			v, err := s.identify(c)
			if slow := s.guessed(c, err); slow != nil {
				return slow
			}
			if fault.Is(err, fault.Unauthenticated) && wantsPage(c.Request()) {
				where := "/login?next=" + url.QueryEscape(s.localPath(c.Request().URL.RequestURI()))
				return c.Redirect(http.StatusSeeOther, s.Prefix+where)
			}
			if err != nil {
				return err
			}
			if slow := s.Limits.Caller(v.caller, s.Now()); slow != nil {
				return slow
			}
			c.Set(visitorKey, v)
			if err := s.Access.May(v.caller, do); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// guessed slows down by address whoever tries tokens and links that are wrong. Having none is no attempt.
func (s *Site) guessed(c echo.Context, err error) error {
	if fault.Is(err, fault.Unauthenticated) && !errors.Is(err, errNobody) || fault.Is(err, fault.Denied) {
		return s.Limits.Stranger(c.RealIP(), s.Now())
	}
	return nil
}

// checkForm refuses a form that was not made for this visit. A bearer token in a header is proof enough: no other
// site can set it.
func (s *Site) checkForm(c echo.Context) error {
	v := visitorOf(c)
	if v.visit == "" && c.Request().Header.Get(echo.HeaderAuthorization) != "" {
		return nil
	}
	if !s.seal.matches(v.visit, c.FormValue("form_token")) {
		return errStaleForm()
	}
	return nil
}

// onThisMachine reports whether a request comes from the machine Belay runs on, and was meant for it: a page of
// another site whose name resolves to 127.0.0.1 has a foreign Host, and what a proxy forwards comes from elsewhere.
func (s *Site) onThisMachine(r *http.Request) bool {
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// wantsPage: a browser that asks for a page, not for data or a stream.
func wantsPage(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && !wantsData(r)
}

// wantsData: the caller is a program.
func wantsData(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	if strings.Contains(accept, "text/html") || r.Header.Get("HX-Request") != "" {
		return false
	}
	return strings.Contains(r.URL.Path, "/sandbox/messages") ||
		strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") ||
		strings.Contains(accept, "json") || strings.Contains(accept, "text/event-stream")
}
