package service_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

var away = fault.New(fault.Unavailable, "no database")

// night is a house whose inbox may be away.
type night struct {
	*house
	lights *service.Lights
	talks  *servicetest.Conversations
	dark   *service.Dark
}

func newNight(t *testing.T) *night {
	h := newHouse(t)
	n := &night{house: h, talks: &servicetest.Conversations{}}
	clock := func() time.Time { return h.now }
	n.lights = &service.Lights{Now: clock}
	n.dark = &service.Dark{Conversations: n.talks, Lights: n.lights, Secret: []byte("secret"), Now: clock, Log: quiet}
	h.intake.Lights, h.intake.Dark, h.intake.Desk.Lights = n.lights, n.dark, n.lights
	h.settler.Dark = n.dark
	h.relay.Lights, h.relay.Dark = n.lights, n.dark
	h.open.Lights, h.open.Dark = n.lights, n.dark
	h.replies.Lights = n.lights
	return n
}

func (n *night) sends(action alert.Action, key string) error {
	_, err := n.intake.Accept(ctx(), servicetest.Key, alert.Alert{
		Action: action, DedupKey: key, Title: "card declines above 5%", Severity: alert.Critical,
	}, []byte(`{}`), "pagerduty")
	return err
}

func TestWithoutTheInboxTheEngineTakesEvents(t *testing.T) {
	n := newNight(t)
	n.inbox.Broken = away
	require.NoError(t, n.sends(alert.Trigger, "disk"))
	require.NoError(t, n.sends(alert.Resolve, "disk"))
	told := n.talks.Told()
	require.Len(t, told, 2)
	require.Equal(t, alert.Resolve, told[1].Alert.Action)
	require.Equal(t, id.Integration("payments-events"), told[0].Integration)
	require.True(t, told[0].Fresh, "what was opened with the last light may not be findable yet")

	n.now = n.now.Add(time.Minute)
	require.NoError(t, n.sends(alert.Trigger, "disk"))
	require.False(t, n.talks.Told()[2].Fresh)
}

// delivers a request of two alerts of one monitor.
func (n *night) delivers(keys ...string) (service.Taken, error) {
	say := func(alert.Post) ([]alert.Alert, error) {
		var all []alert.Alert
		for _, key := range keys {
			all = append(all, alert.Alert{Action: alert.Trigger, DedupKey: key, Title: "card declines", Severity: alert.Critical})
		}
		return all, nil
	}
	return n.intake.Deliver(ctx(), service.Delivery{
		Dialect: alert.Dialect{Name: "words", Decode: say}, Key: servicetest.Key, Post: alert.Post{Body: []byte("both"), At: n.now},
	})
}

func TestARequestOfManyAlertsIsTakenWithoutTheInboxToo(t *testing.T) {
	n := newNight(t)
	n.inbox.Broken = away
	taken, err := n.delivers("disk", "cpu", "net")
	require.NoError(t, err)
	require.Equal(t, []string{"disk", "cpu", "net"}, taken.DedupKeys)
	told := n.talks.Told()
	require.Len(t, told, 3)
	bodies := 0
	for _, e := range told {
		bodies += len(e.Raw)
	}
	require.Equal(t, len("both"), bodies, "one copy of the request")

	n.inbox.Broken, n.now = nil, n.now.Add(time.Minute) // the light is back, and one of the conversations goes on in the engine
	_, err = n.delivers("disk", "fan")
	require.NoError(t, err)
	require.Len(t, n.talks.Told(), 4)
	require.Len(t, n.inbox.Events(), 1)
	require.Equal(t, "fan", n.inbox.Events()[0].Alert.DedupKey)

	n.talks.Away = true // nothing is half done: what is in the engine goes first
	_, err = n.delivers("disk", "lamp")
	require.True(t, fault.Is(err, fault.Unavailable))
	require.Len(t, n.inbox.Events(), 1)
}

func TestWithNeitherTheSenderComesAgain(t *testing.T) {
	n := newNight(t)
	n.inbox.Broken, n.talks.Away = away, true
	require.True(t, fault.Is(n.sends(alert.Trigger, "disk"), fault.Unavailable))
	require.Empty(t, n.talks.Told())
}

func TestAnInboxThatRefusesIsNotAway(t *testing.T) {
	n := newNight(t)
	n.inbox.Broken = fault.New(fault.TooLarge, "too large")
	require.True(t, fault.Is(n.sends(alert.Trigger, "disk"), fault.TooLarge))
	require.Empty(t, n.talks.Told())
	_, out := n.lights.Out()
	require.False(t, out)
}

func TestWhileItsConversationGoesOnAnEventBelongsThere(t *testing.T) {
	n := newNight(t)
	n.inbox.Broken = away
	require.NoError(t, n.sends(alert.Trigger, "disk"))
	n.inbox.Broken = nil
	n.now = n.now.Add(3 * time.Second)
	n.relay.Sweep(ctx())
	_, out := n.lights.Out()
	require.False(t, out, "the relay sees the light first")
	require.NoError(t, n.sends(alert.Trigger, "disk"))
	require.Len(t, n.talks.Told(), 2, "the same alert")
	require.NoError(t, n.sends(alert.Trigger, "another"))
	require.Len(t, n.inbox.Events(), 1, "another alert goes the usual way")

	n.talks.End()
	n.now = n.now.Add(10 * time.Second)
	n.dark.Look(ctx())
	require.NoError(t, n.sends(alert.Trigger, "disk"))
	require.Len(t, n.inbox.Events(), 2, "it is on record by now")
}

// The lights went out between accepting and settling, or between settling and starting; meanwhile another process has
// given the alert to the engine.
func TestWhatTheEngineHasTakenOverIsNotOpenedOnceMore(t *testing.T) {
	n := newNight(t)
	n.pool.Close() // left to the relay
	require.NoError(t, n.sends(alert.Trigger, "unsettled"))
	n.talks.Begin(n.dark.Hash("payments", "unsettled"))
	n.now = n.now.Add(time.Hour)
	n.relay.Sweep(ctx())
	require.Empty(t, n.engine.Started())

	n.talks.End()
	n.now = n.now.Add(time.Minute)
	n.engine.Leave(true)
	n.relay.Sweep(ctx())
	_, errands := n.inbox.Waiting()
	require.Equal(t, 1, errands, "settled, and not started")

	n.engine.Leave(false)
	n.talks.Begin(n.dark.Hash("payments", "unsettled"))
	n.now = n.now.Add(time.Hour)
	n.relay.Sweep(ctx())
	require.Empty(t, n.engine.Started())

	n.talks.End()
	n.now = n.now.Add(time.Minute)
	n.relay.Sweep(ctx())
	require.Len(t, n.engine.Started(), 1)
	require.Equal(t, n.dark.Hash("payments", "unsettled"), n.engine.Started()[0].Conversation, "so that it is found without the inbox")
}

// Listing a thousand conversations four times a second kept the engine from being asked which escalation an alert is about.
// A list from before the records came back would open a second one.
func TestWhichConversationsRunIsAskedRarelyInTheDarkAndAtOnceWhenItEnds(t *testing.T) {
	n := newNight(t)
	begun := n.dark.Hash("payments", "begun elsewhere")
	n.lights.Saw(away)
	n.dark.Look(ctx())
	n.talks.Begin(begun)
	n.now = n.now.Add(2 * time.Second)
	n.dark.Look(ctx())
	require.False(t, n.dark.Talks(begun), "nothing is opened past the list now: it is left alone")
	n.now = n.now.Add(100 * time.Millisecond)
	n.lights.Saw(nil)
	n.dark.Look(ctx())
	require.True(t, n.dark.Talks(begun))
}

// failing is an inbox that takes events and cannot settle them.
type failing struct{ *servicetest.Inbox }

func (f failing) Settle(context.Context, int64, func(id.Escalation, service.Incoming) (contract.Start, error)) ([]service.Errand, error) {
	return nil, away
}

func (f failing) SettleAll(context.Context, []int64, func(id.Escalation, service.Incoming) (contract.Start, error)) ([]service.Errand, error) {
	return nil, away
}

func TestWhatWasAcceptedWithTheLastLightDoesNotWaitForTheMorning(t *testing.T) {
	n := newNight(t)
	n.settler.Inbox = failing{n.inbox}
	n.lights.Ping = func(context.Context) error { return away }
	require.NoError(t, n.sends(alert.Trigger, "disk"))
	require.Eventually(t, func() bool { return len(n.talks.Told()) == 1 }, time.Minute, time.Millisecond)
	require.True(t, n.inbox.Events()[0].ReceivedAt.Equal(n.talks.Told()[0].ReceivedAt), "by which the two are found to be one")
}

func TestASlowTransactionIsNotDarkness(t *testing.T) {
	n := newNight(t)
	n.settler.Inbox = failing{n.inbox}
	n.lights.Ping = func(context.Context) error { return nil }
	require.NoError(t, n.sends(alert.Trigger, "disk"))
	n.pool.Close()
	require.Empty(t, n.talks.Told(), "left to the relay")
}

func TestWhatIsOpenedByHandHasItsNumberFromTheEngine(t *testing.T) {
	n := newNight(t)
	n.inbox.Broken = away
	in := service.Opening{Service: "payments", Title: "x", Key: "once"}
	_, err := n.open.Do(ctx(), machine(service.IntegrationRole), in)
	require.True(t, fault.Is(err, fault.NotFound), err)
	hash := n.dark.Hash("payments", n.talks.Told()[0].Alert.DedupKey)
	n.talks.Opened(hash, "E-900")
	e, err := n.open.Do(ctx(), machine(service.IntegrationRole), in)
	require.NoError(t, err)
	require.Equal(t, id.Escalation("E-900"), e, "the same request is the same conversation")
	require.Equal(t, n.talks.Told()[0].Ident, n.talks.Told()[1].Ident, "and the same delivery")
}

func TestAHashSaysNothingToThoseWithoutTheSecret(t *testing.T) {
	n := newNight(t)
	hash := n.dark.Hash("payments", "disk")
	require.Len(t, hash, 32)
	require.Equal(t, hash, n.dark.Hash("payments", "disk"))
	require.NotEqual(t, hash, n.dark.Hash("payment", "sdisk"))
	other := &service.Dark{Secret: []byte("another")}
	require.NotEqual(t, hash, other.Hash("payments", "disk"))
}

func TestLightsSpareTheNextOnesTheWait(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	l := &service.Lights{Now: func() time.Time { return now }}
	asked, answer := 0, away
	ask := func() error {
		return l.Ask(ctx(), time.Second, func(context.Context) error { asked++; return answer })
	}
	for range 10 {
		require.True(t, fault.Is(ask(), fault.Unavailable))
	}
	require.Equal(t, 1, asked)
	now = now.Add(2 * time.Second)
	require.Error(t, ask())
	require.Error(t, ask())
	require.Equal(t, 2, asked, "one goes to see")
	answer = nil
	now = now.Add(2 * time.Second)
	require.NoError(t, ask())
	require.NoError(t, ask())
	_, out := l.Out()
	require.False(t, out)
	require.True(t, l.OutLately(time.Minute))
}

func TestOnlyThoseWhoAreAwayAreSaidToBe(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for name, scene := range map[string]struct {
		ping error
		out  bool
	}{"slow": {nil, false}, "gone": {away, true}} {
		t.Run(name, func(t *testing.T) {
			var pinged sync.WaitGroup
			pinged.Add(1)
			l := &service.Lights{Now: func() time.Time { return now }, Ping: func(context.Context) error {
				defer pinged.Done()
				return scene.ping
			}}
			err := l.Ask(ctx(), time.Millisecond, func(ctx context.Context) error {
				<-ctx.Done()
				return fault.Wrap(fault.Unavailable, ctx.Err(), "wait")
			})
			require.Error(t, err)
			pinged.Wait()
			require.Eventually(t, func() bool { _, out := l.Out(); return out == scene.out }, time.Minute, time.Millisecond)
		})
	}
	l := &service.Lights{Now: func() time.Time { return now }}
	gone, cancel := context.WithCancel(ctx())
	cancel()
	require.Error(t, l.Ask(gone, time.Second, func(context.Context) error { return away }))
	_, out := l.Out()
	require.False(t, out, "a caller who hangs up says nothing about the records")
}

// forgetful are tokens that may be away.
type forgetful struct {
	*servicetest.Tokens
	away bool
}

func (f *forgetful) Find(ctx context.Context, hash []byte) (service.Token, error) {
	if f.away {
		return service.Token{}, away
	}
	return f.Tokens.Find(ctx, hash)
}

func TestACallerSeenBeforeIsBelievedForAWhile(t *testing.T) {
	n := newNight(t)
	tokens := &forgetful{Tokens: &servicetest.Tokens{}}
	k := &service.Keyring{Tokens: tokens, Organisation: n.organisation, Now: func() time.Time { return n.now }}
	made, secret, err := k.Create(ctx(), machine(service.Admin), "noc", service.Responder, "")
	require.NoError(t, err)
	_, stranger, err := k.Create(ctx(), machine(service.Admin), "never seen", service.Admin, "")
	require.NoError(t, err)
	_, err = k.Bearer(ctx(), secret)
	require.NoError(t, err)

	tokens.away = true
	seen, err := k.Bearer(ctx(), secret)
	require.NoError(t, err)
	require.Equal(t, service.Responder, seen.Role)
	_, err = k.Bearer(ctx(), stranger)
	require.True(t, fault.Is(err, fault.Unavailable), err)
	_, err = k.Bearer(ctx(), "blt_guessed")
	require.True(t, fault.Is(err, fault.Unavailable), err)
	n.now = n.now.Add(time.Hour)
	_, err = k.Bearer(ctx(), secret)
	require.True(t, fault.Is(err, fault.Unavailable), "not for ever")

	tokens.away = false
	_, err = k.Bearer(ctx(), secret)
	require.NoError(t, err)
	require.NoError(t, k.Revoke(ctx(), machine(service.Admin), made.ID))
	_, err = k.Bearer(ctx(), secret)
	require.True(t, fault.Is(err, fault.Unauthenticated), err)
	tokens.away = true
	_, err = k.Bearer(ctx(), secret)
	require.True(t, fault.Is(err, fault.Unavailable), "what was refused is not remembered")
}

// A full disk: the records answer, and do not know what was opened since they take nothing.
func TestATextAboutWhatIsNotOnRecordYetIsTaken(t *testing.T) {
	n := newNight(t)
	n.engine.Know("escalation/E-7")
	n.replies.Runs = servicetest.Runs{Summaries: []escalation.Summary{{ID: "E-7", State: escalation.Open, Title: "disk", Service: "payments", Priority: org.P1}}}
	for body, want := range map[string]string{"ack 7": "E-7: Done: acknowledge.", "ack 99": "There is no E-99 for you."} {
		answer, err := n.replies.SMS(ctx(), service.Inbound{From: "+34600000001", Body: body, SID: "SM" + body})
		require.NoError(t, err)
		require.Equal(t, want, answer)
	}
	n.replies.Runs = mute{}
	answer, err := n.replies.SMS(ctx(), service.Inbound{From: "+34600000001", Body: "resolve 7", SID: "SMslow"})
	require.NoError(t, err)
	require.Equal(t, "E-7: Done: resolve.", answer, "who cannot be asked in time is not gone")
}

// mute are escalations that do not say how they stand.
type mute struct{ service.Runs }

func (mute) Stands(context.Context, id.Escalation) (escalation.Summary, error) {
	return escalation.Summary{}, fault.New(fault.Unavailable, "no worker answers")
}

func TestAckWithoutANumberAsksTheEscalations(t *testing.T) {
	n := newNight(t)
	n.rows.Leave(true)
	n.engine.Know("escalation/E-7")
	stand := func(e id.Escalation, told ...id.Person) escalation.Summary {
		return escalation.Summary{ID: e, State: escalation.Open, Title: "disk", Service: "payments", Priority: org.P1, Told: told}
	}
	says := func(body string) string {
		answer, err := n.replies.SMS(ctx(), service.Inbound{From: "+34600000001", Body: body, SID: "SM" + body})
		require.NoError(t, err)
		return answer
	}
	n.replies.Runs = servicetest.Runs{Summaries: []escalation.Summary{stand("E-8", "ben"), stand("E-7", "ana")}}
	require.Contains(t, says("status"), "E-7 open: P1 payments: disk")
	require.Equal(t, "E-7: Done: acknowledge.", says("ack"))
	require.Equal(t, "E-7: Done: resolve.", says("resolve 7"))
	require.Equal(t, "There is no E-99 for you.", says("ack 99"))

	n.replies.Runs = servicetest.Runs{Summaries: []escalation.Summary{stand("E-7", "ana"), stand("E-8", "ana")}}
	require.Contains(t, says("ack "), "ack 8: P1")
	n.replies.Runs = servicetest.Runs{Summaries: []escalation.Summary{stand("E-8", "ben")}}
	require.Equal(t, "Nothing is open that you were told of.", says(" ack"))
	n.replies.Runs = servicetest.Runs{Summaries: []escalation.Summary{stand("E-8", "ben")}, More: true}
	require.True(t, strings.HasPrefix(says("  ack"), "Belay could not take that"), "there may be one among those that were not asked")
}

func TestAPageShowsWhatTheEscalationSaysOfItself(t *testing.T) {
	n := newNight(t)
	n.rows.Leave(true)
	search := &service.Search{Escalations: n.rows, Runs: servicetest.Runs{Summaries: []escalation.Summary{{ID: "E-7", Title: "disk"}}}}
	row, err := search.Get(ctx(), ana(), "E-7")
	require.NoError(t, err)
	require.Equal(t, "disk", row.Title)
	_, err = search.Get(ctx(), ana(), "E-8")
	require.True(t, fault.Is(err, fault.Unavailable), "the records may know it")
	require.ErrorContains(t, err, "answers by SMS, phone, signed link and API are taken")
}

// drawer is a disk in memory.
type drawer struct {
	numbers []int64
	kept    *service.Snapshot
	saved   int
}

func (d *drawer) Take() (int64, bool, error) {
	if len(d.numbers) == 0 {
		return 0, true, nil
	}
	first := d.numbers[0]
	d.numbers = d.numbers[1:]
	return first, false, nil
}
func (d *drawer) Add(numbers []int64) error { d.numbers = append(d.numbers, numbers...); return nil }
func (d *drawer) Left() (int, error)        { return len(d.numbers), nil }
func (d *drawer) Save(s service.Snapshot) error {
	d.kept = &s
	d.saved++
	return nil
}
func (d *drawer) Load() (service.Snapshot, error) {
	if d.kept == nil {
		return service.Snapshot{}, fault.New(fault.NotFound, "nothing")
	}
	return *d.kept, nil
}

// press counts up.
type press struct{ last int64 }

func (p *press) Reserve(_ context.Context, count int) ([]int64, error) {
	var drawn []int64
	for range count {
		p.last++
		drawn = append(drawn, p.last)
	}
	return drawn, nil
}

func TestNumbersComeFromTheReserveAndNeverRunOut(t *testing.T) {
	kept := &drawer{}
	r := &service.Reserve{Stock: kept, Mint: &press{}, Log: quiet}
	require.NoError(t, r.Refill(ctx()))
	require.NoError(t, r.Refill(ctx()))
	require.Len(t, kept.numbers, 200, "filled when it runs low, and not before")
	seen := map[id.Escalation]bool{}
	for range 200 {
		e, err := r.Next(ctx())
		require.NoError(t, err)
		seen[e] = true
	}
	require.Len(t, seen, 200)
	e, err := r.Next(ctx())
	require.NoError(t, err)
	number, err := e.Number()
	require.NoError(t, err)
	require.Greater(t, number, int64(99_999_999), "made up, far from what the database counts")
}

func TestAProcessBeginsWithWhatItKept(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	kept := &drawer{}
	parse := func(files []service.File) (*org.Org, error) { return &org.Org{Name: files[0].Content}, nil }
	revisions, barred := &servicetest.Revisions{}, &servicetest.Barred{}
	overrides := &servicetest.Overrides{}
	lit := &service.Directory{
		Revisions: revisions, Overrides: overrides, Barred: barred, Parse: parse, Now: func() time.Time { return now }, Log: quiet, Beside: kept,
	}
	require.NoError(t, revisions.Apply(ctx(), "", service.Revision{Hash: "r1", Files: []service.File{{Content: "Acme"}}}, service.Deed{}))
	_, err := overrides.Create(ctx(), org.Override{ID: "o1", Schedule: "s", Person: "ana", From: now, Until: now.Add(time.Hour)}, service.Deed{})
	require.NoError(t, err)
	require.NoError(t, barred.Bar(ctx(), policy.Way{Person: "ana", Method: "mobile"}, "opted out", service.Deed{}))
	for range 3 {
		require.NoError(t, lit.Refresh(ctx()))
		now = now.Add(time.Minute)
	}
	require.Equal(t, 1, kept.saved, "nothing changed")
	require.NoError(t, barred.Bar(ctx(), policy.Way{Person: "ben", Method: "mobile"}, "opted out", service.Deed{}))
	require.NoError(t, lit.Refresh(ctx()))
	require.Equal(t, 2, kept.saved)

	dark := &service.Directory{Revisions: revisions, Overrides: overrides, Barred: barred, Parse: parse, Now: lit.Now, Log: quiet, Beside: kept}
	_, err = dark.Recall()
	require.NoError(t, err)
	require.Equal(t, lit.Current(), dark.Current())
	require.Error(t, dark.Fresh(ctx()), "it may have changed since")
	require.NoError(t, dark.Refresh(ctx()))
	require.NoError(t, dark.Fresh(ctx()))

	empty := &service.Directory{Parse: parse, Log: quiet, Beside: &drawer{}}
	_, err = empty.Recall()
	require.True(t, fault.Is(err, fault.NotFound), err)
	spoilt := &service.Directory{Parse: func([]service.File) (*org.Org, error) { return nil, errors.New("cannot be read") }, Log: quiet, Beside: kept}
	_, err = spoilt.Recall()
	require.Error(t, err)
}
