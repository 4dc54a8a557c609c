package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
	"github.com/belayhq/belay/integrations/webhook"
)

const (
	hookPath       = "/hooks/"
	receiptsWithin = time.Second // of a message: what its carrier says of it, an SMS also by two callbacks, has come by then
)

// Conduct is how slow and how broken the receivers are.
type Conduct struct {
	Delay time.Duration // before a webhook or Twilio answers
	Fail  int           // of so many requests one is answered 503, and not taken; 0: none
}

// sink is every receiver there is: webhooks of people, and a Twilio.
type sink struct {
	conduct Conduct
	twilio  *twiliofake.Server
	server  *http.Server
	address string

	mu      sync.Mutex
	by      map[string][]Message // by title
	waiting map[string][]chan struct{}
	last    time.Time // when a message arrived
	asked   int
}

// listen opens a sink; addr may have port 0.
func listen(addr string, conduct Conduct) (*sink, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("open the sink: %w", err)
	}
	s := &sink{conduct: conduct, address: listener.Addr().String(), by: map[string][]Message{}, waiting: map[string][]chan struct{}{}}
	s.twilio = &twiliofake.Server{Plan: s.texted}
	doors := http.NewServeMux()
	doors.HandleFunc("POST "+hookPath+"{person}", s.hooked)
	doors.Handle("/2010-04-01/", s.twilio)
	s.server = &http.Server{Handler: doors, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

func (s *sink) url() string { return "http://" + s.address }

func (s *sink) close() { _ = s.server.Close() }

func (s *sink) hooked(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	var body webhook.Body
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&body); err != nil {
		http.Error(w, "not a page", http.StatusBadRequest)
		return
	}
	if s.refuses() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	m := Message{
		Key: body.Key, Title: body.Title, Escalation: string(body.Escalation), Person: r.PathValue("person"),
		Page: body.Purpose == page.Page, Arrived: arrived, AnswerBy: body.AnswerBy,
	}
	var all []Message
	for _, item := range body.Digest { // one message that tells of several alerts
		m.Title, m.Escalation = item.Title, string(item.Escalation)
		all = append(all, m)
	}
	if len(all) == 0 {
		all = []Message{m}
	}
	s.take(all...)
	if s.conduct.Delay > 0 {
		time.Sleep(s.conduct.Delay)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *sink) refuses() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.conduct.Fail > 0 && s.asked%s.conduct.Fail == 0
}

// named finds an alert's title among the words of an SMS.
var named = regexp.MustCompile(`bench-[a-z]+-[0-9a-f]+-\d+`)

// coded finds the numbers of escalations there.
var coded = regexp.MustCompile(`\bE-\d+\b`)

// texted is asked by the fake Twilio about each message.
func (s *sink) texted(m twiliofake.Sent) twiliofake.Conduct {
	if s.refuses() {
		return twiliofake.Conduct{Delay: s.conduct.Delay, Status: http.StatusServiceUnavailable, Code: 20503, Words: "Service unavailable"}
	}
	key := keyOf(m)
	escalation, _, _ := strings.Cut(key, "/")
	arrived := time.Now()
	var all []Message
	codes := coded.FindAllString(m.Body, -1)
	for i, title := range named.FindAllString(m.Body, -1) {
		if i < len(codes) {
			escalation = codes[i] // a digest names each alert after its number
		}
		all = append(all, Message{Key: key, Title: title, Escalation: escalation, Person: m.To, Page: true, Arrived: arrived})
	}
	if len(all) == 0 {
		all = []Message{{Key: key, Escalation: escalation, Person: m.To, Page: true, Arrived: arrived}}
	}
	s.take(all...)
	return twiliofake.Conduct{Delay: s.conduct.Delay, Reports: []twiliofake.Report{
		{After: 50 * time.Millisecond, Status: "sent"}, {After: 100 * time.Millisecond, Status: "delivered"},
	}}
}

// keyOf is the message's key, from the address that Twilio is to call back.
func keyOf(m twiliofake.Sent) string {
	at, err := url.Parse(m.Form.Get("StatusCallback"))
	if err != nil {
		return ""
	}
	return at.Query().Get("key")
}

// take keeps one message, with an entry for each alert that it tells of.
func (s *sink) take(all ...Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range all {
		s.by[m.Title] = append(s.by[m.Title], m)
		s.last = m.Arrived
		for _, wake := range s.waiting[m.Title] {
			close(wake)
		}
		delete(s.waiting, m.Title)
	}
}

// await answers the n-th message of an alert (from 1), once it is there.
func (s *sink) await(ctx context.Context, title string, n int) (Message, error) {
	for {
		s.mu.Lock()
		if got := s.by[title]; len(got) >= n {
			s.mu.Unlock()
			return got[n-1], nil
		}
		wake := make(chan struct{})
		s.waiting[title] = append(s.waiting[title], wake)
		s.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return Message{}, fmt.Errorf("message %d of %s: %w", n, title, context.Cause(ctx))
		}
	}
}

// of lists the messages of alerts whose title begins so.
func (s *sink) of(prefix string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Message
	for title, got := range s.by {
		if strings.HasPrefix(title, prefix) {
			all = append(all, got...)
		}
	}
	return all
}

// silence waits until nothing has arrived for a while.
func (s *sink) silence(ctx context.Context, while time.Duration) error {
	began := time.Now()
	for {
		s.mu.Lock()
		last := s.last
		s.mu.Unlock()
		if last.Before(began) {
			last = began
		}
		rest := while - time.Since(last)
		if rest <= 0 {
			return nil
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
