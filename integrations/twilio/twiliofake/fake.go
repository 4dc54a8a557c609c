// Package twiliofake is a Twilio for tests, scenarios and benchmarks: the documented REST API as an http.Handler, with
// delays, refusals and lost answers on demand, and callbacks that carry right signatures. It sends nothing to anybody.
package twiliofake

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Credentials that a Server without others accepts.
const (
	AccountSID = "AC00000000000000000000000000000000"
	AuthToken  = "fake-auth-token"
)

// Server is the fake. The zero value works.
type Server struct {
	AccountSID string             // default AccountSID
	AuthToken  string             // default AuthToken
	Clock      func() time.Time   // Twilio's clock; default time.Now
	Client     *http.Client       // carries callbacks; default one with a timeout of 5 s
	Plan       func(Sent) Conduct // what happens to a message or call; nil: it is accepted and nothing follows

	mu     sync.Mutex
	outage *Conduct
	sent   []*Sent
	tries  int
	posts  []Post
	wait   sync.WaitGroup
}

// Conduct is what the fake does with one message or call.
type Conduct struct {
	Delay   time.Duration // before anything; who has gone by then has sent nothing
	Linger  time.Duration // accept, then take so long to answer
	Status  int           // HTTP status of a refusal; 0: accepted
	Code    int           // Twilio's error code of a refusal
	Words   string        // its text
	After   time.Duration // Retry-After of a refusal
	Drop    bool          // accept, then cut the connection without an answer
	Garble  bool          // accept, then answer with something that is not JSON
	Reports []Report      // callbacks that follow
}

// Report is one status callback.
type Report struct {
	After      time.Duration // after the one before
	Status     string
	Code       string // error code
	AnsweredBy string
	Silent     bool // it happens, and nobody is called back
}

// Sent is a message or call that was accepted.
type Sent struct {
	SID     string
	Kind    string // "Messages" or "Calls"
	To      string
	From    string
	Body    string
	Form    url.Values // all that was posted
	Created time.Time
	Status  string
	Code    string
	By      string // AnsweredBy
}

// Post is one callback that was made.
type Post struct {
	URL    string
	Form   url.Values
	Status int // HTTP status of the answer; 0: no answer
	Body   []byte
	Err    error
}

// Sent lists what was accepted, in order.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Sent, 0, len(s.sent))
	for _, one := range s.sent {
		all = append(all, *one)
	}
	return all
}

// Requests is how often something was to be sent, accepted or not.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

// Posts lists the callbacks that were made.
func (s *Server) Posts() []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// Fail makes the whole API, questions included, behave like this: of the conduct, Delay, Status, Code, Words, After and Drop
// count, and nothing is accepted. Nil: it works again.
func (s *Server) Fail(c *Conduct) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = c
}

// failing meets a request with the outage, if there is one.
func (s *Server) failing(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	outage := s.outage
	s.mu.Unlock()
	if outage == nil {
		return false
	}
	_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that a caller has gone
	if !pause(r, outage.Delay) {
		return true
	}
	if outage.Drop {
		panic(http.ErrAbortHandler)
	}
	s.reject(w, *outage)
	return true
}

func (s *Server) reject(w http.ResponseWriter, c Conduct) {
	if c.After > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(c.After.Seconds())))
	}
	s.refuse(w, c.Status, c.Code, c.Words)
}

// Wait returns when all planned callbacks have been made.
func (s *Server) Wait() { s.wait.Wait() }

func (s *Server) account() string { return fallback(s.AccountSID, AccountSID) }
func (s *Server) token() string   { return fallback(s.AuthToken, AuthToken) }

func (s *Server) now() time.Time {
	if s.Clock != nil {
		return s.Clock()
	}
	return time.Now()
}

// ServeHTTP speaks /2010-04-01/Accounts/{sid}.json, …/Messages.json, …/Messages/{sid}.json and the same for Calls.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	if s.failing(w, r) {
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/2010-04-01/Accounts/")
	if !ok {
		s.refuse(w, 404, 20404, "The requested resource was not found")
		return
	}
	user, password, _ := r.BasicAuth()
	if user != s.account() || password != s.token() {
		s.refuse(w, 401, 20003, "Authenticate")
		return
	}
	path = strings.TrimSuffix(path, ".json")
	account, rest, _ := strings.Cut(path, "/")
	kind, sid, _ := strings.Cut(rest, "/")
	known := kind == "Messages" || kind == "Calls"
	switch {
	case account != s.account():
		s.refuse(w, 404, 20404, "The requested resource was not found")
	case rest == "" && r.Method == http.MethodGet:
		answer(w, 200, map[string]any{"sid": account, "status": "active", "friendly_name": "fake", "type": "Full"})
	case known && sid == "" && r.Method == http.MethodPost:
		s.create(w, r, kind)
	case known && sid == "" && r.Method == http.MethodGet:
		s.list(w, r, kind)
	case known && r.Method == http.MethodGet:
		s.fetch(w, kind, sid)
	default:
		s.refuse(w, 405, 20004, "Method not allowed")
	}
}

func (s *Server) create(w http.ResponseWriter, r *http.Request, kind string) {
	if err := r.ParseForm(); err != nil {
		s.refuse(w, 400, 20001, "Unreadable form")
		return
	}
	form := r.PostForm
	s.mu.Lock()
	s.tries++
	s.mu.Unlock()
	if code, words := missing(kind, form); code != 0 {
		s.refuse(w, 400, code, words)
		return
	}
	one := &Sent{
		Kind: kind, To: form.Get("To"), From: form.Get("From"), Body: form.Get("Body"), Form: form,
		Created: s.now().UTC().Truncate(time.Second), Status: "queued",
	}
	var conduct Conduct
	if s.Plan != nil {
		conduct = s.Plan(*one)
	}
	if !pause(r, conduct.Delay) {
		return
	}
	if conduct.Status != 0 {
		s.reject(w, conduct)
		return
	}
	created := s.accept(one)
	s.follow(one, conduct.Reports)
	pause(r, conduct.Linger)
	switch {
	case conduct.Drop:
		panic(http.ErrAbortHandler)
	case conduct.Garble:
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("<html>"))
	default:
		answer(w, 201, created)
	}
}

// pause reports false when the caller has gone; nothing was accepted then.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// accept returns the resource as it is before anything is reported about it.
func (s *Server) accept(one *Sent) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	prefix := map[string]string{"Messages": "SM", "Calls": "CA"}[one.Kind]
	one.SID = fmt.Sprintf("%s%032x", prefix, len(s.sent)+1)
	s.sent = append(s.sent, one)
	return s.resource(one)
}

// missing refuses what Twilio refuses. Its magic numbers for test credentials are known too.
func missing(kind string, form url.Values) (int, string) {
	to := form.Get("To")
	if kind == "Messages" {
		switch {
		case to == "":
			return 21604, "A 'To' phone number is required."
		case form.Get("From") == "" && form.Get("MessagingServiceSid") == "":
			return 21603, "A 'From' phone number is required."
		case form.Get("Body") == "":
			return 21602, "Message body is required."
		case len([]rune(form.Get("Body"))) > 1600:
			return 21617, "The concatenated message body exceeds the 1600 character limit."
		}
		code := map[string]int{
			"+15005550001": 21211, "+15005550002": 21612, "+15005550003": 21408, "+15005550004": 21610, "+15005550009": 21614,
		}[to]
		return code, "To number: " + to + ", refused"
	}
	switch {
	case to == "":
		return 21201, "No 'To' number is specified"
	case form.Get("From") == "":
		return 21213, "No 'From' number is specified"
	case form.Get("Url") == "" && form.Get("Twiml") == "" && form.Get("ApplicationSid") == "":
		return 21205, "Url parameter is required."
	case len(form.Get("Twiml")) > 4000:
		return 21205, "Twiml is too long."
	}
	code := map[string]int{
		"+15005550001": 21217, "+15005550002": 21214, "+15005550003": 21215, "+15005550004": 21216,
	}[to]
	return code, "Account not authorized to call " + to
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, kind string) {
	query := r.URL.Query()
	size, err := strconv.Atoi(fallback(query.Get("PageSize"), "50"))
	if err != nil || size < 1 || size > 1000 {
		s.refuse(w, 400, 20001, "Page size must be between 1 and 1000")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []any{}
	for _, one := range slices.Backward(s.sent) {
		if one.Kind != kind || !matches(query.Get("To"), one.To) || !matches(query.Get("From"), one.From) {
			continue
		}
		if len(found) < size {
			found = append(found, s.resource(one))
		}
	}
	answer(w, 200, map[string]any{
		strings.ToLower(kind): found, "page": 0, "page_size": size, "start": 0, "end": max(0, len(found)-1),
		"uri": r.URL.RequestURI(), "first_page_uri": r.URL.RequestURI(), "next_page_uri": nil, "previous_page_uri": nil,
	})
}

func matches(want, have string) bool { return want == "" || want == have }

func (s *Server) fetch(w http.ResponseWriter, kind, sid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sent {
		if one.Kind == kind && one.SID == sid {
			answer(w, 200, s.resource(one))
			return
		}
	}
	s.refuse(w, 404, 20404, "The requested resource was not found")
}

func (s *Server) resource(one *Sent) map[string]any {
	uri := fmt.Sprintf("/2010-04-01/Accounts/%s/%s/%s.json", s.account(), one.Kind, one.SID)
	created := one.Created.Format(time.RFC1123Z)
	out := map[string]any{
		"sid": one.SID, "account_sid": s.account(), "api_version": "2010-04-01", "to": one.To, "from": orNull(one.From),
		"status": one.Status, "direction": "outbound-api", "date_created": created, "date_updated": created,
		"price": nil, "price_unit": "USD", "uri": uri, "subresource_uris": map[string]any{},
	}
	if one.Kind == "Calls" {
		if one.Status == "initiated" {
			out["status"] = "queued" // an event of callbacks, not a status of the resource
		}
		out["answered_by"], out["start_time"], out["end_time"], out["duration"] = orNull(one.By), nil, nil, nil
		return out
	}
	out["body"], out["num_segments"], out["num_media"] = one.Body, "1", "0"
	out["date_sent"], out["error_code"], out["error_message"] = nil, nil, nil
	out["messaging_service_sid"] = orNull(one.Form.Get("MessagingServiceSid"))
	if code, err := strconv.Atoi(one.Code); err == nil {
		out["error_code"] = code
	}
	return out
}

func (s *Server) refuse(w http.ResponseWriter, status, code int, words string) {
	answer(w, status, map[string]any{
		"status": status, "code": code, "message": words,
		"more_info": "https://www.twilio.com/docs/errors/" + strconv.Itoa(code),
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func fallback(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
