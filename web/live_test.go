package web_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

// listener reads a live stream line by line.
type listener struct {
	t     *testing.T
	lines *bufio.Scanner
}

func listen(t *testing.T, h *webtest.House, path string, change func(*web.Options)) (*listener, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(site(t, h, change))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	require.Equal(t, "text/event-stream; charset=utf-8", answer.Header.Get("Content-Type"))
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 4<<20)
	return &listener{t: t, lines: lines}, server
}

// event is the next one that brings something: its name and its data.
func (l *listener) event() (name, data string) {
	l.t.Helper()
	var b strings.Builder
	for l.lines.Scan() {
		line := l.lines.Text()
		switch {
		case strings.HasPrefix(line, "event: "):
			require.Empty(l.t, name, "an event inside an event")
			name = strings.TrimPrefix(line, "event: ")
		case strings.HasPrefix(line, "data: "):
			b.WriteString(strings.TrimPrefix(line, "data: ") + "\n")
		case line == "" && name == "pulse":
			name = ""
			b.Reset()
		case line == "" && name != "":
			return name, b.String()
		case line == "":
		default:
			require.Failf(l.t, "a line that is no event", "%q", line)
		}
	}
	return "", ""
}

func TestAnOpenPageHearsWhatChanged(t *testing.T) {
	h := webtest.Typical(night)
	bell := &web.Bell{}
	l, server := listen(t, h, "/escalations/E-42/events", func(o *web.Options) { o.Bell = bell })
	for _, want := range []string{"head", "verbs", "story"} {
		name, data := l.event()
		require.Equal(t, want, name)
		hides(t, data, "Ana Pérez has it")
	}
	_ = server
	b := open(t, site(t, h, nil))
	b.change = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+webtest.AdminToken) }
	form := url.Values{"key": {"abcdefgh"}}
	require.Equal(t, http.StatusSeeOther, b.post("/escalations/E-42/acknowledge", form).Code)
	bell.Ring()
	for _, want := range []string{"head", "verbs", "story"} {
		name, data := l.event()
		require.Equal(t, want, name)
		if name == "story" {
			shows(t, data, "Ana Pérez has it")
		}
	}
	bell.Close()
	name, _ := l.event()
	require.Empty(t, name, "the stream ends, so that a server can stop")
}

func TestHostileTextsCannotForgeEvents(t *testing.T) {
	for _, path := range []string{"/events", "/sandbox/events", "/escalations/E-105/events"} {
		bell := &web.Bell{}
		l, _ := listen(t, webtest.Hostile(night), path, func(o *web.Options) { o.Bell = bell })
		name, data := l.event()
		require.NotEmpty(t, name)
		hides(t, data, "<script>")
		bell.Close()
	}
}

func TestNothingIsSentWhileNothingChanges(t *testing.T) {
	h := webtest.Typical(night)
	bell := &web.Bell{}
	l, _ := listen(t, h, "/events", func(o *web.Options) { o.Bell = bell })
	name, _ := l.event()
	require.Equal(t, "counts", name)
	for _, list := range []string{"live", "over"} {
		name, _ = l.event()
		require.Equal(t, list, name)
	}
	h.Pass(time.Second) // clocks count in the browser
	bell.Ring()
	bell.Ring()
	bell.Close()
	name, _ = l.event()
	require.Empty(t, name)
}
