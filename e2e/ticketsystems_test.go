package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/integrations/jira/jirafake"
	"github.com/belayhq/belay/integrations/servicenow/servicenowfake"
)

// What the systems and the house prove themselves with.
const (
	hookSecret = "what-the-desk-knows"
	doorKey    = "acme0tickets0demo0door0key000000"
)

const deskSystems = `
kind: ticket_system
id: desk
type: servicenow
url: %s
secret: snow
hook: hook
opens: [{services: [payments], priorities: [P1]}]
people: [{person: ana, theirs: u-ana}, {person: eva, theirs: u-eva}]
watch:
  query: category=pay
  tickets: [{when: 'ticket.category == "pay"', service: payments}]
  reason: fields.hold_reason
---
kind: ticket_system
id: ops
type: jira
url: %s
secret: jira
hook: hook
project: OPS
opens: [{services: [payments], priorities: [P1]}]
people: [{person: ana, theirs: u-ana}, {person: eva, theirs: u-eva}]
watch:
  query: project = SUP
  tickets: [{when: fields.project == "SUP", service: payments}]
---
{kind: sla, id: solved, metric: resolve, target: 40h, for: {customers: [Acme]}}
---
kind: integration
id: jira-door
service: payments
key: %s
tickets: ops
`

// systems are the fakes, and what is between them and the house.
type systems struct {
	*house
	snow *servicenowfake.Server
	jira *jirafake.Server

	lost atomic.Bool // webhooks go nowhere
	mu   sync.Mutex
	plan func(r *http.Request) servicenowfake.Conduct // nil: ServiceNow answers
}

func ticketHouse(t *testing.T) *systems {
	t.Helper()
	s := &systems{snow: &servicenowfake.Server{}, jira: &jirafake.Server{}}
	s.snow.Plan = func(r *http.Request) servicenowfake.Conduct {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.plan == nil {
			return servicenowfake.Conduct{}
		}
		return s.plan(r)
	}
	snow, jira := httptest.NewServer(s.snow), httptest.NewServer(s.jira)
	t.Cleanup(snow.Close)
	t.Cleanup(jira.Close)

	blueprint := t.TempDir()
	quick, err := filepath.Glob("../examples/quick/*.yaml")
	require.NoError(t, err)
	for _, file := range quick {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		top := "  - name: lead and vendors\n"
		require.Contains(t, string(content), top)
		content = []byte(strings.Replace(string(content), top, top+"    direction: hierarchic\n", 1))
		require.NoError(t, os.WriteFile(filepath.Join(blueprint, filepath.Base(file)), content, 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(blueprint, "z.yaml"), []byte(fmt.Sprintf(deskSystems, snow.URL, jira.URL, doorKey)), 0o600))
	home, err := os.MkdirTemp("", "belay-home-")
	require.NoError(t, err)
	s.house = newHouse(t, home, blueprint)
	secrets, err := json.Marshal(map[string]string{"snow": servicenowfake.Secret, "jira": jirafake.Secret, "hook": hookSecret})
	require.NoError(t, err)
	s.env = append(s.env, "BELAY_TICKET_SECRETS="+string(secrets), "BELAY_TICKET_ALLOW=127.0.0.0/8")
	s.start()
	t.Cleanup(func() { s.stop() })
	s.snow.Tells = func(record map[string]string) {
		body, err := json.Marshal(record)
		if err == nil {
			s.hook("/callbacks/tickets/desk", body)
		}
	}
	s.jira.Tells = func(body []byte) { s.hook("/in/jira/"+doorKey, body) }
	return s
}

// behaves says how ServiceNow does from now on.
func (s *systems) behaves(plan func(r *http.Request) servicenowfake.Conduct) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = plan
}

// hook is a webhook on its way. A system does not care what becomes of it.
func (s *systems) hook(path string, body []byte) {
	if s.lost.Load() {
		return
	}
	request, err := http.NewRequest(http.MethodPost, "http://"+s.http+path, bytes.NewReader(body))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Belay-Secret", hookSecret)
	if answer, err := http.DefaultClient.Do(request); err == nil {
		answer.Body.Close()
	}
}

// watched waits until a ticket is.
func (s *systems) watched(id string) (escalation string) {
	s.t.Helper()
	s.eventually(func() bool {
		status, raw, err := s.try(http.MethodGet, "/v1/tickets/"+id, nil)
		var t ticketed
		if err != nil || status != http.StatusOK || json.Unmarshal(raw, &t) != nil {
			return false
		}
		escalation = t.Escalation
		return escalation != ""
	}, "%s is watched", id)
	return escalation
}

// written once and in order: the notes of a ticket are the timeline, entry by entry.
func (s *systems) written(e string, notes func() []string) {
	s.t.Helper()
	var want, got string
	s.eventually(func() bool {
		want, got = "", ""
		for _, one := range s.timeline(e) {
			want += one.At.UTC().Format("2006-01-02 15:04:05 UTC") + "  " + one.Text + "\n"
		}
		for _, note := range notes() {
			body, _, marked := strings.Cut(note, "[belay-"+e+"-")
			if marked && !strings.HasPrefix(note, "zoe: ") {
				got += body
			}
		}
		return len(got) >= len(want)
	}, "all of %s stands in its ticket", e)
	require.Equal(s.t, want, got)
}

func (s *systems) incidentNotes(sys string) func() []string {
	return func() []string { return s.snow.Notes(sys) }
}

func (s *systems) issueComments(id string) func() []string {
	return func() (texts []string) {
		for _, i := range s.jira.Issues() {
			if i.ID == id {
				for _, c := range i.Comments {
					texts = append(texts, documentText(c))
				}
			}
		}
		return texts
	}
}

// documentText is what people read of an Atlassian document.
func documentText(node any) (text string) {
	switch n := node.(type) {
	case []any:
		for _, one := range n {
			text += documentText(one)
		}
	case map[string]any:
		if n["type"] == "hardBreak" {
			return "\n"
		}
		if words, is := n["text"].(string); is {
			return words
		}
		return documentText(n["content"])
	}
	return text
}

func (s *systems) incident(sys string) map[string]string {
	for _, row := range s.snow.Records() {
		if row["sys_id"] == sys {
			return row
		}
	}
	return nil
}

// A ticket that others opened is watched. It goes back and forth between teams until that is escalated to whoever is above;
// every step, message and receipt stands in the ticket; whoever takes it is assigned there; when it is solved there it is over.
func TestATicketThatGoesBackAndForthClimbs(t *testing.T) {
	s := ticketHouse(t)
	t.Run("ServiceNow", func(t *testing.T) {
		h := *s.house
		h.t = t
		s := &systems{house: &h, snow: s.snow, jira: s.jira}
		sys := s.snow.Create(map[string]string{"short_description": "cannot pay by card", "category": "pay", "company": "Acme", "impact": "2", "urgency": "2", "assignment_group": "desk"})
		other := s.snow.Create(map[string]string{"short_description": "the printer is out of paper", "category": "print", "impact": "2", "urgency": "2"})
		id := "desk:" + s.incident(sys)["number"]
		e := s.watched(id)
		s.reaches(e, "watching")
		require.NotEmpty(t, s.ticket(id).Clocks)
		for _, team := range []string{"net", "desk", "net"} {
			s.snow.Edit(sys, map[string]string{"assignment_group": team})
		}
		require.Empty(t, s.messages(e))
		require.Empty(t, s.snow.Notes(sys), "nothing was done yet")
		s.snow.Edit(sys, map[string]string{"assignment_group": "desk"})
		m := s.told("cannot pay by card", "eva", "sms")
		s.snow.Edit(sys, map[string]string{"work_notes": "zoe: [belay-" + e + "-0123456789ab 1-99 0123456789abcdef] nothing to see", "state": "2"})
		s.replies(m, "ack "+strings.TrimPrefix(e, "E-"))
		s.reaches(e, "acknowledged")
		s.eventually(func() bool { return s.incident(sys)["assigned_to"] == "u-eva" }, "%s is assigned to whoever has it", id)
		s.snow.Edit(sys, map[string]string{"assigned_to": "u-ana"})
		s.told("cannot pay by card", "ana", "email")
		s.snow.Edit(sys, map[string]string{"state": "6"})
		s.reaches(e, "resolved")
		s.written(e, s.incidentNotes(sys))
		require.Equal(t, "6", s.incident(sys)["state"])
		require.Empty(t, s.snow.Notes(other))
		status, _, err := s.try(http.MethodGet, "/v1/tickets/desk:"+s.incident(other)["number"], nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, status)
	})
	t.Run("Jira", func(t *testing.T) {
		h := *s.house
		h.t = t
		s := &systems{house: &h, snow: s.snow, jira: s.jira}
		is := s.jira.Create("SUP", "refunds hang", func(i *jirafake.Issue) { i.Component = "desk" })
		e := s.watched("ops:" + s.jira.Issues()[0].Key)
		for _, team := range []string{"net", "desk", "net", "desk"} {
			s.jira.Edit(is, func(i *jirafake.Issue) { i.Component = team })
		}
		m := s.told("refunds hang", "eva", "sms")
		s.replies(m, "ack "+strings.TrimPrefix(e, "E-"))
		s.eventually(func() bool {
			return s.jira.Issues()[0].Assignee == "u-eva" && s.jira.Issues()[0].Status == "In Progress"
		}, "%s is theirs", e)
		s.jira.Edit(is, func(i *jirafake.Issue) { i.Status = "Done" })
		s.reaches(e, "resolved")
		s.written(e, s.issueComments(is))
		s.jira.Edit(is, func(i *jirafake.Issue) { i.Status = "To Do" })
		s.eventually(func() bool {
			for _, line := range s.timeline(e) {
				if line.Kind == "reopened" {
					return true
				}
			}
			return false
		}, "%s came back", e)
		s.jira.Edit(is, func(i *jirafake.Issue) { i.Status = "Done" })
		s.reaches(e, "resolved")
		s.written(e, s.issueComments(is))
	})
	s.once()
}

// Webhooks are lost for a while, BELAY_SILENCE long. Whoever asks what changed hears of all of it, once.
func TestLostWebhooksAreMadeUpFor(t *testing.T) {
	var silence time.Duration
	if asked := os.Getenv("BELAY_SILENCE"); asked != "" {
		var err error
		silence, err = time.ParseDuration(asked)
		require.NoError(t, err, "BELAY_SILENCE")
	}
	s := ticketHouse(t)
	s.fire("db is gone", "lost-1", "critical")
	m := s.told("db is gone", "ana", "sms")
	ours := m.Escalation
	s.replies(m, "ack")
	s.eventually(func() bool {
		all := s.snow.Records()
		return len(all) == 1 && all[0]["assigned_to"] == "u-ana"
	}, "%s has a ticket", ours)
	s.lost.Store(true)
	s.snow.Edit(s.snow.Records()[0]["sys_id"], map[string]string{"state": "6"})
	const many = 20
	for n := range many {
		s.snow.Create(map[string]string{"short_description": fmt.Sprintf("lost %d", n), "category": "pay", "impact": "2", "urgency": "2"})
		s.jira.Create("SUP", fmt.Sprintf("lost too %d", n), nil)
		time.Sleep(silence / many) // people at work, of whom nothing is heard
	}
	s.reaches(ours, "resolved")
	watching := func() (all []ticketed) {
		var page struct{ Tickets []ticketed }
		s.get("/v1/tickets?limit=200", &page)
		return page.Tickets
	}
	s.eventually(func() bool { return len(watching()) == 2*many }, "all tickets are watched")
	s.lost.Store(false)
	for n := range many { // now they come as well
		s.snow.Edit(fmt.Sprintf("%032x", n+2), map[string]string{"work_notes": "nothing new"})
	}
	seen := map[string]bool{}
	for _, one := range watching() {
		require.NotEmpty(t, one.Escalation)
		require.False(t, seen[one.Escalation], "one each")
		seen[one.Escalation] = true
	}
	require.Len(t, seen, 2*many)
	resolved := 0
	for _, line := range s.timeline(ours) {
		if line.Kind == "resolved" {
			resolved++
		}
	}
	require.Equal(t, 1, resolved)
	s.once()
}

// ours finds the incident of an escalation.
func (s *systems) ours(e string) map[string]string {
	for _, row := range s.snow.Records() {
		if strings.HasPrefix(row["correlation_id"], "belay-"+e+"-") {
			return row
		}
	}
	return nil
}

// One ticket system is away while escalations live and end, then comes back limping: it takes what it says it did not take,
// is at odds, asks to wait. The other has everything meanwhile; the first has every note once, in order.
func TestATicketSystemThatIsAwayMissesNothing(t *testing.T) {
	s := ticketHouse(t)
	refused := 0
	s.behaves(func(*http.Request) servicenowfake.Conduct {
		refused++
		return servicenowfake.Conduct{Status: http.StatusServiceUnavailable}
	})
	var all []string
	for n := range 8 {
		title := fmt.Sprintf("region %d is gone", n)
		s.fire(title, title, "critical")
		all = append(all, s.told(title, "ana", "sms").Escalation)
	}
	for _, e := range all {
		s.post("/v1/escalations/"+e+"/resolve", map[string]string{}, http.StatusOK, nil)
	}
	for _, e := range all {
		s.eventually(func() bool {
			for _, i := range s.jira.Issues() {
				if strings.HasPrefix(fmt.Sprint(i.Labels), "[belay belay-"+e+"-") {
					return i.Status == "Done"
				}
			}
			return false
		}, "%s has its issue", e)
	}
	s.eventually(func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return refused > 2
	}, "ServiceNow is tried")
	require.Empty(t, s.snow.Records())

	var limps []servicenowfake.Conduct
	for _, trouble := range []servicenowfake.Conduct{{Drop: true}, {Status: http.StatusConflict}, {Status: http.StatusTooManyRequests, After: 1}} {
		limps = append(append(limps, make([]servicenowfake.Conduct, 9)...), trouble) // between them it does well
	}
	s.behaves(func(r *http.Request) servicenowfake.Conduct {
		if r.Method == http.MethodGet || len(limps) == 0 {
			return servicenowfake.Conduct{}
		}
		next := limps[0]
		limps = limps[1:]
		return next
	})
	for _, e := range all {
		s.eventually(func() bool { return s.ours(e)["state"] == "6" }, "%s is solved in ServiceNow", e)
		s.written(e, s.incidentNotes(s.ours(e)["sys_id"]))
	}
	require.Len(t, s.snow.Records(), len(all), "no ticket is made twice")
	s.once()
}

// Everybody edits at once: people here, people in ServiceNow, people in Jira, a hundred times each or BELAY_EDITS. When nobody edits any
// more all three say the same, each edit that counted is on record once, and nothing moves.
func TestEditsOnAllSidesEndInAgreement(t *testing.T) {
	edits := 100 // on each side
	if asked := os.Getenv("BELAY_EDITS"); asked != "" {
		var err error
		edits, err = strconv.Atoi(asked)
		require.NoError(t, err, "BELAY_EDITS")
	}
	s := ticketHouse(t)
	s.fire("all hands", "edits", "critical")
	m := s.told("all hands", "ana", "sms")
	e := m.Escalation
	s.replies(m, "ack "+strings.TrimPrefix(e, "E-"))
	s.eventually(func() bool {
		issues := s.jira.Issues()
		return s.ours(e)["assigned_to"] == "u-ana" && len(issues) == 1 && issues[0].Assignee == "u-ana"
	}, "%s has its tickets", e)
	sys, issue := s.ours(e)["sys_id"], s.jira.Issues()[0].ID
	priorities := []string{"P1", "P2", "P3", "P4", "P5"}
	inSnow := map[string][2]string{"P1": {"1", "1"}, "P2": {"2", "1"}, "P3": {"2", "2"}, "P4": {"3", "2"}, "P5": {"3", "3"}}
	inJira := map[string]string{"P1": "Highest", "P2": "High", "P3": "Medium", "P4": "Low", "P5": "Lowest"}
	var all sync.WaitGroup
	all.Go(func() {
		for n := range edits {
			if status, raw, err := s.try(http.MethodPost, "/v1/escalations/"+e+"/prioritise", map[string]string{"priority": priorities[n*7%5]}); err != nil || status >= 300 {
				t.Errorf("prioritise: %d %s %v", status, raw, err)
			}
		}
	})
	all.Go(func() {
		for n := range edits {
			p := inSnow[priorities[n*3%5]]
			s.snow.Edit(sys, map[string]string{"impact": p[0], "urgency": p[1]})
		}
	})
	all.Go(func() {
		for n := range edits {
			s.jira.Edit(issue, func(i *jirafake.Issue) { i.Priority = inJira[priorities[n*2%5]] })
		}
	})
	all.Wait()
	agree := func() bool {
		now, row := s.escalation(e).Priority, s.ours(e)
		return inSnow[now] == [2]string{row["impact"], row["urgency"]} && inJira[now] == s.jira.Issues()[0].Priority
	}
	s.eventually(agree, "all sides agree on %s", e)
	s.written(e, s.incidentNotes(sys))
	s.written(e, s.issueComments(issue))
	require.True(t, agree())
	moves := 0
	for _, line := range s.timeline(e) {
		if line.Kind == "priority" {
			moves++
		}
	}
	require.LessOrEqual(t, moves, 3*edits, "no edit of somebody's is told twice, and none of ours comes back")
	t.Logf("%d edits on each of three sides: %d moves of the priority on record, then %s everywhere; %d notes in ServiceNow, %d in Jira",
		edits, moves, s.escalation(e).Priority, len(s.snow.Notes(sys)), len(s.issueComments(issue)()))
	entries := len(s.timeline(e))
	s.snow.Edit(sys, map[string]string{"work_notes": "zoe: are we done?"})
	s.jira.Edit(issue, func(*jirafake.Issue) {})
	require.True(t, agree())
	require.Len(t, s.timeline(e), entries, "nobody edits, so nothing moves")
	s.once()
}
