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
