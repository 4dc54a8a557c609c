package oncall

import (
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// layer is one rotation on the wall of its schedule's zone.
type layer struct {
	org.Layer
	zone *time.Location
}

// patience bounds the search for the end of a span in which a layer has nobody. What is left over is only a cut
// between two spans that say the same, which Shifts joins again.
const patience = 64

// piece is what the layer says around an instant. When it has nobody, the piece reaches to where it has somebody.
func (l layer) piece(at time.Time) piece {
	p := l.part(at)
	if p.person != "" || l.empty() {
		return p
	}
	for range patience {
		if p.until.IsZero() {
			break
		}
		next := l.part(p.until)
		if next.person != "" {
			break
		}
		p.until = next.until
	}
	for range patience {
		if p.from.IsZero() {
			break
		}
		previous := l.part(p.from.Add(-1))
		if previous.person != "" {
			break
		}
		p.from = previous.from
	}
	return p
}

func (l layer) empty() bool {
	for _, p := range l.People {
		if p != "" {
			return false
		}
	}
	return true
}

// part is one turn within the hours to which the layer is restricted, or one span outside of them.
func (l layer) part(at time.Time) piece {
	switch {
	case l.empty():
		return piece{}
	case at.Before(l.Start):
		return piece{until: l.Start}
	case !l.Until.IsZero() && !at.Before(l.Until):
		return piece{from: l.Until}
	}
	t := l.turn(at)
	t.until = sooner(t.until, l.Until)
	if len(l.Only) == 0 {
		return t
	}
	hours, open := l.hours(at, t)
	if !open {
		return piece{from: later(hours.From, l.Start), until: sooner(hours.Until, l.Until)}
	}
	t.from, t.until = later(t.from, hours.From), sooner(t.until, hours.Until)
	return t
}

// who has turn number n. Turns are counted from the start of the layer, so the list alone decides who follows whom.
func (l layer) who(n int64) id.Person { return l.People[n%int64(len(l.People))] }
