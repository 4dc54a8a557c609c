package service_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/text"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/internal/tonguetest"
	"github.com/belayhq/belay/service"
)

// What somebody hears who answers by phone is known in every language.
func TestWhateverAReplyIsAnsweredIsSaidInGermanToo(t *testing.T) {
	silent := map[string]bool{ // for the record, or for programs
		"%s %s: %s": true, "method %s of %s": true, "opted out (said STOP)": true, "said STOP": true, "said START": true,
		"the number belongs to nobody": true, "the records are away": true, "read what digest %d told of: %w": true, "the records are away, and more is open than can be asked": true,
		"the records are away, and a vendor's engagements are found nowhere else": true, "number ": true, "belay link v1\n": true, ", ": true, "\n%s %s: %s": true,
	}
	for _, form := range tonguetest.Sentences(t, ".", "replies.go", "voice.go", "together.go", "answers.go", "words.go", "access.go", "links.go") {
		said := tonguetest.Filled(form, "E-7")
		switch {
		case silent[form]:
			continue
		case form == " (%s has it)":
			said = "E-7 acknowledged: P1 Payments: down" + said
		case form == "\n… and %d more":
			said = said[1:]
		}
		require.True(t, text.Retold(tongue.German, said), "%q", said)
	}
	for _, s := range []string{"open", "acknowledged", "watching", "resolved", "closed"} {
		require.True(t, text.Retold(tongue.German, "E-7 "+s+": P1 Payments: down"), s)
	}
	for _, v := range []string{"ack", "esc", "resolve", "note", "snooze"} {
		require.True(t, text.Retold(tongue.German, v+" 7: P1 Payments: down"), v)
	}
}

// speaks makes somebody speak a language.
func (h *house) speaks(p id.Person, l tongue.Language) {
	person := h.organisation.Directory.Org.People[p]
	person.Language = l
	h.organisation.Directory.Org.People[p] = person
}

func TestAGermanIsAnsweredInGermanAndMaySpeakEither(t *testing.T) {
	h := newHouse(t)
	h.speaks("ben", tongue.German)
	for _, e := range []id.Escalation{"E-1", "E-2"} {
		h.running(e, "ben")
	}
	require.Equal(t, "Welche? Antworten Sie mit der Nummer.\nübernehmen 2: P1 payments: card declines above 5%\nübernehmen 1: P1 payments: card declines above 5%",
		h.texts(bensPhone, "übernehmen", "SM1"))
	require.Equal(t, "E-1: Done: acknowledge.", h.texts(bensPhone, "Übernehme 1", "SM2"))
	require.Equal(t, "E-2: Done: resolve.", h.texts(bensPhone, "resolve 2", "SM3"))
	require.Equal(t, []string{"escalation/E-1 acknowledge ben via sms key SM2", "escalation/E-2 resolve ben via sms key SM3"}, h.engine.Told())
	require.Equal(t, "Das habe ich nicht verstanden und nichts getan. Antworten Sie übernehmen 1, eskalieren 1 oder gelöst 1.", h.texts(bensPhone, "übernehme 1 nicht", "SM4"))
	require.Len(t, h.engine.Told(), 2, "a no is no answer")
	require.Contains(t, h.texts(bensPhone, "hilfe", "SM5"), "Antworten Sie mit einem Wort")
	require.Equal(t, "Für Sie gibt es kein E-9.", h.texts(bensPhone, "ok 9", "SM6"))
	require.Equal(t, "There is no E-9 for you.", h.texts(anasPhone, "ok 9", "SM7"), "whoever said no language is answered in English")
}

func TestACallSpeaksAsItsMessageDoes(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ben")
	h.messages.Put(service.Sent{Workflow: "escalation/E-1", At: h.now, Message: page.Message{
		Key: "k", Purpose: page.Page, Person: "ben", Channel: org.Voice, Language: tongue.German, Body: "Hier ist Belay. x is closed.",
	}})

	rung := h.replies.Voice(ctx(), service.Call{Key: "k", SID: "CA1"})
	require.Equal(t, service.Speech{Text: "Hier ist Belay. x is closed.", Language: tongue.German, Listen: true}, rung, "its words are left as they are")
	wrong := h.replies.Voice(ctx(), service.Call{Key: "k", SID: "CA1", Digits: "7"})
	require.Equal(t, tongue.German, wrong.Language)
	require.Contains(t, wrong.Text, "Drücken Sie 1 zum Übernehmen")
}
