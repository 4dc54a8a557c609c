package text_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/reply"
	"github.com/belayhq/belay/core/text"
)

const link = "https://belay.example.com/a/9rTqF0mE2cVx7KpL4sWz"

func brief() page.Brief {
	return page.Brief{
		Escalation: "E-42", Title: "card payments fail in Madrid", Service: "Payments", Priority: org.P1, Tier: "first line",
		OpenedAt: time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC), AnswerBy: time.Date(2026, 1, 5, 12, 15, 0, 0, time.UTC),
	}
}

func madrid(t *testing.T) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Europe/Madrid")
	require.NoError(t, err)
	return z
}

func TestAPageByTextMessage(t *testing.T) {
	got := text.Page(brief(), org.SMS, link, text.Reader{Zone: madrid(t)})
	require.Equal(t, "P1 E-42 Payments: card payments fail in Madrid. Answer by 13:15. Reply ack 42, esc 42, resolve 42 or "+link, got.Body)
	require.Equal(t, 1, text.Segments(got.Body))
	require.Empty(t, got.Subject)

	require.Equal(t, "P1 E-42 Payments: card payments fail in Madrid. Answer by 12:15 UTC. Reply ack 42, esc 42, resolve 42",
		text.Page(brief(), org.SMS, "", text.Reader{}).Body)
}

func TestALongTitleGivesWayToTheCodeAndTheVerbs(t *testing.T) {
	b := brief()
	b.Title = strings.Repeat("replication lag on db-eu-west-3 above 900 seconds, ", 10)
	got := text.Page(b, org.SMS, "", text.Reader{Zone: madrid(t)}).Body
	require.Equal(t, "P1 E-42 Payments: replication lag on db-eu-west-3 above 900 seconds, replication lag on db-eu-west-3 above 900 seconds, "+
		"repl... Reply ack 42, esc 42, resolve 42", got)
	require.Len(t, got, 160)
	require.Equal(t, 1, text.Segments(got))

	withLink := text.Page(b, org.SMS, link, text.Reader{Zone: madrid(t)}).Body
	require.Equal(t, 2, text.Segments(withLink))
	require.True(t, strings.HasSuffix(withLink, "... Reply ack 42, esc 42, resolve 42 or "+link), withLink)
	require.Greater(t, len(withLink), 290, "what fits is used")
}

func TestAScriptThatNeedsMoreRoomIsCutSooner(t *testing.T) {
	b := brief()
	b.Service, b.Title = "Платежи", "Оплата картой не проходит в Москве и в Казани"
	got := text.Page(b, org.SMS, "", text.Reader{Zone: madrid(t)}).Body
	require.Equal(t, "P1 E-42 Платежи: Оплата картой не... Reply ack 42, esc 42, resolve 42", got)
	require.Equal(t, 1, text.Segments(got))

	b.Service, b.Title = "Paiements", "Échec “à l’œuvre” – façade n°3 en panne… 🔥"
	got = text.Page(b, org.SMS, "", text.Reader{Zone: madrid(t)}).Body
	require.Equal(t, `P1 E-42 Paiements: Échec "à l'oeuvre" - facade n deg3 en panne... Answer by 13:15. Reply ack 42, esc 42, resolve 42`, got)
	require.Equal(t, 1, text.Segments(got))
}

func TestAnAnswerDueOnAnotherDaySaysSo(t *testing.T) {
	b := brief()
	b.AnswerBy = time.Date(2026, 1, 6, 8, 30, 0, 0, time.UTC)
	require.Contains(t, text.Page(b, org.SMS, "", text.Reader{Zone: madrid(t)}).Body, "Answer by Tue 09:30.")
	b.AnswerBy = time.Date(2026, 1, 15, 8, 30, 0, 0, time.UTC)
	require.Contains(t, text.Page(b, org.SMS, "", text.Reader{Zone: madrid(t)}).Body, "Answer by 15 Jan 09:30.")
	b.AnswerBy = time.Time{}
	require.NotContains(t, text.Page(b, org.SMS, "", text.Reader{Zone: madrid(t)}).Body, "Answer by")
}

func TestAPageByTelephone(t *testing.T) {
	b := brief()
	b.Title = "card payments fail, see https://grafana.example.com/d/x?y=1 and E-7"
	require.Equal(t, "This is Belay, with a page. Priority 1, escalation 4 2. Payments: card payments fail, see a link and escalation 7. "+
		"An answer is due by 13:15. Press 1 to acknowledge, 2 to escalate, 3 to resolve, or 9 to hear this again.",
		text.Page(b, org.Voice, link, text.Reader{Zone: madrid(t)}).Body)

	for key, want := range map[string]reply.Verb{"1": "acknowledge", "2": "escalate", "3": "resolve"} {
		verb, err := reply.ParseDigit(key)
		require.NoError(t, err)
		require.Equal(t, want, verb)
		require.Contains(t, text.Page(b, org.Voice, link, text.Reader{}).Body, key+" to "+string(verb), "what is said is what the keys do")
	}
}

func TestAPageByMail(t *testing.T) {
	got := text.Page(brief(), org.Email, link, text.Reader{Zone: madrid(t)})
	require.Equal(t, "[P1] E-42 Payments: card payments fail in Madrid", got.Subject)
	require.Equal(t, `card payments fail in Madrid

Escalation  E-42
Service     Payments
Priority    P1
Tier        first line
Opened      Mon 5 Jan 2026 13:00 CET
Answer by   Mon 5 Jan 2026 13:15 CET

Answer here. Opening the page does nothing yet: it shows the escalation and asks you.
`+link+"\n", got.Body)
	require.Equal(t, got, text.Page(brief(), org.Webhook, link, text.Reader{Zone: madrid(t)}))
}

func TestNewsAskForNothing(t *testing.T) {
	b := brief()
	b.Text = "Ana Pérez has E-42."
	require.Equal(t, "Ana Pérez has E-42. (Payments: card payments fail in Madrid)", text.Inform(b, org.SMS, text.Reader{}).Body)
	require.Equal(t, "This is Belay, for your information. Ana Pérez has escalation 4 2. Goodbye.", text.Inform(b, org.Voice, text.Reader{}).Body)
	mail := text.Inform(b, org.Email, text.Reader{Zone: madrid(t)})
	require.Equal(t, "[P1] E-42 Payments: Ana Pérez has E-42.", mail.Subject)
	require.Equal(t, `Ana Pérez has E-42.

About: card payments fail in Madrid

Escalation  E-42
Service     Payments
Priority    P1
Tier        first line
Opened      Mon 5 Jan 2026 13:00 CET

This is for your information. Nothing is asked of you.
`, mail.Body)

	b.Text = "the vendor is silent"
	require.Equal(t, "E-42: the vendor is silent (Payments: card payments fail in Madrid)", text.Inform(b, org.SMS, text.Reader{}).Body)
	b.Text = strings.Repeat("and so on ", 100)
	require.Equal(t, 2, text.Segments(text.Inform(b, org.SMS, text.Reader{}).Body))
	b.Text = ""
	require.Equal(t, "E-42: card payments fail in Madrid", text.Inform(b, org.SMS, text.Reader{}).Body)
}

func TestWordsFollowThePurposeAndTheReader(t *testing.T) {
	m := page.Message{Purpose: page.Page, Channel: org.SMS, Link: link, Brief: brief()}
	_, body := text.Words(m, org.Person{Zone: madrid(t)}, org.Terms{})
	require.Contains(t, body, "Answer by 13:15. Reply ack 42")
	m.Purpose, m.Channel, m.Brief.Text = page.Inform, org.Email, "Ana has it."
	subject, body := text.Words(m, org.Person{}, org.Terms{})
	require.Equal(t, "[P1] E-42 Payments: Ana has it.", subject)
	require.Contains(t, body, "12:00 UTC")
	require.NotContains(t, body, "Answer by")
}

func TestATitleCannotBecomeAnythingElse(t *testing.T) {
	b := brief()
	b.Title = "x\r\nBcc: all@example.com\n\n.\r\n\x00\x1b[31mred\u2028\u202eolleh\u200b\xff"
	b.Service = "Pay\nments"
	b.Text = b.Title
	for _, channel := range []org.Channel{org.SMS, org.Voice, org.Email} {
		for _, got := range []text.Rendered{text.Page(b, channel, link, text.Reader{}), text.Inform(b, channel, text.Reader{})} {
			require.NotContains(t, got.Subject, "\n")
			require.NotContains(t, got.Subject, "\r")
			require.NotContains(t, got.Body, "\nBcc")
			for _, r := range strings.ReplaceAll(got.Subject+got.Body, "\n", "") {
				require.False(t, unicode.IsControl(r) || unicode.Is(unicode.Cf, r), "%q in %q", r, got.Body)
			}
		}
	}
	require.Equal(t, "[P1] E-42 Pay ments: x Bcc: all@example.com . [31mred olleh", text.Page(b, org.Email, link, text.Reader{}).Subject)
}

func TestABriefThatSaysLittle(t *testing.T) {
	require.Equal(t, "E-1 (no title). Reply ack 1, esc 1, resolve 1", text.Page(page.Brief{Escalation: "E-1"}, org.SMS, "", text.Reader{}).Body)
	require.Equal(t, "odd (no title). Reply ack, esc, resolve", text.Page(page.Brief{Escalation: "odd"}, org.SMS, "", text.Reader{}).Body)
	require.Equal(t, "This is Belay, with a page. Escalation 1. (no title). Press 1 to acknowledge, 2 to escalate, 3 to resolve, or 9 to hear this again.",
		text.Page(page.Brief{Escalation: "E-1"}, org.Voice, "", text.Reader{}).Body)
}

// A vendor's people see the brief and nothing of the house behind it: two briefs that are equal read equally.
func TestAVendorReadsTheBriefOnly(t *testing.T) {
	ours, theirs := brief(), brief()
	theirs.Vendor = "acmecloud"
	for _, channel := range []org.Channel{org.SMS, org.Voice, org.Email, org.Webhook} {
		require.Equal(t, text.Page(ours, channel, link, text.Reader{}), text.Page(theirs, channel, link, text.Reader{}))
		require.NotContains(t, text.Page(theirs, channel, link, text.Reader{}).Body, "acmecloud")
	}
}

func TestDurationsAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                   "a moment",
		999 * time.Millisecond:              "a moment",
		time.Second:                         "1 second",
		45 * time.Second:                    "45 seconds",
		time.Minute:                         "1 minute",
		90 * time.Second:                    "1 minute 30 seconds",
		15 * time.Minute:                    "15 minutes",
		90 * time.Minute:                    "1 hour 30 minutes",
		time.Hour + 59*time.Second:          "1 hour",
		48 * time.Hour:                      "2 days",
		49*time.Hour + 5*time.Minute:        "2 days 1 hour",
		-15 * time.Minute:                   "15 minutes",
		time.Duration(-9223372036854775808): "106751 days 23 hours",
	} {
		require.Equal(t, want, text.Duration(d), "%d", d)
	}
}

func TestHowManyTextMessages(t *testing.T) {
	for _, scene := range []struct {
		name string
		s    string
		want int
	}{
		{"nothing", "", 1},
		{"160 plain", strings.Repeat("a", 160), 1},
		{"161 plain", strings.Repeat("a", 161), 2},
		{"306 plain", strings.Repeat("a", 306), 2},
		{"307 plain", strings.Repeat("a", 307), 3},
		{"80 of two", strings.Repeat("€", 80), 1},
		{"81 of two", strings.Repeat("€", 81), 2},
		{"a pair is not split between two parts", strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), 3},
		{"70 of another script", strings.Repeat("я", 70), 1},
		{"71 of another script", strings.Repeat("я", 71), 2},
		{"135 of another script", strings.Repeat("я", 135), 3},
		{"one letter changes it for all", strings.Repeat("a", 70) + "я", 2},
		{"35 pictures", strings.Repeat("🔥", 35), 1},
		{"36 pictures", strings.Repeat("🔥", 36), 2},
		{"67 pictures, 33 to a part", strings.Repeat("🔥", 67), 3},
	} {
		require.Equal(t, scene.want, text.Segments(scene.s), scene.name)
	}
}

func TestNoTitleBreaksATextMessage(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		number := rapid.OneOf(rapid.Int64Range(1, 99_999), rapid.Int64Range(1, 1<<62)).Draw(r, "number")
		b := page.Brief{
			Escalation: id.OfNumber(number), Title: rapid.String().Draw(r, "title") + rapid.StringN(0, 400, -1).Draw(r, "more"),
			Service: rapid.StringN(0, 80, -1).Draw(r, "service"), Priority: rapid.SampledFrom(org.Priorities()).Draw(r, "priority"),
			Text:     rapid.StringN(0, 400, -1).Draw(r, "text"),
			OpenedAt: time.Unix(rapid.Int64Range(0, 1<<33).Draw(r, "opened"), 0), AnswerBy: time.Unix(rapid.Int64Range(0, 1<<33).Draw(r, "due"), 0),
		}
		where := rapid.SampledFrom([]string{"", link, "https://b.example/" + strings.Repeat("x", 400)}).Draw(r, "link")
		body := text.Page(b, org.SMS, where, text.Reader{}).Body
		most := 1
		if where != "" {
			most = 2
		}
		if text.Segments(body) > most {
			r.Fatalf("%d messages: %q", text.Segments(body), body)
		}
		digits := strings.TrimPrefix(string(b.Escalation), "E-")
		for _, part := range []string{string(b.Escalation), "Reply ack " + digits + ", esc " + digits + ", resolve " + digits} {
			if !strings.Contains(body, part) {
				r.Fatalf("%q is missing in %q", part, body)
			}
		}
		if where == link && number < 1_000_000 && !strings.HasSuffix(body, link) {
			r.Fatalf("the link is missing in %q", body)
		}
		news := text.Inform(b, org.SMS, text.Reader{}).Body
		if text.Segments(news) > 2 || !strings.Contains(news, string(b.Escalation)) {
			r.Fatalf("%d messages: %q", text.Segments(news), news)
		}
		for _, channel := range []org.Channel{org.SMS, org.Voice, org.Email, org.Webhook} {
			for _, got := range []text.Rendered{text.Page(b, channel, where, text.Reader{}), text.Inform(b, channel, text.Reader{})} {
				if !utf8.ValidString(got.Subject) || !utf8.ValidString(got.Body) || utf8.RuneCountInString(got.Subject) > 150 {
					r.Fatalf("%q", got)
				}
			}
		}
	})
}

func TestACallWithoutKeysAsksForNone(t *testing.T) {
	require.Equal(t, "Payments is down. This call takes no keys: please answer in Belay, or to its text message.",
		text.Unanswerable("Payments is down. Press 1 to acknowledge, 2 to escalate, 3 to resolve, or 9 to hear this again."))
	require.Equal(t, "For your information.", text.Unanswerable("For your information."))
}
