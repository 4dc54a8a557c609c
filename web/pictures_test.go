package web_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/web/webtest"
)

// TestPictures writes what people see to a folder, for a person to look at: BELAY_PICTURES=dir, and Chromium.
func TestPictures(t *testing.T) {
	dir := os.Getenv("BELAY_PICTURES")
	browser, err := exec.LookPath("chromium")
	if dir == "" || err != nil {
		t.Skip("set BELAY_PICTURES to a folder, with chromium in PATH, to see the pages")
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	night := time.Date(2026, 11, 24, 2, 15, 0, 0, time.UTC)
	shows := []struct {
		name, path string
		house      *webtest.House
	}{
		{"now", "/", webtest.Typical(night)},
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
	for _, show := range shows {
		server := httptest.NewServer(site(t, show.house, nil))
		for _, width := range []int{360, 1280, 2560} {
			for theme, setting := range map[string]string{"dark": "0", "light": "1"} {
				height := map[int]int{360: 1400, 1280: 1000, 2560: 1440}[width]
				file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", show.name, width, theme))
				take(t, browser, server.URL+show.path, file, width, height, setting)
			}
		}
		server.CloseClientConnections()
		server.Close()
	}
}

func take(t *testing.T, browser, url, file string, width, height int, scheme string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	shot := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--user-data-dir="+t.TempDir(), "--blink-settings=preferredColorScheme="+scheme, "--timeout=1500",
		fmt.Sprintf("--window-size=%d,%d", width, height), "--screenshot="+file, url)
	shot.Env = append(os.Environ(), "TZ=Europe/Madrid")
	out, err := shot.CombinedOutput()
	require.NoError(t, err, string(out))
	require.FileExists(t, file, string(out))
}
