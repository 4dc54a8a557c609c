// Package beacon speaks to addresses that the operators of an installation name for its own troubles: it posts notes to
// them, and pings a dead man's switch. Such an address often is the secret itself, so it never appears in errors; unlike
// those that people name for their pages it is trusted, and may lie in a private network.
package beacon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/belayhq/belay/core/fault"
)

// answerLimit is how much of an answer is read, so that the connection can be used again.
const answerLimit = 64 << 10

// Client posts and pings. Its zero value works.
type Client struct {
	Timeout   time.Duration     // of one request; default 10 s
	Transport http.RoundTripper // default: one that keeps no connection, as notes are rare
}

// Note is what is posted. Text alone is what Slack, Mattermost, Teams' workflows and the like show.
type Note struct {
	Text string `json:"text"`
	Key  string `json:"key"` // the same note has the same key
	// Status is "firing" while something stands, "resolved" when all that the note names is over.
	Status   string    `json:"status"`
	Troubles []Trouble `json:"troubles"`
	At       time.Time `json:"at"`
}

// Trouble is one finding of a note.
type Trouble struct {
	Key      string `json:"key"`    // the same trouble has the same key, from its beginning to its end
	Status   string `json:"status"` // "firing", "resolved"
	Severity string `json:"severity"`
	Text     string `json:"text"`
	Runbook  string `json:"runbook"`
}

// Post delivers a note. An answer other than 2xx is an error: fault.Unavailable for what may pass, fault.Denied for
// what will be refused again. Redirects are not followed.
func (c Client) Post(ctx context.Context, to string, n Note) error {
	body, err := json.Marshal(n)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "write a note")
	}
	return c.call(ctx, http.MethodPost, to, body, n.Key)
}

// Ping tells a dead man's switch that we live. Method is GET or POST.
func (c Client) Ping(ctx context.Context, method, to string) error {
	return c.call(ctx, method, to, nil, "")
}

func (c Client) call(ctx context.Context, method, to string, body []byte, key string) error {
	request, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return fault.New(fault.Invalid, "not a web address")
	}
	request.Header.Set("User-Agent", "belay-watchdog")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := c.client().Do(request)
	if err != nil {
		var address *url.Error
		if errors.As(err, &address) {
			err = address.Err
		}
		return fault.Wrap(fault.Unavailable, err, "reach the address")
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, answerLimit)
	switch status := response.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return fault.New(fault.Unavailable, "the address answers %d", status)
	default:
		return fault.New(fault.Denied, "the address answers %d", status)
	}
}

func (c Client) client() *http.Client {
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	transport := c.Transport
	if transport == nil {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSHandshakeTimeout: timeout}
	}
	return &http.Client{
		Timeout: timeout, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
