package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/integrations/gateway/gatewayfake"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
	"github.com/belayhq/belay/internal/stack"
)

// installation is a Belay as an operator runs it: two API processes behind one door, two workers, a Temporal, and a
// PostgreSQL for each half. Everything can be killed by itself.
type installation struct {
	home   string
	env    []string
	binary string
	say    func(string)

	parts []part // in the order in which they start
	door  *door
	line  *line // between the workers and Temporal

	mounted []string
	Where
}

// Where everything is.
type Where struct {
	Database, Temporal, Token string
}

// part is something that can be killed and started again.
type part interface {
	Name() string
	Start(ctx context.Context) error // until it is ready; one that runs is left alone
	Kill()                           // kill -9, and wait for the end
	Stop()                           // politely, at the end
	PIDs() []int
}

func (i *installation) part(name string) part {
	at := slices.IndexFunc(i.parts, func(p part) bool { return p.Name() == name })
	if at < 0 {
		return nil
	}
	return i.parts[at]
}

// install starts everything.
func install(ctx context.Context, o Options, setup Setup, home, sink string) (*installation, error) {
	i := &installation{home: home, binary: o.Binary, say: o.Say}
	if err := i.begin(ctx, o, setup, sink); err != nil {
		i.stop()
		return nil, err
	}
	return i, nil
}

func (i *installation) begin(ctx context.Context, o Options, setup Setup, sink string) error {
	source, err := stack.Source(".")
	if err != nil {
		return err
	}
	devstack, err := stack.Build(ctx, source, i.say)
	if err != nil {
		return err
	}
	at, err := free(13)
	if err != nil {
		return err
	}
	i.Database = "postgres://belay@" + at[0] + "/belay?sslmode=disable"
	i.Temporal = at[2]
	record := &store{name: "postgres", binary: devstack, log: i.log("postgres"), options: stack.Options{
		Home: filepath.Join(i.home, "postgres"), PostgresAddr: at[0], TemporalAddr: at[2], NoTemporal: true, Fast: true,
	}}
	if err := i.disk(setup.Disk, record); err != nil {
		return err
	}
	i.parts = []part{
		record,
		&store{name: "temporal-postgres", binary: devstack, log: i.log("temporal-postgres"), options: stack.Options{
			Home: filepath.Join(i.home, "temporal-postgres"), PostgresAddr: at[1], TemporalAddr: at[2], NoTemporal: true, Fast: true,
		}},
		&store{name: "temporal", binary: devstack, log: i.log("temporal"), options: stack.Options{
			Home: filepath.Join(i.home, "temporal"), PostgresAddr: at[0], TemporalAddr: at[2], SearchAttributes: durable.AttributeTypes(),
			DatabaseURL: "postgres://belay@" + at[1] + "/postgres?sslmode=disable",
		}},
	}
	for _, p := range i.parts {
		if err := p.Start(ctx); err != nil {
			return err
		}
	}
	if i.line, err = connect(at[3], at[2]); err != nil {
		return err
	}
	if i.door, err = open(at[4], at[5], at[6]); err != nil {
		return err
	}
	i.env = append(without(os.Environ(), "BELAY_", "TEMPORAL_"),
		"BELAY_DATABASE_URL="+i.Database, "BELAY_TEMPORAL_ADDR="+at[2], "BELAY_HOME="+i.home,
		"BELAY_PUBLIC_URL="+i.door.url(), "BELAY_URL="+i.door.url(),
		"BELAY_SECRET=links and cookies are sealed with this", "BELAY_WEBHOOK_SECRET=chaos", "BELAY_WEBHOOK_ALLOW=127.0.0.0/8",
		"BELAY_TWILIO_ACCOUNT_SID="+twiliofake.AccountSID, "BELAY_TWILIO_AUTH_TOKEN="+twiliofake.AuthToken,
		"BELAY_TWILIO_FROM="+ourNumber, "BELAY_TWILIO_BASE_URL="+sink, "BELAY_LOG_LEVEL=info")
	if setup.Gateway {
		second := sink + gatewayPath
		i.env = append(i.env, "BELAY_GATEWAY_SMS_URL="+second+"sms", `BELAY_GATEWAY_HEADERS={"Authorization":"Bearer `+gatewayfake.Token+`"}`,
			"BELAY_GATEWAY_ID=messages.0.id", "BELAY_GATEWAY_IDEMPOTENT=1", "BELAY_GATEWAY_LOOKUP_URL="+second+"messages/{reference}",
			"BELAY_GATEWAY_HEALTH_URL="+second+"health", "BELAY_GATEWAY_SECRET=callbacks of the gateway are proven by this",
			"BELAY_GATEWAY_FROM=Belay", "BELAY_GATEWAY_ALLOW=127.0.0.0/8")
	}
	if _, err := i.run(ctx, "migrate"); err != nil {
		return err
	}
	token, err := i.run(ctx, "token", "create", "chaos", "--role", "admin")
	if err != nil {
		return err
	}
	i.Token = strings.TrimSpace(token)
	i.env = append(i.env, "BELAY_TOKEN="+i.Token)
	for n := range 2 {
		api := i.node(fmt.Sprint("api", n+1), i.binary, "serve", at[5+n], at[7+n], "BELAY_HTTP_ADDR="+at[5+n])
		i.parts = append(i.parts, api)
		if err := api.Start(ctx); err != nil {
			return err
		}
	}
	if err := i.apply(ctx, blueprint(sink, setup.Gather)); err != nil {
		return err
	}
	for n := range 2 {
		worker := i.worker(fmt.Sprint("worker", n+1), i.binary, at[9+n], at[11+n])
		if setup.Clock {
			worker.args = append(worker.args, "--clock", i.clock(worker.name))
		}
		i.parts = append(i.parts, worker)
		if err := worker.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// apply makes the organisation.
func (i *installation) apply(ctx context.Context, text string) error {
	dir := filepath.Join(i.home, "blueprint")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the blueprint: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "chaos.yaml"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the blueprint: %w", err)
	}
	_, err := i.run(ctx, "apply", dir)
	return err
}

// worker is one that reaches Temporal through the line that can be cut.
func (i *installation) worker(name, binary, address, probe string) *node {
	return i.node(name, binary, "worker", address, probe, "BELAY_WORKER_ADDR="+address, "BELAY_TEMPORAL_ADDR="+i.line.address)
}

func (i *installation) node(name, binary, role, address, probe string, env ...string) *node {
	return &node{
		name: name, binary: binary, args: []string{"bench", "node", role, "--pprof", probe},
		env:     append(slices.Clone(i.env), append(env, "BELAY_HOME="+filepath.Join(i.home, name))...),
		address: address, probe: probe, log: i.log(name),
	}
}

// forget takes a part off the list; it has been stopped.
func (i *installation) forget(name string) {
	i.parts = slices.DeleteFunc(i.parts, func(p part) bool { return p.Name() == name })
}

// add starts one more part.
func (i *installation) add(ctx context.Context, p part) error {
	i.parts = append(i.parts, p)
	return p.Start(ctx)
}

func (i *installation) log(name string) string   { return filepath.Join(i.home, name+".log") }
func (i *installation) clock(name string) string { return filepath.Join(i.home, name+".clock") }

// run is a command of an operator.
func (i *installation) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, i.binary, args...)
	cmd.Env = i.env
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("belay %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return string(out), nil
}

// startAll starts what does not run, in order.
func (i *installation) startAll(ctx context.Context) error {
	for _, p := range i.parts {
		if err := p.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (i *installation) stop() {
	for _, p := range slices.Backward(i.parts) {
		p.Stop()
	}
	if i.line != nil {
		i.line.close()
	}
	if i.door != nil {
		i.door.close()
	}
	i.unmount()
}

// store is a dev stack with one thing in it: a PostgreSQL, or Temporal.
type store struct {
	name    string
	binary  string
	log     string
	options stack.Options

	mu    sync.Mutex
	child *stack.Child
	said  *os.File
}

func (s *store) Name() string { return s.name }

func (s *store) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child != nil {
		select {
		case <-s.child.Done():
		default:
			return nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if s.said == nil {
		var err error
		if s.said, err = os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return fmt.Errorf("start %s: %w", s.name, err)
		}
	}
	options := s.options
	options.Log = s.said
	for try := 1; ; try++ {
		child, err := stack.Start(ctx, s.binary, options)
		if err == nil {
			s.child = child
			return nil
		}
		if try == 5 || ctx.Err() != nil {
			return fmt.Errorf("start %s: %w", s.name, err)
		}
		select {
		case <-time.After(time.Second): // a port or a disk may need a moment
		case <-ctx.Done():
		}
	}
}

// Kill takes the database server first: its parent's death alone would only ask it to stop.
func (s *store) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child == nil {
		return
	}
	if pid := s.child.PostgresPID; pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = syscall.Kill(s.child.PID(), syscall.SIGKILL)
	<-s.child.Done()
}

func (s *store) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child != nil {
		_ = s.child.Stop()
	}
	if s.said != nil {
		_ = s.said.Close()
		s.said = nil
	}
}

func (s *store) PIDs() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child == nil {
		return nil
	}
	if s.child.PostgresPID != 0 {
		return []int{s.child.PostgresPID}
	}
	return []int{s.child.PID()}
}

// node is a process of Belay. It ends with us: it watches its standard input.
type node struct {
	name    string
	binary  string
	args    []string
	env     []string
	address string
	probe   string
	log     string

	mu    sync.Mutex
	cmd   *exec.Cmd
	said  *os.File
	ended chan struct{}
	stdin interface{ Close() error }
}

func (n *node) Name() string { return n.name }

func (n *node) running() bool {
	if n.ended == nil {
		return false
	}
	select {
	case <-n.ended:
		return false
	default:
		return true
	}
}

// Start returns when it is ready, or when it has run for a while without being so: a process that starts in the dark
// does what it can.
func (n *node) Start(ctx context.Context) error {
	if err := n.spawn(); err != nil {
		return err
	}
	return n.ready(ctx)
}

func (n *node) spawn() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.running() {
		return nil
	}
	said, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", n.name, err)
	}
	n.said = said
	n.cmd = exec.Command(n.binary, n.args...)
	n.cmd.Env, n.cmd.Stdout, n.cmd.Stderr = n.env, said, said
	if n.stdin, err = n.cmd.StdinPipe(); err != nil {
		return fmt.Errorf("start %s: %w", n.name, err)
	}
	if err := n.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", n.name, err)
	}
	ended := make(chan struct{})
	n.ended = ended
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait()
		_ = said.Close()
		close(ended)
	}(n.cmd)
	return nil
}

func (n *node) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	client := &http.Client{Timeout: 5 * time.Second}
	for {
		response, err := client.Get("http://" + n.address + "/readyz")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		n.mu.Lock()
		running := n.running()
		n.mu.Unlock()
		if !running {
			said, _ := os.ReadFile(n.log)
			return fmt.Errorf("%s ended: %s", n.name, said[max(0, len(said)-2000):])
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", n.name, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (n *node) Kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.running() {
		_ = n.cmd.Process.Kill()
		<-n.ended
	}
}

func (n *node) Stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return
	}
	_ = n.stdin.Close()
	select {
	case <-n.ended:
	case <-time.After(20 * time.Second): // there may be more to do than anybody wants to wait for
		_ = n.cmd.Process.Kill()
		<-n.ended
	}
}

func (n *node) PIDs() []int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return nil
	}
	return []int{n.cmd.Process.Pid}
}

// door is what stands before the API processes: it takes the first that answers the telephone, in turns.
type door struct {
	address string
	server  *http.Server
	turn    atomic.Int64
}

func open(address string, apis ...string) (*door, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("open the door: %w", err)
	}
	d := &door{address: address}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", apis[0] // the dialler knows better
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var last error
			first := int(d.turn.Add(1))
			for i := range apis {
				connection, err := (&net.Dialer{}).DialContext(ctx, network, apis[(first+i)%len(apis)])
				if err == nil {
					return connection, nil
				}
				last = errors.Join(last, err)
			}
			return nil, last
		}},
	}
	d.server = &http.Server{Handler: proxy, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = d.server.Serve(listener) }()
	return d, nil
}

func (d *door) url() string { return "http://" + d.address }
func (d *door) close()      { _ = d.server.Close() }

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
