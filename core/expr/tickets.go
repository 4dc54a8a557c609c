package expr

import (
	"sync"

	"cel.dev/cel-go/cel"
)

// Tickets is the scope of conditions about tickets: the ticket, what its history says, and which fields the last change
// touched (see ticket.Facts).
func Tickets() (Scope, error) {
	return scope(
		cel.Variable("ticket", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("history", cel.MapType(cel.StringType, cel.IntType)),
		cel.Variable("changed", cel.ListType(cel.StringType)),
	)
}

// TicketNames lists what such a condition may use, for people.
func TicketNames() []string { return []string{"ticket", "history", "changed"} }

// Snapshots is the scope of conditions and terms about a ticket as its system shows it: what is known of every ticket, and the
// system's own fields (see tracker.Ticket).
func Snapshots() (Scope, error) { return snapshots() }

var snapshots = sync.OnceValues(func() (Scope, error) {
	return scope(
		cel.Variable("ticket", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("fields", cel.MapType(cel.StringType, cel.StringType)),
	)
})
