package anyrest

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/integrations/foreign"
)

// call is one request that the blueprint describes, with its expressions read.
type call struct {
	name                           string // as in the blueprint: "rest.open"
	said                           org.TicketCall
	query, headers                 []pair
	when, body, result, text, next *expr.Program // nil: not said
}

type pair struct {
	name string
	is   expr.Program
}

func compile(name string, about expr.Request, c org.TicketCall) (call, error) {
	out := call{name: name, said: c}
	read := func(field, source string, about expr.Request, want expr.Yields) (*expr.Program, error) {
		if source == "" {
			return nil, nil
		}
		scope, err := expr.About(about)
		if err != nil {
			return nil, err
		}
		p, err := scope.Compile(source, want)
		if err != nil {
			return nil, fault.Field(name+"."+field, "%v", err)
		}
		return &p, nil
	}
	var wrong []error
	for _, one := range []struct {
		field, source string
		about         expr.Request
		want          expr.Yields
		into          **expr.Program
	}{
		{"when", c.When, about, expr.Truth, &out.when}, {"body", c.Body, about, expr.Any, &out.body}, {"result", c.Result, expr.Answered, expr.Any, &out.result},
		{"text", c.Text, expr.Item, expr.Any, &out.text}, {"next", c.Next, expr.Answered, expr.Any, &out.next},
	} {
		p, err := read(one.field, one.source, one.about, one.want)
		*one.into, wrong = p, append(wrong, err)
	}
	pairs := func(field string, said map[string]string) (all []pair) {
		for n, source := range said {
			p, err := read(field+"."+n, source, about, expr.Any)
			if wrong = append(wrong, err); p != nil {
				all = append(all, pair{n, *p})
			}
		}
		slices.SortFunc(all, func(a, b pair) int { return strings.Compare(a.name, b.name) })
		return all
	}
	out.query, out.headers = pairs("query", c.Query), pairs("headers", c.Headers)
	return out, errors.Join(wrong...)
}

// ask makes a request and answers what was said to it, for expressions to look at. Faults are those of service.Tracker.
func (d *Desk) ask(ctx context.Context, c call, vars map[string]any) (map[string]any, error) {
	address, err := d.address(c, vars)
	if err != nil {
		return nil, err
	}
	header := map[string]string{d.header: d.value}
	for _, h := range c.headers {
		value, err := word(h.is, vars)
		if err != nil {
			return nil, fault.Field(c.name+".headers."+h.name, "%v", err)
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, fault.Field(c.name+".headers."+h.name, "comes to more than one line")
		}
		if value != "" {
			header[h.name] = value
		}
	}
	var body []byte
	if c.body != nil {
		value, err := c.body.Value(vars)
		if err != nil {
			return nil, fault.Field(c.name+".body", "%v", err)
		}
		if body, err = json.Marshal(value); err != nil {
			return nil, fault.Field(c.name+".body", "%v", err)
		}
	}
	a, err := d.out.Exchange(ctx, d.system.Name, c.said.Method, address, header, body)
	if err != nil {
		return nil, err
	}
	if len(c.said.Success) > 0 && !slices.Contains(c.said.Success, a.Status) {
		return nil, fault.New(fault.Unavailable, "%s answered %d to %s, which is not among %s.success", d.system.Name, a.Status, c.said.Method, c.name)
	}
	got := map[string]any{"answer": nil, "header": map[string]string{}, "page": vars["page"]}
	if got["page"] == nil {
		got["page"] = int64(1)
	}
	if c.result == nil && c.next == nil {
		return got, nil
	}
	names := map[string]string{}
	for name := range a.Header {
		names[strings.ToLower(name)] = a.Header.Get(name)
	}
	got["header"] = names
	if len(a.Body) > 0 {
		if got["answer"], err = foreign.JSON(a.Body); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "the answer of %s to %s", d.system.Name, c.name)
		}
	}
	return got, nil
}

var placeholder = regexp.MustCompile(`\{([a-z]+)\}`)

// address of a request: what fills the path is never more than a part of one segment.
func (d *Desk) address(c call, vars map[string]any) (string, error) {
	var wrong error
	path := placeholder.ReplaceAllStringFunc(c.said.Path, func(found string) string {
		value, _ := vars[found[1:len(found)-1]].(string)
		if value == "" || value == "." || value == ".." {
			wrong = fault.Field(c.name+".path", "%s is %q, which cannot stand in an address", found, value)
		}
		return url.PathEscape(value)
	})
	if wrong != nil {
		return "", wrong
	}
	query := url.Values{}
	for _, q := range c.query {
		value, err := word(q.is, vars)
		if err != nil {
			return "", fault.Field(c.name+".query."+q.name, "%v", err)
		}
		if value != "" {
			query.Set(q.name, value)
		}
	}
	address := strings.TrimRight(d.system.URL, "/") + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address, nil
}

// parts are what the result of an answer comes to. What is not there is an error: a list that is misspelt must not pass for
// an empty one, or what was made already would be made again.
func (c call) parts(got map[string]any) ([]expr.Part, error) {
	if c.result == nil {
		return nil, nil
	}
	parts, err := c.result.Parts(got)
	if err != nil {
		return nil, fault.Field(c.name+".result", "%v", err)
	}
	return parts, nil
}

const mostPages = 20

// list asks page by page; more: there were pages left when we stopped.
func (d *Desk) list(ctx context.Context, c call, vars map[string]any) (found []expr.Part, more bool, err error) {
	next := ""
	for page := range mostPages {
		vars["page"], vars["next"] = int64(page+1), next
		got, err := d.ask(ctx, c, vars)
		if err != nil {
			return nil, false, err
		}
		some, err := c.parts(got)
		if err != nil {
			return nil, false, err
		}
		found = append(found, some...)
		if c.next == nil {
			return found, false, nil
		}
		if next, err = word(*c.next, got); err != nil {
			return nil, false, fault.Field(c.name+".next", "%v", err)
		}
		if next == "" {
			return found, false, nil
		}
	}
	return found, true, nil
}

// word is what an expression comes to in one word; what is not there, nothing and false are none.
func word(p expr.Program, vars map[string]any) (string, error) {
	value, err := p.Value(vars)
	if errors.Is(err, expr.ErrAbsent) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if value == false {
		return "", nil
	}
	text, ok := written(value)
	if !ok && value != nil {
		return "", fault.New(fault.Invalid, "comes to more than one word")
	}
	return text, nil
}

// written is a plain value as text; false: it is none.
func written(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case json.Number:
		return v.String(), true
	}
	return "", false
}
