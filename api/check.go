package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/api/rest"
)

const (
	mostJSON      = 1 << 20
	mostBlueprint = 16 << 20 // a company's documents, as JSON strings
)

// checked lets through what the contract allows.
func (g *gate) checked(path, method string, item *openapi3.PathItem, op *openapi3.Operation) echo.MiddlewareFunc {
	route := &routers.Route{Spec: g.doc, Path: path, PathItem: item, Method: method, Operation: op}
	limit := int64(mostJSON)
	if slices.Contains(op.Tags, "blueprint") {
		limit = mostBlueprint
	}
	queries := queryNames(item, op)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := acceptable(c.Request()); err != nil {
				return err
			}
			if err := plain(c.Request()); err != nil {
				return err
			}
			if err := knownQueries(c.QueryParams(), queries); err != nil {
				return err
			}
			body, err := readBody(c, limit)
			if err != nil {
				return err
			}
			if err := checkBody(c.Request(), op, body); err != nil {
				return err
			}
			if err := g.conforms(c, route); err != nil {
				return err
			}
			replay(c.Request(), body)
			return next(c)
		}
	}
}

func queryNames(item *openapi3.PathItem, op *openapi3.Operation) []string {
	var names []string
	for _, p := range append(append(openapi3.Parameters{}, item.Parameters...), op.Parameters...) {
		if p.Value.In == openapi3.ParameterInQuery {
			names = append(names, p.Value.Name)
		}
	}
	return names
}

func knownQueries(query url.Values, known []string) error {
	for name := range query {
		if !slices.Contains(known, name) {
			return refuse(http.StatusBadRequest, clip(name), "no such parameter; there are %q", known)
		}
	}
	return nil
}

// acceptable refuses a caller who wants anything but JSON.
func acceptable(r *http.Request) error {
	accept := r.Header.Get(echo.HeaderAccept)
	if accept == "" {
		return nil
	}
	for part := range strings.SplitSeq(accept, ",") {
		kind, _, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		switch kind {
		case "*/*", "application/*", echo.MIMEApplicationJSON, "application/problem+json":
			return nil
		}
	}
	return refuse(http.StatusNotAcceptable, "Accept", "we answer in application/json")
}

// plain refuses compressed bodies: a kilobyte can hold a gigabyte, and nobody needs it here.
func plain(r *http.Request) error {
	if coding := r.Header.Get(echo.HeaderContentEncoding); coding != "" && !strings.EqualFold(coding, "identity") {
		return refuse(http.StatusUnsupportedMediaType, echo.HeaderContentEncoding, "send the body as it is, not compressed")
	}
	return nil
}

// readBody reads all of it, up to a limit, and leaves the request with a copy to read again.
func readBody(c echo.Context, limit int64) ([]byte, error) {
	r := c.Request()
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, refuse(http.StatusRequestEntityTooLarge, "", "%d bytes at most", limit)
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "", "the body could not be read to its end")
	}
	replay(r, body)
	return body, nil
}

func replay(r *http.Request, body []byte) {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}

// checkBody says in plain words what a schema would say badly: no body, not JSON.
func checkBody(r *http.Request, op *openapi3.Operation, body []byte) error {
	if op.RequestBody == nil {
		return nil
	}
	if len(bytes.TrimSpace(body)) == 0 {
		if op.RequestBody.Value.Required {
			return refuse(http.StatusBadRequest, "", "a JSON body is needed")
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationJSON {
		return refuse(http.StatusUnsupportedMediaType, "Content-Type", "send application/json")
	}
	var anything json.RawMessage
	if err := json.Unmarshal(body, &anything); err != nil {
		return refuse(http.StatusBadRequest, "", "the body is not JSON: %s", clip(err.Error()))
	}
	return simple(body)
}

// What JSON may be made of: each value takes some hundred bytes while it is checked, and each level some of the stack, ours
// and the database's.
const (
	mostValues = 20_000
	mostLevels = 64
)

// simple refuses JSON whose structure, not whose texts, would take the memory. The body is JSON.
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
		if level > mostLevels {
			return refuse(http.StatusBadRequest, "", "more than %d levels of JSON", mostLevels)
		}
		if values > mostValues {
			return refuse(http.StatusRequestEntityTooLarge, "", "more than %d values of JSON", mostValues)
		}
	}
	return nil
}

// mostFindings keeps the answer to a bad request from being longer than the request.
const mostFindings = 100

// conforms checks parameters and body against the contract and lists everything that is wrong.
func (g *gate) conforms(c echo.Context, route *routers.Route) error {
	parameters := map[string]string{}
	for i, name := range c.ParamNames() {
		parameters[name] = c.ParamValues()[i]
	}
	err := openapi3filter.ValidateRequest(c.Request().Context(), &openapi3filter.RequestValidationInput{
		Request: c.Request(), PathParams: parameters, QueryParams: c.QueryParams(), Route: route,
		Options: &openapi3filter.Options{
			MultiError:          true,
			SkipSettingDefaults: true,
			AuthenticationFunc:  openapi3filter.NoopAuthenticationFunc, // tokens are looked at before
			SchemaValidationOptions: []openapi3.SchemaValidationOption{
				openapi3.WithStringFormatValidators(map[string]openapi3.StringFormatValidator{
					"date-time": openapi3.NewCallbackValidator(realInstant),
				}),
			},
		},
	})
	if err == nil {
		return nil
	}
	found := findings("", err)
	if len(found) == 0 {
		return refuse(http.StatusBadRequest, "", "%s", clip(err.Error()))
	}
	r := &refusal{status: http.StatusBadRequest, message: found[0].Message, errors: found[:min(len(found), mostFindings)]}
	if found[0].Field != nil {
		r.field = *found[0].Field
	}
	return r
}

// realInstant refuses the 31st of February, which a pattern would let through.
func realInstant(text string) error {
	_, err := time.Parse(time.RFC3339, text)
	return err
}

// findings flattens what the validator found. In is the parameter it is about, empty for the body.
func findings(in string, err error) []rest.Mistake {
	switch e := err.(type) { // a tree of errors is walked, not a chain
	case openapi3.MultiError:
		var all []rest.Mistake
		for _, one := range e {
			all = append(all, findings(in, one)...)
		}
		return all
	case *openapi3filter.RequestError:
		if e.Parameter != nil {
			in = e.Parameter.Name
		}
		if e.Err != nil {
			return findings(in, e.Err)
		}
		return []rest.Mistake{{Field: optional(in), Message: clip(e.Reason)}}
	case *openapi3.SchemaError:
		field := strings.Join(append(e.JSONPointer(), surplus(e)...), ".")
		if in != "" {
			field = strings.TrimSuffix(in+"."+field, ".")
		}
		return []rest.Mistake{{Field: optional(field), Message: clip(reason(e))}}
	case *openapi3filter.ParseError:
		return []rest.Mistake{{Field: optional(in), Message: clip(fmt.Sprintf("cannot be read: %s", e.Reason))}}
	}
	return []rest.Mistake{{Field: optional(in), Message: clip(err.Error())}}
}

// surplus is the key that the validator does not know. It says it in words only.
func surplus(e *openapi3.SchemaError) []string {
	var key string
	if n, err := fmt.Sscanf(e.Reason, "property %q is unsupported", &key); n == 1 && err == nil {
		return []string{clip(key)}
	}
	return nil
}

// reason is what the validator says, with the values that would do.
func reason(e *openapi3.SchemaError) string {
	if e.SchemaField == "enum" && e.Schema != nil {
		return fmt.Sprintf("want one of %q", e.Schema.Enum)
	}
	if strings.HasPrefix(e.SchemaField, "format") || e.SchemaField == "pattern" {
		if e.Schema != nil && e.Schema.Format == "date-time" {
			return "want an instant such as 2026-03-02T03:00:00Z"
		}
	}
	return e.Reason
}
