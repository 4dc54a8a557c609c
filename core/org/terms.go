package org

import (
	"cmp"
	"strings"
)

// Terms are what the organisation calls the values of its enums. What they do not name is called as ever. They are for
// people: programs, conditions and whatever is kept know the values alone.
type Terms struct {
	Priorities map[Priority]string
	States     map[string]string // of escalations: "acknowledged"
	Kinds      map[Kind]string
	Severities map[string]string // of core/alert: "critical"
}

// Priority as people call it.
func (t Terms) Priority(p Priority) string { return cmp.Or(t.Priorities[p], string(p)) }

// State as people call it.
func (t Terms) State(s string) string { return cmp.Or(t.States[s], s) }

// ReadPriority is the priority that a word means, its own name or what it is called; empty: none.
func (t Terms) ReadPriority(word string) Priority {
	for _, p := range Priorities() {
		if word == string(p) {
			return p
		}
	}
	return meant(word, t.Priorities)
}

// ReadState is the state that is called so; empty: none.
func (t Terms) ReadState(word string) string { return meant(word, t.States) }

// ReadSeverity is the severity that is called so; empty: none.
func (t Terms) ReadSeverity(word string) string { return meant(word, t.Severities) }

// meant is the value that is called by a word, in capitals or not. No two are called alike.
func meant[T ~string](word string, called map[T]string) T {
	word = strings.TrimSpace(word)
	for value, label := range called {
		if label != "" && strings.EqualFold(word, label) {
			return value
		}
	}
	return ""
}
