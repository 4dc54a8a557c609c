package service

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Windows keeps maintenance windows made by hand.
type Windows interface {
	List(ctx context.Context, endAfter time.Time) ([]org.Window, error)
	Create(ctx context.Context, w org.Window, deed Deed) (org.Window, error)
	End(ctx context.Context, w id.Window, deed Deed) error    // fault.NotFound; fault.Conflict: it is not open
	Cancel(ctx context.Context, w id.Window, deed Deed) error // fault.NotFound; fault.Conflict: it is over
}

// Maintenance announces work that makes noise.
type Maintenance struct {
	Organisation Organisation
	Windows      Windows
	Access       Access
	Now          func() time.Time
}

const longestMaintenance = 31 * 24 * time.Hour

// List answers the windows made by hand that are not over.
func (m *Maintenance) List(ctx context.Context, c Caller) ([]org.Window, error) {
	if err := m.Access.May(c, Read); err != nil {
		return nil, err
	}
	return m.Windows.List(ctx, m.Now())
}

// Create opens a window, now or later. What is open already stays open.
func (m *Maintenance) Create(ctx context.Context, c Caller, w org.Window) (org.Window, error) {
	if err := m.Access.May(c, Override); err != nil {
		return org.Window{}, err
	}
	now := m.Now()
	if w.From.IsZero() {
		w.From = now
	}
	if err := checkWindow(m.Organisation.Current().Org, w, now); err != nil {
		return org.Window{}, err
	}
	return m.Windows.Create(ctx, w, Deed{
		At: now, Actor: c.Actor(), Via: c.Via, Action: "window.create", Subject: "window", Reason: w.Reason,
		Detail: map[string]string{
			"name": w.Name, "services": fmt.Sprint(w.Services), "up_to": w.UpTo,
			"from": w.From.UTC().Format(time.RFC3339), "until": w.Until.UTC().Format(time.RFC3339),
		},
	})
}

// End ends an open window: what still fires pages now.
func (m *Maintenance) End(ctx context.Context, c Caller, w id.Window, reason string) error {
	return m.change(c, w, reason, "window.end", func(d Deed) error { return m.Windows.End(ctx, w, d) })
}

// Cancel takes a window back, open or not yet: what still fires pages now.
func (m *Maintenance) Cancel(ctx context.Context, c Caller, w id.Window, reason string) error {
	return m.change(c, w, reason, "window.cancel", func(d Deed) error { return m.Windows.Cancel(ctx, w, d) })
}

func (m *Maintenance) change(c Caller, w id.Window, reason, action string, do func(Deed) error) error {
	if err := m.Access.May(c, Override); err != nil {
		return err
	}
	return do(Deed{At: m.Now(), Actor: c.Actor(), Via: c.Via, Action: action, Subject: "window " + string(w), Reason: reason})
}

func checkWindow(o *org.Org, w org.Window, now time.Time) error {
	switch {
	case w.Until.IsZero() || !w.From.Before(w.Until):
		return fault.Field("until", "must come after from")
	case !now.Before(w.Until):
		return fault.Field("until", "is in the past")
	case w.Until.Sub(w.From) > longestMaintenance:
		return fault.Field("until", "a window made by hand lasts %d days at most: write longer ones into the blueprint", longestMaintenance/(24*time.Hour))
	case utf8.RuneCountInString(w.Name) > 200:
		return fault.Field("name", "200 characters at most")
	case utf8.RuneCountInString(w.Reason) > 500:
		return fault.Field("reason", "500 characters at most")
	}
	if err := knownSeverity(alert.Severity(w.UpTo)); err != nil {
		return fault.Field("up_to", "say the worst severity that it covers: critical, error, warning or info")
	}
	for i, s := range w.Services {
		if _, ok := o.Services[s]; !ok {
			return fault.Field(fmt.Sprintf("services[%d]", i), "there is no service %q", s)
		}
	}
	if w.When == "" {
		return nil
	}
	scope, err := expr.Events()
	if err != nil {
		return err
	}
	if _, err := scope.Compile(w.When, expr.Truth); err != nil {
		return fault.Field("when", "%v", err)
	}
	return nil
}
