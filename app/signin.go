package app

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/integrations/oidc"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// SignIn is how people come in, beside tokens and accounts, and for how long.
type SignIn struct {
	Issuer       string // of identities, by OpenID Connect; empty: none
	ClientID     string
	ClientSecret string
	Label        string
	Scopes       []string
	Claim        string
	TrustEmail   bool
	Groups       string
	Roles        map[string]service.Role // by group; "*": everybody
	Idle         time.Duration
	Max          time.Duration
}

func (s SignIn) configured() bool { return s.Issuer != "" }

func (s SignIn) incomplete() []error {
	var wrong []error
	if s.configured() && s.ClientID == "" {
		wrong = append(wrong, errors.New("BELAY_OIDC_CLIENT_ID: needed with BELAY_OIDC_ISSUER"))
	}
	if !s.configured() && (s.ClientID != "" || s.ClientSecret != "") {
		wrong = append(wrong, errors.New("BELAY_OIDC_ISSUER: needed with BELAY_OIDC_CLIENT_ID"))
	}
	if s.Idle > s.Max {
		wrong = append(wrong, errors.New("BELAY_SESSION_IDLE: must not be longer than BELAY_SESSION_MAX"))
	}
	return wrong
}

// issuer must be reached by https: what it says is who comes in. A provider on the same machine is for trying it out.
func issuer(o *Options, value string) error {
	if err := site(value); err != nil {
		return errors.New("want an address such as https://login.example.com/realms/acme")
	}
	at, err := url.Parse(value)
	if err != nil {
		return err
	}
	if at.Scheme != "https" && !here(at.Hostname()) {
		return fmt.Errorf("%q: want https", value)
	}
	o.SignIn.Issuer = value
	return nil
}

func here(host string) bool {
	if host == "localhost" {
		return true
	}
	at, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && at.IsLoopback()
}

func scopes(o *Options, value string) error {
	o.SignIn.Scopes = strings.Fields(value)
	if !slices.Contains(o.SignIn.Scopes, "openid") {
		return fmt.Errorf("%q: openid must be among them", value)
	}
	return nil
}

func roles(o *Options, value string) error {
	o.SignIn.Roles = map[string]service.Role{}
	for part := range strings.SplitSeq(value, ",") {
		group, role, both := strings.Cut(part, "=")
		group, role = strings.TrimSpace(group), strings.TrimSpace(role)
		if !both || group == "" {
			return fmt.Errorf("%q: want a group, =, and admin, responder or viewer", part)
		}
		switch r := service.Role(role); r {
		case service.Admin, service.Responder, service.Viewer:
			o.SignIn.Roles[group] = r
		default:
			return fmt.Errorf("%q: want one of admin, responder, viewer for group %q", role, group)
		}
	}
	return nil
}

func span(field func(*Options) *time.Duration, least, most time.Duration) func(*Options, string) error {
	return func(o *Options, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < least || d > most {
			return fmt.Errorf("%q: want a duration from %s to %s, as 12h", value, least, most)
		}
		*field(o) = d
		return nil
	}
}

func accounts(db *pgxpool.Pool, directory *service.Directory, limits *service.Limits, now func() time.Time) *service.Accounts {
	return &service.Accounts{
		Book: store.Accounts{Pool: db}, Organisation: directory, Access: service.Access{}, Limits: limits, Argon: &service.Argon{}, Now: now,
	}
}

// voucher is the provider of identities, and who of those it vouches for may come in.
type voucher struct {
	provider  *oidc.Provider
	admission service.Admission
}

func newVoucher(o Options, directory service.Organisation, now func() time.Time) voucher {
	return voucher{
		provider: &oidc.Provider{
			Issuer: o.SignIn.Issuer, ClientID: o.SignIn.ClientID, Secret: o.SignIn.ClientSecret,
			Redirect: o.PublicURL + "/login/callback", Scopes: o.SignIn.Scopes, Claim: o.SignIn.Claim,
			TrustEmail: o.SignIn.TrustEmail, Groups: o.SignIn.Groups, Now: now,
		},
		admission: service.Admission{Organisation: directory, ByID: o.SignIn.Claim != "email", Roles: o.SignIn.Roles},
	}
}

// Begin is part of web.Provider.
func (v voucher) Begin(ctx context.Context, state, nonce, verifier string) (string, error) {
	return v.provider.Begin(ctx, state, nonce, verifier)
}

// Finish is part of web.Provider.
func (v voucher) Finish(ctx context.Context, code, nonce, verifier string) (service.Entrance, error) {
	found, err := v.provider.Finish(ctx, code, nonce, verifier)
	if err != nil {
		return service.Entrance{}, err
	}
	return v.admission.Admit(service.Identity(found))
}
