package chaos

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Row is one line of the result: how many mistakes of a kind a scenario may have (none), or how late it may be.
type Row struct {
	Name    string   `json:"name"` // "kill", "kill-late"
	Value   float64  `json:"value"`
	Unit    string   `json:"unit"`   // "mistakes", "s"
	Budget  *float64 `json:"budget"` // nil: for information
	OK      bool     `json:"ok"`
	Skipped bool     `json:"skipped,omitempty"` // could not be done here; the note says why
	Note    string   `json:"note,omitempty"`
}

// figure is a row for information.
func figure(name string, value float64, unit string) Row {
	return Row{Name: name, Value: value, Unit: unit, OK: true}
}

func (r Row) atMost(budget float64) Row {
	r.Budget = &budget
	r.OK = r.Value <= budget
	return r
}

func (r Row) noted(text string, args ...any) Row {
	if r.Note != "" {
		r.Note += "; "
	}
	r.Note += fmt.Sprintf(text, args...)
	return r
}

// Report is the result of a run.
type Report []Row

func (r Report) broken(name string, err error) Report {
	return append(r, Row{Name: name, Unit: "mistakes"}.noted("could not be played: %v", err))
}

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
	fmt.Fprintln(table, "SCENARIO\tBUDGET\tFIGURE\tVERDICT\tNOTES")
	for _, row := range r {
		budget := "-"
		if row.Budget != nil {
			budget = "≤ " + number(*row.Budget)
		}
		fmt.Fprintln(table, strings.Join([]string{row.Name, budget, number(row.Value) + " " + row.Unit, row.verdict(), row.Note}, "\t"))
	}
	return table.Flush()
}

func (r Row) verdict() string {
	switch {
	case r.Skipped:
		return "skipped"
	case !r.OK:
		return "MISSED"
	case r.Budget == nil:
		return "-"
	}
	return "ok"
}

func (r Report) brief() string {
	parts := make([]string, len(r))
	for i, row := range r {
		parts[i] = fmt.Sprintf("%s %s %s (%s)", row.Name, number(row.Value), row.Unit, row.verdict())
	}
	return strings.Join(parts, ", ")
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
