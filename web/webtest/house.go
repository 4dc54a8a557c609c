// Package webtest is a house for the pages to show: people, escalations, phones, all in memory, with a clock that
// stands still. It keeps what the pages were told, so that a test can ask.
package webtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/service"
)

// House is every port of the pages.
type House struct {
	mu       sync.Mutex
	now      time.Time
	org      *org.Org
	rows     []service.Escalation
	entries  map[id.Escalation][]escalation.Entry
	phones   []service.SandboxMessage
	sent     map[string]service.Sent
	tickets  map[string]service.Ticket
	callers  map[string]service.Caller
	heard    []string
	Trouble  error // every port fails with it
	Speaking error // only Say fails with it
	Records  error // what reads messages and rows fails with it
}

// Tokens of Typical, by role.
const (
	AdminToken       = "blt_admin"
	ViewerToken      = "blt_viewer"
	IntegrationToken = "blt_integration"
)

// Links of Typical.
const (
	BenLink    = "link-of-ben"    // one of ours
	VendorLink = "link-of-vendor" // engaged for E-42
	OldLink    = "link-that-expired"
	GoneLink   = "link-of-somebody-who-left"
)

// Empty is a house in which nothing has happened and nothing is configured.
func Empty(now time.Time) *House {
	return &House{
		now: now, org: &org.Org{},
		entries: map[id.Escalation][]escalation.Entry{},
		sent:    map[string]service.Sent{},
		tickets: map[string]service.Ticket{},
		callers: map[string]service.Caller{
			AdminToken:       {Name: "Ana Pérez", Role: service.Admin, Person: "ana", Token: "tok_admin"},
			ViewerToken:      {Name: "wall screen", Role: service.Viewer, Token: "tok_viewer"},
			IntegrationToken: {Name: "monitoring", Role: service.IntegrationRole, Token: "tok_integration"},
		},
	}
}

// Now is the clock of the house.
func (h *House) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// Pass moves the clock.
func (h *House) Pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// Heard is what was said to workflows, opened and played, one line each.
func (h *House) Heard() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.heard)
}

func (h *House) hear(format string, args ...any) {
	h.heard = append(h.heard, fmt.Sprintf(format, args...))
}

// Bearer knows the tokens above.
func (h *House) Bearer(_ context.Context, secret string) (service.Caller, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	caller, ok := h.callers[secret]
	if !ok {
		return service.Caller{}, fault.New(fault.Unauthenticated, "this token is not known")
	}
	return caller, nil
}

// Revoke takes a token back.
func (h *House) Revoke(secret string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.callers, secret)
}

// Speaks makes somebody speak a language.
func (h *House) Speaks(p id.Person, l tongue.Language) {
	person := h.org.People[p]
	person.Language = l
	h.org.People[p] = person
}

// Current is the organisation.
func (h *House) Current() policy.Directory { return policy.Directory{Org: h.org} }

// Get finds an escalation.
func (h *House) Get(_ context.Context, _ service.Caller, e id.Escalation) (service.Escalation, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := cmp.Or(h.Trouble, h.Records); err != nil {
		return service.Escalation{}, err
	}
	i := h.find(e)
	if i < 0 {
		return service.Escalation{}, fault.New(fault.NotFound, "there is no escalation %q", string(e))
	}
	return h.rows[i], nil
}

func (h *House) find(e id.Escalation) int {
	return slices.IndexFunc(h.rows, func(r service.Escalation) bool { return r.ID == e })
}

// List lists in one page.
func (h *House) List(_ context.Context, _ service.Caller, f service.Filter) (service.Page, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.Trouble != nil {
		return service.Page{}, h.Trouble
	}
	var p service.Page
	for _, r := range h.rows {
		if slices.Contains(f.States, r.State) {
			p.Escalations = append(p.Escalations, r)
		}
	}
	if f.ByNext {
		slices.SortStableFunc(p.Escalations, func(a, b service.Escalation) int {
			if x, y := a.Next.At, b.Next.At; x.IsZero() != y.IsZero() {
				return y.Compare(x)
			}
			return a.Next.At.Compare(b.Next.At)
		})
	}
	from, _ := strconv.Atoi(f.Cursor)
	p.Escalations = p.Escalations[from:]
	if f.Limit > 0 && len(p.Escalations) > f.Limit {
		p.Escalations, p.Cursor = p.Escalations[:f.Limit], strconv.Itoa(from+f.Limit)
	}
	return p, nil
}

// Timeline reads in order.
func (h *House) Timeline(_ context.Context, _ service.Caller, e id.Escalation, after, limit int) ([]escalation.Entry, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []escalation.Entry
	for _, entry := range h.entries[e] {
		if entry.Seq > after && len(found) < limit {
			found = append(found, entry)
		}
	}
	return found, nil
}

// Say does what the verb says to the row, roughly as the machine would.
func (h *House) Say(_ context.Context, c service.Caller, workflow, verb string, w contract.Word) (contract.Reply, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.Speaking != nil {
		return contract.Reply{}, h.Speaking
	}
	h.hear("%s %s by %s via %s note %q", workflow, verb, c.Actor(), c.Via, w.Note)
	if strings.HasPrefix(workflow, "vendor/") {
		return contract.Reply{Outcome: escalation.Done, Text: "You have E-42 with AcmeCloud.", State: escalation.Acked}, nil
	}
	i := h.find(id.Escalation(strings.TrimPrefix(workflow, "escalation/")))
	if i < 0 {
		return contract.Reply{}, fault.New(fault.NotFound, "there is no %s", workflow)
	}
	return h.answer(&h.rows[i], c, verb, w), nil
}

func (h *House) answer(row *service.Escalation, c service.Caller, verb string, w contract.Word) contract.Reply {
	who := id.Person(c.Actor())
	switch {
	case verb == contract.Acknowledge && row.State == escalation.Acked && row.AcknowledgedBy != who:
		return contract.Reply{Outcome: escalation.Already, State: row.State,
			Text: fmt.Sprintf("%s has had %s since %s.", h.org.People[row.AcknowledgedBy].Name, row.ID, row.AcknowledgedAt.Format("15:04 UTC"))}
	case verb == contract.Acknowledge:
		row.State, row.AcknowledgedBy, row.AcknowledgedAt = escalation.Acked, who, h.now
		row.Next = escalation.Next{At: h.now.Add(30 * time.Minute), Action: "update_due", Target: c.Name}
		row.UpdateBy = row.Next.At
		h.write(row, escalation.EntryAcknowledged, string(who), c.Via, c.Name+" has it", "note", w.Note)
		return contract.Reply{Outcome: escalation.Done, State: row.State, Text: fmt.Sprintf("You have %s.", row.ID)}
	case verb == contract.Resolve:
		row.State, row.ResolvedBy, row.ResolvedAt, row.Next = escalation.ResolvedP, who, h.now, escalation.Next{Action: "close", At: h.now.Add(time.Hour)}
		h.write(row, escalation.EntryResolved, string(who), c.Via, "resolved by "+c.Name, "note", w.Note)
		return contract.Reply{Outcome: escalation.Done, State: row.State, Text: fmt.Sprintf("%s is resolved.", row.ID)}
	}
	return contract.Reply{Outcome: escalation.Done, State: row.State, Text: "Done."}
}

func (h *House) write(row *service.Escalation, kind escalation.EntryKind, actor, via, text string, detail ...string) {
	row.Seq++
	entry := escalation.Entry{Seq: row.Seq, At: h.now, Kind: kind, Actor: actor, Via: via, Text: text, Detail: map[string]string{}}
	for i := 0; i+1 < len(detail); i += 2 {
		entry.Detail[detail[i]] = detail[i+1]
	}
	if key := entry.Detail["key"]; key != "" {
		entry.Key = key
	}
	h.entries[row.ID] = append(h.entries[row.ID], entry)
}

// Open opens a signed link.
func (h *House) Open(token string) (service.Ticket, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if token == OldLink {
		return service.Ticket{}, fault.New(fault.Denied, "this link has expired")
	}
	t, ok := h.tickets[token]
	if !ok {
		return service.Ticket{}, fault.New(fault.Denied, "this link is not valid")
	}
	return t, nil
}

// ByKey finds what was sent.
func (h *House) ByKey(_ context.Context, key string) (service.Sent, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.Records != nil {
		return service.Sent{}, h.Records
	}
	sent, ok := h.sent[key]
	if !ok {
		return service.Sent{}, fault.New(fault.NotFound, "no message %q", key)
	}
	return sent, nil
}

// Opener opens escalations by hand.
type Opener struct{ *House }

// Do opens one.
func (o Opener) Do(_ context.Context, c service.Caller, in service.Opening) (id.Escalation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.org.Services[in.Service]; !ok {
		return "", fault.Field("service", "there is no service %q", in.Service)
	}
	o.hear("open %s %s %q by %s", in.Service, in.Severity, in.Title, c.Actor())
	return "E-99", nil
}

// Phones is the sandbox.
type Phones struct{ *House }

// Get finds a message.
func (p Phones) Get(_ context.Context, message int64) (service.SandboxMessage, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.phones, func(m service.SandboxMessage) bool { return m.ID == message })
	if i < 0 {
		return service.SandboxMessage{}, fault.New(fault.NotFound, "there is no message %d", message)
	}
	return p.phones[i], nil
}

// List lists oldest first.
func (p Phones) List(_ context.Context, after int64, limit int) ([]service.SandboxMessage, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []service.SandboxMessage
	for _, m := range p.phones {
		if m.ID > after && len(found) < limit {
			found = append(found, m)
		}
	}
	return found, nil
}

// Reply answers for the person.
func (p Phones) Reply(ctx context.Context, message int64, text string) (string, error) {
	if _, err := p.Get(ctx, message); err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hear("message %d reply %q", message, text)
	for i := range p.phones {
		if p.phones[i].ID == message {
			p.phones[i].Replies = append(p.phones[i].Replies, text, "→ You have E-42.")
		}
	}
	return "You have E-42.", nil
}

// Fail acts for the carrier.
func (p Phones) Fail(_ context.Context, message int64, status, code string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hear("message %d fail %s %s", message, status, code)
	for i := range p.phones {
		if p.phones[i].ID == message {
			p.phones[i].Status = strings.TrimSpace(status + " " + code)
		}
	}
	return nil
}

// Deliver puts a message on a phone.
func (h *House) Deliver(m service.SandboxMessage) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m.ID = int64(len(h.phones) + 1)
	h.phones = append(h.phones, m)
}

// Add adds an escalation with its timeline.
func (h *House) Add(row service.Escalation, entries ...escalation.Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range entries {
		entries[i].Seq = i + 1
	}
	row.Seq = len(entries)
	h.rows = append(h.rows, row)
	h.entries[row.ID] = entries
}

// Remember keeps a message that was sent, and a link that it carried.
func (h *House) Remember(link string, t service.Ticket, b page.Brief) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tickets[link] = t
	h.sent[t.Key] = service.Sent{Workflow: t.Workflow, Message: page.Message{Key: t.Key, Person: t.Person, Brief: b}}
}

// Happens changes a row and writes an entry, as the recorder would.
func (h *House) Happens(e id.Escalation, kind escalation.EntryKind, actor, text string, change func(*service.Escalation)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.find(e); i >= 0 {
		change(&h.rows[i])
		h.write(&h.rows[i], kind, actor, "link", text)
	}
}
