package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Better says in which direction a figure is good.
type Better string

const (
	More Better = "more"
	Less Better = "less"
)

// Row is one line of the result.
type Row struct {
	Name   string   `json:"name"`
	Value  float64  `json:"value"`
	Unit   string   `json:"unit"`             // "1/s", "ms", "s", "events", "KB", "messages"
	Bare   *float64 `json:"bare"`             // the same by bare Temporal workflows in this run; nil: there is no such thing
	Ratio  *float64 `json:"ratio,omitempty"`  // value / bare
	Budget *float64 `json:"budget"`           // nil: for information
	Of     Of       `json:"of,omitempty"`     // what the budget is held against; empty: the value
	Better Better   `json:"better,omitempty"` // than the budget
	OK     bool     `json:"ok"`               // within the budget, and nothing lost, twice or late
	Audit  string   `json:"audit,omitempty"`  // what the auditor found
	Note   string   `json:"note,omitempty"`
}

// Of is what a budget is a bound of.
type Of string

const (
	OfValue Of = ""
	OfRatio Of = "ratio"
)

// figure is a row of a measured value without budget.
func figure(name string, value float64, unit string) Row {
	return Row{Name: name, Value: value, Unit: unit, OK: true}
}

// atLeast and atMost hold the value against a budget.
func (r Row) atLeast(budget float64) Row { return r.held(OfValue, More, budget) }
func (r Row) atMost(budget float64) Row  { return r.held(OfValue, Less, budget) }

// ratioAtLeast and ratioAtMost hold the ratio to the bare figure against a budget.
func (r Row) ratioAtLeast(budget float64) Row { return r.held(OfRatio, More, budget) }
func (r Row) ratioAtMost(budget float64) Row  { return r.held(OfRatio, Less, budget) }

func (r Row) held(of Of, better Better, budget float64) Row {
	r.Budget, r.Of, r.Better = &budget, of, better
	return r.judged()
}

// against compares with what bare workflows did.
func (r Row) against(bare float64) Row {
	r.Bare = &bare
	if bare > 0 {
		ratio := round(r.Value/bare, 2)
		r.Ratio = &ratio
	}
	return r.judged()
}

// audited fails a row whose figure was bought with mistakes.
func (r Row) audited(f Findings) Row {
	r.Audit = f.String()
	if !f.OK() {
		r.OK = false
	}
	return r
}

// broken fails a row for another reason.
func (r Row) broken(why string, args ...any) Row {
	r.OK = false
	return r.noted(why, args...)
}

func (r Row) noted(text string, args ...any) Row {
	if r.Note != "" {
		r.Note += "; "
	}
	r.Note += fmt.Sprintf(text, args...)
	return r
}

// judged decides anew after figure, bare or budget changed. A budget on a ratio that is not known is missed.
func (r Row) judged() Row {
	if r.Budget == nil {
		return r
	}
	figure := &r.Value
	if r.Of == OfRatio {
		figure = r.Ratio
	}
	switch {
	case figure == nil:
		r.OK = false
	case r.Better == More:
		r.OK = *figure >= *r.Budget
	default:
		r.OK = *figure <= *r.Budget
	}
	return r
}

// Report is the result of a run.
type Report []Row

// OK says whether every row is.
func (r Report) OK() bool {
	for _, row := range r {
		if !row.OK {
			return false
		}
	}
	return true
}

// Write prints the table for people.
func (r Report) Write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHAT\tBUDGET\tOURS\tBARE\tRATIO\tVERDICT\tAUDIT, NOTES")
	for _, row := range r {
		fmt.Fprintln(table, strings.Join([]string{
			row.Name, row.budget(), number(&row.Value) + " " + row.Unit, number(row.Bare), number(row.Ratio), row.verdict(), row.remarks(),
		}, "\t"))
	}
	return table.Flush()
}

// brief is the report in one line, for those who wait.
func (r Report) brief() string {
	parts := make([]string, len(r))
	for i, row := range r {
		parts[i] = fmt.Sprintf("%s %s %s", row.Name, number(&row.Value), row.Unit)
	}
	return strings.Join(parts, ", ")
}

func (r Row) budget() string {
	if r.Budget == nil {
		return "-"
	}
	sign := "≤ "
	if r.Better == More {
		sign = "≥ "
	}
	if r.Of == OfRatio {
		return sign + number(r.Budget) + " × bare"
	}
	return sign + number(r.Budget)
}

func (r Row) verdict() string {
	switch {
	case !r.OK:
		return "MISSED"
	case r.Budget == nil:
		return "-"
	}
	return "ok"
}

func (r Row) remarks() string {
	if r.Audit == "" || r.Note == "" {
		return r.Audit + r.Note
	}
	return r.Audit + "; " + r.Note
}

func number(v *float64) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}
