package service

import (
	"context"
	"fmt"
	"time"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/simulate"
)

// Reach is how a person can be reached, and what became of it when it was tried last.
type Reach struct {
	Person org.Person // addresses masked, unless the caller may see them
	Ways   []ContactWay
}

// ContactWay is one method with what is known of it.
type ContactWay struct {
	org.Method
	Barred string // why it must not be used; empty: it may
	// Tried is when a page went there last, within 90 days; zero: not.
	Tried time.Time
	Last  page.Receipt // what was heard of it
	// Proven is when a page was last seen to arrive there: that is what makes a method verified.
	Proven time.Time
}

// Reachability says how people can be reached.
type Reachability struct {
	Catalogue    *Catalogue
	Organisation Organisation
	Paged        Paged
	Now          func() time.Time
}

const (
	provenWithin = 90 * 24 * time.Hour
	mostTries    = 200
)

// All answers everybody who has not left, by ID, without what was tried: that is asked one by one.
func (r *Reachability) All(c Caller) ([]Reach, error) {
	people, err := r.Catalogue.People(c)
	if err != nil {
		return nil, err
	}
	var all []Reach
	for _, p := range people {
		if !p.Departed {
			all = append(all, r.of(p, nil))
		}
	}
	return all, nil
}

// One answers one person with the last page to each method. fault.NotFound.
func (r *Reachability) One(ctx context.Context, c Caller, p id.Person) (Reach, error) {
	person, err := r.Catalogue.Person(c, p)
	if err != nil {
		return Reach{}, err
	}
	sent, err := r.Paged.PagedTo(ctx, p, r.Now().Add(-provenWithin), mostTries)
	if err != nil {
		return Reach{}, fmt.Errorf("read the pages of %s: %w", p, err)
	}
	return r.of(person, sent), nil
}

func (r *Reachability) of(p org.Person, sent []Sent) Reach {
	barred := r.Organisation.Current().Live.Barred
	found := Reach{Person: p}
	for _, m := range p.Methods {
		w := ContactWay{Method: m, Barred: barred[policy.Way{Person: p.ID, Method: m.ID}]}
		for _, s := range sent { // newest first
			if s.Message.Method != m.ID {
				continue
			}
			if w.Tried.IsZero() {
				w.Tried, w.Last = s.At, s.Last
			}
			if s.Last.Class == page.Arrived && w.Proven.IsZero() {
				w.Proven = s.At
			}
		}
		found.Ways = append(found.Ways, w)
	}
	return found
}

// Cell is one hour of a week for one service: whom its first tier would find.
type Cell struct {
	At      time.Time
	Primary []string // by name
	Backup  []string
}

// Thin: one person, and nobody behind. None: not even one.
func (c Cell) None() bool { return len(c.Primary) == 0 && len(c.Backup) == 0 }

// Thin reports whether there is somebody and nobody behind them.
func (c Cell) Thin() bool { return !c.None() && len(c.Primary)+len(c.Backup) == 1 }

// Cover is a week of a service, hour by hour.
type Cover struct {
	Service org.Service
	Policy  policy.Plan
	Cells   []Cell // 168
}

// HoursOfWeek is how many cells a cover has.
const HoursOfWeek = 7 * 24

// Coverage answers, for each service or for one, whom the first tier of its technical P1 finds in each hour of the week
// that begins at monday, by the code that pages, with overrides and barred methods as they are. fault.NotFound.
func (k *Catalogue) Coverage(c Caller, s id.Service, monday time.Time) ([]Cover, error) {
	services, err := k.Services(c)
	if err != nil {
		return nil, err
	}
	now := k.Organisation.Current()
	if _, ok := now.Org.Services[s]; s != "" && !ok {
		return nil, fault.New(fault.NotFound, "there is no service %q", s)
	}
	seen := map[string][]Cell{}
	var all []Cover
	for _, service := range services {
		if s != "" && service.ID != s {
			continue
		}
		plan, err := policy.Compile(now.Revision, now.Org, service.ID, org.Technical, org.P1)
		if err != nil {
			return nil, err
		}
		first := plan.At(0)
		key := fmt.Sprint(first.Targets, first.Backups)
		if _, known := seen[key]; !known {
			seen[key] = cells(now, first, monday)
		}
		all = append(all, Cover{Service: service, Policy: plan, Cells: seen[key]})
	}
	return all, nil
}

func cells(now policy.Directory, tier org.Tier, monday time.Time) []Cell {
	all := make([]Cell, HoursOfWeek)
	world := simulate.In{Directory: now}
	for n := range all {
		at := monday.Add(time.Duration(n) * time.Hour)
		roll := world.Muster(policy.Call{Tier: tier, Priority: org.P1, At: at})
		all[n] = Cell{At: at, Primary: namesOf(roll.Targets), Backup: namesOf(roll.Backups)}
		for _, v := range roll.Vendors {
			all[n].Primary = append(all[n].Primary, v.Name)
		}
	}
	return all
}

func namesOf(people []policy.Responder) []string {
	var names []string
	for _, p := range people {
		names = append(names, p.Name)
	}
	return names
}

// Ask is what a simulation is about.
type Ask struct {
	Service  id.Service
	Kind     org.Kind
	Priority org.Priority
	At       time.Time // zero: now
	// Answer acknowledges when this person has been told for the first time, and so long after; empty: nobody answers.
	Answer id.Person
	After  time.Duration
}

// Played is a simulation with what it was played on.
type Played struct {
	Revision id.Revision
	Plan     policy.Plan
	At       time.Time
	Lines    []simulate.Line
}

// Simulations play escalations without telling anybody.
type Simulations struct {
	Organisation Organisation
	Access       Access
	Zones        func(name string) (*time.Location, error)
	Now          func() time.Time
}

// simulatedLines and simulatedFor bound what one simulation shows.
const (
	simulatedLines = 200
	simulatedFor   = 3 * time.Hour
)

// Play plays on the house as it is now, with its overrides and barred methods.
func (s *Simulations) Play(c Caller, a Ask) (Played, error) {
	if err := s.Access.May(c, Read); err != nil {
		return Played{}, err
	}
	return s.play(s.Organisation.Current(), a)
}

// Compare plays the same on a blueprint that is only proposed. Its error for files that do not hang together is
// blueprint.Errors.
func (s *Simulations) Compare(c Caller, a Ask, files []File) (Played, []blueprint.Change, error) {
	if err := s.Access.May(c, PlanBlueprint); err != nil {
		return Played{}, nil, err
	}
	next, err := blueprint.Load(documents(files), s.Zones)
	if err != nil {
		return Played{}, nil, err
	}
	now := s.Organisation.Current()
	played, err := s.play(policy.Directory{Revision: next.Revision, Org: next.Org, Live: now.Live}, a)
	return played, blueprint.Diff(now.Org, next.Org), err
}

func (s *Simulations) play(d policy.Directory, a Ask) (Played, error) {
	if a.At.IsZero() {
		a.At = s.Now()
	}
	var script []simulate.Scripted
	if a.Answer != "" {
		if _, ok := d.Org.People[a.Answer]; !ok {
			return Played{}, fault.Field("answer", "there is no person %q", a.Answer)
		}
		script = append(script, simulate.Scripted{On: a.Answer, After: a.After, Say: "acknowledge"})
	}
	opening, err := escalation.Prepare(d.Revision, d.Org, escalation.Request{
		Title: "a simulation", Service: a.Service, Kind: a.Kind, Priority: a.Priority, At: a.At,
		By: escalation.Answer{By: "simulation", Via: "web"},
	})
	if err != nil {
		return Played{}, err
	}
	opening.ID = "E-1"
	lines := simulate.Play{World: simulate.In{Directory: d}, Opening: opening, Script: script, Horizon: simulatedFor, Lines: simulatedLines}.Run()
	return Played{Revision: d.Revision, Plan: opening.Plan, At: a.At, Lines: lines}, nil
}
