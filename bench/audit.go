package bench

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Message is one request that a sink took: it answered that it has it. One that tells of several alerts is given once
// for each, with the same key and the same instant.
type Message struct {
	Key        string // the same key is the same message
	Title      string // of the alert, by which it is known what was sent
	Escalation string
	Person     string
	Page       bool // wants an answer; otherwise it informs
	Arrived    time.Time
	AnswerBy   time.Time // when the next step is due; zero: not said
}

// Sent is one alert that was accepted.
type Sent struct {
	Title    string
	Accepted time.Time // when the answer was here
	Joined   bool      // needs no message: a repeat, or taken at once
	Silent   time.Time // from here on nobody may be paged of it: its ack was answered; zero: never
}

// Auditor compares what was sent with what arrived. It knows nothing of Belay: not its tables, its timeline, nor its
// states. Its methods may be called from many goroutines.
type Auditor struct {
	mu   sync.Mutex
	sent map[string]Sent
	got  []Message
}

// Accepted notes an alert that was accepted, or more of what is known of it.
func (a *Auditor) Accepted(s Sent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sent == nil {
		a.sent = map[string]Sent{}
	}
	if known, ok := a.sent[s.Title]; ok {
		s.Joined = s.Joined && known.Joined
		if s.Silent.IsZero() {
			s.Silent = known.Silent
		}
		s.Accepted = known.Accepted
	}
	a.sent[s.Title] = s
}

// Silence notes that nobody may be paged of an alert any more.
func (a *Auditor) Silence(title string, from time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s, ok := a.sent[title]; ok && s.Silent.IsZero() {
		s.Silent = from
		a.sent[title] = s
	}
}

// Got notes what a sink took.
func (a *Auditor) Got(m ...Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got = append(a.got, m...)
}

// Findings are what is wrong, in titles and keys. Each list is sorted and has no doubles.
type Findings struct {
	Lost    []string // accepted, but nobody was told
	Twice   []string // messages that arrived more than once, by key
	Split   []string // one alert that became several escalations
	Late    []string // pages that arrived after the ack was answered, by key
	Unknown []string // messages of alerts that nobody sent
}

// Findings compares. Call it when everything that is to come has come.
func (a *Auditor) Findings() Findings {
	a.mu.Lock()
	defer a.mu.Unlock()
	var f Findings
	told, times, cases := map[string]bool{}, map[string]int{}, map[string]map[string]bool{} // by title, but times by key and title
	for _, m := range a.got {
		s, known := a.sent[m.Title]
		if !known {
			f.Unknown = append(f.Unknown, m.Title)
			continue
		}
		told[m.Title] = true
		about := m.Key + " " + m.Title // a digest tells of each alert once
		if times[about]++; times[about] > 1 {
			f.Twice = append(f.Twice, m.Key)
		}
		if cases[m.Title] == nil {
			cases[m.Title] = map[string]bool{}
		}
		cases[m.Title][m.Escalation] = true
		if m.Page && !s.Silent.IsZero() && m.Arrived.After(s.Silent) {
			f.Late = append(f.Late, m.Key)
		}
	}
	for title, s := range a.sent {
		if !told[title] && !s.Joined {
			f.Lost = append(f.Lost, title)
		}
		if len(cases[title]) > 1 {
			f.Split = append(f.Split, title)
		}
	}
	for _, list := range []*[]string{&f.Lost, &f.Twice, &f.Split, &f.Late, &f.Unknown} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return f
}

// OK says whether nothing is wrong.
func (f Findings) OK() bool {
	return len(f.Lost)+len(f.Twice)+len(f.Split)+len(f.Late)+len(f.Unknown) == 0
}

// String says what is wrong in one line: "2 lost (a, b), 1 twice (k)".
func (f Findings) String() string {
	if f.OK() {
		return "nothing lost, nothing twice"
	}
	var parts []string
	for _, finding := range []struct {
		list []string
		what string
	}{{f.Lost, "lost"}, {f.Twice, "sent twice"}, {f.Split, "split"}, {f.Late, "paged after the ack"}, {f.Unknown, "sent by nobody"}} {
		if n := len(finding.list); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (%s)", n, finding.what, some(finding.list)))
		}
	}
	return strings.Join(parts, ", ")
}

func some(list []string) string {
	if len(list) > 3 {
		return strings.Join(list[:3], ", ") + ", …"
	}
	return strings.Join(list, ", ")
}
