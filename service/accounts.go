package service

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

// Account is a name with a password, kept by us: for the first admin, and where there is no provider of identities.
type Account struct {
	Name       string // lower case
	Role       Role
	Person     id.Person // whose it is; empty: nobody of the blueprint
	Hash       string    // argon2id; never shown, empty in lists
	CreatedAt  time.Time
	DisabledAt time.Time // zero: in use
}

// AccountBook keeps accounts. Every change of one ends its sessions.
type AccountBook interface {
	Find(ctx context.Context, name string) (Account, error)       // fault.NotFound
	Create(ctx context.Context, a Account, deed Deed) error       // fault.Conflict when the name is taken
	SetHash(ctx context.Context, name, hash string, d Deed) error // fault.NotFound
	Disable(ctx context.Context, name string, deed Deed) error    // fault.NotFound; twice is once
	Enable(ctx context.Context, name string, deed Deed) error     // fault.NotFound; twice is once
	List(ctx context.Context) ([]Account, error)                  // without hashes, by name
}

// Accounts are managed by whoever runs Belay, and let people in by a password.
type Accounts struct {
	Book         AccountBook
	Organisation Organisation
	Access       Access
	Limits       *Limits
	Argon        *Argon
	Now          func() time.Time
}

// Enter lets somebody in who knows the password of an account. Whatever is wrong it says the same, after the same time:
// which names there are is nobody's business. fault.Throttled says when to come back.
func (a *Accounts) Enter(ctx context.Context, name, password, address string) (Entrance, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if err := a.Limits.Password(name, address, a.Now()); err != nil {
		return Entrance{}, err
	}
	var found Account
	if accountName.MatchString(name) {
		var err error
		if found, err = a.Book.Find(ctx, name); err != nil && !fault.Is(err, fault.NotFound) {
			return Entrance{}, fmt.Errorf("find an account: %w", err)
		}
	}
	right, err := a.Argon.Matches(ctx, password, found.Hash)
	if err != nil {
		return Entrance{}, err
	}
	left := found.Person != "" && !ours(a.Organisation, found.Person)
	if !right || left || !found.DisabledAt.IsZero() {
		return Entrance{}, fault.New(fault.Unauthenticated, "this name and password do not belong together")
	}
	return Entrance{Caller: Caller{
		Name: a.called(found), Role: found.Role, Person: found.Person, Account: found.Name, Via: "web",
	}}, nil
}

func (a *Accounts) called(of Account) string {
	if p, ok := a.Organisation.Current().Org.People[of.Person]; ok && of.Person != "" {
		return p.Name
	}
	return of.Name
}

var accountName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,99}$`)

// Create makes an account.
func (a *Accounts) Create(ctx context.Context, c Caller, name string, role Role, person id.Person, password string) (Account, error) {
	if err := a.Access.May(c, ManageTokens); err != nil {
		return Account{}, err
	}
	name = strings.ToLower(strings.TrimSpace(name))
	if !accountName.MatchString(name) {
		return Account{}, fault.Field("name", "%q: a letter or digit is wanted, then letters, digits and . _ @ + - up to 100", name)
	}
	switch role {
	case Admin, Responder, Viewer:
	default:
		return Account{}, fault.Field("role", "%q is none of admin, responder, viewer", role)
	}
	if person != "" && !ours(a.Organisation, person) {
		return Account{}, fault.Field("person", "there is no person of ours %q", person)
	}
	hash, err := a.Argon.Hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	made := Account{Name: name, Role: role, Person: person, Hash: hash, CreatedAt: a.Now()}
	deed := a.deed(c, "account.create", name)
	deed.Detail = map[string]string{"role": string(role), "person": string(person)}
	if err := a.Book.Create(ctx, made, deed); err != nil {
		return Account{}, fmt.Errorf("keep account %s: %w", name, err)
	}
	made.Hash = ""
	return made, nil
}

// SetPassword changes a password and ends every session of the account.
func (a *Accounts) SetPassword(ctx context.Context, c Caller, name, password string) error {
	if err := a.Access.May(c, ManageTokens); err != nil {
		return err
	}
	hash, err := a.Argon.Hash(ctx, password)
	if err != nil {
		return err
	}
	name = strings.ToLower(name)
	return a.Book.SetHash(ctx, name, hash, a.deed(c, "account.password", name))
}

// Disable keeps an account out and ends its sessions; Enable lets it in again.
func (a *Accounts) Disable(ctx context.Context, c Caller, name string) error {
	if err := a.Access.May(c, ManageTokens); err != nil {
		return err
	}
	name = strings.ToLower(name)
	return a.Book.Disable(ctx, name, a.deed(c, "account.disable", name))
}

// Enable lets a disabled account in again, with the password that it had.
func (a *Accounts) Enable(ctx context.Context, c Caller, name string) error {
	if err := a.Access.May(c, ManageTokens); err != nil {
		return err
	}
	name = strings.ToLower(name)
	return a.Book.Enable(ctx, name, a.deed(c, "account.enable", name))
}

// List answers all accounts, without hashes.
func (a *Accounts) List(ctx context.Context, c Caller) ([]Account, error) {
	if err := a.Access.May(c, ManageTokens); err != nil {
		return nil, err
	}
	return a.Book.List(ctx)
}

func (a *Accounts) deed(c Caller, action, name string) Deed {
	return Deed{At: a.Now(), Actor: c.Actor(), Via: c.Via, Action: action, Subject: "account " + name}
}
