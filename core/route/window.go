package route

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// covered says which window covers an event that would escalate: of several, the one of the first name.
func (r *Router) covered(d Decision, e expr.Event, by []org.Window) Decision {
	e.Service = d.Service
	windows := slices.SortedFunc(maps.Values(r.org.Windows), func(a, b org.Window) int { return cmp.Compare(a.ID, b.ID) })
	for _, w := range slices.Concat(windows, by) {
		if !Active(w, e.At) || len(w.Services) > 0 && !slices.Contains(w.Services, d.Service) {
			continue
		}
		when, known := r.windows[w.ID]
		if !known {
			when = r.condition(w.When, expr.Truth)
		}
		matched, err := when.test(e.Vars())
		if err != nil && !errors.Is(err, expr.ErrAbsent) {
			d.Warnings = append(d.Warnings, fmt.Sprintf("window %s was passed over: %v", w.ID, err))
		}
		if err != nil || !matched {
			continue
		}
		if e.Alert.Severity.WorseThan(alert.Severity(w.UpTo)) {
			d.Trace = append(d.Trace, Look{Rule: "window " + string(w.ID), Why: fmt.Sprintf("%s is worse than %s, which it is for", e.Alert.Severity, w.UpTo)})
			continue
		}
		d.Trace = append(d.Trace, Look{Rule: "window " + string(w.ID), Matched: true, Why: "open, and covers up to " + w.UpTo})
		d.Window = w.ID
		return d
	}
	return d
}

// Covered is the window that covers an event at an instant, whatever the rules say; empty: none.
func (r *Router) Covered(d Decision, e expr.Event, by []org.Window) id.Window {
	d.Window = ""
	return r.covered(d, e, by).Window
}

// Open lists the windows that are open at an instant.
func (r *Router) Open(at time.Time, by []org.Window) []id.Window {
	var open []id.Window
	for _, w := range slices.Concat(slices.Collect(maps.Values(r.org.Windows)), by) {
		if Active(w, at) {
			open = append(open, w.ID)
		}
	}
	slices.Sort(open)
	return open
}

// Active reports whether a window is open at an instant. Both edges of a day follow the wall clock of its zone.
func Active(w org.Window, at time.Time) bool {
	if !w.From.IsZero() && at.Before(w.From) || !w.Until.IsZero() && !at.Before(w.Until) {
		return false
	}
	if len(w.Weekly) == 0 {
		return !w.From.IsZero() && !w.Until.IsZero()
	}
	zone := w.Zone
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := at.In(zone).Date()
	for offset := -1; offset <= 0; offset++ {
		day := time.Date(y, m, d+offset, 0, 0, 0, 0, time.UTC)
		for _, hours := range w.Weekly {
			if len(hours.Days) > 0 && !slices.Contains(hours.Days, day.Weekday()) {
				continue
			}
			from, until := instant(zone, day, hours.From), instant(zone, day, hours.Until)
			if hours.Until <= hours.From {
				until = instant(zone, day.AddDate(0, 0, 1), hours.Until)
			}
			if !at.Before(from) && at.Before(until) {
				return true
			}
		}
	}
	return false
}

func instant(zone *time.Location, day time.Time, at org.ClockTime) time.Time {
	y, m, d := day.Date()
	return calendar.Instant(zone, org.Date{Year: y, Month: m, Day: d}, time.Duration(at)*time.Minute)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
