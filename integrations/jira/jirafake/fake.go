// Package jirafake is a Jira Cloud site as far as issues, comments, transitions and searches by label go (REST API v3), in memory,
// for tests and scenes. It refuses, dawdles and breaks off on demand, and posts webhooks.
package jirafake

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Secret that the site wants, as "mail:token".
const Secret = "belay@example.com:fake-token"

// Conduct is what becomes of one request.
type Conduct struct {
	Status int           // refused with this; 0: answered
	After  int           // Retry-After, in seconds
	Delay  time.Duration // before anything is done
	Drop   bool          // done, then cut off without an answer
}

// Issue as it stands.
type Issue struct {
	ID, Key, Summary, Status, Priority, Assignee string
	Project, Component                           string
	Labels                                       []string
	Comments                                     []any // documents
	Created, Updated                             time.Time
}

// Server is the fake. The zero value works.
type Server struct {
	Plan  func(r *http.Request) Conduct // nil: all is answered
	Tells func(webhook []byte)          // nil: nobody is told

	mu     sync.Mutex
	issues []*Issue
	last   time.Time
}

// Issues are copies of all, in the order in which they were made.
func (s *Server) Issues() []Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Issue, len(s.issues))
	for n, i := range s.issues {
		all[n] = *i
		all[n].Comments = slices.Clone(i.Comments)
	}
	return all
}

// Create is somebody who opens an issue.
func (s *Server) Create(project, summary string, change func(*Issue)) (id string) {
	s.mu.Lock()
	i := s.insert(Issue{Project: project, Summary: summary, Priority: "Medium"})
	if change != nil {
		change(i)
	}
	id = i.ID
	s.mu.Unlock()
	s.tell(i)
	return id
}

func (s *Server) insert(i Issue) *Issue {
	n := len(s.issues) + 1
	i.ID, i.Key, i.Status = strconv.Itoa(10000+n), fmt.Sprintf("%s-%d", i.Project, n), "To Do"
	s.touch(&i)
	i.Created = i.Updated
	s.issues = append(s.issues, &i)
	return &i
}

// Edit is somebody at work there.
func (s *Server) Edit(id string, change func(*Issue)) {
	s.mu.Lock()
	i := s.find(id)
	if i != nil {
		change(i)
		s.touch(i)
	}
	s.mu.Unlock()
	if i != nil {
		s.tell(i)
	}
}

func (s *Server) tell(i *Issue) {
	if s.Tells == nil {
		return
	}
	s.mu.Lock()
	told := document(i, "http://jira.invalid")
	if fields, is := told["fields"].(map[string]any); is && i.Assignee == "" {
		fields["assignee"] = nil
	}
	body, _ := json.Marshal(map[string]any{"timestamp": i.Updated.UnixMilli(), "webhookEvent": "jira:issue_updated", "issue": told})
	s.mu.Unlock()
	s.Tells(body)
}

func (s *Server) find(id string) *Issue {
	for _, i := range s.issues {
		if i.ID == id || i.Key == id {
			return i
		}
	}
	return nil
}

// touch gives every change an instant of its own, as Jira's milliseconds nearly do.
func (s *Server) touch(i *Issue) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	if !now.After(s.last) {
		now = s.last.Add(time.Millisecond)
	}
	s.last, i.Updated = now, now
}

func document(i *Issue, base string) map[string]any {
	category := map[string]string{"To Do": "new", "In Progress": "indeterminate", "Done": "done"}[i.Status]
	fields := map[string]any{
		"summary": i.Summary, "status": map[string]any{"name": i.Status, "statusCategory": map[string]any{"key": category}}, "labels": i.Labels,
		"priority": map[string]any{"name": i.Priority}, "updated": i.Updated.Format("2006-01-02T15:04:05.000-0700"), "project": map[string]any{"key": i.Project},
		"created": i.Created.Format("2006-01-02T15:04:05.000-0700"), "components": []any{},
	}
	if i.Component != "" {
		fields["components"] = []any{map[string]any{"name": i.Component}}
	}
	if i.Assignee != "" {
		fields["assignee"] = map[string]any{"accountId": i.Assignee}
	}
	return map[string]any{"id": i.ID, "key": i.Key, "self": base + "/rest/api/3/issue/" + i.ID, "fields": fields}
}

var (
	one   = regexp.MustCompile(`^/rest/api/3/issue/([A-Z0-9-]+)$`)
	under = regexp.MustCompile(`^/rest/api/3/issue/([A-Z0-9-]+)/(comment|transitions)$`)
	label = regexp.MustCompile(`labels = "?([A-Za-z0-9-]+)"?`)
	owned = regexp.MustCompile(`project = "?([A-Z]+)"?`)
	since = regexp.MustCompile(`updated >= "-([0-9]+)m"`)
)

// ServeHTTP is the REST API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user+":"+password != Secret {
		refuse(w, http.StatusUnauthorized)
		return
	}
	var conduct Conduct
	if s.Plan != nil {
		conduct = s.Plan(r)
	}
	select {
	case <-time.After(conduct.Delay):
	case <-r.Context().Done():
		return
	}
	if conduct.Status != 0 {
		if conduct.After > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(conduct.After))
		}
		refuse(w, conduct.Status)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	status, answer, told := s.answer(r, body)
	if told != nil {
		s.tell(told)
	}
	if conduct.Drop {
		panic(http.ErrAbortHandler)
	}
	if status >= 400 {
		refuse(w, status)
		return
	}
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

type update struct {
	Fields struct {
		Summary  string                `json:"summary"`
		Labels   []string              `json:"labels"`
		Priority struct{ Name string } `json:"priority"`
		Assignee *struct {
			AccountID string `json:"accountId"`
		} `json:"assignee"`
		Project struct{ Key string } `json:"project"`
	} `json:"fields"`
	Transition struct{ ID string } `json:"transition"`
	Body       any                 `json:"body"`
}

func statuses() []string { return []string{"To Do", "In Progress", "Done"} }

func (s *Server) answer(r *http.Request, body []byte) (status int, answer any, told *Issue) {
	var in update
	if len(body) > 0 && json.Unmarshal(body, &in) != nil {
		return http.StatusBadRequest, nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	base := "http://" + r.Host
	if r.URL.Path == "/rest/api/3/issue" && r.Method == http.MethodPost {
		if in.Fields.Summary == "" || in.Fields.Project.Key == "" {
			return http.StatusBadRequest, nil, nil
		}
		i := s.insert(Issue{Project: in.Fields.Project.Key, Summary: in.Fields.Summary, Priority: in.Fields.Priority.Name, Labels: in.Fields.Labels})
		return http.StatusCreated, map[string]string{"id": i.ID, "key": i.Key, "self": base + "/rest/api/3/issue/" + i.ID}, i
	}
	if r.URL.Path == "/rest/api/3/search/jql" {
		return http.StatusOK, map[string]any{"isLast": true, "issues": s.search(r.URL.Query().Get("jql"), base)}, nil
	}
	if found := one.FindStringSubmatch(r.URL.Path); found != nil && s.find(found[1]) != nil {
		i := s.find(found[1])
		if r.Method == http.MethodGet {
			return http.StatusOK, document(i, base), nil
		}
		if in.Fields.Priority.Name != "" {
			i.Priority = in.Fields.Priority.Name
		}
		if in.Fields.Assignee != nil {
			i.Assignee = in.Fields.Assignee.AccountID
		}
		s.touch(i)
		return http.StatusNoContent, nil, i
	}
	found := under.FindStringSubmatch(r.URL.Path)
	if found == nil || s.find(found[1]) == nil {
		return http.StatusNotFound, nil, nil
	}
	i := s.find(found[1])
	switch {
	case found[2] == "comment" && r.Method == http.MethodPost:
		if in.Body == nil {
			return http.StatusBadRequest, nil, nil
		}
		i.Comments = append(i.Comments, in.Body)
		s.touch(i)
		return http.StatusCreated, map[string]any{"id": strconv.Itoa(len(i.Comments)), "body": in.Body}, nil
	case found[2] == "comment":
		all := []any{}
		for n := len(i.Comments) - 1; n >= 0; n-- {
			all = append(all, map[string]any{"id": strconv.Itoa(n + 1), "body": i.Comments[n]})
		}
		return http.StatusOK, map[string]any{"comments": all, "startAt": 0, "maxResults": 100, "total": len(all)}, nil
	case r.Method == http.MethodGet:
		ways := []any{}
		for n, name := range statuses() {
			if name != i.Status {
				ways = append(ways, map[string]any{"id": strconv.Itoa(n + 1), "name": name, "to": map[string]any{"name": name}})
			}
		}
		return http.StatusOK, map[string]any{"transitions": ways}, nil
	}
	n, err := strconv.Atoi(in.Transition.ID)
	if err != nil || n < 1 || n > len(statuses()) {
		return http.StatusBadRequest, nil, nil
	}
	i.Status = statuses()[n-1]
	s.touch(i)
	return http.StatusNoContent, nil, i
}

func (s *Server) search(jql, base string) []any {
	found := []any{}
	for _, i := range s.issues {
		l, p := label.FindStringSubmatch(jql), owned.FindStringSubmatch(jql)
		if !(l != nil && slices.Contains(i.Labels, l[1]) || p != nil && i.Project == p[1]) {
			continue
		}
		if m := since.FindStringSubmatch(jql); m != nil {
			n, _ := strconv.Atoi(m[1])
			if time.Since(i.Updated) > time.Duration(n)*time.Minute {
				continue
			}
		}
		found = append(found, document(i, base))
	}
	return found
}

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errorMessages": []string{strings.ToLower(http.StatusText(status))}, "errors": map[string]string{}})
}
