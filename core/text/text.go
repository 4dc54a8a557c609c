// Package text chooses the words of every message, by channel, in the language of whoever reads it. It sees a page.Brief and a link and nothing
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
	"github.com/belayhq/belay/core/tongue"
)

// Rendered is a message in words. The subject is for e-mail.
type Rendered struct {
	Subject string
	Body    string
}

// Reader is whoever a message is for. A nil zone is UTC, no language is English.
type Reader struct {
	Zone     *time.Location
	Language tongue.Language
	Terms    org.Terms // of their organisation
}

// Words renders a message for its receiver: in their language and in the terms of their organisation, with times in their
// zone.
func Words(m page.Message, to org.Person, terms org.Terms) (subject, body string) {
	reader := Reader{Zone: to.Zone, Language: to.Language, Terms: terms}
	r := Page(m.Brief, m.Channel, m.Link, reader)
	if m.Purpose == page.Inform {
		r = Inform(m.Brief, m.Channel, reader)
	}
	return r.Subject, r.Body
}

// Page asks for an answer. The link, if any, is where it can be given.
func Page(b page.Brief, channel org.Channel, link string, to Reader) Rendered {
	if len(b.Digest) > 1 {
		return Digest(b, channel, link, to)
	}
	f := factsOf(b, to)
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
func Inform(b page.Brief, channel org.Channel, to Reader) Rendered {
	f := factsOf(b, to)
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
	level    org.Priority // P1
	priority string       // as it is called: "P1"
	tier     string
	news     string
	opened   string // "Mon 5 Jan 2026 13:00 CET"
	answerBy string // the same; empty when no answer is due
	due      string // "13:15", shorter

	Reader
}

// t says a text in the reader's language, with its values put in. Only literals, so that a test finds what is missing.
func (f facts) t(english string, values ...any) string {
	return catalogues[f.Language].Say(english, values...)
}

func factsOf(b page.Brief, to Reader) facts {
	f := facts{
		code: line(string(b.Escalation)), title: line(b.Title), service: line(b.Service), Reader: to,
		level: org.Priority(line(string(b.Priority))), tier: line(b.Tier), news: line(Retell(to.Language, b.Text)),
	}
	f.priority = line(to.Terms.Priority(f.level))
	if n, err := b.Escalation.Number(); err == nil {
		f.number = " " + strconv.FormatInt(n, 10)
	}
	if f.title == "" {
		f.title = f.t("(no title)")
	}
	if f.news == "" {
		f.news = f.title
	}
	if f.Zone == nil {
		f.Zone = time.UTC
	}
	if !b.OpenedAt.IsZero() {
		f.opened = to.longTime(b.OpenedAt.In(f.Zone))
	}
	if !b.AnswerBy.IsZero() {
		f.answerBy, f.due = to.longTime(b.AnswerBy.In(f.Zone)), to.shortTime(b.AnswerBy.In(f.Zone), b.OpenedAt.In(f.Zone))
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
