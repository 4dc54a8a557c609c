// Package pagerduty reads events in the format of PagerDuty's Events API v2 and answers in its words, so that a monitor
// that pages through PagerDuty needs a new address and nothing else. It knows no routing keys: whether one is ours is
// decided elsewhere. Source: developer.pagerduty.com, "Send an Alert Event" and its OpenAPI description.
package pagerduty

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// PagerDuty's limits.
const (
	BodyLimit    = 512 << 10 // bytes
	summaryLimit = 1024      // characters
	dedupLimit   = 255       // characters
)

// mostErrors keeps the answer to a bad event from being longer than the event.
const mostErrors = 50

// Problem is what is wrong with an event, in PagerDuty's shape. It is the cause of the errors of Decode.
type Problem struct {
	Status  string   `json:"status"`
	Message string   `json:"message"`
	Errors  []string `json:"errors"`
}

func (p *Problem) Error() string { return strings.Join(p.Errors, "; ") }

// Decode reads one event and its routing key. A trigger may come without a dedup key. Errors: fault.TooLarge, or
// fault.Invalid with a *Problem that lists everything that is wrong; the routing key is returned all the same when it
// could be read. What PagerDuty does not name is ignored; links that are no web addresses are left out, and so is a time
// that cannot be read: an alert is worth more than its decoration.
func Decode(raw []byte) (routingKey string, a alert.Alert, err error) { return decodeEvent(raw, true) }

func decodeEvent(raw []byte, keyed bool) (routingKey string, a alert.Alert, err error) {
	if len(raw) > BodyLimit {
		return "", alert.Alert{}, tooLarge(raw)
	}
	top, problem := object(raw)
	if problem != nil {
		return "", alert.Alert{}, invalid(problem)
	}
	r := reader{fields: top, lenient: !keyed}
	if keyed {
		routingKey = r.needed("routing_key")
	}
	a = alert.Alert{
		Action:    r.action(),
		DedupKey:  r.text("dedup_key", dedupLimit),
		Client:    r.text("client", 0),
		ClientURL: foreign.Web(r.text("client_url", 0)),
		Links:     r.links(),
		Images:    r.images(),
	}
	switch a.Action {
	case alert.Trigger:
		if strings.TrimSpace(a.DedupKey) == "" {
			a.DedupKey = "" // a key that nobody can see is none
		}
		r.payload(&a)
	case alert.Acknowledge, alert.Resolve:
		if strings.TrimSpace(a.DedupKey) == "" {
			r.wrong("'dedup_key' is missing or blank")
		}
	}
	if len(r.errors) > 0 {
		return routingKey, alert.Alert{}, invalid(&Problem{
			Status: "invalid event", Message: "Event object is invalid", Errors: r.errors,
		})
	}
	return routingKey, a, nil
}

func invalid(p *Problem) error { return fault.Wrap(fault.Invalid, p, "%s", p.Message) }

// object reads exactly one JSON object. Names are taken as they are written, as PagerDuty does.
func object(raw []byte) (map[string]json.RawMessage, *Problem) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	var fields map[string]json.RawMessage
	if err := decoder.Decode(&fields); err != nil || fields == nil {
		return nil, unrecognized()
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, unrecognized()
	}
	return fields, nil
}

func unrecognized() *Problem {
	return &Problem{
		Status: "Unrecognized object", Message: "Event object format is unrecognized", Errors: []string{"JSON parse error"},
	}
}

// reader collects everything that is wrong.
type reader struct {
	fields map[string]json.RawMessage
	path   string // "payload." inside the payload
	errors []string

	lenient bool // a title that is too long is cut by whoever keeps it
}

func (r *reader) wrong(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// raw is a field as it was written; null when it is missing.
func (r *reader) raw(name string) json.RawMessage {
	if raw, ok := r.fields[name]; ok {
		return raw
	}
	return json.RawMessage("null")
}

func (r *reader) has(name string) bool {
	raw, ok := r.fields[name]
	return ok && string(raw) != "null"
}

// text of an optional field; a limit of zero is none.
func (r *reader) text(name string, limit int) string {
	if !r.has(name) {
		return ""
	}
	var s string
	if json.Unmarshal(r.fields[name], &s) != nil {
		r.wrong("'%s%s' must be a string", r.path, name)
		return ""
	}
	s = clean(s)
	if limit > 0 && utf8.RuneCountInString(s) > limit {
		r.wrong("'%s%s' is too long (maximum is %d characters)", r.path, name, limit)
	}
	return s
}

// needed is a field that must be there and not blank.
func (r *reader) needed(name string) string { return r.neededWithin(name, 0) }

func (r *reader) neededWithin(name string, limit int) string {
	before := len(r.errors)
	s := strings.TrimSpace(r.text(name, limit))
	if s == "" && len(r.errors) == before {
		r.wrong("'%s%s' is missing or blank", r.path, name)
	}
	return s
}

func (r *reader) action() alert.Action {
	before := len(r.errors)
	switch action := alert.Action(r.needed("event_action")); action {
	case alert.Trigger, alert.Acknowledge, alert.Resolve:
		return action
	}
	if len(r.errors) == before {
		r.wrong("'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')")
	}
	return ""
}

func (r *reader) payload(a *alert.Alert) {
	if !r.has("payload") {
		r.wrong("'payload' is missing or blank")
		return
	}
	fields, problem := object(r.fields["payload"])
	if problem != nil {
		r.wrong("'payload' must be an object")
		return
	}
	p := reader{fields: fields, path: "payload."}
	limit := summaryLimit
	if r.lenient {
		limit = 0
	}
	a.Title = p.neededWithin("summary", limit)
	a.Source = p.needed("source")
	a.Severity = p.severity()
	a.OccurredAt = p.time("timestamp")
	a.Details = p.details()
	r.errors = append(r.errors, p.errors...)
}

func (r *reader) severity() alert.Severity {
	before := len(r.errors)
	severity := alert.Severity(strings.ToLower(r.needed("severity")))
	switch severity {
	case alert.Critical, alert.Error, alert.Warning, alert.Info:
		return severity
	}
	if len(r.errors) == before {
		r.wrong("'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
	}
	return ""
}

// time is zero when it cannot be read. Offsets come with and without a colon; without one UTC is meant.
func (r *reader) time(name string) time.Time {
	var s string
	if !r.has(name) || json.Unmarshal(r.fields[name], &s) != nil {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00"} {
		at, err := time.Parse(layout, strings.TrimSpace(s))
		// A year of five digits cannot be written as JSON again.
		if err == nil && at.UTC().Year() > 0 && at.UTC().Year() < 10000 {
			return at.UTC()
		}
	}
	return foreign.Time(s)
}

// details are custom_details, whatever JSON they are, with component, group and class beside them.
func (r *reader) details() map[string]any {
	details := map[string]any{}
	if r.has("custom_details") {
		switch v := foreign.Value(r.fields["custom_details"]).(type) {
		case map[string]any:
			details = v
		default:
			details["custom_details"] = v
		}
	}
	for _, name := range []string{"component", "group", "class"} {
		if s := r.text(name, 0); s != "" {
			if _, taken := details[name]; !taken {
				details[name] = s
			}
		}
	}
	if len(details) == 0 {
		return nil
	}
	return details
}

// clean drops NUL, which no database text can hold.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", "") }

func (r *reader) links() []alert.Link {
	var out []alert.Link
	r.each("links", func(one reader) []string {
		href, text := one.needed("href"), one.text("text", 0)
		if href = foreign.Web(href); href != "" {
			out = append(out, alert.Link{Href: href, Text: text})
		}
		return one.errors
	})
	return out
}

func (r *reader) images() []alert.Image {
	var out []alert.Image
	r.each("images", func(one reader) []string {
		image := alert.Image{Source: foreign.Web(one.needed("src")), Href: foreign.Web(one.text("href", 0)), Alt: one.text("alt", 0)}
		if strings.HasPrefix(image.Source, "https:") { // "must be served via HTTPS"
			out = append(out, image)
		}
		return one.errors
	})
	return out
}

// each calls read for every object of an optional list.
func (r *reader) each(name string, read func(reader) []string) {
	if !r.has(name) {
		return
	}
	var list []json.RawMessage
	if json.Unmarshal(r.fields[name], &list) != nil {
		r.wrong("'%s' must be an array", name)
		return
	}
	for i, raw := range list {
		if len(r.errors) >= mostErrors {
			return
		}
		path := fmt.Sprintf("%s[%d]", name, i)
		fields, problem := object(raw)
		if problem != nil {
			r.wrong("'%s' must be an object", path)
			continue
		}
		r.errors = append(r.errors, read(reader{fields: fields, path: path + "."})...)
	}
}
