package web

import (
	"fmt"
	"maps"
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

// span is how much of a calendar is shown.
type span string

const (
	week      span = "week"
	fortnight span = "fortnight"
	month     span = "month"
)

// almanac is a schedule as a calendar: one line per day, from midnight to midnight in one zone.
type almanac struct {
	service.Roster
	Span   span
	Zone   *time.Location
	Zones  []string
	First  time.Time // the first day, at midnight in the zone
	Days   []dayLine
	Gaps   []oncall.Shift
	lanes  map[id.Person]int
	before time.Time // where the spans before and after begin
	after  time.Time
}

// dayLine is one day. Its pieces have percentages of the day, so that a day of 23 or 25 hours is as wide as any.
type dayLine struct {
	From   time.Time // its midnights
	Until  time.Time
	Date   time.Time
	Hours  int
	Today  bool
	Now    string // where the present is; empty: not on this day
	Pieces []piece
	Layers [][]piece
	Said   string // the same in words
}

// piece is somebody's part of a day.
type piece struct {
	X, W   string
	Lane   int // 0: nobody
	Text   string
	Made   bool // by an override
	Double bool
}

func (s *Site) rosterPage(c echo.Context) error {
	f := s.frame(c, "")
	f.Answer = s.takeAnswer(c)
	schedule, ok := f.org.Schedules[id.Schedule(c.Param("id"))]
	if !ok {
		return fault.New(fault.NotFound, "there is no schedule %q", c.Param("id"))
	}
	a, err := s.almanac(c, f, schedule)
	if err != nil {
		return err
	}
	f.Title = or2(schedule.Name, string(schedule.ID))
	return s.render(c, http.StatusOK, rosterPage(f, a))
}

func (s *Site) almanac(c echo.Context, f frame, schedule org.Schedule) (almanac, error) {
	known := zones(f.org)
	a := almanac{Span: span(c.QueryParam("view")), Zone: known[c.QueryParam("zone")], Zones: slices.Sorted(maps.Keys(known)), lanes: lanes(schedule)}
	if a.Zone == nil {
		a.Zone = f.zoneOf(schedule)
	}
	day := dateOf(f.Now.In(a.Zone))
	if said := c.QueryParam("from"); said != "" {
		at, err := time.Parse(time.DateOnly, said)
		if err != nil || at.Year() < 2000 || at.Year() > 2100 {
			return almanac{}, fault.Field("from", "%q is no date as 2026-11-23", said)
		}
		day = dateOf(at)
	}
	first, days := a.begin(day)
	until := later(first, days)
	a.First = midnight(first, a.Zone)
	a.before, a.after = a.neighbour(first, -days), a.neighbour(first, days)
	var err error
	a.Roster, err = s.OnCall.Roster(c.Request().Context(), f.Caller, schedule.ID, a.First, midnight(until, a.Zone))
	if err != nil {
		return almanac{}, err
	}
	for _, shift := range a.Shifts {
		if shift.Person == "" {
			a.Gaps = append(a.Gaps, shift)
		}
		a.lane(shift.Person)
	}
	for n := range days {
		a.Days = append(a.Days, a.line(f, later(first, n)))
	}
	return a, nil
}

// begin is the first day of the span around a day, and how many days it has. A week begins on Monday.
func (a *almanac) begin(day org.Date) (first org.Date, days int) {
	at := time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, time.UTC)
	monday := dateOf(at.AddDate(0, 0, -(int(at.Weekday())+6)%7))
	switch a.Span {
	case fortnight:
		return monday, 14
	case month:
		first := time.Date(day.Year, day.Month, 1, 0, 0, 0, 0, time.UTC)
		return dateOf(first), first.AddDate(0, 1, -1).Day()
	case week:
	}
	a.Span = week
	return monday, 7
}

func (a *almanac) neighbour(first org.Date, days int) time.Time {
	at := time.Date(first.Year, first.Month, first.Day, 0, 0, 0, 0, time.UTC)
	if a.Span != month {
		return at.AddDate(0, 0, days)
	}
	if days < 0 {
		return at.AddDate(0, -1, 0)
	}
	return at.AddDate(0, 1, 0)
}

func dateOf(at time.Time) org.Date {
	year, month, day := at.Date()
	return org.Date{Year: year, Month: month, Day: day}
}

func later(d org.Date, days int) org.Date {
	return dateOf(time.Date(d.Year, d.Month, d.Day+days, 0, 0, 0, 0, time.UTC))
}

func midnight(d org.Date, zone *time.Location) time.Time { return calendar.Instant(zone, d, 0) }

// lanes give each person of a schedule a colour: that of their first turn.
func lanes(s org.Schedule) map[id.Person]int {
	all := map[id.Person]int{}
	for _, layer := range s.Layers {
		for _, p := range layer.People {
			if _, known := all[p]; !known && p != "" {
				all[p] = len(all)%6 + 1
			}
		}
	}
	return all
}

func (a *almanac) lane(p id.Person) int {
	if p == "" {
		return 0
	}
	if _, known := a.lanes[p]; !known {
		a.lanes[p] = len(a.lanes)%6 + 1
	}
	return a.lanes[p]
}

func (a *almanac) line(f frame, d org.Date) dayLine {
	from, until := midnight(d, a.Zone), midnight(later(d, 1), a.Zone)
	l := dayLine{Date: from.In(a.Zone), From: from, Until: until, Hours: int(until.Sub(from).Round(time.Hour) / time.Hour)}
	if !f.Now.Before(from) && f.Now.Before(until) {
		l.Today, l.Now = true, percent(f.Now.Sub(from), until.Sub(from))
	}
	l.Pieces = a.pieces(f, a.Shifts, from, until)
	for _, layer := range a.Layers {
		l.Layers = append(l.Layers, a.pieces(f, layer.Shifts, from, until))
	}
	l.Said = f.t(l.Date.Format("Mon")) + " " + f.day(l.Date) + ": " + a.said(f, from, until)
	return l
}

func (a *almanac) pieces(f frame, shifts []oncall.Shift, from, until time.Time) []piece {
	var all []piece
	for _, s := range shifts {
		if !s.From.Before(until) || !s.Until.After(from) {
			continue
		}
		begin, end := s.From, s.Until
		if begin.Before(from) {
			begin = from
		}
		if end.After(until) {
			end = until
		}
		p := piece{
			X: percent(begin.Sub(from), until.Sub(from)), W: percent(end.Sub(begin), until.Sub(from)),
			Lane: a.lane(s.Person), Text: f.onDuty(s.Person), Made: s.Override != "",
		}
		for _, d := range a.Doubles {
			p.Double = p.Double || d.Person == s.Person && d.From.Before(end) && d.Until.After(begin)
		}
		all = append(all, p)
	}
	return all
}

func (a *almanac) said(f frame, from, until time.Time) string {
	var parts []string
	for _, s := range a.Shifts {
		if !s.From.Before(until) || !s.Until.After(from) {
			continue
		}
		begin, end := "00:00", "24:00"
		if s.From.After(from) {
			begin = s.From.In(a.Zone).Format("15:04")
		}
		if s.Until.Before(until) {
			end = s.Until.In(a.Zone).Format("15:04")
		}
		parts = append(parts, begin+"–"+end+" "+f.onDuty(s.Person))
	}
	return strings.Join(parts, ", ")
}

func (f frame) onDuty(p id.Person) string {
	if p == "" {
		return f.t("nobody")
	}
	return f.who(string(p))
}

func percent(part, whole time.Duration) string {
	if whole <= 0 {
		return "0%"
	}
	return fmt.Sprintf("%.3f%%", 100*float64(part)/float64(whole))
}

// change says what the clocks do on a day that is not 24 hours long; empty on others.
func (f frame) change(l dayLine) string {
	switch {
	case l.Hours < 24:
		return f.t("%d h: clocks go forward", l.Hours)
	case l.Hours > 24:
		return f.t("%d h: clocks go back", l.Hours)
	}
	return ""
}

// look at another span, zone or beginning of the same calendar.
func (a almanac) query(view span, zone string, from time.Time) string {
	q := url.Values{"view": {string(view)}, "zone": {zone}, "from": {from.Format(time.DateOnly)}}
	return "?" + q.Encode()
}

// anchor is the day that stays in sight when the span changes: today when it is shown, else the first day.
func (a almanac) anchor(f frame) time.Time {
	if !f.Now.Before(a.From) && f.Now.Before(a.Until) {
		return f.Now.In(a.Zone)
	}
	return a.First.In(a.Zone)
}

func schedulePath(s id.Schedule) string { return "/oncall/schedules/" + url.PathEscape(string(s)) }
