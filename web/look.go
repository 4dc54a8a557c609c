package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/tongue"
)

const (
	themeCookie    = "belay_theme"
	languageCookie = "belay_language"

	lookLasts = 400 * 24 * time.Hour // the longest that browsers keep a cookie
)

// theme is light, dark, or empty: what the device says.
type theme string

const (
	asDevice theme = ""
	light    theme = "light"
	dark     theme = "dark"
)

func (t theme) known() bool { return t == asDevice || t == light || t == dark }

func (s *Site) theme(c echo.Context) theme {
	cookie, err := c.Cookie(themeCookie)
	if err != nil || !theme(cookie.Value).known() {
		return asDevice
	}
	return theme(cookie.Value)
}

// language is what this browser was told to speak, or what the person speaks, or what the browser likes best.
func (s *Site) language(c echo.Context, v visitor) tongue.Language {
	if cookie, err := c.Cookie(languageCookie); err == nil {
		if l, ok := tongue.Known(cookie.Value); ok {
			return l
		}
	}
	if p, ok := s.Organisation.Current().Org.People[v.caller.Person]; ok && p.Language != "" {
		return p.Language
	}
	return tongue.Accepted(c.Request().Header.Get("Accept-Language"))
}

// colorScheme tells the browser for its own parts, before any style is there.
func colorScheme(t theme) string {
	switch t {
	case light:
		return "light"
	case dark:
		return "dark"
	case asDevice:
	}
	return "light dark"
}

// look changes how the pages look in this browser: theme and language. It needs no sign-in and tells nobody.
func (s *Site) look(c echo.Context) error {
	t := theme(c.FormValue("theme"))
	if !t.known() {
		return fault.Field("theme", "%q is none of light, dark, or nothing for what the device says", string(t))
	}
	if said := c.FormValue("language"); said != "" {
		l, ok := tongue.Known(said)
		if !ok {
			return fault.Field("language", "%q is none of en, de", said)
		}
		s.setCookie(c, languageCookie, string(l), lookLasts)
	}
	if t == asDevice {
		s.setCookie(c, themeCookie, "", -time.Second)
	} else {
		s.setCookie(c, themeCookie, string(t), lookLasts)
	}
	return c.Redirect(http.StatusSeeOther, s.Prefix+s.localPath(c.FormValue("next")))
}
