// Package web is Belay's pages: what a person sees. It renders on the server, works without script, keeps pages
// live with server-sent events, and hands every word of a human to a service. It decides nothing about escalations
// and knows no database.
package web

//go:generate go tool -modfile=../tools/go.mod templ generate

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

// Options is all that the pages need.
type Options struct {
	// Prefix is the path under which browsers see the pages ("/belay"); empty: the path of PublicURL. Routes are
	// mounted with and without it, because some proxies strip it and some do not.
	Prefix string
	// PublicURL is how people outside reach Belay: "https://belay.example.com/belay". Its origin is trusted for forms.
	PublicURL string
	// Secret seals cookies and form tokens: 32 bytes or more.
	Secret []byte
	// Dev mounts the sandbox, and opens the pages to this machine without signing in.
	Dev bool
	// TemporalUIURL is where operators look deeper: "http://127.0.0.1:8233"; empty: no link.
	TemporalUIURL string
	// Namespace of the workflows in that UI; empty: "default".
	Namespace string

	Authenticator Authenticator
	Sessions      Sessions
	Accounts      Accounts // nil: nobody signs in by a password
	Provider      Provider // nil: nobody vouches for people
	ProviderName  string   // as people know it; empty: single sign-on
	Organisation  Organisation
	Search        Search
	OnCall        OnCall
	Covers        Covers
	Feeds         Feeds
	Reachability  Reachability
	Catalogue     Catalogue
	Revisions     Revisions
	Simulations   Simulations
	Trials        Trials
	Answers       Answers
	Machines      Machines // nil: what is to come is not shown
	Links         Links
	Messages      Messages
	Digests       Digests
	Promises      Promises // nil: no tickets
	Access        service.Access

	// The sandbox: needed in dev mode only.
	Opener  Opener
	Sandbox Sandbox

	Limits *service.Limits // nil: the generous ones
	// PieceWithin is how long a browser may take to read one piece of a live page; zero: 30 s.
	PieceWithin time.Duration
	// Pulse is how often a live page hears that its line still carries; zero: 15 s.
	Pulse time.Duration

	Bell *Bell // rung when something may have changed; nil: pages look by themselves
	Now  func() time.Time
	Log  *slog.Logger
}

// Site is the mounted pages.
type Site struct {
	Options
	seal   sealer
	cross  *http.CrossOriginProtection
	secure bool // cookies travel over TLS only
	floor  sandboxFloor

	foresight foresight

	assets map[string]asset
	places []place // of the navigation
}

// Register mounts the pages. It fails when the options could not be safe.
func Register(e *echo.Echo, o Options) (*Site, error) {
	s, err := newSite(o)
	if err != nil {
		return nil, err
	}
	if e.IPExtractor == nil {
		e.IPExtractor = echo.ExtractIPDirect() // whoever guesses tokens writes headers of proxies too
	}
	s.mount(e.Group(""))
	if s.Prefix != "" {
		s.mount(e.Group(s.Prefix))
	}
	s.places = mounted(e, s.Prefix)
	return s, nil
}

func newSite(o Options) (*Site, error) {
	if len(o.Secret) < 32 {
		return nil, fault.Field("secret", "%d bytes are too few, 32 are needed", len(o.Secret))
	}
	public, err := url.Parse(o.PublicURL)
	if err != nil || o.PublicURL != "" && public.Host == "" {
		return nil, fault.Field("public_url", "%q is not the address of a site", o.PublicURL)
	}
	if o.Prefix == "" {
		o.Prefix = public.Path
	}
	o.Prefix = strings.TrimRight(o.Prefix, "/")
	if o.Prefix != "" && !strings.HasPrefix(o.Prefix, "/") {
		return nil, fault.Field("prefix", "%q does not begin with a slash", o.Prefix)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Bell == nil {
		o.Bell = &Bell{}
	}
	if o.PieceWithin == 0 {
		o.PieceWithin = 30 * time.Second
	}
	if o.Pulse == 0 {
		o.Pulse = streamPulse
	}
	if o.Limits == nil {
		o.Limits = &service.Limits{}
	}
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	seal, err := newSealer(o.Secret)
	if err != nil {
		return nil, err
	}
	assets, err := loadAssets()
	if err != nil {
		return nil, err
	}
	s := &Site{Options: o, seal: seal, cross: http.NewCrossOriginProtection(), assets: assets}
	if o.PublicURL == "" {
		return s, nil
	}
	if err := s.cross.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "trust the origin of %q", o.PublicURL)
	}
	s.secure = public.Scheme == "https"
	return s, nil
}

func (s *Site) mount(g *echo.Group) {
	open := g.Group("", s.harden, s.tell)
	open.GET("/assets/:name", s.asset)
	open.HEAD("/assets/:name", s.asset)
	open.GET("/login", s.loginForm)
	open.POST("/login", s.login, s.sameSite)
	open.GET("/login/provider", s.askProvider)
	open.GET("/login/callback", s.providerAnswers)
	open.POST("/logout", s.logout, s.sameSite)
	open.POST("/look", s.look, s.sameSite)
	open.GET("/feeds/:token", s.feed)
	open.HEAD("/feeds/:token", s.feed)
	open.GET("/a/:token", s.linkShow)
	open.HEAD("/a/:token", s.linkShow)
	open.POST("/a/:token", s.linkAct, s.sameSite)

	reader := g.Group("", s.harden, s.tell, s.admit(service.Read))
	reader.GET("/", s.now)
	reader.GET("/events", s.nowEvents)
	reader.GET("/escalations/:id", s.escalation)
	reader.GET("/escalations/:id/events", s.escalationEvents)
	reader.GET("/oncall", s.onCallPage)
	reader.GET("/oncall/mine", s.minePage)
	reader.GET("/oncall/schedules/:id", s.rosterPage)
	reader.GET("/people", s.peoplePage)
	reader.GET("/people/:id", s.personPage)
	reader.GET("/services", s.servicesPage)
	reader.GET("/services/revisions", s.revisionsPage)
	reader.GET("/services/:id", s.servicePage)
	reader.GET("/simulate", s.simulatePage)
	planning := g.Group("", s.hardenFor(largestBlueprint), s.tell, s.sameSite, s.admit(service.PlanBlueprint))
	planning.POST("/simulate", s.compare)
	trying := g.Group("", s.hardenFor(largestTrial), s.tell, s.sameSite, s.admit(service.TryRequest))
	trying.GET("/try", s.tryPage)
	trying.POST("/try", s.tryRequest)
	own := g.Group("", s.harden, s.tell, s.sameSite, s.admit(service.Read))
	own.POST("/oncall/feeds", s.makeFeed)
	own.POST("/oncall/feeds/:feed/end", s.endFeed)
	planner := g.Group("", s.harden, s.tell, s.sameSite, s.admit(service.Override))
	planner.GET("/oncall/schedules/:id/override", s.overrideForm)
	planner.POST("/oncall/schedules/:id/override", s.override)
	planner.POST("/oncall/schedules/:id/overrides/:override/end", s.endOverride)

	// A second group, so that a role which may read is told that it may not answer.
	speaker := g.Group("", s.harden, s.tell, s.sameSite, s.admit(service.Answer))
	speaker.POST("/escalations/:id/:verb", s.say)

	if !s.Dev {
		return
	}
	player := g.Group("/sandbox", s.harden, s.tell, s.sameSite, s.admit(service.PlaySandbox))
	player.GET("", s.sandbox)
	player.GET("/events", s.sandboxEvents)
	player.GET("/messages", s.sandboxMessages)
	player.POST("/messages/:id/reply", s.sandboxReply)
	player.POST("/messages/:id/fail", s.sandboxFail)
	player.POST("/alerts", s.sandboxAlert)
}
