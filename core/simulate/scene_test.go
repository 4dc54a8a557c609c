package simulate_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/simulate"
)

// house is the quick example with some of it changed, and an instant at which it breaks.
type house struct {
	t         *testing.T
	directory policy.Directory
	at        time.Time
	script    []simulate.Scripted
	priority  org.Priority
	horizon   time.Duration
}

func quick(t *testing.T, edits ...string) *house {
	t.Helper()
	text, err := os.ReadFile("../../examples/quick/quick.yaml")
	require.NoError(t, err)
	edited := string(text)
	for i := 0; i+1 < len(edits); i += 2 {
		require.Contains(t, edited, edits[i])
		edited = strings.Replace(edited, edits[i], edits[i+1], 1)
	}
	b, err := blueprint.Load([]blueprint.File{{Path: "quick.yaml", Content: []byte(edited)}}, time.LoadLocation)
	require.NoError(t, err)
	return &house{
		t: t, directory: policy.Directory{Revision: b.Revision, Org: b.Org, Live: policy.Live{Barred: map[policy.Way]string{}}},
		at: time.Date(2026, 12, 25, 3, 0, 0, 0, time.UTC), priority: org.P1, horizon: time.Minute,
	}
}

func (h *house) when(s ...simulate.Scripted) *house {
	h.script = append(h.script, s...)
	return h
}

func (h *house) play() []simulate.Line {
	h.t.Helper()
	o, err := escalation.Prepare(h.directory.Revision, h.directory.Org, escalation.Request{Title: "it broke", Service: "payments", Priority: h.priority, At: h.at})
	require.NoError(h.t, err)
	o.ID = "E-42"
	return simulate.Play{World: simulate.In{Directory: h.directory}, Opening: o, Script: h.script, Horizon: h.horizon}.Run()
}

// wants compares what happens with "+5s page ben sms" lines; other kinds of entry are shown by kind and text.
func (h *house) wants(kinds string, lines ...string) {
	h.t.Helper()
	var got []string
	for _, l := range h.play() {
		switch {
		case l.Kind == escalation.EntrySent && l.Purpose == page.Inform:
			if strings.Contains(kinds, "inform") {
				got = append(got, fmt.Sprintf("+%s inform %s: %s", l.After, l.Person, strings.SplitN(l.Text, ": ", 2)[1]))
			}
		case l.Kind == escalation.EntrySent:
			got = append(got, fmt.Sprintf("+%s page %s %s", l.After, l.Person, l.Channel))
		case strings.Contains(kinds, string(l.Kind)):
			got = append(got, fmt.Sprintf("+%s %s: %s", l.After, l.Kind, l.Text))
		}
	}
	if diff := cmp.Diff(lines, got); diff != "" {
		h.t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSilenceWalksTheWholeLadder(t *testing.T) {
	h := quick(t)
	h.horizon = 19 * time.Second
	h.wants("tier",
		"+0s tier: tier 1 (on call) is called",
		"+0s page ana sms", "+3s page ana voice",
		"+5s page ben sms", "+8s page ben email",
		"+10s tier: tier 2 (lead and vendors) is called",
		"+10s page eva sms", "+10s page nimbus-noc sms", "+10s page acquire-desk email",
		"+13s page eva voice",
		"+15s tier: the ladder ended without an answer: the catch-all is called",
		"+15s page eva sms", "+15s page acquire-desk email", "+15s page nimbus-lead sms",
		"+18s page eva voice",
	)
}

func TestAckStopsTheLadder(t *testing.T) {
	h := quick(t).when(simulate.Scripted{On: "ben", After: time.Second, Say: "acknowledge"})
	h.wants("acknowledged",
		"+0s page ana sms", "+3s page ana voice", "+5s page ben sms",
		"+6s acknowledged: Ben Fischer has it",
	)
}

func TestAFailedReceiptMovesOnAtOnce(t *testing.T) {
	h := quick(t).when(simulate.Scripted{On: "ana", Channel: org.SMS, After: 200 * time.Millisecond, Receipt: &page.Receipt{Status: page.Undelivered, Class: page.Dead, Code: "30034"}})
	h.horizon = 4 * time.Second
	h.wants("", "+0s page ana sms", "+200ms page ana voice")
}

func TestWhenEveryMethodFailsTheBackupStepsInAtOnce(t *testing.T) {
	h := quick(t).when(
		simulate.Scripted{On: "ana", After: 100 * time.Millisecond, Receipt: &page.Receipt{Status: page.Failed, Class: page.Dead, Code: "21211"}})
	h.horizon = 4 * time.Second
	h.wants("skipped",
		"+0s page ana sms", "+100ms page ana voice",
		"+200ms skipped: schedule primary (ana) skipped: every contact method failed",
		"+200ms page ben sms", "+3.2s page ben email")
}

func TestATransientFailureIsTriedAgainFirst(t *testing.T) {
	h := quick(t, "wait: 3s}, {use: call}]\n  low: [{use: mail}]\nstatus_updates: mail", "wait: 40s}, {use: call}]\n  low: [{use: mail}]\nstatus_updates: mail",
		"ack_within: 5s\n    update_every: 1h\n  - name: lead", "ack_within: 50s\n    update_every: 1h\n  - name: lead").
		when(simulate.Scripted{On: "ana", Channel: org.SMS, Receipt: &page.Receipt{Status: page.Undelivered, Class: page.Transient, Code: "30008"}})
	h.horizon = 35 * time.Second
	h.wants("", "+0s page ana sms", "+10s page ana sms", "+30s page ana sms", "+30s page ana voice")
}

func TestNobodyOnCallIsSkippedAtOnceAndTheBackupComesBeforeTheNextTier(t *testing.T) {
	h := quick(t, "- {people: [ana], start: 2026-01-05}", "- {people: [ana], start: 2027-01-05}")
	h.horizon = 6 * time.Second
	h.wants("skipped",
		"+0s skipped: schedule primary skipped: nobody is on call",
		"+0s page ben sms", "+3s page ben email",
		"+5s page eva sms", "+5s page nimbus-noc sms", "+5s page acquire-desk email",
	)
}

func TestSilenceAfterAnAcknowledgeClimbsWithoutUndoingIt(t *testing.T) {
	h := quick(t, "ack_within: 5s\n    update_every: 1h\n  - name: lead", "ack_within: 5s\n    update_every: 20s\n  - name: lead").
		when(simulate.Scripted{On: "ana", After: time.Second, Say: "acknowledge"},
			simulate.Scripted{By: "eva", After: 22 * time.Second, Say: "acknowledge"})
	h.directory.Org.Policies[0].Tiers[1].Targets = h.directory.Org.Policies[0].Tiers[1].Targets[:1]
	h.wants("overdue acknowledged inform",
		"+0s page ana sms", "+1s acknowledged: Ana Pérez has it",
		"+21s overdue: no update from Ana Pérez in time",
		"+21s inform ana: E-42: no update from Ana Pérez in time. It climbs; you still have it.",
		"+21s page eva sms",
		"+22s acknowledged: Eva Lindqvist has it, after Ana Pérez", "+22s inform ana: Eva Lindqvist has E-42.",
	)
}

func TestANoteIsTheUpdateThatWasDue(t *testing.T) {
	h := quick(t, "ack_within: 5s\n    update_every: 1h\n  - name: lead", "ack_within: 5s\n    update_every: 20s\n  - name: lead").
		when(simulate.Scripted{On: "ana", After: time.Second, Say: "acknowledge"},
			simulate.Scripted{By: "ana", After: 15 * time.Second, Say: "note", Note: "restarting"},
			simulate.Scripted{By: "ana", After: 34 * time.Second, Say: "note", Note: "it helps"})
	h.horizon = 50 * time.Second
	h.wants("note overdue", "+0s page ana sms", "+15s note: Ana Pérez: restarting", "+34s note: Ana Pérez: it helps")
}

func TestNobodyAtAllIsTriedAgainAndAgain(t *testing.T) {
	h := quick(t)
	for _, person := range h.directory.Org.People {
		for _, m := range person.Methods {
			h.directory.Live.Barred[policy.Way{Person: person.ID, Method: m.ID}] = "opted out (21610)"
		}
	}
	h.directory.Org.Policies[0].Tiers[1].Targets = []org.Target{{Person: "eva"}}
	h.horizon = 4 * time.Minute
	h.wants("warning",
		"+0s warning: nobody at all can be reached: trying everybody again at 03:00 UTC",
		"+30s warning: nobody at all can be reached: trying everybody again at 03:01 UTC",
		"+1m30s warning: nobody at all can be reached: trying everybody again at 03:03 UTC",
		"+3m30s warning: nobody at all can be reached: trying everybody again at 03:07 UTC")
}

func TestAHierarchicEscalationGoesToTheManager(t *testing.T) {
	h := quick(t).when(simulate.Scripted{On: "ana", After: time.Second, Say: "acknowledge"},
		simulate.Scripted{By: "ana", After: 2 * time.Second, Say: "escalate", Direction: org.Hierarchic, Note: "need a decision"},
		simulate.Scripted{On: "eva", After: time.Second, Say: "acknowledge"})
	h.horizon = 20 * time.Second
	h.wants("escalated acknowledged",
		"+0s page ana sms", "+1s acknowledged: Ana Pérez has it",
		"+2s escalated: Ana Pérez escalated to the managers of Ana Pérez", "+2s page eva sms",
		"+3s acknowledged: Eva Lindqvist has it, after Ana Pérez")
}

func TestReassignedMustBeTaken(t *testing.T) {
	h := quick(t).when(simulate.Scripted{On: "ana", After: time.Second, Say: "acknowledge"},
		simulate.Scripted{By: "ana", After: 2 * time.Second, Say: "reassign", To: &org.Target{Person: "ben"}},
	)
	h.horizon = 8 * time.Second
	h.wants("reassigned",
		"+0s page ana sms",
		"+2s reassigned: Ana Pérez reassigned it to person ben", "+2s page ben sms", "+5s page ben email",
		"+7s page eva sms", "+7s page nimbus-noc sms", "+7s page acquire-desk email")
}

func TestASnoozeIsQuietAndEnds(t *testing.T) {
	h := quick(t).when(simulate.Scripted{On: "ana", After: time.Second, Say: "snooze", For: 20 * time.Second})
	h.horizon = 23 * time.Second
	h.wants("snoozed",
		"+0s page ana sms", "+1s snoozed: Ana Pérez snoozed it until 2026-12-25 03:00 UTC",
		"+21s snoozed: the snooze ended", "+21s page ana sms")
}

func TestResolveEndsItAndSendsTheVendorsHome(t *testing.T) {
	h := quick(t).when(simulate.Scripted{On: "eva", After: time.Second, Say: "resolve"})
	h.horizon = 2 * time.Hour
	h.wants("resolved closed",
		"+0s page ana sms", "+3s page ana voice", "+5s page ben sms", "+8s page ben email",
		"+10s page eva sms", "+10s page nimbus-noc sms", "+10s page acquire-desk email",
		"+11s resolved: resolved by Eva Lindqvist",
		"+1h0m11s closed: closed")
}

func TestAReopenedOneBeginsFromTheBottom(t *testing.T) {
	h := quick(t).when(simulate.Scripted{On: "ana", After: time.Second, Say: "resolve"}, simulate.Scripted{By: "ben", After: 30 * time.Second, Say: "reopen"})
	h.horizon = 32 * time.Second
	h.wants("reopened", "+0s opened: E-42 opened as P1 for Payments: it broke", "+0s page ana sms", "+30s reopened: reopened by ben", "+30s page ana sms")
}

func TestAVendorsSilenceClimbsItsLadderAndOurOwnerHears(t *testing.T) {
	h := quick(t).when(simulate.Scripted{On: "eva", After: time.Second, Say: "acknowledge"},
		simulate.Scripted{On: "acquire-desk", After: 2 * time.Second, Say: "acknowledge"})
	h.horizon = 17 * time.Second
	lines := h.play()
	var told, vendor []string
	for _, l := range lines {
		if l.Purpose == page.Inform && l.Person == "eva" {
			told = append(told, fmt.Sprintf("+%s %s", l.After, l.Text))
		}
		if l.Vendor == "nimbus" && l.Kind == escalation.EntrySent {
			vendor = append(vendor, fmt.Sprintf("+%s %s", l.After, l.Person))
		}
	}
	require.Equal(t, []string{
		"+12s Eva Lindqvist is informed by sms (mobile): E-42: vendor Acquire: Acquire service desk has it.",
		"+15s Eva Lindqvist is informed by sms (mobile): E-42: vendor Nimbus Cloud: promised to acknowledge within 5 seconds and has not.",
	}, told[:2])
	require.Contains(t, vendor, "+10s nimbus-noc")
}

func TestPriorityChangesTheLadderOfTheSameRevision(t *testing.T) {
	h := quick(t)
	h.priority = org.P3
	h.when(simulate.Scripted{By: "token:noc", After: 2 * time.Second, Say: "prioritise", Priority: org.P1})
	h.horizon = 4 * time.Second
	h.wants("priority",
		"+0s page ana email",
		"+2s priority: priority P3 → P1; the ladder is now that of policy urgent",
		"+2s page ana sms")
}

// What a simulation prints must not depend on chance.
func TestTheSameScriptGivesTheSameLines(t *testing.T) {
	first := quick(t).play()
	for range 20 {
		require.Equal(t, first, quick(t).play())
	}
}

// What would still happen is the same, whether one looks from the beginning or takes the escalation up as it stands.
func TestAPlayIsTakenUpWhereItStands(t *testing.T) {
	h := quick(t)
	whole := h.play()
	o, err := escalation.Prepare(h.directory.Revision, h.directory.Org, escalation.Request{Title: "it broke", Service: "payments", Priority: h.priority, At: h.at})
	require.NoError(t, err)
	o.ID = "E-42"
	world := simulate.In{Directory: h.directory}
	asking, effects := escalation.Step(escalation.State{}, escalation.Opened{At: h.at, Opening: o})
	standing := asking
	for _, effect := range effects {
		if ask, ok := effect.(escalation.Muster); ok {
			standing, _ = escalation.Step(asking, escalation.Mustered{At: h.at, Key: ask.Key, Roll: world.Muster(ask.Call)})
		}
	}
	now := h.at.Add(time.Second)
	var left []string
	for _, l := range whole {
		if l.At.After(now) {
			left = append(left, l.At.Format(time.TimeOnly)+" "+l.Text)
		}
	}
	require.NotEmpty(t, left)
	var resumed []string
	for _, l := range (simulate.Play{World: world, State: &standing, Now: now, Horizon: h.at.Add(h.horizon).Sub(now)}).Run() {
		require.False(t, l.At.Before(now))
		resumed = append(resumed, l.At.Format(time.TimeOnly)+" "+l.Text)
	}
	require.Equal(t, left, resumed)

	// One that waits for an answer hears it first.
	require.NotEmpty(t, asking.Stand.Asked)
	first := simulate.Play{World: world, State: &asking, Now: h.at, Horizon: time.Second}.Run()
	require.NotEmpty(t, first)
	require.Equal(t, escalation.EntrySent, first[len(first)-1].Kind)
}
