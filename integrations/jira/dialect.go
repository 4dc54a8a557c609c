// Package jira reads what Jira tells of its records, for those whose tickets page.
package jira

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Jira's webhooks (Cloud and Data Center), for projects whose issues page. A project is chosen by the JQL filter of the
// webhook. Source: developer.atlassian.com, "Webhooks", "Secure admin webhooks".
func Dialect() alert.Dialect {
	return alert.Dialect{Name: "jira", Decode: Decode, Verify: Verify}
}

// over are statuses of an issue that nobody has to work on any more, where Jira says no category.
var over = []string{"done", "resolved", "closed", "cancelled", "canceled", "rejected", "won't do"}

// Decode reads what happened to one issue: created and reopened ones page, done and deleted ones do not any more, and a
// priority that changed is told to those who work on it. Everything else, assignments and comments too, asks for nothing.
func Decode(p alert.Post) ([]alert.Alert, error) {
	o, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	issue := o.Inner("issue")
	if len(issue) == 0 && o.Has("fields") {
		issue = o // automation rules send the issue itself
	}
	key, number := issue.Text("key"), issue.Text("id")
	if key == "" && number == "" {
		return nil, fault.Field("issue.key", "is missing: this is no webhook about an issue")
	}
	event := o.Text("webhookEvent", "issue_event_type_name")
	a := alert.Alert{
		Status: foreign.First(issue.Text("fields.status.name"), event), Client: "Jira",
		Title:      foreign.Title(strings.TrimPrefix(key+": "+issue.Text("fields.summary"), ": ")),
		Source:     foreign.Title(foreign.First(issue.Text("fields.project.name", "fields.project.key"), "Jira")),
		DedupKey:   foreign.Key("jira", foreign.First(number, key)),
		OccurredAt: o.Time("timestamp"),
		Links:      foreign.Links(alert.Link{Href: browse(issue.Text("self"), key), Text: key}),
		Labels: foreign.Labels(map[string]string{
			"project": issue.Text("fields.project.key"), "type": issue.Text("fields.issuetype.name"), "priority": issue.Text("fields.priority.name"),
			"labels": strings.Join(issue.Texts("fields.labels"), " "), "assignee": issue.Text("fields.assignee.displayName"),
		}),
		Details: foreign.Details(map[string]any{
			"description": issue.Text("fields.description"), "resolution": issue.Text("fields.resolution.name"), "event": event,
		}),
	}
	if a.OccurredAt.IsZero() {
		a.OccurredAt = issue.Time("fields.updated", "fields.created")
	}
	a.Action = asked(o, issue, event)
	a.Severity, a.Warnings = foreign.Severity(issue.Text("fields.priority.name"), alert.Error, nil)
	return []alert.Alert{a}, nil
}

func asked(o, issue foreign.Object, event string) alert.Action {
	switch {
	case strings.HasSuffix(event, "issue_deleted"):
		return alert.Resolve
	case strings.HasPrefix(event, "comment"), strings.HasPrefix(event, "worklog"), strings.HasPrefix(event, "attachment"), strings.HasPrefix(event, "issuelink"):
		return alert.Ignore
	case isDone(issue):
		return alert.Resolve
	case strings.HasSuffix(event, "issue_created"), event == "":
		return alert.Trigger
	}
	for _, item := range o.List("changelog.items") {
		to, from := strings.ToLower(item.Text("toString")), strings.ToLower(item.Text("fromString"))
		switch strings.ToLower(item.Text("field")) {
		case "priority":
			return alert.Trigger
		case "resolution":
			if to == "" && from != "" {
				return alert.Trigger
			}
		case "status":
			if strings.HasPrefix(to, "reopen") || slices.Contains(over, from) {
				return alert.Trigger
			}
		}
	}
	return alert.Ignore
}

func isDone(issue foreign.Object) bool {
	if category := issue.Text("fields.status.statusCategory.key"); category != "" {
		return strings.EqualFold(category, "done")
	}
	return issue.Text("fields.resolution.name") != "" || slices.Contains(over, strings.ToLower(issue.Text("fields.status.name", "fields.status")))
}

// browse is the page of an issue beside its address in the API.
func browse(self, key string) string {
	base, _, found := strings.Cut(self, "/rest/")
	if !found || key == "" {
		return ""
	}
	return base + "/browse/" + url.PathEscape(key)
}

// Verify proves that a webhook was made with its secret: X-Hub-Signature is "sha256=" and HMAC-SHA256 of the body.
func Verify(p alert.Post, secret string) error {
	given := foreign.First(p.Header["x-hub-signature"], p.Header["x-hub-signature-256"])
	if given == "" {
		return fault.New(fault.Unauthenticated, "this integration has a secret: the webhook must be signed with it in X-Hub-Signature")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(p.Body)
	got, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(given), "sha256="))
	if err != nil || !hmac.Equal(got, mac.Sum(nil)) {
		return fault.New(fault.Unauthenticated, "X-Hub-Signature is not what the secret of this integration makes of this body")
	}
	return nil
}
