package service

import (
	"context"
	"hash/fnv"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
)

// Watchdog looks at Belay from beside it: it reads the record, asks the engine only to compare, and tells those who
// operate Belay by ways that share nothing with escalations. It runs in every process; the one that holds the watch
// acts, another takes over when it dies. While the database is away nobody can hold it, and everyone says so alone.
type Watchdog struct {
	Holder  string // names this process among those that watch, "host/pid/…"
	Records WatchRecords
	Engine  WatchEngine // nil: it cannot be asked from here
	Ways    []Way
	Pulse   Pulse // nil: no heartbeat
	Gauges  WatchGauges
	Now     func() time.Time
	Log     *slog.Logger

	Limits WatchLimits // zero values take the defaults

	alone    Stand // what this process finds while nobody can hold the watch
	held     bool  // the watch, at the last look that saw the database
	compared time.Time
	beaten   time.Time
	begun    time.Time // of the first look
	state    watchState
}

// WatchLimits say what the watchdog puts up with. Zero values take the defaults.
type WatchLimits struct {
	Every   time.Duration // from look to look: 10 s
	Compare time.Duration // from one comparison of all open rows with the engine to the next: 30 s
	Beat    time.Duration // from heartbeat to heartbeat: 30 s
	Grace   time.Duration // how late a step may be, how long accepted work may wait, how long a start may take: 60 s
	Turns   time.Duration // how long a start that is not urgent may wait for its turn in a storm: ten times Grace
	Away    time.Duration // how long PostgreSQL, Temporal or every worker may be away, for a restart: 60 s
	Queue   time.Duration // how long a task may wait for a worker: 30 s
	Poll    time.Duration // how old the last poll may be: 75 s, since a poll lasts a minute and is noted at both ends
	Settle  time.Duration // after its own start it gives the rest of the house time to catch up: 30 s
	Calm    time.Duration // a trouble is over when it has not been seen for so long: 60 s
}

// WatchRecords is the database as the watchdog needs it.
type WatchRecords interface {
	// Take holds the watch for a term and returns what whoever held it last has found. Not mine: somebody else watches.
	// Who compares with the engine is preferred.
	Take(ctx context.Context, holder string, term time.Duration, compares bool) (stand Stand, mine bool, err error)
	// Keep stores what the holder has found; not mine: it holds the watch no longer.
	Keep(ctx context.Context, holder string, s Stand) (mine bool, err error)
	// Yield gives the watch up.
	Yield(ctx context.Context, holder string) error
	// Overdue lists escalations past their next action, or never recorded, by more than grace; at most limit of each.
	Overdue(ctx context.Context, grace time.Duration, limit int) ([]id.Escalation, error)
	// Waiting counts accepted work older than grace that nobody has done; starts of P3 and below, which stand back in a
	// storm, when they are older than turns.
	Waiting(ctx context.Context, grace, turns time.Duration) ([]Waiting, error)
	// Live lists escalations, open for longer than age, that should have a workflow.
	Live(ctx context.Context, age time.Duration, limit int) ([]id.Escalation, error)
	// StillLive leaves out those that are over by now.
	StillLive(ctx context.Context, some []id.Escalation) ([]id.Escalation, error)
}

// Waiting is work of one kind that waits too long.
type Waiting struct {
	What  string // "events", "errands", "starts" that are not urgent
	Found int    // up to some thousand are counted
	Since time.Time
}

// WatchEngine is the engine as the watchdog needs it. Errors mean that it cannot be asked.
type WatchEngine interface {
	// Running lists the escalations whose workflows run, as far as an index knows that may be some seconds behind.
	Running(ctx context.Context) (map[id.Escalation]bool, error)
	// Run says what became of one, without delay.
	Run(ctx context.Context, e id.Escalation) (contract.Run, error)
	// State is what a worker answers for an escalation.
	State(ctx context.Context, e id.Escalation) (escalation.Summary, error)
	Queues(ctx context.Context) ([]contract.Queue, error)
}

// Way is one way to the operators.
type Way interface {
	Name() string // "webhook 1", "mail", "sms 2": never an address
	// Loud ways are spared what is not critical.
	Loud() bool
	// Tell delivers once. Again: an earlier attempt may have arrived.
	Tell(ctx context.Context, b Bulletin, again bool) error
}

// Pulse is a dead man's switch outside: it raises the alarm when it no longer hears from us.
type Pulse interface {
	Beat(ctx context.Context) error
}

// WatchGauges show what the watchdog does.
type WatchGauges interface {
	Looked(at time.Time, holding bool, standing map[Trouble]int)
	Told(way string, well bool)
	Beaten(well bool)
}

const (
	lookWithin = 8 * time.Second
	tellWithin = 15 * time.Second
	beatWithin = 5 * time.Second
	// watchTerm outlives a slow look and the telling after it, and is all that the death of a holder costs.
	watchTerm = 35 * time.Second
)

// Run looks until ctx ends, then gives the watch up so that another process has it at once.
func (w *Watchdog) Run(ctx context.Context) {
	tick := time.NewTicker(w.Limits.complete().Every)
	defer tick.Stop()
	for {
		w.Look(ctx)
		select {
		case <-ctx.Done():
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = w.Records.Yield(bounded, w.Holder) // else it passes when the term ends
			return
		case <-tick.C:
		}
	}
}

func (l WatchLimits) complete() WatchLimits {
	for value, usual := range map[*time.Duration]time.Duration{
		&l.Every: 10 * time.Second, &l.Compare: 30 * time.Second, &l.Beat: 30 * time.Second, &l.Grace: time.Minute,
		&l.Away: time.Minute, &l.Queue: 30 * time.Second, &l.Poll: 75 * time.Second, &l.Settle: 30 * time.Second, &l.Calm: time.Minute,
	} {
		if *value == 0 {
			*value = usual
		}
	}
	if l.Turns == 0 {
		l.Turns = 10 * l.Grace
	}
	return l
}

// Look looks once, tells what there is to tell, and beats when all is well.
func (w *Watchdog) Look(ctx context.Context) {
	if w.begun.IsZero() {
		w.Limits, w.begun = w.Limits.complete(), w.Now()
		w.state.every(w.Limits.Every)
	}
	defer func() {
		if broken := recover(); broken != nil { // it must look again
			w.state.blind(w.Now())
			w.Log.ErrorContext(ctx, "the watchdog broke in the middle of a look", "panic", broken, "stack", string(debug.Stack()))
		}
	}()
	bounded, cancel := context.WithTimeout(ctx, lookWithin)
	stand, mine, err := w.Records.Take(bounded, w.Holder, watchTerm, w.Engine != nil)
	cancel()
	if ctx.Err() != nil {
		return
	}
	w.lookAlone(ctx, err)
	if err == nil {
		w.held = mine
	}
	switch {
	case err != nil:
		w.state.blind(w.Now())
	case mine:
		w.lookForAll(ctx, stand)
	default:
		w.state.bystander(w.Now())
		w.Gauges.Looked(w.Now(), false, nil)
	}
}

// lookAlone is about the database itself: its absence is what every process must be able to tell.
func (w *Watchdog) lookAlone(ctx context.Context, err error) {
	sight := Sight{At: w.Now(), Begun: w.begun, Turn: w.turn()}
	if err != nil {
		sight.Dark = true
		if w.alone.Empty() {
			w.Log.WarnContext(ctx, "the watchdog cannot read the database", "error", err)
		}
	}
	if w.alone.Empty() && !sight.Dark {
		return
	}
	var told Bulletin
	w.alone, told = w.alone.Judge(sight.At, sight.Findings(w.Limits), func(t Trouble) bool { return t != NoPostgres }, w.Limits.Calm+sight.Turn)
	w.alone = w.alone.Owing(told, w.Ways)
	w.alone = w.tell(ctx, w.alone)
	if sight.Dark {
		w.Gauges.Looked(sight.At, false, w.alone.Count())
	}
}

// turn is how much longer others wait for whoever held the watch to tell it, and for each other: a way that can ask
// whether it has been told already needs somebody to be first.
func (w *Watchdog) turn() time.Duration {
	if w.held {
		return 0
	}
	place := fnv.New32a()
	_, _ = place.Write([]byte(w.Holder)) // a hash never refuses
	return w.Limits.Away/6 + w.Limits.Away/3*time.Duration(place.Sum32()%100)/100
}

// lookForAll is a look of the one who holds the watch. What is to be told is kept before it is told: whoever takes over
// tells what this process did not come to.
func (w *Watchdog) lookForAll(ctx context.Context, stand Stand) {
	sight, err := w.see(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		w.Log.WarnContext(ctx, "the watchdog sees only a part", "error", err)
	}
	stand = stand.Tried().Noticing(sight.At, sight.Queues)
	sight.Polls = stand.Polls
	found := sight.Findings(w.Limits)
	next, told := stand.Judge(sight.At, found, sight.Unseen, w.Limits.Calm)
	next = next.Owing(told, w.Ways)
	for _, f := range told.Began {
		w.Log.ErrorContext(ctx, "the watchdog found trouble", "trouble", f.Key, "severity", f.Severity, "finding", f.Words)
	}
	for _, f := range told.Over {
		w.Log.InfoContext(ctx, "a trouble that the watchdog found is over", "trouble", f.Key)
	}
	if !w.keep(ctx, next) {
		return
	}
	w.state.looked(sight.At, next)
	w.Gauges.Looked(sight.At, true, next.Count())
	w.beat(ctx, sight, next, found)
	if len(next.Owed) == 0 {
		return
	}
	w.keep(ctx, w.tell(ctx, next))
}

func (w *Watchdog) keep(ctx context.Context, s Stand) bool {
	bounded, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	mine, err := w.Records.Keep(bounded, w.Holder, s)
	if err != nil {
		w.Log.WarnContext(ctx, "what the watchdog found is not kept", "error", err)
	}
	return mine && err == nil
}

// tell pays what is owed and due, by all ways at once.
func (w *Watchdog) tell(ctx context.Context, s Stand) Stand {
	due, later := s.due(w.Now())
	if len(due) == 0 {
		return s
	}
	bounded, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	done := make(chan Debt, len(due))
	for _, debt := range due {
		go func() { done <- w.pay(bounded, debt) }()
	}
	for range due {
		if debt := <-done; debt.Way != "" {
			later = append(later, debt)
		}
	}
	s.Owed = later
	return s
}

// pay answers what is still owed afterwards; nothing when it was told.
func (w *Watchdog) pay(ctx context.Context, debt Debt) (rest Debt) {
	for _, way := range w.Ways {
		if way.Name() != debt.Way {
			continue
		}
		defer func() {
			if broken := recover(); broken != nil {
				w.Log.ErrorContext(ctx, "a way to the operators panicked", "way", debt.Way, "panic", broken)
				rest = debt.put(w.Now())
			}
		}()
		err := way.Tell(ctx, debt.Bulletin, debt.Tries > 0)
		w.Gauges.Told(kindOfWay(debt.Way), err == nil)
		if err == nil {
			return Debt{}
		}
		w.Log.ErrorContext(ctx, "the operators are not reached", "way", debt.Way, "tries", debt.Tries+1, "error", err)
		return debt.put(w.Now())
	}
	return Debt{} // that way is no longer configured
}

// beat keeps the switch outside quiet while a whole look has found nothing critical.
func (w *Watchdog) beat(ctx context.Context, sight Sight, s Stand, found []Finding) {
	now := w.Now()
	if w.Pulse == nil || !sight.whole(w.Engine != nil) || s.critical() || critical(found) || now.Sub(w.beaten) < w.Limits.Beat-w.Limits.Every/2 {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, beatWithin)
	defer cancel()
	err := w.Pulse.Beat(bounded)
	w.Gauges.Beaten(err == nil)
	if err != nil {
		w.Log.WarnContext(ctx, "the heartbeat did not arrive", "error", err)
		return // at the next look again
	}
	w.beaten = now
}
