// Package outbound reaches addresses that somebody outside, or a setting, has named. Such an address may point into our
// own network, answer without end, or send us elsewhere. It knows nothing of what is sent.
package outbound

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// ErrNotPublic is an address that we do not connect to.
var ErrNotPublic = errors.New("not a public address")

// Client reaches public addresses by https, and allowed ones by http too.
type Client struct {
	https *http.Client
	http  *http.Client // allowed ones only: without TLS anybody on the way could read what is sent
}

// Options of a Client.
type Options struct {
	Allow     []netip.Prefix // networks that may be reached although they are not public
	Timeout   time.Duration  // of one request
	TLSConfig *tls.Config    // for authorities of one's own
}

// headerLimit of an answer.
const headerLimit = 64 << 10

// New makes a client. No redirect is followed: it would carry credentials and words to whoever is named in it.
func New(o Options) *Client {
	allowed := func(a netip.Addr) bool { return within(o.Allow, a) }
	return &Client{
		https: client(o, func(a netip.Addr) bool { return Public(a) || allowed(a) }),
		http:  client(o, allowed),
	}
}

func client(o Options, reachable func(netip.Addr) bool) *http.Client {
	dialer := net.Dialer{Timeout: o.Timeout, Control: control(reachable)}
	return &http.Client{
		Timeout: o.Timeout,
		Transport: &http.Transport{
			// No proxy: it would dial for us, past the check.
			DialContext: dialer.DialContext, TLSClientConfig: o.TLSConfig, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: o.Timeout, MaxResponseHeaderBytes: headerLimit, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Do sends a request. Errors have ErrNotPublic in their chain when the address is refused, and not the address itself: it
// often carries a secret.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	sender := c.https
	if r.URL.Scheme == "http" {
		sender = c.http
	}
	response, err := sender.Do(r)
	var address *url.Error
	if errors.As(err, &address) {
		return nil, address.Err
	}
	return response, err
}

// control checks the address that is about to be dialled, after all names have been resolved: a name that points
// elsewhere the second time is checked the second time.
func control(reachable func(netip.Addr) bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !reachable(plain(to.Addr())) {
			return ErrNotPublic
		}
		return nil
	}
}

// plain is an address without the clothes in which it could pass a check: IPv4 inside IPv6, and zones.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func within(prefixes []netip.Prefix, a netip.Addr) bool {
	a = plain(a)
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Public reports whether an address belongs to the Internet at large: not to this machine, a private network, a cloud's
// metadata service or a range with a special purpose (IANA IPv4 and IPv6 Special-Purpose Address Registries).
func Public(a netip.Addr) bool {
	a = plain(a)
	if a.Is4() {
		return !within(special4(), a)
	}
	// Of IPv6, only 2000::/3 is given to networks (IANA IPv6 Address Space).
	return a.Is6() && netip.MustParsePrefix("2000::/3").Contains(a) && !within(special6(), a)
}

func special4() []netip.Prefix {
	return prefixes(
		"0.0.0.0/8",        // this network
		"10.0.0.0/8",       // private
		"100.64.0.0/10",    // carriers; a cloud's metadata at 100.100.100.200
		"127.0.0.0/8",      // loopback
		"168.63.129.16/32", // a cloud's wire server
		"169.254.0.0/16",   // link-local; metadata at 169.254.169.254
		"172.16.0.0/12",    // private
		"192.0.0.0/24",     // protocol assignments; metadata at 192.0.0.192
		"192.0.2.0/24",     // documentation
		"192.88.99.0/24",   // 6to4 relays
		"192.168.0.0/16",   // private
		"198.18.0.0/15",    // benchmarks
		"198.51.100.0/24",  // documentation
		"203.0.113.0/24",   // documentation
		"224.0.0.0/4",      // multicast
		"240.0.0.0/4",      // reserved, and broadcast
	)
}

func special6() []netip.Prefix {
	return prefixes(
		"2001::/23",     // protocol assignments, Teredo among them, which wraps IPv4
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4, which wraps IPv4
		"3fff::/20",     // documentation
	)
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}
