package webhook_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/webhook"
)

const secret = "whsec-do-not-show"

func loopback(o *webhook.Options) { o.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func client(t *testing.T, change ...func(*webhook.Options)) *webhook.Client {
	t.Helper()
	o := webhook.Options{Secret: secret, Timeout: 2 * time.Second}
	for _, c := range change {
		c(&o)
	}
	c, err := webhook.New(o)
	require.NoError(t, err)
	return c
}

func to(address string) page.Message {
	return page.Message{
		Key: "E-42/t1/ana/hook/1", Purpose: page.Page, Person: "ana", Method: "hook", Channel: org.Webhook, To: address,
		Body: "payments is down", Link: "https://belay.example.com/a/x",
		Brief: page.Brief{
			Escalation: "E-42", Title: "payments down", Service: "Payments", Priority: org.P1, Tier: "tier 1",
			OpenedAt: time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC),
		},
	}
}

func TestAPageIsPostedSigned(t *testing.T) {
	var body []byte
	var headers http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		headers = r.Header
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	receipt, err := client(t, loopback).Send(t.Context(), to(server.URL+"/hook"))
	require.NoError(t, err)
	require.Equal(t, page.Delivered, receipt.Status)
	require.Equal(t, page.Arrived, receipt.Class)
	require.Equal(t, "204", receipt.Code)

	require.JSONEq(t, `{"key":"E-42/t1/ana/hook/1","purpose":"page","person":"ana","escalation":"E-42","title":"payments down",
		"service":"Payments","priority":"P1","tier":"tier 1","text":"payments is down","link":"https://belay.example.com/a/x",
		"opened_at":"2026-05-01T03:00:00Z"}`, string(body))
	require.Equal(t, "E-42/t1/ana/hook/1", headers.Get("Idempotency-Key"))
	require.Equal(t, "application/json", headers.Get("Content-Type"))
	require.NoError(t, webhook.Verify(secret, headers.Get("Belay-Signature"), body, time.Now()))
}

// An answer of 500 is not a delivery.
func TestWhatReceiversAnswer(t *testing.T) {
	for _, c := range []struct {
		status int
		header string
		class  page.Class
		kind   fault.Kind
		after  time.Duration
	}{
		{200, "", page.Arrived, "", 0},
		{202, "", page.Arrived, "", 0},
		{301, "", page.Dead, "", 0},
		{400, "", page.Dead, "", 0},
		{401, "", page.Dead, "", 0},
		{404, "", page.Dead, "", 0},
		{410, "", page.Dead, "", 0},
		{408, "", "", fault.Unavailable, 0},
		{425, "", "", fault.Unavailable, 0},
		{429, "7", "", fault.Throttled, 7 * time.Second},
		{429, "-1", "", fault.Throttled, 0},
		{429, "99999999", "", fault.Throttled, time.Hour},
		{500, "", "", fault.Unavailable, 0},
		{503, "3", "", fault.Unavailable, 3 * time.Second},
		{599, "", "", fault.Unavailable, 0},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.header)
			w.WriteHeader(c.status)
		}))
		receipt, err := client(t, loopback).Send(t.Context(), to(server.URL))
		server.Close()
		if c.kind != "" {
			require.Equal(t, c.kind, fault.KindOf(err), "%d", c.status)
			require.Equal(t, c.after, fault.RetryAfter(err), "%d", c.status)
			continue
		}
		require.NoError(t, err, "%d", c.status)
		require.Equal(t, c.class, receipt.Class, "%d", c.status)
	}
}

func TestPrivateAddressesAreNotReached(t *testing.T) {
	var hits atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	for _, host := range []string{
		"127.0.0.1", "localhost", "127.1.2.3", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "LOCALHOST.",
		"10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.100.100.200", "[fe80::1]", "[fd00:ec2::254]",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255",
	} {
		for _, scheme := range []string{"https", "http"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			receipt, err := client(t).Send(ctx, to(scheme+"://user:pass@"+host+":"+port+"/hook"))
			cancel()
			require.NoError(t, err, host)
			require.Equal(t, page.Dead, receipt.Class, host)
		}
	}
	require.Zero(t, hits.Load())
}

// Without TLS only networks that were allowed by name are reached, and no public one.
func TestPlainHTTPStaysInside(t *testing.T) {
	receipt, err := client(t, loopback).Send(t.Context(), to("http://93.184.215.14/hook"))
	require.NoError(t, err)
	require.Equal(t, page.Dead, receipt.Class)
	require.Contains(t, receipt.Reason, "not a public")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var hits atomic.Int32
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer inner.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		outer := httptest.NewServer(http.RedirectHandler(inner.URL, status))
		receipt, err := client(t, loopback).Send(t.Context(), to(outer.URL))
		outer.Close()
		require.NoError(t, err)
		require.Equal(t, page.Dead, receipt.Class)
	}
	require.Zero(t, hits.Load())
}

func TestCertificatesAreChecked(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	receipt, err := client(t, loopback).Send(t.Context(), to(server.URL))
	require.NoError(t, err)
	require.Equal(t, page.Dead, receipt.Class)
	require.Contains(t, receipt.Reason, "certificate")

	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	receipt, err = client(t, loopback, func(o *webhook.Options) {
		o.TLSConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}).Send(t.Context(), to(server.URL))
	require.NoError(t, err)
	require.Equal(t, page.Arrived, receipt.Class)
}

func TestAnEndlessAnswerIsLeft(t *testing.T) {
	stopped := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(stopped)
		for {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	receipt, err := client(t, loopback).Send(t.Context(), to(server.URL))
	require.NoError(t, err)
	require.Equal(t, page.Arrived, receipt.Class)
	select {
	case <-stopped:
	case <-time.After(5 * time.Second):
		t.Fatal("the connection is still open")
	}
}

func TestWhatMayPassIsAnError(t *testing.T) {
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer silent.Close()
	dropping := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer dropping.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, address := range map[string]string{"silent": silent.URL, "dropping": dropping.URL, "gone": gone.URL} {
		t.Run(name, func(t *testing.T) {
			_, err := client(t, loopback, func(o *webhook.Options) { o.Timeout = 200 * time.Millisecond }).Send(t.Context(), to(address+"/T0KEN?key=T0KEN"))
			require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
			require.NotContains(t, err.Error(), "T0KEN")
			require.NotContains(t, err.Error(), secret)
		})
	}
}

func TestWhatIsNoWebAddress(t *testing.T) {
	for _, address := range []string{"", "x", "ftp://example.com", "file:///etc/passwd", "https://", "//example.com", "gopher://x", "https://exa mple.com", "https://x\r\n.example"} {
		receipt, err := client(t).Send(t.Context(), to(address))
		require.NoError(t, err, address)
		require.Equal(t, page.Dead, receipt.Class, address)
	}
}

func TestAKeyIsAlwaysAHeader(t *testing.T) {
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Idempotency-Key"))
	}))
	defer server.Close()
	for _, key := range []string{"E-1/t1/zoë/hook/1", "a\r\nX-Evil: 1", "E-1/t1/zoë/hook/1"} {
		m := to(server.URL)
		m.Key = key
		receipt, err := client(t, loopback).Send(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, page.Arrived, receipt.Class)
	}
	require.Len(t, seen, 3)
	require.Equal(t, seen[0], seen[2])
	require.NotEqual(t, seen[0], seen[1])
}

func TestNothingIsFoundAndOnlyWebhooks(t *testing.T) {
	_, found, err := client(t).Find(t.Context(), to("https://example.com"), time.Now())
	require.NoError(t, err)
	require.False(t, found)
	m := to("https://example.com")
	m.Channel = org.SMS
	_, err = client(t).Send(t.Context(), m)
	require.True(t, fault.Is(err, fault.Invalid))
	_, err = webhook.New(webhook.Options{})
	var f *fault.Error
	require.True(t, errors.As(err, &f))
	require.Equal(t, "secret", f.Field)
}

func TestSignatures(t *testing.T) {
	now := time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC)
	body := []byte(`{"key":"E-42"}`)
	// Computed by: printf '1777604400.{"key":"E-42"}' | openssl dgst -sha256 -hmac whsec-do-not-show
	const known = "t=1777604400,v1=68b6f412918268ab1e8e5d0aa6e0b01ca1ea0a910feefb9ce813c067cd7dfa30"
	require.Equal(t, known, webhook.Sign(secret, body, now))
	require.NoError(t, webhook.Verify(secret, known, body, now))
	require.NoError(t, webhook.Verify(secret, known, body, now.Add(webhook.Tolerance)))
	require.NoError(t, webhook.Verify(secret, known, body, now.Add(-webhook.Tolerance)))
	require.NoError(t, webhook.Verify(secret, "v0=x, "+known+",v1=00", body, now), "several signatures while a secret changes")
	for name, err := range map[string]error{
		"late":          webhook.Verify(secret, known, body, now.Add(webhook.Tolerance+time.Second)),
		"early":         webhook.Verify(secret, known, body, now.Add(-webhook.Tolerance-time.Second)),
		"other body":    webhook.Verify(secret, known, append(body, ' '), now),
		"other secret":  webhook.Verify("x", known, body, now),
		"no secret":     webhook.Verify("", webhook.Sign("", body, now), body, now),
		"other time":    webhook.Verify(secret, strings.Replace(known, "1777604400", "1777604401", 1), body, now),
		"no signature":  webhook.Verify(secret, "t=1777604400", body, now),
		"nothing":       webhook.Verify(secret, "", body, now),
		"not hex":       webhook.Verify(secret, "t=1777604400,v1=zz", body, now),
		"not a time":    webhook.Verify(secret, "t=now,v1=00", body, now),
		"huge time":     webhook.Verify(secret, "t=-9223372036854775808,v1=00", body, now),
		"older version": webhook.Verify(secret, strings.Replace(known, "v1", "v0", 1), body, now),
	} {
		require.True(t, fault.Is(err, fault.Unauthenticated), name)
	}
}
