package foreign

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/belayhq/belay/core/alert"
)

// What an alert holds.
const (
	mostTitle = 1024 // characters
	mostKey   = 255  // characters
)

// Title is a text as one line that can be read.
func Title(text string) string {
	line := strings.Join(strings.FieldsFunc(clean(text), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if utf8.RuneCountInString(line) <= mostTitle {
		return line
	}
	return string([]rune(line)[:mostTitle-1]) + "…"
}

// FirstLine is what stands before the first line break.
func FirstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}

// Key is a dedup key of parts. One that is too long keeps its beginning and gets its hash.
func Key(parts ...string) string {
	parts = slices.DeleteFunc(slices.Clone(parts), func(s string) bool { return strings.TrimSpace(s) == "" })
	key := strings.TrimSpace(clean(strings.Join(parts, "/")))
	if utf8.RuneCountInString(key) <= mostKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	digest := hex.EncodeToString(sum[:16])
	return string([]rune(key)[:mostKey-len(digest)-1]) + "#" + digest
}

// words in which severities are said. What a system means otherwise is said by its dialect.
var words = map[string]alert.Severity{
	"critical": alert.Critical, "crit": alert.Critical, "fatal": alert.Critical, "emergency": alert.Critical, "emerg": alert.Critical,
	"disaster": alert.Critical, "alert": alert.Critical, "panic": alert.Critical, "blocker": alert.Critical, "highest": alert.Critical,
	"urgent": alert.Critical, "severe": alert.Critical, "p1": alert.Critical, "sev1": alert.Critical, "sev0": alert.Critical,
	"p0": alert.Critical, "down": alert.Critical, "page": alert.Critical,

	"error": alert.Error, "err": alert.Error, "high": alert.Error, "major": alert.Error, "p2": alert.Error, "sev2": alert.Error,
	"failure": alert.Error, "failed": alert.Error,

	"warning": alert.Warning, "warn": alert.Warning, "average": alert.Warning, "medium": alert.Warning, "moderate": alert.Warning,
	"normal": alert.Warning, "minor": alert.Warning, "p3": alert.Warning, "sev3": alert.Warning, "degraded": alert.Warning,
	"trouble": alert.Warning, "notclassified": alert.Warning,

	"info": alert.Info, "informational": alert.Info, "information": alert.Info, "low": alert.Info, "lowest": alert.Info,
	"notice": alert.Info, "debug": alert.Info, "trivial": alert.Info, "planning": alert.Info, "none": alert.Info, "ok": alert.Info,
	"p4": alert.Info, "p5": alert.Info, "sev4": alert.Info, "sev5": alert.Info,
}

// numbered severities are written with their name: "1 - Critical", "P2 (high)".
var numbered = regexp.MustCompile(`^\s*[Pp]?\d\s*[-:(–]\s*(\pL[\pL ]*)`)

// Severity is what a word means: first in the system's own words, by their lower case, then in everybody's. One that
// nobody knows is an error, with a warning; a blank one is what silence means, without.
func Severity(said string, silence alert.Severity, own map[string]alert.Severity) (alert.Severity, []string) {
	said = strings.TrimSpace(said)
	if said == "" {
		return silence, nil
	}
	if s, ok := own[strings.ToLower(said)]; ok {
		return s, nil
	}
	if m := numbered.FindStringSubmatch(said); m != nil {
		if s, ok := words[bare(m[1])]; ok {
			return s, nil
		}
	}
	if s, ok := words[bare(said)]; ok {
		return s, nil
	}
	return alert.Error, []string{alert.UnknownSeverity(short(said))}
}

func short(s string) string {
	if utf8.RuneCountInString(s) <= 60 {
		return s
	}
	return string([]rune(s)[:60]) + "…"
}

// Web is an address that may be shown as a link, or nothing: no scripts, no files.
func Web(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return u.String()
}

// Links are those of the candidates that lead somewhere, each address once.
func Links(candidates ...alert.Link) []alert.Link {
	var all []alert.Link
	for _, l := range candidates {
		l.Href, l.Text = Web(l.Href), Title(l.Text)
		if l.Href != "" && !slices.ContainsFunc(all, func(o alert.Link) bool { return o.Href == l.Href }) {
			all = append(all, l)
		}
	}
	return all
}

// Labels are those that have a value.
func Labels(pairs map[string]string) alert.Labels {
	labels := alert.Labels{}
	for name, value := range pairs {
		if value = Title(value); value != "" {
			labels[name] = value
		}
	}
	if len(labels) == 0 {
		return nil
	}
	return labels
}

// states in which trouble is said to be.
var states = map[string]alert.Action{
	"problem": alert.Trigger, "down": alert.Trigger, "firing": alert.Trigger, "fire": alert.Trigger, "alerting": alert.Trigger,
	"alarm": alert.Trigger, "alert": alert.Trigger, "trigger": alert.Trigger, "triggered": alert.Trigger, "open": alert.Trigger,
	"opened": alert.Trigger, "new": alert.Trigger, "active": alert.Trigger, "activated": alert.Trigger, "failed": alert.Trigger,
	"failing": alert.Trigger, "failure": alert.Trigger, "fail": alert.Trigger, "critical": alert.Trigger, "error": alert.Trigger,
	"warning": alert.Trigger, "unknown": alert.Trigger, "unreachable": alert.Trigger, "trouble": alert.Trigger,
	"create": alert.Trigger, "created": alert.Trigger, "reopened": alert.Trigger, "nodata": alert.Trigger, "true": alert.Trigger,
	"notavailable": alert.Trigger, "unavailable": alert.Trigger, "degraded": alert.Trigger,

	"ok": alert.Resolve, "up": alert.Resolve, "resolved": alert.Resolve, "resolve": alert.Resolve, "recovery": alert.Resolve,
	"recovered": alert.Resolve, "closed": alert.Resolve, "close": alert.Resolve, "clear": alert.Resolve, "cleared": alert.Resolve,
	"normal": alert.Resolve, "success": alert.Resolve, "inactive": alert.Resolve, "false": alert.Resolve, "available": alert.Resolve,
	"deleted": alert.Resolve, "done": alert.Resolve, "solved": alert.Resolve, "cancelled": alert.Resolve, "canceled": alert.Resolve,

	"acknowledge": alert.Acknowledge, "acknowledged": alert.Acknowledge, "acknowledgement": alert.Acknowledge,
	"ack": alert.Acknowledge, "acked": alert.Acknowledge,

	"test": alert.Ignore, "paused": alert.Ignore, "maintenance": alert.Ignore,
}

// Action is what a state asks for: first in the system's own words, by their lower case, then in everybody's. One that
// nobody knows, or none at all, is trouble, with a warning: silence would be worse.
func Action(said string, own map[string]alert.Action) (alert.Action, []string) {
	said = strings.TrimSpace(said)
	if action, ok := own[strings.ToLower(said)]; ok {
		return action, nil
	}
	if action, ok := states[bare(said)]; ok {
		return action, nil
	}
	if said == "" {
		return alert.Trigger, []string{"no state is said: taken as trouble"}
	}
	return alert.Trigger, []string{fmt.Sprintf("nobody here knows the state %q: taken as trouble", short(said))}
}
