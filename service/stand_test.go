package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
)

var midnight = time.Date(2026, 3, 7, 0, 0, 0, 0, time.UTC)

func trouble(key string, severity service.Severity, hold time.Duration) service.Finding {
	return service.Finding{Key: key, Trouble: service.Trouble(key), Severity: severity, Words: key + " is wrong.", Runbook: "r", Hold: hold}
}

func seen(service.Trouble) bool   { return false }
func unseen(service.Trouble) bool { return true }

// watchNight looks every ten seconds and writes down what is told, as "mm:ss began overdue".
func watchNight(t *testing.T, until time.Duration, found func(at time.Duration) []service.Finding, hidden func(at time.Duration) bool) []string {
	t.Helper()
	var stand service.Stand
	var told []string
	for at := time.Duration(0); at <= until; at += 10 * time.Second {
		blind := seen
		if hidden != nil && hidden(at) {
			blind = unseen
		}
		var b service.Bulletin
		stand, b = stand.Judge(midnight.Add(at), found(at), blind, time.Minute)
		for what, some := range map[string][]service.Finding{"began": b.Began, "still": b.Still, "over": b.Over} {
			for _, f := range some {
				told = append(told, fmt.Sprintf("%02d:%02d %s %s", int(at.Minutes()), int(at.Seconds())%60, what, f.Key))
			}
		}
	}
	return told
}

func TestATroubleIsToldOnceRemindedAndToldToBeOver(t *testing.T) {
	told := watchNight(t, 4*time.Hour, func(at time.Duration) []service.Finding {
		if at < time.Minute || at > 200*time.Minute {
			return nil
		}
		return []service.Finding{trouble("overdue", service.Critical, time.Second)}
	}, nil)
	require.Equal(t, []string{
		"01:10 began overdue", "11:10 still overdue", "31:10 still overdue", "71:10 still overdue", "131:10 still overdue", "191:10 still overdue",
		"201:10 over overdue",
	}, told)
}

func TestWhatIsSeenOnceIsNotTold(t *testing.T) {
	require.Empty(t, watchNight(t, 10*time.Minute, func(at time.Duration) []service.Finding {
		if at%(30*time.Second) != 0 {
			return nil
		}
		return []service.Finding{trouble("overdue", service.Critical, time.Second)}
	}, nil))
}

func TestWhatIsNotSeenNeitherBeginsNorEnds(t *testing.T) {
	told := watchNight(t, 9*time.Minute, func(at time.Duration) []service.Finding {
		if at > time.Minute { // gone, but nobody can see that before the seventh minute
			return nil
		}
		return []service.Finding{trouble("overdue", service.Critical, time.Second)}
	}, func(at time.Duration) bool { return at > time.Minute && at < 7*time.Minute })
	require.Equal(t, []string{"00:10 began overdue", "08:00 over overdue"}, told)
}

// A trouble that comes and goes must not tell somebody every three minutes all night.
func TestATroubleThatComesAndGoesIsToldLessAndLess(t *testing.T) {
	told := watchNight(t, 8*time.Hour, func(at time.Duration) []service.Finding {
		if at%(3*time.Minute) >= 90*time.Second {
			return nil
		}
		return []service.Finding{trouble("queue", service.Critical, time.Second)}
	}, nil)
	require.Equal(t, []string{"00:10 began queue", "02:30 over queue", "03:10 began queue"}, told[:3])
	require.Less(t, len(told), 16, "%v", told)
	for _, line := range told[3:] {
		require.Contains(t, line, "still", "it is not over as long as it keeps coming back")
	}
}

func TestWhatIsToldTogetherIsOneMessage(t *testing.T) {
	_, b := service.Stand{}.Judge(midnight, []service.Finding{
		trouble("temporal", service.Critical, 0), trouble("overdue", service.Critical, 0), trouble("records", service.Warning, 0),
	}, seen, time.Minute)
	require.Len(t, b.Began, 3)
	require.Equal(t, "Belay is in trouble: temporal, overdue, records", b.Subject())
	for _, words := range []string{b.Text(), b.Short()} {
		require.Contains(t, words, "overdue is wrong.")
		require.Contains(t, strings.ToLower(words), "runbook: ")
	}
	stand := service.Stand{}.Owing(b, []service.Way{way{name: "webhook 1"}, way{name: "sms 1", loud: true}})
	require.Len(t, stand.Owed, 2)
	require.NotContains(t, stand.Owed[1].Bulletin.Short(), "records", "a phone is spared what can wait")
}

func TestAShortBulletinFitsAPhone(t *testing.T) {
	var found []service.Finding
	for n := range 40 {
		found = append(found, trouble(fmt.Sprint("trouble-", n), service.Critical, 0))
	}
	_, b := service.Stand{}.Judge(midnight, found, seen, time.Minute)
	require.LessOrEqual(t, len([]rune(b.Short())), 450)
}

func TestWhatALookFinds(t *testing.T) {
	limits := service.WatchLimits{Grace: time.Minute, Away: time.Minute, Queue: 30 * time.Second, Poll: 75 * time.Second, Settle: 30 * time.Second}
	var many []id.Escalation
	for n := range 7 {
		many = append(many, id.OfNumber(int64(n+1)))
	}
	busy := contract.Queue{Name: "escalations", Kind: contract.ActivityTasks, Polled: midnight, Backlog: 3, Age: 31 * time.Second}
	for name, scene := range map[string]struct {
		sight service.Sight
		want  string // keys
		words string
	}{
		"all is well":      {service.Sight{Asked: true, Queues: []contract.Queue{{Name: "escalations", Kind: contract.WorkflowTasks, Polled: midnight}}}, "", ""},
		"no database":      {service.Sight{Dark: true}, "postgres", "PostgreSQL"},
		"no Temporal":      {service.Sight{Mute: true, Asked: true}, "temporal", "Temporal"},
		"one is overdue":   {service.Sight{Late: many[:1]}, "overdue", "1 escalation is overdue by more than 1m0s: E-1."},
		"seven":            {service.Sight{Late: many}, "overdue", "7 escalations are overdue by more than 1m0s: E-1, E-2, E-3, E-4, E-5, …."},
		"recorded late":    {service.Sight{Unrecorded: many[:1]}, "records", "ahead of the record"},
		"a workflow lost":  {service.Sight{Lost: many[:1], Compared: true}, "missing", "no workflow runs: E-1."},
		"events wait":      {service.Sight{Waiting: []service.Waiting{{What: "events", Found: 2, Since: midnight}}}, "relay/events", "2 accepted events wait to become an escalation since 00:00 UTC"},
		"another table":    {service.Sight{Waiting: []service.Waiting{{What: "digests", Found: 2, Since: midnight}}}, "relay/digests", "2 digests wait"},
		"the queue is old": {service.Sight{Asked: true, Queues: []contract.Queue{busy}}, "queue/escalations/activity", "the oldest for 31s"},
		"nobody polls":     {service.Sight{Asked: true, Queues: []contract.Queue{{Name: "escalations", Kind: contract.WorkflowTasks}}}, "workers/escalations/workflow", "No worker"},
	} {
		scene.sight.At, scene.sight.Begun = midnight.Add(time.Hour), midnight
		scene.sight.Polls = service.Stand{}.Noticing(scene.sight.At.Add(-time.Minute), scene.sight.Queues).Polls
		var keys, words []string
		for _, f := range scene.sight.Findings(limits) {
			keys, words = append(keys, f.Key), append(words, f.Words)
		}
		require.Equal(t, scene.want, strings.Join(keys, " "), name)
		require.Contains(t, strings.Join(words, " "), scene.words, name)
	}
}

// A server whose clock is an hour behind must not make a worker look dead, nor one that is ahead make a dead one look alive.
func TestPollsAreMeasuredByOurOwnClock(t *testing.T) {
	limits := service.WatchLimits{Poll: 75 * time.Second}
	queue := contract.Queue{Name: "q", Kind: contract.WorkflowTasks, Polled: midnight.Add(-time.Hour)}
	stand := service.Stand{}.Noticing(midnight, []contract.Queue{queue})
	look := func(after time.Duration) []service.Finding {
		at := midnight.Add(after)
		stand = stand.Noticing(at, []contract.Queue{queue})
		return service.Sight{At: at, Begun: midnight, Asked: true, Queues: []contract.Queue{queue}, Polls: stand.Polls}.Findings(limits)
	}
	require.Empty(t, look(70*time.Second))
	queue.Polled = queue.Polled.Add(time.Minute)
	require.Empty(t, look(80*time.Second))
	require.Empty(t, look(150*time.Second))
	require.Len(t, look(160*time.Second), 1)
}

type way struct {
	name string
	loud bool
}
