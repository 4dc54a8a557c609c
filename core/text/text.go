// Package text chooses the words of every message, by channel, in English. It sees a page.Brief and a link and nothing
// else, so nothing else can leak to whoever reads it, our own people or a vendor's. It has no clock and sends nothing.
//
// Titles come from outside: control characters never survive, so that a title cannot become a header, a second message
// or a line of its own.
package text

import (
	"strconv"
	"time"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
)

// Rendered is a message in words. The subject is for e-mail.
type Rendered struct {
	Subject string
	Body    string
}

// Words renders a message for its receiver: times are in the receiver's zone.
func Words(m page.Message, to org.Person) (subject, body string) {
	r := Page(m.Brief, m.Channel, m.Link, to.Zone)
	if m.Purpose == page.Inform {
		r = Inform(m.Brief, m.Channel, to.Zone)
	}
	return r.Subject, r.Body
}

// Page asks for an answer. The link, if any, is where it can be given. A nil zone is UTC.
func Page(b page.Brief, channel org.Channel, link string, zone *time.Location) Rendered {
	if len(b.Digest) > 1 {
		return Digest(b, channel, link, zone)
	}
	f := factsOf(b, zone)
	switch channel {
	case org.SMS:
		return Rendered{Body: f.sms(line(link))}
	case org.Voice:
		return Rendered{Body: f.call()}
	case org.Email, org.Webhook:
	}
	return Rendered{Subject: f.subject(f.title), Body: f.mail(line(link))}
}

// Inform tells what happened (Brief.Text) and asks for nothing.
func Inform(b page.Brief, channel org.Channel, zone *time.Location) Rendered {
	f := factsOf(b, zone)
	f.answerBy = ""
	switch channel {
	case org.SMS:
		return Rendered{Body: f.smsNews()}
	case org.Voice:
		return Rendered{Body: f.callNews()}
	case org.Email, org.Webhook:
	}
	return Rendered{Subject: f.subject(f.news), Body: f.mailNews()}
}

// facts are the fields of a brief, each fit for one line.
type facts struct {
	code     string // "E-42"
	number   string // " 42", as it follows a verb; empty when the code has none
	title    string
	service  string
	priority string // "P1"
	tier     string
	news     string
	opened   string // "Mon 5 Jan 2026 13:00 CET"
	answerBy string // the same; empty when no answer is due
	due      string // "13:15", shorter
}

func factsOf(b page.Brief, zone *time.Location) facts {
	f := facts{
		code: line(string(b.Escalation)), title: line(b.Title), service: line(b.Service),
		priority: line(string(b.Priority)), tier: line(b.Tier), news: line(b.Text),
	}
	if n, err := b.Escalation.Number(); err == nil {
		f.number = " " + strconv.FormatInt(n, 10)
	}
	if f.title == "" {
		f.title = "(no title)"
	}
	if f.news == "" {
		f.news = f.title
	}
	if zone == nil {
		zone = time.UTC
	}
	if !b.OpenedAt.IsZero() {
		f.opened = longTime(b.OpenedAt.In(zone))
	}
	if !b.AnswerBy.IsZero() {
		f.answerBy, f.due = longTime(b.AnswerBy.In(zone)), shortTime(b.AnswerBy.In(zone), b.OpenedAt.In(zone))
	}
	return f
}

// head is "[P1] E-42".
func (f facts) head() string {
	if f.priority == "" {
		return f.code
	}
	return "[" + f.priority + "] " + f.code
}

// about is "Payments: card payments fail".
func about(service, title string) string {
	if service == "" {
		return title
	}
	return service + ": " + title
}
