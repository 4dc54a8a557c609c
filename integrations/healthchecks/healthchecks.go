// Package healthchecks reads what Healthchecks posts when a check goes down or comes up. Its webhooks have no body of their
// own: people write one from placeholders, so what is known are the names of the placeholders ($NAME, $STATUS, $CODE, $NOW,
// $TAGS) and those of a check in its API. Source: healthchecks.io/docs, "Configuring webhooks", "Management API".
package healthchecks

import (
	"net/url"
	"path"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Healthchecks.
func Dialect() alert.Dialect { return alert.Dialect{Name: "healthchecks", Decode: Decode} }

// statuses of a check. One that is late has its grace; one that is new or paused has nothing to say.
var statuses = map[string]alert.Action{
	"down": alert.Trigger, "up": alert.Resolve, "grace": alert.Ignore, "late": alert.Ignore, "new": alert.Ignore, "paused": alert.Ignore,
	"started": alert.Ignore,
}

// Decode reads one check, or a list of checks.
func Decode(p alert.Post) ([]alert.Alert, error) {
	checks, err := foreign.ReadAll(p)
	if err != nil {
		return nil, err
	}
	if len(checks) == 1 {
		if inner := checks[0].List("checks"); len(inner) > 0 {
			checks = inner
		} else if inner := checks[0].Inner("check", "json"); len(inner) > 0 {
			checks = []foreign.Object{inner}
		}
	}
	var all []alert.Alert
	for _, check := range checks {
		a, err := decode(check)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func decode(o foreign.Object) (alert.Alert, error) {
	name, status := o.Text("name", "check_name", "slug"), o.Text("status", "state")
	code := o.Text("code", "uuid", "unique_key", "check_id")
	if code == "" {
		code = last(o.Text("update_url", "ping_url"))
	}
	if name == "" {
		name = code
	}
	if name == "" {
		return alert.Alert{}, fault.Field("name", "is missing: put $NAME into the body of the webhook, best also $CODE and $STATUS")
	}
	tags := strings.Fields(o.Text("tags"))
	a := alert.Alert{
		Status: status, Source: foreign.Title(name), Severity: alert.Critical,
		OccurredAt: o.Time("now", "at", "time", "last_ping"),
		Title:      foreign.Title(name + " is " + strings.ToLower(status)),
		DedupKey:   foreign.Key("healthchecks", code),
		Links:      foreign.Links(alert.Link{Href: o.Text("url", "details_url", "cloaked_url"), Text: name}),
		Labels:     foreign.Labels(map[string]string{"check": name, "tags": strings.Join(tags, " ")}),
		Details: foreign.Details(map[string]any{
			"description": o.Text("desc", "description"), "last_ping": o.Text("last_ping"), "schedule": o.Text("schedule"), "body": o.Text("body"),
		}),
	}
	if code == "" {
		a.DedupKey = foreign.Key("healthchecks", name)
	}
	if status == "" {
		a.Title = foreign.Title(name)
	}
	a.Action, a.Warnings = foreign.Action(status, statuses)
	if a.Action == alert.Resolve || a.Action == alert.Ignore {
		a.Severity = alert.Info
	}
	if said := o.Text("severity", "priority"); said != "" {
		var unknown []string
		a.Severity, unknown = foreign.Severity(said, a.Severity, nil)
		a.Warnings = append(a.Warnings, unknown...)
	}
	return a, nil
}

// last part of the path of an address: that of a check ends with its code.
func last(address string) string {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return ""
	}
	return path.Base(u.Path)
}
