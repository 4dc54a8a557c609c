package text

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/reply"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/internal/tonguetest"
)

func TestEveryLanguageSaysEverything(t *testing.T) {
	said := tonguetest.Said(t, ".", "t")
	require.Greater(t, len(said), 30)
	for _, l := range tongue.Languages() {
		if l == tongue.English {
			continue
		}
		for _, english := range said {
			require.Contains(t, catalogues[l], english, "%s lacks it", l)
		}
		for english := range catalogues[l] {
			require.Contains(t, said, english, "%s says what nobody says any more", l)
		}
		tonguetest.Agree(t, catalogues[l])
	}
	tonguetest.Agree(t, retoldInGerman)
}

// Every catalogue of messages can be sent as a text message of the default alphabet: an umlaut is in it, an ellipsis of
// one character is not, and would make three messages of one.
func TestNoTranslationMakesATextMessageLonger(t *testing.T) {
	for english, says := range german {
		_, ok := septets(says)
		require.True(t, ok, "%q for %q", says, english)
	}
}

func ringing() (page.Brief, Reader) {
	berlin := time.FixedZone("CET", 3600)
	return page.Brief{
		Escalation: "E-42", Title: "Kartenzahlungen schlagen fehl", Service: "Zahlungen", Priority: org.P1, Tier: "erste Reihe",
		OpenedAt: time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC), AnswerBy: time.Date(2026, 1, 5, 12, 15, 0, 0, time.UTC),
	}, Reader{Zone: berlin, Language: tongue.German}
}

func TestAGermanIsCalledInGerman(t *testing.T) {
	b, reader := ringing()
	require.Equal(t, "P1 E-42 Zahlungen: Kartenzahlungen schlagen fehl. Antwort bis 13:15. Antworten: übernehmen 42, eskalieren 42, gelöst 42 oder https://b.example/a/x",
		Page(b, org.SMS, "https://b.example/a/x", reader).Body)
	require.Equal(t, "Hier ist Belay mit einem Ruf. Priorität 1, Eskalation 4 2. Zahlungen: Kartenzahlungen schlagen fehl. Antwort bis 13:15. "+
		"Drücken Sie 1 zum Übernehmen, 2 zum Eskalieren, 3, wenn es gelöst ist, oder 9, um dies noch einmal zu hören.", Page(b, org.Voice, "", reader).Body)
	require.True(t, strings.HasSuffix(Unanswerable(Page(b, org.Voice, "", reader).Body), "Dieser Anruf nimmt keine Tasten an: Bitte antworten Sie in Belay oder auf die SMS."))
	require.Equal(t, Rendered{
		Subject: "[P1] E-42 Zahlungen: Kartenzahlungen schlagen fehl",
		Body: `Kartenzahlungen schlagen fehl

Eskalation  E-42
Dienst      Zahlungen
Priorität   P1
Stufe       erste Reihe
Geöffnet    Mo 05.01.2026 13:00 CET
Antwort bis Mo 05.01.2026 13:15 CET

Hier antworten. Die Seite zu öffnen bewirkt noch nichts: Sie zeigt die Eskalation und fragt nach.
https://b.example/a/x
`}, Page(b, org.Email, "https://b.example/a/x", reader))

	b.AnswerBy = time.Date(2026, 1, 6, 8, 30, 0, 0, time.UTC)
	require.Contains(t, Page(b, org.SMS, "", reader).Body, "Antwort bis Di 09:30.")
	b.AnswerBy = time.Date(2026, 1, 15, 8, 30, 0, 0, time.UTC)
	require.Contains(t, Page(b, org.SMS, "", reader).Body, "Antwort bis 15.01. 09:30.")
}

func TestAGermanHearsNewsInGerman(t *testing.T) {
	b, reader := ringing()
	b.Text = "Ana Pérez has E-42."
	require.Equal(t, "Ana Pérez hat E-42. (Zahlungen: Kartenzahlungen schlagen fehl)", Inform(b, org.SMS, reader).Body)
	require.Equal(t, "Hier ist Belay, nur zur Kenntnis. Ana Pérez hat Eskalation 4 2. Auf Wiederhören.", Inform(b, org.Voice, reader).Body)
	mail := Inform(b, org.Email, reader)
	require.Equal(t, "[P1] E-42 Zahlungen: Ana Pérez hat E-42.", mail.Subject)
	require.Contains(t, mail.Body, "Es geht um: Kartenzahlungen schlagen fehl\n")
}

// What is told to be typed, and what is told to be pressed, does what it says, in every language.
func TestWhatAMessageTellsToAnswerIsUnderstood(t *testing.T) {
	b, reader := ringing()
	for _, l := range tongue.Languages() {
		reader.Language = l
		_, hint, _ := strings.Cut(Page(b, org.SMS, "", reader).Body, ". A")
		_, hint, _ = strings.Cut(hint, ". ")
		hint = hint[strings.IndexAny(hint, " ")+1:]
		answers := strings.Split(hint, ", ")
		require.Len(t, answers, 3, hint)
		for i, want := range []reply.Verb{reply.Acknowledge, reply.Escalate, reply.Resolve} {
			heard, err := reply.Parse(answers[i])
			require.NoError(t, err)
			require.Equal(t, reply.Reply{Verb: want, Number: 42}, heard, answers[i])
		}
	}
	heard, err := reply.Parse("übernehmen alle")
	require.NoError(t, err)
	require.Equal(t, reply.Reply{Verb: reply.Acknowledge, All: true}, heard)
}

func TestAGermanTextMessageIsAsShortAsTheHouseAsks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, reader := ringing()
		b.Title = rapid.StringMatching(`[a-zäöüßA-Z0-9€{ ж]{0,300}`).Draw(t, "title")
		b.Service = rapid.StringMatching(`[a-zäöüA-Z ]{0,60}`).Draw(t, "service")
		alone := Page(b, org.SMS, "", reader).Body
		require.Equal(t, 1, Segments(alone), alone)
		require.True(t, strings.HasSuffix(alone, "Antworten: übernehmen 42, eskalieren 42, gelöst 42"), alone)
		linked := Page(b, org.SMS, "https://belay.example.com/a/"+strings.Repeat("x", 40), reader).Body
		require.LessOrEqual(t, Segments(linked), 2, linked)
		require.Contains(t, linked, "übernehmen 42, eskalieren 42, gelöst 42")

		titles := rapid.SliceOfN(rapid.StringMatching(`[a-zA-Zäé{€ж ]{0,120}`), 2, 60).Draw(t, "titles")
		b.Digest = nil
		for i, title := range titles {
			b.Digest = append(b.Digest, page.Item{Escalation: id.OfNumber(int64(42 + i)), Title: title, Service: b.Service, Priority: org.P2})
		}
		digest := Page(b, org.SMS, "https://belay.example.com/a/x", reader).Body
		require.LessOrEqual(t, Segments(digest), longestDigest, digest)
		require.Contains(t, digest, "übernehmen alle für alle")
	})
}

func TestAnswersAndRecordsAreSaidAgainInGerman(t *testing.T) {
	for english, want := range map[string]string{
		"You have E-42. Next update due 12:15 UTC.":       "Sie haben E-42. Nächste Rückmeldung fällig um 12:15 UTC.",
		"Ana Pérez has had E-42 since 12:01 UTC.":         "Ana Pérez hat E-42 seit 12:01 UTC.",
		"E-42 goes to tier 2 (Leads).":                    "E-42 geht an Stufe 2 (Leads).",
		"E-42 is quiet until 2026-01-05 13:00 UTC.":       "E-42 ruht bis 05.01.2026 13:00 UTC.",
		"E-42 with AcmeCloud is resolved.":                "E-42 mit AcmeCloud ist gelöst.",
		"schedule cards (ana) skipped: nobody is on call": "Plan cards (ana) übersprungen: niemand hat Bereitschaft",
		"E-42 with AcmeCloud: vendor AcmeCloud: promised to acknowledge within 1 hour 30 minutes and has not.": "E-42 mit AcmeCloud: Lieferant AcmeCloud: hat zugesagt, binnen 1 Stunde 30 Minuten zu übernehmen, und es nicht getan.",
		"I did not understand that. Reply ack 42, esc 42 or resolve 42.":                                       "Das habe ich nicht verstanden. Antworten Sie übernehmen 42, eskalieren 42 oder gelöst 42.",
		"You have 2: E-42, E-43.\nE-44: You have had E-44 since 12:00 UTC.":                                    "Sie haben 2: E-42, E-43.\nE-44: Sie haben E-44 seit 12:00 UTC.",
		"E-42 acknowledged: P1 Payments: it is closed (ana has it)":                                            "E-42 übernommen: P1 Payments: it is closed (ana hat es)",
		"E-42 opened as P1 for Payments: backup is called":                                                     "E-42 geöffnet als P1 für Payments: backup is called",
	} {
		require.Equal(t, want, Retell(tongue.German, english))
		require.Equal(t, english, Retell(tongue.English, english))
		require.Equal(t, english, Retell("", english))
	}
}
