package anyrest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/integrations/anyrest"
	"github.com/belayhq/belay/integrations/anyrest/deskfake"
)

const correlation = "belay-E-42-0123456789ab"

// spoken are the systems of the examples: how each calls what every one of them has.
var spoken = map[string]struct {
	fake             func() *deskfake.Desk
	secret, hook     string
	agent, somebody  string
	open, over       string // statuses
	urgent, ordinary string // priorities
	p                org.Priority
}{
	"zendesk":      {deskfake.Zendesk, deskfake.ZendeskSecret, deskfake.ZendeskHook, "360002", "360009", "open", "solved", "urgent", "high", org.P2},
	"freshservice": {deskfake.Freshservice, deskfake.FreshserviceSecret, deskfake.FreshserviceHook, "21000002", "21000009", "2", "4", "4", "3", org.P2},
	"zammad":       {deskfake.Zammad, deskfake.ZammadSecret, deskfake.ZammadHook, "ana@acme.example", "zoe@acme.example", "open", "closed", "3 high", "2 normal", org.P2},
}

// example is a system as examples/ticketing describes it.
func example(t testing.TB, name, url string) org.TicketSystem {
	t.Helper()
	var files []blueprint.File
	for _, file := range []string{"quick/quick.yaml", "ticketing/" + name + ".yaml"} {
		content, err := os.ReadFile(filepath.Join("..", "..", "examples", file))
		require.NoError(t, err)
		files = append(files, blueprint.File{Path: file, Content: content})
	}
	loaded, err := blueprint.Load(files, time.LoadLocation)
	require.NoError(t, err)
	system, known := loaded.Org.Tickets[id.TicketSystem(name)]
	require.True(t, known)
	require.NotEmpty(t, system.URL)
	system.URL = url
	return system
}

type house struct {
	*anyrest.Desk
	system org.TicketSystem
	fake   *deskfake.Desk
	asked  atomic.Int64 // requests
}

func joined(t *testing.T, name string) *house {
	t.Helper()
	h := &house{fake: spoken[name].fake()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked.Add(1)
		h.fake.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	h.system = example(t, name, server.URL)
	desk, err := anyrest.New(h.system, spoken[name].secret, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, 5*time.Second)
	require.NoError(t, err)
	h.Desk = desk
	return h
}

func each(t *testing.T, scene func(t *testing.T, name string, h *house)) {
	for name := range spoken {
		t.Run(name, func(t *testing.T) { scene(t, name, joined(t, name)) })
	}
}

func draft() tracker.Draft {
	return tracker.Draft{Correlation: correlation, Title: "disk <b>full</b> & \"hot\"", Text: "E-42: P1\nhttps://belay.example/E-42", Service: "payments", Priority: org.P1, Link: "https://belay.example/E-42"}
}

func note(from, to int) tracker.Note {
	m := tracker.Marker{Correlation: correlation, From: from, To: to}
	return tracker.Note{Text: fmt.Sprintf("entry %d: a < b & \"c\"\nentry %d\n%s", from, to, tracker.Seal("k").Mark(m)), Marker: m}
}

func TestATicketLives(t *testing.T) {
	each(t, func(t *testing.T, name string, h *house) {
		as, ctx := spoken[name], t.Context()
		made, err := h.Open(ctx, draft())
		require.NoError(t, err)
		require.Equal(t, []any{org.P1, correlation, "", name}, []any{made.Priority, made.Correlation, made.Assignee, made.System})
		require.False(t, made.State.Over())
		again, err := h.Open(ctx, draft())
		require.NoError(t, err)
		require.Equal(t, made.ID, again.ID, "no ticket is made twice")
		require.Len(t, h.fake.Tickets(), 1)
		require.Equal(t, "disk <b>full</b> & \"hot\"", h.fake.Tickets()[0].Subject)

		before := len(h.fake.Tickets()[0].Notes)
		for n := range 5 {
			require.NoError(t, h.Note(ctx, made.ID, note(3*n+1, 3*n+3)))
		}
		texts, err := h.Notes(ctx, made.ID, correlation)
		require.NoError(t, err)
		require.Equal(t, 15, tracker.Seal("k").Last(correlation, texts...))
		written := h.fake.Tickets()[0].Notes[before:]
		require.Len(t, written, 5)
		for n, text := range written {
			require.Contains(t, text, fmt.Sprintf(" %d-%d ", 3*n+1, 3*n+3), "in order")
		}
		require.Zero(t, h.fake.Tickets()[0].Public, "customers see none of it")

		now, err := h.Change(ctx, made.ID, tracker.Change{State: ticket.Working, Priority: as.p, Assignee: as.agent, Text: "E-42 is acknowledged in Belay."})
		require.NoError(t, err)
		require.Equal(t, []any{ticket.Working, as.p, as.agent, correlation}, []any{now.State, now.Priority, now.Assignee, now.Correlation})
		require.Equal(t, []string{as.open, as.ordinary, as.agent}, []string{h.fake.Tickets()[0].Status, h.fake.Tickets()[0].Priority, h.fake.Tickets()[0].Assignee})
		require.GreaterOrEqual(t, now.Version, made.Version)
		for range 2 {
			now, err = h.Change(ctx, made.ID, tracker.Change{State: ticket.Solved})
			require.NoError(t, err)
			require.Equal(t, ticket.Solved, now.State)
		}
		require.Equal(t, as.over, h.fake.Tickets()[0].Status)

		changed, more, err := h.Changed(ctx, time.Now().Add(-5*time.Minute), time.Now())
		require.NoError(t, err)
		require.False(t, more)
		require.Equal(t, []tracker.Ticket{now}, changed)
		found, err := h.Find(ctx, "#"+made.Number)
		require.NoError(t, err)
		require.Equal(t, made.ID, found.ID)
		_, err = h.Find(ctx, "999")
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
		_, err = h.Find(ctx, "..")
		require.Error(t, err)
		require.Contains(t, found.URL, h.system.URL)
	})
}

// A priority of which the system has no word is not written, and nothing else is touched.
func TestWhatASystemHasNoWordForIsLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, name string, h *house) {
		made, err := h.Open(t.Context(), draft())
		require.NoError(t, err)
		was := h.fake.Tickets()[0]
		_, err = h.Change(t.Context(), made.ID, tracker.Change{Priority: org.P5})
		require.NoError(t, err)
		require.Equal(t, was, h.fake.Tickets()[0])
	})
}

// The answer to a request is lost, and the request was done. Whoever asks again finds what was done.
func TestAnUnknownEndIsLookedInto(t *testing.T) {
	each(t, func(t *testing.T, name string, h *house) {
		drop := func(r *http.Request) deskfake.Conduct { return deskfake.Conduct{Drop: r.Method != http.MethodGet} }
		h.fake.Behaves(drop)
		_, err := h.Open(t.Context(), draft())
		require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		require.Len(t, h.fake.Tickets(), 1)
		made, err := h.Open(t.Context(), draft())
		require.NoError(t, err)
		require.Len(t, h.fake.Tickets(), 1, "no ticket is made twice")
		require.Equal(t, correlation, made.Correlation)

		err = h.Note(t.Context(), made.ID, note(1, 4))
		require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		texts, err := h.Notes(t.Context(), made.ID, correlation)
		require.NoError(t, err)
		require.Equal(t, 4, tracker.Seal("k").Last(correlation, texts...), "it is there, so it is not written again")

		_, err = h.Change(t.Context(), made.ID, tracker.Change{Assignee: spoken[name].agent, State: ticket.Solved})
		require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		h.fake.Behaves(nil)
		now, err := h.Change(t.Context(), made.ID, tracker.Change{Assignee: spoken[name].agent, State: ticket.Solved})
		require.NoError(t, err)
		require.Equal(t, ticket.Solved, now.State)
	})
}

func TestFailuresAreToldApart(t *testing.T) {
	each(t, func(t *testing.T, name string, h *house) {
		made, err := h.Open(t.Context(), draft())
		require.NoError(t, err)
		for status, kind := range map[int]fault.Kind{401: fault.Unauthenticated, 403: fault.Denied, 404: fault.NotFound, 409: fault.Conflict, 429: fault.Throttled, 500: fault.Unavailable, 503: fault.Unavailable, 422: fault.Invalid} {
			h.fake.Behaves(func(*http.Request) deskfake.Conduct { return deskfake.Conduct{Status: status, After: 7} })
			err := h.Note(t.Context(), made.ID, note(1, 1))
			require.True(t, fault.Is(err, kind), "%d: %v", status, err)
			require.Equal(t, 7*time.Second, fault.RetryAfter(err))
			require.NotContains(t, err.Error(), spoken[name].secret)
			_, err = h.Change(t.Context(), made.ID, tracker.Change{State: ticket.Working})
			require.True(t, fault.Is(err, kind), "%d: %v", status, err)
		}
		h.fake.Behaves(func(*http.Request) deskfake.Conduct { return deskfake.Conduct{Status: 404} })
		_, err = h.Open(t.Context(), draft())
		require.True(t, fault.Is(err, fault.Denied), "no ticket is gone before there is one: %v", err)
		_, _, err = h.Changed(t.Context(), time.Now().Add(-5*time.Minute), time.Now())
		require.True(t, fault.Is(err, fault.Denied), "%v", err)
		h.fake.Behaves(nil)
		stranger, err := anyrest.New(h.system, "wrong:secret", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, 5*time.Second)
		require.NoError(t, err)
		_, err = stranger.Open(t.Context(), draft())
		require.True(t, fault.Is(err, fault.Unauthenticated), "%v", err)
	})
}

// posted is a webhook as it arrives.
func posted(header map[string]string, body []byte) alert.Post {
	lower := map[string]string{}
	for name, value := range header {
		lower[strings.ToLower(name)] = value
	}
	return alert.Post{Header: lower, Body: body}
}

// What somebody changes there is news here, once; what we wrote ourselves comes back as no news at all; and when the webhook
// is lost the poll says the same.
func TestWhatChangesThereIsHeardOnceAndEchoesAreNot(t *testing.T) {
	each(t, func(t *testing.T, name string, h *house) {
		as, ctx := spoken[name], t.Context()
		var hooks []alert.Post
		h.fake.Tells(func(header map[string]string, body []byte) { hooks = append(hooks, posted(header, body)) })
		made, err := h.Open(ctx, draft())
		require.NoError(t, err)
		_, sides := tracker.Sides{}.Heard(made)
		sides = sides.Agreed(tracker.News{Field: tracker.FieldPriority, Now: string(org.P1)})

		sides = sides.Told(tracker.Wish{State: ticket.Working, Priority: as.p, Assignee: as.agent})
		after, err := h.Change(ctx, made.ID, sides.Owed())
		require.NoError(t, err)
		sides = sides.Written(sides.Owed())
		hear := func(told []tracker.Ticket) (all []tracker.News) {
			for _, one := range told {
				require.Equal(t, made.ID, one.ID)
				var news []tracker.News
				news, sides = sides.Heard(one)
				all = append(all, news...)
			}
			return all
		}
		require.Empty(t, hear([]tracker.Ticket{after}), "an echo")
		for _, p := range hooks {
			require.NoError(t, anyrest.Proven(h.system, as.hook, p))
			told, err := h.Posted(ctx, p)
			require.NoError(t, err)
			require.Empty(t, hear(told), "an echo")
		}

		hooks = nil
		h.fake.Edit(h.fake.Tickets()[0].ID, func(t *deskfake.Ticket) { t.Assignee, t.Priority = as.somebody, as.urgent })
		require.Len(t, hooks, 1)
		told, err := h.Posted(ctx, hooks[0])
		require.NoError(t, err)
		require.ElementsMatch(t, []tracker.News{
			{Field: tracker.FieldPriority, Was: string(as.p), Now: "P1"}, {Field: tracker.FieldAssignee, Was: as.agent, Now: as.somebody},
		}, hear(told))
		require.Empty(t, hear(told), "twice is once")

		h.fake.Tells(nil) // it is lost
		h.fake.Edit(h.fake.Tickets()[0].ID, func(t *deskfake.Ticket) { t.Status, t.Assignee = as.over, "" })
		changed, _, err := h.Changed(ctx, time.Now().Add(-5*time.Minute), time.Now())
		require.NoError(t, err)
		require.ElementsMatch(t, []tracker.News{
			{Field: tracker.FieldState, Was: "working", Now: "solved"}, {Field: tracker.FieldAssignee, Was: as.somebody, Now: ""},
		}, hear(changed))
		changed, _, err = h.Changed(ctx, time.Now().Add(-5*time.Minute), time.Now())
		require.NoError(t, err)
		require.Empty(t, hear(changed))
	})
}

// A list of what changed is read page by page, to its end, and in order.
func TestManyChangesComePageByPage(t *testing.T) {
	each(t, func(t *testing.T, name string, h *house) {
		const many = 250
		big := strings.Repeat("long words ", 1000)
		for n := range many {
			h.fake.Create(fmt.Sprintf("one of many %d %s", n, big[:(n%7)*1000]), func(t *deskfake.Ticket) { t.Correlation = fmt.Sprintf("belay-E-%d-0123456789ab", n) })
		}
		h.asked.Store(0)
		changed, more, err := h.Changed(t.Context(), time.Now().Add(-5*time.Minute), time.Now())
		require.NoError(t, err)
		require.False(t, more)
		require.Equal(t, int64(3), h.asked.Load())
		seen := map[string]bool{}
		for n, one := range changed {
			seen[one.ID] = true
			require.True(t, n == 0 || !one.UpdatedAt.Before(changed[n-1].UpdatedAt))
		}
		require.Len(t, seen, many)
	})
}

func TestAWebhookIsBelievedWhenItIsProved(t *testing.T) {
	each(t, func(t *testing.T, name string, h *house) {
		as := spoken[name]
		var good alert.Post
		h.fake.Tells(func(header map[string]string, body []byte) { good = posted(header, body) })
		which := h.fake.Create("what they opened", nil)
		require.NoError(t, anyrest.Proven(h.system, as.hook, good))
		refused := func(system org.TicketSystem, secret string, p alert.Post) {
			t.Helper()
			require.True(t, fault.Is(anyrest.Proven(system, secret, p), fault.Unauthenticated))
		}
		refused(h.system, "", good)
		refused(h.system, "another secret", good)
		refused(h.system, as.hook, alert.Post{Body: good.Body})
		if h.system.REST.Hook.HMAC != "" {
			refused(h.system, as.hook, alert.Post{Header: good.Header, Body: append([]byte(" "), good.Body...)})
		}
		for header := range good.Header {
			if strings.HasPrefix(header, "x-zammad") {
				continue
			}
			bent := alert.Post{Header: map[string]string{}, Body: good.Body}
			for n, v := range good.Header {
				bent.Header[n] = v
			}
			bent.Header[header] += "0"
			refused(h.system, as.hook, bent)
			bent.Header[header] = ""
			refused(h.system, as.hook, bent)
		}
		bare := h.system
		rest := *bare.REST
		rest.Hook.Header = ""
		bare.REST = &rest
		refused(bare, as.hook, good)

		told, err := h.Posted(t.Context(), good)
		require.NoError(t, err)
		require.Len(t, told, 1)
		require.Equal(t, []string{strconv.FormatInt(which, 10), "what they opened"}, []string{told[0].ID, told[0].Title})
		h.fake.Edit(which, func(t *deskfake.Ticket) { t.Gone = true })
		told, err = h.Posted(t.Context(), good)
		require.NoError(t, err)
		require.True(t, told[0].Gone)
		for _, odd := range []string{``, `{`, `[]`, `{"ticket": 1}`, `"x"`} {
			_, err := h.Posted(t.Context(), alert.Post{Body: []byte(odd)})
			require.True(t, fault.Is(err, fault.Invalid), "%q: %v", odd, err)
		}
	})
}

// What the blueprint says may be wrong for what the system answers. Then nothing passes for an answer that is none.
func TestAnAnswerThatIsNotAsDescribedIsNoAnswer(t *testing.T) {
	h := joined(t, "zendesk")
	made, err := h.Open(t.Context(), draft())
	require.NoError(t, err)
	bent := func(change func(r *org.TicketREST)) *anyrest.Desk {
		t.Helper()
		system, rest := h.system, *h.system.REST
		change(&rest)
		system.REST = &rest
		desk, err := anyrest.New(system, spoken["zendesk"].secret, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, 5*time.Second)
		require.NoError(t, err)
		return desk
	}
	wrong := func(field string, err error) {
		t.Helper()
		require.True(t, fault.Is(err, fault.Invalid), "%v", err)
		require.ErrorContains(t, err, field)
	}
	_, err = bent(func(r *org.TicketREST) { r.Find.Result = "answer.tikets" }).Open(t.Context(), draft())
	wrong("rest.find.result", err)
	require.Len(t, h.fake.Tickets(), 1, "a search that finds nothing because it is misspelt makes no second ticket")
	_, err = bent(func(r *org.TicketREST) { r.Notes.Result = "answer.notes" }).Notes(t.Context(), made.ID, correlation)
	wrong("rest.notes.result", err)
	_, _, err = bent(func(r *org.TicketREST) { r.Reads.Assignee = "item.asignee_id" }).Changed(t.Context(), time.Now().Add(-5*time.Minute), time.Now())
	wrong("rest.ticket.assignee", err)
	_, _, err = bent(func(r *org.TicketREST) { r.Reads.UpdatedAt = "item.subject" }).Changed(t.Context(), time.Now().Add(-5*time.Minute), time.Now())
	wrong("rest.ticket.updated_at", err)
	err = bent(func(r *org.TicketREST) { r.Note.Body = `{"ticket": int(text)}` }).Note(t.Context(), made.ID, note(1, 1))
	wrong("rest.note.body", err)
	err = bent(func(r *org.TicketREST) { r.Note.Headers = map[string]string{"X-Text": "text"} }).Note(t.Context(), made.ID, note(1, 1))
	wrong("rest.note.headers.X-Text", err)
	_, err = bent(func(r *org.TicketREST) { r.Note.Success = []int{201} }).Notes(t.Context(), made.ID, correlation)
	require.NoError(t, err)
	err = bent(func(r *org.TicketREST) { r.Note.Success = []int{201} }).Note(t.Context(), made.ID, note(1, 1))
	require.True(t, fault.Is(err, fault.Unavailable), "it answered 200, so nobody knows: %v", err)
	silent := bent(func(r *org.TicketREST) {
		r.Change = []org.TicketCall{{Method: "PUT", Path: r.Change[0].Path, Body: `{"ticket": {}}`, Result: "answer.ticket"}}
	})
	for _, c := range []tracker.Change{{State: ticket.Solved}, {Priority: org.P3}, {Assignee: spoken["zendesk"].agent}} {
		_, err = silent.Change(t.Context(), made.ID, c)
		wrong("rest.change", err) // else it would be heard as changed back
	}
	_, err = h.Find(t.Context(), "../users/1")
	require.True(t, fault.Is(err, fault.NotFound), "an ID is never a way to somewhere else: %v", err)
	_, err = anyrest.New(h.system, "", nil, time.Second)
	wrong("secret", err)
	system, rest := h.system, *h.system.REST
	rest.Open.Body = "titel"
	system.REST = &rest
	_, err = anyrest.New(system, "x", nil, time.Second)
	wrong("rest.open.body", err)
}

// A search may find more than what it looks for. Only a ticket that carries the correlation itself is ours.
func TestASearchThatFindsTooMuchMakesNobodyElsesTicketOurs(t *testing.T) {
	h := joined(t, "freshservice") // it is asked for all that we have made
	for n := range 40 {
		h.fake.Create("another of ours", func(t *deskfake.Ticket) { t.Correlation = fmt.Sprintf("belay-E-%d-0123456789ab", n+100) })
	}
	made, err := h.Open(t.Context(), draft())
	require.NoError(t, err)
	require.Equal(t, correlation, made.Correlation)
	again, err := h.Open(t.Context(), draft())
	require.NoError(t, err)
	require.Equal(t, made.ID, again.ID)
	require.Len(t, h.fake.Tickets(), 41)
}

// Customers write long letters, and a page holds a hundred of them. That is no reason not to hear what changed.
func TestAPageOfLongLettersIsRead(t *testing.T) {
	letter := strings.Repeat("I have written before and ", 64<<10/26)
	var tickets []any
	for n := range 100 {
		tickets = append(tickets, map[string]any{"id": n + 1, "subject": "a letter", "status": "open", "assignee_id": nil, "group_id": nil, "type": nil, "organization_id": nil, "external_id": nil,
			"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z", "description": letter, "custom_fields": make([]int, 200)})
	}
	body, err := json.Marshal(map[string]any{"tickets": tickets, "end_of_stream": true, "after_cursor": nil})
	require.NoError(t, err)
	changed, _, err := answering(t, "zendesk", body).Changed(t.Context(), time.Now().Add(-5*time.Minute), time.Now())
	require.NoError(t, err)
	require.Len(t, changed, 100)
	comments := make([]any, 100)
	for n := range comments {
		comments[n] = map[string]any{"body": letter + note(n+1, n+1).Text}
	}
	body, err = json.Marshal(map[string]any{"comments": comments, "next_page": nil})
	require.NoError(t, err)
	texts, err := answering(t, "zendesk", body).Notes(t.Context(), "1", correlation)
	require.NoError(t, err)
	require.Equal(t, 100, tracker.Seal("k").Last(correlation, texts...))
}

// Whatever a webhook says: it is a ticket that has an ID and an instant, nothing, or an error; never a panic.
func FuzzWhatAHelpDeskPosts(f *testing.F) {
	for _, seed := range []string{`{}`, `null`, `[1, "x", {"id": 1}]`, `{"id": 7, "subject": "a", "status": "open", "assignee_id": null, "group_id": 1, "type": null, "organization_id": null, "external_id": "x", "created_at": "2026-01-02T03:04:05Z", "updated_at": 1767323045}`} {
		f.Add(seed)
	}
	system := example(f, "zendesk", "https://127.0.0.1:1") // which may not be reached
	rest := *system.REST
	rest.Hook.Ticket = "body"
	system.REST = &rest
	desk, err := anyrest.New(system, "x", nil, time.Second)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body string) {
		told, err := desk.Posted(t.Context(), alert.Post{Body: []byte(body)})
		if err != nil {
			return
		}
		for _, one := range told {
			require.NotEmpty(t, one.ID)
			require.False(t, one.UpdatedAt.IsZero())
			require.Equal(t, "zendesk", one.System)
		}
	})
}
