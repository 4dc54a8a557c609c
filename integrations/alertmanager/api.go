package alertmanager

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// API is the dialect of Alertmanager's own API v2, POST /api/v2/alerts: what Prometheus, vmalert and Loki's ruler send to their
// Alertmanagers, so that they may send it here. They repeat what fires, and say the end of it once or a few times. Source:
// prometheus/alertmanager, api/v2/openapi.yaml.
func API() alert.Dialect {
	return alert.Dialect{Name: "alertmanager-api", Decode: DecodeAPI, Answer: AnswerAPI}
}

// DecodeAPI reads a list of alerts. One whose end has passed is over; one whose end is to come fires until it is said again.
func DecodeAPI(p alert.Post) ([]alert.Alert, error) {
	all, err := foreign.ReadAll(p)
	if err != nil {
		return nil, err
	}
	var out []alert.Alert
	for n, one := range all {
		if len(one.Inner("labels")) == 0 {
			return nil, fault.Field(fmt.Sprintf("[%d].labels", n), "must tell this alert from others")
		}
		a := Alert(one, foreign.Object{}, p.At)
		a.Client = "Prometheus"
		out = append(out, a)
	}
	return out, nil
}

// AnswerAPI is an empty 200, or the error as a JSON text, as that API says it. Its clients come again after 429 and 5xx.
func AnswerAPI(_ []string, err error) alert.Answer {
	if err == nil {
		return alert.Answer{Status: http.StatusOK, Type: "application/json"}
	}
	status := http.StatusInternalServerError
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict:
		status = http.StatusBadRequest
	case fault.NotFound, fault.Unauthenticated, fault.Denied:
		status = http.StatusUnauthorized
	case fault.TooLarge:
		status = http.StatusRequestEntityTooLarge
	case fault.Throttled:
		status = http.StatusTooManyRequests
	case fault.Unavailable:
		status = http.StatusServiceUnavailable
	case fault.Internal:
	}
	words := http.StatusText(status)
	if status == http.StatusBadRequest {
		words = err.Error()
	}
	body, _ := json.Marshal(words) // texts can always be written
	return alert.Answer{Status: status, Type: "application/json", Body: body}
}
