package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

// Entrance is how somebody came in: with a token, an account, or a provider of identities that vouches for them.
type Entrance struct {
	Caller  Caller
	Subject string // issuer and subject, when a provider vouched
}

// Session is a sign-in, as it is kept: its secret is known to one browser only.
type Session struct {
	ID      string
	Caller  Caller
	Subject string
	BeganAt time.Time
	SeenAt  time.Time
	EndsAt  time.Time
}

// SessionBook keeps sessions, by the SHA-256 of their secret.
type SessionBook interface {
	Create(ctx context.Context, s Session, hash []byte, deed Deed) error
	// Find answers a session that has not ended, was seen since, and whose token or account is still good.
	Find(ctx context.Context, hash []byte, at, since time.Time) (Session, error) // fault.NotFound
	Touch(ctx context.Context, session string, at time.Time) error
	// End ends a session. One that is over already, or never was, is no error and no deed.
	End(ctx context.Context, hash []byte, deed Deed) error
}

// Sessions let browsers in. A session ends by itself when nobody has used it for a while, at the latest when Max has
// passed; at once when somebody signs out, revokes its token, or disables its account or changes its password.
type Sessions struct {
	Book         SessionBook
	Organisation Organisation
	Lights       *Lights // nil: the records are always asked
	Now          func() time.Time
	Idle         time.Duration // zero: 12 h
	Max          time.Duration // zero: 7 days

	mu   sync.Mutex
	seen map[[sha256.Size]byte]glimpse // by the hash of the secret
}

// glimpse is a session as the records last knew it.
type glimpse struct {
	session Session
	at      time.Time
}

const (
	sessionIdle = 12 * time.Hour
	sessionMax  = 7 * 24 * time.Hour
	// sessionTouched is how exactly the records know when a session was last used.
	sessionTouched = time.Minute
)

// Lasts is how long a session may last at most.
func (s *Sessions) Lasts() time.Duration { return orElse(s.Max, sessionMax) }

func orElse(set, otherwise time.Duration) time.Duration {
	if set == 0 {
		return otherwise
	}
	return set
}

// Begin makes a session for somebody who has proven who they are, and answers its secret. What the browser had before is
// over: a session that somebody planted there is never the one that is signed in.
func (s *Sessions) Begin(ctx context.Context, e Entrance, before string) (secret string, err error) {
	if before != "" {
		if err := s.End(ctx, before); err != nil {
			return "", err
		}
	}
	now := s.Now()
	secret = rand.Text() + rand.Text()
	made := Session{
		ID: "ses_" + rand.Text()[:16], Caller: e.Caller, Subject: e.Subject,
		BeganAt: now, SeenAt: now, EndsAt: now.Add(s.Lasts()),
	}
	err = s.Book.Create(ctx, made, hashed(secret), Deed{
		At: now, Actor: e.Caller.Actor(), Via: "web", Action: "session.begin", Subject: "session " + made.ID,
		Detail: map[string]string{"way": e.way()},
	})
	if err != nil {
		return "", fmt.Errorf("keep a session of %s: %w", e.Caller.Actor(), err)
	}
	return secret, nil
}

func (e Entrance) way() string {
	switch {
	case e.Subject != "":
		return "provider"
	case e.Caller.Account != "":
		return "account"
	}
	return "token"
}

// Find answers whose session this is. fault.Unauthenticated when it is over, or never was.
func (s *Sessions) Find(ctx context.Context, secret string) (Session, error) {
	held, err := s.find(ctx, hashed(secret))
	if fault.Is(err, fault.NotFound) {
		return Session{}, fault.New(fault.Unauthenticated, "this session is over: sign in again")
	}
	if err != nil {
		return Session{}, fmt.Errorf("find a session: %w", err)
	}
	if held.Caller.Person != "" && !ours(s.Organisation, held.Caller.Person) {
		return Session{}, fault.New(fault.Unauthenticated, "this session belongs to somebody who has left")
	}
	held.Caller.Via = "web"
	return held, nil
}

// find asks the records, or, while they are away, remembers.
func (s *Sessions) find(ctx context.Context, hash []byte) (held Session, err error) {
	now := s.Now()
	err = s.Lights.Ask(ctx, findWithin, func(ctx context.Context) (err error) {
		held, err = s.Book.Find(ctx, hash, now, now.Add(-orElse(s.Idle, sessionIdle)))
		if err == nil && now.Sub(held.SeenAt) >= sessionTouched {
			err = s.Book.Touch(ctx, held.ID, now)
		}
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	key := [sha256.Size]byte(hash)
	switch {
	case err == nil:
		s.remember(key, held)
	case fault.Is(err, fault.NotFound):
		delete(s.seen, key)
	case fault.Is(err, fault.Unavailable):
		if g, known := s.seen[key]; known && now.Sub(g.at) < rememberedFor && now.Before(g.session.EndsAt) {
			return g.session, nil
		}
	}
	return held, err
}

// remember keeps a session, and forgets them all when there are too many: while the records answer, nobody misses them.
func (s *Sessions) remember(key [sha256.Size]byte, held Session) {
	if _, known := s.seen[key]; s.seen == nil || !known && len(s.seen) >= mostSeen {
		s.seen = map[[sha256.Size]byte]glimpse{}
	}
	s.seen[key] = glimpse{session: held, at: s.Now()}
}

// End signs out. Ending what is over is no error.
func (s *Sessions) End(ctx context.Context, secret string) error {
	hash := hashed(secret)
	s.mu.Lock()
	g := s.seen[[sha256.Size]byte(hash)]
	delete(s.seen, [sha256.Size]byte(hash))
	s.mu.Unlock()
	actor := "belay"
	if g.session.ID != "" {
		actor = g.session.Caller.Actor()
	}
	return s.Book.End(ctx, hash, Deed{At: s.Now(), Actor: actor, Via: "web", Action: "session.end"})
}

// ours: somebody who may sign in and hold a token.
func ours(o Organisation, person id.Person) bool {
	p, ok := o.Current().Org.People[person]
	return ok && !p.Departed && p.Vendor == ""
}
