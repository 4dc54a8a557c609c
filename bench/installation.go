package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
	"github.com/belayhq/belay/internal/stack"
)

// Installation is a Belay of the bench's own, as an operator runs it: a dev stack, one process that serves and one that
// works, with real carriers that lead to the sink.
type Installation struct {
	Options // filled with where everything is

	home  string
	env   []string
	child *stack.Child
	nodes []*node
}

type node struct {
	name  string
	cmd   *exec.Cmd
	stdin io.Closer
	log   *os.File
	ended chan struct{}
}

// Install starts one in a directory of its own. binary is Belay; it must know `bench node`.
func Install(ctx context.Context, binary string, o Options) (*Installation, error) {
	home, err := os.MkdirTemp("", "belay-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a home for the bench: %w", err)
	}
	i := &Installation{Options: o, home: home}
	if err := i.begin(ctx, binary); err != nil {
		return nil, errors.Join(err, i.Stop())
	}
	return i, nil
}

func (i *Installation) begin(ctx context.Context, binary string) error {
	addresses, err := free(5)
	if err != nil {
		return err
	}
	i.Sink, i.Key = addresses[0], "bench0demo0key"
	i.Server, i.Probes = "http://"+addresses[1], addresses[3:]
	if err := i.stack(ctx); err != nil {
		return err
	}
	sink := "http://" + i.Sink
	i.env = append(without(os.Environ(), "BELAY_", "TEMPORAL_"),
		"BELAY_DATABASE_URL="+i.Database, "BELAY_TEMPORAL_ADDR="+i.Temporal, "BELAY_HOME="+i.home,
		"BELAY_HTTP_ADDR="+addresses[1], "BELAY_WORKER_ADDR="+addresses[2], "BELAY_URL="+i.Server,
		"BELAY_SECRET=the bench seals its links with this", "BELAY_WEBHOOK_SECRET=bench", "BELAY_WEBHOOK_ALLOW=127.0.0.0/8",
		"BELAY_TWILIO_ACCOUNT_SID="+twiliofake.AccountSID, "BELAY_TWILIO_AUTH_TOKEN="+twiliofake.AuthToken,
		"BELAY_TWILIO_FROM=+12125550100", "BELAY_TWILIO_BASE_URL="+sink, "BELAY_LOG_LEVEL=warn")
	if _, err := i.run(ctx, binary, "migrate"); err != nil {
		return err
	}
	token, err := i.run(ctx, binary, "token", "create", "bench", "--role", "admin")
	if err != nil {
		return err
	}
	i.Token = strings.TrimSpace(token)
	i.env = append(i.env, "BELAY_TOKEN="+i.Token)

	if err := i.spawn(ctx, binary, "serve", addresses[1], i.Probes[0]); err != nil {
		return err
	}
	blueprint := filepath.Join(i.home, "blueprint")
	if err := os.Mkdir(blueprint, 0o755); err != nil {
		return fmt.Errorf("write the blueprint: %w", err)
	}
	if err := os.WriteFile(filepath.Join(blueprint, "bench.yaml"), []byte(Blueprint(sink, i.Key)), 0o600); err != nil {
		return fmt.Errorf("write the blueprint: %w", err)
	}
	if _, err := i.run(ctx, binary, "apply", blueprint); err != nil {
		return err
	}
	if err := i.spawn(ctx, binary, "worker", addresses[2], i.Probes[1]); err != nil {
		return err
	}
	i.Processes = []Process{
		{Name: "temporal", PID: parentOf(i.child.PostgresPID)}, // the dev stack runs it, and has started PostgreSQL
		{Name: "postgres", PID: i.child.PostgresPID, Family: true},
	}
	for _, n := range i.nodes {
		i.Processes = append(i.Processes, Process{Name: n.name, PID: n.cmd.Process.Pid})
	}
	return i.settled(ctx)
}

// settled waits until the process that serves has seen the worker: until then it opens by the oldest rules.
func (i *Installation) settled(ctx context.Context) error {
	want := []byte(fmt.Sprintf("belay_rules %d\n", escalation.CurrentRules))
	for {
		said, err := get(ctx, i.Server+"/metrics")
		if err != nil {
			return err
		}
		if bytes.Contains(said, want) {
			return nil
		}
		if err := until(ctx, time.Now().Add(50*time.Millisecond)); err != nil {
			return fmt.Errorf("wait for %s: %w", want, err)
		}
	}
}

func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", url, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", url, err)
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

func (i *Installation) stack(ctx context.Context) error {
	source, err := stack.Source(".")
	if err != nil {
		return err
	}
	binary, err := stack.Build(ctx, source, i.Say)
	if err != nil {
		return err
	}
	i.child, err = stack.Start(ctx, binary, stack.Options{
		Home: filepath.Join(i.home, "stack"), PostgresAddr: "127.0.0.1:0", TemporalAddr: "127.0.0.1:0", SearchAttributes: durable.AttributeTypes(),
	})
	if err != nil {
		return err
	}
	i.Database, i.Temporal = i.child.DatabaseURL, i.child.TemporalAddr
	return nil
}

// run is a command of an operator.
func (i *Installation) run(ctx context.Context, binary string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = i.env
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("belay %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return string(out), nil
}

// spawn starts a process and waits until it is ready. It ends with us: it watches its standard input.
func (i *Installation) spawn(ctx context.Context, binary, role, address, probe string) error {
	n := &node{name: role, cmd: exec.Command(binary, "bench", "node", role, "--pprof", probe), ended: make(chan struct{})}
	var err error
	if n.log, err = os.Create(filepath.Join(i.home, role+".log")); err != nil {
		return fmt.Errorf("start %s: %w", role, err)
	}
	n.cmd.Env, n.cmd.Stdout, n.cmd.Stderr = i.env, n.log, n.log
	if n.stdin, err = n.cmd.StdinPipe(); err != nil {
		return fmt.Errorf("start %s: %w", role, err)
	}
	if err := n.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", role, err)
	}
	go func() {
		_ = n.cmd.Wait()
		close(n.ended)
	}()
	i.nodes = append(i.nodes, n)
	return n.ready(ctx, address)
}

func (n *node) ready(ctx context.Context, address string) error {
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
		if err != nil {
			return fmt.Errorf("wait for %s: %w", n.name, err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-n.ended:
			said, _ := os.ReadFile(n.log.Name())
			return fmt.Errorf("%s ended: %s", n.name, said)
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", n.name, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Complaints are the last lines that the processes wrote: they are told to write warnings only.
func (i *Installation) Complaints(most int) []string {
	var all []string
	for _, n := range i.nodes {
		said, err := os.ReadFile(n.log.Name())
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(said)), "\n")
		for _, line := range lines[max(0, len(lines)-most):] {
			if line != "" {
				all = append(all, n.name+": "+line)
			}
		}
	}
	return all
}

// Stop ends everything and removes its home.
func (i *Installation) Stop() error {
	for _, n := range slices.Backward(i.nodes) {
		_ = n.stdin.Close()
		select {
		case <-n.ended:
		case <-time.After(20 * time.Second): // there may be more to do than anybody wants to wait for
			_ = n.cmd.Process.Kill()
			<-n.ended
		}
		_ = n.log.Close()
	}
	var trouble error
	if i.child != nil {
		trouble = i.child.Stop()
	}
	return errors.Join(trouble, os.RemoveAll(i.home))
}

// free finds addresses that nobody listens on just now.
func free(n int) ([]string, error) {
	var all []string
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close()
		all = append(all, listener.Addr().String())
	}
	return all, nil
}

func without(environ []string, prefixes ...string) []string {
	return slices.DeleteFunc(environ, func(pair string) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(pair, prefix) })
	})
}
