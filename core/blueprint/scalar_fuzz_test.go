package blueprint

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// No text of a blueprint breaks the readers of its values, and what they take lies in the range that they promise.
func FuzzScalars(f *testing.F) {
	for _, seed := range []string{
		"15m", "1h30m", "2d", "999999d", "1m1h", "d", "-1s", "2026-12-24", "2026-02-31", "12-24", "02-29", "2026-03-29 02:30", "2026-03-29T02:30:00Z",
		"24:00", "23:59", "7:5", "09:00-17:00", "22:00-06:00", "mon-fri", "fri-mon", "sun,mon", "-", ",", "+34600111222", "+1", "a@b.c",
		"https://x/y?z=%zz", "http://[::1]:1/", "\u0661\u0662m", strings.Repeat("9", 400) + "s",
	} {
		f.Add(seed)
	}
	zone, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, ok := duration(text); ok && d < 0 {
			t.Fatalf("%q is %s", text, d)
		}
		if n, ok := number(text); ok && n < 0 {
			t.Fatalf("%q is %d", text, n)
		}
		if at, ok := moment(text, zone); ok && (at.Year() < 0 || at.Year() > 9999) {
			t.Fatalf("%q is %s, which no answer can say", text, at)
		}
		if list, ok := days(text); ok && (len(list) == 0 || len(list) > 7) {
			t.Fatalf("%q is %v", text, list)
		}
		if d, ok := date(text); ok && text != fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) {
			t.Fatalf("%q is %v", text, d)
		}
		_, _ = yearly(text)
		clock(text)
		span(text)
		phone(text)
		web(text)
		hostname(text)
		_ = escaped(text)
		if ident(text) && strings.ContainsAny(text, "/\n ") {
			t.Fatalf("%q would break a key", text)
		}
		if e164(text) && (len(text) > 16 || text[0] != '+') {
			t.Fatalf("%q is no number", text)
		}
	})
}
