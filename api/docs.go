package api

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/swaggest/swgui/v5emb"
)

// reference is the page that shows openapi.yaml. Its script and styles are part of the binary: nothing is fetched
// from elsewhere.
func reference(e *echo.Echo) {
	page := v5emb.New("Belay API", "/openapi.yaml", "/docs/")
	e.GET("/docs", func(c echo.Context) error { return c.Redirect(http.StatusMovedPermanently, "/docs/") })
	e.GET("/docs/*", echo.WrapHandler(page))
}
