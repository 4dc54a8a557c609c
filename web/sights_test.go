package web_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/internal/chromium"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

// sight is something that people see: every page at least once, and what it looks like when there is nothing, or too much.
type sight struct {
	name, house, path string
}

func sights() []sight {
	return []sight{
		{"now", "typical", "/"},
		{"now-filter", "typical", "/?priority=P1&state=open"},
		{"now-wall", "typical", "/?wall=1"},
		{"now-empty", "empty", "/"},
		{"hostile", "hostile", "/"},
		{"escalation", "typical", "/escalations/E-42"},
		{"escalation-people", "typical", "/escalations/E-42?show=people"},
		{"escalation-acked", "typical", "/escalations/E-41"},
		{"escalation-snoozed", "typical", "/escalations/E-38"},
		{"sandbox", "typical", "/sandbox"},
		{"sandbox-empty", "organised", "/sandbox"},
		{"sandbox-bare", "empty", "/sandbox"},
		{"link", "typical", "/a/" + webtest.BenLink},
		{"link-vendor", "typical", "/a/" + webtest.VendorLink},
		{"link-expired", "typical", "/a/" + webtest.OldLink},
		{"login", "closed", "/login?next=/oncall"},
		{"login-refused", "closed", "/login/callback?error=access_denied"},
		{"problem", "typical", "/escalations/E-7"},
		{"nowhere", "typical", "/nowhere"},
		{"oncall", "organised", "/oncall"},
		{"oncall-empty", "empty", "/oncall"},
		{"roster", "organised", "/oncall/schedules/payments-primary?zone=Europe/Berlin&view=fortnight"},
		{"roster-week", "organised", "/oncall/schedules/payments-primary?zone=Europe/Berlin"},
		{"roster-month", "organised", "/oncall/schedules/payments-primary?zone=Europe/Berlin&view=month&from=2027-03-01"},
		{"override", "organised", "/oncall/schedules/payments-primary/override?zone=Europe/Berlin"},
		{"mine", "organised", "/oncall/mine"},
		{"people", "organised", "/people"},
		{"people-empty", "empty", "/people"},
		{"person", "organised", "/people/ana"},
		{"services", "organised", "/services"},
		{"services-empty", "empty", "/services"},
		{"service", "organised", "/services/payments"},
		{"history", "organised", "/services/revisions"},
		{"simulate", "organised", "/simulate?service=payments&at=2026-11-24T03:00"},
		{"simulate-empty", "empty", "/simulate"},
		{"simulate-wrong", "organised", "/simulate?service=payments&at=soon"},
		{"try", "organised", "/try"},
		{"try-done", "organised", "/try?integration=platform-metrics"},
		{"try-wrong", "organised", "/try?integration=nothing"},
		{"try-empty", "empty", "/try"},
	}
}

// goTo a sight, and where it is what one comes to by a button, press that.
func (s sight) goTo(tab *chromium.Tab, at string) {
	tab.Go(at + s.path)
	if s.name == "try-done" {
		tab.Press("form.trial button.primary")
		tab.Await("document.querySelector('#tried')")
	}
}

// houses are what the sights are looked at in; closed lets nobody in who has not signed in.
func houses(t *testing.T) map[string]http.Handler {
	t.Helper()
	all := map[string]http.Handler{}
	for name, h := range map[string]*webtest.House{
		"typical": webtest.Typical(night), "empty": webtest.Empty(night), "hostile": webtest.Hostile(night), "organised": acme(t, night),
	} {
		all[name] = site(t, h, nil)
	}
	_, _, all["closed"] = doors(t, overPlainHTTP)
	return all
}

// overPlainHTTP is a house in production as a browser of a test reaches it, with every door that there is.
func overPlainHTTP(o *web.Options) {
	o.PublicURL = "http://127.0.0.1"
	o.Provider, o.ProviderName = &vouch{}, "Acme login"
}

// No page is forgotten: whoever adds one adds what it looks like.
func TestEveryPageIsAmongTheSights(t *testing.T) {
	e := site(t, webtest.Typical(night), nil)
	noPages := []string{"/assets/:name", "/feeds/:token", "/sandbox/messages", "/login/provider"}
	for _, r := range e.Routes() {
		if r.Method != http.MethodGet || strings.HasSuffix(r.Path, "/events") || strings.HasSuffix(r.Path, "*") || slices.Contains(noPages, r.Path) {
			continue
		}
		like := regexp.MustCompile("^" + regexp.MustCompile(`:\w+`).ReplaceAllString(r.Path, `[^/]+`) + `(\?|$)`)
		require.True(t, slices.ContainsFunc(sights(), func(s sight) bool { return like.MatchString(s.path) }), "nobody looks at %s", r.Path)
	}
}

func TestNobodyIsKeptOutOfAnyPage(t *testing.T) {
	b, all := chromium.Open(t), houses(t)
	for _, s := range sights() {
		if s.house == "hostile" {
			continue // its texts are foreign, its pages are those of the others
		}
		at := serveSite(t, all[s.house]).URL
		tab := b.Tab(t, chromium.Desk)
		views := []chromium.View{chromium.Phone, chromium.Desk}
		if strings.HasSuffix(s.name, "-wall") {
			views = append(views, chromium.Wall)
		}
		s.goTo(tab, at)
		for _, view := range views {
			for _, view.Dark = range []bool{false, true} {
				tab.View(view)
				nothingInTheWay(t, tab, s.name, view)
			}
		}
	}
}

// Whoever may only read sees other pages than whoever may answer.
func TestNobodyIsKeptOutWhateverTheyMay(t *testing.T) {
	_, _, pages := doors(t, overPlainHTTP)
	at := serveSite(t, pages).URL
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	signIn(tab, at, "viewer")
	for _, path := range []string{"/", "/escalations/E-42", "/oncall/mine", "/oncall/schedules/nothing/override"} {
		tab.Go(at + path)
		nothingInTheWay(t, tab, "viewer "+path, chromium.Desk)
	}
}

func nothingInTheWay(t *testing.T, tab *chromium.Tab, name string, view chromium.View) {
	t.Helper()
	for _, barrier := range tab.Barriers() {
		t.Errorf("%s at %d (dark: %t): %s", name, view.Width, view.Dark, barrier)
	}
	if wide := chromium.Ask[int](tab, "document.documentElement.scrollWidth"); wide > view.Width {
		far := chromium.Ask[string](tab, "[...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > innerWidth).map((e) => e.outerHTML.slice(0, 200)).slice(0, 5).join(' | ')")
		t.Errorf("%s at %d is %d wide:\n%s", name, view.Width, wide, far)
	}
}
