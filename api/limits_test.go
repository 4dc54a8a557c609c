package api_test

import (
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/service"
)

func TestCompressedBodiesAreNotOpened(t *testing.T) {
	h := newHouse(t)
	got := h.as(service.Admin, "POST", "/v1/escalations", `{"service":"payments","title":"x"}`, "Content-Encoding", "gzip")
	require.Equal(t, "Content-Encoding", got.problem(http.StatusUnsupportedMediaType))
	event := h.as("", "POST", "/v2/enqueue", trigger, "Content-Encoding", "gzip")
	require.Equal(t, http.StatusBadRequest, event.status)
	require.Contains(t, event.body, "not compressed")
	require.Equal(t, http.StatusAccepted, h.as("", "POST", "/v2/enqueue", trigger, "Content-Encoding", "identity").status)
}

// What a body is made of is bounded before it is taken apart, by whoever may send it.
func TestABodyIsNoBomb(t *testing.T) {
	h := newHouse(t)
	open := func(details string) string {
		return `{"service":"payments","title":"x","details":{"d":` + details + `}}`
	}
	for name, c := range map[string]struct {
		path, body string
		status     int
	}{
		"deep":                 {"/v1/escalations", open(strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000)), 400},
		"deep enough":          {"/v1/escalations", open(strings.Repeat("[", 60) + strings.Repeat("]", 60)), 201},
		"wide":                 {"/v1/escalations", open("[" + strings.Repeat("{},", 200_000) + "{}]"), 413},
		"wide enough":          {"/v1/escalations", open("[" + strings.Repeat("1,", 15_000) + "1]"), 201},
		"texts count as one":   {"/v1/escalations", open(`["` + strings.Repeat(`,[{\"`, 100_000) + `"]`), 201},
		"wide blueprint":       {"/v1/blueprint/plan", `{"files":[` + strings.Repeat("{},", 5_000_000) + "{}]}", 413},
		"unknown keys":         {"/v1/escalations", `{"service":"payments","title":"x"` + strings.Repeat(`,"k":1`, 19_000) + "}", 400},
		"different ones":       {"/v1/escalations", `{"service":"payments","title":"x"` + manyKeys(10_000) + "}", 400},
		"wrong in every place": {"/v1/escalations", `{"service":"payments","title":"x","links":[` + strings.Repeat("1,", 15_000) + "1]}", 400},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := h.as(service.Admin, "POST", c.path, c.body)
			runtime.ReadMemStats(&after)
			require.Equal(t, c.status, got.status, got.body)
			require.Less(t, len(got.body), 64<<10, "the answer is no bomb either")
			require.Less(t, int64(after.TotalAlloc-before.TotalAlloc), int64(8*len(c.body)+64<<20))
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	return b.String()
}

// Only the proxies that an operator names may say who asks.
func TestAHeaderMakesNobodySomebodyElse(t *testing.T) {
	h := newHouse(t, func(h *house) { h.options.Limits = &service.Limits{Strangers: 0.2} })
	guess := func(forwarded string) int {
		return h.as("", "GET", "/v1/me", "", "Authorization", "Bearer blt_x", "X-Forwarded-For", forwarded, "X-Real-Ip", forwarded).status
	}
	require.Equal(t, http.StatusUnauthorized, guess("198.51.100.1"))
	require.Equal(t, http.StatusTooManyRequests, guess("198.51.100.2"), "still the same peer")

	_, network, err := net.ParseCIDR("192.0.2.0/24") // httptest's peer is 192.0.2.1
	require.NoError(t, err)
	h.echo.IPExtractor = echo.ExtractIPFromXFFHeader(echo.TrustIPRange(network))
	require.Equal(t, http.StatusUnauthorized, guess("198.51.100.3"))
	require.Equal(t, http.StatusTooManyRequests, guess("198.51.100.3"))
	require.Equal(t, http.StatusTooManyRequests, guess("198.51.100.9, 198.51.100.3"), "what the client wrote before is not believed")
	require.Equal(t, http.StatusUnauthorized, guess("198.51.100.4"))
}

// A guesser behind the same address is slowed down; whoever has a token is not.
func TestAGuesserLocksNobodyOut(t *testing.T) {
	h := newHouse(t)
	for range 200 {
		h.as("", "GET", "/v1/me", "", "Authorization", "Bearer blt_wrong")
	}
	slow := h.as("", "GET", "/v1/me", "", "Authorization", "Bearer blt_wrong")
	slow.problem(http.StatusTooManyRequests)
	require.NotEmpty(t, slow.header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, h.as(service.Viewer, "GET", "/v1/me", "").status)
	require.Equal(t, http.StatusAccepted, h.as("", "POST", "/v2/enqueue", trigger).status)
}
