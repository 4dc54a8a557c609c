package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/integrations/mailbox"
	"github.com/belayhq/belay/service"
)

// MailIn takes mail of monitors when an address is named.
type MailIn struct {
	Addr   string
	Domain string
}

// mostMailers speak at once: one is enough for a monitor, and a crowd must not keep pages from leaving.
const mostMailers = 100

// mailIn listens for mail. Who serves the API takes mail as well.
func (a *App) mailIn() error {
	if a.options.MailIn.Addr == "" || !a.has(API) {
		return nil
	}
	listener, err := net.Listen("tcp", a.options.MailIn.Addr)
	if err != nil {
		return fmt.Errorf("BELAY_MAIL_IN_ADDR: %w", err)
	}
	a.mailAddr = listener.Addr().String()
	a.mailbox = (&mailbox.Server{Domain: a.options.MailIn.Domain, Known: a.mailFor, Take: a.takeMail, Now: a.now, Log: a.log}).Prepare()
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
	_, err := a.rooms.intake.Deliver(ctx, service.Delivery{Dialect: mailbox.Dialect(), Key: key, Post: p, Trace: "mail-" + rand.Text()})
	return err
}
