package oidc_test

import (
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// What a test has started ends with it.
func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		println(err.Error())
		code = 1
	}
	os.Exit(code)
}
