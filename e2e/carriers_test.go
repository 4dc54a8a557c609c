package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/integrations/smtp/smtpfake"
	"github.com/belayhq/belay/integrations/twilio"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
	"github.com/belayhq/belay/integrations/webhook"
)

// Each scene has people of its own. Their waits are long: only a carrier's failure makes a ladder move, so that no
// scene depends on how busy the machine is. The last scene's are short.
const (
	ana  = "+12125550111"
	bea  = "+12125550112"
	cara = "+12125550113"
	cleo = "+12125550114"
	dora = "+12125550115"
	dana = "+12125550116"
	dirk = "+12125550117"
	ed   = "+12125550118"
	fay  = "+12125550119"
	fred = "+12125550122"
	gus  = "+12125550120"
	uwe  = "+12125550123"
	gil  = "+12125550121"
	eva  = "+12125550199"
)

// lives is how many escalations are under way when processes die.
const lives = 6

// cast is the organisation of the scenes.
func cast(hooks string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `
kind: organisation
id: quick
name: Quick Pay
catch_all:
  targets: [{person: eva}]
  ack_within: 10m
---
kind: unit
id: quick
name: Quick Pay
---
kind: team
id: crew
name: Crew
unit: quick
lead: eva
members: [eva]
---
kind: integration
id: replies-events
service: replies
key: scenes0replies0events0key0000000
`)
	person := func(id, ladder string, methods ...string) {
		fmt.Fprintf(&b, "---\nkind: person\nid: %s\nname: %s\nmethods:\n", id, strings.ToUpper(id[:1])+id[1:])
		for _, m := range methods {
			fmt.Fprintf(&b, "  - {%s, each: true}\n", m)
		}
		fmt.Fprintf(&b, "ladder:\n  high: [%s]\n", ladder)
	}
	service := func(id, targets, backups, within string) {
		fmt.Fprintf(&b, "---\nkind: service\nid: %[1]s\nname: %[1]s\nowner: crew\ntier: 1\n---\nkind: policy\nid: %[1]s\nname: %[1]s\nfor: {services: [%[1]s]}\ntiers:\n"+
			"  - {name: on call, targets: [%[2]s], backups: [%[3]s], ack_within: %[4]s}\n", id, targets, backups, within)
	}
	sms := func(number string) string { return fmt.Sprintf("id: mobile, sms: %q", number) }
	voice := func(number string) string { return fmt.Sprintf("id: call, voice: %q", number) }
	const both = "{use: mobile, wait: 20m}, {use: call}"

	person("eva", "{use: mobile}", sms(eva))
	person("ana", both, sms(ana), voice(ana))
	service("replies", "{person: ana}", "", "30m")
	person("fred", both, sms(fred), voice(fred))
	service("copies", "{person: fred}", "", "30m")
	person("bea", both, sms(bea), voice(bea))
	service("forged", "{person: bea}", "", "30m")
	person("cara", both, sms(cara), voice(cara))
	person("cleo", "{use: mobile}", sms(cleo))
	person("uwe", both, sms(uwe), voice(uwe))
	b.WriteString("language: de\n")
	service("deutsch", "{person: uwe}", "", "30m")
	service("calls", "{person: cara}", "{person: cleo}", "30m")
	person("dora", both, sms(dora), voice(dora))
	service("optout", "{person: dora}", "", "30m")
	person("dana", "{use: mobile}", sms(dana))
	person("dirk", "{use: mobile}", sms(dirk))
	service("silenced", "{person: dana}", "{person: dirk}", "30m")
	person("ed", "{use: mobile}", sms(ed))
	service("lost", "{person: ed}", "", "30m")
	person("fay", both, sms(fay), voice(fay))
	service("down", "{person: fay}", "", "30m")
	person("gus", both, sms(gus), voice(gus))
	service("throttled", "{person: gus}", "", "30m")
	person("gil", both, sms(gil), voice(gil))
	service("blocked", "{person: gil}", "", "30m")
	person("hal", "{use: mail}", "id: mail, email: hal@quick.example")
	service("mailed", "{person: hal}", "", "30m")
	person("ida", "{use: hook}", fmt.Sprintf("id: hook, webhook: %q", hooks+"/ida"))
	service("posted", "{person: ida}", "", "30m")
	person("jo", "{use: hook, wait: 20m}, {use: mail}", fmt.Sprintf("id: hook, webhook: %q", hooks+"/jo"), "id: mail, email: jo@quick.example")
	service("refused", "{person: jo}", "", "30m")
	person("kim", "{use: hook, wait: 20m}, {use: mail}", fmt.Sprintf("id: hook, webhook: %q", strings.Replace(hooks, "127.0.0.1", "127.0.0.2", 1)+"/kim"), "id: mail, email: kim@quick.example")
	service("private", "{person: kim}", "", "30m")

	for i := range lives {
		number := func(role int) string { return fmt.Sprintf("+121255502%d%d", i, role) }
		first, backup, lead := fmt.Sprint("first", i), fmt.Sprint("backup", i), fmt.Sprint("lead", i)
		person(first, "{use: mobile, wait: 1s}, {use: call, wait: 1s}, {use: mail}", sms(number(0)), voice(number(0)), fmt.Sprintf("id: mail, email: first%d@quick.example", i))
		person(backup, "{use: mobile}", sms(number(1)))
		person(lead, "{use: mobile, wait: 1s}, {use: call}", sms(number(2)), voice(number(2)))
		service(fmt.Sprint("life", i), "{person: "+first+"}", "{person: "+backup+"}", "3s")
		fmt.Fprintf(&b, "  - {name: lead, targets: [{person: %s}], ack_within: 30m}\n", lead)
		fmt.Fprintf(&b, "---\nkind: integration\nid: life%d-events\nservice: life%[1]d\nkey: %s\n", i, lifeKey(i))
	}
	return b.String()
}

func lifeKey(i int) string { return fmt.Sprintf("scenes0life%d0events0key0000000000", i)[:32] }

// TestCarriers plays with the carriers outside: what they report, refuse, lose and forge, and what dies meanwhile.
func TestCarriers(t *testing.T) {
	c := newCarriers(t)
	t.Run("scenes", func(t *testing.T) {
		for name, scene := range map[string]func(*carriers){
			"a receipt and a reply come in through the other process":              repliesComeIn,
			"a reply that is delivered again later acts no second time":            repliesComeAgain,
			"a forged callback is refused and an old one changes nothing":          forgeries,
			"a failed SMS becomes a call and a key acknowledges":                   keys,
			"a German is called, hears and answers in German":                      inGerman,
			"a mailbox, a busy line, silence and no key are no answer":             unansweredCalls,
			"a number that said STOP is not used again":                            optOuts,
			"a message whose answer was lost leaves once":                          lostAnswers,
			"a carrier that is down is left for the next way":                      outages,
			"a carrier that asks to wait is waited for":                            throttling,
			"a mail shows on GET and acts on POST":                                 mails,
			"a webhook is signed, told twice under one key, and believed when 2xx": webhooks,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				scene(c.in(t))
			})
		}
	})
	t.Run("half of the processes die in the middle of their ladders", func(t *testing.T) { deaths(c.in(t)) })
}

func repliesComeIn(c *carriers) {
	accepted := time.Now()
	c.fires(c.http, "scenes0replies0events0key0000000", "cards are refused")
	id := c.titled("replies", "cards are refused")
	sms := c.sms(id, ana, 1)
	c.t.Logf("event sent → SMS at Twilio: %s", time.Since(accepted).Round(time.Millisecond))
	require.Equal(c.t, ourNumber, sms.From)
	require.Contains(c.t, sms.Body, "ack "+strings.TrimPrefix(id, "E-"))
	require.True(c.t, strings.HasPrefix(sms.Form.Get("StatusCallback"), c.public+"/callbacks/twilio/status?key="+id), sms.Form.Get("StatusCallback"))

	through := c.door.through[0].Load()
	post := c.reports(sms.SID, twiliofake.Report{Status: "delivered"})
	require.Greater(c.t, c.door.through[0].Load(), through, "the second API process has taken it")
	require.True(c.t, strings.HasPrefix(post.URL, c.public))
	c.about(id, "receipt", "sms to Ana (mobile): delivered")

	said := time.Now()
	answer := c.texts("SMreply1", ana, "Ack")
	c.t.Logf("reply posted → answer in words: %s", time.Since(said).Round(time.Millisecond))
	require.Contains(c.t, answer, "<Response><Message>You have "+id)
	c.becomes(id, "acknowledged")
	require.Equal(c.t, "ana", c.escalation(id).AcknowledgedBy)
	require.Equal(c.t, answer, c.texts("SMreply1", ana, "Ack"), "the same message is answered the same")
	require.Contains(c.t, c.texts("SMreply2", ana, "ack "+id[2:]), "You have had "+id, "another one is not")
	c.says(id, "note", map[string]string{"note": "seen"})
	c.about(id, "note", "seen")
	require.Equal(c.t, 1, count(c.timeline(id), "acknowledged"))
	require.Contains(c.t, c.texts("SMreply3", ana, "resolve"), "resolved")
	c.becomes(id, "resolved")
	require.Contains(c.t, c.texts("SMreply4", "+12125559999", "ack"), "not known here")
}

// A copy of "ack", without a number, must not take what was opened since.
func repliesComeAgain(c *carriers) {
	first := c.open("copies", "the first")
	c.sms(first, fred, 1)
	acked := c.texts("SMcopy1", fred, "ack")
	require.Contains(c.t, acked, "You have "+first)
	resolved := c.texts("SMcopy2", fred, "resolve")
	require.Contains(c.t, resolved, "resolved")
	c.becomes(first, "resolved")

	second := c.open("copies", "the second")
	sms := c.sms(second, fred, 1)
	c.reports(sms.SID, twiliofake.Report{Status: "delivered"})
	c.about(second, "receipt", "delivered")
	before := c.written(second)
	require.Equal(c.t, acked, c.texts("SMcopy1", fred, "ack"))
	require.Equal(c.t, resolved, c.texts("SMcopy2", fred, "resolve"))
	c.unchanged(second, before, "copies")
	require.Equal(c.t, "open", c.escalation(second).State)
	require.Contains(c.t, c.texts("SMcopy3", fred, "ack"), "You have "+second)
	c.says(second, "resolve", nil)
}

func forgeries(c *carriers) {
	id := c.open("forged", "forge me")
	sms := c.sms(id, bea, 1)
	c.reports(sms.SID, twiliofake.Report{Status: "sent"})
	c.reports(sms.SID, twiliofake.Report{Status: "delivered"})
	c.about(id, "receipt", "delivered")

	status, key := sms.Form.Get("StatusCallback"), keyOf(sms)
	failed := url.Values{"MessageSid": {sms.SID}, "MessageStatus": {"undelivered"}, "ErrorCode": {"30034"}, "To": {bea}, "From": {ourNumber}}
	delivered := url.Values{"MessageSid": {sms.SID}, "MessageStatus": {"delivered"}, "To": {bea}, "From": {ourNumber}}
	inbound := c.public + "/callbacks/twilio/sms"
	ack := url.Values{"MessageSid": {"SMforged"}, "From": {bea}, "To": {ourNumber}, "Body": {"ack"}}
	digit := url.Values{"CallSid": {"CAforged"}, "CallStatus": {"in-progress"}, "From": {ourNumber}, "To": {bea}, "Digits": {"1"}}
	gather := c.public + "/callbacks/twilio/voice-gather?key=" + url.QueryEscape(key)
	voice := c.public + "/callbacks/twilio/voice?key=" + url.QueryEscape(key)
	inside := "http://" + c.http

	before := c.written(id)
	for name, f := range map[string]struct {
		address   string
		form      url.Values
		signature string
	}{
		"no signature":                  {status, failed, ""},
		"nonsense":                      {status, failed, "bm90aGluZw=="},
		"another account's token":       {status, failed, twilio.Sign("stolen", status, failed)},
		"signed for another address":    {status, failed, twilio.Sign(twiliofake.AuthToken, c.public+"/callbacks/twilio/status?key=E-999%2Ft1", failed)},
		"signed for the inside address": {status, failed, twilio.Sign(twiliofake.AuthToken, strings.Replace(status, c.public, inside, 1), failed)},
		"signed for other words":        {status, failed, twilio.Sign(twiliofake.AuthToken, status, delivered)},
		"signed without the form":       {status, failed, twilio.Sign(twiliofake.AuthToken, status, nil)},
		"an ack without signature":      {inbound, ack, ""},
		"an ack signed by a stranger":   {inbound, ack, twilio.Sign("stolen", inbound, ack)},
		"an ack signed as a status":     {inbound, ack, twilio.Sign(twiliofake.AuthToken, status, ack)},
		"a key without signature":       {gather, digit, ""},
		"a key signed for the question": {gather, digit, twilio.Sign(twiliofake.AuthToken, voice, digit)},
		"a question without signature":  {voice, digit, ""},
	} {
		require.Equal(c.t, http.StatusForbidden, c.posts(f.address, f.form, f.signature), name)
	}
	c.unchanged(id, before, "forgeries")
	require.Equal(c.t, "open", c.escalation(id).State)
	require.Empty(c.t, c.toNumber(id, "Calls", bea), "a forged failure moves nobody on")

	before = c.written(id)
	for range 3 {
		for _, old := range []string{"sent", "delivered"} {
			c.reports(sms.SID, twiliofake.Report{Status: old})
		}
	}
	c.unchanged(id, before, "replayed receipts")
	require.Equal(c.t, "open", c.escalation(id).State)

	nobodys := c.public + "/callbacks/twilio/status?key=E-999999%2Ft1%2Fbea%2Fmobile%2F1"
	require.Equal(c.t, http.StatusNoContent, c.posts(nobodys, failed, twilio.Sign(twiliofake.AuthToken, nobodys, failed)), "carriers are not told what we know")
	c.says(id, "resolve", nil)
}

// posts is a callback by whoever likes.
func (c *carriers) posts(address string, form url.Values, signature string) int {
	c.t.Helper()
	request, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	require.NoError(c.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if signature != "" {
		request.Header.Set(twilio.SignatureHeader, signature)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(c.t, err)
	response.Body.Close()
	return response.StatusCode
}

// Words are chosen where the message leaves, and the reply of a German is understood.
func inGerman(c *carriers) {
	id := c.open("deutsch", "Kartenzahlungen schlagen fehl")
	number := strings.TrimPrefix(id, "E-")
	sms := c.sms(id, uwe, 1)
	require.Contains(c.t, sms.Body, "Kartenzahlungen schlagen fehl. Antwort bis ")
	require.Contains(c.t, sms.Body, "Antworten: übernehmen "+number+", eskalieren "+number+", gelöst "+number+" oder ")
	c.reports(sms.SID, twiliofake.Report{Status: "undelivered", Code: "30034"})
	call := c.call(id, uwe, 1)
	heard, err := c.twilio.Answer(call.SID, "human")
	require.NoError(c.t, err)
	require.Contains(c.t, string(heard.Body), `<Say language="de-DE">Hier ist Belay mit einem Ruf.`)

	require.Contains(c.t, c.texts("SMgerman1", uwe, "übernehme "+number+" nicht"), "Das habe ich nicht verstanden und nichts getan.")
	require.Equal(c.t, "open", c.escalation(id).State, "a no is no answer")
	require.Contains(c.t, c.texts("SMgerman2", uwe, "Übernehmen"), "Sie haben "+id)
	c.becomes(id, "acknowledged")
	require.Equal(c.t, "uwe", c.escalation(id).AcknowledgedBy)
	c.about(id, "acknowledged", "Uwe has it") // the record is of one language
	require.Contains(c.t, c.texts("SMgerman3", uwe, "gelöst "+number), "ist gelöst")
	c.becomes(id, "resolved")
}

func keys(c *carriers) {
	id := c.open("calls", "press one")
	sms := c.sms(id, cara, 1)
	said := time.Now()
	c.reports(sms.SID, twiliofake.Report{Status: "undelivered", Code: "30034"})
	call := c.call(id, cara, 1)
	c.t.Logf("30034 → call at Twilio: %s", time.Since(said).Round(time.Millisecond))
	c.about(id, "receipt", "sms to Cara (mobile): undelivered")
	require.Equal(c.t, "Enable", call.Form.Get("MachineDetection"))

	c.reports(call.SID, twiliofake.Report{Status: "ringing"})
	heard, err := c.twilio.Answer(call.SID, "human")
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusOK, heard.Status)
	require.Contains(c.t, string(heard.Body), "press one")
	require.Equal(c.t, "open", c.escalation(id).State, "picking up is not an answer")

	wrong, err := c.twilio.Press(call.SID, "7", heard)
	require.NoError(c.t, err)
	require.Contains(c.t, string(wrong.Body), "That key does nothing here")
	require.Equal(c.t, "open", c.escalation(id).State)
	pressed, err := c.twilio.Press(call.SID, "1", wrong)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusOK, pressed.Status)
	require.Contains(c.t, string(pressed.Body), "You have "+id)
	c.becomes(id, "acknowledged")
	again, err := c.twilio.Press(call.SID, "1", wrong)
	require.NoError(c.t, err)
	require.Equal(c.t, string(pressed.Body), string(again.Body), "the same key of the same call")
	c.reports(call.SID, twiliofake.Report{Status: "completed"})
	c.about(id, "acknowledged", "Cara has it")
	c.says(id, "note", map[string]string{"note": "seen"})
	c.about(id, "note", "seen")
	require.Equal(c.t, 1, count(c.timeline(id), "acknowledged"))
	require.Empty(c.t, c.toNumber(id, "Messages", cleo), "who has answered is not passed over when the call ends")
	c.says(id, "resolve", nil)
}

func unansweredCalls(c *carriers) {
	for name, f := range map[string]struct {
		end  twiliofake.Report
		says string
		up   string // who picks up
	}{
		"mailbox":       {twiliofake.Report{Status: "completed", AnsweredBy: "machine_start"}, "voicemail is not an answer", "machine_start"},
		"no key":        {twiliofake.Report{Status: "completed", AnsweredBy: "human"}, "the call ended without a key", "human"},
		"busy":          {twiliofake.Report{Status: "busy"}, "busy", ""},
		"nobody there":  {twiliofake.Report{Status: "no-answer"}, "nobody picked up", ""},
		"cannot be had": {twiliofake.Report{Status: "failed", Code: "13224"}, "no carrier can reach it", ""},
	} {
		id := c.open("calls", "call: "+name)
		c.reports(c.sms(id, cara, 1).SID, twiliofake.Report{Status: "undelivered", Code: "30003"})
		call := c.call(id, cara, 1)
		c.reports(call.SID, twiliofake.Report{Status: "ringing"})
		if f.up != "" {
			heard, err := c.twilio.Answer(call.SID, f.up)
			require.NoError(c.t, err)
			require.Equal(c.t, f.up == "human", strings.Contains(string(heard.Body), "<Gather"), "%s: %s", name, heard.Body)
		}
		said := time.Now()
		c.reports(call.SID, f.end)
		c.sms(id, cleo, 1)
		c.t.Logf("%s → the backup's SMS: %s", name, time.Since(said).Round(time.Millisecond))
		c.about(id, "receipt", f.says)
		c.about(id, "skipped", "every contact method failed")
		require.Equal(c.t, "open", c.escalation(id).State, name)
		require.Zero(c.t, count(c.timeline(id), "acknowledged"), name)
		c.says(id, "resolve", nil)
	}
}

func optOuts(c *carriers) {
	stop := func(twiliofake.Sent, int) twiliofake.Conduct {
		return twiliofake.Conduct{Status: http.StatusBadRequest, Code: 21610, Words: "Attempt to send to unsubscribed recipient"}
	}
	c.rest.on("Messages", dora, stop)
	c.rest.on("Messages", dana, stop)

	id := c.open("optout", "the first to a number that said STOP")
	c.call(id, dora, 1)
	c.about(id, "receipt", "the person replied STOP")
	c.says(id, "resolve", nil)
	id = c.open("silenced", "another one")
	c.sms(id, dirk, 1)
	c.about(id, "receipt", "the person replied STOP")
	c.says(id, "resolve", nil)

	c.await(func() bool {
		before := len(c.rest.tried("Messages", dora))
		id = c.open("optout", "the next")
		c.call(id, dora, 1)
		c.says(id, "resolve", nil)
		return len(c.rest.tried("Messages", dora)) == before
	}, "the barred number is not used")
	c.about(id, "skipped", "STOP")

	c.await(func() bool {
		before := len(c.rest.tried("Messages", dana))
		id = c.open("silenced", "the next")
		c.sms(id, dirk, 1)
		c.says(id, "resolve", nil)
		return len(c.rest.tried("Messages", dana)) == before
	}, "the barred number is not used")
	c.about(id, "skipped", "every contact method is barred")
}

func lostAnswers(c *carriers) {
	for name, lose := range map[string]twiliofake.Conduct{"dropped": {Drop: true}, "garbled": {Garble: true}} {
		var tries int
		c.rest.on("Messages", ed, func(twiliofake.Sent, int) twiliofake.Conduct {
			if tries++; tries == 1 {
				return lose
			}
			return twiliofake.Conduct{}
		})
		id := c.open("lost", "the answer is "+name)
		sms := c.sms(id, ed, 1)
		c.about(id, "receipt", "sms to Ed (mobile): accepted")
		c.reports(sms.SID, twiliofake.Report{Status: "delivered"})
		c.about(id, "receipt", "sms to Ed (mobile): delivered")
		require.Len(c.t, c.toNumber(id, "Messages", ed), 1, name)
		c.says(id, "resolve", nil)
	}
}

func outages(c *carriers) {
	c.rest.on("Messages", fay, func(twiliofake.Sent, int) twiliofake.Conduct {
		return twiliofake.Conduct{Status: http.StatusInternalServerError, Code: 20500, Words: "Internal Server Error"}
	})
	fired := time.Now()
	id := c.open("down", "Twilio is broken")
	c.call(id, fay, 1)
	tries := c.rest.tried("Messages", fay)
	c.t.Logf("Twilio answers 500: %d tries, then the call after %s", len(tries), time.Since(fired).Round(time.Millisecond))
	require.Greater(c.t, len(tries), 1, "a broken carrier is tried again")
	require.LessOrEqual(c.t, len(tries), 4, "and not for ever")
	c.about(id, "receipt", "sms to Fay (mobile): failed, twilio does not work")
	require.Empty(c.t, c.toNumber(id, "Messages", fay))
	c.says(id, "resolve", nil)
}

func throttling(c *carriers) {
	const pause = 3 * time.Second
	c.rest.on("Messages", gus, func(_ twiliofake.Sent, try int) twiliofake.Conduct {
		if try > 1 {
			return twiliofake.Conduct{}
		}
		return twiliofake.Conduct{Status: http.StatusTooManyRequests, Code: 20429, Words: "Too Many Requests", After: pause}
	})
	id := c.open("throttled", "too many requests")
	c.sms(id, gus, 1)
	c.about(id, "receipt", "sms to Gus (mobile): accepted")
	tries := c.rest.tried("Messages", gus)
	require.Len(c.t, tries, 2)
	c.t.Logf("asked to wait %s, waited %s", pause, tries[1].Sub(tries[0]).Round(time.Millisecond))
	require.GreaterOrEqual(c.t, tries[1].Sub(tries[0]), pause)
	require.Empty(c.t, c.toNumber(id, "Calls", gus))
	c.says(id, "resolve", nil)

	c.rest.on("Messages", gil, func(twiliofake.Sent, int) twiliofake.Conduct {
		return twiliofake.Conduct{Status: http.StatusTooManyRequests, Code: 20429, Words: "Too Many Requests", After: time.Hour}
	})
	id = c.open("blocked", "too many requests for an hour")
	fired := time.Now()
	c.call(id, gil, 1)
	c.t.Logf("asked to wait an hour: the call comes after %s", time.Since(fired).Round(time.Millisecond))
	require.Len(c.t, c.rest.tried("Messages", gil), 1)
	c.about(id, "receipt", "sms to Gil (mobile): failed")
	c.says(id, "resolve", nil)
}

func mails(c *carriers) {
	id := c.open("mailed", "disk is full: 100 % <b>of 2 TB</b>")
	var got smtpfake.Mail
	c.await(func() bool {
		found := c.mailsTo("hal@quick.example")
		if len(found) > 0 {
			got = found[0]
		}
		return len(found) > 0
	}, "a mail for hal")
	subject, text := read(c.t, got)
	require.Contains(c.t, subject, id)
	require.Contains(c.t, subject, "disk is full: 100 % <b>of 2 TB</b>")
	link := regexp.MustCompile(regexp.QuoteMeta(c.public) + `/a/[A-Za-z0-9_.-]+`).FindString(text)
	require.NotEmpty(c.t, link, text)
	c.about(id, "receipt", "email to Hal (mail): accepted")

	before := c.written(id)
	for range 10 { // a mail scanner opens every link, and more than once
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			request, err := http.NewRequest(method, link, nil)
			require.NoError(c.t, err)
			response, err := http.DefaultClient.Do(request)
			require.NoError(c.t, err)
			response.Body.Close()
			require.Equal(c.t, http.StatusOK, response.StatusCode)
		}
	}
	c.unchanged(id, before, "scanners")
	require.Equal(c.t, "open", c.escalation(id).State)
	c.taps(link, "acknowledge")
	c.becomes(id, "acknowledged")
	require.Equal(c.t, "hal", c.escalation(id).AcknowledgedBy)
	c.about(id, "acknowledged", "Hal has it")
	c.says(id, "resolve", nil)
}

func (c *carriers) mailsTo(address string) []smtpfake.Mail {
	return slices.DeleteFunc(c.smtp.Mails(), func(m smtpfake.Mail) bool { return !slices.Contains(m.To, address) })
}

// read is the subject and the plain text of a mail.
func read(t testing.TB, m smtpfake.Mail) (subject, text string) {
	t.Helper()
	parsed, err := m.Parsed()
	require.NoError(t, err)
	subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
	require.NoError(t, err)
	_, params, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	require.NoError(t, err)
	parts := multipart.NewReader(parsed.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		require.NoError(t, err, "a plain part")
		if !strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
			continue
		}
		require.Equal(t, "quoted-printable", part.Header.Get("Content-Transfer-Encoding"))
		plain, err := io.ReadAll(quotedprintable.NewReader(part))
		require.NoError(t, err)
		return subject, string(plain)
	}
}

func webhooks(c *carriers) {
	c.hooks.on("/ida", func(try int) int {
		if try == 1 {
			return http.StatusInternalServerError
		}
		return http.StatusAccepted
	})
	id := c.open("posted", "post me")
	c.about(id, "receipt", "webhook to Ida (hook): delivered")
	got := c.hooks.at("/ida")
	require.Len(c.t, got, 2, "once in vain, once more")
	for _, d := range got {
		require.NoError(c.t, d.verified)
		require.Error(c.t, webhook.Verify("another secret", d.signature, d.body, d.at))
		require.Equal(c.t, got[0].key, d.key, "the receiver knows it by its key")
		var body webhook.Body
		require.NoError(c.t, json.Unmarshal(d.body, &body))
		require.Equal(c.t, "post me", body.Title)
		require.EqualValues(c.t, id, body.Escalation)
	}
	require.Equal(c.t, 1, count(c.timeline(id), "receipt"))
	c.says(id, "resolve", nil)

	c.hooks.on("/jo", func(int) int { return http.StatusInternalServerError })
	id = c.open("refused", "nobody takes it")
	c.await(func() bool { return len(c.mailsTo("jo@quick.example")) > 0 }, "the mail after the webhook")
	c.about(id, "receipt", "webhook to Jo (hook): failed, webhook answered 500")
	require.False(c.t, has(c.timeline(id), "receipt", "delivered"), "%s", shown{c, id})
	c.t.Logf("a receiver that answers 500 is asked %d times", len(c.hooks.at("/jo")))
	require.LessOrEqual(c.t, len(c.hooks.at("/jo")), 4)
	c.says(id, "resolve", nil)

	id = c.open("private", "into our own network")
	c.await(func() bool { return len(c.mailsTo("kim@quick.example")) > 0 }, "the mail instead of the webhook")
	c.about(id, "receipt", "not a public one")
	c.says(id, "resolve", nil)
}

// titled waits for the one escalation with this title.
func (c *carriers) titled(service, title string) string {
	c.t.Helper()
	var page struct{ Escalations []struct{ ID string } }
	c.await(func() bool {
		c.get("/v1/escalations?service="+service+"&text="+url.QueryEscape(title), &page)
		return len(page.Escalations) > 0
	}, "%q is an escalation", title)
	require.Len(c.t, page.Escalations, 1, title)
	return page.Escalations[0].ID
}

func count(timeline []entry, kind string) int {
	n := 0
	for _, e := range timeline {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// fires triggers through PagerDuty's own client library at one of the processes.
func (c *carriers) fires(address, key, title string) {
	c.t.Helper()
	client := pagerduty.NewClient("", pagerduty.WithV2EventsAPIEndpoint("http://"+address))
	answer, err := client.ManageEventWithContext(c.t.Context(), &pagerduty.V2Event{
		RoutingKey: key, Action: "trigger", DedupKey: title,
		Payload: &pagerduty.V2Payload{Summary: title, Source: "db-1.example", Severity: "critical"},
	})
	require.NoError(c.t, err)
	require.Equal(c.t, "success", answer.Status)
}

// deaths: what the timelines say was sent is what the carriers got, once each, whoever died meanwhile.
func deaths(c *carriers) {
	c.rest.linger.Store(int64(200 * time.Millisecond)) // so that some answers are lost
	lead := func(i int) string { return fmt.Sprintf("+121255502%d2", i) }
	title := func(i int) string { return fmt.Sprintf("life %d", i) }
	for i := range lives {
		switch {
		case i < lives/2:
			c.fires(c.door.addresses[0], lifeKey(i), title(i))
		case i == lives/2:
			c.serves[1].kill() // it has said "accepted" just now
			fallthrough
		default:
			c.fires(c.http, lifeKey(i), title(i))
		}
	}
	ids := make([]string, lives)
	for i := range lives {
		ids[i] = c.titled(fmt.Sprint("life", i), title(i))
	}
	c.await(func() bool { return c.rest.held.Load() > 0 }, "an answer is under way")
	died := time.Now()
	c.workers[0].kill()

	for i, id := range ids {
		c.call(id, lead(i), 1)
		c.t.Logf("%s reached its last rung %s after the deaths", id, time.Since(died).Round(time.Millisecond))
	}
	for i, id := range ids {
		require.Contains(c.t, c.texts(fmt.Sprint("SMlife", i), lead(i), "ack "+id[2:]), "You have "+id, "the door leads to who is left")
		c.becomes(id, "acknowledged")
		c.about(id, "acknowledged", fmt.Sprintf("Lead%d has it", i))
	}
	for i, id := range ids {
		var said, left map[string]int
		c.await(func() bool {
			said, left = c.said(id)
			return maps.Equal(left, c.got(id)) // read one after the other: it may take a few looks
		}, "what has arrived of %s, once each, is what its timeline says was sent", id)
		for key, times := range said {
			require.Equal(c.t, 1, times, key)
		}
		for _, who := range []string{"first", "backup", "lead"} {
			reached := slices.ContainsFunc(slices.Collect(maps.Keys(said)), func(key string) bool { return strings.Contains(key, fmt.Sprintf("/%s%d/mobile", who, i)) })
			if who != "lead" && !reached { // on a slow machine their time may have passed: then nobody is called for them
				c.t.Logf("%s: the time of %s passed while half of the processes were dead", id, who)
				continue
			}
			require.True(c.t, reached, "%s%d was told: %v", who, i, said)
		}
		require.Equal(c.t, 1, count(c.timeline(id), "opened"))
		c.says(id, "resolve", nil)
		c.becomes(id, "resolved")
	}
}

// said is how often the timeline speaks of each message, left the same without those that it tells never left: what a
// worker had in its hands when it died may be answered before another takes it up.
func (c *carriers) said(id string) (said, left map[string]int) {
	c.t.Helper()
	said, left = map[string]int{}, map[string]int{}
	timeline := c.timeline(id)
	for _, e := range timeline {
		if e.Kind == "message" {
			said[e.Key]++
			left[e.Key]++
		}
	}
	for _, e := range timeline {
		if e.Kind == "receipt" && strings.Contains(e.Text, "not sent: it was answered before it could leave") {
			delete(left, e.Key)
		}
	}
	return said, left
}

// got is how often each message of an escalation arrived. A mail that came twice bears the same Message-ID, and
// mailboxes show it once.
func (c *carriers) got(id string) map[string]int {
	c.t.Helper()
	got, mails := map[string]int{}, map[string]bool{}
	for _, s := range c.twilio.Sent() {
		if key := keyOf(s); strings.HasPrefix(key, id+"/") {
			got[key]++
		}
	}
	for _, m := range c.smtp.Mails() {
		parsed, err := m.Parsed()
		require.NoError(c.t, err)
		key, name := parsed.Header.Get("X-Belay-Key"), parsed.Header.Get("Message-Id")
		if strings.HasPrefix(key, id+"/") && !mails[name] {
			mails[name] = true
			got[key]++
		}
	}
	return got
}
