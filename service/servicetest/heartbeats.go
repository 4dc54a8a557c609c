package servicetest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
)

// Heartbeats keeps signs of life.
type Heartbeats struct {
	mu          sync.Mutex
	Broken      error // answered by Lapse
	JudgedAt    time.Time
	known       map[id.Heartbeat]service.Heartbeat
	since, last time.Time
}

// Get implements service.Heartbeats.
func (b *Heartbeats) Get(_ context.Context, name id.Heartbeat) (service.Heartbeat, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, ok := b.known[name]
	if !ok {
		return h, fault.New(fault.NotFound, "heartbeat %q", string(name))
	}
	return h, nil
}

// List implements service.Heartbeats.
func (b *Heartbeats) List(context.Context) ([]service.Heartbeat, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []service.Heartbeat
	for _, h := range b.known {
		all = append(all, h)
	}
	return all, nil
}

// Beat implements service.Heartbeats.
func (b *Heartbeats) Beat(_ context.Context, name id.Heartbeat, at, due time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil {
		b.known = map[id.Heartbeat]service.Heartbeat{}
	}
	h := b.known[name]
	if !h.Missing && !h.DueAt.IsZero() && h.DueAt.Before(at) {
		h.Lapses++
	}
	h.Name, h.BeatAt, h.DueAt, h.Missing = name, at, due, false
	b.known[name] = h
	return nil
}

// Disarm implements service.Heartbeats.
func (b *Heartbeats) Disarm(_ context.Context, name id.Heartbeat) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.known[name]
	h.DueAt, h.Missing = time.Time{}, false
	b.known[name] = h
	return nil
}

// Overdue implements service.Heartbeats.
func (b *Heartbeats) Overdue(_ context.Context, at time.Time) ([]service.Heartbeat, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var late []service.Heartbeat
	for _, h := range b.known {
		if !h.DueAt.IsZero() && h.DueAt.Before(at) && !h.Missing {
			late = append(late, h)
		}
	}
	slices.SortFunc(late, func(a, b service.Heartbeat) int { return a.DueAt.Compare(b.DueAt) })
	return late, nil
}

// Lapse implements service.Heartbeats.
func (b *Heartbeats) Lapse(_ context.Context, late service.Heartbeat) (back bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Broken != nil {
		return false, b.Broken
	}
	h := b.known[late.Name]
	if h.Lapses != late.Lapses || h.Missing {
		return !h.Missing, nil
	}
	h.Lapses++
	h.Missing = h.BeatAt.Equal(late.BeatAt) && !h.DueAt.IsZero()
	b.known[late.Name] = h
	return !h.Missing, nil
}

// Promise implements service.Heartbeats.
func (b *Heartbeats) Promise(_ context.Context, name id.Heartbeat, within time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h, ok := b.known[name]; ok && !h.DueAt.IsZero() {
		h.DueAt = h.BeatAt.Add(within)
		b.known[name] = h
	}
	return nil
}

// Judged implements service.Heartbeats.
func (b *Heartbeats) Judged(_ context.Context, at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.JudgedAt = at
	return nil
}

// Hearing implements service.Heartbeats.
func (b *Heartbeats) Hearing(_ context.Context, at time.Time, gap time.Duration) (time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last.IsZero() || at.Sub(b.last) > gap {
		b.since = at
	}
	b.last = at
	return b.since, nil
}
