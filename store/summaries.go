package store

import (
	"sync"

	"github.com/belayhq/belay/core/escalation"
)

// Summaries are rows as they were read last, by process. A row is as it was while its version is the same; the start page reads a
// thousand of them again and again, of which few have changed.
type Summaries struct {
	mu  sync.Mutex
	all map[int64]summarised
}

// version of a row: its last entry, and how often it was shown since. No two contents of a row have the same.
type version struct{ seq, looks int32 }

type summarised struct {
	version
	escalation.Summary
}

// mostSummaries bounds what is kept, to some megabytes. Beyond it everything is forgotten, and read again.
const mostSummaries = 5000

// known are those that have not changed, and the numbers of those that must be read.
func (s *Summaries) known(rows []listed) (known map[int64]summarised, missing []int64) {
	known = make(map[int64]summarised, len(rows))
	if s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	for _, row := range rows {
		if s != nil {
			if kept, ok := s.all[row.Number]; ok && kept.version == row.version {
				known[row.Number] = kept
				continue
			}
		}
		missing = append(missing, row.Number)
	}
	return known, missing
}

func (s *Summaries) keep(number int64, row summarised) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil || len(s.all) >= mostSummaries {
		s.all = map[int64]summarised{}
	}
	s.all[number] = row
}
