package web_test

import (
	"testing"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/web/webtest"
)

// three escalations of the example company: two of payments in EMEA, one of which somebody has, and one of ledger in the Americas.
func three(t *testing.T) *webtest.House {
	t.Helper()
	h := acme(t, night)
	add := func(e id.Escalation, s id.Service, title string, state escalation.Phase) {
		h.Add(service.Escalation{Summary: escalation.Summary{
			ID: e, State: state, Title: title, Service: s, Kind: org.Technical, Priority: org.P2, Tier: 1, TierName: "on call", Round: 1, OpenedAt: night, Seq: 1,
		}, ServiceName: string(s)}, escalation.Entry{At: night, Kind: escalation.EntryOpened, Actor: "monitor", Text: "opened"})
	}
	add("E-1", "payments", "cards fail", escalation.Open)
	add("E-2", "checkout", "checkout slow", escalation.Acked)
	add("E-3", "ledger", "ledger late", escalation.Open)
	return h
}

func TestNowCountsByUnitAndByTeam(t *testing.T) {
	b := open(t, site(t, three(t), nil))
	page := b.page("/")
	shows(t, page, `aria-label="By unit"`, `aria-label="By team"`, `href="/?unit=emea"`, `href="/?unit=americas"`, `href="/?team=payments"`, `href="/?team=ledger"`)

	narrowed := b.page("/?team=ledger")
	shows(t, narrowed, "ledger late", "1 of 3 match the filter", `href="/?team=payments"`)
	hides(t, narrowed, "cards fail")
}

// A wall shows what goes on and nothing to press; it keeps its filter, and hears news as the page does.
func TestAWallShowsWhatGoesOnAndKeepsItsFilter(t *testing.T) {
	b := open(t, site(t, three(t), nil))
	shows(t, b.page("/?team=payments"), `href="/?team=payments&amp;wall=1"`)
	wall := b.page("/?team=payments&wall=1")
	shows(t, wall, "cards fail", "checkout slow", "data-clock", `href="/?team=payments"`, `"/events?team=payments&amp;wall=1"`)
	hides(t, wall, "ledger late", `name="unit"`, "Recently resolved")
}
