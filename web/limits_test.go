package web_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

// Whoever guesses tokens or links is slowed down; whoever has one comes in by the same address at the same moment.
func TestAGuesserIsSlowedDownAndLocksNobodyOut(t *testing.T) {
	h := webtest.Typical(night)
	pages := site(t, h, func(o *web.Options) { production(o); o.Limits = &service.Limits{Strangers: 1} })
	guesser := open(t, pages)
	for range 5 {
		require.Equal(t, http.StatusUnauthorized, guesser.signIn("blt_wrong").Code)
	}
	slow := guesser.signIn("blt_wrong")
	require.Equal(t, http.StatusTooManyRequests, slow.Code)
	require.Equal(t, "1", slow.Header().Get("Retry-After"))
	require.Equal(t, http.StatusTooManyRequests, guesser.get("/a/forged.link").Code)
	bearer := open(t, pages)
	bearer.change = func(r *http.Request) { r.Header.Set("Authorization", "Bearer blt_wrong") }
	require.Equal(t, http.StatusTooManyRequests, bearer.get("/").Code)

	ana := open(t, pages)
	require.Equal(t, http.StatusSeeOther, ana.get("/").Code, "having no token is no guess")
	require.Equal(t, http.StatusSeeOther, ana.signIn(webtest.AdminToken).Code)
	require.Equal(t, http.StatusOK, ana.get("/").Code)
	require.Equal(t, http.StatusOK, open(t, pages).get("/a/"+webtest.BenLink).Code)
	h.Pass(time.Second)
	require.Equal(t, http.StatusUnauthorized, guesser.signIn("blt_wrong").Code)
}

func TestWhoAsksForPagesTooOftenIsToldWhenToComeBack(t *testing.T) {
	h := webtest.Typical(night)
	pages := site(t, h, func(o *web.Options) { production(o); o.Limits = &service.Limits{Callers: 0.2} })
	for _, path := range []string{"/a/" + webtest.BenLink, "/"} {
		b := open(t, pages)
		b.change = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+webtest.AdminToken) }
		require.Equal(t, http.StatusOK, b.get(path).Code)
		slow := b.get(path)
		require.Equal(t, http.StatusTooManyRequests, slow.Code, path)
		require.Equal(t, "5", slow.Header().Get("Retry-After"))
	}
}

func TestOneCallerKeepsSoManyLivePagesOpenAndNoMore(t *testing.T) {
	h := webtest.Typical(night)
	limits := &service.Limits{StreamsOfOne: 2}
	server := httptest.NewServer(site(t, h, func(o *web.Options) { o.Limits = limits }))
	defer server.Close()
	all, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	live := func(ctx context.Context) *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events", nil)
		require.NoError(t, err)
		r.Header.Set("Accept", "text/event-stream")
		r.Header.Set("Authorization", "Bearer "+webtest.ViewerToken)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = answer.Body.Close() })
		return answer
	}
	first, leave := context.WithCancel(all)
	require.Equal(t, http.StatusOK, live(first).StatusCode)
	require.Equal(t, http.StatusOK, live(all).StatusCode)
	refused := live(all)
	require.Equal(t, http.StatusTooManyRequests, refused.StatusCode)
	require.Equal(t, "10", refused.Header.Get("Retry-After"))
	require.Equal(t, "application/problem+json", refused.Header.Get("Content-Type"))
	leave()
	require.Eventually(t, func() bool { return live(all).StatusCode == http.StatusOK }, time.Minute, 20*time.Millisecond)
}

// A stream that is read outlasts what the server allows for a page; one whose reader has stopped reading, behind a line
// that is still there, gives its place back.
func TestAStreamLastsAsLongAsItIsRead(t *testing.T) {
	h, bell := webtest.Typical(night), &web.Bell{}
	const allowed = 300 * time.Millisecond
	server := httptest.NewUnstartedServer(site(t, h, func(o *web.Options) { o.Bell, o.PieceWithin = bell, allowed }))
	server.Config.WriteTimeout = allowed
	ended := make(chan struct{}, 1)
	server.Config.ConnState = func(c net.Conn, s http.ConnState) {
		switch tcp, _ := c.(*net.TCPConn); s {
		case http.StateNew:
			_ = tcp.SetWriteBuffer(4 << 10) // soon full, when nobody reads
		case http.StateClosed:
			ended <- struct{}{}
		case http.StateActive, http.StateIdle, http.StateHijacked:
		}
	}
	server.Start()
	defer server.Close()
	defer bell.Close()
	line, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer line.Close()
	require.NoError(t, line.(*net.TCPConn).SetReadBuffer(4<<10))
	_, err = line.Write([]byte("GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
	require.NoError(t, err)

	require.NoError(t, line.SetReadDeadline(time.Now().Add(time.Minute)))
	answer, err := http.ReadResponse(bufio.NewReader(line), nil)
	require.NoError(t, err)
	read := bufio.NewReader(answer.Body) // what is awaited may lie across two pieces of the line
	await := func(words string) {
		require.NoError(t, line.SetReadDeadline(time.Now().Add(5*time.Second)))
		for {
			text, err := read.ReadString('\n')
			require.NoError(t, err)
			if strings.Contains(text, words) {
				return
			}
		}
	}
	await("event: counts")
	for began, n := time.Now(), 0; time.Since(began) < 3*allowed; n++ {
		h.Add(another(n, "still read"))
		bell.Ring()
		await(fmt.Sprint("still read ", n))
	}
	for n := 1000; ; n++ { // nobody reads from here on
		h.Add(another(n, strings.Repeat("x", 1000)))
		bell.Ring()
		select {
		case <-ended:
			return
		case <-time.After(20 * time.Millisecond): // until the buffers between are full
			require.Less(t, n, 2000, "its place is still held")
		}
	}
}

func another(n int, title string) service.Escalation {
	return service.Escalation{Summary: escalation.Summary{
		ID: id.Escalation(fmt.Sprint("E-", 9000+n)), State: escalation.Open, Title: fmt.Sprint(title, " ", n), Priority: "P1", OpenedAt: night,
	}}
}
