package service

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

// Trial is a request that somebody wants to see read and routed without sending it.
type Trial struct {
	Integration id.Integration    // through which it would come; empty: the first by the alphabet
	Format      string            // who speaks
	Mapping     string            // as in a blueprint, in place of the integration's, for formats that need one; empty: the integration's
	Header      map[string]string // by name in lower case
	Body        []byte
}

// Trials say what a request would do in the organisation that is current, by the code that would do it. They check no
// signature, ask nothing outside, change nothing and keep nothing.
type Trials struct {
	Organisation Organisation
	Dialects     []alert.Dialect // of their own: what was tried does not push out what the door has compiled
	Most         int             // bytes of a body, as the door takes
	Access       Access
	Now          func() time.Time
}

// Formats that can be tried, in order.
func (t *Trials) Formats() []string {
	names := make([]string, len(t.Dialects))
	for n, d := range t.Dialects {
		names[n] = d.Name
	}
	return slices.Sorted(slices.Values(names))
}

// Try explains a request. The error names the field of the trial that is wrong, "mapping.title" for one of its mapping, or
// else is about the body.
func (t *Trials) Try(c Caller, a Trial) (Explanation, error) {
	if err := t.Access.May(c, TryRequest); err != nil {
		return Explanation{}, err
	}
	at := slices.IndexFunc(t.Dialects, func(d alert.Dialect) bool { return d.Name == a.Format })
	if at < 0 {
		return Explanation{}, fault.Field("format", "%q is none of %s", a.Format, strings.Join(t.Formats(), ", "))
	}
	if len(a.Body) > t.Most {
		return Explanation{}, fault.New(fault.TooLarge, "%d bytes, at most %d are taken", len(a.Body), t.Most)
	}
	if len(bytes.TrimSpace(a.Body)) == 0 {
		return Explanation{}, fault.Field("body", "is empty: paste what the monitor sends")
	}
	now := t.Organisation.Current()
	o := now.Org
	if o == nil || len(o.Integrations) == 0 {
		o = Smallest()
	}
	in, err := IntegrationFor(o, a.Integration)
	if err != nil {
		return Explanation{}, err
	}
	if in.Tickets != "" {
		return Explanation{}, fault.Field("integration", "%s brings tickets of %s: they are watched, and no rule is asked", in.ID, in.Tickets)
	}
	if strings.TrimSpace(a.Mapping) != "" && t.Dialects[at].Of != nil {
		if in.Mapping, err = blueprint.Mapping(a.Mapping); err != nil {
			return Explanation{}, err
		}
	}
	post := alert.Post{Header: a.Header, Query: map[string]string{}, Body: a.Body, At: t.Now()}
	return Explain(o, now.Live.Windows, in, t.Dialects[at], post)
}
