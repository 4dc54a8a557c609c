package durable

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
)

func key(name string, fill byte) Key {
	return Key{ID: name, Secret: bytes.Repeat([]byte{fill}, 32)}
}

func TestAPayloadIsReadableOnlyWithItsKey(t *testing.T) {
	start := contract.Start{Opening: escalation.Opening{ID: "E-42", Title: "card payments of Ana Pérez fail"}}
	old, _, err := converters([]Key{key("2025", 1)})
	if err != nil {
		t.Fatal(err)
	}
	rotated, _, err := converters([]Key{key("2026", 2), key("2025", 1)})
	if err != nil {
		t.Fatal(err)
	}
	stranger, _, err := converters([]Key{key("2025", 3)})
	if err != nil {
		t.Fatal(err)
	}

	sealed, err := old.ToPayload(start)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sealed.String(), "payments") {
		t.Fatalf("the payload is in clear: %s", sealed)
	}
	var back contract.Start
	if err := rotated.FromPayload(sealed, &back); err != nil {
		t.Fatalf("with the key rotated: %v", err)
	}
	if back.Opening.Title != start.Opening.Title {
		t.Fatalf("got %q", back.Opening.Title)
	}
	if err := stranger.FromPayload(sealed, &back); err == nil {
		t.Fatal("another secret under the same name opened it")
	}
	later, err := rotated.ToPayload(start)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.FromPayload(later, &back); err == nil || !strings.Contains(err.Error(), `"2026"`) {
		t.Fatalf("a missing key must be named: %v", err)
	}
}

func TestPayloadsFromBeforeTheKeysStayReadable(t *testing.T) {
	clear, err := converter.GetDefaultDataConverter().ToPayload("hello")
	if err != nil {
		t.Fatal(err)
	}
	sealing, _, err := converters([]Key{key("a", 1)})
	if err != nil {
		t.Fatal(err)
	}
	var back string
	if err := sealing.FromPayload(clear, &back); err != nil || back != "hello" {
		t.Fatalf("got %q, %v", back, err)
	}
}

func TestATamperedPayloadIsRefused(t *testing.T) {
	v, err := newVault([]Key{key("a", 1), key("b", 1)})
	if err != nil {
		t.Fatal(err)
	}
	seal := func() *commonpb.Payload {
		sealed, err := v.Encode([]*commonpb.Payload{{Data: []byte("hello")}})
		if err != nil {
			t.Fatal(err)
		}
		return sealed[0]
	}
	for name, tamper := range map[string]func(*commonpb.Payload){
		"a bit flipped":                  func(p *commonpb.Payload) { p.Data[len(p.Data)-1] ^= 1 },
		"cut short":                      func(p *commonpb.Payload) { p.Data = p.Data[:5] },
		"empty":                          func(p *commonpb.Payload) { p.Data = nil },
		"another key's name, same bytes": func(p *commonpb.Payload) { p.Metadata[metadataKeyID] = []byte("b") },
		"no name":                        func(p *commonpb.Payload) { delete(p.Metadata, metadataKeyID) },
	} {
		payload := seal()
		tamper(payload)
		if _, err := v.Decode([]*commonpb.Payload{payload}); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestAFailuresWordsAreHidden(t *testing.T) {
	_, failures, err := converters([]Key{key("a", 1)})
	if err != nil {
		t.Fatal(err)
	}
	failure := failures.ErrorToFailure(errors.New("send to +4179000000"))
	if strings.Contains(failure.String(), "4179") {
		t.Fatalf("in clear: %s", failure)
	}
	if back := failures.FailureToError(failure); !strings.Contains(back.Error(), "+4179000000") {
		t.Fatalf("lost: %v", back)
	}
}

func TestKeysAreCheckedBeforeTheyAreUsed(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	keys, err := ParseKeys(" a:" + good + ", b:" + good + ",")
	if err != nil || len(keys) != 2 || keys[0].ID != "a" {
		t.Fatalf("got %d keys, %v", len(keys), err)
	}
	for _, bad := range []string{good, ":" + good, "a:####", "a:" + good[:20], "a:" + good + ",a:" + good, "a:"} {
		_, err := ParseKeys(bad)
		if err == nil {
			t.Errorf("%q was taken", bad)
			continue
		}
		if strings.Contains(err.Error(), good) {
			t.Errorf("%q: the error shows the secret: %v", bad, err)
		}
	}
}
