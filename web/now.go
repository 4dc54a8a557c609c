package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

const (
	mostShown = 1000 // live escalations on one page
	overShown = 20   // ended ones below

	approaching = time.Hour // how long before something happens a watched ticket joins the list
	reloadList  = 5         // seconds, without script
)

// board is what the start page shows.
type board struct {
	Want  want
	Live  []service.Escalation // by next automatic action
	Over  []service.Escalation // newest first
	More  bool                 // there are more live ones than are shown
	All   int                  // live ones before filtering
	Units []tally
	Teams []tally
}

// tally counts the live escalations of one unit or team, among those that the other filters let through.
type tally struct {
	ID   string
	Name string
	Open int // nobody has them
	Live int
}

// board reads what is live, and what has ended when that is asked for.
func (s *Site) board(ctx context.Context, f frame, w want) (board, error) {
	b := board{Want: w}
	watched, moreWatched, err := s.approaching(ctx, f, w)
	if err != nil {
		return board{}, err
	}
	b.Live = watched
	filter := service.Filter{States: []escalation.Phase{escalation.Open, escalation.Acked}, Limit: mostShown, Brief: true}
	for {
		p, err := s.Search.List(ctx, f.Caller, filter)
		if err != nil {
			return board{}, err
		}
		b.Live = append(b.Live, p.Escalations...)
		if b.More = p.Cursor != ""; !b.More || len(b.Live)-len(watched) >= mostShown {
			break
		}
		filter.Cursor = p.Cursor
	}
	b.More = b.More || moreWatched
	slices.SortStableFunc(b.Live, byNext)
	b.All = len(b.Live)
	b.Units, b.Teams = tallies(f.org, b.Live, w)
	b.Live = slices.DeleteFunc(b.Live, func(e service.Escalation) bool { return !w.matches(f.org, e) })
	if w.State != "" || f.Wall {
		return b, nil // whoever asks for one state, or looks at a wall, asks for what goes on
	}
	p, err := s.Search.List(ctx, f.Caller, service.Filter{
		States: []escalation.Phase{escalation.ResolvedP, escalation.Closed}, Limit: overShown, Brief: true,
	})
	if err != nil {
		return board{}, err
	}
	b.Over = slices.DeleteFunc(p.Escalations, func(e service.Escalation) bool { return !w.matches(f.org, e) })
	return b, nil
}

// approaching are the watched tickets for which something happens soon, soonest first. Whoever asks for the state sees all
// that is watched. More than fit on one page are not read, and more says so.
func (s *Site) approaching(ctx context.Context, f frame, w want) (list []service.Escalation, more bool, err error) {
	filter := service.Filter{States: []escalation.Phase{escalation.Watched}, ByNext: true, Limit: mostShown, Brief: true}
	soon := s.Now().Add(approaching)
	for {
		p, err := s.Search.List(ctx, f.Caller, filter)
		if err != nil {
			return nil, false, err
		}
		for _, e := range p.Escalations {
			if w.State != escalation.Watched && (e.Next.At.IsZero() || e.Next.At.After(soon)) {
				return list, false, nil
			}
			list = append(list, e)
		}
		if more = p.Cursor != ""; !more || len(list) >= mostShown {
			return list, more, nil
		}
		filter.Cursor = p.Cursor
	}
}

// tallies count by unit and by team. Each is counted among what all filters but its own let through, so that one sees
// where else to look.
func tallies(o *org.Org, all []service.Escalation, w want) (units, teams []tally) {
	anyUnit, anyTeam := w, w
	anyUnit.Unit, anyTeam.Team = "", ""
	count := func(into []tally, id, name string, e service.Escalation) []tally {
		if id == "" {
			return into
		}
		i := slices.IndexFunc(into, func(t tally) bool { return t.ID == id })
		if i < 0 {
			into, i = append(into, tally{ID: id, Name: or2(name, id)}), len(into)
		}
		into[i].Live++
		if e.State == escalation.Open {
			into[i].Open++
		}
		return into
	}
	for _, e := range all {
		if anyUnit.matches(o, e) {
			unit := unitOf(o, e)
			units = count(units, string(unit), o.Units[unit].Name, e)
		}
		if anyTeam.matches(o, e) {
			team := o.Services[e.Service].Owner
			teams = count(teams, string(team), o.Teams[team].Name, e)
		}
	}
	byName := func(a, b tally) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) }
	slices.SortFunc(units, byName)
	slices.SortFunc(teams, byName)
	return units, teams
}

// byNext puts what happens first on top; what waits for a human only comes last, the most urgent first.
func byNext(a, b service.Escalation) int {
	x, y := a.Next.At, b.Next.At
	switch {
	case x.IsZero() && !y.IsZero():
		return 1
	case !x.IsZero() && y.IsZero():
		return -1
	case !x.Equal(y):
		return x.Compare(y)
	case a.Priority < b.Priority:
		return -1
	case a.Priority > b.Priority:
		return 1
	}
	return b.OpenedAt.Compare(a.OpenedAt)
}

func (b board) count(p escalation.Phase) int {
	n := 0
	for _, e := range b.Live {
		if e.State == p {
			n++
		}
	}
	return n
}

// pause says why nobody is being called although it is live; empty when the ladder climbs.
func (f frame) pause(e service.Escalation) string {
	switch {
	case !e.SnoozedUntil.IsZero():
		return f.t("Paused: snoozed")
	case e.State == escalation.Acked && (e.Next.Action == "update_due" || e.Next.Action == "resolve_due" || e.Next.At.IsZero()):
		return f.t("Paused: acknowledged")
	}
	return ""
}

func (s *Site) now(c echo.Context) error {
	f := s.frame(c, "").living(c, reloadList)
	f.Title = f.t("Now")
	w, err := wanted(c.QueryParams(), f.terms())
	if err != nil {
		return err
	}
	b, err := s.board(c.Request().Context(), f, w)
	if err != nil {
		return err
	}
	f.Answer = s.takeAnswer(c)
	return s.render(c, http.StatusOK, nowPage(f, b))
}

func (s *Site) nowEvents(c echo.Context) error {
	f := s.frame(c, "")
	w, err := wanted(c.QueryParams(), f.terms())
	if err != nil {
		return err
	}
	return s.stream(c, func(ctx context.Context) ([]part, error) {
		b, err := s.board(ctx, f, w)
		if err != nil {
			return nil, err
		}
		f := f.at(s.Now())
		counts := part{Event: "counts", Data: []any{b.count(escalation.Open), len(b.Live), len(b.Over), b.All, b.Units, b.Teams}, Page: countsView(f, b)}
		return []part{counts, rows("live", f, b.Live), rows("over", f, b.Over)}, nil
	})
}

// rows are a list of which only the rows that changed are sent again, with the order of all.
func rows(event string, f frame, all []service.Escalation) part {
	p := part{Event: event}
	for _, e := range all {
		p.Order = append(p.Order, "row-"+string(e.ID))
		p.Rows = append(p.Rows, part{Event: event + " " + string(e.ID), Data: e, Page: row(f, e)})
	}
	return p
}

// at is the same frame later.
func (f frame) at(now time.Time) frame {
	f.Now = now
	return f
}
