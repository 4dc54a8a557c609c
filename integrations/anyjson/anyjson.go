// Package anyjson reads any JSON as alerts, by the expressions that an integration of the blueprint has for each field.
package anyjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/integrations/foreign"
)

const (
	name = "json"
	// mostEntries of one request, as of every other format.
	mostEntries = 1000
	deepest     = 64
)

// Dialect understands nothing by itself: what a field means is said by the mapping of an integration.
func Dialect() alert.Dialect {
	known := &mappings{compiled: map[*org.Mapping]*mapping{}}
	return alert.Dialect{
		Name: name,
		Decode: func(alert.Post) ([]alert.Alert, error) {
			return nil, fault.Field("mapping", "this integration has none: say in the blueprint which expression is the title")
		},
		Of: func(in org.Integration) func(alert.Post) ([]alert.Alert, error) {
			if in.Mapping == nil {
				return nil
			}
			return func(p alert.Post) ([]alert.Alert, error) {
				m, err := known.of(in.Mapping)
				if err != nil {
					return nil, err
				}
				return m.read(p)
			}
		},
	}
}

// mappings keeps what was compiled: an organisation has a few, and every request needs one.
type mappings struct {
	mu       sync.Mutex
	compiled map[*org.Mapping]*mapping
}

const mostMappings = 256

func (k *mappings) of(said *org.Mapping) (*mapping, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if m, ok := k.compiled[said]; ok {
		return m, nil
	}
	m, err := compile(*said)
	if err != nil {
		return nil, err
	}
	if len(k.compiled) >= mostMappings { // of organisations that are no longer current
		clear(k.compiled)
	}
	k.compiled[said] = m
	return m, nil
}

// mapping is an expression for each field; a field without one has none.
type mapping struct{ fields map[string]expr.Program }

func compile(m org.Mapping) (*mapping, error) {
	scope, err := expr.Bodies()
	if err != nil {
		return nil, err
	}
	out := &mapping{fields: map[string]expr.Program{}}
	for field, source := range map[string]string{
		"each": m.Each, "action": m.Action, "title": m.Title, "severity": m.Severity, "status": m.Status, "dedup_key": m.DedupKey,
		"source": m.Source, "occurred_at": m.OccurredAt, "links": m.Links, "labels": m.Labels,
	} {
		if source == "" {
			continue
		}
		program, err := scope.Compile(source, expr.Any)
		if err != nil {
			return nil, fault.Field("mapping."+field, "%v", err)
		}
		out.fields[field] = program
	}
	return out, nil
}

func (m *mapping) read(p alert.Post) ([]alert.Alert, error) {
	body, err := parse(p.Body)
	if err != nil {
		return nil, err
	}
	vars := map[string]any{"body": body, "item": nil, "header": p.Header, "query": p.Query}
	for _, given := range []string{"header", "query"} {
		if vars[given].(map[string]string) == nil {
			vars[given] = map[string]string{}
		}
	}
	each, many := m.fields["each"]
	left := expr.MostWork
	if !many {
		vars["item"] = body
		a, err := m.event(vars, "", &left)
		if err != nil {
			return nil, err
		}
		return []alert.Alert{a}, nil
	}
	value, err := each.ValueWithin(vars, &left)
	if err != nil {
		return nil, fault.Field("mapping.each", "%v", err)
	}
	items, ok := value.([]any)
	if !ok {
		return nil, fault.Field("mapping.each", "comes to %s, must come to a list", kind(value))
	}
	if len(items) > mostEntries {
		return nil, fault.New(fault.TooLarge, "mapping.each: %d entries, at most %d are taken", len(items), mostEntries)
	}
	var all []alert.Alert
	for n, item := range items {
		vars["item"] = item
		a, err := m.event(vars, fmt.Sprintf(" of entry %d", n+1), &left)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// event of one entry. What is not there is left out; what is wrong is an error that names its field.
func (m *mapping) event(vars map[string]any, where string, left *expr.Work) (alert.Alert, error) {
	said := map[string]any{}
	for field, program := range m.fields {
		if field == "each" {
			continue
		}
		value, err := program.ValueWithin(vars, left)
		if errors.Is(err, expr.ErrAbsent) {
			continue
		}
		if err != nil {
			return alert.Alert{}, fault.Field("mapping."+field+where, "%v", err)
		}
		said[field] = value
	}
	words := map[string]string{}
	for _, field := range []string{"action", "title", "severity", "status", "dedup_key", "source", "occurred_at"} {
		text, err := line(said[field])
		if err != nil {
			return alert.Alert{}, fault.Field("mapping."+field+where, "%v", err)
		}
		words[field] = text
	}
	a := alert.Alert{Title: foreign.Title(words["title"]), Source: foreign.FirstLine(words["source"]), Status: foreign.FirstLine(words["status"]), DedupKey: words["dedup_key"]}
	if a.Title == "" {
		return a, fault.Field("mapping.title"+where, "comes to nothing: an alert needs words")
	}
	if a.DedupKey == "" {
		a.DedupKey = foreign.Key(a.Source, a.Title)
	}
	var warned []string
	a.Severity, warned = foreign.Severity(words["severity"], alert.Error, nil)
	a.Warnings = append(a.Warnings, warned...)
	asked := words["action"]
	if asked == "" {
		asked = words["status"]
	}
	a.Action, warned = alert.Trigger, nil
	if asked != "" {
		a.Action, warned = foreign.Action(asked, map[string]alert.Action{"trigger": alert.Trigger, "acknowledge": alert.Acknowledge, "resolve": alert.Resolve, "ignore": alert.Ignore})
	}
	a.Warnings = append(a.Warnings, warned...)
	if at := words["occurred_at"]; at != "" {
		if a.OccurredAt = foreign.Time(at); a.OccurredAt.IsZero() {
			a.Warnings = append(a.Warnings, "occurred_at is no instant that can be read")
		}
	}
	a.Links = foreign.Links(links(said["links"])...)
	if labels, ok := said["labels"].(map[string]any); ok {
		pairs := map[string]string{}
		for name, value := range labels {
			if text, err := line(value); err == nil {
				pairs[name] = text
			}
		}
		a.Labels = foreign.Labels(pairs)
	}
	if details, ok := vars["item"].(map[string]any); ok {
		a.Details = foreign.Details(details)
	}
	return a, nil
}

func links(v any) []alert.Link {
	switch v := v.(type) {
	case string:
		return []alert.Link{{Href: v}}
	case []any:
		var all []alert.Link
		for _, one := range v {
			all = append(all, links(one)...)
		}
		return all
	case map[string]any:
		href, _ := v["href"].(string)
		text, _ := v["text"].(string)
		if _, err := url.Parse(href); err != nil {
			return nil
		}
		return []alert.Link{{Href: href, Text: text}}
	}
	return nil
}

func line(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case float64, bool:
		text, err := json.Marshal(v)
		return string(text), err
	}
	return "", fmt.Errorf("comes to %s, must come to text", kind(v))
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return "text, a number or a truth"
}

// parse reads JSON that is not too deep, to the end.
func parse(body []byte) (any, error) {
	depth, text, escaped := 0, false, false
	for _, c := range body {
		switch {
		case escaped:
			escaped = false
		case text && c == '\\':
			escaped = true
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			if depth++; depth > deepest {
				return nil, fault.New(fault.Invalid, "the body is nested more than %d levels deep", deepest)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	var v any
	if err := json.Unmarshal(bytes.TrimSpace(body), &v); err != nil {
		return nil, fault.New(fault.Invalid, "the body is not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return v, nil
}
