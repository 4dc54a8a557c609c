// Package datadog reads webhooks of Datadog, whose bodies its users write: the default one, and templates with the usual
// names of its variables. Source: docs.datadoghq.com, "Webhooks".
package datadog

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Datadog. It signs nothing: a secret comes by custom headers or basic authentication of the webhook.
func Dialect() alert.Dialect { return alert.Dialect{Name: "datadog", Decode: Decode} }

// Decode reads one event, or several of them, one after the other.
func Decode(p alert.Post) ([]alert.Alert, error) {
	bodies, err := foreign.ReadAll(p)
	if err != nil {
		return nil, err
	}
	var out []alert.Alert
	for _, body := range bodies {
		a, err := decode(body)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

var (
	// heading is what Datadog puts before the name of a monitor: "[P2] [Triggered on {host:web-1}] ".
	heading = regexp.MustCompile(`^\s*\[([^\]]*)\]\s*`)
	over    = regexp.MustCompile(`^(.*?)(?: on \{(.*)\})?$`)
	place   = regexp.MustCompile(`\[([^\[\]]{1,60})\]\((https?://[^\s()]+)\)`)
	monitor = regexp.MustCompile(`/monitors[/#](\d+)`)
)

// headed is a title, taken apart.
type headed struct{ name, transition, scope, priority string }

func head(title string) headed {
	var h headed
	for range 5 {
		m := heading.FindStringSubmatch(title)
		if m == nil {
			break
		}
		said := over.FindStringSubmatch(m[1])
		switch {
		case regexp.MustCompile(`^P[1-5]$`).MatchString(m[1]):
			h.priority = m[1]
		case transitions(said[1]) != "":
			h.transition, h.scope = said[1], said[2]
		default: // a name that begins with a bracket of its own
			h.name = strings.TrimSpace(title)
			return h
		}
		title = title[len(m[0]):]
	}
	h.name = strings.TrimSpace(title)
	return h
}

// transitions tells what an alert did; empty when nobody knows.
func transitions(word string) string {
	word = strings.ToLower(strings.TrimSpace(word))
	word, _, _ = strings.Cut(word, " from ")
	switch strings.NewReplacer(" ", "", "-", "", "_", "").Replace(word) {
	case "triggered", "retriggered", "renotify", "renotified", "alert", "test":
		return "triggered"
	case "warn", "warning", "rewarn", "warned":
		return "warn"
	case "nodata", "renodata":
		return "no data"
	case "recovered", "resolved", "ok", "recovery", "success":
		return "recovered"
	}
	return ""
}

func decode(body foreign.Object) (alert.Alert, error) {
	h := head(body.Text("title", "alert_title", "event_title", "event.title", "msg_title"))
	said := body.Text("alert_transition", "transition", "alert_status_transition")
	if transitions(said) == "" && h.transition != "" {
		said = h.transition
	}
	kind := strings.ToLower(body.Text("alert_type", "event.alert_type"))
	a := alert.Alert{
		Action:     alert.Trigger,
		Status:     said,
		OccurredAt: body.Time("last_updated", "date", "date_posix", "timestamp", "event.date"),
		Client:     "Datadog",
		Labels:     foreign.Labels(tags(body)),
	}
	scope := body.Text("alert_scope", "scopes", "scope")
	if scope == "" {
		scope = h.scope
	}
	a.Source = foreign.Title(body.Text("hostname", "host"))
	if a.Source == "" {
		a.Source = foreign.Title(scope)
	}
	a.Title = h.name
	if a.Title == "" {
		a.Title = foreign.FirstLine(body.Text("text_only_msg", "alert_status", "message"))
	}
	if scope != "" && !strings.Contains(a.Title, scope) {
		a.Title += " (" + scope + ")"
	}
	a.Title = foreign.Title(a.Title)
	text := body.Text("body", "event_msg", "message", "text_only_msg", "text")
	a.DedupKey = key(body, h.name, scope, text)
	if a.DedupKey == "" {
		return a, fault.Field("title", "must not be empty: nothing tells this alert from others")
	}
	switch transitions(said) {
	case "recovered":
		a.Action = alert.Resolve
	case "":
		if kind == "success" || kind == "recovery" {
			a.Action = alert.Resolve
		} else if said != "" {
			a.Warnings = append(a.Warnings, fmt.Sprintf("transition %q is unknown: taken as triggered", alert.Clip(said, 60)))
		}
	}
	if a.Status == "" {
		a.Status = kind
	}
	var unknown []string
	a.Severity, unknown = severity(body, h, kind, transitions(said))
	a.Warnings = append(a.Warnings, unknown...)
	a.Links = foreign.Links(append([]alert.Link{
		{Href: body.Text("link", "url", "event_url", "alert_url"), Text: "Event"},
	}, places(text)...)...)
	if picture := foreign.Web(body.Text("snapshot", "snapshot_url")); picture != "" {
		a.Images = []alert.Image{{Source: picture, Alt: "snapshot"}}
	}
	a.Details = foreign.Details(map[string]any{
		"message": alert.Clip(text, 4000), "query": body.Text("alert_query"), "metric": body.Text("alert_metric"),
		"status": body.Text("alert_status"), "tags": body.Text("tags"), "organisation": body.Text("org.name", "org_name"),
	})
	return a, nil
}

// key: a monitor and the group that it speaks of, as long as either is said. The cycle is that of one trouble too.
func key(body foreign.Object, name, scope, text string) string {
	if id := body.Text("monitor_id", "alert_id"); id != "" {
		return foreign.Key("datadog", id, scope)
	}
	if m := monitor.FindStringSubmatch(text); m != nil {
		return foreign.Key("datadog", m[1], scope)
	}
	if cycle := body.Text("alert_cycle_key", "aggreg_key", "aggregation_key"); cycle != "" {
		return foreign.Key("datadog", cycle)
	}
	if name == "" {
		return foreign.Key(body.Text("id", "event_id"))
	}
	return foreign.Key("datadog", name, scope)
}

// severity is the monitor's priority; a warning is one, however important its monitor.
func severity(body foreign.Object, h headed, kind, transition string) (alert.Severity, []string) {
	said := body.Text("alert_priority", "severity", "priority")
	if said == "" || strings.EqualFold(said, "normal") {
		said = h.priority // "normal" is the priority of every event that has none
	}
	silence := alert.Error
	switch kind {
	case "warning":
		silence = alert.Warning
	case "info":
		silence = alert.Info
	}
	s, unknown := foreign.Severity(said, silence, nil)
	if transition == "warn" && s.WorseThan(alert.Warning) {
		s = alert.Warning
	}
	return s, unknown
}

func tags(body foreign.Object) map[string]string {
	pairs := map[string]string{}
	for _, tag := range body.Texts("tags") {
		if name, value, ok := strings.Cut(tag, ":"); ok {
			pairs[name] = value
		}
	}
	return pairs
}

// places are the links in a message, which is Markdown.
func places(text string) []alert.Link {
	var out []alert.Link
	for _, m := range place.FindAllStringSubmatch(text, 6) {
		if strings.ContainsAny(m[1], "`") || strings.HasPrefix(strings.ToLower(m[1]), "edit") {
			continue
		}
		out = append(out, alert.Link{Href: m[2], Text: m[1]})
	}
	return out
}
