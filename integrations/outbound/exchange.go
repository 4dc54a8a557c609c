package outbound

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/belayhq/belay/core/fault"
)

// Answer to a request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// answerLimit is far above what a page of records takes.
const answerLimit = 16 << 20

// Exchange sends JSON and reads the answer. Faults: Throttled (429), Unavailable (no answer, 408 and 5xx: nobody knows whether
// it was done), Unauthenticated (401), Denied (403 and redirects), NotFound (404, 410), Conflict (409, 423), Invalid (the rest).
// What a system says of an error stays out of ours: it may hold what was sent.
func (c *Client) Exchange(ctx context.Context, who, method, address string, header map[string]string, body []byte) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return Answer{}, fault.New(fault.Invalid, "%s: the address is none", who)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "belay")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := c.Do(request)
	if err != nil {
		return Answer{}, fault.Wrap(fault.Unavailable, err, "reach %s", who)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return Answer{}, fault.Wrap(fault.Unavailable, err, "read the answer of %s", who)
	}
	a := Answer{Status: response.StatusCode, Header: response.Header, Body: read}
	if a.Status >= 200 && a.Status < 300 {
		return a, nil
	}
	return a, &fault.Error{Kind: kind(a.Status), Message: who + " answered " + strconv.Itoa(a.Status) + " to " + method, RetryAfter: retryAfter(a.Header.Get("Retry-After"))}
}

func kind(status int) fault.Kind {
	switch {
	case status == http.StatusTooManyRequests:
		return fault.Throttled
	case status >= 500, status == http.StatusRequestTimeout:
		return fault.Unavailable
	case status == http.StatusUnauthorized:
		return fault.Unauthenticated
	case status == http.StatusForbidden, status < 400:
		return fault.Denied
	case status == http.StatusNotFound, status == http.StatusGone:
		return fault.NotFound
	case status == http.StatusConflict, status == http.StatusLocked:
		return fault.Conflict
	}
	return fault.Invalid
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3), up to an hour.
func retryAfter(header string) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(header); err == nil {
		wait = time.Duration(min(seconds, 3600)) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, 0), time.Hour)
}
