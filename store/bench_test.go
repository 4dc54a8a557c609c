package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

func BenchmarkAccept(b *testing.B) {
	inbox := store.Inbox{Pool: pgtest.Pool(b)}
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, _, err := inbox.Accept(context.Background(), event(alert.Trigger, "disk", alert.Error)); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkSettle(b *testing.B) {
	for _, scene := range []struct {
		name string
		keys int
	}{{"every event opens", 1 << 30}, {"a storm of ten keys", 10}} {
		b.Run(scene.name, func(b *testing.B) {
			inbox := store.Inbox{Pool: pgtest.Pool(b)}
			var n atomic.Int64
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					in := event(alert.Trigger, fmt.Sprintf("key-%d", int(n.Add(1))%scene.keys), alert.Error)
					seq, _, err := inbox.Accept(context.Background(), in)
					if err == nil {
						_, err = inbox.Settle(context.Background(), seq, open)
					}
					if err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func BenchmarkJournal(b *testing.B) {
	journal := store.Journal{Pool: pgtest.Pool(b)}
	var n atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		e := id.OfNumber(n.Add(1))
		for seq := 1; pb.Next(); seq++ {
			r := contract.Record{Summary: summary(e, seq, escalation.Open), Entries: entries(seq, seq)}
			if err := journal.Write(context.Background(), r); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "batches/s")
}

// The start page reads a thousand: what one page of them costs, with and without the alerts.
func BenchmarkAThousandListed(b *testing.B) {
	s := newShelf(b)
	live := []escalation.Phase{escalation.Open, escalation.Acked}
	for n := range 1000 {
		s.puts(id.OfNumber(int64(n+1)), func(r *escalation.Summary) { r.Title = fmt.Sprintf("card declines above %d %%", n) })
	}
	_, err := s.reader.Pool.Exec(b.Context(), `update escalations set alert = $1`, event(alert.Trigger, "disk", alert.Error).Alert)
	if err != nil {
		b.Fatal(err)
	}
	_, err = s.reader.Pool.Exec(b.Context(), `insert into escalations select (jsonb_populate_record(e, jsonb_build_object('number', n, 'dedup_held', false))).*
		from escalations e, generate_series(1001, 10000) n where e.number = 1`)
	if err != nil {
		b.Fatal(err)
	}
	read := func(b *testing.B, f service.Filter) {
		for b.Loop() {
			if _, err := s.reader.List(b.Context(), f); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("ended ones", func(b *testing.B) {
		read(b, service.Filter{States: []escalation.Phase{escalation.ResolvedP, escalation.Closed}, Limit: 20, Brief: true})
	})
	b.Run("watched ones", func(b *testing.B) {
		read(b, service.Filter{States: []escalation.Phase{escalation.Watched}, ByNext: true, Limit: 1000, Brief: true})
	})
	for _, scene := range []struct {
		name  string
		brief bool
		kept  *store.Summaries
	}{{"in full", false, nil}, {"in brief", true, nil}, {"of which few have changed", true, &store.Summaries{}}} {
		b.Run(scene.name, func(b *testing.B) {
			s.reader.Kept = scene.kept
			for b.Loop() {
				page, cursor := 0, ""
				for page < 1000 { // a list in full gives 200 at once
					got, err := s.reader.List(b.Context(), service.Filter{States: live, Limit: 1000, Brief: scene.brief, Cursor: cursor})
					if err != nil {
						b.Fatal(err)
					}
					page, cursor = page+len(got.Escalations), got.Cursor
				}
			}
		})
	}
}
