package anyrest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/integrations/anyrest"
	"github.com/belayhq/belay/integrations/anyrest/deskfake"
)

// published is what others published of a system.
func published(t *testing.T, name string) []byte {
	t.Helper()
	root := os.Getenv("BELAY_FIXTURES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "fixtures")
	}
	body, err := os.ReadFile(filepath.Join(root, "ticketing", name))
	if err != nil {
		t.Skipf("SKIPPED: no fixtures at %s; set BELAY_FIXTURES to the directory of fixtures", root)
	}
	return body
}

// answering is a system that says the same to everything.
func answering(t *testing.T, name string, body []byte) *anyrest.Desk {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	desk, err := anyrest.New(example(t, name, server.URL), spoken[name].secret, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, 5*time.Second)
	require.NoError(t, err)
	return desk
}

func TestPublishedTicketsAreReadAsTheExamplesSay(t *testing.T) {
	for _, c := range []struct {
		system, file, id string
		state            ticket.State
		assignee         string
	}{
		{"zendesk", "zendesk/get-ticket.json", "2", ticket.Solved, "377922500012"},
		{"zendesk", "zendesk/post-ticket.json", "4", ticket.New, ""},
		{"freshservice", "freshservice/create-ticket2.json", "19", ticket.Working, "987654321"},
		{"freshservice", "freshservice/update-ticket2.json", "2", ticket.Working, "987654321"},
	} {
		told, err := answering(t, c.system, published(t, c.file)).Posted(t.Context(), alert.Post{Body: []byte(`{"ticket_id": "` + c.id + `"}`)})
		require.NoError(t, err, c.file)
		require.Len(t, told, 1, c.file)
		got := told[0]
		require.Equal(t, []any{c.id, c.state, c.assignee}, []any{got.ID, got.State, got.Assignee}, c.file)
		require.NotEmpty(t, got.Title, c.file)
		require.False(t, got.UpdatedAt.IsZero(), c.file)
	}
	changed, _, err := answering(t, "freshservice", published(t, "freshservice/list-tickets.json")).Changed(t.Context(), time.Now().Add(-time.Hour), time.Now())
	require.NoError(t, err)
	require.Len(t, changed, 2)
	require.Equal(t, []string{"15", "16"}, []string{changed[0].ID, changed[1].ID}, "oldest change first")
	require.Equal(t, "example value", changed[1].Fields["test_field"])
}

// The fakes show no field that the systems do not have.
func TestTheFakesAreAsPublished(t *testing.T) {
	for _, c := range []struct {
		fake         *deskfake.Desk
		secret, path string
		files        []string
	}{
		{deskfake.Zendesk(), deskfake.ZendeskSecret, "/api/v2/tickets/%d.json", []string{"zendesk/get-ticket.json"}},
		{deskfake.Freshservice(), deskfake.FreshserviceSecret, "/api/v2/tickets/%d", []string{"freshservice/create-ticket2.json", "freshservice/list-tickets.json"}},
	} {
		said := ""
		for _, file := range c.files {
			said += string(published(t, file))
		}
		request := httptest.NewRequest(http.MethodGet, fmt.Sprintf(c.path, c.fake.Create("as published", nil)), nil)
		user, password, _ := strings.Cut(c.secret, ":")
		request.SetBasicAuth(user, password)
		answer := httptest.NewRecorder()
		c.fake.ServeHTTP(answer, request)
		var shown struct {
			Ticket map[string]any `json:"ticket"`
		}
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &shown))
		require.NotEmpty(t, shown.Ticket)
		for name := range shown.Ticket {
			require.Contains(t, said, `"`+name+`"`)
		}
	}
}
