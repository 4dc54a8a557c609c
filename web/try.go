package web

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

// trying is the form of a trial as somebody filled it in, and what came of it.
type trying struct {
	Integration id.Integration
	Format      string
	Mapping     string
	Header      string // lines of "Name: value"
	Body        string
	Field       string // that is wrong
	Wrong       string
	Said        *service.Explanation
}

// wrong is what is wrong with a field; empty: nothing.
func (t trying) wrong(field string) string {
	if field != t.Field {
		return ""
	}
	return t.Wrong
}

const (
	// largestTrial is above what the door takes, so that a body which is too large for it is told by how much.
	largestTrial = 4 << 20
	// mostTried alerts of one request are shown.
	mostTried = 50

	byMapping = "json" // the format that is read by a mapping
)

// exampleMapping and exampleBody are what somebody begins with who has no mapping yet.
const (
	exampleMapping = `title: 'body.check + " on " + body.host'
severity: 'body.level > 2 ? "critical" : "warning"'
status: 'body.state'
dedup_key: 'body.host + "/" + body.check'
source: 'body.host'
occurred_at: 'body.since'
links: '[body.url]'
labels: 'body.tags'
`
	exampleBody = `{
  "check": "disk",
  "host": "db-3",
  "level": 3,
  "state": "down",
  "since": "2026-11-24T02:03:04Z",
  "url": "https://checks.example.com/17",
  "tags": {"cluster": "eu-west"}
}
`
)

func (s *Site) tryPage(c echo.Context) error {
	f := s.frame(c, "")
	t := trying{Integration: id.Integration(c.QueryParam("integration")), Format: byMapping, Mapping: exampleMapping, Body: exampleBody}
	in, known := f.org.Integrations[t.Integration]
	if t.Integration != "" && !known {
		return s.showTrial(c, f, t, fault.Field("integration", "there is no integration %q", t.Integration))
	}
	if in.Mapping != nil {
		t.Mapping, t.Body = blueprint.MappingText(*in.Mapping), ""
	}
	return s.showTrial(c, f, t, nil)
}

// tryRequest says what a request would do. It is posted because a body belongs into no address; nothing is changed or kept.
func (s *Site) tryRequest(c echo.Context) error {
	f := s.frame(c, "")
	if err := whole(c.Request()); err != nil {
		return s.showTrial(c, f, trying{Format: byMapping}, err)
	}
	if err := s.checkForm(c); err != nil {
		return err
	}
	t := trying{
		Integration: id.Integration(c.FormValue("integration")), Format: c.FormValue("format"), Mapping: asTyped(c.FormValue("mapping")),
		Header: asTyped(c.FormValue("header")), Body: asTyped(c.FormValue("body")),
	}
	header, err := headers(t.Header)
	if err != nil {
		return s.showTrial(c, f, t, err)
	}
	said, err := s.Trials.Try(f.Caller, service.Trial{
		Integration: t.Integration, Format: t.Format, Mapping: t.Mapping, Header: header, Body: []byte(t.Body),
	})
	if err == nil {
		t.Said = &said
	}
	return s.showTrial(c, f, t, err)
}

// whole reads a form to its end. One that is too large says so, instead of looking as if nobody had signed it.
func whole(r *http.Request) error {
	err := r.ParseMultipartForm(largestTrial)
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil, errors.Is(err, http.ErrNotMultipart):
		return nil
	case errors.As(err, &tooLarge):
		return tooLarge
	}
	return fault.Wrap(fault.Invalid, err, "read the form")
}

// asTyped undoes what browsers do to the ends of lines.
func asTyped(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// mostHeaders of a request that is tried, in bytes.
const mostHeaders = 16 << 10

// headers of lines as "Name: value", by name in lower case.
func headers(lines string) (map[string]string, error) {
	if len(lines) > mostHeaders {
		return nil, fault.Field("header", "%d bytes are too many, %d are allowed", len(lines), mostHeaders)
	}
	all := map[string]string{}
	for line := range strings.Lines(lines) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if name = strings.ToLower(strings.TrimSpace(name)); !ok || name == "" {
			return nil, fault.Field("header", "%q is not 'Name: value'", shorten(strings.TrimSpace(line), 80))
		}
		all[name] = strings.TrimSpace(value)
	}
	return all, nil
}

// showTrial is the form with what came of it, or with what is wrong beside the field that it is about.
func (s *Site) showTrial(c echo.Context, f frame, t trying, err error) error {
	f.Title = f.t("Try a request")
	status := http.StatusOK
	if err != nil {
		p := problemOf(err)
		if p.Status != http.StatusUnprocessableEntity && p.Status != http.StatusRequestEntityTooLarge {
			return err
		}
		status = p.Status
		t.Field, t.Wrong = beside(p)
		if p.Status == http.StatusRequestEntityTooLarge && len(t.Body) > largestForm {
			t.Body = "" // it would come back as often as it is sent
		}
	}
	return s.render(c, status, tryPage(f, t))
}

// beside says which field of the form a mistake is about, and in what words. Most are about what was pasted: its format
// names a field there.
func beside(p problem) (field, words string) {
	switch within, rest, _ := strings.Cut(p.Field, "."); {
	case within == "mapping" && rest != "":
		return within, rest + ": " + p.Detail
	case slices.Contains([]string{"integration", "format", "mapping", "header", "body"}, p.Field):
		return p.Field, p.Detail
	case p.Field != "":
		return "body", p.Field + ": " + p.Detail
	}
	return "body", p.Detail
}

func invalid(wrong string) string { return strconv.FormatBool(wrong != "") }

// mapped are the integrations that have a mapping to begin with, by name.
func (f frame) mapped() []id.Integration {
	var all []id.Integration
	for _, name := range slices.Sorted(maps.Keys(f.org.Integrations)) {
		if f.org.Integrations[name].Mapping != nil {
			all = append(all, name)
		}
	}
	return all
}

// integrations by which something can be tried, by name.
func (f frame) integrations() []org.Integration {
	return slices.SortedFunc(maps.Values(f.org.Integrations), func(a, b org.Integration) int { return cmp.Compare(a.ID, b.ID) })
}

// becomes says what becomes of an alert.
func (f frame) becomes(e service.Explained) string {
	r := e.Route
	switch {
	case r == nil:
		return f.t("It asks for nothing, and is only put on record.")
	case r.Action == string(org.Drop):
		return f.t("It is forgotten, and tells nobody.")
	case r.Action == string(org.Ping):
		return f.t("It is a sign of life of the heartbeat %s.", r.Heartbeat)
	case e.Action == alert.Resolve:
		return f.t("It ends what has the same key.")
	case e.Action == alert.Acknowledge:
		return f.t("It acknowledges what has the same key.")
	case r.Action == string(org.Suppress):
		return f.t("It is put on record, and tells nobody.")
	case r.Window != "":
		return f.t("It is quiet while the window %s is open; if it still fires when that ends, people are told.", r.Window)
	case r.Delay != "":
		return f.t("People are told if it still fires after %s.", r.Delay)
	case r.Group != "":
		return f.t("It joins others in one escalation: %s", r.Group)
	}
	return f.t("People are told at once.")
}

// warned is what an alert, and its rules, were warned of.
func warned(e service.Explained) []string {
	if e.Route == nil {
		return e.Warnings
	}
	return slices.Concat(e.Warnings, e.Route.Warnings)
}

// labels as people read them, by name.
func labels(all map[string]string) string {
	var said []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		said = append(said, shorten(name, 60)+"="+shorten(all[name], 80))
	}
	return strings.Join(said, ", ")
}
