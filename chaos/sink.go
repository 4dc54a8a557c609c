package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/bench"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
	"github.com/belayhq/belay/integrations/webhook"
)

// sink is every phone and receiver there is. Receivers of webhooks heed the key, as they are told to: a request with a
// key that they have taken is thanked for, and tells nobody. A carrier that is asked twice does tell twice.
type sink struct {
	audit  *Auditor
	twilio *twiliofake.Server
	server *http.Server
	url    string
	mode   func(m twiliofake.Sent, turn int) (c twiliofake.Conduct, told bool) // of the carrier; nil: it is well

	mu      sync.Mutex
	by      map[string][]heard // by title
	keys    map[string]bool
	repeats int // webhooks that came again with a known key
	turns   int
	waiting map[string][]chan struct{}
	last    time.Time
	ghost   []string // what was received and is no page of ours
}

// heard is a message as its receiver has it.
type heard struct {
	Message
	link string
	from string // number to answer from; empty: by link or API
}

func newSink(audit *Auditor) (*sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the sink: %w", err)
	}
	s := &sink{audit: audit, url: "http://" + listener.Addr().String(), by: map[string][]heard{}, keys: map[string]bool{}, waiting: map[string][]chan struct{}{}}
	s.twilio = &twiliofake.Server{Plan: s.texted}
	doors := http.NewServeMux()
	doors.HandleFunc("POST "+hookPath+"{person}", s.hooked)
	doors.Handle("/2010-04-01/", s.twilio)
	s.server = &http.Server{Handler: doors, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

func (s *sink) close() { _ = s.server.Close() }

func (s *sink) hooked(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var body webhook.Body
	if err != nil || json.Unmarshal(raw, &body) != nil {
		http.Error(w, "not a page", http.StatusBadRequest) // a sender that died half-way
		return
	}
	s.mu.Lock()
	again := s.keys[body.Key]
	s.keys[body.Key] = true
	if again {
		s.repeats++
	}
	s.mu.Unlock()
	if !again {
		s.take(heard{link: body.Link, Message: Message{Message: bench.Message{
			Key: body.Key, Title: body.Title, Escalation: string(body.Escalation), Person: r.PathValue("person"),
			Page: body.Purpose == page.Page, Arrived: arrived, AnswerBy: body.AnswerBy,
		}}})
	}
	w.WriteHeader(http.StatusNoContent)
}

var (
	named = regexp.MustCompile(`chaos-[a-z]+-[0-9a-f]+-\d+`)
	site  = regexp.MustCompile(`http://\S+/a/\S+`)
)

// texted is asked by the fake Twilio about each message.
func (s *sink) texted(m twiliofake.Sent) twiliofake.Conduct {
	conduct, told := twiliofake.Conduct{Reports: []twiliofake.Report{
		{After: 50 * time.Millisecond, Status: "sent"}, {After: 100 * time.Millisecond, Status: "delivered"},
	}}, true
	s.mu.Lock()
	mode := s.mode
	s.turns++
	turn := s.turns
	s.mu.Unlock()
	if mode != nil {
		conduct, told = mode(m, turn)
	}
	if told {
		key := ""
		if at, err := url.Parse(m.Form.Get("StatusCallback")); err == nil {
			key = at.Query().Get("key")
		}
		s.sms(key, m.To, m.Body)
	}
	return conduct
}

// sms is an SMS that has reached its phone.
func (s *sink) sms(key, to, body string) {
	code, _, _ := strings.Cut(key, "/")
	s.take(heard{link: strings.TrimRight(site.FindString(body), "."), from: to, Message: Message{Message: bench.Message{
		Key: key, Title: named.FindString(body), Escalation: code, Person: to, Page: strings.Contains(body, "Reply ack"), Arrived: time.Now(),
	}}})
}

// behave changes what the carrier does; nil: it is well.
func (s *sink) behave(mode func(twiliofake.Sent, int) (twiliofake.Conduct, bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode, s.turns = mode, 0
}

func (s *sink) take(m heard) {
	if m.Page {
		m.Rung, m.Step = rungOf(m.Key), stepOf(m.Key)
	}
	if m.Title != "" {
		s.audit.Told(m.Message)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Title == "" {
		s.ghost = append(s.ghost, m.Key)
		return
	}
	s.by[m.Title] = append(s.by[m.Title], m)
	s.last = m.Arrived
	for _, wake := range s.waiting[m.Title] {
		close(wake)
	}
	delete(s.waiting, m.Title)
}

// rungOf is where on the steep ladder a page belongs; 0: nowhere.
func rungOf(key string) int {
	parts := strings.Split(key, "/")
	if len(parts) < 3 {
		return 0
	}
	tier, err := strconv.Atoi(strings.TrimPrefix(parts[1], "t"))
	if err != nil {
		return 0
	}
	if tier > 3 || strings.HasPrefix(parts[2], "spare") {
		tier++
	}
	return tier
}

// stepOf is what nobody may be told twice: the message without its number.
func stepOf(key string) string {
	if _, ok := escalation.ReadKey(key); !ok {
		return ""
	}
	return key[:strings.LastIndex(key, "/")]
}

// await answers the newest page of an alert, once one has come from this rung or above.
func (s *sink) await(ctx context.Context, title string, rung int) (heard, error) {
	for {
		s.mu.Lock()
		got := s.by[title]
		for i := len(got) - 1; i >= 0; i-- {
			if got[i].Page && got[i].Rung >= rung {
				s.mu.Unlock()
				return got[i], nil
			}
		}
		wake := make(chan struct{})
		s.waiting[title] = append(s.waiting[title], wake)
		s.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return heard{}, fmt.Errorf("rung %d of %s: %w", rung, title, context.Cause(ctx))
		}
	}
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
