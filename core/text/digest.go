package text

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/reply"
)

// Digest tells of many pages in one message: how many and how bad, then as many as fit by name, worst first, and how each
// and all of them are answered.
func Digest(b page.Brief, channel org.Channel, link string, zone *time.Location) Rendered {
	f := factsOf(b, zone)
	all := gatheredOf(b)
	switch channel {
	case org.SMS:
		return Rendered{Body: f.smsAll(all, line(link))}
	case org.Voice:
		return Rendered{Body: f.callAll(all)}
	case org.Email, org.Webhook:
	}
	return Rendered{Subject: f.subjectAll(all), Body: f.mailAll(all, line(link))}
}

// gathered is one of the pages, each field fit for one line.
type gathered struct {
	code, number, service, title string
	priority                     org.Priority
}

func gatheredOf(b page.Brief) []gathered {
	all := make([]gathered, 0, len(b.Digest))
	for _, item := range b.Digest {
		f := factsOf(page.Brief{Escalation: item.Escalation, Title: item.Title, Service: item.Service, Priority: item.Priority}, nil)
		all = append(all, gathered{f.code, f.number, f.service, f.title, org.Priority(f.priority)})
	}
	return all
}

// tally is "2 P1, 5 P3".
func tally(all []gathered) string {
	var counts []string
	for _, p := range org.Priorities() {
		n := 0
		for _, g := range all {
			if g.priority == p {
				n++
			}
		}
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, p))
		}
	}
	return strings.Join(counts, ", ")
}

// longestDigest is in parts of a text message: more is read by nobody, and paid for each time.
const longestDigest = 3

// smsAll names as many as fit. Titles give way before names do, the link before the verbs.
func (f facts) smsAll(all []gathered, link string) string {
	due := ""
	if f.due != "" {
		due = "First answer by " + f.due + ". "
	}
	hint := "Reply ack" + all[0].number + " for one, ack all for all"
	if link != "" {
		hint += ", or " + link
	}
	write := func(names, title int) string {
		said := fmt.Sprintf("%d pages: %s.", len(all), tally(all))
		for _, g := range all[:names] {
			said += fmt.Sprintf("\n%s %s %s", g.priority, g.code, cut(about(cut(plain(g.service), 24), plain(g.title)), title))
		}
		if rest := len(all) - names; rest > 0 {
			said += fmt.Sprintf("\n+%d more.", rest)
		}
		return said + "\n" + due + hint
	}
	for names := len(all); names > 0; names-- {
		for _, title := range []int{70, 50, 36} {
			if said := write(names, title); Segments(said) <= longestDigest {
				return said
			}
		}
	}
	for _, title := range []int{24, 16, least} {
		if said := write(1, title); Segments(said) <= longestDigest {
			return said
		}
	}
	if link != "" {
		return f.smsAll(all, "")
	}
	return write(0, 0)
}

// mostSpoken is how many anybody remembers who has just woken up.
const mostSpoken = 3

func (f facts) callAll(all []gathered) string {
	said := []string{fmt.Sprintf("This is Belay, with %d pages.", len(all)), spokenTally(all)}
	for _, g := range all[:min(len(all), mostSpoken)] {
		one := facts{code: g.code, priority: string(g.priority)}
		said = append(said, one.spokenHead(), sentence(spoken(about(g.service, g.title))))
	}
	if rest := len(all) - mostSpoken; rest > 0 {
		said = append(said, fmt.Sprintf("And %d more.", rest))
	}
	if f.due != "" {
		said = append(said, "The first answer is due by "+f.due+".")
	}
	said = append(said, "Press "+reply.KeyAcknowledge+" to acknowledge all of them, "+reply.KeyEscalate+" to escalate all of them, or "+
		reply.KeyRepeat+" to hear this again.")
	return strings.Join(said, " ")
}

// spokenTally is "2 of priority 1, 5 of priority 3."
func spokenTally(all []gathered) string {
	parts := strings.Split(tally(all), ", ")
	for i, part := range parts {
		n, priority, _ := strings.Cut(part, " ")
		parts[i] = n + " of priority " + strings.TrimPrefix(priority, "P")
	}
	return sentence(strings.Join(parts, ", "))
}

// subjectAll is "[P1] 7 pages: E-42 Payments: card payments fail, and 6 more".
func (f facts) subjectAll(all []gathered) string {
	head, tail := fmt.Sprintf("%d pages: %s ", len(all), all[0].code), fmt.Sprintf(", and %d more", len(all)-1)
	if f.priority != "" {
		head = "[" + f.priority + "] " + head
	}
	return head + cut(about(all[0].service, all[0].title), max(longestSubject-len(head)-len(tail), least)) + tail
}

func (f facts) mailAll(all []gathered, link string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Many pages came at once, so here are %d in one message: %s.\n\n", len(all), tally(all))
	width := 0
	for _, g := range all {
		width = max(width, len(g.code))
	}
	for _, g := range all {
		fmt.Fprintf(&b, "%-3s %-"+strconv.Itoa(width)+"s  %s\n", g.priority, g.code, about(g.service, g.title))
	}
	if f.answerBy != "" {
		b.WriteString("\nFirst answer by " + f.answerBy + "\n")
	}
	if link != "" {
		b.WriteString("\nAnswer each of them, or all at once, here. Opening the page does nothing yet: it shows them and asks you.\n" + link + "\n")
	}
	return b.String()
}
