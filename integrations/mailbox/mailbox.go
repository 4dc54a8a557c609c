// Package mailbox takes mail of monitors that can do nothing else: an SMTP listener, and what one mail says as an alert. The
// address names the integration. It relays nothing and answers no mail: whom a bounce would reach, nobody knows.
package mailbox

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
)

// Limits of one conversation.
const (
	MostMail       = 10 << 20 // bytes
	mostRecipients = 10
	lineWithin     = time.Minute
	storeWithin    = 20 * time.Second // a commit, or the engine while the records are away
)

// Server listens for mail.
type Server struct {
	Domain string      // as in key@domain; empty: any
	TLS    *tls.Config // nil: STARTTLS is not offered
	// Known tells whether an address belongs to an integration; from is who asks. fault.NotFound, fault.Throttled.
	Known func(from, name string) error
	// Take commits a mail for an integration. Only after it is the mail ours.
	Take func(ctx context.Context, name string, p alert.Post) error
	Now  func() time.Time
	Log  *slog.Logger

	server *smtp.Server
}

// Serve answers until Close.
func (s *Server) Serve(listener net.Listener) error {
	if err := s.ready().Serve(listener); err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Prepare makes the server, so that Close may come at any time.
func (s *Server) Prepare() *Server {
	s.ready()
	return s
}

func (s *Server) ready() *smtp.Server {
	if s.server == nil {
		s.server = smtp.NewServer(s)
		s.server.Domain, s.server.TLSConfig = "belay", s.TLS
		if s.Domain != "" {
			s.server.Domain = s.Domain
		}
		s.server.MaxMessageBytes, s.server.MaxRecipients, s.server.MaxLineLength = MostMail, mostRecipients, 4000
		s.server.ReadTimeout, s.server.WriteTimeout = lineWithin, lineWithin
		s.server.ErrorLog = quiet{}
	}
	return s.server
}

// Close lets conversations end.
func (s *Server) Close(ctx context.Context) error { return s.ready().Shutdown(ctx) }

// quiet: what strangers do to the listener is no error of ours.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// NewSession begins a conversation.
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	host, _, err := net.SplitHostPort(c.Conn().RemoteAddr().String())
	if err != nil {
		host = c.Conn().RemoteAddr().String()
	}
	return &session{server: s, peer: host}, nil
}

type session struct {
	server *Server
	peer   string // address of who speaks
	from   string // return path
	names  []string
}

func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	c.from = from
	return nil
}

func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	at := strings.LastIndex(to, "@")
	if at < 1 || c.server.Domain != "" && !strings.EqualFold(to[at+1:], c.server.Domain) {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "relaying is not done here"}
	}
	if err := c.server.Known(c.peer, to[:at]); err != nil {
		return refused(err)
	}
	c.names = append(c.names, to[:at])
	return nil
}

// Data takes the mail: 250 is answered only when each of the integrations has it. One that is sent again has the same dedup
// key, and the same event for the second time is a repeat.
func (c *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err // too large, or gone
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	post := alert.Post{Header: map[string]string{fromHeader: c.from}, Query: map[string]string{}, Body: raw, At: c.server.Now()}
	for _, name := range c.names {
		if err := c.server.Take(ctx, name, post); err != nil {
			c.server.Log.WarnContext(ctx, "mail not taken", "error", err)
			return refused(err)
		}
	}
	return nil
}

func (c *session) Reset()        { c.from, c.names = "", nil }
func (c *session) Logout() error { return nil }

// refused says whether trying again helps: servers keep what got a 4xx, and send it back after a 5xx.
func refused(err error) error {
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Unauthenticated, fault.Denied:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	case fault.Invalid, fault.Conflict:
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: short(err.Error())}
	case fault.TooLarge:
		return &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "the mail is too large"}
	case fault.Throttled, fault.Unavailable, fault.Internal:
	}
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "not taken now, please try again"}
}

func short(words string) string {
	words = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, words)
	return words[:min(len(words), 200)]
}

var _ smtp.Backend = (*Server)(nil)
