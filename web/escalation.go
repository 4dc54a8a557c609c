package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/sla"
	"github.com/belayhq/belay/core/text"
	"github.com/belayhq/belay/service"
)

const (
	entriesRead      = 1000
	entriesShown     = 300
	reloadEscalation = 15 // seconds, without script: somebody may be writing a note
)

// story is one escalation with what happened to it.
type story struct {
	service.Escalation
	Entries  []escalation.Entry
	Ahead    ahead
	Promises []sla.Clock // of the ticket that it watches
	Show     kinds       // of entries in the timeline
}

// kinds groups entries by what a reader looks for.
type kinds string

const (
	everyKind kinds = ""
	ofPeople  kinds = "people"   // what humans did
	messages  kinds = "messages" // what was sent, and what became of it
	trouble   kinds = "trouble"  // skips, silence, failures
)

func allKinds() []kinds { return []kinds{everyKind, ofPeople, messages, trouble} }

// has reports whether an entry is among these.
func (k kinds) has(e escalation.Entry) bool {
	switch k {
	case everyKind:
		return true
	case ofPeople:
		class := entryClass(e.Kind)
		return class == "human" || class == "good"
	case messages:
		return e.Kind == escalation.EntrySent || e.Kind == escalation.EntryReceipt
	case trouble:
		return entryClass(e.Kind) == "bad" || e.Kind == escalation.EntryReceipt && lostReceipt(e)
	}
	return false
}

// lostReceipt: a carrier says that a message did not arrive.
func lostReceipt(e escalation.Entry) bool {
	_, class := message{Last: &e}.fate()
	return class == "bad"
}

func shownKinds(c echo.Context) (kinds, error) {
	k := kinds(c.QueryParam("show"))
	if !slices.Contains(allKinds(), k) {
		return "", fault.Field("show", "%q is none of people, messages, trouble", string(k))
	}
	return k, nil
}

// read brings a story up to date; what was read before is not read again.
func (s *Site) read(ctx context.Context, c service.Caller, e id.Escalation, known []escalation.Entry) (story, error) {
	row, err := s.Search.Get(ctx, c, e)
	if err != nil {
		return story{}, err
	}
	for len(known) > 0 && known[len(known)-1].Unwritten {
		known = known[:len(known)-1] // it may have been written meanwhile, in another place
	}
	for {
		after := 0
		if len(known) > 0 {
			after = known[len(known)-1].Seq
		}
		fresh, err := s.Search.Timeline(ctx, c, e, after, entriesRead)
		if err != nil {
			return story{}, err
		}
		known = append(known, fresh...)
		if len(fresh) < entriesRead || fresh[len(fresh)-1].Unwritten {
			break
		}
	}
	return story{Escalation: row, Entries: known}, nil
}

// latest is the timeline with the newest entry first, and how many are left out.
func (st story) latest() ([]escalation.Entry, int) {
	var shown []escalation.Entry
	hidden := 0
	for _, e := range slices.Backward(st.Entries) {
		switch {
		case !st.Show.has(e):
		case len(shown) == entriesShown:
			hidden++
		default:
			shown = append(shown, e)
		}
	}
	return shown, hidden
}

// unwritten entries are known, and written with the next one.
func (st story) unwritten() int {
	n := 0
	for _, e := range slices.Backward(st.Entries) {
		if !e.Unwritten {
			break
		}
		n++
	}
	return n
}

func (s *Site) escalation(c echo.Context) error {
	f := s.frame(c, c.Param("id")).living(c, reloadEscalation)
	show, err := shownKinds(c)
	if err != nil {
		return err
	}
	st, err := s.read(c.Request().Context(), f.Caller, id.Escalation(c.Param("id")), nil)
	if err != nil {
		return err
	}
	st.Show, st.Ahead, st.Promises = show, s.ahead(c.Request().Context(), st.Summary), s.promises(c.Request().Context(), f.Caller, st.Summary)
	f.Title = string(st.ID) + " · " + st.Title
	f.Answer = s.takeAnswer(c)
	return s.render(c, http.StatusOK, escalationPage(f, st, rand.Text()))
}

func (s *Site) escalationEvents(c echo.Context) error {
	f := s.frame(c, c.Param("id"))
	show, err := shownKinds(c)
	if err != nil {
		return err
	}
	var known []escalation.Entry
	return s.stream(c, func(ctx context.Context) ([]part, error) {
		st, err := s.read(ctx, f.Caller, id.Escalation(c.Param("id")), known)
		if err != nil {
			return nil, err
		}
		known = st.Entries
		st.Show, st.Ahead, st.Promises = show, s.ahead(ctx, st.Summary), s.promises(ctx, f.Caller, st.Summary)
		f := f.at(s.Now())
		return []part{
			{Event: "head", Data: []any{st.Escalation, st.Ahead.Calendar, f.turns(st)}, Page: headView(f, st)},
			{Event: "verbs", Data: []any{st.State, st.Priority}, Page: verbsView(f, st, rand.Text())},
			{Event: "story", Data: []any{len(known), st.unwritten(), st.State, st.Next, st.Ahead}, Page: storyView(f, st)},
		}, nil
	})
}

// say takes a verb from a form and shows the answer on the page of the escalation.
func (s *Site) say(c echo.Context) error {
	if err := s.checkForm(c); err != nil {
		return err
	}
	e := id.Escalation(c.Param("id"))
	if _, err := e.Number(); err != nil {
		return fault.New(fault.NotFound, "there is no escalation %q", string(e))
	}
	verb, word, err := s.word(c, c.Param("verb"))
	if err != nil {
		return err
	}
	word.Key = "web/" + word.Key
	reply, err := s.Answers.Say(c.Request().Context(), visitorOf(c).caller, contract.EscalationID(e), verb, word)
	if err := s.leave(c, reply, err); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, s.Prefix+"/escalations/"+string(e))
}

// leave keeps the answer for the next page. A refusal is an answer too; a failure of ours is not.
func (s *Site) leave(c echo.Context, reply contract.Reply, err error) error {
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Invalid:
		if err != nil {
			return s.leaveAnswer(c, answer{Text: sentence(s.frame(c, "").retell(problemOf(err).Detail)), Bad: true})
		}
	}
	if err != nil {
		return err
	}
	return s.leaveAnswer(c, answer{Text: s.frame(c, "").said(reply), Bad: reply.Outcome == escalation.Refused})
}

// said is a reply in words, also when nobody could answer in time.
func (f frame) said(r contract.Reply) string {
	if r.Outcome == contract.Received && r.Text == "" {
		return f.t("Received. No worker answered yet; it takes effect as soon as one does.")
	}
	if r.Text == "" {
		return f.t("Done.")
	}
	return f.retell(r.Text)
}

// retell says in the reader's language what was answered in English.
func (f frame) retell(answer string) string { return text.Retell(f.Language, answer) }

// word reads what a form says.
func (s *Site) word(c echo.Context, verb string) (string, contract.Word, error) {
	w := contract.Word{Key: c.FormValue("key"), Note: strings.TrimSpace(c.FormValue("note"))}
	if !plainKey(w.Key) {
		return "", w, fault.Field("key", "this form is incomplete; load the page again")
	}
	switch verb {
	case contract.Acknowledge, contract.Resolve, contract.Reopen, contract.Note:
		return verb, w, nil
	case contract.Escalate, contract.Reassign:
		w.Direction = org.Direction(c.FormValue("direction"))
		to, err := target(c.FormValue("to"))
		if err != nil {
			return "", w, err
		}
		w.To = to
		return verb, w, nil
	case contract.Prioritise:
		w.Priority = org.Priority(c.FormValue("priority"))
		return verb, w, nil
	case contract.Snooze:
		pause, err := time.ParseDuration(c.FormValue("for"))
		if err != nil || pause <= 0 {
			return "", w, fault.Field("for", "%q is no duration such as 30m", c.FormValue("for"))
		}
		w.Until = s.Now().Add(pause)
		return verb, w, nil
	}
	return "", w, fault.New(fault.NotFound, "no such verb: %q", verb)
}

// target reads "person ana", "schedule payments-primary", "team payments", "vendor acmecloud"; empty is nobody in
// particular.
func target(text string) (*org.Target, error) {
	if text == "" {
		return nil, nil
	}
	kind, name, _ := strings.Cut(text, " ")
	switch {
	case name == "":
	case kind == "person":
		return &org.Target{Person: id.Person(name)}, nil
	case kind == "schedule":
		return &org.Target{Schedule: id.Schedule(name)}, nil
	case kind == "team":
		return &org.Target{Team: id.Team(name)}, nil
	case kind == "vendor":
		return &org.Target{Vendor: id.Vendor(name)}, nil
	}
	return nil, fault.Field("to", "%q is none of: person, schedule, team or vendor, and its id", text)
}

// plainKey: keys of forms are made here, and short.
func plainKey(key string) bool {
	if len(key) < 8 || len(key) > 64 {
		return false
	}
	return strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	if text == "" {
		return "That did not work."
	}
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") {
		return capital(text)
	}
	return capital(text) + "."
}
