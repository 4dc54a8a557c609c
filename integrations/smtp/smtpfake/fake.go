// Package smtpfake is a mail server on the loopback interface for tests, scenarios and benchmarks. It keeps what it
// takes and delivers nothing.
package smtpfake

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/mail"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

// Options of a Server. The zero value is an open server without TLS that takes everything.
type Options struct {
	Addr     string // default 127.0.0.1:0
	TLS      bool   // TLS from the first byte
	StartTLS bool   // offered, not forced
	Username string // wanted when set
	Password string
	Plan     func(to string) Conduct // what happens to a mail; nil: it is taken
}

// Conduct is what the server does with one mail.
type Conduct struct {
	Recipient int           // SMTP code of a refusal at RCPT, such as 550
	Content   int           // SMTP code of a refusal after the content, such as 451
	Delay     time.Duration // before the answer to the content
	Drop      bool          // take the mail, then cut the connection without an answer
}

// Mail is one that was taken.
type Mail struct {
	From string
	To   []string
	Raw  []byte
}

// Parsed reads header and body.
func (m Mail) Parsed() (*mail.Message, error) { return mail.ReadMessage(bytes.NewReader(m.Raw)) }

// Server is running until it is closed.
type Server struct {
	Addr  string         // where it listens
	Roots *x509.CertPool // trust these to reach it by TLS; nil without

	options  Options
	listener net.Listener
	server   *gosmtp.Server
	done     chan struct{}
	closing  context.Context // whoever lingers ends with us
	close    context.CancelFunc

	mu    sync.Mutex
	mails []Mail
}

// Start listens.
func Start(o Options) (*Server, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: listener.Addr().String(), options: o, done: make(chan struct{})}
	s.closing, s.close = context.WithCancel(context.Background())
	s.server = gosmtp.NewServer(gosmtp.BackendFunc(func(line *gosmtp.Conn) (gosmtp.Session, error) {
		return &session{server: s, line: line, known: o.Username == ""}, nil
	}))
	s.server.Domain = "localhost"
	s.server.EnableSMTPUTF8 = true
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	s.server.ReadTimeout, s.server.WriteTimeout = time.Minute, time.Minute
	if o.TLS || o.StartTLS {
		certificate, roots, err := authority()
		if err != nil {
			_ = listener.Close()
			return nil, err
		}
		s.Roots = roots
		config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		s.server.TLSConfig = config
		if o.TLS {
			listener = tls.NewListener(listener, config)
		}
	}
	s.listener = listener
	go func() {
		defer close(s.done)
		_ = s.server.Serve(listener)
	}()
	return s, nil
}

// Close ends all connections.
func (s *Server) Close() {
	s.close()
	_ = s.server.Close()
	_ = s.listener.Close() // a server that has not begun to serve does not know its listener
	<-s.done
}

// Mails lists what was taken, in order.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

func (s *Server) plan(to string) Conduct {
	if s.options.Plan == nil {
		return Conduct{}
	}
	return s.options.Plan(to)
}

type session struct {
	server *Server
	line   *gosmtp.Conn
	known  bool
	mail   Mail
}

func (s *session) AuthMechanisms() []string {
	if s.server.options.Username == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != s.server.options.Username || password != s.server.options.Password {
			return gosmtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *gosmtp.MailOptions) error {
	if !s.known {
		return gosmtp.ErrAuthRequired
	}
	s.mail = Mail{From: from}
	return nil
}

func (s *session) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if code := s.server.plan(to).Recipient; code != 0 {
		return refusal(code, to)
	}
	s.mail.To = append(s.mail.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	var conduct Conduct
	if len(s.mail.To) > 0 {
		conduct = s.server.plan(s.mail.To[0])
	}
	select {
	case <-time.After(conduct.Delay):
	case <-s.server.closing.Done():
	}
	if conduct.Content != 0 {
		return refusal(conduct.Content, s.mail.To[0])
	}
	s.mail.Raw = raw
	s.server.mu.Lock()
	s.server.mails = append(s.server.mails, s.mail)
	s.server.mu.Unlock()
	if conduct.Drop {
		return s.line.Conn().Close()
	}
	return nil
}

func (s *session) Reset()        { s.mail = Mail{} }
func (s *session) Logout() error { return nil }

// refusal names the recipient, as servers do.
func refusal(code int, to string) error {
	return &gosmtp.SMTPError{
		Code: code, EnhancedCode: gosmtp.EnhancedCode{code / 100, 1, 1}, Message: fmt.Sprintf("<%s>: no", to),
	}
}

// authority is a certificate for 127.0.0.1 and localhost that only its own pool trusts.
func authority() (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots, nil
}
