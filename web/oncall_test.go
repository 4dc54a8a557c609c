package web_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

// acme is the example company, on a Tuesday night in which ana has the primary of payments.
func acme(t *testing.T, now time.Time) *webtest.House {
	t.Helper()
	files, err := blueprint.Files(os.DirFS("../examples/acme"))
	require.NoError(t, err)
	loaded, err := blueprint.Load(files, time.LoadLocation)
	require.NoError(t, err)
	return webtest.Organised(now, loaded.Org)
}

func TestWhoIsOnCallNowAndNextStandsByTeam(t *testing.T) {
	h := acme(t, night)
	b := open(t, site(t, h, production))
	b.signIn(webtest.AdminToken)
	page := b.page("/oncall")
	shows(t, page, "Payments primary", "Payments backup", "then ", "your team", "Your next shift")
	require.Less(t, strings.Index(page, "your team"), strings.Index(page, "Identity primary"), "one's own team comes first")
	shows(t, b.page("/oncall/mine"), "Payments primary", "Calendar links")
}

func TestACalendarShowsEveryDayOfItsSpan(t *testing.T) {
	b := open(t, site(t, acme(t, night), nil))
	for view, days := range map[string]int{"": 7, "week": 7, "fortnight": 14, "month": 30, "year": 7} {
		page := b.page("/oncall/schedules/payments-primary?zone=Europe/Berlin&view=" + view)
		require.Equal(t, days, strings.Count(page, `role="img"`), view)
	}
	page := b.page("/oncall/schedules/payments-primary?zone=Europe/Berlin&view=week&from=2026-11-24")
	shows(t, page, "Mon 23 Nov: 00:00–09:00 ", ", 09:00–24:00 ", "Make an override")
	require.NotEqual(t, http.StatusOK, b.get("/oncall/schedules/payments-primary?from=yesterday").Code)
	require.Equal(t, http.StatusNotFound, b.get("/oncall/schedules/nothing").Code)
}

// A day on which clocks change has its own length, and says so.
func TestDaysOnWhichClocksChangeAreMarked(t *testing.T) {
	b := open(t, site(t, acme(t, night), nil))
	shows(t, b.page("/oncall/schedules/payments-primary?zone=Europe/Berlin&view=month&from=2027-03-01"), "23 h: clocks go forward")
	shows(t, b.page("/oncall/schedules/payments-primary?zone=Europe/Berlin&view=month&from=2026-10-01"), "25 h: clocks go back")
	hides(t, b.page("/oncall/schedules/payments-primary?zone=UTC&view=month&from=2027-03-01"), "clocks go")
}

func TestTheSameShiftsInAnotherZone(t *testing.T) {
	b := open(t, site(t, acme(t, night), nil))
	shows(t, b.page("/oncall/schedules/payments-primary?zone=Europe/Berlin&from=2026-11-24"), "Mon 23 Nov, 09:00")
	shows(t, b.page("/oncall/schedules/payments-primary?zone=UTC&from=2026-11-24"), "Mon 23 Nov, 08:00")
	shows(t, b.page("/oncall/schedules/payments-primary?zone=Nowhere/Else&from=2026-11-24"), "Mon 23 Nov, 09:00")
}

func TestGapsAndDoubleBookingsAreMarked(t *testing.T) {
	h := acme(t, night)
	rota := webtest.NewRota(h)
	b := open(t, site(t, h, func(o *web.Options) { o.OnCall, o.Covers = rota.OnCall(), rota.Covers() }))
	form := fields(t, b.page("/oncall/schedules/payments-backup/override?zone=UTC"), "/oncall/schedules/payments-backup/override")
	form.Set("person", onCallNow(t, b))
	form.Set("step", "save")
	require.Equal(t, http.StatusSeeOther, b.post("/oncall/schedules/payments-backup/override", form).Code)
	shows(t, b.page("/oncall/schedules/payments-backup?zone=UTC"), "is on call twice", "Payments primary", "⧉")
	shows(t, b.page("/oncall/schedules/payments-primary?zone=UTC&from=2025-12-29"), "Nobody is on call", "✕ nobody")
}

var nowOnCall = regexp.MustCompile(`/people/([a-z]+)`)

func onCallNow(t *testing.T, b *browser) string {
	t.Helper()
	page := b.page("/oncall")
	found := nowOnCall.FindStringSubmatch(page[strings.Index(page, "Payments primary"):])
	require.NotNil(t, found)
	return found[1]
}

func TestAnOverrideIsSeenBeforeItIsMade(t *testing.T) {
	h := acme(t, night)
	b := open(t, site(t, h, nil))
	const form = "/oncall/schedules/payments-primary/override"
	first := fields(t, b.page(form+"?zone=Europe/Berlin"), form)
	first.Set("person", "diego")
	first.Set("from", "2026-11-24T18:00")
	first.Set("until", "2026-11-25T09:00")
	first.Set("reason", "Diego takes the night")
	w := b.post(form, first)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	page := w.Body.String()
	shows(t, page, "What changes", "Tue 24 Nov, 18:00", "In UTC: Tue 24 Nov, 17:00", " instead of ", "Make this override")
	require.Empty(t, h.Heard(), "nothing is made by looking")

	second := url.Values{"form_token": first["form_token"], "zone": {"Europe/Berlin"}, "step": {"save"}, "person": {"diego"},
		"from": {"2026-11-24T18:00"}, "until": {"2026-11-25T09:00"}, "reason": {"Diego takes the night"}}
	w = b.post(form, second)
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body.String())
	require.Equal(t, []string{"override payments-primary diego 2026-11-24T17:00:00Z–2026-11-25T08:00:00Z"}, h.Heard())
	page = b.page("/oncall/schedules/payments-primary?zone=Europe/Berlin")
	shows(t, page, "is on call from Tue 24 Nov, 18:00 until Wed 25 Nov, 09:00.", "Diego takes the night", "Take back")
	require.Equal(t, http.StatusConflict, b.post(form, second).Code, "twice is refused")

	const end = "/oncall/schedules/payments-primary/overrides/O-1/end"
	require.Equal(t, http.StatusSeeOther, b.post(end, fields(t, page, end)).Code)
	hides(t, b.page("/oncall/schedules/payments-primary?zone=Europe/Berlin"), "Diego takes the night")
}

func TestAnOverrideThatCannotBeRightNamesItsField(t *testing.T) {
	h := acme(t, night)
	b := open(t, site(t, h, nil))
	const path = "/oncall/schedules/payments-primary/override"
	for field, wrong := range map[string]map[string]string{
		"until":  {"until": "2026-11-24T17:00"},
		"from":   {"from": "tomorrow"},
		"person": {"person": "nobody"},
	} {
		form := fields(t, b.page(path+"?zone=Europe/Berlin"), path)
		form.Set("person", "diego")
		form.Set("from", "2026-11-24T18:00")
		form.Set("until", "2026-11-25T09:00")
		for name, value := range wrong {
			form.Set(name, value)
		}
		w := b.post(path, form)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, field)
		require.NotEmpty(t, said(t, w.Body.String(), field+"-wrong"), field)
	}
	form := fields(t, b.page(path+"?zone=Europe/Berlin"), path)
	form.Set("person", "diego")
	form.Set("from", "2027-03-28T02:30")
	form.Set("until", "2027-03-28T12:00")
	shows(t, b.post(path, form).Body.String(), "the clocks in Europe/Berlin go forward over 02:30")
	require.Empty(t, h.Heard())
}

func TestWhoMayOnlyReadIsOfferedNoOverride(t *testing.T) {
	h := acme(t, night)
	b := open(t, site(t, h, production))
	b.signIn(webtest.ViewerToken)
	page := b.page("/oncall/schedules/payments-primary")
	hides(t, page, "/override")
	form := url.Values{"form_token": {fields(t, page, "/logout").Get("form_token")}, "step": {"save"}, "person": {"diego"}, "from": {"2026-11-24T18:00"}, "until": {"2026-11-25T09:00"}}
	for _, path := range []string{"/oncall/schedules/payments-primary/override", "/oncall/schedules/payments-primary/overrides/O-1/end", "/oncall/feeds"} {
		require.Equal(t, http.StatusForbidden, b.post(path, form).Code, path)
	}
	require.Equal(t, http.StatusForbidden, b.get("/oncall/schedules/payments-primary/override").Code)
	require.Empty(t, h.Heard())
}

var feedAddress = regexp.MustCompile(`https://belay\.example\.com(/feeds/blf_[A-Z0-9]+\.ics)`)

func TestACalendarReadsALinkUntilItIsRevoked(t *testing.T) {
	h := acme(t, night)
	pages := site(t, h, production)
	b := open(t, pages)
	b.signIn(webtest.AdminToken)
	require.Equal(t, http.StatusSeeOther, b.post("/oncall/feeds", fields(t, b.page("/oncall/mine"), "/oncall/feeds")).Code)
	page := b.page("/oncall/mine")
	found := feedAddress.FindStringSubmatch(page)
	require.NotNil(t, found)
	hides(t, b.page("/oncall/mine"), found[1])

	before := h.Heard()
	calendar := open(t, pages)
	w := calendar.get(found[1])
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "text/calendar; charset=utf-8", w.Header().Get("Content-Type"))
	require.Equal(t, before, h.Heard(), "reading changes nothing")
	read, err := ics.ParseCalendar(strings.NewReader(w.Body.String()))
	require.NoError(t, err)
	require.Greater(t, len(read.Events()), 5)
	seen := map[string]bool{}
	for _, e := range read.Events() {
		require.False(t, seen[e.Id()], "each shift has its own name")
		seen[e.Id()] = true
		from, err := e.GetStartAt()
		require.NoError(t, err)
		until, err := e.GetEndAt()
		require.NoError(t, err)
		require.True(t, from.Before(until))
	}
	h.Pass(time.Minute)
	require.Equal(t, w.Body.String(), calendar.get(found[1]).Body.String(), "the same shifts are the same text")

	var end string
	for _, line := range strings.Split(page, `"`) {
		if strings.HasPrefix(line, "/oncall/feeds/feed_") {
			end = line
		}
	}
	require.Equal(t, http.StatusSeeOther, b.post(end, fields(t, page, end)).Code)
	require.Equal(t, http.StatusForbidden, calendar.get(found[1]).Code)
	require.Equal(t, http.StatusForbidden, calendar.get("/feeds/blf_guess.ics").Code)
}

// What was picked in the calendar opens the form with a preview: of the reader standing in, else of who is there until now.
func TestTheFormOpensWithWhatWasPicked(t *testing.T) {
	h := acme(t, night)
	b := open(t, site(t, h, production))
	b.signIn(webtest.AdminToken)
	const path = "/oncall/schedules/payments-primary/override?zone=Europe/Berlin"
	page := b.page(path + "&from=2026-12-10T09:00&until=2026-12-11T09:00")
	shows(t, page, `value="2026-12-10T09:00"`, `value="2026-12-11T09:00"`, "What changes", `value="ana" selected`, "Make this override")
	shows(t, b.page(path+"&from=2026-12-10T09:00&until=2026-12-11T09:00&person=ben"), "What changes", `value="ben" selected`)
	hides(t, b.page(path), "What changes", "On call in this stretch")
	require.Empty(t, h.Heard())

	w := b.get(path + "&from=2026-12-11T09:00&until=2026-12-10T09:00")
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	shows(t, w.Body.String(), "must come after from")
}
