// Package smtp sends pages as e-mail through any SMTP server. A mail that a server has taken says nothing about a
// reader: it is accepted, never delivered. Addresses and passwords never appear in its errors, and neither do the words
// of servers, which repeat both.
package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	stdmail "net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
)

// Provider is how receipts of this package name it.
const Provider = "smtp"

// Security of the connection.
type Security string

const (
	StartTLS Security = "starttls" // upgraded, or not used at all
	TLS      Security = "tls"      // from the first byte
	None     Security = "none"     // for a server on the same machine
)

// Options of a Client.
type Options struct {
	Addr      string // "mail.example.com:587"
	Username  string // empty: no authentication
	Password  string
	From      string        // "Belay <belay@example.com>"
	Security  Security      // default StartTLS
	Timeout   time.Duration // of one mail, connection included; default 20 s
	TLSConfig *tls.Config   // for authorities of one's own; its ServerName defaults to the host of Addr
}

// Client is a carrier of e-mail.
type Client struct {
	options Options
	host    string
	port    int
	from    *stdmail.Address
	domain  string // right part of message IDs
}

// New checks the options. Errors are fault.Invalid and name the field.
func New(o Options) (*Client, error) {
	if o.Security == "" {
		o.Security = StartTLS
	}
	if o.Timeout <= 0 {
		o.Timeout = 20 * time.Second
	}
	host, port, err := net.SplitHostPort(o.Addr)
	number, bad := strconv.Atoi(port)
	if err != nil || bad != nil || host == "" || number < 1 || number > 65535 {
		return nil, fault.Field("addr", "want host and port, such as mail.example.com:587")
	}
	from, err := stdmail.ParseAddress(o.From)
	if err != nil {
		return nil, fault.Field("from", "want an address such as Belay <belay@example.com>")
	}
	switch o.Security {
	case StartTLS, TLS:
	case None:
		if o.Username != "" {
			return nil, fault.Field("security", "a password is not sent over an open connection: want starttls or tls")
		}
	default:
		return nil, fault.Field("security", "want starttls, tls or none, not %q", o.Security)
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	return &Client{options: o, host: host, port: number, from: from, domain: domain}, nil
}

// Send hands one mail to the server. A refusal is a receipt: Dead for what will be refused again (5xx, settings that
// do not fit), Transient for what may pass (4xx, such as greylisting). An error is fault.Unavailable: nobody knows
// whether the mail left. Sending again is right then, since the same key makes the same Message-ID and mailboxes show
// such a mail once.
func (c *Client) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	if m.Channel != org.Email {
		return page.Receipt{}, fault.Field("channel", "smtp carries email, not %q", m.Channel)
	}
	to, err := stdmail.ParseAddress(m.To)
	if err != nil || to.Address != m.To {
		return c.receipt(m, page.Failed, page.Dead, "", "not a mail address"), nil
	}
	mail, err := c.compose(m, time.Now())
	if err != nil {
		return c.receipt(m, page.Failed, page.Dead, "", "not a mail address"), nil
	}
	err = c.deliver(ctx, mail)
	if mail.IsDelivered() {
		// Whatever went wrong afterwards, saying goodbye for instance, the server has it.
		return c.receipt(m, page.Accepted, page.Pending, "", ""), nil
	}
	return c.outcome(ctx, m, err)
}

// Find never finds: SMTP has no way to ask a server what it took earlier. See Send for why sending again is harmless.
func (c *Client) Find(context.Context, page.Message, time.Time) (page.Receipt, bool, error) {
	return page.Receipt{}, false, nil
}

func (c *Client) deliver(ctx context.Context, message *mail.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	var line net.Conn
	client, err := c.client(func(opened net.Conn) {
		line = opened
		// The library watches the context while dialling only.
		context.AfterFunc(ctx, func() { _ = opened.Close() })
	})
	if err != nil {
		return err
	}
	// Also when the server refuses us halfway, where the library leaves the connection open.
	defer func() {
		if line != nil {
			_ = line.Close()
		}
	}()
	return errors.Join(client.DialAndSendWithContext(ctx, message), ctx.Err())
}

func (c *Client) client(opened func(net.Conn)) (*mail.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.options.TLSConfig != nil {
		config = c.options.TLSConfig.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = c.host
	}
	policy := mail.TLSMandatory
	switch c.options.Security {
	case None:
		policy = mail.NoTLS
	case TLS:
		policy = mail.TLSOpportunistic // it is on already; this makes the library see it
	case StartTLS:
	}
	options := []mail.Option{
		mail.WithPort(c.port), mail.WithTLSPolicy(policy), mail.WithTLSConfig(config), mail.WithHELO(c.domain),
		mail.WithTimeout(c.options.Timeout), mail.WithoutNoop(),
		mail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			line, err := dial(ctx, network, address, c.options.Security == TLS, config)
			if err == nil {
				opened(line)
			}
			return line, err
		}),
	}
	if c.options.Username != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
			mail.WithUsername(c.options.Username), mail.WithPassword(c.options.Password))
	}
	return mail.NewClient(c.host, options...)
}

func dial(ctx context.Context, network, address string, encrypted bool, config *tls.Config) (net.Conn, error) {
	if encrypted {
		return (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// outcome of a mail that the server did not take.
func (c *Client) outcome(ctx context.Context, m page.Message, err error) (page.Receipt, error) {
	var reply *textproto.Error
	var refused *mail.SendError
	code, enhanced := 0, ""
	switch {
	case errors.As(err, &refused) && refused.ErrorCode() != 0:
		code, enhanced = refused.ErrorCode(), refused.EnhancedStatusCode()
	case errors.As(err, &reply):
		code = reply.Code
	}
	shown := strings.TrimSpace(strconv.Itoa(code) + " " + enhanced)
	switch {
	case code == 421, code/100 == 4 && refused == nil: // the server is about to go, or does not take anybody's mail now
		return page.Receipt{}, fault.New(fault.Unavailable, "mail server is not available: %s", shown)
	case code/100 == 4:
		return c.receipt(m, page.Failed, page.Transient, shown, "the mail server asks to try later"), nil
	case code == 530, code == 534, code == 535:
		return c.receipt(m, page.Failed, page.Dead, shown, "the mail server does not accept our credentials"), nil
	case code/100 == 5:
		return c.receipt(m, page.Failed, page.Dead, shown, "the mail server refused it"), nil
	case lost(ctx, err):
		return page.Receipt{}, fault.Wrap(fault.Unavailable, plain(err), "reach the mail server")
	}
	if distrusted(err) {
		return c.receipt(m, page.Failed, page.Dead, "", "the mail server's certificate is not trusted"), nil
	}
	return c.receipt(m, page.Failed, page.Dead, "", "the mail server does not offer what our settings ask for"), nil
}

// lost: the connection failed, so that nobody knows.
func lost(ctx context.Context, err error) bool {
	var network net.Error
	return ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &network) && !distrusted(err)
}

func distrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

// plain is the cause below what the library says about it, which names recipients.
func plain(err error) error {
	var operation *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.As(err, &operation):
		return operation
	}
	return io.ErrUnexpectedEOF
}

func (c *Client) receipt(m page.Message, status page.Status, class page.Class, code, reason string) page.Receipt {
	return page.Receipt{
		Key: m.Key, Status: status, Class: class, Provider: Provider, ProviderID: c.messageID(m.Key), Code: code,
		Reason: reason, At: time.Now().UTC(),
	}
}
