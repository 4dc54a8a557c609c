package web

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

// desk is a team with its schedules as they stand.
type desk struct {
	Team  org.Team
	Name  string
	Mine  bool // the reader is in it
	Seats []service.Seat
}

// mineAhead is how far the start of one's own shifts is shown.
const mineAhead = 8 * 7 * 24 * time.Hour

func (s *Site) onCallPage(c echo.Context) error {
	ctx, v := c.Request().Context(), visitorOf(c)
	seats, err := s.OnCall.At(ctx, v.caller, time.Time{}, "", "")
	if err != nil {
		return err
	}
	mine, err := s.OnCall.Mine(ctx, v.caller, mineAhead)
	if err != nil {
		return err
	}
	f := s.frame(c, "")
	f.Title, f.Answer = f.t("On call"), s.takeAnswer(c)
	f = f.living(c, 60)
	return s.render(c, http.StatusOK, onCallPage(f, desks(f, seats), mine))
}

// desks groups seats by team, the reader's own first.
func desks(f frame, seats []service.Seat) []desk {
	at := map[id.Team]int{}
	var all []desk
	for _, seat := range seats {
		n, known := at[seat.Schedule.Team]
		if !known {
			team := f.org.Teams[seat.Schedule.Team]
			n = len(all)
			at[seat.Schedule.Team] = n
			all = append(all, desk{
				Team: team, Name: or2(team.Name, or2(string(seat.Schedule.Team), f.t("Without a team"))),
				Mine: f.Caller.Person != "" && (slices.Contains(team.Members, f.Caller.Person) || team.Lead == f.Caller.Person),
			})
		}
		all[n].Seats = append(all[n].Seats, seat)
	}
	rank := ranks(f.org)
	for _, d := range all {
		slices.SortStableFunc(d.Seats, func(a, b service.Seat) int { return rank(a.Schedule.ID) - rank(b.Schedule.ID) })
	}
	slices.SortStableFunc(all, func(a, b desk) int {
		if a.Mine != b.Mine {
			if a.Mine {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return all
}

// ranks says how soon a schedule is asked: those that a first tier names come first, backups after all targets.
func ranks(o *org.Org) func(id.Schedule) int {
	const never = 3
	found := map[id.Schedule]int{}
	note := func(targets []org.Target, rank int) {
		for _, t := range targets {
			if held, known := found[t.Schedule]; t.Schedule != "" && (!known || rank < held) {
				found[t.Schedule] = rank
			}
		}
	}
	for _, p := range o.Policies {
		for n, tier := range p.Tiers {
			note(tier.Targets, min(n, 1))
			note(tier.Backups, 2)
		}
	}
	return func(s id.Schedule) int {
		if rank, known := found[s]; known {
			return rank
		}
		return never
	}
}

// when writes an instant as people of this zone say it: "Mon 24 Nov, 09:00".
func (f frame) when(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return f.t("for ever")
	}
	local := at.In(orUTC(zone))
	return f.t(local.Format("Mon")) + " " + f.day(local) + ", " + local.Format("15:04")
}

// whenHere is when, with the zone said if it is not the reader's own.
func (f frame) whenHere(at time.Time, s org.Schedule) string {
	said := f.when(at, f.zoneOf(s))
	if f.Zone != nil || at.IsZero() {
		return said
	}
	return said + " " + at.In(f.zoneOf(s)).Format("MST")
}

func orUTC(zone *time.Location) *time.Location {
	if zone == nil {
		return time.UTC
	}
	return zone
}

// zoneOf is the reader's zone, or that of the schedule when it is not known.
func (f frame) zoneOf(s org.Schedule) *time.Location {
	if f.Zone != nil {
		return f.Zone
	}
	return orUTC(s.Zone)
}

// zones that the house uses, by name: those that a reader can choose from.
func zones(o *org.Org) map[string]*time.Location {
	all := map[string]*time.Location{"UTC": time.UTC}
	add := func(z *time.Location) {
		if z != nil {
			all[z.String()] = z
		}
	}
	for _, s := range o.Schedules {
		add(s.Zone)
	}
	for _, p := range o.People {
		add(p.Zone)
	}
	for _, u := range o.Units {
		add(u.Zone)
	}
	return all
}

// ordered are the values of a map by key.
func ordered[K cmp.Ordered, V any](all map[K]V) []V {
	var sorted []V
	for _, key := range slices.Sorted(maps.Keys(all)) {
		sorted = append(sorted, all[key])
	}
	return sorted
}

func personPath(p id.Person) string { return "/people/" + url.PathEscape(string(p)) }
