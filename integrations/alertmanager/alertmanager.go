// Package alertmanager reads what Prometheus Alertmanager posts to a webhook (version 4; 3 is read too): a group of alerts,
// each with labels that tell it from all others. Source: prometheus.io, "Alerting / Configuration / webhook_config".
package alertmanager

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of the webhook. Alertmanager signs nothing: a secret is its bearer token or basic password (http_config).
func Dialect() alert.Dialect { return alert.Dialect{Name: "alertmanager", Decode: Decode} }

// Decode reads a group, one alert after the other.
func Decode(p alert.Post) ([]alert.Alert, error) {
	group, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	alerts := group.List("alerts")
	if all, _ := group.At("alerts").([]any); len(alerts) == 0 || len(alerts) != len(all) {
		return nil, fault.Field("alerts", "must be a list of alerts")
	}
	var out []alert.Alert
	for n, one := range alerts {
		a := Alert(one, group, p.At)
		if a.DedupKey == "" {
			return nil, fault.Field(fmt.Sprintf("alerts[%d].labels", n), "must tell this alert from others")
		}
		a.Client, a.ClientURL = "Alertmanager", foreign.Web(group.Text("externalURL"))
		a.Links = foreign.Links(append(a.Links, alert.Link{Href: a.ClientURL, Text: "Alertmanager"})...)
		out = append(out, a)
	}
	if left := group.Text("truncatedAlerts"); left != "" && left != "0" {
		out[0].Warnings = append(out[0].Warnings, "Alertmanager left out "+left+" more alerts: see max_alerts of the webhook")
	}
	return out, nil
}

// Alert reads one alert of Prometheus's kind; group is what it came in, or nothing.
func Alert(one, group foreign.Object, now time.Time) alert.Alert {
	labels, annotations := one.Inner("labels"), one.Inner("annotations")
	pairs := Labels(labels)
	a := alert.Alert{
		Action:     alert.Trigger,
		Status:     status(one, group, now),
		Source:     Source(labels),
		OccurredAt: one.Time("startsAt"),
		Labels:     foreign.Labels(pairs),
		Details:    foreign.Details(annotations),
		DedupKey:   Key(pairs, one.Text("fingerprint")),
	}
	if a.DedupKey == "" {
		a.DedupKey = foreign.Key(one.Text("generatorURL"), annotations.Text("summary"))
	}
	a.Title = Title(labels, annotations, a.Source)
	a.Severity, a.Warnings = foreign.Severity(labels.Text("severity", "level", "priority"), alert.Error, nil)
	if a.Status == "resolved" {
		a.Action = alert.Resolve
		if ended := one.Time("endsAt"); !ended.IsZero() {
			a.OccurredAt = ended
		}
	}
	a.Links = foreign.Links(
		alert.Link{Href: one.Text("generatorURL"), Text: "Graph"},
		alert.Link{Href: annotations.Text("runbook_url", "runbook"), Text: "Runbook"},
		alert.Link{Href: annotations.Text("dashboard_url", "dashboard"), Text: "Dashboard"},
	)
	return a
}

// Labels are an object's texts by their names.
func Labels(labels foreign.Object) map[string]string {
	pairs := map[string]string{}
	for name := range labels {
		if value := labels.Own(name); value != "" {
			pairs[name] = value
		}
	}
	return pairs
}

// status is firing or resolved: an alert's own, by the end that it has, or that of its group.
func status(one, group foreign.Object, now time.Time) string {
	if said := strings.ToLower(one.Text("status", "status.state")); said == "firing" || said == "resolved" {
		return said
	}
	if ended := one.Time("endsAt"); !ended.IsZero() && !now.IsZero() && !ended.After(now) {
		return "resolved"
	}
	if strings.EqualFold(group.Text("status"), "resolved") {
		return "resolved"
	}
	return "firing"
}

// Key names an alert by all its labels, as Prometheus does, an alert with other labels being another one, and by the
// fingerprint that its sender made of them, if it gives one.
func Key(labels map[string]string, fingerprint string) string {
	if len(labels) == 0 && fingerprint == "" {
		return ""
	}
	var parts []string
	for name, value := range labels {
		parts = append(parts, name+"\x00"+value)
	}
	slices.Sort(parts)
	sum := sha256.Sum256([]byte(strings.Join(append(parts, fingerprint), "\x01")))
	return foreign.Key(labels["alertname"], hex.EncodeToString(sum[:16]))
}

// Source is what is in trouble, as far as labels say it.
func Source(labels foreign.Object) string {
	return labels.Text("instance", "host", "hostname", "node", "pod", "pod_name", "device", "deployment", "namespace", "cluster", "job", "service")
}

// Title is the summary, and where the trouble is when it does not say so itself.
func Title(labels, annotations foreign.Object, source string) string {
	title := foreign.FirstLine(annotations.Text("summary", "title", "message", "description"))
	if title == "" {
		title = labels.Text("alertname")
	}
	if source != "" && title != "" && !strings.Contains(strings.ToLower(title), strings.ToLower(source)) {
		title += " (" + source + ")"
	}
	return foreign.Title(title)
}
