package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

// Keyring makes tokens and recognises their bearers.
type Keyring struct {
	Tokens       Tokens
	Organisation Organisation
	Access       Access
	Lights       *Lights // nil: the records are always asked
	Now          func() time.Time

	mu   sync.Mutex
	seen map[[sha256.Size]byte]sighting // by the hash of the secret
}

// sighting is a token as the records last knew it.
type sighting struct {
	token Token
	at    time.Time
}

const (
	// findWithin is how long a caller waits for our records.
	findWithin = 2 * time.Second
	// rememberedFor is how long a token is believed that the records cannot be asked about. One that was revoked is
	// refused as soon as they answer.
	rememberedFor = time.Hour
	mostSeen      = 1000
)

// secretPrefix lets scanners find a token that leaked into a repository.
const secretPrefix = "blt_"

// Bearer finds out who calls with this secret. fault.Unauthenticated when nobody does.
func (k *Keyring) Bearer(ctx context.Context, secret string) (Caller, error) {
	if secret == "" {
		return Caller{}, fault.New(fault.Unauthenticated, "send a token: Authorization: Bearer blt_…")
	}
	t, err := k.find(ctx, hashed(secret))
	if fault.Is(err, fault.NotFound) {
		return Caller{}, fault.New(fault.Unauthenticated, "this token is not known")
	}
	if err != nil {
		return Caller{}, fmt.Errorf("find a token: %w", err)
	}
	if t.Person != "" && !ours(k.Organisation, t.Person) {
		return Caller{}, fault.New(fault.Unauthenticated, "this token belongs to somebody who has left")
	}
	return Caller{Name: t.Name, Role: t.Role, Person: t.Person, Token: t.ID, Via: "api"}, nil
}

// find asks the records, or, while they are away, remembers.
func (k *Keyring) find(ctx context.Context, hash []byte) (t Token, err error) {
	err = k.Lights.Ask(ctx, findWithin, func(ctx context.Context) (err error) {
		t, err = k.Tokens.Find(ctx, hash)
		return err
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	key := [sha256.Size]byte(hash)
	switch {
	case err == nil:
		k.remember(key, t)
	case fault.Is(err, fault.NotFound):
		delete(k.seen, key)
	case fault.Is(err, fault.Unavailable):
		if s, known := k.seen[key]; known && k.Now().Sub(s.at) < rememberedFor {
			return s.token, nil
		}
	}
	return t, err
}

// remember keeps a token, and forgets them all when there are too many: while the records answer, nobody misses them.
func (k *Keyring) remember(key [sha256.Size]byte, t Token) {
	if _, known := k.seen[key]; k.seen == nil || !known && len(k.seen) >= mostSeen {
		k.seen = map[[sha256.Size]byte]sighting{}
	}
	k.seen[key] = sighting{token: t, at: k.Now()}
}

// Create makes a token and answers its secret, which nobody can show again.
func (k *Keyring) Create(ctx context.Context, c Caller, name string, role Role, person id.Person) (Token, string, error) {
	if err := k.Access.May(c, ManageTokens); err != nil {
		return Token{}, "", err
	}
	if person != "" {
		p, ok := k.Organisation.Current().Org.People[person]
		if !ok || p.Departed {
			return Token{}, "", fault.Field("person", "there is no person %q", person)
		}
		if p.Vendor != "" {
			return Token{}, "", fault.Field("person", "%s works for a vendor and cannot hold a token", person)
		}
	}
	return k.Issue(ctx, c, name, role, person)
}

// Issue makes a token without asking who wants it: for the first one, which belongs to whoever runs the process.
func (k *Keyring) Issue(ctx context.Context, c Caller, name string, role Role, person id.Person) (Token, string, error) {
	if n := utf8.RuneCountInString(name); n == 0 || n > 100 {
		return Token{}, "", fault.Field("name", "1 to 100 characters are wanted, these are %d", n)
	}
	switch role {
	case Admin, Responder, Viewer, IntegrationRole:
	default:
		return Token{}, "", fault.Field("role", "%q is none of admin, responder, viewer, integration", role)
	}
	secret := secretPrefix + rand.Text() + rand.Text()
	t := Token{ID: "tok_" + rand.Text()[:16], Name: name, Role: role, Person: person, CreatedAt: k.Now()}
	deed := Deed{
		At: t.CreatedAt, Actor: c.Actor(), Via: c.Via, Action: "token.create", Subject: "token " + t.ID,
		Detail: map[string]string{"name": name, "role": string(role)},
	}
	if err := k.Tokens.Create(ctx, t, hashed(secret), deed); err != nil {
		return Token{}, "", fmt.Errorf("keep token %s: %w", name, err)
	}
	return t, secret, nil
}

// List answers all tokens, without secrets.
func (k *Keyring) List(ctx context.Context, c Caller) ([]Token, error) {
	if err := k.Access.May(c, ManageTokens); err != nil {
		return nil, err
	}
	return k.Tokens.List(ctx)
}

// Revoke makes a token worthless at once.
func (k *Keyring) Revoke(ctx context.Context, c Caller, tokenID string) error {
	if err := k.Access.May(c, ManageTokens); err != nil {
		return err
	}
	if strings.HasPrefix(tokenID, secretPrefix) {
		return fault.New(fault.NotFound, "that is a token's secret; its ID begins with tok_")
	}
	if tokenID == "" {
		return fault.New(fault.NotFound, "no token named")
	}
	return k.Tokens.Revoke(ctx, tokenID, Deed{
		At: k.Now(), Actor: c.Actor(), Via: c.Via, Action: "token.revoke", Subject: "token " + tokenID,
	})
}

// hashed is how a secret is kept. It is random and long, so a plain hash is enough.
func hashed(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
