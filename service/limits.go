package service

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/belayhq/belay/core/fault"
)

// Limits is how much one key may ask, the same for API and pages. Its zero value is generous: a limit here is against
// loops, not against storms. It is safe for concurrent use and takes some megabytes at most, whoever comes.
type Limits struct {
	Callers   float64 // requests of one caller per second; zero: 200
	Events    float64 // events of one routing key per second; zero: 2000
	Strangers float64 // wrong tokens and links of one address per second; zero: 10
	Passwords float64 // tries of a password for one account per second, after the first ten; zero: one in ten seconds

	StreamsOfOne int // live pages that one caller may keep open; zero: 50
	StreamsOfAll int // of this process; zero: 2000

	callers, events, strangers, accounts, doors limiter

	mu      sync.Mutex
	streams map[string]int
	open    int
}

// Caller is one request of somebody we know. Like the others it answers fault.Throttled, with the time to wait, when the
// share is used up: five seconds' worth at once.
func (l *Limits) Caller(c Caller, now time.Time) error {
	return l.callers.take(ident(c), or(l.Callers, 200), now)
}

// Event is one event for a routing key, known or not.
func (l *Limits) Event(routingKey string, now time.Time) error {
	return l.events.take(routingKey, or(l.Events, 2000), now)
}

// Stranger is one failed attempt to prove who one is. It is asked after the failure, never before: whoever shares an
// address with a guesser, behind one proxy or one office, is let in with the first right token.
func (l *Limits) Stranger(address string, now time.Time) error {
	return l.strangers.take(neighbourhood(address), or(l.Strangers, 10), now)
}

// Password is one try of a password. It is asked before the password is looked at: what can be guessed must not be
// guessed often. The account is counted whether there is one or not; an address may try several, ten times as often.
func (l *Limits) Password(account, address string, now time.Time) error {
	each := or(l.Passwords, 0.1)
	if err := l.doors.takeSome(neighbourhood(address), 10*each, 10*passwordsAtOnce, now); err != nil {
		return err
	}
	return l.accounts.takeSome(account, each, passwordsAtOnce, now)
}

// passwordsAtOnce is how often somebody may mistype.
const passwordsAtOnce = 10

// Stream is one live page of a caller, until leave is called.
func (l *Limits) Stream(c Caller) (leave func(), err error) {
	who := ident(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	if most := or(l.StreamsOfAll, 2000); l.open >= most {
		return nil, &fault.Error{Kind: fault.Unavailable, Message: "too many live pages are open here", RetryAfter: streamsAgain}
	}
	if most := or(l.StreamsOfOne, 50); l.streams[who] >= most {
		return nil, fault.Later(streamsAgain, "more than %d live pages; close some", most)
	}
	if l.streams == nil {
		l.streams = map[string]int{}
	}
	l.open, l.streams[who] = l.open+1, l.streams[who]+1
	return sync.OnceFunc(func() { l.left(who) }), nil
}

const streamsAgain = 10 * time.Second

func (l *Limits) left(who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.streams[who]--; l.streams[who] <= 0 {
		delete(l.streams, who)
	}
}

// ident tells callers apart: two tokens may have the same name.
func ident(c Caller) string {
	if c.Token != "" {
		return c.Token
	}
	return c.Actor()
}

func or[N int | float64](set, otherwise N) N {
	if set == 0 {
		return otherwise
	}
	return set
}

// neighbourhood is the address, or, for IPv6, the network of one customer: any machine there has 2⁶⁴ addresses.
func neighbourhood(address string) string {
	at, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if at = at.Unmap().WithZone(""); at.Is6() {
		network, _ := at.Prefix(64) // 64 bits are a length that IPv6 has
		return network.String()
	}
	return at.String()
}

// limiter keeps one bucket per key. Keys are hashed: one that a stranger makes long takes no more than a short one.
type limiter struct {
	mu         sync.Mutex
	seed       maphash.Seed
	young, old map[uint64]*rate.Limiter
}

// mostBuckets bounds the memory that strangers can take. When it is reached, keys that were not seen since the last
// time are forgotten; whoever is busy stays counted, however many others come.
const mostBuckets = 10_000

func (l *limiter) take(key string, perSecond float64, now time.Time) error {
	return l.takeSome(key, perSecond, max(1, int(5*perSecond)), now)
}

func (l *limiter) takeSome(key string, perSecond float64, atOnce int, now time.Time) error {
	reservation := l.bucket(key, perSecond, atOnce).ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	reservation.CancelAt(now)
	return fault.Later(wait, "more than %g per second", perSecond)
}

func (l *limiter) bucket(key string, perSecond float64, atOnce int) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.young == nil {
		l.seed, l.young = maphash.MakeSeed(), map[uint64]*rate.Limiter{}
	}
	sum := maphash.String(l.seed, key)
	if held, ok := l.young[sum]; ok {
		return held
	}
	if len(l.young) >= mostBuckets {
		l.young, l.old = map[uint64]*rate.Limiter{}, l.young
	}
	held, ok := l.old[sum]
	if !ok {
		held = rate.NewLimiter(rate.Limit(perSecond), atOnce)
	}
	l.young[sum] = held
	return held
}
