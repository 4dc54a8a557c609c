package service

import (
	"context"
	"sync"
	"time"
)

// Probe asks something we need whether it is there.
type Probe struct {
	Name string // "postgres", "temporal"
	Ask  func(ctx context.Context) error
	// Optional is reported and does not count: alerts are accepted without the engine.
	Optional bool
}

// Remembered is the probe asked at most once in a while, however many want to know: readiness is open to strangers, and
// each question takes a connection from those who page.
func (p Probe) Remembered(lasts time.Duration) Probe {
	var (
		mu    sync.Mutex
		asked time.Time
		found error
		ask   = p.Ask
	)
	p.Ask = func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if !asked.IsZero() && time.Since(asked) < lasts {
			return found
		}
		// What is remembered must not depend on whether the first to ask had the patience to wait.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeWithin)
		defer cancel()
		found = ask(ctx)
		asked = time.Now()
		return found
	}
	return p
}

const probeWithin = 2 * time.Second

// Health tells whether this process can do its work.
type Health struct {
	Probes []Probe
	// Within bounds every probe; zero: two seconds.
	Within time.Duration
}

// Condition is what one probe found.
type Condition struct {
	Name  string
	Error error // nil: well
}

// Ready asks every probe at once. It is ready when none that counts answers an error.
func (h Health) Ready(ctx context.Context) (ready bool, found []Condition) {
	within := h.Within
	if within == 0 {
		within = probeWithin
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	answers := make([]chan error, len(h.Probes))
	for i, probe := range h.Probes {
		answers[i] = make(chan error, 1)
		go func() { answers[i] <- probe.Ask(ctx) }()
	}
	ready = true
	for i, probe := range h.Probes {
		var err error
		select {
		case err = <-answers[i]:
		case <-ctx.Done():
			err = ctx.Err()
		}
		ready = ready && (err == nil || probe.Optional)
		found = append(found, Condition{Name: probe.Name, Error: err})
	}
	return ready, found
}
