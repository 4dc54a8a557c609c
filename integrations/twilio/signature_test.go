package twilio_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/twilio"
)

// split is how an address reaches us: the origin is our configuration, the rest is the request.
func split(t *testing.T, address string) (origin, rest string) {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Scheme + "://" + u.Host, u.RequestURI()
}

func TestPublishedSignatures(t *testing.T) {
	var file struct {
		Vectors []struct {
			ID        string          `json:"id"`
			AuthToken string          `json:"auth_token"`
			URL       string          `json:"url"`
			Params    json.RawMessage `json:"params"`
			FormBody  string          `json:"form_body"`
			RawBody   string          `json:"raw_body"`
			Signature string          `json:"signature"`
			Valid     *bool           `json:"valid"`
		} `json:"vectors"`
	}
	fixtureJSON(t, "signature-vectors.json", &file)
	checked := 0
	for _, v := range file.Vectors {
		if v.Valid == nil {
			continue // its token is not known
		}
		checked++
		t.Run(v.ID, func(t *testing.T) {
			body := v.FormBody + v.RawBody
			if body == "" {
				body = values(t, v.Params).Encode()
			}
			origin, rest := split(t, v.URL)
			verifier := twilio.Verifier{AuthToken: v.AuthToken, PublicURL: origin}
			err := verifier.Check(rest, []byte(body), v.Signature)
			if !*v.Valid {
				require.True(t, fault.Is(err, fault.Unauthenticated))
				return
			}
			require.NoError(t, err)

			// What is right stops being right when anything about it changes.
			require.Error(t, verifier.Check(rest+"x", []byte(body), v.Signature), "path")
			require.Error(t, verifier.Check(rest, []byte(body+"&Digits=9"), v.Signature), "parameter added")
			require.Error(t, twilio.Verifier{AuthToken: v.AuthToken + "1", PublicURL: origin}.Check(rest, []byte(body), v.Signature), "token")
			require.Error(t, twilio.Verifier{AuthToken: v.AuthToken, PublicURL: "https://evil.example"}.Check(rest, []byte(body), v.Signature), "host")
			require.Error(t, twilio.Verifier{AuthToken: v.AuthToken, PublicURL: strings.Replace(origin, "https", "http", 1)}.Check(rest, []byte(body), v.Signature), "scheme")
		})
	}
	require.GreaterOrEqual(t, checked, 9)
}

func values(t *testing.T, raw json.RawMessage) url.Values {
	t.Helper()
	form := url.Values{}
	var params map[string]any
	require.NoError(t, json.Unmarshal(raw, &params))
	for k, v := range params {
		switch v := v.(type) {
		case string:
			form.Set(k, v)
		case []any:
			for _, one := range v {
				form.Add(k, one.(string))
			}
		}
	}
	return form
}

func TestTheHostHeaderPlaysNoPart(t *testing.T) {
	form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"delivered"}}
	verifier := twilio.Verifier{AuthToken: "secret", PublicURL: public}
	signature := twilio.Sign("secret", public+"/callbacks/twilio/status?key=E-1%2Ft1", form)
	r := httptest.NewRequest(http.MethodPost, "http://10.0.0.7:8080/callbacks/twilio/status?key=E-1%2Ft1", nil)
	r.Header.Set(twilio.SignatureHeader, signature)
	require.NoError(t, verifier.Verify(r, []byte(form.Encode())), "behind a proxy the request looks like this")

	forged := twilio.Sign("secret", "http://10.0.0.7:8080/callbacks/twilio/status?key=E-1%2Ft1", form)
	r.Header.Set(twilio.SignatureHeader, forged)
	require.Error(t, verifier.Verify(r, []byte(form.Encode())))

	r.Header.Set(twilio.SignatureHeader, signature)
	r.URL.RawQuery = "key=E-2%2Ft1"
	require.Error(t, verifier.Verify(r, []byte(form.Encode())), "another message's key")
}

func TestBelowAPath(t *testing.T) {
	form := url.Values{"CallSid": {"CA1"}}
	verifier := twilio.Verifier{AuthToken: "secret", PublicURL: public + "/belay/"}
	signature := twilio.Sign("secret", public+"/belay/callbacks/twilio/voice?key=k", form)
	require.NoError(t, verifier.Check("/callbacks/twilio/voice?key=k", []byte(form.Encode()), signature), "the proxy strips the path")
	require.NoError(t, verifier.Check("/belay/callbacks/twilio/voice?key=k", []byte(form.Encode()), signature), "the proxy keeps it")
}

func TestAPortOfOurOwn(t *testing.T) {
	verifier := twilio.Verifier{AuthToken: "secret", PublicURL: "https://belay.example.com:8443"}
	for _, origin := range []string{"https://belay.example.com:8443", "https://belay.example.com"} {
		require.NoError(t, verifier.Check("/x", nil, twilio.Sign("secret", origin+"/x", nil)), origin)
	}
	require.Error(t, verifier.Check("/x", nil, twilio.Sign("secret", "https://belay.example.com:9443/x", nil)))
}

func TestNothingIsProvenWithoutASecret(t *testing.T) {
	// HMAC takes an empty key, and so anybody could sign.
	require.Error(t, twilio.Verifier{PublicURL: public}.Check("/x", nil, twilio.Sign("", public+"/x", nil)))
	require.Error(t, twilio.Verifier{AuthToken: "t"}.Check("/x", nil, twilio.Sign("t", "/x", nil)))
	for _, signature := range []string{"", "?", "AAAA", strings.Repeat("A", 10000)} {
		require.Error(t, twilio.Verifier{AuthToken: "t", PublicURL: public}.Check("/x", nil, signature))
	}
}

func TestABodyThatIsNoFormMustBeNamedByItsHash(t *testing.T) {
	body := []byte(`{"a":1}`)
	verifier := twilio.Verifier{AuthToken: "t", PublicURL: public}
	require.Error(t, verifier.Check("/x", body, twilio.Sign("t", public+"/x", nil)), "a signed address says nothing about this body")
	require.Error(t, verifier.Check("/x?bodySHA256=00", body, twilio.Sign("t", public+"/x?bodySHA256=00", nil)))
}

func TestWhatIsSignedVerifiesAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		form := url.Values(rapid.MapOf(rapid.String(), rapid.SliceOfN(rapid.String(), 1, 3)).Draw(t, "form"))
		token := rapid.StringN(1, 40, -1).Draw(t, "token")
		path := "/callbacks?key=" + url.QueryEscape(rapid.String().Draw(t, "key"))
		verifier := twilio.Verifier{AuthToken: token, PublicURL: public}
		signature := twilio.Sign(token, public+path, form)
		require.NoError(t, verifier.Check(path, []byte(form.Encode()), signature))

		other := url.Values{}
		for k, v := range form {
			other[k] = v
		}
		other.Add("Injected", rapid.String().Draw(t, "value"))
		require.Error(t, verifier.Check(path, []byte(other.Encode()), signature))
	})
}
