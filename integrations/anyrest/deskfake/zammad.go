package deskfake

import (
	"crypto/hmac"
	"crypto/sha1" // Zammad signs so
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What Zammad wants to see, and signs with.
const (
	ZammadSecret = "fake-access-token"
	ZammadHook   = "zammad-signs-with-this"
)

// Zammad is a help desk that speaks as Zammad does, with an object attribute "belay". Source: docs.zammad.org, "Tickets", "Articles";
// admin-docs.zammad.org, "Webhook".
func Zammad() *Desk {
	return &Desk{says: dialect{
		admits: func(r *http.Request) bool { return r.Header.Get("Authorization") == "Token token="+ZammadSecret },
		answer: zammad, status: "new", priority: "2 normal", grain: time.Millisecond,
		refusal: func(status int) any { return map[string]any{"error": http.StatusText(status)} },
		webhook: func(t *Ticket) (map[string]string, []byte) {
			body, _ := json.Marshal(map[string]any{"ticket": map[string]any{
				"id": t.ID, "number": t.Number, "title": t.Subject, "state": t.Status, "priority": map[string]any{"name": t.Priority}, "owner": map[string]any{"login": t.Assignee},
			}, "article": map[string]any{}})
			mac := hmac.New(sha1.New, []byte(ZammadHook))
			mac.Write(body)
			return map[string]string{"X-Hub-Signature": "sha1=" + hex.EncodeToString(mac.Sum(nil)), "X-Zammad-Trigger": "tell Belay"}, body
		},
	}}
}

const zammadTime = "2006-01-02T15:04:05.000Z"

func zammadTicket(t *Ticket) map[string]any {
	owner := t.Assignee
	if owner == "" {
		owner = "-"
	}
	return map[string]any{
		"id": t.ID, "number": t.Number, "title": t.Subject, "state": t.Status, "state_id": 1, "priority": t.Priority, "priority_id": 2, "owner": owner, "owner_id": 1,
		"group": t.Group, "group_id": 1, "organization": nil, "type": text(t.Category), "belay": t.Correlation,
		"created_at": t.Created.Format(zammadTime), "updated_at": t.Updated.Format(zammadTime),
	}
}

var (
	zammadOne   = regexp.MustCompile(`^/api/v1/tickets/([0-9]+)$`)
	zammadNotes = regexp.MustCompile(`^/api/v1/ticket_articles/by_ticket/([0-9]+)$`)
	zammadOurs  = regexp.MustCompile(`^belay:"([A-Za-z0-9-]+)"$`)
	zammadNo    = regexp.MustCompile(`^number:"([0-9]+)"$`)
	zammadSince = regexp.MustCompile(`^updated_at:\[(\S+) TO \*\] AND \(belay:belay\*(?: OR \(group:"?([A-Za-z]+)"?\))?\)$`)
)

func zammad(d *Desk, r *http.Request, body []byte) (int, any, *Ticket) {
	if query := r.URL.Query(); r.URL.Path != "/api/v1/ticket_articles" && !zammadNotes.MatchString(r.URL.Path) && query.Get("expand") != "true" {
		return http.StatusOK, map[string]any{"id": 1, "state_id": 1}, nil // names are only told to those who ask for them
	}
	switch path := r.URL.Path; {
	case path == "/api/v1/tickets" && r.Method == http.MethodPost:
		var in struct {
			Title    string `json:"title"`
			Group    string `json:"group"`
			Customer string `json:"customer"`
			Belay    string `json:"belay"`
			Priority string `json:"priority"`
			Article  struct {
				Subject  string `json:"subject"`
				Body     string `json:"body"`
				Content  string `json:"content_type"`
				Type     string `json:"type"`
				Internal bool   `json:"internal"`
			} `json:"article"`
		}
		if !strictly(body, &in) || in.Title == "" || in.Group == "" || in.Customer == "" || in.Article.Body == "" {
			return http.StatusUnprocessableEntity, nil, nil
		}
		made := d.insert(Ticket{Subject: in.Title, Group: in.Group, Correlation: in.Belay, Priority: in.Priority})
		return http.StatusCreated, zammadTicket(made), made
	case path == "/api/v1/tickets/search":
		return zammadSearch(d, r)
	case path == "/api/v1/ticket_articles" && r.Method == http.MethodPost:
		var in struct {
			Ticket   json.Number `json:"ticket_id"`
			Subject  string      `json:"subject"`
			Body     string      `json:"body"`
			Content  string      `json:"content_type"`
			Type     string      `json:"type"`
			Internal bool        `json:"internal"`
		}
		if !strictly(body, &in) || in.Body == "" {
			return http.StatusUnprocessableEntity, nil, nil
		}
		t := d.find(in.Ticket.String())
		if t == nil {
			return http.StatusNotFound, nil, nil
		}
		t.Notes = append(t.Notes, in.Body)
		if !in.Internal {
			t.Public++
		}
		d.touch(t)
		return http.StatusCreated, map[string]any{"id": len(t.Notes), "ticket_id": t.ID, "body": in.Body, "internal": in.Internal}, t
	case zammadNotes.MatchString(path):
		t := d.find(zammadNotes.FindStringSubmatch(path)[1])
		if t == nil {
			return http.StatusNotFound, nil, nil
		}
		all := []any{}
		for n, note := range t.Notes {
			all = append(all, map[string]any{"id": n + 1, "ticket_id": t.ID, "body": note, "internal": true})
		}
		return http.StatusOK, all, nil
	case zammadOne.MatchString(path):
		t := d.find(zammadOne.FindStringSubmatch(path)[1])
		if t == nil {
			return http.StatusNotFound, nil, nil
		}
		if r.Method != http.MethodPut {
			return http.StatusOK, zammadTicket(t), nil
		}
		var in struct {
			State    string `json:"state"`
			Priority string `json:"priority"`
			Owner    string `json:"owner"`
		}
		if !strictly(body, &in) || in.State != "" && !slices.Contains([]string{"new", "open", "closed"}, in.State) {
			return http.StatusUnprocessableEntity, nil, nil
		}
		for to, said := range map[*string]string{&t.Status: in.State, &t.Priority: in.Priority, &t.Assignee: in.Owner} {
			if said != "" {
				*to = said
			}
		}
		d.touch(t)
		return http.StatusOK, zammadTicket(t), t
	}
	return http.StatusNotFound, nil, nil
}

func zammadSearch(d *Desk, r *http.Request) (int, any, *Ticket) {
	query := r.URL.Query()
	var found []any
	said := query.Get("query")
	ours, no, since := zammadOurs.FindStringSubmatch(said), zammadNo.FindStringSubmatch(said), zammadSince.FindStringSubmatch(said)
	switch {
	case ours != nil || no != nil:
		for _, t := range d.changed(time.Time{}) {
			if ours != nil && t.Correlation == ours[1] || no != nil && t.Number == no[1] {
				found = append(found, zammadTicket(t))
			}
		}
	case since != nil:
		from, err := time.Parse(time.RFC3339, since[1])
		if err != nil || query.Get("sort_by") != "updated_at" || query.Get("order_by") != "asc" {
			return http.StatusUnprocessableEntity, nil, nil
		}
		for _, t := range d.changed(from) {
			if strings.HasPrefix(t.Correlation, "belay") || since[2] != "" && t.Group == since[2] {
				found = append(found, zammadTicket(t))
			}
		}
	default:
		return http.StatusUnprocessableEntity, nil, nil
	}
	if limit, err := strconv.Atoi(query.Get("limit")); err != nil || limit > 200 {
		return http.StatusUnprocessableEntity, nil, nil
	}
	return http.StatusOK, some(found, r, "limit"), nil
}
