// Package webhook posts pages as signed JSON to addresses that people and vendors name. Such an address is a stranger's
// word: it may point into our own network, answer without end, or send us elsewhere. Addresses never appear in errors,
// since they often carry a secret in their path.
package webhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/outbound"
)

// Provider is how receipts of this package name it.
const Provider = "webhook"

// Headers of a request.
const (
	SignatureHeader = "Belay-Signature" // see Sign
	KeyHeader       = "Idempotency-Key" // the same key is the same message, however often it comes
)

// answerLimit is how much of an answer is read, so that the connection can be used again; the rest is dropped.
const answerLimit = 64 << 10

// Options of a Client.
type Options struct {
	Secret    string         // signs every request; must not be empty
	Allow     []netip.Prefix // networks that may be reached although they are not public, also by http
	Timeout   time.Duration  // of one request; default 10 s
	TLSConfig *tls.Config    // for authorities of one's own
}

// Client is a carrier of webhooks.
type Client struct {
	secret string
	out    *outbound.Client
}

// New checks the options. Errors are fault.Invalid and name the field.
func New(o Options) (*Client, error) {
	if o.Secret == "" {
		return nil, fault.Field("secret", "must not be empty")
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	return &Client{
		secret: o.Secret, out: outbound.New(outbound.Options{Allow: o.Allow, Timeout: o.Timeout, TLSConfig: o.TLSConfig}),
	}, nil
}

// Body is what is posted.
type Body struct {
	Key        string        `json:"key"`     // "E-42/t1/ana/hook/1"
	Purpose    page.Purpose  `json:"purpose"` // "page": an answer is needed; "inform"
	Person     id.Person     `json:"person"`
	Escalation id.Escalation `json:"escalation"`
	Vendor     id.Vendor     `json:"vendor,omitempty"`
	Title      string        `json:"title"`
	Service    string        `json:"service"`
	Priority   org.Priority  `json:"priority"`
	Tier       string        `json:"tier,omitempty"`
	Text       string        `json:"text"`           // to show to a person
	Link       string        `json:"link,omitempty"` // a page on which it can be acknowledged
	OpenedAt   time.Time     `json:"opened_at"`
	AnswerBy   time.Time     `json:"answer_by,omitzero"`
	Alarm      *page.Alarm   `json:"alarm,omitempty"` // what a promise about a ticket has reached; then there is no person
	// Digest lists all that the message tells of, when pages were gathered in a storm: worst first. The fields above are
	// then those of the worst, and the link shows all of them.
	Digest []page.Item `json:"digest,omitempty"`
}

// Send posts a message once. An answer of 2xx is delivery; what will be refused again is a receipt of class Dead. An
// error is fault.Throttled (429) or fault.Unavailable (5xx, no answer): the same request may be sent again, and the
// receiver knows it by its key.
func (c *Client) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	if m.Channel != org.Webhook {
		return page.Receipt{}, fault.Field("channel", "webhook carries webhooks, not %q", m.Channel)
	}
	to, err := url.Parse(m.To)
	if err != nil || to.Host == "" || (to.Scheme != "https" && to.Scheme != "http") {
		return receipt(m, page.Failed, page.Dead, "", "not a web address"), nil
	}
	request, err := c.request(ctx, m, to)
	if err != nil {
		return receipt(m, page.Failed, page.Dead, "", "not a web address"), nil
	}
	response, err := c.out.Do(request)
	if err != nil {
		return unanswered(m, err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, answerLimit)
	return answered(m, response)
}

// Find never finds: receivers cannot be asked. Sending again is harmless for those who heed the key.
func (c *Client) Find(context.Context, page.Message, time.Time) (page.Receipt, bool, error) {
	return page.Receipt{}, false, nil
}

func (c *Client) request(ctx context.Context, m page.Message, to *url.URL) (*http.Request, error) {
	body, err := json.Marshal(Body{
		Key: m.Key, Purpose: m.Purpose, Person: m.Person, Escalation: m.Brief.Escalation, Vendor: m.Brief.Vendor,
		Title: m.Brief.Title, Service: m.Brief.Service, Priority: m.Brief.Priority, Tier: m.Brief.Tier, Text: m.Body,
		Link: m.Link, OpenedAt: m.Brief.OpenedAt, AnswerBy: m.Brief.AnswerBy, Digest: m.Brief.Digest, Alarm: m.Brief.Alarm,
	})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "belay")
	request.Header.Set(KeyHeader, header(m.Key))
	request.Header.Set(SignatureHeader, Sign(c.secret, body, time.Now()))
	return request, nil
}

// header is a key as it may stand in a header; any other is named by its hash.
func header(key string) string {
	for _, b := range []byte(key) {
		if b < ' ' || b > '~' {
			sum := sha256.Sum256([]byte(key))
			return hex.EncodeToString(sum[:])
		}
	}
	return key
}

func answered(m page.Message, response *http.Response) (page.Receipt, error) {
	status := response.StatusCode
	code := strconv.Itoa(status)
	switch {
	case status >= 200 && status < 300:
		return receipt(m, page.Delivered, page.Arrived, code, ""), nil
	case status == http.StatusTooManyRequests:
		return page.Receipt{}, fault.Later(retryAfter(response), "webhook answered %d", status)
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return page.Receipt{}, &fault.Error{
			Kind: fault.Unavailable, Message: "webhook answered " + code, RetryAfter: retryAfter(response),
		}
	case status >= 300 && status < 400:
		return receipt(m, page.Failed, page.Dead, code, "the webhook redirects, which is not followed"), nil
	}
	return receipt(m, page.Failed, page.Dead, code, "the webhook refused it"), nil
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3), within reason.
func retryAfter(response *http.Response) time.Duration {
	text := response.Header.Get("Retry-After")
	var wait time.Duration
	if seconds, err := strconv.Atoi(text); err == nil {
		wait = time.Duration(min(seconds, 3600)) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, 0), time.Hour)
}

// unanswered tells what is certain to fail again from what may pass.
func unanswered(m page.Message, err error) (page.Receipt, error) {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, outbound.ErrNotPublic):
		return receipt(m, page.Failed, page.Dead, "", "the webhook's address is not a public one"), nil
	case errors.As(err, &name) && name.IsNotFound:
		return receipt(m, page.Failed, page.Dead, "", "the webhook's host does not exist"), nil
	case errors.As(err, &certificate):
		return receipt(m, page.Failed, page.Dead, "", "the webhook's certificate is not trusted"), nil
	}
	return page.Receipt{}, fault.Wrap(fault.Unavailable, err, "reach the webhook")
}

func receipt(m page.Message, status page.Status, class page.Class, code, reason string) page.Receipt {
	return page.Receipt{
		Key: m.Key, Status: status, Class: class, Provider: Provider, Code: code, Reason: reason, At: time.Now().UTC(),
	}
}
