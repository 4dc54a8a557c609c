package service

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/belayhq/belay/core/fault"
)

// Lights know whether our records answer, so that nobody waits for them who need not. What one request has found out
// the next ones are spared: while the records are away, one question in Retry goes through to see.
type Lights struct {
	Now func() time.Time
	// Ping asks the records something small, by a way of its own: a pool that is used up is not darkness.
	Ping func(ctx context.Context) error
	// Retry is how long an answer of "away" is believed; zero: two seconds.
	Retry time.Duration

	mu    sync.Mutex
	since time.Time // they went out; zero: they are on
	until time.Time // nobody asks before that
	last  time.Time // they came back on
	sure  bool      // somebody is making sure this moment
}

// errSpared is the answer to whoever need not find out: it is known that the records are away.
var errSpared = fault.New(fault.Unavailable, "our records are away")

// Ask runs f, which needs the records and should be done within limit, unless they are known to be away: then, and
// when f finds them away, the answer is fault.Unavailable. A caller who has gone says nothing about the records.
func (l *Lights) Ask(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	if !l.try() {
		return errSpared
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := f(bounded)
	switch _, out := l.Out(); {
	case l == nil || ctx.Err() != nil:
	case !out && bounded.Err() != nil && l.Ping != nil:
		go l.makeSure(context.WithoutCancel(ctx)) // slow is not gone
	default:
		l.Saw(err)
	}
	return err
}

// makeSure pings, once at a time.
func (l *Lights) makeSure(ctx context.Context) {
	l.mu.Lock()
	busy := l.sure
	l.sure = true
	l.mu.Unlock()
	if busy {
		return
	}
	l.ping(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sure = false
}

func (l *Lights) ping(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pingWithin)
	defer cancel()
	l.Saw(l.Ping(ctx))
}

// pingWithin: whoever answers nothing small by then is away.
const pingWithin = 2 * time.Second

// Gone makes sure that it is the records that are away, when something else may have taken too long.
func (l *Lights) Gone(ctx context.Context) bool {
	if l == nil {
		return false
	}
	if _, out := l.Out(); out || l.Ping == nil {
		return out
	}
	l.ping(context.WithoutCancel(ctx))
	_, out := l.Out()
	return out
}

// Later lets those wait who have time: that the records are away says when to come again, the later the longer they have
// been away, and not all at once. A thousand of them would otherwise be a load that everything else goes slow under, and a
// crowd at the door in the moment when the records are back.
func (l *Lights) Later(err error) error {
	since, out := l.Out()
	if !out || !fault.Is(err, fault.Unavailable) {
		return err
	}
	wait := min(max(l.Now().Sub(since)/4, leastLater), mostLater)
	return &fault.Error{Kind: fault.Unavailable, Message: err.Error(), RetryAfter: wait/2 + rand.N(wait)}
}

const (
	leastLater = time.Second
	mostLater  = 40 * time.Second
)

// Saw tells how a question went that somebody asked without us. An answer, whichever, means that they are there.
func (l *Lights) Saw(err error) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Now()
	if !fault.Is(err, fault.Unavailable) {
		if !l.since.IsZero() {
			l.last = now
		}
		l.since, l.until = time.Time{}, time.Time{}
		return
	}
	if l.since.IsZero() {
		l.since = now
	}
	l.until = now.Add(l.retry())
}

// try: they are on, or it is this caller's turn to see.
func (l *Lights) try() bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() {
		return true
	}
	now := l.Now()
	if now.Before(l.until) {
		return false
	}
	l.until = now.Add(l.retry())
	return true
}

func (l *Lights) retry() time.Duration {
	if l.Retry == 0 {
		return 2 * time.Second
	}
	return l.Retry
}

// Out since when; false while they are on.
func (l *Lights) Out() (since time.Time, out bool) {
	if l == nil {
		return time.Time{}, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since, !l.since.IsZero()
}

// OutLately: they are out, or were within that time.
func (l *Lights) OutLately(within time.Duration) bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.since.IsZero() || !l.last.IsZero() && l.Now().Sub(l.last) < within
}

// Back is when they last came on again; zero: they never were out.
func (l *Lights) Back() time.Time {
	if l == nil {
		return time.Time{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}
