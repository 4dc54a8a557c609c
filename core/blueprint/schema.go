package blueprint

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/fault"
)

// Schema is the language as JSON Schema (draft 2020-12), for editors: one document against the root. It is written from
// the same shapes that the loader walks. What hangs together across documents only the loader can see.
func Schema() ([]byte, error) {
	known := language()
	names := make([]string, 0, len(known))
	definitions := map[string]any{}
	var choices []any
	for _, kind := range Kinds() {
		names = append(names, string(kind))
		definitions[string(kind)] = known[kind].schema()
		choices = append(choices, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"kind": map[string]any{"const": string(kind)}}, "required": []string{"kind"}},
			"then": map[string]any{"$ref": "#/$defs/" + string(kind)},
		})
	}
	root := map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"$id":         "https://belayhq.github.io/belay/blueprint.schema.json",
		"title":       "Belay blueprint",
		"description": "One document of a blueprint: who is told when something breaks.",
		"type":        "object",
		"required":    []string{"kind", "id"},
		"properties": map[string]any{
			"kind": map[string]any{"enum": names, "description": "What this document describes."},
			"id":   map[string]any{"type": "string", "pattern": identPattern, "description": "Its name in references; unique among documents of this kind."},
		},
		"allOf": choices,
		"$defs": definitions,
	}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "write schema")
	}
	return append(text, '\n'), nil
}

// schema of one place, with what holds when it is left out.
func (s *shape) schema() map[string]any {
	out := s.bare()
	if s.or != nil {
		out = map[string]any{"anyOf": []any{s.bare(), s.or.schema()}}
	}
	if doc := s.described(); doc != "" {
		out["description"] = doc
	}
	return out
}

func (s *shape) described() string {
	if s.fallback == "" {
		return s.doc
	}
	return strings.TrimSpace(fmt.Sprintf("%s Default: %s.", s.doc, s.fallback))
}

func (s *shape) bare() map[string]any {
	switch s.form {
	case formNumber:
		return map[string]any{"type": "integer", "minimum": s.min, "maximum": s.max}
	case formSwitch:
		return map[string]any{"type": "boolean"}
	case formChoice:
		return map[string]any{"enum": s.choices}
	case formList:
		out := map[string]any{"type": "array", "items": s.items.schema()}
		if s.min > 0 {
			out["minItems"] = s.min
		}
		if s.items.form == formRef && !s.items.blank || s.items.form == formChoice {
			out["uniqueItems"] = true
		}
		return out
	case formRecord:
		return s.record()
	case formBook:
		return map[string]any{"type": "object", "propertyNames": map[string]any{"pattern": (&shape{form: s.pages}).pattern()}, "additionalProperties": s.items.schema()}
	case formText:
		return map[string]any{"type": "string", "minLength": 1, "maxLength": 400}
	case formLabel:
		return map[string]any{"type": "string", "minLength": 1, "maxLength": longestLabel}
	case formBody:
		return map[string]any{"type": "string", "minLength": 1, "maxLength": longestBody}
	case formZone:
		return map[string]any{"type": "string", "minLength": 1}
	case formCondition, formAbout, formTerm, formMapping, formSeen, formSight, formAsked:
		return map[string]any{"type": "string", "minLength": 1, "maxLength": expr.Longest}
	}
	if s.blank {
		return map[string]any{"type": []string{"string", "null"}, "pattern": s.pattern()}
	}
	return map[string]any{"type": "string", "pattern": s.pattern()}
}

func (s *shape) record() map[string]any {
	properties := map[string]any{}
	required := []string{}
	for _, k := range s.keys {
		properties[k.name] = k.schema()
		if k.need {
			required = append(required, k.name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	if len(s.exactly) > 0 {
		var each []any
		for _, name := range s.exactly {
			each = append(each, map[string]any{"required": []string{name}})
		}
		out["oneOf"] = each
	}
	return out
}

// pattern of a single value; the loader refuses a few more words, such as the 30th of February.
func (s *shape) pattern() string {
	switch s.form {
	case formIdent, formRef, formOwn:
		return identPattern
	case formKey:
		return keyPattern
	case formDuration:
		return durationPattern
	case formDate:
		return datePattern
	case formDayDate:
		return dayDatePattern
	case formMoment:
		return momentPattern
	case formClock:
		return clockPattern
	case formSpan:
		return spanPattern
	case formDays:
		return daysPattern
	case formPhone:
		return phonePattern
	case formMail:
		return mailPattern
	case formWeb:
		return webPattern
	case formPoint:
		return pointPattern
	case formText, formLabel, formBody, formCondition, formAbout, formTerm, formMapping, formSeen, formSight, formAsked, formNumber, formSwitch, formZone, formChoice, formList, formRecord, formBook:
	}
	return ""
}
