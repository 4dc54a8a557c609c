package web_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/internal/chromium"
	"github.com/belayhq/belay/web/webtest"
)

// TestPictures writes what people see to a folder, for a person to look at: make screenshots.
func TestPictures(t *testing.T) {
	dir := os.Getenv("BELAY_PICTURES")
	if dir == "" {
		t.Skip("make screenshots writes them")
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	shows := []struct {
		name, path string
		house      *webtest.House
	}{
		{"now", "/", webtest.Typical(night)},
		{"now-filter", "/?state=open", webtest.Typical(night)},
		{"now-wall", "/?wall=1", webtest.Typical(night)},
		{"now-empty", "/", webtest.Empty(night)},
		{"escalation", "/escalations/E-42", webtest.Typical(night)},
		{"sandbox", "/sandbox", webtest.Typical(night)},
		{"sandbox-empty", "/sandbox", webtest.Empty(night)},
		{"link", "/a/" + webtest.BenLink, webtest.Typical(night)},
		{"link-vendor", "/a/" + webtest.VendorLink, webtest.Typical(night)},
		{"link-expired", "/a/" + webtest.OldLink, webtest.Typical(night)},
		{"login", "/login", webtest.Typical(night)},
		{"problem", "/escalations/E-7", webtest.Typical(night)},
		{"hostile", "/", webtest.Hostile(night)},
	}
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	for _, show := range shows {
		s := serve(t, show.house)
		for size, view := range map[string]chromium.View{"phone": chromium.Phone, "desk": chromium.Desk, "wall": chromium.Wall} {
			if size == "wall" && show.name != "now-wall" && show.name != "now" && show.name != "escalation" {
				continue
			}
			for theme, dark := range map[string]bool{"dark": true, "light": false} {
				view.Dark = dark
				tab.View(view)
				tab.Go(s.URL + show.path)
				tab.Await("document.readyState === 'complete'")
				file := filepath.Join(dir, show.name+"-"+size+"-"+theme+".png")
				require.NoError(t, os.WriteFile(file, tab.Picture(), 0o644))
			}
		}
	}
}
