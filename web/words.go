package web

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/service"
)

// span says a duration as people do: "12 s", "4 min 32 s", "1 h 5 min", "3 d 4 h". belay.js counts with the same words.
func (f frame) span(d time.Duration) string {
	day := f.t("d")
	d = d.Abs().Truncate(time.Second)
	days, hours := int(d/(24*time.Hour)), int(d/time.Hour)%24
	minutes, seconds := int(d/time.Minute)%60, int(d/time.Second)%60
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%d %s %d h", days, day, hours)
	case days > 0:
		return fmt.Sprintf("%d %s", days, day)
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%d h", hours)
	case minutes >= 10 || minutes > 0 && seconds == 0:
		return fmt.Sprintf("%d min", minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	}
	return fmt.Sprintf("%d s", seconds)
}

// dueGrace is how long something may be due before it is late: timers and clocks are never exact.
const dueGrace = 5 * time.Second

func (f frame) due(at time.Time) string {
	switch left := at.Sub(f.Now); {
	case left > 0:
		return f.t("in %s", f.span(left))
	case left > -dueGrace:
		return f.t("now")
	default:
		return f.t("late by %s", f.span(left))
	}
}

// ago says how long something has been, without seconds once it is minutes: what is past need not tick.
func (f frame) ago(at time.Time) string {
	switch d := f.Now.Sub(at); {
	case d >= time.Minute:
		return f.t("%s ago", f.span(d.Truncate(time.Minute)))
	case d >= time.Second:
		return f.t("%s ago", f.span(d))
	}
	return f.t("just now")
}

func rfc3339(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// exact is an instant that cannot be misread.
func (f frame) exact(at time.Time) string {
	at = at.UTC()
	if f.Language == tongue.German {
		return f.t(at.Format("Mon")) + at.Format(" 02.01.2006 15:04:05 UTC")
	}
	return at.Format("Mon 2 Jan 2006 15:04:05 UTC")
}

// clock is an instant on the reader's clock, or in UTC, without its seconds.
func (f frame) clock(at time.Time) string {
	if f.Zone != nil {
		return at.In(f.Zone).Format("15:04")
	}
	return at.UTC().Format("15:04") + " UTC"
}

// local is an instant on the reader's clock; empty when their zone is unknown.
func (f frame) local(at time.Time, layout string) string {
	if f.Zone == nil {
		return ""
	}
	return at.In(f.Zone).Format(layout)
}

// next says what happens by itself, to whom and by which way, without its instant.
func (f frame) next(e escalation.Summary) string {
	who := f.reached(shorten(e.Next.Target, 80))
	switch e.Next.Action {
	case "page":
		return or(f.t("Page %s", who), who, f.t("Page again"))
	case "climb":
		return or(f.t("Climb to %s", who), who, f.t("Climb"))
	case "update_due":
		return or(f.t("Ask %s for an update", who), who, f.t("Update due"))
	case "resolve_due":
		return f.t("Resolve due: climb again")
	case "promise_due":
		return or(f.t("Promise of %s due", who), who, f.t("Promise due"))
	case "judge":
		return f.t("Ask how the ticket stands")
	case "warn":
		return or(f.t("Warn %s: a promise runs out", who), who, f.t("Warn: a promise runs out"))
	case "raise":
		return f.t("Raise the priority: a promise runs out")
	case "escalate":
		return or(f.t("Escalate to %s: a promise runs out", who), who, f.t("Escalate: a promise runs out"))
	case "bring_in":
		return or(f.t("Bring in %s: a promise runs out", who), who, f.t("Bring somebody in: a promise runs out"))
	case "webhook":
		return or(f.t("Tell a webhook of %s: a promise runs out", who), who, f.t("Tell a webhook: a promise runs out"))
	case "wake":
		return f.t("Snooze ends")
	case "close":
		return f.t("Close for good")
	case "none", "":
		return f.t("Nothing by itself")
	}
	return strings.TrimSpace(shorten(strings.ReplaceAll(e.Next.Action, "_", " "), 40) + " " + who)
}

// reached names whom an action is for and by which way: "Ana Pérez by voice" is "Ana Pérez by call".
func (f frame) reached(target string) string {
	if target == "everybody again" {
		return f.t("everybody again")
	}
	i := strings.LastIndex(target, " by ")
	if i < 0 {
		return target
	}
	switch channel := target[i+len(" by "):]; org.Channel(channel) {
	case org.SMS, org.Voice, org.Email, org.Webhook:
		return f.t("%s by %s", target[:i], f.way(channel))
	}
	return target
}

// or is text, unless what it would name is empty.
func or(text, named, otherwise string) string {
	if named == "" {
		return otherwise
	}
	return text
}

// who names an actor as people do: a person by name, "token:noc" as noc.
func (f frame) who(actor string) string {
	if p, ok := f.org.People[id.Person(actor)]; ok && p.Name != "" {
		return shorten(p.Name, 80)
	}
	if v, ok := strings.CutPrefix(actor, "vendor "); ok {
		if known := f.org.Vendors[id.Vendor(v)]; known.Name != "" {
			return shorten(known.Name, 80)
		}
		return shorten(v, 80)
	}
	if name, ok := strings.CutPrefix(actor, "token:"); ok {
		return shorten(name, 80)
	}
	switch actor {
	case "belay":
		return "Belay"
	case "monitor":
		return f.t("Monitor")
	case "carrier":
		return f.t("Carrier")
	case "":
		return f.t("Somebody")
	}
	return shorten(actor, 80)
}

// serviceOf names a service as it was called when the escalation opened, or as it is called now.
func (f frame) serviceOf(e service.Escalation) string {
	return shorten(or2(e.ServiceName, or2(f.org.Services[e.Service].Name, string(e.Service))), 80)
}

// tier says where the ladder stands: "Tier 2 · Payments leads".
func (f frame) tier(e escalation.Summary) string {
	if e.Tier == 0 {
		return f.t("Before the first tier")
	}
	text := f.t("Tier %d", e.Tier)
	if e.TierName != "" {
		text += " · " + shorten(e.TierName, 80)
	}
	if e.Round > 1 {
		text += " · " + f.t("round %d", e.Round)
	}
	return text
}

// way says by which way something came or went.
func (f frame) way(via string) string {
	switch via {
	case string(org.SMS):
		return "SMS"
	case string(org.Voice):
		return f.t("call")
	case string(org.Email):
		return f.t("e-mail")
	case string(org.Webhook):
		return f.t("webhook")
	case "link":
		return f.t("signed link")
	case "api":
		return "API"
	case "events":
		return f.t("events API")
	case "signal":
		return f.t("Temporal signal")
	case "web":
		return f.t("pages")
	case "timer", "":
		return ""
	}
	return shorten(via, 40)
}

// priorityWord is a priority as the organisation calls it.
func (f frame) priorityWord(p org.Priority) string {
	return or2(f.terms().Priorities[p], shorten(string(p), 8))
}

// wide: what is called so may need more than one line on a phone.
func wide(called string) bool { return utf8.RuneCountInString(called) > 14 }

// terms of the organisation.
func (f frame) terms() org.Terms {
	if f.org == nil {
		return org.Terms{}
	}
	return f.org.Terms
}

// kindWord is a kind of escalation as the organisation calls it, or as people say it.
func (f frame) kindWord(k org.Kind) string {
	if called := f.terms().Kinds[k]; called != "" {
		return called
	}
	return f.t(shorten(string(k), 40))
}

// severityWord is a severity as the organisation calls it, or as people say it.
func (f frame) severityWord(s alert.Severity) string {
	if called := f.terms().Severities[string(s)]; called != "" {
		return called
	}
	return f.t(shorten(string(s), 40))
}

// stateWord is a state as the organisation calls it, or as people say it.
func (f frame) stateWord(p escalation.Phase) string {
	if called := f.terms().States[string(p)]; called != "" {
		return called
	}
	switch p {
	case escalation.Watched:
		return f.t("Watching")
	case escalation.Open:
		return f.t("Open")
	case escalation.Acked:
		return f.t("Acknowledged")
	case escalation.ResolvedP:
		return f.t("Resolved")
	case escalation.Closed:
		return f.t("Closed")
	}
	return string(p)
}

// stateMark is a shape for each state, so that colour is never alone.
func stateMark(p escalation.Phase) string {
	switch p {
	case escalation.Watched:
		return "○"
	case escalation.Open:
		return "●"
	case escalation.Acked:
		return "◐"
	case escalation.ResolvedP:
		return "✓"
	case escalation.Closed:
		return "–"
	}
	return "?"
}

// stateClass names the style of a state; unknown ones look like closed ones.
func stateClass(p escalation.Phase) string {
	switch p {
	case escalation.Watched:
		return "watching"
	case escalation.Open:
		return "open"
	case escalation.Acked:
		return "acked"
	case escalation.ResolvedP:
		return "resolved"
	case escalation.Closed:
		return "closed"
	}
	return "closed"
}

func priorityClass(p org.Priority) string {
	switch p {
	case org.P1:
		return "p1"
	case org.P2:
		return "p2"
	case org.P3:
		return "p3"
	case org.P4, org.P5:
		return "p4"
	}
	return "p4"
}

// live reports whether somebody may still have to be told.
func live(p escalation.Phase) bool {
	return p == escalation.Open || p == escalation.Acked || p == escalation.Watched
}

func temporalURL(base, namespace string, e id.Escalation) string {
	return strings.TrimRight(base, "/") + "/namespaces/" + url.PathEscape(namespace) +
		"/workflows/" + url.PathEscape(contract.EscalationID(e))
}
