package web

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/sla"
	"github.com/belayhq/belay/service"
)

// clock is a promise as a bar along the time of the wall. What lies outside business hours and what was a pause is
// drawn as such: there it does not count.
type clock struct {
	Key    string // tells the bars of a page apart
	Name   string // Answer, Update or Resolve; empty: it is called Own
	Own    string // as the blueprint calls it
	From   time.Time
	Until  time.Time     // when it is due; zero: it stands, and Left is what is left
	Left   time.Duration // of what counts
	Hours  *org.Calendar // nil: around the clock
	Stands []sla.Segment // pauses, the last of which may last
	Warn   time.Time     // when its warning is due, or was; zero: it has none
	Held   time.Time     // a snooze that keeps what is due from happening before it ends; zero: none
}

// widest is how wide a bar is drawn, in its own units.
const widest = 1000

// mostShades bounds what is drawn on one bar: on a promise of years single nights are not to be seen.
const mostShades = 200

// clocks that run now, those of the ladder before those of the ticket.
func (st story) clocks(o *org.Org) []clock {
	var all []clock
	add := func(name string, from, until time.Time) {
		if until.IsZero() || !live(st.State) || !from.Before(until) {
			return
		}
		c := clock{Key: strings.ToLower(name), Name: name, From: from, Until: until, Held: st.SnoozedUntil}
		if hours, known := o.Calendars[st.Ahead.Calendar]; known {
			c.Hours = &hours
		}
		all = append(all, c)
	}
	if st.Next.Action == "climb" {
		add("Answer", st.since(escalation.EntryTier, st.OpenedAt), st.Next.At)
	}
	add("Update", st.since(escalation.EntryNoted, st.AcknowledgedAt), st.UpdateBy)
	add("Resolve", st.OpenedAt, st.ResolveBy)
	for n, c := range st.Promises {
		if c.End == sla.Running && !c.Started().IsZero() {
			all = append(all, promised(c, n))
		}
	}
	return all
}

// promised is a clock of the ticket.
func promised(c sla.Clock, n int) clock {
	bar := clock{Key: "promise-" + strconv.Itoa(n+1), Own: c.Name, From: c.Started(), Hours: c.Hours}
	for _, s := range c.Segments {
		if s.Paused {
			bar.Stands = append(bar.Stands, s)
		}
	}
	if due, seen := c.Due(); seen {
		bar.Until = due
	} else if last := c.Segments[len(c.Segments)-1]; last.Paused {
		bar.Left = max(0, c.Target-c.Elapsed(last.From))
	}
	if at, warns := c.Warning(); warns {
		bar.Warn = at
	}
	return bar
}

// since is when the last entry of a kind was made, or otherwise, whichever is later.
func (st story) since(kind escalation.EntryKind, otherwise time.Time) time.Time {
	for i := len(st.Entries) - 1; i >= 0; i-- {
		if st.Entries[i].Kind == kind && st.Entries[i].At.After(otherwise) {
			return st.Entries[i].At
		}
	}
	return otherwise
}

// promises are the clocks of the ticket that an escalation watches. A page is shown without them: they are a help, not
// the record.
func (s *Site) promises(ctx context.Context, c service.Caller, e escalation.Summary) []sla.Clock {
	if s.Promises == nil || e.Ticket == "" || !live(e.State) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, aheadWithin)
	defer cancel()
	clocks, err := s.Promises.Clocks(ctx, c, e.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		s.Log.DebugContext(ctx, "the clocks of a ticket are not shown", "escalation", e.ID, "error", err)
	}
	return clocks
}

// end is the right end of the bar: when it is due or, once that has passed or cannot be seen, now.
func (c clock) end(now time.Time) time.Time {
	switch {
	case c.Until.IsZero():
		return now.Add(c.Left)
	case c.Until.Before(now):
		return now
	}
	return c.Until
}

// stretch is a part of a bar.
type stretch struct{ X, W int }

func (c clock) stretch(from, until, now time.Time) (stretch, bool) {
	whole := c.end(now).Sub(c.From)
	if whole <= 0 {
		return stretch{}, false
	}
	at := func(t time.Time) int {
		return int(widest * min(1, max(0, float64(t.Sub(c.From))/float64(whole))))
	}
	s := stretch{X: at(from), W: at(until) - at(from)}
	return s, s.W > 0
}

// passed is how far the bar is filled.
func (c clock) passed(now time.Time) int {
	s, _ := c.stretch(c.From, now, now)
	return s.W
}

// closed are the parts outside business hours.
func (c clock) closed(now time.Time) []stretch {
	if c.Hours == nil {
		return nil
	}
	var all []stretch
	shut := c.From
	add := func(until time.Time) {
		if s, seen := c.stretch(shut, until, now); seen {
			all = append(all, s)
		}
	}
	for _, open := range calendar.Hours(*c.Hours, c.From, c.end(now)) {
		add(open.From)
		shut = open.Until
	}
	add(c.end(now))
	if len(all) > mostShades {
		return nil
	}
	return all
}

// stood are the parts in which it was paused.
func (c clock) stood(now time.Time) []stretch {
	var all []stretch
	for _, s := range c.Stands {
		until := s.Until
		if until.IsZero() {
			until = now
		}
		if part, seen := c.stretch(s.From, until, now); seen {
			all = append(all, part)
		}
	}
	return all
}

// due is where the bar is broken once its end has passed; false before.
func (c clock) due(now time.Time) (int, bool) {
	if c.Until.IsZero() || c.Until.After(now) {
		return 0, false
	}
	s, _ := c.stretch(c.From, c.Until, now)
	return s.W, true
}

// used is how much of what counts has passed, in percent; it may be more than a hundred.
func (c clock) used(now time.Time) int {
	counted := func(from, until time.Time) time.Duration {
		d := until.Sub(from)
		if c.Hours != nil {
			d = calendar.Elapsed(*c.Hours, from, until)
		}
		return max(0, d)
	}
	used, whole := counted(c.From, now), counted(c.From, c.end(now))
	if !c.Until.IsZero() {
		whole = counted(c.From, c.Until)
	}
	for _, s := range c.Stands {
		until := s.Until
		if until.IsZero() {
			until = now
		}
		used, whole = used-counted(s.From, until), whole-counted(s.From, until)
	}
	if c.Until.IsZero() {
		whole = used + c.Left
	}
	if whole <= 0 {
		return 100
	}
	return int(100 * float64(max(0, used)) / float64(whole))
}

// paused says why it does not count now.
func (c clock) paused(now time.Time) (reason string, stands bool) {
	for _, s := range c.Stands {
		if s.Until.IsZero() && !s.From.After(now) {
			return s.Reason, true
		}
	}
	return "", false
}

// name of a clock in the reader's language.
func (f frame) clockName(c clock) string {
	if c.Name == "" {
		return shorten(c.Own, 60)
	}
	return f.t(c.Name)
}

// stands says in words what the bar shows besides how far it is: a pause and why, a warning, a breach, closed hours.
func (f frame) stands(c clock) []string {
	var all []string
	if reason, paused := c.paused(f.Now); paused {
		all = append(all, f.t("Stands: %s", f.pauseReason(reason)))
		if c.Until.IsZero() {
			all = append(all, f.t("%s left when it goes on", f.span(c.Left)))
		}
	} else if c.Hours != nil && !calendar.Open(*c.Hours, f.Now) {
		if opens, ok := calendar.NextOpen(*c.Hours, f.Now); ok {
			all = append(all, f.t("Outside business hours: counts again from %s", f.instant(opens)))
		}
	}
	if c.Held.After(f.Now) {
		all = append(all, f.t("Snoozed: nothing is done about it before %s", f.instant(c.Held)))
	}
	switch {
	case !c.Until.IsZero() && !c.Until.After(f.Now):
		all = append(all, f.t("Broken since %s", f.instant(c.Until)))
	case !c.Warn.IsZero() && !c.Warn.After(f.Now):
		all = append(all, f.t("Warned at %s", f.instant(c.Warn)))
	}
	return all
}

// instant is when, on the reader's clock or, when that is not known, in UTC and saying so.
func (f frame) instant(at time.Time) string {
	if f.Zone == nil {
		return f.when(at, nil) + " UTC"
	}
	return f.when(at, f.Zone)
}

// pauseReason is the state of a ticket in the reader's language; what its system calls a reason stays as it is.
func (f frame) pauseReason(reason string) string {
	switch reason {
	case "waiting":
		return f.t("the ticket waits")
	case "solved":
		return f.t("the ticket is solved")
	case "":
		return f.t("no reason given")
	}
	return shorten(reason, 80)
}

// clockSaid is what a screen reader says of a bar.
func (f frame) clockSaid(c clock) string {
	said := []string{f.t("%s: %d percent used", f.clockName(c), c.used(f.Now))}
	if !c.Until.IsZero() {
		said = append(said, f.t("due %s", f.instant(c.Until)))
	}
	if c.Hours != nil {
		said = append(said, f.t("only business hours count"))
	}
	return strings.Join(append(said, f.stands(c)...), ", ")
}

func (s stretch) x() string     { return strconv.Itoa(s.X) }
func (s stretch) width() string { return strconv.Itoa(s.W) }

// untilData is for the script, which fills bars that run; empty for one that stands.
func (c clock) untilData() string {
	if c.Until.IsZero() {
		return ""
	}
	return rfc3339(c.Until)
}

// warnAt is where the bar warns.
func (c clock) warnAt(now time.Time) (string, bool) {
	if c.Warn.IsZero() || c.Warn.Before(c.From) || c.Warn.After(c.end(now)) {
		return "", false
	}
	s, _ := c.stretch(c.From, c.Warn, now)
	return strconv.Itoa(min(widest-4, s.W)), true
}

// calendarOf is on whose hours the present tier counts.
func calendarOf(state escalation.State) id.Calendar {
	if state.Aside != nil {
		return state.Aside.Calendar
	}
	return state.Plan.At(state.Tier).Calendar
}

// turns are what changes about the clocks of a page by itself: words appear and go, while bars are filled by the script.
func (f frame) turns(st story) []any {
	var all []any
	for _, c := range st.clocks(f.org) {
		all = append(all, c.Key, c.Own, c.Until, f.stands(c), c.Stands)
	}
	return all
}
