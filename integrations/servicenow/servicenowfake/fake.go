// Package servicenowfake is an instance of ServiceNow as far as its Table API goes: incidents and their work notes, in memory,
// for tests and scenes. It refuses, dawdles and breaks off on demand, and tells of changes as a business rule would.
package servicenowfake

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

// Secret that a Server without another wants, as "user:password".
const Secret = "belay:fake-password"

// Conduct is what becomes of one request.
type Conduct struct {
	Status int           // refused with this; 0: answered
	After  int           // Retry-After, in seconds
	Delay  time.Duration // before anything is done
	Drop   bool          // done, then cut off without an answer
}

// Server is the fake. The zero value works.
type Server struct {
	Plan  func(r *http.Request) Conduct  // nil: all is answered
	Tells func(record map[string]string) // nil: no business rule
	mu    sync.Mutex
	rows  []map[string]string
	notes map[string][]string
}

// Records are copies of all incidents, in the order in which they were made.
func (s *Server) Records() []map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]map[string]string, len(s.rows))
	for n, row := range s.rows {
		all[n] = copied(row)
	}
	return all
}

// Notes of an incident, in order.
func (s *Server) Notes(sys string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notes[sys])
}

// Create is somebody who opens an incident.
func (s *Server) Create(fields map[string]string) (sys string) {
	s.mu.Lock()
	row := copied(s.insert(fields))
	s.mu.Unlock()
	if s.Tells != nil {
		s.Tells(row)
	}
	return row["sys_id"]
}

func (s *Server) insert(fields map[string]string) map[string]string {
	if s.notes == nil {
		s.notes = map[string][]string{}
	}
	n, now := len(s.rows)+1, time.Now().UTC().Format("2006-01-02 15:04:05")
	row := map[string]string{"sys_id": fmt.Sprintf("%032x", n), "number": fmt.Sprintf("INC%07d", n), "state": "1", "sys_mod_count": "-1", "sys_created_on": now, "opened_at": now}
	s.change(row, fields)
	s.rows = append(s.rows, row)
	return row
}

// Edit is somebody at work in the instance.
func (s *Server) Edit(sys string, fields map[string]string) {
	s.mu.Lock()
	row := s.row(sys)
	if row != nil {
		s.change(row, fields)
		row = copied(row)
	}
	s.mu.Unlock()
	if row != nil && s.Tells != nil {
		s.Tells(row)
	}
}

func copied(row map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range row {
		out[name] = value
	}
	return out
}

func (s *Server) row(sys string) map[string]string {
	for _, row := range s.rows {
		if row["sys_id"] == sys {
			return row
		}
	}
	return nil
}

func (s *Server) change(row, fields map[string]string) {
	for name, value := range fields {
		if name == "work_notes" {
			s.notes[row["sys_id"]] = append(s.notes[row["sys_id"]], value)
			continue
		}
		row[name] = value
	}
	count, _ := strconv.Atoi(row["sys_mod_count"])
	row["sys_mod_count"], row["sys_updated_on"] = strconv.Itoa(count+1), time.Now().UTC().Format("2006-01-02 15:04:05")
}

var path = regexp.MustCompile(`^/api/now/table/(incident|sys_journal_field)(?:/([0-9a-f]{32}))?$`)

// ServeHTTP is the Table API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user+":"+password != Secret {
		refuse(w, http.StatusUnauthorized, "User is not authenticated")
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
		refuse(w, conduct.Status, "refused on demand")
		return
	}
	found := path.FindStringSubmatch(r.URL.Path)
	if found == nil {
		refuse(w, http.StatusNotFound, "Invalid table")
		return
	}
	status, result, told := s.answer(r, found[1], found[2])
	if told != nil && s.Tells != nil {
		s.Tells(told)
	}
	if conduct.Drop {
		panic(http.ErrAbortHandler)
	}
	if result == nil {
		refuse(w, status, "No Record found")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"result": result})
}

func (s *Server) answer(r *http.Request, table, sys string) (status int, result any, told map[string]string) {
	fields := map[string]string{}
	if body, err := io.ReadAll(r.Body); err != nil || len(body) > 0 && json.Unmarshal(body, &fields) != nil {
		return http.StatusBadRequest, nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notes == nil {
		s.notes = map[string][]string{}
	}
	switch {
	case r.Method == http.MethodPost && table == "incident" && sys == "":
		row := copied(s.insert(fields))
		return http.StatusCreated, row, row
	case r.Method == http.MethodPatch && table == "incident" && s.row(sys) != nil:
		row := s.row(sys)
		s.change(row, fields)
		return http.StatusOK, copied(row), copied(row)
	case r.Method == http.MethodGet && sys == "":
		return http.StatusOK, s.query(table, r.URL.Query().Get("sysparm_query"), number(r, "sysparm_offset", 0), number(r, "sysparm_limit", 10_000)), nil
	case r.Method == http.MethodGet && s.row(sys) != nil:
		return http.StatusOK, copied(s.row(sys)), nil
	}
	return http.StatusNotFound, nil, nil
}

func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil {
		return otherwise
	}
	return n
}

// query understands what is asked of it here.
func (s *Server) query(table, query string, offset, limit int) []map[string]string {
	found := []map[string]string{}
	if table == "sys_journal_field" {
		for _, part := range strings.Split(query, "^") {
			if sys, is := strings.CutPrefix(part, "element_id="); is {
				for _, note := range s.notes[sys] {
					found = append(found, map[string]string{"value": note})
				}
			}
		}
		return found
	}
	for _, row := range s.rows {
		if slices.ContainsFunc(strings.Split(query, "^NQ"), func(alternative string) bool { return matches(row, alternative) }) {
			found = append(found, copied(row))
		}
	}
	found = found[min(offset, len(found)):]
	return found[:min(limit, len(found))]
}

// matches understands what is asked for here: field=value, fieldSTARTSWITHvalue, and changes of the last minutes.
func matches(row map[string]string, query string) bool {
	for _, part := range strings.Split(query, "^") {
		field, minutes, recent := strings.Cut(part, "RELATIVEGE@minute@ago@")
		name, value, is := strings.Cut(part, "=")
		start, prefix, begins := strings.Cut(part, "STARTSWITH")
		switch {
		case recent:
			n, _ := strconv.Atoi(minutes)
			at, _ := time.Parse("2006-01-02 15:04:05", row[field])
			if time.Since(at) > time.Duration(n)*time.Minute+time.Second {
				return false
			}
		case strings.HasPrefix(part, "ORDERBY"):
		case is:
			if row[name] != value {
				return false
			}
		case begins:
			if !strings.HasPrefix(row[start], prefix) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"message": message, "detail": ""}, "status": "failure"})
}
