package web

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/reply"
)

// shorten cuts a text to a number of runes, with a sign that there was more.
func shorten(text string, most int) string {
	runes := 0
	for i := range text {
		if runes == most-1 {
			rest := []rune(text[i:])
			if len(rest) == 1 {
				return text
			}
			return text[:i] + "…"
		}
		runes++
	}
	return text
}

// title of an escalation, which is also the text of its link.
func title(text string, most int) string {
	return or2(shorten(strings.TrimSpace(text), most), "(without a title)")
}

func (p phone) name() string { return shorten(or2(p.Person.Name, string(p.Person.ID)), 80) }

// sentence is the text of an entry as a page shows it: with a capital, and people by name.
func (f frame) sentence(e escalation.Entry) string {
	text := e.Text
	if who := e.Detail["person"]; e.Kind == escalation.EntrySkipped && who != "" {
		if target := e.Detail["target"]; target != "" {
			text = strings.Replace(text, target, f.who(who), 1)
		}
	}
	if rest, ok := strings.CutPrefix(text, "sms "); ok {
		return "SMS " + rest
	}
	return capital(text)
}

func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if first == utf8.RuneError {
		return text
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

func sameDay(a, b time.Time) bool {
	return a.UTC().Format(time.DateOnly) == b.UTC().Format(time.DateOnly)
}

// prefix is the beginning of a hash.
func prefix(text string, n int) string { return text[:min(n, len(text))] }

// or2 is the first that says something.
func or2(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}

func first[T any](all []T, most int) []T { return all[:min(most, len(all))] }

// ownerLabel and owner say who has it, or who ended it.
func ownerLabel(e escalation.Summary) string {
	if live(e.State) {
		return "Has it"
	}
	return "Resolved by"
}

func (f frame) owner(e escalation.Summary) string {
	switch {
	case !live(e.State) && e.ResolvedBy != "":
		return f.who(string(e.ResolvedBy))
	case e.AcknowledgedBy != "":
		return f.who(string(e.AcknowledgedBy))
	case live(e.State):
		return "Nobody yet"
	}
	return "—"
}

func (f frame) hasIt(e escalation.Summary) string {
	if e.AcknowledgedBy == "" {
		return "nobody has it yet"
	}
	return f.who(string(e.AcknowledgedBy)) + " has it"
}

func (f frame) verb(e id.Escalation, verb string) templ.SafeURL {
	return f.link("/escalations/" + string(e) + "/" + verb)
}

func messagePath(message int64, what string) string {
	return "/sandbox/messages/" + strconv.FormatInt(message, 10) + "/" + what
}

func (f frame) message(message int64, what string) templ.SafeURL {
	return f.link(messagePath(message, what))
}

// services by name, for a choice.
func (f frame) services() []org.Service {
	var all []org.Service
	for _, s := range f.org.Services {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b org.Service) int {
		return strings.Compare(or2(a.Name, string(a.ID)), or2(b.Name, string(b.ID)))
	})
	return all
}

// safeHref lets through what a browser may follow.
func safeHref(href string) string {
	if strings.HasPrefix(href, "https://") || strings.HasPrefix(href, "http://") {
		return href
	}
	return ""
}

// safeLinks are the links and images of an alert, as links: nothing of another site is loaded.
func safeLinks(a alert.Alert) []alert.Link {
	var all []alert.Link
	add := func(href, text string) {
		if href = safeHref(href); href != "" && len(all) < 20 {
			all = append(all, alert.Link{Href: href, Text: shorten(or2(text, href), 80)})
		}
	}
	for _, l := range a.Links {
		add(l.Href, l.Text)
	}
	for _, i := range a.Images {
		add(i.Source, or2(i.Alt, "Image"))
	}
	add(a.ClientURL, or2(a.Client, "Sender"))
	return all
}

func rungName(r rung) string {
	if r.Entry.Text == "" {
		return "Before the first tier"
	}
	return capital(r.Entry.Text)
}

// why is what the carrier said, in full.
func (m message) why() string {
	if m.Last == nil {
		return shorten(m.Entry.Text, 300)
	}
	return shorten(m.Last.Text, 300)
}

func noteClass(k escalation.EntryKind) string {
	if k == escalation.EntryVendor {
		return "vendor"
	}
	return "skip"
}

// entryClass groups entries by what a reader looks for: people, trouble, or the ordinary.
func entryClass(k escalation.EntryKind) string {
	switch k {
	case escalation.EntryAcknowledged, escalation.EntryResolved, escalation.EntryClosed:
		return "good"
	case escalation.EntryEscalated, escalation.EntryReassigned, escalation.EntrySnoozed, escalation.EntryNoted,
		escalation.EntryPrioritised, escalation.EntryReopened:
		return "human"
	case escalation.EntrySkipped, escalation.EntryOverdue, escalation.EntryUnreachable, escalation.EntryWarning,
		escalation.EntryRefused:
		return "bad"
	case escalation.EntryOpened, escalation.EntryTier:
		return "step"
	case escalation.EntrySent, escalation.EntryReceipt, escalation.EntryRepeated, escalation.EntryVendor:
		return "plain"
	}
	return "plain"
}

func entryMark(k escalation.EntryKind) string {
	switch k {
	case escalation.EntryOpened, escalation.EntryReopened:
		return "●"
	case escalation.EntryTier, escalation.EntryEscalated:
		return "↑"
	case escalation.EntrySent:
		return "→"
	case escalation.EntryReceipt:
		return "←"
	case escalation.EntrySkipped, escalation.EntryUnreachable, escalation.EntryRefused:
		return "✕"
	case escalation.EntryAcknowledged, escalation.EntryResolved:
		return "✓"
	case escalation.EntryClosed:
		return "–"
	case escalation.EntryReassigned:
		return "⇄"
	case escalation.EntrySnoozed:
		return "☾"
	case escalation.EntryNoted:
		return "✎"
	case escalation.EntryPrioritised:
		return "▲"
	case escalation.EntryRepeated:
		return "↻"
	case escalation.EntryOverdue, escalation.EntryWarning:
		return "!"
	case escalation.EntryVendor:
		return "⌂"
	}
	return "·"
}

func statusWord(status string) string {
	return shorten(strings.NewReplacer("_", " ", "-", " ").Replace(status), 60)
}

// addresses under which this phone was reached.
func (p phone) addresses() string {
	var all []string
	for _, m := range p.Messages {
		if m.To != "" && !slices.Contains(all, m.To) {
			all = append(all, m.To)
		}
	}
	return shorten(strings.Join(all, " · "), 120)
}

// key is one key of a phone.
type key struct {
	Digit string
	Does  string
}

// keypad is what a call offers.
func keypad() []key {
	return []key{{reply.KeyAcknowledge, "acknowledge"}, {reply.KeyEscalate, "escalate"}, {reply.KeyResolve, "resolve"}}
}

// carrierCode is something a carrier may report.
type carrierCode struct {
	Code  string
	Means string
}

// mishaps a carrier may report: Twilio's error codes (https://www.twilio.com/docs/api/errors) and call statuses.
func mishaps(c org.Channel) []carrierCode {
	codes := []carrierCode{
		{"30034", "sender not registered"},
		{"30003", "handset unreachable"},
		{"30005", "number unknown"},
		{"30006", "landline or unreachable carrier"},
		{"30007", "filtered by the carrier"},
		{"30008", "unknown error"},
		{"21610", "recipient said STOP"},
	}
	switch c {
	case org.Voice:
		return append([]carrierCode{{"busy", "the line is busy"}, {"no-answer", "nobody picks up"}, {"failed", "cannot be called"}}, codes...)
	case org.Email, org.Webhook:
		return []carrierCode{{"failed", "refused or bounced"}}
	case org.SMS:
	}
	return codes
}
