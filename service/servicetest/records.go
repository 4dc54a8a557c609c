package servicetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/service"
)

// Escalations are rows put there by a test.
type Escalations struct {
	mu    sync.Mutex
	rows  []service.Escalation
	lines map[id.Escalation][]escalation.Entry
	heard map[id.Escalation][]escalation.Entry
	away  bool
}

// Leave makes Get and OpenFor fail until it is back.
func (s *Escalations) Leave(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// Put adds or replaces a row.
func (s *Escalations) Put(row service.Escalation, entries ...escalation.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = slices.DeleteFunc(s.rows, func(r service.Escalation) bool { return r.ID == row.ID })
	s.rows = append(s.rows, row)
	if s.lines == nil {
		s.lines = map[id.Escalation][]escalation.Entry{}
	}
	s.lines[row.ID] = append(s.lines[row.ID], entries...)
}

// Get implements service.Escalations.
func (s *Escalations) Get(_ context.Context, e id.Escalation) (service.Escalation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return service.Escalation{}, fault.New(fault.Unavailable, "no database")
	}
	for _, r := range s.rows {
		if r.ID == e {
			return r, nil
		}
	}
	return service.Escalation{}, fault.New(fault.NotFound, "there is no escalation %s", e)
}

// List implements service.Escalations, without cursors.
func (s *Escalations) List(_ context.Context, f service.Filter) (service.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Cursor != "" {
		return service.Page{}, fault.Field("cursor", "not one of ours")
	}
	var p service.Page
	for _, r := range slices.Backward(s.rows) {
		if matches(f, r) && len(p.Escalations) < f.Limit {
			p.Escalations = append(p.Escalations, r)
		}
	}
	return p, nil
}

func matches(f service.Filter, r service.Escalation) bool {
	in := func(n int, found bool) bool { return n == 0 || found }
	return in(len(f.States), slices.Contains(f.States, r.State)) &&
		in(len(f.Services), slices.Contains(f.Services, r.Service)) &&
		in(len(f.Units), slices.Contains(f.Units, r.Unit)) &&
		in(len(f.Priorities), slices.Contains(f.Priorities, r.Priority)) &&
		(f.Person == "" || slices.Contains(r.Told, f.Person) || r.AcknowledgedBy == f.Person) &&
		strings.Contains(strings.ToLower(r.Title), strings.ToLower(f.Text))
}

// Heard implements service.Escalations.
func (s *Escalations) Heard(_ context.Context, e id.Escalation) ([]escalation.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard[e]), nil
}

// Hears makes receipts known that are not in the timeline yet.
func (s *Escalations) Hears(e id.Escalation, entries ...escalation.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heard == nil {
		s.heard = map[id.Escalation][]escalation.Entry{}
	}
	s.heard[e] = append(s.heard[e], entries...)
}

// Timeline implements service.Escalations.
func (s *Escalations) Timeline(_ context.Context, e id.Escalation, after, limit int) ([]escalation.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []escalation.Entry
	for _, line := range s.lines[e] {
		if line.Seq > after && len(found) < limit {
			found = append(found, line)
		}
	}
	return found, nil
}

// OpenFor implements service.Escalations.
func (s *Escalations) OpenFor(_ context.Context, p id.Person) ([]escalation.Summary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, fault.New(fault.Unavailable, "no database")
	}
	var found []escalation.Summary
	for _, r := range slices.Backward(s.rows) {
		open := r.State == escalation.Open || r.State == escalation.Acked
		if open && (slices.Contains(r.Told, p) || r.AcknowledgedBy == p) {
			found = append(found, r.Summary)
		}
	}
	return found, nil
}

// Revisions keeps blueprints.
type Revisions struct {
	mu    sync.Mutex
	all   []service.Revision
	Deeds []service.Deed
}

// Current implements service.Revisions.
func (s *Revisions) Current(context.Context) (service.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return service.Revision{}, fault.New(fault.NotFound, "no blueprint was applied yet")
	}
	return s.all[len(s.all)-1], nil
}

// Get implements service.Revisions.
func (s *Revisions) Get(_ context.Context, hash id.Revision) (service.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.all {
		if r.Hash == hash {
			return r, nil
		}
	}
	return service.Revision{}, fault.New(fault.NotFound, "there is no revision %s", hash)
}

// List implements service.Revisions.
func (s *Revisions) List(_ context.Context, limit int) ([]service.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []service.Revision
	for _, r := range slices.Backward(s.all) {
		if len(found) < limit {
			r.Files = nil
			found = append(found, r)
		}
	}
	return found, nil
}

// Apply implements service.Revisions.
func (s *Revisions) Apply(_ context.Context, base id.Revision, r service.Revision, deed service.Deed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var current id.Revision
	if len(s.all) > 0 {
		current = s.all[len(s.all)-1].Hash
	}
	if base != "" && base != current {
		return fault.New(fault.Conflict, "the current revision is %s, not %s", current, base)
	}
	s.all, s.Deeds = append(s.all, r), append(s.Deeds, deed)
	return nil
}

// Overrides keeps those made by hand.
type Overrides struct {
	mu    sync.Mutex
	all   []org.Override
	Deeds []service.Deed
}

// List implements service.Overrides.
func (s *Overrides) List(_ context.Context, of id.Schedule, from, until time.Time) ([]org.Override, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []org.Override
	for _, o := range s.all {
		if (of == "" || o.Schedule == of) && o.From.Before(until) && from.Before(o.Until) {
			found = append(found, o)
		}
	}
	return found, nil
}

// Create implements service.Overrides.
func (s *Overrides) Create(_ context.Context, o org.Override, deed service.Deed) (org.Override, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.all {
		if other.Schedule == o.Schedule && other.From.Before(o.Until) && o.From.Before(other.Until) {
			return org.Override{}, fault.New(fault.Conflict, "override %s is in the way", other.ID)
		}
	}
	if o.ID == "" {
		o.ID = id.Override(fmt.Sprintf("O-%d", len(s.all)+1))
	}
	s.all, s.Deeds = append(s.all, o), append(s.Deeds, deed)
	return o, nil
}

// Delete implements service.Overrides.
func (s *Overrides) Delete(_ context.Context, which id.Override, deed service.Deed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.all)
	s.all = slices.DeleteFunc(s.all, func(o org.Override) bool { return o.ID == which })
	if len(s.all) == before {
		return fault.New(fault.NotFound, "there is no override %s", which)
	}
	s.Deeds = append(s.Deeds, deed)
	return nil
}

// Barred keeps the methods that must not be used.
type Barred struct {
	mu  sync.Mutex
	all map[policy.Way]string
}

// All implements service.Barred.
func (s *Barred) All(context.Context) (map[policy.Way]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[policy.Way]string{}
	for way, reason := range s.all {
		found[way] = reason
	}
	return found, nil
}

// Bar implements service.Barred.
func (s *Barred) Bar(_ context.Context, w policy.Way, reason string, _ service.Deed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[policy.Way]string{}
	}
	s.all[w] = reason
	return nil
}

// Unbar implements service.Barred.
func (s *Barred) Unbar(_ context.Context, w policy.Way, _ service.Deed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, w)
	return nil
}

// Tokens keeps them by hash.
type Tokens struct {
	mu     sync.Mutex
	byHash map[string]service.Token
	Deeds  []service.Deed
}

// Find implements service.Tokens.
func (s *Tokens) Find(_ context.Context, hash []byte) (service.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byHash[string(hash)]
	if !ok || !t.RevokedAt.IsZero() {
		return service.Token{}, fault.New(fault.NotFound, "no such token")
	}
	return t, nil
}

// Create implements service.Tokens.
func (s *Tokens) Create(_ context.Context, t service.Token, hash []byte, deed service.Deed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byHash == nil {
		s.byHash = map[string]service.Token{}
	}
	s.byHash[string(hash)] = t
	s.Deeds = append(s.Deeds, deed)
	return nil
}

// List implements service.Tokens.
func (s *Tokens) List(context.Context) ([]service.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []service.Token
	for _, t := range s.byHash {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b service.Token) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Revoke implements service.Tokens.
func (s *Tokens) Revoke(_ context.Context, tokenID string, deed service.Deed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for hash, t := range s.byHash {
		if t.ID == tokenID {
			t.RevokedAt = deed.At
			s.byHash[hash], s.Deeds = t, append(s.Deeds, deed)
			return nil
		}
	}
	return fault.New(fault.NotFound, "there is no token %s", tokenID)
}

// Trail keeps deeds.
type Trail struct {
	mu    sync.Mutex
	Deeds []service.Deed
}

// Write implements service.Trail.
func (s *Trail) Write(_ context.Context, d service.Deed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Deeds = append(s.Deeds, d)
	return nil
}

// Messages keeps what was sent.
type Messages struct {
	mu    sync.Mutex
	sent  []service.Sent
	noted map[string]bool
	away  bool
}

// Leave makes every call fail until it is back.
func (s *Messages) Leave(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// Put adds a message.
func (s *Messages) Put(m service.Sent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, m)
}

// ByKey implements service.Messages.
func (s *Messages) ByKey(_ context.Context, key string) (service.Sent, error) {
	return s.find(func(m service.Sent) bool { return m.Message.Key == key })
}

// ByProvider implements service.Messages.
func (s *Messages) ByProvider(_ context.Context, provider, providerID string) (service.Sent, error) {
	return s.find(func(m service.Sent) bool { return m.Last.Provider == provider && m.Last.ProviderID == providerID })
}

func (s *Messages) find(is func(service.Sent) bool) (service.Sent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return service.Sent{}, fault.New(fault.Unavailable, "no database")
	}
	for _, m := range s.sent {
		if is(m) {
			return m, nil
		}
	}
	return service.Sent{}, fault.New(fault.NotFound, "no such message")
}

// Note implements service.Messages.
func (s *Messages) Note(_ context.Context, r page.Receipt) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return false, fault.New(fault.Unavailable, "no database")
	}
	if s.noted == nil {
		s.noted = map[string]bool{}
	}
	line := fmt.Sprint(r.Key, r.Status, r.Code)
	fresh := !s.noted[line]
	s.noted[line] = true
	return fresh, nil
}

// PagedTo implements service.Paged.
func (s *Messages) PagedTo(_ context.Context, p id.Person, since time.Time, limit int) ([]service.Sent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []service.Sent
	for _, m := range slices.Backward(s.sent) {
		if m.Message.Person == p && m.Message.Purpose == page.Page && !m.At.Before(since) && len(found) < limit {
			found = append(found, m)
		}
	}
	return found, nil
}

// SandboxMessages keeps them.
type SandboxMessages struct {
	mu  sync.Mutex
	all []service.SandboxMessage
}

// Deliver implements service.SandboxMessages.
func (s *SandboxMessages) Deliver(_ context.Context, m service.SandboxMessage) (service.SandboxMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.all {
		if known.Key == m.Key {
			return known, nil
		}
	}
	m.ID = int64(len(s.all) + 1)
	s.all = append(s.all, m)
	return m, nil
}

// Get implements service.SandboxMessages.
func (s *SandboxMessages) Get(_ context.Context, message int64) (service.SandboxMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if message < 1 || message > int64(len(s.all)) {
		return service.SandboxMessage{}, fault.New(fault.NotFound, "there is no message %d", message)
	}
	return s.all[message-1], nil
}

// List implements service.SandboxMessages.
func (s *SandboxMessages) List(_ context.Context, after int64, limit int) ([]service.SandboxMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []service.SandboxMessage
	for _, m := range s.all {
		if m.ID > after && len(found) < limit {
			found = append(found, m)
		}
	}
	return found, nil
}

// Update implements service.SandboxMessages.
func (s *SandboxMessages) Update(_ context.Context, message int64, status string, replies ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &s.all[message-1]
	m.Status, m.Replies = status, append(m.Replies, replies...)
	return nil
}

// Idempotency keeps answers.
type Idempotency struct {
	mu  sync.Mutex
	all map[string]*kept
}

type kept struct {
	request string
	answer  *service.Answered
}

// Begin implements service.Idempotency.
func (s *Idempotency) Begin(_ context.Context, scope, key string, request []byte) (*service.Answered, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*kept{}
	}
	held, ok := s.all[scope+"\n"+key]
	switch {
	case !ok:
		s.all[scope+"\n"+key] = &kept{request: string(request)}
		return nil, nil
	case held.request != string(request):
		return nil, fault.New(fault.Conflict, "the idempotency key was used for another request")
	case held.answer == nil:
		return nil, fault.New(fault.Conflict, "the first request with this key is still running")
	}
	return held.answer, nil
}

// Hold implements service.Idempotency: nobody dies here.
func (s *Idempotency) Hold(context.Context, string, string) error { return nil }

// Finish implements service.Idempotency.
func (s *Idempotency) Finish(_ context.Context, scope, key string, a service.Answered) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[scope+"\n"+key].answer = &a
	return nil
}

// Abandon implements service.Idempotency.
func (s *Idempotency) Abandon(_ context.Context, scope, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, scope+"\n"+key)
	return nil
}
