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
	"github.com/belayhq/belay/integrations/gateway/gatewayfake"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
	"github.com/belayhq/belay/integrations/webhook"
)

// sink is every phone and receiver there is. Receivers of webhooks heed the key, as they are told to: a request with a
// key that they have taken is thanked for, and tells nobody. A carrier that is asked twice does tell twice.
type sink struct {
	audit  *Auditor
	twilio *twiliofake.Server
	second *gatewayfake.Server // another carrier of SMS
	server *http.Server
	url    string
	mode   func(m twiliofake.Sent, turn int) (c twiliofake.Conduct, told bool) // of the carrier; nil: it is well

	mu      sync.Mutex
	by      map[string][]heard // by title
	keys    map[string]bool
	repeats int // webhooks that came again with a known key
	turns   int
	via     map[string][]time.Time // when SMS reached phones, by carrier
	waiting map[string][]chan struct{}
	last    time.Time
	ghost   []string // what was received and is no page of ours
	posts   []post   // webhooks, as they came
}

// post is one webhook: what one person was told at once.
type post struct {
	person string
	at     time.Time
	keys   []string // of the pages in it
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
	s := &sink{audit: audit, url: "http://" + listener.Addr().String(), by: map[string][]heard{}, keys: map[string]bool{}, via: map[string][]time.Time{}, waiting: map[string][]chan struct{}{}}
	s.twilio = &twiliofake.Server{Plan: s.texted}
	s.second = &gatewayfake.Server{Plan: s.gatewayed}
	doors := http.NewServeMux()
	doors.HandleFunc("POST "+hookPath+"{person}", s.hooked)
	doors.Handle("/2010-04-01/", s.twilio)
	doors.Handle(gatewayPath, http.StripPrefix(strings.TrimSuffix(gatewayPath, "/"), s.second))
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
		s.posted(r.PathValue("person"), body, arrived)
	}
	w.WriteHeader(http.StatusNoContent)
}

// posted takes a webhook apart: one that gathers pages tells of each of them.
func (s *sink) posted(person string, body webhook.Body, arrived time.Time) {
	one := post{person: person, at: arrived}
	items := body.Digest
	if len(items) == 0 {
		items = []page.Item{{Key: body.Key, Escalation: body.Escalation, Title: body.Title}}
	}
	for _, item := range items {
		one.keys = append(one.keys, item.Key)
		m := heard{Message: Message{Message: bench.Message{
			Key: item.Key, Title: item.Title, Escalation: string(item.Escalation), Person: person, Page: body.Purpose == page.Page, Arrived: arrived,
		}}}
		if len(body.Digest) == 0 {
			m.link, m.AnswerBy = body.Link, body.AnswerBy // of a digest they are for all of it
			if strings.HasPrefix(body.Key, "D-") {        // the only one of its digest that was still wanted: its own key is not said
				m.Rung = rungOf(fmt.Sprintf("%s/t%s/%s/hook/0", body.Escalation, strings.TrimPrefix(body.Tier, "tier "), person))
			}
		}
		s.take(m)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = append(s.posts, one)
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
		s.sms("twilio", keyOf(m.Form.Get("StatusCallback")), m.To, m.Body)
	}
	return conduct
}

// gatewayed is asked by the second carrier about each message. It takes a reference once, as it says.
func (s *sink) gatewayed(m gatewayfake.Sent) gatewayfake.Conduct {
	s.mu.Lock()
	again := s.keys[m.Reference]
	s.keys[m.Reference] = true
	s.mu.Unlock()
	if !again {
		s.sms("gateway", keyOf(m.Callback), m.To, m.Text)
	}
	return gatewayfake.Conduct{Reports: []gatewayfake.Report{{After: 100 * time.Millisecond, Status: "delivered"}}}
}

// keyOf a message, from the address that its carrier is to call back.
func keyOf(callback string) string {
	at, err := url.Parse(callback)
	if err != nil {
		return ""
	}
	return at.Query().Get("key")
}

// carriedSince counts the SMS that a carrier has brought to phones since an instant.
func (s *sink) carriedSince(carrier string, from time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, at := range s.via[carrier] {
		if at.After(from) {
			n++
		}
	}
	return n
}

// sms is an SMS that has reached its phone.
func (s *sink) sms(carrier, key, to, body string) {
	s.mu.Lock()
	s.via[carrier] = append(s.via[carrier], time.Now())
	s.mu.Unlock()
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
	if m.Page && m.Rung == 0 {
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
