package smtp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/smtp"
	"github.com/belayhq/belay/integrations/smtp/smtpfake"
)

const (
	ana    = "ana@example.com"
	secret = "s3cret-password"
)

func start(t *testing.T, o smtpfake.Options) *smtpfake.Server {
	t.Helper()
	server, err := smtpfake.Start(o)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

func client(t *testing.T, server *smtpfake.Server, change ...func(*smtp.Options)) *smtp.Client {
	t.Helper()
	options := smtp.Options{Addr: server.Addr, From: "Belay <belay@acme.example>", Security: smtp.None, Timeout: 5 * time.Second}
	for _, c := range change {
		c(&options)
	}
	c, err := smtp.New(options)
	require.NoError(t, err)
	return c
}

func letter(key string) page.Message {
	return page.Message{
		Key: key, Purpose: page.Page, Person: "ana", Method: "mail", Channel: org.Email, To: ana,
		Subject: "P1 payments — down", Body: "payments is down.\n.\n<b>not bold</b>", Link: "https://belay.example.com/a/xyz?t=1",
		Brief: page.Brief{Escalation: "E-42", Title: "payments down"},
	}
}

func TestAMailIsAcceptedNotDelivered(t *testing.T) {
	server := start(t, smtpfake.Options{})
	receipt, err := client(t, server).Send(t.Context(), letter("E-42/t1/ana/mail/1"))
	require.NoError(t, err)
	require.Equal(t, page.Accepted, receipt.Status)
	require.Equal(t, page.Pending, receipt.Class)
	require.Equal(t, "E-42/t1/ana/mail/1", receipt.Key)

	mails := server.Mails()
	require.Len(t, mails, 1)
	require.Equal(t, []string{ana}, mails[0].To)
	require.Equal(t, "belay@acme.example", mails[0].From)
	message, err := mails[0].Parsed()
	require.NoError(t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "P1 payments — down", subject)
	require.Equal(t, "<"+receipt.ProviderID+">", message.Header.Get("Message-ID"))
	require.Equal(t, "auto-generated", message.Header.Get("Auto-Submitted"))
	require.Equal(t, "E-42/t1/ana/mail/1", message.Header.Get("X-Belay-Key"))

	text, html := parts(t, message.Header.Get("Content-Type"), message.Body)
	require.Equal(t, "payments is down.\n.\n<b>not bold</b>\n\nhttps://belay.example.com/a/xyz?t=1", strings.TrimSpace(text))
	require.Contains(t, html, `href="https://belay.example.com/a/xyz?t=1"`)
	require.Contains(t, html, "&lt;b&gt;not bold")
}

func parts(t *testing.T, contentType string, body io.Reader) (text, html string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)
	reader := multipart.NewReader(body, params["boundary"])
	for {
		part, err := reader.NextPart()
		if err == io.EOF {
			return text, html
		}
		require.NoError(t, err)
		content, err := io.ReadAll(part)
		require.NoError(t, err)
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			html = strings.ReplaceAll(string(content), "\r\n", "\n")
			continue
		}
		text = strings.ReplaceAll(string(content), "\r\n", "\n")
	}
}

func TestTheSameKeyIsTheSameMailAndAnEscalationIsAThread(t *testing.T) {
	server := start(t, smtpfake.Options{})
	c := client(t, server)
	for _, key := range []string{"E-42/t1/ana/mail/1", "E-42/t1/ana/mail/1", "E-42/t2/ana/mail/1"} {
		_, err := c.Send(t.Context(), letter(key))
		require.NoError(t, err)
	}
	other := letter("E-43/t1/ana/mail/1")
	other.Brief.Escalation = "E-43"
	_, err := c.Send(t.Context(), other)
	require.NoError(t, err)

	var ids, threads []string
	for _, m := range server.Mails() {
		message, err := m.Parsed()
		require.NoError(t, err)
		ids = append(ids, message.Header.Get("Message-ID"))
		threads = append(threads, message.Header.Get("References"))
		require.Equal(t, message.Header.Get("References"), message.Header.Get("In-Reply-To"))
	}
	require.Equal(t, ids[0], ids[1])
	require.NotEqual(t, ids[1], ids[2])
	require.Equal(t, threads[0], threads[2])
	require.NotEqual(t, threads[0], threads[3])
	require.Regexp(t, `^<[0-9a-f]{64}@acme\.example>$`, threads[0])
}

func TestWhatServersAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		conduct smtpfake.Conduct
		class   page.Class // empty: an error that may pass
		code    string
	}{
		"no such mailbox":        {smtpfake.Conduct{Recipient: 550}, page.Dead, "550 5.1.1"},
		"greylisted":             {smtpfake.Conduct{Recipient: 451}, page.Transient, "451 4.1.1"},
		"refused as spam":        {smtpfake.Conduct{Content: 554}, page.Dead, "554 5.1.1"},
		"content later":          {smtpfake.Conduct{Content: 452}, page.Transient, "452 4.1.1"},
		"going down":             {smtpfake.Conduct{Recipient: 421}, "", ""},
		"taken, then lost":       {smtpfake.Conduct{Drop: true}, "", ""},
		"taken, and never heard": {smtpfake.Conduct{Delay: 3 * time.Second}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t, smtpfake.Options{Plan: func(string) smtpfake.Conduct { return c.conduct }})
			receipt, err := client(t, server, func(o *smtp.Options) { o.Timeout = time.Second }).Send(t.Context(), letter("k"))
			if c.class == "" {
				require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
				requireNoSecrets(t, err.Error())
				return
			}
			require.NoError(t, err)
			require.Equal(t, page.Failed, receipt.Status)
			require.Equal(t, c.class, receipt.Class)
			require.Equal(t, c.code, receipt.Code)
			requireNoSecrets(t, receipt.Reason)
			require.Empty(t, server.Mails())
		})
	}
}

// What counts is the answer to the content; a server that hangs up right after it has the mail nevertheless.
func TestAMailThatWasTakenStaysSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		line, err := listener.Accept()
		if err != nil {
			return
		}
		defer line.Close()
		_, _ = io.WriteString(line, "220 hello\r\n")
		for scanner := bufio.NewScanner(line); scanner.Scan(); {
			switch said := scanner.Text(); {
			case said == ".":
				_, _ = io.WriteString(line, "250 taken\r\n")
				return
			case said == "DATA":
				_, _ = io.WriteString(line, "354 go on\r\n")
			case strings.HasPrefix(said, "EHLO"), strings.HasPrefix(said, "MAIL"), strings.HasPrefix(said, "RCPT"):
				_, _ = io.WriteString(line, "250 well\r\n")
			}
		}
	}()
	c, err := smtp.New(smtp.Options{Addr: listener.Addr().String(), From: "b@acme.example", Security: smtp.None, Timeout: 5 * time.Second})
	require.NoError(t, err)
	receipt, err := c.Send(t.Context(), letter("k"))
	require.NoError(t, err)
	require.Equal(t, page.Accepted, receipt.Status)
}

func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	c, err := smtp.New(smtp.Options{Addr: address, From: "b@acme.example", Security: smtp.None})
	require.NoError(t, err)
	_, err = c.Send(t.Context(), letter("k"))
	require.True(t, fault.Is(err, fault.Unavailable))
}

func TestSomethingElseIsThere(t *testing.T) {
	for _, greeting := range []string{"", "HTTP/1.1 400 Bad Request\r\n\r\n", "554 go away\r\n", "421 later\r\n"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		go func() {
			for {
				line, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = io.WriteString(line, greeting)
				_ = line.Close()
			}
		}()
		c, err := smtp.New(smtp.Options{Addr: listener.Addr().String(), From: "b@acme.example", Security: smtp.None, Timeout: time.Second})
		require.NoError(t, err)
		receipt, err := c.Send(t.Context(), letter("k"))
		require.NotEqual(t, page.Accepted, receipt.Status, greeting)
		require.Equal(t, greeting == "" || greeting[0] == '4', err != nil, "%q: %v", greeting, err)
		require.NoError(t, listener.Close())
	}
}

func TestASilentServerIsLeft(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	c, err := smtp.New(smtp.Options{Addr: listener.Addr().String(), From: "b@acme.example", Security: smtp.None})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = c.Send(ctx, letter("k"))
	require.True(t, fault.Is(err, fault.Unavailable))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestEncryptionAndCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		server smtpfake.Options
		change func(*smtp.Options, *smtpfake.Server)
		status page.Status
		reason string
	}{
		"starttls": {smtpfake.Options{StartTLS: true, Username: "belay", Password: secret}, trusting, page.Accepted, ""},
		"tls": {smtpfake.Options{TLS: true, Username: "belay", Password: secret}, func(o *smtp.Options, s *smtpfake.Server) {
			trusting(o, s)
			o.Security = smtp.TLS
		}, page.Accepted, ""},
		"wrong password": {smtpfake.Options{StartTLS: true, Username: "belay", Password: "other"}, trusting, page.Failed, "credentials"},
		"no password": {smtpfake.Options{StartTLS: true, Username: "belay", Password: secret}, func(o *smtp.Options, s *smtpfake.Server) {
			trusting(o, s)
			o.Username, o.Password = "", ""
		}, page.Failed, "refused"},
		"certificate of a stranger": {smtpfake.Options{StartTLS: true}, func(o *smtp.Options, _ *smtpfake.Server) {
			o.Security = smtp.StartTLS
		}, page.Failed, "certificate"},
		"tls of a stranger": {smtpfake.Options{TLS: true}, func(o *smtp.Options, _ *smtpfake.Server) {
			o.Security = smtp.TLS
		}, page.Failed, "certificate"},
		"starttls not offered": {smtpfake.Options{}, func(o *smtp.Options, _ *smtpfake.Server) {
			o.Security = smtp.StartTLS
		}, page.Failed, "settings"},
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t, c.server)
			receipt, err := client(t, server, func(o *smtp.Options) { c.change(o, server) }).Send(t.Context(), letter("k"))
			require.NoError(t, err)
			require.Equal(t, c.status, receipt.Status, receipt.Reason)
			require.Contains(t, receipt.Reason, c.reason)
			requireNoSecrets(t, receipt.Reason)
			if c.status == page.Failed {
				require.Equal(t, page.Dead, receipt.Class)
				require.Empty(t, server.Mails())
			}
		})
	}
}

func trusting(o *smtp.Options, server *smtpfake.Server) {
	o.Security, o.Username, o.Password = smtp.StartTLS, "belay", secret
	o.TLSConfig = &tls.Config{RootCAs: server.Roots, MinVersion: tls.VersionTLS12}
}

// Whatever a monitor or a blueprint puts into a message, it makes no header and no second recipient.
func TestNoHeaderCanBeInjected(t *testing.T) {
	server := start(t, smtpfake.Options{})
	c := client(t, server)
	hostile := rapid.OneOf(rapid.String(), rapid.Just("x\r\nBcc: eve@example.com\r\n\r\nhello"), rapid.Just("x\nBcc: eve@example.com"),
		rapid.Just("=?utf-8?q?x=0D=0ABcc:_eve?="), rapid.Just("\u2028Bcc: eve\x00"))
	rapid.Check(t, func(t *rapid.T) {
		m := letter(hostile.Draw(t, "key"))
		m.Subject, m.Body, m.Brief.Title = hostile.Draw(t, "subject"), hostile.Draw(t, "body"), hostile.Draw(t, "title")
		before := len(server.Mails())
		receipt, err := c.Send(context.Background(), m)
		require.NoError(t, err)
		require.Equal(t, page.Accepted, receipt.Status)
		mails := server.Mails()
		require.Len(t, mails, before+1)
		require.Equal(t, []string{ana}, mails[before].To)
		message, err := mails[before].Parsed()
		require.NoError(t, err)
		require.Empty(t, message.Header.Get("Bcc"))
		require.Len(t, message.Header["Subject"], 1)
		require.NotContains(t, message.Header.Get("Subject"), "\n")
		require.Equal(t, "<"+ana+">", message.Header.Get("To"))
	})
}

func TestAnAddressMustBeOneAddress(t *testing.T) {
	server := start(t, smtpfake.Options{})
	for _, to := range []string{"", "ana", "ana@example.com, eve@example.com", "Ana <ana@example.com>", "ana@example.com\r\nRCPT TO:<eve@example.com>", "ana@example.com>\r\nDATA"} {
		m := letter("k")
		m.To = to
		receipt, err := client(t, server).Send(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, page.Dead, receipt.Class, to)
	}
	require.Empty(t, server.Mails())
}

func TestNothingIsFound(t *testing.T) {
	server := start(t, smtpfake.Options{})
	_, found, err := client(t, server).Find(t.Context(), letter("k"), time.Now())
	require.NoError(t, err)
	require.False(t, found)
}

func TestOnlyEmail(t *testing.T) {
	m := letter("k")
	m.Channel = org.SMS
	_, err := client(t, start(t, smtpfake.Options{})).Send(t.Context(), m)
	require.True(t, fault.Is(err, fault.Invalid))
}

func TestOptionsNameTheWrongField(t *testing.T) {
	for field, o := range map[string]smtp.Options{
		"addr":     {Addr: "mail.example.com", From: "b@acme.example"},
		"from":     {Addr: "mail.example.com:25", From: "Belay"},
		"security": {Addr: "mail.example.com:25", From: "b@acme.example", Security: smtp.None, Username: "b"},
	} {
		_, err := smtp.New(o)
		var f *fault.Error
		require.ErrorAs(t, err, &f)
		require.Equal(t, field, f.Field)
	}
}

func requireNoSecrets(t *testing.T, text string) {
	t.Helper()
	require.NotContains(t, text, ana)
	require.NotContains(t, text, secret)
}
