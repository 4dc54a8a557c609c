package escalation

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/sla"
	"github.com/belayhq/belay/core/ticket"
)

// vigil is a ticket being watched: questions about it are answered from its history, as an activity would.
type vigil struct {
	*night
	book sla.Book
	h    ticket.History
	mute bool // nobody answers questions about the ticket
}

func newVigil(t *testing.T, book sla.Book, tiers ...org.Tier) *vigil {
	return newVigilUnder(t, CurrentRules, book, tiers...)
}

func newVigilUnder(t *testing.T, rules int, book sla.Book, tiers ...org.Tier) *vigil {
	n := &night{t: t, now: time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)}
	v := &vigil{night: n, book: book}
	v.h = ticket.History{{At: n.now, Ticket: ticket.Ticket{Ref: ticket.Ref{System: "desk", Key: "7"}, Title: "it is slow", Service: "payments",
		State: ticket.Working, Priority: org.P3, Team: "desk", Assignee: "zoe", OpenedAt: n.now}}}
	if tiers == nil {
		tiers = []org.Tier{
			{Name: "desk", AckWithin: 5 * time.Minute, UpdateEvery: 30 * time.Minute, Targets: []org.Target{{Person: "ana"}}, Direction: org.Functional},
			{Name: "experts", AckWithin: 5 * time.Minute, Targets: []org.Target{{Person: "ben"}}, Direction: org.Functional},
			{Name: "management", AckWithin: 5 * time.Minute, Targets: []org.Target{{Person: "eva"}}, Direction: org.Hierarchic},
		}
	}
	v.takes(Opened{At: n.now, Opening: Opening{
		ID: "E-7", Title: "it is slow", Service: "payments", ServiceName: "Payments", Kind: org.Technical, OpenedAt: n.now, Rules: rules,
		By: Answer{By: "belay", Via: "ticket"}, Watching: &Watching{Ticket: ticket.Ref{System: "desk", Key: "7"}},
		Plan: policy.Plan{Revision: "r", Priority: org.P3, Reopen: time.Hour, Tiers: tiers},
	}})
	return v
}

// takes hears an event and answers what it asks about the ticket.
func (v *vigil) takes(e Event) {
	before := len(v.done)
	v.take(e)
	for _, effect := range v.done[before:] {
		if j, ok := effect.(Judge); ok && !v.mute {
			v.takes(Judged{At: v.now, Key: j.Key, Verdict: v.book.Judge(v.h, v.now)})
		}
	}
}

// until lets time pass with everything that is due in it.
func (v *vigil) until(at time.Time) {
	v.t.Helper()
	for steps := 0; ; steps++ {
		wake, due := v.state.Wake()
		if !due || wake.After(at) {
			break
		}
		require.Less(v.t, steps, 500, "it does not come to rest: %v", v.state.Summary().Next)
		v.now = wake
		v.takes(Ticked{At: wake})
	}
	v.now = at
}

func (v *vigil) after(d time.Duration) { v.until(v.now.Add(d)) }

// changes gives the ticket another version and tells of it.
func (v *vigil) changes(change func(*ticket.Ticket)) {
	next := v.h.Last()
	change(&next)
	v.h = append(v.h, ticket.Version{At: v.now, Ticket: next})
	v.takes(Observed{At: v.now, Key: string(rune('a' + len(v.h))), Version: len(v.h)})
}

func (v *vigil) said() string { return strings.Join(v.entries(EntryThreshold), "; ") }

func promise(target time.Duration, thresholds ...org.Threshold) sla.Book {
	return sla.Book{Revision: "r", SLAs: []sla.Definition{{SLA: org.SLA{ID: "solve", Name: "Solve it", Metric: org.ResolveMetric, Target: target, Thresholds: thresholds}}}}
}

var (
	warnAt75   = org.Threshold{Percent: 75, Act: org.Act{Do: org.Warn}}
	escalateAt = org.Threshold{Act: org.Act{Do: org.Escalate}}
)

func TestAWatchedTicketTellsNobodyUntilItsPromiseIsBroken(t *testing.T) {
	v := newVigil(t, promise(4*time.Hour, warnAt75, escalateAt))
	require.Equal(t, Watched, v.state.Phase)
	require.Equal(t, Next{At: v.now.Add(3 * time.Hour), Action: "warn", Target: "solve"}, v.state.Summary().Next)
	require.Equal(t, "desk/7", v.state.Summary().Ticket)
	v.after(3 * time.Hour)
	require.Contains(t, v.said(), "75% of it is used")
	require.Equal(t, Watched, v.state.Phase)
	require.Empty(t, v.paged())
	v.after(time.Hour - time.Second)
	require.Empty(t, v.paged())
	v.after(time.Second)
	require.Equal(t, Open, v.state.Phase)
	require.Equal(t, "ana", v.paged())
	require.Contains(t, v.said(), "and is late")
}

func TestAPausedTicketIsNotEscalatedAndRunsOn(t *testing.T) {
	v := newVigil(t, promise(4*time.Hour, escalateAt))
	v.after(time.Hour)
	v.changes(func(t *ticket.Ticket) { t.State, t.Reason = ticket.Waiting, "customer" })
	require.Equal(t, "none", v.state.Summary().Next.Action)
	v.after(48 * time.Hour)
	require.Empty(t, v.paged())
	v.changes(func(t *ticket.Ticket) { t.State = ticket.Working })
	v.after(3*time.Hour - time.Second)
	require.Empty(t, v.paged())
	v.after(time.Second)
	require.Equal(t, "ana", v.paged())
}

// A change that is known to the records and was not heard of yet counts when the instant comes.
func TestATicketIsLookedAtOnceMoreBeforeAnybodyIsCalled(t *testing.T) {
	v := newVigil(t, promise(4*time.Hour, escalateAt))
	v.after(3 * time.Hour)
	next := v.h.Last()
	next.State = ticket.Waiting
	v.h = append(v.h, ticket.Version{At: v.now, Ticket: next}) // nobody says so
	v.after(2 * time.Hour)
	require.Empty(t, v.paged())
	require.Equal(t, Watched, v.state.Phase)
}

func TestWhoeverCannotLookActsOnWhatIsKnown(t *testing.T) {
	v := newVigil(t, promise(4*time.Hour, escalateAt))
	v.mute = true
	v.after(4 * time.Hour)
	require.Empty(t, v.paged())
	v.after(judgeGuard)
	require.Equal(t, "ana", v.paged())
	asked := 0
	v.done = nil
	v.until(v.now.Add(4 * time.Minute))
	for _, e := range v.done {
		if _, ok := e.(Judge); ok {
			asked++
		}
	}
	require.Positive(t, asked, "it asks again")
	require.Less(t, asked, 10, "and not for ever faster")
	v.mute = false
	v.until(v.now.Add(10 * time.Minute))
	require.Empty(t, v.state.Watch.Asked)
}

func TestATicketThatPingPongsThreeTimesClimbsToManagement(t *testing.T) {
	v := newVigil(t, sla.Book{Revision: "r", Triggers: []org.Trigger{{ID: "never", When: "", For: org.Meant{Services: []id.Service{"other"}}}}})
	for _, team := range []string{"network", "desk", "network"} {
		v.after(time.Hour)
		v.changes(func(t *ticket.Ticket) { t.Team = team })
		require.Equal(t, Watched, v.state.Phase, team)
	}
	v.after(time.Hour)
	v.changes(func(t *ticket.Ticket) { t.Team = "desk" })
	require.Equal(t, "eva", v.paged(), "the hierarchic rung, past desk and experts")
	require.Contains(t, v.said(), "back and forth between teams 3 times")

	v.takes(Acknowledged{At: v.now, Answer: Answer{By: "eva", Name: "Eva", Key: "1"}})
	v.done = nil
	v.changes(func(t *ticket.Ticket) { t.Team = "network" })
	require.Empty(t, v.paged(), "it holds on: nobody is called for it again")
}

func TestEveryActOfAThreshold(t *testing.T) {
	v := newVigil(t, promise(time.Hour,
		org.Threshold{Percent: 50, Act: org.Act{Do: org.Raise}},
		org.Threshold{Act: org.Act{Do: org.Escalate, Tier: 2}},
		org.Threshold{Offset: time.Minute, Act: org.Act{Do: org.BringIn, Targets: []org.Target{{Person: "cy"}, {Person: "di"}}}},
		org.Threshold{Offset: 2 * time.Minute, Act: org.Act{Do: org.Escalate, Direction: org.Hierarchic}},
	))
	v.after(30 * time.Minute)
	require.Equal(t, org.P2, find[Compile](v.done).Priority)
	plan := v.state.Plan
	plan.Priority = org.P2
	v.takes(Planned{At: v.now, Key: find[Compile](v.done).Key, Plan: plan})
	require.Equal(t, org.P2, v.state.Plan.Priority)
	require.Equal(t, Watched, v.state.Phase, "a priority calls nobody")
	v.done = nil
	v.after(30 * time.Minute)
	require.Equal(t, "ben", v.paged())
	v.done = nil
	v.after(time.Minute)
	require.Equal(t, "cy di", v.paged())
	v.done = nil
	v.after(time.Minute)
	require.Equal(t, "eva", v.paged())
}

func TestASolvedTicketEndsItsEscalationAndOneThatComesBackIsWatchedAgain(t *testing.T) {
	v := newVigil(t, promise(time.Hour, escalateAt))
	v.after(time.Hour)
	require.Equal(t, Open, v.state.Phase)
	v.changes(func(t *ticket.Ticket) { t.State = ticket.Solved })
	require.Equal(t, ResolvedP, v.state.Phase)
	require.False(t, v.state.Climbing)
	v.after(30 * time.Minute)
	v.changes(func(t *ticket.Ticket) { t.State = ticket.Working })
	require.Equal(t, Watched, v.state.Phase)
	require.Zero(t, v.state.EndedAt)
	v.changes(func(t *ticket.Ticket) { t.State = ticket.Done })
	v.after(2 * time.Hour)
	require.Equal(t, Closed, v.state.Phase)
}

// What somebody resolves while its ticket is open is watched on: the next threshold must not be lost.
func TestAResolvedEscalationOfAnOpenTicketIsWatchedOn(t *testing.T) {
	v := newVigil(t, promise(time.Hour, escalateAt, org.Threshold{Offset: time.Hour, Act: org.Act{Do: org.Escalate}}))
	v.after(time.Hour)
	v.takes(Acknowledged{At: v.now, Answer: Answer{By: "ana", Key: "1"}})
	require.Equal(t, Acked, v.state.Phase)
	v.takes(Resolved{At: v.now, Answer: Answer{By: "ana", Key: "2"}})
	require.Equal(t, Watched, v.state.Phase)
	require.Contains(t, find[Reply](v.done[len(v.done)-1:]).Text, "watched on")
	v.done = nil
	v.after(time.Hour)
	require.Equal(t, "ana", v.paged(), "the second threshold; the first is not acted on again")
	require.Equal(t, 1, strings.Count(v.said(), "late by 1h"))
}

func TestAHumanMayEscalateWhatIsWatchedAndEndIt(t *testing.T) {
	v := newVigil(t, promise(time.Hour))
	v.takes(Acknowledged{At: v.now, Answer: Answer{By: "ana", Key: "1"}})
	require.Equal(t, Refused, find[Reply](v.done).Outcome)
	v.done = nil
	v.takes(Escalated{At: v.now, Answer: Answer{By: "zoe", Key: "2"}, Direction: org.Hierarchic})
	require.Equal(t, "eva", v.paged())

	w := newVigil(t, promise(time.Hour, escalateAt))
	w.takes(Resolved{At: w.now, Answer: Answer{By: "ana", Key: "1"}})
	w.after(2 * time.Hour)
	require.Empty(t, w.paged())
	require.Equal(t, Closed, w.state.Phase)
}

func TestADeliveryThatComesTwiceAsksOnce(t *testing.T) {
	v := newVigil(t, promise(time.Hour))
	v.mute = true
	v.done = nil
	v.h = append(v.h, ticket.Version{At: v.now, Ticket: v.h.Last()})
	v.take(Observed{At: v.now, Key: "k", Version: 2})
	v.take(Observed{At: v.now, Key: "k", Version: 2})
	require.Equal(t, 1, countOf[Judge](v.done))
}

func TestTheRulesBeforeKnowNoTickets(t *testing.T) {
	n := newNight(t, under(2), func(o *Opening) { o.Watching = &Watching{Ticket: ticket.Ref{System: "desk", Key: "7"}} })
	require.Equal(t, Open, n.state.Phase)
	require.Nil(t, n.state.Watch)
	n.take(Observed{At: n.now, Key: "k", Version: 2})
	require.Zero(t, countOf[Judge](n.done))
}

func countOf[T Effect](effects []Effect) int {
	n := 0
	for _, e := range effects {
		if _, ok := e.(T); ok {
			n++
		}
	}
	return n
}

// What the list shows must not be older than what is known: a pause says nothing, and moves what comes next.
func TestWhatIsDueNextIsShownWheneverItMoves(t *testing.T) {
	v := newVigil(t, promise(4*time.Hour, escalateAt))
	require.Equal(t, 1, countOf[Show](v.done))
	v.after(time.Hour)
	v.done = nil
	v.changes(func(t *ticket.Ticket) { t.State, t.Reason = ticket.Waiting, "customer" })
	require.Equal(t, 1, countOf[Show](v.done))
	require.Equal(t, "none", v.state.Summary().Next.Action)
	looks := v.state.Summary().Looks
	v.changes(func(t *ticket.Ticket) { t.Category = "network" })
	require.Equal(t, 1, countOf[Show](v.done), "nothing has moved")
	v.changes(func(t *ticket.Ticket) { t.State = ticket.Working })
	require.Equal(t, 2, countOf[Show](v.done))
	require.Greater(t, v.state.Summary().Looks, looks, "the newer row counts")
	v.done = nil
	v.changes(func(t *ticket.Ticket) { t.State = ticket.Solved })
	require.Zero(t, countOf[Show](v.done), "an entry takes it along")
}

// Whoever had to wait for an answer may have written down that it waits.
func TestAnAnswerThatCameLateIsShown(t *testing.T) {
	v := newVigil(t, promise(4*time.Hour, escalateAt))
	v.mute, v.done = true, nil
	v.changes(func(t *ticket.Ticket) { t.Category = "network" })
	v.now = v.now.Add(3 * time.Second)
	v.take(Judged{At: v.now, Key: v.state.Watch.Asked, Verdict: v.book.Judge(v.h, v.now)})
	require.Equal(t, 1, countOf[Show](v.done))
}

func TestAWebhookIsToldAndNobodyIsCalled(t *testing.T) {
	hook := org.Threshold{Percent: 50, Act: org.Act{Do: org.TellHook, Hook: "cmdb.example#12345678", URL: "https://cmdb.example/secret"}}
	book := promise(4*time.Hour, hook)
	book.Triggers = []org.Trigger{{ID: "reopened", Name: "it came back", When: "x", Act: hook.Act}}
	book.Holds = func(_ string, f ticket.Facts) (bool, error) { return f.Reopens > 0, nil }
	v := newVigil(t, book)
	v.after(2 * time.Hour)
	require.Equal(t, Watched, v.state.Phase)
	told := find[Send](v.done)
	require.Equal(t, Hook{Revision: "r", Name: "cmdb.example#12345678"}, *told.Hook)
	require.Equal(t, page.Inform, told.Purpose)
	require.Empty(t, told.Person)
	require.Equal(t, page.Alarm{Ticket: "desk/7", Clock: "solve", Point: "solve/1/50%/webhook-cmdb.example#12345678", At: v.now}, *told.Brief.Alarm)
	require.True(t, v.state.Wants(told))
	of, ok := ReadKey(told.Key)
	require.True(t, ok, told.Key)
	require.Equal(t, Recipient{Escalation: "E-7"}, of)
	v.takes(Reported{At: v.now, Receipt: page.Receipt{Key: told.Key, Status: page.Failed, Class: page.Dead, Provider: "webhook", Code: "404", Reason: "the webhook refused it"}})
	require.Equal(t, Watched, v.state.Phase)
	require.Contains(t, strings.Join(v.entries(EntryReceipt), "; "), "webhook to cmdb.example (solve): failed, the webhook refused it")
	require.NotContains(t, strings.Join(v.entries(EntrySent), "; "), "secret")

	v.changes(func(t *ticket.Ticket) { t.State = ticket.Solved })
	v.done = nil
	v.changes(func(t *ticket.Ticket) { t.State = ticket.Working })
	require.Equal(t, "trigger/reopened", find[Send](v.done).Brief.Alarm.Point)
	require.Equal(t, id.Method("reopened"), find[Send](v.done).Method)
}

// A run that began before is played by its own rules, and says what it does not do.
func TestTheRulesBeforeTellNoWebhook(t *testing.T) {
	v := newVigilUnder(t, 3, promise(4*time.Hour, org.Threshold{Percent: 50, Act: org.Act{Do: org.TellHook, Hook: "cmdb.example#12345678"}}))
	v.after(2 * time.Hour)
	require.Zero(t, countOf[Send](v.done))
	require.Zero(t, countOf[Show](v.done))
	require.Contains(t, v.said(), "the webhook is not told")
}
