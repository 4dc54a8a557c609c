package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/belayhq/belay/contract"
	machine "github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
)

// promises are added to the blueprint and applied.
func (c *carriers) promises(text string) {
	c.t.Helper()
	dir := filepath.Join(c.home, "blueprint")
	require.NoError(c.t, os.WriteFile(filepath.Join(dir, "z.yaml"), []byte(text), 0o600))
	c.run("apply", dir)
}

// The worker dies again and again while clocks wait, fifteen times or BELAY_DEATHS. Each threshold is acted on once, in order and not before its instant: it
// is on record once, one SMS leaves, and the webhook hears one key.
func TestThresholdsSurviveDeathsOfTheWorker(t *testing.T) {
	deaths := 15
	if asked := os.Getenv("BELAY_DEATHS"); asked != "" {
		var err error
		deaths, err = strconv.Atoi(asked)
		require.NoError(t, err, "BELAY_DEATHS")
	}
	c := newCarriers(t)
	receiver := httptest.NewServer(c.hooks)
	t.Cleanup(receiver.Close)
	c.promises(fmt.Sprintf(`kind: sla
id: hasty
metric: resolve
target: 8s
for: {services: [replies]}
thresholds:
  - {at: 25%%, do: warn}
  - {at: 4s before, do: webhook, url: "%s/clocks"}
  - {at: breach, do: escalate}
  - {at: 3s after, do: warn}
`, receiver.URL))
	c.workers[1].kill()
	dice := rand.New(rand.NewPCG(6, 50))
	pause := func(most time.Duration) { time.Sleep(time.Duration(dice.Int64N(int64(most)))) } // the instant of a death is chosen by dice

	type watched struct {
		key, escalation string
		due             time.Time
	}
	var tickets []watched
	var backs []time.Time
	for n := range deaths {
		key := fmt.Sprintf("K%02d", n)
		e := c.observes(key, "working", map[string]any{"service": "replies"})
		require.NotEmpty(t, e)
		tickets = append(tickets, watched{key, e, c.ticket("desk:" + key).Clocks[0].DueAt})
		pause(2500 * time.Millisecond)
		c.workers[0].kill()
		pause(time.Second)
		c.workers[0] = c.spawn(fmt.Sprint("worker ", n+3), []string{"worker"}, "BELAY_WORKER_ADDR="+c.probes[0])
		c.ready(c.workers[0], c.probes[0])
		backs = append(backs, time.Now())
	}

	var late []time.Duration
	for _, w := range tickets {
		var said []entry
		c.await(func() bool {
			said = slices.DeleteFunc(c.timeline(w.escalation), func(e entry) bool { return e.Kind != "threshold" })
			return len(said) >= 4
		}, "all thresholds of %s are acted on", w.key)
		require.Len(t, said, 4, "%s: each once", w.key)
		for n, of := range []struct {
			offset time.Duration
			text   string
		}{{-6 * time.Second, "25% of it is used"}, {-4 * time.Second, "4s is left"}, {0, "is late"}, {3 * time.Second, "late by 3s"}} {
			instant := w.due.Add(of.offset)
			require.Contains(t, said[n].Text, of.text, "%s: in order", w.key)
			require.False(t, said[n].At.Before(instant), "%s: %s before its instant", w.key, said[n].Text)
			from := instant // or the last recovery before it was acted on
			for _, back := range backs {
				if back.After(from) && back.Before(said[n].At) {
					from = back
				}
			}
			late = append(late, said[n].At.Sub(from))
		}
		c.await(func() bool { return len(c.toNumber(w.escalation, "Messages", ana)) > 0 }, "ana is told of %s", w.key)
		require.Len(t, c.toNumber(w.escalation, "Messages", ana), 1, w.key)
	}
	heard, keys := map[string]int{}, map[string]int{}
	c.await(func() bool {
		clear(heard)
		clear(keys)
		for _, d := range c.hooks.at("/clocks") {
			var body struct {
				Escalation, Person, Text string
				Alarm                    struct{ Ticket, Clock, Point string }
			}
			require.NoError(t, d.verified)
			require.NoError(t, json.Unmarshal(d.body, &body))
			require.Equal(t, "hasty", body.Alarm.Clock)
			require.Contains(t, body.Text, "4s is left")
			require.Empty(t, body.Person)
			if keys[d.key]++; keys[d.key] == 1 {
				heard[body.Alarm.Ticket]++
			}
		}
		return len(heard) >= deaths
	}, "the webhook hears of every ticket")
	requests := 0
	for _, n := range keys {
		requests += n
	}
	for _, w := range tickets {
		require.Equal(t, 1, heard["desk/"+w.key], "one key for each")
	}
	slices.Sort(late)
	t.Logf("%d deaths of the worker: %d thresholds acted on once each; after their instant or the last recovery: half within %s, 95 %% within %s, the last after %s; %d requests of %d keys at the webhook",
		deaths, len(late), late[len(late)/2].Round(time.Millisecond), late[len(late)*95/100].Round(time.Millisecond), late[len(late)-1].Round(time.Millisecond), requests, len(keys))
}

// Clocks by the thousand: editing a promise moves none, a recalculation moves exactly those of its preview, and what the
// start page and the API say comes next is what the machines will do. BELAY_CLOCKS says how many.
func TestThousandsOfClocksMoveOnlyWhenTheyAreRecalculated(t *testing.T) {
	many := 300
	if said := os.Getenv("BELAY_CLOCKS"); said != "" {
		var err error
		many, err = strconv.Atoi(said)
		require.NoError(t, err)
	}
	c := newCarriers(t)
	clocks := func(p1, others string) string {
		return fmt.Sprintf("kind: sla\nid: p1\nmetric: resolve\ntarget: %s\nfor: {priorities: [P1]}\n---\nkind: sla\nid: others\nmetric: resolve\ntarget: %s\n", p1, others)
	}
	c.promises(clocks("48m", "60m"))
	began := time.Now()
	var work errgroup.Group
	work.SetLimit(8)
	for n := range many {
		work.Go(func() error {
			priority := "P3"
			if n%3 == 0 {
				priority = "P1"
			}
			status, raw, err := c.try(http.MethodPost, "/v1/tickets", map[string]any{
				"system": "desk", "key": fmt.Sprintf("C%05d", n), "title": fmt.Sprintf("C%05d is slow", n), "service": "replies", "state": "working", "priority": priority})
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("ticket %d: %d %s", n, status, raw)
			}
			return err
		})
	}
	require.NoError(t, work.Wait())
	t.Logf("%d tickets watched after %s", many, time.Since(began).Round(time.Millisecond))
	before := c.allClocks(many)
	t.Logf("all of them show what comes next after %s", time.Since(began).Round(time.Millisecond))
	c.agrees(before)

	c.promises(clocks("36m", "60m"))
	require.Equal(t, before, c.allClocks(many), "an edited promise moves nothing by itself")
	began = time.Now()
	var preview struct {
		Moves []struct {
			Ticket, Clock string
			From, To      time.Time
		}
	}
	require.NoError(t, json.Unmarshal([]byte(c.run("sla", "recalculate", "-o", "json")), &preview))
	t.Logf("preview of %d clocks after %s", len(preview.Moves), time.Since(began).Round(time.Millisecond))
	require.Len(t, preview.Moves, (many+2)/3)
	require.Equal(t, before, c.allClocks(many), "nor does a preview")
	want := map[string]standing{}
	for key, s := range before {
		want[key] = s
	}
	for _, m := range preview.Moves {
		s := want[m.Ticket]
		require.Equal(t, "p1", m.Clock)
		require.True(t, s.due.Equal(m.From))
		want[m.Ticket] = standing{escalation: s.escalation, due: m.To, next: m.To.Add(-9 * time.Minute), action: "warn"}
	}
	began = time.Now()
	t.Log(strings.TrimSpace(c.run("sla", "recalculate", "--yes", "--reason", "the contract has changed")))
	t.Logf("recalculated after %s", time.Since(began).Round(time.Millisecond))
	var after map[string]standing
	c.await(func() bool {
		after = c.allClocks(many)
		for _, m := range preview.Moves {
			if after[m.Ticket] != want[m.Ticket] {
				return false
			}
		}
		return true
	}, "the clocks that were previewed are moved")
	require.Equal(t, want, after, "those that were previewed, and no other")
	t.Logf("all of them show it after %s", time.Since(began).Round(time.Millisecond))

	// A third waits, some of these go on; the list follows.
	began = time.Now()
	for n := 0; n < many; n += 10 {
		c.observes(fmt.Sprintf("C%05d", n), "waiting", map[string]any{"service": "replies", "reason": "customer", "priority": "P3"})
	}
	c.await(func() bool {
		for key, s := range c.allClocks(many) {
			if waits := strings.HasSuffix(key, "0"); waits != (s.action == "none") {
				return false
			}
		}
		return true
	}, "what waits has nothing in store")
	t.Logf("%d of them wait, and the list says so, after %s", (many+9)/10, time.Since(began).Round(time.Millisecond))
	c.agrees(c.allClocks(many))
	c.startPage(c.allClocks(many))
}

// standing is what the list says of a ticket.
type standing struct {
	escalation string
	due        time.Time // of its clock, as GET /v1/tickets says
	next       time.Time // as GET /v1/escalations says
	action     string
}

// allClocks waits until every ticket has its row, and returns what both lists say.
func (c *carriers) allClocks(many int) map[string]standing {
	c.t.Helper()
	all := map[string]standing{}
	of := map[string]string{}
	for cursor := ""; ; {
		var page struct {
			Tickets []ticketed
			Cursor  *string
		}
		c.get("/v1/tickets?watched=true&limit=200&cursor="+cursor, &page)
		for _, one := range page.Tickets {
			var s standing
			s.escalation = one.Escalation
			for _, clock := range one.Clocks {
				if !clock.DueAt.IsZero() {
					s.due = clock.DueAt
				}
			}
			all[one.ID], of[one.Escalation] = s, one.ID
		}
		if page.Cursor == nil {
			break
		}
		cursor = *page.Cursor
	}
	require.Len(c.t, all, many)
	c.await(func() bool {
		known := 0
		for cursor := ""; ; {
			var page struct {
				Escalations []escalation
				Cursor      *string
			}
			c.get("/v1/escalations?state=watching&limit=200&cursor="+cursor, &page)
			for _, e := range page.Escalations {
				s := all[of[e.ID]]
				if s.next, s.action = e.Next.At, e.Next.Action; s.action != "" {
					known++
				}
				all[of[e.ID]] = s
			}
			if page.Cursor == nil {
				break
			}
			cursor = *page.Cursor
		}
		return known == many
	}, "every ticket has its row")
	return all
}

// agrees compares what the lists say comes next with what the machines have in store and with the clocks.
func (c *carriers) agrees(all map[string]standing) {
	c.t.Helper()
	engine := c.temporal()
	var mu sync.Mutex
	var off []time.Duration
	var work errgroup.Group
	work.SetLimit(8)
	asked := 0
	for key, s := range all {
		if asked++; asked > 1000 {
			break
		}
		work.Go(func() error {
			answer, err := engine.QueryWorkflow(c.t.Context(), contract.EscalationID(id.Escalation(s.escalation)), "", contract.QueryState)
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			var sum machine.Summary
			if err := answer.Get(&sum); err != nil {
				return err
			}
			if sum.Next.Action != s.action || !sum.Next.At.Truncate(time.Microsecond).Equal(s.next.Truncate(time.Microsecond)) {
				return fmt.Errorf("%s: the list says %s at %s, its machine %s at %s", key, s.action, s.next, sum.Next.Action, sum.Next.At)
			}
			if s.action == "none" {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			off = append(off, s.due.Sub(s.next))
			return nil
		})
	}
	require.NoError(c.t, work.Wait())
	for _, left := range off { // warned of at 75 % of 36, 48 or 60 minutes
		require.Contains(c.t, []time.Duration{9 * time.Minute, 12 * time.Minute, 15 * time.Minute}, left)
	}
	c.t.Logf("%d machines asked: the lists say what they have in store", min(len(all), 1000))
}

var shownRow = regexp.MustCompile(`(?s)id="row-(E-\d+)".*?</li>`)

// startPage: every ticket for which something happens within the hour stands on it, with its instant.
func (c *carriers) startPage(all map[string]standing) {
	c.t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+c.http+"/", nil)
	require.NoError(c.t, err)
	request.Header.Set("Authorization", "Bearer "+c.token)
	began := time.Now()
	response, err := http.DefaultClient.Do(request)
	require.NoError(c.t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusOK, response.StatusCode, "%s", raw)
	took := time.Since(began)
	shown := map[string]string{}
	for _, m := range shownRow.FindAllStringSubmatch(string(raw), -1) {
		shown[m[1]] = m[0]
	}
	approaching := 0
	for key, s := range all {
		row, there := shown[s.escalation]
		if s.action == "none" {
			require.False(c.t, there, "%s waits: nothing approaches", key)
			continue
		}
		approaching++
		if len(all) <= 1000 {
			require.True(c.t, there, "%s is on the start page", key)
			require.Contains(c.t, row, s.next.UTC().Format("2006-01-02T15:04:05"), key)
		}
	}
	c.t.Logf("start page with %d of %d approaching tickets: %d bytes after %s", len(shown), approaching, len(raw), took.Round(time.Millisecond))
}

// What is fixed for those outside: the clocks of a ticket by their names, and what triggers would have done, by the command.
func TestClocksAndTriggersAsOthersReadThem(t *testing.T) {
	c := newCarriers(t)
	c.promises("kind: sla\nid: quick\nmetric: resolve\ntarget: 2s\nfor: {services: [replies]}\nthresholds: [{at: 50%, do: warn}, {at: breach, do: escalate}]\n" +
		"---\nkind: trigger\nid: vip\nname: a VIP waits\nwhen: ticket.vip\ndo: escalate\n")
	late := c.observes("L1", "working", map[string]any{"service": "replies"})
	c.await(func() bool { return len(c.toNumber(late, "Messages", ana)) > 0 }, "ana is told of %s", late)
	waits := c.observes("L2", "waiting", map[string]any{"service": "replies", "reason": "vendor", "vip": true})
	c.await(func() bool { return len(c.toNumber(waits, "Messages", ana)) > 0 }, "ana is told of %s", waits)

	type raw map[string]json.RawMessage
	var list struct{ Tickets []struct{ Clocks []raw } }
	c.get("/v1/tickets", &list)
	require.Len(t, list.Tickets, 2)
	for key, want := range map[string]map[string]string{
		"desk:L1": {"name": `"quick"`, "paused": "false", "target": "2"},
		"desk:L2": {"name": `"quick"`, "paused": "true", "reason": `"vendor"`, "elapsed": "0", "target": "2", "due_at": "null", "warned_at": "null", "breached_at": "null"},
	} {
		var one struct{ Clocks []raw }
		c.get("/v1/tickets/"+key, &one)
		require.Len(t, one.Clocks, 1)
		for _, clock := range []raw{one.Clocks[0], list.Tickets[0].Clocks[0]} {
			for _, field := range []string{"name", "due_at", "warned_at", "breached_at", "paused", "reason", "elapsed", "target"} {
				require.Contains(t, clock, field)
			}
		}
		for field, value := range want {
			require.Equal(t, value, string(one.Clocks[0][field]), "%s of %s", field, key)
		}
	}
	breached := c.ticket("desk:L1").Clocks[0]
	require.Equal(t, breached.DueAt, breached.BreachedAt)
	require.Equal(t, time.Second, breached.DueAt.Sub(breached.WarnedAt))

	said := c.run("triggers", "try", "--since", "30d")
	require.Regexp(t, `desk:L1.*is late`, said)
	require.Regexp(t, `desk:L2.*a VIP waits`, said)
	require.NotContains(t, said, "50%", "what escalates, not what warns")
}
