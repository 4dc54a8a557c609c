package route_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/route"
)

func at(clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", "2026-03-02 "+clock) // a Monday
	if err != nil {
		panic(err)
	}
	return t
}

func company(own []org.Rule, shared ...org.Rule) *org.Org {
	return &org.Org{
		Services: map[id.Service]org.Service{
			"shop": {ID: "shop", Impact: 2}, "database": {ID: "database", Impact: 1}, "reports": {ID: "reports", Impact: 3},
		},
		Integrations: map[id.Integration]org.Integration{"monitor": {ID: "monitor", Service: "shop", Alert: org.Technical, Rules: own}},
		Rules:        shared, Windows: map[id.Window]org.Window{},
	}
}

func fires(severity alert.Severity, labels alert.Labels) expr.Event {
	return expr.Event{Integration: "monitor", Format: "alertmanager", At: at("12:00"),
		Alert: alert.Alert{Action: alert.Trigger, Title: "disk full", DedupKey: "disk", Severity: severity, Labels: labels}}
}

func TestTheFirstRuleThatMatchesWins(t *testing.T) {
	r := route.Over(company([]org.Rule{
		{Name: "databases", When: `labels.team == "db"`, Action: org.Tell, Service: "database", Kind: org.Procedural, Priority: org.P1},
		{Name: "rest", Action: org.Tell, Service: "reports"},
	}, org.Rule{Name: "never asked", Action: org.Drop}))
	d := r.Decide(fires(alert.Warning, alert.Labels{"team": "db"}), nil)
	require.Equal(t, route.Decision{Action: org.Tell, Service: "database", Kind: org.Procedural, Priority: org.P1, Chosen: true, Rule: "databases",
		Trace: []route.Look{{Rule: "databases", Matched: true, Why: `labels.team == "db"`}}}, d)

	d = r.Decide(fires(alert.Warning, nil), nil)
	require.Equal(t, "rest", d.Rule)
	require.Equal(t, org.P5, d.Priority, "impact low × warning")
	require.Empty(t, d.Warnings, "a label that is not there is no mistake")
	require.Contains(t, d.Trace[0].Why, "it is for those that have it")
}

func TestARuleMayLeaveTheRestToOthers(t *testing.T) {
	r := route.Over(company(
		[]org.Rule{{Name: "mark", When: `title.contains("disk")`, Continue: true, Action: org.Tell, Impact: 1, Labels: map[string]string{"team": "storage"}}},
		org.Rule{Name: "storage", When: `labels.team == "storage"`, Action: org.Tell, Service: "database", Priority: org.P4, Delay: 5 * time.Minute},
	))
	d := r.Decide(fires(alert.Error, nil), nil)
	require.Equal(t, "mark + storage", d.Rule)
	require.Equal(t, id.Service("database"), d.Service)
	require.Equal(t, org.P2, d.Priority, "what an earlier rule said stands: impact high × error")
	require.Equal(t, 5*time.Minute, d.Delay)
	require.Equal(t, map[string]string{"team": "storage"}, d.Labels)
	require.Empty(t, d.Warnings)
}

func TestWhatNobodyMatchesIsNeverLost(t *testing.T) {
	r := route.Over(company([]org.Rule{{Name: "only info", When: `severity == "info"`, Action: org.Drop}}))
	d := r.Decide(fires(alert.Critical, nil), nil)
	require.Equal(t, org.Tell, d.Action)
	require.Equal(t, id.Service("shop"), d.Service)
	require.Equal(t, org.P2, d.Priority)
	require.Equal(t, []string{"no rule matched: it goes to shop, as its integration says"}, d.Warnings)

	without := route.Over(company(nil)).Decide(fires(alert.Critical, nil), nil)
	require.Empty(t, without.Warnings, "who has no rules hears nothing of rules")
}

// A rule that fails never loses an alert: it is passed over, and says so.
func TestARuleThatFailsIsPassedOver(t *testing.T) {
	hostile := fires(alert.Critical, nil)
	many := make([]any, 5000)
	hostile.Alert.Details = map[string]any{"many": many}
	for _, when := range []string{
		`details.many.all(a, details.many.all(b, a == b))`, // too much work
		`details.many > 3`,  // another type
		`no longer written`, // not even an expression
	} {
		r := route.Over(company([]org.Rule{{Name: "broken", When: when, Action: org.Drop}, {Name: "rest", Action: org.Tell}}))
		d := r.Decide(hostile, nil)
		require.Equal(t, org.Tell, d.Action, when)
		require.Equal(t, "rest", d.Rule, when)
		require.Len(t, d.Warnings, 1, when)
		require.Contains(t, d.Warnings[0], `rule "broken" was passed over`, when)
	}
}

func TestAGroupHasTheValuesItsMembersShare(t *testing.T) {
	r := route.Over(company([]org.Rule{{Name: "cluster", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.cluster", "title"}, Within: time.Minute, Count: 3}}}))
	one := r.Decide(fires(alert.Error, alert.Labels{"cluster": "eu-1", "pod": "a"}), nil).Group
	other := r.Decide(fires(alert.Error, alert.Labels{"cluster": "eu-1", "pod": "b"}), nil).Group
	elsewhere := r.Decide(fires(alert.Error, alert.Labels{"cluster": "us-1"}), nil).Group
	require.Equal(t, one, other)
	require.NotEqual(t, one.Key, elsewhere.Key)
	require.Equal(t, `group cluster of shop: "eu-1" "disk full"`, one.Key)
	require.Equal(t, 3, one.Count)
	require.NotNil(t, r.Decide(fires(alert.Error, nil), nil).Group, "those without the label are a group too")
}

func window(change func(*org.Window)) org.Window {
	w := org.Window{ID: "patching", From: at("11:00"), Until: at("13:00"), UpTo: "warning"}
	if change != nil {
		change(&w)
	}
	return w
}

func TestAWindowNeverMutesWhatIsWorseThanItsPurpose(t *testing.T) {
	o := company(nil)
	o.Windows["patching"] = window(func(w *org.Window) { w.Services = []id.Service{"shop"}; w.When = `labels.env == "prod"` })
	r := route.Over(o)
	prod := alert.Labels{"env": "prod"}
	require.Equal(t, id.Window("patching"), r.Decide(fires(alert.Warning, prod), nil).Window)
	require.Equal(t, id.Window("patching"), r.Decide(fires(alert.Info, prod), nil).Window)
	worse := r.Decide(fires(alert.Error, prod), nil)
	require.Empty(t, worse.Window)
	require.Contains(t, worse.Trace[0].Why, "error is worse than warning")
	require.Empty(t, r.Decide(fires(alert.Warning, alert.Labels{"env": "test"}), nil).Window)
	require.Empty(t, r.Decide(fires(alert.Warning, nil), nil).Window, "without the label it is not covered")
	strange := fires("urgent", prod)
	require.Empty(t, r.Decide(strange, nil).Window, "what nobody knows counts as an error")
	early := fires(alert.Warning, prod)
	early.At = at("10:59")
	require.Empty(t, r.Decide(early, nil).Window)
	early.At = at("13:00")
	require.Empty(t, r.Decide(early, nil).Window, "the end is not part of it")
	by := window(func(w *org.Window) { w.ID = "W-1"; w.UpTo = "critical" })
	require.Equal(t, id.Window("W-1"), r.Decide(fires(alert.Critical, nil), []org.Window{by}).Window)
	ends := fires(alert.Warning, prod)
	ends.Alert.Action = alert.Resolve
	require.Empty(t, r.Decide(ends, nil).Window, "an end is always heard")
}

func TestARecurringWindowFollowsTheWallClock(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Madrid")
	require.NoError(t, err)
	w := org.Window{Zone: zone, UpTo: "warning", Weekly: []org.WeekHours{{Days: []time.Weekday{time.Sunday}, From: 22 * 60, Until: 6 * 60}}}
	for moment, open := range map[string]bool{
		"2026-03-29T19:59:00Z": false, // Sunday 21:59, on the first day of summer time
		"2026-03-29T20:00:00Z": true,
		"2026-03-30T03:59:00Z": true,
		"2026-03-30T04:00:00Z": false,
		"2026-03-31T03:00:00Z": false, // Tuesday
		"2026-01-04T21:00:00Z": true,  // Sunday 22:00 in winter
		"2026-01-04T20:59:00Z": false,
	} {
		when, err := time.Parse(time.RFC3339, moment)
		require.NoError(t, err)
		require.Equal(t, open, route.Active(w, when), moment)
	}
	w.Until = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	require.False(t, route.Active(w, time.Date(2026, 1, 4, 22, 0, 0, 0, time.UTC)), "it recurs no longer")
}
