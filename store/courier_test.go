package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	"github.com/belayhq/belay/core/surge"
	"github.com/belayhq/belay/core/text"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
	"github.com/belayhq/belay/store"
)

// phone is a carrier that can be asked what it has.
type phone struct {
	mu    sync.Mutex
	got   []page.Message
	fails int        // of the next attempts
	class page.Class // of what is answered; empty: arrived
}

func (p *phone) Send(_ context.Context, m page.Message) (page.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails > 0 {
		p.fails--
		return page.Receipt{}, fault.New(fault.Unavailable, "carrier is away")
	}
	p.got = append(p.got, m)
	if p.class != "" {
		return page.Receipt{Key: m.Key, Status: page.Failed, Class: p.class, Provider: "phone", At: noon}, nil
	}
	return page.Receipt{Key: m.Key, Status: page.Delivered, Class: page.Arrived, Provider: "phone", At: noon}, nil
}

func (p *phone) Find(_ context.Context, m page.Message, _ time.Time) (page.Receipt, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := slices.ContainsFunc(p.got, func(o page.Message) bool { return o.Body == m.Body })
	return page.Receipt{Key: m.Key, Status: page.Delivered, Class: page.Arrived, Provider: "phone", At: noon}, found, nil
}

// told lists the escalations of each message: "E-1" "E-2 E-3".
func (p *phone) told() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.got {
		var one []string
		for _, item := range m.Brief.Digest {
			one = append(one, string(item.Escalation))
		}
		if len(one) == 0 {
			one = []string{string(m.Brief.Escalation)}
		}
		all = append(all, strings.Join(one, " "))
	}
	return all
}

type meter struct{}

func (meter) Page(bool)              {}
func (meter) Digest(page.Class, int) {}

// night is Ana's phone in a storm, over a real database.
type night struct {
	t       *testing.T
	book    store.Digests
	phone   *phone
	engine  *servicetest.Engine
	digests *service.Digests
	carrier service.Carrier // as the activities have it
}

func aNight(t *testing.T) *night {
	pool := pgtest.Pool(t)
	n := &night{t: t, book: store.Digests{Pool: pool}, phone: &phone{}, engine: &servicetest.Engine{}}
	n.digests = n.courier(n.book, store.Ledger{Pool: pool}, n.phone)
	n.carrier = n.digests.Over(n.phone)
	return n
}

func (n *night) courier(book service.DigestBook, ledger service.Ledger, carrier service.Carrier) *service.Digests {
	company := &org.Org{People: map[id.Person]org.Person{"ana": {ID: "ana", Name: "Ana", Methods: []org.Method{
		{ID: "mobile", Channel: org.SMS, Address: "+12125550123"}, {ID: "hook", Channel: org.SMS, Address: "+12125550124", Each: true},
	}}}}
	clock := func() time.Time { return noon }
	pool := &service.Pool{Log: slog.New(slog.DiscardHandler)}
	n.t.Cleanup(pool.Close)
	return &service.Digests{
		Book: book, Ledger: ledger, Carriers: map[org.Channel]service.Carrier{org.SMS: carrier},
		Organisation: servicetest.Organisation{Directory: policy.Directory{Org: company}}, Engine: n.engine,
		Words: func(m page.Message, to org.Person) (string, string) { return text.Words(m, to, company.Terms) },
		Links: service.Links{Secret: []byte(strings.Repeat("s", 32)), PublicURL: "https://belay.example", Now: clock},
		Rules: still(), Meter: meter{}, Pool: pool, Now: clock, Log: slog.New(slog.DiscardHandler), Patience: time.Nanosecond,
	}
}

// page is what the pager hands to the carrier.
func (n *night) page(number int, method id.Method, priority org.Priority) page.Message {
	e := id.OfNumber(int64(number))
	key := fmt.Sprintf("%s/t1/ana/%s/2", e, method)
	m := page.Message{
		Key: key, Purpose: page.Page, Person: "ana", Method: method, Channel: org.SMS, To: "+12125550123", Body: key,
		Brief: page.Brief{Escalation: e, Title: "disk full", Service: "Storage", Priority: priority, OpenedAt: noon},
		Link:  n.digests.Links.Link(contract.EscalationID(e), "ana", key, noon),
	}
	n.engine.Know(contract.EscalationID(e))
	return m
}

// storm pages Ana of so many escalations at once and answers the statuses.
func (n *night) storm(many int) (statuses []page.Status) {
	n.t.Helper()
	for i := range many {
		r, err := n.carrier.Send(context.Background(), n.page(i+1, "mobile", org.P3))
		require.NoError(n.t, err)
		statuses = append(statuses, r.Status)
	}
	return statuses
}

// due lets so much time pass that whatever waits is due, and every lease over.
func (n *night) due() {
	n.t.Helper()
	_, err := n.book.Pool.Exec(context.Background(), "update digests set due_at = now() where ended_at is null")
	require.NoError(n.t, err)
}

// recorded writes the row of an escalation.
func (n *night) recorded(number int, state escalation.Phase, change func(*escalation.Summary)) {
	n.t.Helper()
	s := escalation.Summary{ID: id.OfNumber(int64(number)), State: state, Service: "storage", Priority: org.P3, OpenedAt: noon, Seq: 3}
	if change != nil {
		change(&s)
	}
	require.NoError(n.t, store.Journal{Pool: n.book.Pool}.Write(context.Background(), contract.Record{Summary: s}))
}

// hears runs the courier until the workflows have heard everything, and answers what they were told.
func (n *night) hears() []string {
	n.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	n.digests.Every = time.Millisecond
	go func() { defer close(done); n.digests.Run(ctx) }()
	require.Eventually(n.t, func() bool {
		return number(n.t, n.book.Pool, "select count(*) from digests where ended_at is null") == 0 &&
			number(n.t, n.book.Pool, "select count(*) from gathered where tell_at is not null") == 0
	}, time.Minute, 5*time.Millisecond)
	cancel()
	<-done
	told := n.engine.Told()
	slices.Sort(told)
	return told
}

func TestAStormIsOnePageAloneAndTheRestTogether(t *testing.T) {
	n := aNight(t)
	require.Equal(t, []page.Status{page.Delivered, page.Gathered, page.Gathered, page.Gathered}, n.storm(4))
	require.Equal(t, []string{"E-1"}, n.phone.told())
	r, found, err := n.carrier.Find(context.Background(), n.page(3, "mobile", org.P3), noon)
	require.NoError(t, err)
	require.True(t, found, "a worker that died before it could say so finds it kept")
	require.Equal(t, page.Gathered, r.Status)

	n.due()
	n.digests.Flush(context.Background())
	require.Equal(t, []string{"E-1", "E-2 E-3 E-4"}, n.phone.told())
	last := n.phone.got[1]
	require.Contains(t, last.Body, "3 pages: 3 P3.")
	require.Contains(t, last.Body, last.Link)
	require.EqualValues(t, 0, number(t, n.book.Pool, "select count(*) from gathered where brief::text like '%/a/%'"), "links are not kept")
	sent, err := store.Messages{Pool: n.book.Pool}.ByKey(context.Background(), last.Key)
	require.NoError(t, err)
	require.Equal(t, page.Delivered, sent.Last.Status)

	told := n.hears()
	require.Len(t, told, 3)
	for _, line := range told {
		require.Contains(t, line, "delivered")
	}
}

func TestWhoWantsEveryPageGetsEveryPage(t *testing.T) {
	n := aNight(t)
	for i := range 5 {
		r, err := n.carrier.Send(context.Background(), n.page(i+1, "hook", org.P3))
		require.NoError(t, err)
		require.Equal(t, page.Delivered, r.Status)
	}
	require.Len(t, n.phone.told(), 5)
}

func TestADigestOfOneReadsLikeThePage(t *testing.T) {
	n := aNight(t)
	n.storm(2)
	n.due()
	n.digests.Flush(context.Background())
	m := n.phone.got[1]
	require.Empty(t, m.Brief.Digest)
	require.Contains(t, m.Body, "P3 E-2 Storage: disk full.")
	_, token, _ := strings.Cut(m.Link, "/a/")
	ticket, err := n.digests.Links.Open(token)
	require.NoError(t, err)
	require.Equal(t, "escalation/E-2", ticket.Workflow)
}

func TestWithoutADatabaseEveryPageLeaves(t *testing.T) {
	n := aNight(t)
	n.storm(1)
	n.book.Pool.Close()
	for i := range 3 {
		r, err := n.carrier.Send(context.Background(), n.page(i+2, "mobile", org.P3))
		require.NoError(t, err)
		require.Equal(t, page.Delivered, r.Status)
	}
}

// forgetful does what it is asked to, and is not heard.
type forgetful struct{ service.DigestBook }

func (f forgetful) Gather(ctx context.Context, g service.Gathered, rules surge.Rules) (bool, error) {
	_, _ = f.DigestBook.Gather(ctx, g, rules)
	return false, fault.New(fault.Unavailable, "no answer in time")
}

func TestAPageThatLeftBecauseTheDatabaseWasSlowIsNotToldAgain(t *testing.T) {
	n := aNight(t)
	n.storm(2)
	slow := n.courier(forgetful{n.book}, store.Ledger{Pool: n.book.Pool}, n.phone)
	r, err := slow.Over(n.phone).Send(context.Background(), n.page(3, "mobile", org.P3))
	require.NoError(t, err)
	require.Equal(t, page.Delivered, r.Status)
	require.Eventually(t, func() bool {
		return number(t, n.book.Pool, "select count(*) from gathered where key like 'E-3/%' and answered_at is not null") == 1
	}, time.Minute, 5*time.Millisecond)
	n.due()
	n.digests.Flush(context.Background())
	require.Equal(t, []string{"E-1", "E-3", "E-2"}, n.phone.told())
}

// The database keeps the page and says nothing, and the carrier does not take it: whoever tries again finds it kept, and
// so it must leave.
func TestAPageThatCouldNotLeaveAloneLeavesWithOthers(t *testing.T) {
	n := aNight(t)
	n.storm(2)
	n.phone.fails = 1
	r := n.triesTwice(n.phone)
	require.Equal(t, page.Gathered, r.Status)
	n.due()
	n.digests.Flush(context.Background())
	require.Equal(t, []string{"E-1", "E-2 E-3"}, n.phone.told())
}

// The carrier took it and broke off before it said so.
func TestAPageThatLeftIsFoundEvenWhereItIsKept(t *testing.T) {
	n := aNight(t)
	n.storm(2)
	r := n.triesTwice(brokenOff{n.phone})
	require.Equal(t, page.Delivered, r.Status)
	n.due()
	n.digests.Flush(context.Background())
	require.Equal(t, []string{"E-1", "E-3", "E-2"}, n.phone.told())
}

// triesTwice pages Ana of E-3 while the database keeps what it is asked for and does not say so; the first try fails, the
// second one asks what became of it.
func (n *night) triesTwice(carrier service.Carrier) page.Receipt {
	n.t.Helper()
	courier := n.courier(forgetful{n.book}, store.Ledger{Pool: n.book.Pool}, carrier)
	courier.Pool.Size = 1
	over, m := courier.Over(carrier), n.page(3, "mobile", org.P3)
	_, err := over.Send(context.Background(), m)
	require.Error(n.t, err)
	r, found, err := over.Find(context.Background(), m, noon)
	require.NoError(n.t, err)
	require.True(n.t, found)
	done := func() bool { return courier.Pool.Go(context.Background(), func(context.Context) {}) }
	require.Eventually(n.t, done, time.Minute, time.Millisecond, "what goes on beside is done")
	return r
}

// brokenOff takes messages and does not say so.
type brokenOff struct{ *phone }

func (b brokenOff) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	_, _ = b.phone.Send(ctx, m)
	return page.Receipt{}, fault.New(fault.Unavailable, "the connection broke")
}

func TestNobodyIsToldOfWhatWasAnsweredWhileItWaited(t *testing.T) {
	n := aNight(t)
	n.storm(8)
	later := func(s *escalation.Summary) { s.AcknowledgedAt, s.AcknowledgedBy, s.ResolvedAt = noon, "ben", noon }
	n.recorded(2, escalation.Acked, later)
	n.recorded(3, escalation.ResolvedP, later)
	n.recorded(4, escalation.Open, func(s *escalation.Summary) { s.SnoozedUntil = noon.Add(time.Hour) })
	n.recorded(5, escalation.Acked, func(s *escalation.Summary) { // silence has climbed again
		later(s)
		s.Next.Action = "climb"
	})
	n.recorded(6, escalation.Acked, func(s *escalation.Summary) { s.AcknowledgedAt = noon.Add(-time.Minute) }) // an old row: paged after that
	engine := service.Withdrawing{Engine: n.engine, Digests: n.digests}
	n.engine.Answers(contract.Acknowledge, contract.Reply{Outcome: escalation.Done})
	_, err := engine.Say(context.Background(), "escalation/E-7", contract.Acknowledge, contract.Word{By: "ana"})
	require.NoError(t, err)
	n.engine.Answers(contract.Note, contract.Reply{Outcome: escalation.Done})
	_, err = engine.Say(context.Background(), "escalation/E-8", contract.Note, contract.Word{By: "ana", Note: "hm"})
	require.NoError(t, err)

	n.due()
	n.digests.Flush(context.Background())
	require.Equal(t, []string{"E-1", "E-5 E-6 E-8"}, n.phone.told())
	withdrawn := 0
	for _, line := range n.hears() {
		if strings.Contains(line, "withdrawn") {
			withdrawn++
		}
	}
	require.Equal(t, 4, withdrawn)
}

// The page is at its carrier when the answer comes: who is told before the answer was not told after it.
func TestAnAnswerWaitsForThePageThatIsJustLeaving(t *testing.T) {
	n := aNight(t)
	ctx, now := context.Background(), time.Now()
	ledger := store.Ledger{Pool: n.book.Pool}
	m := n.page(1, "mobile", org.P1)
	_, err := ledger.Begin(ctx, m, "escalation/E-1", now, now)
	require.NoError(t, err)

	n.engine.Answers(contract.Acknowledge, contract.Reply{Outcome: escalation.Done, Silent: now.Add(time.Second)})
	engine := service.Withdrawing{Engine: n.engine, Digests: n.digests}
	var arrived, early atomic.Bool
	answered := make(chan error, 1)
	go func() {
		_, err := engine.Say(ctx, "escalation/E-1", contract.Acknowledge, contract.Word{By: "ana"})
		early.Store(!arrived.Load())
		answered <- err
	}()
	require.Eventually(t, func() bool {
		m := n.page(1, "desk", org.P1)
		m.Key += "/again"
		prior, err := ledger.Begin(ctx, m, "escalation/E-1", now.Add(-time.Minute), now)
		return err == nil && prior.Silenced
	}, time.Minute, 5*time.Millisecond, "the run has fallen silent")
	arrived.Store(true)
	require.NoError(t, ledger.Finish(ctx, page.Receipt{Key: m.Key, Status: page.Accepted, Class: page.Pending, At: now}))
	require.NoError(t, <-answered)
	require.False(t, early.Load(), "the answer came before the page had left")
}

// Ben has it, has called Ana in, and acknowledges once more.
func TestWhoHasItAlreadyWithdrawsNobodyElsesPage(t *testing.T) {
	n := aNight(t)
	n.storm(2)
	n.recorded(2, escalation.Acked, func(s *escalation.Summary) { s.AcknowledgedAt, s.AcknowledgedBy = noon.Add(-time.Minute), "ben" })
	engine := service.Withdrawing{Engine: n.engine, Digests: n.digests}
	n.engine.Answers(contract.Acknowledge, contract.Reply{Outcome: escalation.Already})
	_, err := engine.Say(context.Background(), "escalation/E-2", contract.Acknowledge, contract.Word{By: "ben"})
	require.NoError(t, err)
	n.due()
	n.digests.Flush(context.Background())
	require.Equal(t, []string{"E-1", "E-2"}, n.phone.told())
}

func TestTheWorstComesFirst(t *testing.T) {
	n := aNight(t)
	n.storm(2)
	for i, priority := range []org.Priority{org.P4, org.P2, org.P3} {
		_, err := n.carrier.Send(context.Background(), n.page(10+i, "mobile", priority))
		require.NoError(t, err)
	}
	n.due()
	n.digests.Flush(context.Background())
	require.Equal(t, "E-11 E-2 E-12 E-10", n.phone.told()[1])
	require.Equal(t, id.Escalation("E-11"), n.phone.got[1].Brief.Escalation)
}

func TestAFailedDigestLetsEveryLadderMoveOn(t *testing.T) {
	for _, class := range []page.Class{page.Dead, page.Transient, page.Barred} {
		n := aNight(t)
		n.storm(3)
		n.phone.class = class
		told := n.hears0(t)
		require.Len(t, told, 2, class)
		for _, line := range told {
			require.Contains(t, line, "failed")
		}
	}
}

// hears0 makes everything due first.
func (n *night) hears0(t *testing.T) []string {
	t.Helper()
	n.due()
	return n.hears()
}

func TestACarrierThatIsAwayForAWhileIsTriedAgain(t *testing.T) {
	n := aNight(t)
	n.storm(3)
	n.phone.fails = 2
	for range 3 {
		n.due()
		n.digests.Flush(context.Background())
	}
	require.Equal(t, []string{"E-1", "E-2 E-3"}, n.phone.told())

	n = aNight(t)
	n.storm(3)
	n.phone.fails = 100
	for range 6 {
		n.due()
		n.digests.Flush(context.Background())
	}
	require.Len(t, n.hears(), 2, "and given up in the end, so that the ladders move on")
}

// stuck takes the first message and does not answer.
type stuck struct {
	*phone
	taken   atomic.Bool
	entered chan struct{}
	release chan struct{}
}

func (s *stuck) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	if !s.taken.Swap(true) {
		close(s.entered)
		<-s.release
	}
	return s.phone.Send(ctx, m)
}

func TestADigestThatHangsHoldsUpNoOther(t *testing.T) {
	n := aNight(t)
	carrier := &stuck{phone: n.phone, entered: make(chan struct{}), release: make(chan struct{})}
	courier := n.courier(n.book, store.Ledger{Pool: n.book.Pool}, carrier)
	courier.Every = time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { courier.Run(ctx) })
	defer running.Wait()
	defer cancel()
	defer close(carrier.release)

	n.storm(2)
	n.due()
	<-carrier.entered
	_, err := n.carrier.Send(ctx, n.page(3, "mobile", org.P3))
	require.NoError(t, err)
	_, err = n.book.Pool.Exec(ctx, "update digests set due_at = now() where frozen_at is null")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return slices.Contains(n.phone.told(), "E-3") }, time.Minute, 5*time.Millisecond)
}

func TestADigestThatCannotBeWordedFailsAndTakesNoProcessAlong(t *testing.T) {
	n := aNight(t)
	n.storm(3)
	n.digests.Words = func(page.Message, org.Person) (string, string) { panic("no words") }
	for range 6 {
		n.due()
		n.digests.Flush(context.Background())
	}
	told := n.hears()
	require.Len(t, told, 2, "the ladders move on")
	require.Contains(t, told[0], "failed")
}

func TestACarriersLaterWordReachesEveryWorkflow(t *testing.T) {
	n := aNight(t)
	n.storm(3)
	require.Len(t, n.hears0(t), 2)
	receipts := &service.Receipts{Messages: store.Messages{Pool: n.book.Pool}, Digests: n.book, Engine: n.engine, Log: slog.New(slog.DiscardHandler)}
	require.NoError(t, receipts.Take(context.Background(), page.Receipt{
		Key: n.phone.got[1].Key, Status: page.Undelivered, Class: page.Dead, Provider: "phone", Code: "30003", At: noon,
	}))
	require.Len(t, n.hears(), 4)
}

// mortal lets a process die at the n-th of its steps: before it, or after it was done and before anybody heard of it.
type mortal struct {
	mu    sync.Mutex
	left  int
	after bool
	dead  bool
}

var errDead = errors.New("the process is dead")

func (m *mortal) step(do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	if m.left--; m.left > 0 {
		return do()
	}
	m.dead = true
	if m.after {
		_ = do()
	}
	return errDead
}

type mortalBook struct {
	service.DigestBook
	*mortal
}

func (b mortalBook) Claim(ctx context.Context, lease time.Duration, limit int, rules surge.Rules) (all []service.Digest, err error) {
	err = b.step(func() (err error) { all, err = b.DigestBook.Claim(ctx, lease, limit, rules); return err })
	return all, err
}

func (b mortalBook) Members(ctx context.Context, digests ...int64) (all map[int64][]service.Member, err error) {
	err = b.step(func() (err error) { all, err = b.DigestBook.Members(ctx, digests...); return err })
	return all, err
}

func (b mortalBook) Drop(ctx context.Context, digest int64, keys ...string) error {
	return b.step(func() error { return b.DigestBook.Drop(ctx, digest, keys...) })
}

func (b mortalBook) End(ctx context.Context, d service.Digest, r *page.Receipt, after time.Duration) error {
	return b.step(func() error { return b.DigestBook.End(ctx, d, r, after) })
}

func (b mortalBook) Postpone(ctx context.Context, digest int64, pause time.Duration) error {
	return b.step(func() error { return b.DigestBook.Postpone(ctx, digest, pause) })
}

type mortalLedger struct {
	service.Ledger
	*mortal
}

func (l mortalLedger) Begin(ctx context.Context, m page.Message, workflow string, decided, at time.Time) (p contract.Prior, err error) {
	err = l.step(func() (err error) { p, err = l.Ledger.Begin(ctx, m, workflow, decided, at); return err })
	return p, err
}

func (l mortalLedger) Finish(ctx context.Context, r page.Receipt) error {
	return l.step(func() error { return l.Ledger.Finish(ctx, r) })
}

type mortalPhone struct {
	service.Carrier
	*mortal
}

func (p mortalPhone) Send(ctx context.Context, m page.Message) (r page.Receipt, err error) {
	err = p.step(func() (err error) { r, err = p.Carrier.Send(ctx, m); return err })
	return r, err
}

func (p mortalPhone) Find(ctx context.Context, m page.Message, since time.Time) (r page.Receipt, found bool, err error) {
	err = p.step(func() (err error) { r, found, err = p.Carrier.Find(ctx, m, since); return err })
	return r, found, err
}

// A process may die at any step of a digest, and the next one too: it is told once, and every workflow hears of it.
func TestADigestSurvivesTheDeathOfItsCouriers(t *testing.T) {
	n := aNight(t)
	ctx := context.Background()
	pages := 0
	const steps = 8 // more than a courier takes
	for first := 1; first <= steps; first++ {
		for second := 1; second <= steps; second += 3 {
			for _, after := range []bool{false, true} {
				n.phone.got = nil
				_, err := n.book.Pool.Exec(ctx, "update ways set passed = '[]'")
				require.NoError(t, err)
				for range 4 {
					pages++
					_, err := n.carrier.Send(ctx, n.page(pages, "mobile", org.P3))
					require.NoError(t, err)
				}
				n.recorded(pages-1, escalation.Acked, func(s *escalation.Summary) { s.AcknowledgedAt = noon })
				for _, left := range []int{first, second} {
					m := &mortal{left: left, after: after}
					n.due()
					n.courier(mortalBook{n.book, m}, mortalLedger{store.Ledger{Pool: n.book.Pool}, m}, mortalPhone{n.phone, m}).Flush(ctx)
				}
				n.due()
				n.digests.Flush(ctx)
				require.Equal(t, []string{
					fmt.Sprintf("E-%d", pages-3), fmt.Sprintf("E-%d E-%d", pages-2, pages),
				}, n.phone.told(), "first died at step %d, second at %d, after it: %v", first, second, after)
			}
		}
	}
	heard := n.hears()
	require.Len(t, heard, pages/4*3)
}

// A ladder needs no success to climb on: while openings wait for the engine it is theirs alone. A failure cannot wait.
func TestNewsOfSuccessesWaitsForTheCrowdToPass(t *testing.T) {
	untold := func(crowded bool, class page.Class) int {
		night := aNight(t)
		night.digests.Crowded = func() bool { return crowded }
		night.storm(3)
		night.phone.class = class
		night.due()
		night.digests.Flush(context.Background())
		require.Zero(t, number(t, night.book.Pool, "select count(*) from digests where ended_at is null"), "it has left")
		return number(t, night.book.Pool, "select count(*) from gathered where tell_at > now() + interval '1 minute'")
	}
	require.Equal(t, 2, untold(true, page.Arrived))
	require.Zero(t, untold(false, page.Arrived))
	require.Zero(t, untold(true, page.Dead))
}
