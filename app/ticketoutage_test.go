package app_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/integrations/jira"
	"github.com/belayhq/belay/integrations/jira/jirafake"
	"github.com/belayhq/belay/integrations/servicenow"
	"github.com/belayhq/belay/integrations/servicenow/servicenowfake"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/internal/stack/stacktest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
	"github.com/belayhq/belay/store"
)

// weather of the ticket systems: what becomes of a request at a minute of the scene.
type weather struct {
	mu     sync.Mutex
	minute int
	dice   *rand.Rand
	seen   map[int]int // requests by what became of them: a status, 0: answered, -1: done and cut off
}

const outageBegins, outageEnds = 10, 130 // minutes

func (w *weather) plan(r *http.Request) (status, after int, drop bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() {
		if drop {
			w.seen[-1]++
		} else {
			w.seen[status]++
		}
	}()
	roll, reads := w.dice.IntN(100), r.Method == http.MethodGet
	switch m := w.minute; {
	case m < outageBegins || m >= outageEnds:
	case m < 50:
		return http.StatusServiceUnavailable, 0, false
	case m < 70:
		return http.StatusUnauthorized, 0, false // somebody has changed the password, and changes it back
	case m < 100: // half of it is there
		switch {
		case reads && roll < 20, !reads && roll < 40:
			return http.StatusServiceUnavailable, 0, false
		case !reads && roll < 65:
			return 0, 0, true
		}
	default:
		switch {
		case !reads && roll < 30:
			return http.StatusConflict, 0, false
		case roll < 50:
			return http.StatusTooManyRequests, 30, false
		}
	}
	return 0, 0, false
}

type orgAsItIs struct{ org *org.Org }

func (o orgAsItIs) Current() policy.Directory { return policy.Directory{Org: o.org} }

// Both ticket systems are away for two hours, in every way there is, while two hundred escalations, or BELAY_OUTAGE, go on: refused, the
// password changed, half of it there and answers lost, at odds, asked to wait. Our records and our connectors are the real ones; of
// the clock only differences count, so the scene moves what is to come instead of waiting for it. Afterwards each ticket is there once,
// each entry stands in it once and in order, and its state is ours.
func TestTwoHoursWithoutTicketSystemsLoseAndDoubleNothing(t *testing.T) {
	many := 200
	if asked := os.Getenv("BELAY_OUTAGE"); asked != "" {
		var err error
		many, err = strconv.Atoi(asked)
		require.NoError(t, err, "BELAY_OUTAGE")
	}
	ctx := t.Context()
	t.Setenv(pgtest.Variable, stacktest.Get(t).DatabaseURL)
	pool := pgtest.Pool(t)
	w := &weather{dice: rand.New(rand.NewPCG(2, 401)), seen: map[int]int{}}
	snow, jiras := &servicenowfake.Server{}, &jirafake.Server{}
	snow.Plan = func(r *http.Request) servicenowfake.Conduct {
		status, after, drop := w.plan(r)
		return servicenowfake.Conduct{Status: status, After: after, Drop: drop}
	}
	jiras.Plan = func(r *http.Request) jirafake.Conduct {
		status, after, drop := w.plan(r)
		return jirafake.Conduct{Status: status, After: after, Drop: drop}
	}
	desk, ops := httptest.NewServer(snow), httptest.NewServer(jiras)
	t.Cleanup(desk.Close)
	t.Cleanup(ops.Close)
	company := orgAsItIs{&org.Org{Tickets: map[id.TicketSystem]org.TicketSystem{
		"desk": {ID: "desk", Name: "Desk", Type: org.ServiceNow, URL: desk.URL, Opens: []org.TicketOpening{{}}},
		"ops":  {ID: "ops", Name: "Ops", Type: org.Jira, URL: ops.URL, Project: "OPS", Opens: []org.TicketOpening{{}}},
	}}}
	quiet, seal := slog.New(slog.DiscardHandler), tracker.Seal("a secret of sixteen")
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	trackers := map[id.TicketSystem]service.Tracker{}
	var err error
	trackers["desk"], err = servicenow.New(company.org.Tickets["desk"], servicenowfake.Secret, local, time.Minute)
	require.NoError(t, err)
	trackers["ops"], err = jira.New(company.org.Tickets["ops"], jirafake.Secret, local, time.Minute)
	require.NoError(t, err)
	book := store.TicketLinks{Pool: pool}
	news := &service.TicketNews{Book: book, Organisation: company, Engine: &servicetest.Engine{}, Now: time.Now, Log: quiet}
	var scribes []*service.Scribe // of two processes
	for range 2 {
		scribes = append(scribes, &service.Scribe{
			Book: book, Escalations: store.Escalations{Pool: pool}, Organisation: company, News: news, Seal: seal, Log: quiet,
			Trackers: func(s org.TicketSystem) (service.Tracker, error) { return trackers[s.ID], nil },
		})
	}

	journal := store.Journal{Pool: pool, Tickets: service.TicketRules{Organisation: company}.Wanted}
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	length := make([]int, many)
	says := func(n int, state escalation.Phase) {
		t.Helper()
		length[n]++
		at := noon.Add(time.Duration(w.minute) * time.Minute)
		require.NoError(t, journal.Write(ctx, contract.Record{
			Entries: []escalation.Entry{{Seq: length[n], At: at, Kind: escalation.EntryTier, Actor: "belay", Via: "timer", Key: fmt.Sprint("t", length[n]), Text: fmt.Sprintf("Step %d", length[n])}},
			Summary: escalation.Summary{ID: id.OfNumber(int64(n + 1)), State: state, Title: fmt.Sprintf("region %d is gone", n), Service: "payments", Kind: org.Technical, Priority: org.P1,
				Severity: alert.Critical, OpenedAt: noon, Seq: length[n]},
		}))
	}
	passes := func() {
		t.Helper()
		for _, scribe := range scribes {
			for range 4 * many {
				if !scribe.Flush(ctx) {
					break
				}
			}
		}
		w.mu.Lock()
		w.minute++
		w.mu.Unlock()
		for _, table := range []string{"ticket_links set due_at = due_at - interval '1 minute'", "ticket_systems set silent_until = silent_until - interval '1 minute'"} {
			_, err := pool.Exec(ctx, "update "+table)
			require.NoError(t, err)
		}
	}

	fallen := rand.New(rand.NewPCG(7, 7))
	for n := range many {
		if n < many/2 {
			says(n, escalation.Open) // the others begin in the dark
		}
	}
	for w.minute < outageEnds {
		for range max(1, many/10) {
			says(fallen.IntN(many), escalation.Open)
		}
		passes()
	}
	for n := range many {
		says(n, escalation.ResolvedP)
	}
	behind := func() bool {
		lag, err := book.Lag(ctx)
		require.NoError(t, err)
		return len(lag) > 0
	}
	for w.minute < outageEnds+600 && behind() {
		passes()
	}
	require.False(t, behind(), "ten hours later all is written")
	caughtUp := w.minute - outageEnds

	total := 0
	lines := func(notes []string) (all []string) {
		for _, note := range notes {
			for line := range strings.SplitSeq(note, "\n") {
				if _, text, is := strings.Cut(line, "UTC  "); is {
					all = append(all, text)
				}
			}
		}
		return all
	}
	incidents, issues := map[string]map[string]string{}, map[string]jirafake.Issue{}
	for _, row := range snow.Records() {
		incidents[row["sys_id"]] = row
	}
	for _, i := range jiras.Issues() {
		issues[i.ID] = i
	}
	require.Len(t, incidents, many, "no ticket is made twice")
	require.Len(t, issues, many, "no ticket is made twice")
	for n := range many {
		var want []string
		for seq := 1; seq <= length[n]; seq++ {
			want = append(want, fmt.Sprintf("Step %d", seq))
		}
		total += length[n]
		links, err := book.Of(ctx, id.OfNumber(int64(n+1)))
		require.NoError(t, err)
		require.Len(t, links, 2)
		for _, l := range links {
			var notes []string
			switch l.System {
			case "desk":
				require.Equal(t, "6", incidents[l.Ticket]["state"], "E-%d is solved", n+1)
				for _, note := range snow.Notes(l.Ticket) {
					if strings.Contains(note, "[belay-") {
						notes = append(notes, note)
					}
				}
			case "ops":
				require.Equal(t, "Done", issues[l.Ticket].Status, "E-%d is done", n+1)
				for _, c := range issues[l.Ticket].Comments {
					notes = append(notes, read(c))
				}
			}
			require.Equal(t, want, lines(notes), "%s of E-%d", l.System, n+1)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for status := range map[int]bool{0: true, -1: true, 401: true, 409: true, 429: true, 503: true} {
		require.NotZero(t, w.seen[status], "%d was met", status)
	}
	t.Logf("%d escalations, %d entries, two systems, two hours: %d requests answered, %d done and cut off, %d × 503, %d × 401, %d × 409, %d × 429; all written %d min after both were back",
		many, total, w.seen[0], w.seen[-1], w.seen[503], w.seen[401], w.seen[409], w.seen[429], caughtUp)
}

// read is what people read of an Atlassian document.
func read(node any) (text string) {
	switch n := node.(type) {
	case []any:
		for _, one := range n {
			text += read(one)
		}
	case map[string]any:
		if n["type"] == "hardBreak" {
			return "\n"
		}
		if words, is := n["text"].(string); is {
			return words
		}
		return read(n["content"])
	}
	return text
}
