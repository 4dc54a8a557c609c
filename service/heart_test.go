package service_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

// ward is a listener with a clock that stands until it is told.
type ward struct {
	t     *testing.T
	now   time.Time
	org   *org.Org
	beats *servicetest.Heartbeats
	inbox *servicetest.Inbox
	heart *service.Heart
}

func (w *ward) Current() policy.Directory { return policy.Directory{Org: w.org} }

func newWard(t *testing.T) *ward {
	w := &ward{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), beats: &servicetest.Heartbeats{}, inbox: &servicetest.Inbox{}, org: &org.Org{
		Integrations: map[id.Integration]org.Integration{"cron": {ID: "cron", Service: "ledger", Key: "a-key-of-sixteen-letters"}, "other": {ID: "other", Key: "another-key-of-letters"}},
		Heartbeats: map[id.Heartbeat]org.Heartbeat{
			"backup": {ID: "backup", Name: "Backup", Integration: "cron", Service: "ledger", Every: time.Minute, Grace: 30 * time.Second, Severity: "critical"},
			"yearly": {ID: "yearly", Name: "Daily", Integration: "cron", Service: "ledger", Every: 24 * time.Hour, Grace: time.Minute, Severity: "error"},
		},
	}}
	w.heart = &service.Heart{Organisation: w, Heartbeats: w.beats, Inbox: w.inbox, Now: func() time.Time { return w.now }, Log: slog.Default()}
	return w
}

func (w *ward) beat(name id.Heartbeat) {
	w.t.Helper()
	require.NoError(w.t, w.heart.BeatByKey(context.Background(), "a-key-of-sixteen-letters", alert.Post{}, name))
}

// passes lets time go by while somebody looks every few seconds.
func (w *ward) passes(d time.Duration) {
	w.t.Helper()
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(min(10*time.Second, end.Sub(w.now)))
		require.NoError(w.t, w.heart.Look(context.Background()))
	}
}

// away: nobody listens.
func (w *ward) away(d time.Duration) { w.now = w.now.Add(d) }

func (w *ward) said() []string {
	var all []string
	for _, e := range w.inbox.Events() {
		all = append(all, string(e.Alert.Action)+" "+e.Alert.Title)
	}
	return all
}

func TestAHeartbeatIsLostAndFound(t *testing.T) {
	w := newWard(t)
	w.passes(time.Hour)
	require.Empty(t, w.said(), "it is armed by its first sign of life")
	w.beat("backup")
	w.passes(90 * time.Second)
	require.Empty(t, w.said(), "within its grace")
	w.passes(time.Second)
	lost := "trigger Heartbeat Backup is missing: it comes every 1m0s"
	require.Equal(t, []string{lost}, w.said())
	require.Equal(t, alert.Critical, w.inbox.Events()[0].Alert.Severity)
	w.passes(time.Hour)
	require.Len(t, w.said(), 1, "once")
	w.beat("backup")
	require.Equal(t, []string{lost, "resolve Heartbeat Backup is back"}, w.said())
	w.passes(2 * time.Minute)
	require.Equal(t, []string{lost, "resolve Heartbeat Backup is back", lost}, w.said(), "and again")
}

func TestADisarmedHeartbeatIsNotWaitedFor(t *testing.T) {
	w := newWard(t)
	w.beat("backup")
	w.passes(2 * time.Minute)
	require.NoError(t, w.heart.DisarmByKey(context.Background(), "a-key-of-sixteen-letters", alert.Post{}, "backup"))
	require.Equal(t, "resolve Heartbeat Backup is back", w.said()[1], "what is open ends")
	w.passes(time.Hour)
	require.Len(t, w.said(), 2)
	w.beat("backup")
	w.passes(2 * time.Minute)
	require.Len(t, w.said(), 3, "armed anew, lost anew")
}

// While nobody listened nobody could be heard: those that come often get the time of one more.
func TestAfterAnOutageNobodyIsMissedTooSoon(t *testing.T) {
	w := newWard(t)
	w.passes(time.Minute)
	w.beat("backup")
	w.beat("yearly")
	w.away(3 * time.Hour)
	w.passes(80 * time.Second)
	require.Empty(t, w.said())
	w.beat("backup")
	w.passes(time.Minute)
	require.NotContains(t, strings.Join(w.said(), "\n"), "trigger", "it is there")
	w.passes(time.Hour)
	require.Equal(t, []string{"resolve Heartbeat Backup is back", "trigger Heartbeat Backup is missing: it comes every 1m0s"}, w.said(), "and when it goes, it is missed")
}

func TestWhoDiesBetweenEventAndNoteTellsItOnce(t *testing.T) {
	w := newWard(t)
	w.passes(10 * time.Second)
	w.beat("backup")
	w.beats.Broken = fault.New(fault.Unavailable, "the note is not taken")
	w.now = w.now.Add(10 * time.Second)
	for range 12 {
		w.now = w.now.Add(10 * time.Second)
		_ = w.heart.Look(context.Background())
	}
	w.beats.Broken = nil
	w.passes(time.Minute)
	require.Len(t, w.said(), 1)
}

func TestASignOfLifeIsTakenFromItsIntegrationOnly(t *testing.T) {
	w := newWard(t)
	ctx := context.Background()
	require.True(t, fault.Is(w.heart.BeatByKey(ctx, "another-key-of-letters", alert.Post{}, "backup"), fault.NotFound))
	require.True(t, fault.Is(w.heart.BeatByKey(ctx, "nobody's key", alert.Post{}, "backup"), fault.NotFound))
	require.True(t, fault.Is(w.heart.BeatByKey(ctx, "a-key-of-sixteen-letters", alert.Post{}, "unknown"), fault.NotFound))
}

func TestASecretIsProvedForASignOfLifeToo(t *testing.T) {
	w := newWard(t)
	in := w.org.Integrations["cron"]
	in.Secret = "a secret of sixteen"
	w.org.Integrations["cron"] = in
	ctx := context.Background()
	for _, p := range []alert.Post{{}, {Header: map[string]string{"x-belay-secret": "another"}}} {
		require.True(t, fault.Is(w.heart.BeatByKey(ctx, in.Key, p, "backup"), fault.Unauthenticated))
		require.True(t, fault.Is(w.heart.DisarmByKey(ctx, in.Key, p, "backup"), fault.Unauthenticated))
	}
	_, err := w.beats.Get(ctx, "backup")
	require.True(t, fault.Is(err, fault.NotFound), "nothing was heard")
	require.NoError(t, w.heart.BeatByKey(ctx, in.Key, alert.Post{Header: map[string]string{"authorization": "Bearer " + in.Secret}}, "backup"))
	require.NoError(t, w.heart.DisarmByKey(ctx, in.Key, alert.Post{Header: map[string]string{"x-belay-secret": in.Secret}}, "backup"))
}

// A Watchdog that always fires is a sign of life: a rule says of which.
func TestAnAlertMayBeASignOfLife(t *testing.T) {
	w := newWard(t)
	in := w.org.Integrations["cron"]
	in.Rules = []org.Rule{{Name: "watchdog", When: `title == "Watchdog"`, Action: org.Ping, Ping: "backup"}, {Name: "noise", When: `severity == "info"`, Action: org.Drop}}
	w.org.Integrations["cron"] = in
	intake := &service.Intake{Organisation: w, Inbox: w.inbox, Routes: &service.Routes{Organisation: w}, Heart: w.heart, Now: func() time.Time { return w.now }}
	fires := func(title string, severity alert.Severity) {
		_, err := intake.Accept(context.Background(), in.Key, alert.Alert{Action: alert.Trigger, DedupKey: title, Title: title, Severity: severity}, nil, "alertmanager")
		require.NoError(t, err)
	}
	fires("Watchdog", alert.Error)
	fires("chatter", alert.Info)
	require.Empty(t, w.said(), "neither opens anything")
	w.passes(time.Minute)
	fires("Watchdog", alert.Error)
	w.passes(80 * time.Second)
	require.Empty(t, w.said())
	w.passes(time.Minute)
	require.Equal(t, []string{"trigger Heartbeat Backup is missing: it comes every 1m0s"}, w.said())
}

// fussy refuses the events of one heartbeat.
type fussy struct {
	*servicetest.Inbox
	refuses string
}

func (p fussy) Accept(ctx context.Context, in service.Incoming) (int64, bool, error) {
	if in.Alert.Source == p.refuses {
		return 0, false, fault.New(fault.Internal, "it cannot be kept")
	}
	return p.Inbox.Accept(ctx, in)
}

func TestAHeartbeatThatCannotBeJudgedKeepsNoOtherQuiet(t *testing.T) {
	w := newWard(t)
	w.beat("backup")
	w.beat("yearly")
	w.heart.Inbox = fussy{w.inbox, "backup"}
	for end := w.now.Add(25 * time.Hour); w.now.Before(end); w.now = w.now.Add(10 * time.Second) {
		_ = w.heart.Look(context.Background()) // complains of the other
	}
	require.Equal(t, []string{"trigger Heartbeat Daily is missing: it comes every 24h0m0s"}, w.said())
}

// A promise that has become shorter is judged at once, not when the longer one would have been over.
func TestAShortenedPromiseIsJudgedAtOnce(t *testing.T) {
	w := newWard(t)
	w.beat("yearly")
	w.passes(10 * time.Minute)
	require.Empty(t, w.said())
	shorter := *w.org
	h := shorter.Heartbeats["yearly"]
	h.Every = 5 * time.Minute
	shorter.Heartbeats = map[id.Heartbeat]org.Heartbeat{"yearly": h}
	w.org = &shorter
	w.passes(10 * time.Second)
	require.Equal(t, []string{"trigger Heartbeat Daily is missing: it comes every 5m0s"}, w.said())
}

// A judge that dies after it has told, and a sign of life before anybody has noted it: what was opened ends, and the next time
// that it is missing is told again.
func TestASignOfLifeBetweenToldAndNotedEndsWhatWasOpened(t *testing.T) {
	w := newWard(t)
	w.passes(10 * time.Second)
	w.beat("backup")
	w.beats.Broken = fault.New(fault.Unavailable, "the judge dies here")
	for range 12 {
		w.now = w.now.Add(10 * time.Second)
		_ = w.heart.Look(context.Background())
	}
	lost, back := "trigger Heartbeat Backup is missing: it comes every 1m0s", "resolve Heartbeat Backup is back"
	require.Equal(t, []string{lost}, w.said())
	w.beat("backup")
	w.beats.Broken = nil
	require.Equal(t, []string{lost, back}, w.said())
	w.passes(2 * time.Minute)
	require.Equal(t, []string{lost, back, lost}, w.said(), "and again")
}

// late is a judge's view of a heartbeat that comes just after it was found to be overdue.
type late struct {
	*servicetest.Heartbeats
	comes func()
}

func (l late) Overdue(ctx context.Context, at time.Time) ([]service.Heartbeat, error) {
	found, err := l.Heartbeats.Overdue(ctx, at)
	if len(found) > 0 {
		l.comes()
	}
	return found, err
}

func TestASignOfLifeBetweenFoundAndToldEndsWhatIsOpened(t *testing.T) {
	w := newWard(t)
	w.passes(10 * time.Second)
	w.beat("backup")
	w.heart.Heartbeats = late{w.beats, func() { w.beat("backup") }}
	w.passes(2 * time.Minute)
	said := w.said()
	require.Equal(t, "resolve Heartbeat Backup is back", said[len(said)-1], "%v", said)
}

// broken panics where the records should answer.
type broken struct{ *servicetest.Heartbeats }

func (broken) Overdue(context.Context, time.Time) ([]service.Heartbeat, error) { panic("a bug") }

func (broken) Hearing(context.Context, time.Time, time.Duration) (time.Time, error) {
	return time.Time{}, nil
}

// A bug in a round ends that round and nothing else; that nobody has judged since is on record, for the watchdog.
func TestAPanicOfAJudgeEndsARoundAndNotTheProcess(t *testing.T) {
	w := newWard(t)
	w.passes(10 * time.Second)
	judged := w.beats.JudgedAt
	require.Equal(t, w.now, judged)
	ctx, stop := context.WithCancel(context.Background())
	rounds := make(chan struct{}, 10)
	w.heart.Every, w.heart.Heartbeats = time.Millisecond, broken{w.beats}
	w.heart.Log = slog.New(slog.NewTextHandler(heard(rounds), nil))
	over := make(chan struct{})
	go func() { defer close(over); w.heart.Run(ctx) }()
	for range 3 {
		<-rounds
	}
	stop()
	<-over
	require.Equal(t, judged, w.beats.JudgedAt)

	quiet := &service.Quiet{Log: w.heart.Log, Every: time.Millisecond, Now: func() time.Time { panic("a bug") }}
	ctx, stop = context.WithCancel(context.Background())
	over = make(chan struct{})
	go func() { defer close(over); quiet.Run(ctx) }()
	for range 3 {
		<-rounds
	}
	stop()
	<-over
}

// heard tells of every line of a log.
type heard chan struct{}

func (h heard) Write(line []byte) (int, error) {
	select {
	case h <- struct{}{}:
	default:
	}
	return len(line), nil
}
