// Package uptimekuma reads what Uptime Kuma's notification of the kind webhook posts: {heartbeat, monitor, msg}, as JSON or
// as the form field data. Source: louislam/uptime-kuma, server/notification-providers/webhook.js and server/model/monitor.js.
package uptimekuma

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Uptime Kuma.
func Dialect() alert.Dialect { return alert.Dialect{Name: "uptime-kuma", Decode: Decode} }

// statuses of a heartbeat. A monitor that is being tried again has not failed yet.
var statuses = map[string]alert.Action{
	"0": alert.Trigger, "1": alert.Resolve, "2": alert.Ignore, "3": alert.Ignore, "pending": alert.Ignore, "maintenance": alert.Ignore,
}

var names = map[string]string{"0": "DOWN", "1": "UP", "2": "PENDING", "3": "MAINTENANCE"}

// inMessage is how every message of a heartbeat begins: "[API] [🔴 Down] Timeout".
var inMessage = regexp.MustCompile(`^\[([^\]]*)\]\s*\[[^\]\pL]*(Down|Up|Pending|Maintenance)\]`)

var digits = regexp.MustCompile(`\d+`)

// Decode reads one notification. One without a heartbeat is a test, or a certificate that is about to end.
func Decode(p alert.Post) ([]alert.Alert, error) {
	o, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	if form := o.Inner("data"); len(form) > 0 && !o.Has("heartbeat") {
		o = form
	}
	msg := o.Text("msg", "message", "heartbeat.msg")
	name, status := o.Text("monitor.name", "monitorName", "name"), o.Text("heartbeat.status", "status")
	if found := inMessage.FindStringSubmatch(msg); found != nil {
		if name == "" {
			name = found[1]
		}
		if status == "" {
			status = found[2]
		}
	}
	if status == "" {
		return message(msg)
	}
	if name == "" && msg == "" {
		return nil, fault.Field("monitor.name", "is missing, and so is msg")
	}
	a := alert.Alert{
		Status:     status,
		Severity:   alert.Critical,
		OccurredAt: at(o),
		Source:     source(o, name),
		Links:      foreign.Links(alert.Link{Href: o.Text("monitor.url", "url"), Text: name}),
		Details: foreign.Details(map[string]any{
			"message": o.Text("heartbeat.msg", "msg"), "type": o.Text("monitor.type"), "ping": o.At("heartbeat.ping"),
			"description": o.Text("monitor.description"), "path": o.Text("monitor.pathName"),
		}),
	}
	if long, ok := names[status]; ok {
		a.Status = long
	}
	a.Action, a.Warnings = foreign.Action(status, statuses)
	if a.Action == alert.Resolve || a.Action == alert.Ignore {
		a.Severity = alert.Info
	}
	a.Title = foreign.Title(msg)
	if said := o.Text("heartbeat.msg"); name != "" && (said != "" || msg == "") {
		a.Title = title(name, a.Status, said)
	}
	a.DedupKey = foreign.Key("uptime-kuma", o.Text("monitor.id", "heartbeat.monitorID", "heartbeat.monitor_id", "monitorID"))
	if a.DedupKey == "uptime-kuma" {
		a.DedupKey = foreign.Key("uptime-kuma", name, o.Text("monitor.url"))
	}
	pairs := map[string]string{"monitor": name, "type": o.Text("monitor.type")}
	for _, tag := range o.List("monitor.tags") {
		if said := foreign.Title(tag.Text("name")); said != "" {
			pairs[said] = tag.Text("value")
		}
	}
	a.Labels = foreign.Labels(pairs)
	return []alert.Alert{a}, nil
}

func title(name, status, msg string) string {
	line := name + " is " + strings.ToLower(status)
	if msg != "" {
		line += ": " + msg
	}
	return foreign.Title(line)
}

// message is a notification that has no heartbeat.
func message(msg string) ([]alert.Alert, error) {
	if msg == "" {
		return nil, fault.Field("msg", "is missing, and so is heartbeat")
	}
	if strings.HasSuffix(strings.TrimSpace(msg), "Testing") {
		return []alert.Alert{{Action: alert.Ignore, Title: foreign.Title(msg), Severity: alert.Info, Status: "test"}}, nil
	}
	// The days that are left differ from message to message.
	return []alert.Alert{{
		Action: alert.Trigger, Title: foreign.Title(msg), Severity: alert.Warning, Source: "uptime-kuma",
		DedupKey: foreign.Key("uptime-kuma", "message", digits.ReplaceAllString(msg, "#")),
	}}, nil
}

func source(o foreign.Object, name string) string {
	if host := o.Text("monitor.hostname"); host != "" {
		return foreign.Title(host)
	}
	if u, err := url.Parse(o.Text("monitor.url")); err == nil && u.Host != "" {
		return foreign.Title(u.Host)
	}
	return foreign.Title(name)
}

// at: time is UTC without saying so; local times come with their offset beside them.
func at(o foreign.Object) time.Time {
	if at := o.Time("heartbeat.time"); !at.IsZero() {
		return at
	}
	return foreign.Time(o.Text("heartbeat.localDateTime") + o.Text("heartbeat.timezoneOffset"))
}
