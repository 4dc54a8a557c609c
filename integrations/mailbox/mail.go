package mailbox

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"regexp"
	"slices"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// fromHeader is the return path, as the envelope has it.
const fromHeader = "return-path"

// Dialect of mail: the body of the request is the mail as it came (RFC 5322).
func Dialect() alert.Dialect { return alert.Dialect{Name: "email", Decode: Decode} }

// said before the subject proper: "[RESOLVED] …", "** PROBLEM …", "Resolved in 5m: …". A word alone is no prefix: what a mail
// about a fixed asset says is not that all is well.
const said = `resolved|resolve|recovery|recovered|ok|up|closed|cleared|clear|solved|fixed|problem|firing|alerting|alert|alarm|down|triggered|new|critical|crit|error|warning|warn|info|emergency|p[1-5]`

var (
	prefix   = regexp.MustCompile(`(?i)^\s*(?:[\[(<]+\s*(` + said + `)\b[^\])>]*[\])>]+\s*[:-]?|\*+\s*(` + said + `)\b|(` + said + `)(?: in [^:]{1,30})?\s*(?:[:!]|\s[-–—]\s))\s*`)
	suffix   = regexp.MustCompile(`(?i)\s+is\s+(now\s+)?(ok|up|critical|warning|unknown|down|unreachable|resolved|firing)[\s*!.]*$`)
	answered = regexp.MustCompile(`(?i)^\s*(re|fw|fwd|aw|wg|sv|tr|antw|vs)(\[\d+\])?\s*:\s*`)
)

var endings = []string{"resolved", "resolve", "recovery", "recovered", "ok", "up", "closed", "cleared", "clear", "solved", "fixed"}

// Decode reads one mail. Bounces, answers of machines and what we sent ourselves ask for nothing (RFC 3834). Mail that came through
// a list does: somebody put this address on it so that a monitor's mail to the group arrives here too. Mails of one subject, without
// its prefixes, are about one trouble.
func Decode(p alert.Post) ([]alert.Alert, error) {
	m, err := mail.ReadMessage(bytes.NewReader(p.Body))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "read the mail")
	}
	words := new(mime.WordDecoder)
	subject, err := words.DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		subject = m.Header.Get("Subject") // a charset that nobody knows
	}
	subject = foreign.Title(subject)
	text, links := body(textproto.MIMEHeader(m.Header), m.Body, 0)
	core, action, severity := understood(subject)
	from := sender(m.Header.Get("From"))
	if subject == "" {
		subject = foreign.FirstLine(text)
		core = ""
	}
	if subject == "" {
		return nil, fault.Field("Subject", "is empty, and so is the mail")
	}
	a := alert.Alert{
		Action: action, Title: foreign.Title(foreign.First(core, subject)), Source: foreign.First(from, "mail"), Severity: severity, Status: string(action),
		DedupKey: foreign.Key("mail", foreign.First(about(core), thread(m.Header), subject)), Links: links,
		Details: foreign.Details(map[string]any{"text": alert.Clip(text, mostText), "subject": subject, "message_id": m.Header.Get("Message-Id")}),
		Labels:  foreign.Labels(map[string]string{"from": from}), // whom it was to is the key of an integration
	}
	if at, err := m.Header.Date(); err == nil {
		a.OccurredAt = at.UTC()
	}
	a = monit(m.Header, text, a)
	if why := automatic(m.Header, p.Header); why != "" {
		a.Action, a.Status = alert.Ignore, why
	}
	return []alert.Alert{a}, nil
}

// automatic says why a mail is from a machine that answers, not from one that watches; "" when it is not. Monitors send
// Auto-Submitted: auto-generated, some Precedence: bulk, and the list that passes them on Precedence: list: only answers are left out.
func automatic(h mail.Header, envelope map[string]string) string {
	if from, known := envelope[fromHeader]; known && strings.Trim(from, "<> ") == "" {
		return "bounce"
	}
	if said := strings.ToLower(h.Get("Auto-Submitted")); strings.HasPrefix(said, "auto-replied") {
		return "auto-reply"
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Precedence"))) {
	case "auto_reply", "junk":
		return "precedence " + strings.ToLower(h.Get("Precedence"))
	}
	for _, name := range []string{"X-Loop", "X-Belay-Escalation", "X-Autoreply", "X-Autorespond"} {
		if h.Get(name) != "" {
			return "loop"
		}
	}
	if strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "multipart/report") {
		return "bounce"
	}
	return ""
}

// understood takes a subject apart: what it is about, what it asks for, and how bad it is.
func understood(subject string) (core string, action alert.Action, severity alert.Severity) {
	action, severity = alert.Trigger, alert.Error
	for range 8 {
		if answered.MatchString(subject) {
			subject = answered.ReplaceAllString(subject, "")
			continue
		}
		found := prefix.FindStringSubmatch(subject)
		if found == nil {
			break
		}
		word := strings.ToLower(foreign.First(found[1:]...))
		subject = subject[len(found[0]):]
		if slices.Contains(endings, word) {
			action = alert.Resolve
		}
		if known, unknown := foreign.Severity(word, severity, ordinary); len(unknown) == 0 {
			severity = known
		}
	}
	return strings.TrimSpace(subject), action, severity
}

// ordinary words of subjects say that something is wrong, not how badly.
var ordinary = map[string]alert.Severity{"alert": alert.Error, "down": alert.Critical}

// about is what a subject is about, however it stands with it.
func about(core string) string {
	return strings.ToLower(strings.Trim(suffix.ReplaceAllString(core, ""), " *"))
}

// thread is the first mail of the conversation that a mail belongs to.
func thread(h mail.Header) string {
	all := strings.Fields(h.Get("References") + " " + h.Get("In-Reply-To") + " " + h.Get("Message-Id"))
	return foreign.First(all...)
}

func sender(from string) string {
	if parsed, err := (&mail.AddressParser{WordDecoder: new(mime.WordDecoder)}).Parse(from); err == nil {
		return foreign.Title(parsed.Address)
	}
	return foreign.Title(from)
}

// Bounds of what is read of a mail.
const (
	mostText  = 8 << 10 // characters that are kept beside the raw mail
	mostPart  = 1 << 20 // bytes
	mostParts = 50
	deepest   = 5
)

var address = regexp.MustCompile(`https?://[^\s<>"')\]]+`)

// body is the plain text of a mail, else that of its HTML, and the links in it.
func body(h textproto.MIMEHeader, r io.Reader, depth int) (string, []alert.Link) {
	text := part(h, r, depth)
	var links []alert.Link
	for _, href := range address.FindAllString(text, 20) {
		links = append(links, alert.Link{Href: strings.TrimRight(href, ".,;")})
	}
	return text, foreign.Links(links...)
}

func part(h textproto.MIMEHeader, r io.Reader, depth int) string {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") && depth < deepest && params["boundary"] != "" {
		parts := multipart.NewReader(r, params["boundary"])
		best, rank := "", 0
		for range mostParts {
			p, err := parts.NextRawPart()
			if err != nil {
				return best
			}
			kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
			worth := map[string]int{"text/plain": 3, "": 3, "text/html": 1}[kind]
			if strings.HasPrefix(kind, "multipart/") {
				worth = 2
			}
			if worth <= rank || strings.HasPrefix(strings.ToLower(p.Header.Get("Content-Disposition")), "attachment") {
				continue
			}
			if text := part(p.Header, p, depth+1); text != "" {
				best, rank = text, worth
			}
		}
		return best
	}
	if !strings.HasPrefix(kind, "text/") {
		return ""
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding"))) {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	raw, _ := io.ReadAll(io.LimitReader(r, mostPart)) // what could be read is worth more than nothing
	text := string(raw)
	if charset := strings.ToLower(params["charset"]); charset == "iso-8859-1" || charset == "latin1" || charset == "windows-1252" {
		runes := make([]rune, len(raw))
		for i, b := range raw {
			runes[i] = rune(b)
		}
		text = string(runes)
	}
	if kind == "text/html" {
		text = tags.ReplaceAllString(hidden.ReplaceAllString(text, " "), " ")
	}
	return strings.TrimSpace(strings.ToValidUTF8(text, "\ufffd"))
}

var (
	hidden = regexp.MustCompile(`(?is)<(script|style|head)\b.*?</(script|style|head)>`)
	tags   = regexp.MustCompile(`<[^>]*>`)
)
