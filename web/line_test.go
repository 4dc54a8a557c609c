package web_test

import (
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/internal/chromium"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

// condition of a line.
type condition int

const (
	up      condition = iota
	cut               // whoever calls is hung up on
	silent            // nothing arrives in either direction, and nobody hangs up
	gateway           // a proxy stands before it and says that nobody is behind
)

// line is the wire between a browser and a server.
type line struct {
	url string

	mu      sync.Mutex
	now     condition
	changed chan struct{} // closed by the next change
	calls   map[net.Conn]bool
}

func newLine(t *testing.T, s *httptest.Server) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &line{url: "http://" + listener.Addr().String(), changed: make(chan struct{}), calls: map[net.Conn]bool{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			browser, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { l.carry(browser, s.Listener.Addr().String()) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		l.is(cut)
		all.Wait()
	})
	return l
}

// is puts the line into a condition. Whoever is connected is hung up on, unless it falls silent.
func (l *line) is(next condition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = next
	close(l.changed)
	l.changed = make(chan struct{})
	if next == silent {
		return
	}
	for c := range l.calls {
		_ = c.Close()
	}
}

func (l *line) condition() (condition, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now, l.changed
}

func (l *line) carry(browser net.Conn, server string) {
	l.mu.Lock()
	l.calls[browser] = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.calls, browser)
		l.mu.Unlock()
		_ = browser.Close()
	}()
	switch now, changed := l.condition(); now {
	case cut:
		return
	case silent:
		<-changed
		return
	case gateway:
		_, _ = browser.Read(make([]byte, 4096))
		_, _ = io.WriteString(browser, "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: 11\r\n\r\nBad Gateway")
		return
	case up:
	}
	behind, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer behind.Close()
	var both sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{browser: behind, behind: browser} {
		both.Go(func() {
			defer browser.Close()
			defer behind.Close()
			piece := make([]byte, 32<<10)
			for {
				n, err := from.Read(piece)
				for now, changed := l.condition(); now == silent; now, changed = l.condition() {
					<-changed
				}
				if _, failed := to.Write(piece[:n]); err != nil || failed != nil {
					return
				}
			}
		})
	}
	both.Wait()
}

// overALine serves a house whose pages hear from it every half second.
func overALine(t *testing.T, h *webtest.House) (*line, *web.Bell) {
	t.Helper()
	bell := &web.Bell{}
	s := serveSite(t, site(t, h, func(o *web.Options) { o.Bell, o.Pulse = bell, 500*time.Millisecond }))
	t.Cleanup(bell.Close)
	return newLine(t, s.Server), bell
}

const (
	isLive  = "document.querySelector('#live.on') && !document.body.matches('.stale')"
	isStale = "document.querySelector('#live.stale') && document.body.matches('.stale')"
)

// Whatever becomes of the line: the page says since when it is stale, comes back by itself with what happened meanwhile,
// and half a note stays half a note, with the cursor in it.
func TestAPageThatLostItsLineSaysSoAndComesBackWithTheDraft(t *testing.T) {
	for name, trouble := range map[string]condition{"cut": cut, "silent": silent, "gateway": gateway} {
		t.Run(name, func(t *testing.T) {
			h := webtest.Typical(night)
			l, _ := overALine(t, h)
			tab := chromium.Open(t).Tab(t, chromium.Phone)
			tab.Go(l.url + "/escalations/E-42")
			tab.Await(isLive)
			tab.Press("#note-text")
			tab.Type("rolling back, half")

			l.is(trouble)
			tab.Await(isStale)
			tab.Shows("Not live since")
			tab.Shows("Connecting again")
			tab.Type(" done")
			h.Happens("E-42", escalation.EntryNoted, "ben", "Ben Okafor: still on the train", func(e *service.Escalation) { e.Repeats++ })

			l.is(up)
			tab.Await(isLive)
			tab.Shows("still on the train")
			require.Equal(t, "rolling back, half done", chromium.Ask[string](tab, "document.activeElement.value"))

			tab.Press("#note-form button")
			tab.Await("document.querySelector('#answer .notice')")
			require.Contains(t, h.Heard()[0], `note "rolling back, half done"`)
			require.Empty(t, chromium.Ask[string](tab, "document.querySelector('#note-text').value"), "what was sent is no draft any more")
		})
	}
}

// The end of an escalation takes its verbs away, and no words that somebody is writing.
func TestADraftOutlivesWhatItWasFor(t *testing.T) {
	h := webtest.Typical(night)
	l, bell := overALine(t, h)
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	tab.Go(l.url + "/escalations/E-42")
	tab.Await(isLive)
	tab.Press("#verb-escalate summary")
	tab.Press("#escalate-why")
	tab.Type("too big")
	tab.Press("#note-text")
	tab.Type("the cause was")
	for _, state := range []escalation.Phase{escalation.Acked, escalation.ResolvedP, escalation.Closed} {
		h.Happens("E-42", escalation.EntryNoted, "ben", "Ben Okafor: "+string(state), func(e *service.Escalation) { e.State = state })
		bell.Ring()
		tab.Shows("Ben Okafor: " + string(state))
		tab.Await("document.activeElement.value === 'the cause was'")
		tab.Await("document.querySelector('#escalate-why').value === 'too big'")
	}
}

// Sending into a dead line is not the end of a note: the page says what is known, keeps it, and sent again it counts once.
func TestWhatIsSentIntoADeadLineIsKeptAndCountsOnce(t *testing.T) {
	for name, trouble := range map[string]condition{"cut": cut, "gateway": gateway} {
		t.Run(name, func(t *testing.T) {
			h := webtest.Typical(night)
			l, _ := overALine(t, h)
			tab := chromium.Open(t).Tab(t, chromium.Phone)
			tab.Go(l.url + "/escalations/E-42")
			tab.Await(isLive)
			key := chromium.Ask[string](tab, "document.querySelector('#note-form [name=key]').value")
			tab.Press("#note-text")
			tab.Type("disk is full")
			l.is(trouble)
			tab.Press("#note-form button")
			tab.Shows("We cannot say whether your request arrived.")
			require.Equal(t, "disk is full", chromium.Ask[string](tab, "document.querySelector('#note-text').value"))
			for _, barrier := range tab.Barriers() {
				t.Error(barrier)
			}
			l.is(up)
			tab.Await(isLive)
			require.Equal(t, key, chromium.Ask[string](tab, "document.querySelector('#note-form [name=key]').value"), "or it would count twice")
			tab.Press("#note-form button")
			tab.Await("document.querySelector('#answer .notice:not(.bad)')")
			require.Contains(t, h.Heard()[0], "disk is full")
			tab.Await("document.querySelector('#note-form [name=key]').value !== " + `"` + key + `"`)
		})
	}
}

func TestARefusalIsSaidInThePageAndTakesNothingAway(t *testing.T) {
	h := webtest.Typical(night)
	s := serve(t, h)
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	tab.Go(s.URL + "/escalations/E-42")
	tab.Press("#note-text")
	tab.Type("half a note")
	chromium.Ask[bool](tab, "document.querySelector('#verb-snooze [name=form_token]').value = 'forged', true")
	tab.Press("#verb-snooze summary")
	tab.Press("#verb-snooze button")
	tab.Shows("Your request was refused and changed nothing.")
	tab.Shows("This form is too old")
	require.Equal(t, "half a note", chromium.Ask[string](tab, "document.querySelector('#note-text').value"))
	require.True(t, strings.HasSuffix(tab.Address(), "/escalations/E-42"))
	require.Empty(t, h.Heard())
	tab.Press(`form[action$="/acknowledge"] button`)
	tab.Shows("You have E-42.")
	require.Equal(t, "half a note", chromium.Ask[string](tab, "document.querySelector('#note-text').value"), "another verb leaves the note alone")
}
