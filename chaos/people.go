package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// outside is Belay's HTTP as senders and responders use it: through the door, and again when it does not open.
type outside struct {
	server string
	token  string
	http   *http.Client
}

func newOutside(server, token string) *outside {
	return &outside{server: server, token: token, http: &http.Client{
		Timeout:   15 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute},
	}}
}

// event is one of the PagerDuty Events API v2.
type event struct {
	Key     string   `json:"routing_key"`
	Action  string   `json:"event_action"`
	Dedup   string   `json:"dedup_key"`
	Payload *payload `json:"payload,omitempty"`
}

type payload struct {
	Summary  string `json:"summary"`
	Source   string `json:"source"`
	Severity string `json:"severity"`
}

func (o *outside) event(ctx context.Context, n int, action, title string) error {
	e := event{Key: routingKey(n), Action: action, Dedup: title}
	if action == "trigger" {
		e.Payload = &payload{Summary: title, Source: "db-1.chaos.example", Severity: "critical"}
	}
	_, err := o.ask(ctx, http.MethodPost, "/v2/enqueue", "", e)
	return err
}

// say uses a verb, and returns the outcome: "done", or "received" when it was only handed over.
func (o *outside) say(ctx context.Context, escalation, verb, key string, body any) (string, error) {
	raw, err := o.ask(ctx, http.MethodPost, "/v1/escalations/"+escalation+"/"+verb, key, body)
	if err != nil {
		return "", err
	}
	var out struct {
		Outcome string `json:"outcome"`
	}
	err = json.Unmarshal(raw, &out)
	return out.Outcome, err
}

// ask makes a request. Any answer but 2xx is an error.
func (o *outside) ask(ctx context.Context, method, path, key string, body any) ([]byte, error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, o.server+path, content)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	request.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(path, "/v1/") {
		request.Header.Set("Authorization", "Bearer "+o.token)
	}
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	return o.do(request)
}

func (o *outside) do(request *http.Request) ([]byte, error) {
	response, err := o.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", request.Method, request.URL.Path, err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", request.Method, request.URL.Path, err)
	}
	if response.StatusCode/100 != 2 {
		return nil, &refused{status: response.StatusCode, words: fmt.Sprintf("%s %.60s: %s %s", request.Method, request.URL.Path, response.Status, brief(response, raw))}
	}
	return raw, nil
}

// brief is what a problem document says; a page for people says too much.
func brief(response *http.Response, raw []byte) string {
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
		return "(a page)"
	}
	return fmt.Sprintf("%.200s", bytes.TrimSpace(raw))
}

// refused is an answer that is none of 2xx.
type refused struct {
	status int
	words  string
}

func (r *refused) Error() string { return r.words }

// final reports that asking again is no use.
func final(err error) bool {
	var no *refused
	return errors.As(err, &no) && no.status/100 == 4 && no.status != http.StatusTooManyRequests && no.status != http.StatusRequestTimeout && no.status != http.StatusConflict
}

// hungUp reports that the process at the other end died, or was dead: what the door in front says of that is no answer of
// Belay's.
func hungUp(err error) bool {
	var no *refused
	return errors.As(err, &no) && no.status == http.StatusBadGateway
}

var keyField = regexp.MustCompile(`name="key" value="([^"]+)"`)

// tap opens a signed link as a browser does, presses a button, and returns the page.
func (o *outside) tap(ctx context.Context, link, verb string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return "", err
	}
	page, err := o.do(request)
	if err != nil {
		return "", err
	}
	key := keyField.FindSubmatch(page)
	if key == nil {
		return string(page), nil // there is nothing to press any more
	}
	form := url.Values{"verb": {verb}, "key": {string(key[1])}}
	if request, err = http.NewRequestWithContext(ctx, http.MethodPost, link, strings.NewReader(form.Encode())); err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	page, err = o.do(request)
	return string(page), err
}

// record reads what the API shows of every escalation.
func (o *outside) record(ctx context.Context, prefix string) ([]Record, error) {
	var all []Record
	for cursor := ""; ; {
		query := url.Values{"limit": {"200"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		raw, err := o.read(ctx, "/v1/escalations?"+query.Encode())
		if err != nil {
			return nil, err
		}
		var list struct {
			Escalations []struct{ ID, Title, State string }
			Cursor      string
		}
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, fmt.Errorf("read the list: %w", err)
		}
		for _, e := range list.Escalations {
			if !strings.HasPrefix(e.Title, prefix) {
				continue
			}
			r := Record{Escalation: e.ID, Title: e.Title, State: e.State}
			if r.Entries, err = o.timeline(ctx, e.ID); err != nil {
				return nil, err
			}
			all = append(all, r)
		}
		if cursor = list.Cursor; cursor == "" {
			return all, nil
		}
	}
}

// read waits where it is told that it is too fast: after a long play there are a thousand timelines.
func (o *outside) read(ctx context.Context, path string) ([]byte, error) {
	for {
		raw, err := o.ask(ctx, http.MethodGet, path, "", nil)
		var no *refused
		if !errors.As(err, &no) || no.status != http.StatusTooManyRequests {
			return raw, err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func (o *outside) timeline(ctx context.Context, escalation string) ([]Entry, error) {
	var all []Entry
	for {
		raw, err := o.read(ctx, fmt.Sprintf("/v1/escalations/%s/timeline?after=%d", escalation, len(all)))
		if err != nil {
			return nil, err
		}
		var out struct{ Entries []Entry }
		if err := json.Unmarshal(raw, &out); err != nil {
			return nil, fmt.Errorf("read the timeline of %s: %w", escalation, err)
		}
		all = append(all, out.Entries...)
		if len(out.Entries) < 1000 {
			return all, nil
		}
	}
}
