package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/integrations/smtp/smtpfake"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
	"github.com/belayhq/belay/integrations/webhook"
	"github.com/belayhq/belay/internal/stack"
	"github.com/belayhq/belay/internal/stack/stacktest"
)

const (
	ourNumber     = "+12125550100"
	webhookSecret = "webhooks are signed with this"
	sealingSecret = "links and cookies are sealed with this one"
)

// carriers is an installation as an operator runs it: migrated, two API processes behind one door, two workers, and
// carriers of its own outside. Alerts go to the first API process; what comes from outside goes through the door,
// which prefers the second.
type carriers struct {
	house
	twilio *twiliofake.Server
	rest   *rest
	smtp   *smtpfake.Server
	hooks  *hooks
	door   *door
	public string

	env     []string
	serves  [2]*process
	workers [2]*process
	probes  [2]string // where the workers answer
}

// newCarriers starts one; more are settings of every process.
func newCarriers(t *testing.T, more ...string) *carriers {
	t.Helper()
	home, err := os.MkdirTemp("", "belay-carriers-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	return install(t, home, stacktest.Start(t, filepath.Join(home, "stack")).Ready, more...)
}

// install sets the installation up on these stores.
func install(t *testing.T, home string, at stack.Ready, more ...string) *carriers {
	t.Helper()
	c := &carriers{house: house{t: t, home: home}, rest: &rest{}, hooks: &hooks{}}
	var err error
	c.twilio = &twiliofake.Server{Plan: c.rest.plan}
	carrier := httptest.NewServer(c.rest.wrap(c.twilio))
	t.Cleanup(carrier.Close)
	c.smtp, err = smtpfake.Start(smtpfake.Options{})
	require.NoError(t, err)
	t.Cleanup(c.smtp.Close)
	receiver := httptest.NewServer(c.hooks)
	t.Cleanup(receiver.Close)

	addresses := []string{free(t), free(t)}
	c.door = &door{addresses: []string{addresses[1], addresses[0]}}
	entrance := httptest.NewServer(c.door.proxy())
	t.Cleanup(entrance.Close)
	c.public, c.http, c.tempo = entrance.URL, addresses[0], at.TemporalAddr

	c.env = append(clean(os.Environ()),
		"BELAY_DATABASE_URL="+at.DatabaseURL, "BELAY_TEMPORAL_ADDR="+at.TemporalAddr, "BELAY_PUBLIC_URL="+c.public,
		"BELAY_SECRET="+sealingSecret, "BELAY_HOME="+home, "BELAY_URL=http://"+c.http,
		"BELAY_TWILIO_ACCOUNT_SID="+twiliofake.AccountSID, "BELAY_TWILIO_AUTH_TOKEN="+twiliofake.AuthToken,
		"BELAY_TWILIO_FROM="+ourNumber, "BELAY_TWILIO_BASE_URL="+carrier.URL,
		"BELAY_SMTP_ADDR="+c.smtp.Addr, "BELAY_SMTP_FROM=Belay <belay@quick.example>", "BELAY_SMTP_TLS=none",
		"BELAY_WEBHOOK_SECRET="+webhookSecret, "BELAY_WEBHOOK_ALLOW=127.0.0.1/32", "BELAY_LOG_LEVEL=warn")
	c.env = append(c.env, more...)
	c.run("migrate")
	c.token = strings.TrimSpace(c.run("token", "create", "scenes", "--role", "admin"))
	c.env = append(c.env, "BELAY_TOKEN="+c.token)

	for i, address := range addresses {
		c.serves[i] = c.spawn(fmt.Sprint("serve ", i+1), []string{"serve"}, "BELAY_HTTP_ADDR="+address)
	}
	for i, address := range addresses {
		c.ready(c.serves[i], address)
	}
	blueprint := filepath.Join(home, "blueprint")
	require.NoError(t, os.Mkdir(blueprint, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(blueprint, "all.yaml"), []byte(cast(receiver.URL)), 0o600))
	t.Log(strings.TrimSpace(c.run("apply", blueprint)))
	for i := range c.workers {
		address := free(t)
		c.workers[i] = c.spawn(fmt.Sprint("worker ", i+1), []string{"worker"}, "BELAY_WORKER_ADDR="+address)
		c.ready(c.workers[i], address)
		c.probes[i] = address
	}
	return c
}

// in is the same installation for a scene of its own.
func (c *carriers) in(t *testing.T) *carriers {
	scene := *c
	scene.t = t
	return &scene
}

// clean is the environment without what would change the installation.
func clean(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		return strings.HasPrefix(pair, "BELAY_") || strings.HasPrefix(pair, "TEMPORAL_")
	})
}

// run is a command of an operator.
func (c *carriers) run(args ...string) string {
	c.t.Helper()
	cmd := exec.Command(belay(c.t), args...)
	cmd.Env = c.env
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	require.NoError(c.t, err, "belay %s: %s", strings.Join(args, " "), complaint.String())
	return string(out)
}

// process is one of the installation.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   *tail
	ended chan struct{}
	hit   sync.Once
}

// spawn starts a process. It ends with the test, however that ends.
func (c *carriers) spawn(name string, args []string, more ...string) *process {
	c.t.Helper()
	p := &process{name: name, log: &tail{}, ended: make(chan struct{})}
	p.cmd = exec.Command(belay(c.t), args...)
	p.cmd.Env = append(slices.Clone(c.env), more...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	dieWithUs(p.cmd)
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the kernel ends the process with the thread that started it
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait()
		}
		close(p.ended)
	}()
	require.NoError(c.t, <-started)
	c.t.Cleanup(p.kill)
	return p
}

// kill is kill -9.
func (p *process) kill() {
	p.hit.Do(func() { _ = p.cmd.Process.Kill() })
	<-p.ended
}

func (c *carriers) ready(p *process, address string) {
	c.t.Helper()
	c.await(func() bool {
		select {
		case <-p.ended:
			c.t.Fatalf("%s ended\n%s", p.name, p.log)
		default:
		}
		response, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, "%s is ready", p.name)
}

// await waits for a condition; what says what was waited for.
func (c *carriers) await(holds func() bool, what string, args ...any) {
	c.t.Helper()
	deadline := time.Now().Add(2 * patience)
	for !holds() {
		if time.Now().After(deadline) {
			c.t.Fatalf("not within %s: %s\n%s", 2*patience, fmt.Sprintf(what, args...), c.story())
		}
		time.Sleep(20 * time.Millisecond) // polls other processes
	}
}

// story is what there is to know when a scene fails.
func (c *carriers) story() string {
	var b strings.Builder
	for _, s := range c.twilio.Sent() {
		fmt.Fprintf(&b, "%s %s %s %s %q\n", s.Created.Format(time.TimeOnly), s.Kind, s.To, keyOf(s), s.Body)
	}
	for _, p := range append(c.serves[:], c.workers[:]...) {
		if p != nil {
			fmt.Fprintf(&b, "--- %s\n%s\n", p.name, p.log)
		}
	}
	return b.String()
}

// open fires through the API.
func (c *carriers) open(service, title string) string {
	c.t.Helper()
	var opened struct{ ID string }
	c.post("/v1/escalations", map[string]string{"service": service, "title": title}, http.StatusCreated, &opened)
	return opened.ID
}

// about waits until the timeline has an entry of this kind with this text.
func (c *carriers) about(id, kind, text string) {
	c.t.Helper()
	c.await(func() bool { return has(c.timelineOf(id), kind, text) }, "the timeline of %s shows %s %q; it has\n%s", id, kind, text, shown{c, id})
}

// shown is a timeline in words, read when it is needed.
type shown struct {
	c  *carriers
	id string
}

func (s shown) String() string {
	var lines []string
	for _, e := range s.c.timelineOf(s.id) {
		lines = append(lines, fmt.Sprintf("%3d %s %s (%s) %s", e.Seq, e.At.Format("15:04:05.000"), e.Kind, e.Key, e.Text))
	}
	return strings.Join(lines, "\n")
}

// timelineOf is empty until the escalation has been recorded.
func (c *carriers) timelineOf(id string) []entry {
	c.t.Helper()
	status, _, err := c.try(http.MethodGet, "/v1/escalations/"+id, nil)
	require.NoError(c.t, err)
	if status == http.StatusNotFound {
		return nil
	}
	return c.timeline(id)
}

func (c *carriers) becomes(id, state string) {
	c.t.Helper()
	c.await(func() bool { return c.escalation(id).State == state }, "%s is %s; its timeline\n%s", id, state, shown{c, id})
}

// written is the timeline with everything written down that was heard: good news waits for the next entry.
func (c *carriers) written(id string) (entries []entry) {
	c.t.Helper()
	for i := range 20 {
		// A receipt that the run hears of after the note waits for the next one.
		note := fmt.Sprintf("so far, %d", i)
		c.says(id, "note", map[string]string{"note": note})
		for range 60 {
			entries = c.timeline(id)
			if has(entries[len(entries)-1:], "note", note) && !slices.ContainsFunc(entries, func(e entry) bool { return e.Unwritten }) {
				return entries
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	c.t.Fatalf("the timeline of %s is never written whole:\n%s", id, shown{c, id})
	return nil
}

// unchanged makes sure that what was done left no trace: a note that comes after it follows directly.
func (c *carriers) unchanged(id string, before []entry, what string) {
	c.t.Helper()
	c.says(id, "note", map[string]string{"note": "after: " + what})
	c.about(id, "note", "after: "+what)
	after := c.timeline(id)
	require.Equal(c.t, before, after[:len(before)], what)
	require.Len(c.t, after, len(before)+1, "%s: something happened:\n%s", what, shown{c, id})
}

// sms waits for the n-th message (from 1) of an escalation to a number, call for the n-th call.
func (c *carriers) sms(id, number string, n int) twiliofake.Sent {
	c.t.Helper()
	return c.carried(id, "Messages", number, n)
}
func (c *carriers) call(id, number string, n int) twiliofake.Sent {
	c.t.Helper()
	return c.carried(id, "Calls", number, n)
}

func (c *carriers) carried(id, kind, number string, n int) twiliofake.Sent {
	c.t.Helper()
	var found []twiliofake.Sent
	c.await(func() bool { found = c.toNumber(id, kind, number); return len(found) >= n }, "%d %s of %s to %s", n, kind, id, number)
	return found[n-1]
}

func (c *carriers) toNumber(id, kind, number string) []twiliofake.Sent {
	return slices.DeleteFunc(c.twilio.Sent(), func(s twiliofake.Sent) bool {
		return s.Kind != kind || s.To != number || !strings.HasPrefix(keyOf(s), id+"/")
	})
}

// keyOf is the message's key, from the address that Twilio is to call back.
func keyOf(s twiliofake.Sent) string {
	_, query, _ := strings.Cut(s.Form.Get("StatusCallback"), "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	return values.Get("key")
}

// reports has the carrier tell what became of a message.
func (c *carriers) reports(sid string, r twiliofake.Report) twiliofake.Post {
	c.t.Helper()
	post, err := c.twilio.Report(sid, r)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusNoContent, post.Status, "%s", post.Body)
	return post
}

// texts sends an SMS to us and returns the TwiML of the answer.
func (c *carriers) texts(sid, from, body string) string {
	c.t.Helper()
	post, err := c.twilio.Text(c.public+"/callbacks/twilio/sms", sid, from, ourNumber, body)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusOK, post.Status, "%s", post.Body)
	return string(post.Body)
}

// rest is the conduct of Twilio's REST API: by number, changed while it runs.
type rest struct {
	mu     sync.Mutex
	plans  map[string]func(s twiliofake.Sent, try int) twiliofake.Conduct
	tries  map[string][]time.Time
	linger atomic.Int64 // between having taken a message and the answer
	held   atomic.Int64 // answers that are lingering now
}

// on plans what happens to messages or calls to a number; tries count from 1.
func (r *rest) on(kind, number string, plan func(s twiliofake.Sent, try int) twiliofake.Conduct) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.plans == nil {
		r.plans = map[string]func(twiliofake.Sent, int) twiliofake.Conduct{}
	}
	r.plans[kind+number] = plan
}

func (r *rest) plan(s twiliofake.Sent) twiliofake.Conduct {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tries == nil {
		r.tries = map[string][]time.Time{}
	}
	r.tries[s.Kind+s.To] = append(r.tries[s.Kind+s.To], time.Now())
	plan := r.plans[s.Kind+s.To]
	if plan == nil {
		return twiliofake.Conduct{}
	}
	return plan(s, len(r.tries[s.Kind+s.To]))
}

// tried is when something was to be sent, taken or not.
func (r *rest) tried(kind, number string) []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.tries[kind+number])
}

// wrap lets answers linger after the message has been taken.
func (r *rest) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		pause := time.Duration(r.linger.Load())
		if pause == 0 || request.Method != http.MethodPost {
			next.ServeHTTP(w, request)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, request)
		r.held.Add(1)
		defer r.held.Add(-1)
		time.Sleep(pause) // a slow network
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// hooks is a receiver of webhooks.
type hooks struct {
	mu     sync.Mutex
	got    []delivery
	answer map[string]func(try int) int // status by path; 204 without
}

type delivery struct {
	path, key, signature string
	body                 []byte
	at                   time.Time
	verified             error
}

func (h *hooks) on(path string, answer func(try int) int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.answer == nil {
		h.answer = map[string]func(int) int{}
	}
	h.answer[path] = answer
}

func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	signature := r.Header.Get(webhook.SignatureHeader)
	h.got = append(h.got, delivery{
		path: r.URL.Path, key: r.Header.Get(webhook.KeyHeader), signature: signature, body: body, at: time.Now(),
		verified: webhook.Verify(webhookSecret, signature, body, time.Now()),
	})
	status, try := http.StatusNoContent, 0
	for _, d := range h.got {
		if d.path == r.URL.Path {
			try++
		}
	}
	if answer := h.answer[r.URL.Path]; answer != nil {
		status = answer(try)
	}
	w.WriteHeader(status)
}

func (h *hooks) at(path string) []delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.got), func(d delivery) bool { return d.path != path })
}

// door is what stands before the API processes: it takes the first that can be reached.
type door struct {
	addresses []string
	through   [2]atomic.Int64 // requests by address
}

func (d *door) proxy() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", d.addresses[0] // the dialler knows better
			r.Out.Host = "inside.belay.example"
		},
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var last error
			for i, address := range d.addresses {
				line, err := (&net.Dialer{}).DialContext(ctx, network, address)
				if err == nil {
					d.through[i].Add(1)
					return line, nil
				}
				last = errors.Join(last, err)
			}
			return nil, last
		}},
	}
}
