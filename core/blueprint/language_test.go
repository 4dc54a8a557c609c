package blueprint

import (
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	yaml "go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// An editor goes by the patterns, the loader by its own reading. They must agree on every word; where dates and hours
// are concerned the loader knows more (there is no 30 February), never less.
func TestTheSchemaAndTheLoaderAgreeOnWords(t *testing.T) {
	for _, c := range []struct {
		form  form
		words string // what a hostile word is made of
		same  bool   // the loader refuses no more than the pattern
	}{
		{formIdent, `[a-zA-Z0-9._é /-]{0,70}`, true},
		{formKey, `[A-Za-z0-9._~/ -]{0,20}`, true},
		{formDuration, `([0-9]{0,7}[dhms]){0,3}[0-9.]{0,1}`, false},
		{formDate, `[0-9]{4}-[0-9]{2}-[0-9]{2,3}`, false},
		{formDayDate, `([0-9]{4}-)?[0-1][0-9]-[0-3][0-9]`, false},
		{formMoment, `202[0-9]-[01][0-9]-[0-3][0-9](T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?`, false},
		{formClock, `[0-9]{1,3}:[0-9]{1,3}`, false},
		{formSpan, `[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]`, false},
		{formDays, `(mon|tue|fri|sun|day)(-(mon|wed|sat|x))?`, true},
		{formPhone, `\+?[0-9]{1,17}`, false},
		{formMail, `[a-z.@ ]{0,12}@?[a-z.-]{0,9}`, true},
		{formWeb, `(https?|ftp)://[a-z:@. ]{0,9}`, false},
	} {
		s := &shape{form: c.form}
		pattern := regexp.MustCompile(s.pattern())
		rapid.Check(t, func(t *rapid.T) {
			word := rapid.OneOf(rapid.StringMatching(c.words), rapid.String()).Draw(t, "word")
			r := &reader{load: time.LoadLocation, zones: map[string]*time.Location{}, broken: map[node]bool{}}
			takes := r.scalar(s, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: word}) == ""
			if takes && !pattern.MatchString(word) {
				t.Fatalf("%s: the loader takes %q, the schema does not", c.form, word)
			}
			if c.same && !takes && pattern.MatchString(word) {
				t.Fatalf("%s: the schema takes %q, the loader does not", c.form, word)
			}
		})
	}
}

// The wall keeps net out of the core, so the URL is read by hand: every reader must then see the same host.
func TestAURLIsWhatTheSenderWillSee(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://hooks.example.com/belay?x=1#y": true, "http://127.0.0.1:8080": true, "https://a.b/%20": true, "https://a": true,
		"": false, "https://": false, "https:///path": false, "hooks.example.com": false, "ftp://a": false, "javascript://a": false, "HTTPS://a": false,
		"https://user:secret@a": false, "https://a@b/": false, "https://a:0": false, "https://a:99999": false, "https://a:b": false, "https://a:": false,
		"https://[::1]/": false, "https://a b": false, "https://a\\b": false, "https://a/%zz": false, "https://a/%2": false, "https://-a": false, "https://a..b": false, "https://exämple": false,
	} {
		require.Equal(t, ok, web(text) == "", text)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`https?://[a-z0-9.@:%-]{1,12}([/?#][a-z0-9%:@/?#-]{0,12})?`).Draw(t, "url")
		if web(text) != "" {
			return
		}
		u, err := url.Parse(text)
		if err != nil || u.User != nil || !hostname(u.Hostname()) || u.Scheme != "https" && u.Scheme != "http" {
			t.Fatalf("%q → %+v, %v", text, u, err)
		}
	})
}

func TestADurationIsTheSumOfItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.IntRange(1, 365*24*3600).Draw(t, "seconds")) * time.Second
		text := regexp.MustCompile(` |min`).ReplaceAllStringFunc(lasting(d), func(found string) string {
			if found == "min" {
				return "m"
			}
			return ""
		})
		read, ok := duration(text)
		if !ok || read != d {
			t.Fatalf("%s → %q → %s", d, text, read)
		}
	})
}

func TestASuggestionIsNearOrNone(t *testing.T) {
	words := []string{"payments", "payouts", "ana"}
	require.Equal(t, `; did you mean "payments"?`, suggest("paymnets", words))
	require.Equal(t, `; did you mean "ana"?`, suggest("anna", words))
	require.Empty(t, suggest("ledger", words))
	require.Empty(t, suggest("", words))
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringN(0, 8, -1).Draw(t, "a"), rapid.StringN(0, 8, -1).Draw(t, "b")
		if edits(a, b) != edits(b, a) || (edits(a, b) == 0) != (a == b) {
			t.Fatalf("%q %q", a, b)
		}
	})
}

func TestDaysWrapAroundTheWeekend(t *testing.T) {
	list, ok := days("sat-mon")
	require.True(t, ok)
	require.Equal(t, []time.Weekday{time.Saturday, time.Sunday, time.Monday}, list)
}
