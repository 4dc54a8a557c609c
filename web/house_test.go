package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/integrations/alertmanager"
	"github.com/belayhq/belay/integrations/anyjson"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

var (
	secret = []byte("0123456789abcdef0123456789abcdef")
	night  = time.Date(2026, 11, 24, 2, 15, 0, 0, time.UTC)
)

// site is the pages of a house, in dev mode unless a test changes the options.
func site(t testing.TB, h *webtest.House, change func(*web.Options)) *echo.Echo {
	t.Helper()
	rota := webtest.NewRota(h)
	o := web.Options{
		OnCall: rota.OnCall(), Covers: rota.Covers(), Feeds: rota.Feeds(),
		Reachability: rota.Reachability(), Catalogue: &service.Catalogue{Organisation: h}, Revisions: rota, Simulations: rota.Simulations(),
		Trials: &service.Trials{Organisation: h, Dialects: []alert.Dialect{alertmanager.Dialect(), anyjson.Dialect()}, Most: 2 << 20, Now: h.Now},
		Secret: secret, Dev: true, TemporalUIURL: "http://127.0.0.1:8233", PublicURL: "http://127.0.0.1:8080",
		Authenticator: h, Sessions: webtest.NewDoors(h).Sessions(), Organisation: h, Search: h, Answers: h, Links: h, Messages: h, Access: service.Access{},
		Opener: webtest.Opener{House: h}, Sandbox: webtest.Phones{House: h}, Now: h.Now,
	}
	if change != nil {
		change(&o)
	}
	e := echo.New()
	s, err := web.Register(e, o)
	require.NoError(t, err)
	e.HTTPErrorHandler = s.Fallback(e.DefaultHTTPErrorHandler)
	return e
}

// production is not dev mode: nothing is open.
func production(o *web.Options) { o.Dev, o.PublicURL = false, "https://belay.example.com" }

// browser is somebody who keeps cookies.
type browser struct {
	t       testing.TB
	site    http.Handler
	cookies map[string]*http.Cookie
	change  func(*http.Request)
}

func open(t testing.TB, site http.Handler) *browser {
	return &browser{t: t, site: site, cookies: map[string]*http.Cookie{}}
}

func (b *browser) do(method, path, contentType, body string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "127.0.0.1:8080"
	r.Header.Set("Accept", "text/html")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	if b.change != nil {
		b.change(r)
	}
	w := httptest.NewRecorder()
	b.site.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookies[c.Name] = c
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return w
}

func (b *browser) get(path string) *httptest.ResponseRecorder {
	return b.do(http.MethodGet, path, "", "")
}

// page gets a page that must be there.
func (b *browser) page(path string) string {
	b.t.Helper()
	w := b.get(path)
	require.Equal(b.t, http.StatusOK, w.Code, w.Body.String())
	return w.Body.String()
}

func (b *browser) post(path string, form url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode())
}

func (b *browser) json(path, body string) *httptest.ResponseRecorder {
	b.t.Helper()
	before := b.change
	defer func() { b.change = before }()
	b.change = func(r *http.Request) {
		r.Header.Set("Accept", "*/*")
		if before != nil {
			before(r)
		}
	}
	return b.do(http.MethodPost, path, "application/json", body)
}

// signIn with a token, as a person would.
func (b *browser) signIn(token string) *httptest.ResponseRecorder {
	b.t.Helper()
	form := fields(b.t, b.page("/login"), "/login")
	form.Set("token", token)
	return b.post("/login", form)
}

// fields are the inputs of the form on a page that posts to this address.
func fields(t testing.TB, page, action string) url.Values {
	t.Helper()
	found := url.Values{}
	var in func(n *html.Node, inside bool)
	in = func(n *html.Node, inside bool) {
		if n.Type == html.ElementNode && n.Data == "form" {
			inside = attr(n, "action") == action
		}
		if inside && n.Data == "input" && attr(n, "name") != "" && attr(n, "type") != "radio" {
			found.Set(attr(n, "name"), attr(n, "value"))
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			in(c, inside)
		}
	}
	in(parse(t, page), false)
	require.NotEmpty(t, found, "no form posts to %s", action)
	return found
}

func parse(t testing.TB, page string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	return root
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// walk visits every element.
func walk(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, visit)
	}
}

// text is what a reader reads.
func text(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(text(c))
	}
	return b.String()
}

// shows and hides look for words on a page, without printing the whole page when they are missing.
func shows(t testing.TB, page string, words ...string) {
	t.Helper()
	for _, w := range words {
		require.True(t, strings.Contains(page, w), "the page does not show %q", w)
	}
}

func hides(t testing.TB, page string, words ...string) {
	t.Helper()
	for _, w := range words {
		require.False(t, strings.Contains(page, w), "the page shows %q", w)
	}
}

// said is what the element with this ID says.
func said(t testing.TB, page, element string) string {
	t.Helper()
	found := ""
	walk(parse(t, page), func(n *html.Node) {
		if attr(n, "id") == element {
			found = strings.TrimSpace(text(n))
		}
	})
	return found
}
