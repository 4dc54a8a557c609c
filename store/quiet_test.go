package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/route"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
	"github.com/belayhq/belay/store/sqlc"
)

// ruled is a monitor in front of an inbox, with rules between them and a clock of its own.
type ruled struct {
	door
	now     time.Time
	company *org.Org
	windows store.Windows
	byHand  []org.Window
	pages   int // starts, and repeats that page again because it got worse
}

func (r *ruled) Current() policy.Directory {
	return policy.Directory{Org: r.company, Live: policy.Live{Windows: r.byHand}}
}

func withRules(t testing.TB, rules ...org.Rule) *ruled {
	d := newDoor(t)
	return &ruled{door: d, now: noon, windows: store.Windows{Pool: d.inbox.Pool}, company: &org.Org{
		Services:     map[id.Service]org.Service{"payments": {ID: "payments", Impact: 1}, "database": {ID: "database", Impact: 1}},
		Integrations: map[id.Integration]org.Integration{"acme-payments": {ID: "acme-payments", Service: "payments", Alert: org.Technical, Rules: rules}},
		Windows:      map[id.Window]org.Window{},
	}}
}

// says takes an event as the door does, and settles it.
func (r *ruled) says(action alert.Action, key string, severity alert.Severity, labels alert.Labels) []string {
	r.t.Helper()
	in := event(action, key, severity)
	in.ReceivedAt, in.Alert.Labels = r.now, labels
	d := route.Over(r.company).Decide(expr.Event{Alert: in.Alert, Service: in.Service, Integration: in.Integration, At: r.now}, r.byHand)
	if d.Rule != "" || d.Window != "" || d.Flapping != nil {
		in.Route = &d
	}
	return r.told(r.settles(r.door.says(in)))
}

func (r *ruled) fires(key string, severity alert.Severity) []string {
	r.t.Helper()
	return r.says(alert.Trigger, key, severity, alert.Labels{"cluster": "eu-1"})
}

func (r *ruled) ends(key string) []string {
	r.t.Helper()
	return r.says(alert.Resolve, key, alert.Info, nil) // what ends an alert says less than what began it
}

// told strikes off what the engine would have been told.
func (r *ruled) told(errands []service.Errand) []string {
	for _, e := range errands {
		require.NoError(r.t, r.inbox.Done(context.Background(), e.ID))
	}
	return words(errands)
}

// passes lets time go by, and hears what has come of it.
func (r *ruled) passes(d time.Duration) []string {
	r.t.Helper()
	r.now = r.now.Add(d)
	return r.looks()
}

func (r *ruled) looks() []string {
	r.t.Helper()
	ctx := context.Background()
	quiet := service.Quiet{Alerts: r.inbox, Routes: &service.Routes{Organisation: r}, Now: func() time.Time { return r.now }, Log: slog.Default()}
	require.NoError(r.t, quiet.Look(ctx))
	seqs, err := r.inbox.Unsettled(ctx, 0, 1000)
	require.NoError(r.t, err)
	errands, err := r.inbox.SettleAll(ctx, seqs, open)
	require.NoError(r.t, err)
	return r.told(errands)
}

// opens takes the windows made by hand as they are kept.
func (r *ruled) opens() {
	r.t.Helper()
	var err error
	r.byHand, err = r.windows.List(context.Background(), r.now)
	require.NoError(r.t, err)
}

func (r *ruled) note(key string) string {
	r.t.Helper()
	var note string
	require.NoError(r.t, r.inbox.Pool.QueryRow(context.Background(),
		"select note from inbox where dedup_key = $1 order by seq desc limit 1", key).Scan(&note))
	return note
}

func TestWhatIsOverBeforeItsTimeOpensNothing(t *testing.T) {
	r := withRules(t, org.Rule{Name: "later", Action: org.Tell, Delay: 5 * time.Minute})
	require.Empty(t, r.fires("queue", alert.Warning))
	require.Contains(t, r.note("queue"), "delayed by rule \"later\"")
	require.Empty(t, r.passes(4*time.Minute))
	require.Empty(t, r.ends("queue"))
	require.Equal(t, "over before anybody was told", r.note("queue"))
	require.Empty(t, r.passes(time.Hour))
}

func TestWhatStillFiresOpensAtItsInstant(t *testing.T) {
	r := withRules(t, org.Rule{Name: "later", When: `severity != "critical"`, Action: org.Tell, Delay: 5 * time.Minute}, org.Rule{Name: "rest", Action: org.Tell})
	require.Empty(t, r.fires("queue", alert.Warning))
	require.Empty(t, r.passes(3*time.Minute))
	require.Empty(t, r.fires("queue", alert.Warning), "a repeat does not begin its time anew")
	require.Empty(t, r.passes(time.Minute))
	require.Equal(t, []string{"open E-1"}, r.passes(time.Minute))
	require.Empty(t, r.passes(time.Hour), "once")
	require.Equal(t, []string{"resolve E-1 by monitor via events"}, r.ends("queue"))

	require.Empty(t, r.fires("other", alert.Warning))
	require.Equal(t, []string{"open E-2"}, r.fires("other", alert.Critical), "what got worse waits no longer")
	require.Empty(t, r.passes(time.Hour))
}

func TestSuppressedIsOnRecordAndTellsNobody(t *testing.T) {
	r := withRules(t, org.Rule{Name: "hush", When: `severity == "info"`, Action: org.Suppress}, org.Rule{Name: "rest", Action: org.Tell})
	require.Empty(t, r.fires("noise", alert.Info))
	require.Equal(t, `suppressed by rule "hush"`, r.note("noise"))
	require.Equal(t, []string{"open E-1"}, r.fires("noise", alert.Error))
	require.Empty(t, r.fires("noise", alert.Info), "what is open counts it")
	require.Equal(t, []string{"repeat E-1 ×1 info", "resolve E-1 by monitor via events"}, r.ends("noise"))
}

func TestAnAlertEndsWhereItBegan(t *testing.T) {
	r := withRules(t, org.Rule{Name: "databases", When: `severity == "critical"`, Action: org.Tell, Service: "database"}, org.Rule{Name: "rest", Action: org.Tell})
	require.Equal(t, []string{"open E-1"}, r.fires("disk", alert.Critical))
	require.Equal(t, []string{"resolve E-1 by monitor via events"}, r.ends("disk"), "although the end alone would go to payments")
}

func TestAGroupIsOneEscalation(t *testing.T) {
	r := withRules(t, org.Rule{Name: "cluster", When: "has(labels.cluster)", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.cluster"}, Within: 10 * time.Minute}})
	require.Equal(t, []string{"open E-1"}, r.fires("a", alert.Warning))
	require.Empty(t, r.fires("b", alert.Warning))
	require.Equal(t, []string{"repeat E-1 ×2 critical"}, r.fires("c", alert.Critical), "a worse one is told at once")
	require.Empty(t, r.ends("a"))
	require.Contains(t, r.note("a"), "2 others of its group still fire")
	require.Empty(t, r.ends("b"))
	require.Equal(t, []string{"resolve E-1 by monitor via events"}, r.ends("c"))
	require.Equal(t, []string{"open E-2"}, r.fires("a", alert.Warning), "a new outage")

	r.now = r.now.Add(11 * time.Minute)
	require.Equal(t, []string{"open E-3"}, r.fires("d", alert.Warning), "too late to join")
	require.Equal(t, []string{"resolve E-2 by monitor via events"}, r.ends("a"))
	require.Equal(t, []string{"resolve E-3 by monitor via events"}, r.ends("d"))
}

func TestOneOfAGroupAcknowledgesNotTheOthers(t *testing.T) {
	r := withRules(t, org.Rule{Name: "cluster", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.cluster"}, Within: 10 * time.Minute}})
	require.Equal(t, []string{"open E-1"}, r.fires("a", alert.Warning))
	require.Empty(t, r.says(alert.Acknowledge, "a", alert.Warning, nil))
	require.Equal(t, []string{"repeat E-1 ×1 critical"}, r.fires("b", alert.Critical))
}

func TestAGroupMayWaitUntilThereAreEnough(t *testing.T) {
	r := withRules(t, org.Rule{Name: "many", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.cluster"}, Within: 10 * time.Minute, Count: 3}})
	require.Empty(t, r.fires("a", alert.Warning))
	require.Empty(t, r.fires("a", alert.Warning), "the same alert counts once")
	require.Empty(t, r.fires("b", alert.Warning))
	require.Equal(t, `counted by rule "many": 2 of 3 within 10m0s`, r.note("b"))
	require.Equal(t, []string{"open E-1"}, r.fires("c", alert.Warning))
	require.Empty(t, r.ends("a"))
	require.Empty(t, r.ends("b"))
	require.Equal(t, []string{"resolve E-1 by monitor via events"}, r.ends("c"))

	require.Empty(t, r.fires("a", alert.Warning))
	require.Empty(t, r.fires("b", alert.Warning))
	require.Empty(t, r.passes(11*time.Minute))
	require.Empty(t, r.fires("c", alert.Warning), "the others were too long ago")
}

func TestAllOfAGroupInOneTransaction(t *testing.T) {
	r := withRules(t, org.Rule{Name: "cluster", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.cluster"}, Within: 10 * time.Minute, Count: 2}})
	var seqs []int64
	for _, key := range []string{"a", "b", "c", "d"} {
		in := event(alert.Trigger, key, alert.Error)
		in.ReceivedAt, in.Alert.Labels = r.now, alert.Labels{"cluster": "eu-1"}
		d := route.Over(r.company).Decide(expr.Event{Alert: in.Alert, Service: in.Service, Integration: in.Integration, At: r.now}, nil)
		in.Route = &d
		seqs = append(seqs, r.door.says(in))
	}
	errands, err := r.inbox.SettleAll(context.Background(), seqs, open)
	require.NoError(t, err)
	require.Equal(t, []string{"open E-1"}, r.told(errands))
	for _, key := range []string{"a", "b", "c"} {
		require.Empty(t, r.ends(key), key)
	}
	require.Contains(t, r.ends("d"), "resolve E-1 by monitor via events")
}

func TestFlappingIsHeldOpenUntilItIsQuiet(t *testing.T) {
	r := withRules(t)
	in := r.company.Integrations["acme-payments"]
	in.Flapping = &org.Flapping{Changes: 3, Within: 10 * time.Minute}
	r.company.Integrations["acme-payments"] = in
	var said []string
	for range 20 {
		said = append(said, r.fires("link", alert.Error)...)
		r.now = r.now.Add(30 * time.Second)
		said = append(said, r.ends("link")...)
		r.now = r.now.Add(30 * time.Second)
	}
	said = slices.DeleteFunc(said, func(s string) bool { return s[:6] == "repeat" })
	require.Equal(t, []string{"open E-1", "resolve E-1 by monitor via events", "open E-2", "note E-2 by monitor via events"}, said,
		"it changed 40 times, and two were told")
	require.Empty(t, r.passes(9*time.Minute))
	require.Contains(t, r.passes(time.Minute), "resolve E-2 by monitor via events", "quiet for as long")
	r.now = r.now.Add(time.Hour)
	require.Equal(t, []string{"open E-3"}, r.fires("link", alert.Error))
	r.now = r.now.Add(time.Hour)
	require.Equal(t, []string{"resolve E-3 by monitor via events"}, r.ends("link"), "once is no flapping")
}

func TestFlappingThatStaysIsAnAlert(t *testing.T) {
	r := withRules(t)
	in := r.company.Integrations["acme-payments"]
	in.Flapping = &org.Flapping{Changes: 2, Within: 10 * time.Minute}
	r.company.Integrations["acme-payments"] = in
	for range 3 {
		r.fires("link", alert.Error)
		r.now = r.now.Add(time.Second)
		r.ends("link")
		r.now = r.now.Add(time.Second)
	}
	r.fires("link", alert.Error)
	require.Empty(t, r.passes(time.Hour), "it fires and fires: it stays open")
	require.Contains(t, r.ends("link"), "resolve E-2 by monitor via events")
}

func plan(r *ruled, change func(*org.Window)) org.Window {
	r.t.Helper()
	w := org.Window{Name: "patching", From: r.now, Until: r.now.Add(time.Hour), UpTo: "warning", Services: []id.Service{"payments"}}
	if change != nil {
		change(&w)
	}
	made, err := r.windows.Create(context.Background(), w, service.Deed{At: r.now, Actor: "ana", Action: "window.create"})
	require.NoError(r.t, err)
	r.opens()
	return made
}

func byAna(r *ruled) service.Deed {
	return service.Deed{At: r.now, Actor: "ana", Action: "window.change"}
}

func TestAWindowThatStartsLateSilencesNothingThatIsOpen(t *testing.T) {
	r := withRules(t)
	plan(r, func(w *org.Window) { w.From = r.now.Add(10 * time.Minute) })
	require.Equal(t, []string{"open E-1"}, r.fires("early", alert.Warning))
	r.now = r.now.Add(15 * time.Minute)
	require.Equal(t, []string{}, r.fires("early", alert.Warning), "counted, as it is open")
	require.Empty(t, r.fires("late", alert.Warning))
	require.Contains(t, r.note("late"), `muted by maintenance window "W-`)
	require.Equal(t, []string{"repeat E-1 ×1 warning", "resolve E-1 by monitor via events"}, r.ends("early"))
}

func TestWhatStillFiresWhenAWindowEndsPages(t *testing.T) {
	r := withRules(t)
	plan(r, nil)
	require.Empty(t, r.fires("stays", alert.Warning))
	require.Empty(t, r.fires("goes", alert.Info))
	require.Empty(t, r.passes(50*time.Minute))
	require.Empty(t, r.ends("goes"))
	require.Equal(t, []string{"open E-1"}, r.passes(10*time.Minute))
	require.Empty(t, r.passes(time.Hour), "once")
	require.Equal(t, []string{"resolve E-1 by monitor via events"}, r.ends("stays"))
}

func TestAWindowThatEndsEarlyOrIsCancelledPagesThen(t *testing.T) {
	for name, exit := range map[string]func(*ruled, id.Window) error{
		"ended":     func(r *ruled, w id.Window) error { return r.windows.End(context.Background(), w, byAna(r)) },
		"cancelled": func(r *ruled, w id.Window) error { return r.windows.Cancel(context.Background(), w, byAna(r)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := withRules(t)
			w := plan(r, nil)
			require.Empty(t, r.fires("stays", alert.Warning))
			require.Empty(t, r.passes(5*time.Minute))
			require.NoError(t, exit(r, w.ID))
			r.opens()
			require.Equal(t, []string{"open E-1"}, r.looks())
			require.Error(t, exit(r, w.ID), "it is over")
		})
	}
}

func TestAWindowThatTheBlueprintTakesBackPagesThen(t *testing.T) {
	r := withRules(t)
	r.company.Windows["nightly"] = org.Window{ID: "nightly", From: r.now, Until: r.now.Add(time.Hour), UpTo: "critical"}
	require.Empty(t, r.fires("stays", alert.Critical))
	require.Empty(t, r.passes(time.Minute))
	again := *r.company
	again.Windows = map[id.Window]org.Window{}
	r.company = &again
	require.Equal(t, []string{"open E-1"}, r.looks())
}

func TestAWindowCoversNothingWorseThanItsPurpose(t *testing.T) {
	r := withRules(t)
	plan(r, nil)
	require.Equal(t, []string{"open E-1"}, r.fires("disk", alert.Error))
	require.Empty(t, r.fires("load", alert.Warning))
	require.Equal(t, []string{"open E-2"}, r.fires("load", alert.Critical), "what gets worse under a window pages")
}

func TestWhatAnotherWindowCoversStaysMuted(t *testing.T) {
	r := withRules(t)
	first := plan(r, nil)
	plan(r, func(w *org.Window) { w.Until = r.now.Add(2 * time.Hour) })
	require.Empty(t, r.fires("stays", alert.Warning))
	require.NoError(t, r.windows.Cancel(context.Background(), first.ID, byAna(r)))
	r.opens()
	require.Empty(t, r.looks(), "the second window covers it still")
	require.Equal(t, []string{"open E-1"}, r.passes(2*time.Hour))
}

// A cluster of 500 alerts flaps: what reaches people, without and with rules. The table stands in docs/routing.md.
func TestAStormOfAFlappingCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("5,000 events")
	}
	for _, scene := range []struct {
		name     string
		rules    []org.Rule
		flapping *org.Flapping
		opened   int
	}{
		{"as it comes", nil, nil, 2500},
		{"flapping recognised", nil, &org.Flapping{Changes: 4, Within: 10 * time.Minute}, 1500},
		{"delayed by 2 min", []org.Rule{{Name: "later", Action: org.Tell, Delay: 2 * time.Minute}}, nil, 0},
		{"grouped by cluster", []org.Rule{{Name: "cluster", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.cluster"}, Within: 10 * time.Minute}}}, nil, 5},
		{"grouped, flapping recognised", []org.Rule{{Name: "cluster", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.cluster"}, Within: 10 * time.Minute}}},
			&org.Flapping{Changes: 4, Within: 10 * time.Minute}, 5},
	} {
		t.Run(scene.name, func(t *testing.T) {
			r := withRules(t, scene.rules...)
			in := r.company.Integrations["acme-payments"]
			in.Flapping = scene.flapping
			r.company.Integrations["acme-payments"] = in
			router := route.Over(r.company)
			for range 5 { // each alert fires for a minute, five times
				for _, action := range []alert.Action{alert.Trigger, alert.Resolve} {
					var seqs []int64
					for n := range 500 {
						in := event(action, fmt.Sprintf("pod-%d", n), alert.Error)
						in.ReceivedAt, in.Alert.Labels = r.now, alert.Labels{"cluster": "eu-1"}
						d := router.Decide(expr.Event{Alert: in.Alert, Service: in.Service, Integration: in.Integration, At: r.now}, nil)
						if d.Rule != "" || d.Flapping != nil {
							in.Route = &d
						}
						seqs = append(seqs, r.door.says(in))
					}
					for chunk := range slices.Chunk(seqs, 100) {
						errands, err := r.inbox.SettleAll(context.Background(), chunk, open)
						require.NoError(t, err)
						for _, e := range errands {
							if e.Start != nil {
								r.pages++
							}
						}
						r.told(errands)
					}
					r.passes(time.Minute)
				}
			}
			t.Logf("| %s | 2,500 | %d |", scene.name, r.pages)
			require.Equal(t, scene.opened, r.pages)
		})
	}
}

// One that fires and ends in one go, as after an outage, is not the last of its group while others fire.
func TestWhoComesAndGoesAtOnceEndsNoGroup(t *testing.T) {
	r := withRules(t, org.Rule{Name: "cluster", When: "has(labels.cluster)", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.cluster"}, Within: 10 * time.Minute}})
	require.Equal(t, []string{"open E-1"}, r.fires("node-1", alert.Error))
	in := event(alert.Trigger, "node-2", alert.Error)
	in.ReceivedAt, in.Alert.Labels = r.now, alert.Labels{"cluster": "eu-1"}
	d := route.Over(r.company).Decide(expr.Event{Alert: in.Alert, Service: in.Service, Integration: in.Integration, At: r.now}, nil)
	in.Route = &d
	r.door.says(in)
	require.NotContains(t, r.ends("node-2"), "resolve E-1 by monitor via events", "node-1 still fires")
	require.Equal(t, "1 others of its group still fire", r.note("node-2"))
	require.Contains(t, r.ends("node-1"), "resolve E-1 by monitor via events")
}

// Whoever settles an alert while its delay ends hears of that first: it would else be over before it began, and page.
func TestAnAlertThatEndsWhileItsDelayDoesTellsNobodyLater(t *testing.T) {
	r := withRules(t, org.Rule{Name: "patience", Action: org.Tell, Delay: time.Minute})
	ctx := context.Background()
	require.Empty(t, r.fires("disk", alert.Error))

	ripening, err := r.inbox.Pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = ripening.Rollback(ctx) }()
	ripe, err := sqlc.New(ripening).RipenAlerts(ctx, sqlc.RipenAlertsParams{At: r.now.Add(time.Hour), AllDelayed: true, Lim: 10})
	require.NoError(t, err)
	require.Len(t, ripe, 1)
	seq := r.door.says(event(alert.Resolve, "disk", alert.Info))

	type settled struct {
		errands []service.Errand
		err     error
	}
	done := make(chan settled, 1)
	go func() {
		errands, err := r.inbox.Settle(ctx, seq, open)
		done <- settled{errands, err}
	}()
	require.Eventually(t, func() bool {
		return number(t, r.inbox.Pool, "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 1
	}, time.Minute, 10*time.Millisecond, "it waits for what ripens")
	require.NoError(t, ripening.Commit(ctx))
	heard := <-done
	require.NoError(t, heard.err)
	require.Equal(t, []string{"open E-1", "resolve E-1 by monitor via events"}, r.told(heard.errands), "what ripened first is settled first")
	require.Empty(t, r.looks(), "it is over, and nobody is told of it later")
}

// What ends at the instant at which its delay does, and is not settled yet, is heard first.
func TestAnEndThatIsNotSettledYetComesFirst(t *testing.T) {
	r := withRules(t, org.Rule{Name: "patience", When: `severity == "error"`, Action: org.Tell, Delay: time.Minute})
	r.byHand = []org.Window{{ID: "W-1", Name: "Upgrade", From: r.now, Until: r.now.Add(time.Minute), UpTo: "warning"}}
	require.Empty(t, r.fires("disk", alert.Error))
	require.Empty(t, r.fires("queue", alert.Warning))
	for _, key := range []string{"disk", "queue"} {
		r.door.says(event(alert.Resolve, key, alert.Info))
	}
	require.Empty(t, r.passes(time.Hour))
	require.Empty(t, r.passes(time.Hour))
	require.Equal(t, "over before anybody was told", r.note("disk"))
	require.Equal(t, "over before anybody was told", r.note("queue"))
}

// What nobody can read is let go, and keeps no other alert quiet for ever.
func TestAMutedAlertThatNobodyCanReadKeepsNoOtherQuiet(t *testing.T) {
	r := withRules(t)
	r.byHand = []org.Window{{ID: "W-1", Name: "Upgrade", From: r.now, Until: r.now.Add(time.Hour), UpTo: "critical"}}
	require.Empty(t, r.fires("broken", alert.Error))
	require.Empty(t, r.fires("disk", alert.Error))
	_, err := r.inbox.Pool.Exec(context.Background(), `update inbox set alert = '{"title": ["as a later release writes it"]}' where dedup_key = 'broken'`)
	require.NoError(t, err)
	r.now = r.now.Add(2 * time.Hour)
	quiet := service.Quiet{Alerts: r.inbox, Routes: &service.Routes{Organisation: r}, Now: func() time.Time { return r.now }, Log: slog.Default()}
	require.NoError(t, quiet.Look(context.Background()))
	seqs, err := r.inbox.Unsettled(context.Background(), 0, 10)
	require.NoError(t, err)
	require.Len(t, seqs, 2)
	errands, err := r.inbox.Settle(context.Background(), seqs[1], open)
	require.NoError(t, err)
	require.Equal(t, []string{"open E-1"}, words(errands))
}

// What waits is told as the worst that it was: nobody knows better, and nobody was told.
func TestWhatWaitedIsToldAsTheWorstThatItWas(t *testing.T) {
	r := withRules(t, org.Rule{Name: "patience", Action: org.Tell, Delay: time.Minute})
	require.Empty(t, r.fires("disk", alert.Critical))
	require.Empty(t, r.fires("disk", alert.Warning))
	require.Equal(t, []string{"open E-1"}, r.passes(2*time.Minute))
	require.Equal(t, 1, number(t, r.inbox.Pool, "select count(*) from escalations where severity_told = 'critical'"))
	require.Equal(t, []string{"resolve E-1 by monitor via events"}, r.ends("disk"))
	require.Empty(t, r.fires("disk", alert.Warning))
	require.Equal(t, []string{"open E-2"}, r.passes(2*time.Minute))
	require.Equal(t, 1, number(t, r.inbox.Pool, "select count(*) from escalations where severity_told = 'warning'"), "another outage")
}

// A member whose escalation is over is an alert like any other: windows cover it too.
func TestAWindowCoversWhoWasInAGroupThatIsOver(t *testing.T) {
	r := withRules(t, org.Rule{Name: "cluster", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.cluster"}, Within: 10 * time.Minute}})
	require.Equal(t, []string{"open E-1"}, r.fires("node-1", alert.Error))
	require.NoError(t, store.Journal{Pool: r.inbox.Pool}.Write(context.Background(), contract.Record{Summary: summary("E-1", 5, escalation.Closed)}))
	r.now = r.now.Add(time.Hour)
	r.byHand = []org.Window{{ID: "W-1", Name: "Upgrade", From: r.now, Until: r.now.Add(time.Hour), UpTo: "critical"}}
	require.Empty(t, r.fires("node-1", alert.Error), "it is maintained")
	require.Equal(t, []string{"open E-2"}, r.passes(2*time.Hour), "it fires still")
}

// What was delayed and ripens inside a window waits for the end of the window; what is worse than the window is for pages at once.
func TestADelayThatEndsInsideAWindowWaitsForItsEnd(t *testing.T) {
	r := withRules(t, org.Rule{Name: "later", Action: org.Tell, Delay: 10 * time.Minute})
	require.Empty(t, r.fires("stays", alert.Warning))
	require.Empty(t, r.fires("goes", alert.Warning))
	require.Empty(t, r.fires("worse", alert.Critical))
	r.now = r.now.Add(time.Minute)
	require.Empty(t, r.fires("worse", alert.Warning), "its last word is not its worst")
	plan(r, nil)
	require.Equal(t, []string{"open E-1"}, r.passes(10*time.Minute), "the critical one")
	require.Contains(t, r.note("stays"), "delayed, then muted by maintenance window")
	require.Empty(t, r.passes(10*time.Minute))
	require.Empty(t, r.ends("goes"))
	require.Equal(t, []string{"open E-2"}, r.passes(time.Hour), "what still fires when the window ends")
	require.Empty(t, r.passes(time.Hour), "once")
}

// A member of a group that never says that it is well again is known as long as its group is not over for good, and a week.
func TestWhoNeverLeavesAGroupIsForgottenAfterIt(t *testing.T) {
	r := withRules(t, org.Rule{Name: "cluster", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.cluster"}, Within: time.Hour}})
	ctx := context.Background()
	members := func() int { return number(t, r.inbox.Pool, "select count(*) from alerts where state = 'member'") }
	require.Equal(t, []string{"open E-1"}, r.fires("one", alert.Error))
	r.fires("two", alert.Error)
	r.passes(30 * 24 * time.Hour)
	require.EqualValues(t, 2, members(), "the group is open")
	_, err := r.inbox.Pool.Exec(ctx, "update escalations set state = 'closed', dedup_held = false where number = 1")
	require.NoError(t, err)
	require.Equal(t, []string{"open E-2"}, r.fires("three", alert.Error))
	r.passes(2 * time.Hour)
	require.EqualValues(t, 1, members(), "who was in the group that is over")
	require.Empty(t, r.ends("one"), "what comes late ends nothing")
	require.Equal(t, []string{"resolve E-2 by monitor via events"}, r.ends("three"))
}
