package service

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/reply"
	"github.com/belayhq/belay/core/text"
	"github.com/belayhq/belay/core/tongue"
)

// Paged knows who was paged, and from which workflow.
type Paged interface {
	// PagedTo lists the pages sent to a person since then, newest first.
	PagedTo(ctx context.Context, p id.Person, since time.Time, limit int) ([]Sent, error)
}

// Trail keeps deeds that change nothing else: somebody tried.
type Trail interface {
	Write(ctx context.Context, d Deed) error
}

// Replies takes what people say by phone and answers in words. It never answers an error in technical words: whoever
// reads it stands in the dark with a phone.
type Replies struct {
	Organisation Organisation
	Escalations  Escalations
	Messages     Messages
	Paged        Paged
	Digests      Bundles
	Answers      *Answers
	Runs         Runs    // nil: without the records only what is named is known
	Lights       *Lights // nil: the records are always asked
	Barred       Barred
	Trail        Trail
	Idempotency  Idempotency
	Now          func() time.Time
	Log          *slog.Logger
}

// Inbound is a text message as the carrier hands it over. The carrier's name for it makes a second delivery harmless.
type Inbound struct {
	From string
	To   string
	Body string
	SID  string
}

const (
	notKnown     = "This number is not known here. Nothing was done."
	notNow       = "Belay could not take that just now. Please try again, or use the link in your message."
	nothingOpen  = "Nothing is open that you were told of."
	vendorRecall = 14 * 24 * time.Hour // how far back a vendor's contact may answer without being more precise
	recordingLag = time.Hour           // how far back pages are asked for that the row may not show yet
	mostNamed    = 3
	lookAgain    = time.Second
	runsWithin   = 4 * time.Second // for escalations to say themselves how they stand; carriers wait 15 s
)

// SMS answers one text message. An empty text wants no answer.
func (r *Replies) SMS(ctx context.Context, in Inbound) (string, error) {
	return r.once(ctx, in, func() (string, error) {
		said, err := r.answer(ctx, in)
		return text.Retell(r.speaks(in.From), said), err
	})
}

// speaks is the language of whoever has this number; of the first who has one, when it is shared.
func (r *Replies) speaks(number string) tongue.Language {
	o := r.Organisation.Current().Org
	for _, p := range withNumber(o, number) {
		if l := o.People[p].Language; l != "" {
			return l
		}
	}
	return tongue.English
}

func (r *Replies) answer(ctx context.Context, in Inbound) (string, error) {
	d := r.Organisation.Current()
	who := withNumber(d.Org, in.From)
	if len(who) == 0 {
		return notKnown, r.stranger(ctx, in)
	}
	said, err := reply.Parse(in.Body)
	if err != nil {
		return sentence(err), nil
	}
	switch said.Verb {
	case reply.Help, reply.Repeat:
		return helpText, nil
	case reply.Stop, reply.Start:
		return r.opt(ctx, d, in, said.Verb == reply.Start)
	case reply.Status, reply.Acknowledge, reply.Resolve, reply.Escalate, reply.Note, reply.Snooze:
	}
	verb, w, isWord := word(said, in.SID, r.Now())
	if said.All {
		return r.all(ctx, who, verb, w), nil
	}
	choices, err := r.choices(ctx, d, who, about(said))
	if fault.Is(err, fault.Unavailable) {
		choices, err = r.unread(ctx, d, who, about(said))
	}
	if err == nil && len(choices) == 0 && said.Number != 0 {
		choices = r.unrecorded(ctx, d, who, about(said))
	}
	switch {
	case err != nil && len(choices) == 0:
		return r.sorry(ctx, err), nil
	case len(choices) == 0 && said.Number != 0:
		return fmt.Sprintf("There is no %s for you.", about(said)), nil
	case len(choices) == 0:
		return nothingOpen, nil
	case !isWord && choices[0].summary.State == "":
		return notNow, nil
	case !isWord:
		return status(d.Org.Terms, choices), nil
	case len(choices) > 1:
		return which(d.Org.Terms, said.Verb, choices), nil
	}
	return r.say(ctx, callerFor(d, choices[0].person, "sms"), choices[0].workflow, verb, w), nil
}

// retold is an answer in a person's language.
func (r *Replies) retold(p id.Person, answer string) string {
	return text.Retell(r.Organisation.Current().Org.People[p].Language, answer)
}

// say hands a word over and puts whatever comes back into words.
func (r *Replies) say(ctx context.Context, c Caller, workflow, verb string, w contract.Word) string {
	e, _, _ := addressed(workflow)
	heard, err := r.Answers.Say(ctx, c, workflow, verb, w)
	if err != nil {
		return r.sorry(ctx, err)
	}
	return addressedBy(e, heard.Text)
}

// sorry says what went wrong, to a human.
func (r *Replies) sorry(ctx context.Context, err error) string {
	switch fault.KindOf(err) {
	case fault.Conflict, fault.NotFound, fault.Denied, fault.Invalid, fault.Unauthenticated, fault.TooLarge:
		return sentence(err)
	case fault.Throttled, fault.Unavailable, fault.Internal:
	}
	r.Log.ErrorContext(ctx, "an answer by phone was not taken", "error", err)
	return notNow
}

// choice is something that a person may mean.
type choice struct {
	person   id.Person
	workflow string
	summary  escalation.Summary
}

// choices lists what the people behind a number may mean: the escalation they named, else the open ones they know of.
func (r *Replies) choices(ctx context.Context, d policy.Directory, who []id.Person, e id.Escalation) (all []choice, err error) {
	err = r.Lights.Ask(ctx, recordsWithin, func(ctx context.Context) (err error) {
		all, err = r.onRecord(ctx, d, who, e)
		return err
	})
	return all, err
}

func (r *Replies) onRecord(ctx context.Context, d policy.Directory, who []id.Person, e id.Escalation) ([]choice, error) {
	var all []choice
	for _, p := range who {
		var found []choice
		var err error
		switch {
		case d.Org.People[p].Vendor != "":
			found, err = r.engagements(ctx, p, d.Org.People[p].Vendor, e)
		case e != "":
			found, err = r.named(ctx, p, e)
		default:
			found, err = r.openFor(ctx, p)
		}
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			same := func(c choice) bool { return c.workflow == f.workflow }
			if !slices.ContainsFunc(all, same) {
				all = append(all, f)
			}
		}
	}
	return all, nil
}

// unread is what the people behind a number may mean when the records are away: the escalations themselves are asked.
// Whether one that was named exists the engine will say, if it cannot be asked in time.
func (r *Replies) unread(ctx context.Context, d policy.Directory, who []id.Person, e id.Escalation) ([]choice, error) {
	ours := slices.DeleteFunc(slices.Clone(who), func(p id.Person) bool { return d.Org.People[p].Vendor != "" })
	if len(ours) == 0 {
		return nil, fault.New(fault.Unavailable, "the records are away, and a vendor's engagements are found nowhere else")
	}
	ctx, cancel := context.WithTimeout(ctx, runsWithin)
	defer cancel()
	if e != "" {
		found := choice{person: ours[0], workflow: contract.EscalationID(e), summary: escalation.Summary{ID: e}}
		if r.Runs == nil {
			return []choice{found}, nil
		}
		summary, err := r.Runs.Stands(ctx, e)
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
		if err == nil {
			found.summary = summary
		}
		return []choice{found}, nil
	}
	if r.Runs == nil {
		return nil, fault.New(fault.Unavailable, "the records are away")
	}
	found, complete, err := r.alive(ctx, ours)
	if err == nil && len(found) == 0 {
		select { // whoever was told this moment of something new may be quicker than the engine's index
		case <-ctx.Done():
		case <-time.After(lookAgain):
			found, complete, err = r.alive(ctx, ours)
		}
	}
	if err == nil && len(found) == 0 && !complete {
		err = fault.New(fault.Unavailable, "the records are away, and more is open than can be asked")
	}
	return found, err
}

// unrecorded is an escalation that runs and is not on record yet: it was opened while the records were away, or they
// answer and can write nothing.
func (r *Replies) unrecorded(ctx context.Context, d policy.Directory, who []id.Person, e id.Escalation) []choice {
	ours := slices.DeleteFunc(slices.Clone(who), func(p id.Person) bool { return d.Org.People[p].Vendor != "" })
	if len(ours) == 0 || r.Runs == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, runsWithin)
	defer cancel()
	summary, err := r.Runs.Stands(ctx, e)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil { // whether there is one the engine will say
		summary = escalation.Summary{ID: e}
	}
	return []choice{{person: ours[0], workflow: contract.EscalationID(e), summary: summary}}
}

// alive is what is open and what one of these people was told of, as the escalations say themselves.
func (r *Replies) alive(ctx context.Context, ours []id.Person) (found []choice, complete bool, err error) {
	live, complete, err := r.Runs.Live(ctx)
	for _, s := range live {
		knows := func(p id.Person) bool { return slices.Contains(s.Told, p) || s.AcknowledgedBy == p }
		if at := slices.IndexFunc(ours, knows); at >= 0 {
			found = append(found, choice{person: ours[at], workflow: contract.EscalationID(s.ID), summary: s})
		}
	}
	return found, complete, err
}

func (r *Replies) named(ctx context.Context, p id.Person, e id.Escalation) ([]choice, error) {
	row, err := r.Escalations.Get(ctx, e)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []choice{{person: p, workflow: contract.EscalationID(e), summary: row.Summary}}, nil
}

// openFor lists what a person may mean who names no number. Who was told is recorded a moment after the page has left,
// and people answer within that moment: the pages themselves are asked too.
func (r *Replies) openFor(ctx context.Context, p id.Person) ([]choice, error) {
	rows, err := r.Escalations.OpenFor(ctx, p)
	if err != nil {
		return nil, err
	}
	pages, err := r.Paged.PagedTo(ctx, p, r.Now().Add(-recordingLag), 50)
	if err != nil {
		return nil, err
	}
	listed := map[string]bool{}
	for _, row := range rows {
		listed[contract.EscalationID(row.ID)] = true
	}
	var found []choice
	for _, sent := range pages {
		about, vendor, err := addressed(sent.Workflow)
		if err != nil || vendor != "" || listed[sent.Workflow] {
			continue
		}
		listed[sent.Workflow] = true
		row, err := r.Escalations.Get(ctx, about)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if row.State == escalation.Open || row.State == escalation.Acked {
			found = append(found, choice{person: p, workflow: sent.Workflow, summary: row.Summary})
		}
	}
	for _, row := range rows {
		found = append(found, choice{person: p, workflow: contract.EscalationID(row.ID), summary: row})
	}
	return found, nil
}

// engagements are those that a vendor's contact was paged for and whose escalation goes on.
func (r *Replies) engagements(ctx context.Context, p id.Person, v id.Vendor, e id.Escalation) ([]choice, error) {
	pages, err := r.Paged.PagedTo(ctx, p, r.Now().Add(-vendorRecall), 100)
	if err != nil {
		return nil, err
	}
	var found []choice
	for _, sent := range pages {
		about, vendor, err := addressed(sent.Workflow)
		if err != nil || vendor != v || e != "" && about != e {
			continue
		}
		row, err := r.Escalations.Get(ctx, about)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if e == "" && row.State != escalation.Open && row.State != escalation.Acked {
			continue
		}
		// Who of ours has it is none of theirs.
		row.State, row.AcknowledgedBy = escalation.Open, ""
		found = append(found, choice{person: p, workflow: sent.Workflow, summary: row.Summary})
	}
	return found, nil
}

// opt obeys STOP and START. Carriers enforce STOP themselves and refuse an answer to it, so there is none.
func (r *Replies) opt(ctx context.Context, d policy.Directory, in Inbound, start bool) (string, error) {
	for _, p := range withNumber(d.Org, in.From) {
		for _, m := range d.Org.People[p].Methods {
			if m.Channel != org.SMS || digits(m.Address) != digits(in.From) {
				continue
			}
			way := policy.Way{Person: p, Method: m.ID}
			deed := Deed{
				At: r.Now(), Actor: string(p), Via: "sms", Action: "method.bar",
				Subject: fmt.Sprintf("method %s of %s", m.ID, p), Reason: "said STOP",
			}
			var err error
			if start {
				deed.Action, deed.Reason = "method.unbar", "said START"
				err = r.Barred.Unbar(ctx, way, deed)
			} else {
				err = r.Barred.Bar(ctx, way, "opted out (said STOP)", deed)
			}
			if err != nil && !fault.Is(err, fault.NotFound) {
				return "", fmt.Errorf("%s: %w", deed.Action, err)
			}
		}
	}
	if start {
		return "Belay will send you messages again.", nil
	}
	return "", nil
}

// stranger keeps a trace of a number that nobody of ours has. It says nothing about what was asked.
func (r *Replies) stranger(ctx context.Context, in Inbound) error {
	err := r.Trail.Write(ctx, Deed{
		At: r.Now(), Actor: "unknown", Via: "sms", Action: "reply.refused", Subject: "number " + mask(org.SMS, in.From),
		Reason: "the number belongs to nobody", Detail: map[string]string{"sid": in.SID},
	})
	if err != nil {
		r.Log.ErrorContext(ctx, "a refused reply was not noted", "sid", in.SID, "error", err)
	}
	return nil
}

// withNumber lists who has this number, by ID: a phone may be shared by a team.
func withNumber(o *org.Org, number string) []id.Person {
	sought := digits(number)
	var found []id.Person
	for _, p := range byID(o.People) {
		has := func(m org.Method) bool {
			return (m.Channel == org.SMS || m.Channel == org.Voice) && digits(m.Address) == sought
		}
		if sought != "" && !p.Departed && slices.ContainsFunc(p.Methods, has) {
			found = append(found, p.ID)
		}
	}
	return found
}

// digits brings a number to E.164 without the plus: carriers and people write the same number in many ways.
func digits(number string) string {
	only := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, number)
	return strings.TrimPrefix(only, "00")
}

// which asks what was meant.
func which(terms org.Terms, verb reply.Verb, choices []choice) string {
	var b strings.Builder
	b.WriteString("Which one? Reply with its number.")
	for i, c := range choices {
		if i == mostNamed {
			fmt.Fprintf(&b, "\n… and %d more", len(choices)-mostNamed)
			break
		}
		fmt.Fprintf(&b, "\n%s %s: %s", spoken(verb), number(c.summary.ID), line(terms, c.summary))
	}
	return b.String()
}

// spoken is the verb as one types it.
func spoken(verb reply.Verb) string {
	switch verb {
	case reply.Acknowledge:
		return "ack"
	case reply.Escalate:
		return "esc"
	case reply.Resolve, reply.Note, reply.Snooze, reply.Status, reply.Help, reply.Stop, reply.Start, reply.Repeat:
	}
	return string(verb)
}

func status(terms org.Terms, choices []choice) string {
	var lines []string
	for i, c := range choices {
		if i == mostNamed {
			lines = append(lines, fmt.Sprintf("… and %d more", len(choices)-mostNamed))
			break
		}
		text := fmt.Sprintf("%s %s: %s", c.summary.ID, terms.State(string(c.summary.State)), line(terms, c.summary))
		if c.summary.State == escalation.Acked {
			text += fmt.Sprintf(" (%s has it)", c.summary.AcknowledgedBy)
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

func line(terms org.Terms, s escalation.Summary) string {
	title := []rune(s.Title)
	if len(title) > 60 {
		title = append(title[:59], '…')
	}
	return fmt.Sprintf("%s %s: %s", terms.Priority(s.Priority), s.Service, string(title))
}

func number(e id.Escalation) string { return strings.TrimPrefix(string(e), "E-") }
