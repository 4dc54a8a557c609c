package web_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/internal/chromium"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/web/webtest"
)

func TestAThousandRowsMoveOneByOne(t *testing.T) {
	h := webtest.Empty(night)
	for n := range 1000 {
		h.Add(another(n, "one of a thousand"))
	}
	s := serve(t, h)
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	tab.Go(s.URL + "/")
	tab.Await("document.querySelector('#live.on')")
	tab.Await("document.querySelectorAll('#live-rows > .row').length === 1000")
	tab.Await("document.querySelector('#counts b').innerText === '1000'")
	chromium.Ask[bool](tab, `(() => { window.touched = new Set();
		new MutationObserver((all) => { for (const m of all) { const row = (m.target.nodeType === 1 ? m.target : m.target.parentElement).closest('.row, ol');
			if (row && !m.target.closest?.('time')) window.touched.add(row.id); } }).observe(document.querySelector('#live-rows'), {subtree: true, childList: true, attributes: true, characterData: true});
		document.querySelector('#row-E-9500 a').focus(); return true; })()`)
	h.Happens("E-9007", escalation.EntryNoted, "ben", "looked", func(e *service.Escalation) { e.Title = "this one changed" })
	s.bell.Ring()
	// Rows out of sight are not laid out, and have no innerText.
	tab.Await("document.querySelector('#row-E-9007').textContent.includes('this one changed')")
	require.Equal(t, "row-E-9007", chromium.Ask[string](tab, "[...window.touched].join(' ')"))
	require.Equal(t, "/escalations/E-9500", chromium.Ask[string](tab, "document.activeElement.getAttribute('href')"))
}

func TestAViewIsKeptByItsName(t *testing.T) {
	s := serve(t, webtest.Typical(night))
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	tab.Go(s.URL + "/?priority=P2")
	tab.Shows("2 of 4 match the filter")
	tab.Press("#view-name")
	tab.Type("the twos\r")
	tab.Await(`document.querySelector('#views ul a')?.innerText === 'the twos'`)
	tab.Go(s.URL + "/?state=open")
	tab.Press("#views ul a")
	tab.Await(`location.search === '?priority=P2'`)
	tab.Press("#views ul button")
	tab.Await(`!document.querySelector('#views ul a')`)
}

func TestThemeAndLanguageAreChosenByTheReader(t *testing.T) {
	s := serve(t, webtest.Typical(night))
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	tab.Go(s.URL + "/escalations/E-42")
	ground := chromium.Ask[string](tab, "getComputedStyle(document.body).backgroundColor")
	tab.Press(".menu summary")
	chromium.Ask[bool](tab, "document.querySelector('#theme').value = 'dark', document.querySelector('#language').value = 'de', true")
	tab.Press(".menu form[action$='/look'] button")
	tab.Await("document.documentElement.lang === 'de'")
	tab.Shows("Übernehmen")
	tab.Shows("in 4 min")
	require.True(t, strings.HasSuffix(tab.Address(), "/escalations/E-42"), "one stays on the page")
	require.NotEqual(t, ground, chromium.Ask[string](tab, "getComputedStyle(document.body).backgroundColor"))
	for _, barrier := range tab.Barriers() {
		t.Error(barrier)
	}
}
