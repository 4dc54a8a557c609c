package pagerduty

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/belayhq/belay/core/fault"
)

// Answer is status and body for an event: 202 with the dedup key when err is nil, else what the error says in
// PagerDuty's words. PagerDuty's senders give up on 4xx and come back on 429 and 5xx; fault.RetryAfter is for the
// Retry-After header.
func Answer(dedupKey string, err error) (status int, body []byte) {
	if err == nil {
		return http.StatusAccepted, written(struct {
			Status   string `json:"status"`
			Message  string `json:"message"`
			DedupKey string `json:"dedup_key"`
		}{"success", "Event processed", dedupKey})
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict:
		var problem *Problem
		if errors.As(err, &problem) {
			return http.StatusBadRequest, written(problem)
		}
		return http.StatusBadRequest, written(&Problem{"invalid event", "Event object is invalid", []string{err.Error()}})
	case fault.NotFound, fault.Unauthenticated, fault.Denied:
		// Which of them is nobody's business who does not have the key.
		return http.StatusBadRequest, written(&Problem{"invalid event", "Event object is invalid", []string{"Invalid routing key"}})
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge, written(&Problem{
			"invalid event", "Event object is too large", []string{"Event object exceeds the limit of 512 KB"},
		})
	case fault.Throttled:
		return http.StatusTooManyRequests, written(&Problem{
			"throttle exceeded", "Requests for this service are arriving too quickly. Please retry later.", []string{"Too many requests"},
		})
	case fault.Unavailable:
		return http.StatusServiceUnavailable, written(&Problem{"unavailable", "Event not processed, please retry", []string{}})
	case fault.Internal:
	}
	return http.StatusInternalServerError, written(&Problem{"internal error", "Event not processed, please retry", []string{}})
}

func written(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		// Strings can always be written.
		return []byte(`{"status":"internal error","message":"Event not processed, please retry"}`)
	}
	return body
}
