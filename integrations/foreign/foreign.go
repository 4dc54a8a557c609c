// Package foreign reads what other systems write: JSON and forms whose fields come under several names and types, because
// templates, versions and people differ. It knows no system; which names mean what is said by each dialect. Nothing here
// fails because of a field that is odd: an alert is worth more than its decoration.
package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
)

// Object is one JSON object, or a form as one: strings, bools, json.Number, []any and map[string]any.
type Object map[string]any

// mostObjects of one request: a list that is longer is a mistake, or worse.
const mostObjects = 1000

// Read is the object that a request carries: JSON, or the values of a form. Errors: fault.Invalid.
func Read(p alert.Post) (Object, error) {
	all, err := ReadAll(p)
	if err != nil {
		return nil, err
	}
	if len(all) != 1 {
		return nil, fault.New(fault.Invalid, "the body has %d objects where one is expected", len(all))
	}
	return all[0], nil
}

// ReadAll is the objects of a request: one, or those of a JSON array. Errors: fault.Invalid.
func ReadAll(p alert.Post) ([]Object, error) {
	body := bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(p.Body), []byte("\ufeff")))
	if len(body) == 0 {
		return nil, fault.New(fault.Invalid, "the body is empty: JSON or a form is expected")
	}
	if body[0] != '{' && body[0] != '[' {
		form, err := readForm(body)
		if err != nil {
			return nil, err
		}
		return []Object{form}, nil
	}
	if many, ok := lines(body); ok {
		return many, nil
	}
	v, err := parse(body)
	if err != nil {
		if v, err = parse(mended(body)); err != nil {
			return nil, fault.New(fault.Invalid, "the body is not JSON that can be read: %s", short(err.Error()))
		}
	}
	if one, ok := v.(map[string]any); ok {
		return []Object{one}, nil
	}
	list, _ := v.([]any)
	if len(list) == 0 || len(list) > mostObjects {
		return nil, fault.New(fault.Invalid, "the body is a list of %d: 1 to %d objects are expected", len(list), mostObjects)
	}
	all := make([]Object, 0, len(list))
	for i, one := range list {
		object, ok := one.(map[string]any)
		if !ok {
			return nil, fault.Field(fmt.Sprintf("[%d]", i), "must be an object")
		}
		all = append(all, object)
	}
	return all, nil
}

// lines are the objects of a body that has one in each of its lines, two at least.
func lines(body []byte) ([]Object, bool) {
	if body[0] != '{' || !bytes.ContainsRune(body, '\n') || simple(body) != nil {
		return nil, false
	}
	var all []Object
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		v, err := parse(line)
		object, ok := v.(map[string]any)
		if err != nil || !ok || len(all) == mostObjects {
			return nil, false
		}
		all = append(all, object)
	}
	return all, len(all) > 1
}

// What a body may be made of: each value takes some hundred bytes once it is read, each level some of the stack.
const (
	mostLevels = 64
	mostValues = 200_000
)

// simple refuses JSON whose structure, not whose texts, would take the memory.
func simple(body []byte) error {
	values, level, quoted := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			values++
		case c == '}' || c == ']':
			level--
		case c == ',':
			values++
		}
		if level > mostLevels || values > mostValues {
			return fmt.Errorf("at most %d levels and %d values are read", mostLevels, mostValues)
		}
	}
	return nil
}

// JSON is a body as expressions see it: nil, bool, string, int64, float64 (numbers that are not whole), []any and
// map[string]any. Errors: fault.Invalid.
func JSON(body []byte) (any, error) {
	v, err := parse(bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff"))))
	if err != nil {
		return nil, fault.New(fault.Invalid, "is not JSON that can be read: %s", short(err.Error()))
	}
	return counted(v), nil
}

// counted has whole numbers as such: an ID must not lose its end.
func counted(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case []any:
		for i, one := range v {
			v[i] = counted(one)
		}
	case map[string]any:
		for name, one := range v {
			v[name] = counted(one)
		}
	}
	return v
}

func parse(body []byte) (any, error) {
	if err := simple(body); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("something follows the first value")
	}
	return v, nil
}

// mended is JSON with the line breaks and tabs inside of its strings escaped: templates put texts of many lines between
// quotes.
func mended(body []byte) []byte {
	out := make([]byte, 0, len(body)+16)
	quoted, escaped := false, false
	for _, c := range body {
		if quoted && c < ' ' {
			out = fmt.Appendf(out, `\u%04x`, c)
			escaped = false
			continue
		}
		if c == '"' && !escaped {
			quoted = !quoted
		}
		escaped = quoted && c == '\\' && !escaped
		out = append(out, c)
	}
	return out
}

// mostNames of a form.
const mostNames = 1000

func readForm(body []byte) (Object, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil || !bytes.ContainsRune(body, '=') || len(values) > mostNames {
		return nil, fault.New(fault.Invalid, "the body is neither JSON nor a form")
	}
	return Values(values), nil
}

// Values of a form or a query as an object. Whole bodies in one value (payload={…}) are opened.
func Values(values url.Values) Object {
	form := Object{}
	for name, all := range values {
		if len(all) > 0 {
			form[name] = all[0]
		}
	}
	if len(form) > 1 {
		return form
	}
	for _, inner := range form {
		text, _ := inner.(string)
		if !strings.HasPrefix(strings.TrimSpace(text), "{") {
			continue
		}
		if v, err := parse([]byte(text)); err == nil {
			return v.(map[string]any)
		}
	}
	return form
}

// At is the value at the first of the paths that has one: "incident.state", "alerts.0.labels". Names are compared as they
// are written, then without case, dots, dashes, underscores and spaces: EVENT.ID, event_id and eventId are one.
func (o Object) At(paths ...string) any {
	for _, path := range paths {
		if v := walk(map[string]any(o), strings.Split(path, ".")); v != nil && v != "" {
			return v
		}
	}
	return nil
}

func walk(v any, path []string) any {
	for _, name := range path {
		switch at := v.(type) {
		case map[string]any:
			v = field(at, name)
		case []any:
			i := slices.Index([]string{"0", "1", "2", "3"}, name)
			if i < 0 || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

// mostFields of an object whose names are compared other than as they are written.
const mostFields = 200

func field(fields map[string]any, name string) any {
	if v, ok := fields[name]; ok {
		return v
	}
	if len(fields) > mostFields { // what people write has no such objects, and every look at one would cost
		return nil
	}
	sought, found := bare(name), ""
	for candidate := range fields {
		// The first in the alphabet, so that the same body always reads the same.
		if bare(candidate) == sought && (found == "" || candidate < found) {
			found = candidate
		}
	}
	if found == "" {
		return nil
	}
	return fields[found]
}

func bare(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// First of the texts that says something.
func First(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// Text at the first of the paths that has some: strings, numbers and bools. Blank is none.
func (o Object) Text(paths ...string) string {
	for _, path := range paths {
		if s := textOf(o.At(path)); s != "" {
			return s
		}
	}
	return ""
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(clean(v))
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

// Own is the text of the field that is written just so.
func (o Object) Own(name string) string { return textOf(o[name]) }

// Inner is the object at the first of the paths that has one; else empty, never nil. JSON in a string is opened.
func (o Object) Inner(paths ...string) Object {
	for _, path := range paths {
		switch v := o.At(path).(type) {
		case map[string]any:
			return v
		case string:
			if inner, err := parse([]byte(v)); err == nil {
				if object, ok := inner.(map[string]any); ok {
					return object
				}
			}
		}
	}
	return Object{}
}

// List is the objects of the list at the first of the paths that has one.
func (o Object) List(paths ...string) []Object {
	for _, path := range paths {
		list, _ := o.At(path).([]any)
		var all []Object
		for _, one := range list {
			if object, ok := one.(map[string]any); ok {
				all = append(all, object)
			}
		}
		if len(all) > 0 {
			return all
		}
	}
	return nil
}

// Texts is a list of texts: an array, or one string with commas.
func (o Object) Texts(paths ...string) []string {
	for _, path := range paths {
		var all []string
		switch v := o.At(path).(type) {
		case []any:
			for _, one := range v {
				all = append(all, textOf(one))
			}
		case string:
			for one := range strings.SplitSeq(v, ",") {
				all = append(all, strings.TrimSpace(clean(one)))
			}
		}
		all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
		if len(all) > 0 {
			return all
		}
	}
	return nil
}

// Has reports whether any of the paths leads to something, be it blank.
func (o Object) Has(paths ...string) bool {
	for _, path := range paths {
		if walk(map[string]any(o), strings.Split(path, ".")) != nil {
			return true
		}
	}
	return false
}
