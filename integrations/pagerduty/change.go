package pagerduty

import (
	"net/http"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
)

// DecodeChange reads one change event (/v2/change/enqueue) and its routing key. It is kept, and pages nobody. Errors: those of
// Decode. Source: developer.pagerduty.com, "Send a change event".
func DecodeChange(raw []byte) (routingKey string, a alert.Alert, err error) {
	if len(raw) > BodyLimit {
		return "", alert.Alert{}, tooLarge(raw)
	}
	top, problem := object(raw)
	if problem != nil {
		return "", alert.Alert{}, invalid(problem)
	}
	r := reader{fields: top}
	routingKey = r.text("routing_key", 0)
	if !r.has("payload") {
		r.wrong("'payload' is missing or blank")
	}
	a = change(a.OccurredAt)
	a.Links, a.Images = r.links(), r.images()
	if r.has("payload") {
		fields, problem := object(r.fields["payload"])
		if problem != nil {
			r.wrong("'payload' must be an object")
		}
		p := reader{fields: fields, path: "payload."}
		a.Title = p.neededWithin("summary", summaryLimit)
		a.Source = p.text("source", 0)
		a.OccurredAt = p.time("timestamp")
		a.Details = p.details()
		if problem == nil {
			r.errors = append(r.errors, p.errors...)
		}
	}
	if len(r.errors) > 0 {
		return routingKey, alert.Alert{}, invalid(&Problem{Status: "invalid event", Message: "Event object is invalid", Errors: r.errors})
	}
	return routingKey, a, nil
}

// AnswerChange is status and body for a change event: 202 without a key, since nothing can be said about a change later.
func AnswerChange(_ string, err error) (status int, body []byte) {
	if err == nil {
		return http.StatusAccepted, written(struct {
			Status  string `json:"status"`
			Message string `json:"message"`
		}{"success", "Change event processed"})
	}
	return Answer("", err)
}

func tooLarge(raw []byte) error {
	return fault.New(fault.TooLarge, "event has %d bytes, at most %d are taken", len(raw), BodyLimit)
}
