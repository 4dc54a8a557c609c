package service

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/reply"
)

// Sandbox is the carrier of every channel in dev mode: messages lie on a page, where one answers them or makes the
// carrier fail. What is said there goes the way of the real thing.
type Sandbox struct {
	Messages SandboxMessages
	Sent     Messages
	Replies  *Replies
	Receipts *Receipts
	// Classify is what a carrier's status and code mean (twilio.Classify).
	Classify func(channel org.Channel, status, code string) (page.Status, page.Class, string)
	Now      func() time.Time
}

const sandboxProvider = "sandbox"

// What the page shows of a message.
const (
	shownDelivered = "delivered"
	shownRinging   = "ringing"
	shownAnswered  = "answered"
)

// Send puts a message on the page. A key that is there already is left as it is.
func (s *Sandbox) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	now := s.Now()
	shown := shownDelivered
	receipt := page.Receipt{Key: m.Key, Status: page.Delivered, Class: page.Arrived, Provider: sandboxProvider, At: now}
	if m.Channel == org.Voice {
		shown = shownRinging
		receipt.Status, receipt.Class = page.Accepted, page.Pending
	}
	kept, err := s.Messages.Deliver(ctx, SandboxMessage{
		At: now, Channel: m.Channel, Person: m.Person, To: m.To, Escalation: m.Brief.Escalation,
		Subject: m.Subject, Body: m.Body, Link: m.Link, Status: shown, Key: m.Key,
	})
	if err != nil {
		return page.Receipt{}, fmt.Errorf("deliver %s to the sandbox: %w", m.Key, err)
	}
	receipt.ProviderID = kept.sid()
	return receipt, nil
}

// Find never finds: sending again is harmless here.
func (*Sandbox) Find(context.Context, page.Message, time.Time) (page.Receipt, bool, error) {
	return page.Receipt{}, false, nil
}

// List answers messages after a number, oldest first.
func (s *Sandbox) List(ctx context.Context, after int64, limit int) ([]SandboxMessage, error) {
	if limit <= 0 || limit > 500 {
		limit = 500
	}
	return s.Messages.List(ctx, after, limit)
}

// Get answers one message. fault.NotFound.
func (s *Sandbox) Get(ctx context.Context, message int64) (SandboxMessage, error) {
	return s.Messages.Get(ctx, message)
}

// Reply answers a message as its receiver would: an SMS with a text, a call with a key, a mail or webhook with the verb
// of its link. It returns what Belay said.
func (s *Sandbox) Reply(ctx context.Context, message int64, text string) (string, error) {
	m, err := s.Messages.Get(ctx, message)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(text) == "" {
		return "", fault.Field("text", "say something")
	}
	answer, shown, err := s.answer(ctx, m, text)
	if err != nil {
		return "", err
	}
	if err := s.Messages.Update(ctx, m.ID, shown, text, "→ "+answer); err != nil {
		return "", fmt.Errorf("keep the reply to message %d: %w", m.ID, err)
	}
	return answer, nil
}

func (s *Sandbox) answer(ctx context.Context, m SandboxMessage, text string) (answer, shown string, err error) {
	sid := fmt.Sprintf("%s-reply-%d", m.sid(), len(m.Replies)/2+1)
	switch m.Channel {
	case org.SMS:
		answer, err = s.Replies.SMS(ctx, Inbound{From: m.To, Body: text, SID: sid})
		return answer, m.Status, err
	case org.Voice:
		answer, err = s.pickUp(ctx, m, strings.TrimSpace(text), sid)
		return answer, shownAnswered, err
	case org.Email, org.Webhook:
		answer, err = s.follow(ctx, m, text, sid)
		return s.Replies.retold(m.Person, answer), m.Status, err
	}
	return "", "", fault.New(fault.Internal, "message %d came by %q", m.ID, m.Channel)
}

// pickUp reports that the call was answered, then presses the key.
func (s *Sandbox) pickUp(ctx context.Context, m SandboxMessage, key, sid string) (string, error) {
	err := s.Receipts.Take(ctx, page.Receipt{
		Key: m.Key, Status: page.Answered, Class: page.Arrived, Provider: sandboxProvider, ProviderID: m.sid(), At: s.Now(),
	})
	if err != nil {
		return "", err
	}
	return s.Replies.Voice(ctx, Call{Key: m.Key, SID: sid, Digits: key}).Text, nil
}

// follow opens the link of a message and presses the button there.
func (s *Sandbox) follow(ctx context.Context, m SandboxMessage, text, sid string) (string, error) {
	said, err := reply.Parse(text)
	if err != nil {
		return sentence(err), nil
	}
	verb, w, ok := word(said, sid, s.Now())
	if !ok {
		return helpText, nil
	}
	sent, err := s.Sent.ByKey(ctx, m.Key)
	if err != nil {
		return "", err
	}
	workflow := sent.Workflow
	if digest, ok := DigestOf(workflow); ok {
		if said.Number == 0 {
			return s.Replies.sayAll(ctx, m.Person, "link", digest, verb, w), nil
		}
		workflow = contract.EscalationID(about(said))
	}
	caller := callerFor(s.Replies.Organisation.Current(), m.Person, "link")
	return s.Replies.say(ctx, caller, workflow, verb, w), nil
}

// Fail makes the carrier report a failure, with a status and an error code in its own words ("undelivered", "30034").
func (s *Sandbox) Fail(ctx context.Context, message int64, status, code string) error {
	m, err := s.Messages.Get(ctx, message)
	if err != nil {
		return err
	}
	if status == "" {
		return fault.Field("status", "say what became of it, such as undelivered, busy, no-answer")
	}
	what, class, reason := s.Classify(m.Channel, status, code)
	err = s.Receipts.Take(ctx, page.Receipt{
		Key: m.Key, Status: what, Class: class, Provider: sandboxProvider, ProviderID: m.sid(),
		Code: code, Reason: reason, At: s.Now(),
	})
	if err != nil {
		return err
	}
	shown := status
	if code != "" {
		shown += " " + code
	}
	return s.Messages.Update(ctx, m.ID, shown)
}

// sid is the sandbox's name for a message.
func (m SandboxMessage) sid() string { return fmt.Sprintf("sandbox-%d", m.ID) }
