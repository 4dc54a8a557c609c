package blueprint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v3"

	"github.com/belayhq/belay/core/expr"
)

type node = *yaml.Node

// form is what a value looks like.
type form string

const (
	formText      form = "text"     // one line of words
	formIdent     form = "id"       // the name of a thing
	formKey       form = "key"      // a secret
	formNumber    form = "number"   // whole, between min and max
	formSwitch    form = "switch"   // true or false
	formDuration  form = "duration" // 15m
	formDate      form = "date"     // 2026-12-24
	formDayDate   form = "day"      // 2026-12-24, or 12-24 for every year
	formMoment    form = "moment"   // 2026-12-24, 2026-12-24T09:00, 2026-12-24T09:00:00Z
	formClock     form = "clock"    // 09:00
	formSpan      form = "span"     // 09:00-17:00
	formDays      form = "days"     // mon, mon-fri
	formZone      form = "zone"     // Europe/Berlin
	formChoice    form = "choice"   // one of choices
	formRef       form = "ref"      // the id of a thing of one kind
	formOwn       form = "own"      // an id that is known only inside the same document
	formPhone     form = "phone"
	formMail      form = "mail"
	formWeb       form = "web"
	formCondition form = "condition" // CEL over an event: true or false
	formTerm      form = "term"      // CEL over an event: text
	formMapping   form = "mapping"   // CEL over a body
	formBody      form = "body"      // a request, of several lines
	formSeen      form = "seen"      // CEL over a ticket as its system shows it: true or false
	formSight     form = "sight"     // … text
	formAsked     form = "asked"     // CEL over what is asked of a ticket system, or over what it says
	formList      form = "list"
	formRecord    form = "record" // fixed keys
	formBook      form = "book"   // free keys of one form, such as dates
)

// shape is one place of the language: the loader walks documents along it, and the published schema is written from it.
type shape struct {
	form     form
	doc      string // for people: shown by editors
	fallback string // what holds when the key is left out, in words
	choices  []string
	of       Kind // for references
	about    expr.Request
	yields   expr.Yields
	min, max int  // of numbers; min is also the fewest items of a list
	zero     bool // durations: 0s is allowed
	blank    bool // items: null is allowed
	items    *shape
	pages    form // form of the keys of a book
	keys     []key
	exactly  []string          // of these keys of a record, exactly one must stand
	refuses  map[string]string // keys that stand elsewhere in the language, and why not here
	or       *shape            // another way to write it, told apart by its YAML type
}

// longestBody is far above what a monitor sends of one alert.
const longestBody = 16 << 10

// key is one entry of a record.
type key struct {
	name string
	need bool
	shape
}

// node type of a form: a list, a mapping or a scalar.
func (s *shape) takes(n node) bool {
	switch s.form {
	case formList:
		return n.Kind == yaml.SequenceNode
	case formRecord, formBook:
		return n.Kind == yaml.MappingNode
	}
	return n.Kind == yaml.ScalarNode
}

// walk checks a value against its shape; what is wrong is reported and marked broken, so that building skips it.
func (r *reader) walk(path string, s *shape, n node, field string) {
	for s.or != nil && !s.takes(n) {
		s = s.or
	}
	if !s.takes(n) {
		r.fail(path, n, field, "must be %s, not %s", s.wants(), kindOf(n))
		return
	}
	switch s.form {
	case formList:
		r.walkList(path, s, n, field)
	case formRecord:
		r.walkRecord(path, s, n, field)
	case formBook:
		r.walkBook(path, s, n, field)
	default:
		r.walkScalar(path, s, n, field)
	}
}

func (r *reader) walkList(path string, s *shape, n node, field string) {
	if len(n.Content) < s.min {
		r.fail(path, n, field, "is empty: name at least one")
	}
	seen := map[string]bool{}
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", field, i)
		if s.items.blank && item.Tag == "!!null" {
			continue
		}
		r.walk(path, s.items, item, at)
		if s.items.form != formRef && s.items.form != formChoice || s.items.blank || r.broken[item] {
			continue
		}
		if seen[item.Value] {
			r.fail(path, item, at, "%s stands twice in this list", clip(item.Value))
		}
		seen[item.Value] = true
	}
}

func (r *reader) walkRecord(path string, s *shape, n node, field string) {
	names := make([]string, len(s.keys))
	for i, k := range s.keys {
		names[i] = k.name
	}
	for name, value := range entries(n) {
		at := slices.Index(names, name.Value)
		if why, refused := s.refuses[name.Value]; refused {
			r.fail(path, name, join(field, name.Value), "%s", why)
			r.broken[n] = true
			continue
		}
		if at < 0 {
			hint := suggest(name.Value, names)
			if hint == "" {
				hint = " (known here: " + strings.Join(names, ", ") + ")"
			}
			r.fail(path, name, join(field, name.Value), "unknown key%s", hint)
			continue
		}
		r.walk(path, &s.keys[at].shape, value, join(field, name.Value))
	}
	for _, k := range s.keys {
		if k.need && get(n, k.name) == nil {
			r.fail(path, n, join(field, k.name), "is missing (%s)", k.wants())
		}
	}
	r.walkExactly(path, s, n, field)
}

func (r *reader) walkExactly(path string, s *shape, n node, field string) {
	if len(s.exactly) == 0 {
		return
	}
	var found []node
	for name := range entries(n) {
		if slices.Contains(s.exactly, name.Value) {
			found = append(found, name)
		}
	}
	if len(found) == 0 && !r.broken[n] {
		r.fail(path, n, field, "needs one of %s", strings.Join(s.exactly, ", "))
	}
	for i := 1; i < len(found); i++ {
		r.fail(path, found[i], join(field, found[i].Value), "cannot stand beside %q: write a further entry", found[0].Value)
		r.broken[n] = true
	}
}

func (r *reader) walkBook(path string, s *shape, n node, field string) {
	for name, value := range entries(n) {
		at := join(field, name.Value)
		r.walkScalar(path, &shape{form: s.pages}, name, at)
		r.walk(path, s.items, value, at)
	}
}

func (r *reader) walkScalar(path string, s *shape, n node, field string) {
	if wrong := r.scalar(s, n); wrong != "" {
		r.fail(path, n, field, "%s", wrong)
		return
	}
	if s.form == formRef {
		r.references = append(r.references, reference{path: path, node: n, field: field, kind: s.of})
	}
}

// scalar says what is wrong with a single value, or nothing.
func (r *reader) scalar(s *shape, n node) string {
	text := n.Value
	refuse := func(ok bool) string {
		if ok {
			return ""
		}
		return fmt.Sprintf("%s is not %s", clip(text), s.wants())
	}
	switch s.form {
	case formNumber:
		v, err := strconv.Atoi(text)
		return refuse(n.Tag == "!!int" && err == nil && v >= s.min && v <= s.max)
	case formSwitch:
		return refuse(n.Tag == "!!bool" && (text == "true" || text == "false"))
	}

	if n.Tag == "!!null" || text == "" {
		return "is empty: must be " + s.wants()
	}
	if _, bare := number(text); bare && s.form == formDuration {
		return fmt.Sprintf(`%s has no unit (write "%sm" for minutes or "%ss" for seconds)`, text, text, text)
	}
	if n.Tag != "!!str" && n.Tag != "!!timestamp" {
		return fmt.Sprintf(`must be text: put it in quotes ("%s")`, strings.Trim(clip(text), `"`))
	}
	switch s.form {
	case formText:
		return refuse(len(text) <= 400 && strings.TrimSpace(text) != "" && !strings.ContainsAny(text, "\n\r\t\x00"))
	case formLabel:
		return refuse(label(text))
	case formBody:
		return refuse(len(text) <= longestBody && strings.TrimSpace(text) != "" && !strings.ContainsRune(text, 0))
	case formIdent, formOwn, formRef:
		return refuse(ident(text))
	case formKey:
		if !secret(text) {
			return "must be " + s.wants() // never quoted: it is a secret
		}
		return ""
	case formDuration:
		d, ok := duration(text)
		if ok && (d > longest || d == 0 && !s.zero) {
			return fmt.Sprintf("%s is out of range: more than zero, at most 366d", clip(text))
		}
		return refuse(ok)
	case formDate:
		_, ok := date(text)
		return refuse(ok)
	case formDayDate:
		_, once := date(text)
		_, every := yearly(text)
		return refuse(once || every)
	case formMoment:
		_, ok := moment(text, time.UTC)
		return refuse(ok)
	case formClock:
		_, ok := clock(text)
		return refuse(ok)
	case formSpan:
		_, ok := span(text)
		return refuse(ok)
	case formDays:
		_, ok := days(text)
		return refuse(ok)
	case formZone:
		return refuse(r.zone(text) != nil)
	case formChoice:
		if !slices.Contains(s.choices, text) {
			return fmt.Sprintf("%s is not %s%s", clip(text), s.wants(), suggest(text, s.choices))
		}
		return ""
	case formPhone:
		return prefixed(text, phone(text))
	case formMail:
		return prefixed(text, address("email", text))
	case formWeb:
		return prefixed(text, address("webhook", text))
	case formCondition, formAbout, formTerm, formMapping, formSeen, formSight, formAsked:
		return r.expression(s, text)
	case formPoint:
		_, ok := point(text)
		return refuse(ok)
	case formNumber, formSwitch, formList, formRecord, formBook:
	}
	return refuse(false)
}

func prefixed(text, wrong string) string {
	if wrong == "" {
		return ""
	}
	return clip(text) + " " + wrong
}

// wants says in words what would be right.
func (s *shape) wants() string {
	switch s.form {
	case formText:
		return "words on one line"
	case formLabel:
		return labelWants()
	case formBody:
		return fmt.Sprintf("a request of %d bytes at most", longestBody)
	case formIdent, formOwn:
		return `an id: lower-case letters, digits, ".", "_" and "-", at most 64`
	case formKey:
		return "a key of 16 to 255 letters, digits, '.', '_', '~' or '-'"
	case formNumber:
		return fmt.Sprintf("a whole number from %d to %d", s.min, s.max)
	case formSwitch:
		return "true or false"
	case formDuration:
		return `a duration such as "15m", "30s", "1h30m" or "2d"`
	case formDate:
		return `a date such as "2026-12-24"`
	case formDayDate:
		return `a date such as "2026-12-24", or "12-24" for every year`
	case formMoment:
		return `a date or time such as "2026-12-24", "2026-12-24T09:00" or "2026-12-24T09:00:00Z"`
	case formClock:
		return `a time of day from "00:00" to "24:00"`
	case formSpan:
		return `hours of one day such as "09:00-17:00" (past midnight: one span up to 24:00, one on the next day)`
	case formDays:
		return `a day or days such as "mon" or "mon-fri"`
	case formZone:
		return `a time zone such as "Europe/Berlin" or "UTC"`
	case formChoice:
		if len(s.choices) > 12 {
			return fmt.Sprintf("one of %s, … (%d in all, see the schema)", strings.Join(s.choices[:3], ", "), len(s.choices))
		}
		return "one of " + strings.Join(s.choices, ", ")
	case formRef:
		return "the id of a " + string(s.of)
	case formPhone:
		return `a phone number such as "+12125550123"`
	case formMail:
		return "an e-mail address"
	case formWeb:
		return "an https or http URL"
	case formCondition:
		return `a condition such as severity == "critical"`
	case formAbout:
		return `a condition such as ticket.vip or history.reopens > 1`
	case formPoint:
		return `a point such as "80%", "30m before", "breach" or "1h after"`
	case formTerm:
		return "an expression such as labels.cluster"
	case formMapping:
		return "an expression such as body.alert.name"
	case formSeen:
		return `a condition such as ticket.team == "Payments"`
	case formSight:
		return "an expression such as fields.hold_reason"
	case formAsked:
		if s.yields == expr.Truth {
			return "a condition such as status.hasValue()"
		}
		return "an expression over " + strings.Join(s.about.Names(), ", ")
	case formList:
		return "a list"
	case formRecord:
		return "a mapping"
	case formBook:
		return "a mapping"
	}
	return "nothing"
}

func kindOf(n node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "nothing"
		}
		return clip(n.Value)
	}
	return "this"
}

func join(field, name string) string {
	name = strings.Trim(clip(name), `"`)
	if field == "" {
		return name
	}
	return field + "." + name
}

// entries walks a mapping in the order written.
func entries(n node) func(yield func(node, node) bool) {
	return func(yield func(node, node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// get is the value of a key, or nil.
func get(n node, name string) node {
	for k, v := range entries(n) {
		if k.Value == name {
			return v
		}
	}
	return nil
}
