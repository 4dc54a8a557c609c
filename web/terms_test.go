package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/internal/chromium"
	"github.com/belayhq/belay/web/webtest"
)

// What an organisation calls otherwise is called so wherever people read it, and understood where they type it; forms and
// addresses carry the values.
func TestPagesSpeakInTheTermsOfTheOrganisation(t *testing.T) {
	h := webtest.Typical(night)
	h.Current().Org.Terms = org.Terms{
		Priorities: map[org.Priority]string{org.P1: "Kritisch"}, States: map[string]string{"open": "Neu eingegangen", "acknowledged": "in Arbeit"},
		Kinds: map[org.Kind]string{org.Technical: "Störung"}, Severities: map[string]string{"critical": "Katastrophe"},
	}
	b := open(t, site(t, h, nil))
	list := b.page("/")
	shows(t, list, `class="badge p1">Kritisch</span>`, " Neu eingegangen</span>", " in Arbeit</span>", "</b> in Arbeit</span>", `<option value="P1">Kritisch</option>`, `<option value="open">Neu eingegangen</option>`)
	hides(t, list, ">P1<", "> Open<")
	shows(t, list, ">P2<")

	one := b.page("/escalations/E-42")
	shows(t, one, ">Kritisch</span>", "severity Katastrophe", "Störung", `<option value="P1" selected>Kritisch</option>`)
	shows(t, b.page("/a/"+webtest.BenLink), ">Kritisch</span>", "Neu eingegangen")
	shows(t, b.page("/sandbox"), `<option value="critical" selected>Katastrophe</option>`)
	shows(t, b.page("/simulate"), `<option value="P1" selected>Kritisch</option>`, ">Störung</option>")
	sound(t, list)

	for said, value := range map[string]string{"/?priority=kritisch": "/?priority=P1", "/?state=In+Arbeit": "/?state=acknowledged"} {
		require.Equal(t, titles(t, b.page(value)), titles(t, b.page(said)), said)
		require.NotEmpty(t, titles(t, b.page(said)), said)
		require.Less(t, len(titles(t, b.page(said))), len(titles(t, list)), said)
	}
	require.Equal(t, http.StatusUnprocessableEntity, b.get("/?priority=Wichtig").Code)
}

// The longest that may be said in place of a value covers nothing beside it, on any screen.
func TestTheLongestTermsCoverNothing(t *testing.T) {
	h := webtest.Typical(night)
	long := strings.Repeat("W", 24)
	h.Current().Org.Terms = org.Terms{Priorities: map[org.Priority]string{org.P1: long, org.P2: "Größere Störung im Netze"}, States: map[string]string{"open": long, "acknowledged": "wird gerade bearbeitet"}}
	s := serve(t, h)
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	for _, view := range []chromium.View{chromium.Phone, chromium.Desk, chromium.Wall} {
		tab.View(view)
		for _, path := range []string{"/", "/?wall=1", "/escalations/E-42", "/a/" + webtest.BenLink, "/sandbox"} {
			tab.Go(s.URL + path)
			nothingInTheWay(t, tab, path, view)
			require.Empty(t, chromium.Ask[[]string](tab, `[...document.querySelectorAll(".badge, .state")].filter((b) => {
				const own = b.getBoundingClientRect(), around = b.parentElement.getBoundingClientRect();
				return own.right > around.right + 1;
			}).map((b) => b.innerText)`), "%s at %d", path, view.Width)
		}
	}
}

// titles of the escalations that a list shows.
func titles(t *testing.T, page string) []string {
	t.Helper()
	var all []string
	walk(parse(t, page), func(n *html.Node) {
		if n.Data == "a" && attr(n, "class") == "title" {
			all = append(all, attr(n, "href"))
		}
	})
	return all
}
