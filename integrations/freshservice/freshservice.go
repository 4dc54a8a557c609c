// Package freshservice reads what the workflow automator of Freshservice posts (and that of Freshdesk, which is the same): the
// simple body with its freshdesk_webhook, or a body of somebody's own with the ticket as the API shows it, or flat. Source:
// support.freshservice.com, "Trigger webhooks from the workflow automator"; api.freshservice.com, "Tickets".
package freshservice

import (
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Freshservice.
func Dialect() alert.Dialect { return alert.Dialect{Name: "freshservice", Decode: Decode} }

// statuses of a ticket, by number and by name; those that people add are trouble until the ticket is over.
var statuses = map[string]alert.Action{
	"2": alert.Trigger, "open": alert.Trigger, "3": alert.Ignore, "pending": alert.Ignore, "4": alert.Resolve, "resolved": alert.Resolve,
	"5": alert.Resolve, "closed": alert.Resolve,
	"waiting on customer": alert.Ignore, "waiting on third party": alert.Ignore, "on hold": alert.Ignore,
}

var names = map[string]string{"2": "Open", "3": "Pending", "4": "Resolved", "5": "Closed"}

var priorities = map[string]alert.Severity{
	"4": alert.Critical, "urgent": alert.Critical, "3": alert.Error, "high": alert.Error, "2": alert.Warning, "medium": alert.Warning,
	"1": alert.Info, "low": alert.Info,
}

// Decode reads what happened to one ticket.
func Decode(p alert.Post) ([]alert.Alert, error) {
	o, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	if inner := o.Inner("freshdesk_webhook", "freshservice_webhook", "webhook", "ticket", "data.ticket", "data"); len(inner) > 0 {
		o = inner
	}
	number := o.Text("ticket_id_numeric", "ticket_id", "id", "display_id")
	if number == "" {
		return nil, fault.Field("ticket_id", "is missing: choose it for the body of the webhook")
	}
	status := o.Text("ticket_status", "status", "status_name")
	a := alert.Alert{
		Status: foreign.First(names[status], status), Client: "Freshservice",
		Title:      foreign.Title(strings.TrimSuffix("#"+strings.TrimPrefix(number, "#")+": "+o.Text("ticket_subject", "subject", "title"), ": ")),
		Source:     foreign.Title(foreign.First(o.Text("ticket_department_name", "department_name", "ticket_group_name", "group_name", "category", "ticket_category", "ticket_type", "type"), "Freshservice")),
		DedupKey:   foreign.Key("freshservice", number[strings.LastIndexAny(number, "-#")+1:]),
		OccurredAt: o.Time("ticket_updated_at", "updated_at", "ticket_created_at", "created_at", "timestamp"),
		Links:      foreign.Links(alert.Link{Href: o.Text("ticket_url", "url", "ticket_link", "link"), Text: "#" + number}),
		Labels: foreign.Labels(map[string]string{
			"priority": o.Text("ticket_priority", "priority"), "type": o.Text("ticket_type", "type"), "group": o.Text("ticket_group_name", "group_name"),
			"category": o.Text("ticket_category", "category"), "urgency": o.Text("ticket_urgency", "urgency"), "impact": o.Text("ticket_impact", "impact"),
		}),
		Details: foreign.Details(map[string]any{
			"description": o.Text("description_text", "ticket_description", "description"), "event": o.Text("triggered_event"),
		}),
	}
	a.Action, a.Warnings = foreign.Action(status, statuses)
	event := o.Text("triggered_event")
	switch {
	case strings.Contains(event, "ticket_action:created") && a.Action == alert.Ignore:
		a.Action = alert.Trigger // nobody has seen it yet, whatever status it was given
	case strings.Contains(event, "note_type") && a.Action == alert.Trigger, strings.Contains(event, "reply_sent") && a.Action == alert.Trigger:
		a.Action = alert.Ignore
	case strings.Contains(event, "deleted"):
		a.Action = alert.Resolve
	}
	var unknown []string
	a.Severity, unknown = foreign.Severity(o.Text("ticket_priority", "priority"), alert.Warning, priorities)
	a.Warnings = append(a.Warnings, unknown...)
	return []alert.Alert{a}, nil
}
