package app_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// mouth is what stands in front of a house: it passes on what it does not refuse.
type mouth struct {
	to      atomic.Pointer[httputil.ReverseProxy]
	refuses atomic.Pointer[func(path string, body []byte) bool]
}

func (m *mouth) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if refuses := m.refuses.Load(); err != nil || refuses != nil && (*refuses)(r.URL.Path, body) {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	m.to.Load().ServeHTTP(w, r)
}

// wire is a line to a server that can be cut, and mended.
type wire struct {
	addr string
	cut  atomic.Bool

	mu    sync.Mutex
	lines []net.Conn
}

func strung(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{addr: l.Addr().String()}
	t.Cleanup(func() {
		_ = l.Close()
		w.cuts(true)
	})
	go func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", to)
			if err != nil || !w.joins(here, there) {
				_ = here.Close()
				if err == nil {
					_ = there.Close()
				}
				continue
			}
			for _, pair := range [][2]net.Conn{{here, there}, {there, here}} {
				go func() {
					_, _ = io.Copy(pair[0], pair[1])
					_ = pair[0].Close()
					_ = pair[1].Close()
				}()
			}
		}
	}()
	return w
}

func (w *wire) joins(ends ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut.Load() {
		return false
	}
	w.lines = append(w.lines, ends...)
	return true
}

func (w *wire) cuts(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut.Store(yes)
	if yes {
		for _, line := range w.lines {
			_ = line.Close()
		}
		w.lines = nil
	}
}

// Each hop of a canary is broken in turn, on the real way: what stands in front of the door, the line to the engine, the worker, who is
// to be told, the way back of a receipt, and the door again when all is to be well. The hop that is named is the one that was
// broken, in one escalation however many canaries stop there; the next whole walk ends it; and none of the canaries is in a list.
func TestEachHopOfACanaryBrokenInTurn(t *testing.T) {
	ctx := t.Context()
	o := options(t)
	front := &mouth{}
	proxy := httptest.NewServer(front)
	t.Cleanup(proxy.Close)
	o.CanaryURL = proxy.URL
	engine := strung(t, o.TemporalAddr)
	o.TemporalAddr = engine.addr
	house, _ := run(t, o, app.API)
	at, err := url.Parse("http://" + house.Addr())
	require.NoError(t, err)
	front.to.Store(httputil.NewSingleHostReverseProxy(at))
	work := func() (stop func()) {
		a, err := app.Open(ctx, o, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), app.Worker)
		require.NoError(t, err)
		require.NoError(t, a.Start(ctx))
		return sync.OnceFunc(func() {
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
			defer cancel()
			_ = a.Stop(bounded)
		})
	}
	stop := work()
	t.Cleanup(func() { stop() })
	token, err := os.ReadFile(o.TokenFile())
	require.NoError(t, err)
	db, err := pgxpool.New(ctx, o.DatabaseURL)
	require.NoError(t, err)
	t.Cleanup(db.Close)

	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../examples/quick")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "canary.yaml"), []byte(
		"{kind: integration, id: hopping, service: payments, key: hopping0key0of0letters, canary: {every: 1m, service: payments, format: grafana}}\n"), 0o600))
	_, _, err = house.ApplyDir(ctx, dir)
	require.NoError(t, err)

	count := func(query string, args ...any) (n int) {
		t.Helper()
		require.NoError(t, db.QueryRow(ctx, query, args...).Scan(&n))
		return n
	}
	// hurries spares us the pause between two canaries, not the half minute that one has to get through.
	hurries := func() {
		t.Helper()
		_, err := db.Exec(ctx, "update canaries set next_at = now() where integration = 'hopping' and next_at > now() + interval '8 s'")
		require.NoError(t, err)
	}
	since := func() (walk int) {
		return count("select coalesce(max(number), 0) from canary_walks where integration = 'hopping'")
	}
	eventually := func(holds func() bool, what string) {
		t.Helper()
		require.Eventually(t, func() bool {
			hurries()
			return holds()
		}, 5*time.Minute, 200*time.Millisecond, what)
	}
	whole := func() {
		t.Helper()
		last := since()
		eventually(func() bool {
			return count("select count(*) from canary_walks where integration = 'hopping' and number > $1 and ended_at is not null and broken = '' and why = ''", last) > 0
		}, "a canary gets through")
	}
	whole()

	refuse := func(those func(path string, body []byte) bool) (breaks, mends func()) {
		return func() { front.refuses.Store(&those) }, func() { front.refuses.Store(nil) }
	}
	in := func(path string) bool { return strings.HasPrefix(path, "/in/") }
	noDoor, door := refuse(func(path string, _ []byte) bool { return in(path) })
	noWayBack, wayBack := refuse(func(path string, _ []byte) bool { return path == "/callbacks/canary" })
	noEnd, end := refuse(func(path string, body []byte) bool {
		return in(path) && bytes.Contains(body, []byte(`"status":"resolved"`))
	})
	robot := policy.Way{Person: org.Robot, Method: "door"}
	deed := func(what string) service.Deed {
		return service.Deed{At: time.Now(), Actor: "ana", Action: what, Subject: string(robot.Person)}
	}
	for _, scene := range []struct {
		name          string
		hop           service.Hop
		why           string
		breaks, mends func()
	}{
		{"the door refuses", service.HopEvent, "the door does not take it: our own address answers 502", noDoor, door},
		{"the engine is away", service.HopEscalation, "", func() { engine.cuts(true) }, func() { engine.cuts(false) }},
		{"no worker runs", service.HopEscalation, "does not run", func() { stop() }, func() { stop = work() }},
		{"the robot must not be told", service.HopPage, "tells nobody",
			func() { require.NoError(t, store.Barred{Pool: db}.Bar(ctx, robot, "it hung up", deed("method.bar"))) },
			func() { require.NoError(t, store.Barred{Pool: db}.Unbar(ctx, robot, deed("method.unbar"))) }},
		{"the robot cannot be reached", service.HopReceipt, "our own address answers 502", noWayBack, wayBack},
		{"the door does not take the end", service.HopResolve, "the door does not take it: our own address answers 502", noEnd, end},
	} {
		t.Run(scene.name, func(t *testing.T) {
			told := "select count(*) from escalations where integration = 'hopping' and canary = 0 and title like 'Canary of hopping stops before ' || $1 || ': %'"
			before, first := count(told, scene.hop), since()
			others := count("select count(*) from escalations where integration = 'hopping' and canary = 0") - before
			stops := func() int {
				return count("select count(*) from canary_walks where integration = 'hopping' and number > $1 and broken = $2", first, scene.hop)
			}
			scene.breaks()
			mends := sync.OnceFunc(scene.mends)
			defer mends()
			many := 1 // each takes half a minute
			if scene.hop == service.HopEvent {
				many = 2
			}
			eventually(func() bool { return stops() >= many }, "canaries stop, and "+string(scene.hop)+" is named")
			require.Zero(t, count("select count(*) from canary_walks where integration = 'hopping' and number > $1 and broken not in ('', $2)", first, scene.hop), "and no other hop")
			var why, title string
			require.NoError(t, db.QueryRow(ctx, "select why from canary_walks where integration = 'hopping' and broken = $1 order by number desc limit 1", scene.hop).Scan(&why))
			require.Contains(t, why, scene.why)
			eventually(func() bool { return count(told, scene.hop) > before }, "an escalation of its own tells of it")
			require.Equal(t, before+1, count(told, scene.hop), "once, however many stop there")
			require.Equal(t, others, count("select count(*) from escalations where integration = 'hopping' and canary = 0")-before-1, "and of nothing else")
			require.NoError(t, db.QueryRow(ctx, "select title from escalations where integration = 'hopping' and canary = 0 order by number desc limit 1").Scan(&title))
			require.Contains(t, title, scene.why)

			mends()
			whole()
			eventually(func() bool { return count(told+" and state not in ('resolved', 'closed')", scene.hop) == 0 }, "that is over")
			eventually(func() bool {
				return count("select count(*) from escalations where integration = 'hopping' and canary > 0 and state in ('open', 'acknowledged') and dedup_held") == 0
			}, "and so is what stopped on its way")
		})
	}

	_, listed := ask(t, http.MethodGet, "http://"+house.Addr()+"/v1/escalations?limit=200", nil, "Authorization", "Bearer "+strings.TrimSpace(string(token)))
	require.NotContains(t, string(listed), "nobody has to do anything", "no canary is in a list")
	require.Contains(t, string(listed), "Canary of hopping stops before event")
	require.Zero(t, count("select count(*) from sandbox_messages m join escalations e on m.escalation = 'E-' || e.number where e.integration = 'hopping' and e.canary > 0"), "and nobody was told of one")
}
