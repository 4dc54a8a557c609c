package store

import (
	"encoding/base64"
	"testing"

	"github.com/belayhq/belay/core/fault"
)

// Whatever a caller takes for a cursor is one or is refused as bad input.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"", "x", `{"n":1}`, `{"n":-1}`, `{"n":1,"b":true,"a":"2026-03-02T12:00:00Z"}`, `{"n":9223372036854775808}`, `{"n":1,"a":"0000-01-01T00:00:00+23:59"}`} {
		f.Add(seed, false)
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(seed)), true)
	}
	f.Fuzz(func(t *testing.T, text string, byNext bool) {
		for _, s := range []string{text, base64.RawURLEncoding.EncodeToString([]byte(text))} {
			c, err := readCursor(s, byNext)
			if err != nil {
				if !fault.Is(err, fault.Invalid) {
					t.Fatal(err)
				}
				continue
			}
			if s != "" && c.Number <= 0 || c.Next != byNext {
				t.Fatalf("%q is %+v", s, c)
			}
		}
	})
}
