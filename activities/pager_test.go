package activities

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// gateway is a carrier whose line can break after it took a message.
type gateway struct {
	arrived []string // keys, in order
	drops   int      // so many answers are lost on the way back
	refuse  error    // before anything arrives
	blind   bool     // Find fails
	panics  bool
	asked   int
}

func (g *gateway) Send(_ context.Context, m page.Message) (page.Receipt, error) {
	if g.panics {
		panic("nil pointer in the carrier")
	}
	if g.refuse != nil {
		return page.Receipt{}, g.refuse
	}
	g.arrived = append(g.arrived, m.Key)
	if g.drops > 0 {
		g.drops--
		return page.Receipt{}, fault.New(fault.Unavailable, "connection reset")
	}
	return page.Receipt{Status: page.Accepted, Class: page.Pending, Provider: "gateway", ProviderID: "first"}, nil
}

func (g *gateway) Find(_ context.Context, m page.Message, _ time.Time) (page.Receipt, bool, error) {
	g.asked++
	if g.blind {
		return page.Receipt{}, false, errors.New("lookup timed out")
	}
	for _, key := range g.arrived {
		if key == m.Key {
			return page.Receipt{Status: page.Accepted, Class: page.Pending, Provider: "gateway", ProviderID: "found"}, true, nil
		}
	}
	return page.Receipt{}, false, nil
}

// book is a ledger in memory.
type book struct {
	began    map[string]time.Time
	finished map[string]page.Receipt
	silent   map[string]time.Time // by workflow
	down     bool
	hangs    bool
	slow     bool // hangs when it has to note something, and can still be read
}

func (b *book) Begin(ctx context.Context, m page.Message, workflow string, decided, at time.Time) (contract.Prior, error) {
	if b.hangs || b.slow {
		<-ctx.Done()
		return contract.Prior{}, ctx.Err()
	}
	if b.down {
		return contract.Prior{}, fault.New(fault.Unavailable, "database is away")
	}
	if r, done := b.finished[m.Key]; done {
		return contract.Prior{Receipt: &r}, nil
	}
	prior := contract.Prior{Since: b.began[m.Key], Silenced: b.silent[workflow].After(decided)}
	if prior.Since.IsZero() && !prior.Silenced {
		b.began[m.Key] = at
	}
	return prior, nil
}

func (b *book) Silenced(ctx context.Context, _ page.Message, workflow string, decided time.Time) (bool, error) {
	if b.hangs {
		<-ctx.Done()
		return false, ctx.Err()
	}
	if b.down {
		return false, fault.New(fault.Unavailable, "database is away")
	}
	return b.silent[workflow].After(decided), nil
}

func (b *book) Finish(_ context.Context, r page.Receipt) error {
	if b.down || b.hangs {
		return fault.New(fault.Unavailable, "database is away")
	}
	b.finished[r.Key] = r
	return nil
}

type town struct{ policy.Directory }

func (t town) Current() policy.Directory { return t.Directory }

type signer struct{}

func (signer) Link(workflow string, person id.Person, key string, at time.Time) string {
	return "https://belay.example/a/" + workflow + "+" + string(person) + "+" + key + "+" + at.Format(time.RFC3339Nano)
}

type scene struct {
	*Pager
	gateway *gateway
	book    *book
}

func stage() scene {
	g, b := &gateway{}, &book{began: map[string]time.Time{}, finished: map[string]page.Receipt{}}
	people := map[id.Person]org.Person{
		"ana":  {ID: "ana", Name: "Ana Pérez", Methods: []org.Method{{ID: "mobile", Channel: org.SMS, Address: "+34600000001"}, {ID: "desk", Channel: org.Voice, Address: "+34600000002"}}},
		"gone": {ID: "gone", Name: "Gone", Departed: true, Methods: []org.Method{{ID: "mobile", Channel: org.SMS}}},
	}
	return scene{gateway: g, book: b, Pager: &Pager{
		Directories: town{policy.Directory{Org: &org.Org{People: people}, Live: policy.Live{Barred: map[policy.Way]string{}}}},
		Ledger:      b,
		Carriers:    map[org.Channel]Carrier{org.SMS: g},
		Linker:      signer{},
		Words: func(m page.Message, to org.Person) (string, string) {
			return "", m.Brief.Title + " for " + to.Name
		},
		Now: func() time.Time { return noon },
		Log: slog.New(slog.DiscardHandler),
	}}
}

func toAna() contract.Send {
	return contract.Send{
		Key: "E-42/t1/ana/mobile/1", Purpose: page.Page, Person: "ana", Method: "mobile", Workflow: "escalation/E-42",
		Brief: page.Brief{Escalation: "E-42", Title: "card payments fail"},
	}
}

func TestAnAcceptedMessageWhoseAnswerWasLostLeavesOnce(t *testing.T) {
	s := stage()
	s.gateway.drops = 1
	_, err := s.Send(t.Context(), toAna())
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)

	receipt, err := s.Send(t.Context(), toAna())
	require.NoError(t, err)
	require.Equal(t, "found", receipt.ProviderID)
	require.Equal(t, toAna().Key, receipt.Key)
	require.Len(t, s.gateway.arrived, 1)
}

func TestAKnownKeyReturnsItsFirstReceipt(t *testing.T) {
	s := stage()
	first, err := s.Send(t.Context(), toAna())
	require.NoError(t, err)
	require.Equal(t, page.Receipt{Key: toAna().Key, Status: page.Accepted, Class: page.Pending, Provider: "gateway", ProviderID: "first", At: noon}, first.Receipt)
	again, err := s.Send(t.Context(), toAna())
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Len(t, s.gateway.arrived, 1)
}

func TestAMessageThatNeverLeftIsSentAgain(t *testing.T) {
	s := stage()
	s.gateway.refuse = fault.New(fault.Unavailable, "no route")
	_, err := s.Send(t.Context(), toAna())
	require.Error(t, err)
	s.gateway.refuse = nil
	receipt, err := s.Send(t.Context(), toAna())
	require.NoError(t, err)
	require.Equal(t, "first", receipt.ProviderID)
	require.Equal(t, 1, s.gateway.asked, "the carrier was asked before")
}

func TestADeadDatabaseHoldsNoPage(t *testing.T) {
	for name, away := range map[string]func(*book){
		"refuses": func(b *book) { b.down = true },
		"hangs":   func(b *book) { b.hangs = true },
		"is slow": func(b *book) { b.slow = true },
	} {
		s := stage()
		away(s.book)
		receipt, err := s.Send(t.Context(), toAna())
		require.NoError(t, err, name)
		require.Equal(t, page.Accepted, receipt.Status, name)
		require.Len(t, s.gateway.arrived, 1, name)
	}
}

func TestWhatCanNeverArriveIsADeadReceiptWithItsReason(t *testing.T) {
	for name, change := range map[string]func(*scene, *contract.Send){
		"Ana Pérez no longer has the method \"pager\"": func(_ *scene, m *contract.Send) { m.Method = "pager" },
		"nobody is no longer in the organisation":      func(_ *scene, m *contract.Send) { m.Person = "nobody" },
		"gone is no longer in the organisation":        func(_ *scene, m *contract.Send) { m.Person = "gone" },
		"no carrier for voice":                         func(_ *scene, m *contract.Send) { m.Method = "desk" },
		"mobile of Ana Pérez must not be used: said STOP": func(s *scene, _ *contract.Send) {
			s.Directories.Current().Live.Barred[policy.Way{Person: "ana", Method: "mobile"}] = "said STOP"
		},
		"no organisation is loaded": func(s *scene, _ *contract.Send) { s.Directories = town{} },
		"number is not valid":       func(s *scene, _ *contract.Send) { s.gateway.refuse = fault.New(fault.Invalid, "number is not valid") },
	} {
		s, m := stage(), toAna()
		change(&s, &m)
		receipt, err := s.Send(t.Context(), m)
		require.NoError(t, err, name)
		require.Equal(t, page.Receipt{Key: m.Key, Status: page.Failed, Class: page.Dead, Reason: name, At: noon}, receipt.Receipt)
		require.Empty(t, s.gateway.arrived, name)
	}
}

func TestOnlyAPageCarriesALink(t *testing.T) {
	s := stage()
	m, obstacle := s.compose(toAna())
	require.Empty(t, obstacle)
	require.Equal(t, "https://belay.example/a/escalation/E-42+ana+E-42/t1/ana/mobile/1+0001-01-01T00:00:00Z", m.Link)
	require.Equal(t, "card payments fail for Ana Pérez", m.Body)
	require.Equal(t, "+34600000001", m.To)

	inform := toAna()
	inform.Purpose = page.Inform
	m, _ = s.compose(inform)
	require.Empty(t, m.Link)
}

// A carrier is asked for a message by its words: a second attempt, later, must say the same ones.
func TestEveryAttemptSaysTheSameWords(t *testing.T) {
	s := stage()
	clock := noon
	s.Now = func() time.Time { clock = clock.Add(time.Second); return clock }
	first, _ := s.compose(toAna())
	second, _ := s.compose(toAna())
	require.NotEmpty(t, first.Link)
	require.Equal(t, first, second)
}

func TestACarrierThatPanicsIsAFaultLikeAnother(t *testing.T) {
	s := stage()
	s.gateway.panics = true
	_, err := s.Send(t.Context(), toAna())
	require.True(t, fault.Is(err, fault.Internal), "%v", err)
	require.True(t, fault.Retryable(err))
}

func TestARecorderThatPanicsTakesNoPageAlong(t *testing.T) {
	s := stage()
	s.Journal = nil
	message := toAna()
	message.Record = &contract.Record{Summary: escalation.Summary{ID: "E-42"}}
	sent, err := s.Send(t.Context(), message)
	require.NoError(t, err)
	require.Equal(t, page.Pending, sent.Receipt.Class)
	require.False(t, sent.Recorded)
}

// inEngine sends as the engine does, with so many attempts.
func inEngine(t *testing.T, s scene, attempts int32) (receipt page.Receipt, err error) {
	t.Helper()
	for n := int32(1); n <= attempts; n++ {
		receipt, err = s.send(t.Context(), toAna(), attempt{number: n, last: n == attempts, scheduled: noon})
		if err == nil || !fault.Retryable(err) {
			return receipt, err
		}
	}
	return receipt, err
}

func TestTheLastAttemptEndsInAReceipt(t *testing.T) {
	s := stage()
	s.gateway.refuse = fault.New(fault.Unavailable, "no route to the carrier")
	receipt, err := inEngine(t, s, 3)
	require.NoError(t, err)
	require.Equal(t, page.Dead, receipt.Class)
	require.Equal(t, "no route to the carrier", receipt.Reason)
	require.Equal(t, 2, s.gateway.asked, "before the second and the third attempt")
}

// Half the pages of a night with a slow disk left without the ledger, also of what had been answered long before.
func TestADiskTooSlowToNoteAPageDoesNotSendOneThatIsNotWanted(t *testing.T) {
	s := stage()
	decided := toAna()
	s.book.slow, s.book.silent = true, map[string]time.Time{decided.Workflow: noon.Add(time.Millisecond)}
	decided.At = noon
	receipt, err := s.Send(t.Context(), decided)
	require.NoError(t, err)
	require.Empty(t, s.gateway.arrived)
	require.Equal(t, page.Withheld(decided.Key, noon), receipt.Receipt)
}

func TestAPageThatWasAnsweredBeforeItCouldLeaveDoesNotLeave(t *testing.T) {
	s, decided := stage(), toAna()
	decided.At = noon
	s.book.silent = map[string]time.Time{decided.Workflow: noon.Add(time.Millisecond)}
	receipt, err := s.Send(t.Context(), decided)
	require.NoError(t, err)
	require.Equal(t, page.Pending, receipt.Class, "its run must not hasten on, as if this way had failed")
	require.Contains(t, receipt.Reason, "answered before it could leave")
	require.Empty(t, s.gateway.arrived)

	s.book.silent[decided.Workflow] = noon
	_, err = s.Send(t.Context(), decided)
	require.NoError(t, err)
	require.Len(t, s.gateway.arrived, 1, "what was decided after the answer leaves")
}

func TestAnAttemptThatNobodyKnowsTheEndOfIsLookedForAlsoAfterTheAnswer(t *testing.T) {
	s, decided := stage(), toAna()
	decided.At = noon
	s.book.began[decided.Key] = noon
	s.book.silent = map[string]time.Time{decided.Workflow: noon.Add(time.Millisecond)}
	receipt, err := s.Send(t.Context(), decided)
	require.NoError(t, err)
	require.Contains(t, receipt.Reason, "answered before it could leave")
	require.Empty(t, s.gateway.arrived, "and does not leave again when it did not")
}

func TestWithoutALedgerTheSecondAttemptAsksTheCarrier(t *testing.T) {
	s := stage()
	s.book.down, s.gateway.drops = true, 1
	receipt, err := inEngine(t, s, 3)
	require.NoError(t, err)
	require.Equal(t, "found", receipt.ProviderID)
	require.Len(t, s.gateway.arrived, 1)
}

// A ledger that comes back between two attempts takes the second for the first.
func TestALedgerThatComesBackDoesNotHideTheFirstAttempt(t *testing.T) {
	s := stage()
	s.book.down, s.gateway.drops = true, 1
	_, err := s.send(t.Context(), toAna(), attempt{number: 1, scheduled: noon})
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)

	s.book.down = false
	receipt, err := s.send(t.Context(), toAna(), attempt{number: 2, scheduled: noon})
	require.NoError(t, err)
	require.Equal(t, "found", receipt.ProviderID)
	require.Len(t, s.gateway.arrived, 1, "told twice")
}

// A process that was stopped between its looking and its sending goes on when another attempt has asked the carrier
// already, and was told that nothing is there.
func TestAnAttemptThatMayHaveBeenGivenUpHandsNothingOver(t *testing.T) {
	for _, number := range []int32{1, 2} {
		s := stage()
		ctx, end := context.WithCancel(t.Context())
		s.Now = func() time.Time { end(); return noon } // while the ledger is asked
		_, err := s.send(ctx, toAna(), attempt{number: number, scheduled: noon})
		require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		require.Empty(t, s.gateway.arrived)
	}
}

func TestWhenEvenTheCarrierCannotTellOnlyTheLastAttemptRisksTellingTwice(t *testing.T) {
	s := stage()
	s.gateway.drops, s.gateway.blind = 1, true
	receipt, err := inEngine(t, s, 3)
	require.NoError(t, err)
	require.Equal(t, page.Accepted, receipt.Status)
	require.Len(t, s.gateway.arrived, 2, "at the first and at the last attempt, not at the one between")
}

func TestAReasonNeverShowsTheAddress(t *testing.T) {
	s := stage()
	m := toAna()
	m.Method = "desk"
	receipt, err := s.Send(t.Context(), m)
	require.NoError(t, err)
	require.False(t, strings.Contains(receipt.Reason, "+34"), receipt.Reason)
}

// The address of a webhook never leaves the revision that knows it until the message does.
func TestAWebhookOfAPromiseIsFoundInTheRevisionOfItsClock(t *testing.T) {
	s := stage()
	hook := org.Act{Do: org.TellHook, Hook: "cmdb.example#12345678", URL: "https://cmdb.example/secret"}
	s.Revisions = shelf{"r1": {SLAs: []org.SLA{{Thresholds: []org.Threshold{{Act: org.Act{Do: org.Warn}}, {Act: hook}}}}}, "r2": {}}
	var sent []page.Message
	s.Carriers[org.Webhook] = carrying(func(m page.Message) { sent = append(sent, m) })
	tell := contract.Send{Key: "E-42/hook/resolve/3", Purpose: page.Inform, Workflow: "escalation/E-42", Brief: page.Brief{Title: "it is slow"},
		Hook: &escalation.Hook{Revision: "r1", Name: hook.Hook}}
	_, err := s.Send(t.Context(), tell)
	require.NoError(t, err)
	require.Len(t, sent, 1)
	require.Equal(t, "https://cmdb.example/secret", sent[0].To)
	require.Empty(t, sent[0].Person)
	require.Empty(t, sent[0].Link, "nobody is asked for an answer")

	tell.Key, tell.Hook = "E-42/hook/resolve/4", &escalation.Hook{Revision: "r2", Name: hook.Hook}
	got, err := s.Send(t.Context(), tell)
	require.NoError(t, err)
	require.Equal(t, page.Dead, got.Class)
	require.Contains(t, got.Reason, "has no webhook cmdb.example#12345678")

	tell.Hook = &escalation.Hook{Revision: "r3", Name: hook.Hook}
	_, err = s.Send(t.Context(), tell)
	require.True(t, fault.Is(err, fault.Unavailable), "it is tried again when the records are back")
	require.Len(t, sent, 1)
}

type carrying func(page.Message)

func (c carrying) Send(_ context.Context, m page.Message) (page.Receipt, error) {
	c(m)
	return page.Receipt{Status: page.Delivered, Class: page.Arrived}, nil
}

func (c carrying) Find(context.Context, page.Message, time.Time) (page.Receipt, bool, error) {
	return page.Receipt{}, false, nil
}
