package app_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
)

// The programs in these scenes are other people's, unchanged: of the module callers, and of the machine.

var building sync.Mutex

// notify is what says one thing with Alertmanager's own packages.
func notify(t *testing.T) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	return built(t, filepath.Join("..", "callers"), "notify")
}

// alertmanager is the program itself, of the version that the module callers pins. It embeds pages that its module does not hold:
// nobody looks at them here, so there is an empty one in their place, in a copy of its sources.
func alertmanager(t *testing.T) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	list := exec.Command("go", "list", "-C", filepath.Join("..", "callers"), "-m", "-f", "{{.Dir}}", "github.com/prometheus/alertmanager")
	list.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	list.Stderr = t.Output()
	source, err := list.Output()
	require.NoError(t, err, "find the module of Alertmanager")
	from := strings.TrimSpace(string(source))
	copied := filepath.Join(programs(t), filepath.Base(from))
	page := filepath.Join(copied, "ui", "app", "dist", "elm", "index.html")
	if _, err := os.Stat(page); err != nil {
		require.NoError(t, os.RemoveAll(copied))
		require.NoError(t, os.CopyFS(copied, os.DirFS(from)))
		require.NoError(t, os.MkdirAll(filepath.Dir(page), 0o755))
		require.NoError(t, os.WriteFile(page, []byte("no pages here\n"), 0o600))
	}
	return built(t, copied, "cmd/alertmanager")
}

// programs is where they are kept from one run to the next.
func programs(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".build", "callers"))
	require.NoError(t, err)
	return dir
}

func built(t *testing.T, module, program string) string {
	t.Helper()
	out := filepath.Join(programs(t), filepath.Base(program))
	build := exec.Command("go", "build", "-C", module, "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", out, "./"+program)
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
	said, err := build.CombinedOutput()
	require.NoError(t, err, "build %s: %s", program, said)
	return out
}

// receivers of an alertmanager.yml that reach us, each in a way of its own. The last is as the one before it, by the other host path
// and with its updates.
func (n native) receivers(key string) map[string]string {
	return map[string]string{
		"webhook":   `webhook_configs: [{url: "` + n.at + `/in/alertmanager/` + key + `"}]`,
		"pagerduty": `pagerduty_configs: [{routing_key: "` + key + `", url: "` + n.at + `/v2/enqueue", source: "{{ .CommonLabels.instance }}", severity: "{{ .CommonLabels.severity }}"}]`,
		"opsgenie":  `opsgenie_configs: [{api_key: "` + key + `", api_url: "` + n.at + `/", entity: "{{ .CommonLabels.instance }}", priority: P1}]`,
		"genie": `opsgenie_configs: [{api_key: "` + key + `", api_url: "` + n.at + `/opsgenie/", entity: "{{ .CommonLabels.instance }}", priority: P1, ` +
			`update_alerts: true}]`,
	}
}

// opened is the state of each escalation whose title has a word in it, in their order.
func (n native) opened(word string) string {
	n.Helper()
	var all string
	require.NoError(n, n.db.QueryRow(n.Context(), "select coalesce(string_agg(state, ' ' order by number), '') from escalations where title like '%' || $1 || '%'", word).Scan(&all))
	return all
}

func (n native) opens(word, states string) {
	n.Helper()
	require.Eventually(n, func() bool { return n.opened(word) == states }, time.Minute, 50*time.Millisecond, "%s: %q, not %q", word, n.opened(word), states)
}

func TestAlertmanagersOwnPackagesOpenAndEndWhatTheySay(t *testing.T) {
	n, program := natively(t), notify(t)
	say := func(receiver string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Stdin = strings.NewReader("route: {receiver: belay}\nreceivers:\n  - name: belay\n    " + receiver + "\n")
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	for kind, receiver := range n.receivers(n.key) {
		t.Run(kind, func(t *testing.T) {
			n := native{t, n.app, n.at, n.key, n.token, n.db}
			name := "DiskFull-" + kind
			said, err := say(receiver, "-name", name)
			require.NoError(t, err, said)
			n.opens(name, "open")
			said, err = say(receiver, "-name", name)
			require.NoError(t, err, said)
			n.opens(name, "open")

			var severity, source string
			require.NoError(t, n.db.QueryRow(t.Context(), "select alert->>'severity', alert->>'source' from escalations where title like '%' || $1 || '%'", name).Scan(&severity, &source))
			require.Equal(t, "critical", severity)
			require.Contains(t, source, "db-1")

			said, err = say(receiver, "-name", name, "-resolved")
			require.NoError(t, err, said)
			n.opens(name, "resolved")
		})
	}
	for kind, receiver := range n.receivers("nobody-has-this-key") {
		said, err := say(receiver, "-name", "Wrong-"+kind)
		require.Error(t, err)
		require.Contains(t, said, "again: false", "a key that is wrong today is wrong in a minute: %s", kind)
		require.NotContains(t, said, "again: true")
	}
}

// An Alertmanager between a Prometheus and us: what it hears it groups, waits with, and sends on in each of the ways it knows.
func TestARunningAlertmanagerPagesByEveryReceiver(t *testing.T) {
	n := natively(t)
	config := "route:\n  receiver: webhook\n  group_by: [alertname]\n  group_wait: 10ms\n  group_interval: 100ms\n  repeat_interval: 1h\n  routes:\n"
	receivers := "receivers:\n"
	all := n.receivers(n.key)
	for kind, receiver := range all {
		config += "    - {receiver: " + kind + `, matchers: ['by="` + kind + `"']}` + "\n"
		receivers += "  - name: " + kind + "\n    " + receiver + "\n"
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "alertmanager.yml")
	require.NoError(t, os.WriteFile(file, []byte(config+receivers), 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	at := l.Addr().String()
	require.NoError(t, l.Close())
	start(t, alertmanager(t), "--config.file="+file, "--storage.path="+dir, "--web.listen-address="+at,
		"--cluster.listen-address=", "--log.level=warn")
	require.Eventually(t, func() bool {
		answer, err := http.Get("http://" + at + "/-/ready")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, time.Minute, 20*time.Millisecond)

	hears := func(kind, instance string, ends time.Time) {
		t.Helper()
		status, answer := ask(t, http.MethodPost, "http://"+at+"/api/v2/alerts", []map[string]any{{
			"labels":       map[string]string{"alertname": "Slow-" + kind, "instance": instance, "severity": "critical", "by": kind},
			"annotations":  map[string]string{"summary": "Slow-" + kind + " on " + instance, "runbook_url": "https://runbooks.example/slow"},
			"generatorURL": "http://prometheus.example/graph", "startsAt": time.Now().Add(-time.Minute), "endsAt": ends,
		}})
		require.Equal(t, http.StatusOK, status, "%s", answer)
	}
	for kind := range all {
		hears(kind, "db-1", time.Now().Add(time.Hour))
		n.opens("Slow-"+kind, "open")
	}
	hears("webhook", "db-2", time.Now().Add(time.Hour)) // the others say one thing for the whole group
	n.opens("Slow-webhook", "open open")
	hears("webhook", "db-2", time.Now().Add(-time.Second))
	n.opens("Slow-webhook", "open resolved")
	for kind := range all {
		hears(kind, "db-1", time.Now().Add(-time.Second))
		n.opens("Slow-"+kind, map[bool]string{true: "resolved resolved", false: "resolved"}[kind == "webhook"])
	}
}

// office is a house that takes mail.
func office(t *testing.T) native {
	o := options(t)
	o.MailIn = app.MailIn{Addr: "127.0.0.1:0", Domain: "alerts.example"}
	a, _ := run(t, o, app.API, app.Worker)
	db, err := pgx.Connect(t.Context(), o.DatabaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close(context.WithoutCancel(t.Context())) })
	return native{T: t, app: a, key: routingKey(t), db: db}
}

func TestSwaksWakesSomebodyAndLetsThemSleep(t *testing.T) {
	swaks := installed(t, "swaks")
	n := office(t)
	send := func(to string, args ...string) error {
		args = append([]string{"--server", n.app.MailAddr(), "--from", "watch@db-1.example", "--to", to}, args...)
		said, err := exec.CommandContext(t.Context(), swaks, args...).CombinedOutput()
		t.Logf("%s", said)
		return err
	}
	require.NoError(t, send(n.key+"@alerts.example", "--header", "Subject: [CRITICAL] pump has stopped", "--body", "See https://pumps.example/4"))
	n.becomes("mail/pump has stopped", "open")
	require.NoError(t, send(n.key+"@alerts.example", "--header", "Subject: [RESOLVED] pump has stopped"))
	n.becomes("mail/pump has stopped", "resolved")
	require.Error(t, send("nobody@alerts.example"))
}

// Monit as it comes: no mail-format, no words for us.
func TestMonitWakesSomebodyAndLetsThemSleep(t *testing.T) {
	monit := installed(t, "monit")
	n := office(t)
	dir := t.TempDir()
	_, port, err := net.SplitHostPort(n.app.MailAddr())
	require.NoError(t, err)
	lock, rules := filepath.Join(dir, "lock"), filepath.Join(dir, "monitrc")
	require.NoError(t, os.WriteFile(rules, []byte("set daemon 1\nset log "+dir+"/log\nset pidfile "+dir+"/pid\nset idfile "+dir+"/id\nset statefile "+dir+"/state\n"+
		"set mailserver 127.0.0.1 port "+port+"\nset alert "+n.key+"@alerts.example\n"+
		"check file belay-lock with path "+lock+"\n  if does not exist then alert\n"), 0o600))
	start(t, monit, "-I", "-c", rules)
	n.opens("belay-lock: file doesn't exist", "open")
	require.NoError(t, os.WriteFile(lock, nil, 0o600))
	n.opens("belay-lock: file doesn't exist", "resolved")
}

// icingas is what an Icinga needs to know: one host, one service that is well while a file is there, and the notification command of our
// documentation. Everything it writes is below one directory.
const icingas = `include <itl>
const NodeName = "watch"
object CheckerComponent "checker" {}
object NotificationComponent "notification" {}
object ExternalCommandListener "command" { command_path = "DIR/commands" }
object CheckCommand "lock" { command = [ "/bin/sh", "-c", "if [ -e DIR/lock ]; then echo it is there; else echo the lock is gone; exit 2; fi" ] }
object CheckCommand "up" { command = [ "/bin/true" ] }
object Host "db-1" { check_command = "up", address = "192.0.2.7", check_interval = 1s, retry_interval = 1s }
object Service "lock" { host_name = "db-1", check_command = "lock", check_interval = 1s, retry_interval = 1s, max_check_attempts = 1 }
object User "oncall" {}
object Notification "belay" { host_name = "db-1", service_name = "lock", command = "belay", users = [ "oncall" ], interval = 0 }
`

// Icinga as Debian has it, with the notification command that docs/integrations.md shows.
func TestIcingaWakesSomebodyAndLetsThemSleep(t *testing.T) {
	icinga := installed(t, "icinga2")
	building.Lock()
	belay := built(t, "..", "cmd/belay")
	building.Unlock()
	shown, err := os.ReadFile("../docs/integrations.md")
	require.NoError(t, err)
	_, command, found := strings.Cut(string(shown), "object NotificationCommand")
	require.True(t, found)
	command, _, found = strings.Cut(command, "```")
	require.True(t, found)
	n := natively(t)
	command = "object NotificationCommand" + strings.NewReplacer("/usr/local/bin/belay", belay, "https://belay.example", n.at, `"KEY"`, `"`+n.key+`"`).Replace(command)
	require.NotContains(t, command, "belay.example")

	dir := t.TempDir()
	config := filepath.Join(dir, "icinga2.conf")
	require.NoError(t, os.WriteFile(config, []byte(strings.ReplaceAll(icingas, "DIR", dir)+command), 0o600))
	args := []string{"daemon", "-c", config}
	for _, name := range []string{"DataDir", "LogDir", "CacheDir", "SpoolDir", "InitRunDir"} {
		place := filepath.Join(dir, name)
		require.NoError(t, os.Mkdir(place, 0o700))
		args = append(args, "-D", name+"="+place)
	}
	for _, name := range []string{"PidPath", "StatePath", "ObjectsPath", "VarsPath", "ModAttrPath"} {
		args = append(args, "-D", name+"="+filepath.Join(dir, name))
	}
	me, err := user.Current()
	require.NoError(t, err)
	group, err := user.LookupGroupId(me.Gid)
	require.NoError(t, err)
	t.Setenv("ICINGA2_USER", me.Username)
	t.Setenv("ICINGA2_GROUP", group.Name)
	start(t, icinga, args...)

	n.opens("the lock is gone", "open")
	commands, err := os.OpenFile(filepath.Join(dir, "commands"), os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = fmt.Fprintf(commands, "[%d] ACKNOWLEDGE_SVC_PROBLEM;db-1;lock;1;1;0;zoe;looking\n", time.Now().Unix())
	require.NoError(t, err)
	require.NoError(t, commands.Close())
	n.opens("the lock is gone", "acknowledged")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600))
	n.opens("the lock is gone", "resolved")
}

// start runs a program until the test ends.
func start(t *testing.T, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
}

// installed is a program of the machine's. CI has them all; elsewhere the test is passed over.
func installed(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("BELAY_CALLERS") == "required" {
		t.Fatalf("%s is not installed, and BELAY_CALLERS says that it must be", program)
	}
	if err != nil {
		t.Skipf("SKIPPED: %s is not installed (apt-get install %s)", program, program)
	}
	return path
}
