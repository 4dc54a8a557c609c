package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/id"
)

// pulseway is where signs of life come in. The key is in the path, as at the doorway.
const pulseway = "/in/heartbeat/:key/:name"

// beats is POST /in/heartbeat/{key}/{name}: 202 means that the sign of life is on record. Its body means nothing.
func (g *gate) beats(c echo.Context) error {
	if err := g.Limits.Event(c.Param("key"), g.Now()); err != nil {
		return err
	}
	if err := g.Heart.BeatByKey(c.Request().Context(), c.Param("key"), headed(c), id.Heartbeat(c.Param("name"))); err != nil {
		return g.unguessed(c, err)
	}
	return c.JSON(http.StatusAccepted, map[string]string{"heartbeat": c.Param("name"), "request_id": requestID(c)})
}

// disarms is DELETE of the same: nobody waits for it until it comes again.
func (g *gate) disarms(c echo.Context) error {
	if err := g.Limits.Event(c.Param("key"), g.Now()); err != nil {
		return err
	}
	if err := g.Heart.DisarmByKey(c.Request().Context(), c.Param("key"), headed(c), id.Heartbeat(c.Param("name"))); err != nil {
		return g.unguessed(c, err)
	}
	return c.NoContent(http.StatusNoContent)
}

// headed is a request without its body.
func headed(c echo.Context) alert.Post {
	p := alert.Post{Header: map[string]string{}}
	for name, values := range c.Request().Header {
		p.Header[strings.ToLower(name)] = values[0]
	}
	return p
}
