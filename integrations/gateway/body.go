package gateway

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/text"
	"github.com/belayhq/belay/core/tongue"
)

var placeholder = regexp.MustCompile(`\{(to|digits|from|text|key|reference|callback|channel|language|id)\}`)

// fill is what placeholders stand for.
func (c *Client) fill(m page.Message) map[string]string {
	words := m.Body
	if m.Channel == org.Voice {
		words = text.Unanswerable(words) // we hear of no key that is pressed
	}
	return map[string]string{
		"to": m.To, "digits": strings.TrimPrefix(m.To, "+"), "from": c.options.From, "text": words, "key": m.Key,
		"reference": Reference(m.Key), "callback": c.callback(m.Key), "channel": string(m.Channel),
		"language": string(cmp.Or(m.Language, tongue.English)),
	}
}

// Reference names a message for providers that take letters and digits only.
func Reference(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// fillIn replaces in one go: what is filled in is not looked at again.
func fillIn(text string, filled map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string { return filled[found[1:len(found)-1]] })
}

func escaped(address string, filled map[string]string) string {
	return placeholder.ReplaceAllStringFunc(address, func(found string) string {
		// Everything but letters, digits and -_.~ is escaped, so that it stays inside its part of path or query.
		return strings.ReplaceAll(url.QueryEscape(filled[found[1:len(found)-1]]), "+", "%20")
	})
}

// printable is a value as it may stand in a header.
func printable(value string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, value)
}

// template parses a body once, so that what is filled in can never change its shape.
func template(format Format, body string) (any, error) {
	document, err := decode([]byte(body))
	if err != nil {
		return nil, fault.Field("body", `want a JSON document such as {"to":"{to}","text":"{text}"}`)
	}
	if !strings.Contains(body, "{text}") || !strings.Contains(body, "{to}") && !strings.Contains(body, "{digits}") {
		return nil, fault.Field("body", "must say where {text} goes, and {to} or {digits}")
	}
	switch format {
	case JSON:
		return document, nil
	case Form:
		fields, flat := document.(map[string]any)
		for _, value := range fields {
			_, plain := value.(string)
			flat = flat && plain
		}
		if !flat {
			return nil, fault.Field("body", "a form is an object of strings")
		}
		return document, nil
	}
	return nil, fault.Field("format", "want json or form")
}

func substitute(node any, filled map[string]string) any {
	switch n := node.(type) {
	case string:
		return fillIn(n, filled)
	case []any:
		out := make([]any, len(n))
		for i, one := range n {
			out[i] = substitute(one, filled)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(n))
		for name, one := range n {
			out[name] = substitute(one, filled)
		}
		return out
	}
	return node
}

func encode(format Format, body any) (content []byte, kind string, err error) {
	if fields, object := body.(map[string]any); format == Form && object {
		form := url.Values{}
		for name, value := range fields {
			said, _ := value.(string)
			form.Set(name, said)
		}
		return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(body)
	return b.Bytes(), "application/json", err
}

// parse reads what a provider says, in JSON or as a form.
func parse(kind string, body []byte) (any, error) {
	if media, _, err := mime.ParseMediaType(kind); err == nil && media == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		fields := map[string]any{}
		for name := range form {
			fields[name] = form.Get(name)
		}
		return fields, nil
	}
	return decode(body)
}

func decode(body []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // names of messages are numbers at some providers, longer than a float is exact
	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF { // the standard library compares it so
		return nil, fault.New(fault.Invalid, "more than one document")
	}
	return document, nil
}

// mostText is longer than any name or word of a provider; more is not theirs.
const mostText = 200

// at is what stands at a path such as "messages.0.id": a string or a number, else empty.
func at(node any, path string) string {
	for step := range strings.SplitSeq(path, ".") {
		switch n := node.(type) {
		case map[string]any:
			node = n[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(n) {
				return ""
			}
			node = n[i]
		default:
			return ""
		}
	}
	var said string
	switch n := node.(type) {
	case string:
		said = n
	case json.Number:
		said = n.String()
	}
	if len(said) > mostText || strings.ContainsFunc(said, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return ""
	}
	return said
}
