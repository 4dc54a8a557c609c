package oncall

import (
	"math"
	"time"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/org"
)

const (
	// shortest is the shortest custom turn. Blueprints refuse shorter ones; here they must only not stop the world.
	shortest = time.Minute
	// longest is the longest turn in days, so that the next handoff is a date.
	longest = 1_000_000
)

// turn is the turn of an instant that is not before the start of the layer. It is computed, not walked to: a layer
// may have run for years.
func (l layer) turn(at time.Time) piece {
	if l.Rotation.Every == org.Custom {
		return l.fixedTurn(at)
	}
	start := l.Start.In(l.zone)
	year, month, day := start.Date()
	timeOfDay := time.Duration(start.Hour())*time.Hour + time.Duration(start.Minute())*time.Minute +
		time.Duration(start.Second())*time.Second + time.Duration(start.Nanosecond())
	length := int64(min(max(l.Rotation.Count, 1), longest))
	if l.Rotation.Every == org.Weekly {
		length *= 7
	}
	handoff := func(n int64) time.Time {
		if n <= 0 {
			return l.Start // which may lie in the second pass of a repeated hour
		}
		return calendar.Instant(l.zone, org.Date{Year: year, Month: month, Day: day + int(n*length)}, timeOfDay)
	}
	n := max(0, (civilDay(at.In(l.zone))-civilDay(start))/length)
	for n > 0 && at.Before(handoff(n)) {
		n--
	}
	for !at.Before(handoff(n + 1)) {
		n++
	}
	return piece{person: l.who(n), from: handoff(n), until: handoff(n + 1)}
}

func (l layer) fixedTurn(at time.Time) piece {
	each := max(l.Rotation.Each, shortest)
	start, n := l.Start, int64(0)
	// A time.Duration ends after 292 years; a start may lie further back.
	for at.Sub(start) == math.MaxInt64 {
		skip := math.MaxInt64 / int64(each)
		start, n = start.Add(time.Duration(skip)*each), n+skip
	}
	more := int64(at.Sub(start) / each)
	from := start.Add(time.Duration(more) * each)
	return piece{person: l.who(n + more), from: from, until: from.Add(each)}
}

// civilDay numbers the days of the civil calendar.
func civilDay(t time.Time) int64 {
	y, m, d := t.Date()
	seconds := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()
	return seconds / 86_400 // exact: these are midnights
}
