package service

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/surge"
)

// Gathered is a page that waits to leave with others.
type Gathered struct {
	Key       string // of the page: "E-42/t1/ana/mobile/3"
	Workflow  string // that sent it
	Person    id.Person
	Method    id.Method
	Brief     page.Brief
	DecidedAt time.Time
	AroseAt   time.Time // since when there is something to tell this person: the opening, or the step that called them
	Late      bool      // perhaps the first page of an escalation that opened long ago
}

// Digest is one message made of gathered pages. From FrozenAt on no page is added.
type Digest struct {
	ID       int64
	Person   id.Person
	Method   id.Method
	FrozenAt time.Time
	Attempts int // with this one
}

// Key names the message: "D-7/ana/mobile".
func (d Digest) Key() string { return fmt.Sprintf("D-%d/%s/%s", d.ID, d.Person, d.Method) }

// Workflow stands where a page names the run that sent it. No run has this name.
func (d Digest) Workflow() string { return "digest/" + strconv.FormatInt(d.ID, 10) }

// DigestOf reads the key of a digest, or what stands for its workflow.
func DigestOf(name string) (number int64, ok bool) {
	rest, ok := strings.CutPrefix(name, "D-")
	if !ok {
		rest, ok = strings.CutPrefix(name, "digest/")
	}
	digits, _, _ := strings.Cut(rest, "/")
	number, err := strconv.ParseInt(digits, 10, 64)
	return number, ok && err == nil && number > 0
}

// Member is a page of a digest.
type Member struct {
	Gathered
	Answered bool                // a human answered it while it waited
	Row      *escalation.Summary // as last recorded; nil: not recorded yet
}

// Untold is what became of a page, for the workflow that sent it.
type Untold struct {
	Key      string
	Workflow string
	Digest   Digest
	Dropped  bool
	Receipt  page.Receipt // of the digest; without meaning for a page that was dropped
}

// DigestBook keeps pages that wait. Every method is one transaction.
type DigestBook interface {
	// Gather decides what becomes of a page, one page of a way at a time across all processes, and keeps one that is to
	// wait. The same key is decided once.
	Gather(ctx context.Context, g Gathered, rules surge.Rules) (alone bool, err error)
	// Waits tells whether a page was gathered, whatever became of it.
	Waits(ctx context.Context, key string) (bool, error)
	// Claim takes digests that are due. Nobody else has them until the lease is over.
	Claim(ctx context.Context, lease time.Duration, limit int, rules surge.Rules) ([]Digest, error)
	// Members of digests, by number, without those that were dropped.
	Members(ctx context.Context, digests ...int64) (map[int64][]Member, error)
	// Drop leaves pages out of a digest.
	Drop(ctx context.Context, digest int64, keys ...string) error
	// End says what became of a digest; its workflows are to hear it after a while. With nil nothing was left to tell.
	End(ctx context.Context, d Digest, r *page.Receipt, after time.Duration) error
	// Postpone tries again later.
	Postpone(ctx context.Context, digest int64, pause time.Duration) error
	// Withdraw keeps the pages of a workflow from being told. It answers true while one of them is on its way out.
	Withdraw(ctx context.Context, workflow string) (leaving bool, err error)
	// Retract keeps one page from being told: it left after all.
	Retract(ctx context.Context, key string) error
	// Leaving answers that again.
	Leaving(ctx context.Context, workflow string) (bool, error)
	// Untold takes news for workflows, the oldest first; what is not Told within the lease is taken again.
	Untold(ctx context.Context, lease time.Duration, limit int) ([]Untold, error)
	Told(ctx context.Context, key string) error
	// Hear keeps a later report about a digest and has it told to its workflows.
	Hear(ctx context.Context, digest int64, r page.Receipt) error
	// Last is the newest digest that left for a person; fault.NotFound.
	Last(ctx context.Context, p id.Person, since time.Time) (int64, error)
	// Forget deletes digests that ended longer than keep ago, with their pages: as many as are found among the limit oldest.
	Forget(ctx context.Context, keep time.Duration, limit int) (gone int, err error)
	// Person whom a digest is for; fault.NotFound.
	Person(ctx context.Context, digest int64) (id.Person, error)
}

// Carrier delivers messages of one channel, as the activities have it.
type Carrier interface {
	Send(ctx context.Context, m page.Message) (page.Receipt, error)
	Find(ctx context.Context, m page.Message, since time.Time) (page.Receipt, bool, error)
}

// Ledger notes messages before they leave, as the activities have it.
type Ledger interface {
	Begin(ctx context.Context, m page.Message, workflow string, decided, at time.Time) (contract.Prior, error)
	Finish(ctx context.Context, r page.Receipt) error
	// Silence keeps pages of a workflow that were decided before then from leaving. It answers true while one that was
	// noted before is on its way out.
	Silence(ctx context.Context, workflow string, since time.Time) (leaving bool, err error)
	// Leaving answers that again.
	Leaving(ctx context.Context, workflow string) (bool, error)
}

// Meter counts what is gathered and what becomes of it.
type Meter interface {
	Page(alone bool)
	Digest(class page.Class, pages int)
}

// Digests gathers the pages of a storm and sends them together. Any number of processes may do so side by side.
type Digests struct {
	Book         DigestBook
	Ledger       Ledger
	Carriers     map[org.Channel]Carrier // without what Over puts around them
	Organisation Organisation
	Engine       Engine
	Links        Links
	Words        func(m page.Message, to org.Person) (subject, body string)
	Rules        surge.Rules
	Meter        Meter
	Pool         *Pool
	Now          func() time.Time
	Log          *slog.Logger
	Every        time.Duration // between two looks for digests that are due; zero: half a second
	Patience     time.Duration // until the workflows hear of a success; zero: ten seconds
	Crowded      func() bool   // the engine has more to start than it can; nil: never

	leaving sync.WaitGroup // digests that are being sent
	busy    atomic.Int32   // so many
}

// bookPatience bounds how long a page waits for the database. A page that may be one too many is better than none.
const bookPatience = time.Second

// compose makes the message of a digest. The obstacle says why there can be none. It depends on what is kept alone, so
// that a second attempt says the same words and a carrier can be asked for them.
func (d *Digests) compose(g Digest, members []Member) (m page.Message, workflow, obstacle string) {
	directory := d.Organisation.Current()
	person, known := directory.Org.People[g.Person]
	if !known || person.Departed {
		return page.Message{}, "", fmt.Sprintf("%s is no longer in the organisation", g.Person)
	}
	method, has := person.Method(g.Method)
	if !has {
		return page.Message{}, "", fmt.Sprintf("%s no longer has the method %q", person.Name, g.Method)
	}
	if reason, barred := directory.Live.Barred[policy.Way{Person: g.Person, Method: g.Method}]; barred {
		return page.Message{}, "", fmt.Sprintf("%s of %s must not be used: %s", g.Method, person.Name, reason)
	}
	members = WorstFirst(members)
	m = page.Message{
		Key: g.Key(), Purpose: page.Page, Person: g.Person, Method: g.Method, Channel: method.Channel, To: method.Address,
		Brief: members[0].Brief, Language: person.Language,
	}
	workflow = members[0].Workflow
	if len(members) > 1 {
		workflow = g.Workflow()
		for _, one := range members {
			b := one.Brief
			m.Brief.Digest = append(m.Brief.Digest, page.Item{Escalation: b.Escalation, Title: b.Title, Service: b.Service, Priority: b.Priority, Key: one.Key})
			if by := b.AnswerBy; !by.IsZero() && (m.Brief.AnswerBy.IsZero() || by.Before(m.Brief.AnswerBy)) {
				m.Brief.AnswerBy = by
			}
		}
	}
	m.Link = d.Links.Link(workflow, g.Person, m.Key, g.FrozenAt)
	m.Subject, m.Body = d.Words(m, person)
	return m, workflow, ""
}

// WorstFirst orders by priority, then by age and number, and names each run once, by its newest page.
func WorstFirst(members []Member) []Member {
	var each []Member
	for _, m := range slices.Backward(members) {
		if !slices.ContainsFunc(each, func(o Member) bool { return o.Workflow == m.Workflow }) {
			each = append(each, m)
		}
	}
	slices.SortFunc(each, func(a, b Member) int {
		if by := slices.Index(org.Priorities(), a.Brief.Priority) - slices.Index(org.Priorities(), b.Brief.Priority); by != 0 {
			return by
		}
		if by := a.Brief.OpenedAt.Compare(b.Brief.OpenedAt); by != 0 {
			return by
		}
		first, _ := a.Brief.Escalation.Number()
		second, _ := b.Brief.Escalation.Number()
		return cmp.Compare(first, second)
	})
	return each
}

// unwanted: nobody needs to hear of this page any more.
func (m Member) unwanted(now time.Time) bool {
	switch {
	case m.Answered:
		return true
	case m.Row == nil:
		return false // in doubt a page is a page
	case m.Brief.Vendor != "":
		over := m.Row.State == escalation.ResolvedP || m.Row.State == escalation.Closed
		return over && !m.DecidedAt.After(m.Row.ResolvedAt)
	case m.Row.SnoozedUntil.After(now):
		return true
	}
	return overtaken(Sent{At: m.DecidedAt}, Escalation{Summary: *m.Row})
}
