package sla_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/sla"
	"github.com/belayhq/belay/core/ticket"
)

// life is a ticket told as a story: each line is a time of a day in June and what changed then.
type life struct {
	t *testing.T
	h ticket.History
}

func opened(t *testing.T, at string, with ...func(*ticket.Ticket)) *life {
	when := instant(t, at)
	tk := ticket.Ticket{Ref: ticket.Ref{System: "desk", Key: "1"}, Title: "It is slow", Service: "payments", State: ticket.New, Priority: org.P3,
		OpenedAt: when, Team: "desk", Assignee: "ana"}
	for _, w := range with {
		w(&tk)
	}
	return &life{t: t, h: ticket.History{{At: when, Ticket: tk}}}
}

func (l *life) then(at string, change func(*ticket.Ticket)) *life {
	next := l.h.Last()
	change(&next)
	l.h = append(l.h, ticket.Version{At: instant(l.t, at), Ticket: next})
	return l
}

func state(s ticket.State) func(*ticket.Ticket) { return func(t *ticket.Ticket) { t.State = s } }
func team(name string) func(*ticket.Ticket)     { return func(t *ticket.Ticket) { t.Team = name } }

// cel evaluates conditions as the product does.
func cel(t *testing.T) sla.Holds {
	t.Helper()
	scope, err := expr.Tickets()
	require.NoError(t, err)
	return func(condition string, f ticket.Facts) (bool, error) {
		p, err := scope.Compile(condition, expr.Truth)
		if err != nil {
			return false, err
		}
		truth, err := p.Test(f.Vars())
		if errors.Is(err, expr.ErrAbsent) {
			return false, nil
		}
		return truth, err
	}
}

func one(t *testing.T, d org.SLA, hours *org.Calendar, l *life) sla.Clock {
	t.Helper()
	b := sla.Book{SLAs: []sla.Definition{{SLA: d, Hours: hours}}, Holds: cel(t)}
	clocks, problems := b.Clocks(l.h)
	require.Empty(t, problems)
	require.Len(t, clocks, 1)
	return clocks[0]
}

func due(t *testing.T, c sla.Clock) string {
	t.Helper()
	at, seen := c.Due()
	if !seen {
		return "not to be seen"
	}
	return at.Format(time.RFC3339)
}

func TestAFirstResponseStopsItsClockWhenTheTicketSaysSo(t *testing.T) {
	l := opened(t, "2026-06-01T09:00:00Z").then("2026-06-01T09:50:00Z", func(t *ticket.Ticket) { t.RespondedAt = t.OpenedAt.Add(40 * time.Minute) })
	c := one(t, org.SLA{ID: "r", Metric: org.FirstResponse, Target: time.Hour}, nil, l)
	require.Equal(t, sla.Met, c.End)
	require.Equal(t, 40*time.Minute, c.Elapsed(instant(t, "2026-06-02T00:00:00Z")), "not when we heard of it")
	_, seen := c.Due()
	require.False(t, seen, "it was kept")
}

func TestEveryWordOfTheAssigneeBeginsTheUpdateClockAgain(t *testing.T) {
	l := opened(t, "2026-06-01T09:00:00Z").
		then("2026-06-01T10:00:00Z", func(t *ticket.Ticket) { t.SpokeAt = t.OpenedAt.Add(55 * time.Minute) }).
		then("2026-06-01T10:30:00Z", func(t *ticket.Ticket) { t.Category = "network" })
	c := one(t, org.SLA{ID: "u", Metric: org.UpdateMetric, Target: time.Hour}, nil, l)
	require.Equal(t, 2, c.Cycle)
	require.Equal(t, "2026-06-01T10:55:00Z", due(t, c))
}

func TestAPauseHasAReasonAndASolvedTicketThatComesBackRunsOn(t *testing.T) {
	l := opened(t, "2026-06-01T09:00:00Z").
		then("2026-06-01T10:00:00Z", func(t *ticket.Ticket) { t.State, t.Reason = ticket.Waiting, "customer" })
	d := org.SLA{ID: "s", Metric: org.ResolveMetric, Target: 4 * time.Hour}
	c := one(t, d, nil, l)
	reason, paused := c.Paused()
	require.True(t, paused)
	require.Equal(t, "customer", reason)
	require.Equal(t, "not to be seen", due(t, c))

	l.then("2026-06-01T12:00:00Z", state(ticket.Working)).then("2026-06-01T13:00:00Z", state(ticket.Solved))
	require.Equal(t, sla.Met, one(t, d, nil, l).End)
	l.then("2026-06-01T15:00:00Z", state(ticket.Working))
	require.Equal(t, "2026-06-01T17:00:00Z", due(t, one(t, d, nil, l)))
	require.Equal(t, sla.Cancelled, one(t, d, nil, l.then("2026-06-01T16:00:00Z", state(ticket.Cancelled))).End)
}

func TestAClockThatLooksBackCountsFromTheOpeningAndStandsWhereTheTicketStood(t *testing.T) {
	l := opened(t, "2026-06-01T09:00:00Z").
		then("2026-06-01T09:30:00Z", state(ticket.Waiting)).
		then("2026-06-01T10:30:00Z", func(t *ticket.Ticket) { t.State, t.Priority = ticket.Working, org.P1 })
	d := org.SLA{ID: "p1", Metric: org.ResolveMetric, Target: 2 * time.Hour, For: org.Meant{Priorities: []org.Priority{org.P1}}}
	require.Equal(t, "2026-06-01T12:30:00Z", due(t, one(t, d, nil, l)), "from when it became P1")
	d.Retroactive = true
	require.Equal(t, "2026-06-01T12:00:00Z", due(t, one(t, d, nil, l)), "from the opening, without the hour of waiting")
}

func TestConditionsOfOnesOwnTakeThePlaceOfWhatTheMetricMeans(t *testing.T) {
	d := org.SLA{ID: "own", Metric: org.ResolveMetric, Target: 4 * time.Hour,
		Start: `ticket.category == "outage"`, Pause: `ticket.state == "waiting" && ticket.reason == "customer"`, Resume: `ticket.state == "working"`,
		Stop: `ticket.state == "closed"`, Cancel: `ticket.type == "request"`, Reset: `"team" in changed`}
	l := opened(t, "2026-06-01T09:00:00Z")
	b := sla.Book{SLAs: []sla.Definition{{SLA: d}}, Holds: cel(t)}
	clocks, problems := b.Clocks(l.h)
	require.Empty(t, clocks, "it has not started")
	require.Empty(t, problems)

	l.then("2026-06-01T10:00:00Z", func(t *ticket.Ticket) { t.Category = "outage" })
	require.Equal(t, "2026-06-01T14:00:00Z", due(t, one(t, d, nil, l)))
	l.then("2026-06-01T10:10:00Z", func(t *ticket.Ticket) { t.State, t.Reason = ticket.Waiting, "vendor" })
	require.Equal(t, "2026-06-01T14:00:00Z", due(t, one(t, d, nil, l)), "a vendor stops nothing")
	l.then("2026-06-01T11:00:00Z", func(t *ticket.Ticket) { t.Reason = "customer" })
	l.then("2026-06-01T11:30:00Z", func(t *ticket.Ticket) { t.Reason = "" })
	require.Equal(t, "not to be seen", due(t, one(t, d, nil, l)), "it stands until it is resumed")
	l.then("2026-06-01T12:00:00Z", state(ticket.Working))
	require.Equal(t, "2026-06-01T15:00:00Z", due(t, one(t, d, nil, l)))
	l.then("2026-06-01T13:00:00Z", team("network"))
	c := one(t, d, nil, l)
	require.Equal(t, 2, c.Cycle)
	require.Equal(t, "2026-06-01T17:00:00Z", due(t, c))
	require.Equal(t, sla.Running, one(t, d, nil, l.then("2026-06-01T14:00:00Z", state(ticket.Solved))).End)
	require.Equal(t, sla.Cancelled, one(t, d, nil, l.then("2026-06-01T15:00:00Z", func(t *ticket.Ticket) { t.Type = "request" })).End)
}

func TestWhatCannotBeEvaluatedDoesNotHoldAndIsTold(t *testing.T) {
	d := org.SLA{ID: "bad", Metric: org.ResolveMetric, Target: time.Hour, Pause: `ticket.vip > 3`}
	b := sla.Book{SLAs: []sla.Definition{{SLA: d}}, Holds: cel(t)}
	clocks, problems := b.Clocks(opened(t, "2026-06-01T09:00:00Z").h)
	require.Equal(t, "2026-06-01T10:00:00Z", due(t, clocks[0]), "it runs rather than stands")
	require.Len(t, problems, 1)
	require.Contains(t, problems[0], "bad: pause:")
}

// A P1 is promised around the clock, everything else in office hours.
func TestAP1OverridesBusinessHours(t *testing.T) {
	office := read(t, "Europe/Berlin", "day", "", "")
	b := sla.Book{Holds: cel(t), SLAs: []sla.Definition{
		{SLA: org.SLA{ID: "resolve-p1", Metric: org.ResolveMetric, Target: 4 * time.Hour, Retroactive: true, For: org.Meant{Priorities: []org.Priority{org.P1}}}},
		{SLA: org.SLA{ID: "resolve", Metric: org.ResolveMetric, Target: 4 * time.Hour}, Hours: &office},
	}}
	l := opened(t, "2026-06-05T14:00:00Z") // a Friday, 16:00 in Berlin
	clocks, _ := b.Clocks(l.h)
	require.Len(t, clocks, 1)
	require.Equal(t, "2026-06-08T10:00:00Z", due(t, clocks[0]))

	l.then("2026-06-05T15:30:00Z", func(t *ticket.Ticket) { t.Priority = org.P1 })
	clocks, _ = b.Clocks(l.h)
	require.Len(t, clocks, 2)
	require.Equal(t, "2026-06-05T18:00:00Z", due(t, clocks[0]), "in the evening")
	require.Equal(t, sla.Cancelled, clocks[1].End, "the other promise does not hold any more")

	l.then("2026-06-05T16:00:00Z", func(t *ticket.Ticket) { t.Priority = org.P2 })
	clocks, _ = b.Clocks(l.h)
	require.Equal(t, sla.Cancelled, clocks[0].End)
	require.Equal(t, 2, clocks[1].Cycle)
}

// Over a weekend in which the clock changes, with a pause: to the second.
func TestAPauseOverAWeekendAndAChangeOfTheClock(t *testing.T) {
	office := read(t, "Europe/Berlin", "day", "", "")
	l := opened(t, "2026-03-27T13:00:07Z"). // Friday 14:00:07
						then("2026-03-27T14:30:00Z", state(ticket.Waiting)). // 15:30
						then("2026-03-30T08:15:30Z", state(ticket.Working))  // Monday 10:15:30, in summer time
	c := one(t, org.SLA{ID: "s", Metric: org.ResolveMetric, Target: 4 * time.Hour}, &office, l)
	require.Equal(t, "2026-03-30T10:45:37Z", due(t, c))
}

func TestThresholdsHaveTheirInstants(t *testing.T) {
	office := read(t, "Europe/Berlin", "day", "", "")
	warn := org.Act{Do: org.Warn}
	d := org.SLA{ID: "s", Name: "Solve it", Metric: org.ResolveMetric, Target: 8 * time.Hour, Thresholds: []org.Threshold{
		{Percent: 75, Act: warn},
		{Offset: -time.Hour, Act: org.Act{Do: org.Raise}},
		{Offset: -time.Hour, Wall: true, Act: warn},
		{Act: org.Act{Do: org.Escalate}},
		{Offset: 3 * time.Hour, Act: org.Act{Do: org.Escalate, Direction: org.Hierarchic, Tier: 3}},
		{Offset: 3 * time.Hour, Wall: true, Act: org.Act{Do: org.BringIn, Targets: []org.Target{{Person: "eva"}}}},
		{Percent: 200, Act: warn},
		{Percent: 75, Wall: true, Act: org.Act{Do: org.TellHook, Hook: "cmdb.example#12345678"}},
		{Percent: 150, Wall: true, Act: warn},
	}}
	l := opened(t, "2026-06-05T13:00:00Z") // a Friday, 15:00 in Berlin: two hours are left of it
	var got []string
	for _, a := range one(t, d, &office, l).Alarms() {
		got = append(got, a.At.Format("02T15:04")+" "+a.Key)
	}
	require.Equal(t, []string{
		"08T11:00 s/1/75%/warn",
		"08T12:00 s/1/1h before/raise",
		"08T12:00 s/1/1h before on the wall/warn",
		"08T13:00 s/1/breach/escalate",
		"09T08:00 s/1/3h after/escalate-hierarchic-3",
		"08T16:00 s/1/3h after on the wall/bring_in-person eva",
		"09T13:00 s/1/200%/warn",
		"08T11:00 s/1/75% on the wall/webhook-cmdb.example#12345678",
		"08T17:00 s/1/150% on the wall/warn",
	}, got)

	r := one(t, d, &office, l).Read(instant(t, "2026-06-08T13:00:00Z"))
	require.Equal(t, "2026-06-08T11:00:00Z", r.WarnedAt.Format(time.RFC3339))
	require.Equal(t, r.DueAt, r.BreachedAt)
	require.Equal(t, 8*time.Hour, r.Elapsed)

	l.then("2026-06-08T10:00:00Z", state(ticket.Waiting))
	require.Empty(t, one(t, d, &office, l).Alarms(), "nothing is to be seen while it stands")
	l.then("2026-06-08T13:30:00Z", state(ticket.Working))
	require.Equal(t, "2026-06-08T14:30:00Z", one(t, d, &office, l).Alarms()[0].At.Format(time.RFC3339))
}

func TestThreePingPongsForceTheHierarchicRung(t *testing.T) {
	l := opened(t, "2026-06-01T09:00:00Z")
	b := sla.Book{Holds: cel(t)}
	for n, name := range []string{"network", "desk", "network"} {
		l.then(instant(t, "2026-06-01T10:00:00Z").Add(time.Duration(n)*time.Hour).Format(time.RFC3339), team(name))
		require.Empty(t, b.Judge(l.h, instant(t, "2026-06-01T18:00:00Z")).Triggers, name)
	}
	l.then("2026-06-01T14:00:00Z", team("desk"))
	holding := b.Judge(l.h, instant(t, "2026-06-01T18:00:00Z")).Triggers
	require.Len(t, holding, 1)
	require.Equal(t, org.Hierarchic, holding[0].Act.Direction)
	require.Equal(t, "2026-06-01T14:00:00Z", holding[0].At.Format(time.RFC3339))

	b.Triggers = []org.Trigger{{ID: "ping-pong", When: "history.bounces >= 10"}}
	require.Empty(t, b.Judge(l.h, instant(t, "2026-06-01T18:00:00Z")).Triggers, "a blueprint may say otherwise")
}

func TestTriggersSeeTheTicketAndItsHistory(t *testing.T) {
	l := opened(t, "2026-06-01T09:00:00Z", func(t *ticket.Ticket) { t.Labels = map[string]string{"site": "mad"} }).
		then("2026-06-01T10:00:00Z", func(t *ticket.Ticket) { t.Priority, t.Assignee = org.P2, "ben" }).
		then("2026-06-01T11:00:00Z", state(ticket.Solved)).
		then("2026-06-01T12:00:00Z", func(t *ticket.Ticket) { t.State, t.VIP, t.Category = ticket.Working, true, "payroll" })
	for when, want := range map[string]bool{
		`ticket.vip`:                                  true,
		`ticket.category == "payroll"`:                true,
		`history.reopens >= 1`:                        true,
		`history.priority_raises == 1`:                true,
		`history.priority_changes > 1`:                false,
		`history.reassignments == 1`:                  true,
		`"category" in changed`:                       true,
		`"priority" in changed`:                       false,
		`ticket.labels.site == "mad"`:                 true,
		`ticket.labels.floor == "1"`:                  false,
		`ticket.priority in ["P1", "P2"]`:             true,
		`ticket.customer == ""`:                       true,
		`ticket.title.lower().contains("slow")`:       true,
		`history.bounces + history.reassignments > 3`: false,
	} {
		b := sla.Book{Holds: cel(t), Triggers: []org.Trigger{{ID: "x", When: when}}}
		v := b.Judge(l.h, instant(t, "2026-06-01T18:00:00Z"))
		require.Empty(t, v.Problems, when)
		require.Equal(t, want, len(v.Triggers) == 1, when)
	}
}

func TestSilenceOfTheAssigneeHasAnInstant(t *testing.T) {
	office := read(t, "Europe/Berlin", "day", "", "")
	b := sla.Book{Holds: cel(t), Calendars: map[id.Calendar]org.Calendar{"office": office},
		Triggers: []org.Trigger{{ID: "silent", Name: "Silence", SilentFor: 4 * time.Hour, Calendar: "office", When: `ticket.priority == "P3"`}}}
	l := opened(t, "2026-06-05T12:00:00Z") // a Friday, 14:00 in Berlin
	v := b.Judge(l.h, instant(t, "2026-06-05T15:00:00Z"))
	require.Empty(t, v.Triggers)
	require.Equal(t, "2026-06-08T08:00:00Z", v.LookAt.Format(time.RFC3339))
	v = b.Judge(l.h, v.LookAt)
	require.Len(t, v.Triggers, 1)
	require.Equal(t, "Silence: ana has said nothing for 4h", v.Triggers[0].Text)
	require.Zero(t, v.LookAt)

	l.then("2026-06-08T07:30:00Z", func(t *ticket.Ticket) { t.SpokeAt = instant(l.t, "2026-06-08T07:30:00Z") })
	require.Equal(t, "2026-06-08T11:30:00Z", b.Judge(l.h, instant(t, "2026-06-08T08:00:00Z")).LookAt.Format(time.RFC3339))
	l.then("2026-06-08T07:40:00Z", state(ticket.Waiting))
	require.Zero(t, b.Judge(l.h, instant(t, "2026-06-08T08:00:00Z")).LookAt, "nobody is to speak while it waits")
}
