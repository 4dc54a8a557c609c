package activities

import (
	"context"

	"github.com/belayhq/belay/contract"
)

// Recorder writes the timeline and the row that lists read.
type Recorder struct{ Journal Journal }

// Write keeps one batch. Writing it twice changes nothing.
func (r *Recorder) Write(ctx context.Context, record contract.Record) error {
	return r.Journal.Write(ctx, record)
}
