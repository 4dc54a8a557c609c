package store_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/integrations/anyrest"
	"github.com/belayhq/belay/integrations/anyrest/deskfake"
	"github.com/belayhq/belay/service"
)

// helpDesk is a house whose only ticket system is one of examples/ticketing.
func helpDesk(t *testing.T, name, secret string, fake *deskfake.Desk) *ticketHouse {
	t.Helper()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	var files []blueprint.File
	for _, file := range []string{"quick/quick.yaml", "ticketing/" + name + ".yaml"} {
		content, err := os.ReadFile(filepath.Join("..", "examples", file))
		require.NoError(t, err)
		files = append(files, blueprint.File{Path: file, Content: content})
	}
	loaded, err := blueprint.Load(files, time.LoadLocation)
	require.NoError(t, err)
	system := loaded.Org.Tickets[id.TicketSystem(name)]
	system.URL, system.Opens = server.URL, []org.TicketOpening{{}}
	desk, err := anyrest.New(system, secret, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, 30*time.Second)
	require.NoError(t, err)
	h := newTicketHouse(t)
	h.org.org.Tickets[system.ID] = system
	h.scribe.Trackers = func(org.TicketSystem) (service.Tracker, error) { return desk, nil }
	return h
}

// Every answer of a help desk that only the blueprint knows may be lost, late or a refusal, whatever it was asked: it has one ticket
// with every entry once, in order, and the fields as they are here.
func TestAHelpDeskThatFailsInEveryWayHasEverythingOnce(t *testing.T) {
	for name, as := range map[string]struct {
		fake                *deskfake.Desk
		secret, agent, open string
	}{
		"zendesk":      {deskfake.Zendesk(), deskfake.ZendeskSecret, "360002", "open"},
		"freshservice": {deskfake.Freshservice(), deskfake.FreshserviceSecret, "21000002", "2"},
		"zammad":       {deskfake.Zammad(), deskfake.ZammadSecret, "ana@acme.example", "open"},
	} {
		t.Run(name, func(t *testing.T) {
			h := helpDesk(t, name, as.secret, as.fake)
			asked := 0
			as.fake.Behaves(func(r *http.Request) deskfake.Conduct { // one after the other: there is one ticket
				asked++
				switch asked % 8 {
				case 1, 4:
					return deskfake.Conduct{Drop: true}
				case 2:
					return deskfake.Conduct{Status: []int{500, 502, 503, 408}[asked/8%4]}
				case 3:
					return deskfake.Conduct{Status: []int{429, 409, 401, 403}[asked/8%4]}
				}
				return deskfake.Conduct{}
			})
			h.write("E-7", 1, 30)
			h.written()
			h.write("E-7", 31, 75, func(s *escalation.Summary) { s.State, s.AcknowledgedBy = escalation.Acked, "ana" })
			h.written()
			all := as.fake.Tickets()
			require.Len(t, all, 1)
			require.Equal(t, []string{as.agent, as.open}, []string{all[0].Assignee, all[0].Status})
			require.Zero(t, all[0].Public)
			require.Equal(t, tiers(75), entriesOf(all[0].Notes))

			as.fake.Behaves(nil)
			was := as.fake.Tickets()[0].Priority
			h.write("E-7", 76, 76, func(s *escalation.Summary) { s.State, s.AcknowledgedBy, s.Priority = escalation.Acked, "ana", org.P5 })
			h.written()
			require.Equal(t, was, as.fake.Tickets()[0].Priority, "it has no word for that")
			require.NoError(t, h.news.Take(t.Context(), seenBy(t, h, name)))
			for _, said := range h.engine.said {
				require.NotContains(t, said, contract.Prioritise, "and nobody is told that it is another")
			}
		})
	}
}

// seenBy is the ticket as its system shows it.
func seenBy(t *testing.T, h *ticketHouse, name string) tracker.Ticket {
	t.Helper()
	desk, err := h.scribe.Trackers(h.org.org.Tickets[id.TicketSystem(name)])
	require.NoError(t, err)
	changed, _, err := desk.Changed(t.Context(), time.Now().Add(-5*time.Minute), time.Now())
	require.NoError(t, err)
	require.Len(t, changed, 1)
	return changed[0]
}

// entriesOf lists the tiers that notes tell of, in order.
func entriesOf(notes []string) (lines []string) {
	for _, note := range notes {
		for line := range strings.SplitSeq(html.UnescapeString(strings.ReplaceAll(note, "<br>", "\n")), "\n") {
			if _, tier, is := strings.Cut(line, "UTC  "); is {
				lines = append(lines, tier)
			}
		}
	}
	return lines
}
