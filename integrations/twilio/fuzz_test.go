package twilio_test

import (
	"encoding/xml"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/twilio"
)

// Whatever form is posted is read or refused as bad input.
func FuzzCallbacks(f *testing.F) {
	for _, seed := range []string{
		"MessageSid=SM1&MessageStatus=delivered", "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003", "CallSid=CA1&CallStatus=no-answer&Timestamp=Mon, 02 Mar 2026 12:00:00 +0000",
		"CallSid=CA1&CallStatus=completed&AnsweredBy=machine_start&Digits=4", "From=%2B34600111222&To=%2B12125550100&Body=ack+42&MessageSid=SM2", "Body=%ff%fe%00", "a;b", "%zz", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		form, err := url.ParseQuery(body)
		if err != nil {
			t.Skip() // refused before
		}
		receipt, err := twilio.ParseStatus(form)
		refusedWell(t, err)
		if err == nil && (receipt.Status == "" || receipt.ProviderID == "" || receipt.Provider == "") {
			t.Fatalf("half a receipt: %+v", receipt)
		}
		in, err := twilio.ParseInbound(form)
		refusedWell(t, err)
		if err == nil && in.SID == "" {
			t.Fatal("an answer that cannot be told from its copy")
		}
		call, err := twilio.ParseVoice(form)
		refusedWell(t, err)
		if err == nil && call.SID == "" {
			t.Fatal("a call without a name")
		}
	})
}

func refusedWell(t *testing.T, err error) {
	t.Helper()
	if err != nil && !fault.Is(err, fault.Invalid) {
		t.Fatalf("%v", err)
	}
}

// TwiML is XML of one root with the verbs that were meant, whatever the words are.
func FuzzTwiML(f *testing.F) {
	for _, seed := range []string{"Card payments fail", "</Say><Dial>+1900</Dial>", "]]>&amp;<!--", "\x00\xff\u2028", strings.Repeat("&", 5000), ""} {
		f.Add(seed, "https://belay.example/callbacks?key="+seed)
	}
	f.Fuzz(func(t *testing.T, text, action string) {
		s := twilio.Script{Language: "en-GB"}
		for name, document := range map[string][]byte{"page": s.Page(text, action), "say": s.Say(text), "reply": s.Reply(text), "hangup": s.Hangup()} {
			decoder := xml.NewDecoder(strings.NewReader(string(document)))
			for {
				token, err := decoder.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%s of %q: %v", name, text, err)
				}
				if start, ok := token.(xml.StartElement); ok {
					switch start.Name.Local {
					case "Response", "Gather", "Say", "Hangup", "Message":
					default:
						t.Fatalf("%s of %q has a verb %s", name, text, start.Name.Local)
					}
				}
			}
		}
	})
}

// Nothing but the signature that the token makes is believed, and nothing breaks the check.
func FuzzSignature(f *testing.F) {
	f.Add("/callbacks/twilio/sms", "From=a&Body=b", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	f.Add("/x?bodySHA256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "", "")
	f.Add("/%zz?%zz", "%zz", "====")
	f.Fuzz(func(t *testing.T, path, body, signature string) {
		v := twilio.Verifier{AuthToken: "token", PublicURL: "https://belay.example/belay"}
		if err := v.Check(path, []byte(body), signature); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("believed: %v", err)
		}
		form, err := url.ParseQuery(body)
		if err != nil || strings.Contains(path, "?") {
			return
		}
		if err := v.Check(path, []byte(body), twilio.Sign("token", "https://belay.example/belay"+path, form)); err != nil {
			t.Fatalf("%q %q is signed and not believed: %v", path, body, err)
		}
	})
}
