package web_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/internal/chromium"
)

// TestPicturesOfTheHouse writes the pages of the example company to a folder, as TestPictures does.
func TestPicturesOfTheHouse(t *testing.T) {
	dir := os.Getenv("BELAY_PICTURES")
	if dir == "" {
		t.Skip("make screenshots writes them")
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	s := serve(t, acme(t, night))
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	for name, path := range housePages() {
		for size, view := range map[string]chromium.View{"phone": chromium.Phone, "desk": chromium.Desk} {
			for theme, dark := range map[string]bool{"dark": true, "light": false} {
				view.Dark = dark
				tab.View(view)
				tab.Go(s.URL + path)
				require.NoError(t, os.WriteFile(filepath.Join(dir, name+"-"+size+"-"+theme+".png"), tab.Picture(), 0o644))
			}
		}
	}
}

func housePages() map[string]string {
	return map[string]string{
		"oncall":   "/oncall",
		"roster":   "/oncall/schedules/payments-primary?zone=Europe/Berlin&view=fortnight",
		"override": "/oncall/schedules/payments-primary/override?zone=Europe/Berlin",
		"mine":     "/oncall/mine",
		"people":   "/people",
		"person":   "/people/ana",
		"services": "/services",
		"service":  "/services/payments",
		"history":  "/services/revisions",
		"simulate": "/simulate?service=payments&at=2026-11-24T03:00",
	}
}
