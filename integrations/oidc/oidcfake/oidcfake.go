// Package oidcfake is a provider of identities for tests: it speaks OpenID Connect as its specification says, signs real
// tokens, rotates its keys, and misbehaves when it is told to.
package oidcfake

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Provider is the fake. Whoever comes to its door is User, without being asked.
type Provider struct {
	URL      string
	ClientID string
	Secret   string
	Redirect string // the only address that it sends people back to

	server *httptest.Server
	mu     sync.Mutex
	user   map[string]any
	info   map[string]any
	spoil  func(header, claims map[string]any)
	forge  bool
	now    func() time.Time
	keys   []key // the last signs
	codes  map[string]grant
	tokens map[string]string // subject by access token
	asked  int
}

type key struct {
	name    string
	private *rsa.PrivateKey
}

type grant struct {
	nonce, challenge, redirect string
}

// Start starts a provider on 127.0.0.1; Close ends it.
func Start(clientID, secret string) *Provider {
	p := &Provider{
		ClientID: clientID, Secret: secret, now: time.Now,
		user: map[string]any{"sub": "u-1"}, codes: map[string]grant{}, tokens: map[string]string{},
	}
	p.Rotate()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.describe)
	mux.HandleFunc("GET /keys", p.publish)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.exchange)
	mux.HandleFunc("GET /userinfo", p.tell)
	p.server = httptest.NewServer(mux)
	p.URL = p.server.URL
	return p
}

// Close ends it.
func (p *Provider) Close() { p.server.Close() }

// Be makes whoever comes next this user; "sub" names them.
func (p *Provider) Be(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.user, p.info = claims, nil
}

// Tell keeps these claims out of ID tokens: they are answered by /userinfo.
func (p *Provider) Tell(info map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.info = info
}

// Spoil changes every token before it is signed; nil: none.
func (p *Provider) Spoil(change func(header, claims map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spoil = change
}

// Forge signs with a key that is not published.
func (p *Provider) Forge(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forge = on
}

// Clock sets what time it is there.
func (p *Provider) Clock(now func() time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
}

// Rotate signs with a fresh key from now on, and publishes that one alone.
func (p *Provider) Rotate() {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // the machine has no randomness
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = []key{{name: "k-" + rand.Text()[:8], private: private}}
}

// KeysAsked is how often keys were fetched.
func (p *Provider) KeysAsked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *Provider) describe(w http.ResponseWriter, _ *http.Request) {
	say(w, http.StatusOK, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"jwks_uri": p.URL + "/keys", "userinfo_endpoint": p.URL + "/userinfo", "response_types_supported": []string{"code"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		"code_challenge_methods_supported": []string{"S256"},
	})
}

func (p *Provider) publish(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	var all []map[string]string
	for _, k := range p.keys {
		all = append(all, map[string]string{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": k.name,
			"n": encode(k.private.N.Bytes()), "e": encode(big.NewInt(int64(k.private.E)).Bytes()),
		})
	}
	say(w, http.StatusOK, map[string]any{"keys": all})
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.mu.Lock()
	defer p.mu.Unlock()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != p.ClientID || p.Redirect != "" && q.Get("redirect_uri") != p.Redirect {
		http.Error(w, "unknown client or address", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	switch {
	case q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" ||
		!strings.Contains(" "+q.Get("scope")+" ", " openid "):
		answer.Set("error", "invalid_request")
	case p.user == nil:
		answer.Set("error", "access_denied")
	default:
		code := rand.Text()
		p.codes[code] = grant{nonce: q.Get("nonce"), challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri")}
		answer.Set("code", code)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *Provider) exchange(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	client, secret, basic := r.BasicAuth()
	if !basic {
		client, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if client != p.ClientID || subtle.ConstantTimeCompare([]byte(secret), []byte(p.Secret)) != 1 {
		say(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	g, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code")) // once
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != g.redirect || encode(sum[:]) != g.challenge {
		say(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	access := rand.Text()
	p.tokens[access] = fmt.Sprint(p.user["sub"])
	say(w, http.StatusOK, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": p.sign(g.nonce),
	})
}

func (p *Provider) sign(nonce string) string {
	now := p.now()
	claims := map[string]any{
		"iss": p.URL, "aud": p.ClientID, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "nonce": nonce,
	}
	for name, value := range p.user {
		claims[name] = value
	}
	k := p.keys[len(p.keys)-1]
	header := map[string]any{"alg": "RS256", "typ": "JWT", "kid": k.name}
	if p.spoil != nil {
		p.spoil(header, claims)
	}
	if p.forge {
		k.private, _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	signed := part(header) + "." + part(claims)
	if header["alg"] == "none" {
		return signed + "."
	}
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, k.private, crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // the key was made above
	}
	return signed + "." + encode(signature)
}

func (p *Provider) tell(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	subject, ok := p.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	said := map[string]any{"sub": subject}
	for name, value := range p.info {
		said[name] = value
	}
	say(w, http.StatusOK, said)
}

func part(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // a test gave a claim that is no JSON
	}
	return encode(raw)
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
