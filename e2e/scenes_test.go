package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"
	"github.com/stretchr/testify/require"
)

func TestAPagerDutyClientPagesAPersonWhoAcks(t *testing.T) {
	h := quickHouse(t)
	accepted := h.fire("cards are refused", "cards", "critical")
	sms := h.told("cards are refused", "ana", "sms")
	t.Logf("accepted → SMS on the phone: %s", sms.At.Sub(accepted).Round(time.Millisecond))
	require.Contains(t, sms.Body, "ack "+strings.TrimPrefix(sms.Escalation, "E-"))

	answer := h.replies(sms, "ack")
	require.Contains(t, answer, "You have "+sms.Escalation)
	h.reaches(sms.Escalation, "acknowledged")
	require.Equal(t, "ana", h.escalation(sms.Escalation).AcknowledgedBy)
	h.quietFor(sms.Escalation, 7*time.Second) // longer than the tier's patience

	h.eventually(func() bool { return has(h.timeline(sms.Escalation), "acknowledged", "Ana Pérez has it") }, "the timeline shows the acknowledge")
	h.event(pagerduty.V2Event{RoutingKey: routingKey, Action: "resolve", DedupKey: "cards"})
	h.reaches(sms.Escalation, "resolved")
}

func has(timeline []entry, kind, text string) bool {
	for _, e := range timeline {
		if e.Kind == kind && strings.Contains(e.Text, text) {
			return true
		}
	}
	return false
}

// predicted is one line of `belay simulate`.
type predicted struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Person  string    `json:"person"`
	Channel string    `json:"channel"`
	Purpose string    `json:"purpose"`
}

func (h *house) simulate(at time.Time, more ...string) []predicted {
	h.t.Helper()
	args := append([]string{"simulate", "--dir", "../examples/quick", "--service", "payments", "--priority", "P1", "--at", at.UTC().Format(time.RFC3339Nano), "-o", "json"}, more...)
	out, err := exec.Command(belay(h.t), args...).Output()
	require.NoError(h.t, err)
	var lines struct {
		Lines []predicted `json:"lines"`
	}
	require.NoError(h.t, json.Unmarshal(out, &lines), "%s", out)
	var pages []predicted
	for _, l := range lines.Lines {
		if l.Kind == "message" && l.Purpose == "page" {
			pages = append(pages, l)
		}
	}
	return pages
}

func TestSilenceWalksTheLadderAtTheInstantsThatSimulatePrinted(t *testing.T) {
	h := quickHouse(t)
	h.fire("ledger is late", "ledger", "critical")
	first := h.told("ledger is late", "ana", "sms")
	opened := h.escalation(first.Escalation).OpenedAt
	plan := h.simulate(opened, "--for", "15s")
	require.NotEmpty(t, plan)

	pages := func() []message {
		var out []message
		for _, m := range h.messages(first.Escalation) {
			if strings.Contains(m.Key, "/told/") {
				continue
			}
			out = append(out, m)
		}
		return out
	}
	h.eventually(func() bool { return len(pages()) >= len(plan) }, "%d people told", len(plan))
	h.says(first.Escalation, "resolve", map[string]string{"note": "seen enough"})
	want, got := map[string]int{}, map[string]int{}
	for i, p := range plan {
		want[p.Person+" "+p.Channel]++
		got[pages()[i].String()]++
		late := pages()[i].At.Sub(p.At)
		t.Logf("%-14s %-6s predicted +%-6s late %s", pages()[i].Person, pages()[i].Channel, p.At.Sub(opened).Round(time.Millisecond), late.Round(time.Millisecond))
	}
	require.Equal(t, want, got)
	require.Equal(t, []string{"ana sms", "ana voice", "ben sms", "ben email"}, []string{pages()[0].String(), pages()[1].String(), pages()[2].String(), pages()[3].String()})
	require.Contains(t, got, "nimbus-noc sms", "both vendors are told at once")
	require.Contains(t, got, "acquire-desk email")
	h.once()
}

func TestACarriersFailureMovesOnAtOnce(t *testing.T) {
	for _, c := range []struct{ status, code string }{{"undelivered", "30034"}, {"failed", "30003"}} {
		t.Run(c.code, func(t *testing.T) {
			h := quickHouse(t)
			title := "dns " + c.code
			h.fire(title, "dns-"+c.code, "critical")
			sms := h.told(title, "ana", "sms")
			said := time.Now()
			h.fails(sms, c.status, c.code)
			call := h.told(title, "ana", "voice")
			t.Logf("receipt %s → call: %s", c.code, call.At.Sub(said).Round(time.Millisecond))
			h.says(sms.Escalation, "resolve", nil)
		})
	}
	for _, status := range []string{"busy", "no-answer"} {
		t.Run(status, func(t *testing.T) {
			h := quickHouse(t)
			title := "call " + status
			h.fire(title, "call-"+status, "critical")
			sms := h.told(title, "ana", "sms")
			call := h.told(title, "ana", "voice")
			said := time.Now()
			h.fails(call, status, "")
			h.fails(sms, "undelivered", "30005")
			backup := h.told(title, "ben", "sms")
			t.Logf("%s → the backup's SMS: %s", status, backup.At.Sub(said).Round(time.Millisecond))
			h.eventually(func() bool {
				return has(h.timeline(sms.Escalation), "skipped", "every contact method failed")
			}, "the timeline says why ana was left out")
			h.says(sms.Escalation, "resolve", nil)
		})
	}
}

func TestTheSecondAckHearsWhoWasFirst(t *testing.T) {
	h := quickHouse(t)
	h.fire("search is slow", "search", "critical")
	h.told("search is slow", "ana", "sms")
	ben := h.told("search is slow", "ben", "sms")
	require.Contains(t, h.says(ben.Escalation, "acknowledge", map[string]string{}), "You have "+ben.Escalation)
	require.Contains(t, h.replies(ben, "ack "+ben.Escalation[2:]), "has had "+ben.Escalation+" since")
	require.Contains(t, h.replies(ben, "resolve "+ben.Escalation[2:]), "resolved")
	require.Contains(t, h.replies(ben, "ack "+ben.Escalation[2:]), "was resolved")
}

func TestALinkShowsOnGetAndActsOnPost(t *testing.T) {
	h := quickHouse(t)
	h.fire("disk is full", "disk", "critical")
	sms := h.told("disk is full", "ana", "sms")
	require.NotEmpty(t, sms.Link)
	for range 20 { // a mail scanner opens every link, and more than once
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			request, err := http.NewRequest(method, sms.Link, nil)
			require.NoError(t, err)
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			response.Body.Close()
			require.Equal(t, http.StatusOK, response.StatusCode)
		}
	}
	require.Equal(t, "open", h.escalation(sms.Escalation).State)
	h.taps(sms.Link, "acknowledge")
	h.reaches(sms.Escalation, "acknowledged")
	require.Equal(t, "ana", h.escalation(sms.Escalation).AcknowledgedBy)
	h.says(sms.Escalation, "resolve", nil)

	forged := sms.Link[:len(sms.Link)-4] + "AAAA"
	response, err := http.PostForm(forged, url.Values{"verb": {"acknowledge"}})
	require.NoError(t, err)
	response.Body.Close()
	require.GreaterOrEqual(t, response.StatusCode, 400)
}

// taps opens a link as a browser does and presses one of its buttons.
func (h *house) taps(link, verb string) {
	h.t.Helper()
	response, err := http.Get(link)
	require.NoError(h.t, err)
	page, err := io.ReadAll(response.Body)
	response.Body.Close()
	require.NoError(h.t, err)
	key := regexp.MustCompile(`name="key" value="([^"]+)"`).FindSubmatch(page)
	require.NotNil(h.t, key, "%s", page)
	response, err = http.PostForm(link, url.Values{"verb": {verb}, "key": {string(key[1])}})
	require.NoError(h.t, err)
	response.Body.Close()
	require.Less(h.t, response.StatusCode, 400)
}

func TestAVendorsPeopleAnswerWithoutAnAccount(t *testing.T) {
	h := quickHouse(t)
	h.fire("cloud is gone", "cloud", "critical")
	first := h.told("cloud is gone", "ana", "sms")
	noc := h.told("cloud is gone", "nimbus-noc", "sms")
	desk := h.told("cloud is gone", "acquire-desk", "email")
	require.Contains(t, h.replies(noc, "ack "+noc.Escalation[2:]), "You have")
	h.taps(desk.Link, "acknowledge")
	h.eventually(func() bool {
		timeline := h.timeline(first.Escalation)
		return has(timeline, "vendor", "Nimbus Cloud: Nimbus duty engineer has it") && has(timeline, "vendor", "Acquire: Acquire service desk has it")
	}, "the escalation hears both vendors")
	require.Equal(t, "open", h.escalation(first.Escalation).State, "a vendor's acknowledge is not ours")
	h.says(first.Escalation, "resolve", nil)
	h.eventually(func() bool { return has(h.timeline(first.Escalation), "vendor", "stood down") }, "the vendors are sent home")
}

func TestAVendorsSilenceTellsOurOwner(t *testing.T) {
	h := quickHouse(t)
	h.fire("acquirer is mute", "mute", "critical")
	eva := h.told("acquirer is mute", "eva", "sms")
	h.replies(eva, "ack "+eva.Escalation[2:])
	h.told("promised to acknowledge", "eva", "sms")
	h.told("acquirer is mute", "nimbus-lead", "sms")
	h.says(eva.Escalation, "resolve", nil)
}

func TestRepeatsJoinAndAResolvedKeyOpensANewOne(t *testing.T) {
	h := quickHouse(t)
	for range 20 {
		h.fire("queue grows", "queue", "error")
	}
	sms := h.told("queue grows", "ana", "sms")
	h.says(sms.Escalation, "acknowledge", nil)
	h.event(pagerduty.V2Event{RoutingKey: routingKey, Action: "resolve", DedupKey: "queue"})
	h.reaches(sms.Escalation, "resolved")
	h.fire("queue grows", "queue", "error")
	h.eventually(func() bool {
		for _, m := range h.messages("") {
			if strings.Contains(m.Body, "queue grows") && m.Escalation != sms.Escalation {
				h.says(m.Escalation, "resolve", nil)
				return true
			}
		}
		return false
	}, "a new escalation for the same key")
	h.once()
}

func TestEveryVerbOfTheAPI(t *testing.T) {
	h := quickHouse(t)
	h.fire("api is tried", "api", "critical")
	sms := h.told("api is tried", "ana", "sms")
	id := sms.Escalation
	require.NotEmpty(t, h.says(id, "acknowledge", map[string]string{"note": "mine"}))
	require.NotEmpty(t, h.says(id, "note", map[string]string{"note": "looking"}))
	require.NotEmpty(t, h.says(id, "escalate", map[string]string{"direction": "hierarchic", "note": "a decision"}))
	h.told("api is tried", "eva", "sms")
	require.NotEmpty(t, h.says(id, "reassign", map[string]any{"to": map[string]string{"person": "ben"}}))
	h.told("api is tried", "ben", "sms")
	require.NotEmpty(t, h.says(id, "snooze", map[string]any{"until": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}))
	h.eventually(func() bool { return h.escalation(id).Next.Action == "wake" }, "it sleeps")
	require.NotEmpty(t, h.says(id, "prioritise", map[string]string{"priority": "P3"}))
	h.eventually(func() bool { return h.escalation(id).Priority == "P3" }, "it is P3")
	require.NotEmpty(t, h.says(id, "resolve", nil))
	require.NotEmpty(t, h.says(id, "reopen", nil))
	h.eventually(func() bool { return h.escalation(id).State == "open" }, "it is open again")
	require.NotEmpty(t, h.says(id, "resolve", nil))
	for _, kind := range []string{"opened", "tier", "message", "acknowledged", "note", "escalated", "reassigned", "snoozed", "priority", "resolved", "reopened"} {
		h.eventually(func() bool { return has(h.timeline(id), kind, "") }, "the timeline shows %s", kind)
	}
}

func TestBadInputGetsAProblemThatNamesTheField(t *testing.T) {
	h := quickHouse(t)
	id := h.closed()
	for name, c := range map[string]struct {
		path, body string
		status     int
		says       string
	}{
		"not JSON":               {"/v1/escalations", `{"service":`, 400, ""},
		"wrong type":             {"/v1/escalations", `{"service": 7, "title": "x"}`, 400, "service"},
		"unknown key":            {"/v1/escalations", `{"service": "payments", "title": "x", "colour": "red"}`, 400, "colour"},
		"missing title":          {"/v1/escalations", `{"service": "payments"}`, 400, "title"},
		"unknown service":        {"/v1/escalations", `{"service": "nowhere", "title": "x"}`, 0, "nowhere"},
		"unknown escalation":     {"/v1/escalations/E-999999/acknowledge", `{}`, 404, "E-999999"},
		"no escalation at all":   {"/v1/escalations/ticket-7/acknowledge", `{}`, 0, ""},
		"closed escalation":      {"/v1/escalations/" + id + "/note", `{"note": ""}`, 0, ""},
		"ten megabytes":          {"/v1/escalations", `{"service": "payments", "title": "` + strings.Repeat("x", 10<<20) + `"}`, 413, ""},
		"ten megabytes of event": {"/v2/enqueue", `{"routing_key": "` + strings.Repeat("x", 10<<20) + `"}`, 413, ""},
		"event without payload":  {"/v2/enqueue", `{"routing_key": "` + routingKey + `", "event_action": "trigger"}`, 400, ""},
		"event, unknown key":     {"/v2/enqueue", `{"routing_key": "nobody0nobody0nobody0nobody0nobo", "event_action": "trigger", "payload": {"summary": "x", "source": "y", "severity": "error"}}`, 400, ""},
		"snooze into the past":   {"/v1/escalations/" + id + "/snooze", `{"until": "2001-01-01T00:00:00Z"}`, 0, ""},
		"reassign to a vendor":   {"/v1/escalations/" + id + "/reassign", `{"to": {"vendor": "nimbus"}}`, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, raw, err := h.try(http.MethodPost, c.path, c.body)
			require.NoError(t, err)
			require.GreaterOrEqual(t, status, 400, "%s", raw)
			require.Less(t, status, 500, "%s", raw)
			if c.status != 0 {
				require.Equal(t, c.status, status, "%s", raw)
			}
			var document map[string]any
			require.NoError(t, json.Unmarshal(raw, &document), "%s", raw)
			require.Contains(t, string(raw), c.says)
		})
	}
	status, _, err := h.try(http.MethodGet, "/healthz", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
}

// closed is an escalation that is resolved.
func (h *house) closed() string {
	h.t.Helper()
	title := fmt.Sprintf("over %d", time.Now().UnixNano())
	h.fire(title, title, "critical")
	id := h.told(title, "ana", "sms").Escalation
	h.says(id, "resolve", nil)
	h.reaches(id, "resolved")
	return id
}

func TestNothingIsOpenWithoutAToken(t *testing.T) {
	h := quickHouse(t)
	anonymous := *h
	anonymous.token = "blt_nobody"
	for _, path := range []string{"/v1/escalations", "/v1/people", "/v1/revisions", "/v1/tokens", "/v1/oncall", "/v1/me"} {
		status, raw, err := anonymous.try(http.MethodGet, path, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, status, "%s: %s", path, raw)
	}
}
