package web_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPicturesOfTheHouse writes the pages of the example company to a folder, as TestPictures does.
func TestPicturesOfTheHouse(t *testing.T) {
	dir := os.Getenv("BELAY_PICTURES")
	browser, err := exec.LookPath("chromium")
	if dir == "" || err != nil {
		t.Skip("set BELAY_PICTURES to a folder, with chromium in PATH, to see the pages")
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	server := httptest.NewServer(site(t, acme(t, night), nil))
	defer server.Close()
	defer server.CloseClientConnections()
	for name, path := range housePages() {
		for _, width := range []int{360, 1280} {
			for theme, setting := range map[string]string{"dark": "0", "light": "1"} {
				file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, theme))
				take(t, browser, server.URL+path, file, width, map[int]int{360: 1600, 1280: 1200}[width], setting)
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
