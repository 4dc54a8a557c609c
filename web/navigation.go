package web

import (
	"strings"

	"github.com/labstack/echo/v4"
)

// place is a page that one can go to from every other.
type place struct {
	Path string
	Name string // in English; the catalogue has the rest
}

// places in the order of the navigation. A place is shown as soon as its path is mounted.
var places = []place{
	{"/", "Now"},
	{"/oncall", "On call"},
	{"/people", "People"},
	{"/services", "Services"},
	{"/simulate", "Simulate"},
	{"/sandbox", "Sandbox"},
}

// mounted are the places that this site has.
func mounted(e *echo.Echo, prefix string) []place {
	there := map[string]bool{}
	for _, r := range e.Routes() {
		there[r.Method+" "+r.Path] = true
	}
	var all []place
	for _, p := range places {
		if there["GET "+prefix+p.Path] {
			all = append(all, p)
		}
	}
	return all
}

// current says for aria-current whether a place is where the reader is: on its page, or on one below it. The start
// page has the escalations below it.
func (f frame) current(p place) string {
	here := strings.TrimPrefix(f.Here, f.site.Prefix)
	switch {
	case here == p.Path || here == "" && p.Path == "/":
		return "page"
	case p.Path == "/" && strings.HasPrefix(here, "/escalations/"), p.Path != "/" && strings.HasPrefix(here, p.Path+"/"):
		return "true"
	}
	return "false"
}
