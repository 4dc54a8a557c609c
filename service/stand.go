package service

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/fault"
)

// Stand is what the watchdog remembers from look to look: what it has found, what it has told, what it still owes. It
// is a value; whoever takes the watch over takes the stand over.
type Stand struct {
	Cases map[string]Case `json:"cases,omitempty"` // by the finding's key
	Owed  []Debt          `json:"owed,omitempty"`
	Polls map[string]Poll `json:"polls,omitempty"` // by queue
}

// Poll is when we noticed that a worker had asked a queue for work again. Comparing the server's instants with our
// clock instead would take a wrong clock for a dead worker.
type Poll struct {
	Last    time.Time `json:"last"` // by the server's clock
	Noticed time.Time `json:"noticed"`
}

// Case is one trouble from its first sight on.
type Case struct {
	Finding  Finding   `json:"finding"`
	Since    time.Time `json:"since"`           // seen first
	Told     time.Time `json:"told,omitzero"`   // zero: not yet
	Remind   time.Time `json:"remind,omitzero"` // when it is told again
	Reminded int       `json:"reminded,omitempty"`
	Clear    time.Time `json:"clear,omitzero"` // since then it is not seen any more
	Ended    time.Time `json:"ended,omitzero"` // told to be over
	Relapses int       `json:"relapses,omitempty"`
}

// Debt is a bulletin that one way has not taken yet.
type Debt struct {
	Way      string    `json:"way"`
	Bulletin Bulletin  `json:"bulletin"`
	Tries    int       `json:"tries,omitempty"`
	After    time.Time `json:"after,omitzero"`
}

// Bulletin is one message to the operators, about everything that changed in one look.
type Bulletin struct {
	Key   string    `json:"key"` // the same bulletin has the same key, however often it is sent
	At    time.Time `json:"at"`
	Began []Finding `json:"began,omitempty"`
	Still []Finding `json:"still,omitempty"`
	Over  []Finding `json:"over,omitempty"`
}

const (
	longCalm    = 32 * time.Minute
	relapseIn   = time.Hour // what comes again within this was never quite over, and must stay away longer
	firstRemind = 10 * time.Minute
	lastRemind  = time.Hour
	firstRetry  = 10 * time.Second
	lastRetry   = 5 * time.Minute
	debtAge     = time.Hour
	mostDebts   = 60
)

// Empty: nothing stands, nothing is owed.
func (s Stand) Empty() bool { return len(s.Cases) == 0 && len(s.Owed) == 0 }

// Judge compares a look with what is known, and answers what there is to tell: once when a trouble begins, again after
// 10, 20, 40 and then every 60 minutes, once when it is over. One that comes and goes is over only after it has stayed
// away for longer and longer.
func (s Stand) Judge(at time.Time, found []Finding, unseen func(Trouble) bool, calm time.Duration) (Stand, Bulletin) {
	cases := maps.Clone(s.Cases)
	if cases == nil {
		cases = map[string]Case{}
	}
	news := Bulletin{At: at}
	for _, f := range found {
		c, known := cases[f.Key]
		if !known {
			c = Case{Since: at}
		}
		if !c.Ended.IsZero() {
			c = Case{Since: at, Relapses: c.Relapses + 1}
		}
		c.Finding, c.Clear = f, time.Time{}
		switch {
		case c.Told.IsZero() && at.Sub(c.Since) >= f.Hold:
			c.Told, c.Remind = at, at.Add(firstRemind)
			news.Began = append(news.Began, f)
		case !c.Told.IsZero() && !at.Before(c.Remind):
			c.Reminded++
			c.Remind = at.Add(min(firstRemind<<min(c.Reminded, 10), lastRemind))
			news.Still = append(news.Still, f)
		}
		cases[f.Key] = c
	}
	for _, key := range slices.Sorted(maps.Keys(cases)) {
		c := cases[key]
		seen := slices.ContainsFunc(found, func(f Finding) bool { return f.Key == key })
		if seen || unseen(c.Finding.Trouble) {
			continue
		}
		switch {
		case c.Told.IsZero(), !c.Ended.IsZero() && at.Sub(c.Ended) > relapseIn:
			delete(cases, key)
			continue
		case !c.Ended.IsZero():
			continue
		case c.Clear.IsZero():
			c.Clear = at
		case at.Sub(c.Clear) >= min(calm<<min(c.Relapses, 10), longCalm):
			c.Ended = at
			news.Over = append(news.Over, c.Finding)
		}
		cases[key] = c
	}
	if news.empty() {
		s.Cases = cases
		return s, Bulletin{}
	}
	news.Key = "watchdog/" + at.UTC().Format("20060102T150405Z") + "/" + strings.Join(news.keys(), "+")
	s.Cases = cases
	return s, news
}

// Noticing compares the polls of queues with those known.
func (s Stand) Noticing(at time.Time, queues []contract.Queue) Stand {
	polls := maps.Clone(s.Polls)
	if polls == nil {
		polls = map[string]Poll{}
	}
	for _, q := range queues {
		if known, ok := polls[queueKey(q)]; !ok || !q.Polled.Equal(known.Last) {
			polls[queueKey(q)] = Poll{Last: q.Polled, Noticed: at}
		}
	}
	s.Polls = polls
	return s
}

func queueKey(q contract.Queue) string { return q.Name + "/" + string(q.Kind) }

// Owing adds a bulletin for every way that should carry it.
func (s Stand) Owing(b Bulletin, ways []Way) Stand {
	if b.empty() {
		return s
	}
	owed := slices.DeleteFunc(slices.Clone(s.Owed), func(d Debt) bool { return b.At.Sub(d.Bulletin.At) > debtAge })
	for _, way := range ways {
		if carried := b.carriedBy(way); !carried.empty() {
			owed = append(owed, Debt{Way: way.Name(), Bulletin: carried})
		}
	}
	s.Owed = owed[max(len(owed)-mostDebts, 0):]
	return s
}

func (s Stand) due(at time.Time) (due, later []Debt) {
	for _, d := range s.Owed {
		if d.After.After(at) {
			later = append(later, d)
		} else {
			due = append(due, d)
		}
	}
	return due, later
}

// Tried are debts as they are read: whoever kept them may have paid them, and not come to say so.
func (s Stand) Tried() Stand {
	s.Owed = slices.Clone(s.Owed)
	for n := range s.Owed {
		s.Owed[n].Tries = max(s.Owed[n].Tries, 1)
	}
	return s
}

// put is a debt after an attempt that failed.
func (d Debt) put(at time.Time) Debt {
	d.After = at.Add(min(firstRetry<<min(d.Tries, 10), lastRetry))
	d.Tries++
	return d
}

// Standing are the findings that were told and are not over, by key.
func (s Stand) Standing() []Finding {
	var standing []Finding
	for _, key := range slices.Sorted(maps.Keys(s.Cases)) {
		if c := s.Cases[key]; !c.Told.IsZero() && c.Ended.IsZero() {
			standing = append(standing, c.Finding)
		}
	}
	return standing
}

// Count is how many of each trouble stand.
func (s Stand) Count() map[Trouble]int {
	count := map[Trouble]int{}
	for _, f := range s.Standing() {
		count[f.Trouble]++
	}
	return count
}

func (s Stand) critical() bool { return critical(s.Standing()) }

func critical(some []Finding) bool {
	return slices.ContainsFunc(some, func(f Finding) bool { return f.Severity == Critical })
}

func (b Bulletin) empty() bool { return len(b.Began)+len(b.Still)+len(b.Over) == 0 }

func (b Bulletin) keys() (keys []string) {
	for _, f := range slices.Concat(b.Began, b.Still, b.Over) {
		keys = append(keys, f.Key)
	}
	return keys
}

// carriedBy leaves out what a loud way is spared.
func (b Bulletin) carriedBy(w Way) Bulletin {
	if !w.Loud() {
		return b
	}
	loud := func(some []Finding) []Finding {
		return slices.DeleteFunc(slices.Clone(some), func(f Finding) bool { return f.Severity != Critical })
	}
	b.Began, b.Still, b.Over = loud(b.Began), loud(b.Still), loud(b.Over)
	return b
}

// FromAll: every process tells it for itself, as none can hold the watch; one that can see whether it has been told
// already should look.
func (b Bulletin) FromAll() bool {
	return !b.empty() && !slices.ContainsFunc(slices.Concat(b.Began, b.Still, b.Over), func(f Finding) bool { return f.Trouble != NoPostgres })
}

// Subject is one line.
func (b Bulletin) Subject() string {
	switch {
	case len(b.Began) > 0:
		return "Belay is in trouble: " + troubles(b.Began)
	case len(b.Still) > 0:
		return "Belay is still in trouble: " + troubles(b.Still)
	}
	return "Belay: over: " + troubles(b.Over)
}

func troubles(some []Finding) string {
	var names []string
	for _, f := range some {
		if name := string(f.Trouble); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// Text is for a screen.
func (b Bulletin) Text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "Belay's watchdog, %s UTC. This is about the pager itself.\n", b.At.UTC().Format("2006-01-02 15:04:05"))
	for _, part := range []struct {
		head string
		some []Finding
	}{{"NOW", b.Began}, {"STILL", b.Still}, {"OVER", b.Over}} {
		for _, f := range part.some {
			fmt.Fprintf(&text, "\n%s (%s): %s\n", part.head, f.Severity, f.Words)
			if part.head != "OVER" {
				fmt.Fprintf(&text, "  Runbook: %s\n", f.Runbook)
			}
		}
	}
	if len(b.Began)+len(b.Still) > 0 {
		text.WriteString("\nUntil it is over, do not rely on pages: look who is on call and tell them by another way.\n")
	}
	return text.String()
}

// Short is for a phone: what is wrong, and which runbook.
func (b Bulletin) Short() string {
	text := b.Subject() + "."
	for _, f := range slices.Concat(b.Began, b.Still) {
		text += " " + f.Words
	}
	if len(b.Began)+len(b.Still) > 0 {
		text += " Runbook: watchdog.md."
	}
	const most = 450 // three parts of an SMS
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return text
}

func kindOfWay(name string) string {
	kind, _, _ := strings.Cut(name, " ")
	return kind
}

// watchState is what probes ask for, from other goroutines.
type watchState struct {
	mu       sync.Mutex
	last     time.Time // of the last look that saw something
	holding  bool
	dark     bool
	standing []Finding
	rhythm   time.Duration // from look to look
}

func (s *watchState) every(rhythm time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rhythm = rhythm
}

func (s *watchState) set(at time.Time, holding, dark bool, standing []Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.holding, s.dark, s.standing = at, holding, dark, standing
}

func (s *watchState) blind(at time.Time)               { s.set(at, false, true, nil) }
func (s *watchState) bystander(at time.Time)           { s.set(at, false, false, nil) }
func (s *watchState) looked(at time.Time, stand Stand) { s.set(at, true, false, stand.Standing()) }

// Well is for probes: the error says what stands, or that the watchdog does not see.
func (w *Watchdog) Well() error {
	w.state.mu.Lock()
	defer w.state.mu.Unlock()
	switch {
	case w.state.last.IsZero() || w.Now().Sub(w.state.last) > time.Minute+3*w.state.rhythm:
		return fault.New(fault.Unavailable, "the watchdog has not looked lately")
	case w.state.dark:
		return fault.New(fault.Unavailable, "the watchdog cannot read the database")
	case len(w.state.standing) > 0:
		return fault.New(fault.Unavailable, "the watchdog found: %s", troubles(w.state.standing))
	}
	return nil
}
