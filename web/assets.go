package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
)

//go:embed assets
var assetFiles embed.FS

// asset is one embedded file, addressed by its content so that browsers may keep it for ever.
type asset struct {
	body    []byte
	kind    string
	version string
}

func loadAssets() (map[string]asset, error) {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("list assets: %w", err)
	}
	found := map[string]asset{}
	for _, entry := range entries {
		kind := mimeOf(entry.Name())
		if kind == "" {
			continue // notes for people who read the source
		}
		body, err := assetFiles.ReadFile("assets/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read asset: %w", err)
		}
		sum := sha256.Sum256(body)
		found[entry.Name()] = asset{body: body, kind: kind, version: hex.EncodeToString(sum[:6])}
	}
	return found, nil
}

func mimeOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return ""
}

func (s *Site) asset(c echo.Context) error {
	a, ok := s.assets[c.Param("name")]
	if !ok {
		return fault.New(fault.NotFound, "no file of this name")
	}
	if c.QueryParam("v") == a.version {
		c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	return c.Blob(http.StatusOK, a.kind, a.body)
}
