package alert

import (
	"context"
	"time"

	"github.com/belayhq/belay/core/org"
)

// Post is one request of a sender, in values.
type Post struct {
	Header map[string]string // the first value of each, by its name in lower case
	Query  map[string]string // the first value of each
	Body   []byte
	At     time.Time // by our clock
}

// Answer is what a sender hears.
type Answer struct {
	Status int
	Type   string // of the body: "application/json"
	Body   []byte
}

// Dialect is how one system speaks to us.
type Dialect struct {
	// Name as in POST /in/{name}/{key}.
	Name string
	// Decode reads what a request says, in its order. What the sender may add to its format some day never breaks it; what
	// is missing does, with fault.Invalid that names the field. A severity that nobody knows becomes Error, with a warning.
	// An alert that asks for nothing is Ignore. Every alert that triggers or ends something has a dedup key which all
	// messages about the same trouble share.
	Decode func(Post) ([]Alert, error)
	// Of is how an integration reads it when it has words of its own for that; nil, or an answer of nil: as Decode does.
	Of func(org.Integration) func(Post) ([]Alert, error)
	// Verify proves who speaks, beyond the key, when the integration has a secret; nil: the secret itself must come with the
	// request (Bears). fault.Unauthenticated.
	Verify func(p Post, secret string) error
	// Permit tells whether an integration hears this sender at all, of those who prove themselves to all the same; nil: it does.
	// fault.Denied.
	Permit func(in org.Integration, p Post) error
	// Greet is what must be asked or answered outside before a request counts: a certificate, a subscription to confirm. nil:
	// nothing. Only the server does it, after Verify and Permit and before Decode.
	Greet func(ctx context.Context, p Post) error
	// Answer is what this system's clients expect to hear: of what was accepted, by dedup key, or of what went wrong;
	// nil: 202 with our own words, problem documents.
	Answer func(dedup []string, err error) Answer
}
