package alert

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/belayhq/belay/core/fault"
)

// SecretHeader is for systems that let one add a header of one's own, and know no other way to prove who they are.
const SecretHeader = "x-belay-secret"

// Bears proves who speaks by the secret itself: as a bearer token, as the password of basic authentication, or in
// X-Belay-Secret. fault.Unauthenticated.
func Bears(p Post, secret string) error {
	scheme, given, _ := strings.Cut(p.Header["authorization"], " ")
	given = strings.TrimSpace(given)
	switch {
	case p.Header[SecretHeader] != "":
		given = p.Header[SecretHeader]
	case strings.EqualFold(scheme, "basic"):
		pair, err := base64.StdEncoding.DecodeString(given)
		_, password, ok := strings.Cut(string(pair), ":")
		if err != nil || !ok {
			password = ""
		}
		given = password
	case !strings.EqualFold(scheme, "bearer"):
		given = ""
	}
	if given == "" {
		return fault.New(fault.Unauthenticated,
			"this integration has a secret: send it as a bearer token, as the password of basic authentication, or in X-Belay-Secret")
	}
	mine, theirs := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(given))
	if subtle.ConstantTimeCompare(mine[:], theirs[:]) != 1 {
		return fault.New(fault.Unauthenticated, "the secret is not that of this integration")
	}
	return nil
}

// Signs proves who speaks by HMAC-SHA256 of the text with the secret, in hexadecimal. The name is that of the header, for
// the error. fault.Unauthenticated.
func Signs(name, signature string, text []byte, secret string) error {
	if signature == "" {
		return fault.New(fault.Unauthenticated, "this integration has a secret: the request must be signed in %s", name)
	}
	given, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(signature), "sha256="))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(text)
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return fault.New(fault.Unauthenticated, "the signature in %s is not made of this body with the secret of this integration", name)
	}
	return nil
}
