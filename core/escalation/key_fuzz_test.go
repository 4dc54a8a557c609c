package escalation

import (
	"strings"
	"testing"
)

// Whatever text a carrier hands back as a key is read or refused; what is read names an escalation and a person that stand
// in the text.
func FuzzReadKey(f *testing.F) {
	for _, seed := range []string{
		"E-42/t1/ana/mobile/3", "E-42/told/ana/mail/7", "E-42/v/acme.cloud.1/t1/vik/desk/2", "E-/t1/a/b/1", "E-1/v/.1/t1/a/b/1",
		"E-9223372036854775808/t1/a/b/1", "E-1/t-1/a/b/1", "E-1/t1/a/b/+1", "/////", "E-1/v/x.0/t1/a/b/1", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		r, ok := ReadKey(key)
		if !ok {
			if r != (Recipient{}) {
				t.Fatalf("half a recipient of %q: %+v", key, r)
			}
			return
		}
		if n, err := r.Escalation.Number(); err != nil || n <= 0 || !strings.HasPrefix(key, string(r.Escalation)+"/") {
			t.Fatalf("%q is of no escalation: %+v", key, r)
		}
		if r.Person == "" || r.Method == "" || !strings.Contains(key, "/"+string(r.Person)+"/"+string(r.Method)+"/") {
			t.Fatalf("%q is for nobody: %+v", key, r)
		}
		if (r.Vendor == "") != (r.Number == 0) {
			t.Fatalf("%q is of half an engagement: %+v", key, r)
		}
	})
}
