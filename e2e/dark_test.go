package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/internal/stack"
)

// night is an installation whose Temporal has a store of its own: Belay's can be taken away.
type night struct {
	*carriers
	stack *stack.Child
}

func newNight(t *testing.T) night {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Postgres and Temporal; not with -short")
	}
	home, err := os.MkdirTemp("", "belay-dark-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	source, err := stack.Source(".")
	require.NoError(t, err)
	binary, err := stack.Build(ctx, source, func(line string) { t.Log(line) })
	require.NoError(t, err)
	child, err := stack.Start(ctx, binary, stack.Options{
		Home: filepath.Join(home, "stack"), PostgresAddr: free(t), TemporalPostgres: "127.0.0.1:0", TemporalAddr: "127.0.0.1:0",
		SearchAttributes: app.SearchAttributes(), Fast: true,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = child.Stop() })
	return night{carriers: install(t, home, child.Ready), stack: child}
}

// out is kill -9 of Belay's PostgreSQL.
func (n night) out() {
	n.t.Helper()
	require.NoError(n.t, syscall.Kill(n.stack.PostgresPID, syscall.SIGKILL))
	n.await(func() bool { return !n.lit() }, "PostgreSQL is gone")
}

// on starts it again.
func (n night) on() {
	n.t.Helper()
	require.NoError(n.t, syscall.Kill(n.stack.PID(), syscall.SIGUSR1))
	n.await(n.lit, "PostgreSQL is back")
}

func (n night) lit() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, n.stack.DatabaseURL)
	if err != nil {
		return false
	}
	_ = conn.Close(ctx)
	return true
}

func (n night) number(query string, args ...any) int {
	n.t.Helper()
	conn, err := pgx.Connect(n.t.Context(), n.stack.DatabaseURL)
	require.NoError(n.t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	var number int
	require.NoError(n.t, conn.QueryRow(n.t.Context(), query, args...).Scan(&number))
	return number
}

// about finds the escalation of which a number was told by SMS, by the title in the words.
func (n night) toldOf(number, title string) string {
	n.t.Helper()
	var key string
	n.await(func() bool {
		for _, s := range n.twilio.Sent() {
			if s.Kind == "Messages" && s.To == number && strings.Contains(s.Body, title) {
				key = keyOf(s)
				return true
			}
		}
		return false
	}, "%s is told of %q", number, title)
	id, _, _ := strings.Cut(key, "/")
	return id
}

func (n night) sends(address, key, action, dedup, title string) {
	n.t.Helper()
	client := pagerduty.NewClient("", pagerduty.WithV2EventsAPIEndpoint("http://"+address))
	event := &pagerduty.V2Event{RoutingKey: key, Action: action, DedupKey: dedup}
	if action == "trigger" {
		event.Payload = &pagerduty.V2Payload{Summary: title, Source: "db-1.example", Severity: "critical"}
	}
	answer, err := client.ManageEventWithContext(n.t.Context(), event)
	require.NoError(n.t, err, "%s %s", action, dedup)
	require.Equal(n.t, "success", answer.Status)
}

func number(life, role int) string { return fmt.Sprintf("+121255502%d%d", life, role) }

// TestBelaysPostgresIsAwayForAWhile plays a night in which everything must go on without the record, and the morning.
func TestBelaysPostgresIsAwayForAWhile(t *testing.T) {
	n := newNight(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(n.story())
		}
	})
	first, second := n.http, n.door.addresses[0]
	before := n.open("life0", "before the dark")
	n.sms(before, number(0, 0), 1)
	n.sends(first, lifeKey(4), "trigger", "joins", "opened with light")
	joined := n.toldOf(number(4, 0), "opened with light")
	n.becomes(joined, "open")

	n.out()
	began := time.Now()

	n.sms(before, number(0, 2), 1)
	t.Log("an open ladder climbs to its last tier")

	n.sends(first, lifeKey(1), "trigger", "same", "two doors")
	n.sends(second, lifeKey(1), "trigger", "same", "two doors")
	accepted := time.Now()
	two := n.toldOf(number(1, 0), "two doors")
	t.Logf("a new alert is %s; told %s after the second door took it", two, time.Since(accepted).Round(time.Millisecond))
	require.Contains(t, n.texts("SMdark1", number(1, 0), "ack"), "You have "+two, "without a number: it is the only one")

	n.sends(second, lifeKey(4), "trigger", "joins", "opened with light")
	require.Contains(t, n.texts("SMdark4", number(4, 0), "ack "+joined[2:]), "You have "+joined)

	n.sends(second, lifeKey(2), "trigger", "linked", "by link")
	linked := n.toldOf(number(2, 0), "by link")
	n.ackByLink(linked, number(2, 0))

	require.Contains(t, n.says(before, "acknowledge", map[string]string{"note": "by API"}), before)
	byHand := n.open("life3", "opened by hand")
	n.sms(byHand, number(3, 0), 1)
	require.Contains(t, n.texts("SMdark3", number(3, 0), "resolve "+byHand[2:]), byHand)

	status, body, err := n.try(http.MethodGet, "/v1/escalations", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, status, "%s", body)

	n.sends(first, lifeKey(5), "trigger", "flaps", "comes and goes")
	gone := n.toldOf(number(5, 0), "comes and goes")
	n.sends(second, lifeKey(5), "resolve", "flaps", "")

	// Everything of ours is restarted, and finds no database.
	for i, address := range n.door.addresses {
		n.serves[i].kill()
		n.serves[i] = n.spawn(fmt.Sprint("serve in the dark ", i+1), []string{"serve"}, "BELAY_HTTP_ADDR="+address)
		n.ready(n.serves[i], address)
	}
	for i := range n.workers {
		n.workers[i].kill()
		address := free(t)
		n.workers[i] = n.spawn(fmt.Sprint("worker in the dark ", i+1), []string{"worker"}, "BELAY_WORKER_ADDR="+address)
		n.ready(n.workers[i], address)
	}
	require.Contains(t, n.readiness(first), `"organisation":"unavailable"`)
	n.sends(first, lifeKey(5), "trigger", "flaps", "is back again")
	again := n.toldOf(number(5, 0), "is back again")
	require.NotEqual(t, gone, again, "after a resolve the same key is a new outage")
	require.Contains(t, n.texts("SMdark5", number(5, 0), "ack "+again[2:]), "You have "+again)

	n.on()
	t.Logf("dark for %s", time.Since(began).Round(time.Second))
	all := []string{before, joined, two, linked, byHand, gone, again}
	for id, state := range map[string]string{
		before: "acknowledged", joined: "acknowledged", two: "acknowledged", linked: "acknowledged", byHand: "resolved",
		gone: "resolved", again: "acknowledged",
	} {
		n.await(func() bool { return n.has(id) && n.escalation(id).State == state }, "%s is on record as %s", id, state)
	}
	n.await(func() bool {
		return n.number("select count(*) from inbox where settled_at is null")+n.number("select count(*) from errands where done_at is null") == 0
	}, "nothing is left undone")
	n.await(func() bool {
		return n.number("select count(*) from inbox where dedup_key = 'flaps' and escalation is not null") == 3
	}, "the inbox has what the engine took")
	require.Equal(t, len(all), n.number("select count(*) from escalations"), "one alert, one escalation")
	require.Equal(t, 2, n.number("select count(*) from inbox where dedup_key = 'same' and escalation = $1", n.digits(two)))
	require.Equal(t, 1, n.number("select repeats from escalations where number = $1", n.digits(two)))
	for id, held := range map[string]int{two: 1, linked: 1, joined: 1, again: 1, gone: 0, byHand: 0} {
		require.Equal(t, held, n.number("select dedup_held::int from escalations where number = $1", n.digits(id)), "the key of %s", id)
	}

	// What comes now joins what began in the dark, through the inbox.
	n.sends(second, lifeKey(1), "trigger", "same", "two doors")
	n.sends(first, lifeKey(1), "resolve", "same", "")
	n.becomes(two, "resolved")
	require.Equal(t, len(all), n.number("select count(*) from escalations"))

	n.await(func() bool { return strings.Contains(n.readiness(first), `"organisation":"ok"`) }, "the organisation is read again")
	seen := map[string]bool{}
	for _, s := range n.twilio.Sent() {
		require.False(t, seen[keyOf(s)], "%s was sent twice", keyOf(s))
		seen[keyOf(s)] = true
	}
	for _, id := range all {
		line := n.timeline(id) // it has no gap, or this fails
		require.Equal(t, 1, count(line, "opened"), id)
		require.True(t, slices.IsSortedFunc(line, func(a, b entry) int { return a.At.Compare(b.At) }), "%s\n%s", id, shown{n.carriers, id})
		for _, e := range line {
			if e.Kind == "message" && !strings.Contains(e.Key, "/mail/") {
				require.True(t, seen[e.Key], "%s is on record and was never sent", e.Key)
			}
		}
	}
	if release := os.Getenv("BELAY_RECORD"); release != "" {
		n.record(release, "conversation", n.longest(contract.WorkflowConversation))
		n.record(release, "dark", "escalation/"+two)
	}
}

// Rules delay alerts, a group has members, and PostgreSQL goes away until after their instants. What ended meanwhile pages nobody when it is
// back, what fires pages once, and a group whose last alert ended in the dark is over.
func TestWhatIsDelayedWhenPostgresGoesAway(t *testing.T) {
	n := newNight(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(n.story())
		}
	})
	const delay = 15 * time.Second
	n.promises(fmt.Sprintf(`kind: rules
id: patience
rules:
  - {name: later, when: 'service == "life1"', delay: %s}
  - {name: together, when: 'service == "life2"', group: {by: [source], within: 10m}}
`, delay))
	first, second := n.http, n.door.addresses[0]
	for _, what := range []string{"ended", "ended again", "fires"} {
		n.sends(first, lifeKey(1), "trigger", what, what+" in the dark")
	}
	for _, what := range []string{"a", "b"} {
		n.sends(first, lifeKey(2), "trigger", what, "node "+what+" is gone")
	}
	group := n.toldOf(number(2, 0), "node a is gone")
	n.await(func() bool { return n.number("select count(*) from alerts where state = 'delayed'") == 3 }, "three wait")
	n.await(func() bool { return n.number("select count(*) from alerts where state = 'member'") == 2 }, "two are one")

	n.out()
	began := time.Now()
	n.sends(first, lifeKey(1), "resolve", "ended", "")
	n.sends(second, lifeKey(1), "resolve", "ended again", "")
	n.sends(second, lifeKey(2), "resolve", "a", "")
	time.Sleep(time.Until(began.Add(delay))) // the instants pass in the dark
	n.on()

	fires := n.toldOf(number(1, 0), "fires in the dark")
	done := func(ends int) {
		n.t.Helper()
		n.await(func() bool {
			return n.number("select count(*) from inbox where action = 'resolve' and settled_at is not null") == ends &&
				n.number("select count(*) from inbox where settled_at is null")+n.number("select count(*) from errands where done_at is null") == 0
		}, "all is on record, and nothing is left undone")
	}
	done(3)
	require.Equal(t, 1, n.number("select count(*) from inbox where action = 'resolve' and note = '1 others of its group still fire'"), "%s", n.inbox())
	require.NotEqual(t, "resolved", n.escalation(group).State, "one of its alerts fires")
	n.sends(first, lifeKey(2), "resolve", "b", "")
	n.becomes(group, "resolved")
	done(4)
	require.Equal(t, 2, n.number("select count(*) from inbox where action = 'resolve' and note = 'over before anybody was told'"), "%s", n.inbox())
	require.Equal(t, 2, n.number("select count(*) from escalations"), "the group, and what fires")
	require.Equal(t, 1, n.number("select count(*) from alerts where state = 'delayed'")+n.number("select count(*) from escalations where state = 'open'"), "what fires is open, and nothing waits")
	require.Len(t, n.toNumber(fires, "Messages", number(1, 0)), 1, "once")
	for _, s := range n.twilio.Sent() {
		require.NotContains(t, s.Body, "ended in the dark")
		require.NotContains(t, s.Body, "ended again in the dark")
	}

	n.sends(second, lifeKey(1), "resolve", "fires", "")
	n.becomes(fires, "resolved")
	require.Equal(t, 2, n.number("select count(*) from escalations"))
}

// inbox is what came in and what became of it.
func (n night) inbox() (all string) {
	n.t.Helper()
	conn, err := pgx.Connect(n.t.Context(), n.stack.DatabaseURL)
	require.NoError(n.t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	require.NoError(n.t, conn.QueryRow(n.t.Context(),
		"select string_agg(format('%s %s %s: E-%s %s', to_char(received_at, 'HH24:MI:SS'), action, dedup_key, escalation, note), E'\\n' order by seq) from inbox").Scan(&all))
	return all
}

// longest is the run of a kind of which there is most to tell.
func (n night) longest(kind string) (run string) {
	n.t.Helper()
	var most int64
	n.await(func() bool {
		found, err := n.temporal().ListWorkflow(context.Background(), &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: "default", Query: "WorkflowType = '" + kind + "' AND ExecutionStatus = 'Completed'",
		})
		if err != nil {
			return false
		}
		for _, e := range found.GetExecutions() {
			if e.GetHistoryLength() > most {
				run, most = e.GetExecution().GetWorkflowId(), e.GetHistoryLength()
			}
		}
		return run != ""
	}, "a %s is over", kind)
	return run
}

func (n night) ackByLink(id, number string) {
	n.t.Helper()
	var text string
	for _, s := range n.toNumber(id, "Messages", number) {
		text += s.Body
	}
	link := regexp.MustCompile(regexp.QuoteMeta(n.public) + `/a/[A-Za-z0-9_.-]+`).FindString(text)
	require.NotEmpty(n.t, link, text)
	shownPage, err := http.Get(link)
	require.NoError(n.t, err)
	page, err := io.ReadAll(shownPage.Body)
	shownPage.Body.Close()
	require.NoError(n.t, err)
	require.Equal(n.t, http.StatusOK, shownPage.StatusCode, "%s", page)
	require.Contains(n.t, string(page), id)
	answered, err := http.PostForm(link, url.Values{"verb": {"acknowledge"}, "key": {"link-in-the-dark"}})
	require.NoError(n.t, err)
	page, err = io.ReadAll(answered.Body)
	answered.Body.Close()
	require.NoError(n.t, err)
	require.Contains(n.t, string(page), "You have "+id)
}

func (n night) has(id string) bool {
	status, _, err := n.try(http.MethodGet, "/v1/escalations/"+id, nil)
	return err == nil && status == http.StatusOK
}

func (n night) digits(id string) int {
	var number int
	_, err := fmt.Sscanf(id, "E-%d", &number)
	require.NoError(n.t, err)
	return number
}

func (n night) readiness(address string) string {
	n.t.Helper()
	response, err := http.Get("http://" + address + "/readyz")
	require.NoError(n.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(n.t, err)
	return string(body)
}
