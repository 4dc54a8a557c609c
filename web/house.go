package web

import (
	"cmp"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/simulate"
	"github.com/belayhq/belay/service"
)

func (s *Site) peoplePage(c echo.Context) error {
	f := s.frame(c, "")
	f.Title = f.t("People")
	all, err := s.Reachability.All(f.Caller)
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b service.Reach) int { return cmp.Compare(a.Person.Name, b.Person.Name) })
	return s.render(c, http.StatusOK, peoplePage(f, all))
}

func (s *Site) personPage(c echo.Context) error {
	ctx, f := c.Request().Context(), s.frame(c, "")
	r, err := s.Reachability.One(ctx, f.Caller, id.Person(c.Param("id")))
	if err != nil {
		return err
	}
	f.Title = or2(r.Person.Name, string(r.Person.ID))
	shifts, err := s.OnCall.Mine(ctx, service.Caller{Role: f.Caller.Role, Person: r.Person.ID}, mineAhead)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, personPage(f, r, first(shifts, 5)))
}

func (s *Site) servicesPage(c echo.Context) error {
	f := s.frame(c, "")
	f.Title = f.t("Services")
	all, err := s.Catalogue.Coverage(f.Caller, "", monday(f))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, servicesPage(f, all))
}

func (s *Site) servicePage(c echo.Context) error {
	f := s.frame(c, "")
	name := id.Service(c.Param("id"))
	all, err := s.Catalogue.Coverage(f.Caller, name, monday(f))
	if err != nil {
		return err
	}
	a := ask(c.QueryParam)
	f.Title = or2(all[0].Service.Name, string(name))
	plan, err := policy.Compile("", f.org, name, a.Kind, a.Priority)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, servicePage(f, all[0], plan, a))
}

func (s *Site) revisionsPage(c echo.Context) error {
	f := s.frame(c, "")
	f.Title = f.t("Revisions")
	all, err := s.Revisions.List(c.Request().Context(), f.Caller, 50)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, revisionsPage(f, all))
}

// monday is when the week began for the reader.
func monday(f frame) time.Time {
	zone := orUTC(f.Zone)
	today := f.Now.In(zone)
	return midnight(later(dateOf(today), -(int(today.Weekday())+6)%7), zone)
}

// ask reads what a simulation is about; what is not said is a technical P1.
func ask(value func(string) string) service.Ask {
	a := service.Ask{
		Service: id.Service(value("service")), Kind: org.Kind(value("kind")), Priority: org.Priority(value("priority")),
		Answer: id.Person(value("answer")),
	}
	if !slices.Contains(org.Kinds(), a.Kind) {
		a.Kind = org.Technical
	}
	if !slices.Contains(org.Priorities(), a.Priority) {
		a.Priority = org.P1
	}
	return a
}

// asking is the form of a simulation, and what came of it.
type asking struct {
	service.Ask
	When  string // "2026-11-24T03:00", in the reader's zone
	After string // minutes
	Wrong string

	Now      *service.Played
	Proposed *service.Played
	Changes  []string
}

func (s *Site) asked(c echo.Context, f frame, value func(string) string) (asking, error) {
	a := asking{Ask: ask(value), When: value("at"), After: or2(value("after"), "5")}
	minutes, err := time.ParseDuration(a.After + "m")
	if err != nil || minutes < 0 || minutes > 12*time.Hour {
		return a, fault.Field("after", "%q is no number of minutes from 0 to 720", a.After)
	}
	a.Ask.After = minutes
	if a.When == "" {
		return a, nil
	}
	wall, err := time.Parse(wallTime, a.When)
	if err != nil {
		return a, fault.Field("at", "%q is no time as 2026-11-24T03:00", a.When)
	}
	a.At = midnight(dateOf(wall), orUTC(f.Zone)).Add(time.Duration(wall.Hour())*time.Hour + time.Duration(wall.Minute())*time.Minute)
	return a, nil
}

func (s *Site) simulatePage(c echo.Context) error {
	f := s.frame(c, "")
	f.Title = f.t("Simulate")
	a, err := s.asked(c, f, c.QueryParam)
	if err == nil && a.Service != "" {
		var played service.Played
		if played, err = s.Simulations.Play(f.Caller, a.Ask); err == nil {
			a.Now = &played
		}
	}
	return s.showSimulation(c, f, a, err)
}

func (s *Site) compare(c echo.Context) error {
	if err := s.checkForm(c); err != nil {
		return err
	}
	f := s.frame(c, "")
	f.Title = f.t("Simulate")
	a, err := s.asked(c, f, c.FormValue)
	if err != nil {
		return s.showSimulation(c, f, a, err)
	}
	files, err := uploaded(c)
	if err != nil {
		return err
	}
	played, err := s.Simulations.Play(f.Caller, a.Ask)
	if err != nil {
		return s.showSimulation(c, f, a, err)
	}
	a.Now = &played
	proposed, changes, err := s.Simulations.Compare(f.Caller, a.Ask, files)
	if err != nil {
		return s.showSimulation(c, f, a, err)
	}
	a.Proposed = &proposed
	for _, change := range changes {
		a.Changes = append(a.Changes, change.Text)
	}
	return s.showSimulation(c, f, a, nil)
}

// showSimulation shows what is wrong with a question beside it.
func (s *Site) showSimulation(c echo.Context, f frame, a asking, err error) error {
	if err == nil {
		return s.render(c, http.StatusOK, simulatePage(f, a))
	}
	if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.NotFound) {
		return err
	}
	a.Wrong = err.Error()
	return s.render(c, http.StatusUnprocessableEntity, simulatePage(f, a))
}

const (
	largestBlueprint = 4 << 20
	mostFiles        = 200
)

// uploaded are the files of a proposed blueprint.
func uploaded(c echo.Context) ([]service.File, error) {
	form, err := c.MultipartForm()
	if err != nil {
		return nil, fault.Field("files", "choose the YAML files of the blueprint")
	}
	var files []service.File
	for _, header := range first(form.File["files"], mostFiles) {
		part, err := header.Open()
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "read %s", header.Filename)
		}
		content, err := io.ReadAll(io.LimitReader(part, largestBlueprint))
		_ = part.Close()
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "read %s", header.Filename)
		}
		if len(content) > 0 {
			files = append(files, service.File{Path: header.Filename, Content: string(content)})
		}
	}
	if len(files) == 0 {
		return nil, fault.Field("files", "choose the YAML files of the blueprint")
	}
	return files, nil
}

// spot is an hour of a cover as a picture shows it.
func spot(c service.Cell) string {
	switch {
	case c.None():
		return "cover-none"
	case c.Thin():
		return "cover-thin"
	}
	return "cover-full"
}

// run is hours in a row that look the same: a week of a service is a few of them, and not 168 hours.
type run struct {
	class       string
	from, hours int
}

func (r run) x() string     { return strconv.Itoa(r.from) }
func (r run) width() string { return strconv.Itoa(r.hours) }

func runs(all []service.Cell) []run {
	var found []run
	for n, c := range all {
		if class := spot(c); n == 0 || found[len(found)-1].class != class {
			found = append(found, run{class: class, from: n})
		}
		found[len(found)-1].hours++
	}
	return found
}

// covered says a week in words: what a picture shows, for those who do not see it.
func (f frame) covered(all []service.Cell) string {
	none, thin := 0, 0
	for _, c := range all {
		if c.None() {
			none++
		}
		if c.Thin() {
			thin++
		}
	}
	if none+thin == 0 {
		return f.t("Every hour of this week has somebody, and somebody behind them.")
	}
	return f.t("This week: %d hours reach nobody, %d hours one person and nobody behind them.", none, thin)
}

// holes are the hours of a week that want somebody, neighbours joined.
func (f frame) holes(all []service.Cell) []string {
	var said []string
	for n := 0; n < len(all); n++ {
		class := spot(all[n])
		if class == "cover-full" {
			continue
		}
		end := n
		for end+1 < len(all) && spot(all[end+1]) == class {
			end++
		}
		from, until := f.when(all[n].At, f.Zone), f.when(all[end].At.Add(time.Hour), f.Zone)
		if class == "cover-none" {
			said = append(said, f.t("%s – %s: nobody", from, until))
		} else {
			said = append(said, f.t("%s – %s: only %s", from, until, strings.Join(append(slices.Clone(all[n].Primary), all[n].Backup...), ", ")))
		}
		n = end
	}
	return said
}

// target says what a tier names, and where to look.
func (f frame) target(t org.Target) (name, path string) {
	switch {
	case t.Schedule != "":
		return or2(f.org.Schedules[t.Schedule].Name, string(t.Schedule)), schedulePath(t.Schedule)
	case t.Person != "":
		return f.who(string(t.Person)), personPath(t.Person)
	case t.Team != "":
		return or2(f.org.Teams[t.Team].Name, string(t.Team)), ""
	case t.Vendor != "":
		return or2(f.org.Vendors[t.Vendor].Name, string(t.Vendor)), ""
	}
	return f.t("nobody"), ""
}

func servicePath(s id.Service) string { return "/services/" + url.PathEscape(string(s)) }

// differs reports whether a line stands in the other simulation too.
func differs(l simulate.Line, other *service.Played) bool {
	if other == nil {
		return false
	}
	return !slices.ContainsFunc(other.Lines, func(o simulate.Line) bool { return o.After == l.After && o.Text == l.Text })
}

func (f frame) team(p id.Person) string {
	var names []string
	for _, t := range ordered(f.org.Teams) {
		if slices.Contains(t.Members, p) || t.Lead == p {
			names = append(names, or2(t.Name, string(t.ID)))
		}
	}
	return strings.Join(names, ", ")
}
