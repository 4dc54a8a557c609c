package activities

import (
	"context"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/policy"
)

// Directory answers questions about the organisation as it is now.
type Directory struct{ Directories Directories }

// Muster finds the people of a tier.
func (d *Directory) Muster(_ context.Context, call policy.Call) (policy.Roll, error) {
	return policy.Muster(d.Directories.Current(), call), nil
}

// Reckon finds the instant at which a duration has passed on a calendar. A calendar that is gone counts around the
// clock: a promise that is kept too early harms nobody, one without an end does.
func (d *Directory) Reckon(_ context.Context, r contract.Reckon) (contract.Reckoned, error) {
	around := contract.Reckoned{Due: r.From.Add(r.For)}
	now := d.Directories.Current()
	if r.Calendar == "" || now.Org == nil {
		return around, nil
	}
	hours, known := now.Org.Calendars[r.Calendar]
	if !known {
		return around, nil
	}
	due, err := calendar.Due(hours, r.From, r.For)
	if err != nil {
		return contract.Reckoned{}, fault.Wrap(fault.Invalid, err, "reckon %s on calendar %q from %s", r.For, r.Calendar, r.From.Format(time.RFC3339))
	}
	return contract.Reckoned{Due: due}, nil
}
