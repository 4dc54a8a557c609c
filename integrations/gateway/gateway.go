// Package gateway sends SMS and calls through any provider that takes them by HTTP: where to post, what, and how its
// answers are to be read are settings. It knows no provider by name. Numbers, words and credentials never appear in its
// errors.
package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/outbound"
)

// Provider is how receipts of this package name it.
const Provider = "gateway"

// Format of a request's body.
type Format string

const (
	JSON Format = "json"
	Form Format = "form"
)

// Options of a Client.
type Options struct {
	SMSURL   string            // where an SMS is posted; empty: none are carried
	VoiceURL string            // where a call is posted; empty: none are carried
	Method   string            // POST, the default, or PUT
	Headers  map[string]string // as Authorization; placeholders are filled in
	Format   Format            // default JSON
	// Body is a JSON document in whose strings placeholders are filled in: {to}, {digits} (the number without its plus),
	// {from}, {text}, {key} ("E-42/t1/ana/mobile/3"), {reference} (32 hexadecimal digits made of the key), {callback},
	// {channel} ("sms", "voice"), {language} of the words ("en", "de"). As a form it is an object of strings.
	Body string
	From string

	ID string // where the answer names the message, as "messages.0.id"; empty: any 2xx is a success
	// Idempotent: the provider takes a message with the same {key} or {reference} once. Sending again is then harmless.
	Idempotent bool

	LookupURL string // asked by GET for what became of a message; {key}, {reference} or {id} in it
	HealthURL string // answers GET with 2xx while the provider works
	Status    string // where callbacks and lookups say what became of it; default "status"
	StatusID  string // where callbacks name the message; default "id"
	// Words maps the provider's words, in any case, to ours: a page.Status, or "retry" for what may arrive if it is sent
	// again. They come before those that are known everywhere.
	Words map[string]string

	PublicURL string // where the provider reaches us; with Secret: it is given a {callback}
	Secret    string // proves that a callback is about a message of ours; empty: none are believed

	Allow   []netip.Prefix // networks that may be reached although they are not public, also by http
	Timeout time.Duration  // of one request; default 10 s
}

// Client is a carrier of SMS and voice.
type Client struct {
	options Options
	body    any // Body, parsed
	words   map[string]meaning
	out     *outbound.Client
}

// answerLimit is far above what providers answer.
const answerLimit = 256 << 10

// New checks the options. Errors are fault.Invalid and name the field.
func New(o Options) (*Client, error) {
	o.Method, o.Format = fallback(o.Method, http.MethodPost), Format(fallback(string(o.Format), string(JSON)))
	o.Status, o.StatusID = fallback(o.Status, "status"), fallback(o.StatusID, "id")
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	body, err := template(o.Format, o.Body)
	if err != nil {
		return nil, err
	}
	if o.SMSURL == "" && o.VoiceURL == "" {
		return nil, fault.Field("sms_url", "an address for SMS or for calls is needed")
	}
	for field, address := range map[string]string{
		"sms_url": o.SMSURL, "voice_url": o.VoiceURL, "lookup_url": o.LookupURL, "health_url": o.HealthURL, "public_url": o.PublicURL,
	} {
		if address != "" && !web(address) {
			return nil, fault.Field(field, "want an address such as https://sms.example.com/send")
		}
	}
	if o.Method != http.MethodPost && o.Method != http.MethodPut {
		return nil, fault.Field("method", "want POST or PUT")
	}
	for name, value := range o.Headers {
		if !headerName(name) || strings.ContainsAny(value, "\r\n") {
			return nil, fault.Field("headers", "a name or value that no header can have")
		}
	}
	words, err := vocabulary(o.Words)
	if err != nil {
		return nil, err
	}
	return &Client{
		options: o, body: body, words: words, out: outbound.New(outbound.Options{Allow: o.Allow, Timeout: o.Timeout}),
	}, nil
}

// Carries reports whether there is an address for this channel.
func (c *Client) Carries(channel org.Channel) bool { return c.address(channel) != "" }

func (c *Client) address(channel org.Channel) string {
	switch channel {
	case org.SMS:
		return c.options.SMSURL
	case org.Voice:
		return c.options.VoiceURL
	case org.Email, org.Webhook:
	}
	return ""
}

// Send hands a message to the provider. A definite refusal is a receipt; an error is fault.Throttled (429), or
// fault.Unavailable when nobody knows whether it left, with page.ErrUnsent in it when nothing did.
func (c *Client) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	address := c.address(m.Channel)
	if address == "" {
		return page.Receipt{}, fault.Field("channel", "no address of the gateway for %q", m.Channel)
	}
	filled := c.fill(m)
	content, kind, err := encode(c.options.Format, substitute(c.body, filled))
	if err != nil {
		return page.Receipt{}, err
	}
	answer, err := c.exchange(ctx, c.options.Method, address, content, kind, filled)
	if err != nil {
		return page.Receipt{}, err
	}
	switch {
	case answer.status >= 200 && answer.status < 300:
		return c.taken(m, answer)
	case answer.status == http.StatusTooManyRequests:
		return page.Receipt{}, fault.Later(max(answer.after, time.Second), "the gateway asks to wait")
	case answer.status >= 500, answer.status == http.StatusRequestTimeout:
		return page.Receipt{}, &fault.Error{
			Kind: fault.Unavailable, Message: "the gateway answered " + strconv.Itoa(answer.status), RetryAfter: answer.after,
		}
	}
	return refused(m, strconv.Itoa(answer.status), "the gateway refused it"), nil
}

// taken reads an answer of success. One that should name the message and does not is a refusal in polite form.
func (c *Client) taken(m page.Message, a answer) (page.Receipt, error) {
	if c.options.ID == "" {
		return c.receipt(m, "", ""), nil
	}
	document, err := parse(a.kind, a.body)
	if err != nil {
		return page.Receipt{}, fault.New(fault.Unavailable, "the gateway's answer is not readable")
	}
	named := at(document, c.options.ID)
	if named == "" {
		return refused(m, strconv.Itoa(a.status), "the gateway answered without a name for the message"), nil
	}
	return c.receipt(m, named, at(document, c.options.Status)), nil
}

// receipt of a word; no word: the provider has it.
func (c *Client) receipt(m page.Message, named, word string) page.Receipt {
	status, class, reason := page.Accepted, page.Pending, ""
	if word != "" {
		status, class, reason = c.classify(word)
	}
	return page.Receipt{
		Key: m.Key, Status: status, Class: class, Provider: Provider, ProviderID: named, Reason: reason, At: time.Now().UTC(),
	}
}

func refused(m page.Message, code, reason string) page.Receipt {
	return page.Receipt{
		Key: m.Key, Status: page.Failed, Class: page.Dead, Provider: Provider, Code: code, Reason: reason, At: time.Now().UTC(),
	}
}

// Elsewhere reports whether another provider may well carry what was refused here: our access or the provider itself is
// at fault (401 to 405, a redirect, no name for the message), not the number or the words (400, 422).
func Elsewhere(r page.Receipt) bool {
	if r.Class == page.Transient {
		return true
	}
	return r.Class == page.Dead && r.Status == page.Failed && r.Code != "400" && r.Code != "422"
}

// Find asks by our own name for the message whether it arrived there. Without such an address the provider cannot be
// asked, which is an error, unless sending again is harmless.
func (c *Client) Find(ctx context.Context, m page.Message, _ time.Time) (page.Receipt, bool, error) {
	if !c.askable() {
		if c.options.Idempotent {
			return page.Receipt{}, false, nil
		}
		return page.Receipt{}, false, fault.New(fault.Unavailable, "the gateway cannot be asked about a message")
	}
	return c.look(ctx, m, "")
}

// askable: by the names that we gave.
func (c *Client) askable() bool {
	return c.options.LookupURL != "" && !strings.Contains(c.options.LookupURL, "{id}")
}

// Ask tells what became of a message that the provider has named, for one whose callback never came. fault.NotFound when
// there is no telling.
func (c *Client) Ask(ctx context.Context, m page.Message, named string) (page.Receipt, error) {
	if c.options.LookupURL == "" {
		return page.Receipt{}, fault.New(fault.NotFound, "the gateway cannot be asked about a message")
	}
	r, found, err := c.look(ctx, m, named)
	if err == nil && !found {
		return r, fault.New(fault.NotFound, "the gateway does not know the message")
	}
	return r, err
}

func (c *Client) look(ctx context.Context, m page.Message, named string) (page.Receipt, bool, error) {
	filled := c.fill(m)
	filled["id"] = named
	answer, err := c.exchange(ctx, http.MethodGet, escaped(c.options.LookupURL, filled), nil, "", filled)
	switch {
	case err != nil:
		return page.Receipt{}, false, err
	case answer.status == http.StatusNotFound || answer.status == http.StatusGone:
		return page.Receipt{}, false, nil
	case answer.status < 200 || answer.status >= 300:
		return page.Receipt{}, false, fault.New(fault.Unavailable, "the gateway answered %d to a question", answer.status)
	}
	document, err := parse(answer.kind, answer.body)
	if err != nil {
		return page.Receipt{}, false, fault.New(fault.Unavailable, "the gateway's answer is not readable")
	}
	word := at(document, c.options.Status)
	if word == "" {
		return page.Receipt{}, false, nil
	}
	return c.receipt(m, fallback(named, at(document, fallback(c.options.ID, c.options.StatusID))), word), true, nil
}

// Tells reports whether there is an address that says how the provider does.
func (c *Client) Tells() bool { return c.options.HealthURL != "" }

// Doctor asks there.
func (c *Client) Doctor(ctx context.Context) error {
	if !c.Tells() {
		return fault.New(fault.NotFound, "the gateway does not say how it does")
	}
	answer, err := c.exchange(ctx, http.MethodGet, c.options.HealthURL, nil, "", nil)
	if err == nil && (answer.status < 200 || answer.status >= 300) {
		err = fault.New(fault.Unavailable, "the gateway answered %d", answer.status)
	}
	return err
}

// answer of the provider.
type answer struct {
	status int
	kind   string // its Content-Type
	body   []byte
	after  time.Duration
}

func (c *Client) exchange(ctx context.Context, method, address string, content []byte, kind string, filled map[string]string) (answer, error) {
	var left atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { left.Store(true) }})
	var reader io.Reader
	if content != nil {
		reader = strings.NewReader(string(content))
	}
	request, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return answer{}, fault.New(fault.Invalid, "the gateway's address does not hold with a message in it")
	}
	request.Header.Set("User-Agent", "belay")
	request.Header.Set("Accept", "application/json")
	for name, value := range c.options.Headers {
		request.Header.Set(name, printable(fillIn(value, filled)))
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	response, err := c.out.Do(request)
	if err != nil {
		return answer{}, silence(err, left.Load())
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return answer{}, silence(err, true)
	}
	return answer{response.StatusCode, response.Header.Get("Content-Type"), body, retryAfter(response.Header.Get("Retry-After"))}, nil
}

// silence is no answer.
func silence(err error, left bool) error {
	if !left {
		err = errors.Join(page.ErrUnsent, err)
	}
	return fault.Wrap(fault.Unavailable, err, "reach the gateway")
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3), within reason.
func retryAfter(header string) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(header); err == nil {
		wait = time.Duration(min(seconds, 3600)) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, 0), time.Hour)
}

func web(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && u.User == nil && (u.Scheme == "http" || u.Scheme == "https")
}

func headerName(name string) bool {
	if name == "" {
		return false
	}
	for _, r := range name {
		if !(r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return false
		}
	}
	return true
}

func fallback(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
