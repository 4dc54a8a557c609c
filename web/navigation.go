package web

import (
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/service"
)

// place is a page that one can go to from every other.
type place struct {
	Path string
	Name string         // in English; the catalogue has the rest
	For  service.Action // who may not do this is not led there
}

// places in the order of the navigation. A place is shown as soon as its path is mounted.
var places = []place{
	{"/", "Now", service.Read},
	{"/oncall", "On call", service.Read},
	{"/people", "People", service.Read},
	{"/services", "Services", service.Read},
	{"/simulate", "Simulate", service.Read},
	{"/try", "Try", service.TryRequest},
	{"/sandbox", "Sandbox", service.Read},
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
