// Package site24x7 reads what Site24x7's webhooks post: parameters in capitals, as JSON or a form, which may be chosen one by
// one. Source: site24x7.com/help, "Webhooks: parameters".
package site24x7

import (
	"regexp"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Site24x7.
func Dialect() alert.Dialect { return alert.Dialect{Name: "site24x7", Decode: Decode} }

var states = map[string]alert.Action{
	"down": alert.Trigger, "trouble": alert.Trigger, "critical": alert.Trigger, "up": alert.Resolve, "config error": alert.Trigger,
	"configuration error": alert.Trigger, "suspended": alert.Ignore, "maintenance": alert.Ignore, "discovery": alert.Ignore,
}

var severities = map[string]alert.Severity{
	"down": alert.Critical, "critical": alert.Error, "trouble": alert.Warning, "up": alert.Info, "config error": alert.Warning,
	"configuration error": alert.Warning, "suspended": alert.Info, "maintenance": alert.Info, "discovery": alert.Info,
}

// monitor's number in the address of its page.
var monitor = regexp.MustCompile(`/monitors/([^/?#]+)`)

// Decode reads one change of a monitor.
func Decode(p alert.Post) ([]alert.Alert, error) {
	o, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	name, status := o.Text("MONITORNAME", "MONITOR_NAME", "DISPLAYNAME"), o.Text("STATUS", "MONITOR_STATUS")
	page := o.Text("MONITOR_DASHBOARD_LINK", "MONITOR_LINK")
	number := o.Text("MONITOR_ID")
	if found := monitor.FindStringSubmatch(page); number == "" && found != nil {
		number = found[1]
	}
	if name == "" {
		name = o.Text("MONITORURL")
	}
	if name == "" {
		return nil, fault.Field("MONITORNAME", "is missing: choose it among the parameters of the webhook")
	}
	reason := o.Text("INCIDENT_REASON", "INCIDENT_DETAILS", "REASON")
	a := alert.Alert{
		Status: status, Source: foreign.Title(foreign.First(o.Text("MONITORURL"), name)),
		Title:      foreign.Title(strings.TrimSuffix(name+" is "+strings.ToUpper(status)+": "+reason, ": ")),
		DedupKey:   foreign.Key("site24x7", foreign.First(number, name)),
		OccurredAt: o.Time("INCIDENT_TIME_ISO", "OUTAGE_TIME_UNIX_FORMAT", "INCIDENT_TIME_UNIX", "ct", "INCIDENT_TIME"),
		Links: foreign.Links(alert.Link{Href: page, Text: "Site24x7"}, alert.Link{Href: o.Text("RCA_LINK"), Text: "Root cause"},
			alert.Link{Href: o.Text("MONITORURL"), Text: name}),
		Labels: foreign.Labels(map[string]string{"monitor": name, "type": o.Text("MONITORTYPE"), "group": o.Text("MONITOR_GROUPNAME", "GROUPNAME"), "tags": o.Text("TAGS", "GROUP_TAGS")}),
		Details: foreign.Details(map[string]any{
			"reason": reason, "locations": o.Text("FAILED_LOCATIONS"), "duration": o.Text("DOWNTIME_DURATION"), "actions": o.Text("REASON"),
		}),
	}
	a.Action, a.Warnings = foreign.Action(status, states)
	var unknown []string
	a.Severity, unknown = foreign.Severity(status, alert.Error, severities)
	a.Warnings = append(a.Warnings, unknown...)
	return []alert.Alert{a}, nil
}
