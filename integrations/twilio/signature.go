package twilio

import (
	"crypto/hmac"
	"crypto/sha1" // Twilio's choice
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/belayhq/belay/core/fault"
)

// SignatureHeader carries Twilio's signature.
const SignatureHeader = "X-Twilio-Signature"

// Verifier proves that a callback was sent by Twilio ("Secure webhooks", www.twilio.com/docs/usage/webhooks/webhooks-security).
// Twilio signs the address it was given: the public one. What the Host header or a proxy says plays no part.
// A signature says nothing about when: whoever acts on a callback takes each one once.
type Verifier struct {
	AuthToken string
	PublicURL string // scheme, host, and a path when a proxy serves us below one
}

// Verify checks a request whose body has been read. Every failure is fault.Unauthenticated and does not say which
// part was wrong.
func (v Verifier) Verify(r *http.Request, body []byte) error {
	return v.Check(r.URL.RequestURI(), body, r.Header.Get(SignatureHeader))
}

// Check is Verify without a request: path and query as received, undecoded.
func (v Verifier) Check(pathAndQuery string, body []byte, signature string) error {
	if v.AuthToken == "" {
		return fault.New(fault.Unauthenticated, "no Twilio callbacks are expected")
	}
	given, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || len(given) != sha1.Size {
		return unproven()
	}
	signed, err := signedPart(pathAndQuery, body)
	if err != nil {
		return err
	}
	for _, address := range v.addresses(pathAndQuery) {
		if hmac.Equal(given, mac(v.AuthToken, address+signed)) {
			return nil
		}
	}
	return unproven()
}

// Sign is Twilio's side: the header for a form posted to an address, for tests and for trying things out.
func Sign(authToken, address string, form url.Values) string {
	return base64.StdEncoding.EncodeToString(mac(authToken, address+concatenate(form)))
}

func unproven() error { return fault.New(fault.Unauthenticated, "not signed by Twilio") }

// signedPart is what follows the address in the signed text. A body that is not a form is not signed itself, but its
// SHA-256 stands in the query and so in the address.
func signedPart(pathAndQuery string, body []byte) (string, error) {
	_, query, _ := strings.Cut(pathAndQuery, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", unproven()
	}
	if want := values.Get("bodySHA256"); want != "" {
		sum := sha256.Sum256(body)
		if !hmac.Equal([]byte(strings.ToLower(want)), []byte(hex.EncodeToString(sum[:]))) {
			return "", unproven()
		}
		return "", nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", unproven()
	}
	return concatenate(form), nil
}

// concatenate is keys in order, each followed by its values in order, repeated ones once.
func concatenate(form url.Values) string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[key])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			text.WriteString(key)
			text.WriteString(v)
		}
	}
	return text.String()
}

func mac(token, text string) []byte {
	h := hmac.New(sha1.New, []byte(token))
	h.Write([]byte(text))
	return h.Sum(nil)
}

// addresses under which Twilio may have signed this path: with and without the port, on which its services differ; and
// with or without the path of PublicURL, which some proxies strip.
func (v Verifier) addresses(pathAndQuery string) []string {
	public, err := url.Parse(strings.TrimRight(v.PublicURL, "/"))
	if err != nil || public.Host == "" {
		return nil
	}
	standard := map[string]string{"https": ":443", "http": ":80"}[public.Scheme]
	hosts := []string{strings.TrimSuffix(public.Host, ":"+public.Port())}
	if port := public.Port(); port != "" {
		hosts = append(hosts, public.Host)
	} else {
		hosts = append(hosts, public.Host+standard)
	}
	prefix := public.EscapedPath()
	var all []string
	for _, host := range hosts {
		all = append(all, public.Scheme+"://"+host+prefix+pathAndQuery)
		if prefix != "" && strings.HasPrefix(pathAndQuery, prefix+"/") {
			all = append(all, public.Scheme+"://"+host+pathAndQuery)
		}
	}
	return all
}
