package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/internal/chromium"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

// served is the pages of a house at an address.
type served struct {
	*httptest.Server
	bell *web.Bell
}

func serve(t *testing.T, h *webtest.House) *served {
	t.Helper()
	bell := &web.Bell{}
	s := serveSite(t, site(t, h, func(o *web.Options) { o.Bell = bell }))
	s.bell = bell
	t.Cleanup(bell.Close)
	return s
}

func serveSite(t *testing.T, pages http.Handler) *served {
	t.Helper()
	s := &served{Server: httptest.NewServer(pages)}
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// signIn by the password of a role, as doors made them.
func signIn(tab *chromium.Tab, at, role string) {
	tab.Go(at + "/login")
	tab.Press("#name")
	tab.Type(role)
	tab.Press("#password")
	tab.Type("correct horse " + role + "\r")
	tab.Await("!location.pathname.startsWith('/login')")
}

func TestAnAcknowledgeNeedsNoScript(t *testing.T) {
	h := webtest.Typical(night)
	s := serve(t, h)
	view := chromium.Phone
	view.NoScript = true
	tab := chromium.Open(t).Tab(t, view)
	tab.Go(s.URL + "/")
	tab.Press(`a[href="/escalations/E-42"]`)
	tab.Press(`form[action$="/acknowledge"] button`)
	tab.Shows("You have E-42.")
	require.Len(t, h.Heard(), 1)
	require.Contains(t, h.Heard()[0], "escalation/E-42 acknowledge")

	tab.Go(s.URL + "/?priority=P2&state=acknowledged")
	tab.Shows("2 of 4 match the filter")
	tab.Press(`details.filters a.button`)
	tab.Shows("E-39")
}

func TestOnAPhoneAcknowledgeIsUnderTheThumb(t *testing.T) {
	h := webtest.Typical(night)
	s := serve(t, h)
	tab := chromium.Open(t).Tab(t, chromium.Phone)
	tab.Go(s.URL + "/escalations/E-42")
	const inReach = `(() => { const r = document.querySelector('form[action$="/acknowledge"] button').getBoundingClientRect();
		return r.height >= 44 && r.width >= 120 && r.top > innerHeight * 0.7 && r.bottom <= innerHeight; })()`
	tab.Await(inReach)
	chromium.Ask[bool](tab, "scrollTo(0, document.body.scrollHeight), true")
	tab.Await(inReach)
	tab.Press(`form[action$="/acknowledge"] button`)
	tab.Shows("You have E-42.")
	tab.Shows("Paused: acknowledged")
	require.Len(t, h.Heard(), 1)
}

func TestTheKeyboardIsEnough(t *testing.T) {
	h := webtest.Typical(night)
	s := serve(t, h)
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	tab.Go(s.URL + "/escalations/E-42")
	tab.Type("\t")
	require.Equal(t, "Skip to the content", chromium.Ask[string](tab, "document.activeElement.innerText"))
	for range 40 {
		if chromium.Ask[bool](tab, `document.activeElement.closest('form[action$="/acknowledge"]') !== null`) {
			tab.Type("\r")
			tab.Shows("You have E-42.")
			require.Len(t, h.Heard(), 1)
			return
		}
		tab.Type("\t")
		require.NotEqual(t, "none 0px", chromium.Ask[string](tab, "getComputedStyle(document.activeElement).outlineStyle + ' ' + getComputedStyle(document.activeElement).outlineWidth"), "one sees where one is")
	}
	t.Fatal("forty steps of the keyboard do not lead to the first thing one wants")
}

func TestOfTwoWhoReachForItOneHasItAndTheOtherHearsWho(t *testing.T) {
	h := webtest.Typical(night)
	h.Remember("link-of-chioma", service.Ticket{Workflow: "escalation/E-42", Person: "chioma", Key: "E-42/t2/chioma/mobile/5"}, page.Brief{Escalation: "E-42", Title: "Card payments fail"})
	s := serve(t, h)
	b := chromium.Open(t)
	ben, chioma := b.Tab(t, chromium.Phone), b.Tab(t, chromium.Phone)
	ben.Go(s.URL + "/a/" + webtest.BenLink)
	chioma.Go(s.URL + "/a/link-of-chioma")
	ben.Shows("Nobody has it yet.")
	chioma.Shows("Nobody has it yet.")
	const acknowledge = `button[value="acknowledge"]`
	ben.Press(acknowledge)
	chioma.Press(acknowledge)
	ben.Shows("You have E-42.")
	chioma.Shows("Ben Okafor has had E-42 since")
	require.Len(t, h.Heard(), 2)
}

func TestNewsLeaveTheReaderWhereTheyAre(t *testing.T) {
	h := webtest.Typical(night)
	s := serve(t, h)
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	tab.Go(s.URL + "/escalations/E-42")
	tab.Await("document.querySelector('#live.on')")
	tab.Press("#verb-escalate summary")
	tab.Press("#escalate-why")
	tab.Type("rolling back")
	chromium.Ask[bool](tab, "window.before = document.querySelector('#head h1'), true")
	h.Happens("E-42", escalation.EntryNoted, "ben", "Ben Okafor: still on the train", func(e *service.Escalation) { e.Repeats++ })
	s.bell.Ring()
	tab.Shows("still on the train")
	tab.Shows("13 times")
	require.True(t, chromium.Ask[bool](tab, "document.querySelector('#verb-escalate').open && document.activeElement.id === 'escalate-why' && document.activeElement.value === 'rolling back'"))
	require.True(t, chromium.Ask[bool](tab, "window.before === document.querySelector('#head h1')"), "what did not change was not touched")
}

// What a role may not do is not offered, and is refused to whoever makes the browser ask for it all the same.
func TestAViewerIsOfferedNoVerbAndForcesNone(t *testing.T) {
	h, _, pages := doors(t, overPlainHTTP)
	at := serveSite(t, pages).URL
	tab := chromium.Open(t).Tab(t, chromium.Phone)
	signIn(tab, at, "viewer")
	tab.Go(at + "/escalations/E-42")
	tab.Shows("You may read this and not answer it.")
	require.Zero(t, chromium.Ask[int](tab, `document.querySelectorAll('form[action*="/escalations/"]').length`))
	chromium.Ask[bool](tab, `(() => { const form = document.createElement("form");
		form.method = "post";
		form.action = "/escalations/E-42/acknowledge";
		for (const [name, value] of [["key", "abcdefgh"], ["form_token", document.querySelector("[name=form_token]").value]]) {
			const input = document.createElement("input");
			Object.assign(input, {type: "hidden", name, value});
			form.append(input);
		}
		document.body.append(form);
		setTimeout(() => form.submit());
		return true; })()`)
	tab.Shows("You may not do this")
	tab.Shows("Your request was refused and changed nothing.")
	require.Empty(t, h.Heard())
}

func TestAnOverrideIsMadeByFormAndStandsInTheCalendar(t *testing.T) {
	h := acme(t, night)
	s := serve(t, h)
	tab := chromium.Open(t).Tab(t, chromium.Phone)
	tab.Go(s.URL + "/oncall/schedules/payments-primary?zone=Europe/Berlin")
	tab.Press(`main a.button[href*="/override"]`)
	tab.Await("document.querySelector('#person')")
	chromium.Ask[bool](tab, "document.querySelector('#person').value = 'diego', document.querySelector('#from').value = '2026-11-24T18:00', document.querySelector('#until').value = '2026-11-24T17:00', true")
	tab.Press("#reason")
	tab.Type("Diego takes the night\r")
	tab.Await("document.querySelector('#until-wrong:not([hidden])')")
	require.Equal(t, "Diego takes the night", chromium.Ask[string](tab, "document.querySelector('#reason').value"), "a mistake costs one field, not the form")

	chromium.Ask[bool](tab, "document.querySelector('#until').value = '2026-11-25T09:00', true")
	tab.Press("form.card.stack button[type=submit]")
	tab.Shows("What changes")
	tab.Shows("In UTC: Tue 24 Nov, 17:00")
	require.Empty(t, h.Heard(), "looking makes nothing")
	tab.Press(".preview button")
	tab.Shows("Diego takes the night")
	require.Equal(t, []string{"override payments-primary diego 2026-11-24T17:00:00Z–2026-11-25T08:00:00Z"}, h.Heard())
	tab.Press("form[action$='/end'] button")
	tab.Await("!document.body.innerText.includes('Diego takes the night')")
}
