// Package id holds the names of things as types, so that a person can never be passed where a team is meant.
package id

import (
	"fmt"
	"strconv"
	"strings"
)

type (
	Escalation   string // "E-42"
	Person       string // "ana"
	Team         string
	Unit         string
	Service      string
	Schedule     string
	Calendar     string
	Policy       string
	Vendor       string
	Integration  string
	Method       string // contact method, unique within its person: "mobile"
	Revision     string // SHA-256 of a blueprint's documents, hex
	Override     string
	SLA          string // a promise about tickets
	Trigger      string
	TicketSystem string
	Heartbeat    string
	Window       string // as the blueprint calls it, or "W-7" when it was made by hand
)

// OfNumber is the escalation with this number: 42 → "E-42".
func OfNumber(n int64) Escalation { return Escalation("E-" + strconv.FormatInt(n, 10)) }

// Number is the number people type in a reply: "E-42" → 42.
func (e Escalation) Number() (int64, error) {
	digits, ok := strings.CutPrefix(string(e), "E-")
	if !ok {
		return 0, fmt.Errorf("escalation id %q: want E-<number>", string(e))
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || digits[0] == '+' || digits[0] == '0' {
		return 0, fmt.Errorf("escalation id %q: want E-<number>", string(e))
	}
	return n, nil
}
