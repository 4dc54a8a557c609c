package web

import (
	"strings"
	"testing"

	"github.com/belayhq/belay/core/fault"
)

// A cookie that we did not make opens nothing, one made for another purpose neither, and no redirect leaves the site.
func FuzzCookiesAndRedirects(f *testing.F) {
	seal, err := newSealer([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "/", "//evil.example", "/\\evil.example", "https://evil.example", "/escalations/E-1?x=//y", "/\t/evil.example", "\x00", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		f.Add(seed)
	}
	site := &Site{}
	f.Fuzz(func(t *testing.T, text string) {
		var held asked
		if err := seal.open("asked", text, &held); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("opened %q: %v", text, err)
		}
		sealed, err := seal.seal("answer", answer{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if err := seal.open("asked", sealed, &held); err == nil {
			t.Fatal("an answer was taken for a sign-in")
		}
		if seal.matches(text, text) || seal.matches("", seal.token("")) {
			t.Fatal("a form of nobody was believed")
		}
		if where := site.localPath(text); where == "" || where[0] != '/' || strings.HasPrefix(where, "//") || strings.ContainsAny(where, "\\\r\n\t") {
			t.Fatalf("%q leads to %q", text, where)
		}
	})
}
