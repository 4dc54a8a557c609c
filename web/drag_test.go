package web_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/internal/chromium"
)

// onDay is a place in the calendar: a day of the week in sight, from 0, and a part of it.
func onDay(day int, part float64) chromium.Place {
	return chromium.Place{Selector: `.almanac li:nth-child(` + string(rune('1'+day)) + `) svg.lanes`, X: part, Y: 0.4}
}

const nextWeek = "/oncall/schedules/payments-primary?zone=Europe/Berlin&from=2026-11-30"

func inSight(tab *chromium.Tab) {
	tab.Await("document.querySelector('[data-picking]:not([hidden])')")
	chromium.Ask[bool](tab, "document.querySelector('.almanac').scrollIntoView({block: 'start'}), true")
}

func TestAnOverrideIsPickedByDraggingOverTheCalendar(t *testing.T) {
	h := acme(t, night)
	s := serve(t, h)
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	tab.Go(s.URL + nextWeek)
	inSight(tab)
	tab.Drag(onDay(1, 0.251), onDay(2, 0.749)) // a little beside 6 and 18 o'clock
	tab.Await("location.pathname.endsWith('/override')")
	tab.Await("document.querySelector('#from')?.value === '2026-12-01T06:00'")
	require.Equal(t, "2026-12-02T18:00", chromium.Ask[string](tab, "document.querySelector('#until').value"))
	tab.Shows("On call in this stretch until now")
	require.Empty(t, h.Heard(), "nothing is made by looking")

	chromium.Ask[bool](tab, "document.querySelector('#person').value = 'ben', true")
	tab.Press(`form.card.stack button[type="submit"]`)
	tab.Shows("What changes")
	tab.Press(".preview button.primary")
	tab.Await("!location.pathname.endsWith('/override')")
	require.Len(t, h.Heard(), 1)
	require.True(t, strings.HasPrefix(h.Heard()[0], "override payments-primary ben 2026-12-01T05:00:00Z–2026-12-02T17:00:00Z"), h.Heard())
}

// Backwards is as good as forwards, a click is nothing, and Escape takes it back.
func TestADragMayGoBackwardsAndMayBeGivenUp(t *testing.T) {
	s := serve(t, acme(t, night))
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	tab.Go(s.URL + nextWeek)
	inSight(tab)
	tab.Drag(onDay(3, 0.5), onDay(3, 0.5))
	tab.Hold(onDay(3, 0.5), onDay(1, 0.25))
	tab.Await("document.querySelectorAll('.lanes .picked').length === 3")
	tab.Shows("(2 d 6 h)")
	tab.Type("\x1b")
	tab.Await("document.querySelectorAll('.lanes .picked').length === 0")
	tab.Drag(onDay(1, 0.25), onDay(1, 0.25)) // lets go
	require.NotContains(t, tab.Address(), "/override")

	tab.Drag(onDay(3, 0.5), onDay(1, 0.25))
	tab.Await("document.querySelector('#until')?.value === '2026-12-03T12:00'")
	require.Equal(t, "2026-12-01T06:00", chromium.Ask[string](tab, "document.querySelector('#from').value"))
}

func TestAnOverrideIsPickedByAFinger(t *testing.T) {
	s := serve(t, acme(t, night))
	tab := chromium.Open(t).Tab(t, chromium.Phone)
	tab.Go(s.URL + nextWeek)
	inSight(tab)
	tab.Swipe(onDay(1, 0.25), onDay(1, 0.75))
	tab.Await("document.querySelector('#until')?.value === '2026-12-01T18:00'")
	require.Equal(t, "2026-12-01T06:00", chromium.Ask[string](tab, "document.querySelector('#from').value"))
}

// A day on which clocks change has its own length: what is picked is what the wall says there.
func TestADragOverADayOnWhichClocksChange(t *testing.T) {
	s := serve(t, acme(t, night))
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	tab.Go(s.URL + "/oncall/schedules/payments-primary?zone=Europe/Berlin&from=2027-03-22")
	inSight(tab)
	tab.Drag(onDay(6, 0.0), onDay(6, 10.0/23)) // ten hours after midnight of a day of 23
	tab.Await("document.querySelector('#until')?.value === '2027-03-28T11:00'")
}
