package text_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/text"
)

const digestLink = "https://belay.example.com/a/ZGlnZXN0LzcKYW5hCkQtNy9hbmEvbW9iaWxlCjE3NzI1MzY4MDA.QkFTRTY0LVNJR05BVFVSRQ"

func storm(titles ...string) page.Brief {
	opened := time.Date(2026, 1, 5, 2, 0, 0, 0, time.UTC)
	b := page.Brief{OpenedAt: opened, AnswerBy: opened.Add(15 * time.Minute)}
	for i, title := range titles {
		priority := org.P3
		if i < 2 {
			priority = org.P1
		}
		b.Digest = append(b.Digest, page.Item{Escalation: id.OfNumber(int64(42 + i)), Title: title, Service: "Payments", Priority: priority})
	}
	b.Escalation, b.Title, b.Service, b.Priority = b.Digest[0].Escalation, titles[0], "Payments", org.P1
	return b
}

func TestADigestReadsAtThreeInTheMorning(t *testing.T) {
	b := storm("card payments fail", "ledger is late", "disk fills up", "slow queries")
	require.Equal(t, strings.Join([]string{
		"4 pages: 2 P1, 2 P3.",
		"P1 E-42 Payments: card payments fail",
		"P1 E-43 Payments: ledger is late",
		"P3 E-44 Payments: disk fills up",
		"P3 E-45 Payments: slow queries",
		"First answer by 02:15 UTC. Reply ack 42 for one, ack all for all, or " + digestLink,
	}, "\n"), text.Page(b, org.SMS, digestLink, text.Reader{}).Body)
	require.Equal(t, "This is Belay, with 4 pages. 2 of priority 1, 2 of priority 3. "+
		"Priority 1, escalation 4 2. Payments: card payments fail. Priority 1, escalation 4 3. Payments: ledger is late. "+
		"Priority 3, escalation 4 4. Payments: disk fills up. And 1 more. The first answer is due by 02:15 UTC. "+
		"Press 1 to acknowledge all of them, 2 to escalate all of them, or 9 to hear this again.", text.Page(b, org.Voice, digestLink, text.Reader{}).Body)
	mail := text.Page(b, org.Email, digestLink, text.Reader{})
	require.Equal(t, "[P1] 4 pages: E-42 Payments: card payments fail, and 3 more", mail.Subject)
	for _, said := range []string{"2 P1, 2 P3", "P1  E-42  Payments: card payments fail\n", "P3  E-45  Payments: slow queries\n", digestLink} {
		require.Contains(t, mail.Body, said)
	}
}

func TestADigestFitsInThreePartsAndCountsWhatItDoesNotName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		titles := rapid.SliceOfN(rapid.StringMatching(`[a-zA-Zäé{€ж ]{0,120}`), 2, 80).Draw(t, "titles")
		body := text.Page(storm(titles...), org.SMS, digestLink, text.Reader{}).Body
		require.LessOrEqual(t, text.Segments(body), 3, body)
		require.Contains(t, body, fmt.Sprintf("%d pages: 2 P1", len(titles)))
		require.Contains(t, body, "ack all for all")
		named := strings.Count(body, "\nP")
		if rest := len(titles) - named; rest > 0 {
			require.Contains(t, body, fmt.Sprintf("+%d more.", rest))
		}
	})
}
