package twilio_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/twilio"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
)

// published is Twilio's OpenAPI description, held against every request that passes and every answer of the fake.
type published struct {
	document *openapi3.T
	next     http.RoundTripper
	mu       sync.Mutex
	seen     []string
	faults   []error
}

func openapi(t *testing.T) *published {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(fixture(t, "openapi-twilio-v2010-trimmed.json"))
	require.NoError(t, err)
	return &published{document: document, next: http.DefaultTransport}
}

func (p *published) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	input, err := p.request(r, body)
	p.note(r, err)
	response, failure := p.next.RoundTrip(r)
	if failure != nil || err != nil || response.StatusCode >= 300 {
		return response, failure // the description has no shapes of errors
	}
	answer, _ := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(answer))
	p.note(r, openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: response.StatusCode, Header: response.Header,
		Body: io.NopCloser(bytes.NewReader(answer)), Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}))
	return response, nil
}

func (p *published) note(r *http.Request, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, r.Method+" "+r.URL.Path)
	if err != nil {
		p.faults = append(p.faults, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, err))
	}
}

func (p *published) request(r *http.Request, body []byte) (*openapi3filter.RequestValidationInput, error) {
	route, params := p.find(r)
	if route == nil {
		return nil, fmt.Errorf("not an operation of the API")
	}
	copied := r.Clone(r.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{
		Request: copied, PathParams: params, Route: route,
		Options: &openapi3filter.Options{MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		return nil, err
	}
	return input, onlyKnown(route.Operation, r.URL.Query(), string(body))
}

// onlyKnown refuses parameters that Twilio would silently ignore: a misspelt StatusCallback costs every receipt.
func onlyKnown(o *openapi3.Operation, query url.Values, body string) error {
	for name := range query {
		if o.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			return fmt.Errorf("no query parameter %s", name)
		}
	}
	if o.RequestBody == nil {
		return nil
	}
	form, err := url.ParseQuery(body)
	if err != nil {
		return err
	}
	known := o.RequestBody.Value.Content.Get("application/x-www-form-urlencoded").Schema.Value.Properties
	for name := range form {
		if known[name] == nil {
			return fmt.Errorf("no form field %s", name)
		}
	}
	return nil
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

func (p *published) find(r *http.Request) (*routers.Route, map[string]string) {
	for path, item := range p.document.Paths.Map() {
		pattern := "^" + placeholder.ReplaceAllString(strings.ReplaceAll(path, ".", `\.`), `(?P<$1>[^/.]+)`) + "$"
		expression := regexp.MustCompile(pattern)
		match := expression.FindStringSubmatch(r.URL.Path)
		if match == nil || item.GetOperation(r.Method) == nil {
			continue
		}
		params := map[string]string{}
		for i, name := range expression.SubexpNames() {
			if i > 0 {
				params[name] = match[i]
			}
		}
		return &routers.Route{Spec: p.document, Path: path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)}, params
	}
	return nil, nil
}

func TestEveryRequestIsWhatTwilioPublished(t *testing.T) {
	for name, change := range map[string]func(*twilio.Options){
		"number":            func(*twilio.Options) {},
		"messaging service": func(o *twilio.Options) { o.MessagingServiceSID = "MG00000000000000000000000000000000" },
		"no public address": func(o *twilio.Options) { o.PublicURL = "" },
		"below a path":      func(o *twilio.Options) { o.PublicURL += "/belay/" },
	} {
		t.Run(name, func(t *testing.T) {
			spec := openapi(t)
			h := open(t, &twiliofake.Server{}, change, func(o *twilio.Options) { o.HTTPClient = &http.Client{Transport: spec} })
			since := time.Now()
			for _, m := range []page.Message{sms("E-1/t1/ana/mobile/1", ana, "down & out ✓"), call("E-1/t1/ana/phone/1", ana, "down & out")} {
				_, err := h.Send(t.Context(), m)
				require.NoError(t, err)
				_, found, err := h.Find(t.Context(), m, since)
				require.NoError(t, err)
				require.True(t, found)
			}
			require.Empty(t, spec.faults)
			require.Len(t, spec.seen, 8) // two sent, two sought; request and answer of each
		})
	}
}

// The guard itself: a misspelt field, a missing one and a wrong type are seen.
func TestTheContractCatchesAWrongRequest(t *testing.T) {
	spec := openapi(t)
	server := httptest.NewServer(&twiliofake.Server{})
	defer server.Close()
	for _, form := range []string{"To=%2B15005550105&StatusCallBack=x", "From=%2B15005550105", "To=%2B15005550105&ValidityPeriod=soon"} {
		r := httptest.NewRequest(http.MethodPost, server.URL+"/2010-04-01/Accounts/"+twiliofake.AccountSID+"/Messages.json", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		_, err := spec.request(r, []byte(form))
		require.Error(t, err, form)
	}
}

// Answers that were captured from Twilio itself are understood.
func TestCapturedAnswersAreUnderstood(t *testing.T) {
	for name, c := range map[string]struct {
		message page.Message
		status  int
		class   page.Class
		code    string
	}{
		"rest-message-created.json": {sms("k", ana, "x"), 201, page.Pending, ""},
		"rest-call-created.json":    {call("k", ana, "x"), 201, page.Pending, ""},
		"rest-error-call.json":      {call("k", ana, "x"), 400, page.Dead, "21215"},
		"rest-error-sms-2.json":     {sms("k", ana, "x"), 400, page.Dead, "21614"},
		"rest-error-sms-3.json":     {sms("k", ana, "x"), 400, page.Dead, "21602"},
	} {
		t.Run(name, func(t *testing.T) {
			captured := fixture(t, name)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write(captured)
			}))
			defer server.Close()
			client, err := twilio.New(twilio.Options{AccountSID: twiliofake.AccountSID, AuthToken: "t", From: sender, BaseURL: server.URL})
			require.NoError(t, err)
			receipt, err := client.Send(t.Context(), c.message)
			require.NoError(t, err)
			require.Equal(t, c.class, receipt.Class)
			require.Equal(t, c.code, receipt.Code)
			require.NotContains(t, receipt.Reason, "5005550009", "Twilio's own words name the number")
			if c.status == 201 {
				require.NotEmpty(t, receipt.ProviderID)
			}
		})
	}
}
