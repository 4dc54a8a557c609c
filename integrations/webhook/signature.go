package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/belayhq/belay/core/fault"
)

// Tolerance is how far the time of a signature may lie from the receiver's clock, both ways.
const Tolerance = 5 * time.Minute

// Sign is the value of SignatureHeader: "t=<unix seconds>,v1=<hex>", where v1 is the HMAC-SHA256 of t, a dot and the body.
func Sign(secret string, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

// Verify is for receivers: it accepts a body that was signed with this secret within Tolerance of now. Several v1 may
// stand in a header while a secret is being changed; unknown parts are ignored. Errors are fault.Unauthenticated.
// Within the tolerance a request can be replayed: take each idempotency key once.
func Verify(secret, header string, body []byte, now time.Time) error {
	if secret == "" {
		return fault.New(fault.Unauthenticated, "no secret to verify with")
	}
	t, signatures := parts(header)
	seconds, err := strconv.ParseInt(t, 10, 64)
	if err != nil || len(signatures) == 0 {
		return fault.New(fault.Unauthenticated, "no signature")
	}
	if age := now.Unix() - seconds; age > int64(Tolerance/time.Second) || age < -int64(Tolerance/time.Second) {
		return fault.New(fault.Unauthenticated, "signature is too old or from the future")
	}
	want := mac(secret, t, body)
	for _, signature := range signatures {
		if given, err := hex.DecodeString(signature); err == nil && hmac.Equal(given, want) {
			return nil
		}
	}
	return fault.New(fault.Unauthenticated, "signature does not fit")
}

func parts(header string) (t string, signatures []string) {
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			t = value
		case "v1":
			signatures = append(signatures, value)
		}
	}
	return t, signatures
}

func mac(secret, t string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}
