package policy

import (
	"fmt"
	"time"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/oncall"
	"github.com/belayhq/belay/core/org"
)

// Muster finds the people of one tier at one instant, by the revision and the live changes that hold then. Everything
// that the tier names ends on the roll or among the skips, in the order in which it is named; nobody is on it twice.
// It never fails: what is missing is a reason to skip somebody, not to tell nobody.
func Muster(d Directory, c Call) Roll {
	if opens, closed := d.closed(c.Vendor, c.At); closed {
		return Roll{Skips: []Skip{{Target: org.Target{Vendor: c.Vendor}.String(), Reason: OutsideCover, Detail: opensIn(opens)}}, OpensAt: opens}
	}
	m := muster{directory: d, call: c, told: map[id.Person]bool{}, engaged: map[id.Vendor]bool{}}
	for _, target := range c.Tier.Targets {
		if !m.target(target) {
			m.roll.Unmet++
		}
	}
	for _, person := range c.ManagersOf {
		if !m.managerOf(person) {
			m.roll.Unmet++
		}
	}
	m.backup = true
	for _, target := range c.Tier.Backups {
		m.target(target)
	}
	m.roll.AckBy = d.ackBy(c)
	return m.roll
}

// muster is a roll while it is being called.
type muster struct {
	directory Directory
	call      Call
	roll      Roll
	backup    bool // the backups are being called
	told      map[id.Person]bool
	engaged   map[id.Vendor]bool
}

// target calls whoever stands behind a target, and reports whether anybody is reached by it.
func (m *muster) target(t org.Target) bool {
	o := m.directory.Org
	switch {
	case t.Schedule != "":
		s, ok := o.Schedules[t.Schedule]
		if !ok {
			return m.skip(t.String(), "", Departed, "no such schedule any more")
		}
		duty, ok := oncall.At(s, m.directory.Live.Overrides, m.call.At)
		if !ok {
			return m.skip(t.String(), "", NoShift, "")
		}
		return m.person(duty.Person, t.String())
	case t.Person != "":
		return m.person(t.Person, t.String())
	case t.Team != "":
		return m.team(t)
	case t.Vendor != "":
		return m.vendor(t)
	}
	return m.skip(t.String(), "", Departed, "the target names nobody")
}

// team calls everybody in it; one who is reached is enough to have met the target.
func (m *muster) team(t org.Target) bool {
	team, ok := m.directory.Org.Teams[t.Team]
	if !ok {
		return m.skip(t.String(), "", Departed, "no such team any more")
	}
	members := team.Members
	if len(members) == 0 && team.Lead != "" {
		members = []id.Person{team.Lead}
	}
	if len(members) == 0 {
		return m.skip(t.String(), "", NoShift, "nobody is in the team")
	}
	met := false
	for _, person := range members {
		met = m.person(person, t.String()) || met
	}
	return met
}

// vendor is engaged beside the ladder, at once: it cannot wait as a backup.
func (m *muster) vendor(t org.Target) bool {
	v, ok := m.directory.Org.Vendors[t.Vendor]
	if !ok {
		return m.skip(t.String(), "", Departed, "no such vendor any more")
	}
	if m.engaged[t.Vendor] {
		m.skip(t.String(), "", AlreadyTold, "")
		return true
	}
	m.engaged[t.Vendor] = true
	m.roll.Vendors = append(m.roll.Vendors, Engaged{Vendor: v.ID, Name: v.Name})
	return true
}

// managerOf goes up the line to the first who can be reached. Those who are passed over are skipped, not forgotten.
func (m *muster) managerOf(person id.Person) bool {
	why := "manager of " + string(person)
	passed := map[id.Person]bool{person: true}
	boss := m.directory.Org.People[person].Manager
	if boss == "" || boss == person {
		return m.skip(why, "", NoShift, "has no manager")
	}
	for boss != "" && !passed[boss] {
		passed[boss] = true
		if m.person(boss, why) {
			return true
		}
		boss = m.directory.Org.People[boss].Manager
	}
	return false
}

// person is put on the roll if they can be reached now. Somebody who is on it already counts as reached.
func (m *muster) person(person id.Person, why string) bool {
	if m.told[person] {
		m.skip(why, person, AlreadyTold, "")
		return true
	}
	p, ok := m.directory.Org.Person(person)
	if !ok || p.Departed {
		return m.skip(why, person, Departed, "")
	}
	if until, away := m.directory.away(p, m.call.At); away {
		return m.skip(why, person, Away, "until "+until.UTC().Format("2006-01-02 15:04 UTC"))
	}
	ladder, barred, reason, detail := m.directory.ladder(p, m.call.Priority.Urgency())
	if len(ladder) == 0 {
		return m.skip(why, person, reason, detail)
	}
	m.told[person] = true
	r := Responder{Person: p.ID, Name: p.Name, For: why, Ladder: ladder, Barred: barred, Updates: m.directory.updates(p)}
	if m.backup {
		m.roll.Backups = append(m.roll.Backups, r)
	} else {
		m.roll.Targets = append(m.roll.Targets, r)
	}
	return true
}

// skip notes who is not told and why; false, since it reaches nobody.
func (m *muster) skip(target string, person id.Person, reason Reason, detail string) bool {
	m.roll.Skips = append(m.roll.Skips, Skip{Target: target, Person: person, Reason: reason, Detail: detail, Backup: m.backup})
	return false
}

// closed reports whether a vendor is outside its hours of cover, and when they begin; zero when they never do. A vendor
// without a calendar, or whose calendar is gone, is always there.
func (d Directory) closed(vendor id.Vendor, at time.Time) (time.Time, bool) {
	cover, ok := d.Org.Calendars[d.Org.Vendors[vendor].Cover]
	if vendor == "" || !ok || calendar.Open(cover, at) {
		return time.Time{}, false
	}
	opens, _ := calendar.NextOpen(cover, at)
	return opens, true
}

func opensIn(opens time.Time) string {
	if opens.IsZero() {
		return "it never opens"
	}
	return fmt.Sprintf("opens %s", opens.UTC().Format("2006-01-02 15:04 UTC"))
}

// ackBy is when the first rung must have answered: on the tier's calendar, and in wall time when it has none, when the
// calendar is gone or when it never opens. Zero when the tier does not say.
func (d Directory) ackBy(c Call) time.Time {
	if c.Tier.AckWithin <= 0 {
		return time.Time{}
	}
	if hours, ok := d.Org.Calendars[c.Tier.Calendar]; ok {
		if due, err := calendar.Due(hours, c.At, c.Tier.AckWithin); err == nil {
			return due
		}
	}
	return c.At.Add(c.Tier.AckWithin).UTC()
}
