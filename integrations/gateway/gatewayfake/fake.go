// Package gatewayfake is an HTTP gateway for SMS and calls, of the kind of which there are hundreds: for tests, scenarios
// and benchmarks. It takes JSON or forms, remembers what it took, refuses, dawdles and loses answers on demand, and
// calls back. It sends nothing to anybody.
package gatewayfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Token that a Server without another wants: "Authorization: Bearer …".
const Token = "fake-gateway-token"

// Server is the fake. The zero value works. It speaks POST /sms, POST /voice, GET /messages/{reference}, GET /health.
type Server struct {
	Token string             // default Token
	Plan  func(Sent) Conduct // what happens to a message; nil: it is accepted and nothing follows

	mu    sync.Mutex
	sent  []*Sent
	tries int
	sick  bool
	wait  sync.WaitGroup
}

// Conduct is what the fake does with one message.
type Conduct struct {
	Delay    time.Duration // before the answer; nothing is taken when the caller has gone by then
	Status   int           // HTTP status of a refusal; 0: accepted
	After    int           // Retry-After of a refusal, in seconds
	Drop     bool          // accept, then cut the connection without an answer
	Garble   bool          // accept, then answer with half a document
	Nameless bool          // a refusal with 200 and without a name
	Reports  []Report      // callbacks that follow
}

// Report is one callback.
type Report struct {
	After  time.Duration // after the one before
	Status string        // in the gateway's words
}

// Sent is a message that was taken.
type Sent struct {
	ID        string
	Channel   string // "sms", "voice"
	To        string
	From      string
	Text      string
	Reference string
	Callback  string
	Status    string
	At        time.Time
}

// Sent lists what was taken, in order.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Sent, 0, len(s.sent))
	for _, one := range s.sent {
		all = append(all, *one)
	}
	return all
}

// Requests is how often something was to be sent, taken or not.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

// Sicken makes the fake answer its health with 503, or well again.
func (s *Server) Sicken(sick bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sick = sick
}

// Wait returns when all planned callbacks have been made.
func (s *Server) Wait() { s.wait.Wait() }

// ServeHTTP is the gateway.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := s.Token
	if token == "" {
		token = Token
	}
	if r.Header.Get("Authorization") != "Bearer "+token {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "unauthorized"})
		return
	}
	switch {
	case r.Method == http.MethodPost && (r.URL.Path == "/sms" || r.URL.Path == "/voice"):
		s.take(w, r, strings.TrimPrefix(r.URL.Path, "/"))
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/messages/"):
		s.tell(w, strings.TrimPrefix(r.URL.Path, "/messages/"))
	case r.Method == http.MethodGet && r.URL.Path == "/health":
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.sick {
			answer(w, http.StatusServiceUnavailable, map[string]any{"status": "down"})
			return
		}
		answer(w, http.StatusOK, map[string]any{"status": "up"})
	default:
		answer(w, http.StatusNotFound, map[string]any{"error": "no such thing"})
	}
}

func (s *Server) take(w http.ResponseWriter, r *http.Request, channel string) {
	s.mu.Lock()
	s.tries++
	s.mu.Unlock()
	fields, err := read(r)
	if err != nil || fields["to"] == "" || fields["text"] == "" {
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error": "to and text are needed"})
		return
	}
	one := &Sent{
		Channel: channel, To: fields["to"], From: fields["from"], Text: fields["text"], Reference: fields["reference"],
		Callback: fields["callback"], Status: "queued", At: time.Now(),
	}
	var conduct Conduct
	if s.Plan != nil {
		conduct = s.Plan(*one)
	}
	select {
	case <-time.After(conduct.Delay):
	case <-r.Context().Done():
		return
	}
	if conduct.Status != 0 {
		if conduct.After > 0 {
			w.Header().Set("Retry-After", fmt.Sprint(conduct.After))
		}
		answer(w, conduct.Status, map[string]any{"error": "refused"})
		return
	}
	if conduct.Nameless {
		answer(w, http.StatusOK, map[string]any{"error": "no credit"})
		return
	}
	first := s.keep(one)
	s.follow(first, conduct.Reports)
	switch {
	case conduct.Drop:
		panic(http.ErrAbortHandler)
	case conduct.Garble:
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"messages":[{"id":`)
	default:
		answer(w, http.StatusAccepted, map[string]any{"messages": []any{map[string]any{"id": first.ID}}})
	}
}

// keep takes a reference once: the second message with it is the first.
func (s *Server) keep(one *Sent) *Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.sent {
		if known.Reference == one.Reference && one.Reference != "" {
			return known
		}
	}
	one.ID = fmt.Sprintf("g-%d", len(s.sent)+1)
	s.sent = append(s.sent, one)
	return one
}

func (s *Server) tell(w http.ResponseWriter, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sent {
		if one.Reference == name || one.ID == name {
			answer(w, http.StatusOK, map[string]any{"messages": []any{map[string]any{"id": one.ID}}, "status": one.Status})
			return
		}
	}
	answer(w, http.StatusNotFound, map[string]any{"error": "no such message"})
}

func (s *Server) follow(one *Sent, reports []Report) {
	if len(reports) == 0 {
		return
	}
	s.wait.Go(func() {
		for _, report := range reports {
			time.Sleep(report.After)
			_, _ = s.Report(one.ID, report.Status)
		}
	})
}

// Set changes what became of a message without telling anybody.
func (s *Server) Set(id, status string) (callback string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sent {
		if one.ID == id {
			one.Status = status
			return one.Callback
		}
	}
	return ""
}

// Report changes what became of a message and calls back. It returns the HTTP status of the answer; 0: there is nobody
// to tell.
func (s *Server) Report(id, status string) (int, error) {
	callback := s.Set(id, status)
	if callback == "" {
		return 0, nil
	}
	body, err := json.Marshal(map[string]any{"id": id, "status": status})
	if err != nil {
		return 0, err
	}
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Post(callback, "application/json", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	return response.StatusCode, nil
}

func read(r *http.Request) (map[string]string, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return fields, json.Unmarshal(body, &fields)
	}
	form, err := url.ParseQuery(string(body))
	for name := range form {
		fields[name] = form.Get(name)
	}
	return fields, err
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
