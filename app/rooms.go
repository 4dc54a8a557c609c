package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/api"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/surge"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/disk"
	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/integrations/canary"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
	"github.com/belayhq/belay/workers"
)

// rooms are the services, joined to a database and an engine. Every process has all of them; its roles say which it
// lets work.
type rooms struct {
	directory *service.Directory
	engine    *durable.Engine
	lights    *service.Lights
	dark      *service.Dark
	reserve   *service.Reserve
	fleet     *durable.Fleet
	beside    *service.Pool
	links     service.Links

	settler  *service.Settler
	intake   *service.Intake
	relay    *service.Relay
	opener   *service.Open
	answers  *service.Answers
	monitors *service.Monitors
	receipts *service.Receipts
	replies  *service.Replies
	search   *service.Search
	keyring  *service.Keyring
	sessions *service.Sessions
	accounts *service.Accounts
	oncall   *service.OnCall
	covers   *service.Covers
	feeds    *service.Feeds
	reach    *service.Reachability
	plays    *service.Simulations
	trials   *service.Trials
	listing  *service.Catalogue
	scribe   *service.Scribe
	poll     *service.TicketPoll
	news     *service.TicketNews
	tickets  *service.Tickets
	desk     *service.TicketDesk
	trackers func(org.TicketSystem) (service.Tracker, error)
	digests  *service.Digests
	sandbox  *service.Sandbox // dev only
	quiet    *service.Quiet
	heart    *service.Heart
	canaries *service.Canaries
	robot    *canary.Client

	maintenance *service.Maintenance

	blueprints  *service.Blueprints
	idempotency service.Idempotency
	messages    service.Messages
}

func join(o Options, db *pgxpool.Pool, temporal client.Client, shelf *disk.Shelf, metrics *Metrics, limits *service.Limits, log *slog.Logger, now func() time.Time) rooms {
	inbox := store.Inbox{Pool: db}
	lights := &service.Lights{Now: now, Ping: func(ctx context.Context) error { return store.Ping(ctx, db) }}
	messages := litMessages{Messages: store.Messages{Pool: db}, lights: lights}
	escalations := store.Escalations{Pool: db, Kept: &store.Summaries{}}
	barred := store.Barred{Pool: db}
	overrides := store.Overrides{Pool: db}
	access := service.Access{}
	digests := litBook{Digests: store.Digests{Pool: db}, lights: lights}

	r := rooms{
		engine:   &durable.Engine{Client: temporal},
		lights:   lights,
		fleet:    &durable.Fleet{Client: temporal, Log: log},
		beside:   &service.Pool{Log: log},
		links:    service.Links{Secret: o.Secret, PublicURL: o.PublicURL, Now: now},
		messages: messages,
	}
	r.dark = &service.Dark{Conversations: r.engine, Lights: lights, Secret: o.Secret, Now: now, Log: log}
	r.reserve = &service.Reserve{Mint: inbox, Log: log}
	r.directory = &service.Directory{
		Revisions: store.Revisions{Pool: db}, Overrides: overrides, Barred: barred, Windows: store.Windows{Pool: db}, Parse: parse, Now: now, Log: log,
	}
	gate := &service.Gate{}
	crowded := func() bool { behind, _ := gate.Behind(); return behind }
	r.digests = &service.Digests{
		Book: digests, Ledger: litLedger{Ledger: store.Ledger{Pool: db}, lights: lights}, Organisation: r.directory, Engine: r.engine, Links: r.links, Words: spoken(r.directory),
		Rules: surge.Usual(), Meter: metrics, Pool: r.beside, Now: now, Log: log, Crowded: crowded,
	}
	engine := service.Withdrawing{Engine: r.engine, Digests: r.digests}
	if shelf != nil {
		r.directory.Beside, r.reserve.Stock = shelf, shelf
	}
	routes := &service.Routes{Organisation: r.directory}
	r.settler = &service.Settler{Organisation: r.directory, Routes: routes, Inbox: inbox, Engine: engine, Dark: r.dark, Rules: r.fleet.Rules, Log: log}
	desk := &service.Desk{Settler: r.settler, Gate: gate, Lights: lights, Pool: r.beside, Log: log}
	proof := service.CanaryProof{Secret: o.Secret}
	r.robot = o.flies(proof, now)
	r.heart = &service.Heart{
		Organisation: r.directory, Heartbeats: store.Heartbeats{Pool: db}, Inbox: inbox, Desk: desk, Lights: lights, Now: now, Log: log,
	}
	r.quiet = &service.Quiet{Alerts: inbox, Routes: routes, Lights: lights, Dark: r.dark, Now: now, Log: log}
	r.maintenance = &service.Maintenance{Organisation: r.directory, Windows: store.Windows{Pool: db}, Access: access, Now: now}
	r.intake = &service.Intake{
		Organisation: r.directory, Inbox: inbox, Lights: lights, Dark: r.dark, Routes: routes, Heart: r.heart, Canary: proof, Now: now, Desk: desk,
	}
	r.relay = &service.Relay{Inbox: inbox, Settler: r.settler, Gate: gate, Lights: lights, Dark: r.dark, Log: log}
	r.opener = &service.Open{
		Organisation: r.directory, Inbox: inbox, Arrivals: inbox, Settler: r.settler, Lights: lights, Dark: r.dark,
		Access: access, Now: now,
	}
	r.answers = &service.Answers{Organisation: r.directory, Engine: engine, Access: access, Now: now}
	r.monitors = &service.Monitors{
		Organisation: r.directory, Escalations: escalations, Senders: store.Senders{Pool: db}, Engine: engine, Intake: r.intake, Now: now, Log: log,
	}
	r.receipts = &service.Receipts{Messages: messages, Digests: digests, Engine: r.engine, Pool: r.beside, Log: log}
	r.canaries = &service.Canaries{
		Organisation: r.directory, Book: store.Canaries{Pool: db}, Door: r.robot, Proof: proof, Escalations: escalations, Receipts: r.receipts,
		Inbox: inbox, Desk: desk, Lights: lights, Access: access, Now: now, Log: log,
	}
	r.replies = &service.Replies{
		Organisation: r.directory, Escalations: escalations, Messages: messages, Paged: messages, Digests: digests, Answers: r.answers,
		Runs: r.engine, Lights: lights, Barred: barred, Trail: store.Audit{Pool: db}, Idempotency: store.Idempotency{Pool: db}, Now: now, Log: log,
	}
	r.search = &service.Search{Escalations: escalations, Runs: r.engine, Lights: lights, Access: access}
	r.keyring = &service.Keyring{Tokens: store.Tokens{Pool: db}, Organisation: r.directory, Access: access, Lights: lights, Now: now}
	r.sessions = &service.Sessions{
		Book: store.Sessions{Pool: db}, Organisation: r.directory, Lights: lights, Now: now, Idle: o.SignIn.Idle, Max: o.SignIn.Max,
	}
	r.accounts = accounts(db, r.directory, limits, now)
	r.oncall = &service.OnCall{Organisation: r.directory, Overrides: overrides, Access: access, Now: now}
	r.covers = &service.Covers{Organisation: r.directory, Overrides: overrides, Access: access, Now: now}
	r.tickets = &service.Tickets{
		Organisation: r.directory, Revisions: r.directory, Store: store.Tickets{Pool: db}, Settler: r.settler, Access: access, Now: now, Log: log,
	}
	r.feeds = &service.Feeds{Book: store.Feeds{Pool: db}, Organisation: r.directory, OnCall: r.oncall, Access: access, Now: now}
	r.listing = &service.Catalogue{Organisation: r.directory, Access: access}
	r.reach = &service.Reachability{Catalogue: r.listing, Organisation: r.directory, Paged: messages, Now: now}
	r.plays = &service.Simulations{Organisation: r.directory, Access: access, Zones: Zone, Now: now}
	r.trials = &service.Trials{Organisation: r.directory, Dialects: Dialects(), Most: api.MostPost, Access: access, Now: now}
	r.blueprints = &service.Blueprints{
		Revisions: store.Revisions{Pool: db}, Directory: r.directory, Access: access, Zones: Zone, Providers: o.Providers(), Now: now,
	}
	links, reached := store.TicketLinks{Pool: db}, &ticketClients{Tickets: o.Tickets}
	watch := &service.TicketWatch{Tickets: r.tickets, Store: r.tickets.Store, Log: log}
	r.news = &service.TicketNews{Book: links, Organisation: r.directory, Engine: engine, Observe: watch.Observe, Now: now, Log: log}
	r.desk = &service.TicketDesk{Book: links, Organisation: r.directory, Trackers: reached.reach, Access: access}
	r.trackers = reached.reach
	r.intake.Tickets = ticketDoor(r.directory, r.news, r.trackers)
	r.scribe = &service.Scribe{
		Book: links, Escalations: escalations, Organisation: r.directory, Trackers: reached.reach, News: r.news, Log: log,
		Seal: tracker.Seal(o.Secret),
		Page: func(e id.Escalation) string { return o.PublicURL + "/escalations/" + string(e) },
	}
	r.poll = &service.TicketPoll{Book: links, Organisation: r.directory, Trackers: reached.reach, News: r.news, Log: log}
	r.idempotency = store.Idempotency{Pool: db}
	if o.Dev {
		r.sandbox = &service.Sandbox{
			Messages: store.Sandbox{Pool: db}, Sent: messages, Replies: r.replies, Receipts: r.receipts, Classify: Classify, Now: now,
		}
	}
	return r
}

// gather puts the gathering of pages in front of every carrier.
func (r rooms) gather(ways map[org.Channel]activities.Carrier) map[org.Channel]activities.Carrier {
	r.digests.Carriers = map[org.Channel]service.Carrier{}
	out := map[org.Channel]activities.Carrier{}
	for channel, carrier := range ways {
		r.digests.Carriers[channel] = carrier
		out[channel] = r.digests.Over(carrier)
	}
	return out
}

// work is what the worker needs: the activities with their ports filled.
func (r rooms) work(db *pgxpool.Pool, ways map[org.Channel]activities.Carrier, log *slog.Logger, now func() time.Time) workers.Deps {
	return workers.Deps{
		Directory: &activities.Directory{Directories: r.directory},
		Warden:    &activities.Warden{Judges: r.tickets},
		Planner:   &activities.Planner{Revisions: r.directory, Directories: r.directory, Now: now},
		Pager: &activities.Pager{
			Directories: r.directory, Revisions: r.directory, Ledger: litLedger{Ledger: store.Ledger{Pool: db}, lights: r.lights}, Carriers: ways, Linker: r.links, Words: spoken(r.directory),
			Barrier: barrier{barred: store.Barred{Pool: db}, now: now}, Journal: litJournal{Journal: store.Journal{Pool: db, Tickets: service.TicketRules{Organisation: r.directory}.Wanted}, lights: r.lights}, Now: now, Log: log,
		},
		Recorder: &activities.Recorder{Journal: litJournal{Journal: store.Journal{Pool: db, Tickets: service.TicketRules{Organisation: r.directory}.Wanted}, lights: r.lights}},
		Doorman: &activities.Doorman{
			Finder: r.engine, Numbers: r.reserve, Opener: r.settler, Inbox: litInbox{Inbox: store.Inbox{Pool: db}, lights: r.lights},
		},
	}
}
