package web

import (
	"context"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/sla"
	"github.com/belayhq/belay/service"
)

// Authenticator finds out whose bearer token this is.
type Authenticator interface {
	Bearer(ctx context.Context, secret string) (service.Caller, error) // fault.Unauthenticated
}

// Sessions let browsers in until they end.
type Sessions interface {
	// Begin makes a session and ends the one that the browser had before, if any.
	Begin(ctx context.Context, e service.Entrance, before string) (secret string, err error)
	Find(ctx context.Context, secret string) (service.Session, error) // fault.Unauthenticated
	End(ctx context.Context, secret string) error                     // of one that is over: nil
	Lasts() time.Duration                                             // at most
}

// Accounts let people in by a password. fault.Unauthenticated says not which half is wrong.
type Accounts interface {
	Enter(ctx context.Context, name, password, address string) (service.Entrance, error)
}

// Provider vouches for people, by OpenID Connect.
type Provider interface {
	// Begin is where the browser proves who it is.
	Begin(ctx context.Context, state, nonce, verifier string) (address string, err error)
	// Finish takes the code that it came back with. fault.Denied, with the reason, for whoever may not come in.
	Finish(ctx context.Context, code, nonce, verifier string) (service.Entrance, error)
}

// Organisation gives the organisation as it is now, from memory: names, zones, services.
type Organisation interface {
	Current() policy.Directory
}

// OnCall says who is on call.
type OnCall interface {
	At(ctx context.Context, c service.Caller, at time.Time, s id.Schedule, team id.Team) ([]service.Seat, error)
	Roster(ctx context.Context, c service.Caller, s id.Schedule, from, until time.Time) (service.Roster, error) // fault.NotFound
	Mine(ctx context.Context, c service.Caller, ahead time.Duration) ([]service.FeedShift, error)
}

// Covers puts people in place of others. A field that is wrong is named; an overlap is fault.Conflict.
type Covers interface {
	Preview(ctx context.Context, c service.Caller, o org.Override) (service.Preview, error)
	Create(ctx context.Context, c service.Caller, o org.Override) (org.Override, error)
	Delete(ctx context.Context, c service.Caller, o id.Override, reason string) error
}

// Feeds are the calendar links of the caller, and what they show to whoever has one.
type Feeds interface {
	Create(ctx context.Context, c service.Caller, s id.Schedule) (service.Feed, string, error)
	List(ctx context.Context, c service.Caller) ([]service.Feed, error)
	Revoke(ctx context.Context, c service.Caller, feed string) error
	Read(ctx context.Context, secret string) (service.Feed, []service.FeedShift, error) // fault.Denied
}

// Reachability says how people can be reached.
type Reachability interface {
	All(c service.Caller) ([]service.Reach, error)
	One(ctx context.Context, c service.Caller, p id.Person) (service.Reach, error) // fault.NotFound
}

// Catalogue knows the services, and whom they find in each hour of a week.
type Catalogue interface {
	Coverage(c service.Caller, s id.Service, monday time.Time) ([]service.Cover, error) // fault.NotFound
}

// Revisions are the blueprints that were applied, newest first.
type Revisions interface {
	List(ctx context.Context, c service.Caller, limit int) ([]service.Revision, error)
}

// Simulations play escalations without telling anybody.
type Simulations interface {
	Play(c service.Caller, a service.Ask) (service.Played, error)
	// Compare plays on a blueprint that is only proposed, and says what it changes.
	Compare(c service.Caller, a service.Ask, files []service.File) (service.Played, []blueprint.Change, error)
}

// Trials say what a request of a monitor would do, without doing it. What is wrong is fault.Invalid or fault.TooLarge, with
// its field.
type Trials interface {
	Formats() []string
	Try(c service.Caller, t service.Trial) (service.Explanation, error)
}

// Search reads what the recorder wrote, for those who may.
type Search interface {
	Get(ctx context.Context, c service.Caller, e id.Escalation) (service.Escalation, error) // fault.NotFound
	List(ctx context.Context, c service.Caller, f service.Filter) (service.Page, error)
	// Timeline returns entries with a number above after, in order.
	Timeline(ctx context.Context, c service.Caller, e id.Escalation, after, limit int) ([]escalation.Entry, error)
}

// Answers hands what a human says to a workflow and brings back what it made of it.
type Answers interface {
	Say(ctx context.Context, c service.Caller, workflow, verb string, w contract.Word) (contract.Reply, error)
}

// Machines asks a running escalation for all that it knows.
type Machines interface {
	Machine(ctx context.Context, e id.Escalation) (escalation.State, error) // fault.NotFound, fault.Unavailable
}

// Promises are the clocks of the ticket that an escalation watches.
type Promises interface {
	Clocks(ctx context.Context, c service.Caller, e id.Escalation) ([]sla.Clock, error) // fault.NotFound: it watches none
}

// Links opens signed links. A token that is forged or too old is fault.Denied, with words to show.
type Links interface {
	Open(token string) (service.Ticket, error)
}

// Messages knows what was sent.
type Messages interface {
	ByKey(ctx context.Context, key string) (service.Sent, error) // fault.NotFound
}

// Digests knows what was gathered into one message.
type Digests interface {
	// Members by digest, in no particular order.
	Members(ctx context.Context, digests ...int64) (map[int64][]service.Member, error)
}

// Opener opens escalations by hand.
type Opener interface {
	Do(ctx context.Context, c service.Caller, in service.Opening) (id.Escalation, error)
}

// Sandbox is the phones and mailboxes of dev mode, and the carriers that serve them.
type Sandbox interface {
	Get(ctx context.Context, message int64) (service.SandboxMessage, error)             // fault.NotFound
	List(ctx context.Context, after int64, limit int) ([]service.SandboxMessage, error) // oldest first
	// Reply answers a message as its receiver would, and returns what Belay said.
	Reply(ctx context.Context, message int64, text string) (answer string, err error)
	// Fail makes the carrier report a status in its own words ("no-answer", "undelivered"), with its error code.
	Fail(ctx context.Context, message int64, status, code string) error
}
