package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
)

// ticketNews takes a webhook of a ticket system. Whoever cannot prove who they are does not hear which systems there are.
func (g *gate) ticketNews(c echo.Context) error {
	post, err := g.post(c)
	if err != nil {
		return err
	}
	err = g.TicketNews(c.Request().Context(), c.Param("system"), post)
	if fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.NotFound) {
		if slow := g.Limits.Stranger(c.RealIP(), g.Now()); slow != nil {
			return slow
		}
		return refuse(http.StatusForbidden, "", "not proved to come from a ticket system of ours")
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
