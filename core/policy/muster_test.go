package policy_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
)

var everybody = []id.Person{"ana", "ben", "cy", "dora", "val", "vic", "zoe"}

func drawTarget(r *rapid.T) org.Target {
	switch rapid.IntRange(0, 4).Draw(r, "kind") {
	case 0:
		return org.Target{Schedule: rapid.SampledFrom([]id.Schedule{"primary", "deserted", "old"}).Draw(r, "schedule")}
	case 1:
		return org.Target{Team: rapid.SampledFrom([]id.Team{"core", "empty", "led", "old"}).Draw(r, "team")}
	case 2:
		return org.Target{Vendor: rapid.SampledFrom([]id.Vendor{"acme", "old"}).Draw(r, "vendor")}
	case 3:
		return org.Target{}
	}
	return org.Target{Person: rapid.SampledFrom(everybody).Draw(r, "person")}
}

// drawHouse is the house after a bad week.
func drawHouse(r *rapid.T) policy.Directory {
	d := house()
	d.Live = policy.Live{Barred: map[policy.Way]string{}, Away: map[id.Person][]org.Interval{}}
	for _, name := range everybody {
		p, ok := d.Org.People[name]
		if !ok {
			continue
		}
		p.Departed = rapid.IntRange(0, 5).Draw(r, "departed") == 0
		p.Manager = rapid.SampledFrom(append([]id.Person{""}, everybody...)).Draw(r, "manager")
		p.Methods = p.Methods[:rapid.IntRange(0, 3).Draw(r, "methods")]
		if rapid.Bool().Draw(r, "no ladders") {
			p.Ladders = nil
		}
		for _, m := range p.Methods {
			if rapid.IntRange(0, 2).Draw(r, "barred") == 0 {
				d.Live.Barred[policy.Way{Person: name, Method: m.ID}] = "asked"
			}
		}
		if rapid.IntRange(0, 5).Draw(r, "away") == 0 {
			d.Live.Away[name] = []org.Interval{{From: noon, Until: noon.Add(time.Hour)}}
		}
		d.Org.People[name] = p
	}
	return d
}

func TestEverybodyNamedIsOnTheRollOrSkippedAndNobodyTwice(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := drawHouse(r)
		c := policy.Call{
			At:         noon.Add(time.Duration(rapid.IntRange(0, 2).Draw(r, "hours")) * time.Hour),
			Priority:   rapid.SampledFrom(org.Priorities()).Draw(r, "priority"),
			Vendor:     rapid.SampledFrom([]id.Vendor{"", "", "acme"}).Draw(r, "inside"),
			ManagersOf: rapid.SliceOfN(rapid.SampledFrom(everybody), 0, 2).Draw(r, "managers of"),
			Tier: org.Tier{
				AckWithin: time.Minute,
				Targets:   rapid.SliceOfN(rapid.Custom(drawTarget), 0, 5).Draw(r, "targets"),
				Backups:   rapid.SliceOfN(rapid.Custom(drawTarget), 0, 5).Draw(r, "backups"),
			},
		}
		roll := policy.Muster(d, c)

		told := map[id.Person]bool{}
		fors := map[string]bool{} // what reached somebody, or was met by somebody told already
		for _, responder := range append(append([]policy.Responder{}, roll.Targets...), roll.Backups...) {
			p := d.Org.People[responder.Person]
			switch {
			case told[responder.Person]:
				r.Fatalf("%s twice: %+v", responder.Person, roll)
			case len(responder.Ladder) == 0 || responder.Ladder[len(responder.Ladder)-1].Wait != 0:
				r.Fatalf("a ladder that leads nowhere: %+v", responder)
			case p.Departed || p.ID == "":
				r.Fatalf("%s has left", responder.Person)
			}
			for _, absence := range d.Live.Away[responder.Person] {
				if absence.Contains(c.At) {
					r.Fatalf("%s is away", responder.Person)
				}
			}
			for _, contact := range responder.Ladder {
				if _, barred := d.Live.Barred[policy.Way{Person: responder.Person, Method: contact.Method}]; barred {
					r.Fatalf("%s is barred", contact.Method)
				}
			}
			told[responder.Person] = true
			fors[responder.For] = true
		}
		for _, v := range roll.Vendors {
			fors[org.Target{Vendor: v.Vendor}.String()] = true
		}
		skipped := map[string]bool{}
		for _, s := range roll.Skips {
			skipped[s.Target] = true
			if s.Reason == policy.AlreadyTold {
				fors[s.Target] = true
			}
			if s.Reason == policy.AlreadyTold && s.Person != "" && !told[s.Person] {
				r.Fatalf("%s was not told: %+v", s.Person, roll)
			}
		}
		unmet := 0
		for _, target := range c.Tier.Targets {
			if !fors[target.String()] {
				unmet++
			}
			if !fors[target.String()] && !skipped[target.String()] {
				r.Fatalf("%s is forgotten: %+v", target, roll)
			}
			if team := d.Org.Teams[target.Team]; target.Team != "" {
				for _, member := range team.Members {
					if !told[member] && !skippedFor(roll, target, member) {
						r.Fatalf("%s of %s is forgotten: %+v", member, target, roll)
					}
				}
			}
		}
		for _, person := range c.ManagersOf {
			if why := "manager of " + string(person); !fors[why] {
				unmet++
				if !skipped[why] {
					r.Fatalf("%s is forgotten: %+v", why, roll)
				}
			}
		}
		for _, target := range c.Tier.Backups {
			if !fors[target.String()] && !skipped[target.String()] {
				r.Fatalf("backup %s is forgotten: %+v", target, roll)
			}
		}
		// A target may stand twice, and a backup may reach whom its target did not; so the count is a lower bound here.
		if roll.Unmet < 0 || roll.Unmet > len(c.Tier.Targets)+len(c.ManagersOf) || roll.Unmet < unmet {
			r.Fatalf("unmet %d, at least %d: %+v", roll.Unmet, unmet, roll)
		}
		if again := policy.Muster(d, c); !reflect.DeepEqual(roll, again) {
			r.Fatalf("two answers to one call: %+v and %+v", roll, again)
		}
	})
}

func skippedFor(roll policy.Roll, target org.Target, person id.Person) bool {
	for _, s := range roll.Skips {
		if s.Target == target.String() && s.Person == person {
			return true
		}
	}
	return false
}
