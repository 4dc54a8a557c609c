package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/integrations/anyrest/deskfake"
)

// helpDesk is a system that only the blueprint describes, as its own people see it.
type helpDesk struct {
	*deskfake.Desk
	url, agent    string
	open, solved  string
	high, highest string // P2, P1
}

// ticket is the only one that there is.
func (d *helpDesk) ticket() deskfake.Ticket {
	if all := d.Tickets(); len(all) > 0 {
		return all[0]
	}
	return deskfake.Ticket{}
}

// notes as people read them.
func (d *helpDesk) notes() (all []string) {
	for _, note := range d.ticket().Notes {
		all = append(all, html.UnescapeString(strings.ReplaceAll(note, "<br>", "\n")))
	}
	return all
}

// helpDesks is a house with the systems of examples/ticketing.
func helpDesks(t *testing.T) (*systems, map[string]*helpDesk) {
	t.Helper()
	s := &systems{}
	all := map[string]*helpDesk{
		"zendesk":      {Desk: deskfake.Zendesk(), url: "https://acme.zendesk.com", agent: "360002", open: "open", solved: "solved", high: "high", highest: "urgent"},
		"freshservice": {Desk: deskfake.Freshservice(), url: "https://acme.freshservice.com", agent: "21000002", open: "2", solved: "4", high: "3", highest: "4"},
		"zammad":       {Desk: deskfake.Zammad(), url: "https://help.acme.example", agent: "ana@acme.example", open: "open", solved: "closed", high: "2 normal", highest: "3 high"},
	}
	directory := t.TempDir()
	quick, err := os.ReadFile("../examples/quick/quick.yaml")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(directory, "quick.yaml"), quick, 0o600))
	for name, d := range all {
		server := httptest.NewServer(d.Desk)
		t.Cleanup(server.Close)
		text, err := os.ReadFile("../examples/ticketing/" + name + ".yaml")
		require.NoError(t, err)
		require.Contains(t, string(text), "url: "+d.url+"\n")
		text = []byte(strings.Replace(string(text), "url: "+d.url+"\n", "url: "+server.URL+"\n", 1))
		if name == "zammad" {
			text = append(text, "watch: {query: 'group:Network', tickets: [{when: ticket.team == \"Network\", service: payments}]}\n"...)
		}
		require.NoError(t, os.WriteFile(filepath.Join(directory, name+".yaml"), text, 0o600))
	}
	door := "{kind: integration, id: help-door, service: payments, key: " + doorKey + ", tickets: zendesk}\n"
	require.NoError(t, os.WriteFile(filepath.Join(directory, "z.yaml"), []byte(door), 0o600))
	home, err := os.MkdirTemp("", "belay-home-")
	require.NoError(t, err)
	s.house = newHouse(t, home, directory)
	secrets, err := json.Marshal(map[string]string{
		"zendesk": deskfake.ZendeskSecret, "zendesk-hook": deskfake.ZendeskHook, "zammad": deskfake.ZammadSecret, "zammad-hook": deskfake.ZammadHook,
		"freshservice": deskfake.FreshserviceSecret, "freshservice-hook": deskfake.FreshserviceHook,
	})
	require.NoError(t, err)
	s.env = append(s.env, "BELAY_TICKET_SECRETS="+string(secrets), "BELAY_TICKET_ALLOW=127.0.0.0/8")
	s.start()
	t.Cleanup(func() { s.stop() })
	for name, d := range all {
		d.Tells(func(header map[string]string, body []byte) {
			if s.lost.Load() {
				return
			}
			request, err := http.NewRequest(http.MethodPost, "http://"+s.http+"/callbacks/tickets/"+name, bytes.NewReader(body))
			if err != nil {
				return
			}
			request.Header.Set("Content-Type", "application/json")
			for n, v := range header {
				request.Header.Set(n, v)
			}
			if answer, err := http.DefaultClient.Do(request); err == nil {
				answer.Body.Close()
			}
		})
	}
	return s, all
}

// Zendesk, Freshservice and Zammad are joined by nothing but the blueprint. Each gets its ticket once although answers are lost, and every
// step in order; what is done here is seen there, what is done there is heard here, by webhook, and by asking when that is lost. What others
// open there is watched.
func TestHelpDesksAreJoinedByTheBlueprint(t *testing.T) {
	s, desks := helpDesks(t)
	for _, d := range desks { // the first two writes are done, and nobody hears so
		lost := 2
		d.Behaves(func(r *http.Request) deskfake.Conduct {
			if r.Method == http.MethodGet || lost == 0 {
				return deskfake.Conduct{}
			}
			lost--
			return deskfake.Conduct{Drop: true}
		})
	}
	s.fire("nobody can log in", "help-1", "critical")
	m := s.told("nobody can log in", "ana", "sms")
	e := m.Escalation
	s.replies(m, "ack "+strings.TrimPrefix(e, "E-"))
	s.reaches(e, "acknowledged")
	for name, d := range desks {
		s.eventually(func() bool { return d.ticket().Assignee == d.agent && d.ticket().Status == d.open }, "%s shows who has %s", name, e)
		require.Equal(t, d.highest, d.ticket().Priority, name)
	}

	zendesk, zammad, freshservice := desks["zendesk"], desks["zammad"], desks["freshservice"]
	zammad.Edit(zammad.ticket().ID, func(t *deskfake.Ticket) { t.Priority = zammad.high })
	s.eventually(func() bool { return s.escalation(e).Priority == "P2" }, "the priority of Zammad is heard")
	for name, d := range desks {
		s.eventually(func() bool { return d.ticket().Priority == d.high }, "%s has the priority of Zammad", name)
	}

	s.lost.Store(true)
	zendesk.Edit(zendesk.ticket().ID, func(t *deskfake.Ticket) { t.Priority = zendesk.highest })
	answered, err := http.Post("http://"+s.http+"/in/json/"+doorKey, "application/json", strings.NewReader(fmt.Sprintf(`{"ticket_id": "%d"}`, zendesk.ticket().ID)))
	require.NoError(t, err)
	answered.Body.Close()
	require.Equal(t, http.StatusAccepted, answered.StatusCode)
	s.eventually(func() bool { return s.escalation(e).Priority == "P1" }, "the priority of Zendesk is heard by the other door")
	zammad.Create("the printer hums", func(t *deskfake.Ticket) { t.Group = "Office" })
	vpn := zammad.Create("vpn is slow", func(t *deskfake.Ticket) { t.Group = "Network" })
	freshservice.Edit(freshservice.ticket().ID, func(t *deskfake.Ticket) { t.Status = freshservice.solved })
	s.reaches(e, "resolved")
	watching := s.watched("zammad:31003")
	s.reaches(watching, "watching")
	s.lost.Store(false)
	zammad.Edit(vpn, func(t *deskfake.Ticket) { t.Status = zammad.solved })
	s.reaches(watching, "resolved")
	for name, d := range desks {
		s.eventually(func() bool { return d.ticket().Status == d.solved }, "%s knows that it is over", name)
		s.written(e, d.notes)
		ours := 0
		for _, one := range d.Tickets() {
			if one.Correlation != "" {
				ours++
			}
		}
		require.Equal(t, 1, ours, "%s has one ticket of ours", name)
		require.Zero(t, d.ticket().Public, "customers of %s see nothing", name)
	}
	entries := len(s.timeline(e))
	for _, d := range desks {
		d.Edit(d.ticket().ID, func(*deskfake.Ticket) {})
	}
	require.Len(t, s.timeline(e), entries, "nothing changed, so nothing moves")

	forged, err := http.NewRequest(http.MethodPost, "http://"+s.http+"/callbacks/tickets/zendesk", strings.NewReader(`{"ticket_id": "1"}`))
	require.NoError(t, err)
	forged.Header.Set("X-Zendesk-Webhook-Signature", "AAAA")
	forged.Header.Set("X-Zendesk-Webhook-Signature-Timestamp", "2026-01-02T03:04:05Z")
	answer, err := http.DefaultClient.Do(forged)
	require.NoError(t, err)
	answer.Body.Close()
	require.Equal(t, http.StatusForbidden, answer.StatusCode)
	require.Len(t, zendesk.Tickets(), 1)
	s.once()
}
