package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/page"
)

// CallbackPath is where providers report what became of a message, by POST.
const CallbackPath = "/callbacks/gateway/status"

// callback is the address for one message: its proof is good for this message alone. Queries are not logged.
func (c *Client) callback(key string) string {
	if c.options.Secret == "" || c.options.PublicURL == "" {
		return ""
	}
	return strings.TrimRight(c.options.PublicURL, "/") + CallbackPath + "?" + url.Values{"key": {key}, "proof": {Proof(c.options.Secret, key)}}.Encode()
}

// Proof of a callback's address: HMAC-SHA256 of the key in hexadecimal. That of the empty key is for providers that know
// one address for all messages; they name the message themselves.
func Proof(secret, key string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte("gateway callback\n" + key))
	return hex.EncodeToString(h.Sum(nil))
}

// Read proves and reads a callback: the query of its address, its body, and how that is written. A proof that does not
// fit is fault.Unauthenticated; a body that says nothing is fault.Invalid. At is left to the caller.
func (c *Client) Read(query url.Values, kind string, body []byte) (page.Receipt, error) {
	key := query.Get("key")
	if c.options.Secret == "" || !hmac.Equal([]byte(query.Get("proof")), []byte(Proof(c.options.Secret, key))) {
		return page.Receipt{}, fault.New(fault.Unauthenticated, "not an address that we gave")
	}
	document, err := parse(kind, body)
	if err != nil {
		return page.Receipt{}, fault.New(fault.Invalid, "neither JSON nor a form")
	}
	word := at(document, c.options.Status)
	if word == "" {
		return page.Receipt{}, fault.Field(c.options.Status, "says what became of the message, and is missing")
	}
	named := at(document, c.options.StatusID)
	if key == "" && named == "" {
		return page.Receipt{}, fault.Field(c.options.StatusID, "names the message, and is missing")
	}
	status, class, reason := c.classify(word)
	return page.Receipt{Key: key, Status: status, Class: class, Provider: Provider, ProviderID: named, Reason: reason}, nil
}
