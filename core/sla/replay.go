package sla

import (
	"cmp"
	"slices"
	"time"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
)

// Looked reports whether any trigger is meant for a ticket.
func (b Book) Looked(t ticket.Ticket) bool {
	for _, trigger := range b.Triggers {
		if Meant(trigger.For, t) {
			return true
		}
	}
	return false
}

// Replay says what would have been done about a ticket between two instants, by instant: every threshold when it was
// reached, every trigger when it began to hold. It looks at each version as it was then, not as it turned out.
func (b Book) Replay(h ticket.History, from, to time.Time) []Alarm {
	var list []Alarm
	fired, holding := map[string]bool{}, map[string]bool{}
	for n, v := range h {
		until := to
		if n+1 < len(h) {
			until = h[n+1].At
		}
		for at := v.At; !at.After(until); {
			verdict := b.Judge(h[:n+1], at)
			now := map[string]bool{}
			for _, t := range verdict.Triggers {
				now[t.Key] = true
				if !holding[t.Key] {
					t.At = at
					list = append(list, t)
				}
			}
			holding = now
			next := verdict.LookAt
			for _, a := range verdict.Alarms {
				if fired[a.Key] {
					continue
				}
				if a.At.After(at) {
					if next.IsZero() || a.At.Before(next) {
						next = a.At
					}
					continue
				}
				fired[a.Key] = true
				list = append(list, a)
			}
			if next.IsZero() || !next.Before(until) && n+1 < len(h) {
				break // the next version comes first
			}
			at = next
		}
	}
	list = slices.DeleteFunc(list, func(a Alarm) bool { return a.At.Before(from) || a.At.After(to) })
	slices.SortStableFunc(list, func(x, y Alarm) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Key, y.Key)) })
	return list
}

// Watching is a trigger that is meant for a ticket, with its calendar found.
type Watching struct {
	org.Trigger
	Hours *org.Calendar // nil: around the clock
}

// Watching are the triggers that are meant for a ticket, in their order.
func (b Book) Watching(t ticket.Ticket) []Watching {
	var list []Watching
	for _, trigger := range b.Triggers {
		if !Meant(trigger.For, t) {
			continue
		}
		w := Watching{Trigger: trigger}
		if hours, known := b.Calendars[trigger.Calendar]; known {
			w.Hours = &hours
		}
		list = append(list, w)
	}
	return list
}
