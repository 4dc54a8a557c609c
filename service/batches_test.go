package service

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/ticket"
)

// A ticket that is given another revision is known by the one that it had: its moves must be made together.
func TestTheMovesOfATicketStayTogether(t *testing.T) {
	var moves []Move
	for _, clock := range []id.SLA{"first", "update", "resolve"} {
		for n := range 7 {
			moves = append(moves, Move{Ticket: ticket.Ref{System: "desk", Key: fmt.Sprint(n)}, Clock: clock})
		}
	}
	seen, count := map[ticket.Ref]int{}, 0
	for n, batch := range batches(moves, 4) {
		require.GreaterOrEqual(t, len(batch), 3)
		require.Less(t, len(batch), 4+3)
		for _, m := range batch {
			before, known := seen[m.Ticket]
			require.True(t, !known || before == n, "%s is in two batches", m.Ticket)
			seen[m.Ticket] = n
			count++
		}
	}
	require.Equal(t, len(moves), count)
	require.Empty(t, batches(nil, 4))
}
