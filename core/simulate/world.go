package simulate

import (
	"time"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/policy"
)

// World answers what the machine asks. The workflow asks activities the same questions.
type World interface {
	Muster(call policy.Call) policy.Roll
	Due(calendar id.Calendar, from time.Time, within time.Duration) time.Time
	Compile(c escalation.Compile) (policy.Plan, error)
	Engage(parent escalation.Summary, vendor id.Vendor, number int, at time.Time) (escalation.Opening, error)
}

// In is the world of one organisation as it stands.
type In struct{ Directory policy.Directory }

func (w In) Muster(call policy.Call) policy.Roll { return policy.Muster(w.Directory, call) }

// Due on a calendar that is gone, or that never opens, is counted in wall time: early is better than never.
func (w In) Due(c id.Calendar, from time.Time, within time.Duration) time.Time {
	if known, ok := w.Directory.Org.Calendars[c]; ok {
		if due, err := calendar.Due(known, from, within); err == nil {
			return due
		}
	}
	return from.Add(within)
}

func (w In) Compile(c escalation.Compile) (policy.Plan, error) {
	return policy.Compile(w.Directory.Revision, w.Directory.Org, c.Service, c.Kind, c.Priority)
}

func (w In) Engage(parent escalation.Summary, vendor id.Vendor, number int, at time.Time) (escalation.Opening, error) {
	return escalation.Engaging(w.Directory.Revision, w.Directory.Org, parent, vendor, number, at)
}
