// Package canary plays a monitor that calls us, and a robot that we call, both over HTTP and at our own address. What it says
// is what the system of an integration would say, proved as that system proves it.
package canary

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
)

// Provider is how receipts name who carried a page to the robot.
const Provider = "robot"

// PagePath is where the robot is told, by POST.
const PagePath = "/callbacks/canary"

// ProofHeader is where a request says that it is a canary's, and proves it.
const ProofHeader = "X-Belay-Canary"

// Client reaches us as others do.
type Client struct {
	URL  string                  // "https://belay.example": ours, as seen from outside
	Page func(key string) string // proves that a message to the robot left here
	Now  func() time.Time
	HTTP *http.Client
}

// New makes a client. Redirects are not followed: they would carry the key of an integration along.
func New(address string, page func(string) string, now func() time.Time, patience time.Duration) *Client {
	return &Client{URL: strings.TrimRight(address, "/"), Page: page, Now: now, HTTP: &http.Client{
		Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Say sends what the system of an integration would send. Errors never hold the key or the secret of the integration.
func (c *Client) Say(ctx context.Context, in org.Integration, firing bool, proof string) error {
	if in.Canary == nil {
		return fault.New(fault.Invalid, "integration %s has no canary", in.ID)
	}
	said, known := body(*in.Canary, firing, c.Now())
	if !known {
		return fault.New(fault.Invalid, "no canary speaks %q", in.Canary.Format)
	}
	path, header := door(in, firing)
	if path == "" {
		path, header = "/in/"+in.Canary.Format+"/"+url.PathEscape(in.Key), Signed(in.Canary.Format, in.Secret, []byte(said), c.Now())
	}
	if in.Canary.Format == PagerDutyAPI {
		said = strings.ReplaceAll(said, "KEY", in.Key)
	}
	header[ProofHeader] = proof
	return c.post(ctx, path, []byte(said), header)
}

// Signed are the headers with which a system proves a request to whoever has the secret of its integration.
func Signed(format, secret string, body []byte, at time.Time) map[string]string {
	header := map[string]string{}
	if secret == "" {
		return header
	}
	sign := func(parts ...string) []byte {
		mac := hmac.New(sha256.New, []byte(secret))
		for _, part := range parts {
			mac.Write([]byte(part))
		}
		return mac.Sum(nil)
	}
	switch format {
	case "grafana":
		header["X-Grafana-Alerting-Signature"] = hex.EncodeToString(sign(string(body)))
	case "sentry":
		header["Sentry-Hook-Signature"] = hex.EncodeToString(sign(string(body)))
	case "pagerduty-webhook":
		header["X-PagerDuty-Signature"] = "v1=" + hex.EncodeToString(sign(string(body)))
	case "jira":
		header["X-Hub-Signature"] = "sha256=" + hex.EncodeToString(sign(string(body)))
	case "zendesk":
		stamp := at.UTC().Format(time.RFC3339)
		header["X-Zendesk-Webhook-Signature-Timestamp"] = stamp
		header["X-Zendesk-Webhook-Signature"] = base64.StdEncoding.EncodeToString(sign(stamp, string(body)))
	default:
		header["Authorization"] = "Bearer " + secret
	}
	return header
}

// Send tells the robot. It is a carrier like any other: the robot says by a callback that it was told.
func (c *Client) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	written, err := json.Marshal(map[string]string{"key": m.Key})
	if err != nil {
		return page.Receipt{}, fault.Wrap(fault.Internal, err, "write a page for the robot")
	}
	if err := c.post(ctx, PagePath, written, map[string]string{ProofHeader: c.Page(m.Key)}); err != nil {
		return page.Receipt{}, fault.Wrap(fault.Unavailable, err, "tell the robot")
	}
	return page.Receipt{Key: m.Key, Status: page.Accepted, Class: page.Pending, Provider: Provider, At: c.Now()}, nil
}

// Find knows nothing: to tell a robot twice harms nobody.
func (c *Client) Find(context.Context, page.Message, time.Time) (page.Receipt, bool, error) {
	return page.Receipt{}, false, nil
}

// mostAnswer that is read, so that the connection can be used again.
const mostAnswer = 64 << 10

func (c *Client) post(ctx context.Context, path string, body []byte, header map[string]string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return fault.New(fault.Invalid, "BELAY_CANARY_URL is no address")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "belay-canary")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := c.HTTP.Do(request)
	var where *url.Error
	if errors.As(err, &where) {
		err = where.Err // the address holds the key
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "our own address does not answer")
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, mostAnswer))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fault.New(fault.Unavailable, "our own address answers %s", strconv.Itoa(response.StatusCode))
	}
	return nil
}
