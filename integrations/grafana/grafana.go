// Package grafana reads what Grafana's webhooks send: groups of alerts of unified alerting (8 and later), and the single
// messages of legacy alerting (7 and before). Source: grafana.com, "Configure the webhook notifier".
package grafana

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/alertmanager"
	"github.com/belayhq/belay/integrations/foreign"
)

// signatureHeader unless the contact point names another one.
const signatureHeader = "X-Grafana-Alerting-Signature"

// Dialect of Grafana.
func Dialect() alert.Dialect { return alert.Dialect{Name: "grafana", Decode: Decode, Verify: Verify} }

// Verify takes the HMAC of Grafana 12 and later, over the body or, where a contact point sends the time in a header, over
// the time, a colon and the body; or else the secret itself, which every Grafana can send.
func Verify(p alert.Post, secret string) error {
	signature := p.Header[strings.ToLower(signatureHeader)]
	if signature == "" {
		return alert.Bears(p, secret)
	}
	err := alert.Signs(signatureHeader, signature, p.Body, secret)
	for _, name := range slices.Sorted(maps.Keys(p.Header)) {
		if err != nil && strings.Contains(name, "timestamp") {
			err = alert.Signs(signatureHeader, signature, append([]byte(p.Header[name]+":"), p.Body...), secret)
		}
	}
	return err
}

// Decode reads either form.
func Decode(p alert.Post) ([]alert.Alert, error) {
	body, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	if body.Has("alerts") {
		return unified(body, p)
	}
	if body.Has("ruleName", "ruleId", "ruleUrl", "evalMatches") {
		return []alert.Alert{legacy(body)}, nil
	}
	return nil, fault.Field("alerts", "must be a list of alerts (or, of legacy alerting, ruleName a name)")
}

func unified(group foreign.Object, p alert.Post) ([]alert.Alert, error) {
	alerts := group.List("alerts")
	if all, _ := group.At("alerts").([]any); len(alerts) == 0 || len(alerts) != len(all) {
		return nil, fault.Field("alerts", "must be a list of alerts")
	}
	var out []alert.Alert
	for n, one := range alerts {
		a := alertmanager.Alert(one, group, p.At)
		if a.DedupKey == "" {
			return nil, fault.Field(fmt.Sprintf("alerts[%d].labels", n), "must tell this alert from others")
		}
		a.Title = titled(one.Inner("labels"), a.Title)
		if a.Source == "" {
			a.Source = one.Text("labels.grafana_folder")
		}
		a.Client, a.ClientURL = "Grafana", foreign.Web(group.Text("externalURL"))
		a.Details = foreign.Details(withValues(a.Details, one))
		a.Links = foreign.Links(
			alert.Link{Href: one.Text("panelURL"), Text: "Panel"},
			alert.Link{Href: one.Text("dashboardURL"), Text: "Dashboard"},
			alert.Link{Href: one.Text("annotations.runbook_url"), Text: "Runbook"},
			alert.Link{Href: one.Text("generatorURL"), Text: "Rule"},
			alert.Link{Href: one.Text("silenceURL"), Text: "Silence"},
			alert.Link{Href: a.ClientURL, Text: "Grafana"},
		)
		if picture := foreign.Web(one.Text("imageURL")); picture != "" {
			a.Images = []alert.Image{{Source: picture, Alt: "panel"}}
		}
		out = append(out, a)
	}
	if left := group.Text("truncatedAlerts"); left != "" && left != "0" {
		out[0].Warnings = append(out[0].Warnings, "Grafana left out "+left+" more alerts: see max alerts of the contact point")
	}
	return out, nil
}

// titled puts the name of the rule before its summary; of rules that got no data or failed it is in another label.
func titled(labels foreign.Object, title string) string {
	name := labels.Text("alertname")
	if rule := labels.Text("rulename"); rule != "" && strings.HasPrefix(name, "Datasource") {
		name = strings.TrimPrefix(name, "Datasource") + " of " + rule
	}
	if name == "" || strings.Contains(strings.ToLower(title), strings.ToLower(name)) {
		return title
	}
	if title == "" || strings.HasPrefix(title, "Datasource") {
		return foreign.Title(name)
	}
	return foreign.Title(name + ": " + title)
}

func withValues(details map[string]any, one foreign.Object) map[string]any {
	out := maps.Clone(details)
	if out == nil {
		out = map[string]any{}
	}
	for _, name := range []string{"valueString", "values"} {
		if _, taken := out[name]; !taken {
			out[name] = one.At(name)
		}
	}
	return out
}

// state before the name, as legacy titles have it.
var state = regexp.MustCompile(`^\s*\[[^\]]*\]\s*`)

func legacy(body foreign.Object) alert.Alert {
	tags := body.Inner("tags")
	pairs := alertmanager.Labels(tags)
	a := alert.Alert{
		Action:     alert.Trigger,
		Status:     strings.ToLower(body.Text("state")),
		OccurredAt: body.Time("time", "date"),
		Source:     foreign.Title(alertmanager.Source(tags)),
		DedupKey: foreign.Key("grafana", body.Text("orgId"), body.Text("dashboardId"), body.Text("panelId"), body.Text("ruleId"),
			body.Text("ruleName")),
		Labels: foreign.Labels(pairs),
		Client: "Grafana",
		Links:  foreign.Links(alert.Link{Href: body.Text("ruleUrl"), Text: "Rule"}),
		Details: foreign.Details(map[string]any{
			"message": body.Text("message"), "matches": body.At("evalMatches"),
		}),
	}
	name := body.Text("ruleName")
	if name == "" {
		name = state.ReplaceAllString(body.Text("title"), "")
		a.DedupKey = foreign.Key(a.DedupKey, name)
	}
	a.Title = foreign.Title(name)
	if message := foreign.FirstLine(body.Text("message")); message != "" {
		a.Title = foreign.Title(name + ": " + message)
	}
	if a.Source == "" {
		a.Source = foreign.Title(body.Text("evalMatches.0.metric"))
	}
	if picture := foreign.Web(body.Text("imageUrl")); picture != "" {
		a.Images = []alert.Image{{Source: picture, Alt: "panel"}}
	}
	a.Severity, a.Warnings = foreign.Severity(tags.Text("severity", "priority", "level"), alert.Error, nil)
	switch a.Status {
	case "ok":
		a.Action = alert.Resolve
	case "pending", "paused":
		a.Action = alert.Ignore
	case "alerting", "no_data":
	default:
		a.Warnings = append(a.Warnings, fmt.Sprintf("state %q is unknown: taken as alerting", alert.Clip(a.Status, 60)))
	}
	return a
}
