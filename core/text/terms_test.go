package text_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/text"
	"github.com/belayhq/belay/core/tongue"
)

// What an organisation calls otherwise is called so in every message; what the message carries for programs is not.
func TestMessagesSpeakInTheTermsOfTheOrganisation(t *testing.T) {
	terms := org.Terms{Priorities: map[org.Priority]string{org.P1: "Größte Not", org.P2: "Prio 2"}}
	for _, said := range []struct {
		channel org.Channel
		to      org.Person
		words   []string
	}{
		{org.SMS, org.Person{}, []string{"Größte Not E-42 "}},
		{org.Email, org.Person{}, []string{"[Größte Not] E-42 ", "Priority    Größte Not\n"}},
		{org.Voice, org.Person{}, []string{"Priority Größte Not, escalation 4 2."}},
		{org.Voice, org.Person{Language: tongue.German}, []string{"Priorität Größte Not, Eskalation 4 2."}},
	} {
		m := page.Message{Purpose: page.Page, Channel: said.channel, Brief: page.Brief{Escalation: "E-42", Title: "card payments fail", Service: "Payments", Priority: org.P1}}
		subject, body := text.Words(m, said.to, terms)
		for _, words := range said.words {
			require.Contains(t, subject+"\n"+body, words)
		}
		require.NotContains(t, subject+body, "P1")
		require.Equal(t, org.P1, m.Brief.Priority)
	}
	m := page.Message{Purpose: page.Page, Channel: org.Voice, Brief: page.Brief{Escalation: "E-7", Title: "x", Priority: org.P3}}
	_, body := text.Words(m, org.Person{}, terms)
	require.Contains(t, body, "Priority 3, escalation 7.", "what has no name of its own is called as ever")
}

func TestADigestSpeaksInTheTermsOfTheOrganisation(t *testing.T) {
	terms := org.Terms{Priorities: map[org.Priority]string{org.P1: "Größte Not, sofort", org.P3: "Prio 3"}}
	b := page.Brief{Escalation: "E-1", Title: "a", Priority: org.P1, AnswerBy: time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC), Digest: []page.Item{
		{Escalation: "E-1", Title: "a", Priority: org.P1}, {Escalation: "E-2", Title: "b", Priority: org.P2}, {Escalation: "E-13", Title: "c", Priority: org.P3}, {Escalation: "E-4", Title: "d", Priority: org.P3},
	}}
	for channel, words := range map[org.Channel][]string{
		org.SMS:   {"4 pages: 1 Größte Not, sofort, 1 P2, 2 Prio 3.", "\nGrößte Not, sofort E-1 a", "\nP2 E-2 b", "\nPrio 3 E-13 c"},
		org.Voice: {"1 of priority Größte Not, sofort, 1 of priority 2, 2 of priority Prio 3.", "Priority Größte Not, sofort, escalation 1.", "Priority 2, escalation 2."},
		org.Email: {"[Größte Not, sofort] 4 pages", "1 Größte Not, sofort, 1 P2, 2 Prio 3.", "\nGrößte Not, sofort E-1   a\n", "\nP2                 E-2   b\n"},
	} {
		subject, body := text.Words(page.Message{Purpose: page.Page, Channel: channel, Brief: b}, org.Person{}, terms)
		for _, w := range words {
			require.Contains(t, subject+"\n"+body, w, channel)
		}
	}
}

// The longest names leave the verbs where they are.
func TestLongTermsCostATitleAndNoVerb(t *testing.T) {
	long := strings.Repeat("ß", 24)
	terms := org.Terms{Priorities: map[org.Priority]string{org.P1: long, org.P2: long + "a", org.P3: long + "b", org.P4: long + "c", org.P5: long + "d"}}
	var items []page.Item
	for _, p := range org.Priorities() {
		items = append(items, page.Item{Escalation: "E-123456", Title: strings.Repeat("title ", 30), Service: strings.Repeat("service ", 20), Priority: p})
	}
	b := page.Brief{Escalation: "E-123456", Title: items[0].Title, Service: items[0].Service, Priority: org.P1, OpenedAt: time.Unix(0, 0), AnswerBy: time.Unix(600, 0)}
	_, one := text.Words(page.Message{Purpose: page.Page, Channel: org.SMS, Brief: b}, org.Person{}, terms)
	require.Contains(t, one, "Reply ack 123456")
	require.LessOrEqual(t, text.Segments(one), 2)
	b.Digest = items
	_, all := text.Words(page.Message{Purpose: page.Page, Channel: org.SMS, Brief: b}, org.Person{}, terms)
	require.Contains(t, all, "ack all for all")
	require.LessOrEqual(t, text.Segments(all), 3)
}
