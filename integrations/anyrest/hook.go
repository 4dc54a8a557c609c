package anyrest

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" // some systems sign with nothing better; as HMAC it holds
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/integrations/foreign"
)

// Proven checks that a webhook comes from whoever knows the secret, as the blueprint says how that is shown.
func Proven(system org.TicketSystem, secret string, p alert.Post) error {
	if secret == "" || system.REST == nil || system.REST.Hook.Header == "" {
		return fault.New(fault.Unauthenticated, "%s has no secret for webhooks", system.ID)
	}
	h := system.REST.Hook
	given, prefixed := strings.CutPrefix(strings.TrimSpace(p.Header[strings.ToLower(h.Header)]), h.Prefix)
	if given == "" || !prefixed {
		return fault.New(fault.Unauthenticated, "a webhook of %s must prove itself in %s", system.ID, h.Header)
	}
	refused := fault.New(fault.Unauthenticated, "%s is not what the secret of %s makes of this", h.Header, system.ID)
	var sum func() hash.Hash
	switch h.HMAC {
	case "":
		if subtle.ConstantTimeCompare([]byte(given), []byte(secret)) != 1 {
			return refused
		}
		return nil
	case "sha1":
		sum = sha1.New
	case "sha256":
		sum = sha256.New
	case "sha512":
		sum = sha512.New
	default:
		return fault.New(fault.Unauthenticated, "%s signs with %q, which nobody knows", system.ID, h.HMAC)
	}
	mac := hmac.New(sum, []byte(secret))
	if h.Before != "" {
		before := p.Header[strings.ToLower(h.Before)]
		if before == "" {
			return fault.New(fault.Unauthenticated, "a webhook of %s must carry %s", system.ID, h.Before)
		}
		mac.Write([]byte(before))
	}
	mac.Write(p.Body)
	signature, err := hex.DecodeString(given)
	if h.Encoding == "base64" {
		signature, err = base64.StdEncoding.DecodeString(given)
	}
	if err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
		return refused
	}
	return nil
}

// mostPosted tickets of one webhook.
const mostPosted = 100

// Posted is what a webhook says about tickets, whoever sent it; nothing: it is about something else. One that only names a
// ticket says that it is to be looked at.
func (d *Desk) Posted(ctx context.Context, p alert.Post) ([]tracker.Ticket, error) {
	if d.hook == nil {
		return nil, fault.Field("rest.hook", "%s has none: the blueprint does not say what its webhooks say", d.system.ID)
	}
	body, err := foreign.JSON(p.Body)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the webhook")
	}
	vars := map[string]any{"body": body, "header": p.Header, "query": p.Query}
	for _, name := range []string{"header", "query"} {
		if vars[name].(map[string]string) == nil {
			vars[name] = map[string]string{}
		}
	}
	parts, err := d.hook.Parts(vars)
	if err != nil {
		return nil, fault.Field("rest.hook.ticket", "%v", err)
	}
	if len(parts) > mostPosted {
		return nil, fault.New(fault.TooLarge, "%d tickets in one webhook, at most %d are taken", len(parts), mostPosted)
	}
	var told []tracker.Ticket
	for _, part := range parts {
		t, err := d.ticket(ctx, part)
		if id, named := part.Word(); named && fault.Is(err, fault.NotFound) {
			t, err = tracker.Ticket{System: string(d.system.ID), ID: id, Number: id, Gone: true}, nil
		}
		if err != nil {
			return nil, err
		}
		told = append(told, t)
	}
	return told, nil
}
