package web_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/internal/chromium"
	"github.com/belayhq/belay/web/webtest"
)

func TestNobodyIsKeptOutOfAnyPage(t *testing.T) {
	b := chromium.Open(t)
	for name, h := range map[string]*webtest.House{"typical": webtest.Typical(night), "empty": webtest.Empty(night)} {
		s := serve(t, h)
		paths := append(everyPage(h), "/?wall=1", "/?priority=P1&state=open")
		if name == "typical" {
			paths = append(paths, "/escalations/E-42?show=people")
		}
		tab := b.Tab(t, chromium.Desk)
		for _, path := range paths {
			for _, dark := range []bool{false, true} {
				view := chromium.Desk
				if dark {
					view = chromium.Phone // each theme and each size once: what they share is the same page
				}
				view.Dark = dark
				tab.View(view)
				tab.Go(s.URL + path)
				for _, barrier := range tab.Barriers() {
					t.Errorf("%s %s (dark: %t): %s", name, path, dark, barrier)
				}
				require.LessOrEqual(t, chromium.Ask[int](tab, "document.documentElement.scrollWidth"), view.Width, "%s is wider than the screen", path)
			}
		}
	}
}
