package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

const (
	sandboxRead   = 500 // messages asked for at once
	sandboxShown  = 400 // messages on the page
	bubblesShown  = 4   // of one phone
	recentBubbles = 2   // of those, the ones whose carrier can still be made to fail
	climbsShown   = 3   // ladders drawn
	reloadSandbox = 5   // seconds, without script
)

// sandboxFloor remembers below which message nothing is shown any more, so that an old sandbox stays quick.
type sandboxFloor struct{ below atomic.Int64 }

// phone is everything one person received.
type phone struct {
	Person   org.Person // with the ID only when nobody of this name is in the organisation
	Messages []received
	Older    int                    // messages not shown
	Text     service.SandboxMessage // the last text message: what a reply answers
	Waiting  bool                   // something wants an answer
}

// received is one message on a phone.
type received struct {
	service.SandboxMessage
	Open   bool // its escalation waits for somebody
	Recent bool // what one would still act on
}

// ringing: the call goes on.
func (m received) ringing() bool { return m.Channel == org.Voice && m.Status == "ringing" && m.Open }

// listening: somebody may press a key.
func (m received) listening() bool {
	return m.ringing() || m.Channel == org.Voice && m.Status == "answered" && m.Open && m.Recent
}

// scene is what the sandbox shows.
type scene struct {
	Phones []phone
	Live   []service.Escalation
	Over   []service.Escalation
	Climbs map[id.Escalation][]rung // of the newest that are live: one watches them climb, and stop
}

// quiet: nothing was ever sent and nothing was ever open.
func (sc scene) quiet() bool { return len(sc.Phones) == 0 && len(sc.Live) == 0 && len(sc.Over) == 0 }

func (s *Site) scene(ctx context.Context, f frame) (scene, error) {
	all, err := s.messagesAfter(ctx, s.floor.below.Load())
	if err != nil {
		return scene{}, err
	}
	if extra := len(all) - sandboxShown; extra > 0 {
		s.floor.below.Store(all[extra-1].ID)
		all = all[extra:]
	}
	b, err := s.board(ctx, f, want{})
	if err != nil {
		return scene{}, err
	}
	open := map[id.Escalation]bool{}
	for _, e := range b.Live {
		open[e.ID] = e.State == escalation.Open
	}
	sc := scene{Phones: phones(f.org, all, open), Live: b.Live, Over: b.Over, Climbs: map[id.Escalation][]rung{}}
	newest := slices.SortedFunc(slices.Values(b.Live), func(a, b service.Escalation) int { return b.OpenedAt.Compare(a.OpenedAt) })
	for _, e := range first(newest, climbsShown) {
		st, err := s.read(ctx, f.Caller, e.ID, nil)
		if err != nil {
			return scene{}, err
		}
		sc.Climbs[e.ID] = ladder(st.Entries)
	}
	return sc, nil
}

// phones sorts messages by who got them, in the order in which people were first told: cards never change places.
func phones(o *org.Org, all []service.SandboxMessage, open map[id.Escalation]bool) []phone {
	var found []phone
	for _, m := range all {
		i := slices.IndexFunc(found, func(p phone) bool { return p.Person.ID == m.Person })
		if i < 0 {
			person := o.People[m.Person]
			person.ID = m.Person
			found, i = append(found, phone{Person: person}), len(found)
		}
		p := &found[i]
		p.Messages = append(p.Messages, received{SandboxMessage: m, Open: open[m.Escalation]})
		if m.Channel == org.SMS {
			p.Text = m
		}
		p.Waiting = open[m.Escalation] && len(m.Replies) == 0 && !failed(m.Status)
	}
	for i := range found {
		p := &found[i]
		if extra := len(p.Messages) - bubblesShown; extra > 0 {
			p.Older, p.Messages = extra, p.Messages[extra:]
		}
		for j := max(0, len(p.Messages)-recentBubbles); j < len(p.Messages); j++ {
			p.Messages[j].Recent = true
		}
	}
	return found
}

// failed reports whether a message did not reach its person. The sandbox keeps the carrier's words, then its code.
func failed(status string) bool {
	word, _, _ := strings.Cut(status, " ")
	switch word {
	case "", "ringing", "queued", "sent", "accepted", "delivered", "answered":
		return false
	}
	return true
}

func (s *Site) messagesAfter(ctx context.Context, after int64) ([]service.SandboxMessage, error) {
	all := []service.SandboxMessage{}
	for {
		some, err := s.Sandbox.List(ctx, after, sandboxRead)
		if err != nil {
			return nil, fmt.Errorf("list sandbox messages: %w", err)
		}
		all = append(all, some...)
		if len(some) < sandboxRead {
			return all, nil
		}
		after = some[len(some)-1].ID
	}
}

func (s *Site) sandbox(c echo.Context) error {
	f := s.frame(c, "Sandbox").living(c, reloadSandbox)
	sc, err := s.scene(c.Request().Context(), f)
	if err != nil {
		return err
	}
	f.Answer = s.takeAnswer(c)
	return s.render(c, http.StatusOK, sandboxPage(f, sc, s.curl(f)))
}

func (s *Site) sandboxEvents(c echo.Context) error {
	f := s.frame(c, "Sandbox")
	return s.stream(c, func(ctx context.Context) ([]part, error) {
		sc, err := s.scene(ctx, f)
		if err != nil {
			return nil, err
		}
		f := f.at(s.Now())
		return []part{{Event: "scene", Data: sc, Page: sceneView(f, sc, s.curl(f))}}, nil
	})
}

// curl is a line to paste into a terminal: an alert as a monitor would send it.
func (s *Site) curl(f frame) string {
	base := strings.TrimRight(s.PublicURL, "/")
	if base == "" {
		base = "http://127.0.0.1:8080" + s.Prefix
	}
	key := "YOUR-ROUTING-KEY"
	for _, i := range sortedIntegrations(f.org) {
		if i.Kind == "events" {
			key = i.Key
			break
		}
	}
	return "curl -X POST " + base + "/v2/enqueue -H 'Content-Type: application/json' -d '" +
		`{"routing_key":"` + key + `","event_action":"trigger","payload":` +
		`{"summary":"Card payments fail","source":"prod-eu","severity":"critical"}}'`
}

func sortedIntegrations(o *org.Org) []org.Integration {
	var all []org.Integration
	for _, i := range o.Integrations {
		all = append(all, i)
	}
	// The example's payments service comes first: the story of the first five minutes is about it.
	slices.SortFunc(all, func(a, b org.Integration) int {
		if first := compareBool(a.Service == "payments", b.Service == "payments"); first != 0 {
			return first
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return all
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// sandboxMessages is the whole sandbox for programs: a JSON array, oldest first. ?after= leaves out what is known.
func (s *Site) sandboxMessages(c echo.Context) error {
	after := int64(0)
	if text := c.QueryParam("after"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return fault.Field("after", "%q is not the number of a message", text)
		}
		after = n
	}
	all, err := s.messagesAfter(c.Request().Context(), after)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, all)
}

func (s *Site) sandboxReply(c echo.Context) error {
	return s.play(c, func(ctx context.Context, message int64, said map[string]string) (string, error) {
		text := strings.TrimSpace(said["text"])
		if text == "" {
			return "", fault.Field("text", "say something, such as \"ack\"")
		}
		return s.Sandbox.Reply(ctx, message, text)
	})
}

func (s *Site) sandboxFail(c echo.Context) error {
	return s.play(c, func(ctx context.Context, message int64, said map[string]string) (string, error) {
		m, err := s.Sandbox.Get(ctx, message)
		if err != nil {
			return "", err
		}
		status, code := mishap(m.Channel, said["status"], said["code"])
		if status == "" {
			return "", fault.Field("status", "say what the carrier reports, such as \"no-answer\" or \"undelivered\"")
		}
		if err := s.Sandbox.Fail(ctx, message, status, code); err != nil {
			return "", err
		}
		return strings.TrimSpace("The carrier reports: " + status + " " + code), nil
	})
}

// mishap reads what a carrier is made to report, in the carrier's words. Ours are understood too, and a code alone
// says enough: texts that fail are undelivered, calls are failed.
func mishap(c org.Channel, status, code string) (string, string) {
	status = strings.ReplaceAll(strings.TrimSpace(status), "_", "-")
	code = strings.TrimSpace(code)
	switch code {
	case "busy", "no-answer", "no_answer", "failed":
		status, code = strings.ReplaceAll(code, "_", "-"), ""
	}
	switch {
	case status == "opted-out":
		status, code = "failed", or2(code, "21610")
	case status == "machine":
		status = "completed" // a mailbox that took the call, and no key
	case status == "" && code == "21610":
		status = "failed"
	case status == "" && code != "":
		status = "undelivered"
	}
	if c == org.Voice && status == "undelivered" {
		status = "failed"
	}
	return status, code
}

// play acts on one message, and answers the way it was asked: data to programs, the page to people.
func (s *Site) play(c echo.Context, act func(context.Context, int64, map[string]string) (string, error)) error {
	number, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || number <= 0 {
		return fault.New(fault.NotFound, "there is no message %q", c.Param("id"))
	}
	said, err := fields(c, "text", "status", "code")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	told, err := act(ctx, number, said)
	if err != nil {
		return err
	}
	s.Bell.Ring()
	if wantsData(c.Request()) {
		return c.JSON(http.StatusOK, map[string]string{"answer": told})
	}
	return s.backToSandbox(c, answer{Text: told})
}

// backToSandbox shows the sandbox again: in place with script, by a redirect without.
func (s *Site) backToSandbox(c echo.Context, a answer) error {
	if c.Request().Header.Get("HX-Request") == "" {
		if a.Text != "" {
			if err := s.leaveAnswer(c, a); err != nil {
				return err
			}
		}
		return c.Redirect(http.StatusSeeOther, s.Prefix+"/sandbox")
	}
	f := s.frame(c, "Sandbox")
	sc, err := s.scene(c.Request().Context(), f)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, sceneView(f, sc, s.curl(f)))
}

// fields reads a JSON object or a form; other fields of either are refused in JSON, where they are a mistake.
func fields(c echo.Context, known ...string) (map[string]string, error) {
	said := map[string]string{}
	if !strings.HasPrefix(c.Request().Header.Get(echo.HeaderContentType), "application/json") {
		for _, name := range known {
			said[name] = c.FormValue(name)
		}
		return said, nil
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	raw := map[string]any{}
	if err := json.Unmarshal(body, &raw); err != nil {
		var at *json.UnmarshalTypeError
		if errors.As(err, &at) {
			return nil, fault.New(fault.Invalid, "the body must be a JSON object")
		}
		return nil, fault.Wrap(fault.Invalid, err, "the body is not JSON")
	}
	for name, value := range raw {
		if !slices.Contains(known, name) {
			return nil, fault.Field(name, "unknown; known are %s", strings.Join(known, ", "))
		}
		switch v := value.(type) {
		case string:
			said[name] = v
		case float64:
			said[name] = strconv.FormatFloat(v, 'f', -1, 64)
		case nil:
		default:
			return nil, fault.Field(name, "want a text")
		}
	}
	return said, nil
}

// sandboxAlert fires a test alert, as the form asks.
func (s *Site) sandboxAlert(c echo.Context) error {
	if err := s.checkForm(c); err != nil {
		return err
	}
	key := c.FormValue("key")
	if !plainKey(key) {
		return fault.Field("key", "this form is incomplete; load the page again")
	}
	e, err := s.Opener.Do(c.Request().Context(), visitorOf(c).caller, service.Opening{
		Service:  id.Service(c.FormValue("service")),
		Title:    strings.TrimSpace(c.FormValue("title")),
		Severity: alert.Severity(c.FormValue("severity")),
		Source:   "sandbox",
		Key:      "sandbox/" + key,
	})
	if err != nil {
		return err
	}
	s.Bell.Ring()
	return s.backToSandbox(c, answer{Text: "Fired: " + string(e) + ". Watch the phones."})
}
