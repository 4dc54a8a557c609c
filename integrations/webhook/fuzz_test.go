package webhook_test

import (
	"testing"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/webhook"
)

func FuzzVerify(f *testing.F) {
	f.Add("t=1772452800,v1=00", []byte("{}"))
	f.Add("t=-9223372036854775808,v1=", []byte{})
	f.Add(",,=,v1=zz,t=,t=1", []byte("\x00"))
	now := time.Unix(1772452800, 0)
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		if err := webhook.Verify("secret", header, body, now); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("believed: %v", err)
		}
		if err := webhook.Verify("secret", webhook.Sign("secret", body, now)+","+header, body, now); err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Fatal(err)
		}
		if err := webhook.Verify("secret", webhook.Sign("secret", body, now), body, now); err != nil {
			t.Fatal(err)
		}
	})
}
