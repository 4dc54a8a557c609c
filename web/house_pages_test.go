package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

func TestAMethodIsVerifiedWhenAPageWasSeenToArrive(t *testing.T) {
	h := acme(t, night)
	rota := webtest.NewRota(h)
	person := h.Current().Org.People["ana"]
	method := person.Methods[0]
	rota.Sent(service.Sent{
		Message: page.Message{Key: "E-1/t1/ana/1", Person: "ana", Method: method.ID, Purpose: page.Page}, At: night.Add(-time.Hour),
		Last: page.Receipt{Status: page.Delivered, Class: page.Arrived},
	})
	b := open(t, site(t, h, func(o *web.Options) { production(o); o.Reachability = rota.Reachability() }))
	b.signIn(webtest.ViewerToken)
	page := b.page("/people/ana")
	require.Equal(t, 1, strings.Count(page, "✓ verified"))
	require.Equal(t, len(person.Methods)-1, strings.Count(page, "? not verified"))
	hides(t, page, method.Address)
	shows(t, b.page("/people"), person.Name)
	require.Equal(t, http.StatusNotFound, b.get("/people/nobody").Code)
}

func TestAPolicyReadsAsALadderAndItsHoursAsAPicture(t *testing.T) {
	h := acme(t, night)
	b := open(t, site(t, h, nil))
	all := b.page("/services")
	require.Equal(t, len(h.Current().Org.Services), strings.Count(all, `class="strip"`))
	shows(t, all, "Every hour of this week has somebody, and somebody behind them.")
	name := string(h.Current().Org.Services["payments"].ID)
	require.NotEmpty(t, name)
	page := b.page("/services/payments?priority=P1")
	shows(t, page, "Payments primary", "Payments backup", "to acknowledge", "Catch-all, again and again until somebody answers", "/simulate?service=payments")
	require.Equal(t, 7, strings.Count(page, `class="strip"`))
	require.NotEqual(t, page, b.page("/services/payments?priority=P5"))
	require.Equal(t, http.StatusNotFound, b.get("/services/nothing").Code)
}

// An hour in which nobody is on call is seen in the picture and in words.
func TestAnHourThatReachesNobodyIsSeen(t *testing.T) {
	h := acme(t, night)
	for name, s := range h.Current().Org.Schedules {
		for n := range s.Layers {
			s.Layers[n].Only = []org.WeekHours{{From: 0, Until: 12 * 60}}
		}
		h.Current().Org.Schedules[name] = s
	}
	b := open(t, site(t, h, nil))
	shows(t, b.page("/services/payments"), "This week: ", "reach nobody", "cover-none", ": nobody")
}

func TestRevisionsSayInWordsWhatTheyChanged(t *testing.T) {
	b := open(t, site(t, acme(t, night), nil))
	shows(t, b.page("/services/revisions"), "schedule payments-primary: diego joins", "bbbbbbbbbbbb", "current", "No change in meaning.")
}

func TestASimulationPlaysTheLadderAndTellsNobody(t *testing.T) {
	h := acme(t, night)
	b := open(t, site(t, h, nil))
	silent := played(t, b.page("/simulate?service=payments&priority=P1&kind=technical&at=2026-11-24T03:00"))
	require.Greater(t, len(silent), 5)
	answered := played(t, b.page("/simulate?service=payments&priority=P1&kind=technical&at=2026-11-24T03:00&answer="+onCallNow(t, b)+"&after=1"))
	require.Less(t, len(answered), len(silent), "an answer stops the ladder")
	require.Contains(t, strings.Join(answered, "\n"), "has it")
	require.Empty(t, h.Heard())
	for _, wrong := range []string{"service=nothing", "service=payments&at=soon", "service=payments&answer=nobody", "service=payments&after=x"} {
		require.Equal(t, http.StatusUnprocessableEntity, b.get("/simulate?"+wrong).Code, wrong)
	}
}

func played(t *testing.T, page string) []string {
	t.Helper()
	var lines []string
	walk(parse(t, page), func(n *html.Node) {
		if n.Data == "ol" && attr(n, "class") == "played" {
			walk(n, func(li *html.Node) {
				if li.Data == "li" {
					lines = append(lines, text(li))
				}
			})
		}
	})
	return lines
}

func TestAProposedBlueprintIsPlayedBesideTheOneThatIs(t *testing.T) {
	h := acme(t, night)
	b := open(t, site(t, h, nil))
	form := fields(t, b.page("/simulate?service=payments&at=2026-11-24T03:00"), "/simulate")
	form.Set("service", "payments")
	upload := func(change func(string) string) string {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for name := range form {
			require.NoError(t, w.WriteField(name, form.Get(name)))
		}
		paths, err := filepath.Glob("../examples/acme/*.yaml")
		require.NoError(t, err)
		for _, path := range paths {
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			part, err := w.CreateFormFile("files", filepath.Base(path))
			require.NoError(t, err)
			_, err = part.Write([]byte(change(string(content))))
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		return b.do(http.MethodPost, "/simulate", w.FormDataContentType(), body.String()).Body.String()
	}
	same := upload(func(s string) string { return s })
	shows(t, same, "As proposed", "No change in meaning.")
	hides(t, same, "≠")
	other := upload(func(s string) string {
		return strings.ReplaceAll(s, "people: [ana, ben, clara, diego]", "people: [ben, ana, diego, clara]")
	})
	shows(t, other, "As proposed", "≠", "payments-primary")
	shows(t, upload(func(s string) string { return strings.ReplaceAll(s, "team: payments", "team: nothing") }), "nothing")
	require.Equal(t, http.StatusForbidden, b.post("/simulate", url.Values{"service": {"payments"}}).Code, "no form token")
	require.Empty(t, h.Heard())
}
