package servicenow_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/integrations/servicenow"
	"github.com/belayhq/belay/integrations/servicenow/servicenowfake"
)

const correlation = "belay-E-42-0123456789ab"

func instance(t *testing.T) (*servicenow.Records, *servicenowfake.Server) {
	t.Helper()
	fake := &servicenowfake.Server{}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	records, err := servicenow.New(org.TicketSystem{ID: "snow", URL: server.URL}, servicenowfake.Secret, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, 2*time.Second)
	require.NoError(t, err)
	return records, fake
}

func TestAnIncidentLives(t *testing.T) {
	records, fake := instance(t)
	ctx := t.Context()
	made, err := records.Open(ctx, tracker.Draft{Correlation: correlation, Title: "disk full", Text: "E-42", Priority: org.P1})
	require.NoError(t, err)
	require.Equal(t, []any{ticket.New, org.P1, correlation}, []any{made.State, made.Priority, made.Correlation})
	again, err := records.Open(ctx, tracker.Draft{Correlation: correlation, Title: "disk full", Priority: org.P1})
	require.NoError(t, err)
	require.Equal(t, made.ID, again.ID)
	require.NoError(t, records.Note(ctx, made.ID, tracker.Note{Text: "Ana has it\n" + tracker.Seal("k").Mark(tracker.Marker{Correlation: correlation, From: 1, To: 3})}))
	texts, err := records.Notes(ctx, made.ID, correlation)
	require.NoError(t, err)
	require.Equal(t, 3, tracker.Seal("k").Last(correlation, texts...))
	now, err := records.Change(ctx, made.ID, tracker.Change{State: ticket.Solved, Priority: org.P3, Assignee: "u1", Text: "over"})
	require.NoError(t, err)
	require.Equal(t, []any{ticket.Solved, org.P3, "u1"}, []any{now.State, now.Priority, now.Assignee})
	require.Greater(t, now.Version, made.Version)
	require.Equal(t, "over", fake.Records()[0]["close_notes"], "an incident is not resolved without")
	changed, more, err := records.Changed(ctx, time.Now().Add(-time.Minute), time.Now())
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, []tracker.Ticket{now}, changed)
}

func TestEveryPageOfWhatChangedIsRead(t *testing.T) {
	records, _ := instance(t)
	for n := range 250 {
		_, err := records.Open(t.Context(), tracker.Draft{Correlation: correlation + string(rune('a'+n%26)) + time.Now().String(), Title: "x", Priority: org.P2})
		require.NoError(t, err)
	}
	changed, more, err := records.Changed(t.Context(), time.Now().Add(-time.Minute), time.Now())
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, changed, 250)
}

func TestFailuresOfAnInstanceAreToldApart(t *testing.T) {
	records, fake := instance(t)
	for status, kind := range map[int]fault.Kind{401: fault.Unauthenticated, 403: fault.Denied, 404: fault.NotFound, 409: fault.Conflict, 429: fault.Throttled, 500: fault.Unavailable, 400: fault.Invalid} {
		fake.Plan = func(*http.Request) servicenowfake.Conduct { return servicenowfake.Conduct{Status: status, After: 7} }
		err := records.Note(t.Context(), "x", tracker.Note{Text: "x"})
		require.True(t, fault.Is(err, kind), "%d: %v", status, err)
		require.Equal(t, 7*time.Second, fault.RetryAfter(err))
	}
}

func TestAPostIsBelievedWhenItKnowsTheSecret(t *testing.T) {
	system := org.TicketSystem{ID: "snow"}
	require.NoError(t, servicenow.Proven(system, "secret", alert.Post{Header: map[string]string{"x-belay-secret": "secret"}}))
	require.NoError(t, servicenow.Proven(system, "secret", alert.Post{Header: map[string]string{"authorization": "Bearer secret"}}))
	for _, header := range []map[string]string{{}, {"x-belay-secret": "guess"}} {
		require.True(t, fault.Is(servicenow.Proven(system, "secret", alert.Post{Header: header}), fault.Unauthenticated))
	}
	require.True(t, fault.Is(servicenow.Proven(system, "", alert.Post{}), fault.Unauthenticated), "no secret, no belief")
}

func TestAPostSaysWhatItsRecordIs(t *testing.T) {
	system := org.TicketSystem{ID: "snow"}
	told, err := servicenow.Posted(system, []byte(`{"sys_id":"a1","number":"INC1","state":"6","sys_mod_count":"0","impact":"2","urgency":"1"}`))
	require.NoError(t, err)
	require.Equal(t, []any{ticket.Solved, org.P2, int64(0)}, []any{told[0].State, told[0].Priority, told[0].Version}, "a record that was made just now")
	_, err = servicenow.Posted(system, []byte(`{"sys_id":"a1","state":"6"}`))
	require.ErrorContains(t, err, "sys_mod_count")
}

func TestWhatServiceNowAnswersIsRead(t *testing.T) {
	dir := os.Getenv("BELAY_FIXTURES")
	if dir == "" {
		dir = "../../../shared/fixtures"
	}
	dir = filepath.Join(dir, "ticketing", "servicenow")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("NO FIXTURES: set BELAY_FIXTURES to hold ServiceNow's own answers against the decoders")
	}
	system := org.TicketSystem{ID: "snow", URL: "https://acme.service-now.com"}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	for _, file := range files {
		name := filepath.Base(file)
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		switch name {
		case "task-sla-at-risk.json", "task-sla-display-value-both.json":
			all, err := servicenow.SLAs(raw)
			require.NoError(t, err, name)
			require.Equal(t, "in_progress", all[0].Stage, name)
			require.False(t, all[0].DueAt.IsZero(), name)
		case "rapid7-get-security-incident-invalid-sys-id.json":
			_, err := servicenow.Tickets(system, raw)
			require.True(t, fault.Is(err, fault.NotFound), name)
		default:
			all, err := servicenow.Tickets(system, raw)
			require.NoError(t, err, name)
			require.NotEmpty(t, all, name)
			for _, one := range all {
				require.NotEmpty(t, one.ID, name)
			}
		}
	}
}
