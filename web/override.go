package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/oncall"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

// cover is the form of an override as somebody filled it in.
type cover struct {
	Schedule org.Schedule
	Zone     *time.Location // in which its times are written
	Person   string
	From     string // "2026-11-24T09:00"
	Until    string
	Reason   string
	Field    string // that is wrong
	Wrong    string
	Preview  *service.Preview
	Now      []oncall.Shift // who is on call in this stretch, while nobody is chosen
}

// wrong is what is wrong with a field; empty: nothing.
func (o cover) wrong(field string) string {
	if field != o.Field {
		return ""
	}
	return o.Wrong
}

const wallTime = "2006-01-02T15:04"

func (s *Site) overrideForm(c echo.Context) error {
	f := s.frame(c, "")
	o, err := s.cover(c, f, c.QueryParam)
	if err != nil {
		return err
	}
	if o.From == "" && o.Until == "" {
		begin := f.Now.In(o.Zone).Truncate(time.Hour).Add(time.Hour)
		o.From, o.Until = begin.Format(wallTime), begin.Add(12*time.Hour).Format(wallTime)
	}
	f.Title = f.t("Make an override")
	if c.QueryParam("from") == "" || c.QueryParam("until") == "" || !f.may(service.Override) {
		return s.render(c, http.StatusOK, overridePage(f, o))
	}
	return s.picked(c, f, o)
}

// picked is the form with a stretch that was picked in the calendar, and what it would change: whoever looks stands in
// unless somebody else is named. Nothing is made yet.
func (s *Site) picked(c echo.Context, f frame, o cover) error {
	ctx := c.Request().Context()
	if o.Person == "" && f.standsIn(f.Caller.Person) {
		o.Person = string(f.Caller.Person)
	}
	wanted, err := o.override()
	if err == nil && o.Person != "" {
		var p service.Preview
		if p, err = s.Covers.Preview(ctx, f.Caller, wanted); err == nil {
			o.Preview = &p
		}
	} else if err == nil && wanted.From.Before(wanted.Until) && wanted.Until.Sub(wanted.From) <= longestLook {
		var r service.Roster
		if r, err = s.OnCall.Roster(ctx, f.Caller, o.Schedule.ID, wanted.From, wanted.Until); err == nil {
			o.Now = r.Shifts
		}
	}
	return s.shown(c, f, o, err)
}

// longestLook is how much of a schedule is read to say who is on call in a stretch.
const longestLook = 62 * 24 * time.Hour

// standsIn reports whether somebody may stand in for others.
func (f frame) standsIn(p id.Person) bool {
	person, known := f.org.People[p]
	return known && !person.Departed && person.Vendor == ""
}

// shown is the form with what is wrong about it, if anything is.
func (s *Site) shown(c echo.Context, f frame, o cover, err error) error {
	if err == nil {
		return s.render(c, http.StatusOK, overridePage(f, o))
	}
	if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Conflict) {
		return err
	}
	p := problemOf(err)
	o.Field, o.Wrong, o.Preview = p.Field, f.retell(p.Detail), nil
	return s.render(c, p.Status, overridePage(f, o))
}

func (s *Site) cover(c echo.Context, f frame, value func(string) string) (cover, error) {
	schedule, ok := f.org.Schedules[id.Schedule(c.Param("id"))]
	if !ok {
		return cover{}, fault.New(fault.NotFound, "there is no schedule %q", c.Param("id"))
	}
	o := cover{
		Schedule: schedule, Zone: zones(f.org)[value("zone")], Person: value("person"),
		From: value("from"), Until: value("until"), Reason: strings.TrimSpace(value("reason")),
	}
	if o.Zone == nil {
		o.Zone = f.zoneOf(schedule)
	}
	return o, nil
}

// override shows what an override would change, and, at the second step, makes it.
func (s *Site) override(c echo.Context) error {
	if err := s.checkForm(c); err != nil {
		return err
	}
	ctx, f := c.Request().Context(), s.frame(c, "")
	f.Title = f.t("Make an override")
	o, err := s.cover(c, f, c.FormValue)
	if err != nil {
		return err
	}
	wanted, err := o.override()
	if err == nil {
		var p service.Preview
		if p, err = s.Covers.Preview(ctx, f.Caller, wanted); err == nil {
			o.Preview = &p
		}
	}
	if err == nil && c.FormValue("step") == "save" {
		_, err = s.Covers.Create(ctx, f.Caller, wanted)
		if err == nil {
			said := f.t("%s is on call from %s until %s.", f.who(o.Person), f.when(wanted.From, o.Zone), f.when(wanted.Until, o.Zone))
			if err := s.leaveAnswer(c, answer{Text: said}); err != nil {
				return err
			}
			q := url.Values{"from": {wanted.From.In(o.Zone).Format(time.DateOnly)}, "zone": {o.Zone.String()}}
			return c.Redirect(http.StatusSeeOther, s.Prefix+schedulePath(o.Schedule.ID)+"?"+q.Encode())
		}
	}
	return s.shown(c, f, o, err)
}

// override reads the form. Times are those of the wall in its zone; one that the clocks jump over is named.
func (o cover) override() (org.Override, error) {
	made := org.Override{Schedule: o.Schedule.ID, Person: id.Person(o.Person), Reason: o.Reason}
	for field, to := range map[string]*time.Time{"from": &made.From, "until": &made.Until} {
		said := o.From
		if field == "until" {
			said = o.Until
		}
		wall, err := time.Parse(wallTime, said)
		if err != nil {
			return org.Override{}, fault.Field(field, "%q is no time as 2026-11-24T09:00", said)
		}
		at := calendar.Instant(o.Zone, dateOf(wall), time.Duration(wall.Hour())*time.Hour+time.Duration(wall.Minute())*time.Minute)
		if at.In(o.Zone).Format(wallTime) != said {
			return org.Override{}, fault.Field(field, "the clocks in %s go forward over %s: that time does not exist", o.Zone, wall.Format("15:04"))
		}
		*to = at
	}
	return made, nil
}

func (s *Site) endOverride(c echo.Context) error {
	if err := s.checkForm(c); err != nil {
		return err
	}
	f := s.frame(c, "")
	if err := s.Covers.Delete(c.Request().Context(), f.Caller, id.Override(c.Param("override")), c.FormValue("reason")); err != nil {
		return err
	}
	if err := s.leaveAnswer(c, answer{Text: f.t("The override is taken back.")}); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, s.Prefix+schedulePath(id.Schedule(c.Param("id"))))
}

// candidates are who may stand in, those of the schedule's team first.
func (f frame) candidates(s org.Schedule) []org.Person {
	team := f.org.Teams[s.Team].Members
	var all []org.Person
	for _, p := range f.org.People {
		if f.standsIn(p.ID) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b org.Person) int {
		if x, y := slices.Contains(team, a.ID), slices.Contains(team, b.ID); x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(or2(a.Name, string(a.ID)), or2(b.Name, string(b.ID)))
	})
	return all
}
