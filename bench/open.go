package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	manyOpen = 10_000
	looks    = 400 // at a list
	lookers  = 2   // at once
)

// open lets ten thousand escalations be open at once: what that costs in memory and on disk, how long a list and the
// start page take, and whether steps still come in time.
func (r *runner) open(ctx context.Context) (Report, error) {
	n := r.many(manyOpen)
	before, err := r.weigh(ctx)
	if err != nil {
		return nil, err
	}
	var audit Auditor
	began := time.Now()
	if err := r.fill(ctx, n, &audit); err != nil {
		return nil, err
	}
	took := time.Since(began)
	after, err := r.weigh(ctx)
	if err != nil {
		return nil, err
	}
	rows := after.rows(before, n)

	list, err := r.looked(ctx, "/v1/escalations?state=open", "application/json")
	if err != nil {
		return nil, err
	}
	page, err := r.looked(ctx, "/", "text/html")
	if err != nil {
		return nil, err
	}
	rows = append(rows,
		figure("list-p99", ms(list.P99()), "ms").atMost(100).audited(r.audit(&audit, "open")).noted("GET /v1/escalations, %d open since %.0f s; p50 %g ms", n, took.Seconds(), ms(list.P50())),
		figure("list-page-p99", ms(page.P99()), "ms").atMost(100).noted("the start page; p50 %g ms", ms(page.P50())))

	steps := r.many(1000)
	late, err := r.late(ctx, "openspread", steps, func(int, time.Time) int { return int(r.openings(steps)/time.Second) + 10 })
	if err != nil {
		return nil, err
	}
	bare, err := r.alarms(ctx, "openspread", steps, r.spread(steps))
	if err != nil {
		return nil, err
	}
	return append(rows, figure("open-late-p99", sec(late.late.P99()), "s").against(sec(bare.stepped.P99())).atMost(1).audited(late.found).
		noted("%d due within %.0f s beside %d open ones; p50 %g s", steps, late.within.Seconds(), n, sec(late.late.P50()))), nil
}

// fill opens n escalations and waits until everybody has been told of each.
func (r *runner) fill(ctx context.Context, n int, audit *Auditor) error {
	err := crowd(ctx, n, connections, func(ctx context.Context, i int) error {
		title := r.title("open", i)
		if err := r.door.trigger(ctx, r.routingKey(serviceBurst(i%people)), title); err != nil {
			return err
		}
		audit.Accepted(Sent{Title: title, Accepted: time.Now()})
		return nil
	})
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	for i := range n { // a lost one is found by the auditor
		if _, err := r.sink.await(bounded, r.title("open", i), 1); err != nil {
			break
		}
	}
	return r.sink.silence(ctx, 5*time.Second)
}

// looked is how long a list takes, read again and again by two at once.
func (r *runner) looked(ctx context.Context, path, accept string) (Sample, error) {
	var took tally
	err := crowd(ctx, r.many(looks), lookers, func(ctx context.Context, _ int) error {
		began := time.Now()
		if err := r.door.look(ctx, path, accept); err != nil {
			return err
		}
		took.add(time.Since(began))
		return nil
	})
	return took.sample(), err
}

// weight is what an installation takes up.
type weight struct {
	memory    []memory
	databases map[string]int64 // bytes by name; nil: not known
	own       string           // name of Belay's
}

// memory of one process, or of a server with the processes it forked.
type memory struct {
	name  string
	bytes int64
}

func (r *runner) weigh(ctx context.Context) (weight, error) {
	w := weight{}
	for _, p := range r.Processes {
		bytes, err := resident(p)
		if err != nil {
			return w, err
		}
		w.memory = append(w.memory, memory{p.Name, bytes})
	}
	if r.Database == "" {
		return w, nil
	}
	at, err := url.Parse(r.Database)
	if err != nil {
		return w, errors.New("read the address of the database")
	}
	w.own = strings.TrimPrefix(at.Path, "/")
	if w.databases, err = sizes(ctx, r.Database); err != nil {
		return w, fmt.Errorf("weigh the databases: %w", err)
	}
	return w, nil
}

// sizes of all databases of a server, by name.
func sizes(ctx context.Context, database string) (map[string]int64, error) {
	db, err := pgx.Connect(ctx, database)
	if err != nil {
		return nil, err
	}
	defer db.Close(context.WithoutCancel(ctx))
	rows, err := db.Query(ctx, "select datname, pg_database_size(oid) from pg_database where not datistemplate")
	if err != nil {
		return nil, err
	}
	all := map[string]int64{}
	var name string
	var bytes int64
	_, err = pgx.ForEachRow(rows, []any{&name, &bytes}, func() error {
		all[name] = bytes
		return nil
	})
	return all, err
}

func (w weight) rows(before weight, n int) Report {
	var rows Report
	for i, m := range w.memory {
		rows = append(rows, figure("open-memory-"+m.name, mb(m.bytes), "MB").noted("%g MB before; %.1f KB for each open one", mb(before.memory[i].bytes), kb(m.bytes-before.memory[i].bytes)/float64(n)))
	}
	var own, engine int64
	for name, bytes := range w.databases {
		grown := bytes - before.databases[name]
		switch {
		case name == w.own:
			own += grown
		case strings.HasPrefix(name, "temporal"):
			engine += grown
		}
	}
	if w.databases == nil {
		return rows
	}
	return append(rows,
		figure("open-bytes-belay", round(kb(own)/float64(n), 1), "KB").noted("what Belay's database grew by for each, indexes included"),
		figure("open-bytes-temporal", round(kb(engine)/float64(n), 1), "KB").noted("what Temporal's databases grew by for each"))
}

func mb(bytes int64) float64 { return round(float64(bytes)/1e6, 1) }
