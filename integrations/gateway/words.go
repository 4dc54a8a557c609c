package gateway

import (
	"strings"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/page"
)

type meaning struct {
	status page.Status
	class  page.Class
}

// retry is the word of our own for what may arrive if it is sent again.
const retry = "retry"

// meanings of the words that settings may use.
func meanings() map[string]meaning {
	return map[string]meaning{
		string(page.Accepted):    {page.Accepted, page.Pending},
		string(page.Delivered):   {page.Delivered, page.Arrived},
		string(page.Answered):    {page.Answered, page.Arrived},
		string(page.Undelivered): {page.Undelivered, page.Dead},
		string(page.Busy):        {page.Busy, page.Dead},
		string(page.NoAnswer):    {page.NoAnswer, page.Dead},
		string(page.Machine):     {page.Machine, page.Dead},
		string(page.Failed):      {page.Failed, page.Dead},
		string(page.OptedOut):    {page.OptedOut, page.Barred},
		retry:                    {page.Undelivered, page.Transient},
	}
}

// vocabulary is what providers say. The short words are those of SMPP 3.4, Appendix B, which most gateways pass on.
func vocabulary(own map[string]string) (map[string]meaning, error) {
	known := meanings()
	words := meanings()
	for word, ours := range map[string]page.Status{
		"delivrd": page.Delivered, "accepted": page.Accepted, "acceptd": page.Accepted, "enroute": page.Accepted, "queued": page.Accepted,
		"pending": page.Accepted, "sent": page.Accepted, "sending": page.Accepted, "buffered": page.Accepted, "ringing": page.Accepted,
		"undeliv": page.Undelivered, "expired": page.Undelivered, "deleted": page.Undelivered, "rejectd": page.Failed, "rejected": page.Failed,
		"no-answer": page.NoAnswer, "noanswer": page.NoAnswer, "voicemail": page.Machine, "in-progress": page.Answered,
		"error": page.Failed, "blacklisted": page.OptedOut, "unsubscribed": page.OptedOut,
	} {
		words[word] = known[string(ours)]
	}
	for word, ours := range own {
		m, ok := known[ours]
		if !ok {
			return nil, fault.Field("words", "%q means none of ours: accepted, delivered, answered, undelivered, busy, no_answer, machine, failed, opted_out, retry", word)
		}
		words[strings.ToLower(word)] = m
	}
	return words, nil
}

// classify says what a word means. One that nobody knows is waited on: the ladder's own clock climbs in any case.
func (c *Client) classify(word string) (page.Status, page.Class, string) {
	m, known := c.words[strings.ToLower(word)]
	if !known {
		return page.Accepted, page.Pending, "unknown status " + clip(word)
	}
	if m.class == page.Arrived || m.class == page.Pending {
		return m.status, m.class, ""
	}
	return m.status, m.class, "the gateway says " + clip(word)
}

func clip(word string) string {
	const most = 40
	if runes := []rune(word); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return word
}
