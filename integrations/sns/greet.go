package sns

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" // signature version 1 is made with it, and topics begin with that
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Types of messages.
const (
	notification = "Notification"
	subscription = "SubscriptionConfirmation"
	farewell     = "UnsubscribeConfirmation"
)

// Fetcher asks for an address of Amazon's.
type Fetcher interface {
	// Get answers the body of a successful answer, some kilobytes at most. fault.Unavailable when there is none.
	Get(ctx context.Context, address string) ([]byte, error)
}

const (
	oldest          = 24 * time.Hour // SNS gives up sooner
	mostCertificate = 16             // kept at once; there is one for each region, and a new one some times a year
)

// greeter checks signatures. It keeps the certificates that it has fetched.
type greeter struct {
	outside Fetcher

	mu           sync.Mutex
	certificates map[string]*x509.Certificate
}

// greet refuses what SNS has not signed, and confirms a subscription that it has.
func (g *greeter) greet(ctx context.Context, p alert.Post) error {
	body, err := foreign.Read(p)
	if err != nil {
		return err
	}
	if body.Text("Signature") == "" {
		return fault.New(fault.Unauthenticated, "the message bears no signature of SNS: switch raw message delivery off")
	}
	if at := body.Time("Timestamp"); !p.At.IsZero() && (at.IsZero() || p.At.Sub(at) > oldest || at.Sub(p.At) > oldest) {
		return fault.New(fault.Unauthenticated, "Timestamp: the message is not of today")
	}
	certificate, err := g.certificate(ctx, body.Text("SigningCertURL"), p.At)
	if err != nil {
		return err
	}
	if err := signed(body, certificate); err != nil {
		return err
	}
	if body.Text("Type") != subscription {
		return nil
	}
	address := body.Text("SubscribeURL")
	if !amazons(address) {
		return fault.New(fault.Unauthenticated, "SubscribeURL is no address of SNS")
	}
	if _, err := g.outside.Get(ctx, address); err != nil {
		return fault.Wrap(fault.Unavailable, err, "confirm the subscription of %s", alert.Clip(body.Text("TopicArn"), 200))
	}
	return nil
}

// host of SNS in a region, and nothing else: whoever may choose the certificate may sign anything.
var host = regexp.MustCompile(`^sns\.[a-z]{2}(-[a-z]+)+-\d{1,2}\.amazonaws\.com(\.cn)?$`)

// certified: certificates have a path of their own and no query. With one, the API of SNS answers what anybody has put into a
// topic of theirs, and a certificate is found in any text.
var certified = regexp.MustCompile(`^https://[^/?#]+/SimpleNotificationService-[0-9a-zA-Z]+\.pem$`)

func amazons(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.User == nil && u.Opaque == "" && u.Fragment == "" && host.MatchString(u.Host)
}

func (g *greeter) certificate(ctx context.Context, address string, now time.Time) (*x509.Certificate, error) {
	if !amazons(address) || !certified.MatchString(address) {
		return nil, fault.New(fault.Unauthenticated, "SigningCertURL is no certificate of SNS")
	}
	g.mu.Lock()
	held := g.certificates[address]
	g.mu.Unlock()
	if held == nil {
		fetched, err := g.outside.Get(ctx, address)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "fetch the certificate of SNS")
		}
		block, _ := pem.Decode(fetched)
		if block == nil {
			return nil, fault.New(fault.Unavailable, "what SNS names its certificate is none")
		}
		if held, err = x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "read the certificate of SNS")
		}
		g.keep(address, held)
	}
	if !now.IsZero() && (now.Before(held.NotBefore) || now.After(held.NotAfter)) {
		return nil, fault.New(fault.Unauthenticated, "the certificate of SNS is not valid now")
	}
	return held, nil
}

func (g *greeter) keep(address string, c *x509.Certificate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.certificates == nil || len(g.certificates) >= mostCertificate {
		g.certificates = map[string]*x509.Certificate{}
	}
	g.certificates[address] = c
}

// signed checks a signature of version 1 (SHA-1) or 2 (SHA-256).
func signed(body foreign.Object, c *x509.Certificate) error {
	key, ok := c.PublicKey.(*rsa.PublicKey)
	signature, err := base64.StdEncoding.DecodeString(body.Text("Signature"))
	if !ok || err != nil {
		return fault.New(fault.Unauthenticated, "Signature: cannot be checked")
	}
	text := []byte(canonical(body))
	switch version := body.Text("SignatureVersion"); version {
	case "1":
		sum := sha1.Sum(text)
		err = rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature)
	case "2":
		sum := sha256.Sum256(text)
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	default:
		return fault.New(fault.Unauthenticated, "SignatureVersion %q is neither 1 nor 2", alert.Clip(version, 20))
	}
	if err != nil {
		return fault.New(fault.Unauthenticated, "Signature: is not that of SNS for this message")
	}
	return nil
}

// canonical is what SNS signs: names and values, each on a line of its own, as they were sent.
func canonical(body foreign.Object) string {
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if body.Text("Type") != notification {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var b strings.Builder
	for _, name := range names {
		value, ok := body[name].(string)
		if !ok {
			continue // a message without a subject has none in its signature
		}
		b.WriteString(name + "\n" + value + "\n")
	}
	return b.String()
}
