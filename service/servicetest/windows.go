package servicetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

// Windows keeps maintenance windows.
type Windows struct {
	mu    sync.Mutex
	all   []org.Window
	Deeds []service.Deed
}

// List implements service.Windows.
func (w *Windows) List(_ context.Context, after time.Time) ([]org.Window, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []org.Window
	for _, one := range w.all {
		if one.Until.After(after) {
			out = append(out, one)
		}
	}
	return out, nil
}

// Create implements service.Windows.
func (w *Windows) Create(_ context.Context, made org.Window, deed service.Deed) (org.Window, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	made.ID = id.Window(fmt.Sprintf("W-%d", len(w.all)+1))
	w.all, w.Deeds = append(w.all, made), append(w.Deeds, deed)
	return made, nil
}

// End implements service.Windows.
func (w *Windows) End(_ context.Context, window id.Window, deed service.Deed) error {
	return w.change(window, deed, func(one *org.Window) bool {
		open := !deed.At.Before(one.From) && deed.At.Before(one.Until)
		one.Until = deed.At
		return open
	})
}

// Cancel implements service.Windows.
func (w *Windows) Cancel(_ context.Context, window id.Window, deed service.Deed) error {
	return w.change(window, deed, func(one *org.Window) bool {
		over := !deed.At.Before(one.Until)
		one.Until = one.From
		return !over
	})
}

func (w *Windows) change(window id.Window, deed service.Deed, do func(*org.Window) bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.all {
		if w.all[i].ID != window {
			continue
		}
		if !do(&w.all[i]) {
			return fault.New(fault.Conflict, "window %s is over", window)
		}
		w.Deeds = append(w.Deeds, deed)
		return nil
	}
	return fault.New(fault.NotFound, "window %s", window)
}
