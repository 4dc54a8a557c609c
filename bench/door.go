package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// door is Belay's HTTP, as senders and responders use it.
type door struct {
	server string
	token  string
	http   *http.Client
}

func newDoor(server, token string) *door {
	return &door{server: server, token: token, http: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 128, MaxConnsPerHost: 128, IdleConnTimeout: time.Minute},
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
	Summary  string         `json:"summary"`
	Source   string         `json:"source"`
	Severity string         `json:"severity"`
	Details  map[string]any `json:"custom_details,omitempty"`
}

// trigger fires a critical alert whose title is its dedup key, and returns when it was accepted.
func (d *door) trigger(ctx context.Context, routingKey, title string) error {
	return d.fire(ctx, routingKey, title, "critical")
}

func (d *door) fire(ctx context.Context, routingKey, title, severity string) error {
	return d.post(ctx, "/v2/enqueue", "", event{Key: routingKey, Action: "trigger", Dedup: title, Payload: &payload{
		Summary: title, Source: "db-1.bench.example", Severity: severity,
		Details: map[string]any{"metric": "replication_lag_seconds", "value": 912.5, "threshold": 300, "region": "eu-west-1"},
	}}, nil, http.StatusAccepted)
}

// resolve is the monitor's word that all is well again.
func (d *door) resolve(ctx context.Context, routingKey, title string) error {
	return d.post(ctx, "/v2/enqueue", "", event{Key: routingKey, Action: "resolve", Dedup: title}, nil, http.StatusAccepted)
}

// open opens an escalation by hand and returns its ID.
func (d *door) open(ctx context.Context, service, title string) (string, error) {
	var out struct {
		ID string `json:"id"`
	}
	err := d.post(ctx, "/v1/escalations", title, map[string]string{"service": service, "title": title}, &out, http.StatusCreated)
	return out.ID, err
}

// say uses a verb and returns the outcome: "received" when it was handed over and no worker has confirmed it yet.
func (d *door) say(ctx context.Context, escalation, verb string) (string, error) {
	var out struct {
		Outcome string `json:"outcome"`
	}
	err := d.post(ctx, "/v1/escalations/"+escalation+"/"+verb, escalation+verb, struct{}{}, &out, http.StatusOK, http.StatusAccepted)
	return out.Outcome, err
}

// look reads what a person or a program sees: a list, a page.
func (d *door) look(ctx context.Context, path, accept string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.server+path, nil)
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	request.Header.Set("Authorization", "Bearer "+d.token)
	request.Header.Set("Accept", accept)
	_, err = d.ask(request, http.StatusOK)
	return err
}

func (d *door) post(ctx context.Context, path, key string, body, out any, want ...int) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("POST %s: %w", path, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.server+path, bytes.NewReader(encoded))
	if err != nil {
		return fmt.Errorf("POST %s: %w", path, err)
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+d.token)
		request.Header.Set("Idempotency-Key", key)
	}
	raw, err := d.ask(request, want...)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("POST %s: %w", path, err)
	}
	return nil
}

// ask sends a request and reads the whole answer, which must have one of these statuses.
func (d *door) ask(request *http.Request, want ...int) ([]byte, error) {
	what := request.Method + " " + request.URL.Path
	response, err := d.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if !slices.Contains(want, response.StatusCode) {
		return nil, fmt.Errorf("%s: %s: %.300s", what, response.Status, raw)
	}
	return raw, nil
}
