package service

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
)

// Directory holds the organisation in memory, so that a page needs no database read. It is safe for concurrent use.
type Directory struct {
	Revisions Revisions
	Overrides Overrides
	Barred    Barred
	Windows   Windows // nil: none is made by hand
	// Parse reads the files of a revision; what was applied once has been checked then.
	Parse func([]File) (*org.Org, error)
	Now   func() time.Time
	Log   *slog.Logger
	// Beside keeps what was read, for a start without the database; nil: nothing is kept.
	Beside Snapshots
	// Retry is the pause after a refresh that failed; zero: two seconds.
	Retry time.Duration

	current    atomic.Pointer[policy.Directory]
	recalled   atomic.Pointer[time.Time] // when current was read, if it was kept since; nil: it is the database's
	refreshing sync.Mutex                // an older reading must not replace a newer one
	kept       []byte                    // what Beside has, while refreshing is held
	mu         sync.Mutex
	parsed     map[id.Revision]*org.Org
}

const (
	// overridesBack and overridesAhead bound the overrides kept in memory. An override lasts a year at most.
	overridesBack  = 24 * time.Hour
	overridesAhead = 2 * 366 * 24 * time.Hour
	// revisionsKept bounds the parsed revisions kept for open escalations; older ones are read again when asked for.
	revisionsKept = 32
)

// Current is the organisation as it was last read. Before the first apply it is empty, never nil.
func (d *Directory) Current() policy.Directory {
	if held := d.current.Load(); held != nil {
		return *held
	}
	return policy.Directory{Org: &org.Org{}}
}

// Org returns the organisation of one revision. fault.NotFound for one that was never applied.
func (d *Directory) Org(ctx context.Context, revision id.Revision) (*org.Org, error) {
	if held := d.remembered(revision); held != nil {
		return held, nil
	}
	r, err := d.Revisions.Get(ctx, revision)
	if err != nil {
		return nil, fmt.Errorf("read revision %s: %w", revision, err)
	}
	return d.parse(r)
}

func (d *Directory) remembered(revision id.Revision) *org.Org {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.parsed[revision]
}

func (d *Directory) parse(r Revision) (*org.Org, error) {
	if held := d.remembered(r.Hash); held != nil {
		return held, nil
	}
	o, err := d.Parse(r.Files)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "parse revision %s", r.Hash)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.parsed == nil || len(d.parsed) >= revisionsKept {
		d.parsed = map[id.Revision]*org.Org{}
	}
	d.parsed[r.Hash] = o
	return o, nil
}

// Refresh reads the current revision and what is live. When anything fails the organisation held before stays.
func (d *Directory) Refresh(ctx context.Context) error {
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	r, err := d.Revisions.Current(ctx)
	if fault.Is(err, fault.NotFound) {
		return nil // nothing was applied yet
	}
	if err != nil {
		return fmt.Errorf("read the current revision: %w", err)
	}
	o, err := d.parse(r)
	if err != nil {
		return err
	}
	now := d.Now()
	overrides, err := d.Overrides.List(ctx, "", now.Add(-overridesBack), now.Add(overridesAhead))
	if err != nil {
		return fmt.Errorf("read overrides: %w", err)
	}
	barred, err := d.Barred.All(ctx)
	if err != nil {
		return fmt.Errorf("read barred methods: %w", err)
	}
	live := policy.Live{Overrides: overrides, Barred: barred}
	if d.Windows != nil {
		if live.Windows, err = d.Windows.List(ctx, now); err != nil {
			return fmt.Errorf("read maintenance windows: %w", err)
		}
	}
	d.current.Store(&policy.Directory{Revision: r.Hash, Org: o, Live: live})
	d.remember(r, live, now)
	return nil
}

// Run refreshes whenever something has changed, until the context ends or changes is closed. A refresh that fails is
// tried again: a process that pages from an old directory pages the wrong people.
func (d *Directory) Run(ctx context.Context, changes <-chan string) {
	pause := d.Retry
	if pause == 0 {
		pause = 2 * time.Second
	}
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-changes:
			if !open {
				return
			}
		case <-again:
		}
		again = nil
		if err := d.Refresh(ctx); err != nil && ctx.Err() == nil {
			d.Log.ErrorContext(ctx, "directory not refreshed", "error", err)
			again = time.After(pause)
		}
	}
}
