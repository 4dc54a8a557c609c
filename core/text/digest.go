package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/reply"
)

// Digest tells of many pages in one message: how many and how bad, then as many as fit by name, worst first, and how each
// and all of them are answered.
func Digest(b page.Brief, channel org.Channel, link string, to Reader) Rendered {
	f := factsOf(b, to)
	all := gatheredOf(b, to)
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

func gatheredOf(b page.Brief, to Reader) []gathered {
	all := make([]gathered, 0, len(b.Digest))
	for _, item := range b.Digest {
		f := factsOf(page.Brief{Escalation: item.Escalation, Title: item.Title, Service: item.Service, Priority: item.Priority}, to)
		all = append(all, gathered{f.code, f.number, f.service, f.title, f.level})
	}
	return all
}

// tally is "2 P1, 5 P3", each said in the way that is given.
func tally(all []gathered, say func(n int, p org.Priority) string) string {
	var counts []string
	for _, p := range org.Priorities() {
		n := 0
		for _, g := range all {
			if g.priority == p {
				n++
			}
		}
		if n > 0 {
			counts = append(counts, say(n, p))
		}
	}
	return strings.Join(counts, ", ")
}

func (f facts) tally(all []gathered) string {
	return tally(all, func(n int, p org.Priority) string { return fmt.Sprintf("%d %s", n, line(f.Terms.Priority(p))) })
}

// longestDigest is in parts of a text message: more is read by nobody, and paid for each time.
const longestDigest = 3

// smsAll names as many as fit. Titles give way before names do, the link before the verbs.
func (f facts) smsAll(all []gathered, link string) string {
	due := ""
	if f.due != "" {
		due = f.t("First answer by %s.", f.due) + " "
	}
	hint := f.t("Reply ack%s for one, ack all for all", all[0].number)
	if link != "" {
		hint += f.t(", or %s", link)
	}
	write := func(names, title int) string {
		said := f.t("%d pages: %s.", len(all), plain(f.tally(all)))
		for _, g := range all[:names] {
			said += fmt.Sprintf("\n%s %s %s", plain(line(f.Terms.Priority(g.priority))), g.code, cut(about(cut(plain(g.service), 24), plain(g.title)), title))
		}
		if rest := len(all) - names; rest > 0 {
			said += "\n" + f.t("+%d more.", rest)
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
	said := []string{f.t("This is Belay, with %d pages.", len(all)), f.spokenTally(all)}
	for _, g := range all[:min(len(all), mostSpoken)] {
		one := facts{code: g.code, level: g.priority, Reader: f.Reader}
		said = append(said, one.spokenHead(), sentence(f.spoken(about(g.service, g.title))))
	}
	if rest := len(all) - mostSpoken; rest > 0 {
		said = append(said, f.t("And %d more.", rest))
	}
	if f.due != "" {
		said = append(said, f.t("The first answer is due by %s.", f.due))
	}
	said = append(said, f.t("Press %s to acknowledge all of them, %s to escalate all of them, or %s to hear this again.",
		reply.KeyAcknowledge, reply.KeyEscalate, reply.KeyRepeat))
	return strings.Join(said, " ")
}

// spokenTally is "2 of priority 1, 5 of priority 3."
func (f facts) spokenTally(all []gathered) string {
	return sentence(tally(all, func(n int, p org.Priority) string { return f.t("%s of priority %s", strconv.Itoa(n), f.spokenLevel(p)) }))
}

// subjectAll is "[P1] 7 pages: E-42 Payments: card payments fail, and 6 more".
func (f facts) subjectAll(all []gathered) string {
	head, tail := f.t("%d pages: %s", len(all), all[0].code)+" ", f.t(", and %d more", len(all)-1)
	if f.priority != "" {
		head = "[" + f.priority + "] " + head
	}
	return head + cut(about(all[0].service, all[0].title), max(longestSubject-len(head)-len(tail), least)) + tail
}

func (f facts) mailAll(all []gathered, link string) string {
	var b strings.Builder
	b.WriteString(f.t("Many pages came at once, so here are %d in one message: %s.", len(all), f.tally(all)) + "\n\n")
	called, width := 3, 0
	for _, g := range all {
		called, width = max(called, utf8.RuneCountInString(f.Terms.Priority(g.priority))), max(width, len(g.code))
	}
	for _, g := range all {
		fmt.Fprintf(&b, "%-*s %-*s  %s\n", called, line(f.Terms.Priority(g.priority)), width, g.code, about(g.service, g.title))
	}
	if f.answerBy != "" {
		b.WriteString("\n" + f.t("First answer by %s", f.answerBy) + "\n")
	}
	if link != "" {
		b.WriteString("\n" + f.t("Answer each of them, or all at once, here. Opening the page does nothing yet: it shows them and asks you.") + "\n" + link + "\n")
	}
	return b.String()
}
