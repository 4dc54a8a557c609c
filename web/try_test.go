package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

// filled is the form of a trial as it stands on a page, with its text areas and what is chosen.
func filled(t *testing.T, page string) url.Values {
	t.Helper()
	form := fields(t, page, "/try")
	walk(parse(t, page), func(n *html.Node) {
		switch n.Data {
		case "textarea":
			form.Set(attr(n, "name"), text(n))
		case "option":
			if name := attr(n.Parent, "name"); (name == "integration" || name == "format") && (!form.Has(name) || has(n, "selected")) {
				form.Set(name, text(n))
				if has(n, "value") {
					form.Set(name, attr(n, "value"))
				}
			}
		}
	})
	return form
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// try posts a form as browsers do.
func (b *browser) try(form url.Values) (int, string) {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name := range form {
		require.NoError(b.t, w.WriteField(name, form.Get(name)))
	}
	require.NoError(b.t, w.Close())
	answer := b.do(http.MethodPost, "/try", w.FormDataContentType(), body.String())
	return answer.Code, answer.Body.String()
}

const firing = `{"version":"4","status":"firing","externalURL":"https://am.example","alerts":[{"status":"firing",
	"labels":{"alertname":"QueueGrows","instance":"mq-1","severity":"warning","env":"prod"},
	"annotations":{"summary":"queue of mq-1 grows"},"startsAt":"2026-11-24T02:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"https://prometheus.example/g"}]}`

func TestARequestIsTriedRuleByRule(t *testing.T) {
	h := acme(t, night)
	b := open(t, site(t, h, nil))
	form := filled(t, b.page("/try?integration=platform-metrics"))
	require.Equal(t, "platform-metrics", form.Get("integration"))
	form.Set("format", "alertmanager")
	form.Set("body", firing)
	code, page := b.try(form)
	require.Equal(t, http.StatusOK, code)
	sound(t, page)
	shows(t, page, "<b>test systems</b>", "<b>a cluster at a time</b>", "<b>queues that fill up</b>", "People are told if it still fires after 5m0s.", "Webhooks and receipts")
	hides(t, page, "<b>certificates</b>", "<b>everything else</b>") // which were not asked
	shows(t, page, "1 alert", "queue of mq-1 grows", "severity warning", "mq-1", "matches", "does not match", "2026-11-24T02:00:00Z", "https://prometheus.example/g")
	require.Equal(t, form.Get("body"), filled(t, page).Get("body"), "what was pasted is still there")
	require.Empty(t, h.Heard(), "nobody was told")
}

func TestEveryKindOfQuietIsSaidInWords(t *testing.T) {
	h := webtest.Typical(night)
	o := h.Current().Org
	o.Heartbeats = map[id.Heartbeat]org.Heartbeat{"night": {ID: "night"}}
	o.Windows = map[id.Window]org.Window{"works": {ID: "works", From: night.Add(-time.Hour), Until: night.Add(time.Hour), When: `title == "covered"`, UpTo: "critical"}}
	o.Integrations = map[id.Integration]org.Integration{"all": {ID: "all", Service: "payments", Rules: []org.Rule{
		{Name: "dropped", When: `title == "dropped"`, Action: org.Drop},
		{Name: "kept", When: `title == "kept"`, Action: org.Suppress},
		{Name: "alive", When: `title == "alive"`, Action: org.Ping, Ping: "night"},
		{Name: "later", When: `title == "later"`, Action: org.Tell, Delay: 5 * time.Minute},
		{Name: "joined", When: `title == "joined"`, Action: org.Tell, Group: &org.Grouping{By: []string{"source"}, Within: time.Minute}},
		{Name: "labelled", When: `title == "labelled"`, Action: org.Tell, Priority: org.P5, Labels: map[string]string{"tier": "gold"}},
		{Name: "broken", When: `title.size() / 0 == 1`, Action: org.Drop},
	}}}
	b := open(t, site(t, h, nil))
	form := filled(t, b.page("/try"))
	form.Set("mapping", "title: body.title\naction: body.?action.orValue('trigger')\nseverity: body.?severity.orValue('')")
	for body, words := range map[string][]string{
		`{"title":"dropped"}`:                        {"It is forgotten, and tells nobody."},
		`{"title":"kept"}`:                           {"It is put on record, and tells nobody."},
		`{"title":"alive"}`:                          {"It is a sign of life of the heartbeat night."},
		`{"title":"later"}`:                          {"People are told if it still fires after 5m0s."},
		`{"title":"joined"}`:                         {"It joins others in one escalation: group joined of payments"},
		`{"title":"labelled"}`:                       {"People are told at once.", "P5", "tier=gold"},
		`{"title":"covered"}`:                        {"It is quiet while the window works is open", "window works"},
		`{"title":"plain"}`:                          {"People are told at once.", "no rule matched: it goes to payments", "rule &#34;broken&#34; was passed over"},
		`{"title":"plain","action":"resolve"}`:       {"It ends what has the same key."},
		`{"title":"plain","action":"acknowledge"}`:   {"It acknowledges what has the same key."},
		`{"title":"plain","action":"ignore"}`:        {"It asks for nothing, and is only put on record."},
		`{"title":"plain","severity":"purple"}`:      {"purple", "severity error"},
		`{"title":"<script>alert(1)</script>&amp;"}`: {"&lt;script&gt;alert(1)&lt;/script&gt;"},
	} {
		form.Set("body", body)
		code, page := b.try(form)
		require.Equal(t, http.StatusOK, code, body)
		shows(t, page, words...)
		sound(t, page)
	}
}

func TestWhatIsWrongWithATrialStandsBesideItsField(t *testing.T) {
	h := acme(t, night)
	b := open(t, site(t, h, nil))
	start := filled(t, b.page("/try"))
	for name, c := range map[string]struct {
		change       map[string]string
		code         int
		field, words string
	}{
		"no body":          {map[string]string{"body": " "}, 422, "body", "is empty: paste what the monitor sends"},
		"no JSON":          {map[string]string{"body": "x=1"}, 422, "body", "the body is not JSON"},
		"deep":             {map[string]string{"body": strings.Repeat("[", 100_000)}, 422, "body", "nested more than 64 levels"},
		"large":            {map[string]string{"body": `"` + strings.Repeat("x", 2<<20) + `"`}, 413, "body", "at most 2097152 are taken"},
		"10 MB":            {map[string]string{"body": strings.Repeat(" ", 10<<20)}, 413, "body", "more than 4194304 bytes"},
		"other format":     {map[string]string{"format": "alertmanager", "body": `{"alerts":[{}]}`}, 422, "body", "alerts[0]"},
		"no format":        {map[string]string{"format": "smoke signals"}, 422, "format", `"smoke signals" is none of alertmanager, json`},
		"no integration":   {map[string]string{"integration": "nothing"}, 422, "integration", `there is no integration "nothing"`},
		"no header":        {map[string]string{"header": "X-One: 1\nnonsense"}, 422, "header", `"nonsense" is not 'Name: value'`},
		"no YAML":          {map[string]string{"mapping": "title: 'x"}, 422, "mapping", "line 1: is not YAML"},
		"no CEL":           {map[string]string{"mapping": "title: body."}, 422, "mapping", "line 1: title: at character"},
		"none":             {map[string]string{"mapping": ""}, 422, "mapping", "this integration has none"},
		"no such word":     {map[string]string{"mapping": "title: env.HOME"}, 422, "mapping", "undeclared reference to 'env'"},
		"comes to nothing": {map[string]string{"mapping": "title: body.nothing"}, 422, "mapping", "title: comes to nothing"},
		"a loop in a loop": {map[string]string{
			"mapping": `title: 'body.all(a, body.all(b, a == b)) ? "x" : "y"'`, "body": "[" + strings.Repeat("1,", 3000) + "1]",
		}, 422, "mapping", "title: asks for more work than is allowed"},
		"three loops":        {map[string]string{"mapping": `title: 'body.all(a, body.all(b, body.all(c, true))) ? "x" : "y"'`}, 422, "mapping", "line 1: title: "},
		"an expanding text":  {map[string]string{"mapping": "title: '" + strings.Repeat("(", 100) + "body.a" + strings.Repeat(")", 100) + "'"}, 422, "mapping", "line 1: title: "},
		"a hostile pattern":  {map[string]string{"mapping": `title: 'body.a.matches(body.b) ? "x" : "y"'`}, 422, "mapping", "must be written out"},
		"a long expression":  {map[string]string{"mapping": "title: '" + strings.Repeat("1+", 1500) + "1'"}, 422, "mapping", "bytes are too many"},
		"a list of too many": {map[string]string{"mapping": "each: body\ntitle: item", "body": "[" + strings.Repeat("1,", 1000) + "1]"}, 413, "body", "at most 1000 are taken"},
	} {
		form := url.Values{}
		for key := range start {
			form.Set(key, start.Get(key))
		}
		for key, value := range c.change {
			form.Set(key, value)
		}
		code, page := b.try(form)
		require.Equal(t, c.code, code, name)
		require.Contains(t, said(t, page, c.field+"-wrong"), c.words, name)
		require.Equal(t, 1, strings.Count(page, " autofocus"), "%s: one is led to it", name)
		sound(t, page)
		hides(t, page, `id="tried"`)
		require.Less(t, len(page), 400_000, name)
		if c.code == 422 {
			require.Equal(t, strings.TrimSpace(form.Get("mapping")), strings.TrimSpace(filled(t, page).Get("mapping")), "%s: what was typed is still there", name)
		}
	}
	require.Empty(t, h.Heard())
}

// Only whoever runs the house tries: others are not led there, and are refused. Nobody is made to try by another site.
func TestOnlyAdministratorsTry(t *testing.T) {
	h := webtest.Typical(night)
	pages := site(t, h, production)
	viewer := open(t, pages)
	viewer.signIn(webtest.ViewerToken)
	require.Equal(t, http.StatusForbidden, viewer.get("/try").Code)
	hides(t, viewer.page("/"), `href="/try"`)
	code, _ := viewer.try(url.Values{"format": {"json"}, "body": {"{}"}})
	require.Equal(t, http.StatusForbidden, code)
	require.Equal(t, http.StatusSeeOther, open(t, pages).get("/try").Code)

	ana := open(t, pages)
	ana.signIn(webtest.AdminToken)
	shows(t, ana.page("/"), `href="/try"`)
	form := filled(t, ana.page("/try"))
	code, _ = ana.try(form)
	require.Equal(t, http.StatusOK, code)
	form.Set("form_token", "guessed")
	code, page := ana.try(form)
	require.Equal(t, http.StatusForbidden, code)
	hides(t, page, `id="tried"`)
	form.Del("form_token")
	code, _ = ana.try(form)
	require.Equal(t, http.StatusForbidden, code)

	form = filled(t, ana.page("/try"))
	ana.change = func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	code, _ = ana.try(form)
	require.Equal(t, http.StatusForbidden, code)
}

// Where nothing is configured the page begins with an example that works, and where an integration has a mapping, with that.
func TestATrialBeginsWithWhatThereIs(t *testing.T) {
	b := open(t, site(t, webtest.Empty(night), nil))
	code, page := b.try(filled(t, b.page("/try")))
	require.Equal(t, http.StatusOK, code)
	shows(t, page, "disk on db-3", "critical", "P1", "2026-11-24T02:03:04Z", "db-3/disk", "https://checks.example.com/17")

	h := webtest.Typical(night)
	h.Current().Org.Integrations = map[id.Integration]org.Integration{
		"boiler": {ID: "boiler", Service: "payments", Key: "boiler0key0that0nobody0may0see", Mapping: &org.Mapping{Title: `"boiler: " + body.it`}},
		"other":  {ID: "other", Service: "payments"},
		"desk":   {ID: "desk", Service: "payments", Tickets: "jira"},
	}
	b = open(t, site(t, h, func(o *web.Options) { o.Access = service.Access{} }))
	shows(t, b.page("/try"), "/try?integration=boiler")
	page = b.page("/try?integration=boiler")
	hides(t, page, "boiler0key", "/try?integration=other")
	form := filled(t, page)
	require.Equal(t, `title: '"boiler: " + body.it'`, strings.TrimSpace(form.Get("mapping")))
	form.Set("body", `{"it":"is cold"}`)
	_, page = b.try(form)
	shows(t, page, "boiler: is cold")
	form.Set("mapping", "") // the integration has one
	_, page = b.try(form)
	shows(t, page, "boiler: is cold")
	form.Set("integration", "desk")
	code, page = b.try(form)
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Contains(t, said(t, page, "integration-wrong"), "desk brings tickets of jira")
}
