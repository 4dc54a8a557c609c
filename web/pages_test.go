package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

func newEcho() *echo.Echo { return echo.New() }

// everyPage of a house, by path.
func everyPage(h *webtest.House) []string {
	paths := []string{"/", "/sandbox", "/login", "/escalations/E-7", "/nowhere", "/a/" + webtest.OldLink}
	if _, err := h.Open(webtest.BenLink); err == nil {
		paths = append(paths, "/escalations/E-42", "/escalations/E-41", "/escalations/E-38", "/a/"+webtest.BenLink, "/a/"+webtest.VendorLink)
	}
	return paths
}

func TestEveryPageIsSoundWhateverItShows(t *testing.T) {
	houses := map[string]*webtest.House{
		"empty": webtest.Empty(night), "typical": webtest.Typical(night), "hostile": webtest.Hostile(night),
	}
	for name, h := range houses {
		paths := everyPage(h)
		if name == "hostile" {
			for i := range 8 {
				paths = append(paths, fmt.Sprintf("/escalations/E-%d", 100+i))
			}
		}
		b := open(t, site(t, h, nil))
		for _, path := range paths {
			t.Run(name+path, func(t *testing.T) {
				w := b.get(path)
				require.Less(t, w.Code, 500, w.Body.String())
				require.Contains(t, w.Header().Get("Content-Type"), "text/html")
				sound(t, w.Body.String())
				guarded(t, w.Header())
			})
		}
	}
}

func guarded(t *testing.T, h http.Header) {
	t.Helper()
	policy := h.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'self'")
	require.Contains(t, policy, "frame-ancestors 'none'")
	require.NotContains(t, policy, "unsafe")
	require.NotContains(t, policy, "http")
	require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
	require.Equal(t, "same-origin", h.Get("Referrer-Policy"))
	require.Equal(t, "no-store", h.Get("Cache-Control"))
}

// sound: what the content policy, a screen reader and a person with a keyboard need.
func sound(t *testing.T, page string) {
	t.Helper()
	root := parse(t, page)
	ids, labelled, h1 := map[string]bool{}, map[string]bool{}, 0
	walk(root, func(n *html.Node) {
		if id := attr(n, "id"); id != "" {
			require.False(t, ids[id], "id %q twice", id)
			ids[id] = true
		}
		if n.Data == "label" {
			labelled[attr(n, "for")] = true
			require.NotEmpty(t, strings.TrimSpace(text(n)))
		}
	})
	walk(root, func(n *html.Node) {
		for _, a := range n.Attr {
			require.False(t, strings.HasPrefix(a.Key, "on"), "inline script in <%s %s>", n.Data, a.Key)
			require.NotEqual(t, "style", a.Key, "inline style in <%s>", n.Data)
			if a.Key == "href" || a.Key == "src" || a.Key == "action" {
				require.NotContains(t, strings.ToLower(a.Val), "javascript:")
			}
			if a.Key == "src" || n.Data == "link" && a.Key == "href" {
				require.True(t, strings.HasPrefix(a.Val, "/"), "%s loads %s", n.Data, a.Val)
			}
		}
		switch n.Data {
		case "html":
			require.NotEmpty(t, attr(n, "lang"))
		case "title":
			require.NotEmpty(t, strings.TrimSpace(text(n)))
		case "script":
			require.NotEmpty(t, attr(n, "src"))
			require.Empty(t, text(n))
		case "style", "iframe", "object", "embed", "base", "img":
			require.Failf(t, "not allowed", "<%s>", n.Data)
		case "h1":
			h1++
		case "a", "button", "summary":
			require.NotEmpty(t, strings.TrimSpace(text(n)+attr(n, "aria-label")), "<%s> says nothing", n.Data)
		case "input", "select", "textarea":
			named := labelled[attr(n, "id")] && attr(n, "id") != "" || attr(n, "aria-label") != "" || n.Parent.Data == "label"
			require.True(t, named || attr(n, "type") == "hidden", "<%s name=%s> has no label", n.Data, attr(n, "name"))
		case "svg":
			require.True(t, attr(n, "aria-hidden") == "true" || attr(n, "aria-label") != "" || attr(n, "role") == "", "a picture that says nothing")
		case "time":
			_, err := time.Parse(time.RFC3339Nano, attr(n, "datetime"))
			require.NoError(t, err)
		case "form":
			if attr(n, "role") != "search" { // a search belongs into the address
				require.Equal(t, "post", attr(n, "method"), "a form that reads would put what is typed into the address")
			}
		}
	})
	require.Equal(t, 1, h1, "one heading says what the page is")
}

func TestTheListIsOrderedByWhatHappensNext(t *testing.T) {
	page := open(t, site(t, webtest.Typical(night), nil)).page("/")
	found := regexp.MustCompile(`class="title" href="/escalations/(E-\d+)"`).FindAllStringSubmatch(page, -1)
	var order []string
	for _, f := range found {
		order = append(order, f[1])
	}
	require.Equal(t, []string{"E-39", "E-42", "E-41", "E-40", "E-38", "E-37"}, order)
	for _, words := range []string{"late by 12 s", "in 4 min 32 s", "Climb to Head of engineering", "Ask Chioma Eze for an update", "Snooze ends", "Nobody yet"} {
		shows(t, page, words)
	}
}

func TestAnEscalationTellsItsStory(t *testing.T) {
	page := open(t, site(t, webtest.Typical(night), nil)).page("/escalations/E-42")
	for _, words := range []string{
		"Card payments fail in eu-west", "Tier 2 · Payments leads", "undelivered 30034", "✕ busy", "✓ answered",
		"Dmitri Volkov skipped: away until 2026-11-30", "Vendor AcmeCloud is called in", "Fired again", "code 30034",
		"http://127.0.0.1:8233/namespaces/default/workflows/escalation%2FE-42", "https://runbooks.example.com/payments/declines",
	} {
		shows(t, page, words)
	}
	require.Less(t, strings.Index(page, `id="t19"`), strings.Index(page, `id="t1"`), "the newest entry comes first")
}

func TestTheReadersOwnTimeStandsBesideUTC(t *testing.T) {
	b := open(t, site(t, webtest.Typical(night), production))
	b.signIn(webtest.AdminToken) // Ana lives in Madrid
	page := b.page("/escalations/E-42")
	shows(t, page, "02:56:00")
	shows(t, page, "01:56:00 UTC")
}

func TestVerbsGiveTheirAnswerOnce(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, nil))
	form := fields(t, b.page("/escalations/E-42"), "/escalations/E-42/acknowledge")
	w := b.post("/escalations/E-42/acknowledge", form)
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "/escalations/E-42", w.Header().Get("Location"))
	shows(t, b.page("/escalations/E-42"), "You have E-42.")
	hides(t, b.page("/escalations/E-42"), "You have E-42.")
}

func TestEveryVerbReachesItsService(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, nil))
	page := b.page("/escalations/E-42")
	for _, said := range []struct {
		verb  string
		extra url.Values
	}{
		{"note", url.Values{"note": {"rolling back"}}},
		{"escalate", url.Values{"direction": {"hierarchic"}, "note": {"too big"}}},
		{"snooze", url.Values{"for": {"30m"}}},
		{"acknowledge", nil},
		{"resolve", nil},
	} {
		form := fields(t, page, "/escalations/E-42/"+said.verb)
		maps.Copy(form, said.extra)
		require.Equal(t, http.StatusSeeOther, b.post("/escalations/E-42/"+said.verb, form).Code, said.verb)
		require.Contains(t, h.Heard()[len(h.Heard())-1], "escalation/E-42 "+said.verb+" by token:the operator via web")
	}
	form := fields(t, b.page("/escalations/E-42"), "/escalations/E-42/reopen")
	require.Equal(t, http.StatusSeeOther, b.post("/escalations/E-42/reopen", form).Code)
	for path, status := range map[string]int{
		"/escalations/E-42/delete": 404, "/escalations/nonsense/resolve": 404, "/escalations/E-42/snooze": 422, "/escalations/E-777/resolve": 404,
	} {
		require.Equal(t, status, b.post(path, form).Code, path)
	}
}

func TestAPrefixIsKeptOnEveryAddress(t *testing.T) {
	h := webtest.Typical(night)
	pages := site(t, h, func(o *web.Options) { o.PublicURL = "https://ops.example.com/belay/" })
	for _, mounted := range []string{"", "/belay"} { // a proxy strips the prefix, or does not
		b := open(t, pages)
		for _, path := range []string{"/", "/sandbox", "/escalations/E-42", "/login", "/a/" + webtest.BenLink} {
			walk(parse(t, b.page(mounted+path)), func(n *html.Node) {
				for _, a := range n.Attr {
					switch a.Key {
					case "href", "src", "action", "data-live", "hx-post":
						if strings.HasPrefix(a.Val, "/") {
							require.True(t, strings.HasPrefix(a.Val, "/belay/"), "<%s %s=%q>", n.Data, a.Key, a.Val)
						}
					}
				}
			})
		}
		form := fields(t, b.page(mounted+"/escalations/E-42"), "/belay/escalations/E-42/note")
		form.Set("note", "x")
		w := b.post(mounted+"/escalations/E-42/note", form)
		require.Equal(t, "/belay/escalations/E-42", w.Header().Get("Location"))
	}
}

func TestProblemsSayWhatBecameOfTheRequest(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, nil))
	w := b.get("/escalations/E-7")
	require.Equal(t, http.StatusNotFound, w.Code)
	shows(t, w.Body.String(), "Nothing was changed: this page only reads.")
	w = b.get("/no/such/page")
	require.Equal(t, http.StatusNotFound, w.Code)
	shows(t, w.Body.String(), "Back to what is open now")

	h.Trouble = fmt.Errorf("password=hunter2: %w", fault.New(fault.Unavailable, "the database does not answer"))
	w = b.get("/")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	shows(t, w.Body.String(), "The database does not answer.")
	hides(t, w.Body.String(), "hunter2")
	h.Trouble = fmt.Errorf("pq: secret detail")
	hides(t, b.get("/").Body.String(), "secret detail")
}

// 150 KB, cold and uncompressed, with everything that a page loads.
func TestPagesStayLight(t *testing.T) {
	all := houses(t)
	for _, sight := range sights() {
		if sight.house == "hostile" {
			continue // as much text as fits into a row, in a thousand rows
		}
		b := open(t, all[sight.house])
		page := b.get(sight.path).Body.String()
		weight := len(page)
		walk(parse(t, page), func(n *html.Node) {
			address := attr(n, "src")
			if n.Data == "link" {
				address = attr(n, "href")
			}
			if address == "" {
				return
			}
			w := b.get(address)
			require.Equal(t, http.StatusOK, w.Code, address)
			if strings.Contains(address, "?v=") {
				require.Contains(t, w.Header().Get("Cache-Control"), "immutable")
			}
			weight += w.Body.Len()
		})
		t.Logf("%-18s %6d bytes", sight.name, weight)
		require.Less(t, weight, 150_000, "%s weighs %d bytes cold, uncompressed", sight.name, weight)
	}
	b := open(t, all["typical"])
	require.Equal(t, http.StatusNotFound, b.get("/assets/README.md").Code)
	require.Equal(t, http.StatusNotFound, b.get("/assets/..%2fweb.go").Code)
}

// What a page says is in the page: the first paint waits for its stylesheet and for no script.
func TestNoPageWaitsForScript(t *testing.T) {
	all := houses(t)
	for _, sight := range sights() {
		page := open(t, all[sight.house]).get(sight.path).Body.String()
		walk(parse(t, page), func(n *html.Node) {
			if n.Data == "script" {
				require.True(t, slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "defer" }), "%s waits for %s", sight.name, attr(n, "src"))
			}
			if n.Data == "main" {
				require.NotEmpty(t, strings.TrimSpace(text(n)), sight.name)
			}
		})
	}
}

func TestWithoutScriptPagesReloadUnlessHeld(t *testing.T) {
	b := open(t, site(t, webtest.Typical(night), nil))
	for _, path := range []string{"/", "/sandbox", "/escalations/E-42"} {
		shows(t, b.page(path), `http-equiv="refresh"`)
		hides(t, b.page(path+"?hold=1"), `http-equiv="refresh"`)
	}
	hides(t, b.page("/a/"+webtest.BenLink), `http-equiv="refresh"`)
}

// A thousand tickets approach: each stands on the start page, with its instant to the second, soonest first. What is due
// later, or has nothing in store, does not.
func TestEveryTicketThatApproachesIsShown(t *testing.T) {
	h := webtest.Empty(night)
	for n := range 1000 {
		e := another(n, "its clock runs")
		e.State, e.Next = escalation.Watched, escalation.Next{At: night.Add(time.Duration(3*(n*7%1000)) * time.Second), Action: "warn", Target: "resolve"}
		h.Add(e)
	}
	for n, at := range []time.Time{{}, night.Add(2 * time.Hour)} {
		e := another(1000+n, "out of sight")
		e.State, e.Next = escalation.Watched, escalation.Next{At: at, Action: "warn"}
		h.Add(e)
	}
	page := open(t, site(t, h, nil)).get("/").Body.String()
	hides(t, page, "out of sight")
	var shown []string
	walk(parse(t, page), func(n *html.Node) {
		if n.Data == "time" && slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "data-due" }) {
			shown = append(shown, attr(n, "datetime"))
		}
	})
	require.Len(t, shown, 1000)
	for n, at := range shown {
		require.Equal(t, night.Add(time.Duration(3*n)*time.Second).UTC().Format(time.RFC3339), at)
	}
	t.Logf("a thousand rows: %d bytes", len(page))
}
