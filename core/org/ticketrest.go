package org

// TicketREST is how a system of the type "rest" is spoken with. What is CEL says what its names are in core/expr.
type TicketREST struct {
	Auth    TicketAuth
	Reads   TicketReading
	Open    TicketCall // makes a ticket; Result is it, or its ID
	Find    TicketCall // answers those with a correlation
	Get     TicketCall // answers one by its ID
	Number  TicketCall // answers those with a number; without a path the number is an ID
	Note    TicketCall
	Notes   TicketCall   // answers what was written; Text is what one of them says
	Change  []TicketCall // each that has a reason to, in this order
	Changed TicketCall   // answers what changed since, oldest change first
	Hook    TicketHook
}

// TicketAuth is a header that proves who we are. Without one the secret is "user:password", else a bearer token.
type TicketAuth struct {
	Header string
	Value  string // with {secret}
}

// TicketCall is one request. Of those that answer lists, Next says which page follows.
type TicketCall struct {
	When    string // CEL; empty: always
	Method  string
	Path    string            // with placeholders, each of them one segment or a part of one
	Query   map[string]string // CEL; what comes to nothing is left out
	Headers map[string]string // CEL; the same
	Body    string            // CEL; empty: none
	Success []int             // which of 200 to 299; empty: all
	Result  string            // CEL over the answer
	Text    string            // CEL over one item of the result
	Next    string            // CEL over the answer; empty or nothing: that was the last page
	Once    bool              // the system does it once per key
}

// TicketReading is CEL over one ticket as the system shows it.
type TicketReading struct {
	ID, Number, URL, Title, Status, Assignee, Team, Category, Customer, Correlation, OpenedAt, UpdatedAt, Version, Gone string
	Fields                                                                                                              string // further ones, an object
}

// TicketHook is what its webhooks say, and how they prove that they are its own.
type TicketHook struct {
	Ticket   string // CEL: tickets as Reads reads them, or their IDs
	Header   string // that holds the proof
	HMAC     string // "sha1", "sha256", "sha512"; empty: the header holds the secret itself
	Encoding string // "hex", "base64"
	Prefix   string // of the header's value
	Before   string // header whose value is signed before the body
}
