package deskfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What Zendesk wants to see, and signs with.
const (
	ZendeskSecret = "agent@acme.example/token:fake-token"
	ZendeskHook   = "zendesk-signs-with-this"
)

// Zendesk is a help desk that speaks as Zendesk Support does. Source: developer.zendesk.com, "Tickets", "Ticket Comments",
// "Incremental Exports", "Verifying webhooks".
func Zendesk() *Desk {
	return &Desk{keys: map[string]*Ticket{}, says: dialect{
		admits: func(r *http.Request) bool {
			user, password, _ := r.BasicAuth()
			return user+":"+password == ZendeskSecret
		},
		answer: zendesk, status: "new", grain: time.Second,
		refusal: func(status int) any {
			return map[string]any{"error": strings.ReplaceAll(http.StatusText(status), " ", ""), "description": "no"}
		},
		webhook: func(t *Ticket) (map[string]string, []byte) {
			body := []byte(`{"ticket_id": "` + strconv.FormatInt(t.ID, 10) + `"}`)
			stamp := t.Updated.Format(time.RFC3339)
			mac := hmac.New(sha256.New, []byte(ZendeskHook))
			mac.Write([]byte(stamp))
			mac.Write(body)
			return map[string]string{"X-Zendesk-Webhook-Signature": base64.StdEncoding.EncodeToString(mac.Sum(nil)), "X-Zendesk-Webhook-Signature-Timestamp": stamp}, body
		},
	}}
}

func zendeskTicket(t *Ticket) map[string]any {
	return map[string]any{
		"id": t.ID, "url": fmt.Sprintf("https://acme.zendesk.com/api/v2/tickets/%d.json", t.ID), "external_id": text(t.Correlation), "subject": t.Subject,
		"status": t.Status, "priority": text(t.Priority), "assignee_id": number(t.Assignee), "group_id": number(t.Group), "type": text(t.Category),
		"organization_id": nil, "tags": []string{"belay"}, "custom_fields": []any{}, "is_public": false,
		"created_at": t.Created.Format(time.RFC3339), "updated_at": t.Updated.Format(time.RFC3339),
	}
}

var (
	zendeskOne      = regexp.MustCompile(`^/api/v2/tickets/([0-9]+)\.json$`)
	zendeskComments = regexp.MustCompile(`^/api/v2/tickets/([0-9]+)/comments\.json$`)
)

func zendesk(d *Desk, r *http.Request, body []byte) (int, any, *Ticket) {
	query := r.URL.Query()
	switch path := r.URL.Path; {
	case path == "/api/v2/tickets.json" && r.Method == http.MethodPost:
		if made := d.keys[r.Header.Get("Idempotency-Key")]; made != nil {
			return http.StatusCreated, map[string]any{"ticket": zendeskTicket(made)}, nil
		}
		t := Ticket{}
		if status := zendeskWrite(&t, body); status != 0 {
			return status, nil, nil
		}
		if t.Subject == "" && len(t.Notes) == 0 {
			return http.StatusUnprocessableEntity, nil, nil
		}
		made := d.insert(t)
		if key := r.Header.Get("Idempotency-Key"); key != "" {
			d.keys[key] = made
		}
		return http.StatusCreated, map[string]any{"ticket": zendeskTicket(made)}, made
	case path == "/api/v2/tickets.json":
		found := []any{}
		for _, t := range d.tickets {
			if t.Correlation == query.Get("external_id") && !t.Gone {
				found = append(found, zendeskTicket(t))
			}
		}
		return http.StatusOK, map[string]any{"tickets": found, "count": len(found), "next_page": nil}, nil
	case path == "/api/v2/incremental/tickets/cursor.json":
		from, most := int64(0), 100
		if cursor := query.Get("cursor"); cursor != "" {
			raw, err := base64.StdEncoding.DecodeString(cursor)
			if err != nil {
				return http.StatusBadRequest, nil, nil
			}
			from, _ = strconv.ParseInt(string(raw), 10, 64)
		}
		since, err := strconv.ParseInt(query.Get("start_time"), 10, 64)
		if query.Get("cursor") == "" && (err != nil || time.Since(time.Unix(since, 0)) < time.Minute) {
			return http.StatusUnprocessableEntity, nil, nil // a minute ago or longer
		}
		if query.Get("cursor") != "" {
			since = from >> 20
			from &= 1<<20 - 1
		}
		if n, err := strconv.Atoi(query.Get("per_page")); err == nil {
			most = n
		}
		all := d.changed(time.Unix(since, 0))
		until := min(len(all), int(from)+most)
		page := []any{}
		for _, t := range all[min(len(all), int(from)):until] {
			page = append(page, zendeskTicket(t))
		}
		cursor := base64.StdEncoding.EncodeToString([]byte(strconv.FormatInt(since<<20|int64(until), 10)))
		return http.StatusOK, map[string]any{"tickets": page, "after_cursor": cursor, "after_url": "https://acme.zendesk.com" + path + "?cursor=" + cursor, "end_of_stream": until == len(all)}, nil
	case zendeskOne.MatchString(path):
		t := d.find(zendeskOne.FindStringSubmatch(path)[1])
		switch {
		case t == nil:
			return http.StatusNotFound, nil, nil
		case r.Method == http.MethodPut:
			next := *t
			next.Notes = slices.Clone(t.Notes)
			if t.Status == "closed" {
				return http.StatusUnprocessableEntity, nil, nil
			}
			if status := zendeskWrite(&next, body); status != 0 {
				return status, nil, nil
			}
			*t = next
			d.touch(t)
			return http.StatusOK, map[string]any{"ticket": zendeskTicket(t)}, t
		}
		return http.StatusOK, map[string]any{"ticket": zendeskTicket(t)}, nil
	case zendeskComments.MatchString(path):
		t := d.find(zendeskComments.FindStringSubmatch(path)[1])
		if t == nil {
			return http.StatusNotFound, nil, nil
		}
		all := []any{}
		for n, note := range t.Notes {
			all = append(all, map[string]any{"id": n + 1, "type": "Comment", "body": note, "plain_body": note, "public": false})
		}
		if query.Get("sort_order") == "desc" {
			slices.Reverse(all)
		}
		page := some(all, r, "per_page")
		var next any
		if n, _ := strconv.Atoi(query.Get("page")); max(n, 1)*100 < len(all) {
			next = "https://acme.zendesk.com" + path + "?page=2"
		}
		return http.StatusOK, map[string]any{"comments": page, "next_page": next, "count": len(all)}, nil
	}
	return http.StatusNotFound, nil, nil
}

// zendeskWrite takes over what a request says. The answer is a status when it is refused.
func zendeskWrite(t *Ticket, body []byte) int {
	var in struct {
		Ticket struct {
			Subject    string      `json:"subject"`
			ExternalID string      `json:"external_id"`
			Status     string      `json:"status"`
			Priority   string      `json:"priority"`
			Assignee   json.Number `json:"assignee_id"`
			Tags       []string    `json:"tags"`
			Comment    *struct {
				Body   string `json:"body"`
				Public *bool  `json:"public"`
			} `json:"comment"`
		} `json:"ticket"`
	}
	if !strictly(body, &in) {
		return http.StatusBadRequest
	}
	said := in.Ticket
	if said.Status != "" && !slices.Contains([]string{"new", "open", "pending", "hold", "solved"}, said.Status) ||
		said.Priority != "" && !slices.Contains([]string{"urgent", "high", "normal", "low"}, said.Priority) {
		return http.StatusUnprocessableEntity
	}
	for _, one := range []struct {
		to   *string
		said string
	}{{&t.Subject, said.Subject}, {&t.Correlation, said.ExternalID}, {&t.Status, said.Status}, {&t.Priority, said.Priority}, {&t.Assignee, said.Assignee.String()}} {
		if one.said != "" {
			*one.to = one.said
		}
	}
	if t.Status == "solved" && t.Assignee == "" {
		return http.StatusUnprocessableEntity // somebody must have solved it
	}
	if said.Comment != nil {
		t.Notes = append(t.Notes, said.Comment.Body)
		if said.Comment.Public == nil || *said.Comment.Public {
			t.Public++
		}
	}
	return 0
}
