package deskfake

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What Freshservice wants to see, and sends along.
const (
	FreshserviceSecret = "fake-api-key:X"
	FreshserviceHook   = "freshservice-sends-this"
)

// Freshservice is a help desk that speaks as Freshservice does. Source: api.freshservice.com v2, "Tickets", "Conversations".
func Freshservice() *Desk {
	return &Desk{says: dialect{
		admits: func(r *http.Request) bool {
			key, _, _ := r.BasicAuth()
			return key+":X" == FreshserviceSecret
		},
		answer: freshservice, status: "2", priority: "1", grain: time.Second,
		refusal: func(status int) any {
			return map[string]any{"description": http.StatusText(status), "errors": []any{}}
		},
		webhook: func(t *Ticket) (map[string]string, []byte) {
			return map[string]string{"X-Belay-Secret": FreshserviceHook}, []byte(`{"ticket_id": "` + strconv.FormatInt(t.ID, 10) + `"}`)
		},
	}}
}

func freshserviceTicket(t *Ticket) map[string]any {
	return map[string]any{
		"id": t.ID, "subject": t.Subject, "status": number(t.Status), "priority": number(t.Priority), "responder_id": number(t.Assignee), "group_id": number(t.Group),
		"category": text(t.Category), "department_id": nil, "deleted": t.Gone, "spam": false, "type": "Incident", "source": 2,
		"custom_fields": map[string]any{"belay": text(t.Correlation)}, "created_at": t.Created.Format(time.RFC3339), "updated_at": t.Updated.Format(time.RFC3339),
	}
}

var freshserviceOne = regexp.MustCompile(`^/api/v2/tickets/([0-9]+)(/notes|/conversations)?$`)

func freshservice(d *Desk, r *http.Request, body []byte) (int, any, *Ticket) {
	query := r.URL.Query()
	if r.URL.Path == "/api/v2/tickets" && r.Method == http.MethodPost {
		t := Ticket{}
		if status := freshserviceWrite(&t, body, true); status != 0 {
			return status, nil, nil
		}
		made := d.insert(t)
		return http.StatusCreated, map[string]any{"ticket": freshserviceTicket(made)}, made
	}
	if r.URL.Path == "/api/v2/tickets" {
		since := time.Time{}
		if said := query.Get("updated_since"); said != "" {
			var err error
			if since, err = time.Parse(time.RFC3339, said); err != nil {
				return http.StatusBadRequest, nil, nil
			}
		}
		found := []any{}
		for _, t := range d.changed(since) {
			if query.Get("email") == "" || t.Correlation != "" {
				found = append(found, freshserviceTicket(t))
			}
		}
		if query.Get("order_type") != "asc" {
			slices.Reverse(found)
		}
		return http.StatusOK, map[string]any{"tickets": some(found, r, "per_page")}, nil
	}
	which := freshserviceOne.FindStringSubmatch(r.URL.Path)
	if which == nil || d.find(which[1]) == nil {
		return http.StatusNotFound, nil, nil
	}
	t := d.find(which[1])
	switch {
	case which[2] == "/notes" && r.Method == http.MethodPost:
		var in struct {
			Body    string `json:"body"`
			Private *bool  `json:"private"`
		}
		if !strictly(body, &in) || in.Body == "" {
			return http.StatusBadRequest, nil, nil
		}
		t.Notes = append(t.Notes, in.Body)
		if in.Private != nil && !*in.Private {
			t.Public++
		}
		d.touch(t)
		return http.StatusCreated, map[string]any{"conversation": map[string]any{"id": len(t.Notes), "body": in.Body, "private": true}}, nil
	case which[2] == "/conversations":
		all := []any{}
		for n, note := range t.Notes {
			all = append(all, map[string]any{"id": n + 1, "body": note, "body_text": plainOf(note), "private": true, "ticket_id": t.ID})
		}
		return http.StatusOK, map[string]any{"conversations": some(all, r, "per_page")}, nil
	case r.Method == http.MethodPut:
		next := *t
		if status := freshserviceWrite(&next, body, false); status != 0 {
			return status, nil, nil
		}
		*t = next
		d.touch(t)
		return http.StatusOK, map[string]any{"ticket": freshserviceTicket(t)}, t
	}
	return http.StatusOK, map[string]any{"ticket": freshserviceTicket(t)}, nil
}

// plainOf is what people read of HTML.
func plainOf(note string) string {
	return strings.NewReplacer("<br>", "\n", "&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(note)
}

func freshserviceWrite(t *Ticket, body []byte, fresh bool) int {
	var in struct {
		Subject     string            `json:"subject"`
		Description string            `json:"description"`
		Email       string            `json:"email"`
		Status      int               `json:"status"`
		Priority    int               `json:"priority"`
		Source      int               `json:"source"`
		Responder   json.Number       `json:"responder_id"`
		Custom      map[string]string `json:"custom_fields"`
	}
	if !strictly(body, &in) {
		return http.StatusBadRequest
	}
	if fresh && (in.Subject == "" || in.Description == "" || in.Email == "" || in.Status == 0 || in.Priority == 0) {
		return http.StatusBadRequest
	}
	if in.Status != 0 && (in.Status < 2 || in.Status > 5) || in.Priority < 0 || in.Priority > 4 {
		return http.StatusBadRequest
	}
	if in.Status != 0 {
		t.Status = strconv.Itoa(in.Status)
	}
	if in.Priority != 0 {
		t.Priority = strconv.Itoa(in.Priority)
	}
	if in.Responder != "" {
		t.Assignee = in.Responder.String()
	}
	if fresh {
		t.Subject, t.Correlation = in.Subject, in.Custom["belay"]
	}
	return 0
}
