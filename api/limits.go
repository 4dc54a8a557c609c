package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/belayhq/belay/core/fault"
)

// Limits is how often one key may ask, per second and at once. Zero values are generous: a limit here is against
// loops, not against storms.
type Limits struct {
	Callers rate.Limit // requests of one token; zero: 200, bursts of 1000
	Events  rate.Limit // events of one routing key; zero: 2000, bursts of 10000
}

// strangersLimit is how many wrong tokens one address may try per second.
const strangersLimit = 10

type keeper struct {
	callers   *limiter
	events    *limiter
	strangers *limiter
}

func (l Limits) keeper() *keeper {
	if l.Callers == 0 {
		l.Callers = 200
	}
	if l.Events == 0 {
		l.Events = 2000
	}
	return &keeper{
		callers:   &limiter{rate: l.Callers},
		events:    &limiter{rate: l.Events},
		strangers: &limiter{rate: strangersLimit},
	}
}

// limiter keeps one bucket per key.
type limiter struct {
	rate rate.Limit

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// mostBuckets bounds the memory that strangers can take: when it is reached, everybody begins anew.
const mostBuckets = 10_000

// take answers fault.Throttled, with the time to wait, when the key has used up its share.
func (l *limiter) take(key string, now time.Time) error {
	reservation := l.bucket(key).ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	reservation.CancelAt(now)
	return fault.Later(wait, "more than %g requests per second", float64(l.rate))
}

func (l *limiter) bucket(key string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held, ok := l.buckets[key]; ok {
		return held
	}
	if l.buckets == nil || len(l.buckets) >= mostBuckets {
		l.buckets = map[string]*rate.Limiter{}
	}
	made := rate.NewLimiter(l.rate, max(1, int(5*l.rate)))
	l.buckets[key] = made
	return made
}
