// Package app puts Belay together: it reads the configuration, opens what the rooms need, joins them, and starts and
// stops the whole in order. Everything that one process is made of can be read here; nothing is decided here.
package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/belayhq/belay/durable"
)

// Options of one process.
type Options struct {
	Dev  bool
	Home string // directory of a development machine's state

	HTTPAddr   string // where API and pages listen
	WorkerAddr string // where a process that only works answers probes
	// TrustedProxies are those in front of us: what they say of who asked them is believed, for limits.
	TrustedProxies []netip.Prefix
	CanaryURL      string // where canaries reach us; empty: PublicURL
	PublicURL      string // how people and carriers outside reach us, no slash at the end

	StateDir string // what a process needs to begin without the database; empty: Home/state

	DatabaseURL  string
	PostgresAddr string // of the dev stack

	TemporalPostgresAddr string // of the dev stack's second Postgres, for Temporal alone; empty: one for both

	TemporalAddr      string // empty: what TEMPORAL_ADDRESS says, else 127.0.0.1:7233
	TemporalNamespace string // empty: what TEMPORAL_NAMESPACE says, else default
	TemporalPlain     bool   // a server of our own: TEMPORAL_* does not apply
	TemporalExternal  bool   // dev uses the server at TemporalAddr instead of starting one
	TemporalUIAddr    string
	CodecKeys         []durable.Key
	BuildID           string // of this worker, for Worker Versioning; empty: unversioned

	Blueprint string // directory that dev applies
	Secret    []byte // signs links and seals cookies

	Twilio  Twilio
	Gateway Gateway
	SMTP    SMTP
	MailIn  MailIn
	Webhook Webhook
	Watch   Watch
	Tickets Tickets
	SignIn  SignIn

	LogLevel  slog.Level
	LogFormat LogFormat

	// Now is the clock of this process, where it is not the machine's: for trying out clocks that are wrong. No setting
	// leads here.
	Now func() time.Time
}

func (o Options) clock() func() time.Time {
	if o.Now != nil {
		return o.Now
	}
	return time.Now
}

// LogFormat is how log lines look.
type LogFormat string

const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Twilio carries SMS and voice when an account is named.
type Twilio struct {
	AccountSID       string
	AuthToken        string
	From             string
	MessagingService string
	VoiceFrom        string
	BaseURL          string // empty: Twilio's own
}

func (t Twilio) configured() bool { return t.AccountSID != "" }

// Gateway carries SMS and voice through any provider that takes them by HTTP, beside Twilio or instead of it.
type Gateway struct {
	SMSURL     string
	VoiceURL   string
	Method     string
	Headers    map[string]string
	Format     string // "json", "form"
	Body       string
	From       string
	ID         string
	Idempotent bool
	LookupURL  string
	HealthURL  string
	Status     string
	StatusID   string
	Words      map[string]string
	Secret     string
	Allow      []netip.Prefix
}

func (g Gateway) configured() bool { return g.SMSURL != "" || g.VoiceURL != "" }

// SMTP carries e-mail when a server is named.
type SMTP struct {
	Addr     string
	Username string
	Password string
	From     string
	TLS      string // "starttls", "tls", "none"
}

func (s SMTP) configured() bool { return s.Addr != "" }

// Webhook carries signed webhooks when it has a secret.
type Webhook struct {
	Secret string
	Allow  []netip.Prefix // private networks that may be called all the same
}

func (w Webhook) configured() bool { return w.Secret != "" }

// Variable is one setting of the environment.
type Variable struct {
	Name    string
	Default string
	Secret  bool // never shown
	Help    string
	take    func(o *Options, value string) error // nil: read by the command line only
}

// Variables is every setting there is. Temporal's own (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY,
// TEMPORAL_TLS…, TEMPORAL_PROFILE) apply beside them, as in its own tools.
func Variables() []Variable {
	return []Variable{
		{"BELAY_HTTP_ADDR", "127.0.0.1:8080", false, "where API and pages listen", word(func(o *Options) *string { return &o.HTTPAddr }, address)},
		{"BELAY_WORKER_ADDR", "127.0.0.1:8081", false, "where `belay worker` answers /healthz, /readyz and /metrics", word(func(o *Options) *string { return &o.WorkerAddr }, address)},
		{"BELAY_PUBLIC_URL", "", false, "how people and carriers reach us: links and callbacks begin with it; default http://BELAY_HTTP_ADDR", word(func(o *Options) *string { return &o.PublicURL }, site)},
		{"BELAY_CANARY_URL", "", false, "where canaries knock, where this process cannot reach BELAY_PUBLIC_URL; it should pass the same proxy; default BELAY_PUBLIC_URL", word(func(o *Options) *string { return &o.CanaryURL }, site)},
		{"BELAY_TRUSTED_PROXIES", "", false, "networks of the proxies in front, as 10.1.2.3/32, comma separated: X-Forwarded-For of nobody else is read", networks(func(o *Options) *[]netip.Prefix { return &o.TrustedProxies })},
		{"BELAY_DATABASE_URL", "", true, "PostgreSQL, as postgres://user:password@host/belay; dev starts one when empty", word(func(o *Options) *string { return &o.DatabaseURL })},
		{"BELAY_STATE_DIR", "", false, "what a process keeps to begin while PostgreSQL is away: a directory of its own that survives a restart; default BELAY_HOME/state", word(func(o *Options) *string { return &o.StateDir })},
		{"BELAY_TEMPORAL_ADDR", "", false, "Temporal's frontend; default TEMPORAL_ADDRESS, else 127.0.0.1:7233", word(func(o *Options) *string { return &o.TemporalAddr }, address)},
		{"BELAY_TEMPORAL_NAMESPACE", "", false, "default TEMPORAL_NAMESPACE, else default", word(func(o *Options) *string { return &o.TemporalNamespace })},
		{"BELAY_CODEC_KEYS", "", true, "id:base64 of 32 bytes, comma separated; the first encrypts what Temporal keeps, all decrypt; empty: in clear", codecKeys},
		{"WORKER_BUILD_ID", "", false, "build of this worker, for Temporal's Worker Versioning; empty: unversioned", word(func(o *Options) *string { return &o.BuildID })},
		{"BELAY_SECRET", "", true, "signs links and seals cookies, 32 characters or more, the same in every process; dev makes one", secret},
		{"BELAY_OIDC_ISSUER", "", false, "provider of identities, as https://login.example.com/realms/acme; empty: people sign in by account or token", issuer},
		{"BELAY_OIDC_CLIENT_ID", "", false, "our registration there; its redirect address is BELAY_PUBLIC_URL/login/callback", word(func(o *Options) *string { return &o.SignIn.ClientID })},
		{"BELAY_OIDC_CLIENT_SECRET", "", true, "of that registration; empty: a public client, proven by PKCE alone", word(func(o *Options) *string { return &o.SignIn.ClientSecret })},
		{"BELAY_OIDC_NAME", "", false, "what the button says: Sign in with …; empty: single sign-on", word(func(o *Options) *string { return &o.SignIn.Label })},
		{"BELAY_OIDC_SCOPES", "openid email profile", false, "what is asked for, separated by spaces", scopes},
		{"BELAY_OIDC_CLAIM", "email", false, "claim that names the person: email is looked for among the blueprint's e-mail methods, any other is the person's ID", word(func(o *Options) *string { return &o.SignIn.Claim })},
		{"BELAY_OIDC_TRUST_EMAIL", "", false, "1: believe addresses of which the provider does not say whether it verified them", truth(func(o *Options) *bool { return &o.SignIn.TrustEmail })},
		{"BELAY_OIDC_GROUPS", "groups", false, "claim that lists the groups", word(func(o *Options) *string { return &o.SignIn.Groups })},
		{"BELAY_OIDC_ROLES", "", false, "roles by group, as belay-admins=admin,noc=responder,*=viewer; empty: people of the blueprint are responders, nobody else comes in", roles},
		{"BELAY_SESSION_IDLE", "12h", false, "a sign-in ends when nobody has used it for so long", span(func(o *Options) *time.Duration { return &o.SignIn.Idle }, time.Minute, 30*24*time.Hour)},
		{"BELAY_SESSION_MAX", "168h", false, "a sign-in ends after so long, used or not", span(func(o *Options) *time.Duration { return &o.SignIn.Max }, time.Minute, 90*24*time.Hour)},
		{"BELAY_TWILIO_ACCOUNT_SID", "", false, "AC…; SMS and voice go through this account", word(func(o *Options) *string { return &o.Twilio.AccountSID })},
		{"BELAY_TWILIO_AUTH_TOKEN", "", true, "of that account; also proves that callbacks are Twilio's", word(func(o *Options) *string { return &o.Twilio.AuthToken })},
		{"BELAY_TWILIO_FROM", "", false, "number or sender that messages come from", word(func(o *Options) *string { return &o.Twilio.From })},
		{"BELAY_TWILIO_MESSAGING_SERVICE_SID", "", false, "MG…; lets Twilio choose the sender of an SMS", word(func(o *Options) *string { return &o.Twilio.MessagingService })},
		{"BELAY_TWILIO_VOICE_FROM", "", false, "number that calls come from; default BELAY_TWILIO_FROM", word(func(o *Options) *string { return &o.Twilio.VoiceFrom })},
		{"BELAY_TWILIO_BASE_URL", "", false, "another host for Twilio's REST API, for tests", word(func(o *Options) *string { return &o.Twilio.BaseURL }, site)},
		{"BELAY_GATEWAY_SMS_URL", "", true, "where a second provider takes SMS, by HTTP; without Twilio it is the only one", word(func(o *Options) *string { return &o.Gateway.SMSURL })},
		{"BELAY_GATEWAY_VOICE_URL", "", true, "where it takes calls; they speak, and take no keys", word(func(o *Options) *string { return &o.Gateway.VoiceURL })},
		{"BELAY_GATEWAY_METHOD", "POST", false, "POST or PUT", word(func(o *Options) *string { return &o.Gateway.Method }, oneOf("POST", "PUT"))},
		{"BELAY_GATEWAY_HEADERS", "", true, `a JSON object, as {"Authorization":"Bearer …"}`, headers},
		{"BELAY_GATEWAY_FORMAT", "json", false, "json or form", word(func(o *Options) *string { return &o.Gateway.Format }, oneOf("json", "form"))},
		{"BELAY_GATEWAY_BODY", `{"to":"{to}","from":"{from}","text":"{text}","reference":"{reference}","callback":"{callback}"}`, false, "what is posted, a JSON document; also {digits}, {key}, {channel}", word(func(o *Options) *string { return &o.Gateway.Body })},
		{"BELAY_GATEWAY_FROM", "", false, "sender, for {from}", word(func(o *Options) *string { return &o.Gateway.From })},
		{"BELAY_GATEWAY_ID", "", false, "where the answer names the message, as messages.0.id; empty: any 2xx is a success", word(func(o *Options) *string { return &o.Gateway.ID })},
		{"BELAY_GATEWAY_IDEMPOTENT", "", false, "1: it takes a {reference} or {key} once, so that sending again is harmless; counts where it carries alone", truth(func(o *Options) *bool { return &o.Gateway.Idempotent })},
		{"BELAY_GATEWAY_LOOKUP_URL", "", true, "where GET tells what became of a message: {reference}, {key} or {id} in it", word(func(o *Options) *string { return &o.Gateway.LookupURL })},
		{"BELAY_GATEWAY_HEALTH_URL", "", true, "where GET answers 2xx while it works", word(func(o *Options) *string { return &o.Gateway.HealthURL })},
		{"BELAY_GATEWAY_STATUS", "status", false, "where callbacks and lookups say what became of a message", word(func(o *Options) *string { return &o.Gateway.Status })},
		{"BELAY_GATEWAY_STATUS_ID", "id", false, "where callbacks name the message", word(func(o *Options) *string { return &o.Gateway.StatusID })},
		{"BELAY_GATEWAY_WORDS", "", false, "its words for ours, as DELIVRD=delivered,HANDSET_OFF=retry", words},
		{"BELAY_GATEWAY_SECRET", "", true, "proves that callbacks are about messages of ours, 32 characters or more; empty: none are believed", callbackSecret},
		{"BELAY_GATEWAY_ALLOW", "", false, "private networks that it may stand in, as 10.1.0.0/16, comma separated", networks(func(o *Options) *[]netip.Prefix { return &o.Gateway.Allow })},
		{"BELAY_SMTP_ADDR", "", false, "host:port of the mail server", word(func(o *Options) *string { return &o.SMTP.Addr }, address)},
		{"BELAY_SMTP_USERNAME", "", false, "", word(func(o *Options) *string { return &o.SMTP.Username })},
		{"BELAY_SMTP_PASSWORD", "", true, "", word(func(o *Options) *string { return &o.SMTP.Password })},
		{"BELAY_SMTP_FROM", "", false, "sender of our mail, as belay@example.com", word(func(o *Options) *string { return &o.SMTP.From })},
		{"BELAY_SMTP_TLS", "starttls", false, "starttls, tls or none", word(func(o *Options) *string { return &o.SMTP.TLS }, oneOf("starttls", "tls", "none"))},
		{"BELAY_MAIL_IN_ADDR", "", false, "where mail of monitors is taken by SMTP, as 0.0.0.0:2525; empty: nowhere", word(func(o *Options) *string { return &o.MailIn.Addr }, address)},
		{"BELAY_MAIL_IN_DOMAIN", "", false, "domain of the addresses of integrations, as in KEY@alerts.example.com; empty: any", word(func(o *Options) *string { return &o.MailIn.Domain })},
		{"BELAY_MAIL_IN_CERTIFICATE", "", false, "file with the certificate chain (PEM) for STARTTLS of mail of monitors; empty: it is not offered", word(func(o *Options) *string { return &o.MailIn.Certificate })},
		{"BELAY_MAIL_IN_KEY", "", false, "file with the key of that certificate (PEM); both are read anew when they change", word(func(o *Options) *string { return &o.MailIn.Key })},
		{"BELAY_WEBHOOK_SECRET", "", true, "signs outgoing webhooks; empty: none are sent", word(func(o *Options) *string { return &o.Webhook.Secret })},
		{"BELAY_WEBHOOK_ALLOW", "", false, "private networks that webhooks may reach, as 10.1.0.0/16, comma separated", networks(func(o *Options) *[]netip.Prefix { return &o.Webhook.Allow })},
		{"BELAY_WATCHDOG", "1", false, "0: this process does not watch over Belay itself", truth(func(o *Options) *bool { return &o.Watch.On })},
		{"BELAY_TICKET_SECRETS", "", true, `what ticket systems of the blueprint call their secrets: a JSON object, as {"snow":"user:password","snow-hook":"…"}`, ticketSecrets},
		{"BELAY_TICKET_ALLOW", "", false, "private networks in which ticket systems may live, as 10.1.0.0/16, comma separated", networks(func(o *Options) *[]netip.Prefix { return &o.Tickets.Allow })},
		{"BELAY_WATCHDOG_WEBHOOKS", "", true, "addresses that hear when Belay itself is in trouble (JSON with \"text\", as chats take it), comma separated", several(func(o *Options) *[]string { return &o.Watch.Webhooks }, webAddress, "an address such as https://chat.example.com/hooks/…")},
		{"BELAY_WATCHDOG_EMAILS", "", false, "mailboxes that hear of it, through BELAY_SMTP_ADDR, comma separated", several(func(o *Options) *[]string { return &o.Watch.Emails }, mailAddress, "an address such as ops@example.com")},
		{"BELAY_WATCHDOG_PHONES", "", false, "numbers that hear of it by SMS when it is critical, comma separated", several(func(o *Options) *[]string { return &o.Watch.Phones }, dialled.MatchString, "a number such as +15551234567")},
		{"BELAY_WATCHDOG_HEARTBEAT_URL", "", true, "dead man's switch outside, pinged every 30 s while the watchdog sees that all is well", heartbeat},
		{"BELAY_WATCHDOG_HEARTBEAT_METHOD", "POST", false, "how it is pinged: POST or GET", word(func(o *Options) *string { return &o.Watch.Method }, oneOf("POST", "GET"))},
		{"BELAY_WATCHDOG_GRACE", "60s", false, "how late a step of an escalation, or accepted work, may be", grace},
		{"BELAY_WATCHDOG_BLIND", "", false, "1: do not ask Temporal, which cannot be reached from here", truth(func(o *Options) *bool { return &o.Watch.Blind })},
		{"BELAY_WATCHDOG_ADDR", "127.0.0.1:8082", false, "where `belay watchdog` answers /healthz, /readyz and /metrics", word(func(o *Options) *string { return &o.Watch.Addr }, address)},
		{"BELAY_LOG_LEVEL", "info", false, "debug, info, warn or error", logLevel},
		{"BELAY_LOG_FORMAT", "text", false, "text or json", logFormat},
		{"BELAY_DEV", "", false, "1: development: sandbox phones instead of carriers, pages open to this machine", truth(func(o *Options) *bool { return &o.Dev })},
		{"BELAY_HOME", ".belay", false, "dev: where the state lies", word(func(o *Options) *string { return &o.Home })},
		{"BELAY_BLUEPRINT", "examples/acme", false, "dev: the organisation to apply", word(func(o *Options) *string { return &o.Blueprint })},
		{"BELAY_POSTGRES_ADDR", "127.0.0.1:5433", false, "dev: where its Postgres listens", word(func(o *Options) *string { return &o.PostgresAddr }, address)},
		{"BELAY_TEMPORAL_POSTGRES_ADDR", "", false, "dev: gives Temporal a Postgres of its own that listens here", word(func(o *Options) *string { return &o.TemporalPostgresAddr }, address)},
		{"BELAY_TEMPORAL_UI_ADDR", "127.0.0.1:8233", false, "dev: where Temporal's UI listens", word(func(o *Options) *string { return &o.TemporalUIAddr }, address)},
		{"BELAY_TEMPORAL_EXTERNAL", "", false, "dev: 1 uses the Temporal server that is there instead of starting one", truth(func(o *Options) *bool { return &o.TemporalExternal })},
		{"BELAY_URL", "http://127.0.0.1:8080", false, "command line: the server to talk to", nil},
		{"BELAY_TOKEN", "", true, "command line: the bearer token; default the content of BELAY_HOME/admin-token", nil},
	}
}

// FromEnv reads the environment. The error names everything that is wrong, not only the first.
func FromEnv(getenv func(string) string) (Options, error) {
	var o Options
	var wrong []error
	for _, v := range Variables() {
		value := v.value(getenv)
		if v.take == nil || value == "" {
			continue
		}
		if err := v.take(&o, value); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", v.Name, err))
		}
	}
	if o.PublicURL == "" && o.HTTPAddr != "" {
		o.PublicURL = reachable(o.HTTPAddr)
	}
	wrong = append(wrong, o.carriers()...)
	wrong = append(wrong, o.SignIn.incomplete()...)
	wrong = append(wrong, o.Watch.incomplete(o)...)
	return o, errors.Join(wrong...)
}

func (v Variable) value(getenv func(string) string) string {
	if value := strings.TrimSpace(getenv(v.Name)); value != "" {
		return value
	}
	return v.Default
}

// carriers finds accounts that are only half there.
func (o Options) carriers() []error {
	var wrong []error
	if o.Twilio.configured() && o.Twilio.AuthToken == "" {
		wrong = append(wrong, errors.New("BELAY_TWILIO_AUTH_TOKEN: needed with BELAY_TWILIO_ACCOUNT_SID"))
	}
	if o.Twilio.configured() && o.Twilio.From == "" && o.Twilio.MessagingService == "" {
		wrong = append(wrong, errors.New("BELAY_TWILIO_FROM: needed with BELAY_TWILIO_ACCOUNT_SID"))
	}
	if !o.Twilio.configured() && o.Twilio.AuthToken != "" {
		wrong = append(wrong, errors.New("BELAY_TWILIO_ACCOUNT_SID: needed with BELAY_TWILIO_AUTH_TOKEN"))
	}
	if o.SMTP.configured() && o.SMTP.From == "" {
		wrong = append(wrong, errors.New("BELAY_SMTP_FROM: needed with BELAY_SMTP_ADDR"))
	}
	return wrong
}

// Complete says what a process that serves or works still lacks.
func (o Options) Complete() error {
	var wrong []error
	if o.DatabaseURL == "" {
		wrong = append(wrong, errors.New("BELAY_DATABASE_URL: must be set, as postgres://belay:…@db.example.com/belay"))
	}
	if len(o.Secret) == 0 {
		wrong = append(wrong, errors.New("BELAY_SECRET: must be set outside development: 32 characters or more, the same in every process (openssl rand -base64 32)"))
	}
	return errors.Join(wrong...)
}

// Setting is a variable with its value as it may be shown.
type Setting struct {
	Variable
	Value   string
	Default bool // nobody has set it
}

// Settings is the effective configuration, without secrets.
func Settings(getenv func(string) string) []Setting {
	variables := Variables()
	settings := make([]Setting, 0, len(variables))
	for _, v := range variables {
		set := strings.TrimSpace(getenv(v.Name))
		settings = append(settings, Setting{Variable: v, Value: v.shown(v.value(getenv)), Default: set == ""})
	}
	return settings
}

func (v Variable) shown(value string) string {
	if !v.Secret || value == "" {
		return value
	}
	if at, err := url.Parse(value); err == nil && strings.HasPrefix(at.Scheme, "postgres") && at.Host != "" {
		return at.Scheme + "://" + at.Host + at.Path // no user, no password, no parameters
	}
	return "(set)"
}

type check func(value string) error

func word(field func(*Options) *string, checks ...check) func(*Options, string) error {
	return func(o *Options, value string) error {
		for _, c := range checks {
			if err := c(value); err != nil {
				return err
			}
		}
		*field(o) = value
		return nil
	}
}

func truth(field func(*Options) *bool) func(*Options, string) error {
	return func(o *Options, value string) error {
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%q: want 1 or 0", value)
		}
		*field(o) = on
		return nil
	}
}

func address(value string) error {
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		return fmt.Errorf("%q: want host:port", value)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q: port %q is no number up to 65535", value, port)
	}
	return nil
}

func site(value string) error {
	at, err := url.Parse(value)
	if err != nil || at.Host == "" || (at.Scheme != "http" && at.Scheme != "https") {
		return errors.New("want an address such as https://belay.example.com")
	}
	if at.User != nil || at.RawQuery != "" || at.Fragment != "" {
		return errors.New("want scheme, host and perhaps a path, nothing more")
	}
	return nil
}

func oneOf(words ...string) check {
	return func(value string) error {
		if slices.Contains(words, value) {
			return nil
		}
		return fmt.Errorf("%q: want one of %s", value, strings.Join(words, ", "))
	}
}

func codecKeys(o *Options, value string) error {
	keys, err := durable.ParseKeys(value)
	o.CodecKeys = keys
	return err
}

func secret(o *Options, value string) error {
	if len(value) < 32 {
		return fmt.Errorf("%d characters are too few, 32 are needed", len(value))
	}
	o.Secret = []byte(value)
	return nil
}

func networks(field func(*Options) *[]netip.Prefix) func(*Options, string) error {
	return func(o *Options, value string) error {
		for part := range strings.SplitSeq(value, ",") {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			prefix, err := netip.ParsePrefix(part)
			if err != nil {
				return fmt.Errorf("%q: want a network such as 10.1.0.0/16", part)
			}
			*field(o) = append(*field(o), prefix)
		}
		return nil
	}
}

func headers(o *Options, value string) error {
	if err := json.Unmarshal([]byte(value), &o.Gateway.Headers); err != nil {
		return errors.New(`want a JSON object of strings, as {"Authorization":"Bearer …"}`) // the value is a secret
	}
	return nil
}

func words(o *Options, value string) error {
	o.Gateway.Words = map[string]string{}
	for part := range strings.SplitSeq(value, ",") {
		theirs, ours, both := strings.Cut(part, "=")
		if !both {
			return fmt.Errorf("%q: want their word, =, and one of ours", part)
		}
		o.Gateway.Words[strings.TrimSpace(theirs)] = strings.TrimSpace(ours)
	}
	return nil
}

func callbackSecret(o *Options, value string) error {
	if len(value) < 32 {
		return fmt.Errorf("%d characters are too few, 32 are needed", len(value))
	}
	o.Gateway.Secret = value
	return nil
}

func logLevel(o *Options, value string) error {
	if err := o.LogLevel.UnmarshalText([]byte(value)); err != nil {
		return fmt.Errorf("%q: want debug, info, warn or error", value)
	}
	return nil
}

func logFormat(o *Options, value string) error {
	switch format := LogFormat(value); format {
	case LogText, LogJSON:
		o.LogFormat = format
		return nil
	}
	return fmt.Errorf("%q: want text or json", value)
}

// reachable is an address under which a browser on this machine finds a listener.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	if ip, err := netip.ParseAddr(host); host == "" || (err == nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
