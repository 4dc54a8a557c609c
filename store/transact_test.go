package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/fault"
)

func TestDocumentsLoseTheirNULsAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.SampledFrom([]string{"\x00", `\`, "u0000", `\u0000`, `"`, "ü", "a", "\n", "\uFFFD"})).Draw(t, "pieces")
		said := strings.Join(pieces, "")
		raw, err := document(map[string]string{said: said})
		require.NoError(t, err)
		var read map[string]string
		require.NoError(t, json.Unmarshal(raw, &read))
		want := strings.ReplaceAll(said, "\x00", "\uFFFD")
		require.Equal(t, map[string]string{want: want}, read)
	})
}

func TestEveryErrorOfTheDriverHasAKind(t *testing.T) {
	pg := func(code string) error { return fmt.Errorf("while writing: %w", &pgconn.PgError{Code: code}) }
	for _, scene := range []struct {
		err  error
		kind fault.Kind
	}{
		{pg("40001"), fault.Unavailable},
		{pg("40P01"), fault.Unavailable},
		{pg("57P01"), fault.Unavailable}, // admin_shutdown
		{pg("57P03"), fault.Unavailable}, // cannot_connect_now
		{pg("53300"), fault.Unavailable}, // too_many_connections
		{pg("53100"), fault.Unavailable}, // disk_full
		{pg("08006"), fault.Unavailable},
		{pg("25006"), fault.Unavailable},
		{pg("28P01"), fault.Unavailable}, // invalid_password
		{pg("3D000"), fault.Unavailable}, // no such database
		{pg("23505"), fault.Conflict},
		{pg("23P01"), fault.Conflict},
		{pg("23514"), fault.Invalid},
		{pg("22P05"), fault.Invalid},
		{pg("54000"), fault.TooLarge},
		{pg("42601"), fault.Internal},
		{pg(""), fault.Internal},
		{pgx.ErrNoRows, fault.NotFound},
		{io.ErrUnexpectedEOF, fault.Unavailable},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, fault.Unavailable},
		{context.DeadlineExceeded, fault.Unavailable},
		{errors.New("surprise"), fault.Internal},
	} {
		err := faulty(scene.err, "do it")
		require.Equal(t, scene.kind, fault.KindOf(err), scene.err)
		require.ErrorIs(t, err, scene.err)
	}
	require.NoError(t, faulty(nil, "nothing happened"))
	known := fault.New(fault.Denied, "no")
	require.Same(t, known, faulty(known, "do it"))
}

func TestOnlyTransactionsThatOthersMadeImpossibleAreTriedAgain(t *testing.T) {
	for _, scene := range []struct {
		err  error
		want int
	}{
		{&pgconn.PgError{Code: "40001"}, tries},
		{fmt.Errorf("inside: %w", &pgconn.PgError{Code: "40P01"}), tries},
		{&pgconn.PgError{Code: "23505"}, 1},
		{errors.New("surprise"), 1},
		{nil, 1},
	} {
		times := 0
		err := again(context.Background(), func() error { times++; return scene.err })
		require.Equal(t, scene.err, err)
		require.Equal(t, scene.want, times)
	}
	times := 0
	require.NoError(t, again(context.Background(), func() error {
		if times++; times < 3 {
			return &pgconn.PgError{Code: "40001"}
		}
		return nil
	}))
	require.Equal(t, 3, times)
}
