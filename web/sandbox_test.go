package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/reply"
	"github.com/belayhq/belay/internal/chromium"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

func TestTheSandboxIsNotThereOutsideDevMode(t *testing.T) {
	b := open(t, site(t, webtest.Typical(night), production))
	b.signIn(webtest.AdminToken)
	for _, path := range []string{"/sandbox", "/sandbox/messages", "/sandbox/events"} {
		require.Equal(t, http.StatusNotFound, b.get(path).Code, path)
	}
	require.Equal(t, http.StatusNotFound, b.json("/sandbox/messages/1/reply", `{"text":"ack"}`).Code)
	hides(t, b.page("/"), "Sandbox")
}

func TestProgramsReadThePhonesAsJSON(t *testing.T) {
	b := open(t, site(t, webtest.Typical(night), nil))
	b.change = func(r *http.Request) { r.Header.Set("Accept", "*/*") }
	w := b.get("/sandbox/messages")
	require.Equal(t, http.StatusOK, w.Code)
	var all []map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &all))
	require.Len(t, all, 7)
	for _, field := range []string{"id", "at", "channel", "person", "to", "escalation", "body", "status"} {
		require.Contains(t, all[0], field)
	}
	require.NoError(t, json.Unmarshal(b.get("/sandbox/messages?after=5").Body.Bytes(), &all))
	require.Len(t, all, 2)

	empty := open(t, site(t, webtest.Empty(night), nil))
	require.JSONEq(t, `[]`, empty.get("/sandbox/messages").Body.String())
}

func TestAReplyIsAnsweredTheWayItWasAsked(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, nil))
	w := b.json("/sandbox/messages/3/reply", `{"text":" ack 42 "}`)
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{"answer":"You have E-42."}`, w.Body.String())
	require.Equal(t, []string{`message 3 reply "ack 42"`}, h.Heard())

	w = b.post("/sandbox/messages/3/reply", url.Values{"text": {"resolve 42"}})
	require.Equal(t, http.StatusSeeOther, w.Code)
	shows(t, b.page("/sandbox"), "You have E-42.")

	b.change = func(r *http.Request) { r.Header.Set("HX-Request", "true") }
	w = b.post("/sandbox/messages/3/reply", url.Values{"text": {"<b>ack</b>"}})
	require.Equal(t, http.StatusOK, w.Code)
	hides(t, w.Body.String(), "<html")
	shows(t, w.Body.String(), "&lt;b&gt;ack&lt;/b&gt;")
}

func TestTheKeysOfACallAreThoseThatBelayUnderstands(t *testing.T) {
	page := open(t, site(t, webtest.Typical(night), nil)).page("/sandbox")
	pressed := 0
	walk(parse(t, page), func(n *html.Node) {
		if n.Data != "button" || attr(n, "name") != "text" {
			return
		}
		verb, err := reply.ParseDigit(attr(n, "value"))
		require.NoError(t, err)
		require.Contains(t, text(n), string(verb))
		pressed++
	})
	require.Equal(t, 3, pressed, "one call rings, with three keys")
}

func TestTheCarrierFailsInItsOwnWords(t *testing.T) {
	cases := []struct{ body, heard string }{
		{`{"status":"undelivered","code":"30034"}`, "message 3 fail undelivered 30034"},
		{`{"status":"undelivered","code":30034}`, "message 3 fail undelivered 30034"},
		{`{"code":"30008"}`, "message 3 fail undelivered 30008"},
		{`{"code":"21610"}`, "message 3 fail failed 21610"},
		{`{"status":"opted_out"}`, "message 3 fail failed 21610"},
	}
	for _, c := range cases {
		h := webtest.Typical(night)
		w := open(t, site(t, h, nil)).json("/sandbox/messages/3/fail", c.body)
		require.Equal(t, http.StatusOK, w.Code, c.body)
		require.Equal(t, []string{c.heard}, h.Heard())
	}
	calls := []struct{ body, heard string }{
		{`{"status":"no_answer"}`, "message 6 fail no-answer "},
		{`{"status":"no-answer","code":""}`, "message 6 fail no-answer "},
		{`{"code":"busy"}`, "message 6 fail busy "},
		{`{"status":"undelivered","code":"30005"}`, "message 6 fail failed 30005"},
		{`{"status":"machine"}`, "message 6 fail completed "},
	}
	for _, c := range calls {
		h := webtest.Typical(night)
		w := open(t, site(t, h, nil)).json("/sandbox/messages/6/fail", c.body)
		require.Equal(t, http.StatusOK, w.Code, c.body)
		require.Equal(t, []string{c.heard}, h.Heard())
	}
}

func TestBadInputGetsAProblemThatNamesTheField(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, nil))
	cases := []struct {
		path, body, field string
		status            int
	}{
		{"/sandbox/messages/3/reply", `{}`, "text", 422},
		{"/sandbox/messages/3/reply", `{"text":"  "}`, "text", 422},
		{"/sandbox/messages/3/reply", `{"text":["ack"]}`, "text", 422},
		{"/sandbox/messages/3/reply", `{"txt":"ack"}`, "txt", 422},
		{"/sandbox/messages/3/reply", `ack`, "", 422},
		{"/sandbox/messages/3/reply", `[1]`, "", 422},
		{"/sandbox/messages/3/reply", `null`, "text", 422},
		{"/sandbox/messages/3/fail", `{}`, "status", 422},
		{"/sandbox/messages/999/reply", `{"text":"ack"}`, "", 404},
		{"/sandbox/messages/0/reply", `{"text":"ack"}`, "", 404},
		{"/sandbox/messages/-1/fail", `{"status":"busy"}`, "", 404},
		{"/sandbox/messages/x/reply", `{"text":"ack"}`, "", 404},
	}
	for _, c := range cases {
		w := b.json(c.path, c.body)
		require.Equal(t, c.status, w.Code, c)
		require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		var p map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
		require.NotEmpty(t, p["title"])
		require.NotEmpty(t, p["detail"])
		require.EqualValues(t, c.status, p["status"])
		if c.field != "" {
			require.Equal(t, c.field, p["field"])
		}
	}
	require.Empty(t, h.Heard())
}

func TestAnotherSiteCannotPlayInTheSandbox(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, nil))
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "null"} {
		b.change = func(r *http.Request) { r.Header.Set(header, value) }
		require.Equal(t, http.StatusForbidden, b.json("/sandbox/messages/3/reply", `{"text":"ack"}`).Code)
		require.Equal(t, http.StatusForbidden, b.post("/sandbox/messages/3/fail", url.Values{"status": {"busy"}}).Code)
		require.Equal(t, http.StatusForbidden, b.post("/sandbox/alerts", url.Values{}).Code)
	}
	require.Empty(t, h.Heard())
}

func TestATestAlertIsFiredFromThePage(t *testing.T) {
	h := webtest.Typical(night)
	b := open(t, site(t, h, nil))
	form := fields(t, b.page("/sandbox"), "/sandbox/alerts")
	form.Set("service", "payments")
	form.Set("severity", "critical")
	require.Equal(t, http.StatusSeeOther, b.post("/sandbox/alerts", form).Code)
	require.Equal(t, []string{`open payments critical "Card payments fail in eu-west" by token:the operator`}, h.Heard())
	shows(t, b.page("/sandbox"), "Fired: E-99.")
	form.Set("service", "nonsense")
	require.Equal(t, http.StatusUnprocessableEntity, b.post("/sandbox/alerts", form).Code)
}

func TestAnEmptySandboxSaysWhatToDo(t *testing.T) {
	h := webtest.Typical(night)
	empty := site(t, webtest.Empty(night), func(o *web.Options) { o.Organisation = h })
	page := open(t, empty).page("/sandbox")
	shows(t, page, "curl -X POST http://127.0.0.1:8080/v2/enqueue")
	shows(t, page, "acme0payments0demo0routing0key00")
}

func TestAnOldSandboxShowsItsNewestMessages(t *testing.T) {
	h := webtest.Typical(night)
	for range 1200 {
		h.Deliver(service.SandboxMessage{At: night, Channel: org.SMS, Person: "ben", To: "+2348030000002", Escalation: "E-42", Body: "again", Status: "delivered"})
	}
	b := open(t, site(t, h, nil))
	for range 2 {
		page := b.page("/sandbox")
		shows(t, page, `id="m1207"`)
		hides(t, page, `id="m800"`)
	}
	var all []service.SandboxMessage
	require.NoError(t, json.Unmarshal(b.get("/sandbox/messages").Body.Bytes(), &all))
	require.Len(t, all, 1207)
}

// One watches the ladder beside the phones: who was called by which way, and what stopped it.
func TestTheSandboxDrawsTheLadderBesideThePhones(t *testing.T) {
	h := webtest.Typical(night)
	s := serve(t, h)
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	tab.Go(s.URL + "/sandbox")
	tab.Await("document.querySelector('#live.on')")
	const climb = "[...document.querySelectorAll('.row.brief')].find((row) => row.innerText.includes('E-42'))"
	tab.Await(climb + ".querySelectorAll('.climb .rung').length === 2")
	tab.Await(climb + ".querySelector('.rung.now').innerText.includes('Chioma Eze')")
	tab.Await(climb + ".innerText.includes('undelivered')")
	h.Happens("E-42", escalation.EntryAcknowledged, "ben", "Ben Okafor has it", func(e *service.Escalation) { e.State, e.AcknowledgedBy = escalation.Acked, "ben" })
	s.bell.Ring()
	tab.Await(climb + ".querySelector('.rung-end').innerText.includes('Ben Okafor has it')")
	tab.Await("!" + climb + ".querySelector('.rung.now')")
	require.Less(t, chromium.Ask[float64](tab, "document.querySelector('.scene-list').getBoundingClientRect().right"),
		chromium.Ask[float64](tab, "document.querySelector('.scene-phones').getBoundingClientRect().left"), "side by side")
}
