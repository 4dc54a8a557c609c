package web

import (
	"strconv"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/service"
)

// frame is what every page knows.
type frame struct {
	Title  string
	Now    time.Time
	Zone   *time.Location // of the reader; nil: unknown, the browser may know
	Caller service.Caller
	Local  bool // this machine in dev mode, not signed in
	Dev    bool
	Token  string // binds forms to this visit
	Answer answer
	Reload int    // seconds, for browsers without script; 0: never
	Held   string // where this page is without reloading
	Here   string // path of this page, for the navigation
	Back   string // this page with its query, without the prefix: where a form that changes the look returns to

	Theme    theme
	Language tongue.Language
	Wall     bool // for a screen on a wall: ?wall=1

	site *Site
	org  *org.Org
}

func (s *Site) frame(c echo.Context, title string) frame {
	v := visitorOf(c)
	f := frame{
		Title: title, Now: s.Now(), Caller: v.caller, Local: v.local, Dev: s.Dev,
		Here: c.Request().URL.Path, Back: s.localPath(c.Request().URL.RequestURI()),
		Theme: s.theme(c), Language: s.language(c, v), Wall: c.QueryParam("wall") == "1",
		site: s, org: s.Organisation.Current().Org,
	}
	if f.org == nil {
		f.org = &org.Org{}
	}
	if v.visit != "" {
		f.Token = s.seal.token(v.visit)
	}
	if !wantsPage(c.Request()) {
		f.Back = "/" // what was posted cannot be asked for again
	}
	if p, ok := f.org.People[v.caller.Person]; ok {
		f.Zone = p.Zone
	}
	return f
}

// living makes a page reload by itself when the browser runs no script, unless the reader held it still.
func (f frame) living(c echo.Context, seconds int) frame {
	if c.QueryParam("hold") == "" {
		q := c.QueryParams()
		q.Set("hold", "1")
		f.Reload, f.Held = seconds, "?"+q.Encode()
	}
	return f
}

// to is a path of this site as the browser must ask for it.
func (f frame) to(path string) string { return f.site.Prefix + path }

func (f frame) link(path string) templ.SafeURL { return templ.SafeURL(f.to(path)) }

func (f frame) asset(name string) string {
	return f.to("/assets/" + name + "?v=" + f.site.assets[name].version)
}

// pulse is how often a live page hears from us, in milliseconds.
func (f frame) pulse() string { return strconv.FormatInt(f.site.Pulse.Milliseconds(), 10) }

func (f frame) may(do service.Action) bool { return f.site.Access.May(f.Caller, do) == nil }

// temporal is the workflow of an escalation in Temporal's own UI.
func (f frame) temporal(e escalation.Summary) string {
	if f.site.TemporalUIURL == "" {
		return ""
	}
	return temporalURL(f.site.TemporalUIURL, f.site.Namespace, e.ID)
}
