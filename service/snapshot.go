package service

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
)

// Snapshots keep the organisation beside the process.
type Snapshots interface {
	Save(s Snapshot) error
	Load() (Snapshot, error) // fault.NotFound when nothing was saved
}

// Snapshot is the organisation as it was read: what a process begins with that finds no records.
type Snapshot struct {
	Revision  Revision       `json:"revision"`
	Overrides []org.Override `json:"overrides"`
	Windows   []org.Window   `json:"windows,omitempty"`
	Barred    []BarredWay    `json:"barred"`
	ReadAt    time.Time      `json:"read_at"`
}

// BarredWay is a method that must not be used.
type BarredWay struct {
	Person id.Person `json:"person"`
	Method id.Method `json:"method"`
	Reason string    `json:"reason"`
}

// Recall takes the organisation from beside the process, until a refresh succeeds. fault.NotFound when nothing is kept.
func (d *Directory) Recall() (Snapshot, error) {
	if d.Beside == nil {
		return Snapshot{}, fault.New(fault.NotFound, "nothing is kept beside this process")
	}
	s, err := d.Beside.Load()
	if err != nil {
		return s, err
	}
	o, err := d.parse(s.Revision)
	if err != nil {
		return s, err
	}
	barred := make(map[policy.Way]string, len(s.Barred))
	for _, b := range s.Barred {
		barred[policy.Way{Person: b.Person, Method: b.Method}] = b.Reason
	}
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	d.recalled.Store(&s.ReadAt)
	d.current.Store(&policy.Directory{
		Revision: s.Revision.Hash, Org: o, Live: policy.Live{Overrides: s.Overrides, Windows: s.Windows, Barred: barred},
	})
	return s, nil
}

// Fresh is an error while the organisation is the one that was kept beside the process: it may have changed since.
func (d *Directory) Fresh(context.Context) error {
	if at := d.recalled.Load(); at != nil {
		return fault.New(fault.Unavailable, "the organisation is the one read at %s", at.UTC().Format(time.RFC3339))
	}
	return nil
}

// remember keeps what was read, when it is something else than was kept. A disk that refuses is no reason not to page.
func (d *Directory) remember(r Revision, live policy.Live, at time.Time) {
	d.recalled.Store(nil)
	if d.Beside == nil {
		return
	}
	s := Snapshot{Revision: r, Overrides: live.Overrides, Windows: live.Windows}
	for way, reason := range live.Barred {
		s.Barred = append(s.Barred, BarredWay{Person: way.Person, Method: way.Method, Reason: reason})
	}
	slices.SortFunc(s.Barred, func(a, b BarredWay) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), cmp.Compare(a.Method, b.Method))
	})
	content, err := json.Marshal(s)
	if err == nil && bytes.Equal(content, d.kept) {
		return
	}
	s.ReadAt = at
	if err == nil {
		err = d.Beside.Save(s)
	}
	if err != nil {
		d.Log.Error("the organisation was not kept beside this process: it cannot start without the database", "error", fmt.Errorf("keep revision %s: %w", r.Hash, err))
		return
	}
	d.kept = content
}
