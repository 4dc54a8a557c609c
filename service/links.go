package service

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

// Links signs the links with which people answer without an account, and opens them.
type Links struct {
	Secret    []byte // 32 random bytes or more
	PublicURL string // "https://belay.example"
	Now       func() time.Time
}

// Ticket is what a link says: this person may answer this workflow, because of this message.
type Ticket struct {
	Workflow string
	Person   id.Person
	Key      string // of the message that carried the link
	Expires  time.Time
}

const (
	linkLife = 7 * 24 * time.Hour
	// linkPurpose keeps signatures of other things made with the same secret from being links.
	linkPurpose = "belay link v1\n"
	// signatureSize keeps a link short enough for a text message; RFC 2104 allows half of the hash.
	signatureSize = sha256.Size / 2
)

var linkEncoding = base64.RawURLEncoding

// Link makes the link for one person and one message, decided at. It lasts seven days from then.
func (l Links) Link(workflow string, person id.Person, key string, at time.Time) string {
	expires := strconv.FormatInt(at.Add(linkLife).Unix(), 10)
	payload := strings.Join([]string{workflow, string(person), key, expires}, "\n")
	token := linkEncoding.EncodeToString([]byte(payload)) + "." + linkEncoding.EncodeToString(l.sign(payload))
	return strings.TrimSuffix(l.PublicURL, "/") + "/a/" + token
}

// Open reads the token of a link. A forged or mangled one is fault.Denied, and so is one that has expired.
func (l Links) Open(token string) (Ticket, error) {
	forged := fault.New(fault.Denied, "this link is not valid")
	head, tail, ok := strings.Cut(token, ".")
	if !ok {
		return Ticket{}, forged
	}
	payload, err := linkEncoding.Strict().DecodeString(head)
	if err != nil {
		return Ticket{}, forged
	}
	signature, err := linkEncoding.Strict().DecodeString(tail)
	if err != nil || !hmac.Equal(signature, l.sign(string(payload))) {
		return Ticket{}, forged
	}
	fields := strings.Split(string(payload), "\n")
	if len(fields) != 4 {
		return Ticket{}, forged
	}
	expires, err := strconv.ParseInt(fields[3], 10, 64)
	if err != nil {
		return Ticket{}, forged
	}
	t := Ticket{Workflow: fields[0], Person: id.Person(fields[1]), Key: fields[2], Expires: time.Unix(expires, 0)}
	if !l.Now().Before(t.Expires) {
		return Ticket{}, fault.New(fault.Denied, "this link has expired")
	}
	return t, nil
}

func (l Links) sign(payload string) []byte {
	mac := hmac.New(sha256.New, l.Secret)
	mac.Write([]byte(linkPurpose + payload))
	return mac.Sum(nil)[:signatureSize]
}
