// Package deskfake is a help desk in memory that speaks as Zendesk, Freshservice or Zammad document it, as far as tickets,
// internal notes and what changed go; for tests and scenes. It is as strict as they are, refuses, dawdles and breaks off on
// demand, and posts signed webhooks.
package deskfake

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Conduct is what becomes of one request.
type Conduct struct {
	Status int           // refused with this; 0: answered
	After  int           // Retry-After, in seconds
	Delay  time.Duration // before anything is done
	Drop   bool          // done, then cut off without an answer
}

// Ticket as it stands, in the words of the system.
type Ticket struct {
	ID                                                           int64
	Number, Subject, Status, Priority, Assignee, Group, Category string
	Correlation                                                  string
	Notes                                                        []string // oldest first, as they were written
	Public                                                       int      // how many of them customers see
	Created, Updated                                             time.Time
	Gone                                                         bool
}

// Desk is the fake. Make it with Zendesk, Freshservice or Zammad.
type Desk struct {
	says dialect

	mu      sync.Mutex
	plan    func(r *http.Request) Conduct               // nil: all is answered
	tells   func(header map[string]string, body []byte) // nil: nobody is told
	tickets []*Ticket
	keys    map[string]*Ticket // that idempotency keys have made
	last    time.Time
}

// dialect is how one of them speaks. Its functions run under the lock.
type dialect struct {
	admits   func(r *http.Request) bool
	answer   func(d *Desk, r *http.Request, body []byte) (status int, answer any, told *Ticket)
	refusal  func(status int) any
	webhook  func(t *Ticket) (header map[string]string, body []byte)
	status   string // of a new ticket
	priority string
	grain    time.Duration // of its instants
}

// Behaves says what becomes of requests from now on; nil: all are answered.
func (d *Desk) Behaves(plan func(r *http.Request) Conduct) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.plan = plan
}

// Tells says where webhooks go from now on; nil: nowhere.
func (d *Desk) Tells(whom func(header map[string]string, body []byte)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tells = whom
}

// Tickets are copies of all, in the order in which they were made.
func (d *Desk) Tickets() []Ticket {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]Ticket, len(d.tickets))
	for n, t := range d.tickets {
		all[n] = *t
		all[n].Notes = slices.Clone(t.Notes)
	}
	return all
}

// Create is somebody who opens a ticket.
func (d *Desk) Create(subject string, change func(*Ticket)) (id int64) {
	d.mu.Lock()
	t := d.insert(Ticket{Subject: subject})
	if change != nil {
		change(t)
	}
	id = t.ID
	d.mu.Unlock()
	d.tell(t)
	return id
}

// Edit is somebody at work there.
func (d *Desk) Edit(id int64, change func(*Ticket)) {
	d.mu.Lock()
	t := d.find(strconv.FormatInt(id, 10))
	if t != nil {
		change(t)
		d.touch(t)
	}
	d.mu.Unlock()
	if t != nil {
		d.tell(t)
	}
}

func (d *Desk) insert(t Ticket) *Ticket {
	n := int64(len(d.tickets) + 1)
	t.ID, t.Number = 9_007_199_254_740_000+n, strconv.FormatInt(31000+n, 10) // as long as IDs get
	if t.Status == "" {
		t.Status = d.says.status
	}
	if t.Priority == "" {
		t.Priority = d.says.priority
	}
	d.touch(&t)
	t.Created = t.Updated
	d.tickets = append(d.tickets, &t)
	return &t
}

// touch: its clock is as coarse as theirs, and never goes back.
func (d *Desk) touch(t *Ticket) {
	now := time.Now().UTC().Truncate(d.says.grain)
	if now.Before(d.last) {
		now = d.last
	}
	d.last, t.Updated = now, now
}

func (d *Desk) find(id string) *Ticket {
	for _, t := range d.tickets {
		if strconv.FormatInt(t.ID, 10) == id && !t.Gone {
			return t
		}
	}
	return nil
}

// changed are those that changed since an instant, oldest change first.
func (d *Desk) changed(since time.Time) []*Ticket {
	var found []*Ticket
	for _, t := range d.tickets {
		if !t.Updated.Before(since) && !t.Gone {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, func(a, b *Ticket) int { return a.Updated.Compare(b.Updated) })
	return found
}

// some is one page of a list.
func some(all []any, r *http.Request, size string) []any {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	most, _ := strconv.Atoi(r.URL.Query().Get(size))
	if most <= 0 || most > 100 {
		most = 30
	}
	from := min(len(all), (max(page, 1)-1)*most)
	return append([]any{}, all[from:min(len(all), from+most)]...)
}

func (d *Desk) tell(t *Ticket) {
	d.mu.Lock()
	whom := d.tells
	header, body := d.says.webhook(t)
	d.mu.Unlock()
	if whom != nil {
		whom(header, body)
	}
}

// ServeHTTP is the API.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !d.says.admits(r) {
		d.refuse(w, http.StatusUnauthorized)
		return
	}
	conduct := d.conduct(r)
	select {
	case <-time.After(conduct.Delay):
	case <-r.Context().Done():
		return
	}
	if conduct.Status != 0 {
		if conduct.After > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(conduct.After))
		}
		d.refuse(w, conduct.Status)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	d.mu.Lock()
	status, answer, told := d.says.answer(d, r, body)
	var raw []byte
	if answer != nil {
		raw, err = json.Marshal(answer)
	}
	d.mu.Unlock()
	if err != nil {
		status = http.StatusInternalServerError
	}
	if told != nil {
		d.tell(told)
	}
	if conduct.Drop {
		panic(http.ErrAbortHandler)
	}
	if status >= 400 {
		d.refuse(w, status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

// conduct is decided for one request after the other.
func (d *Desk) conduct(r *http.Request) Conduct {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.plan == nil {
		return Conduct{}
	}
	return d.plan(r)
}

func (d *Desk) refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(d.says.refusal(status))
}

// strictly reads a body that must hold nothing else.
func strictly(body []byte, into any) bool {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into) == nil
}

// number as an ID stands in an answer: null when there is none.
func number(text string) any {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	return n
}

// text as it stands in an answer: null when there is none.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
