package service

import (
	"context"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/route"
)

// Engine runs escalations. Every call is safe to repeat.
type Engine interface {
	// Open starts an escalation; one that is known already is left as it is.
	Open(ctx context.Context, start contract.Start) error
	// OpenSaid opens, and says a word to it before it tells anybody.
	OpenSaid(ctx context.Context, start contract.Start, verb string, word contract.Word) error
	// Say hands a human's word to a workflow and waits for its answer. When no worker answers in time the word is
	// left as a signal and the outcome is contract.Received. A workflow that is over: fault.Conflict; one that never
	// was: fault.NotFound; an engine that cannot be reached: fault.Unavailable.
	Say(ctx context.Context, workflow, verb string, word contract.Word) (contract.Reply, error)
	// Repeat says that the monitor fired again. Errors as with Say.
	Repeat(ctx context.Context, e id.Escalation, r contract.Repeat) error
	// Receipt hands a carrier's report to the workflow that sent the message. Errors as with Say.
	Receipt(ctx context.Context, workflow string, r page.Receipt) error
	// Ticket says that a watched ticket should be looked at. Errors as with Say.
	Ticket(ctx context.Context, e id.Escalation, c contract.TicketChanged) error
	// Ready reports whether the engine can be reached.
	Ready(ctx context.Context) error
}

// Runs tells how escalations stand by asking them, which needs no records and takes longer.
type Runs interface {
	// Stands answers the summary of one escalation. fault.NotFound when it never was, or was forgotten since it ended.
	Stands(ctx context.Context, e id.Escalation) (escalation.Summary, error)
	// Live lists open and acknowledged escalations, newest first, at most some dozens; complete: there are no more.
	Live(ctx context.Context) (live []escalation.Summary, complete bool, err error)
}

// Deed is who did what to what: written to the audit trail in the same transaction as the change.
type Deed struct {
	At      time.Time
	Actor   string // "ana", "token:noc", "belay"
	Via     string // "api", "sms", "cli", "sandbox"
	Action  string // "blueprint.apply", "override.create", …
	Subject string // "schedule payments-primary"
	Reason  string
	Detail  map[string]string
}

// Incoming is one event at the door, decoded and routed.
type Incoming struct {
	Integration id.Integration
	Service     id.Service
	Format      string // "pagerduty", "api", "alertmanager"
	Key         string // sender's idempotency key; empty: every delivery is an event of its own
	Alert       alert.Alert
	Raw         []byte // as received
	ReceivedAt  time.Time
	Route       *route.Decision // what the rules said; nil: nothing that is not plain
	Trace       string          // names the request to its sender; empty: it was told none
}

// Errand is something the engine must still be told. Errands of one escalation are run in order.
type Errand struct {
	ID         int64
	Escalation id.Escalation
	Start      *contract.Start         // exactly one of these
	Repeat     *contract.Repeat        //
	Say        *Saying                 //
	Ticket     *contract.TicketChanged //
}

// Saying is a word with its verb.
type Saying struct {
	Verb string        `json:"verb"`
	Word contract.Word `json:"word"`
}

// Turn is how much is taken at once, in escalations.
type Turn struct {
	Age    time.Duration // younger errands are left to the process that made them
	Hold   time.Duration // so long others leave alone what was taken
	Urgent int           // of P1 to be started, oldest first
	Others int           // of all others to be started: by priority, then by age; one of them is the oldest
	Words  int           // that run, and have something to be told
}

// Crowd is what the engine was given and has not been heard of.
type Crowd struct {
	Urgent  int // P1
	All     int
	Waiting bool // there are more to be started
}

// Inbox keeps what arrived until the engine has it. No answer of success is given before Accept has returned.
type Inbox interface {
	// Accept commits an event and returns its sequence number. A key seen before from the same integration returns
	// the first number and known = true.
	Accept(ctx context.Context, in Incoming) (seq int64, known bool, err error)
	// AcceptAll commits the events of one request, all of them or none, and returns their sequence numbers, which are in
	// their order. They share the raw request, which is kept once.
	AcceptAll(ctx context.Context, in []Incoming) (seqs []int64, err error)
	// Settle works the conversation (service, dedup key) of an event in order, up to and including it, in one
	// transaction under one lock: a trigger opens an escalation (through open) or joins the one that is open; a
	// resolve or acknowledge is addressed to the open one, and a resolve also frees the dedup key. Repeats are
	// counted on the row and become an errand at most once per interval, or at once when the severity is worse.
	// The errands it returns are committed with it. Settling twice returns the errands that are still undone.
	Settle(ctx context.Context, seq int64, open func(id.Escalation, Incoming) (contract.Start, error)) ([]Errand, error)
	// SettleAll settles the conversations of many events in one transaction: what fails for one fails for all.
	SettleAll(ctx context.Context, seqs []int64, open func(id.Escalation, Incoming) (contract.Start, error)) ([]Errand, error)
	// Unsettled lists events older than age that nobody settled, oldest first.
	Unsettled(ctx context.Context, age time.Duration, limit int) ([]int64, error)
	// Take lists the errands of escalations whose turn it is, the most urgent first, each escalation's in order, and
	// keeps them from others who take. It makes errands of counted repeats that have waited longer than the interval. An
	// error may come with errands: some could not be read.
	Take(ctx context.Context, t Turn) ([]Errand, error)
	// Crowd counts the escalations that were started within lately and have not written a line since. Waiting are those
	// that should have been started longer than age ago.
	Crowd(ctx context.Context, age, lately time.Duration) (Crowd, error)
	// Aside puts the start of an escalation off for longer than anybody holds what they took: it is not one of those that
	// are waiting until then.
	Aside(ctx context.Context, errand int64, pause time.Duration) error
	// Done strikes an errand off.
	Done(ctx context.Context, errand int64) error
	// Orphan handles a repeat whose escalation turned out to be over: the dedup key is freed and its last event is
	// settled again as a new one. Returns that event.
	Orphan(ctx context.Context, errand int64) (seq int64, err error)
}

// Muted is an event that a maintenance window keeps quiet.
type Muted struct {
	Seq int64
	Incoming
}

// Quieted are the alerts that were accepted and tell nobody yet.
type Quieted interface {
	// Ripen makes events again of what is due: what was delayed and still fires, what was flapping and is quiet. It answers
	// how many at most; they are settled as any other. Of what was delayed only these, unless they are nil.
	Ripen(ctx context.Context, at time.Time, delayed []int64, limit int) (seqs []int64, err error)
	// Forget removes members of groups that are over for good, which joined before an instant and were never said to be well
	// again. It answers how many.
	Forget(ctx context.Context, before time.Time, limit int) (gone int, err error)
	// Delayed lists what was delayed and is due, oldest first, each as severe as the worst of it.
	Delayed(ctx context.Context, at time.Time, limit int) ([]Muted, error)
	// Mute leaves to a window what was delayed and is due.
	Mute(ctx context.Context, seq int64, by id.Window) error
	// Muted lists what is muted by windows other than these, oldest first.
	Muted(ctx context.Context, open []id.Window, limit int) ([]Muted, error)
	// Unmute makes an event again of a muted one, or leaves it to another window.
	Unmute(ctx context.Context, seq int64, to id.Window, at time.Time) error
}

// Escalation is a row with what was received.
type Escalation struct {
	escalation.Summary
	ServiceName string
	DedupKey    string
	Alert       alert.Alert
	Integration id.Integration
}

// Filter of a list. Empty fields match everything.
type Filter struct {
	States     []escalation.Phase
	Services   []id.Service
	Units      []id.Unit
	Priorities []org.Priority
	Person     id.Person // told or owner
	Text       string    // in the title
	Canaries   bool      // also alerts of ours to ourselves
	ByNext     bool      // by the next automatic action, soonest first; those without one come last
	Cursor     string    // opaque, from Page.Cursor
	Brief      bool      // without the alerts that opened them
	Limit      int       // 1 to 200, or 1000 in brief; 0: 50
}

// Page of a list, newest first; with ByNext the next automatic action first.
type Page struct {
	Escalations []Escalation
	Cursor      string // empty: no more
}

// Escalations reads what the recorder wrote.
type Escalations interface {
	Get(ctx context.Context, e id.Escalation) (Escalation, error) // fault.NotFound
	List(ctx context.Context, f Filter) (Page, error)
	// Timeline returns entries with a number above after, in order.
	Timeline(ctx context.Context, e id.Escalation, after, limit int) ([]escalation.Entry, error)
	// Heard returns receipts that are known and not in the timeline yet, in the order in which they were heard, with the
	// numbers that they will most likely have.
	Heard(ctx context.Context, e id.Escalation) ([]escalation.Entry, error)
	// OpenFor lists open and acknowledged escalations this person was told of or owns, newest first.
	OpenFor(ctx context.Context, p id.Person) ([]escalation.Summary, error)
}

// Revision is one applied blueprint.
type Revision struct {
	Hash      id.Revision
	Parent    id.Revision
	AppliedAt time.Time
	AppliedBy string
	Files     []File
	Changes   []string // in words
}

// File of a blueprint.
type File struct {
	Path    string `json:"path"`
	Content string `json:"content"`
}

// Revisions keeps every blueprint ever applied.
type Revisions interface {
	Current(ctx context.Context) (Revision, error) // fault.NotFound before the first apply
	Get(ctx context.Context, hash id.Revision) (Revision, error)
	List(ctx context.Context, limit int) ([]Revision, error) // without files, newest first
	// Apply makes a revision current, if the current one still is base (empty: whatever it is); else fault.Conflict.
	Apply(ctx context.Context, base id.Revision, r Revision, deed Deed) error
}

// Overrides are made by hand, for a while.
type Overrides interface {
	List(ctx context.Context, s id.Schedule, from, until time.Time) ([]org.Override, error)
	// Create refuses (fault.Conflict) an override that overlaps another of the same schedule.
	Create(ctx context.Context, o org.Override, deed Deed) (org.Override, error)
	Delete(ctx context.Context, o id.Override, deed Deed) error // fault.NotFound
}

// Barred keeps the methods that must not be used.
type Barred interface {
	All(ctx context.Context) (map[policy.Way]string, error)
	Bar(ctx context.Context, w policy.Way, reason string, deed Deed) error
	Unbar(ctx context.Context, w policy.Way, deed Deed) error
}

// Role of a token.
type Role string

const (
	Admin           Role = "admin"       // everything
	Responder       Role = "responder"   // verbs, overrides, reading
	Viewer          Role = "viewer"      // reading
	IntegrationRole Role = "integration" // opening escalations
)

// Token is a bearer token as it is kept: its secret is known to its bearer only.
type Token struct {
	ID        string
	Name      string
	Role      Role
	Person    id.Person // whose it is; empty for machines
	CreatedAt time.Time
	RevokedAt time.Time
}

// Tokens are found by the SHA-256 of their secret.
type Tokens interface {
	Find(ctx context.Context, hash []byte) (Token, error) // fault.NotFound; revoked ones are not found
	Create(ctx context.Context, t Token, hash []byte, deed Deed) error
	List(ctx context.Context) ([]Token, error)
	Revoke(ctx context.Context, tokenID string, deed Deed) error
}

// Answered is an answer kept for an idempotency key.
type Answered struct {
	Status int
	Body   []byte
}

// Idempotency remembers answers for 24 hours.
type Idempotency interface {
	// Begin claims a key for a request. A finished one returns its answer; the same key with another request, or one
	// that is still running, is fault.Conflict.
	Begin(ctx context.Context, scope, key string, request []byte) (*Answered, error)
	// Hold says, every few seconds, that the request goes on: the key of one that is not held may be claimed again after ten.
	Hold(ctx context.Context, scope, key string) error
	Finish(ctx context.Context, scope, key string, a Answered) error
	// Abandon frees a key whose request failed for a reason that may pass.
	Abandon(ctx context.Context, scope, key string) error
}

// Sent is a message as it was handed to a carrier, with the last that was heard of it.
type Sent struct {
	Message  page.Message
	Workflow string // that sent it
	At       time.Time
	Last     page.Receipt
}

// Messages knows every message by its key and by the provider's name for it.
type Messages interface {
	ByKey(ctx context.Context, key string) (Sent, error) // fault.NotFound
	ByProvider(ctx context.Context, provider, providerID string) (Sent, error)
	// Note keeps a later receipt beside the message. The same receipt twice is noted once: fresh tells.
	Note(ctx context.Context, r page.Receipt) (fresh bool, err error)
}

// SandboxMessage is what a sandbox phone or mailbox shows.
type SandboxMessage struct {
	ID         int64         `json:"id"`
	At         time.Time     `json:"at"`
	Channel    org.Channel   `json:"channel"`
	Person     id.Person     `json:"person"`
	To         string        `json:"to"`
	Escalation id.Escalation `json:"escalation"`
	Subject    string        `json:"subject,omitempty"`
	Body       string        `json:"body"`
	Link       string        `json:"link,omitempty"`
	Status     string        `json:"status"` // "delivered", "ringing", "answered", or what fail was told
	Key        string        `json:"key"`
	Replies    []string      `json:"replies,omitempty"` // what was said, and "→ " what Belay answered
}

// SandboxMessages keeps them. Deliver is idempotent by key.
type SandboxMessages interface {
	Deliver(ctx context.Context, m SandboxMessage) (SandboxMessage, error)
	Get(ctx context.Context, message int64) (SandboxMessage, error)
	List(ctx context.Context, after int64, limit int) ([]SandboxMessage, error) // oldest first
	Update(ctx context.Context, message int64, status string, replies ...string) error
}
