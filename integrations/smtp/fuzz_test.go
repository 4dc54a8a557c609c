package smtp

import (
	"bytes"
	"net/mail"
	"testing"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/page"
)

// Whatever an alert is called, a mail about it goes to its receiver and to nobody else, and is one mail.
func FuzzCompose(f *testing.F) {
	f.Add("ana@people.example", "Card payments fail", "body", "https://belay.example/a/x", "E-42/t1/ana/mail/1")
	f.Add("ana@people.example", "x\r\nBcc: eve@evil.example", ".\r\nMAIL FROM:<eve@evil.example>", "javascript:alert(1)", "E-1\r\nBcc: eve@evil.example")
	f.Add("ana@people.example\r\nBcc: eve@evil.example", "=?utf-8?q?=0D=0ABcc:_eve?=", "\x00\xff", "\"><script>", "")
	client, err := New(Options{Addr: "127.0.0.1:25", From: "belay@belay.example", Security: None})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, to, subject, body, link, key string) {
		message, err := client.compose(page.Message{
			Key: key, Purpose: page.Page, To: to, Subject: subject, Body: body, Link: link, Brief: page.Brief{Escalation: id.Escalation("E-42"), Title: subject},
		}, time.Unix(1772452800, 0))
		if err != nil {
			return
		}
		var raw bytes.Buffer
		if _, err := message.WriteTo(&raw); err != nil {
			t.Fatalf("%q cannot be written: %v", subject, err)
		}
		read, err := mail.ReadMessage(&raw)
		if err != nil {
			t.Fatalf("no mail: %v", err)
		}
		receivers, err := read.Header.AddressList("To")
		if err != nil || len(receivers) != 1 || read.Header.Get("Cc") != "" || read.Header.Get("Bcc") != "" {
			t.Fatalf("to %v, cc %q, bcc %q: %v", receivers, read.Header.Get("Cc"), read.Header.Get("Bcc"), err)
		}
	})
}
