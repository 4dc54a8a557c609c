package calendar

import (
	"time"

	"github.com/belayhq/belay/core/org"
)

// farAhead is more than any zone has ever been ahead of UTC, so that a search may begin this long before its answer.
const farAhead = 26 * time.Hour

// Instant is the first moment at which a clock on the wall of zone shows this date and time of day, or has passed it.
//
// So every time of every day happens exactly once: one that a DST change skips happens when the clock jumps over it,
// one that a DST change repeats happens the first time, and the times of a day that a zone left out altogether
// (Apia, 30 December 2011) all happen when the next day begins. Later wall times never come earlier. A time of day of
// 24 h is the next midnight. A nil zone is UTC.
func Instant(zone *time.Location, date org.Date, timeOfDay time.Duration) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	// want is the reading of the wall clock, written down as if the wall hung in Greenwich.
	want := midnight(date).Add(timeOfDay)
	at := want.Add(-farAhead)
	for {
		local := at.In(zone)
		_, offset := local.Zone()
		_, end := local.ZoneBounds()
		candidate := want.Add(-time.Duration(offset) * time.Second)
		if candidate.Before(at) {
			return at.UTC() // the clock jumped over it
		}
		if end.IsZero() || candidate.Before(end) {
			return candidate
		}
		at = end
	}
}
