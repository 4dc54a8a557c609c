package service

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/reply"
)

// recordsWithin is how long somebody with a telephone at their ear waits for our records.
const recordsWithin = 2 * time.Second

// sentBy finds the message with this key. One that left while the records were away is not among them, and they may be
// away now: its key, which the carrier got from us and has proven to be ours, says for whom it was and in what. Its
// words are then the least that can be said.
func sentBy(ctx context.Context, known Messages, key string) (Sent, error) {
	ctx, cancel := context.WithTimeout(ctx, recordsWithin)
	defer cancel()
	sent, err := known.ByKey(ctx, key)
	if err == nil {
		return sent, nil
	}
	r, ok := escalation.ReadKey(key)
	if !ok {
		return Sent{}, err
	}
	e := strings.Join(strings.Split(number(r.Escalation), ""), " ")
	body := fmt.Sprintf("This is Belay, with a page. Escalation %s. Press %s to acknowledge, %s to escalate, %s to resolve, or %s to hear this again.",
		e, reply.KeyAcknowledge, reply.KeyEscalate, reply.KeyResolve, reply.KeyRepeat)
	workflow := contract.EscalationID(r.Escalation)
	if r.Vendor != "" {
		workflow = contract.VendorID(r.Escalation, r.Vendor, r.Number)
	}
	return Sent{Workflow: workflow, Message: page.Message{
		Key: key, Purpose: page.Page, Person: r.Person, Method: r.Method, Channel: org.Voice, Body: body,
		Brief: page.Brief{Escalation: r.Escalation, Vendor: r.Vendor},
	}}, nil
}
