// Package zabbix reads what Zabbix's media types of the kind webhook post. Their bodies are made of macros by whoever runs
// the server, so that names differ: those of the official media types, those of the macros themselves and those of real-time
// export are known. Source: zabbix.com/documentation, "Webhook media type", "Supported macros", "Real-time export".
package zabbix

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Zabbix.
func Dialect() alert.Dialect { return alert.Dialect{Name: "zabbix", Decode: Decode} }

// severities by number and by the names that Zabbix gives them.
var severities = map[string]alert.Severity{
	"5": alert.Critical, "disaster": alert.Critical,
	"4": alert.Error, "high": alert.Error,
	"3": alert.Warning, "average": alert.Warning,
	"2": alert.Warning, "warning": alert.Warning,
	"1": alert.Info, "information": alert.Info,
	"0": alert.Warning, "not classified": alert.Warning,
}

var values = map[string]alert.Action{"1": alert.Trigger, "0": alert.Resolve}

// Decode reads one event, or a list of them. An update of a problem acknowledges it when that is what it says; a comment
// asks for nothing.
func Decode(p alert.Post) ([]alert.Alert, error) {
	bodies, err := foreign.ReadAll(p)
	if err != nil {
		return nil, err
	}
	var all []alert.Alert
	for _, body := range bodies {
		a, err := event(body)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func event(body foreign.Object) (alert.Alert, error) {
	o := known(body)
	for name, v := range known(o.Inner("details", "custom_details", "event")) { // agents put the macros there
		if !o.Has(name) {
			o[name] = v
		}
	}
	a := alert.Alert{
		Title:  foreign.Title(o.Text("event_name", "problem_name", "problem", "trigger_name", "trigger", "alert_subject", "subject", "name", "title", "description", "item")),
		Source: foreign.Title(o.Text("host_name", "hostname", "host.name1", "host", "host.host", "hosts.0.name", "host_host", "source", "host_ip")),
		Status: o.Text("event_status", "trigger_status", "status", "problem_status", "event_value", "value"),
		Details: foreign.Details(map[string]any{
			"item": o.Text("item", "item_name", "item_name1"), "value": o.Text("item_value", "item_lastvalue", "opdata", "event_opdata"),
			"message": o.Text("alert_message", "message"), "host_ip": o.Text("host_ip", "ip", "host_conn"),
		}),
	}
	if a.Title == "" {
		return alert.Alert{}, fault.Field("event_name", "is missing: say {EVENT.NAME}, {TRIGGER.NAME} or a subject")
	}
	var unknown []string
	a.Severity, unknown = foreign.Severity(o.Text("event_nseverity", "event_severity", "nseverity", "severity", "trigger_severity", "priority"), alert.Error, severities)
	a.Action, a.Warnings = action(o, a.Status)
	a.Warnings = append(a.Warnings, unknown...)
	link := o.Text("link", "event_url", "trigger_url", "problem_url", "url")
	server := strings.TrimSuffix(o.Text("zabbix_url", "zabbix_server"), "/")
	trigger, number := o.Text("trigger_id", "id"), o.Text("p_eventid", "event_id")
	if trigger == "" {
		trigger = within(link, "triggerid")
	}
	if number == "" {
		number = within(link, "eventid")
	}
	if link == "" && server != "" && trigger != "" && number != "" {
		link = server + "/tr_events.php?triggerid=" + url.QueryEscape(trigger) + "&eventid=" + url.QueryEscape(number)
	}
	a.Links = foreign.Links(alert.Link{Href: link, Text: "Zabbix"})
	a.DedupKey = key(o, trigger, number)
	if u, err := url.Parse(link); err == nil && a.Source == "" {
		a.Source = foreign.Title(u.Host) // the server knows which host it is
	}
	a.OccurredAt = o.Time("event_timestamp", "timestamp", "clock", "lastReceived", "time")
	if day := o.Text("event_date"); day != "" {
		a.OccurredAt = foreign.Time(day + " " + o.Text("event_time"))
	}
	if day := o.Text("event_recovery_date"); day != "" && a.Action == alert.Resolve {
		a.OccurredAt = foreign.Time(day + " " + o.Text("event_recovery_time"))
	}
	a.Labels = labels(o, a.Source)
	return a, nil
}

// action: the value of an event is 1 for trouble and 0 for its end, whatever else its words say.
func action(o foreign.Object, status string) (alert.Action, []string) {
	said := o.Text("event_value", "trigger_value", "value")
	if said != "0" && said != "1" {
		said = status
	}
	asked, warnings := foreign.Action(said, values)
	if asked == alert.Trigger && o.Text("event_update_status", "update_status") == "1" {
		switch doing := strings.ToLower(o.Text("event_update_action", "update_action")); {
		case strings.Contains(doing, "unacknowledged"):
			return alert.Ignore, warnings
		case strings.Contains(doing, "acknowledged"):
			return alert.Acknowledge, warnings
		case strings.Contains(doing, "severity"):
			return alert.Trigger, warnings
		}
		return alert.Ignore, warnings
	}
	return asked, warnings
}

// key: the trigger stays the same from problem to recovery, also where an old action names the event of the recovery.
func key(o foreign.Object, trigger, number string) string {
	if own := o.Text("dedup_key", "alias"); own != "" {
		return foreign.Key(own)
	}
	if trigger != "" {
		return foreign.Key("zabbix", "trigger", trigger)
	}
	if number != "" {
		return foreign.Key("zabbix", "event", number)
	}
	if own := o.Text("incident_key"); own != "" {
		return foreign.Key(own)
	}
	what := o.Text("item", "item_name", "trigger_name", "trigger", "event_name", "problem", "name")
	if what == "" {
		what = cut.ReplaceAllString(o.Text("alert_subject", "subject", "title", "description"), "")
	}
	return foreign.Key("zabbix", o.Text("host_name", "hostname", "host.name1", "host", "host_ip"), what)
}

// cut is what default subjects of actions put before the name of the trouble.
var cut = regexp.MustCompile(`(?i)^(problem|resolved( in [^:]*)?|recovery|ok|updated problem[^:]*)\s*:\s*`)

// macro that Zabbix did not resolve.
var macro = regexp.MustCompile(`^\{[$#?A-Z][A-Z0-9_.$#<>]*\}$`)

// known leaves out what Zabbix could not say.
func known(o foreign.Object) foreign.Object {
	kept := foreign.Object{}
	for name, v := range o {
		if s, ok := v.(string); ok && (strings.HasPrefix(s, "*UNKNOWN") || macro.MatchString(s)) {
			continue
		}
		kept[name] = v
	}
	return kept
}

func within(link, name string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Query().Get(name)
}

// labels are the tags: a list of objects, or {EVENT.TAGS}: "scope:availability, team:db".
func labels(o foreign.Object, host string) alert.Labels {
	pairs := map[string]string{}
	tags := o.List("event_tags_json", "tags", "event_tags")
	for _, tag := range tags {
		pairs[foreign.Title(tag.Text("tag", "name"))] = tag.Text("value")
	}
	if len(tags) == 0 {
		for _, tag := range o.Texts("event_tags", "tags", "trigger_tags") {
			name, value, _ := strings.Cut(tag, ":")
			pairs[strings.TrimSpace(name)] = value
		}
	}
	delete(pairs, "")
	pairs["host"], pairs["group"] = host, o.Text("trigger_hostgroup_name", "host_group", "groups.0", "groups.0.name")
	return foreign.Labels(pairs)
}
