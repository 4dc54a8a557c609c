package blueprint_test

import (
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/tongue"
)

func TestEveryKeyReachesTheOrganisation(t *testing.T) {
	files, err := blueprint.Files(os.DirFS("testdata/everything"))
	require.NoError(t, err)
	o := load(t, files).Org
	madrid, _ := time.LoadLocation("Europe/Madrid")

	require.Equal(t, "Everything", o.Name)
	require.Equal(t, org.Terms{
		Priorities: map[org.Priority]string{org.P1: "Kritisch", org.P2: "Hoch", org.P3: "Mittel", org.P4: "Niedrig", org.P5: "Planung"},
		States:     map[string]string{"watching": "im Blick", "open": "Neu", "acknowledged": "in Arbeit", "resolved": "behoben", "closed": "zu"},
		Kinds:      map[org.Kind]string{org.Technical: "Störung", org.Procedural: "Ablauf", org.CustomerFacing: "Beschwerde"},
		Severities: map[string]string{"critical": "Katastrophe", "error": "Ausfall", "warning": "Hinweis", "info": "Notiz"},
	}, o.Terms)
	require.Equal(t, 90*time.Second, o.CatchAll.AckWithin)
	require.Equal(t, 2, o.CatchAll.Repeat)
	require.Equal(t, org.Unit{ID: "leaf", Name: "Leaf", Parent: "root", Zone: time.UTC}, o.Units["leaf"])
	require.Equal(t, madrid.String(), o.Units["root"].Zone.String(), "a unit without a zone takes the organisation's")

	ana := o.People["ana"]
	require.Equal(t, tongue.German, ana.Language)
	require.Equal(t, org.Method{ID: "voice", Channel: org.Voice, Address: "+12125550123"}, ana.Methods[1], "a method without an id is called as its channel")
	require.Equal(t, []org.Rung{{Method: "mobile", Wait: 90 * time.Second}, {Method: "voice"}}, ana.Ladders[org.High])
	require.Equal(t, []org.Interval{{From: instant("2026-07-31T18:30:00Z"), Until: instant("2026-08-15T10:00:00Z")}}, ana.Away, "a bare date begins at midnight in Kolkata")
	require.Equal(t, []org.Rung{{Method: "sms"}}, o.People["ben"].Ladders[org.Low], "without a ladder: every method, in the order written")

	require.Equal(t, org.Service{ID: "s", Name: "S", Unit: "leaf", Owner: "core", Tier: 2, Impact: 3}, o.Services["s"])
	door := o.Integrations["i"]
	require.Equal(t, &org.Flapping{Changes: 4, Within: 10 * time.Minute}, door.Flapping)
	require.Equal(t, &org.Mapping{Each: "body.alerts", Title: "item.name", DedupKey: "item.id", Severity: "item.level", Status: "item.state",
		Action: "item.state == 'up' ? 'resolve' : 'trigger'", Source: "item.host", OccurredAt: "item.at", Links: "item.url", Labels: "item.tags"}, door.Mapping)
	require.Equal(t, []org.Rule{
		{Name: "quiet", When: `labels.env == "test"`, Action: org.Drop},
		{Name: "wide", When: `title.contains("region")`, Continue: true, Action: org.Tell, Service: "s", Kind: org.Technical, Impact: 1, Urgency: "critical", Labels: map[string]string{"wide": "yes"}},
		{Name: "later", When: `severity == "info"`, Action: org.Tell, Priority: org.P4, Delay: 5 * time.Minute},
		{Name: "alike", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.zone"}, Within: 5 * time.Minute, Count: 2}},
		{Name: "alive", Action: org.Ping, Ping: "watchdog"},
	}, door.Rules)
	require.Len(t, o.Rules, 5)
	require.Equal(t, "together", o.Rules[0].Name)
	madrid, _ = time.LoadLocation("Europe/Madrid")
	require.Equal(t, org.Window{ID: "patching", Name: "Patching", Zone: madrid, From: time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC),
		Until: time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC), Weekly: []org.WeekHours{{Days: []time.Weekday{time.Sunday}, From: 120, Until: 240}},
		Services: []id.Service{"s"}, When: `labels.env == "prod"`, UpTo: "warning", Reason: "patches"}, o.Windows["patching"])
	require.Equal(t, org.Heartbeat{ID: "watchdog", Name: "Watchdog", Integration: "i", Service: "s", Every: time.Minute, Grace: 2 * time.Minute,
		Severity: "error", Priority: org.P2}, o.Heartbeats["watchdog"])
	require.Equal(t, &org.Canary{Every: 5 * time.Minute, Format: "json", Service: "s", Bodies: &org.Bodies{Firing: "{}", Resolved: "{}"}}, door.Canary)
	door.Rules, door.Flapping, door.Mapping, door.Canary = nil, nil, nil, nil
	require.Equal(t, org.Integration{ID: "i", Kind: "events", Service: "s", Key: "abcdefghijklmnop", Secret: "ponmlkjihgfedcba", Alert: org.Procedural, Topics: []string{"arn:aws:sns:eu-west-1:1:pages"}, Tickets: "desk"}, door)
	require.Equal(t, org.TicketWatch{
		Query: "project = SUPPORT", Tickets: []org.TicketMatch{{When: `ticket.team == "Payments" || fields.project == "PAY"`, Service: "s", Kind: org.Technical}},
		Type: "fields.issuetype", Reason: `ticket.state == "waiting" ? "customer" : ""`, VIP: `"gold" in fields`,
		RespondedAt: "fields.customfield_10001", SpokeAt: "fields.customfield_10002", Labels: []string{"region"},
	}, o.Tickets["desk"].Watch)

	layers := o.Schedules["primary"].Layers
	require.Equal(t, []id.Person{"ana", "", "ben"}, layers[0].People, "null is a turn that nobody takes")
	require.Equal(t, org.Rotation{Every: org.Weekly, Count: 2}, layers[0].Rotation)
	require.Equal(t, instant("2026-01-05T07:00:00Z"), layers[0].Start, "08:00 in Madrid")
	require.Equal(t, org.Rotation{Every: org.Daily, Count: 2}, layers[1].Rotation)
	require.Equal(t, "layer 2", layers[1].Name)
	require.Equal(t, org.Rotation{Every: org.Custom, Count: 1, Each: 12 * time.Hour}, layers[2].Rotation)
	require.Equal(t, []org.WeekHours{
		{Days: []time.Weekday{1, 2, 3, 4, 5, 0}, From: 22 * 60, Until: 6 * 60},
		{Days: []time.Weekday{6}, From: 0, Until: 24 * 60},
	}, layers[2].Only)
	require.Equal(t, org.Override{ID: "primary@2026-02-28T23:00:00Z", Schedule: "primary", Person: "ben",
		From: instant("2026-02-28T23:00:00Z"), Until: instant("2026-03-01T23:00:00Z"), Reason: "a swap"}, o.Schedules["primary"].Overrides[0])

	hours := o.Calendars["hours"]
	require.Equal(t, []org.Span{{From: 8 * 60, Until: 12 * 60}, {From: 13 * 60, Until: 24 * 60}}, hours.Hours[time.Thursday])
	require.Contains(t, hours.Holidays, org.Holiday{Date: org.Date{Month: 12, Day: 31}, Yearly: true, Name: "holiday"})
	require.Contains(t, hours.Holidays, org.Holiday{Date: org.Date{Month: 1, Day: 2}, Yearly: true, Name: "Bridge"})
	require.Contains(t, hours.Exceptions, org.Date{Year: 2026, Month: 12, Day: 29}, "an empty exception closes the day")
	years := map[int]bool{}
	for _, holiday := range hours.Holidays {
		years[holiday.Date.Year] = true
	}
	require.True(t, years[2024] && years[2040], "public holidays are written out")

	require.Equal(t, org.Tier{Name: "first",
		Targets:   []org.Target{{Schedule: "primary"}, {Person: "ana"}, {Team: "core"}, {Vendor: "v"}},
		Backups:   []org.Target{{Schedule: "primary"}, {Person: "ben"}, {Team: "core"}},
		AckWithin: 49*time.Hour + time.Minute + time.Second, UpdateEvery: time.Hour, ResolveWithin: 4 * time.Hour,
		Direction: org.Hierarchic, Repeat: 1, Calendar: "hours"}, o.Policies[0].Tiers[0])
	require.Equal(t, 72*time.Hour, o.Policies[0].Reopen)
	require.Equal(t, id.Calendar("hours"), o.Vendors["v"].Cover)

	everything := org.Meant{Services: []id.Service{"s"}, Kinds: []org.Kind{org.Technical, org.Procedural}, Priorities: []org.Priority{org.P1, org.P3},
		Customers: []string{"Acme", "4711"}, Labels: map[string]string{"site": "madrid"}}
	everybody := []org.Target{{Schedule: "primary"}, {Person: "ana"}, {Team: "core"}, {Vendor: "v"}}
	require.Equal(t, []org.SLA{{ID: "solve", Name: "Solve it", Metric: org.ResolveMetric, For: everything, Target: 4 * time.Hour, Calendar: "hours", Retroactive: true,
		Start: `ticket.category != "question"`, Pause: `ticket.state == "waiting"`, Resume: `ticket.state == "working"`, Stop: `ticket.state == "closed"`,
		Cancel: `ticket.type == "request"`, Reset: `"team" in changed`, Thresholds: []org.Threshold{
			{Percent: 75, Act: org.Act{Do: org.Warn}},
			{Offset: -30 * time.Minute, Wall: true, Act: org.Act{Do: org.Raise}},
			{Percent: 90, Wall: true, Act: org.Act{Do: org.TellHook, Hook: "cmdb.example#82ec042f", URL: "https://cmdb.example/hooks/1"}},
			{Act: org.Act{Do: org.Escalate, Direction: org.Functional}},
			{Offset: time.Hour, Act: org.Act{Do: org.Escalate, Direction: org.Hierarchic, Tier: 1}},
			{Offset: 2 * time.Hour, Act: org.Act{Do: org.BringIn, Targets: everybody}},
		}}}, o.SLAs)
	everything.Kinds, everything.Priorities, everything.Customers = []org.Kind{org.Technical}, []org.Priority{org.P1}, []string{"Acme"}
	require.Equal(t, []org.Trigger{
		{ID: "silence", Name: "Nobody has said anything", For: everything, When: "ticket.vip || history.reopens > 1", SilentFor: 4 * time.Hour, Calendar: "hours",
			Act: org.Act{Do: org.Escalate, Direction: org.Hierarchic, Tier: 1}},
		{ID: "told", Name: "told", When: "ticket.vip", Act: org.Act{Do: org.TellHook, Hook: "cmdb.example#e484a7ce", URL: "https://cmdb.example/hooks/2"}},
		{ID: "management", Name: "management", When: `ticket.category == "outage"`, Act: org.Act{Do: org.BringIn, Targets: everybody}},
	}, o.Triggers)
}

func TestWhatHoldsWhenNothingIsSaid(t *testing.T) {
	o := load(t, with(t, `
kind: service
id: bare
name: Bare
owner: payments
---
kind: vendor
id: silent
name: Silent
owner: payments
contacts: [first, second]
---
{kind: person, id: first, name: First, vendor: silent, methods: [{email: first@silent.example}]}
---
{kind: person, id: second, name: Second, vendor: silent, methods: [{email: second@silent.example}]}
---
kind: integration
id: door
service: bare
key: 0123456789abcdef
---
kind: policy
id: zz-last
for: {services: [bare], kinds: [procedural]}
tiers: [{targets: [{team: payments}]}]
`)).Org
	require.Equal(t, org.Service{ID: "bare", Name: "Bare", Unit: "quick", Owner: "payments", Tier: 3, Impact: 3}, o.Services["bare"])
	require.Equal(t, 1, o.Services["payments"].Impact, "tier 1 has high impact")
	require.Equal(t, org.Technical, o.Integrations["door"].Alert)
	require.Equal(t, []org.Tier{{Name: "tier 1", Targets: []org.Target{{Person: "first"}}, Backups: []org.Target{{Person: "second"}},
		AckWithin: 15 * time.Minute, Direction: org.Functional}}, o.Vendors["silent"].Tiers)
	last := o.Policies[len(o.Policies)-1]
	require.Equal(t, org.Policy{ID: "zz-last", Name: "zz-last", Services: []id.Service{"bare"}, Kinds: []org.Kind{org.Procedural},
		Tiers:  []org.Tier{{Name: "tier 1", Targets: []org.Target{{Team: "payments"}}, AckWithin: 15 * time.Minute, Direction: org.Functional}},
		Reopen: 24 * time.Hour}, last)
}

func TestWhatIsAllowedButOddIsAWarning(t *testing.T) {
	b := load(t, with(t, `
{kind: person, id: mute, name: Mute}
---
{kind: person, id: gone, name: Gone, departed: true}
---
kind: schedule
id: odd
team: payments
layers: [{people: [mute, gone], start: 2026-01-05}]
---
kind: person
id: patient
name: Patient
methods: [{sms: "+12125550160"}]
ladder: {high: [{use: sms, wait: 5m}]}
---
kind: policy
id: never
for: {priorities: [P1]}
tiers: [{targets: [{person: ana}]}]
`))
	var said []string
	for _, warning := range b.Warnings {
		said = append(said, warning.Error())
	}
	require.Equal(t, []string{
		`z.yaml:2:20: methods: Mute has no contact method and can never be told`,
		`z.yaml:9:26: layers[0].people[1]: gone has departed and will never be told`,
		`z.yaml:15:34: ladder.high[0].wait: the last step waits for nothing: leave it out, or add a step`,
		`z.yaml:18:5: for: is never chosen: urgent above match everything that it matches; move it up or narrow them`,
	}, said)
}

func TestAnOrganisationIsNeededOnce(t *testing.T) {
	_, err := blueprint.Load([]blueprint.File{{Path: "a.yaml", Content: []byte("{kind: unit, id: u, name: U}")}}, time.LoadLocation)
	require.ErrorContains(t, err, "no document of kind organisation")
	_, err = blueprint.Load(with(t, "{kind: organisation, id: other, name: O, catch_all: {targets: [{person: ana}]}}"), time.LoadLocation)
	require.ErrorContains(t, err, "z.yaml:1:26: kind: a second organisation (first at quick.yaml:4)")
	_, err = blueprint.Load(nil, nil)
	require.True(t, fault.Is(err, fault.Invalid))
}

func TestTheMachinesOwnZoneIsNotAZone(t *testing.T) {
	_, err := blueprint.Load(with(t, "{kind: unit, id: u, name: U, time_zone: Local}"), time.LoadLocation)
	require.ErrorContains(t, err, `z.yaml:1:41: time_zone: "Local" is not a time zone`)
}

func TestAPersonSpeaksALanguageThatBelaySpeaks(t *testing.T) {
	b, err := blueprint.Load(with(t, "{kind: person, id: uwe, name: Uwe, language: de, methods: [{email: uwe@quick.example}]}"), time.LoadLocation)
	require.NoError(t, err)
	require.Equal(t, tongue.German, b.Org.People["uwe"].Language)
	require.Empty(t, b.Org.People["ana"].Language, "not said: English, and pages as the browser asks")
	_, err = blueprint.Load(with(t, "{kind: person, id: uwe, name: Uwe, language: fr, methods: [{email: uwe@quick.example}]}"), time.LoadLocation)
	require.ErrorContains(t, err, `language: "fr" is not one of en, de`)
}

func TestOnlyDocumentsAreRead(t *testing.T) {
	files, err := blueprint.Files(fstest.MapFS{
		"b.yml": {Data: []byte("b")}, "a/a.yaml": {Data: []byte("a")}, "README.md": {}, ".git/x.yaml": {}, ".hidden.yaml": {}, "a.json": {},
	})
	require.NoError(t, err)
	require.Equal(t, []blueprint.File{{Path: "a/a.yaml", Content: []byte("a")}, {Path: "b.yml", Content: []byte("b")}}, files)
	_, err = blueprint.Files(fstest.MapFS{"README.md": {}})
	require.True(t, fault.Is(err, fault.Invalid))
}

// with is the quick example and more documents behind it.
func with(t testing.TB, more string) []blueprint.File {
	t.Helper()
	return append(example(t, "quick"), blueprint.File{Path: "z.yaml", Content: []byte(more)})
}
