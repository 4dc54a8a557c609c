package expr

import "cel.dev/cel-go/cel"

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
