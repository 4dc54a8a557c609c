// Package oidc asks a provider of identities, by OpenID Connect, who somebody is: the code flow with PKCE, state and
// nonce. It proves identities and knows nothing of who may come in.
package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/belayhq/belay/core/fault"
)

// Provider is one issuer with our registration there. Its description is read when it is first needed and tried again
// until it is there: an installation starts without its provider. It is safe for concurrent use.
type Provider struct {
	Issuer   string // "https://login.example.com/realms/acme"
	ClientID string
	Secret   string // empty: a public client, which PKCE alone proves
	Redirect string // our address that it sends people back to
	Scopes   []string
	Claim    string // that names the person; "email" also asks for email_verified
	// TrustEmail takes an address for verified of which the provider does not say.
	TrustEmail bool
	Groups     string // claim that lists the groups
	Now        func() time.Time

	mu     sync.Mutex
	found  *discovered
	failed time.Time // when it did not answer last
	why    error
}

// Identity is whom the provider vouches for.
type Identity struct {
	Issuer  string
	Subject string
	Name    string
	Claim   string
	Sure    bool
	Groups  []string
}

type discovered struct {
	provider *gooidc.Provider
	verifier *gooidc.IDTokenVerifier
	flow     oauth2.Config
}

const (
	asksWithin  = 10 * time.Second
	asksAgain   = 3 * time.Second
	largestWord = 1 << 20 // bytes of any answer
)

// Begin is where a browser is sent to prove who it is. State, nonce and verifier are fresh, random, and bound to it.
func (p *Provider) Begin(ctx context.Context, state, nonce, verifier string) (string, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	return d.flow.AuthCodeURL(state, gooidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), nil
}

// Finish takes the code that a browser came back with. fault.Denied when anything about it is not as it must be;
// fault.Unavailable when the provider does not answer.
func (p *Provider) Finish(ctx context.Context, code, nonce, verifier string) (Identity, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	ctx = p.context(ctx)
	granted, err := d.flow.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return Identity{}, refusal(err, "exchange the code")
	}
	raw, ok := granted.Extra("id_token").(string)
	if !ok {
		return Identity{}, fault.New(fault.Denied, "the provider gave no ID token")
	}
	token, err := d.verifier.Verify(ctx, raw)
	if err != nil {
		return Identity{}, refusal(err, "verify the ID token")
	}
	if token.Nonce == "" || subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) != 1 {
		return Identity{}, fault.New(fault.Denied, "the ID token was made for another sign-in")
	}
	said := map[string]any{}
	if err := token.Claims(&said); err != nil {
		return Identity{}, fault.Wrap(fault.Denied, err, "read the ID token")
	}
	if party, named := said["azp"].(string); len(token.Audience) > 1 && !named || named && party != p.ClientID {
		return Identity{}, fault.New(fault.Denied, "the ID token was made for another application")
	}
	if said[p.Claim] == nil && d.provider.UserInfoEndpoint() != "" {
		if err := p.ask(ctx, d, granted, token.Subject, said); err != nil {
			return Identity{}, err
		}
	}
	return p.identity(token, said), nil
}

// ask completes what the ID token left out. The answer must be about the same subject.
func (p *Provider) ask(ctx context.Context, d *discovered, granted *oauth2.Token, subject string, said map[string]any) error {
	info, err := d.provider.UserInfo(ctx, oauth2.StaticTokenSource(granted))
	if err != nil {
		return refusal(err, "ask for user info")
	}
	if info.Subject != subject {
		return fault.New(fault.Denied, "the provider answered about somebody else")
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil {
		return fault.Wrap(fault.Denied, err, "read the user info")
	}
	for name, value := range more {
		if _, known := said[name]; !known {
			said[name] = value
		}
	}
	return nil
}

func (p *Provider) identity(token *gooidc.IDToken, said map[string]any) Identity {
	i := Identity{Issuer: token.Issuer, Subject: token.Subject}
	i.Name, _ = said["name"].(string)
	i.Claim, _ = said[p.Claim].(string)
	i.Sure = p.Claim != "email" || p.verified(said["email_verified"])
	switch groups := said[p.Groups].(type) {
	case string:
		i.Groups = []string{groups}
	case []any:
		for _, g := range groups {
			if name, ok := g.(string); ok {
				i.Groups = append(i.Groups, name)
			}
		}
	}
	return i
}

// verified: some providers write truth as a word, some say nothing.
func (p *Provider) verified(said any) bool {
	switch v := said.(type) {
	case bool:
		return v
	case string:
		return v == "true"
	}
	return said == nil && p.TrustEmail
}

func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if time.Since(p.failed) < asksAgain {
		return nil, p.why // whoever comes meanwhile need not wait as long
	}
	found, err := p.read(ctx)
	if err != nil {
		p.failed, p.why = time.Now(), err
		return nil, err
	}
	p.found = found
	return p.found, nil
}

func (p *Provider) read(ctx context.Context) (*discovered, error) {
	// The provider keeps this context to fetch keys later: it must not end with the request.
	bounded, cancel := context.WithTimeout(p.context(context.WithoutCancel(ctx)), asksWithin)
	defer cancel()
	provider, err := gooidc.NewProvider(bounded, p.Issuer)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the provider of identities does not answer")
	}
	var more struct {
		Methods []string `json:"code_challenge_methods_supported"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "read the provider's description")
	}
	if len(more.Methods) > 0 && !slices.Contains(more.Methods, "S256") {
		return nil, fault.New(fault.Unavailable, "the provider of identities does not know PKCE by S256")
	}
	return &discovered{
		provider: provider,
		verifier: provider.Verifier(&gooidc.Config{ClientID: p.ClientID, Now: p.Now}),
		flow: oauth2.Config{
			ClientID: p.ClientID, ClientSecret: p.Secret, Endpoint: provider.Endpoint(), RedirectURL: p.Redirect, Scopes: p.Scopes,
		},
	}, nil
}

// context carries our client: bounded in time and size.
func (p *Provider) context(ctx context.Context) context.Context {
	return gooidc.ClientContext(ctx, &http.Client{Timeout: asksWithin, Transport: bounded{}})
}

// bounded cuts answers that do not end.
type bounded struct{}

// RoundTrip is part of http.RoundTripper.
func (bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, largestWord), answer.Body}
	return answer, nil
}

// refusal tells a provider that says no from one that does not answer. What it said may hold codes and stays inside.
func refusal(err error, doing string) error {
	var said *oauth2.RetrieveError
	if errors.As(err, &said) && said.Response != nil && said.Response.StatusCode < http.StatusInternalServerError {
		return fault.New(fault.Denied, "the provider of identities refused this sign-in (%s): begin again", doing)
	}
	if unreachable(err) {
		return fault.Wrap(fault.Unavailable, err, "the provider of identities does not answer: %s", doing)
	}
	return fault.Wrap(fault.Denied, err, "this sign-in cannot be believed: %s", doing)
}

func unreachable(err error) bool {
	var network net.Error
	var said *oauth2.RetrieveError
	return errors.As(err, &network) || errors.As(err, &said)
}
