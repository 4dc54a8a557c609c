package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/web/webtest"
)

func TestFollowingALinkChangesNothingAndPressingDoes(t *testing.T) {
	h := webtest.Typical(night)
	scanner := open(t, site(t, h, production))
	for range 20 {
		require.Equal(t, http.StatusOK, scanner.get("/a/"+webtest.BenLink).Code)
		require.Equal(t, http.StatusOK, scanner.do(http.MethodHead, "/a/"+webtest.BenLink, "", "").Code)
		require.Equal(t, http.StatusOK, scanner.get("/a/"+webtest.BenLink+"?verb=acknowledge&key=abcdefgh").Code)
	}
	require.Empty(t, h.Heard(), "a mail scanner acknowledged")

	ben := open(t, site(t, h, production))
	page := ben.page("/a/" + webtest.BenLink)
	form := fields(t, page, "")
	form.Set("verb", "acknowledge")
	form.Set("note", "on it")
	w := ben.post("/a/"+webtest.BenLink, form)
	require.Equal(t, http.StatusOK, w.Code)
	shows(t, w.Body.String(), "You have E-42.")
	shows(t, w.Body.String(), "<strong>Ben Okafor has it</strong>")
	require.Equal(t, []string{`escalation/E-42 acknowledge by ben via link note "on it"`}, h.Heard())
}

func TestTheSecondToAcknowledgeHearsWhoWasFirst(t *testing.T) {
	h := webtest.Typical(night)
	pages := site(t, h, nil)
	ana := open(t, pages)
	ana.change = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+webtest.AdminToken) }
	form := fields(t, ana.page("/escalations/E-42"), "/escalations/E-42/acknowledge")
	require.Equal(t, http.StatusSeeOther, ana.post("/escalations/E-42/acknowledge", form).Code)

	ben := open(t, pages)
	form = fields(t, ben.page("/a/"+webtest.BenLink), "")
	form.Set("verb", "acknowledge")
	shows(t, ben.post("/a/"+webtest.BenLink, form).Body.String(), "Ana Pérez has had E-42 since 02:15 UTC.")
}

func TestAVendorSeesWhatItWasSentAndNothingElse(t *testing.T) {
	h := webtest.Typical(night)
	sam := open(t, site(t, h, production))
	page := sam.page("/a/" + webtest.VendorLink)
	shows(t, page, "Card payments fail in eu-west", "opened <time", "Please answer <time")
	shows(t, page, "You answer as <strong>Sam Rivera</strong>")
	for _, inside := range []string{"Nobody has it", "Payments leads", "Head of engineering", "decline-rate", "Chioma", "grafana"} {
		hides(t, page, inside)
	}
	form := fields(t, page, "")
	form.Set("verb", "acknowledge")
	shows(t, sam.post("/a/"+webtest.VendorLink, form).Body.String(), "You have E-42 with AcmeCloud.")
	require.Equal(t, []string{`vendor/E-42/acmecloud/1 acknowledge by sam via link note ""`}, h.Heard())

	require.Equal(t, http.StatusSeeOther, sam.get("/escalations/E-42").Code, "a link is no sign-in")
}

// A signed link is proof enough: people can answer while the records are away, and where the message left without them.
func TestALinkNeedsNoRecords(t *testing.T) {
	for _, link := range []string{webtest.BenLink, webtest.VendorLink} {
		for _, records := range []error{fault.New(fault.Unavailable, "no database"), fault.New(fault.NotFound, "no such message")} {
			h := webtest.Typical(night)
			h.Records = records
			b := open(t, site(t, h, production))
			page := b.page("/a/" + link)
			shows(t, page, "E-42", "You answer as")
			form := fields(t, page, "")
			form.Set("verb", "acknowledge")
			shows(t, b.post("/a/"+link, form).Body.String(), "You have E-42")
			require.Len(t, h.Heard(), 1)
		}
	}
}

func TestALinkThatDoesNotWorkSaysSo(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, production))
	for token, words := range map[string]string{
		webtest.OldLink:  "This link has expired.",
		"forged.token":   "This link is not valid.",
		webtest.GoneLink: "This link was for somebody who has left.",
		"<script>":       "This link is not valid.",
	} {
		w := b.get("/a/" + url.PathEscape(token))
		require.Equal(t, http.StatusForbidden, w.Code)
		shows(t, w.Body.String(), words)
		shows(t, w.Body.String(), "Nothing was changed.")
		w = b.post("/a/"+url.PathEscape(token), url.Values{"verb": {"acknowledge"}, "key": {"abcdefgh"}})
		require.Equal(t, http.StatusForbidden, w.Code)
	}
	require.Empty(t, h.Heard())
}

func TestALinkTakesOnlyWhatItOffers(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, production))
	for _, form := range []url.Values{
		{}, {"verb": {"acknowledge"}}, {"verb": {"prioritise"}, "key": {"abcdefgh"}}, {"verb": {"reassign"}, "key": {"abcdefgh"}},
		{"verb": {"acknowledge"}, "key": {"a/b/c/d/e/f"}}, {"verb": {""}, "key": {"abcdefgh"}},
	} {
		w := b.post("/a/"+webtest.BenLink, form)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, form)
		shows(t, w.Body.String(), "Your request was refused and changed nothing.")
	}
	require.Empty(t, h.Heard())
}

func TestARefusalIsSaidOnTheLinkPageAndAFailureIsNotHidden(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, production))
	press := url.Values{"verb": {"resolve"}, "key": {"abcdefgh"}}
	h.Speaking = fault.New(fault.Conflict, "E-42 is over")
	w := b.post("/a/"+webtest.BenLink, press)
	require.Equal(t, http.StatusOK, w.Code)
	shows(t, w.Body.String(), "E-42 is over.")

	h.Speaking = fault.New(fault.Unavailable, "the engine does not answer")
	w = b.post("/a/"+webtest.BenLink, press)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	shows(t, w.Body.String(), "We cannot say whether your request arrived.")
}
