package service_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/service"
)

// bare is a shelf without numbers.
type bare struct{}

func (bare) Take() (int64, bool, error) { return 0, true, nil }
func (bare) Add([]int64) error          { return nil }
func (bare) Left() (int, error)         { return 0, nil }

// silent takes the question and never answers.
type silent struct{}

func (silent) Reserve(ctx context.Context, _ int) ([]int64, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestADatabaseThatSaysNothingDoesNotEndTheRefilling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &service.Reserve{Stock: bare{}, Mint: silent{}, Log: slog.New(slog.DiscardHandler)}
		require.ErrorIs(t, r.Refill(context.Background()), context.DeadlineExceeded)
	})
}
