package chromium

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// The eye is tested before it judges: what keeps people out is found, and what is fine is not.
func TestBarriersAreFound(t *testing.T) {
	pages := map[string]string{
		"/bad":  `<!DOCTYPE html><html><head><title>x</title></head><body><main><h1>Hi</h1><input><p style="color:#ccc;background:#fff">pale words</p></main></body></html>`,
		"/good": `<!DOCTYPE html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>x</title></head><body><main><h1>Hi</h1><label>Name <input></label></main></body></html>`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "script-src 'self'")
		_, _ = w.Write([]byte(pages[r.URL.Path]))
	}))
	defer s.Close()
	defer Close()
	tab := Open(t).Tab(t, Phone)
	tab.Go(s.URL + "/bad")
	require.Len(t, tab.Barriers(), 3, "no language, no name, no contrast")
	tab.Go(s.URL + "/good")
	require.Empty(t, tab.Barriers())
	require.Equal(t, Phone.Width, Ask[int](tab, "innerWidth"))
}
