// Package route decides what becomes of an event between the door and an escalation: which rule takes it, where it goes,
// how urgent it is, and whether it waits, joins others or is only put on record. It answers values and keeps nothing.
//
// It has no clock: instants come in. What it was given to know, an organisation, has been checked by then; what it cannot
// evaluate it passes on with a warning, because a page too many is better than none.
package route

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Decision is what becomes of one event.
type Decision struct {
	Action   org.RuleAction    `json:"action"`
	Service  id.Service        `json:"service"`
	Kind     org.Kind          `json:"kind"`
	Priority org.Priority      `json:"priority"`
	Chosen   bool              `json:"chosen,omitempty"` // a rule chose the priority
	Rule     string            `json:"rule"`             // that decided; several are joined by " + "; empty: none
	Labels   map[string]string `json:"labels,omitempty"` // added by rules
	Delay    time.Duration     `json:"delay,omitempty"`
	Group    *Group            `json:"group,omitempty"`
	Flapping *org.Flapping     `json:"flapping,omitempty"`
	Ping     id.Heartbeat      `json:"ping,omitempty"`
	Window   id.Window         `json:"window,omitempty"` // that covers it; empty: none
	Warnings []string          `json:"warnings,omitempty"`
	Trace    []Look            `json:"trace,omitempty"`  // every rule that was asked, in order
	Canary   int64             `json:"canary,omitempty"` // the walk of a canary that it belongs to; 0: none
}

// Group is the escalation that an event shares with others.
type Group struct {
	Key    string        `json:"key"`
	Within time.Duration `json:"within"`
	Count  int           `json:"count,omitempty"`
}

// Look is one rule, held against one event.
type Look struct {
	Rule    string `json:"rule"`
	Matched bool   `json:"matched"`
	Why     string `json:"why"`
}

// Router is an organisation's rules, ready to run. It is safe for concurrent use.
type Router struct {
	org     *org.Org
	own     map[id.Integration][]rule
	shared  []rule
	windows map[id.Window]condition
	events  expr.Scope
	broken  error // there is no scope: nothing can be evaluated
}

type rule struct {
	org.Rule
	when condition
	by   []condition
}

// condition is an expression that was compiled, or the reason why it was not.
type condition struct {
	program expr.Program
	always  bool
	wrong   error
}

// Over prepares the rules of an organisation. A rule that cannot be read any more never matches, with a warning.
func Over(o *org.Org) *Router {
	r := &Router{org: o, own: map[id.Integration][]rule{}, windows: map[id.Window]condition{}}
	r.events, r.broken = expr.Events()
	for name, integration := range o.Integrations {
		if len(integration.Rules) > 0 {
			r.own[name] = r.rules(integration.Rules)
		}
	}
	r.shared = r.rules(o.Rules)
	for name, window := range o.Windows {
		r.windows[name] = r.condition(window.When, expr.Truth)
	}
	return r
}

func (r *Router) rules(list []org.Rule) []rule {
	out := make([]rule, len(list))
	for i, one := range list {
		out[i] = rule{Rule: one, when: r.condition(one.When, expr.Truth)}
		if one.Group != nil {
			for _, term := range one.Group.By {
				out[i].by = append(out[i].by, r.condition(term, expr.Text))
			}
		}
	}
	return out
}

func (r *Router) condition(source string, want expr.Yields) condition {
	if source == "" && want == expr.Truth {
		return condition{always: true}
	}
	if r.broken != nil {
		return condition{wrong: r.broken}
	}
	program, err := r.events.Compile(source, want)
	return condition{program: program, wrong: err}
}

func (c condition) test(vars map[string]any) (bool, error) {
	if c.always || c.wrong != nil {
		return c.always, c.wrong
	}
	return c.program.Test(vars)
}

// Decide says what becomes of an event, under these windows besides those of the organisation.
func (r *Router) Decide(e expr.Event, by []org.Window) Decision {
	integration := r.org.Integrations[e.Integration]
	d := Decision{Action: org.Tell, Service: integration.Service, Kind: integration.Alert, Flapping: integration.Flapping}
	if d.Service == "" {
		d.Service = e.Service
	}
	if d.Kind == "" {
		d.Kind = org.Technical
	}
	e.Service = d.Service
	var names []string
	rules := slices.Concat(r.own[e.Integration], r.shared)
	var set settings
	decided := false
	for _, rule := range rules {
		vars := e.Vars()
		matched, err := rule.when.test(vars)
		look := Look{Rule: rule.Name, Matched: matched && err == nil, Why: why(rule.Rule, matched, err)}
		d.Trace = append(d.Trace, look)
		if err != nil && !errors.Is(err, expr.ErrAbsent) {
			d.Warnings = append(d.Warnings, fmt.Sprintf("rule %q was passed over: %v", rule.Name, err))
		}
		if !look.Matched {
			continue
		}
		names = append(names, rule.Name)
		set = set.and(rule, vars)
		e.Alert.Labels = labelled(e.Alert.Labels, rule.Labels)
		if !rule.Continue {
			decided = true
			break
		}
	}
	d.Rule = strings.Join(names, " + ")
	d = r.settled(d, e, set)
	if len(rules) > 0 && !decided && len(names) == 0 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("no rule matched: it goes to %s, as its integration says", d.Service))
	}
	if d.Action == org.Tell && e.Alert.Action == alert.Trigger {
		d = r.covered(d, e, by)
	}
	return d
}

func why(rule org.Rule, matched bool, err error) string {
	switch {
	case errors.Is(err, expr.ErrAbsent):
		return strings.TrimPrefix(err.Error(), expr.ErrAbsent.Error()+": ") + ": it is for those that have it"
	case err != nil:
		return "cannot be evaluated: " + err.Error()
	case rule.When == "":
		return "matches everything"
	case matched:
		return rule.When
	}
	return "not " + rule.When
}

// settings are what rules that matched have said so far. What an earlier one said stands.
type settings struct {
	action   org.RuleAction
	service  id.Service
	kind     org.Kind
	priority org.Priority
	impact   int
	urgency  string
	labels   map[string]string
	delay    time.Duration
	group    *rule
	values   []string
	warnings []string
	ping     id.Heartbeat
}

func (s settings) and(r rule, vars map[string]any) settings {
	if s.action == "" && (r.Action != org.Tell || !r.Continue) {
		s.action = r.Action
	}
	if s.service == "" {
		s.service = r.Service
	}
	if s.kind == "" {
		s.kind = r.Kind
	}
	if s.priority == "" && s.impact == 0 && s.urgency == "" {
		s.priority, s.impact, s.urgency = r.Priority, r.Impact, r.Urgency
	}
	if s.delay == 0 {
		s.delay = r.Delay
	}
	if s.ping == "" {
		s.ping = r.Ping
	}
	s.labels = labelled(s.labels, r.Labels)
	if s.group == nil && r.Group != nil {
		s.group = &r
		for i, term := range r.by {
			value, err := "", term.wrong
			if err == nil {
				value, err = term.program.Text(vars)
			}
			if err != nil && !errors.Is(err, expr.ErrAbsent) {
				s.warnings = append(s.warnings, fmt.Sprintf("rule %q cannot group by %s: %v", r.Name, r.Group.By[i], err))
			}
			s.values = append(s.values, value)
		}
	}
	return s
}

func labelled(labels, more map[string]string) map[string]string {
	if len(more) == 0 {
		return labels
	}
	out := maps.Clone(labels)
	if out == nil {
		out = map[string]string{}
	}
	for name, value := range more {
		if _, known := out[name]; !known {
			out[name] = value
		}
	}
	return out
}

func (r *Router) settled(d Decision, e expr.Event, s settings) Decision {
	if s.action != "" {
		d.Action = s.action
	}
	if s.service != "" {
		d.Service = s.service
	}
	if s.kind != "" {
		d.Kind = s.kind
	}
	d.Labels, d.Delay, d.Ping = s.labels, s.delay, s.ping
	d.Warnings = append(d.Warnings, s.warnings...)
	impact, urgency := s.impact, alert.Severity(s.urgency)
	if impact == 0 {
		impact = max(1, r.org.Services[d.Service].Impact)
	}
	if urgency == "" {
		urgency = e.Alert.Severity
	}
	d.Priority, d.Chosen = s.priority, s.priority != "" || s.impact != 0 || s.urgency != ""
	if d.Priority == "" {
		d.Priority = alert.Priority(impact, urgency)
	}
	if s.group != nil && d.Action == org.Tell && d.Delay == 0 {
		d.Group = &Group{Key: groupKey(s.group.Name, d.Service, s.values), Within: s.group.Group.Within, Count: s.group.Group.Count}
	}
	return d
}

// longestKey keeps a group's key within what an index takes.
const longestKey = 400

func groupKey(name string, service id.Service, values []string) string {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = strconv.Quote(value)
	}
	key := fmt.Sprintf("group %s of %s: %s", name, service, strings.Join(quoted, " "))
	if len(key) > longestKey {
		key = key[:longestKey] + " " + digest(key)
	}
	return strings.ToValidUTF8(key, "")
}
