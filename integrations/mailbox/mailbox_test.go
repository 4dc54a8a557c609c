package mailbox_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/smtp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/mailbox"
)

// letter with these headers; From and Date are there.
func letter(headers, body string) string {
	return strings.ReplaceAll("From: Disk Watch <watch@db-1.example>\nTo: key@alerts.example\nDate: Wed, 16 Sep 2026 14:00:00 +0200\n"+headers+"\n\n"+body, "\n", "\r\n")
}

func reads(t *testing.T, mail string, envelope map[string]string) alert.Alert {
	t.Helper()
	all, err := mailbox.Decode(alert.Post{Body: []byte(mail), Header: envelope})
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

func TestSubjectsOfOneTroubleShareItsKey(t *testing.T) {
	for _, one := range []struct {
		subject  string
		action   alert.Action
		severity alert.Severity
	}{
		{"Disk full on db-1", alert.Trigger, alert.Error},
		{"RE: Disk full on db-1", alert.Trigger, alert.Error},
		{"Fwd: AW: Disk full on db-1", alert.Trigger, alert.Error},
		{"[CRITICAL] Disk full on db-1", alert.Trigger, alert.Critical},
		{"[FIRING:1] Disk full on db-1", alert.Trigger, alert.Error},
		{"WARNING: disk full on db-1", alert.Trigger, alert.Warning},
		{"Problem: Disk full on db-1", alert.Trigger, alert.Error},
		{"** PROBLEM Disk full on db-1 is CRITICAL **", alert.Trigger, alert.Error},
		{"[RESOLVED] Disk full on db-1", alert.Resolve, ""},
		{"Re: [OK] Disk full on db-1", alert.Resolve, ""},
		{"Resolved in 5m: Disk full on db-1", alert.Resolve, ""},
		{"** RECOVERY Disk full on db-1 is OK **", alert.Resolve, ""},
		{"=?UTF-8?Q?[RESOLVED]_Disk_full_on_db-1?=", alert.Resolve, ""},
	} {
		a := reads(t, letter("Subject: "+one.subject, "text"), nil)
		require.Equal(t, "mail/disk full on db-1", a.DedupKey, one.subject)
		require.Equal(t, one.action, a.Action, one.subject)
		if one.severity != "" {
			require.Equal(t, one.severity, a.Severity, one.subject)
		}
	}
	for _, trouble := range []string{"Fixed asset database fails", "Up to 3 hosts fail", "OK button is broken", "Closed door opened"} {
		require.Equal(t, alert.Trigger, reads(t, letter("Subject: "+trouble, ""), nil).Action, trouble)
	}
}

func TestMachinesThatAnswerAskForNothing(t *testing.T) {
	for headers, action := range map[string]alert.Action{
		"Subject: x\nAuto-Submitted: auto-generated":                                          alert.Trigger, // how monitors mark theirs
		"Subject: x\nPrecedence: bulk":                                                        alert.Trigger,
		"Subject: x\nPrecedence: list\nList-Id: <ops.example>":                                alert.Trigger, // a monitor that mails its group
		"Subject: x\nPrecedence: list\nAuto-Submitted: auto-replied":                          alert.Ignore,
		"Subject: x\nPrecedence: list\nX-Belay-Escalation: E-1":                               alert.Ignore, // what we sent to a list we are on
		"Subject: x\nAuto-Submitted: auto-replied":                                            alert.Ignore,
		"Subject: x\nPrecedence: auto_reply":                                                  alert.Ignore,
		"Subject: x\nX-Loop: belay":                                                           alert.Ignore,
		"Subject: x\nContent-Type: multipart/report; report-type=delivery-status; boundary=b": alert.Ignore,
	} {
		require.Equal(t, action, reads(t, letter(headers, ""), map[string]string{"return-path": "watch@db-1.example"}).Action, headers)
	}
	require.Equal(t, alert.Ignore, reads(t, letter("Subject: x", ""), map[string]string{"return-path": ""}).Action, "an empty return path is a bounce's")
}

func TestTheTextOfAMailIsFoundInItsParts(t *testing.T) {
	a := reads(t, letter("Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o",
		"--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\nContent-Type: text/html\n\n<p>html</p>\n--i\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"+
			"f=C3=BCll, see https://graph.example/1.\n--i--\n--o\nContent-Type: text/plain\nContent-Disposition: attachment\n\nnot this\n--o--"), nil)
	require.Equal(t, "füll, see https://graph.example/1.", a.Details["text"])
	require.Equal(t, []alert.Link{{Href: "https://graph.example/1"}}, a.Links)
	require.Equal(t, "watch@db-1.example", a.Source)
	require.Equal(t, time.Date(2026, 9, 16, 12, 0, 0, 0, time.UTC), a.OccurredAt)
	html := reads(t, letter("Subject: x\nContent-Type: text/html\nContent-Transfer-Encoding: base64", "PHN0eWxlPng8L3N0eWxlPjxiPmZ1bGw8L2I+"), nil)
	require.Equal(t, "full", html.Details["text"])
}

func TestTheKeyOfAnIntegrationStaysOutOfWhatPeopleSee(t *testing.T) {
	seen, err := json.Marshal(reads(t, letter("Subject: disk full", "it is"), nil))
	require.NoError(t, err)
	require.NotContains(t, string(seen), "key@alerts.example")
	require.Contains(t, string(seen), "watch@db-1.example")
}

func FuzzDecode(f *testing.F) {
	f.Add(letter("Subject: [RESOLVED] x", "y"))
	f.Add(letter("Subject: x\nContent-Type: multipart/mixed; boundary=o", "--o\n\na\n--o--"))
	f.Fuzz(func(t *testing.T, mail string) {
		all, err := mailbox.Decode(alert.Post{Body: []byte(mail)})
		if err != nil {
			require.True(t, fault.Is(err, fault.Invalid))
			return
		}
		require.NotEmpty(t, all[0].Title)
		require.NotEmpty(t, all[0].DedupKey)
	})
}

// office is a server that keeps what it takes.
type office struct {
	addr string
	mu   sync.Mutex
	took []string
	fail error
}

func opened(t *testing.T, cover *tls.Config) *office {
	t.Helper()
	o := &office{}
	s := (&mailbox.Server{
		Domain: "alerts.example", TLS: cover, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Known: func(_, name string) error {
			if name != "key" {
				return fault.New(fault.NotFound, "no integration")
			}
			return nil
		},
		Take: func(_ context.Context, name string, p alert.Post) error {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.fail == nil {
				o.took = append(o.took, name+" "+p.Header["return-path"]+" "+string(p.Body))
			}
			return o.fail
		},
	}).Prepare()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	o.addr = listener.Addr().String()
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, s.Close(ctx))
		require.NoError(t, <-done)
	})
	return o
}

func TestAMailMayComeUnderACover(t *testing.T) {
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS()
	t.Cleanup(certificate.Close)
	o := opened(t, certificate.TLS)
	client, err := smtp.Dial(o.addr)
	require.NoError(t, err)
	offered, _ := client.Extension("STARTTLS")
	require.True(t, offered)
	trusted := x509.NewCertPool()
	trusted.AddCert(certificate.Certificate())
	require.NoError(t, client.StartTLS(&tls.Config{ServerName: "example.com", RootCAs: trusted}))
	require.NoError(t, client.Mail("watch@db-1.example"))
	require.NoError(t, client.Rcpt("key@alerts.example"))
	w, err := client.Data()
	require.NoError(t, err)
	_, err = w.Write([]byte(letter("Subject: disk", "full")))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, client.Quit())
	require.Len(t, o.took, 1)

	plain, err := smtp.Dial(opened(t, nil).addr)
	require.NoError(t, err)
	offered, _ = plain.Extension("STARTTLS")
	require.False(t, offered)
	require.NoError(t, plain.Quit())
}

func TestAMailIsOursOnlyWhenItIsKept(t *testing.T) {
	o := opened(t, nil)
	send := func(to, body string) error {
		return smtp.SendMail(o.addr, nil, "watch@db-1.example", []string{to}, []byte(letter("Subject: disk", body)))
	}
	require.NoError(t, send("key@alerts.example", "full"))
	require.Len(t, o.took, 1)
	require.Contains(t, o.took[0], "key watch@db-1.example From: Disk Watch")

	require.ErrorContains(t, send("nobody@alerts.example", ""), "550")
	require.ErrorContains(t, send("key@elsewhere.example", ""), "550", "nothing is relayed")
	require.ErrorContains(t, send("key@alerts.example", strings.Repeat(strings.Repeat("x", 70)+"\r\n", mailbox.MostMail/70)), "552")
	o.fail = fault.New(fault.Unavailable, "the records are away")
	require.ErrorContains(t, send("key@alerts.example", "again"), "451", "the sender's server keeps it and comes again")
	o.fail = fault.Field("Subject", "is empty")
	require.ErrorContains(t, send("key@alerts.example", "never"), "554")
	require.Len(t, o.took, 1)
}

// What Monit calls well again it calls by other words than what broke.
func TestMonitsWordsForOneTroubleBelongTogether(t *testing.T) {
	say := func(event, service, description string) alert.Alert {
		return reads(t, letter("Subject: monit alert --  "+event+" "+service+"\nX-Mailer: Monit 5.33.0",
			event+" Service "+service+" \n\n\tDate:        Wed, 16 Sep 2026 14:00:00\n\tAction:      alert\n\tHost:        db-1\n\tDescription: "+description+"\n\nYour faithful employee,\nMonit"), nil)
	}
	for broke, well := range map[string]string{
		"Does not exist": "Exists", "Status failed": "Status succeeded", "Connection failed": "Connection succeeded", "Timeout": "Timeout recovery",
		"Resource limit matched": "Resource limit succeeded", "Link down": "Link up", "Upload bytes exceeded": "Upload bytes ok",
		"Data access error": "Data access succeeded", "Invalid type": "Type succeeded", "Checksum changed": "Checksum not changed",
	} {
		one, other := say(broke, "nginx", "no answer: port 80"), say(well, "nginx", "it answers")
		require.Equal(t, []any{alert.Trigger, alert.Resolve}, []any{one.Action, other.Action}, broke)
		require.Equal(t, one.DedupKey, other.DedupKey, broke)
		require.NotEqual(t, one.DedupKey, say(broke, "mysql", "").DedupKey)
		require.Equal(t, []string{"nginx: no answer: port 80", "db-1", broke}, []string{one.Title, one.Source, one.Status})
	}
	require.NotEqual(t, say("Status failed", "nginx", "").DedupKey, say("Connection failed", "nginx", "").DedupKey)
	require.Equal(t, alert.Ignore, say("Monit instance changed", "db-1", "Monit 5.33.0 started").Action)
	own := reads(t, letter("Subject: [CRITICAL] nginx is away\nX-Mailer: Monit 5.33.0", "look at it"), nil)
	require.Equal(t, []string{"nginx is away", "mail/nginx is away"}, []string{own.Title, own.DedupKey}, "a mail-format of somebody's own")
}
