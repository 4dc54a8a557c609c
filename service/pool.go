package service

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/belayhq/belay/core/fault"
)

// Pool runs work beside the request that brought it, a bounded number at a time.
type Pool struct {
	Size int // at once; zero: 16
	Log  *slog.Logger

	mu      sync.Mutex
	running int
	closed  bool
	closing chan struct{}
	work    sync.WaitGroup
}

// Go runs f beside the caller. It answers false, and does nothing, when as many as allowed are running or the pool is
// closed: somebody else must then do the work. The context of f outlives the request, keeps its values, and ends when
// the pool is closed.
func (p *Pool) Go(ctx context.Context, f func(context.Context)) bool {
	size := p.Size
	if size == 0 {
		size = 16
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.running >= size {
		return false
	}
	if p.closing == nil {
		p.closing = make(chan struct{})
	}
	p.running++
	p.work.Add(1)
	go p.run(ctx, p.closing, f)
	return true
}

func (p *Pool) run(ctx context.Context, closing <-chan struct{}, f func(context.Context)) {
	defer p.work.Done()
	defer p.release()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	go func() {
		select {
		case <-closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	f(ctx)
}

// caught, deferred, keeps a panic from taking the process along.
func caught(ctx context.Context, log *slog.Logger, what string, about ...any) {
	if broken := recover(); broken != nil {
		log.ErrorContext(ctx, what, append(about, "panic", broken, "stack", string(debug.Stack()))...)
	}
}

// calmly runs one round of something that goes on for ever. A panic ends the round, and is an error like any other: the next
// round may fare better, and whoever watches sees that this one was not finished.
func calmly(round func() error) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fault.New(fault.Internal, "panic: %v\n%s", broken, debug.Stack())
		}
	}()
	return round()
}

// release gives the place back, also when the work panicked: one bad event must not take the process along.
func (p *Pool) release() {
	if broken := recover(); broken != nil {
		p.Log.Error("work beside a request panicked", "panic", broken, "stack", string(debug.Stack()))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
}

// Close takes no more work, ends the contexts of what runs, and waits for it.
func (p *Pool) Close() {
	p.mu.Lock()
	if p.closing == nil {
		p.closing = make(chan struct{})
	}
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	p.mu.Unlock()
	p.work.Wait()
}
