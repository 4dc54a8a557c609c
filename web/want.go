package web

import (
	"net/url"
	"slices"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

// want is what a reader of the start page asks to see. It lives in the address, so that a view can be kept and sent.
type want struct {
	Unit     id.Unit
	Team     id.Team
	Service  id.Service
	Priority org.Priority
	State    escalation.Phase
	Mine     id.Person // told, or has it; from ?mine=1 and who looks
	wall     bool
}

// liveStates are those in which something may still happen by itself that concerns people.
func liveStates() []escalation.Phase {
	return []escalation.Phase{escalation.Open, escalation.Acked, escalation.Watched}
}

// wanted reads an address. What is not known there is a mistake: an empty list would look like peace.
// Terms of the organisation are understood as well: people type what they see.
func wanted(q url.Values, terms org.Terms) (want, error) {
	w := want{
		Unit: id.Unit(q.Get("unit")), Team: id.Team(q.Get("team")), Service: id.Service(q.Get("service")),
		Priority: org.Priority(q.Get("priority")), State: escalation.Phase(q.Get("state")), wall: q.Get("wall") == "1",
	}
	if p := terms.ReadPriority(string(w.Priority)); p != "" {
		w.Priority = p
	}
	if s := terms.ReadState(string(w.State)); s != "" {
		w.State = escalation.Phase(s)
	}
	if w.Priority != "" && !slices.Contains(org.Priorities(), w.Priority) {
		return want{}, fault.Field("priority", "%q is none of %q", string(w.Priority), org.Priorities())
	}
	if w.State != "" && !slices.Contains(liveStates(), w.State) {
		return want{}, fault.Field("state", "%q is none of %q", string(w.State), liveStates())
	}
	if person := q.Get("mine"); person != "" {
		w.Mine = id.Person(person)
	}
	return w, nil
}

func (w want) matches(o *org.Org, e service.Escalation) bool {
	switch {
	case w.Unit != "" && !within(o, unitOf(o, e), w.Unit),
		w.Team != "" && o.Services[e.Service].Owner != w.Team,
		w.Service != "" && e.Service != w.Service,
		w.Priority != "" && e.Priority != w.Priority,
		w.State != "" && e.State != w.State,
		w.Mine != "" && e.AcknowledgedBy != w.Mine && !slices.Contains(e.Told, w.Mine):
		return false
	}
	return true
}

// unitOf an escalation: as it was when it opened, or as its service stands now.
func unitOf(o *org.Org, e service.Escalation) id.Unit {
	if e.Unit != "" {
		return e.Unit
	}
	s := o.Services[e.Service]
	if s.Unit != "" {
		return s.Unit
	}
	return o.Teams[s.Owner].Unit
}

// within reports whether a unit is another one or below it. The tree is checked when it is applied; the bound is for
// one that was not.
func within(o *org.Org, unit, above id.Unit) bool {
	for range 100 {
		if unit == above {
			return true
		}
		parent, ok := o.Units[unit]
		if !ok || parent.Parent == "" {
			return false
		}
		unit = parent.Parent
	}
	return false
}

// some: the reader asked for less than everything.
func (w want) some() bool {
	w.wall = false
	return w != want{}
}

// query of an address that asks for this; empty for everything.
func (w want) query() string {
	q := url.Values{}
	for name, value := range map[string]string{
		"unit": string(w.Unit), "team": string(w.Team), "service": string(w.Service), "priority": string(w.Priority),
		"state": string(w.State), "mine": string(w.Mine),
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if w.wall {
		q.Set("wall", "1")
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// toggled is this, with a unit or a team chosen or let go.
func (w want) toggledUnit(unit string) want {
	if string(w.Unit) == unit {
		unit = ""
	}
	w.Unit = id.Unit(unit)
	return w
}

func (w want) toggledTeam(team string) want {
	if string(w.Team) == team {
		team = ""
	}
	w.Team = id.Team(team)
	return w
}

func (w want) onWall(wall bool) want {
	w.wall = wall
	return w
}
