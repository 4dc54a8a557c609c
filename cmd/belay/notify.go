package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// notification is what Nagios or Icinga has to say of one host or service, by the names of its macros.
type notification struct {
	server, key, keyFile string
	within               time.Duration
	said                 map[string]*string
}

// macros are flags and the macros that they stand for. The environment is read for those that no flag gives, as NAGIOS_NAME,
// ICINGA_NAME, NAEMON_NAME and NOTIFY_NAME.
var macros = []struct{ flag, macro, help string }{
	{"type", "NOTIFICATIONTYPE", "PROBLEM, RECOVERY, ACKNOWLEDGEMENT, …"},
	{"host", "HOSTNAME", "name of the host"},
	{"host-state", "HOSTSTATE", "UP, DOWN or UNREACHABLE"},
	{"host-output", "HOSTOUTPUT", "what the check of the host said"},
	{"address", "HOSTADDRESS", "address of the host"},
	{"service", "SERVICEDESC", "name of the service; without it the host is meant"},
	{"service-state", "SERVICESTATE", "OK, WARNING, CRITICAL or UNKNOWN"},
	{"output", "SERVICEOUTPUT", "what the check of the service said"},
	{"long-output", "LONGSERVICEOUTPUT", "the rest of it"},
	{"author", "NOTIFICATIONAUTHOR", "who acknowledged"},
	{"comment", "NOTIFICATIONCOMMENT", "and with which words"},
	{"time", "TIMET", "when, as seconds since 1970 or RFC 3339"},
	{"link", "SERVICEACTIONURL", "page of the host or service"},
	{"notes-url", "SERVICENOTESURL", "what to do about it"},
}

func notify() *cobra.Command {
	n := notification{said: map[string]*string{}}
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Tell Belay what Nagios or Icinga has found: a notification command",
		Long: "Post one notification to the integration with this key. What no flag says is taken from the environment: NAGIOS_HOSTNAME,\n" +
			"ICINGA_SERVICESTATE and so on. It tries again while the server cannot be reached, and ends with status 0 only when the\n" +
			"server has written the notification down; the key is never printed.",
		Example: "  BELAY_URL=https://belay.example BELAY_KEY=… belay notify --type '$NOTIFICATIONTYPE$' --host '$HOSTNAME$' \\\n" +
			"    --service '$SERVICEDESC$' --service-state '$SERVICESTATE$' --output '$SERVICEOUTPUT$'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return n.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&n.server, "server", "", "address of the server (BELAY_URL)")
	flags.StringVar(&n.key, "key", "", "key of the integration (BELAY_KEY); others on this machine can see it in the list of processes")
	flags.StringVar(&n.keyFile, "key-file", "", "file with the key (BELAY_KEY_FILE)")
	flags.DurationVar(&n.within, "within", 50*time.Second, "how long to try; Nagios kills commands after notification_timeout")
	for _, m := range macros {
		n.said[m.macro] = flags.String(m.flag, "", m.help+" ("+m.macro+")")
	}
	return cmd
}

func (n *notification) run(cmd *cobra.Command) error {
	at, err := n.address()
	if err != nil {
		return err
	}
	said := n.macros()
	if said["HOSTNAME"] == "" {
		return errors.New("host: say which host with --host, NAGIOS_HOSTNAME or ICINGA_HOSTNAME")
	}
	if said["NOTIFICATIONTYPE"] == "" && said["HOSTSTATE"] == "" && said["SERVICESTATE"] == "" {
		return errors.New("state: say what became of it with --type, --host-state or --service-state")
	}
	body, err := json.Marshal(said)
	if err != nil {
		return fmt.Errorf("write the notification: %w", err)
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), n.within)
	defer cancel()
	return n.deliver(ctx, at, body)
}

// macros that were said, by flag or by the environment. Those that nobody resolved are none.
func (n *notification) macros() map[string]string {
	said := map[string]string{}
	for macro, flag := range n.said {
		value := *flag
		for _, prefix := range []string{"NAGIOS_", "ICINGA_", "NAEMON_", "NOTIFY_"} {
			if value == "" {
				value = os.Getenv(prefix + macro)
			}
		}
		if value = strings.TrimSpace(value); value != "" && value != "$"+macro+"$" {
			said[macro] = value
		}
	}
	return said
}

func (n *notification) address() (string, error) {
	server, key, file := n.server, n.key, n.keyFile
	if server == "" {
		server = os.Getenv("BELAY_URL")
	}
	if key == "" {
		key = os.Getenv("BELAY_KEY")
	}
	if file == "" {
		file = os.Getenv("BELAY_KEY_FILE")
	}
	if key == "" && file != "" {
		kept, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read the key: %w", err)
		}
		key = strings.TrimSpace(string(kept))
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("server: say where it is with --server or BELAY_URL, as https://belay.example")
	}
	if key == "" {
		return "", errors.New("key: say the key of the integration with BELAY_KEY, --key-file or --key")
	}
	return u.JoinPath("in", "nagios", url.PathEscape(key)).String(), nil
}

// deliver posts until the server has it, refuses it, or time is up.
func (n *notification) deliver(ctx context.Context, at string, body []byte) error {
	for wait := time.Second; ; wait = min(2*wait, 10*time.Second) {
		again, err := post(ctx, at, body)
		if err == nil || !again {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the notification was not taken within %s: %w", n.within, err)
		case <-time.After(wait):
		}
	}
}

// mostAnswer of a server is read.
const mostAnswer = 64 << 10

// post tells whether trying again may help. Its errors do not say the address: the key is in it.
func post(ctx context.Context, at string, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the address of the server is none")
	}
	request.Header.Set("Content-Type", "application/json")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	var failed *url.Error
	if errors.As(err, &failed) {
		return true, fmt.Errorf("reach the server: %w", failed.Err)
	}
	if err != nil {
		return true, errors.New("reach the server")
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if answer.StatusCode >= 200 && answer.StatusCode < 300 {
		return false, nil
	}
	var problem struct {
		Detail string `json:"detail"`
		Field  string `json:"field"`
	}
	_ = json.Unmarshal(said, &problem) // a proxy says it otherwise
	words := strings.TrimPrefix(problem.Field+": "+problem.Detail, ": ")
	again = answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500
	return again, fmt.Errorf("the server answered %s: %s", answer.Status, words)
}
