package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
)

// noon is a Monday.
var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func reachable(name id.Person, manager id.Person) org.Person {
	return org.Person{
		ID: name, Name: string(name), Zone: time.UTC, Manager: manager,
		Methods: []org.Method{
			{ID: "mobile", Channel: org.SMS, Address: "+4915100000001"},
			{ID: "call", Channel: org.Voice, Address: "+4915100000001"},
			{ID: "mail", Channel: org.Email, Address: string(name) + "@example.com"},
		},
		Ladders: map[org.Urgency][]org.Rung{
			org.High: {{Method: "mobile", Wait: time.Minute}, {Method: "call", Wait: 2 * time.Minute}, {Method: "mobile"}},
			org.Low:  {{Method: "mail"}},
		},
		StatusUpdates: "mobile",
	}
}

// house is a small company: ana on call, ben beside her, cy above them, dora above cy, and a vendor.
func house() policy.Directory {
	weekdays := org.Calendar{ID: "office", Zone: time.UTC, Hours: map[time.Weekday][]org.Span{}}
	for d := time.Monday; d <= time.Friday; d++ {
		weekdays.Hours[d] = []org.Span{{From: 9 * 60, Until: 17 * 60}}
	}
	people := map[id.Person]org.Person{}
	for person, manager := range map[id.Person]id.Person{"ana": "cy", "ben": "cy", "cy": "dora", "dora": "", "val": "", "vic": ""} {
		people[person] = reachable(person, manager)
	}
	return policy.Directory{Revision: "r1", Org: &org.Org{
		People:   people,
		Services: map[id.Service]org.Service{"payments": {ID: "payments", Owner: "core"}, "search": {ID: "search", Owner: "core"}},
		Teams: map[id.Team]org.Team{
			"core":  {ID: "core", Lead: "cy", Members: []id.Person{"ben", "ana"}},
			"empty": {ID: "empty"},
			"led":   {ID: "led", Lead: "cy"},
		},
		Schedules: map[id.Schedule]org.Schedule{
			"primary": {ID: "primary", Zone: time.UTC, Layers: []org.Layer{{
				People: []id.Person{"ana"}, Start: noon.AddDate(0, 0, -7), Rotation: org.Rotation{Every: org.Weekly, Count: 1}}}},
			"deserted": {ID: "deserted", Zone: time.UTC},
		},
		Calendars: map[id.Calendar]org.Calendar{"office": weekdays, "never": {ID: "never", Zone: time.UTC}},
		Vendors: map[id.Vendor]org.Vendor{"acme": {ID: "acme", Name: "Acme Cloud", Owner: "core", Cover: "office",
			Contacts: []id.Person{"val", "vic"}, Ack: 30 * time.Minute}},
		CatchAll: org.Tier{Name: "catch-all", Targets: []org.Target{{Person: "dora"}}},
	}}
}

func call(targets ...org.Target) policy.Call {
	return policy.Call{Priority: org.P1, At: noon, Tier: org.Tier{Targets: targets, AckWithin: 15 * time.Minute}}
}

func names(list []policy.Responder) []id.Person {
	var people []id.Person
	for _, r := range list {
		people = append(people, r.Person)
	}
	return people
}

func TestTheFirstPolicyThatMatchesWins(t *testing.T) {
	d := house()
	d.Org.Policies = []org.Policy{
		{ID: "payments-p1", Services: []id.Service{"payments"}, Priorities: []org.Priority{org.P1}},
		{ID: "customers", Kinds: []org.Kind{org.CustomerFacing}, Tiers: []org.Tier{{Name: "desk"}}, Repeat: 2, Reopen: time.Hour},
		{ID: "payments", Services: []id.Service{"search", "payments"}},
		{ID: "payments-again", Services: []id.Service{"payments"}},
	}
	for _, scene := range []struct {
		service  id.Service
		kind     org.Kind
		priority org.Priority
		want     id.Policy
	}{
		{"payments", org.Technical, org.P1, "payments-p1"},
		{"payments", org.CustomerFacing, org.P1, "payments-p1"},
		{"payments", org.CustomerFacing, org.P2, "customers"},
		{"payments", org.Technical, org.P2, "payments"},
		{"search", org.Procedural, org.P5, "payments"},
	} {
		plan, err := policy.Compile("r1", d.Org, scene.service, scene.kind, scene.priority)
		require.NoError(t, err)
		require.Equal(t, scene.want, plan.Policy)
		require.Equal(t, scene.priority, plan.Priority)
		require.Equal(t, id.Revision("r1"), plan.Revision)
		require.Equal(t, d.Org.CatchAll, plan.CatchAll)
	}
	plan, err := policy.Compile("r1", d.Org, "search", org.CustomerFacing, org.P3)
	require.NoError(t, err)
	require.Equal(t, "desk", plan.Tiers[0].Name)
	require.Equal(t, 2, plan.Repeat)
	require.Equal(t, time.Hour, plan.Reopen)
	plan.Tiers[0].Name = "changed"
	require.Equal(t, "desk", d.Org.Policies[1].Tiers[0].Name, "a plan is a copy")
}

func TestWithoutAPolicyTheCatchAllIsTold(t *testing.T) {
	plan, err := policy.Compile("r1", house().Org, "payments", org.Technical, org.P1)
	require.NoError(t, err)
	require.Empty(t, plan.Policy)
	require.Empty(t, plan.Tiers)
	require.Equal(t, "catch-all", plan.CatchAll.Name)

	_, err = policy.Compile("r1", house().Org, "unheard-of", org.Technical, org.P1)
	require.True(t, fault.Is(err, fault.NotFound))
}

func TestAVendorsLadderEndsWithItsLastTier(t *testing.T) {
	d := house()
	plan, err := policy.Engage("r1", d.Org, "acme", org.P2)
	require.NoError(t, err)
	require.Equal(t, id.Team("core"), plan.Owner)
	require.Equal(t, []org.Target{{Person: "val"}}, plan.Tiers[0].Targets)
	require.Equal(t, []org.Target{{Person: "vic"}}, plan.Tiers[0].Backups)
	require.Equal(t, 30*time.Minute, plan.Tiers[0].AckWithin)

	v := d.Org.Vendors["acme"]
	v.Tiers = []org.Tier{{Name: "desk"}, {Name: "boss"}}
	d.Org.Vendors["acme"] = v
	plan, err = policy.Engage("r1", d.Org, "acme", org.P2)
	require.NoError(t, err)
	require.Len(t, plan.Tiers, 2)
	require.Equal(t, "boss", plan.CatchAll.Name)

	d.Org.Vendors["acme"] = org.Vendor{ID: "acme", Owner: "core"}
	plan, err = policy.Engage("r1", d.Org, "acme", org.P2)
	require.NoError(t, err)
	require.Equal(t, []org.Target{{Team: "core"}}, plan.CatchAll.Targets, "somebody must answer for it")

	_, err = policy.Engage("r1", d.Org, "unheard-of", org.P2)
	require.True(t, fault.Is(err, fault.NotFound))
}

func TestEveryKindOfTargetBecomesPeople(t *testing.T) {
	c := call(org.Target{Schedule: "primary"}, org.Target{Team: "core"}, org.Target{Vendor: "acme"}, org.Target{Vendor: "acme"})
	c.Tier.Backups = []org.Target{{Person: "ana"}, {Person: "cy"}, {Team: "led"}}
	c.ManagersOf = []id.Person{"cy", "dora"}
	roll := policy.Muster(house(), c)

	require.Equal(t, []id.Person{"ana", "ben", "dora"}, names(roll.Targets))
	require.Equal(t, []string{"schedule primary", "team core", "manager of cy"},
		[]string{roll.Targets[0].For, roll.Targets[1].For, roll.Targets[2].For})
	require.Equal(t, []id.Person{"cy"}, names(roll.Backups))
	require.Equal(t, []policy.Engaged{{Vendor: "acme", Name: "Acme Cloud"}}, roll.Vendors)
	require.Equal(t, []policy.Skip{
		{Target: "team core", Person: "ana", Reason: policy.AlreadyTold},
		{Target: "vendor acme", Reason: policy.AlreadyTold},
		{Target: "manager of dora", Reason: policy.NoShift, Detail: "has no manager"},
		{Target: "person ana", Person: "ana", Reason: policy.AlreadyTold, Backup: true},
		{Target: "team led", Person: "cy", Reason: policy.AlreadyTold, Backup: true},
	}, roll.Skips)
	require.Equal(t, 1, roll.Unmet, "only dora has nobody above her")
	require.Equal(t, noon.Add(15*time.Minute), roll.AckBy)
	require.Equal(t, []policy.Contact{
		{Method: "mobile", Channel: org.SMS, Wait: time.Minute}, {Method: "call", Channel: org.Voice, Wait: 2 * time.Minute},
		{Method: "mobile", Channel: org.SMS}}, roll.Targets[0].Ladder)
	require.Equal(t, &policy.Contact{Method: "mobile", Channel: org.SMS}, roll.Targets[0].Updates)
}

func TestWhoCannotBeReachedIsSkippedWithTheReason(t *testing.T) {
	for _, scene := range []struct {
		name   string
		change func(*policy.Directory, *org.Person) // of ana
		target org.Target
		want   policy.Skip
	}{
		{"away by plan", func(_ *policy.Directory, ana *org.Person) {
			ana.Away = []org.Interval{{From: noon, Until: noon.Add(time.Hour)}}
		}, org.Target{Schedule: "primary"}, policy.Skip{Target: "schedule primary", Person: "ana", Reason: policy.Away, Detail: "until 2026-01-05 13:00 UTC"}},
		{"away since this morning", func(d *policy.Directory, _ *org.Person) {
			d.Live.Away = map[id.Person][]org.Interval{"ana": {{From: noon.Add(-time.Hour), Until: noon.Add(1)}}}
		}, org.Target{Person: "ana"}, policy.Skip{Target: "person ana", Person: "ana", Reason: policy.Away, Detail: "until 2026-01-05 12:00 UTC"}},
		{"departed", func(_ *policy.Directory, ana *org.Person) { ana.Departed = true },
			org.Target{Schedule: "primary"}, policy.Skip{Target: "schedule primary", Person: "ana", Reason: policy.Departed}},
		{"unknown person", nil, org.Target{Person: "zoe"}, policy.Skip{Target: "person zoe", Person: "zoe", Reason: policy.Departed}},
		{"unknown schedule", nil, org.Target{Schedule: "old"}, policy.Skip{Target: "schedule old", Reason: policy.Departed, Detail: "no such schedule any more"}},
		{"unknown team", nil, org.Target{Team: "old"}, policy.Skip{Target: "team old", Reason: policy.Departed, Detail: "no such team any more"}},
		{"unknown vendor", nil, org.Target{Vendor: "old"}, policy.Skip{Target: "vendor old", Reason: policy.Departed, Detail: "no such vendor any more"}},
		{"a target that names nobody", nil, org.Target{}, policy.Skip{Target: "nobody", Reason: policy.Departed, Detail: "the target names nobody"}},
		{"nobody on call", nil, org.Target{Schedule: "deserted"}, policy.Skip{Target: "schedule deserted", Reason: policy.NoShift}},
		{"an empty team", nil, org.Target{Team: "empty"}, policy.Skip{Target: "team empty", Reason: policy.NoShift, Detail: "nobody is in the team"}},
		{"no methods", func(_ *policy.Directory, ana *org.Person) { ana.Methods = nil },
			org.Target{Person: "ana"}, policy.Skip{Target: "person ana", Person: "ana", Reason: policy.NoMethod}},
		{"methods that lead nowhere", func(_ *policy.Directory, ana *org.Person) {
			ana.Methods = []org.Method{{ID: "mobile", Channel: org.SMS}}
		},
			org.Target{Person: "ana"}, policy.Skip{Target: "person ana", Person: "ana", Reason: policy.NoMethod}},
		{"every method barred", func(d *policy.Directory, ana *org.Person) {
			ana.Methods = ana.Methods[:2]
			d.Live.Barred = map[policy.Way]string{{Person: "ana", Method: "mobile"}: "opted out (21610)", {Person: "ana", Method: "call"}: "asked"}
		}, org.Target{Person: "ana"}, policy.Skip{Target: "person ana", Person: "ana", Reason: policy.OptedOut, Detail: "mobile: opted out (21610); call: asked"}},
		{"overridden by somebody who left", func(d *policy.Directory, _ *org.Person) {
			d.Live.Overrides = []org.Override{{ID: "o", Schedule: "primary", Person: "zoe", From: noon, Until: noon.Add(time.Hour)}}
		}, org.Target{Schedule: "primary"}, policy.Skip{Target: "schedule primary", Person: "zoe", Reason: policy.Departed}},
	} {
		t.Run(scene.name, func(t *testing.T) {
			d := house()
			if scene.change != nil {
				ana := d.Org.People["ana"]
				scene.change(&d, &ana)
				d.Org.People["ana"] = ana
			}
			c := call(scene.target)
			c.Tier.Backups = []org.Target{{Person: "ben"}, scene.target}
			roll := policy.Muster(d, c)
			asBackup := scene.want
			asBackup.Backup = true
			require.Equal(t, []policy.Skip{scene.want, asBackup}, roll.Skips)
			require.Empty(t, roll.Targets)
			require.Equal(t, 1, roll.Unmet, "a backup steps in")
			require.Equal(t, []id.Person{"ben"}, names(roll.Backups))
		})
	}
}

func TestATeamIsMetByOneOfItsPeople(t *testing.T) {
	d := house()
	ana := d.Org.People["ana"]
	ana.Departed = true
	d.Org.People["ana"] = ana
	roll := policy.Muster(d, call(org.Target{Team: "core"}))
	require.Equal(t, []id.Person{"ben"}, names(roll.Targets))
	require.Zero(t, roll.Unmet)
	require.Equal(t, []policy.Skip{{Target: "team core", Person: "ana", Reason: policy.Departed}}, roll.Skips)
}

func TestALadderFallsBackBeforeItGivesUp(t *testing.T) {
	barred := func(methods ...id.Method) policy.Live {
		live := policy.Live{Barred: map[policy.Way]string{}}
		for _, m := range methods {
			live.Barred[policy.Way{Person: "ana", Method: m}] = "asked"
		}
		return live
	}
	mail, sms := policy.Contact{Method: "mail", Channel: org.Email}, policy.Contact{Method: "mobile", Channel: org.SMS}
	for _, scene := range []struct {
		name     string
		priority org.Priority
		live     policy.Live
		change   func(*org.Person)
		want     []policy.Contact
	}{
		{"one method barred is left out", org.P1, barred("mobile"), nil, []policy.Contact{{Method: "call", Channel: org.Voice}}},
		{"the other urgency's ladder", org.P2, barred("mobile", "call"), nil, []policy.Contact{mail}},
		{"low urgency", org.P3, policy.Live{}, nil, []policy.Contact{mail}},
		{"low falls back on high", org.P4, barred("mail", "call"), nil, []policy.Contact{{Method: "mobile", Channel: org.SMS, Wait: time.Minute}, sms}},
		{"no ladders: every method as listed", org.P1, barred("call"), func(p *org.Person) { p.Ladders = nil },
			[]policy.Contact{{Method: "mobile", Channel: org.SMS, Wait: 2 * time.Minute}, mail}},
		{"a ladder of methods that are gone", org.P1, barred("call", "mail"), func(p *org.Person) {
			p.Ladders = map[org.Urgency][]org.Rung{org.High: {{Method: "pager"}}}
		}, []policy.Contact{sms}},
	} {
		t.Run(scene.name, func(t *testing.T) {
			d := house()
			d.Live = scene.live
			if scene.change != nil {
				ana := d.Org.People["ana"]
				scene.change(&ana)
				d.Org.People["ana"] = ana
			}
			c := call(org.Target{Person: "ana"})
			c.Priority = scene.priority
			roll := policy.Muster(d, c)
			require.Len(t, roll.Targets, 1)
			require.Equal(t, scene.want, roll.Targets[0].Ladder)
		})
	}
	d := house()
	d.Live = barred("mobile")
	require.Nil(t, policy.Muster(d, call(org.Target{Person: "ana"})).Targets[0].Updates, "an update must not use a barred method")
}

func TestARungThatIsBarredIsNamedWithItsReason(t *testing.T) {
	d := house()
	d.Live.Barred = map[policy.Way]string{{Person: "ana", Method: "mobile"}: "opted out (21610)", {Person: "ana", Method: "call"}: "asked"}
	reached := func(p org.Priority) policy.Responder {
		c := call(org.Target{Person: "ana"})
		c.Priority = p
		return policy.Muster(d, c).Targets[0]
	}
	require.Equal(t, []policy.Barred{{Method: "mobile", Why: "opted out (21610)"}, {Method: "call", Why: "asked"}}, reached(org.P1).Barred)
	require.Empty(t, reached(org.P4).Barred, "what this ladder does not use is not missed")
}

func TestTheLineIsClimbedUntilSomebodyIsReached(t *testing.T) {
	d := house()
	cy := d.Org.People["cy"]
	cy.Away = []org.Interval{{From: noon, Until: noon.Add(time.Hour)}}
	d.Org.People["cy"] = cy
	c := call()
	c.ManagersOf = []id.Person{"ana", "ben"}
	roll := policy.Muster(d, c)
	require.Equal(t, []id.Person{"dora"}, names(roll.Targets))
	require.Equal(t, "manager of ana", roll.Targets[0].For)
	require.Zero(t, roll.Unmet)
	require.Len(t, roll.Skips, 3, "cy twice, dora once")

	dora := d.Org.People["dora"]
	dora.Departed, dora.Manager = true, "cy" // a line that bites its tail
	d.Org.People["dora"] = dora
	roll = policy.Muster(d, c)
	require.Empty(t, roll.Targets)
	require.Equal(t, 2, roll.Unmet)
}

func TestAVendorOutsideItsHoursIsCalledWhenTheyBegin(t *testing.T) {
	d := house()
	c := call(org.Target{Person: "val"})
	c.Vendor = "acme"
	require.Equal(t, []id.Person{"val"}, names(policy.Muster(d, c).Targets))

	c.At = time.Date(2026, 1, 9, 17, 0, 0, 0, time.UTC) // Friday, closing time
	roll := policy.Muster(d, c)
	opens := time.Date(2026, 1, 12, 9, 0, 0, 0, time.UTC)
	require.Equal(t, policy.Roll{OpensAt: opens, Skips: []policy.Skip{
		{Target: "vendor acme", Reason: policy.OutsideCover, Detail: "opens 2026-01-12 09:00 UTC"}}}, roll)

	c.At = opens
	require.Equal(t, []id.Person{"val"}, names(policy.Muster(d, c).Targets))

	v := d.Org.Vendors["acme"]
	v.Cover = "never"
	d.Org.Vendors["acme"] = v
	roll = policy.Muster(d, c)
	require.True(t, roll.OpensAt.IsZero())
	require.Equal(t, policy.OutsideCover, roll.Skips[0].Reason)

	v.Cover = "gone"
	d.Org.Vendors["acme"] = v
	require.Len(t, policy.Muster(d, c).Targets, 1, "a calendar that is gone closes nobody")
	delete(d.Org.Vendors, "acme")
	require.Len(t, policy.Muster(d, c).Targets, 1, "an engagement outlives its contract")
}

func TestTheAnswerIsDueOnTheTiersCalendar(t *testing.T) {
	c := call(org.Target{Person: "ana"})
	c.Tier.AckWithin = 6 * time.Hour
	for calendar, want := range map[id.Calendar]time.Time{
		"":       noon.Add(6 * time.Hour),
		"office": time.Date(2026, 1, 6, 10, 0, 0, 0, time.UTC),
		"gone":   noon.Add(6 * time.Hour),
		"never":  noon.Add(6 * time.Hour),
	} {
		c.Tier.Calendar = calendar
		require.Equal(t, want, policy.Muster(house(), c).AckBy, calendar)
	}
	c.Tier.AckWithin = 0
	require.True(t, policy.Muster(house(), c).AckBy.IsZero())
}
