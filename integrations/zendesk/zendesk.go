// Package zendesk reads what Zendesk's webhooks post: the events of tickets as Zendesk writes them, and the bodies that people
// write for triggers and automations, with the ticket in it or flat. Source: developer.zendesk.com, "Webhooks", "Webhook
// event types: ticket events", "Verifying webhooks"; support.zendesk.com, "Creating webhooks to interact with third-party systems".
package zendesk

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Zendesk.
func Dialect() alert.Dialect {
	return alert.Dialect{Name: "zendesk", Decode: Decode, Verify: Verify}
}

// statuses of a ticket. One that waits for somebody else stays what it is.
var statuses = map[string]alert.Action{
	"new": alert.Trigger, "open": alert.Trigger, "pending": alert.Ignore, "hold": alert.Ignore, "on-hold": alert.Ignore, "on hold": alert.Ignore,
	"solved": alert.Resolve, "closed": alert.Resolve, "deleted": alert.Resolve,
}

var priorities = map[string]alert.Severity{
	"urgent": alert.Critical, "high": alert.Error, "normal": alert.Warning, "low": alert.Info, "-": alert.Warning,
}

// Decode reads what happened to one ticket.
func Decode(p alert.Post) ([]alert.Alert, error) {
	o, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	ticket := o.Inner("detail", "ticket")
	if len(ticket) == 0 {
		ticket = o
	}
	number := foreign.First(ticket.Text("id", "ticket_id"), o.Text("ticket_id", "id"))
	if number == "" {
		return nil, fault.Field("ticket.id", "is missing: put {{ticket.id}} into the body of the webhook")
	}
	status := foreign.First(ticket.Text("status", "ticket_status"), o.Text("status"))
	title := ticket.Text("title", "subject", "ticket_title", "ticket_subject", "raw_subject", "description")
	a := alert.Alert{
		Status: status, Client: "Zendesk",
		Title:      foreign.Title(strings.TrimSuffix("#"+number+": "+title, ": ")),
		Source:     foreign.Title(foreign.First(ticket.Text("group.name", "group", "ticket_form", "organization.name", "brand.name"), host(ticket.Text("url", "link")), "Zendesk")),
		DedupKey:   foreign.Key("zendesk", number),
		OccurredAt: foreign.Time(foreign.First(o.Text("time"), ticket.Text("updated_at_with_timestamp", "updated_at", "created_at"), o.Text("timestamp"))),
		Links:      foreign.Links(alert.Link{Href: page(foreign.First(ticket.Text("link", "url", "ticket_url"), o.Text("link", "url")), number), Text: "#" + number}),
		Labels: foreign.Labels(map[string]string{
			"priority": ticket.Text("priority", "ticket_priority"), "type": ticket.Text("type", "ticket_type"), "tags": strings.Join(ticket.Texts("tags"), " "),
		}),
		Details: foreign.Details(map[string]any{
			"description": ticket.Text("description", "latest_comment", "comment"), "event": o.Text("type"), "external_id": ticket.Text("external_id"),
		}),
	}
	a.Action, a.Warnings = asked(o, status)
	var unknown []string
	a.Severity, unknown = foreign.Severity(foreign.First(ticket.Text("priority", "ticket_priority"), o.Text("priority")), alert.Warning, priorities)
	a.Warnings = append(a.Warnings, unknown...)
	return []alert.Alert{a}, nil
}

// asked: an event of Zendesk says what changed; a body of a trigger says how things stand.
func asked(o foreign.Object, status string) (alert.Action, []string) {
	kind, isEvent := strings.CutPrefix(o.Text("type"), "zen:event-type:")
	if !isEvent {
		return foreign.Action(status, statuses)
	}
	switch _, what, _ := strings.Cut(kind, "."); what {
	case "created", "status_changed", "priority_changed", "undeleted", "custom_status_changed":
		return foreign.Action(foreign.First(status, o.Text("event.current")), statuses)
	case "soft_deleted", "permanently_deleted", "marked_as_spam", "merged", "deleted":
		return alert.Resolve, nil
	}
	return alert.Ignore, nil
}

// page of a ticket for people: its address in the API leads nowhere in a browser. Placeholders come without a scheme.
func page(link, number string) string {
	if link != "" && !strings.Contains(link, "://") {
		link = "https://" + link
	}
	if base, _, found := strings.Cut(link, "/api/"); found {
		return base + "/agent/tickets/" + url.PathEscape(number)
	}
	return link
}

func host(link string) string {
	if link != "" && !strings.Contains(link, "://") {
		link = "https://" + link
	}
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Host
}

// Verify proves that Zendesk sent it: X-Zendesk-Webhook-Signature is HMAC-SHA256 of the timestamp and the body in base64.
func Verify(p alert.Post, secret string) error {
	given := p.Header["x-zendesk-webhook-signature"]
	if given == "" {
		return fault.New(fault.Unauthenticated, "this integration has a secret: the webhook must be signed with it in X-Zendesk-Webhook-Signature")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(p.Header["x-zendesk-webhook-signature-timestamp"]))
	mac.Write(p.Body)
	got, err := base64.StdEncoding.DecodeString(strings.TrimSpace(given))
	if err != nil || !hmac.Equal(got, mac.Sum(nil)) {
		return fault.New(fault.Unauthenticated, "X-Zendesk-Webhook-Signature is not what the secret of this integration makes of this request")
	}
	return nil
}
