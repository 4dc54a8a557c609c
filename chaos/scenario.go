package chaos

import (
	"fmt"
	"strings"
)

// Scenario is a play in lines, one verb each, that read as what happens:
//
//	load 4/s                        alerts come in and people answer, until settle
//	wait 5s
//	kill any 12 times every 2s..6s  kill -9, and start it again
//	down temporal for 20s
//	settle                          no more alerts; everything that is under way comes to its end
//
// After the last line the auditor speaks. Verbs are the methods of the table in verbs.go.
type Scenario struct {
	Name   string
	About  string
	Long   string
	Short  string // empty: it has none
	ByName bool   // only when it is asked for
	Setup  Setup
}

// Setup is what an installation of a scenario has beside the usual.
type Setup struct {
	Disk     string // how Belay's Postgres gets its disk: "small", "slow"
	Previous bool   // workers of the previous revision beside those of this one
	Clock    bool   // workers whose clock can be set
	Gateway  bool   // a second carrier of SMS
	Gather   bool   // webhooks gather pages in a storm: steps then wait for each other, and nobody is late
}

// Line is one verb with its arguments.
type Line struct {
	Verb string
	Args []string
}

func (l Line) String() string { return strings.Join(append([]string{l.Verb}, l.Args...), " ") }

// Read takes a play apart. Unknown verbs are errors that name the line.
func Read(text string) ([]Line, error) {
	var lines []Line
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if verbs[words[0]] == nil {
			return nil, fmt.Errorf("line %d: no verb is called %q", i+1, words[0])
		}
		lines = append(lines, Line{Verb: words[0], Args: words[1:]})
	}
	return lines, nil
}
