package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/belayhq/belay/core/org"
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
