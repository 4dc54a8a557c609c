package chaos

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/bench"
)

// Auditor says what became of alerts. It knows what senders sent, what people were told, what people answered and what
// they heard, when something was broken, and, in the end, the timelines that the API shows. It knows nothing of how Belay
// works. Its methods may be called from many goroutines.
type Auditor struct {
	Grace    time.Duration // how late a step may be after everything runs again
	NoTiming bool          // lateness is measured, and is nobody's fault

	mu      sync.Mutex
	alerts  map[string]*Alert
	told    []Message
	outages []Outage
	records map[string]Record // by escalation
}

// Alert is what is known of one alert outside Belay.
type Alert struct {
	Title    string
	Accepted time.Time // the first answer of 2xx
	Ladder   Ladder
	Ended    time.Time // a person began to answer, or its monitor to resolve it: no further step is owed
	Acked    time.Time // the answer was here: nobody may be paged any more
	Said     bool      // somebody answered it: its timeline must know
	Over     time.Time // its end was accepted
}

// Ladder is what an alert owes to its people while nobody answers.
type Ladder struct {
	Rungs int           // how many people or groups are called; the last one waits for ever
	Step  time.Duration // how long each waits for an answer
}

// Message is something that a person was told.
type Message struct {
	bench.Message
	Rung int    // 1 for the first; 0: it is no step of a ladder
	Step string // what would be told twice: "E-42/t1/ana/mobile"
}

// Outage is a time during which something did not run. Steps are not due in it.
type Outage struct {
	What  string
	From  time.Time
	Again time.Time // it was started again
	To    time.Time // it was ready
}

// Record is an escalation as the API shows it in the end.
type Record struct {
	Escalation string
	Title      string
	State      string
	Entries    []Entry
}

// opened: a number that was given up before it was used, in favour of another, is no escalation.
func (r Record) opened() bool {
	return slices.ContainsFunc(r.Entries, func(e Entry) bool { return e.Kind == "opened" })
}

// Entry is one line of a timeline.
type Entry struct {
	Seq  int       `json:"seq"`
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Key  string    `json:"key"`
	Text string    `json:"text"`
}

// Accepted notes that a sender heard 2xx. The first time counts.
func (a *Auditor) Accepted(title string, ladder Ladder, at time.Time) {
	a.change(title, func(x *Alert) {
		if x.Accepted.IsZero() {
			x.Accepted, x.Ladder = at, ladder
		}
	})
}

// Ending notes that somebody is about to answer, or its monitor to resolve it.
func (a *Auditor) Ending(title string, at time.Time) {
	a.change(title, func(x *Alert) {
		if x.Ended.IsZero() {
			x.Ended = at
		}
	})
}

// Acked notes that a person has heard that it is theirs.
func (a *Auditor) Acked(title string, at time.Time) {
	a.change(title, func(x *Alert) {
		x.Said = true
		if x.Acked.IsZero() {
			x.Acked = at
		}
	})
}

// Said notes that an answer was taken, but not yet by whom it is for.
func (a *Auditor) Said(title string) { a.change(title, func(x *Alert) { x.Said = true }) }

// Over notes that its end was accepted.
func (a *Auditor) Over(title string, at time.Time) {
	a.change(title, func(x *Alert) {
		if x.Over.IsZero() {
			x.Over = at
		}
	})
}

func (a *Auditor) change(title string, how func(*Alert)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.alerts == nil {
		a.alerts = map[string]*Alert{}
	}
	if a.alerts[title] == nil {
		a.alerts[title] = &Alert{Title: title}
	}
	how(a.alerts[title])
}

// Told notes what a person was told.
func (a *Auditor) Told(m Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, m)
}

// Broke notes that something stopped running at an instant, and returns who is to be told when it runs again: since
// when it was being started, and since when it was ready.
func (a *Auditor) Broke(what string, from time.Time) (mended func(again, ready time.Time)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outages = append(a.outages, Outage{What: what, From: from})
	i := len(a.outages) - 1
	return func(again, ready time.Time) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.outages[i].Again, a.outages[i].To = again, ready
	}
}

// Recorded replaces what the API shows.
func (a *Auditor) Recorded(all []Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.records = map[string]Record{}
	for _, r := range all {
		a.records[r.Escalation] = r
	}
}

// Findings are what is wrong, in titles and keys, and how late the latest step was. Lists are sorted, without doubles.
type Findings struct {
	Lost       []string // accepted, and neither told to anybody nor ended
	Stopped    []string // alerts whose ladder stopped climbing before anybody answered
	Twice      []string // steps that somebody was told twice
	Split      []string // alerts that became several escalations
	After      []string // pages after the answer was heard, or after the end, by key
	Unknown    []string // messages of alerts that nobody sent
	Late       []string // steps beyond the grace
	Gaps       []string // timelines with a number missing, or out of order
	Unrecorded []string // messages and answers that no timeline has
	Undone     []string // accepted ends that did not end it

	Worst  time.Duration // how late the latest step was
	Alerts int           // accepted
	Told   int           // messages
	Steps  int           // whose lateness is known
}

// Findings compares. Call it when everything that is to come has come.
func (a *Auditor) Findings() Findings {
	a.mu.Lock()
	defer a.mu.Unlock()
	outages := slices.Clone(a.outages)
	slices.SortFunc(outages, func(x, y Outage) int { return x.From.Compare(y.From) })
	f := Findings{Told: len(a.told)}
	a.senders(&f, outages)
	a.steps(&f, outages)
	a.timelines(&f)
	for _, list := range f.lists() {
		slices.Sort(*list.keys)
		*list.keys = slices.Compact(*list.keys)
	}
	return f
}

// senders compares what was sent with what arrived, as the bench does.
func (a *Auditor) senders(f *Findings, outages []Outage) {
	var both bench.Auditor
	for _, x := range a.alerts {
		if x.Accepted.IsZero() {
			continue // perhaps it was taken, but nobody was promised anything
		}
		f.Alerts++
		both.Accepted(bench.Sent{Title: x.Title, Accepted: x.Accepted, Joined: !x.Ended.IsZero(), Silent: x.Acked})
	}
	steps := map[string]string{}
	for _, m := range a.told {
		if x := a.alerts[m.Title]; x != nil && x.Accepted.IsZero() {
			continue
		}
		both.Got(m.Message)
		if known, ok := steps[m.Step]; ok && m.Step != "" && known != m.Key {
			f.Twice = append(f.Twice, known+" and "+m.Key)
		}
		steps[m.Step] = m.Key
		x := a.alerts[m.Title]
		if x != nil && m.Page && !x.Over.IsZero() && m.Arrived.After(ready(x.Over, a.patience(), outages).Add(a.patience())) {
			f.After = append(f.After, m.Key)
		}
		if x != nil && m.Page && passedDuring(x, outages) {
			f.After = append(f.After, m.Key+" (over before anybody could be told)")
		}
	}
	found := both.Findings()
	f.Lost, f.Split, f.Unknown = found.Lost, found.Split, found.Unknown
	f.Twice = append(f.Twice, found.Twice...)
	f.After = append(f.After, found.Late...)
}

// passedDuring says whether an alert came and went while Temporal was away: nobody need hear of it.
func passedDuring(x *Alert, outages []Outage) bool {
	return !x.Over.IsZero() && slices.ContainsFunc(outages, func(o Outage) bool {
		return o.What == "temporal" && x.Accepted.After(o.From) && x.Over.Before(o.Again)
	})
}

// patience is how long something that was accepted may take to have its effect once everything runs.
func (a *Auditor) patience() time.Duration {
	if a.NoTiming {
		return max(12*a.Grace, time.Minute)
	}
	return a.Grace
}

// ready is from when on something due at an instant can be expected: the instant, or when all that was broken then, or
// broke before the grace was over, ran again. What never ran again is never ready.
func ready(due time.Time, grace time.Duration, outages []Outage) time.Time {
	for _, o := range outages { // by their beginning
		if o.From.After(due.Add(grace)) {
			break
		}
		if o.To.IsZero() {
			return due.Add(math.MaxInt64)
		}
		if o.To.After(due) {
			due = o.To
		}
	}
	return due
}

// steps finds ladders that stood still and steps that came late. That somebody of a later rung was told instead is no
// mistake: nobody is called for a rung whose time has passed.
func (a *Auditor) steps(f *Findings, outages []Outage) {
	pages := map[string][]Message{}
	for _, m := range a.told {
		if m.Page && m.Rung > 0 {
			pages[m.Title] = append(pages[m.Title], m)
		}
	}
	for _, x := range a.alerts {
		if x.Accepted.IsZero() {
			continue
		}
		due := x.Accepted
		for rung := 1; rung <= x.Ladder.Rungs; rung++ {
			first, came := reached(pages[x.Title], rung)
			from := ready(due, a.Grace, outages)
			owed := x.Ended.IsZero() || x.Ended.After(from.Add(a.Grace))
			if !came {
				if x.Ended.IsZero() {
					f.Stopped = append(f.Stopped, fmt.Sprintf("%s before rung %d", x.Title, rung))
				} else if owed {
					a.late(f, fmt.Sprintf("%s rung %d never", x.Title, rung), x.Ended.Sub(from))
				}
				break
			}
			if owed || first.Arrived.Before(x.Ended) {
				a.late(f, first.Key, first.Arrived.Sub(from))
			}
			rung = first.Rung
			due = first.Arrived.Add(x.Ladder.Step)
			if !first.AnswerBy.IsZero() && first.AnswerBy.Before(due) {
				due = first.AnswerBy
			}
		}
	}
}

func (a *Auditor) late(f *Findings, step string, by time.Duration) {
	f.Steps++
	f.Worst = max(f.Worst, by)
	if by > a.Grace {
		f.Late = append(f.Late, fmt.Sprintf("%s by %s", step, by.Round(100*time.Millisecond)))
	}
}

// reached is the first page of a rung, or of one above it.
func reached(pages []Message, rung int) (Message, bool) {
	pages = slices.DeleteFunc(slices.Clone(pages), func(m Message) bool { return m.Rung < rung })
	if len(pages) == 0 {
		return Message{}, false
	}
	return slices.MinFunc(pages, func(x, y Message) int {
		return cmp.Or(cmp.Compare(x.Rung, y.Rung), x.Arrived.Compare(y.Arrived))
	}), true
}

// timelines holds the records against what was told and answered.
func (a *Auditor) timelines(f *Findings) {
	if a.records == nil {
		return
	}
	ofTitle, known := map[string][]Record{}, map[string]map[string]bool{}
	for _, r := range a.records {
		if r.opened() {
			ofTitle[r.Title] = append(ofTitle[r.Title], r)
		}
		known[r.Escalation] = map[string]bool{}
		for i, e := range r.Entries {
			known[r.Escalation][e.Key] = true
			if e.Seq != i+1 {
				f.Gaps = append(f.Gaps, fmt.Sprintf("%s: entry %d has number %d", r.Escalation, i+1, e.Seq))
				break
			}
			if i > 0 && e.At.Before(r.Entries[i-1].At) {
				f.Gaps = append(f.Gaps, fmt.Sprintf("%s: entry %d is older than the one before", r.Escalation, e.Seq))
				break
			}
		}
		if len(r.Entries) == 0 {
			f.Gaps = append(f.Gaps, r.Escalation+": no entries")
		}
	}
	for _, m := range a.told {
		if a.alerts[m.Title] != nil && m.Step != "" && !known[m.Escalation][m.Key] {
			f.Unrecorded = append(f.Unrecorded, m.Key)
		}
	}
	for _, x := range a.alerts {
		records := ofTitle[x.Title]
		if x.Accepted.IsZero() {
			continue
		}
		switch len(records) {
		case 0:
			f.Unrecorded = append(f.Unrecorded, x.Title)
			continue
		case 1:
		default:
			f.Split = append(f.Split, x.Title)
		}
		r := records[0]
		if x.Said && !slices.ContainsFunc(r.Entries, func(e Entry) bool {
			return e.Kind == "acknowledged" || e.Kind == "refused" // overtaken by the end, which is said there
		}) {
			f.Unrecorded = append(f.Unrecorded, "ack of "+x.Title)
		}
		if !x.Over.IsZero() && r.State != "resolved" && r.State != "closed" {
			f.Undone = append(f.Undone, fmt.Sprintf("%s (%s) is %s", r.Escalation, x.Title, r.State))
		}
	}
}

// dump writes all that is known, for whoever looks for the reason.
func (a *Auditor) dump(path string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	raw, err := json.MarshalIndent(map[string]any{"alerts": a.alerts, "told": a.told, "outages": a.outages, "records": a.records}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

type finding struct {
	keys *[]string
	what string
}

func (f *Findings) lists() []finding {
	return []finding{
		{&f.Lost, "lost"}, {&f.Stopped, "stopped climbing"}, {&f.Twice, "told twice"}, {&f.Split, "split"}, {&f.After, "paged after the end"},
		{&f.Unknown, "sent by nobody"}, {&f.Gaps, "timelines with gaps"}, {&f.Unrecorded, "not on record"}, {&f.Undone, "not ended"}, {&f.Late, "late"},
	}
}

// Mistakes counts what is wrong whatever the time; lateness is another matter.
func (f Findings) Mistakes() int {
	n := -len(f.Late)
	for _, list := range f.lists() {
		n += len(*list.keys)
	}
	return n
}

// Recording says whether only the records are wrong: they may still be written.
func (f Findings) Recording() bool {
	return len(f.Gaps)+len(f.Unrecorded)+len(f.Undone) > 0
}

// String says what is wrong in one line: "2 lost (a, b), 1 told twice (k)".
func (f Findings) String() string {
	var parts []string
	for _, list := range f.lists() {
		if n := len(*list.keys); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (%s)", n, list.what, some(*list.keys)))
		}
	}
	if len(parts) == 0 {
		return "nothing lost, nothing twice, nothing after the end, every timeline complete"
	}
	return strings.Join(parts, ", ")
}

func some(list []string) string {
	if len(list) > 3 {
		return strings.Join(list[:3], ", ") + ", …"
	}
	return strings.Join(list, ", ")
}
