package app

import "github.com/labstack/echo/v4"

// Routes is every route of the front, for tests.
func (a *App) Routes() ([]*echo.Route, error) {
	handler, err := a.front()
	if err != nil {
		return nil, err
	}
	return handler.(*echo.Echo).Routes(), nil
}

// Spoken is the words of messages as rooms are given them.
var Spoken = spoken
