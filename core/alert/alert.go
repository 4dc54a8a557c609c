// Package alert is what a monitor says, after its own dialect has been decoded.
package alert

import (
	"time"

	"github.com/belayhq/belay/core/org"
)

// Action is what the sender wants done.
type Action string

const (
	Trigger     Action = "trigger"
	Acknowledge Action = "acknowledge"
	Resolve     Action = "resolve"
	Ignore      Action = "ignore" // nothing is to be done: a test, a change, a state that is none
)

// Severity is the technical seriousness of the fault, apart from its priority.
type Severity string

const (
	Critical Severity = "critical"
	Error    Severity = "error"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// rank orders severities, worst first; what nobody knows is treated as an error, because silence would be worse.
func (s Severity) rank() int {
	switch s {
	case Critical:
		return 1
	case Error:
		return 2
	case Warning:
		return 3
	case Info:
		return 4
	}
	return 2
}

// WorseThan reports whether s is more serious than other.
func (s Severity) WorseThan(other Severity) bool { return s.rank() < other.rank() }

// Alert is one event from one sender.
type Alert struct {
	Action     Action         `json:"action"`
	DedupKey   string         `json:"dedup_key"`
	Title      string         `json:"title"`
	Source     string         `json:"source,omitempty"`
	Status     string         `json:"status,omitempty"` // as the sender calls it: "firing", "ALARM", "recovered"
	Severity   Severity       `json:"severity"`
	OccurredAt time.Time      `json:"occurred_at,omitzero"` // by the sender's clock
	Links      []Link         `json:"links,omitempty"`
	Images     []Image        `json:"images,omitempty"`
	Details    map[string]any `json:"details,omitempty"`
	Labels     Labels         `json:"labels,omitempty"`   // short names and values, for rules to choose by
	Warnings   []string       `json:"warnings,omitempty"` // what was not understood and what was taken instead
	Client     string         `json:"client,omitempty"`
	ClientURL  string         `json:"client_url,omitempty"`
}

// Labels are what a sender says of an alert in names and values.
type Labels map[string]string

// Link is shown with the escalation.
type Link struct {
	Href string `json:"href"`
	Text string `json:"text,omitempty"`
}

// Image is shown with the escalation; the source is an https URL.
type Image struct {
	Source string `json:"src"`
	Href   string `json:"href,omitempty"`
	Alt    string `json:"alt,omitempty"`
}

// Priority is impact × urgency (the ITIL matrix, max(1, impact + urgency - 1)), with the severity as urgency:
// critical 1, error 2, warning 3, info 4. Impact runs from 1 (high) to 3 (low).
func Priority(impact int, s Severity) org.Priority {
	level := min(5, max(1, impact+s.rank()-1))
	return org.Priorities()[level-1]
}
