package webtest

import (
	"context"
	"slices"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

// Doors keeps sessions and accounts of a house, as the database does.
type Doors struct {
	*House
	sessions map[string]service.Session // by hash
	accounts map[string]service.Account
	deeds    []service.Deed
}

// NewDoors of a house in which nobody has signed in.
func NewDoors(h *House) *Doors {
	return &Doors{House: h, sessions: map[string]service.Session{}, accounts: map[string]service.Account{}}
}

// Sessions are those of the product over this book.
func (d *Doors) Sessions() *service.Sessions {
	return &service.Sessions{Book: Book{d}, Organisation: d.House, Now: d.Now}
}

// Accounts are those of the product over this book, with a password that is cheap to try.
func (d *Doors) Accounts() *service.Accounts {
	return &service.Accounts{
		Book: Ledger{d}, Organisation: d.House, Limits: &service.Limits{}, Argon: &service.Argon{Memory: 64, Passes: 1, Lanes: 1}, Now: d.Now,
	}
}

// Deeds is what is in the audit trail, by action.
func (d *Doors) Deeds() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, deed := range d.deeds {
		all = append(all, deed.Action)
	}
	return all
}

// Book is the sessions.
type Book struct{ *Doors }

// Create keeps one.
func (b Book) Create(_ context.Context, s service.Session, hash []byte, deed service.Deed) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions[string(hash)] = s
	b.deeds = append(b.deeds, deed)
	return b.Records
}

// Find answers one that is good.
func (b Book) Find(_ context.Context, hash []byte, at, since time.Time) (service.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.sessions[string(hash)]
	account, known := b.accounts[s.Caller.Account]
	switch {
	case b.Records != nil:
		return service.Session{}, b.Records
	case !ok, !at.Before(s.EndsAt), !s.SeenAt.After(since),
		s.Caller.Token != "" && !b.knows(s.Caller.Token),
		s.Subject == "" && s.Caller.Account != "" && (!known || !account.DisabledAt.IsZero()):
		return service.Session{}, fault.New(fault.NotFound, "session")
	}
	return s, nil
}

func (b Book) knows(token string) bool {
	for _, c := range b.callers {
		if c.Token == token {
			return true
		}
	}
	return false
}

// Touch notes its use.
func (b Book) Touch(_ context.Context, session string, at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for hash, s := range b.sessions {
		if s.ID == session {
			s.SeenAt = at
			b.sessions[hash] = s
		}
	}
	return nil
}

// End forgets one.
func (b Book) End(_ context.Context, hash []byte, deed service.Deed) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Records != nil {
		return b.Records
	}
	if _, ok := b.sessions[string(hash)]; ok {
		delete(b.sessions, string(hash))
		b.deeds = append(b.deeds, deed)
	}
	return nil
}

// Ledger is the accounts.
type Ledger struct{ *Doors }

// Find answers one.
func (l Ledger) Find(_ context.Context, name string) (service.Account, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.accounts[name]
	if !ok {
		return service.Account{}, fault.New(fault.NotFound, "account %q", name)
	}
	return a, nil
}

// Create keeps one.
func (l Ledger) Create(_ context.Context, a service.Account, deed service.Deed) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, taken := l.accounts[a.Name]; taken {
		return fault.New(fault.Conflict, "account %q", a.Name)
	}
	l.accounts[a.Name], l.deeds = a, append(l.deeds, deed)
	return nil
}

// SetHash changes a password.
func (l Ledger) SetHash(_ context.Context, name, hash string, _ service.Deed) error {
	return l.change(name, func(a *service.Account) { a.Hash = hash })
}

// Disable keeps one out.
func (l Ledger) Disable(_ context.Context, name string, deed service.Deed) error {
	return l.change(name, func(a *service.Account) { a.DisabledAt = deed.At })
}

// Enable lets it in again.
func (l Ledger) Enable(_ context.Context, name string, _ service.Deed) error {
	return l.change(name, func(a *service.Account) { a.DisabledAt = time.Time{} })
}

func (l Ledger) change(name string, do func(*service.Account)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.accounts[name]
	if !ok {
		return fault.New(fault.NotFound, "account %q", name)
	}
	do(&a)
	l.accounts[name] = a
	return nil
}

// List lists by name.
func (l Ledger) List(context.Context) ([]service.Account, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []service.Account
	for _, a := range l.accounts {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b service.Account) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all, nil
}
