package smtp

import (
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"strings"
	"time"
	"unicode"

	"github.com/wneessen/go-mail"

	"github.com/belayhq/belay/core/page"
)

// subjectLimit is in characters; longer ones are cut by most readers anyway.
const subjectLimit = 200

// The link leads to a page that only shows: scanners open every link, and only a person presses the button there.
var design = template.Must(template.New("mail").Parse(`<!doctype html>
<html><body style="margin:0;padding:16px;font:16px/1.5 system-ui,sans-serif;color:#111;background:#fff">
<h1 style="font-size:18px;margin:0 0 12px">{{.Subject}}</h1>
<p style="white-space:pre-wrap;margin:0 0 20px">{{.Body}}</p>
{{if .Link}}<p><a href="{{.Link}}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#0b57d0;color:#fff;text-decoration:none">{{.Button}}</a></p>
{{end}}</body></html>
`))

func (c *Client) compose(m page.Message, at time.Time) (*mail.Msg, error) {
	message := mail.NewMsg()
	message.FromMailAddress(c.from)
	if err := message.To(m.To); err != nil {
		return nil, err
	}
	subject := line(m.Subject, subjectLimit)
	if subject == "" {
		subject = line(m.Brief.Title, subjectLimit)
	}
	message.Subject(subject)
	message.SetDateWithValue(at)
	message.SetMessageIDWithValue(c.messageID(m.Key))
	if m.Brief.Escalation != "" && len(m.Brief.Digest) == 0 {
		// All mails of an escalation name the same ancestor, which never existed: readers show them as one thread.
		thread := "<" + c.messageID("escalation/"+string(m.Brief.Escalation)) + ">"
		message.SetGenHeader(mail.HeaderReferences, thread)
		message.SetGenHeader(mail.HeaderInReplyTo, thread)
	}
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answering machines, please
	message.SetGenHeader("X-Auto-Response-Suppress", "All")
	message.SetGenHeader("X-Belay-Key", line(m.Key, subjectLimit))
	text := m.Body
	if m.Link != "" && !strings.Contains(text, m.Link) {
		text += "\n\n" + m.Link
	}
	message.SetBodyString(mail.TypeTextPlain, text)
	button := "Open"
	if m.Purpose == page.Page {
		button = "Open to acknowledge"
	}
	err := message.AddAlternativeHTMLTemplate(design, map[string]string{
		"Subject": subject, "Body": m.Body, "Link": m.Link, "Button": button,
	})
	return message, err
}

// messageID is the same for the same key, so that a mail which left twice is seen once.
func (c *Client) messageID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + "@" + c.domain
}

// line is text for a header: one line, nothing that a terminal or a mail reader would act on.
func line(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}
