package web

import (
	"regexp"
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
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/reply"
	spoken "github.com/belayhq/belay/core/text"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/service"
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
	if f.Language != tongue.English && f.Language != "" {
		if told, ok := f.retold(e); ok {
			return told
		}
		if e.Kind != escalation.EntryNoted { // what a human wrote is theirs
			text = spoken.Retell(f.Language, text)
		}
	}
	if rest, ok := strings.CutPrefix(text, "sms "); ok {
		return "SMS " + rest
	}
	return capital(text)
}

// tierCalled is how a step of the ladder is recorded.
var tierCalled = regexp.MustCompile(`^tier (\d+) \((.*)\) is called$`)

// retold says an entry in the reader's language from what it is about, which says more than its recorded English: people
// by the names that they have now. The others are said again as they were recorded.
func (f frame) retold(e escalation.Entry) (string, bool) {
	person, method := e.Detail["person"], shorten(e.Detail["method"], 40)
	switch e.Kind {
	case escalation.EntryTier:
		if m := tierCalled.FindStringSubmatch(e.Text); m != nil {
			return f.t("Tier %s (%s) is called", m[1], m[2]), true
		}
	case escalation.EntrySent:
		switch {
		case person == "" || method == "":
		case e.Detail["purpose"] == string(page.Inform):
			return f.t("%s is told by %s (%s)", f.who(person), f.way(e.Via), method), true
		default:
			return f.t("%s is called by %s (%s)", f.who(person), f.way(e.Via), method), true
		}
	case escalation.EntryReceipt:
		if person != "" && e.Detail["status"] != "" {
			heard, _ := message{Last: &e}.fate()
			return f.t("%s: %s", f.who(person), f.fate(heard)), true
		}
	case escalation.EntryAcknowledged:
		return f.t("%s has it", f.who(e.Actor)), true
	case escalation.EntryResolved:
		return f.t("%s has resolved it", f.who(e.Actor)), true
	case escalation.EntryReopened:
		return f.t("%s has reopened it", f.who(e.Actor)), true
	case escalation.EntryClosed:
		return f.t("Closed for good"), true
	case escalation.EntryOpened, escalation.EntrySkipped, escalation.EntryEscalated, escalation.EntryReassigned,
		escalation.EntrySnoozed, escalation.EntryNoted, escalation.EntryPrioritised, escalation.EntryRepeated,
		escalation.EntryOverdue, escalation.EntryVendor, escalation.EntryUnreachable, escalation.EntryWarning,
		escalation.EntryRefused, escalation.EntryThreshold:
	}
	return "", false
}

// fates are the words of receipts that catalogues know.
var fates = []string{
	"sent", "accepted", "delivered", "answered", "undelivered", "busy", "no answer", "machine", "failed", "opted out", "gathered", "withdrawn",
}

// fate says what became of a message: the mark and the code stay, the word is translated.
func (f frame) fate(text string) string {
	for _, word := range fates {
		if strings.Contains(text, word) {
			return strings.Replace(text, word, f.t(word), 1)
		}
	}
	return text
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
func (f frame) ownerLabel(e escalation.Summary) string {
	if live(e.State) {
		return f.t("Has it")
	}
	return f.t("Resolved by")
}

func (f frame) owner(e escalation.Summary) string {
	switch {
	case !live(e.State) && e.ResolvedBy != "":
		return f.who(string(e.ResolvedBy))
	case e.AcknowledgedBy != "":
		return f.who(string(e.AcknowledgedBy))
	case e.State == escalation.Watched:
		return f.t("Nobody is called")
	case live(e.State):
		return f.t("Nobody yet")
	}
	return "—"
}

func (f frame) hasIt(e escalation.Summary) string {
	if e.AcknowledgedBy == "" {
		return f.t("nobody has it yet")
	}
	return f.t("%s has it", f.who(string(e.AcknowledgedBy)))
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

func (f frame) rungName(r rung) string {
	if r.Entry.Text == "" {
		return f.t("Before the first tier")
	}
	return f.sentence(r.Entry)
}

func (f frame) comingName(c coming) string {
	if c.Text == "" {
		return f.t("This tier goes on")
	}
	return f.sentence(escalation.Entry{Kind: escalation.EntryTier, Text: c.Text})
}

func (k kinds) query() string {
	if k == everyKind {
		return ""
	}
	return "?show=" + string(k)
}

func (k kinds) word() string {
	switch k {
	case everyKind:
		return "Everything"
	case ofPeople:
		return "People"
	case messages:
		return "Messages"
	case trouble:
		return "Trouble"
	}
	return string(k)
}

// named is one choice of a form.
type named struct {
	Value string
	Name  string
}

// choices is a group of them.
type choices struct {
	Name    string
	Targets []named
}

func (f frame) choose(required bool) string {
	if required {
		return f.t("Choose…")
	}
	return f.t("Nobody in particular")
}

// mostPeople that a choice offers; a large company has more than a phone should load.
const mostPeople = 150

// targets are whom one can call, those of the service first.
func (f frame) targets(e service.Escalation) []choices {
	owner := f.org.Services[e.Service].Owner
	near := func(p id.Person) bool {
		return slices.Contains(f.org.Teams[owner].Members, p) || f.org.Teams[owner].Lead == p || slices.Contains(e.Told, p)
	}
	var all []choices
	add := func(name string, found []named) {
		if len(found) > 0 {
			all = append(all, choices{Name: name, Targets: found})
		}
	}
	var schedules, close, others, teams, vendors []named
	for _, s := range f.org.Schedules {
		schedules = append(schedules, named{"schedule " + string(s.ID), or2(s.Name, string(s.ID))})
	}
	for _, p := range f.org.People {
		switch choice := (named{"person " + string(p.ID), shorten(or2(p.Name, string(p.ID)), 60)}); {
		case p.Departed || p.Vendor != "":
		case near(p.ID):
			close = append(close, choice)
		default:
			others = append(others, choice)
		}
	}
	for _, t := range f.org.Teams {
		teams = append(teams, named{"team " + string(t.ID), or2(t.Name, string(t.ID))})
	}
	for _, v := range f.org.Vendors {
		vendors = append(vendors, named{"vendor " + string(v.ID), or2(v.Name, string(v.ID))})
	}
	for _, group := range [][]named{schedules, close, others, teams, vendors} {
		slices.SortFunc(group, func(a, b named) int { return strings.Compare(a.Name+a.Value, b.Name+b.Value) })
	}
	add(f.t("Near this service"), close)
	add(f.t("Whoever is on call"), first(schedules, mostPeople))
	add(f.t("Teams"), first(teams, mostPeople))
	add(f.t("People"), first(others, mostPeople))
	add(f.t("Vendors"), vendors)
	return all
}

func (f frame) units() []org.Unit {
	var all []org.Unit
	for _, u := range f.org.Units {
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b org.Unit) int {
		return strings.Compare(or2(a.Name, string(a.ID)), or2(b.Name, string(b.ID)))
	})
	return all
}

func (f frame) teams() []org.Team {
	var all []org.Team
	for _, t := range f.org.Teams {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b org.Team) int {
		return strings.Compare(or2(a.Name, string(a.ID)), or2(b.Name, string(b.ID)))
	})
	return all
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
		escalation.EntryRefused, escalation.EntryThreshold:
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
	case escalation.EntryOverdue, escalation.EntryWarning, escalation.EntryThreshold:
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
