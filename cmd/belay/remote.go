package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/api/client"
	"github.com/belayhq/belay/app"
)

// remote is the server that a command talks to.
type remote struct {
	server string
	token  string
	json   bool
}

// flags adds what every command that talks to a server understands.
func (r *remote) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.server, "server", "", "address of the server (BELAY_URL)")
	cmd.Flags().StringVar(&r.token, "token-file", "", "file with the bearer token (BELAY_TOKEN, else BELAY_HOME/admin-token)")
	output(cmd, &r.json)
}

// output adds -o.
func output(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().VarP(format{asJSON}, "output", "o", "text or json")
}

type format struct{ json *bool }

func (f format) String() string {
	if f.json != nil && *f.json {
		return "json"
	}
	return "text"
}

func (f format) Set(value string) error {
	switch value {
	case "json", "text":
		*f.json = value == "json"
		return nil
	}
	return errors.New("want text or json")
}

func (f format) Type() string { return "format" }

// dial finds server and token and makes the client.
func (r *remote) dial() (*client.Client, error) {
	r.server = r.address()
	bearer, err := r.bearer()
	if err != nil {
		return nil, err
	}
	return client.NewClient(r.server,
		client.WithHTTPClient(&http.Client{Timeout: 30 * time.Second}),
		client.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
			req.Header.Set("User-Agent", "belay-cli/"+version)
			if bearer != "" {
				req.Header.Set("Authorization", "Bearer "+bearer)
			}
			return nil
		}))
}

func (r *remote) address() string {
	for _, server := range []string{r.server, os.Getenv("BELAY_URL")} {
		if server != "" {
			return strings.TrimRight(server, "/")
		}
	}
	return fallback("BELAY_URL")
}

func (r *remote) bearer() (string, error) {
	if r.token != "" {
		return file(r.token)
	}
	if token := os.Getenv("BELAY_TOKEN"); token != "" {
		return token, nil
	}
	home := os.Getenv("BELAY_HOME")
	if home == "" {
		home = fallback("BELAY_HOME")
	}
	kept, err := file(filepath.Join(home, "admin-token"))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil // the server says what is missing
	}
	return kept, err
}

func file(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

func fallback(name string) string {
	for _, v := range app.Variables() {
		if v.Name == name {
			return v.Default
		}
	}
	return ""
}

// unreachable is a server that does not answer at all.
type unreachable struct {
	server string
	cause  error
}

func (u unreachable) Error() string { return fmt.Sprintf("reach %s: %v", u.server, u.cause) }
func (u unreachable) Unwrap() error { return u.cause }

// answer reads what the server said into T. Problems become errors in its words.
func answer[T any](r *remote, attempt string, response *http.Response, err error) (T, error) {
	var out T
	if err != nil {
		var network *net.OpError
		if errors.As(err, &network) {
			return out, fmt.Errorf("%s: %w", attempt, unreachable{r.server, network.Err})
		}
		return out, fmt.Errorf("%s: %w", attempt, unreachable{r.server, err})
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 32<<20))
	if err != nil {
		return out, fmt.Errorf("%s: read the answer: %w", attempt, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return out, fmt.Errorf("%s: %w", attempt, problem(response, body))
	}
	if response.StatusCode == http.StatusNoContent {
		return out, nil
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return out, fmt.Errorf("%s: %s does not answer like Belay: %w", attempt, r.server, err)
	}
	return out, nil
}

// refused is a problem document.
type refused struct{ client.Problem }

func (p refused) Error() string {
	text := p.Title
	if p.Detail != nil && *p.Detail != "" {
		text = *p.Detail
	}
	if p.Status == http.StatusNotFound && !strings.Contains(text, " no") {
		text += " does not exist"
	}
	if p.Status == http.StatusUnauthorized {
		text += " (BELAY_TOKEN or --token-file)"
	}
	return text
}

func problem(response *http.Response, body []byte) error {
	var p client.Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Title == "" {
		return fmt.Errorf("the server answers %s", response.Status)
	}
	return refused{p}
}

// write shows a value as JSON.
func write(cmd *cobra.Command, value any) error {
	encoder := json.NewEncoder(cmd.OutOrStdout())
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
