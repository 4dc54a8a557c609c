package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/integrations/mailbox"
	"github.com/belayhq/belay/service"
)

// MailIn takes mail of monitors when an address is named.
type MailIn struct {
	Addr        string
	Domain      string
	Certificate string // file, PEM; with Key: STARTTLS is offered
	Key         string
}

// mostMailers speak at once: one is enough for a monitor, and a crowd must not keep pages from leaving.
const mostMailers = 100

// mailIn listens for mail. Who serves the API takes mail as well.
func (a *App) mailIn() error {
	if a.options.MailIn.Addr == "" || !a.has(API) {
		return nil
	}
	offered, err := a.options.MailIn.tls(a.log)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", a.options.MailIn.Addr)
	if err != nil {
		return fmt.Errorf("BELAY_MAIL_IN_ADDR: %w", err)
	}
	a.mailAddr = listener.Addr().String()
	a.mailbox = (&mailbox.Server{Domain: a.options.MailIn.Domain, TLS: offered, Known: a.mailFor, Take: a.takeMail, Now: a.now, Log: a.log}).Prepare()
	a.beside(func() {
		if err := a.mailbox.Serve(bounded(listener, mostMailers)); err != nil {
			a.fail(fmt.Errorf("take mail on %s: %w", a.mailAddr, err))
		}
	})
	return nil
}

// MailAddr is where mail is taken, once started; empty: nowhere.
func (a *App) MailAddr() string { return a.mailAddr }

func (a *App) mailFor(from, key string) error {
	err := a.rooms.intake.Knows(key)
	if err == nil {
		return a.limits.Event(key, a.now())
	}
	if slow := a.limits.Stranger(from, a.now()); slow != nil {
		return slow
	}
	return err
}

func (a *App) takeMail(ctx context.Context, key string, p alert.Post) error {
	trace := "mail-" + rand.Text()
	taken, err := a.rooms.intake.Deliver(ctx, service.Delivery{Dialect: mailbox.Dialect(), Key: key, Post: p, Trace: trace, Whole: true})
	if err == nil && taken.Ignored > 0 {
		a.log.WarnContext(ctx, "mail wakes nobody", "request", trace)
	}
	return err
}

// tls is the certificate of the files, as they are when somebody asks: it is renewed while the process runs.
func (m MailIn) tls(log *slog.Logger) (*tls.Config, error) {
	if m.Certificate == "" && m.Key == "" {
		return nil, nil
	}
	if m.Certificate == "" || m.Key == "" {
		return nil, errors.New("BELAY_MAIL_IN_CERTIFICATE and BELAY_MAIL_IN_KEY go together: name both files, or none")
	}
	first, err := tls.LoadX509KeyPair(m.Certificate, m.Key)
	if err != nil {
		return nil, fmt.Errorf("BELAY_MAIL_IN_CERTIFICATE and BELAY_MAIL_IN_KEY: %w", err)
	}
	var last atomic.Pointer[tls.Certificate]
	last.Store(&first)
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		now, err := tls.LoadX509KeyPair(m.Certificate, m.Key)
		if err != nil { // half written, perhaps
			log.Warn("certificate of mail not read, the last one serves on", "error", err)
			return last.Load(), nil
		}
		last.Store(&now)
		return &now, nil
	}}, nil
}
