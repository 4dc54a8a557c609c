package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/service"
)

const (
	anasPhone = "+34600000001"
	bensPhone = "+4915550000002"
	viksPhone = "+919000000003"
)

// texts sends an SMS and answers what came back.
func (h *house) texts(from, body, sid string) string {
	h.t.Helper()
	answer, err := h.replies.SMS(ctx(), service.Inbound{From: from, Body: body, SID: sid})
	require.NoError(h.t, err)
	return answer
}

func TestAnAckByTextReachesTheOneThatIsMeant(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	require.Equal(t, "E-1: Done: acknowledge.", h.texts(anasPhone, "Ack", "SM1"))
	require.Equal(t, "E-1: Done: acknowledge.", h.texts(anasPhone, "Ack", "SM1"), "a redelivered text gets the same answer")
	require.Equal(t, []string{"escalation/E-1 acknowledge ana via sms key SM1"}, h.engine.Told())
}

// A carrier delivers twice, and who has seen a signed request can send it again.
func TestACopyOfATextDoesNotAnswerWhatWasOpenedSince(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	require.Equal(t, "E-1: Done: acknowledge.", h.texts(anasPhone, "ack", "SM1"))
	require.Equal(t, "E-1: Done: resolve.", h.texts(anasPhone, "resolve", "SM2"))
	h.rows.Put(service.Escalation{Summary: escalation.Summary{ID: "E-1", State: escalation.Closed, Told: []id.Person{"ana"}}})
	h.running("E-2", "ana")
	require.Equal(t, "E-1: Done: acknowledge.", h.texts(anasPhone, "ack", "SM1"))
	require.Equal(t, "E-1: Done: resolve.", h.texts(anasPhone, "resolve", "SM2"))
	require.Equal(t, []string{"escalation/E-1 acknowledge ana via sms key SM1", "escalation/E-1 resolve ana via sms key SM2"}, h.engine.Told())
	require.Equal(t, "E-2: Done: acknowledge.", h.texts(anasPhone, "ack", "SM3"))
}

func TestATextThatCouldNotBeTakenIsTakenWhenItComesAgain(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	h.engine.Leave(true)
	require.Contains(t, h.texts(anasPhone, "ack", "SM1"), "Please try again")
	h.engine.Leave(false)
	require.Equal(t, "E-1: Done: acknowledge.", h.texts(anasPhone, "ack", "SM1"))
}

func TestANumberIsMatchedHoweverItIsWritten(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	for i, from := range []string{"+34 600 000 001", "0034600000001", "34600000001", "(+34) 600-000-001"} {
		require.Equal(t, "E-1: Done: acknowledge.", h.texts(from, "ack 1", "SM"+string(rune('a'+i))), from)
	}
}

func TestOfSeveralOnlyTheNamedOneIsAnswered(t *testing.T) {
	h := newHouse(t)
	for _, e := range []id.Escalation{"E-1", "E-2", "E-3", "E-4"} {
		h.running(e, "ana")
	}
	require.Equal(t, "Which one? Reply with its number.\n"+
		"ack 4: P1 payments: card declines above 5%\n"+
		"ack 3: P1 payments: card declines above 5%\n"+
		"ack 2: P1 payments: card declines above 5%\n"+
		"… and 1 more", h.texts(anasPhone, "ack", "SM1"))
	require.Empty(t, h.engine.Told(), "a guess would stop the wrong ladder")

	require.Equal(t, "E-2: Done: resolve.", h.texts(anasPhone, "resolve 2 ", "SM2"))
	require.Equal(t, []string{"escalation/E-2 resolve ana via sms key SM2"}, h.engine.Told())
}

func TestAColleagueMayAnswerWhatTheyWereNotToldOf(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	require.Equal(t, "Nothing is open that you were told of.", h.texts(bensPhone, "ack", "SM1"))
	require.Equal(t, "E-1: Done: acknowledge.", h.texts(bensPhone, "ack 1", "SM2"))
}

func TestAStrangerLearnsNothing(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	for _, body := range []string{"ack 1", "status", "help", "stop", ""} {
		require.Equal(t, "This number is not known here. Nothing was done.", h.texts("+15550009999", body, "SM1"))
	}
	require.Equal(t, "This number is not known here. Nothing was done.", h.texts("", "ack", "SM2"))
	require.Empty(t, h.engine.Told())
	require.Len(t, h.trail.Deeds, 6)
	require.Equal(t, "reply.refused", h.trail.Deeds[0].Action)
	require.NotContains(t, h.trail.Deeds[0].Subject, "5550009999")
}

func TestSomebodyWhoLeftIsAStranger(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	require.Equal(t, "This number is not known here. Nothing was done.", h.texts("+4915550000004", "ack 1", "SM1"))
}

func TestAVendorAnswersItsOwnEngagementOnly(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	h.running("E-2", "ana")
	h.engine.Know("vendor/E-1/acmecloud/1")
	require.Equal(t, "Nothing is open that you were told of.", h.texts(viksPhone, "ack", "SM1"))
	require.Equal(t, "There is no E-2 for you.", h.texts(viksPhone, "ack 2", "SM2"))

	h.paged("E-1/v/acmecloud/vik/1", "vendor/E-1/acmecloud/1", "vik", org.SMS)
	h.paged("E-1/v/acmecloud/vik/2", "vendor/E-1/acmecloud/1", "vik", org.SMS)
	require.Equal(t, "E-1: Done: acknowledge.", h.texts(viksPhone, "ack", "SM3"))
	require.Equal(t, "There is no E-2 for you.", h.texts(viksPhone, "ack 2", "SM4"))
	require.Equal(t, []string{"vendor/E-1/acmecloud/1 acknowledge vik via sms key SM3"}, h.engine.Told())

	h.rows.Put(service.Escalation{Summary: escalation.Summary{
		ID: "E-1", State: escalation.Acked, AcknowledgedBy: "ana", Priority: org.P1, Service: "payments", Title: "x",
	}})
	require.NotContains(t, h.texts(viksPhone, "status", "SM5"), "ana", "who of ours has it is none of theirs")
}

func TestStatusHelpAndMumbling(t *testing.T) {
	h := newHouse(t)
	require.Equal(t, "Nothing is open that you were told of.", h.texts(anasPhone, "status", "SM1"))
	h.running("E-1", "ana")
	require.Equal(t, "E-1 open: P1 payments: card declines above 5%", h.texts(anasPhone, "status", "SM2"))
	require.Contains(t, h.texts(anasPhone, "help", "SM3"), "ack 42")
	require.NotEmpty(t, h.texts(anasPhone, "wat?", "SM4"))
	require.NotEmpty(t, h.texts(anasPhone, "close, but not there yet", "SM5"))
	require.Equal(t, "There is no E-77 for you.", h.texts(anasPhone, "ack 77", "SM6"))
	require.Empty(t, h.engine.Told())
}

func TestStopAndStart(t *testing.T) {
	h := newHouse(t)
	require.Empty(t, h.texts(anasPhone, "STOP", "SM1"), "carriers refuse an answer to STOP")
	barred, err := h.barred.All(ctx())
	require.NoError(t, err)
	require.Contains(t, barred, policy.Way{Person: "ana", Method: "mobile"})

	require.Equal(t, "Belay will send you messages again.", h.texts(anasPhone, "start", "SM2"))
	barred, err = h.barred.All(ctx())
	require.NoError(t, err)
	require.Empty(t, barred)
}

func TestWhoeverStandsInTheDarkGetsPlainWords(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	h.engine.Leave(true)
	require.Equal(t, "Belay could not take that just now. Please try again, or use the link in your message.",
		h.texts(anasPhone, "ack 1", "SM1"))
	h.engine.Leave(false)
	h.engine.End("escalation/E-1")
	require.Equal(t, "E-1 is over", h.texts(anasPhone, "ack 1", "SM2"))
	require.Contains(t, h.texts(anasPhone, "snooze 1 900h", "SM3"), "7 days")
}

func TestOnlyAKeyAnswersACall(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	h.paged("k", "escalation/E-1", "ana", org.Voice)

	rung := h.replies.Voice(ctx(), service.Call{Key: "k", SID: "CA1"})
	require.True(t, rung.Listen)
	require.Contains(t, rung.Text, "P1 payments")
	wrong := h.replies.Voice(ctx(), service.Call{Key: "k", SID: "CA1", Digits: "7"})
	require.True(t, wrong.Listen)
	again := h.replies.Voice(ctx(), service.Call{Key: "k", SID: "CA1", Digits: "9"})
	require.Equal(t, rung, again)
	require.Empty(t, h.engine.Told(), "neither picking up nor a wrong key is an answer")

	taken := h.replies.Voice(ctx(), service.Call{Key: "k", SID: "CA1", Digits: "1"})
	require.Equal(t, service.Speech{Text: "E-1: Done: acknowledge."}, taken)
	require.Equal(t, []string{"escalation/E-1 acknowledge ana via voice key CA1/1"}, h.engine.Told())

	require.False(t, h.replies.Voice(ctx(), service.Call{Key: "forged", SID: "CA2", Digits: "1"}).Listen)
	h.rows.Put(service.Escalation{Summary: escalation.Summary{ID: "E-1", State: escalation.Acked, Title: "x", AcknowledgedAt: h.now}})
	require.False(t, h.replies.Voice(ctx(), service.Call{Key: "k", SID: "CA3"}).Listen, "somebody was quicker")
}

// Silence after an acknowledge climbs without undoing it: who is called then must hear the page and be able to press a
// key, and not that somebody has it.
func TestACallOfAClimbAfterAnAckIsAPage(t *testing.T) {
	acked := escalation.Summary{ID: "E-1", State: escalation.Acked, Title: "x", AcknowledgedBy: "ben"}
	for name, c := range map[string]struct {
		acked time.Duration // before the call
		next  string
		heard bool
	}{
		"acknowledged while it rang":            {acked: -5 * time.Second, next: "update_due"},
		"called because the owner was silent":   {acked: 30 * time.Minute, next: "climb", heard: true},
		"called, and the row is a moment old":   {acked: 30 * time.Minute, next: "update_due", heard: true},
		"called at once, by a clock that lags":  {acked: -time.Second, next: "climb", heard: true},
		"called at once, next contact is first": {acked: -time.Second, next: "page", heard: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.running("E-1", "ana")
			h.paged("k", "escalation/E-1", "ana", org.Voice)
			row := acked
			row.AcknowledgedAt, row.Next = h.now.Add(-c.acked), escalation.Next{At: h.now.Add(time.Minute), Action: c.next}
			h.rows.Put(service.Escalation{Summary: row})
			speech := h.replies.Voice(ctx(), service.Call{Key: "k", SID: "CA1"})
			require.Equal(t, c.heard, speech.Listen, speech.Text)
			require.Equal(t, c.heard, strings.Contains(speech.Text, "Press 4"), speech.Text)
		})
	}
}

// Whoever names the escalation needs no list of what is open.
func TestATextWithANumberNeedsNoRecords(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	h.rows.Leave(true)
	require.Equal(t, "E-1: Done: acknowledge.", h.texts(anasPhone, "ack 1", "SM1"))
	require.Equal(t, []string{"escalation/E-1 acknowledge ana via sms key SM1"}, h.engine.Told())
	require.Contains(t, h.texts(anasPhone, "ack", "SM2"), "could not take that just now")
	require.Contains(t, h.texts(anasPhone, "status 1", "SM3"), "could not take that just now")
	require.Contains(t, h.texts(anasPhone, "ack 99", "SM4"), "there is no E-99")
}

// A call that began while the records did not answer is a page like another, also when they are still away.
func TestACallNeedsNoRecords(t *testing.T) {
	for name, away := range map[string]bool{"back": false, "away": true} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.running("E-12", "ana")
			h.messages.Leave(away)
			h.rows.Leave(away)
			call := service.Call{Key: "E-12/t1/ana/desk/7", SID: "CA1"}
			rung := h.replies.Voice(ctx(), call)
			require.True(t, rung.Listen)
			require.Contains(t, rung.Text, "Escalation 1 2. Press 1 to acknowledge")
			call.Digits = "1"
			require.Equal(t, "E-12: Done: acknowledge.", h.replies.Voice(ctx(), call).Text)
			require.Equal(t, []string{"escalation/E-12 acknowledge ana via voice key CA1/1"}, h.engine.Told())
		})
	}
}

// Who can be told by a call only is told of the end by one, too.
func TestACallThatTellsOfTheEndSaysIt(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	h.paged("k", "escalation/E-1", "ana", org.Voice)
	h.rows.Put(service.Escalation{Summary: escalation.Summary{ID: "E-1", State: escalation.ResolvedP, Title: "x", ResolvedAt: h.now.Add(-time.Second)}})
	require.Contains(t, h.replies.Voice(ctx(), service.Call{Key: "k", SID: "CA1"}).Text, "P1 payments")
}

// sandboxed sends a page through the sandbox, as an activity does, and puts it on record.
func (h *house) sandboxes(key string, channel org.Channel, to string) int64 {
	h.t.Helper()
	m := page.Message{
		Key: key, Purpose: page.Page, Person: "ana", Channel: channel, To: to, Body: "P1 payments",
		Brief: page.Brief{Escalation: "E-1"},
	}
	receipt, err := h.sandbox.Send(ctx(), m)
	require.NoError(h.t, err)
	again, err := h.sandbox.Send(ctx(), m)
	require.NoError(h.t, err)
	require.Equal(h.t, receipt, again, "a known key is the first message")
	h.messages.Put(service.Sent{Message: m, Workflow: "escalation/E-1", At: h.now, Last: receipt})
	shown, err := h.sandbox.List(ctx(), 0, 0)
	require.NoError(h.t, err)
	return shown[len(shown)-1].ID
}

func TestTheSandboxAnswersTheWayOfTheRealThing(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	sms := h.sandboxes("sms1", org.SMS, anasPhone)
	mail := h.sandboxes("mail1", org.Email, "ana@acme.example")
	call := h.sandboxes("call1", org.Voice, anasPhone)
	shown, err := h.sandbox.Get(ctx(), call)
	require.NoError(t, err)
	require.Equal(t, "ringing", shown.Status)

	for _, reply := range []struct {
		message int64
		text    string
	}{{sms, "ack"}, {mail, "resolve"}, {call, "2"}} {
		answer, err := h.sandbox.Reply(ctx(), reply.message, reply.text)
		require.NoError(t, err)
		require.Contains(t, answer, "E-1: Done")
	}
	require.Equal(t, []string{
		"escalation/E-1 acknowledge ana via sms key sandbox-1-reply-1",
		"escalation/E-1 resolve ana via link key sandbox-2-reply-1",
		"escalation/E-1 receipt call1 answered arrived",
		"escalation/E-1 escalate ana via voice key sandbox-3-reply-1/2",
	}, h.engine.Told())
	shown, err = h.sandbox.Get(ctx(), sms)
	require.NoError(t, err)
	require.Equal(t, []string{"ack", "→ E-1: Done: acknowledge."}, shown.Replies)
	shown, err = h.sandbox.Get(ctx(), call)
	require.NoError(t, err)
	require.Equal(t, "answered", shown.Status)
}

func TestTheSandboxFailsOnDemand(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	sms := h.sandboxes("sms1", org.SMS, anasPhone)
	require.NoError(t, h.sandbox.Fail(ctx(), sms, "undelivered", "30034"))
	require.Equal(t, []string{"escalation/E-1 receipt sms1 undelivered dead"}, h.engine.Told())
	shown, err := h.sandbox.Get(ctx(), sms)
	require.NoError(t, err)
	require.Equal(t, "undelivered 30034", shown.Status)

	require.True(t, fault.Is(h.sandbox.Fail(ctx(), sms, "", ""), fault.Invalid))
	require.True(t, fault.Is(h.sandbox.Fail(ctx(), 99, "busy", ""), fault.NotFound))
	_, err = h.sandbox.Reply(ctx(), 99, "ack")
	require.True(t, fault.Is(err, fault.NotFound))
	_, err = h.sandbox.Reply(ctx(), sms, "  ")
	require.True(t, fault.Is(err, fault.Invalid))
	_, known, err := h.sandbox.Find(ctx(), page.Message{Key: "sms1"}, h.now)
	require.NoError(t, err)
	require.False(t, known)
}
