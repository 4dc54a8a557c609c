package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
)

// Bell wakes every open page at once. Its zero value is ready; it is safe for concurrent use.
type Bell struct {
	mu     sync.Mutex
	rung   chan struct{} // closed by the next Ring
	closed chan struct{}
}

// Ring says that something may have changed.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
	}
	b.rung = nil
}

// Run rings for everything that arrives, until the context ends or changes is closed; then it lets go of the pages,
// so that a server can shut down without waiting for them.
func (b *Bell) Run(ctx context.Context, changes <-chan string) {
	defer b.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-changes:
			if !open {
				return
			}
			b.Ring()
		}
	}
}

// Close ends every open stream. Browsers come back by themselves.
func (b *Bell) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready()
	select {
	case <-b.closed:
	default:
		close(b.closed)
	}
}

func (b *Bell) listen() (rung, closed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready()
	return b.rung, b.closed
}

func (b *Bell) ready() {
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	if b.closed == nil {
		b.closed = make(chan struct{})
	}
}

const (
	streamLasts = 10 * time.Minute // then the browser comes back and is asked again who it is
	streamPulse = 15 * time.Second // proxies close what is silent, and pages tell by it that the line is dead
	streamLooks = time.Second      // how often a page looks by itself, should no bell ring
)

// patient gives every piece of a stream a deadline of its own: the server's is meant for pages, and a reader who has
// stopped reading holds no place for ever. Not every writer has deadlines.
type patient struct {
	*echo.Response
	within time.Duration
}

func (p patient) Write(b []byte) (int, error) {
	_ = http.NewResponseController(p.Response).SetWriteDeadline(time.Now().Add(p.within))
	return p.Response.Write(b)
}

// part is one piece of a live page: it is sent again when its data has changed, not when a second has passed.
type part struct {
	Event string
	Data  any
	Page  templ.Component

	// A list: of its rows only those are sent that changed, and by Order the browser puts them where they belong and
	// drops what is not named any more. A row's Event is its own in the whole stream.
	Rows  []part
	Order []string
}

// stream keeps a page live. Parts are asked for whenever the bell rings, and every few moments anyway.
func (s *Site) stream(c echo.Context, parts func(context.Context) ([]part, error)) error {
	leave, err := s.Limits.Stream(visitorOf(c).caller)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(c.Request().Context(), streamLasts)
	defer cancel()
	w := patient{c.Response(), s.PieceWithin}
	w.Header().Set(echo.HeaderContentType, "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	if _, err := io.WriteString(w, "event: pulse\ndata: .\n\n"); err != nil {
		return nil // the browser has gone
	}
	look, ping := time.NewTicker(streamLooks), time.NewTicker(s.Pulse)
	defer look.Stop()
	defer ping.Stop()
	sent := map[string][sha256.Size]byte{}
	for {
		rung, closed := s.Bell.listen() // before looking: what changes while we look rings again
		now, err := parts(ctx)
		if err != nil {
			s.Log.WarnContext(ctx, "live page not refreshed", "path", c.Path(), "error", err)
			return nil // the page says that it is stale, and comes back
		}
		if err := sendChanged(ctx, w, now, sent); err != nil {
			return nil
		}
		w.Flush()
		select {
		case <-ctx.Done():
			return nil
		case <-closed:
			return nil
		case <-rung:
		case <-look.C:
		case <-ping.C:
			if _, err := io.WriteString(w, "event: pulse\ndata: .\n\n"); err != nil {
				return nil
			}
		}
	}
}

func sendChanged(ctx context.Context, w io.Writer, parts []part, sent map[string][sha256.Size]byte) error {
	for _, p := range parts {
		var text string
		var err error
		if p.Page == nil {
			text, err = changedRows(ctx, p, sent)
		} else {
			text, err = changed(ctx, p, p.Data, sent)
		}
		if err != nil {
			return err
		}
		if text == "" {
			continue
		}
		// A bare carriage return would end the line for a browser too.
		text = strings.NewReplacer("\r\n", "\ndata: ", "\r", "\ndata: ", "\n", "\ndata: ").Replace(text)
		if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", p.Event, text); err != nil {
			return err
		}
	}
	return nil
}

// changed renders a part if its data is not what was sent last; empty if it is.
func changed(ctx context.Context, p part, data any, sent map[string][sha256.Size]byte) (string, error) {
	raw, err := json.Marshal(data)
	if err != nil {
		return "", fmt.Errorf("fingerprint of %s: %w", p.Event, err)
	}
	sum := sha256.Sum256(raw)
	if known, ok := sent[p.Event]; ok && known == sum {
		return "", nil
	}
	var b bytes.Buffer
	if err := p.Page.Render(ctx, &b); err != nil {
		return "", fmt.Errorf("render %s: %w", p.Event, err)
	}
	sent[p.Event] = sum
	return b.String(), nil
}

func changedRows(ctx context.Context, p part, sent map[string][sha256.Size]byte) (string, error) {
	var b strings.Builder
	for _, r := range p.Rows {
		text, err := changed(ctx, r, r.Data, sent)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	order := strings.Join(p.Order, " ")
	sum := sha256.Sum256([]byte(order))
	if known, ok := sent[p.Event]; ok && known == sum && b.Len() == 0 {
		return "", nil
	}
	sent[p.Event] = sum
	return `<ol data-order="` + templ.EscapeString(order) + `">` + b.String() + `</ol>`, nil
}
