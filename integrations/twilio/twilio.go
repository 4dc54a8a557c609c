// Package twilio sends pages as SMS and phone calls through Twilio, reads what Twilio reports about them, and proves
// that such a report comes from Twilio. It decides nothing about escalations: it says what became of a message, and the
// ladder makes of it what it will. Phone numbers and credentials never appear in its errors.
package twilio

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	rest "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
)

// Provider is how receipts of this package name it.
const Provider = "twilio"

// What Twilio is asked to call back for: the second argument of Options.Callback.
const (
	SMSStatus   = "sms-status"   // what became of a message
	VoiceStatus = "voice-status" // what became of a call
	Voice       = "voice"        // what to say on a call, and which key was pressed
)

// Options of a Client.
type Options struct {
	AccountSID          string // "AC…"
	AuthToken           string
	From                string // number or sender that messages come from; empty with a messaging service
	MessagingServiceSID string // "MG…"; Twilio then chooses the sender
	VoiceFrom           string // number that calls come from; default From
	BaseURL             string // default https://api.twilio.com
	PublicURL           string // where Twilio reaches us; empty: no callbacks, and calls only speak

	// Callback builds the address for one message and one of SMSStatus, VoiceStatus and Voice. The default is
	// PublicURL/callbacks/twilio/status or …/voice with the message's key in the query.
	Callback func(m page.Message, what string) string

	Script     Script        // language and voice of calls
	HTTPClient *http.Client  // its transport is used; redirects are never followed
	Timeout    time.Duration // of one request; default 10 s
}

// Client is a carrier of SMS and voice.
type Client struct {
	options Options
	base    *url.URL
	http    *http.Client
}

var (
	accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	serviceSID = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
	e164       = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`) // ITU-T E.164: at most 15 digits
)

// New checks the options. Errors are fault.Invalid and name the field.
func New(o Options) (*Client, error) {
	if o.BaseURL == "" {
		o.BaseURL = "https://api.twilio.com"
	}
	if o.VoiceFrom == "" && e164.MatchString(o.From) {
		o.VoiceFrom = o.From
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	base, err := address("base_url", o.BaseURL)
	if err != nil {
		return nil, err
	}
	switch {
	case !accountSID.MatchString(o.AccountSID):
		return nil, fault.Field("account_sid", "want AC and 32 hexadecimal digits")
	case o.AuthToken == "":
		return nil, fault.Field("auth_token", "must not be empty")
	case o.From == "" && o.MessagingServiceSID == "":
		return nil, fault.Field("from", "a sender or a messaging service is needed")
	case o.MessagingServiceSID != "" && !serviceSID.MatchString(o.MessagingServiceSID):
		return nil, fault.Field("messaging_service_sid", "want MG and 32 hexadecimal digits")
	case o.VoiceFrom != "" && !e164.MatchString(o.VoiceFrom):
		return nil, fault.Field("voice_from", "want a number such as +15551234567")
	}
	if o.PublicURL != "" {
		if _, err := address("public_url", o.PublicURL); err != nil {
			return nil, err
		}
	}
	if o.Callback == nil && o.PublicURL != "" {
		o.Callback = callbacks(o.PublicURL)
	}
	return &Client{options: o, base: base, http: guarded(o.HTTPClient, o.Timeout)}, nil
}

func address(field, raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(raw, "/"))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fault.Field(field, "want an address such as https://belay.example.com")
	}
	return u, nil
}

func guarded(given *http.Client, timeout time.Duration) *http.Client {
	c := http.Client{}
	if given != nil {
		c = *given
	}
	c.Timeout = timeout
	// A redirect would carry our credentials to whoever is named in it.
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

func callbacks(public string) func(page.Message, string) string {
	public = strings.TrimRight(public, "/")
	return func(m page.Message, what string) string {
		path := "/callbacks/twilio/status"
		if what == Voice {
			path = "/callbacks/twilio/voice"
		}
		return public + path + "?key=" + url.QueryEscape(m.Key)
	}
}

// callback is empty when Twilio cannot reach us.
func (c *Client) callback(m page.Message, what string) *string {
	if c.options.Callback == nil {
		return nil
	}
	if address := c.options.Callback(m, what); address != "" {
		return &address
	}
	return nil
}

// Send hands a message to Twilio. A definite refusal is a receipt with class Dead, Transient or Barred. An error means
// that nobody knows whether the message left (fault.Unavailable) or that Twilio asks to wait (fault.Throttled); call
// Find before sending again.
func (c *Client) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	if !e164.MatchString(m.To) {
		// The code is Twilio's own for the same finding.
		return c.receipt(m, "", failed, "21211", ""), nil
	}
	switch m.Channel {
	case org.SMS:
		return c.text(ctx, m)
	case org.Voice:
		return c.ring(ctx, m)
	case org.Email, org.Webhook:
	}
	return page.Receipt{}, fault.Field("channel", "twilio carries sms and voice, not %q", m.Channel)
}

// Find looks whether an earlier Send of this message, begun at since, reached Twilio after all. A message is known by
// its number and its words; a call has no words, so that any call of ours to that number since then counts: the phone
// rang. Twilio's lists may be a second behind its answers. Errors as with Send.
func (c *Client) Find(ctx context.Context, m page.Message, since time.Time) (page.Receipt, bool, error) {
	switch m.Channel {
	case org.SMS:
		return c.findText(ctx, m, since)
	case org.Voice:
		return c.findCall(ctx, m, since)
	case org.Email, org.Webhook:
	}
	return page.Receipt{}, false, fault.Field("channel", "twilio carries sms and voice, not %q", m.Channel)
}

// Ask tells what Twilio knows by now of a message or call that it has named, for one whose callback never came. A name
// that Twilio does not know is fault.NotFound; else errors as with Find.
func (c *Client) Ask(ctx context.Context, m page.Message, sid string) (page.Receipt, error) {
	var receipt page.Receipt
	var err error
	if m.Channel == org.Voice {
		receipt, err = c.askCall(ctx, m, sid)
	} else {
		receipt, err = c.askText(ctx, m, sid)
	}
	if no, ok := refused(err); ok && no.definite() {
		return page.Receipt{}, fault.New(fault.NotFound, "twilio does not tell of %s: %s", sid, no.Error())
	}
	if err != nil {
		return page.Receipt{}, trouble(err)
	}
	return receipt, nil
}

// Doctor asks Twilio for our account. Errors: fault.Denied for credentials that are not accepted or an account that
// is not active, else as with Send.
func (c *Client) Doctor(ctx context.Context) error {
	account, err := c.api(ctx, nil).FetchAccount(c.options.AccountSID)
	if no, ok := refused(err); ok && no.definite() {
		return fault.New(fault.Denied, "twilio refuses the account: %s", explain(no.code))
	}
	if err != nil {
		return trouble(err)
	}
	if status := value(account.Status); status != "active" {
		return fault.New(fault.Denied, "twilio account is %q, not active", status)
	}
	return nil
}

func (c *Client) api(ctx context.Context, clock *clock) *rest.ApiService {
	return service(wire{ctx: ctx, client: c, clock: clock})
}

func (c *Client) receipt(m page.Message, sid, status, code, answeredBy string) page.Receipt {
	s, class, reason := Classify(m.Channel, status, code)
	if machine(answeredBy) {
		s, class, reason = voicemail()
	}
	return page.Receipt{
		Key: m.Key, Status: s, Class: class, Provider: Provider, ProviderID: sid, Code: code, Reason: reason,
		At: time.Now().UTC(),
	}
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
