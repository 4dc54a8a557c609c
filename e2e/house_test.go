// Package e2e plays whole-system scenes: a real binary, a real Temporal server, a real Postgres, real clients over
// HTTP. Of the product only the fakes of carriers and what receivers verify with are imported: what a scene sees is what
// a user would see.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/internal/chromium"
)

// routingKey of the payments service, in both examples.
const routingKey = "acme0payments0demo0routing0key00"

// patience for things that happen in milliseconds on an idle machine, and must happen on a busy one too.
const patience = 6 * time.Minute // a ticket system that failed in several ways is left alone for two minutes, more than once

var binary struct {
	sync.Once
	path string
	err  error
}

// belay builds the product's binary once.
func belay(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the whole system; not with -short")
	}
	binary.Do(func() {
		dir, err := os.MkdirTemp("", "belay-e2e-")
		if err != nil {
			binary.err = err
			return
		}
		binary.path = filepath.Join(dir, "belay")
		build := exec.Command("go", "build", "-o", binary.path, "../cmd/belay")
		if out, err := build.CombinedOutput(); err != nil {
			binary.err = fmt.Errorf("build belay: %w\n%s", err, out)
		}
	})
	require.NoError(t, binary.err)
	return binary.path
}

func TestMain(m *testing.M) {
	code := m.Run()
	chromium.Close()
	if shared != nil {
		shared.stop()
	}
	if binary.path != "" {
		_ = os.RemoveAll(filepath.Dir(binary.path))
	}
	os.Exit(code)
}

// house is one running `belay dev`.
type house struct {
	t     testing.TB
	home  string
	env   []string
	http  string
	tempo string // Temporal's address
	token string
	cmd   *exec.Cmd
	log   *tail
	ended chan error
}

var (
	shared  *house
	sharing sync.Mutex
)

// quickHouse is shared by the scenes of this package: the example whose ladder takes seconds.
func quickHouse(t *testing.T) *house {
	t.Helper()
	sharing.Lock()
	defer sharing.Unlock()
	if shared == nil {
		home, err := os.MkdirTemp("", "belay-home-")
		require.NoError(t, err)
		h := newHouse(t, home, "../examples/quick")
		h.start()
		shared = h
	}
	h := *shared
	h.t = t
	return &h
}

func newHouse(t testing.TB, home, blueprint string) *house {
	t.Helper()
	absolute, err := filepath.Abs(blueprint)
	require.NoError(t, err)
	h := &house{t: t, home: home, http: free(t), tempo: free(t), log: &tail{}}
	h.env = append(os.Environ(),
		"BELAY_HOME="+home, "BELAY_HTTP_ADDR="+h.http, "BELAY_TEMPORAL_ADDR="+h.tempo,
		"BELAY_TEMPORAL_UI_ADDR="+free(t), "BELAY_POSTGRES_ADDR="+free(t), "BELAY_BLUEPRINT="+absolute)
	return h
}

// free is an address that nobody listens on just now.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (h *house) start() {
	h.t.Helper()
	h.cmd = exec.Command(belay(h.t), "dev")
	h.cmd.Dir = ".."
	h.cmd.Env = h.env
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	h.cmd.Stdout, h.cmd.Stderr = h.log, h.log
	require.NoError(h.t, h.cmd.Start())
	h.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan error) { ended <- cmd.Wait() }(h.cmd, h.ended)

	deadline := time.Now().Add(15 * time.Minute) // the first build of the dev stack takes minutes
	for {
		select {
		case err := <-h.ended:
			h.t.Fatalf("belay dev ended: %v\n%s", err, h.log)
		default:
		}
		if response, err := http.Get("http://" + h.http + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("belay dev is not ready\n%s", h.log)
		}
		time.Sleep(100 * time.Millisecond) // a process of its own: nothing else to wait for
	}
	token, err := os.ReadFile(filepath.Join(h.home, "admin-token"))
	require.NoError(h.t, err)
	h.token = strings.TrimSpace(string(token))
}

// interrupt is Ctrl-C.
func (h *house) interrupt() {
	_ = h.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-h.ended:
	case <-time.After(time.Minute):
		h.kill()
	}
}

// stop ends it for good.
func (h *house) stop() {
	h.interrupt()
	_ = os.RemoveAll(h.home)
}

// kill takes the whole process tree away at once, as a power cut would.
func (h *house) kill() {
	victims := append(children(h.cmd.Process.Pid), h.cmd.Process.Pid)
	for _, pid := range victims {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-h.ended
}

// children of a process, and theirs.
func children(parent int) []int {
	var all []int
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var pid, ppid int
		var state string
		rest := stat[bytes.LastIndexByte(stat, ')')+1:]
		if _, err := fmt.Sscanf(string(stat), "%d", &pid); err != nil {
			continue
		}
		if _, err := fmt.Sscanf(string(rest), "%s %d", &state, &ppid); err != nil || ppid != parent {
			continue
		}
		all = append(all, children(pid)...)
		all = append(all, pid)
	}
	return all
}

// fire triggers through PagerDuty's own client library and returns when it was accepted.
func (h *house) fire(title, dedup, severity string) time.Time {
	h.t.Helper()
	return h.event(pagerduty.V2Event{
		RoutingKey: routingKey, Action: "trigger", DedupKey: dedup,
		Payload: &pagerduty.V2Payload{Summary: title, Source: "db-1.example", Severity: severity},
	})
}

func (h *house) event(e pagerduty.V2Event) time.Time {
	h.t.Helper()
	client := pagerduty.NewClient("", pagerduty.WithV2EventsAPIEndpoint("http://"+h.http))
	answer, err := client.ManageEventWithContext(context.Background(), &e)
	require.NoError(h.t, err)
	require.Equal(h.t, "success", answer.Status)
	if e.DedupKey != "" {
		require.Equal(h.t, e.DedupKey, answer.DedupKey)
	}
	return time.Now()
}

type message struct {
	ID         int64     `json:"id"`
	At         time.Time `json:"at"`
	Channel    string    `json:"channel"`
	Person     string    `json:"person"`
	To         string    `json:"to"`
	Escalation string    `json:"escalation"`
	Body       string    `json:"body"`
	Status     string    `json:"status"`
	Link       string    `json:"link"`
	Key        string    `json:"key"`
}

func (m message) String() string { return m.Person + " " + m.Channel }

// messages of one escalation, in order; of all when it is empty.
func (h *house) messages(escalation string) []message {
	h.t.Helper()
	var all, mine []message
	h.get("/sandbox/messages", &all)
	for _, m := range all {
		if escalation == "" || m.Escalation == escalation {
			mine = append(mine, m)
		}
	}
	return mine
}

// told waits for the n-th message to a person by a channel about an alert with this title.
func (h *house) told(title, person, channel string) message {
	h.t.Helper()
	var found message
	h.eventually(func() bool {
		for _, m := range h.messages("") {
			if m.Person == person && m.Channel == channel && strings.Contains(m.Body, title) {
				found = m
				return true
			}
		}
		return false
	}, "%s is told of %q by %s", person, title, channel)
	return found
}

// eventually waits for a condition; what says what was waited for.
func (h *house) eventually(holds func() bool, what string, args ...any) {
	h.t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			var seen []string
			for _, m := range h.messages("") {
				seen = append(seen, fmt.Sprintf("%s %s %s %q", m.At.Format("15:04:05.0"), m.Escalation, m, m.Body))
			}
			h.t.Fatalf("not within %s: %s\nmessages:\n%s\nlog:\n%s", patience, fmt.Sprintf(what, args...), strings.Join(seen, "\n"), h.log)
		}
		time.Sleep(30 * time.Millisecond) // polls another process
	}
}

// replies answers on a sandbox phone and returns Belay's words.
func (h *house) replies(m message, text string) string {
	h.t.Helper()
	var out struct{ Answer string }
	h.post(fmt.Sprintf("/sandbox/messages/%d/reply", m.ID), map[string]string{"text": text}, http.StatusOK, &out)
	return out.Answer
}

func (h *house) fails(m message, status, code string) {
	h.t.Helper()
	h.post(fmt.Sprintf("/sandbox/messages/%d/fail", m.ID), map[string]string{"status": status, "code": code}, http.StatusOK, nil)
}

type escalation struct {
	ID             string    `json:"id"`
	State          string    `json:"state"`
	Service        string    `json:"service"`
	Priority       string    `json:"priority"`
	Tier           int       `json:"tier"`
	OpenedAt       time.Time `json:"opened_at"`
	AcknowledgedBy string    `json:"acknowledged_by"`
	Next           struct {
		At     time.Time `json:"at"`
		Action string    `json:"action"`
		Target string    `json:"target"`
	} `json:"next"`
}

func (h *house) escalation(id string) escalation {
	h.t.Helper()
	var e escalation
	h.get("/v1/escalations/"+id, &e)
	return e
}

func (h *house) reaches(id, state string) {
	h.t.Helper()
	h.eventually(func() bool { return h.escalation(id).State == state }, "%s is %s", id, state)
}

type entry struct {
	Seq   int       `json:"seq"`
	At    time.Time `json:"at"`
	Kind  string    `json:"kind"`
	Actor string    `json:"actor"`
	Via   string    `json:"via"`
	Key   string    `json:"key"`
	Text  string    `json:"text"`

	Unwritten bool `json:"unwritten"`
}

func (h *house) timeline(id string) []entry {
	h.t.Helper()
	var all []entry
	for {
		var page struct{ Entries []entry }
		h.get(fmt.Sprintf("/v1/escalations/%s/timeline?limit=200&after=%d", id, len(all)), &page)
		if len(page.Entries) == 0 {
			return all
		}
		for _, e := range page.Entries {
			require.Equal(h.t, len(all)+1, e.Seq, "the timeline of %s has a gap or is out of order", id)
			all = append(all, e)
		}
	}
}

// says uses a verb of the API and returns the answer in words.
func (h *house) says(id, verb string, body any) string {
	h.t.Helper()
	var out struct{ Text string }
	h.post("/v1/escalations/"+id+"/"+verb, body, http.StatusOK, &out)
	return out.Text
}

func (h *house) get(path string, out any) {
	h.t.Helper()
	h.call(http.MethodGet, path, nil, http.StatusOK, out)
}

func (h *house) post(path string, body any, want int, out any) {
	h.t.Helper()
	h.call(http.MethodPost, path, body, want, out)
}

func (h *house) call(method, path string, body any, want int, out any) {
	h.t.Helper()
	status, raw, err := h.try(method, path, body)
	require.NoError(h.t, err)
	require.Equal(h.t, want, status, "%s %s: %s", method, path, raw)
	if out != nil {
		require.NoError(h.t, json.Unmarshal(raw, out), "%s", raw)
	}
}

func (h *house) try(method, path string, body any) (int, []byte, error) {
	var payload io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		payload = strings.NewReader(body)
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		payload = bytes.NewReader(encoded)
	}
	request, err := http.NewRequest(method, "http://"+h.http+path, payload)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+h.token)
	if payload != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, raw, err
}

// quietFor makes sure that nobody is told anything more of an escalation for a while.
func (h *house) quietFor(id string, while time.Duration) {
	h.t.Helper()
	before := h.messages(id)
	time.Sleep(while) // silence can only be seen by waiting
	require.Equal(h.t, fmt.Sprint(before), fmt.Sprint(h.messages(id)), "somebody was told more of %s", id)
}

// once makes sure that no message left twice.
func (h *house) once() {
	h.t.Helper()
	seen := map[string]bool{}
	for _, m := range h.messages("") {
		require.False(h.t, seen[m.Key], "%s was sent twice", m.Key)
		seen[m.Key] = true
	}
}

// tail keeps the last lines of a log, for when a scene fails.
type tail struct {
	mu    sync.Mutex
	lines []string
	part  string
}

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	scanner := bufio.NewScanner(strings.NewReader(l.part + string(p)))
	scanner.Buffer(nil, 1<<20)
	l.part = ""
	for scanner.Scan() {
		l.lines = append(l.lines, scanner.Text())
	}
	if extra := len(l.lines) - 80; extra > 0 {
		l.lines = l.lines[extra:]
	}
	return len(p), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
