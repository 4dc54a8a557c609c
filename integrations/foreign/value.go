package foreign

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Value is JSON as details of an alert. Numbers that a float64 would change are kept as their text; nil when it is no JSON.
func Value(raw []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return nil
	}
	return Tidy(v)
}

// deepest nesting of details that is kept as a structure; PostgreSQL refuses JSON of some thousand levels.
const deepest = 32

// Tidy makes a value one that every database can hold: no NUL, not nested for ever.
func Tidy(v any) any { return tidy(v, 0) }

// Details are those of the values that say something; nil when none does.
func Details(values map[string]any) map[string]any {
	details := map[string]any{}
	for name, v := range values {
		switch kept := tidy(v, 1).(type) {
		case nil:
		case string:
			if kept = strings.TrimSpace(kept); kept != "" {
				details[name] = kept
			}
		case []any:
			if len(kept) > 0 {
				details[name] = kept
			}
		case map[string]any:
			if len(kept) > 0 {
				details[name] = kept
			}
		default:
			details[name] = kept
		}
	}
	if len(details) == 0 {
		return nil
	}
	return details
}

func tidy(v any, depth int) any {
	switch v := v.(type) {
	case string:
		return clean(v)
	case json.Number:
		return number(v)
	case []string:
		all := make([]any, 0, len(v))
		for _, one := range v {
			all = append(all, clean(one))
		}
		return all
	case []any:
		if depth >= deepest {
			return flat(v)
		}
		out := make([]any, len(v))
		for i := range v {
			out[i] = tidy(v[i], depth+1)
		}
		return out
	case Object:
		return tidy(map[string]any(v), depth)
	case map[string]any:
		if depth >= deepest {
			return flat(v)
		}
		out := make(map[string]any, len(v))
		for k, one := range v {
			out[clean(k)] = tidy(one, depth+1)
		}
		return out
	}
	return v
}

// flat is a structure as its text.
func flat(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(string(text), `\u0000`, "")
}

// safe is the largest integer up to which every one is a float64.
const safe = 1 << 53

func number(n json.Number) any {
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
	if i, err := n.Int64(); err == nil && i <= safe && i >= -safe {
		return f
	}
	if strings.ContainsAny(n.String(), ".eE") {
		return f
	}
	return n.String()
}

// clean drops NUL and what is no text, which no database can hold.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
}
