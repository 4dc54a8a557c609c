package api

import (
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

// promway is Alertmanager's API below a prefix that holds the key.
const promway = "/alertmanager/:key/api/v2/alerts"

// prometheus mounts Alertmanager's API v2 where Prometheus looks for it: at its own path, with the key of an integration as the
// bearer token or the password of basic authentication; or below a prefix that holds the key (path_prefix).
func (g *gate) prometheus(e *echo.Echo, d alert.Dialect) {
	handle := func(c echo.Context) error {
		key := c.Param("key")
		if key == "" {
			key = credential(c)
		}
		if key == "" {
			return g.answered(c, d, service.Taken{}, fault.New(fault.Unauthenticated, "no key of an integration was sent"))
		}
		taken, err := g.deliver(c, d, key)
		return g.answered(c, d, taken, err)
	}
	e.POST("/api/v2/alerts", handle, g.watched)
	e.POST(promway, handle, g.watched)
}

// credential is the bearer token of a request, or the password of its basic authentication.
func credential(c echo.Context) string {
	r := c.Request()
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
