package web_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/internal/chromium"
)

// TestPictures writes what people see to a folder, for a person to look at: make screenshots.
func TestPictures(t *testing.T) {
	dir := os.Getenv("BELAY_PICTURES")
	if dir == "" {
		t.Skip("make screenshots writes them")
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	b, all := chromium.Open(t), houses(t)
	for _, s := range sights() {
		at := serveSite(t, all[s.house]).URL
		tab := b.Tab(t, chromium.Desk)
		for size, view := range map[string]chromium.View{"phone": chromium.Phone, "desk": chromium.Desk, "wall": chromium.Wall} {
			if size == "wall" && s.name != "now-wall" && s.name != "now" && s.name != "escalation" {
				continue
			}
			for theme, dark := range map[string]bool{"dark": true, "light": false} {
				view.Dark = dark
				tab.View(view)
				s.goTo(tab, at)
				file := filepath.Join(dir, s.name+"-"+size+"-"+theme)
				require.NoError(t, os.WriteFile(file+".png", tab.Picture(), 0o644))
				if size == "phone" && dark { // all of it, however far one would scroll
					whole := view
					whole.Height = min(6000, chromium.Ask[int](tab, "document.documentElement.scrollHeight"))
					tab.View(whole)
					require.NoError(t, os.WriteFile(file+"-whole.png", tab.Picture(), 0o644))
				}
			}
		}
	}
}
