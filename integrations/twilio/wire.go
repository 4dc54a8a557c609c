package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twilio/twilio-go/client"
	rest "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/page"
)

// answerLimit is far above what Twilio answers; a list of fifty messages has about 60 kB.
const answerLimit = 1 << 20

// wire carries one request of the generated client: with our context, to our address, and with errors that keep the
// status and the pause that Twilio asks for, which the library's own transport drops.
type wire struct {
	ctx    context.Context
	client *Client
	clock  *clock // may be nil
}

func service(w wire) *rest.ApiService {
	// Not through the library's constructor, which reads regions from the environment.
	return rest.NewApiService(&client.RequestHandler{Client: w})
}

func (w wire) AccountSid() string       { return w.client.options.AccountSID }
func (w wire) SetTimeout(time.Duration) {}
func (w wire) SetOauth(client.OAuth)    {}
func (w wire) OAuth() client.OAuth      { return nil }

// SendRequest is the library's port.
func (w wire) SendRequest(method, raw string, data url.Values, headers map[string]any, _ ...byte) (*http.Response, error) {
	target, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	target.Scheme, target.Host = w.client.base.Scheme, w.client.base.Host
	target.Path = w.client.base.Path + target.Path
	var body io.Reader
	if method == http.MethodGet {
		target.RawQuery = data.Encode()
	} else {
		body = strings.NewReader(data.Encode())
	}
	request, err := http.NewRequestWithContext(w.ctx, method, target.String(), body)
	if err != nil {
		return nil, err
	}
	if method != http.MethodGet {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "belay")
	request.SetBasicAuth(w.client.options.AccountSID, w.client.options.AuthToken)
	var left atomic.Bool
	request = request.WithContext(httptrace.WithClientTrace(w.ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { left.Store(true) }}))
	response, err := w.client.http.Do(request)
	if err != nil && !left.Load() {
		return nil, &unsent{err}
	}
	if err != nil {
		return nil, err
	}
	w.clock.read(response)
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		response.Body = limited{io.LimitReader(response.Body, answerLimit), response.Body}
		return response, nil
	}
	defer response.Body.Close()
	return nil, refusalOf(response)
}

// unsent is a request that found no connection to leave by: no name, no route, no handshake in time.
type unsent struct{ cause error }

func (u *unsent) Error() string        { return page.ErrUnsent.Error() + ": " + plain(u.cause).Error() }
func (u *unsent) Unwrap() error        { return plain(u.cause) }
func (u *unsent) Is(target error) bool { return target == page.ErrUnsent } // errors.Is asks for identity

// plain leaves out the address: the text of a url.Error has the number of the person in it.
func plain(err error) error {
	var address *url.Error
	if errors.As(err, &address) {
		return address.Err
	}
	return err
}

type limited struct {
	io.Reader
	io.Closer
}

// refusal is an answer that is not a success. Twilio's own words stay out of it: they name the number.
type refusal struct {
	status int
	code   string // Twilio's, may be empty
	after  time.Duration
}

func (r *refusal) Error() string {
	text := "HTTP " + strconv.Itoa(r.status)
	if r.code != "" {
		text += ", error " + r.code
	}
	return text
}

func refusalOf(response *http.Response) *refusal {
	r := refusal{status: response.StatusCode}
	var body struct {
		Code int `json:"code"`
	}
	// Proxies answer with pages of their own; a body that is not Twilio's has no code.
	if json.NewDecoder(io.LimitReader(response.Body, answerLimit)).Decode(&body) == nil && body.Code > 0 {
		r.code = strconv.Itoa(body.Code)
	}
	r.after = retryAfter(response.Header.Get("Retry-After"))
	return &r
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

// definite: the request was understood and refused, so that nothing left.
func (r *refusal) definite() bool { return !r.throttled() && !r.unknown() }

func (r *refusal) throttled() bool {
	return r.status == http.StatusTooManyRequests || r.code == "20429"
}

func (r *refusal) unknown() bool { return r.status >= 500 || r.status == http.StatusRequestTimeout }

func refused(err error) (*refusal, bool) {
	var r *refusal
	return r, errors.As(err, &r)
}

// outcome turns the error of a request that should have sent m into a receipt or a fault.
func (c *Client) outcome(m page.Message, err error) (page.Receipt, error) {
	if no, ok := refused(err); ok && no.definite() {
		receipt := c.receipt(m, "", failed, no.code, "")
		if no.code == "" {
			receipt.Reason = "refused by Twilio: " + no.Error()
		}
		return receipt, nil
	}
	return page.Receipt{}, trouble(err)
}

// trouble is an error after which nobody knows, or after which waiting helps.
func trouble(err error) error {
	if no, ok := refused(err); ok && no.throttled() {
		return fault.Later(max(no.after, time.Second), "twilio asks to wait: %s", no.Error())
	}
	if no, ok := refused(err); ok {
		return &fault.Error{Kind: fault.Unavailable, Message: "twilio does not work: " + no.Error(), RetryAfter: no.after}
	}
	var nowhere *unsent
	if errors.As(err, &nowhere) {
		return fault.Wrap(fault.Unavailable, nowhere, "reach twilio")
	}
	return fault.Wrap(fault.Unavailable, plain(err), "reach twilio")
}

// clock is how far Twilio's clock is ahead of ours, read from the Date of an answer.
type clock struct{ ahead time.Duration }

func (c *clock) read(response *http.Response) {
	if c == nil {
		return
	}
	if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		c.ahead = time.Until(at)
	}
}

// slack covers dates in whole seconds, on both sides, and the time an answer takes.
const slack = 2 * time.Second

// reached reports whether a resource created at this instant of Twilio's clock can stem from a Send begun at since.
func (c *clock) reached(created string, since time.Time) bool {
	at, err := time.Parse(time.RFC1123Z, created)
	return err == nil && !at.Before(since.Add(c.ahead-slack))
}
